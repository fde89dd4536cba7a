"""What a row of the table of primitives says about a function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from diffkit.core.errors import DiffkitError
from diffkit.core.table.places import Place, Rule, continuation, series_name

Ends = tuple[float, float]
"""the ends of an interval, finite or not"""
WHOLE_LINE: Ends = (-math.inf, math.inf)
NOT_NEGATIVE: Ends = (0.0, math.inf)

class Complement(NamedTuple):
    """``top`` − f(x)**``power`` in a form that does not cancel where the two are near each other."""

    top: int
    form: Rule
    power: int = 1


class Logistic(NamedTuple):
    """Rows by which 1/(1 + f(u)) is ``tail``(−u), f(u)/(1 + f(u)) is ``tail``(u), and log(1 + f(u)) is ``log``(u)."""

    tail: str
    log: str


@dataclass(frozen=True, eq=False, repr=False)
class Primitive:
    """One row: everything diffkit knows about one elementary function.

    ``partials[i]`` is ∂y/∂xᵢ as a rule of (F, x₁ … xₙ, y) where y is the answer; None means that the function
    does not vary with that argument (a step, a condition, a constant order). ``pushforward(F, args, y, tangents)``
    overrides the sum of partials where selection or a better-rounded form matters; an absent tangent is None.
    Where ``floats``, ``array``, ``mpmath``, ``sympy``, ``ball`` or ``series`` is None, ``definition`` (a rule in other
    rows) gives the meaning; that of series ``identity``, if there is one. ``ulps`` bounds the error of the float form
    at any finite argument inside the domain that the tests visit. ``fold`` computes exactly on rationals, or returns
    None where it cannot.
    """

    name: str
    arguments: tuple[str, ...]
    doc: str
    partials: tuple[Rule | None, ...]
    pushforward: Rule | None = None
    definition: Rule | None = None
    floats: Callable[..., Any] | None = None
    array: str | Callable[..., Any] | None = None
    mpmath: str | Callable[..., Any] | None = None
    sympy: str | Callable[..., Any] | None = None
    ball: str | Callable[..., Any] | None = None
    """form on Arb balls: a method of ``flint.arb``, or a function of (flint, x, …)"""
    series: str | Callable[..., Any] | None = None
    """form on power series over balls: a method of ``flint.arb_series``, or a function of (flint, x, …)"""
    identity: Rule | None = None
    """what the row equals in rows that have series, where it has none and its definition would not do"""
    fold: Callable[..., Any] | None = None
    written: tuple[Rule | None, ...] = ()
    """partials in the form that people write, for texts, where ``partials`` are chosen for the last bit of accuracy"""
    pairs: str | Rule | None = None
    """form on pairs of floats that keeps both parts: a method of theirs, or a formula in other rows that is better than
    the float form"""
    places: tuple[Place, ...] = ()
    aliases: tuple[str, ...] = ()
    points: tuple[Any, ...] = ()
    ulps: float = 1.0
    libm: str = ""
    """its name in the mathematical library of C (C17, 7.12), if it is there"""
    code: Mapping[str, str] = field(default_factory=dict)
    """its name in programming languages, by language, where that does not follow from other facts; # is an argument"""
    vectors: Rule | None = None
    """form in rows that NumPy computes on whole vectors, where it computes this one number by number"""
    spelled: Rule | None = None
    """a formula in other rows for languages that have no such function, its orders whole numbers; ``pairs`` or the
    definition unless given"""
    infix: str = ""
    """the operator that writes it, if any"""
    prefix: str = ""
    """a sign that may stand before its argument in text"""
    truth: bool = False
    """the value is true or false"""
    truths: tuple[int, ...] = ()
    """arguments that must be true or false"""
    orders: tuple[int, ...] = ()
    """arguments that must be integer constants"""
    lowest: int | None = None
    """the least order, if there is one"""
    variadic: bool = False
    """called with any number of arguments, folded from the left"""
    alone: str = ""
    """what to write for a variadic row of a single argument, where that is not the argument"""
    callable: bool = True
    """may be called by name in text"""
    bends: tuple[tuple[int, int], ...] | None = None
    """pairs of arguments by which the second derivative is not zero throughout; None: any"""
    odd: bool = False
    """f(−x) = −f(x)"""
    range: Ends = WHOLE_LINE
    """an interval that holds its values"""
    positive: bool = False
    """never 0 or less"""
    monotone: int = 0
    """1 if it rises over its whole domain in each argument, or never falls; −1 if it falls"""
    domain: Ends = WHOLE_LINE
    """where a monotone row is defined, with the ends"""
    hull: Callable[..., Any] | None = None
    """balls whose hull is its range over a ball or interval, as a function of (flint, x, …); ``ball`` unless given"""
    tails: tuple[float, float] | None = None
    """its limits at −∞ and ∞, if it reaches both faster than any power"""
    growth: Rule | None = None
    """a formula in other rows that holds at infinity, or grows as fast (DLMF, chapters 4, 5, 7); the definition
    unless given. A sine stands for what is only bounded, a tangent for poles all the way"""
    moved: Rule | None = None
    """an identity that holds at its edges and poles, and has them elsewhere; the definition unless given"""
    away: Callable[[int], Rule] | None = None
    """the same for poles at 0, −1, −2, …: by the number of the pole"""
    complement: Complement | None = None
    """what subtraction from a constant would lose, and the form that keeps it"""
    germ: str = ""
    """form on one-sided series where they are not composed term by term: a method of theirs"""
    exact: str | Rule | None = None
    """form on exact numbers: a method of their field, or a formula in rows that have one"""
    base: int | str = 0
    """of a logarithm: a number or a named constant"""
    inverse: str = ""
    """the row that undoes it"""
    logistic: Logistic | None = None
    """forms of what saturates with it"""
    root: int = 0
    """of a root: its degree"""
    extreme: int = 0
    """1 if it is the largest of its options, −1 if it is the smallest"""
    options: tuple[Rule, ...] = ()
    """what it chooses among, if it is such an extreme"""
    convention: str = ""
    """what frameworks take for the derivative at its kink"""
    family: str = ""
    """rows of one family are taken for each other; no function has pieces, of which a neighbourhood may show one"""
    activation: bool = False
    """a neuron applies it to its sum"""
    unfolds: bool = False
    """SymPy writes its values at constants out, however long they get"""
    exponent: int | None = None
    """largest binary exponent of an argument that mpmath is asked about: its memory grows with the answer"""
    latex: str = ""
    """command in LaTeX, or how it is written around its argument, #; by name unless given"""
    origin: str = ""
    """the package that adds it, and its version; empty for the rows of diffkit"""
    continues: Primitive | None = None
    """the row whose derivatives this one gives near a removable point; its definition has the balls and series"""
    steps: bool = field(init=False)
    """constant between jumps, so that its derivative is zero wherever it exists"""
    removable: Place | None = field(init=False)
    """the place where the definition alone has no value"""
    special: tuple[Place, ...] = field(init=False)
    """the places where it is not smooth"""

    def __post_init__(self) -> None:
        gap = next((place for place in self.places if place.kind == "removable"), None)
        object.__setattr__(self, "steps", self.pushforward is None and all(rule is None for rule in self.partials))
        object.__setattr__(self, "removable", gap)
        object.__setattr__(self, "special", tuple(place for place in self.places if place is not gap))

    def __repr__(self) -> str:
        return f"<primitive {self.signature}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles and copies are the row of the same name: there is one of each."""
        if table.rows.get(self.name) is not self:
            raise DiffkitError(f"{self.name} is not in the table, so it cannot be pickled", hint="add its row first")
        return named, (self.name,)

    @property
    def cousins(self) -> tuple[Primitive, ...]:
        """The rows that are taken for it."""
        return tuple(row for row in table if self.family and row.family == self.family and row is not self)

    @property
    def bounded(self) -> bool:
        """Whether no value is larger than some number."""
        return all(map(math.isfinite, self.range))

    def shown(self, k: int) -> Rule | None:
        """The k-th partial in the form that people write."""
        return self.written[k] if self.written else self.partials[k]

    @property
    def signature(self) -> str:
        """How it is written: ``atan2(y, x)``, ``max(x, y, …)``, ``x + y``."""
        if self.infix and len(self.arguments) == 2:
            return f"{self.arguments[0]} {self.infix} {self.arguments[1]}"
        if self.infix:
            return f"{self.infix}{self.arguments[0]}"
        return f"{self.name}({', '.join(self.arguments)}{', …' if self.variadic else ''})"



class PrimitiveTable:
    """The rows by name and alias, in the order in which they were added."""

    def __init__(self) -> None:
        self.rows: dict[str, Primitive] = {}
        self.names: dict[str, Primitive] = {}

    def add(self, name: str, arguments: str, doc: str, **facts: Any) -> Primitive:
        """Add the row ``name`` whose arguments are given as a comma-separated list."""
        row = Primitive(name, tuple(arguments.replace(" ", "").split(",")), doc, **facts)
        if (place := row.removable) is not None:
            row = replace(row, fold=row.fold or place.fold, written=row.written or row.partials)
        for word in (name, *row.aliases):
            if word in self.names:
                raise ValueError(f"two rows are called {word}")
        if len(row.partials) != len(row.arguments):
            raise ValueError(f"{name}: one partial per argument, please")
        self.rows[name] = row
        if row.callable:
            for word in (name, *row.aliases):
                self.names[word] = row
        if row.removable is not None:
            self.add(series_name(name), "n, x", continues=row, **continuation(name, row.latex, row.removable))
        return row

    def __getitem__(self, name: str) -> Primitive:
        return self.rows[name]

    def __iter__(self) -> Iterator[Primitive]:
        return iter(self.rows.values())

    def one(self, **facts: Any) -> Primitive:
        """Give the row of which some facts are told: the square root, the natural logarithm."""
        return next(row for row in self if all(getattr(row, fact) == value for fact, value in facts.items()))


table = PrimitiveTable()
row = table.add


def named(name: str) -> Primitive:
    """Give the row that a pickle names; DiffkitError if the table has none of that name here."""
    if name not in table.rows:
        raise DiffkitError(f"the pickle holds {name}, which is in no row of the table here",
                           hint="import what adds that row, or use the version of diffkit that wrote it")  # fmt: skip
    return table[name]

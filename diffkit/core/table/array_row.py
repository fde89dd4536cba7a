"""What a row of the table of array functions says about a function of whole arrays.

What is needed of formulas for any size is said in terms of ``a``, an algebra of formulas whose shapes have symbolic
lengths: ``a.shape(x)``, entry by entry ``a.add``, ``a.times``, ``a.over``, ``a.power``, ``a.negative``; ``a.matmul``,
``a.T``, ``a.outer``, ``a.diag``, ``a.inv``, ``a.sum(x, axis)``; ``a.ones(shape)``, ``a.zeros(shape)``, ``a.eye(n)``,
``a.length(n)``, ``a.number(c)``; and any other function by its name, ``a.make(name, args, axis)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

from diffkit.core.errors import FormError
from diffkit.core.table.array_shapes import ArrayShape, ShapeRule
from diffkit.core.table.primitive import table

Formula = Any
"""a formula of the algebra: ``kind`` is the function's name, ``args`` are formulas, ``value`` is its axis or index"""


@dataclass(frozen=True, eq=False, repr=False)
class ArrayRow:
    """One row: everything diffkit knows about one function of whole arrays.

    ``value(np, *args)`` computes it by functions of NumPy, with ``axis=`` where it takes one; these work on arrays,
    dual arrays, tapes and recorded arrays alike. ``numpy`` is its own name there, which is the value where no other is
    given. ``pull(a, y, g)`` gives the adjoints of the arguments of the formula y from its own, df = sum(g * dy);
    ``push(a, y, moving)`` the tangent of y from those of its arguments by their number, where that is shorter than what
    follows from ``pull``. ``made(a, args, value)`` simplifies a formula as it is made.
    """

    name: str
    doc: str
    shape: ShapeRule
    numpy: str = ""
    """a function of NumPy, or with its module one of SciPy"""
    value: Callable[..., Any] | None = None
    counts: tuple[int, ...] = (1,)
    """numbers of arguments it may have"""
    axis: bool = False
    """takes an axis"""
    aliases: tuple[str, ...] = ()
    called: bool = True
    """may be called by name in text"""
    text: str = ""
    """how text writes it where not by its name: # stands for the arguments"""
    latex: str | tuple[str, ...] = ""
    """its name in LaTeX, or how it is written, # standing for each argument or for all; of arguments with no, one and
    two axes where that differs"""
    truths: bool = False
    """of a condition it counts the entries where that holds"""
    lengths: bool = False
    """its arguments are lengths"""
    pull: Callable[[Any, Formula, Formula], Sequence[Formula]] | None = None
    without: str = ""
    """why it has no formula for its derivative"""
    push: Callable[[Any, Formula, Mapping[int, Formula]], Formula] | None = None
    made: Callable[[Any, Sequence[Formula], Any], Formula] | None = None
    turned: Callable[[Any, Formula], Formula] | None = None
    """its transpose, where that is shorter"""
    summed: Callable[[Any, Formula, ArrayShape], Formula | None] | None = None
    """the sum of its entries, where that is shorter"""
    symmetric: bool = False
    """its own transpose wherever it is square"""
    kink: str = ""
    """where it is not smooth, of an argument #"""
    even_smooth: bool = False
    """its even powers are smooth there, too"""
    never_negative: bool = False
    positive: bool = False
    """never 0 or less"""
    keeps_sign: bool = False
    """positive, or not negative, where its entries are"""

    def __repr__(self) -> str:
        return f"<array function {self.signature}>"

    @property
    def signature(self) -> str:
        """How it is written: ``sum(x, axis)``."""
        return f"{self.name}({', '.join([*self.arguments, *['axis'] * self.axis])})"

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names for its arguments."""
        return (("m", "n") if self.lengths else ("x", "y"))[: max(self.counts)]

    @property
    def called_in_code(self) -> str:
        """Its name in NumPy or SciPy; empty if it has none there."""
        return f"numpy.{self.numpy}" if self.numpy and not self.numpy.startswith("scipy.") else self.numpy

    @property
    def entrywise(self) -> bool:
        """Whether it joins several arguments entry by entry, as the row of numbers of its name does."""
        return self.name in table.rows

    def latex_of(self, axes: int) -> str:
        """How it is written in LaTeX, of an argument with so many axes: its name, or a frame around # ."""
        return self.latex[min(axes, len(self.latex) - 1)] if isinstance(self.latex, tuple) else self.latex

    def value_of(self, np: Any, args: Sequence[Any], value: Any = None) -> Any:
        """Its value at arrays, by the functions of NumPy; ``value`` is its axis, or the keys of an index."""
        options = {"axis": value} if self.axis else {} if value is None else {"keys": value}
        function = partial(self.value, np) if self.value is not None else attrgetter(self.numpy)(np)
        return function(*args, **options)


class ArrayTable:
    """The rows by name and alias, in the order in which they were added."""

    def __init__(self) -> None:
        self.rows: dict[str, ArrayRow] = {}
        self.names: dict[str, str] = {}
        """every name in text, and that of the row it means"""

    def add(self, name: str, doc: str, shape: ShapeRule, **facts: Any) -> str:
        """Add a row, and give its name."""
        found = ArrayRow(name, doc, shape, **facts)
        for word in (name, *found.aliases):
            if word in self.names or word in self.rows:
                raise ValueError(f"two functions of arrays are called {word}")
        self.rows[name] = found
        if found.called:
            self.names.update(dict.fromkeys((name, *found.aliases), name))
        return name

    def __iter__(self) -> Iterator[ArrayRow]:
        return iter(self.rows.values())

    def of(self, call: Formula) -> ArrayRow | None:
        """The row of whole arrays that a formula calls; None where it is of numbers, entry by entry."""
        found = self.rows.get(call.kind)
        return None if found is None or (len(call.args) > 1 and found.entrywise) else found


array_table = ArrayTable()
array_row = array_table.add


def no_formula(call: Formula, why: str = "") -> FormError:
    """The error for a function whose derivative has no formula for any size."""
    return FormError(f"no formula is known for the derivative of {call.kind}{why}",
                    hint="with data, grad differentiates it at a point")  # fmt: skip

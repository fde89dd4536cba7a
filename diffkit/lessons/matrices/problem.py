"""What is asked about an array expression of any size: its names, their shapes, and which of them are assumed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, permutations

from diffkit.core.errors import DiffkitError, ShapeError, VariableError, did_you_mean
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_shapes import Length, said
from diffkit.core.text.names import GREEK, natural_order, notes
from diffkit.lessons.matrices.array_parser import check_letters, parse_array
from diffkit.lessons.matrices.nodes import Node, names_of, number, replaced
from diffkit.lessons.matrices.shapes import as_derivative, fitted, joined, lettered, named_sizes, plain, shapes_of

COUNTS = frozenset(("n", "m", "k", "d", "p", "q", "r", "s", "N"))
"""names that often count entries"""
JOINS = ("*", "/", "neg")
MOST_NODES = 500
"""operations of an expression whose formula is looked for"""


def only_factors(tree: Node, name: str) -> bool:
    """Whether every use of a name in a tree is as a factor or divisor."""
    return all(_factors(use) is not None for use in _uses(tree, name))


def of_scalars(tree: Node, shapes: Mapping[Node, Shape], name: str) -> bool:
    """Whether every use of a name is as a factor or divisor, and of scalars that are not all numbers."""
    found = [_factors(use) for use in _uses(tree, name)]
    return bool(found) and all(
        others and all(shapes[o] == () for o in others) and any(o.kind != "number" for o in others) for others in found
    )


def _uses(tree: Node, name: str) -> list[tuple[Node, ...]]:
    """The paths from the root to every use of a name."""
    paths: list[tuple[Node, ...]] = []
    stack: list[tuple[Node, ...]] = [(tree,)]
    while stack:
        path = stack.pop()
        if path[-1].kind == "name" and path[-1].value == name:
            paths.append(path)
        stack.extend((*path, arg) for arg in path[-1].args if name in names_of(arg))
    return paths


def _factors(path: tuple[Node, ...]) -> list[Node] | None:
    """What a use of a name is multiplied with and divided by; None if it is no factor."""
    others: list[Node] = []
    for below, node in zip(reversed(path), reversed(path[:-1]), strict=False):
        power = node.kind == "**" and node.args[0] is below and node.args[1].kind == "number"
        if node.kind not in JOINS and not power:
            break
        others += [] if power else [a for a in node.args if a is not below]
    return others or None


@dataclass(frozen=True)
class Problem:
    """Expressions over names of known shapes.

    ``shapes`` are of the names, with lengths that are numbers or names; ``assumed`` are the names whose rank was
    taken from how they are written, ``doubtful`` those vectors among them that may be meant as numbers; ``symmetric``
    are those declared to be their own transposes. ``sizes`` are the names that count entries, ``free`` those of which
    nothing says what they count.
    """

    trees: tuple[Node, ...]
    texts: tuple[str, ...]
    shapes: Mapping[str, Shape]
    assumed: tuple[str, ...]
    symmetric: frozenset[str]
    sizes: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """how names were read that may be meant as products"""

    @property
    def lengths(self) -> tuple[str, ...]:
        """Names of lengths, in order."""
        return tuple(dict.fromkeys(n for n in chain.from_iterable(self.shapes.values()) if isinstance(n, str)))

    def with_counts(self) -> Iterator[Problem]:
        """Give the problem with ``free`` sizes made to count those of one length or another, their own first."""
        lengths = tuple(dict.fromkeys(chain.from_iterable(self.shapes.values())))
        for chosen in sorted(permutations(lengths, len(self.free)), key=lambda chosen: chosen != self.free):
            problem = self
            for name, length in zip(self.free, chosen, strict=True):
                problem = problem._counting(name, length)
            yield problem

    def _counting(self, name: str, length: Length) -> Problem:
        if isinstance(length, int):
            trees = [replaced(t, lambda n: number(length) if (n.kind, n.value) == ("name", name) else None)
                     for t in self.trees]  # fmt: skip
            return replace(self, trees=tuple(trees), sizes=tuple(s for s in self.sizes if s != name))
        swapped: dict[Length, Length] = {length: name, name: length}
        return replace(
            self, shapes={key: tuple(swapped.get(n, n) for n in shape) for key, shape in self.shapes.items()}
        )

    def described(self) -> str:
        """The shapes in words."""
        words = []
        for name, shape in self.shapes.items():
            symmetric = "symmetric " if name in self.symmetric else ""
            words.append(f"{name} is {re.sub('^an? ', f'a {symmetric}', said(shape)) if symmetric else said(shape)}")
        return "; ".join(words)


def read_problem(
    texts: Sequence[str], shapes: Mapping[str, Sequence[Length]] | None = None, symmetric: Sequence[str] = (),
    claim: bool = False, wrt: str | None = None, declare: Sequence[str] = (), limits: Limits = DEFAULT,
) -> Problem:  # fmt: skip
    """Read expressions that share their names, and find the shapes of all names.

    Shapes that are not given are found from how names are used: capitals are matrices, Greek names scalars, other
    names vectors, and lengths are made equal where an operation needs it. Names inside eye and ones, and names that
    are lengths of a given shape, count entries. Names of given shapes, those to ``declare``, and ``wrt`` are variables,
    however they look. The second of two expressions may be a ``claim``, that it equals the
    first or (``wrt``) its derivative. ShapeError where that does not work out.
    """
    given, own = _given(shapes or {}), (symmetric,) if isinstance(symmetric, str) else tuple(symmetric)
    words = (*given, *chain.from_iterable(given.values()), *own, wrt, *declare)
    declared = frozenset(word for word in words if isinstance(word, str))
    trees = _trees(texts, limits, declared)
    return ProblemReading(trees, tuple(texts), given, own, claim, wrt).problem(declared)


def _trees(texts: Sequence[str], limits: Limits, declared: frozenset[str]) -> tuple[Node, ...]:
    trees = tuple(parse_array(text, limits, declared) for text in texts)
    size = sum(tree.size for tree in trees)
    if size > MOST_NODES:
        raise limits_error(size)
    return trees


class ProblemReading:
    """Expressions on their way to a problem: their names, and the shapes that fit."""

    def __init__(self, trees: tuple[Node, ...], texts: tuple[str, ...], given: dict[str, Shape],
                 symmetric: tuple[str, ...], claim: bool, wrt: str | None):  # fmt: skip
        self.trees, self.texts, self.given, self.claim, self.wrt = trees, texts, given, claim, wrt
        self.symmetric = symmetric
        self.every = natural_order(names_of(*trees))
        self.lengths = frozenset(chain.from_iterable(given.values()))
        """lengths of the shapes that are given"""

    def problem(self, declared: frozenset[str]) -> Problem:
        """The problem, in which the ``declared`` names are variables however they look."""
        self._check(declared)
        self.sizes = tuple(name for name in self.every if self._counts(name))
        names = [name for name in self.every if name not in self.sizes]
        if not names:
            raise VariableError("the expression names nothing to differentiate by")
        self.assumed = tuple(name for name in names if name not in self.given)
        found = self._of_the_claim(self._fit(names, self._plain_numbers(names)))
        inside = named_sizes(*self.trees)
        found = lettered(found, {*names, *inside, *self.lengths})
        vectors = [name for name in self.assumed if len(found[name]) == 1 and name != self.wrt]
        doubtful = tuple(name for name in vectors if _doubtful(self.trees[0], name, found, self.sizes))
        lone = {*self.sizes} - inside - self.lengths
        known = {*self.lengths, *chain.from_iterable(found.values())} - lone
        free = tuple(name for name in self.sizes if self.claim and name not in known)
        said_of = tuple(notes(names, declared, matrices=True))
        return Problem(self.trees, self.texts, found, self.assumed, frozenset(self.symmetric), self.sizes, free,
                       doubtful, said_of)  # fmt: skip

    def _check(self, declared: frozenset[str]) -> None:
        for tree, text in zip(self.trees, self.texts, strict=True):
            check_letters(tree, text, declared, declared)
        for name in chain(self.given, self.symmetric):
            if name not in self.every:
                raise VariableError(f"the expression has no {name}", hint=did_you_mean(name, self.every))

    def _counts(self, name: str) -> bool:
        """Whether a name counts entries: inside eye, as a given length, or as a factor only one side of a claim has."""
        trees, given = self.trees, self.given
        if name in named_sizes(*trees) or name in self.lengths:
            if given.get(name):
                raise ShapeError(f"{name} is a length, and {said(given[name])} too",
                                 hint="give the length another name")  # fmt: skip
            return True
        if not self.claim or name in given or name not in COUNTS or name == self.wrt:
            return False
        holds = [tree for tree in trees if name in names_of(tree)]
        return len(holds) == 1 and only_factors(holds[0], name) and (self.wrt is None or holds[0] is trees[1])

    def _plain_numbers(self, names: Sequence[str]) -> list[str]:
        """Names such as n that multiply and divide scalars and do nothing else: numbers rather than vectors."""
        trees = self.trees
        maybe = [name for name in self.assumed if name in COUNTS and all(only_factors(tree, name) for tree in trees)]
        if not maybe:
            return []
        try:
            shapes = {**dict.fromkeys(self.sizes, ()), **self._fit(names, ())}
        except ShapeError:
            return []
        return [name for name in maybe if any(of_scalars(tree, shapes_of(tree, shapes), name) for tree in trees)]

    def _fit(self, names: Sequence[str], scalars: Sequence[str]) -> dict[str, Shape]:
        """Shapes of the names with which all expressions fit."""
        found = self._written(names, scalars)
        for tree, text in zip(self.trees, self.texts, strict=True):
            found = fitted(tree, text, found, self.sizes, self.assumed)
        return found

    def _written(self, names: Sequence[str], scalars: Sequence[str]) -> dict[str, Shape]:
        """Shapes from how names are written, all lengths unknown."""
        found: dict[str, Shape] = {}
        fresh = iter(f"?{k}" for k in range(3 * len(names) + 1))
        for name in names:
            rank = 0 if name in GREEK or name in scalars else 2 if name[0].isupper() else 1
            found[name] = self.given.get(name, tuple(next(fresh) for _ in range(rank)))
            if name in self.symmetric:
                if len(found[name]) != 2 or (found[name][0] != found[name][1] and name in self.given):
                    raise ShapeError(f"{name} is {said(plain(found[name]))}, and symmetry is of a square matrix",
                                     hint=f"say --shape {name}=n,n")  # fmt: skip
                found = joined(found, found[name][0], found[name][1])
        return found

    def _of_the_claim(self, found: dict[str, Shape]) -> dict[str, Shape]:
        """Shapes with which both sides are alike, or one is a derivative of the other."""
        if self.claim and self.wrt is None:
            return fitted(Node("+", self.trees), " = ".join(self.texts), found, self.sizes, self.assumed)
        if self.claim and self.wrt is not None and self.wrt in found:
            return as_derivative(self.trees[0], self.trees[1], self.wrt, found, self.sizes)
        return found


def limits_error(size: int) -> DiffkitError:
    """The error for an expression whose formula is not looked for."""
    return DiffkitError(f"the expression has {size} operations (limit {MOST_NODES})",
                        hint="with data, grad differentiates it at a point")  # fmt: skip


def _given(shapes: Mapping[str, Sequence[Length]]) -> dict[str, Shape]:
    """Shapes as given; ShapeError unless they are of at most two names or whole numbers."""
    for name, shape in shapes.items():
        lengths = shape if isinstance(shape, Sequence) else (None,)
        good = [0 < n < 1000 if isinstance(n, int) else isinstance(n, str) and n.isidentifier() for n in lengths]
        if len(lengths) > 2 or not all(good):
            raise ShapeError(f"the shape of {name} is {shape!r}",
                             hint="a shape has at most two lengths, which are letters or numbers")  # fmt: skip
    return {name: tuple(shape) for name, shape in shapes.items()}


def _doubtful(tree: Node, name: str, shapes: Mapping[str, Shape], sizes: Sequence[str]) -> bool:
    """Whether a vector may be meant as a number."""
    known = shapes_of(tree, {**dict.fromkeys(sizes, ()), **shapes})
    return of_scalars(tree, known, name) or (name in COUNTS and only_factors(tree, name) and name in names_of(tree))


def read_shapes(texts: Sequence[str]) -> dict[str, tuple[Length, ...]]:
    """Read ``A=m,n``, ``x=n``, ``c=scalar`` and ``X=3,2``, also several in one text split by semicolons."""
    found: dict[str, tuple[Length, ...]] = {}
    for text in texts:
        for part in filter(str.strip, text.split(";")):
            name, sign, shape = (piece.strip() for piece in part.partition("="))
            lengths = [] if shape in ("scalar", "()", "") else [piece.strip() for piece in shape.strip("()").split(",")]
            good = all(re.fullmatch(r"[A-Za-z]\w*|[1-9]\d{0,2}", piece, re.ASCII) for piece in lengths)
            if not sign or not name or len(lengths) > 2 or not good:
                raise ShapeError(f"--shape {part.strip()!r} is not understood",
                                 hint="write A=m,n or x=n or c=scalar, lengths being letters or numbers")  # fmt: skip
            if name in found:
                raise ShapeError(f"--shape gives {name} twice")
            found[name] = tuple(int(piece) if piece.isdigit() else piece for piece in lengths)
    return found

"""What is asked about an array expression of any size: its names, their shapes, and which of them are assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from diffkit.errors import DiffkitError, ShapeError, VariableError, did_you_mean
from diffkit.limits import DEFAULT, Limits
from diffkit.matrices.language import parse_array
from diffkit.matrices.nodes import Node, in_order, names_of
from diffkit.matrices.shapes import Length, Shape, said, shapes_of

SCALARS = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "eps", "zeta", "eta", "theta", "kappa", "lam", "lambda", "mu", "nu",
    "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
))  # fmt: skip
"""names that are scalars unless said otherwise"""
LENGTHS = ("n", "m", "k", "p", "q", "r", "s")
MOST_NODES = 500
"""operations of an expression whose formula is looked for"""


@dataclass(frozen=True)
class Problem:
    """Expressions over names of known shapes.

    ``shapes`` are of the names, with lengths that are numbers or names; ``assumed`` are the names whose rank was
    taken from how they are written; ``symmetric`` are those declared to be their own transposes.
    """

    trees: tuple[Node, ...]
    texts: tuple[str, ...]
    shapes: Mapping[str, Shape]
    assumed: tuple[str, ...]
    symmetric: frozenset[str]

    @property
    def lengths(self) -> tuple[str, ...]:
        """Names of lengths, in order."""
        return tuple(dict.fromkeys(n for n in chain.from_iterable(self.shapes.values()) if isinstance(n, str)))

    def described(self) -> str:
        """The shapes in words."""
        words = []
        for name, shape in self.shapes.items():
            symmetric = "symmetric " if name in self.symmetric else ""
            words.append(f"{name} is {re.sub('^an? ', f'a {symmetric}', said(shape)) if symmetric else said(shape)}")
        return "; ".join(words)


def read_problem(
    texts: Sequence[str], shapes: Mapping[str, Sequence[Length]] | None = None, symmetric: Sequence[str] = (),
    alike: bool = False, limits: Limits = DEFAULT,
) -> Problem:  # fmt: skip
    """Read expressions that share their names, and find the shapes of all names.

    Shapes that are not given are found from how names are used: capitals are matrices, Greek names scalars, other
    names vectors, and lengths are made equal where an operation needs it, or where all expressions are ``alike``.
    ShapeError where that does not work out.
    """
    trees = tuple(parse_array(text, limits) for text in texts)
    size = sum(tree.size for tree in trees)
    if size > MOST_NODES:
        raise limits_error(size)
    sizes = _named_sizes(*trees)
    names = [n for n in names_of(*trees) if n not in sizes]
    given = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    for name in chain(given, symmetric):
        if name not in names:
            raise VariableError(f"the expression has no {name}", hint=did_you_mean(name, names))
    if len(names) == 0:
        raise VariableError("the expression names nothing to differentiate by")
    taken = {*names, *sizes, *(n for shape in given.values() for n in shape)}
    found: dict[str, Shape] = {}
    fresh = iter(f"?{k}" for k in range(3 * len(names) + 1))
    for name in names:
        rank = 0 if name in SCALARS else 2 if name[0].isupper() else 1
        found[name] = given.get(name, tuple(next(fresh) for _ in range(rank)))
        if name in symmetric:
            if len(found[name]) != 2:
                raise ShapeError(f"{name} is {said(found[name])}, and symmetry is of a matrix",
                                 hint=f"say --shape {name}=n,n")  # fmt: skip
            found = _joined(found, found[name][0], found[name][1])
    assumed = tuple(name for name in names if name not in given)
    for tree, text in zip(trees, texts, strict=True):
        found = _fitted(tree, text, found, assumed)
    if alike:
        found = _fitted(Node("+", trees), " = ".join(texts), found, assumed)
    return Problem(trees, tuple(texts), _lettered(found, taken), assumed, frozenset(symmetric))


def limits_error(size: int) -> DiffkitError:
    """The error for an expression whose formula is not looked for."""
    return DiffkitError(f"the expression has {size} operations (limit {MOST_NODES})",
                        hint="with data, grad differentiates it at a point")  # fmt: skip


def _named_sizes(*trees: Node) -> set[str]:
    """Names that stand for lengths: those inside eye, ones and zeros."""
    return {a.value for n in in_order(*trees) if n.kind in ("eye", "ones", "zeros") for a in n.args if a.kind == "name"}


def _fitted(tree: Node, text: str, shapes: dict[str, Shape], assumed: tuple[str, ...]) -> dict[str, Shape]:
    """Make lengths equal until every operation fits."""
    while True:
        try:
            shapes_of(tree, {**shapes, **dict.fromkeys(_named_sizes(tree), ())}, text)
        except ShapeError as error:
            if error.lengths is None or not any(str(length).startswith("?") for length in error.lengths):
                known = ", ".join(f"{name} as {said(_plain(shapes[name]))}" for name in assumed)
                hint = f"I read {known}; say otherwise with --shape" if known and error.lengths else error.hint
                reason = re.sub(r"\?\d+", "?", error.reason)
                raise ShapeError(reason, hint=hint, text=text, position=error.position) from None
            shapes = _joined(shapes, *error.lengths)
        else:
            return shapes


def _plain(shape: Shape) -> Shape:
    return tuple("?" if str(length).startswith("?") else length for length in shape)


def _joined(shapes: Mapping[str, Shape], a: Length, b: Length) -> dict[str, Shape]:
    """Make two lengths one; a given one stays."""
    old, new = (a, b) if str(a).startswith("?") else (b, a)
    return {name: tuple(new if n == old else n for n in shape) for name, shape in shapes.items()}


def _lettered(shapes: Mapping[str, Shape], taken: set[str | int]) -> dict[str, Shape]:
    """Give letters to the lengths that were found: m×n for the first matrix, n elsewhere."""
    unknown = list(dict.fromkeys(n for shape in shapes.values() for n in shape if str(n).startswith("?")))
    free = [letter for letter in (*LENGTHS, *(f"n{k}" for k in range(1, 99))) if letter not in taken]
    oblong = next((s for s in shapes.values() if len(s) == 2 and s[0] != s[1] and {*s} <= {*unknown}), None)
    order = unknown if oblong is None else [oblong[1], oblong[0], *(n for n in unknown if n not in oblong)]
    letters = dict(zip(order, free, strict=False))
    return {name: tuple(letters.get(n, n) for n in shape) for name, shape in shapes.items()}


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

"""Balls in Programs of arrays: arrays of objects, and Arb's matrices for sums of products.

A truth is True, False, or None where the balls leave it open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, cmp_to_key, partial
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, arb_mat

from diffkit.core.array_operations import ArrayOperation, Gather, Order, Put, Reshape, Scaled, Spread, Take, Total
from diffkit.core.contractions import Contract, parted
from diffkit.core.deadline import check_time, current_deadline
from diffkit.core.matrix_operations import Adjugate, Cholesky, Determinant, LogDeterminant, Solve
from diffkit.core.program import Constant, Data, Shape
from diffkit.core.table import Primitive
from diffkit.numbers.balls import BALLS, ball_function
from diffkit.numbers.floats import SMALLEST_FLOAT

Balls = Any
"""an array of objects, each a ball"""
PIECE = 2**13  # entries between two looks at the clock
NO_BALL = arb("nan")
NOTHING = arb(0)
_finite = np.frompyfunc(arb.is_finite, 1, 1)
_is_zero = np.frompyfunc(arb.is_zero, 1, 1)
_middle = np.frompyfunc(lambda ball: float(ball), 1, 1)


def filled(shape: Shape, entries: Sequence[Any]) -> Balls:
    """An array of a shape from its entries in order."""
    found = np.empty(len(entries), dtype=object)
    found[:] = entries
    return found.reshape(shape)


def balls_of(values: Any) -> Balls:
    """Numbers as balls, exactly."""
    array = np.asarray(values)
    return filled(array.shape, [arb(v) for v in array.ravel().tolist()])


def finite(balls: Balls) -> Any:
    """Which entries are finite."""
    return np.asarray(_finite(balls), dtype=bool)


def exactly_zero(balls: Balls) -> Any:
    """Which entries are known to be zero."""
    return np.asarray(_is_zero(balls), dtype=bool)


def middles(balls: Balls) -> Any:
    """The middles as binary64."""
    return np.asarray(_middle(balls), dtype=float)


def _boxed(found: Any) -> Balls:
    """What NumPy gave for an array without axes, as an array again."""
    return found if isinstance(found, np.ndarray) else filled((), [found])


@cache
def _entrywise(row: Primitive) -> Callable[..., Any]:
    """A row as a function of arrays of balls."""
    function: Callable[..., Any] = np.frompyfunc(ball_function(row), len(row.arguments), 1)
    return function


def in_pieces(function: Callable[..., Any], args: Sequence[Any]) -> Any:
    """A function of objects, entry by entry; where there is a deadline, with a look at the clock now and then."""
    shape = np.broadcast_shapes(*[x.shape for x in args])
    size = math.prod(shape)
    if current_deadline() is None or size <= PIECE:
        return function(*args)
    flat = [np.broadcast_to(x, shape).ravel() if x.ndim else x for x in args]
    found = np.empty(size, dtype=object)
    for start in range(0, size, PIECE):
        check_time()
        piece = slice(start, start + PIECE)
        found[piece] = function(*[x[piece] if x.ndim else x for x in flat])
    return found.reshape(shape)


def relative_gap(known: Balls, claimed: Balls, digits: int) -> float | None:
    """The largest difference by the largest entry; zero only where no difference is proven, and so many digits agree.

    None where an entry has no value, or where the balls are too wide to tell; infinite for different shapes.
    """
    if known.shape != claimed.shape:
        return math.inf
    if not (finite(known).all() and finite(claimed).all()):
        return None
    scale = max((abs(v).abs_upper() for v in (*known.flat, *claimed.flat)), default=NOTHING)
    near = (scale + 1) * BALLS.constant(Fraction(1, 10**digits))
    worst = 0.0
    for a, b in zip(known.flat, claimed.flat, strict=True):
        difference = a - b
        if difference != 0:
            worst = max(worst, float(difference.abs_lower() / scale), SMALLEST_FLOAT)
        elif not difference.rad() < near:
            return None
    return worst


def pushed_along(derivative: Balls, direction: Any) -> Balls:
    """The sum over the axes of a direction of the derivative by each of its entries, times these."""
    axes = tuple(range(derivative.ndim - np.ndim(direction), derivative.ndim))
    return _summed(Total(axes), _boxed(derivative * balls_of(direction)))


class BallArrays:
    """Arrays of balls at the working precision, which the caller holds; data are turned into balls once."""

    def __init__(self) -> None:
        self._data: dict[int, tuple[Any, Data]] = {}
        self._matrices: dict[tuple[int, str], list[Any]] = {}
        self._kept: set[int] = set()

    def constant(self, value: Constant | Data) -> Balls:
        """Give the balls of an exact constant or of data."""
        if not isinstance(value, Data):
            return filled((), [BALLS.constant(value)])
        known = self._data.get(id(value))
        if known is None:
            known = self._data[id(value)] = balls_of(value.array), value
            self._kept.add(id(known[0]))
        return known[0]

    def matrices(self, x: Balls, letters: str, order: list[str], sizes: tuple[int, int, int]) -> list[Any]:
        """A stack of Arb's matrices from an array, its axes in an order; those of data are made once."""
        key = id(x), "".join(letters) + ">" + "".join(order)
        known = self._matrices.get(key)
        if known is None:
            stack, rows, columns = sizes
            flat = _turned(x, letters, order).reshape(stack, -1)
            known = [arb_mat(rows, columns, part.tolist()) for part in flat]
            if id(x) in self._kept:
                self._matrices[key] = known
        return known

    def apply(self, row: Primitive | ArrayOperation, args: Sequence[Balls]) -> Balls:
        """Give balls that hold the values of a row or an operation at the arguments."""
        check_time()
        if isinstance(row, Primitive):
            return _boxed(in_pieces(_entrywise(row), args))
        if isinstance(row, Contract):
            return _contracted(self, row, *args)
        form = _BALL_FORMS.get(type(row))
        return _boxed(form(row, *args) if form is not None else row.value(*args))

    def data(self, array: Any) -> Balls:
        """A constant array."""
        return balls_of(array)

    def zeros(self, shape: Shape) -> Balls:
        """Zeros of a shape."""
        return np.full(shape, NOTHING, dtype=object)

    def shape(self, x: Balls) -> Shape:
        """Lengths of the axes."""
        return x.shape  # type: ignore[no-any-return]


def _gathered(row: Gather, *args: Balls) -> Balls:
    """Entries of the pool, of balls or of truths."""
    positions = row.indices.array
    if len(args) == 1 and not row.padded:
        return args[0].ravel()[positions - 1]
    return np.concatenate([np.full(1, NOTHING, dtype=object), *[a.ravel() for a in args]])[positions]


def _summed(row: Total, x: Balls) -> Balls:
    """Sums; of nothing 0."""
    if 0 in x.shape:
        return np.full(row.shape(x.shape), NOTHING, dtype=object)
    return _boxed(np.sum(x, axis=row.axes))


def _contracted(algebra: BallArrays, row: Contract, a: Balls, b: Balls) -> Balls:
    """Sums of products, by Arb's product of matrices for each of a stack."""
    left, right, out = row.left, row.right, row.out
    lengths = {**dict(zip(left, a.shape, strict=True)), **dict(zip(right, b.shape, strict=True))}
    a, left = _without(a, left, right + out)
    b, right = _without(b, right, left + out)
    stack, rows, summed, columns = parted(left, right, out)
    sizes = [math.prod(lengths[c] for c in part) for part in (stack, rows, summed, columns)]
    shape = tuple(lengths[c] for c in stack + rows + columns)
    letters = "".join(stack + rows + columns)
    if 0 in sizes:
        found = np.full(shape, NOTHING, dtype=object)
    elif not summed:
        found = _boxed(_widened(a, left, letters) * _widened(b, right, letters))
    else:
        first = algebra.matrices(a, left, stack + rows + summed, (sizes[0], sizes[1], sizes[2]))
        second = algebra.matrices(b, right, stack + summed + columns, (sizes[0], sizes[2], sizes[3]))
        entries: list[Any] = []
        for one, other in zip(first, second, strict=True):
            entries += (one * other).entries()
        found = filled(shape, entries)
    return _turned(found.reshape(shape), letters, list(out))


def _without(x: Balls, letters: str, others: str) -> tuple[Balls, str]:
    """An operand summed over letters of its own that are not wanted."""
    lost = tuple(k for k, c in enumerate(letters) if c not in others)
    return (_summed(Total(lost), x), "".join(c for c in letters if c in others)) if lost else (x, letters)


def _turned(x: Balls, letters: Sequence[str], order: list[str]) -> Balls:
    """An array with its axes in another order."""
    return np.transpose(x, [list(letters).index(c) for c in order])


def _widened(x: Balls, letters: str, whole: str) -> Balls:
    """An operand with an axis for each letter of a whole, of length 1 where it has none."""
    moved = _turned(x, letters, [c for c in whole if c in letters])
    lengths = iter(moved.shape)
    return moved.reshape([next(lengths) if c in letters else 1 for c in whole])


def _order(x: Balls) -> Any:
    """The order of the middles: of their nearest binary64, then of those that this leaves in the wrong order."""
    found = np.argsort(middles(x), axis=-1, kind="stable")
    for position in np.ndindex(*x.shape[:-1]):
        line, order = x[position], found[position]
        if any(line[a].mid() > line[b].mid() for a, b in pairwise(order)):
            found[position] = sorted(range(len(line)), key=cmp_to_key(partial(_apart, line)))
    return found


def _apart(line: Balls, a: int, b: int) -> int:
    """1 if one middle is above another, −1 if it is below."""
    return int(line[a].mid() > line[b].mid()) - int(line[a].mid() < line[b].mid())


def _taken(_: Take, x: Balls, order: Any) -> Balls:
    return np.take_along_axis(x, order, axis=-1)


def _put(_: Put, x: Balls, order: Any) -> Balls:
    found = np.empty(x.shape, dtype=object)
    np.put_along_axis(found, order, x, axis=-1)
    return found


def _stacked(function: Callable[..., list[Any]], shape: Shape, *args: Balls) -> Balls:
    """A function of single matrices, for all of a stack; ``shape`` is that of the whole."""
    stack = args[0].shape[:-2]
    entries: list[Any] = []
    for position in np.ndindex(*stack):
        entries += function(*[arb_mat(*a.shape[-2:], a[position].ravel().tolist()) for a in args])
    return filled(shape, entries)


def _solution(a: Any, b: Any) -> list[Any]:
    """Balls of A⁻¹B; NaN where A is not proven to have an inverse."""
    try:
        return a.solve(b).entries()  # type: ignore[no-any-return]
    except ZeroDivisionError:
        return [NO_BALL] * (b.nrows() * b.ncols())


def _adjugate(a: Any) -> list[Any]:
    """|A|·A⁻¹, or the cofactors where no inverse is proven to exist."""
    n = a.nrows()
    try:
        return (a.inv() * a.det()).entries()  # type: ignore[no-any-return]
    except ZeroDivisionError:
        entries = a.entries()
        return [_cofactor(entries, n, j, i) for i in range(n) for j in range(n)]


def _cofactor(entries: list[Any], n: int, i: int, j: int) -> Any:
    kept = [entries[r * n + c] for r in range(n) if r != i for c in range(n) if c != j]
    minor = arb_mat(n - 1, n - 1, kept).det() if n > 1 else arb(1)
    return minor if (i + j) % 2 == 0 else -minor


def _factor(a: Any) -> list[Any]:
    """Cholesky–Banachiewicz; Arb's own factor asks that both triangles are equal."""
    n, entries = a.nrows(), a.entries()
    low = [arb(0)] * (n * n)
    for i in range(n):
        for j in range(i + 1):
            rest = entries[i * n + j]
            for k in range(j):
                rest = rest - low[i * n + k] * low[j * n + k]
            low[i * n + j] = rest.sqrt() if i == j else rest / low[j * n + j]
    return low


_BALL_FORMS: dict[type, Callable[..., Any]] = {
    Gather: _gathered,
    Reshape: lambda row, x: x.reshape(row.new),
    Spread: lambda row, x: np.broadcast_to(x, row.new),
    Total: _summed,
    Order: lambda _, x: _order(x),
    Take: _taken,
    Put: _put,
    Scaled: lambda _, a, b: np.where(exactly_zero(a), NOTHING, a * b),
    Solve: lambda _, a, b: _stacked(_solution, b.shape, a, b),
    Determinant: lambda _, a: _stacked(lambda m: [m.det()], a.shape[:-2], a),
    LogDeterminant: lambda _, a: _stacked(lambda m: [abs(m.det()).log()], a.shape[:-2], a),
    Adjugate: lambda _, a: _stacked(_adjugate, a.shape, a),
    Cholesky: lambda _, a: _stacked(_factor, a.shape, a),
}

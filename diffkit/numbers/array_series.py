"""Power series of balls in Programs of arrays, by Arb's own rules, which know nothing of the table's derivatives.

A series of arrays is the list of its coefficients, each an array of balls, or None where it is zero throughout: what
is linear, and products, go coefficient by coefficient; a function of numbers is Arb's function of power series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from flint import arb_series, ctx

from diffkit.core.array_operations import ArrayOperation, Gather, Order, Put, Reshape, Spread, Take, Total
from diffkit.core.contractions import Contract
from diffkit.core.deadline import check_time
from diffkit.core.matrix_operations import Adjugate, Cholesky, Determinant, LogDeterminant, Solve
from diffkit.core.program import Constant, Data, Program, Shape, run
from diffkit.core.table import ADD, DIV, LINEAR_ROWS, MUL, NEG, SQRT, SUB, WHERE, Primitive
from diffkit.numbers.array_balls import NO_BALL, NOTHING, BallArrays, Balls, balls_of, filled, finite, in_pieces
from diffkit.numbers.balls import series_function

Series = list[Any]
"""coefficients; of t⁰ always an array"""


@cache
def _entrywise(row: Primitive) -> Callable[..., Any]:
    """A row as a function of arrays of series."""
    function: Callable[..., Any] = np.frompyfunc(series_function(row), len(row.arguments), 1)
    return function


class SeriesArrays:
    """Arrays of series of ``ctx.cap`` terms at the working precision, which the caller holds."""

    def __init__(self, balls: BallArrays):
        self.balls = balls

    def constant(self, value: Constant | Data) -> Series:
        """Give an exact constant, or data."""
        return still(self.balls.constant(value))

    def data(self, array: Any) -> Series:
        """A constant array."""
        return still(balls_of(array))

    def shape(self, x: Series) -> Shape:
        """Lengths of the axes."""
        return x[0].shape  # type: ignore[no-any-return]

    def apply(self, row: Primitive | ArrayOperation, args: Sequence[Series]) -> Series:
        """Give the series of a row or an operation at series."""
        check_time()
        truth = isinstance(row, Primitive) and row.truth
        if truth or not any(part is not None for x in args for part in x[1:]):
            return still(self.balls.apply(row, [x[0] for x in args]))
        if isinstance(row, Primitive):
            return self._row(row, args)
        form = _SERIES_FORMS.get(type(row))
        return form(self, row, *args) if form is not None else self._undefined(row, args)

    def _row(self, row: Primitive, args: Sequence[Series]) -> Series:
        """A function, entry by entry."""
        if row in LINEAR_ROWS:
            return self._linear(row, args)
        if row is MUL:
            return self._product(row, *args)
        if row is WHERE:
            return self._choice(*args)
        shape = np.broadcast_shapes(*[x[0].shape for x in args])
        found = in_pieces(_entrywise(row), [_joined(x) for x in args])
        entries = found.ravel().tolist() if isinstance(found, np.ndarray) else [found]
        return [filled(shape, [entry[k] for entry in entries]) for k in range(ctx.cap)]

    def _linear(self, row: Primitive, args: Sequence[Series]) -> Series:
        """Sums, differences, the other sign: coefficient by coefficient."""
        found: Series = []
        shape = np.broadcast_shapes(*[x[0].shape for x in args])
        for parts in zip(*args, strict=True):
            if all(part is None for part in parts):
                found.append(None)
                continue
            whole = [self.balls.zeros(()) if part is None else part for part in parts]
            found.append(np.broadcast_to(self.balls.apply(row, whole), shape))
        return found

    def _product(self, row: Any, a: Series, b: Series) -> Series:
        """Σⱼ aⱼ·bₖ₋ⱼ, for products entry by entry and contracted ones."""
        found: Series = []
        for k in range(ctx.cap):
            pairs = [(a[j], b[k - j]) for j in range(k + 1) if a[j] is not None and b[k - j] is not None]
            terms = [self.balls.apply(row, pair) for pair in pairs]
            found.append(self.sum(terms))
        return found

    def sum(self, terms: Sequence[Balls]) -> Any:
        """The sum of some arrays; None of none."""
        found = None
        for term in terms:
            found = term if found is None else self.balls.apply(ADD, [found, term])
        return found

    def _choice(self, condition: Series, x: Series, y: Series) -> Series:
        """The branch that a condition takes; NaN where it is left open."""
        (truths,) = condition[:1]
        shape = np.broadcast_shapes(truths.shape, x[0].shape, y[0].shape)
        holds, fails = truths == True, truths == False  # noqa: E712 truths are objects, None among them
        return [
            None
            if a is None and b is None
            else np.broadcast_to(np.where(holds, self._whole(a), np.where(fails, self._whole(b), NO_BALL)), shape)
            for a, b in zip(x, y, strict=True)
        ]

    def _whole(self, part: Any) -> Balls:
        return self.balls.zeros(()) if part is None else part

    def _undefined(self, row: ArrayOperation, args: Sequence[Series]) -> Series:
        """The value, and no rate of change."""
        value = self.balls.apply(row, [x[0] for x in args])
        return [value, *[np.full(value.shape, NO_BALL, dtype=object)] * (ctx.cap - 1)]

    # Operations -------------------------------------------------------------------------------------------------

    def coefficientwise(self, row: ArrayOperation, *args: Series) -> Series:
        """What is linear in all arguments together."""
        found: Series = []
        for parts in zip(*args, strict=True):
            if all(part is None for part in parts):
                found.append(None)
                continue
            whole = [self.balls.zeros(x[0].shape) if p is None else p for p, x in zip(parts, args, strict=True)]
            found.append(self.balls.apply(row, whole))
        return found

    def ordered(self, row: ArrayOperation, x: Series, order: Series) -> Series:
        """Entries in an order, or back from it."""
        return [None if part is None else self.balls.apply(row, [part, order[0]]) for part in x]

    def solution(self, row: Solve, a: Series, b: Series) -> Series:
        """Xₖ = A₀⁻¹(Bₖ − Σⱼ AⱼXₖ₋ⱼ), as many terms as B has."""
        product = _matrix_product(a[0].ndim - 2)
        found: Series = []
        for k in range(len(b)):
            pairs = [(a[j], found[k - j]) for j in range(1, k + 1) if a[j] is not None and found[k - j] is not None]
            moved = self.sum([self.balls.apply(product, pair) for pair in pairs])
            right = b[k]
            if moved is not None:
                moved = self.balls.apply(NEG, [moved])
                right = moved if right is None else self.balls.apply(ADD, [right, moved])
            found.append(None if right is None else self.balls.apply(row, [a[0], right]))
        return found

    def log_determinant(self, row: LogDeterminant, a: Series) -> Series:
        """k·Lₖ are the coefficients of tr A⁻¹Ȧ."""
        value = self.balls.apply(row, [a[0]])
        speeds: Series = [
            None if part is None else self.balls.apply(MUL, [part, balls_of(float(k))]) for k, part in enumerate(a) if k
        ]
        moved = self.solution(Solve(), a, [self._matrix(speeds[0], a), *speeds[1:]])
        stack = a[0].ndim - 2
        diagonal = np.broadcast_to(balls_of(np.eye(a[0].shape[-1])), a[0].shape)
        letters = "abcdefgh"[:stack]
        trace = Contract(f"{letters}xy", f"{letters}xy", letters)
        slopes = [None if m is None else self.balls.apply(trace, [m, diagonal]) for m in moved]
        return [value, *[
            None if s is None else self.balls.apply(DIV, [s, balls_of(float(k))]) for k, s in enumerate(slopes, 1)
        ]]  # fmt: skip

    def _matrix(self, part: Any, a: Series) -> Balls:
        return self.balls.zeros(a[0].shape) if part is None else part

    def determinant(self, row: Determinant, a: Series) -> Series:
        """k·Dₖ = Σⱼ j·Lⱼ·Dₖ₋ⱼ, as D′ = L′·D for L = log‖A‖; by Faddeev and LeVerrier where A may be singular."""
        logs = self.log_determinant(LogDeterminant(), a)
        if not all(part is None or finite(part).all() for part in logs):
            return self.leverrier(a)[0]
        found: Series = [self.balls.apply(row, [a[0]])]
        for k in range(1, ctx.cap):
            terms = [
                self.balls.apply(MUL, [self.balls.apply(MUL, [logs[j], balls_of(float(j))]), found[k - j]])
                for j in range(1, k + 1)
                if logs[j] is not None and found[k - j] is not None
            ]
            total = self.sum(terms)
            found.append(None if total is None else self.balls.apply(DIV, [total, balls_of(float(k))]))
        return found

    def leverrier(self, a: Series) -> tuple[Series, Series]:
        """Determinants and adjugates, without division by what may be zero.

        M₁ = 1, Mₖ₊₁ = A·Mₖ + cₖ, cₖ = −tr(A·Mₖ)/k; |A| = (−1)ⁿcₙ, adj A = (−1)ⁿ⁻¹Mₙ (Gantmacher, The Theory of
        Matrices, volume 1, IV.5).
        """
        n, stack = a[0].shape[-1], a[0].shape[:-2]
        letters = "abcdefgh"[: len(stack)]
        product, trace = _matrix_product(len(stack)), Contract(f"{letters}xy", f"{letters}xy", letters)
        one = self.data(np.broadcast_to(np.eye(n), a[0].shape))
        matrix, size = one, self.data(np.ones(stack))
        found = one
        for k in range(1, n + 1):
            found, moved = matrix, self.apply(product, [a, matrix])
            size = self.apply(DIV, [self.apply(trace, [moved, one]), self.data(np.array(-float(k)))])
            wide = self.apply(Spread(a[0].shape), [self.apply(Reshape((*stack, 1, 1)), [size])])
            matrix = self.apply(ADD, [moved, self.apply(MUL, [wide, one])])
        signs = [self.data(np.array((-1.0) ** m)) for m in (n, n - 1)]
        return self.apply(MUL, [signs[0], size]), self.apply(MUL, [signs[1], found])

    def factor(self, _: Cholesky, a: Series) -> Series:
        """Cholesky–Banachiewicz in power series."""
        entries = _joined(a)
        n, zero = entries.shape[-1], arb_series([0])
        low = np.full(entries.shape, None, dtype=object)
        subtract, multiply, divide, root = (series_function(row) for row in (SUB, MUL, DIV, SQRT))
        for position in np.ndindex(*entries.shape[:-2]):
            for i in range(n):
                for j in range(n):
                    rest = entries[(*position, i, j)] if j <= i else zero
                    for k in range(j if j <= i else 0):
                        rest = subtract(rest, multiply(low[(*position, i, k)], low[(*position, j, k)]))
                    if j <= i:
                        rest = root(rest) if i == j else divide(rest, low[(*position, j, j)])
                    low[(*position, i, j)] = rest
        flat = low.ravel().tolist()
        return [filled(low.shape, [entry[k] for entry in flat]) for k in range(ctx.cap)]


def still(balls: Balls) -> Series:
    """What does not move."""
    return [balls, *[None] * (ctx.cap - 1)]


def moving(balls: Balls, speeds: Balls) -> Series:
    """x + t·v."""
    return [balls, speeds, *[None] * (ctx.cap - 2)]


def first_terms(
    program: Program, values: Mapping[str, Any], moved: str | None = None, direction: Any = None
) -> tuple[Balls, Balls]:
    """The value of a Program with one output, and its rate of change along a direction of one of its inputs.

    The precision, and series of two terms where something moves, are held by the caller.
    """
    inputs = [
        moving(balls_of(values[name]), balls_of(direction)) if name == moved else still(balls_of(values[name]))
        for name in program.inputs
    ]
    algebra = SeriesArrays(BallArrays())
    ((value, *rest),) = run(program, algebra, inputs)
    rate = rest[0] if rest else None
    return value, np.full(value.shape, NOTHING, dtype=object) if rate is None else rate


def _joined(x: Series) -> Any:
    """An array of Arb's series from coefficients; conditions stay as they are."""
    last = max((k for k, part in enumerate(x) if part is not None), default=0)
    parts = [part.ravel().tolist() if part is not None else None for part in x[: last + 1]]
    if parts[0] and (parts[0][0] is None or isinstance(parts[0][0], (bool, np.bool_))):
        return x[0]
    zeros = [0] * len(parts[0] or ())
    columns = [zeros if part is None else part for part in parts]
    return filled(x[0].shape, [arb_series(list(entry)) for entry in zip(*columns, strict=True)])


def _matrix_product(stack: int) -> Contract:
    letters = "abcdefgh"[:stack]
    return Contract(f"{letters}xz", f"{letters}zy", f"{letters}xy")


_SERIES_FORMS: dict[type, Callable[..., Series]] = {
    **dict.fromkeys((Gather, Reshape, Spread, Total), SeriesArrays.coefficientwise),
    **dict.fromkeys((Take, Put), SeriesArrays.ordered),
    Order: lambda series, row, x: still(series.balls.apply(row, [x[0]])),
    Contract: SeriesArrays._product,
    Solve: SeriesArrays.solution,
    LogDeterminant: SeriesArrays.log_determinant,
    Determinant: SeriesArrays.determinant,
    Adjugate: lambda series, _, a: series.leverrier(a)[1],
    Cholesky: SeriesArrays.factor,
}

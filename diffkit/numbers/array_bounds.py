"""Running error bounds in Programs of arrays: values in binary64, and bounds on what was rounded, array by array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffkit.core.array_operations import ArrayOperation, Order, Put, Scaled, Take, Total
from diffkit.core.contractions import Contract
from diffkit.core.matrix_operations import Adjugate, Cholesky, Determinant, LogDeterminant, Solve
from diffkit.core.program import Data
from diffkit.core.table import DIV, POWER, WHERE, Primitive
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.bounds import Bounded, BoundsAlgebra
from diffkit.numbers.floats import EPSILON


class _ArrayBounds(BoundsAlgebra):
    """Pairs of arrays: values, and bounds on their rounding errors, to first order.

    Sums and products of n terms: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., (3.5) and (3.13);
    solutions (9.22), with what is left of terms of higher order left out.
    """

    def constant(self, value: Any) -> Bounded:
        """Give the nearest value; data are exact."""
        return (value.array, np.zeros(value.shape)) if isinstance(value, Data) else super().constant(value)

    def apply(self, row: Any, args: Sequence[Bounded]) -> Bounded:
        """Give a row's or an operation's value and the bound that follows from the arguments' bounds."""
        values, errors = [v for v, _ in args], [e for _, e in args]
        answer = self.base.apply(row, values)
        if not isinstance(row, Primitive):
            return answer, self.settled(_BOUNDS_OF.get(type(row), _moved)(row, values, errors, answer))
        if row is WHERE:
            return answer, np.where(values[0], errors[1], errors[2])
        if row.truth or row.steps:
            return answer, self.zero
        bound = self.rounding(row, args, answer)
        for index, error in enumerate(errors):
            if row.partials[index] is not None and np.any(error):
                slope = np.abs(self.slope(row, index, values, answer))
                bound = bound + np.where(np.asarray(error) == 0, 0.0, slope * error)
        if any(place.kind in ("edge", "pole") for place in row.places):
            whole = row is POWER and bool(np.all((values[1] >= 0) & (np.asarray(values[1]) % 1 == 0)))
            for value, error in zip(values, errors, strict=True) if not whole else ():
                if row is not DIV or value is values[1]:
                    bound = np.where((error > 0) & ~(error <= np.abs(value) / 4), np.inf, bound)
        return answer, self.settled(bound)

    def unit(self, value: Any) -> Any:
        """One unit in the last place."""
        return np.where(np.isfinite(value), np.spacing(np.abs(value)), np.inf)

    def represents(self, nearest: Any, value: Any) -> bool:
        """Whether the nearest value is the constant itself."""
        return bool(np.isfinite(nearest)) and nearest == value

    def settled(self, bound: Any) -> Any:
        """The bound, infinite where it is not a number."""
        return np.where(np.isnan(bound), np.inf, bound)


def _moved(row: ArrayOperation, values: Sequence[Any], errors: Sequence[Any], _: Any) -> Any:
    """Of what only moves entries."""
    return row.value(*[np.broadcast_to(e, np.shape(v)) for v, e in zip(values, errors, strict=True)])


def _ordered(_: Order, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    """Places in an order after which rounding may have turned two entries round: 1, else 0."""
    along, bounds = (Take().value(np.broadcast_to(x, answer.shape), answer) for x in (values[0], errors[0]))
    turned = np.zeros(answer.shape)
    turned[..., :-1] = along[..., 1:] - along[..., :-1] < bounds[..., 1:] + bounds[..., :-1]
    return turned


def _taken(row: ArrayOperation, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    """The largest bound along the axis, and what entries differ by whose order is not sure."""
    turned = np.broadcast_to(errors[1], answer.shape)
    bound = row.value(np.broadcast_to(errors[0], answer.shape), values[1])
    if not turned.any():
        return bound
    along = answer if isinstance(row, Take) else values[0]
    steps = np.where(turned[..., :-1] != 0, np.abs(along[..., 1:] - along[..., :-1]), 0.0)
    widest = np.max(bound, axis=-1, keepdims=True) + np.sum(steps, axis=-1, keepdims=True)
    return np.where(turned.any(axis=-1, keepdims=True), widest, bound)


def _scaled(_: Scaled, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    (a, b), (da, db) = map(np.abs, values), errors
    rounded = EPSILON * np.abs(answer)
    return np.where((a == 0) & (da == 0), 0.0, b * da + np.where(a == 0, 0.0, a * db) + rounded)


def _summed(row: ArrayOperation, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    size = np.size(values[0]) / max(np.size(answer), 1)
    return row.value(np.broadcast_to(errors[0], np.shape(values[0])) + size * EPSILON * np.abs(values[0]))


def _contracted(row: Contract, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    a, b = map(np.abs, values)
    da, db = (np.broadcast_to(e, np.shape(v)) for v, e in zip(values, errors, strict=True))
    terms = np.size(a) * np.size(b) / max(np.size(answer), 1)
    return row.value(a, db) + row.value(da, b) + (min(terms, np.size(a) + np.size(b)) + 1) * EPSILON * row.value(a, b)


def _inverse(a: Any) -> Any:
    try:
        return np.abs(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        return np.full(np.shape(a), np.inf)


def _solved(_: ArrayOperation, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    a, n = np.abs(values[0]), np.shape(values[0])[-1]
    return _inverse(values[0]) @ ((errors[0] + 3 * n * EPSILON * a) @ np.abs(answer) + errors[1])


def _of_determinant(row: ArrayOperation, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    a, n = values[0], np.shape(values[0])[-1]
    change = np.broadcast_to(errors[0], np.shape(a)) + 3 * n * EPSILON * np.abs(a)
    slopes = _inverse(a) if isinstance(row, LogDeterminant) else np.abs(Adjugate().value(a))
    return np.einsum("...ij,...ji->...", slopes, change) + EPSILON * np.abs(answer)


def _factored(_: ArrayOperation, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    a, n = values[0], np.shape(values[0])[-1]
    inverse = _inverse(answer)
    change = np.broadcast_to(errors[0], np.shape(a)) + 3 * n * EPSILON * np.abs(a)
    return np.abs(answer) @ (inverse @ change @ np.swapaxes(inverse, -1, -2))


def _of_adjugate(_: ArrayOperation, values: Sequence[Any], errors: Sequence[Any], answer: Any) -> Any:
    """‖adj(A)′‖ ≤ n·‖A‖ⁿ⁻²·‖A′‖, entries being sums of products of n − 1 numbers."""
    a, n = values[0], np.shape(values[0])[-1]
    both = a, np.broadcast_to(errors[0], np.shape(a))
    size, change = (np.sqrt(np.sum(np.square(x), axis=(-2, -1), keepdims=True)) for x in both)
    power = size ** max(n - 2, 0)
    return np.broadcast_to(n * power * (change * (n > 1) + 10 * n * EPSILON * size), np.shape(answer))


_BOUNDS_OF: dict[type, Any] = {
    Total: _summed, Contract: _contracted, Scaled: _scaled, Order: _ordered, Take: _taken, Put: _taken,
    Solve: _solved, Determinant: _of_determinant,
    LogDeterminant: _of_determinant, Adjugate: _of_adjugate, Cholesky: _factored,
}  # fmt: skip

ARRAY_BOUNDS = _ArrayBounds(ARRAYS)

"""Rules of what compares elements: max, min, sort, median.

Where there are values, the elements are chosen by the values and tied ones meet in the row max or min, which knows
whether a derivative exists. In a record there are no values: max and min are chains, and the order is an operation.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from diffkit.core.array_operations import Order, Take
from diffkit.core.errors import TracingError
from diffkit.ndarrays.kernel import Proxy, apply_row, numeric, plain, rows, values_of
from diffkit.ndarrays.protocols import UFUNCS, rule
from diffkit.ndarrays.reductions import NOT_GIVEN, Axis, fold, kept_dims, masked, over_first, reduced_last
from diffkit.ndarrays.source import user_line

EXTREME = "use np.max or np.where"
SORTED_INSIDE = 8
"""the longest sort without values inside another derivative: odd-even transposition"""


def _extreme(name: str, x: Any, axis: Axis, keepdims: Any, initial: Any, where: Any) -> Any:
    x = numeric(x)
    if where is not NOT_GIVEN:
        x = masked(x, where, initial)
    found = kept_dims(_chosen(name, reduced_last(x, axis)), x, axis, keepdims)
    return found if initial is NOT_GIVEN else apply_row(name, found, initial)


def _chosen(name: str, x: Any) -> Any:
    """Largest or smallest along the last axis."""
    values = plain(x)
    if values is None or values.shape[-1] == 0:
        return fold(name, x, -1)
    first = (np.argmax if name == "max" else np.argmin)(values, axis=-1)[..., None]
    tied = values == np.take_along_axis(values, first, axis=-1)
    count = int(tied.sum(axis=-1).max(initial=0))
    if count <= 1:
        return np.take_along_axis(x, first, axis=-1)[..., 0]
    order = np.argsort(~tied, axis=-1, kind="stable")[..., :count]  # the tied ones come first
    order = np.where(np.take_along_axis(tied, order, axis=-1), order, first)
    return fold(name, np.take_along_axis(x, order, axis=-1), -1)


@rule(np.max)
def max_(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = NOT_GIVEN, where: Any = NOT_GIVEN) -> Any:
    """Largest element."""
    return _extreme("max", a, axis, keepdims, initial, where)


@rule(np.min)
def min_(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = NOT_GIVEN, where: Any = NOT_GIVEN) -> Any:
    """Smallest element."""
    return _extreme("min", a, axis, keepdims, initial, where)


rule(np.amax)(max_)
rule(np.amin)(min_)
UFUNCS["maximum", "reduce"] = over_first(max_)
UFUNCS["minimum", "reduce"] = over_first(min_)


@rule(np.argmax)
def argmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Where the largest element is; a tie is recorded."""
    values = values_of(a, "np.argmax", EXTREME)
    _watch(a, np.max(values, axis=axis, keepdims=True) if axis is not None else np.max(values), axis)
    return np.argmax(values, axis=axis, keepdims=bool(keepdims))


@rule(np.argmin)
def argmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Where the smallest element is; a tie is recorded."""
    values = values_of(a, "np.argmin", EXTREME)
    _watch(a, np.min(values, axis=axis, keepdims=True) if axis is not None else np.min(values), axis)
    return np.argmin(values, axis=axis, keepdims=bool(keepdims))


def _watch(x: Any, extreme: Any, axis: Axis) -> None:
    """Compare tied elements, so that the comparison is recorded."""
    tied = plain(x) == extreme
    if np.any(tied.sum(axis=axis) > 1):
        _ = x[tied] >= np.broadcast_to(extreme, tied.shape)[tied]


@rule(np.argsort)
def argsort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:
    """The order of the elements; ties are recorded."""
    values = values_of(a, "np.argsort", EXTREME)
    found = np.argsort(values, axis=axis, kind="stable")
    if axis is None:
        a, values, axis = np.ravel(a), np.ravel(values), 0
    along = np.take_along_axis(values, found, axis)
    if np.any(np.diff(along, axis=axis) == 0):
        moved = np.moveaxis(np.take_along_axis(a, found, axis), axis, -1)
        along = np.moveaxis(along, axis, -1)
        tied = along[..., 1:] == along[..., :-1]
        _ = moved[..., 1:][tied] >= along[..., :-1][tied]
    return found


@rule(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:
    """Elements in increasing order."""
    if axis is None:
        a, axis = np.ravel(a), -1
    x = np.moveaxis(a, axis, -1)
    values = plain(x)
    found = _recorded_sort(x) if values is None else _ordered(x, values)
    return np.moveaxis(found, -1, axis)


@rule(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1) -> Any:
    """A full sort is a partition."""
    return sort(a, axis)


def _ordered(x: Any, values: Any) -> Any:
    """Take the elements in order; every group of tied ones meets in the row max."""
    order = np.argsort(values, axis=-1, kind="stable")
    along = np.take_along_axis(values, order, -1)
    n = along.shape[-1]
    found = np.take_along_axis(x, order, -1)
    if n < 2 or not np.any(along[..., 1:] == along[..., :-1]):
        return found
    new = np.concatenate([np.ones((*along.shape[:-1], 1), bool), along[..., 1:] != along[..., :-1]], axis=-1)
    first = np.maximum.accumulate(np.where(new, np.arange(n), 0), axis=-1)
    longest = int((np.arange(n) - first).max()) + 1
    same = np.minimum(first[..., None] + np.arange(longest), n - 1)
    same = np.where(np.take_along_axis(first[..., None], same, -2) == first[..., None], same, first[..., None])
    groups = np.take_along_axis(found[..., None, :], same, -1)
    return fold("max", groups, -1)


def _recorded_sort(x: Any) -> Any:
    """The operations: entries taken in their own order; inside an inner derivative few ones exchange neighbours."""
    if x.ground is x.level:
        return x.operation(Take(), x, x.operation(Order(), x))
    n = x.shape[-1]
    if n > SORTED_INSIDE:
        raise TracingError(f"the order of {n} elements depends on the input, at {user_line()}",
                           hint=f"inside another derivative at most {SORTED_INSIDE} can be sorted")  # fmt: skip
    columns = [x[..., k] for k in range(n)]
    for turn in range(n):
        for k in range(turn % 2, n - 1, 2):
            a, b = columns[k], columns[k + 1]
            columns[k], columns[k + 1] = apply_row("min", a, b), apply_row("max", a, b)
    return np.stack(columns, axis=-1) if columns else x


@rule(np.median)
def median(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Middle element, or mean of the two middle ones."""
    along = np.sort(reduced_last(numeric(a), axis), axis=-1)
    n = along.shape[-1]
    middle = (along[..., (n - 1) // 2] + along[..., n // 2]) / 2.0 if n % 2 == 0 else along[..., n // 2]
    return kept_dims(middle, a, axis, keepdims)


@rule(np.quantile)
def quantile(a: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Quantile by linear interpolation of the sorted elements, for one plain q."""
    if isinstance(q, Proxy) or np.ndim(q):
        raise TracingError("np.quantile is followed for one plain q", hint="call it once per q")
    return _interpolated(a, Fraction(float(q)), axis, keepdims)


def _interpolated(a: Any, q: Fraction, axis: Any, keepdims: bool) -> Any:
    """The element at the part q of the way along the sorted ones, between its neighbours on a line."""
    along = np.sort(reduced_last(numeric(a), axis), axis=-1)
    low, part = divmod(q * (along.shape[-1] - 1), 1)
    found = along[..., int(low)]
    if part:
        found = found + (along[..., int(low) + 1] - found) * rows([along]).constant(part)
    return kept_dims(found, a, axis, keepdims)


@rule(np.percentile)
def percentile(a: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Quantile of q/100."""
    if isinstance(q, Proxy) or np.ndim(q):
        raise TracingError("np.percentile is followed for one plain q", hint="call it once per q")
    return _interpolated(a, Fraction(float(q)) / 100, axis, keepdims)


@rule(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left") -> Any:
    """Where values belong in a sorted array; a value that equals an element is recorded as a tie."""
    grid, values = (values_of(x, "a position", "choose with np.where") for x in (a, v))
    for knot in np.flatnonzero(np.isin(grid, values)):
        _ = a[knot] == v
    return np.searchsorted(grid, values, side=side)


@rule(np.unique, np.histogram)
def without_derivative(*args: Any, **_: Any) -> Any:
    """Raise TracingError: what these give jumps."""
    raise TracingError(f"a histogram or a set of the input has no derivative, at {user_line()}")

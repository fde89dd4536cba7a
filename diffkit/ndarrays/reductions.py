"""Rules of sums, products and what is made of them, also without missing values; folds and scans of any row; grids."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.ndarrays.kernel import Proxy, apply_row, exactly, numeric, total, values_of
from diffkit.ndarrays.protocols import FUNCTIONS, UFUNCS, rule

Axis = int | tuple[int, ...] | None
NOT_GIVEN = np._NoValue
"""what NumPy hands on for an argument that is not given"""


def axes_of(x: Any, axis: Axis) -> tuple[int, ...]:
    """Give the axes to reduce as sorted non-negative numbers."""
    given = range(np.ndim(x)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(int(np.arange(np.ndim(x))[a]) for a in given))


def reduced_last(x: Any, axis: Axis) -> Any:
    """Bring the axes to reduce together as one last axis."""
    axes = axes_of(x, axis)
    kept = [a for a in range(np.ndim(x)) if a not in axes]
    shape = np.shape(x)
    return np.reshape(np.transpose(x, (*kept, *axes)), (*[shape[a] for a in kept], math.prod(shape[a] for a in axes)))


def kept_dims(value: Any, x: Any, axis: Axis, keepdims: Any) -> Any:
    """Put axes of length 1 where axes were reduced, if asked to."""
    if keepdims is NOT_GIVEN or not keepdims:
        return value
    axes = axes_of(x, axis)
    return np.reshape(value, tuple(1 if a in axes else n for a, n in enumerate(np.shape(x))))


def numbers(x: Any) -> Any:
    """Give truths as 0 and 1."""
    x = numeric(x)
    return np.where(x, 1.0, 0.0) if getattr(x, "truth", False) or getattr(x, "dtype", None) == np.dtype(bool) else x


def masked(x: Any, where: Any, neutral: float) -> Any:
    """Put the neutral element where ``where`` is false."""
    return x if where is NOT_GIVEN or where is True else np.where(where, x, neutral)


@rule(np.sum)
def sum_(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = NOT_GIVEN, where: Any = True) -> Any:
    """Σ x."""
    x = masked(numbers(a), where, 0.0)
    found = kept_dims(total(x, axes_of(x, axis)), x, axis, keepdims)
    return found if initial is NOT_GIVEN else found + initial


@rule(np.prod)
def prod(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = NOT_GIVEN, where: Any = True) -> Any:
    """Π x."""
    found = fold("mul", masked(numbers(a), where, 1.0), axis, keepdims, 1.0)
    return found if initial is NOT_GIVEN else found * initial


def fold(name: str, x: Any, axis: Axis, keepdims: Any = False, neutral: float | None = None) -> Any:
    """Reduce by a row in pairs: halves against halves, so log₂ n operations on arrays do it."""
    rest = reduced_last(x, axis)
    if rest.shape[-1] == 0:
        if neutral is None:
            raise ValueError(f"{name} of no elements")
        return kept_dims(np.full_like(x, neutral, shape=rest.shape[:-1]), x, axis, keepdims)
    while (n := rest.shape[-1]) > 1:
        half = n // 2
        pairs = apply_row(name, rest[..., :half], rest[..., half : 2 * half])
        rest = pairs if n % 2 == 0 else np.concatenate([pairs, rest[..., -1:]], axis=-1)
    return kept_dims(rest[..., 0], x, axis, keepdims)


def scan(name: str, x: Any, axis: Any) -> Any:
    """All partial folds along an axis, by doubling the reach (Hillis & Steele 1986)."""
    x = numbers(x)
    if axis is None:
        x, axis = np.ravel(x), 0
    found, reach = np.moveaxis(x, axis, -1), 1
    while reach < found.shape[-1]:
        later = apply_row(name, found[..., :-reach], found[..., reach:])
        found = np.concatenate([found[..., :reach], later], axis=-1)
        reach *= 2
    return np.moveaxis(found, -1, axis)


@rule(np.cumsum, np.cumulative_sum)
def cumsum(a: Any, axis: Any = None) -> Any:
    """Partial sums."""
    return scan("add", a, axis)


@rule(np.cumprod, np.cumulative_prod)
def cumprod(a: Any, axis: Any = None) -> Any:
    """Partial products."""
    return scan("mul", a, axis)


FOLDS = {
    "add": "add", "multiply": "mul", "maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min",
    "logaddexp": "logsumexp",
}  # fmt: skip
"""ufuncs that accumulate, and their rows"""


def _accumulate(name: str) -> Callable[..., Any]:
    return lambda x, axis=0: scan(name, x, axis)


def over_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """As the function, but over the first axis if none is given."""
    return lambda x, axis=0, **options: function(x, axis, **options)


def _fold(name: str) -> Callable[..., Any]:
    return lambda x, axis, keepdims=False: fold(name, numbers(x), axis, keepdims)


def _outer(ufunc: str) -> Callable[..., Any]:
    def outer(a: Any, b: Any) -> Any:
        a, b = numeric(a), numeric(b)
        return getattr(np, ufunc)(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)

    return outer


for _ufunc, _row in FOLDS.items():
    UFUNCS[_ufunc, "accumulate"] = _accumulate(_row)
    UFUNCS[_ufunc, "reduce"] = over_first(_fold(_row))
UFUNCS["add", "reduce"], UFUNCS["multiply", "reduce"] = over_first(sum_), over_first(prod)
for _ufunc in (*FOLDS, "subtract", "divide", "power"):
    UFUNCS[_ufunc, "outer"] = _outer(_ufunc)


def _length(x: Any, axis: Axis) -> int:
    return math.prod(np.shape(x)[a] for a in axes_of(x, axis))


@rule(np.mean)
def mean(a: Any, axis: Any = None, *, keepdims: Any = False, where: Any = True) -> Any:
    """Σ x / n."""
    count: Any = _length(a, axis)
    if where is not True:
        count = np.sum(np.broadcast_to(where, np.shape(a)), axis=axis, keepdims=bool(keepdims))
    return sum_(a, axis, keepdims=keepdims, where=where) / count


@rule(np.var)
def var(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: Any = False, mean: Any = None) -> Any:
    """Σ (x − x̄)² / (n − ddof)."""
    centre = np.mean(a, axis=axis, keepdims=True) if mean is None else mean
    off = a - centre
    return sum_(off * off, axis, keepdims=keepdims) / (_length(a, axis) - exactly(ddof, off))


@rule(np.std)
def std(a: Any, axis: Any = None, **options: Any) -> Any:
    """Square root of the variance."""
    return np.sqrt(var(a, axis, **options))


@rule(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """Σ wx / Σ w."""
    if weights is None:
        weights = np.ones(np.shape(a) if axis is None or isinstance(axis, tuple) else np.shape(a)[axis])
    weights = exactly(weights, a)
    if np.shape(weights) != np.shape(a):
        weights = np.reshape(weights, [n if k in axes_of(a, axis) else 1 for k, n in enumerate(np.shape(a))])
        weights = np.broadcast_to(weights, np.shape(a))
    scale = sum_(weights, axis, keepdims=keepdims)
    found = sum_(a * weights, axis, keepdims=keepdims) / scale
    return (found, scale) if returned else found


@rule(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Largest minus smallest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@rule(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbours, n times."""
    x = np.moveaxis(a, axis, -1)
    for _ in range(n):
        x = x[..., 1:] - x[..., :-1]
    return np.moveaxis(x, -1, axis)


@rule(np.ediff1d)
def ediff1d(a: Any) -> Any:
    """Differences of neighbours."""
    return diff(np.ravel(a))


@rule(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral by the trapezoidal rule."""
    y, dx = exactly(numeric(y), x, dx), exactly(dx, y)
    y = np.moveaxis(y, axis, -1)
    if x is not None:
        x = exactly(numeric(x), y)
        dx = np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


@rule(np.any)
def any_(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Whether any element is true."""
    return _truths(a, "or_", np.any, axis, keepdims)


@rule(np.all)
def all_(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Whether all elements are true."""
    return _truths(a, "and_", np.all, axis, keepdims)


UFUNCS["logical_or", "reduce"], UFUNCS["logical_and", "reduce"] = over_first(any_), over_first(all_)


def _truths(a: Any, name: str, function: Callable[..., Any], axis: Any, keepdims: Any) -> Any:
    holds = a if getattr(a, "truth", False) else numeric(a) != 0.0
    if not isinstance(holds, Proxy):
        return function(holds, axis=axis, keepdims=bool(keepdims))
    return fold(name, holds, axis, keepdims)


@rule(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements are not zero."""
    holds = a if getattr(a, "truth", False) else a != 0.0
    if isinstance(holds, Proxy):
        return np.sum(holds, axis, keepdims=keepdims)
    return np.count_nonzero(holds, axis=axis, keepdims=keepdims)


@rule(np.array_equal)
def array_equal(a1: Any, a2: Any) -> bool:
    """Whether shapes and elements are equal; a tie if they are."""
    return np.shape(a1) == np.shape(a2) and bool(np.all(numeric(a1) == numeric(a2)))


def _on_values(function: Any) -> Callable[..., Any]:
    def follow(*args: Any, **kwargs: Any) -> Any:
        values = [None if a is None else values_of(a, f"np.{function.__name__}", "leave it out") for a in args]
        return function(*values, **kwargs)

    return follow


rule(np.allclose)(_on_values(np.allclose))
rule(np.isclose)(_on_values(np.isclose))
rule(np.array_repr)(lambda x, *_, **__: repr(x))
rule(np.array_str)(lambda x, *_, **__: repr(x))
rule(np.array2string)(lambda x, *_, **__: repr(x))


@rule(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Σ pₖ xⁿ⁻ᵏ by Horner's rule."""
    found: Any = 0.0 * numeric(x)
    for coefficient in numeric(p):
        found = found * x + coefficient
    return found


@rule(np.linspace)
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    """Points at equal distances, on a new first axis."""
    start, stop = numeric(start), numeric(stop)
    steps = np.arange(num, dtype=float).reshape(-1, *[1] * max(np.ndim(start), np.ndim(stop)))
    fractions = exactly(steps, start, stop) / max(num - 1 if endpoint else num, 1)
    return start * (1.0 - fractions) + stop * fractions


@rule(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Powers of the elements in columns."""
    powers = range(len(x) if N is None else N)
    return np.stack([x**k for k in (powers if increasing else reversed(powers))], axis=-1)


@rule(np.gradient)
def gradient(f: Any, *spacing: Any, axis: Any = None) -> Any:
    """Central differences inside and one-sided ones at the ends, at equal distances."""
    f = exactly(numeric(f), *spacing)
    axes = range(np.ndim(f)) if axis is None else (axis,) if isinstance(axis, int) else axis
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or (1.0,) * len(axes)
    if any(np.ndim(h) for h in steps):
        raise TracingError("np.gradient is followed at equal distances only", hint="write the differences out")
    found = []
    for step, a in zip(steps, axes, strict=True):
        x = np.moveaxis(f, a, -1)
        inner = (x[..., 2:] - x[..., :-2]) / (2.0 * step)
        ends = (x[..., 1:2] - x[..., :1]) / step, (x[..., -1:] - x[..., -2:-1]) / step
        found.append(np.moveaxis(np.concatenate([ends[0], inner, ends[1]], axis=-1), -1, a))
    return found[0] if len(found) == 1 else tuple(found)


def _without_nan(function: Any, neutral: float) -> Any:
    def follow(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
        return function(np.where(_missing(a), neutral, a), axis=axis, keepdims=keepdims)

    return follow


def _missing(a: Any) -> Any:
    return np.isnan(values_of(a, "which elements are NaN", "use np.sum, np.mean"))


for _skipping, _function, _neutral in (
    (np.nansum, np.sum, 0.0), (np.nanprod, np.prod, 1.0), (np.nanmax, np.max, -np.inf), (np.nanmin, np.min, np.inf),
):  # fmt: skip
    FUNCTIONS[_skipping] = _without_nan(_function, _neutral)


@rule(np.nanmean)
def nanmean(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Mean of the elements that are not NaN."""
    return np.nansum(a, axis=axis, keepdims=keepdims) / np.sum(~_missing(a), axis=axis, keepdims=keepdims)


@rule(np.nanvar)
def nanvar(a: Any, axis: Any = None, *, ddof: Any = 0) -> Any:
    """Variance of the elements that are not NaN."""
    off = np.where(_missing(a), 0.0, a - nanmean(a, axis, keepdims=True))
    return np.sum(off * off, axis=axis) / (np.sum(~_missing(a), axis=axis) - ddof)


@rule(np.nanstd)
def nanstd(a: Any, axis: Any = None, *, ddof: Any = 0) -> Any:
    """Square root of the variance of the elements that are not NaN."""
    return np.sqrt(nanvar(a, axis, ddof=ddof))

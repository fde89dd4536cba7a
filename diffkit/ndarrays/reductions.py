"""Rules of sums, products and what is made of them; folds and scans of any row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.ndarrays.kernel import Proxy, apply_row, exactly, numeric, plain, total
from diffkit.ndarrays.registry import UFUNCS, rule
from diffkit.ndarrays.source import user_line

Axis = int | tuple[int, ...] | None
NO_VALUE = np._NoValue
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
    if keepdims is NO_VALUE or not keepdims:
        return value
    axes = axes_of(x, axis)
    return np.reshape(value, tuple(1 if a in axes else n for a, n in enumerate(np.shape(x))))


def numbers(x: Any) -> Any:
    """Give truths as 0 and 1."""
    x = numeric(x)
    return np.where(x, 1.0, 0.0) if getattr(x, "truth", False) or getattr(x, "dtype", None) == np.dtype(bool) else x


def masked(x: Any, where: Any, neutral: float) -> Any:
    """Put the neutral element where ``where`` is false."""
    return x if where is NO_VALUE or where is True else np.where(where, x, neutral)


@rule(np.sum)
def sum_(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = NO_VALUE, where: Any = True) -> Any:
    """Σ x."""
    x = masked(numbers(a), where, 0.0)
    found = kept_dims(total(x, axes_of(x, axis)), x, axis, keepdims)
    return found if initial is NO_VALUE else found + initial


@rule(np.prod)
def prod(a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = NO_VALUE, where: Any = True) -> Any:
    """Π x."""
    found = fold("mul", masked(numbers(a), where, 1.0), axis, keepdims, 1.0)
    return found if initial is NO_VALUE else found * initial


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


def _reduce(function: Callable[..., Any]) -> Callable[..., Any]:
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
    UFUNCS[_ufunc, "reduce"] = _reduce(_fold(_row))
UFUNCS["add", "reduce"], UFUNCS["multiply", "reduce"] = _reduce(sum_), _reduce(prod)
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


UFUNCS["logical_or", "reduce"], UFUNCS["logical_and", "reduce"] = _reduce(any_), _reduce(all_)


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
        values = [plain(a) for a in args]
        if any(v is None and a is not None for v, a in zip(values, args, strict=True)):
            raise TracingError(f"np.{function.__name__} depends on the input, at {user_line()}", hint="leave it out")
        return function(*values, **kwargs)

    return follow


rule(np.allclose)(_on_values(np.allclose))
rule(np.isclose)(_on_values(np.isclose))
rule(np.array_repr)(lambda x, *_, **__: repr(x))
rule(np.array_str)(lambda x, *_, **__: repr(x))
rule(np.array2string)(lambda x, *_, **__: repr(x))

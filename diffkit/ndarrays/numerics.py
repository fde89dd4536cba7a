"""Rules of what NumPy offers for polynomials, grids, missing values and eigenvalues, all in other rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffkit.core.errors import TracingError
from diffkit.ndarrays.kernel import Proxy, exactly, leader, numeric, plain
from diffkit.ndarrays.registry import FUNCTIONS, rule, ufunc_rule
from diffkit.ndarrays.source import user_line
from diffkit.ndarrays.structure import plain_target, refuse_proxies

COINCIDE = 1e-13
"""eigenvalues nearer than this, relative to the largest, are taken as equal"""


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
    values = plain(a)
    if values is None:
        raise TracingError(f"which elements are NaN depends on the input, at {user_line()}", hint="use np.sum, np.mean")
    return np.isnan(values)


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


@rule(np.corrcoef)
def corrcoef(x: Any, *, rowvar: bool = True) -> Any:
    """Covariances divided by standard deviations."""
    covariances = np.cov(x, rowvar=rowvar)
    deviations = np.sqrt(np.diagonal(covariances))
    return covariances / np.outer(deviations, deviations)


@rule(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left") -> Any:
    """Where values belong in a sorted array; a value that equals an element is recorded as a tie."""
    grid, values = plain(a), plain(v)
    if grid is None or values is None:
        raise TracingError(f"a position depends on the input, at {user_line()}", hint="choose with np.where")
    for knot in np.flatnonzero(np.isin(grid, values)):
        _ = a[knot] == v
    return np.searchsorted(grid, values, side=side)


@rule(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply a function of vectors to every line of an array."""
    x = np.moveaxis(arr, axis, -1)
    lines = [func1d(x[position], *args, **kwargs) for position in np.ndindex(*x.shape[:-1])]
    found = np.stack(lines)
    found = np.reshape(found, (*x.shape[:-1], *np.shape(found)[1:]))
    return np.moveaxis(found, -1, axis) if np.ndim(found) == np.ndim(arr) else found


@rule(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """Sums of the weights that fall on each plain integer."""
    if isinstance(x, Proxy) or weights is None:
        return without_derivative()
    x = np.asarray(x)
    return np.equal.outer(np.arange(max(minlength, int(x.max(initial=-1)) + 1)), x) * 1.0 @ weights


@ufunc_rule("add", "at")
def add_at(x: Any, key: Any, values: Any) -> None:
    """x[key] += values, where repeated positions count each time."""
    if not isinstance(x, Proxy):
        raise plain_target()
    refuse_proxies((key,), {})
    at = np.arange(x.size).reshape(x.shape)[key]
    spread = np.equal.outer(np.arange(x.size), np.ravel(at)) * 1.0
    x[...] = x + np.reshape(spread @ np.ravel(np.broadcast_to(numeric(values), at.shape)), x.shape)


@rule(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any) -> None:
    """Write the diagonal of a square matrix."""
    rows, columns = np.shape(a)
    k = np.arange(min(rows, columns))
    a[k, k] = val


@rule(np.put)
def put(a: Any, ind: Any, v: Any) -> None:
    """Write elements by their flat positions."""
    a[np.unravel_index(ind, np.shape(a))] = v


@rule(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int) -> None:
    """Write elements at positions along an axis."""
    refuse_proxies((indices,), {})
    if not isinstance(arr, Proxy):
        raise plain_target()
    at = np.take_along_axis(np.arange(arr.size).reshape(arr.shape), np.asarray(indices), axis)
    arr[np.unravel_index(at, arr.shape)] = values


@rule(np.result_type)
def result_type(*_: Any) -> Any:
    """Binary64, as everything that is followed."""
    return np.dtype(float)


@rule(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues w₀ + diag(P) and vectors V₀ + V₀(F∘P), P = V₀ᵀ(A − A₀)V₀, Fᵢⱼ = 1/(wⱼ − wᵢ), of a symmetric A.

    Formula: Giles (2008), section 3.1. The sign of a vector is LAPACK's. Where eigenvalues coincide there is a kink.
    """
    lead = leader((a,))
    assert lead is not None
    if lead.primal is None:
        raise TracingError(f"eigenvalues cannot be traced, at {user_line()}", hint="they have no formula")
    low = np.tril(a) if UPLO == "L" else np.swapaxes(np.triu(a), -1, -2)
    strict = low * np.tri(np.shape(a)[-1], k=-1)
    symmetric = low + np.swapaxes(strict, -1, -2)
    below = symmetric.primal
    values, vectors = np.linalg.eigh(below)
    change = np.swapaxes(vectors, -1, -2) @ (symmetric - below) @ vectors
    slopes = np.diagonal(change, 0, -2, -1)
    gaps = values[..., None, :] - values[..., :, None]
    size = np.abs(plain(gaps))
    same = size <= COINCIDE * np.max(np.abs(plain(values)), axis=-1, initial=0.0)[..., None, None]
    diagonal = np.eye(np.shape(a)[-1], dtype=bool)
    turned = np.where(same, 0.0, change / np.where(same, 1.0, gaps))
    # where eigenvalues coincide they move apart like |t|, unless the change is a multiple of the identity there
    apart = np.where(same & ~diagonal, change, 0.0), slopes[..., None, :] - slopes[..., :, None]
    pair: Any = type(np.linalg.eigh(np.eye(1)))  # the named tuple that NumPy gives
    kinks = np.sum(np.abs(apart[0]) + np.abs(np.where(same & ~diagonal, apart[1], 0.0)), axis=-1)
    return pair(values + slopes + kinks, vectors + vectors @ turned + kinks[..., None, :])


@rule(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of a symmetric matrix, increasing."""
    return eigh(a, UPLO)[0]


@rule(np.linalg.pinv)
def pinv(a: Any) -> Any:
    """Pseudoinverse of a matrix of full rank: (AᵀA)⁻¹Aᵀ or Aᵀ(AAᵀ)⁻¹."""
    rows, columns = np.shape(a)[-2:]
    transposed = np.swapaxes(a, -1, -2)
    if rows >= columns:
        return np.linalg.solve(transposed @ a, transposed)
    return transposed @ np.linalg.inv(a @ transposed)


@rule(np.unique, np.histogram)
def without_derivative(*args: Any, **_: Any) -> Any:
    """Raise TracingError: what these give jumps."""
    raise TracingError(f"a histogram or a set of the input has no derivative, at {user_line()}")

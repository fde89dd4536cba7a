"""Arrays of power series over balls, with one term or two, and their products, inverses and determinants."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np
from flint import arb, arb_mat, arb_series, ctx

from diffkit.core.table.ball_forms import undefined

SeriesArray = Any
"""an array of objects, each a power series"""


def lifted(value: Any, speed: Any = None) -> SeriesArray:
    """Numbers as series: constant, or moving at a speed."""
    value = np.asarray(value, dtype=float)
    speeds = np.zeros(value.shape) if speed is None else np.broadcast_to(speed, value.shape)
    return _filled(value.shape, [arb_series([x, v]) for x, v in zip(value.flat, speeds.flat, strict=True)])


def coefficient(series: SeriesArray, k: int) -> Any:
    """The k-th coefficients of an array of series, as balls."""
    return _filled(series.shape, [entry[k] for entry in series.flat])


def _filled(shape: tuple[int, ...], entries: list[Any]) -> Any:
    found = np.empty(len(entries), dtype=object)
    for k, entry in enumerate(entries):  # NumPy would take a series for a sequence
        found[k] = entry
    return found.reshape(shape)


def boxed(value: Any) -> SeriesArray:
    """What NumPy gave for an array without axes, as an array again."""
    return value if isinstance(value, np.ndarray) else _filled((), [value])


def _matrices(x: SeriesArray) -> tuple[Any, Any]:
    """A matrix and its rate of change, as Arb's matrices."""
    at, speed = (arb_mat(*x.shape, [entry[k] for entry in x.flat]) for k in (0, 1))
    return at, speed


def _series(at: Any, speed: Any) -> SeriesArray:
    """The same backwards."""
    entries = zip(at.entries(), speed.entries(), strict=True)
    return _filled((at.nrows(), at.ncols()), [arb_series([a, b]) for a, b in entries])


def product(x: SeriesArray, y: SeriesArray) -> SeriesArray:
    """X Y + t·(Ẋ Y + X Ẏ), vectors being a row on the left and a column on the right."""
    (a, da), (b, db) = _matrices(np.atleast_2d(x)), _matrices(y if y.ndim == 2 else y[:, None])
    speed = a * db if all(v.is_zero() for v in da.entries()) else da * b + a * db
    return _series(a * b, speed).reshape(x.shape[:-1] + y.shape[1:])


def inverse(x: SeriesArray) -> SeriesArray:
    """Y − t·Y Ẋ Y, with NaN for a matrix that is not proven to have an inverse."""
    at, speed = _matrices(x)
    try:
        found = at.inv()
    except ZeroDivisionError:
        return _filled(x.shape, [undefined(flint)] * x.size)
    return _series(found, -(found * speed * found))


def determinant(x: SeriesArray) -> SeriesArray:
    """D·(1 + t·trace(X⁻¹ Ẋ)); of a matrix without an inverse the value alone, and no rate."""
    at, speed = _matrices(x)
    value = at.det()
    if ctx.cap == 1:
        return arb_series([value])
    try:
        return arb_series([value, value * (at.inv() * speed).trace()])
    except ZeroDivisionError:
        return arb_series([value, arb("nan")])

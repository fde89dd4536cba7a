"""How far the values of a Python function are from what its formula says: its own rounding, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.numbers.floats import EPSILON

NEIGHBOURS = 4
NEAR_DISTANCES = (2.0**-40,)
"""relative distances of neighbours: many roundings of the point away, and too near for a function to bend"""
FAR_DISTANCES = tuple(2.0**-k for k in (40, 35, 30, 25, 20))
"""farther too, where intermediate results change that are rounded to much larger units than the value's own"""
DEGREE = 3  # of the polynomials that are taken out of neighbouring values
NEIGHBOUR_OFFSETS = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
OFFSET_POWERS = np.vander(NEIGHBOUR_OFFSETS / NEIGHBOURS, DEGREE + 1)
BENT = 2.0**8  # from one distance to the next, twice: what is left of f itself grows by 2**20, and rounding once
SAFETY = 4.0

Values = Callable[[Any], Any]
"""A flat point → a flat array of results."""


def rounding(values: Values, point: Any, distances: Sequence[float] = NEAR_DISTANCES) -> Any:
    """Bound on |computed − exact| of each entry at a point, judged from a few points beside it.

    Where the code takes NumPy's extended precision, the difference from it is the rounding itself. Elsewhere, and at
    distances that are asked for since parts of code may round to binary64 in between, as ``math.exp`` does, it is the
    most that is left of the values there when a cubic is taken out.
    """

    def at(row: Any) -> Any:
        check_time()
        return values(row)

    point = np.asarray(point, dtype=float)
    value = np.asarray(at(point), dtype=float)
    signs = np.random.default_rng(len(point)).uniform(0.5, 1.0, (NEIGHBOURS, len(point)))
    scale = np.where(point == 0, 1.0, np.abs(point))
    rows = [point, *(point + NEAR_DISTANCES[0] * scale * s for s in signs)]
    extended = list(takewhile(lambda found: found is not None, (in_extended(at, row) for row in rows)))
    kept = len(extended) == len(rows)
    found = [abs(e - at(row)) for e, row in zip(extended, rows, strict=True)] if kept else []
    if not kept or distances != NEAR_DISTANCES:
        left = (residuals(at, point, d * scale, value) for d in distances)
        found.append(_scatter(np.array([np.max(np.abs(r), axis=0) for r in left])))
    noise = np.max(found, axis=0).astype(float)
    return SAFETY * noise + EPSILON * np.abs(value)


def _scatter(left: Any) -> Any:
    """The most that is left at any distance, (distances, entries), up to where it is the function that bends."""
    grown = left[1:] > BENT * left[:-1]
    bent = np.zeros(left.shape, dtype=bool)
    for k in range(1, len(grown)):
        bent[k:] |= grown[k - 1] & grown[k]
    return np.max(np.where(bent, 0.0, left), axis=0)


def in_extended(values: Values, point: Any) -> Any:
    """The values in extended precision; None where the code does not keep it."""
    if np.finfo(np.longdouble).nmant <= np.finfo(float).nmant:
        return None
    try:
        found = np.asarray(values(np.asarray(point, dtype=np.longdouble)))
    except Exception:  # whatever it is, this code takes binary64 only
        return None
    return found if found.dtype == np.longdouble else None


def residuals(values: Values, point: Any, steps: Any, value: Any) -> Any:
    """Values on a line of points close by, with the one at the point, less the polynomial that fits them best."""
    table = np.array([values(point + k * steps) if k else value for k in NEIGHBOUR_OFFSETS], dtype=float)
    fitted, *_ = np.linalg.lstsq(OFFSET_POWERS, table, rcond=None)
    return table - OFFSET_POWERS @ fitted

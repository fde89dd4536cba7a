"""How far the values of a Python function are from what its formula says: its own rounding, measured."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Any

import numpy as np

from diffkit.deadline import check_time

NEIGHBOURS = 4
STEP = 2.0**-40  # relative distance of neighbours: many roundings away, and too near for f to bend
SAFETY = 4.0
UNIT = 2.0**-52

Values = Callable[[Any], Any]
"""A flat point → a flat array of results."""


def rounding(values: Values, point: Any) -> Any:
    """Bound on |computed − exact| of each entry at a point, judged from a few points beside it.

    Where the code takes NumPy's extended precision, the difference from it is the rounding itself; elsewhere it is
    what is left of the values beside the point when a straight line is taken out.
    """

    def at(row: Any) -> Any:
        check_time()
        return values(row)

    point = np.asarray(point, dtype=float)
    value = np.asarray(at(point), dtype=float)
    signs = np.random.default_rng(len(point)).uniform(0.5, 1.0, (NEIGHBOURS, len(point)))
    steps = STEP * np.where(point == 0, 1.0, np.abs(point))
    rows = [point, *(point + steps * s for s in signs)]
    extended = list(takewhile(lambda found: found is not None, (in_extended(at, row) for row in rows)))
    if len(extended) == len(rows):
        apart = [abs(e - at(row)) for e, row in zip(extended, rows, strict=True)]
        noise = np.max(apart, axis=0).astype(float)
    else:
        noise = np.max(np.abs(residuals(at, point, steps)), axis=0)
    return SAFETY * noise + UNIT * np.abs(value)


def in_extended(values: Values, point: Any) -> Any:
    """The values in extended precision; None where the code does not keep it."""
    if np.finfo(np.longdouble).nmant <= np.finfo(float).nmant:
        return None
    try:
        found = np.asarray(values(np.asarray(point, dtype=np.longdouble)))
    except Exception:  # whatever it is, this code takes binary64 only
        return None
    return found if found.dtype == np.longdouble else None


def residuals(values: Values, point: Any, steps: Any) -> Any:
    """Values on a line of points close by, less the straight line that fits them best."""
    offsets = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    table = np.array([values(point + k * steps) for k in offsets], dtype=float)
    powers = np.stack([np.ones(len(offsets)), offsets], axis=1)
    fitted, *_ = np.linalg.lstsq(powers, table, rcond=None)
    return table - powers @ fitted

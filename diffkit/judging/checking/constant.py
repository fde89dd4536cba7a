"""How far around a point a function keeps its value: what claims of zero about values alone rest on.

Values that do not change prove no zero. A function that changes at none of the distances tried has no slope that
they could show; one that is constant near the point only may have stopped at a tolerance, or wait beyond a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.asking.callables.silence import unwarned
from diffkit.core.errors import FunctionError
from diffkit.core.program import Index
from diffkit.judging.checking.agreement import MOST
from diffkit.judging.checking.outcome import Judged

DISTANCES = tuple(10.0**-k for k in range(8, -1, -1))
"""from the nearest to the farthest, as parts of a coordinate, or of 1 at zero"""
WIDE = 0.1  # the part of a coordinate over which a slope is typical


class Around(NamedTuple):
    """What an output does along one coordinate: to which distance it is constant, and a typical slope of it."""

    constant: float
    """0 where it changes at the nearest distance, infinite where it changes at none"""
    slope: float


def around(bound: Bound, point: Sequence[float], output: int, variable: int) -> Around:
    """Look at an output of a function on both sides of a point."""
    row = np.array(point, dtype=float)
    size = abs(row[variable]) or 1.0
    here = float(bound.values(row)[output])
    steps = {d: [_beside(bound, row, output, variable, sign * d * size) for sign in (1.0, -1.0)] for d in DISTANCES}
    changed = [d for d, values in steps.items() if any(v != here for v in values if math.isfinite(v))]
    rises = [abs(v - here) / (WIDE * size) for v in steps[WIDE] if math.isfinite(v)]
    if not changed:
        return Around(math.inf, 0.0)
    nearer = [d for d in DISTANCES if d < changed[0]]
    return Around(nearer[-1] * size if nearer else 0.0, max(rises, default=0.0))


def _beside(bound: Bound, row: np.ndarray, output: int, variable: int, step: float) -> float:
    """An output beside the point; NaN where the code fails so far from it, its warnings unheard."""
    moved = row.copy()
    moved[variable] += step
    try:
        with unwarned():
            return float(bound.values(moved)[output])
    except FunctionError:
        return math.nan


def of_zero(bound: Bound, point: Sequence[float], index: Index, judged: Judged, name: str) -> Judged:
    """The verdict on a claim of zero, where values alone would say something else."""
    output, (variable, *_) = index
    far = around(bound, point, output, variable).constant
    if math.isinf(far):
        return judged._replace(verdict="correct", digits=MOST, note="")
    if not far:
        return judged
    note = f"{bound.name} is constant to {far:.1g} around the point in {name}, and changes beyond"
    return judged._replace(verdict="inconclusive", digits=0, note=note)


def typical_slope(bound: Bound, point: Sequence[float], indices: Sequence[Index]) -> float:
    """The largest of the typical slopes of some partial derivatives."""
    return max((around(bound, point, output, v).slope for output, (v, *_) in indices), default=0.0)

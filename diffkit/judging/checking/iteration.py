"""What iteration and adaptivity add to f and to a claim: by the tolerances of the solvers that they call.

A difference within a solver's own tolerance is no mistake of a claim. The code runs with tighter tolerances too: what
that changes of its values, and of their differences beside the point, is the solver's and not the claim's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.asking.callables.solvers import Call, added, calls_in
from diffkit.core.program import Index
from diffkit.judging.checking.outcome import Measured

OFTEN = 3.0  # times its tolerance that a solver may be off by
STEPS = (1e-2, 1e-3)  # of a coordinate, over which what a solver adds is differentiated


def of_claim(bound: Bound | None, point: Sequence[float], values: Any) -> Any:
    """What solvers may have put each value of a claim off by."""
    calls = [] if bound is None else calls_in(bound, point)
    if bound is None or not calls:
        return np.zeros(len(values))
    size = np.abs(values)
    off = OFTEN * _most(call for call in calls if not call.linear) * size
    off = np.maximum(off, OFTEN * _most(call for call in calls if call.linear) * np.max(size))
    apart = np.abs(added(bound, np.array(point, dtype=float)))
    return np.where(np.isfinite(apart), np.maximum(off, apart), off)


def of_function(
    bound: Bound | None, point: Sequence[float], indices: Sequence[Index], suspects: Sequence[Measured]
) -> list[float]:
    """What solvers inside f may have put each of some partials off by."""
    calls = [] if bound is None else [call for call in calls_in(bound, point) if not call.linear]
    if bound is None or not calls:
        return [0.0] * len(suspects)
    row = np.array(point, dtype=float)
    found = []
    for m in suspects:
        slopes = [abs(_slope(bound, row, indices[m.component], step)) for step in STEPS]
        found.append(max(OFTEN * _most(calls) * abs(m.reference), *filter(math.isfinite, slopes), 0.0))
    return found


def _most(calls: Iterable[Call]) -> float:
    """The largest relative error that some solvers make, whether they are asked for more or not."""
    return max((max(call.tolerance, call.rest) for call in calls), default=0.0)


def _slope(bound: Bound, row: Any, index: Index, step: float) -> float:
    """The partial derivative of what solvers add to an output, by a product of central differences of some step."""
    output, variables = index
    steps = [step * (abs(row[v]) or 1.0) for v in variables]
    total = 0.0
    for signs in product((1.0, -1.0), repeat=len(variables)):
        moved = row.copy()
        for v, sign, h in zip(variables, signs, steps, strict=True):
            moved[v] += sign * h
        total += math.prod(signs) * float(added(bound, moved)[output])
    return total / math.prod(2 * h for h in steps)

"""Points on every side of the kinks and choices of a program, so that no explanation rests on one side alone."""

from __future__ import annotations

import numpy as np

from diffkit.core.program import Program, run_slots
from diffkit.core.rules import by_rule
from diffkit.core.table import table
from diffkit.judging.checking.repair.evidence import Array
from diffkit.numbers.arrays import ARRAYS

MOST = 6  # sides that are visited
WHERE = table["where"]


def sides(program: Program, points: Array) -> Array:
    """Which of the points (P, n) to visit: the first on each combination of sides, a few at most."""
    patterns = []
    with np.errstate(all="ignore"):
        values = run_slots(program, ARRAYS, list(points.T)) if len(program.inputs) == points.shape[1] else []
        for _, row, args in program.numbered() if values else ():
            if row is WHERE:
                patterns.append(values[args[0]])
            elif not row.truth:
                given = [values[arg] for arg in args]
                breaks = [place for place in row.places if place.kind in ("kink", "jump")]
                patterns += [by_rule(place.margin, ARRAYS, given) > 0 for place in breaks]
    if not patterns:
        return points[:0]
    patterns_at = np.array([np.broadcast_to(pattern, len(points)) for pattern in patterns])
    _, first = np.unique(patterns_at, axis=1, return_index=True)
    found: Array = points[np.sort(first)[:MOST]]
    return found

"""Points on every side of the kinks and choices of a program, so that no explanation rests on one side alone."""

from __future__ import annotations

import numpy as np

from diffkit.algebras.arrays import ARRAYS
from diffkit.checking.repair.evidence import Array
from diffkit.primitives import table
from diffkit.program import Program, run_slots

MOST = 6  # sides that are visited
PAIRS = frozenset(table[name] for name in ("max", "min"))
SIGNS = frozenset(table[name] for name in ("abs", "relu", "sign", "heaviside"))
WHERE = table["where"]


def sides(program: Program, points: Array) -> Array:
    """Which of the points (P, n) to visit: the first on each combination of sides, a few at most."""
    chosen = [row for row, _ in program.instructions if row in PAIRS or row in SIGNS or row is WHERE]
    if not chosen or len(program.inputs) != points.shape[1]:
        return points[:0]
    with np.errstate(all="ignore"):
        values = run_slots(program, ARRAYS, list(points.T))
    patterns = []
    for _, row, args in program.numbered():
        if row in PAIRS:
            patterns.append(values[args[0]] >= values[args[1]])
        elif row in SIGNS:
            patterns.append(values[args[0]] > 0)
        elif row is WHERE:
            patterns.append(values[args[0]])
    patterns_at = np.array([np.broadcast_to(pattern, len(points)) for pattern in patterns])
    _, first = np.unique(patterns_at, axis=1, return_index=True)
    found: Array = points[np.sort(first)[:MOST]]
    return found

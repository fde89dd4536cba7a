"""Whether a whole vector is an element of Clarke's gradient: each of its entries may be, and the vector not.

Clarke's gradient is the convex hull of the limits of gradients at points beside (Clarke, Optimization and Nonsmooth
Analysis, 1983, theorem 2.5.1): at a tie of max(x, y) it holds (t, 1 − t), but not (1, 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import nnls

from diffkit.checking.model import Judged
from diffkit.checking.subject import Subject

DISTANCE = 2.0**-20  # of the points beside, in proportion
NEAR = 1e-3  # of the largest gradient beside: what a gradient may change over that distance
BASE, EACH = 16, 8  # points beside: so many, and so many more for each entry at a kink
MOST = 64  # entries at kinks up to which gradients beside are gathered
OUTSIDE = "entry by entry it lies between the slopes, but it is no mixture of the gradients around the point"


def mixtures(subject: Subject, places: Sequence[int], point: Sequence[float], judged: list[Judged], rng: Any) -> None:
    """Doubt entries at kinks that are right one by one, where together they are no mixture of gradients beside."""
    kinks = [k for k, j in enumerate(judged) if j.convention]
    if len(kinks) < 2 or any(j.verdict == "wrong" for j in judged):
        return
    if len(kinks) <= MOST and _is_mixture(subject, [places[k] for k in kinks], point,
                                          [judged[k].claimed for k in kinks], rng):  # fmt: skip
        return
    for k in kinks:
        judged[k] = judged[k]._replace(verdict="inconclusive", error=math.nan, note=OUTSIDE, convention="")


def _is_mixture(subject: Subject, places: Sequence[int], point: Sequence[float], claimed: Any, rng: Any) -> bool:
    base = np.array(point, dtype=float)
    scale = DISTANCE * np.where(base == 0, 1.0, np.abs(base))
    rows = []
    for _ in range(BASE + EACH * len(places)):
        truth = subject.at(tuple((base + scale * rng.uniform(-1, 1, len(base))).tolist()))
        if all(place not in truth.odd or truth.odd[place].status == "ok" for place in places):
            rows.append([truth.values[place] for place in places])
    if not rows:
        return False
    beside = np.array(rows)
    size = float(np.max(np.abs(beside))) or 1.0
    weights_add_up = np.full((1, len(rows)), size)
    _, apart = nnls(np.concatenate([beside.T, weights_add_up]), np.append(claimed, size))
    return bool(apart <= NEAR * size)

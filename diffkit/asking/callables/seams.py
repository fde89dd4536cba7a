"""Where the code of a function goes over from one formula to another: branches, and loops that stop at a tolerance.

A loop that stops leaves something over, and the derivative of what it computed lags behind that of its limit. At a
seam, where it makes one step more, the derivatives of both formulas tell by how much.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.asking.callables.following import following, operations
from diffkit.core.errors import BackendError, LimitError

if TYPE_CHECKING:
    from diffkit.asking.callables.binding import Bound

SIDES = (0.5, -0.5)  # of the point: so far on either side a seam is looked for
NEAR = 2.0**-20  # of that: the distance of two points with the seam between them
LEFT = 30.0  # times the difference at a seam that may be left over: the sum of all further steps
JOINT = 1e-2  # of the largest: a larger difference is that of a branch, and of no concern to other points

Derive = Callable[[Any], Any]
"""A point → its derivatives, flat."""


def lag(function: Bound, derive: Derive, point: Sequence[float], largest: Any) -> Any:
    """Bounds on how far derivatives at a point are from those of a loop's limit; 0 where no loop is found.

    ``largest`` holds the largest of the kind of each. TracingError where the code cannot be followed.
    """
    here = np.array(point, dtype=float)
    step = stride(here)
    for side in SIDES:
        line = Line(partial(operations, function), derive, here, side * step)
        seam = line.seam()
        if seam is not None:
            with following(function.name):
                apart = np.abs(line.gap(seam))
            return np.where(apart <= JOINT * largest, LEFT * apart, 0.0)
    return np.zeros(len(largest))


def stride(here: Any) -> Any:
    """About as far from a point as 0 is, along no axis."""
    return np.where(here == 0, 1.0, np.abs(here)) * (2 + np.sin(np.arange(len(here)) + 1.0)) / 3


class Line:
    """Code on the way from a point to another one: how much of it runs (``count``), and what it gives (``derive``)."""

    def __init__(self, count: Callable[[Any], int], derive: Derive, start: Any, step: Any, near: float = NEAR):
        self.count, self.derive, self.start, self.step, self.near = count, derive, start, step, near
        self.counted = count(start)

    def is_like_start(self, part: float) -> bool:
        """Whether as much of the code runs after a part of the way as at the start."""
        return self.count(self.start + part * self.step) == self.counted

    def seam(self, looks: Sequence[float] = (1.0,)) -> float | None:
        """The part of the way up to which it does; None if it does at all ``looks``, or if it cannot be told.

        Negative parts lie behind the start.
        """
        try:
            other = next((part for part in looks if not self.is_like_start(part)), None)
            if other is None:
                return None
            same = 0.0 * other
            while abs(other - same) > self.near:
                middle = (same + other) / 2
                same, other = (middle, other) if self.is_like_start(middle) else (same, middle)
        except (BackendError, LimitError):
            return None
        return same

    def gap(self, seam: float) -> Any:
        """By how much what both formulas give differs half-way, from straight lines on either side."""
        parts = [seam + k * math.copysign(self.near, seam) for k in (-1, 0, 1, 2)]
        before, left, right, after = (self.derive(self.start + part * self.step) for part in parts)
        return (3 * left - before) / 2 - (3 * right - after) / 2

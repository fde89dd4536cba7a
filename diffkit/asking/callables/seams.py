"""Where code goes over from one formula to another: branches, and loops that stop at a tolerance.

A loop that stops leaves something over, and the derivative of what it computed lags behind that of its limit. At a
seam, where it makes one step more, the derivatives of both formulas tell by how much.

What a loop that stops at a tolerance leaves over grows along a tooth, and at its end one step more takes it away: the
values jump by J over a tooth of width W, so that their slope is off by J/W on average. Which steps are taken is seen by
a trace hook (``sys.settrace``, of this thread alone) for as long as one evaluation lasts; where one runs already, a
debugger's, nothing is seen.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.asking.callables.following import following, operations
from diffkit.core.errors import BackendError, DiffkitError, LimitError
from diffkit.core.program import Index
from diffkit.core.surroundings import unwarned

if TYPE_CHECKING:
    from diffkit.asking.callables.binding import Bound


SEAM_SIDES = (0.5, -0.5)  # of the point: so far on either side a seam is looked for
SEAM_NEAR = 2.0**-20  # of that: the distance of two points with the seam between them
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
    for side in SEAM_SIDES:
        line = Passage(partial(operations, function), derive, here, side * step)
        seam = line.seam()
        if seam is not None:
            with following(function.name):
                apart = np.abs(line.gap(seam))
            return np.where(apart <= JOINT * largest, LEFT * apart, 0.0)
    return np.zeros(len(largest))


def stride(here: Any) -> Any:
    """About as far from a point as 0 is, along no axis."""
    return np.where(here == 0, 1.0, np.abs(here)) * (2 + np.sin(np.arange(len(here)) + 1.0)) / 3


class Passage:
    """Code on the way from a point to another one: how much of it runs (``count``), and what it gives (``derive``)."""

    def __init__(self, count: Callable[[Any], int], derive: Derive, start: Any, step: Any, near: float = SEAM_NEAR):
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


TOOTH_LOOKS = (2.0**-4, 1.0, 4.0)  # of the way from 0: there the ends of a tooth are looked for
END_NEAR = 2.0**-30  # of that: the distance of two points with the end between them
JUMP_ROUNDING = 16 * 2.0**-52  # of the values: a smaller jump is rounding
MORE = 4  # times the steps at the point: what takes more is another tooth, or does not end
UNCOUNTED_LIBRARIES = ("numpy", "scipy", "diffkit")  # whose own loops are not those of the code


class _Tooth(NamedTuple):
    """Around a point: the jumps of the values at its ends (J), and its width along each coordinate (W).

    A jump of a branch, which is larger, is none.
    """

    jumps: Any
    widths: Any
    largest: Any
    """of the values, by output"""
    unit: float
    """of what else they are off by: a smaller jump is that"""

    def off(self, index: Index) -> float:
        """A bound on what a partial is off by: J/W, and ln(1/J) times that at the end of a tooth.

        What is left over goes from e² to e along a tooth where steps converge quadratically, from k·e to e where they
        converge linearly: at the end its logarithm grows as fast as on average, by ln(1/e) at most.
        """
        output, variables = index
        jump, size = float(self.jumps[output]), float(self.largest[output])
        if not variables or not jump > max(JUMP_ROUNDING, self.unit) * size:
            return 0.0
        return jump * float(np.prod(np.log(size / jump) / self.widths[list(variables)]))


@unwarned()
def tooth(bound: Bound, point: Sequence[float]) -> _Tooth | None:
    """The tooth around a point; None where nothing is repeated, or as often all around it."""
    values_at = partial(_values, bound)
    line = Passage(partial(_repeats, bound), values_at, np.array(point, dtype=float), stride(np.array(point)), END_NEAR)
    if not line.counted:
        return None
    line.count = partial(_repeats, bound, most=MORE * (line.counted + 1))
    ends = [line.seam([side * look for look in TOOTH_LOOKS]) for side in (1.0, -1.0)]
    found = [end for end in ends if end is not None]
    if not found:
        return None
    values = np.abs([values_at(line.start + end * line.step) for end in (0.0, *found)])
    largest = np.max(np.where(np.isfinite(values), values, 0.0), axis=0)
    gaps = np.abs([line.gap(end) for end in found])
    jumps = np.max(np.where(gaps <= JOINT * largest, gaps, 0.0), axis=0)
    width = sum(1.0 if end is None else min(1.0, abs(end)) for end in ends)
    return _Tooth(jumps, width * line.step, largest, bound.known_to(tuple(point))[0])


class _Enough(BaseException):
    """The code has repeated itself often enough; nothing that it catches."""


def _values(bound: Bound, row: Any) -> Any:
    """The values at a point; NaN where there are none, as beyond the domain."""
    try:
        return bound.values(row)
    except DiffkitError:
        return np.full(len(bound.outputs), np.nan)


def _repeats(bound: Bound, row: Any, most: float = math.inf) -> int:
    try:
        return repeats(lambda: bound.values(row), most)
    except DiffkitError:
        return 0


def repeats(run: Callable[[], Any], most: float = math.inf) -> int:
    """How often code goes back to what it has run before, in a loop or by calling itself, while something runs.

    Code that may call itself counts each time, as it has decided how far to go on.
    What does so more often than ``most`` is ended, and its count is −1.
    """
    if sys.gettrace() is not None:
        return 0
    count = 0
    running: Counter[CodeType] = Counter()

    def again(times: int) -> None:
        nonlocal count
        count += times
        if count > most:
            raise _Enough

    def enter(frame: FrameType, _: str, __: Any) -> Any:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in UNCOUNTED_LIBRARIES:
            return None
        line, code = -1, frame.f_code
        again(running[code] > 0 or code.co_name in (*code.co_names, *code.co_freevars))
        running[code] += 1

        def inside(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal line
            if event == "line":
                again(frame.f_lineno <= line)
                line = frame.f_lineno
            elif event == "return":
                running[code] -= 1
            return inside

        return inside

    sys.settrace(enter)
    try:
        run()
    except _Enough:
        return -1
    finally:
        sys.settrace(None)
    return count

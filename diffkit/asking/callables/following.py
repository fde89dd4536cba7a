"""Following the code of a function: its formula where it has no branches, and where it goes over to another formula.

Code may compute something else from what stands in for numbers than from numbers, so both are compared.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.asking.callables.faults import rounding
from diffkit.core.errors import BackendError, DiffkitError, LimitError, TracingError, told
from diffkit.core.program import Index, Program, run
from diffkit.core.surroundings import silenced, unwarned
from diffkit.ndarrays import pullback, record_function
from diffkit.numbers.array_bounds import ARRAY_BOUNDS
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.floats import EPSILON

if TYPE_CHECKING:
    from diffkit.asking.callables.binding import Bound


_FOLLOWED_SLACK = 8.0  # times a rounding bound by which the function and what follows it may differ
_COMPARED_FACTORS = (1.0, 1.0 + 2.0**-9, 1.0 - 2.0**-7)
"""factors of the point at which what was recorded is compared with the function"""


@contextmanager
def following(name: str) -> Iterator[None]:
    """Make a TracingError of whatever the code raises when it meets what stands in for numbers."""
    try:
        with np.errstate(all="ignore"), silenced():
            yield
    except (BackendError, LimitError):
        raise
    except Exception as error:
        inner = error if isinstance(error, DiffkitError) else error.__cause__
        if isinstance(inner, DiffkitError):
            raise TracingError(inner.reason, hint=inner.hint) from None
        raise TracingError(f"{name} takes plain numbers only: what stands in for them raised {told(error)}") from error


def record(function: Bound) -> Program:
    """Give the Program of a function whose code has no branches, an input for each argument.

    TracingError where it cannot be found, or has other values than the function at the start or beside it.
    """
    with following(function.name):
        found = record_function(function.call, [(a.name, a.shape) for a in function.arguments]).program
        places = [[factor * x + (factor - 1.0) * (x == 0) for x in function.start] for factor in _COMPARED_FACTORS]
        check_record(function, found, places)
    return found


def check_record(function: Bound, program: Program, points: Sequence[Sequence[float]]) -> None:
    """TracingError if the function has other values than its Program at one of some points."""
    for point in points:
        arguments = function.split(np.array(point, dtype=float))
        own = function.values(point)
        with np.errstate(all="ignore"):
            (plain,) = run(program, ARRAYS, arguments)
            if np.array_equal(np.ravel(plain), own, equal_nan=True):
                continue  # with nothing to explain by rounding
            ((value, error),) = run(program, ARRAY_BOUNDS, [(x, np.zeros(np.shape(x))) for x in arguments])
        value, error = np.ravel(value), np.ravel(np.broadcast_to(error, np.shape(value)))
        if value.shape != own.shape:
            raise TracingError(f"{function.name} has {own.size} entries, what was recorded of it has {value.size}")
        lost = np.isnan(own) & np.isfinite(value) & np.isfinite(error)
        apart = lost | (np.abs(value - own) > _FOLLOWED_SLACK * (error + np.spacing(np.abs(own))))
        if np.any(apart):
            k = int(np.argmax(apart))
            at = function.where(point)
            raise TracingError(f"{function.name} is {own[k]} at {at}, what was recorded of it gives {value[k]}")


def _operations(function: Bound, row: Any) -> int:
    """How many numbers the code computes from the input at a point; TracingError if it cannot be followed."""
    known, count = function.counted
    if row.tobytes() != known:
        with following(function.name):
            count = pullback(function.call, function.split(row)).operations
        function.counted = row.tobytes(), count
    return count


def check_values(function: Bound, point: Any, found: Any, own: Any = None) -> None:
    """TracingError if the code gave other values from what stands in for numbers than its ``own`` from numbers."""
    own = function.values(point) if own is None else own
    if not same_values(function, point, found, own):
        raise TracingError(
            f"{function.name} computes something else when it is followed: {_apart(np.ravel(found), own)}",
            hint="it looks at the type of its argument, catches errors, or keeps a state",
        )


def same_values(function: Bound, point: Any, found: Any, own: Any) -> bool:
    """Whether values are those that the function has from numbers, up to rounding."""
    found = np.ravel(found)
    if found.shape != own.shape:
        return False
    apart = ~(np.abs(found - own) <= _FOLLOWED_SLACK * EPSILON * np.abs(own)) & np.isfinite(own)
    if not np.any(apart):
        return True
    return not np.any(apart & ~(np.abs(found - own) <= _FOLLOWED_SLACK * rounding(function.values, point)))


def _apart(found: Any, own: Any) -> str:
    """Two arrays that differ, and how far apart they are where they print alike."""
    shown, expected = _shown(found), _shown(own)
    gap = f" ({np.nanmax(np.abs(found - own)):.3g} apart, more than rounding)" if shown == expected else ""
    return f"{shown}, not {expected}{gap}"


def _shown(values: Any) -> str:
    parts = [f"{v:.6g}" for v in np.ravel(values)[:3].tolist()]
    return ", ".join(parts) + (", …" if np.size(values) > 3 else "")


_SEAM_SIDES = (0.5, -0.5)  # of the point: so far on either side a seam is looked for
_SEAM_NEAR = 2.0**-20  # of that: the distance of two points with the seam between them
_LEFT = 30.0  # times the difference at a seam that may be left over: the sum of all further steps
_JOINT = 1e-2  # of the largest: a larger difference is that of a branch, and of no concern to other points

Derive = Callable[[Any], Any]
"""A point → its derivatives, flat."""


def lag(function: Bound, derive: Derive, point: Sequence[float], largest: Any) -> Any:
    """Bounds on how far derivatives at a point are from those of a loop's limit; 0 where no loop is found.

    ``largest`` holds the largest of the kind of each. TracingError where the code cannot be followed.
    """
    here = np.array(point, dtype=float)
    step = stride(here)
    for side in _SEAM_SIDES:
        line = _Passage(partial(_operations, function), derive, here, side * step)
        seam = line.seam()
        if seam is not None:
            with following(function.name):
                apart = np.abs(line.gap(seam))
            return np.where(apart <= _JOINT * largest, _LEFT * apart, 0.0)
    return np.zeros(len(largest))


def stride(here: Any) -> Any:
    """About as far from a point as 0 is, along no axis."""
    return np.where(here == 0, 1.0, np.abs(here)) * (2 + np.sin(np.arange(len(here)) + 1.0)) / 3


class _Passage:
    """Code on the way from a point to another one: how much of it runs (``count``), and what it gives (``derive``)."""

    def __init__(self, count: Callable[[Any], int], derive: Derive, start: Any, step: Any, near: float = _SEAM_NEAR):
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


_TOOTH_LOOKS = (2.0**-4, 1.0, 4.0)  # of the way from 0: there the ends of a tooth are looked for
_END_NEAR = 2.0**-30  # of that: the distance of two points with the end between them
_JUMP_ROUNDING = 16 * 2.0**-52  # of the values: a smaller jump is rounding
_MORE = 4  # times the steps at the point: what takes more is another tooth, or does not end
_UNCOUNTED_LIBRARIES = ("numpy", "scipy", "diffkit")  # whose own loops are not those of the code


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
        if not variables or not jump > max(_JUMP_ROUNDING, self.unit) * size:
            return 0.0
        return jump * float(np.prod(np.log(size / jump) / self.widths[list(variables)]))


@unwarned()
def tooth(bound: Bound, point: Sequence[float]) -> _Tooth | None:
    """The tooth around a point; None where nothing is repeated, or as often all around it."""
    values_at, start = partial(_values, bound), np.array(point, dtype=float)
    line = _Passage(partial(_repeats, bound), values_at, start, stride(start), _END_NEAR)
    if not line.counted:
        return None
    line.count = partial(_repeats, bound, most=_MORE * (line.counted + 1))
    ends = [line.seam([side * look for look in _TOOTH_LOOKS]) for side in (1.0, -1.0)]
    found = [end for end in ends if end is not None]
    if not found:
        return None
    values = np.abs([values_at(line.start + end * line.step) for end in (0.0, *found)])
    largest = np.max(np.where(np.isfinite(values), values, 0.0), axis=0)
    gaps = np.abs([line.gap(end) for end in found])
    jumps = np.max(np.where(gaps <= _JOINT * largest, gaps, 0.0), axis=0)
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
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _UNCOUNTED_LIBRARIES:
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

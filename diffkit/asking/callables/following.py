"""Following the code of a function: its formula where it has no branches, how much it computes, and whether it cheats.

Code may compute something else from what stands in for numbers than from numbers, so both are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.asking.callables.noise import rounding
from diffkit.core.errors import BackendError, DiffkitError, LimitError, TracingError, told
from diffkit.core.program import run
from diffkit.core.surroundings import silenced
from diffkit.ndarrays import Traced, pullback, trace_function
from diffkit.ndarrays.traced import SLOTS
from diffkit.numbers.arrays import CODE
from diffkit.numbers.bounds import BoundsAlgebra
from diffkit.numbers.floats import EPSILON

if TYPE_CHECKING:
    from diffkit.asking.callables.binding import Bound

CODE_BOUNDS = BoundsAlgebra(CODE)
TRACE_SLACK = 8.0  # times a rounding bound by which the function and what follows it may differ
TRACE_FACTORS = (
    1.0,
    1.0 + 2.0**-9,
    1.0 - 2.0**-7,
)  # factors of the point at which a trace is compared with the function


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


def trace(function: Bound) -> Traced:
    """Give the Program of a function whose code has no branches; TracingError where it cannot be found."""
    _check_length(function)
    with following(function.name):
        found = trace_function(function.call, function.inputs, [a.shape for a in function.arguments])
        places = [[factor * x + (factor - 1.0) * (x == 0) for x in function.start] for factor in TRACE_FACTORS]
        check_trace(function, found, places)
    return found


def check_trace(function: Bound, traced: Traced, points: Sequence[Sequence[float]]) -> None:
    """TracingError if the function has other values than its trace at one of some points."""
    rows = [[(x, 0.0) for x in point] for point in points]
    computed = [run(traced.program, CODE_BOUNDS, row) for row in rows]
    for point, found in zip(points, computed, strict=True):
        for (value, error), own in zip(found, function.values(point).tolist(), strict=True):
            lost = math.isnan(own) and math.isfinite(value) and math.isfinite(error)
            if lost or abs(value - own) > TRACE_SLACK * traced.lost * (error + math.ulp(own)):
                at = function.where(point)
                raise TracingError(f"{function.name} is {own} at {at}, what its trace computes is {value}")


def _check_length(function: Bound) -> None:
    """TracingError if the code computes too many numbers for a trace: known in the time of a few evaluations."""
    try:
        count = operations(function, np.array(function.start))
    except TracingError:  # the trace itself says better what is in the way
        return
    if count > SLOTS:
        raise TracingError(
            f"{function.name} takes {count:,} operations, and a formula of more than {SLOTS:,} is not made",
            hint="that is no mistake: its derivatives are measured instead of proven",
        )


def operations(function: Bound, row: Any) -> int:
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
    found = np.ravel(found)
    if found.shape == own.shape:
        apart = ~(np.abs(found - own) <= TRACE_SLACK * EPSILON * np.abs(own)) & np.isfinite(own)
        if not np.any(apart) or not np.any(
            apart & ~(np.abs(found - own) <= TRACE_SLACK * rounding(function.values, point))
        ):
            return
    raise TracingError(
        f"{function.name} computes something else when it is followed: {_apart(found, own)}",
        hint="it looks at the type of its argument, catches errors, or keeps a state",
    )


def _apart(found: Any, own: Any) -> str:
    """Two arrays that differ, and how far apart they are where they print alike."""
    shown, expected = _shown(found), _shown(own)
    gap = f" ({np.nanmax(np.abs(found - own)):.3g} apart, more than rounding)" if shown == expected else ""
    return f"{shown}, not {expected}{gap}"


def _shown(values: Any) -> str:
    parts = [f"{v:.6g}" for v in np.ravel(values)[:3].tolist()]
    return ", ".join(parts) + (", …" if np.size(values) > 3 else "")

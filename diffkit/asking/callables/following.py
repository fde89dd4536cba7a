"""Following the code of a function: its formula where it has no branches, how much it computes, and whether it cheats.

Code may compute something else from what stands in for numbers than from numbers, so both are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.asking.callables.noise import rounding
from diffkit.core.errors import BackendError, DiffkitError, LimitError, TracingError, told
from diffkit.core.program import Program, run
from diffkit.core.surroundings import silenced
from diffkit.ndarrays import pullback, record_function
from diffkit.numbers.arrays import ARRAY_BOUNDS
from diffkit.numbers.floats import EPSILON

if TYPE_CHECKING:
    from diffkit.asking.callables.binding import Bound

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


def record(function: Bound) -> Program:
    """Give the Program of a function whose code has no branches, an input for each argument.

    TracingError where it cannot be found, or has other values than the function at the start or beside it.
    """
    with following(function.name):
        found = record_function(function.call, [(a.name, a.shape) for a in function.arguments]).program
        places = [[factor * x + (factor - 1.0) * (x == 0) for x in function.start] for factor in TRACE_FACTORS]
        check_record(function, found, places)
    return found


def check_record(function: Bound, program: Program, points: Sequence[Sequence[float]]) -> None:
    """TracingError if the function has other values than its Program at one of some points."""
    for point in points:
        arguments = function.split(np.array(point, dtype=float))
        with np.errstate(all="ignore"):
            ((value, error),) = run(program, ARRAY_BOUNDS, [(x, np.zeros(np.shape(x))) for x in arguments])
        own = function.values(point)
        value, error = np.ravel(value), np.ravel(np.broadcast_to(error, np.shape(value)))
        lost = np.isnan(own) & np.isfinite(value) & np.isfinite(error)
        apart = lost | (np.abs(value - own) > TRACE_SLACK * (error + np.spacing(np.abs(own))))
        if np.any(apart):
            k = int(np.argmax(apart))
            at = function.where(point)
            raise TracingError(f"{function.name} is {own[k]} at {at}, what its trace computes is {value[k]}")


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

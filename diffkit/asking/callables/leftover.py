"""What solvers inside a function leave over: an error of its derivatives that no difference of its values shows."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.asking.callables.seams import stride
from diffkit.asking.callables.solvers import ADAPTIVE, added, calls_in
from diffkit.core.errors import DiffkitError

if TYPE_CHECKING:
    from diffkit.asking.callables.binding import Bound

OFTEN = 3.0  # times what asking a solver for more changes, or a condition allows, that derivatives may be off by
ASKED = 10.0  # times a tolerance, where solvers cannot be asked for more
BESIDE = (1.0, 1 + 2.0**-10, 1 + 2.0**-7)  # factors of the point at which they are
AROUND = (0.0, *((-1.0) ** k * 4.0**k for k in range(-13, -1)))  # of the way to 0: where subdivisions may be others
ROUNDED = 16 * 2.0**-53  # of the values: less than that is rounding
LARGEST = 2.0**-7  # of the values: an error that is no larger


def left_over(function: Bound, point: Sequence[float]) -> tuple[float, str]:
    """The relative error that solvers make of derivatives at a point, and the worst of them in words.

    Measured by asking them for more, at the point and beside it; 0 and no words where f calls none. Differences know
    of adaptive rules already (``teeth_of``).
    """
    calls = [call for call in calls_in(function, point) if call.solver not in ADAPTIVE]
    found = OFTEN * max((call.tolerance for call in calls if call.linear), default=0.0)
    asked = max((call.tolerance for call in calls if not call.linear), default=0.0)
    if asked:
        measured = OFTEN * _measured(function, np.array(point, dtype=float))
        rest = OFTEN * max(call.rest for call in calls)
        found = max(found, rest, measured if math.isfinite(measured) else ASKED * asked)
    return found, f"it calls {calls[0]}" if calls else ""


def teeth_of(function: Bound, point: Sequence[float]) -> tuple[float, str]:
    """What adaptive rules put values around a point off by, as a share of these, and the worst rule in words.

    Which subintervals a rule takes changes with the point, and with them the error: it is as jagged as rounding. Seen
    by asking for more on other subintervals. 0 and no words where there is none.
    """
    rules = calls_in(function, point) if "scipy.integrate" in sys.modules else []
    rules = [call for call in rules if call.solver in ADAPTIVE]
    if not rules:
        return 0.0, ""
    here = np.array(point, dtype=float)
    try:
        share = max(_jagged(function, here), *(call.rest for call in rules))
    except DiffkitError:  # it has no values around the point
        share = math.nan
    share = share if math.isfinite(share) else max(call.tolerance for call in rules)
    return (min(LARGEST, share), f"it calls {rules[0]}") if share > ROUNDED else (0.0, "")


def _jagged(function: Bound, here: Any) -> float:
    rows = [here + part * stride(here) for part in AROUND]
    values = np.array([function.values(row) for row in rows])
    apart = np.array([added(function, row) for row in rows])
    return OFTEN * _share(apart, values)


def _measured(function: Bound, row: Any) -> float:
    """How much of the values, and of their change, is another where solvers work more exactly."""
    rows = [row * factor for factor in BESIDE]
    values = np.array([function.values(place) for place in rows])
    apart = np.array([added(function, place) for place in rows])
    changes = ((apart[k] - apart[0], values[k] - values[0]) for k in range(1, len(rows)))
    return max(itertools.starmap(_share, ((apart, values), *changes)))


def _share(part: Any, whole: Any) -> float:
    """The largest of a part, as a share of the largest of the whole; infinite where that is not known."""
    most, all_of_it = (float(np.max(np.abs(array))) for array in (part, whole))
    if math.isnan(most) or (most and not all_of_it):
        return math.inf
    return most / all_of_it if most else 0.0

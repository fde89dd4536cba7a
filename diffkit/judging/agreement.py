"""When a claim and its reference agree: within what the caller allows, or within all that is known to be uncertain.

With d = |claim − reference|, b the reference's bar and t = atol + rtol·|reference|, a claim is correct if d + b ≤ t,
wrong if d − b > t, and otherwise nothing is said. Without rtol and atol it is wrong where neither the bars, nor the
tolerance of the code itself, nor rounding explain the difference, and correct where six digits are seen to agree.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from diffkit.core.errors import DiffkitError
from diffkit.judging.checking.outcome import OWN_TOLERANCE, REFERENCE, Judged, Measured

TIMES_UNCERTAIN = 3.0  # times everything that is uncertain, beyond which a claim is wrong
LEAST_MISTAKE = 1e-10  # of the entry: less than that is no mistake
DIGITS_WANTED = 6  # digits that must be seen to agree
DIGITS_OF_A_DOUBLE = 15  # digits that binary64 holds


def settle(m: Measured, largest: float, allowed: Tolerances | None) -> Judged:
    """The verdict on a number; where the entry drowns in what is uncertain, the ``largest`` entry is the measure."""
    bar, scale = m.terms.get(REFERENCE, 0.0), _measure_of(m, largest)
    digits = digits_of(max(m.error, m.computed) + bar, scale)
    judged = Judged(m.component, "inconclusive", m.claimed, m.reference, m.error, m.terms, digits, m.doubt)
    if not math.isfinite(m.tolerance + m.reference):
        return judged._replace(digits=0, note=m.doubt or "what is uncertain there is not bounded")
    if allowed is not None:
        limit = allowed.at(m.reference)
        if m.error + bar <= limit:
            return judged._replace(verdict="correct", note="")
        wrong = m.error - bar - m.terms.get(OWN_TOLERANCE, 0.0) > limit
    else:
        wrong = m.error > max(TIMES_UNCERTAIN * m.tolerance, LEAST_MISTAKE * scale)
        if not (wrong or m.doubt) and digits_of(m.error + bar, scale) >= DIGITS_WANTED:
            return judged._replace(verdict="correct")
    return judged._replace(verdict="wrong") if wrong else judged


def _measure_of(m: Measured, largest: float) -> float:
    """What the error of an entry is a part of: the entry, or the largest one where it drowns."""
    size = abs(m.reference)
    return size if size > m.tolerance else max(size, largest)


def digits_of(error: float, scale: float) -> int:
    """How many digits are seen to agree: −log₁₀(error/scale), rounded down."""
    if not (error < scale or error == 0):  # NaN too
        return 0
    part = error / scale if error else 0.0
    return min(DIGITS_OF_A_DOUBLE, math.floor(-math.log10(part))) if part else DIGITS_OF_A_DOUBLE


class Tolerances(NamedTuple):
    """The sum of an absolute tolerance and a relative one."""

    rtol: float
    atol: float

    def at(self, reference: float) -> float:
        """What may be off of a number."""
        return self.atol + self.rtol * abs(reference)

    def __str__(self) -> str:
        return " and ".join(f"{name} = {value:g}" for name, value in self._asdict().items() if value)


def read_tolerances(rtol: Any, atol: Any, closeness: Any = None) -> Tolerances | None:
    """Give what a caller allows, one of the two omitted being 0; None if both are.

    DiffkitError if they allow nothing, if one is no finite number of at least 0, and for ``closeness``, which they
    have replaced.
    """
    if closeness is not None:
        raise DiffkitError("closeness is no longer taken", hint="give rtol, and atol, in its place")
    if rtol is None and atol is None:
        return None
    found = Tolerances(_size("rtol", rtol), _size("atol", atol))
    if not any(found):
        raise DiffkitError("rtol and atol are both 0, which no rounded number meets", hint="leave both out for the "
                           "default")  # fmt: skip
    return found


def _size(name: str, value: Any) -> float:
    if value is None:
        return 0.0
    try:
        found = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not 0 <= found < math.inf:
        raise DiffkitError(f"{name} is a finite number of at least 0, not {value!r}")
    return found

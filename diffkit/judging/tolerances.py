"""What a caller allows two numbers to differ by: atol + rtol·|reference|, as NumPy's ``isclose`` has it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from diffkit.core.errors import DiffkitError


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

"""What is odd about the code of a function, as its results show: it has two values at one point, or no binary64."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from diffkit.asking.sources import HALF_ULP
from diffkit.core.errors import FunctionError, TracingError

UNSTEADY = "not deterministic"
REMEMBERED = 64  # points


class Faults:
    """What was found so far; results are handed to it as they come."""

    def __init__(self, name: str):
        self.name = name
        self.found: dict[str, str] = {}
        self.unit = HALF_ULP
        """of the rounding of the values, by their type"""
        self.rounded = ""
        """what the type is, if it is not binary64"""
        self._earlier: dict[bytes, Any] | None = None
        """values at the first points of a session, to see whether they stay the same"""

    @property
    def unsteady(self) -> str:
        """Why following the code says nothing about its values; empty if it may."""
        return self.found.get(UNSTEADY, "")

    def compare(self, before: Any, found: Any) -> None:
        """Note it if two results of equal arguments differ."""
        if before is None or found is None:
            if before is not found:
                self.found[UNSTEADY] = f"{self.name} has a value for equal arguments only now and then"
        elif not np.array_equal(before, found, equal_nan=True):
            gap = float(np.nanmax(np.abs(before - found), initial=0.0))
            apart = f"{self.name} gives different values for equal arguments, {gap:.3g} apart"
            self.found[UNSTEADY] = f"{apart}: it is random or keeps a state"

    def draws(self) -> None:
        """Note that the code draws random numbers."""
        said = f"{self.name} draws random numbers: equal arguments may give different values"
        self.found.setdefault(UNSTEADY, said)

    def writes_into(self, argument: str) -> None:
        """Note that the code changes an argument."""
        self.found["changes its input"] = f"{self.name} writes into its argument {argument}"

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Compare values at the same point, as long as the context lasts."""
        self._earlier = {}
        try:
            yield
        finally:
            self._earlier = None

    def remember(self, row: Any, found: Any) -> None:
        """Compare a result with an earlier one at the same point, where results are remembered."""
        earlier = self._earlier
        if earlier is not None and (len(earlier) < REMEMBERED or row.tobytes() in earlier):
            self.compare(earlier.setdefault(row.tobytes(), found), found)

    def as_floats(self, raw: Any) -> Any:
        """A result as an array of binary64; FunctionError where it does not hold real numbers."""
        if isinstance(raw, float):
            return np.array(raw, dtype=float)
        found = self._array(raw)
        kind = found.dtype.kind
        if kind == "c":
            if np.any(found.imag != 0):
                raise FunctionError(f"{self.name} gives complex numbers", hint="real functions are differentiated here")
            self.found["complex results"] = f"{self.name} gives complex numbers with imaginary part 0"
            if found.dtype.itemsize < 16:
                self._narrow(found.dtype)
            found = found.real
        elif kind in "iub":
            self.found["integer results"] = (
                f"{self.name} gives {found.dtype}: whatever it computes is rounded to whole numbers"
            )
        elif kind == "f" and found.dtype.itemsize < 8:
            self._narrow(found.dtype)
        elif kind != "f":
            what = "nothing (None)" if raw is None else f"a {type(raw).__name__}"
            raise FunctionError(f"{self.name} gives {what}, not numbers", hint="return a number or an array")
        return found.astype(float)

    def _array(self, raw: Any) -> Any:
        try:
            return np.asarray(raw)
        except TracingError:
            raise TracingError(f"the values of {self.name} depend on the input of an outer derivative",
                               hint="take backend='auto' or 'finite' for the outer one") from None  # fmt: skip
        except (TypeError, ValueError):
            raise FunctionError(f"{self.name} gives a ragged result") from None

    def _narrow(self, dtype: Any) -> None:
        """Note that values are of a type with fewer digits than binary64 has."""
        precision = np.finfo(dtype)
        self.unit = max(self.unit, float(precision.eps) / 2)
        self.rounded = f"{self.name} returns {dtype}"
        self.found["low precision"] = f"{self.name} gives {dtype}: its values have {precision.precision + 1} digits"

"""What can be read off a germ: leading term, sign, limit, coefficients. Undecided where a proof is missing."""

from __future__ import annotations

import math
from typing import Any

from diffkit.algebras.constants import Constants, Undecided
from diffkit.algebras.germs.model import Dropped, Germ, Shifted, Step
from diffkit.algebras.taylor import Series, TaylorAlgebra
from diffkit.program import Constant

TERMS = 24  # coefficients looked at for a leading one


class Reading:
    """Germs to one side of a point, over constants: how they are made and read."""

    def __init__(self, constants: Constants, q: int):
        self.constants = constants
        self.q = q
        self.taylor = TaylorAlgebra(constants.builder)
        self.events: dict[int, Any] = {}
        """slot → how a special place was passed there"""
        self.slot = -1
        """the instruction at work"""

    # Making and reading germs ---------------------------------------------------------------------------------

    def constant(self, value: Constant) -> Germ:
        """Give a constant germ."""
        return Germ(0, self.taylor.constant(value))

    def number(self, slot: int) -> Germ:
        """Give the germ of a constant in a slot of the builder."""
        value = self.constants.builder.constant_in(slot)
        return Germ(0, self.taylor.lift(slot) if value is None else self.taylor.constant(value))

    def moving(self, x: int, sign: int) -> Germ:
        """Give x ± u^q."""
        return Germ(0, Step(self.taylor, x, self.q, sign))

    def lead(self, germ: Germ) -> tuple[int, int] | None:
        """Exponent and coefficient of the leading term; None for zero. Undecided where only a bound is known."""
        if germ.series is None:
            raise Undecided
        for k in range(TERMS):
            coefficient = germ.series.coefficient(k)
            if coefficient is not None and self.constants.sign(coefficient):
                if germ.shift + k >= germ.order:
                    raise Undecided
                return germ.shift + k, coefficient
            if germ.series.is_constant:
                break
        if germ.series.is_constant and germ.order == math.inf:
            return None
        raise Undecided

    def sign(self, germ: Germ) -> int:
        """Sign for all small u > 0."""
        if germ.huge:
            return germ.huge
        lead = self.lead(germ)
        return 0 if lead is None else self.constants.sign(lead[1])

    def limit(self, germ: Germ) -> int | None:
        """Slot of the limit, None if it is infinite; Undecided where it is not known."""
        if germ.huge:
            return None
        if germ.series is None:
            if germ.order > 0:
                return self.constants.number(0)
            raise Undecided
        if germ.order <= 0:
            raise Undecided
        if germ.shift > 0:
            return self.constants.number(0)
        if germ.shift == 0:
            return self.coefficient(germ, 0)
        lead = self.lead(germ)
        return None if lead is not None and lead[0] < 0 else self.coefficient(germ, 0)

    def coefficient(self, germ: Germ, k: int) -> int:
        """Slot of the coefficient of u^k; Undecided beyond what is known."""
        if k >= germ.order:
            raise Undecided
        found = None if germ.series is None or k < germ.shift else germ.series.coefficient(k - germ.shift)
        return self.constants.number(0) if found is None else found

    def whole(self, germ: Germ) -> Series:
        """The germ as a series from u⁰ on; it must tend to a finite limit."""
        assert germ.series is not None
        if germ.shift == 0:
            return germ.series
        if germ.shift > 0:
            return Shifted(self.taylor, germ.series, germ.shift)
        for k in range(-germ.shift):
            coefficient = germ.series.coefficient(k)
            if coefficient is not None and self.constants.sign(coefficient):
                raise Undecided
        return Dropped(self.taylor, germ.series, -germ.shift)

    def split(self, germ: Germ) -> tuple[int, Series] | None:
        """Exponent of the leading term and the series that begins with it; None for zero."""
        lead = self.lead(germ)
        if lead is None:
            return None
        assert germ.series is not None
        drop = lead[0] - germ.shift
        return lead[0], Dropped(self.taylor, germ.series, drop) if drop else germ.series

"""What can be read off a germ: leading term, sign, limit, coefficients. Undecided where a proof is missing."""

from __future__ import annotations

import math
from typing import Any

from diffkit.core.program import Constant
from diffkit.core.table import table
from diffkit.numbers.constants import Numbers, Undecided
from diffkit.numbers.germs.germ import Dropped, Germ, Shifted, Step
from diffkit.numbers.taylor import Series, TaylorAlgebra

MUL = table["mul"]

TERMS = 24  # coefficients looked at for a leading one; fewer where they are germs themselves
FEWEST = 4
LONGEST = 100  # degree of a polynomial that is looked at as a whole
BOUND = "only a bound is known of it beside the point"
HIDDEN = "its first coefficients beside the point are zero, and it is not proven to vanish"


class Reading:
    """Germs to one side of a point (1 to the right, −1 to the left), over numbers: how they are made and read."""

    def __init__(self, numbers: Numbers, q: int, side: int):
        self.numbers, self.q, self.side = numbers, q, side
        self.looks = max(TERMS >> 2 * numbers.depth, FEWEST)
        self.taylor = TaylorAlgebra(numbers)
        self.events: dict[int, Any] = {}
        """slot → how a special place was passed there"""
        self.slot = -1
        """the instruction at work"""

    # Making and reading germs ---------------------------------------------------------------------------------

    def constant(self, value: Constant) -> Germ:
        """Give a constant germ."""
        return Germ(0, self.taylor.constant(value))

    def number(self, x: Any) -> Germ:
        """Give the germ of a number."""
        value = self.numbers.exact(x)
        return Germ(0, self.taylor.lift(x) if value is None else self.taylor.constant(value))

    def moving(self, x: Any) -> Germ:
        """Give x ± u^q."""
        return Germ(0, Step(self.taylor, x, self.q, self.side))

    def lead(self, germ: Germ) -> tuple[int, Any] | None:
        """Exponent and coefficient of the leading term; None for zero. Undecided where only a bound is known."""
        if germ.series is None:
            raise Undecided(BOUND)
        looks = self.looks if germ.series.degree > LONGEST else max(self.looks, int(germ.series.degree) + 1)
        for k in range(looks):
            if k > germ.series.degree:
                break
            coefficient = germ.series.coefficient(k)
            if coefficient is not None and self.numbers.sign(coefficient):
                if germ.shift + k >= germ.order:
                    raise Undecided(BOUND)
                return germ.shift + k, coefficient
            if germ.series.is_constant:
                break
        if (germ.series.is_constant or germ.series.degree < looks) and germ.order == math.inf:
            return None
        raise Undecided(HIDDEN)

    @staticmethod
    def bound(germ: Germ) -> float:
        """An exponent that a germ is no larger than, without looking at its coefficients; −∞ if it is huge."""
        return germ.order if germ.series is None else min(germ.shift, germ.order)

    def sign(self, germ: Germ) -> int:
        """Sign for all small u > 0."""
        if germ.huge or germ.slow:
            return germ.huge or germ.slow
        lead = self.lead(germ)
        return 0 if lead is None else self.numbers.sign(lead[1])

    def limit(self, germ: Germ) -> Any:
        """The limit, None if it is infinite; Undecided where it is not known."""
        if germ.huge or germ.slow:
            return None
        if germ.series is None:
            if germ.order > 0:
                return self.numbers.number(0)
            raise Undecided(BOUND)
        if germ.order <= 0:
            raise Undecided(BOUND)
        if germ.shift > 0:
            return self.numbers.number(0)
        if germ.shift == 0:
            return self.coefficient(germ, 0)
        lead = self.lead(germ)
        return None if lead is not None and lead[0] < 0 else self.coefficient(germ, 0)

    def coefficient(self, germ: Germ, k: int) -> Any:
        """The coefficient of u^k; Undecided beyond what is known."""
        if k >= germ.order:
            raise Undecided(BOUND)
        found = None if germ.series is None or k < germ.shift else germ.series.coefficient(k - germ.shift)
        return self.numbers.number(0) if found is None else found

    def derivative(self, germ: Germ, k: int) -> Any:
        """The k-th one-sided derivative, lower ones existing; ±∞ as a float where a fractional power comes first."""
        for exponent in range(1, k * self.q):
            if exponent % self.q:
                coefficient = self.coefficient(germ, exponent)
                if found := self.numbers.sign(coefficient):
                    return float(math.inf * found * self.side ** (exponent // self.q + 1))
        coefficient = self.coefficient(germ, k * self.q)
        return self.numbers.apply(MUL, (self.numbers.number(math.factorial(k) * self.side**k), coefficient))

    def whole(self, germ: Germ) -> Series:
        """The germ as a series from u⁰ on; it must tend to a finite limit."""
        assert germ.series is not None
        if germ.shift == 0:
            return germ.series
        if germ.shift > 0:
            return Shifted(self.taylor, germ.series, germ.shift)
        for k in range(-germ.shift):
            coefficient = germ.series.coefficient(k)
            if coefficient is not None and self.numbers.sign(coefficient):
                raise Undecided(BOUND)
        return Dropped(self.taylor, germ.series, -germ.shift)

    def split(self, germ: Germ) -> tuple[int, Series] | None:
        """Exponent of the leading term and the series that begins with it; None for zero."""
        lead = self.lead(germ)
        if lead is None:
            return None
        assert germ.series is not None
        drop = lead[0] - germ.shift
        return lead[0], Dropped(self.taylor, germ.series, drop) if drop else germ.series

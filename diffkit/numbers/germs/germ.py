"""Germs: how a program behaves on one side of a point, as Puiseux series with exact coefficients, and what they tell.

With x = a ± u^q and u > 0 small, a value is u^shift·(c₀ + c₁u + …) + O(u^order). Coefficients are constants kept as
expressions (``diffkit.numbers.constants``), whose signs are proven. Where a function is analytic, the table's Taylor
series compose; at its special places the leading terms decide: which branch is taken, which fractional power starts
the series, what tends to infinity. exp of −∞ is flat (O(u^∞)), sine of ∞ bounded (O(1)), a logarithm at zero wild.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from diffkit.core.program import Constant
from diffkit.core.table import MUL
from diffkit.numbers.constants import Numbers, Undecided
from diffkit.numbers.taylor import Series, TaylorAlgebra

FLAT_ORDER = 1e9  # order of what vanishes faster than any power, yet need not be zero
_LOGARITHM_ORDER = -1e-3  # log u is smaller than any negative power of u, so than this one
_LEADING_TERMS = 24  # coefficients looked at for a leading one; fewer where they are germs themselves
_FEWEST_TERMS = 4
_LARGEST_DEGREE = 100  # degree of a polynomial that is looked at as a whole
_ONLY_BOUNDED = "only a bound is known of it beside the point"
_HIDDEN = "its first coefficients beside the point are zero, and it is not proven to vanish"


class Restart(Exception):
    """A fractional exponent: the parameter of germs over some numbers must be a q-th root of the distance."""

    def __init__(self, numbers: Numbers, q: int):
        super().__init__(q)
        self.numbers, self.q = numbers, q


@dataclass(frozen=True, eq=False)
class Germ:
    """u^shift·series + O(u^order); no series means nothing but the bound."""

    shift: int
    series: Series | None
    order: float = math.inf
    huge: int = 0
    """its sign if it tends to infinity faster than any power"""
    slow: int = 0
    """its sign if it tends to infinity more slowly than any power"""
    rough: bool = False
    """whether something oscillates without end, so that bounds say nothing of derivatives"""

    @property
    def is_bound(self) -> bool:
        """Whether only a bound is known."""
        return self.series is None


def huge(sign: int) -> Germ:
    """Give the germ of what tends to ±∞ faster than any power."""
    return Germ(0, None, -math.inf, sign)


def slow(sign: int) -> Germ:
    """Give the germ of what tends to ±∞ more slowly than any power."""
    return Germ(0, None, _LOGARITHM_ORDER, slow=sign)


class Missing:
    """No value on this side; ``slot`` is the instruction at fault and ``reason`` says how."""

    def __init__(self, slot: int, reason: str):
        self.slot, self.reason = slot, reason


class UnknownGerm:
    """What a value does on this side, or whether there is one, is not decided; a choice may still pass it by."""

    def __init__(self, reason: str, where: str = ""):
        self.reason, self.where = reason, where


WILD = UnknownGerm("it is not known how it grows, oscillates or cancels beside the point")


class Shifted(Series):
    """u^by times another series, by ≥ 0."""

    def __init__(self, algebra: TaylorAlgebra, inner: Series, by: int):
        super().__init__(algebra, algebra.base.constant(0))
        self.inner, self.by = inner, by
        self.parts, self.ahead = (inner,), -by
        self.degree = inner.degree + by

    def compute(self, k: int) -> Any:
        """Coefficient k − by of the other."""
        return self.inner.coefficient(k - self.by) if k >= self.by else None


class _Dropped(Series):
    """A series without its first terms, divided by u^by."""

    def __init__(self, algebra: TaylorAlgebra, inner: Series, by: int):
        first = inner.coefficient(by)
        super().__init__(algebra, algebra.base.constant(0) if first is None else first)
        self.inner, self.by = inner, by
        self.parts, self.ahead = (inner,), by
        self.degree = inner.degree - by

    def compute(self, k: int) -> Any:
        """Coefficient k + by of the other."""
        return self.inner.coefficient(k + self.by)


class _MovingVariable(Series):
    """a + sign·u^q, the moving variable."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, q: int, sign: int):
        super().__init__(algebra, first)
        self.q, self.sign = q, sign
        self.degree = q

    def compute(self, k: int) -> Any:
        """The sign at q, otherwise nothing."""
        return self.algebra.base.constant(self.sign) if k == self.q else None


class GermReading:
    """Germs to one side of a point (1 to the right, −1 to the left), over numbers: how they are made and read."""

    def __init__(self, numbers: Numbers, q: int, side: int):
        self.numbers, self.q, self.side = numbers, q, side
        self.looks = max(_LEADING_TERMS >> 2 * numbers.depth, _FEWEST_TERMS)
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
        return Germ(0, _MovingVariable(self.taylor, x, self.q, self.side))

    def lead(self, germ: Germ) -> tuple[int, Any] | None:
        """Exponent and coefficient of the leading term; None for zero. Undecided where only a bound is known."""
        if germ.series is None:
            raise Undecided(_ONLY_BOUNDED)
        looks = self.looks if germ.series.degree > _LARGEST_DEGREE else max(self.looks, int(germ.series.degree) + 1)
        for k in range(looks):
            if k > germ.series.degree:
                break
            coefficient = germ.series.coefficient(k)
            if coefficient is not None and self.numbers.sign(coefficient):
                if germ.shift + k >= germ.order:
                    raise Undecided(_ONLY_BOUNDED)
                return germ.shift + k, coefficient
            if germ.series.is_constant:
                break
        if (germ.series.is_constant or germ.series.degree < looks) and germ.order == math.inf:
            return None
        raise Undecided(_HIDDEN)

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
            raise Undecided(_ONLY_BOUNDED)
        if germ.order <= 0:
            raise Undecided(_ONLY_BOUNDED)
        if germ.shift > 0:
            return self.numbers.number(0)
        if germ.shift == 0:
            return self.coefficient(germ, 0)
        lead = self.lead(germ)
        return None if lead is not None and lead[0] < 0 else self.coefficient(germ, 0)

    def coefficient(self, germ: Germ, k: int) -> Any:
        """The coefficient of u^k; Undecided beyond what is known."""
        if k >= germ.order:
            raise Undecided(_ONLY_BOUNDED)
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
                raise Undecided(_ONLY_BOUNDED)
        return _Dropped(self.taylor, germ.series, -germ.shift)

    def split(self, germ: Germ) -> tuple[int, Series] | None:
        """Exponent of the leading term and the series that begins with it; None for zero."""
        lead = self.lead(germ)
        if lead is None:
            return None
        assert germ.series is not None
        drop = lead[0] - germ.shift
        return lead[0], _Dropped(self.taylor, germ.series, drop) if drop else germ.series

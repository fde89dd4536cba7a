"""Germs: how a program behaves on one side of a point, as Puiseux series with exact coefficients.

With x = a ± u^q and u > 0 small, a value is u^shift·(c₀ + c₁u + …) + O(u^order). Coefficients are constants kept as
expressions (``diffkit.numbers.constants``), whose signs are proven. Where a function is analytic, the table's Taylor
series compose; at its special places the leading terms decide: which branch is taken, which fractional power starts
the series, what tends to infinity. exp of −∞ is flat (O(u^∞)), sine of ∞ bounded (O(1)), a logarithm at zero wild.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from diffkit.numbers.constants import Numbers
from diffkit.numbers.taylor import Series, TaylorAlgebra

FLAT = 1e9  # order of what vanishes faster than any power, yet need not be zero
SLOW = -1e-3  # log u is smaller than any negative power of u, so than this one


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
    return Germ(0, None, SLOW, slow=sign)


class Missing:
    """No value on this side; ``slot`` is the instruction at fault and ``reason`` says how."""

    def __init__(self, slot: int, reason: str):
        self.slot, self.reason = slot, reason


class Unknown:
    """What a value does on this side, or whether there is one, is not decided; a choice may still pass it by."""

    def __init__(self, reason: str, where: str = ""):
        self.reason, self.where = reason, where


WILD = Unknown("it is not known how it grows, oscillates or cancels beside the point")


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


class Dropped(Series):
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


class Step(Series):
    """a + sign·u^q, the moving variable."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, q: int, sign: int):
        super().__init__(algebra, first)
        self.q, self.sign = q, sign
        self.degree = q

    def compute(self, k: int) -> Any:
        """The sign at q, otherwise nothing."""
        return self.algebra.base.constant(self.sign) if k == self.q else None

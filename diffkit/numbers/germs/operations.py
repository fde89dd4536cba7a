"""Arithmetic of germs: sums, products, quotients, powers and roots, and what the sign of a germ decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from diffkit.core.rules import by_rule
from diffkit.core.table import DIV, MUL, NEG, POWER, SUB, Primitive
from diffkit.numbers.constants import Undecided
from diffkit.numbers.germs.germ import FLAT_ORDER, WILD, Germ, GermReading, Missing, Restart, Shifted, huge, slow
from diffkit.numbers.taylor import Exact, Series

_ROOTS = 64  # largest root of the distance that a series is written in
_EXPONENT_PARTS = 1024  # parts of a unit in which exponents are bounded


class Arithmetic(GermReading):
    """Rows of arithmetic and of choice, on germs."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the germ of any row."""
        raise NotImplementedError

    def _sum(self, primitive: Primitive, x: Germ, y: Germ) -> Any:
        if x.huge or y.huge:
            return self._huge_sum(x, self._negative(NEG, y) if primitive is SUB else y)
        if (x.slow or y.slow) and (sign := self._slow_sign(x, y, primitive)):
            return slow(sign)
        order = min(x.order, y.order)
        if primitive is SUB and x.series is y.series is not None and x.shift == y.shift and order == math.inf:
            return self.constant(0)
        if x.series is None or y.series is None:
            kept = x if y.series is None else self._negative(NEG, y) if primitive is SUB else y
            return Germ(kept.shift, kept.series, order)
        low = min(x.shift, y.shift)
        raised = [(x.series, x.shift - low), (y.series, y.shift - low)]
        aligned = [Shifted(self.taylor, series, by) if by else series for series, by in raised]
        return Germ(low, self.taylor.apply(primitive, aligned), order)

    def _slow_sign(self, x: Germ, y: Germ, primitive: Primitive) -> int:
        """The sign of a sum of what tends to infinity slowly, and what is bounded; 0 where it is not known."""
        signs = {x.slow, -y.slow if primitive is SUB else y.slow} - {0}
        rest = all(germ.slow or self.bound(germ) >= 0 for germ in (x, y))
        return signs.pop() if rest and len(signs) == 1 else 0

    @staticmethod
    def _huge_sum(x: Germ, y: Germ) -> Any:
        """What is huge, and what is smaller or of the same sign."""
        signs = {x.huge, y.huge} - {0}
        finite = all(germ.huge or germ.order > -math.inf for germ in (x, y))
        return huge(signs.pop()) if len(signs) == 1 and finite else WILD

    def _product(self, primitive: Primitive, x: Germ, y: Germ) -> Any:  # noqa: ARG002
        if any(self._is_zero(germ) for germ in (x, y)):
            return self.constant(0)
        if x.huge or y.huge:
            return self._huge_product(x, y)
        low_x, low_y = self._least(x, y), self._least(y, x)
        order = min(x.order + low_y, y.order + low_x)
        order = -math.inf if order != order else order
        if x.slow or y.slow:
            return self._slow_product(x, y, order)
        if x.series is None or y.series is None:
            return Germ(0, None, order)
        return Germ(x.shift + y.shift, self.taylor.apply(MUL, [x.series, y.series]), order)

    def _slow_product(self, x: Germ, y: Germ, order: float) -> Germ:
        """x·y where one tends to infinity slowly, as the product does unless the other factor vanishes or grows."""
        if all(germ.slow or self._lasts(germ) for germ in (x, y)):
            return slow(self.sign(x) * self.sign(y))
        return Germ(0, None, order)

    def _lasts(self, germ: Germ) -> bool:
        """Whether a germ is proven to have a finite limit that is not 0."""
        try:
            lead = self.lead(germ)
        except Undecided:
            return False
        return lead is not None and lead[0] == 0

    def _huge_product(self, x: Germ, y: Germ) -> Any:
        """x·y or x/y where one is huge: wild if the sign of the other is not known."""
        try:
            return huge(self.sign(x) * self.sign(y)) if self.sign(x) and self.sign(y) else WILD
        except Undecided:
            return WILD

    def _is_zero(self, germ: Germ) -> bool:
        """Whether a germ is the constant zero."""
        exact = isinstance(germ.series, Series) and germ.series.is_constant and germ.order == math.inf
        return exact and self.numbers.sign(germ.series.coefficient(0)) == 0  # type: ignore[union-attr]

    def _least(self, germ: Germ, other: Germ) -> float:
        """An exponent that a germ is no larger than; the leading one where the other factor is only bounded."""
        if germ.series is None:
            return germ.order
        if other.order == math.inf and other.series is not None:
            return germ.shift
        lead = self.lead(germ)
        return math.inf if lead is None else lead[0]

    def _quotient(self, primitive: Primitive, x: Germ, y: Germ) -> Any:  # noqa: ARG002
        if y.huge:
            return WILD if x.huge or x.order == -math.inf else Germ(0, None, FLAT_ORDER)
        if x.huge:
            return self._huge_product(x, y)
        if y.slow:  # |x/y| < |x|
            return Germ(0, None, self._least(x, y))
        try:
            split = self.split(y)
        except Undecided:
            if y.series is None:
                return WILD
            raise
        if split is None:
            return WILD if y.is_bound else Missing(self.slot, "has no value where")
        exponent, series = split
        if self._is_zero(x):
            return x
        if x.series is y.series is not None and x.shift == y.shift and x.order == y.order == math.inf:
            return self.constant(1)
        if x.slow and not exponent:
            return slow(x.slow * self.numbers.sign(series.coefficient(0)))
        if x.series is None:
            return Germ(0, None, x.order - exponent)
        order = min(x.order - exponent, y.order - 2 * exponent + x.shift)
        return Germ(x.shift - exponent, self.taylor.apply(DIV, [x.series, series]), order)

    def _negative(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        if x.huge or x.slow:
            return replace(x, huge=-x.huge, slow=-x.slow)
        return x if x.series is None else Germ(x.shift, self.taylor.apply(NEG, [x.series]), x.order)

    def _ceil(self, primitive: Primitive, x: Germ) -> Any:
        return self._negative(NEG, self._floor(primitive, self._negative(NEG, x)))

    def _floor(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        """Constant on the side."""
        at = self.limit(x)
        if at is None:  # ⌊x⌋ = x + O(1)
            self.events[self.slot] = "steps"
            return replace(x, order=min(x.order, 0), rough=True)
        whole = self.numbers.floor(at)
        if self.numbers.equal(at, self.numbers.number(whole)):
            below = self.sign(self._sum(SUB, x, self.constant(whole))) < 0
            self.events[self.slot] = below
            whole -= below
        return self.constant(whole)

    def _sign(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        """The sign of a germ, which is bounded if nothing else is known of it."""
        try:
            sign = self.sign(x)
        except Undecided:
            self.events[self.slot] = "signs"
            return Germ(0, None, 0, rough=True)
        self._pass(x, sign)
        return self.constant(sign)

    def _pass(self, x: Germ, decision: Any) -> None:
        """Note a decision that the sign of a vanishing germ took; there is none where it is zero throughout."""
        if decision == 0:
            return
        if x.series is None or x.order <= 0 or (at := self.limit(x)) is None or self.numbers.sign(at) == 0:
            self.events[self.slot] = decision

    def _absolute(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        if x.series is None:
            self.events[self.slot] = "size"
            return replace(x, huge=abs(x.huge), slow=abs(x.slow))
        sign = self.sign(x)
        self._pass(x, sign)
        return self._negative(NEG, x) if sign < 0 else x

    def _extreme(self, primitive: Primitive, x: Germ, y: Germ) -> Any:
        apart = self._sum(SUB, x, y)
        try:
            sign = self.sign(apart) * (1 if primitive.name == "max" else -1)
        except Undecided:
            order = min(self.bound(x), self.bound(y))
            if order == -math.inf:
                raise
            self.events[self.slot] = "extremes"
            return Germ(0, None, order, rough=True)
        self._pass(apart, sign)
        return x if sign >= 0 else y

    def _compare(self, primitive: Primitive, x: Germ, y: Germ) -> bool:
        apart = self._sum(SUB, x, y)
        sign = self.sign(apart)
        self._pass(apart, sign)
        return bool(primitive.floats(sign, 0))  # type: ignore[misc]

    def _power(self, primitive: Primitive, x: Germ, y: Germ) -> Any:  # noqa: ARG002
        exponent = y.series.value if isinstance(y.series, Exact) and y.shift == 0 else None
        if not isinstance(exponent, (int, Fraction)):
            return self._variable_power(x, y)
        if x.huge or x.slow:
            return self._power_of_infinity(x, exponent)
        if exponent.denominator == 1 and exponent >= 0 and x.series is not None:
            n = int(exponent)
            order = x.order + x.shift * (n - 1) if n else math.inf
            return Germ(n * x.shift, self.taylor.apply(POWER, [x.series, self.taylor.constant(n)]), order)
        try:
            split = self.split(x)
        except Undecided:
            if x.series is None and exponent.denominator == 1 and exponent > 0:
                return Germ(0, None, x.order * int(exponent), rough=x.rough)
            raise
        if split is None:
            return x if exponent > 0 else WILD if x.is_bound else Missing(self.slot, "has no value where")
        return self._leading_power(x, *split, exponent)

    def _leading_power(self, x: Germ, k: int, series: Series, exponent: int | Fraction) -> Any:
        """A power of u^k·(c₀ + c₁u + …), c₀ not 0."""
        if exponent.denominator != 1:
            if self.numbers.sign(series.coefficient(0)) < 0:
                return Missing(self.slot, "is outside its domain, which ends at")
            if k:
                self.events[self.slot] = "root"
        power = k * exponent
        if power.denominator * self.q > _ROOTS:
            return Germ(0, None, math.nextafter(float(power), -math.inf))
        if power.denominator != 1:
            raise Restart(self.numbers, power.denominator)
        order = x.order - k + int(power)
        return Germ(int(power), self.taylor.apply(POWER, [series, self.taylor.constant(exponent)]), order)

    def _power_of_infinity(self, x: Germ, exponent: int | Fraction) -> Any:
        """A rational power of what tends to ±∞ faster, or more slowly, than any power."""
        if exponent <= 0:
            return Germ(0, None, FLAT_ORDER if x.huge else 0) if exponent else self.constant(1)
        sign = x.huge or x.slow
        if sign < 0 and exponent.denominator != 1:
            return Missing(self.slot, "is outside its domain, which ends at")
        sign = sign if exponent % 2 else 1
        return huge(sign) if x.huge else slow(sign)

    def _variable_power(self, x: Germ, y: Germ) -> Any:
        """x^y with an exponent that moves or is not rational: exp(y·log x), and 0^y = 0 for y > 0."""
        sign = self.sign(x)
        if sign < 0:
            return Missing(self.slot, "is outside its domain, which ends at")
        if sign == 0:
            above = self.sign(y)
            return self.constant(1 - above) if above >= 0 else Missing(self.slot, "has no value where")
        (exponent, _) = self.lead(x) or (0, None)
        if exponent and y.series is not None and y.series.is_constant and y.order == math.inf:
            return Germ(0, None, self._scaled(exponent, y.series.coefficient(0)))
        if exponent < 0:
            return WILD
        assert POWER.moved is not None
        return by_rule(POWER.moved, self, (x, y))

    def _scaled(self, exponent: float, factor: Any) -> float:
        """A bound from below of a whole number times a number."""
        parts = self.numbers.apply(MUL, (self.numbers.number(_EXPONENT_PARTS), factor))
        low = self.numbers.floor(parts) / _EXPONENT_PARTS
        return exponent * (low if exponent > 0 else low + 1 / _EXPONENT_PARTS)

    def _root(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        return self._power(POWER, x, self.constant(Fraction(1, 2)))

    def _cube_root(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        sign = self.sign(x)
        size = self._negative(NEG, x) if sign < 0 else x
        root = self._power(POWER, size, self.constant(Fraction(1, 3)))
        return self._negative(NEG, root) if sign < 0 and isinstance(root, Germ) else root

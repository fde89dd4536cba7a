"""Arithmetic of germs: sums, products, quotients, powers and roots, and what the sign of a germ decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffkit.algebras.constants import Undecided
from diffkit.algebras.germs.model import FLAT, WILD, Germ, Missing, Restart, Shifted, huge
from diffkit.algebras.germs.reading import Reading
from diffkit.algebras.taylor import Exact, Series
from diffkit.primitives import Primitive, table

ADD, SUB, MUL, DIV, NEG, POWER = (table[name] for name in ("add", "sub", "mul", "div", "neg", "power"))


class Arithmetic(Reading):
    """Rows of arithmetic and of choice, on germs."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the germ of any row."""
        raise NotImplementedError

    def _sum(self, primitive: Primitive, x: Germ, y: Germ) -> Any:
        if x.huge or y.huge:
            signs = {x.huge, -y.huge if primitive is SUB else y.huge} - {0}
            finite = all(g.huge or g.order > -math.inf for g in (x, y))
            return huge(signs.pop()) if len(signs) == 1 and finite else WILD
        order = min(x.order, y.order)
        if primitive is SUB and x.series is y.series is not None and x.shift == y.shift and order == math.inf:
            return self.constant(0)
        if x.series is None or y.series is None:
            kept = x if y.series is None else y
            if kept.series is not None and kept is y and primitive is SUB:
                return Germ(y.shift, self.taylor.apply(NEG, [y.series]) if y.series else None, order)
            return Germ(kept.shift, kept.series, order)
        low = min(x.shift, y.shift)
        raised = [(x.series, x.shift - low), (y.series, y.shift - low)]
        aligned = [Shifted(self.taylor, series, by) if by else series for series, by in raised]
        return Germ(low, self.taylor.apply(primitive, aligned), order)

    def _product(self, primitive: Primitive, x: Germ, y: Germ) -> Any:  # noqa: ARG002
        if any(self._is_zero(germ) for germ in (x, y)):
            return self.constant(0)
        if x.huge or y.huge:
            return self._huge(x, y)
        low_x, low_y = self._least(x, y), self._least(y, x)
        order = min(x.order + low_y, y.order + low_x)
        order = -math.inf if order != order else order
        if x.series is None or y.series is None:
            return Germ(0, None, order)
        return Germ(x.shift + y.shift, self.taylor.apply(MUL, [x.series, y.series]), order)

    def _huge(self, x: Germ, y: Germ) -> Any:
        """x·y or x/y where one is huge: wild if the sign of the other is not known."""
        try:
            return huge(self.sign(x) * self.sign(y)) if self.sign(x) and self.sign(y) else WILD
        except Undecided:
            return WILD

    def _is_zero(self, germ: Germ) -> bool:
        """Whether a germ is the constant zero."""
        exact = isinstance(germ.series, Series) and germ.series.is_constant and germ.order == math.inf
        return exact and self.constants.sign(germ.series.coefficient(0)) == 0  # type: ignore[union-attr]

    def _least(self, germ: Germ, other: Germ) -> float:
        """An exponent that a germ is no larger than; the leading one where the other factor is only bounded."""
        if germ.series is None:
            return germ.order
        if other.order == math.inf and other.series is not None:
            return germ.shift
        split = self.split(germ)
        return math.inf if split is None else split[0]

    def _quotient(self, primitive: Primitive, x: Germ, y: Germ) -> Any:  # noqa: ARG002
        if y.huge:
            return WILD if x.huge or x.order == -math.inf else Germ(0, None, FLAT)
        if x.huge:
            return self._huge(x, y)
        try:
            split = self.split(y)
        except Undecided:
            if y.series is None:
                return WILD
            raise
        if split is None:
            return WILD if y.is_bound else Missing(self.slot, "has no value where")
        exponent, series = split
        if x.series is None:
            return Germ(0, None, x.order - exponent)
        order = min(x.order - exponent, y.order - 2 * exponent + x.shift)
        return Germ(x.shift - exponent, self.taylor.apply(DIV, [x.series, series]), order)

    def _negative(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        if x.huge:
            return huge(-x.huge)
        return x if x.series is None else Germ(x.shift, self.taylor.apply(NEG, [x.series]), x.order)

    def _step(self, primitive: Primitive, x: Germ) -> Any:
        """Sign, floor and ceil: constant on the side."""
        if primitive.name == "sign":
            sign = self.sign(x)
            self._pass(x, sign)
            return self.constant(sign)
        up = primitive.name == "ceil"
        x = self._negative(NEG, x) if up else x
        at = self.limit(x)
        if at is None:
            return WILD
        whole = self.constants.floor(at)
        if self.constants.equal(at, self.constants.number(whole)):
            below = self.sign(self._sum(SUB, x, self.constant(whole))) < 0
            self.events[self.slot] = below
            whole -= below
        return self.constant(-whole if up else whole)

    def _pass(self, x: Germ, decision: Any) -> None:
        """Note a decision that the sign of a vanishing germ took."""
        if x.series is None or x.order <= 0 or (at := self.limit(x)) is None or self.constants.sign(at) == 0:
            self.events[self.slot] = decision

    def _absolute(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        if x.series is None:
            return x
        sign = self.sign(x)
        self._pass(x, sign)
        return self._negative(NEG, x) if sign < 0 else x

    def _extreme(self, primitive: Primitive, x: Germ, y: Germ) -> Any:
        apart = self._sum(SUB, x, y)
        sign = self.sign(apart) * (1 if primitive.name == "max" else -1)
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
        k, series = split
        if exponent.denominator != 1:
            if self.constants.sign(series.coefficient(0)) < 0:
                return Missing(self.slot, "is outside its domain, which ends at")
            if k:
                self.events[self.slot] = "root"
        power = k * exponent
        if power.denominator != 1:
            raise Restart(power.denominator)
        order = x.order - k + int(power)
        return Germ(int(power), self.taylor.apply(POWER, [series, self.taylor.constant(exponent)]), order)

    def _variable_power(self, x: Germ, y: Germ) -> Any:
        """x^y with an exponent that moves or is not rational: exp(y·log x)."""
        sign = self.sign(x)
        if sign < 0:
            return Missing(self.slot, "is outside its domain, which ends at")
        at = None if sign == 0 else self.limit(x)
        if sign == 0 or at is None:
            return WILD
        return self.apply(table["exp"], [self._product(MUL, y, self.apply(table["log"], [x]))])

    def _root(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        return self._power(POWER, x, self.constant(Fraction(1, 2)))

    def _cube_root(self, primitive: Primitive, x: Germ) -> Any:  # noqa: ARG002
        sign = self.sign(x)
        size = self._negative(NEG, x) if sign < 0 else x
        root = self._power(POWER, size, self.constant(Fraction(1, 3)))
        return self._negative(NEG, root) if sign < 0 and isinstance(root, Germ) else root

"""Germs: how a program behaves on one side of a point, as Puiseux series with exact coefficients.

With x = a ± u^q and u > 0 small, a value is u^shift·(c₀ + c₁u + …) + O(u^order). Coefficients are constants kept as
expressions (``diffkit.algebras.constants``), whose signs are proven. Where a function is analytic, the table's Taylor
series compose; at its special places the leading terms decide: which branch is taken, which fractional power starts
the series, what tends to infinity. exp of −∞ is flat (O(u^∞)), sine of ∞ bounded (O(1)), a logarithm at zero wild.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from diffkit.algebras.constants import Constants, Undecided
from diffkit.algebras.taylor import Exact, Series, TaylorAlgebra
from diffkit.primitives import Primitive, table
from diffkit.program import Constant, run
from diffkit.rules import by_definition, trace

ADD, SUB, MUL, DIV, NEG, POWER = (table[name] for name in ("add", "sub", "mul", "div", "neg", "power"))
TERMS = 24  # coefficients looked at for a leading one
FLAT = 1e9  # order of what vanishes faster than any power, yet need not be zero
SLOW = -1e-3  # log u is smaller than any negative power of u, so than this one
MOST = 60  # recursion of the gamma family towards its poles


class Restart(Exception):
    """A fractional exponent: the parameter must be a q-th root of the distance."""

    def __init__(self, q: int):
        super().__init__(q)
        self.q = q


@dataclass(frozen=True, eq=False)
class Germ:
    """u^shift·series + O(u^order); no series means nothing but the bound."""

    shift: int
    series: Series | None
    order: float = math.inf
    huge: int = 0
    """its sign if it tends to infinity faster than any power"""
    rough: bool = False
    """whether something oscillates without end, so that bounds say nothing of derivatives"""

    @property
    def is_bound(self) -> bool:
        """Whether only a bound is known."""
        return self.series is None


WILD = Germ(0, None, -math.inf)


def huge(sign: int) -> Germ:
    """Give the germ of what tends to ±∞ faster than any power."""
    return Germ(0, None, -math.inf, sign)


class Missing:
    """No value on this side; ``slot`` is the instruction at fault and ``reason`` says how."""

    def __init__(self, slot: int, reason: str):
        self.slot, self.reason = slot, reason


class Shifted(Series):
    """u^by times another series, by ≥ 0."""

    def __init__(self, algebra: TaylorAlgebra, inner: Series, by: int):
        super().__init__(algebra, algebra.base.constant(0))
        self.inner, self.by = inner, by

    def compute(self, k: int) -> Any:
        """Coefficient k − by of the other."""
        return self.inner.coefficient(k - self.by) if k >= self.by else None


class Dropped(Series):
    """A series without its first terms, divided by u^by."""

    def __init__(self, algebra: TaylorAlgebra, inner: Series, by: int):
        first = inner.coefficient(by)
        super().__init__(algebra, algebra.base.constant(0) if first is None else first)
        self.inner, self.by = inner, by

    def compute(self, k: int) -> Any:
        """Coefficient k + by of the other."""
        return self.inner.coefficient(k + self.by)


class Step(Series):
    """a + sign·u^q, the moving variable."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, q: int, sign: int):
        super().__init__(algebra, first)
        self.q, self.sign = q, sign

    def compute(self, k: int) -> Any:
        """The sign at q, otherwise nothing."""
        return self.algebra.base.constant(self.sign) if k == self.q else None


class GermAlgebra:
    """Germs to one side of a point, over constants."""

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

    def _whole(self, germ: Germ) -> Series:
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

    def _split(self, germ: Germ) -> tuple[int, Series] | None:
        """Exponent of the leading term and the series that begins with it; None for zero."""
        lead = self.lead(germ)
        if lead is None:
            return None
        assert germ.series is not None
        drop = lead[0] - germ.shift
        return lead[0], Dropped(self.taylor, germ.series, drop) if drop else germ.series

    # Rows ---------------------------------------------------------------------------------------------------------

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the germ of a row, or Missing where the side has no value."""
        if primitive.name == "where":
            return args[1] if args[0] else args[2]
        for arg in args:
            if isinstance(arg, Missing):
                return arg
        if primitive.name in RULES:
            found = getattr(self, RULES[primitive.name])(primitive, *args)
        elif primitive.truth:
            return primitive.floats(*args)  # type: ignore[misc]
        else:
            found = self._analytic(primitive, args)
        rough = isinstance(found, Germ) and any(isinstance(arg, Germ) and arg.rough for arg in args)
        return replace(found, rough=True) if rough else found

    def _sum(self, primitive: Primitive, x: Germ, y: Germ) -> Germ:
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

    def _product(self, primitive: Primitive, x: Germ, y: Germ) -> Germ:  # noqa: ARG002
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

    def _huge(self, x: Germ, y: Germ) -> Germ:
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
        split = self._split(germ)
        return math.inf if split is None else split[0]

    def _quotient(self, primitive: Primitive, x: Germ, y: Germ) -> Germ | Missing:  # noqa: ARG002
        if y.huge:
            return WILD if x.huge or x.order == -math.inf else Germ(0, None, FLAT)
        if x.huge:
            return self._huge(x, y)
        try:
            split = self._split(y)
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

    def _negative(self, primitive: Primitive, x: Germ) -> Germ:  # noqa: ARG002
        if x.huge:
            return huge(-x.huge)
        return x if x.series is None else Germ(x.shift, self.taylor.apply(NEG, [x.series]), x.order)

    def _step(self, primitive: Primitive, x: Germ) -> Germ:
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

    def _absolute(self, primitive: Primitive, x: Germ) -> Germ:  # noqa: ARG002
        if x.series is None:
            return x
        sign = self.sign(x)
        self._pass(x, sign)
        return self._negative(NEG, x) if sign < 0 else x

    def _extreme(self, primitive: Primitive, x: Germ, y: Germ) -> Germ:
        apart = self._sum(SUB, x, y)
        sign = self.sign(apart) * (1 if primitive.name == "max" else -1)
        self._pass(apart, sign)
        return x if sign >= 0 else y

    def _compare(self, primitive: Primitive, x: Germ, y: Germ) -> bool:
        apart = self._sum(SUB, x, y)
        sign = self.sign(apart)
        self._pass(apart, sign)
        return bool(primitive.floats(sign, 0))  # type: ignore[misc]

    def _power(self, primitive: Primitive, x: Germ, y: Germ) -> Germ | Missing:  # noqa: ARG002
        exponent = y.series.value if isinstance(y.series, Exact) and y.shift == 0 else None
        if not isinstance(exponent, (int, Fraction)):
            return self._variable_power(x, y)  # type: ignore[no-any-return]
        if exponent.denominator == 1 and exponent >= 0 and x.series is not None:
            n = int(exponent)
            order = x.order + x.shift * (n - 1) if n else math.inf
            return Germ(n * x.shift, self.taylor.apply(POWER, [x.series, self.taylor.constant(n)]), order)
        try:
            split = self._split(x)
        except Undecided:
            if x.series is None:
                return Germ(0, None, x.order * float(exponent)) if exponent > 0 and x.order > 0 else WILD
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
        logarithm = self._analytic(table["log"], [x])
        return self._exponential(table["exp"], self._product(MUL, y, logarithm))

    def _root(self, primitive: Primitive, x: Germ) -> Germ | Missing:  # noqa: ARG002
        return self._power(POWER, x, self.constant(Fraction(1, 2)))

    def _cube_root(self, primitive: Primitive, x: Germ) -> Germ | Missing:  # noqa: ARG002
        sign = self.sign(x)
        size = self._negative(NEG, x) if sign < 0 else x
        root = self._power(POWER, size, self.constant(Fraction(1, 3)))
        return self._negative(NEG, root) if sign < 0 and isinstance(root, Germ) else root

    def _exponential(self, primitive: Primitive, x: Germ) -> Any:
        return self._with_limits(primitive, x, lambda sign: Germ(0, None, FLAT) if sign < 0 else huge(1))

    def _bounded(self, primitive: Primitive, *args: Germ) -> Any:
        """Sine, cosine, Bessel functions: bounded at infinity."""
        if len(args) == 1 or (not args[-1].is_bound and args[-1].shift >= 0):
            return self._with_limits(primitive, args[-1], lambda _: Germ(0, None, 0, rough=True), args)
        return Germ(0, None, 0, rough=True)

    def _saturated(self, primitive: Primitive, x: Germ) -> Any:
        """Functions that reach a constant at infinity faster than any power."""
        ends = SATURATED[primitive.name]
        return self._with_limits(primitive, x, lambda sign: replace(self.constant(ends[sign > 0]), order=FLAT))

    def _arctangent(self, primitive: Primitive, x: Germ) -> Any:
        """Atan x = ±π/2 − atan(1/x)."""

        def end(sign: int) -> Any:
            inverse = self._quotient(DIV, self.constant(1), x)
            rule = trace(lambda F, v: sign * F.pi / 2 - F.atan(v), 1)
            return run(rule, self, [inverse])[0]

        return self._with_limits(primitive, x, end)

    def _softplus(self, primitive: Primitive, x: Germ) -> Any:
        tail = replace(x, order=min(x.order, FLAT))
        return self._with_limits(primitive, x, lambda sign: tail if sign > 0 else Germ(0, None, FLAT))

    def _defined(self, primitive: Primitive, *args: Germ) -> Any:
        """By the row's definition, which knows where it is special."""
        if all(g.series is not None and g.shift == 0 for g in args) and not primitive.places:
            return self._analytic(primitive, args)
        return by_definition(primitive, self, args)

    def _with_limits(
        self, primitive: Primitive, x: Germ, end: Callable[[int], Any], args: Sequence[Germ] | None = None
    ) -> Any:
        """The analytic composition where the argument stays finite, ``end(sign)`` where it tends to infinity."""
        if x.series is None and x.order <= 0 and not x.huge:
            return Germ(0, None, 0, rough=True) if primitive.name in BOUNDED else WILD
        if self.limit(x) is not None:
            return self._analytic(primitive, args or [x])
        return end(self.sign(x))

    def _analytic(self, primitive: Primitive, args: Sequence[Germ]) -> Any:
        """Compose where the row is analytic at the limits of its arguments; by a rule of its own where it is not."""
        limits = []
        for germ in args:
            try:
                limits.append(self.limit(germ))
            except Undecided:
                if germ.series is None:
                    return WILD
                raise
        if any(at is None for at in limits):
            return self._irregular(primitive, args, limits)
        regular = True
        for place in primitive.places:
            margin = run(trace(place.margin, len(args)), self.constants.builder, limits)[0]
            sign = self.constants.sign(margin)
            if place.kind == "edge" and sign < 0:
                return Missing(self.slot, "is outside its domain, which ends at")
            regular = regular and sign != 0
        if not regular:
            return self._irregular(primitive, args, limits)
        order = min(germ.order for germ in args)
        if any(germ.series is None for germ in args):  # f(a + O(u^n)) = f(a) + O(u^n)
            series = [self.taylor.lift(at) if g.series is None else self._whole(g)
                      for at, g in zip(limits, args, strict=True)]  # fmt: skip
        else:
            series = [self._whole(g) for g in args]
        return Germ(0, self.taylor.apply(primitive, series), order)

    def _irregular(self, primitive: Primitive, args: Sequence[Germ], limits: Sequence[int | None]) -> Any:
        """At an edge or a pole of the row, or at infinity: by an identity that moves the special place elsewhere."""
        name, x = primitive.name, args[-1]
        self.events[self.slot] = "place"
        rule: Callable[..., Any] | None = MOVED.get(name)
        if name in ("log", "log2", "log10", "log1p", "atanh"):
            return self._logarithm(primitive, args)
        if name in GAMMA and limits[-1] is not None:
            rule = self._away_from_pole(name, limits[-1])
        if name in ("asin", "acos") and self.sign(x) < 0:
            rule = MIRRORED[name]
        if name == "atan2" and self.sign(args[0]) == 0:
            rule = _on_the_axis
        if rule is None or limits[-1] is None:
            if primitive.definition is not None:
                return by_definition(primitive, self, args)
            return WILD
        return run(trace(rule, len(args)), self, args)[0]

    def _logarithm(self, primitive: Primitive, args: Sequence[Germ]) -> Germ | Missing:
        """At zero: Missing where the argument is negative, otherwise wild, though less than any power."""
        (place,) = primitive.places
        margin = run(trace(place.margin, 1), self, args)[0]
        sign = 1 if isinstance(margin, Missing) else self.sign(margin)
        if sign < 0:
            return Missing(self.slot, "is outside its domain, which ends at")
        if sign == 0:
            return Missing(self.slot, "has no value where")
        return Germ(0, None, SLOW)

    def _away_from_pole(self, name: str, at: int) -> Callable[..., Any]:
        n = -self.constants.floor(at)
        if n > MOST:
            raise Undecided
        return GAMMA[name](n)


def _gamma(n: int) -> Callable[..., Any]:
    def rule(F: Any, x: Any) -> Any:
        product = x
        for k in range(1, n + 1):
            product = product * (x + k)
        return F.gamma(x + (n + 1)) / product

    return rule


def _digamma(n: int) -> Callable[..., Any]:
    def rule(F: Any, x: Any) -> Any:
        total = F.digamma(x + (n + 1))
        for k in range(n + 1):
            total = total - 1 / (x + k)
        return total

    return rule


GAMMA = {"gamma": _gamma, "digamma": _digamma}
BOUNDED = frozenset(("sin", "cos", "besselj"))
SATURATED = {"tanh": (-1, 1), "erf": (-1, 1), "erfc": (2, 0), "sigmoid": (0, 1)}
MOVED: dict[str, Callable[..., Any]] = {
    "tan": lambda F, x: F.sin(x) / F.cos(x),
    "cot": lambda F, x: F.cos(x) / F.sin(x),
    "asin": lambda F, x: F.pi / 2 - 2 * F.asin(F.sqrt((1 - x) / 2)),
    "acos": lambda F, x: 2 * F.asin(F.sqrt((1 - x) / 2)),
    "acosh": lambda F, x: 2 * F.asinh(F.sqrt((x - 1) / 2)),
    "atan2": lambda F, y, x: F.sign(y) * F.pi / 2 - F.atan(x / y),
}


def _on_the_axis(F: Any, y: Any, x: Any) -> Any:  # noqa: ARG001
    """The angle of a point with y = 0."""
    return F.where(x > 0, 0, F.pi)


MIRRORED: dict[str, Callable[..., Any]] = {
    "asin": lambda F, x: 2 * F.asin(F.sqrt((1 + x) / 2)) - F.pi / 2,
    "acos": lambda F, x: F.pi - 2 * F.asin(F.sqrt((1 + x) / 2)),
}
RULES = {
    "add": "_sum", "sub": "_sum", "mul": "_product", "div": "_quotient", "neg": "_negative", "power": "_power",
    "sqrt": "_root", "cbrt": "_cube_root", "exp": "_exponential", "abs": "_absolute", "sign": "_step",
    "floor": "_step", "ceil": "_step", "max": "_extreme", "min": "_extreme", "atan": "_arctangent",
    "softplus": "_softplus", **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), "_compare"),
    **dict.fromkeys(BOUNDED, "_bounded"), **dict.fromkeys(SATURATED, "_saturated"),
    **dict.fromkeys(("relu", "silu", "gelu", "heaviside", "hypot", "logsumexp", "expm1", "sec", "csc"), "_defined"),
}  # fmt: skip

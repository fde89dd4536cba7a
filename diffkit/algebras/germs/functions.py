"""Functions of germs: analytic ones by Taylor series, at infinity by their limits, at special places by identities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from diffkit.algebras.constants import Undecided
from diffkit.algebras.germs.arithmetic import Arithmetic
from diffkit.algebras.germs.model import FLAT, SLOW, WILD, Germ, Missing, Unknown, huge
from diffkit.primitives import Primitive, table
from diffkit.program import run
from diffkit.rules import by_definition, trace

DIV = table["div"]
MOST = 60  # recursion of the gamma family towards its poles


class GermAlgebra(Arithmetic):
    """Germs to one side of a point, over constants."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the germ of a row, or Missing where the side has no value."""
        if primitive.name == "where" and isinstance(args[0], bool):
            return args[1] if args[0] else args[2]
        for arg in args:
            if isinstance(arg, (Missing, Unknown)):
                return arg
        if primitive.name in RULES:
            found = getattr(self, RULES[primitive.name])(primitive, *args)
        elif primitive.truth:
            return primitive.floats(*args)  # type: ignore[misc]
        else:
            found = self._analytic(primitive, args)
        rough = isinstance(found, Germ) and any(isinstance(arg, Germ) and arg.rough for arg in args)
        return replace(found, rough=True) if rough else found

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
            series = [self.taylor.lift(at) if g.series is None else self.whole(g)
                      for at, g in zip(limits, args, strict=True)]  # fmt: skip
        else:
            series = [self.whole(g) for g in args]
        return Germ(0, self.taylor.apply(primitive, series), order)

    def _irregular(self, primitive: Primitive, args: Sequence[Germ], limits: Sequence[int | None]) -> Any:
        """At an edge or a pole of the row, or at infinity: by an identity that moves the special place elsewhere."""
        name, x = primitive.name, args[-1]
        self.events[self.slot] = "place"
        for place in primitive.places:
            margin = run(trace(place.margin, len(args)), self, args)[0] if place.kind == "edge" else None
            if isinstance(margin, Germ) and limits[-1] is None and self.sign(margin) < 0:
                return Missing(self.slot, "is outside its domain, which ends at")
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

    def _logarithm(self, primitive: Primitive, args: Sequence[Germ]) -> Any:
        """At zero: Missing where the argument is negative, otherwise wild, though less than any power."""
        (place,) = primitive.places
        margin = run(trace(place.margin, 1), self, args)[0]
        if not isinstance(margin, Germ) or margin.huge > 0:
            return WILD
        sign = self.sign(margin)
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
    return F.where(x > 0, 0, F.where(x < 0, F.pi, x / x))


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

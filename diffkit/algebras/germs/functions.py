"""Functions of germs: analytic ones by Taylor series, at infinity by their limits, at special places by identities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from diffkit.algebras.constants import Undecided
from diffkit.algebras.germs.arithmetic import Arithmetic
from diffkit.algebras.germs.model import FLAT, WILD, Germ, Missing, Unknown, huge, slow
from diffkit.primitives import Primitive, table
from diffkit.program import run
from diffkit.rules import by_definition, by_rule, trace

DIV = table["div"]
MOST = 60  # recursion of the gamma family towards its poles


class GermAlgebra(Arithmetic):
    """Germs to one side of a point, over numbers."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the germ of a row, or Missing where the side has no value."""
        if primitive.name == "where" and isinstance(args[0], bool):
            return args[1] if args[0] else args[2]
        for kind in (Missing, Unknown):  # what has no value on this side has none, whatever else is not known
            for arg in args:
                if isinstance(arg, kind):
                    return arg
        if primitive.name in RULES:
            found = getattr(self, RULES[primitive.name])(primitive, *args)
        elif primitive.truth:
            return primitive.floats(*args)  # type: ignore[misc]
        elif primitive.definition is not None and any(place.kind == "kink" for place in primitive.places):
            found = by_definition(primitive, self, args)  # which takes a side
        else:
            found = self._analytic(primitive, args)
        rough = isinstance(found, Germ) and any(isinstance(arg, Germ) and arg.rough for arg in args)
        return replace(found, rough=True) if rough else found

    def _exponential(self, primitive: Primitive, x: Germ) -> Any:
        return self._with_limits(primitive, x, lambda sign: Germ(0, None, FLAT) if sign < 0 else huge(1))

    def _bounded(self, primitive: Primitive, *args: Germ) -> Any:
        """Sine, cosine, Bessel functions: bounded at infinity."""
        return self._with_limits(primitive, args[-1], lambda _: Germ(0, None, 0, rough=True), args)

    def _saturated(self, primitive: Primitive, x: Germ) -> Any:
        """Functions that reach a constant at infinity faster than any power."""
        ends = SATURATED[primitive.name]

        def end(sign: int) -> Germ:
            at = ends[sign > 0]
            return replace(self.constant(at), order=FLAT) if at else Germ(0, None, FLAT)

        return self._with_limits(primitive, x, end)

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

    def _with_limits(
        self, primitive: Primitive, x: Germ, end: Callable[[int], Any], args: Sequence[Germ] | None = None
    ) -> Any:
        """The analytic composition where the argument stays finite, ``end(sign)`` where it tends to infinity."""
        try:
            infinite = self.limit(x) is None
        except Undecided:
            if primitive.name in BOUNDED or self.bound(x) >= 0:
                return self._merely_bounded()
            raise
        if not infinite:
            return self._analytic(primitive, args or [x])
        if x.slow:
            return self._merely_bounded() if primitive.name in BOUNDED else WILD
        sign = self.sign(x)
        self.events[self.slot] = sign
        return end(sign)

    def _merely_bounded(self) -> Germ:
        """What is O(1), and may oscillate."""
        self.events[self.slot] = "bounded"
        return Germ(0, None, 0, rough=True)

    def _analytic(self, primitive: Primitive, args: Sequence[Germ]) -> Any:
        """Compose where the row is analytic at the limits of its arguments; by a rule of its own where it is not."""
        try:
            limits = [self.limit(germ) for germ in args]
        except Undecided:
            if all(place.kind == "kink" for place in primitive.places) and all(self.bound(germ) >= 0 for germ in args):
                return self._merely_bounded()  # as what is continuous is on what is bounded
            raise
        if any(at is None for at in limits):
            return self._at_infinity(primitive, args)
        regular = True
        for place in primitive.places:
            margin = run(trace(place.margin, len(args)), self.numbers, limits)[0]
            sign = self.numbers.sign(margin)
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

    def _at_infinity(self, primitive: Primitive, args: Sequence[Germ]) -> Any:
        """Where an argument tends to infinity: outside the domain, or by the row's growth."""
        self.events[self.slot] = "place"
        for place in primitive.places:
            margin = run(trace(place.margin, len(args)), self, args)[0] if place.kind == "edge" else None
            if isinstance(margin, Germ) and self.sign(margin) < 0:
                return Missing(self.slot, "is outside its domain, which ends at")
        name = primitive.name
        if name in LOGARITHMS:
            return self._logarithm(primitive, args)
        rule: Callable[..., Any] | None = GROWTH.get(name, primitive.definition)
        if name == "atan2" and self.sign(args[0]) == 0:
            rule = _on_the_axis
        if rule is None or (name in POLES_TO_THE_LEFT and self.sign(args[-1]) < 0):
            return WILD
        return by_rule(rule, self, args)

    def _irregular(self, primitive: Primitive, args: Sequence[Germ], limits: Sequence[Any]) -> Any:
        """At an edge or a pole of the row: by an identity that moves the special place elsewhere."""
        name, x = primitive.name, args[-1]
        self.events[self.slot] = "place"
        if name in LOGARITHMS:
            return self._logarithm(primitive, args)
        rule: Callable[..., Any] | None = MOVED.get(name, primitive.definition)
        if name in GAMMA:
            rule = self._away_from_pole(name, limits[-1])
        if name in MIRRORED and self.sign(x) < 0:
            rule = MIRRORED[name]
        if name == "atan2" and self.sign(args[0]) == 0:
            rule = _on_the_axis
        return WILD if rule is None else by_rule(rule, self, args)

    def _logarithm(self, primitive: Primitive, args: Sequence[Germ]) -> Any:
        """At an end of the domain or at infinity: Missing outside, otherwise to ±∞ more slowly than any power."""
        (place,) = primitive.places
        (x,) = args
        margin = by_rule(place.margin, self, args)
        if not isinstance(margin, Germ) or margin.huge > 0:
            return WILD
        sign = self.sign(margin)
        if sign < 0:
            return Missing(self.slot, "is outside its domain, which ends at")
        if sign == 0:
            return Missing(self.slot, "has no value where")
        if primitive.name == "atanh":
            return slow(self.sign(x))
        return slow(1 if self.limit(margin) is None else -1)

    def _away_from_pole(self, name: str, at: int) -> Callable[..., Any]:
        n = -self.numbers.floor(at)
        if n > MOST:
            raise Undecided(f"poles beyond the {MOST}th are not looked at")
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
LOGARITHMS = frozenset(("log", "log2", "log10", "log1p", "atanh"))
WAVES = frozenset(("sin", "cos", "besselj"))
SATURATED = {"tanh": (-1, 1), "erf": (-1, 1), "erfc": (2, 0), "sigmoid": (0, 1)}
BOUNDED = WAVES.union(SATURATED, ["atan"])
GROWTH: dict[str, Callable[..., Any]] = {
    "sinh": lambda F, x: (F.exp(x) - F.exp(-x)) / 2,
    "cosh": lambda F, x: (F.exp(x) + F.exp(-x)) / 2,
    "asinh": lambda F, x: F.sign(x) * F.log(F.abs(x) + F.sqrt(1 + x**2)),
    "acosh": lambda F, x: F.log(x + F.sqrt(x**2 - 1)),
    "atan2": lambda F, y, x: F.where(x > 0, F.atan(y / x), F.sign(y) * F.pi / 2 - F.atan(x / y)),
    "logsumexp": lambda F, x, y: F.max(x, y) + F.log1p(F.exp(-F.abs(x - y))),
    "gamma": lambda F, x: F.exp(x),
    "loggamma": lambda F, x: F.sin(x) * x * F.log(x),
    "digamma": lambda F, x: F.sin(x) * F.log(x),
    "polygamma": lambda F, n, x: F.where(n > 0, F.sin(x) / x**n, F.sin(x) * F.log(x)),
}
"""How rows grow at infinity: formulas that hold there, or grow as fast; a sine stands for what is only bounded."""
POLES_TO_THE_LEFT = frozenset(("gamma", "loggamma", "digamma", "polygamma"))
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
    **dict.fromkeys(WAVES, "_bounded"), **dict.fromkeys(SATURATED, "_saturated"),
}  # fmt: skip

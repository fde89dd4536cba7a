"""The rows of the table on elements of the field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from diffkit.algebras.balls import ball_function, rational
from diffkit.algebras.field.angles import Angles
from diffkit.algebras.field.elements import Element, Unknown
from diffkit.primitives import Primitive
from diffkit.program import Constant, Named
from diffkit.rules import by_definition, by_rule

REWRITTEN: dict[str, Callable[..., Any]] = {
    "tan": lambda F, x: F.sin(x) / F.cos(x),
    "sinh": lambda F, x: (F.exp(x) - 1 / F.exp(x)) / 2,
    "cosh": lambda F, x: (F.exp(x) + 1 / F.exp(x)) / 2,
    "tanh": lambda F, x: (F.exp(2 * x) - 1) / (F.exp(2 * x) + 1),
    "sqrt": lambda F, x: x ** F.rational(1, 2),
    "asinh": lambda F, x: F.log(x + F.sqrt(1 + x**2)),
    "acosh": lambda F, x: F.log(x + F.sqrt(x**2 - 1)),
    "atanh": lambda F, x: F.log((1 + x) / (1 - x)) / 2,
    "acos": lambda F, x: F.pi / 2 - F.asin(x),
    "erfc": lambda F, x: 1 - F.erf(x),
}
TINY = arb(2) ** -200 * (1 + arb(0, 1))
"""from 0 on"""
ODD = frozenset(("erf",))
"""functions with f(−x) = −f(x) that are not rewritten"""


class Field(Angles):
    """Elements with every row of the table; None is what the algebra cannot tell."""

    def constant(self, value: Constant) -> Element:
        """Give a number, or the kernel of π or e."""
        if isinstance(value, Named):
            return self.exp(self.number(1)) if value.name == "e" else self.pi
        return self.number(value)

    def variable(self, i: int, value: Fraction) -> Element:
        """Give the kernel of a variable that has a value."""
        return self.kernel(("variable", i), arb(rational(value)))

    def small(self, i: int) -> Element:
        """Give the kernel of a variable that is positive and as small as one likes."""
        found = self.kernel(("variable", i), TINY)
        kernel = self.index(found)
        assert kernel is not None
        self.tiny.add(kernel)
        return found

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a row of elements and truths."""
        if primitive.name == "where":
            return None if args[0] is None else args[1] if args[0] else args[2]
        if any(arg is None for arg in args):
            return None
        try:
            return self._apply(primitive, args)
        except (Unknown, ArithmeticError, ValueError, OverflowError):
            return None

    def _apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        name = primitive.name
        if name in OWN:
            return OWN[name](self, *args)
        if name in REWRITTEN:
            return by_rule(REWRITTEN[name], self, args)
        if primitive.truths:
            return primitive.floats(*args)  # type: ignore[misc]
        if primitive.truth:
            return primitive.floats(self.sign(self.sub(*args)), 0)  # type: ignore[misc]
        if primitive.definition is not None:
            return by_definition(primitive, self, args)
        if name in ODD and args[0].up != 0 and args[0].up.leading_coefficient() < 0:
            return self.neg(self._opaque(primitive, [self.neg(args[0])]))
        return self._opaque(primitive, args)

    def _opaque(self, primitive: Primitive, args: Sequence[Element]) -> Element:
        """A function that no identity is known of."""
        ball = ball_function(primitive)(*[self.ball(arg) for arg in args])
        return self.kernel((primitive.name, *map(self.key, args)), ball)

    def _largest(self, x: Element, y: Element) -> Element:
        return x if self.sign(self.sub(x, y)) >= 0 else y

    def _smallest(self, x: Element, y: Element) -> Element:
        return x if self.sign(self.sub(x, y)) <= 0 else y

    def _floor(self, x: Element) -> Element:
        value = self.rational(x)
        if value is not None:
            return self.number(value.__floor__())
        found = self.ball(x).floor().unique_fmpz()
        if found is None:
            raise Unknown
        self.sign(self.sub(x, self.number(int(found))))  # Unknown where x may pass the integer
        return self.number(int(found))


OWN: dict[str, Callable[..., Any]] = {
    "add": Field.add, "sub": Field.sub, "mul": Field.mul, "div": Field.div, "neg": Field.neg, "power": Field.power,
    "exp": Field.exp, "log": Field.log, "atan": Field.atan, "asin": Field.asin, "atan2": Field.atan2,
    "sin": lambda field, x: field.turn(x)[0], "cos": lambda field, x: field.turn(x)[1],
    "abs": Field.absolute, "max": Field._largest, "min": Field._smallest,
    "sign": lambda field, x: field.number(field.sign(x)),
    "floor": Field._floor, "ceil": lambda field, x: field.neg(field._floor(field.neg(x))),
}  # fmt: skip

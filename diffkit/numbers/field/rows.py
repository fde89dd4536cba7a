"""The rows of the table on elements of the field."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from diffkit.core.program import Constant, Named
from diffkit.core.rules import by_definition, by_rule
from diffkit.core.table import Primitive
from diffkit.numbers.balls import ball_function, rational
from diffkit.numbers.field.angles import Angles
from diffkit.numbers.field.elements import Element, Unknown

TINY = arb(2) ** -200 * (1 + arb(0, 1))
"""from 0 on"""


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
        form = primitive.exact
        if isinstance(form, str):
            return getattr(self, form)(*args)
        if form is not None:
            return by_rule(form, self, args)
        if primitive.truths:
            return primitive.floats(*args)  # type: ignore[misc]
        if primitive.truth:
            return primitive.floats(self.sign(self.sub(*args)), 0)  # type: ignore[misc]
        if primitive.definition is not None:
            return by_definition(primitive, self, args)
        if primitive.odd and args[0].up != 0 and args[0].up.leading_coefficient() < 0:
            return self.neg(self._opaque(primitive, [self.neg(args[0])]))
        return self._opaque(primitive, args)

    def _opaque(self, primitive: Primitive, args: Sequence[Element]) -> Element:
        """A function that no identity is known of."""
        ball = ball_function(primitive)(*[self.ball(arg) for arg in args])
        return self.kernel((primitive.name, *map(self.key, args)), ball)

    def sin(self, x: Element) -> Element:
        """The sine, by an angle that is a sum of known ones."""
        return self.turn(x)[0]

    def cos(self, x: Element) -> Element:
        """The cosine, likewise."""
        return self.turn(x)[1]

    def sign_of(self, x: Element) -> Element:
        """The sign as an element."""
        return self.number(self.sign(x))

    def ceil(self, x: Element) -> Element:
        """The smallest integer not below x."""
        return self.neg(self.floor(self.neg(x)))

    def largest(self, x: Element, y: Element) -> Element:
        """The larger of two."""
        return x if self.sign(self.sub(x, y)) >= 0 else y

    def smallest(self, x: Element, y: Element) -> Element:
        """The smaller of two."""
        return x if self.sign(self.sub(x, y)) <= 0 else y

    def floor(self, x: Element) -> Element:
        """The largest integer not above x; Unknown where x may pass it."""
        value = self.rational(x)
        if value is not None:
            return self.number(value.__floor__())
        found = self.ball(x).floor().unique_fmpz()
        if found is None:
            raise Unknown
        self.sign(self.sub(x, self.number(int(found))))
        return self.number(int(found))

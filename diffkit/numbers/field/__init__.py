"""Exact algebra on numbers: rational functions of kernels, reduced by the identities that the kernels obey.

A kernel is a transcendental or algebraic number such as sin(1), exp(1/3) or √2, with a ball that tells its sign.
Polynomials in kernels are kept reduced: sin² = 1 − cos², angles and exponents are added, the powers of a product are
those of its irreducible factors, and exp, log, tangent and arctangent undo each other. A number whose reduced
numerator vanishes is zero; the converse is not claimed (Richardson, Some undecidable problems involving elementary
functions of a real variable, J. Symb. Logic 33, 1968, says why).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from diffkit.core.limits import SHOWN_BITS
from diffkit.core.program import Constant, Named, Program, run
from diffkit.core.rules import by_definition, by_rule
from diffkit.core.table import Primitive
from diffkit.numbers.balls import ball_function, precision, rational
from diffkit.numbers.field.elements import Element, Full, Unprovable
from diffkit.numbers.field.kernels import Angles

_LARGEST_NUMBER = 400  # instructions of a number that exact algebra is asked about
_KERNELS = (16, 64, 256)  # kernels to make room for
_NOUGHT = Fraction(0)
_TINY_BALL = arb(2) ** -200 * (1 + arb(0, 1))
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
        found = self.kernel(("variable", i), _TINY_BALL)
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
        except (Unprovable, ArithmeticError, ValueError, OverflowError):
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
            raise Unprovable
        self.sign(self.sub(x, self.number(int(found))))
        return self.number(int(found))


def vanishes(program: Program, point: Sequence[float | Fraction] = (), less: Fraction = _NOUGHT) -> bool:
    """Whether exact algebra proves that a program's value at a point is a number; False if it cannot tell.

    The variables are numbers first, which is short, and then kernels, so that what cancels for all values does.
    """
    at = [Fraction(x) for x in point]
    return _numerically(program, at, less) or (bool(at) and _symbolically(program, at, less))


def vanishes_around(program: Program, point: Sequence[float | Fraction], moving: Collection[int] | None = None) -> bool:
    """Whether exact algebra proves that a program is zero for all values of its inputs, or some, around a point."""

    def inputs(field: Field) -> list[Element]:
        exact = [Fraction(x) for x in point]
        moves = [moving is None or i in moving for i in range(len(exact))]
        return [field.variable(i, x) if moves[i] else field.number(x) for i, x in enumerate(exact)]

    return _is(program, inputs, _NOUGHT, ())


def vanishes_beside(program: Program) -> bool:
    """Whether exact algebra proves that a program is zero for all small positive values of its inputs."""
    return _is(program, lambda field: [field.small(i) for i in range(len(program.inputs))], _NOUGHT, ())


def _symbolically(program: Program, point: Sequence[Fraction], less: Fraction) -> bool:
    return _is(program, lambda field: [field.variable(i, x) for i, x in enumerate(point)], less, point)


def _numerically(program: Program, point: Sequence[Fraction], less: Fraction) -> bool:
    return _is(program, lambda field: [field.number(x) for x in point], less, ())


def _is(program: Program, inputs: Callable[[Field], list[Element]], less: Fraction, point: Sequence[Fraction]) -> bool:
    """Whether a program's value is a number, in a field with as much room as that takes."""
    if len(program.instructions) > _LARGEST_NUMBER:
        return False
    for count in _KERNELS:
        try:
            with precision(SHOWN_BITS):
                field = Field(count)
                found = run(program, field, inputs(field))[0]
                return found is not None and field.equals(found, less, point)
        except Full:
            continue
        except Unprovable:
            break
    return False

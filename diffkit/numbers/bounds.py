"""Running error bounds: a value and a bound on its rounding error, carried through a program over another algebra.

First order in the unit round-off: e(y) = Σ |∂f/∂xᵢ|·e(xᵢ) + the row's own rounding (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.3). Over double-doubles, whose own rounding is tiny, the second-order part
of what they leave out counts too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.program import Algebra, Constant, Named
from diffkit.core.rules import partial
from diffkit.core.table import ADD, DIV, POWER, SUB, WHERE, Primitive
from diffkit.numbers.doubles import DOUBLES, DoublesAlgebra
from diffkit.numbers.floats import FLOATS

_PAIR_ERROR = 2.0**-95
"""Relative error of an operation on pairs, generously: one keeps 2⁻¹⁰¹ (Joldes, Muller & Popescu, ACM TOMS 44 (2017)),
a power is a chain of a dozen, and a sum that is lost in 2⁻⁹⁶ of its terms is taken for zero."""
_LOST_BELOW = 2.0**-1072  # absolute error where its parts are lost below the smallest float
Bounded = tuple[Any, Any]


def high(value: Any) -> Any:
    """The high part of a pair; a truth value as it is."""
    return value[0] if isinstance(value, tuple) else value


class BoundsAlgebra:
    """Pairs (value, bound on |value − exact|) over ``base``."""

    def __init__(self, base: Algebra):
        self.base = base
        self.zero = base.constant(0)

    def constant(self, value: Constant) -> Bounded:
        """Give the nearest value; exact where the constant is one."""
        nearest = self.base.constant(value)
        if isinstance(value, Named) or not self.represents(nearest, value):
            return nearest, self.unit(nearest)
        return nearest, self.zero

    def apply(self, primitive: Primitive, args: Sequence[Bounded]) -> Bounded:
        """Give a row's value and the bound that follows from the arguments' bounds."""
        values = [v for v, _ in args]
        answer = self.base.apply(primitive, values)
        if primitive is WHERE:
            return answer, self.choose(values[0], args[1][1], args[2][1])
        if primitive.truth or primitive.steps:
            return answer, self.zero
        whole = primitive is POWER and high(values[1]) >= 0 and high(values[1]) % 1 == 0  # defined everywhere
        edged = not whole and any(place.kind in ("edge", "pole") for place in primitive.places)
        if edged and any(map(self.unsettled, args[1:] if primitive is DIV else args)):
            return answer, math.inf  # first order says nothing where an argument may be on the other side
        bound = self.rounding(primitive, args, answer)
        for index, (_, error) in enumerate(args):
            if primitive.partials[index] is not None and self.matters(error):
                bound = bound + abs(self.slope(primitive, index, values, answer)) * error
        return answer, self.settled(bound)

    def unsettled(self, arg: Bounded) -> bool:
        """Whether the bound is not small beside the value."""
        value, error = arg
        return error > 0 and not error <= abs(high(value)) / 4

    # What depends on the base -------------------------------------------------------------------------------------

    def slope(self, primitive: Primitive, index: int, values: Sequence[Any], answer: Any) -> Any:
        """∂y/∂xᵢ."""
        return partial(primitive, index).at(self.base, values, answer)

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """The bound of the side that is chosen."""
        return self.base.apply(WHERE, (condition, x, y))

    def represents(self, nearest: Any, value: Any) -> bool:
        """Whether the nearest value is the constant itself."""
        return math.isfinite(nearest) and nearest == value

    def unit(self, value: Any) -> Any:
        """One unit in the last place."""
        return math.ulp(value) if math.isfinite(value) else math.inf

    def rounding(self, primitive: Primitive, args: Sequence[Bounded], answer: Any) -> Any:  # noqa: ARG002
        """What the row itself rounds."""
        return primitive.ulps * self.unit(answer)

    def matters(self, error: Any) -> bool:
        """Whether an argument's bound is worth propagating."""
        return bool(error != 0)

    def settled(self, bound: Any) -> Any:
        """The bound, infinite where it is not a number."""
        return math.inf if bound != bound else bound


class _DoublesBounds(BoundsAlgebra):
    """Bounds over double-doubles, as floats: what the elementary functions round, to second order in the low parts."""

    def __init__(self, base: DoublesAlgebra = DOUBLES):
        super().__init__(base)
        self.doubles, self.zero = base, 0.0

    def number(self, value: Any) -> Bounded:
        """Give a float, which is exact."""
        return self.doubles.number(value), 0.0

    def total(self, number: Bounded) -> Any:
        """Bound on the error of the high part alone, which is the answer: half a unit in its last place more."""
        (high, _), bound = number
        return bound + 0.5 * self.last_place(high)

    def represents(self, nearest: Any, value: Any) -> bool:
        """Whether the pair is the constant itself."""
        high, low = nearest
        return math.isfinite(high) and Fraction(high) + Fraction(low) == value

    def constant(self, value: Constant) -> Bounded:
        """Give the nearest pair; exact where the constant is one."""
        nearest = self.doubles.constant(value)
        if not isinstance(value, Named) and self.represents(nearest, value):
            return nearest, 0.0
        return nearest, _PAIR_ERROR * abs(nearest[0])

    def slope(self, primitive: Primitive, index: int, values: Sequence[Any], answer: Any) -> Any:
        """∂y/∂xᵢ at the high parts."""
        return partial(primitive, index).at(self.doubles.base, [high(v) for v in values], high(answer))

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """The bound of the side that is chosen."""
        return self.doubles.choose(condition, x, y)

    def rounding(self, primitive: Primitive, args: Sequence[Bounded], answer: Any) -> Any:
        """What a row rounds, carrying both parts of the largest number at hand; else its ulps and the curvature."""
        if primitive.ulps == 0.0:
            return 0.0
        values = [v for v, _ in args]
        if self.doubles.carries(primitive, values):
            sizes = [abs(answer[0])]
            if primitive is ADD or primitive is SUB:
                sizes += [abs(high) for high, _ in values]
            return _PAIR_ERROR * sum(sizes) + _LOST_BELOW
        return primitive.ulps * self.last_place(answer[0]) + self.curvature(primitive, values, answer[0])

    def curvature(self, primitive: Primitive, values: Sequence[Any], answer: Any) -> Any:
        """|f″|·low² at most: the slopes change by f″·ulp between neighbouring floats, and |low| ≤ ½ ulp."""
        base = self.doubles.base
        here = [high for high, _ in values]
        if not any(self.doubles.matters(low) for _, low in values):
            return 0.0
        moved = [self.neighbour(high, low) for high, low in values]
        there = base.apply(primitive, moved)
        total = 0.0
        for index, (_, low) in enumerate(values):
            if primitive.partials[index] is not None and self.doubles.matters(low):
                slope = partial(primitive, index)
                total = total + abs(slope.at(base, moved, there) - slope.at(base, here, answer)) * abs(low)
        return total

    def last_place(self, value: float) -> float:
        """One unit in the last place."""
        return math.ulp(value) if math.isfinite(value) else math.inf

    def neighbour(self, value: float, towards: float) -> float:
        """The next float in the direction of a sign."""
        return math.nextafter(value, math.copysign(math.inf, towards)) if towards else value


BOUNDS = BoundsAlgebra(FLOATS)
DOUBLES_BOUNDS = _DoublesBounds()

"""Running error bounds: a value and a bound on its rounding error, carried through a program over another algebra.

First order in the unit round-off: e(y) = Σ |∂f/∂xᵢ|·e(xᵢ) + the row's own rounding (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.3). Over double-doubles, whose own rounding is tiny, the second-order part
of what they leave out counts too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from diffkit.algebras.doubles import DOUBLES, DoublesAlgebra, array_doubles
from diffkit.algebras.floats import FLOATS
from diffkit.primitives import Primitive, table
from diffkit.program import Algebra, Constant, Named
from diffkit.rules import partial

ADD, SUB, MUL, DIV, POWER = table["add"], table["sub"], table["mul"], table["div"], table["power"]
WHERE, SQRT = table["where"], table["sqrt"]
EXACT_BITS = 4000  # exponents may differ by this much for an operation to be checked for exactness
PAIR = 2.0**-95
"""Relative error of an operation on pairs, generously: one keeps 2⁻¹⁰¹ (Joldes, Muller & Popescu, ACM TOMS 44 (2017)),
a power is a chain of a dozen, and a sum that is lost in 2⁻⁹⁶ of its terms is taken for zero."""
TINY = 2.0**-1072  # absolute error where its parts are lost below the smallest float
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
        bound = self.rounding(primitive, args, answer)
        for index, (_, error) in enumerate(args):
            if primitive.partials[index] is not None and self.matters(error):
                bound = bound + abs(self.slope(primitive, index, values, answer)) * error
        return answer, self.settled(bound)

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


class DoublesBounds(BoundsAlgebra):
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
        return nearest, PAIR * abs(nearest[0])

    def slope(self, primitive: Primitive, index: int, values: Sequence[Any], answer: Any) -> Any:
        """∂y/∂xᵢ at the high parts."""
        return partial(primitive, index).at(self.doubles.base, [high(v) for v in values], high(answer))

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """The bound of the side that is chosen."""
        return self.doubles.choose(condition, x, y)

    def rounding(self, primitive: Primitive, args: Sequence[Bounded], answer: Any) -> Any:
        """PAIR of the largest number at hand where both parts are carried, else the row's ulps and the curvature."""
        if primitive.ulps == 0.0:
            return 0.0
        values = [v for v, _ in args]
        if self.doubles.carries(primitive, values):
            sizes = [abs(answer[0])]
            if primitive is ADD or primitive is SUB:
                sizes += [abs(high) for high, _ in values]
            return PAIR * sum(sizes) + TINY
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


class ArrayDoublesBounds(DoublesBounds):
    """Bounds over pairs of NumPy arrays."""

    def __init__(self) -> None:
        super().__init__(array_doubles())

    def matters(self, error: Any) -> bool:
        """Always: an array is rarely all zeros."""
        return not isinstance(error, float) or error != 0.0

    def settled(self, bound: Any) -> Any:
        """The bound, infinite where it is not a number."""
        import numpy as np

        return np.where(np.isnan(bound), np.inf, bound)

    def last_place(self, value: Any) -> Any:
        """One unit in the last place, elementwise."""
        import numpy as np

        return np.abs(np.spacing(np.asarray(value, dtype=float)))

    def neighbour(self, value: Any, towards: Any) -> Any:
        """The next float in the direction of a sign, elementwise."""
        import numpy as np

        return np.nextafter(value, np.where(towards == 0.0, value, np.copysign(np.inf, towards)))


class MultiprecisionBounds(BoundsAlgebra):
    """Bounds over mpmath numbers; an operation whose result is exact adds nothing, so that ties can be proven."""

    def __init__(self, digits: int):
        from diffkit.algebras.multiprecision import multiprecision

        algebra = multiprecision(digits)
        super().__init__(algebra)
        self.context = algebra.context

    def number(self, value: float) -> Bounded:
        """Give a float, which is exact."""
        return self.context.mpf(value), self.context.mpf(0)

    def represents(self, nearest: Any, value: Any) -> bool:
        """Whether the nearest number is the constant itself."""
        return bool(self.context.fmul(nearest, value.denominator, exact=True) == value.numerator)

    def unit(self, value: Any) -> Any:
        """Two units in the last place: what mpmath's functions admit."""
        if not self.context.isfinite(value):
            return self.context.inf
        return abs(value) * self.context.eps * 2

    def rounding(self, primitive: Primitive, args: Sequence[Bounded], answer: Any) -> Any:
        """Nothing for an exact result."""
        return self.context.mpf(0) if self._exact(primitive, args, answer) else self.unit(answer)

    def settled(self, bound: Any) -> Any:
        """The bound, infinite where it is not a number."""
        return self.context.inf if self.context.isnan(bound) else bound

    def _exact(self, primitive: Primitive, args: Sequence[Bounded], answer: Any) -> bool:
        context = self.context
        values = [v for v, _ in args]
        if primitive.ulps == 0.0:
            return True
        if not context.isfinite(answer) or not all(context.isfinite(v) for v in values):
            return False
        if all(v == 0 for v in values) or (answer == 0 and not any(e for _, e in args)):
            return bool(context.isint(answer))  # exp(0), cos(0), log(1): exact; mpmath does not underflow
        sizes = [context.mag(v) for v in (*values, answer) if v != 0]
        if max(sizes) - min(sizes) > EXACT_BITS:
            return False
        x, y = values[0], values[-1]
        if primitive is ADD:
            return bool(context.fadd(x, y, exact=True) == answer)
        if primitive is SUB:
            return bool(context.fsub(x, y, exact=True) == answer)
        if primitive is MUL:
            return bool(context.fmul(x, y, exact=True) == answer)
        if primitive is DIV:
            return bool(context.fmul(answer, y, exact=True) == x)
        if primitive is SQRT:
            return bool(context.fmul(answer, answer, exact=True) == x)
        if primitive is POWER and context.isint(y) and 0 < y <= 64:
            return bool(self._whole_power(x, int(y)) == answer)
        return False

    def _whole_power(self, x: Any, n: int) -> Any:
        product = x
        for _ in range(n - 1):
            product = self.context.fmul(product, x, exact=True)
        return product


BOUNDS = BoundsAlgebra(FLOATS)
DOUBLES_BOUNDS = DoublesBounds()


@cache
def array_bounds() -> ArrayDoublesBounds:
    """Give the algebra of bounds over arrays, made when first wanted."""
    return ArrayDoublesBounds()


@lru_cache(maxsize=8)
def multiprecision_bounds(digits: int) -> MultiprecisionBounds:
    """Give the algebra of that many digits."""
    return MultiprecisionBounds(digits)

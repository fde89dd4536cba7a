"""Running error bounds: a value and a bound on its rounding error, carried through a program over another algebra.

First order in the unit round-off: e(y) = Σ |∂f/∂xᵢ|·e(xᵢ) + the row's own rounding (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from diffkit.algebras.floats import FLOATS
from diffkit.primitives import Primitive, table
from diffkit.program import Algebra, Constant, Named
from diffkit.rules import partial

ADD, SUB, MUL, DIV, POWER = table["add"], table["sub"], table["mul"], table["div"], table["power"]
WHERE, SQRT = table["where"], table["sqrt"]
EXACT_BITS = 4000  # exponents may differ by this much for an operation to be checked for exactness
Bounded = tuple[Any, Any]


class BoundsAlgebra:
    """Pairs (value, bound on |value − exact|) over ``base``."""

    def __init__(self, base: Algebra):
        self.base = base

    def constant(self, value: Constant) -> Bounded:
        """Give the nearest value; exact where the constant is one."""
        nearest = self.base.constant(value)
        if isinstance(value, Named) or not self.represents(nearest, value):
            return nearest, self.unit(nearest)
        return nearest, self.base.constant(0)

    def apply(self, primitive: Primitive, args: Sequence[Bounded]) -> Bounded:
        """Give a row's value and the bound that follows from the arguments' bounds."""
        values = [v for v, _ in args]
        answer = self.base.apply(primitive, values)
        if primitive is WHERE:
            return answer, self.base.apply(WHERE, (values[0], args[1][1], args[2][1]))
        if primitive.truth or primitive.steps:
            return answer, self.base.constant(0)
        bound = self.rounding(primitive, args, answer)
        for index, (_, error) in enumerate(args):
            if primitive.partials[index] is not None and self.matters(error):
                bound = bound + abs(partial(primitive, index).at(self.base, values, answer)) * error
        return answer, self.settled(bound)

    # What depends on the base -------------------------------------------------------------------------------------

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


class ArrayBounds(BoundsAlgebra):
    """Bounds over NumPy arrays."""

    def __init__(self) -> None:
        from diffkit.algebras.arrays import ARRAYS

        super().__init__(ARRAYS)

    def unit(self, value: Any) -> Any:
        """One unit in the last place, elementwise."""
        import numpy as np

        return np.abs(np.spacing(np.asarray(value, dtype=float)))

    def matters(self, error: Any) -> bool:
        """Always: an array is rarely all zeros."""
        return isinstance(error, float) is False or error != 0.0

    def settled(self, bound: Any) -> Any:
        """The bound, infinite where it is not a number."""
        import numpy as np

        return np.where(np.isnan(bound), np.inf, bound)


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


@lru_cache(maxsize=8)
def multiprecision_bounds(digits: int) -> MultiprecisionBounds:
    """Give the algebra of that many digits."""
    return MultiprecisionBounds(digits)

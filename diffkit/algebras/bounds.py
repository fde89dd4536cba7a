"""Running error bounds: a value and a bound on its rounding error, carried through a program over another algebra.

First order in the unit round-off: e(y) = Σ |∂f/∂xᵢ|·e(xᵢ) + the row's own rounding (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diffkit.algebras.floats import FLOATS
from diffkit.primitives import Primitive, table
from diffkit.program import Algebra, Constant, Named
from diffkit.rules import partial

WHERE = table["where"]
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


BOUNDS = BoundsAlgebra(FLOATS)

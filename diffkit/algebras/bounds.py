"""The running-error algebra: a float and a bound on its rounding error, carried through a program.

First order in the unit round-off: e(y) = Σ |∂f/∂xᵢ|·e(xᵢ) + the row's own ulps (Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., section 3.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diffkit.algebras.floats import FLOATS
from diffkit.primitives import Primitive, table
from diffkit.program import Constant, Named
from diffkit.rules import partial

WHERE = table["where"]
Bounded = tuple[Any, float]


class BoundsAlgebra:
    """Pairs (value, bound on |value − exact|)."""

    def constant(self, value: Constant) -> Bounded:
        """Give the nearest float; exact where the constant is one."""
        nearest = FLOATS.constant(value)
        if not isinstance(value, Named) and math.isfinite(nearest) and nearest == value:
            return nearest, 0.0
        return nearest, math.ulp(nearest) / 2

    def apply(self, primitive: Primitive, args: Sequence[Bounded]) -> Bounded:
        """Give the float form of a row and the bound that follows from the arguments' bounds."""
        values = [v for v, _ in args]
        answer = FLOATS.apply(primitive, values)
        if primitive is WHERE:
            return answer, args[1][1] if values[0] else args[2][1]
        if primitive.truth or primitive.steps:
            return answer, 0.0
        bound = primitive.ulps * math.ulp(answer) if math.isfinite(answer) else math.inf
        for index, (_, error) in enumerate(args):
            if error and primitive.partials[index] is not None:
                slope = abs(partial(primitive, index).at(FLOATS, values, answer))
                bound += slope * error if slope == slope else math.inf
        return answer, bound


BOUNDS = BoundsAlgebra()

"""The float algebra: Python floats over ``math``, for one point without NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diffkit.core.program import Constant, Named
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive

NAMED = {"pi": math.pi, "e": math.e}


def to_float(value: Constant) -> float:
    """Give the binary64 nearest to an exact constant."""
    if isinstance(value, Named):
        return NAMED[value.name]
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


class FloatAlgebra:
    """IEEE binary64, one number at a time; never raises."""

    def constant(self, value: Constant) -> float:
        """Give the nearest float."""
        return to_float(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the float form of a row, or its definition in floats."""
        function = primitive.floats
        return by_definition(primitive, self, args) if function is None else function(*args)


FLOATS = FloatAlgebra()

__all__ = ["FLOATS", "FloatAlgebra", "to_float"]

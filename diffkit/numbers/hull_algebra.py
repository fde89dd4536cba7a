"""Boxes, and rows of the table over them: balls that hold all values, where balls leave a choice open both branches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import flint
from flint import arb

from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive
from diffkit.numbers.balls import BallAlgebra, ball_function

Box = tuple[tuple[float, float], ...]
"""closed intervals, one per variable"""


def ball(low: float, high: float) -> Any:
    """A ball that holds an interval."""
    middle = low / 2 + high / 2
    radius = max(high - middle, middle - low)
    return arb(middle, math.nextafter(radius, math.inf)) if radius else arb(middle)


def middle(box: Box) -> list[float]:
    """A point in the middle of a box."""
    return [low / 2 + high / 2 for low, high in box]


def interval(enclosure: Any) -> tuple[float, float]:
    """Floats between which a ball lies."""
    if not enclosure.is_finite():
        return -math.inf, math.inf
    return below(enclosure), -below(-enclosure)


def below(enclosure: Any) -> float:
    """A float that no number in a ball is below."""
    low = enclosure.lower()
    found = float(low)
    return found if arb(found) <= low else math.nextafter(found, -math.inf)


class HullAlgebra(BallAlgebra):
    """Balls over boxes: where balls leave a choice open, the answer holds both branches."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a ball that holds the row's values at the arguments."""
        return hull_function(primitive)(*args)


HULLS = HullAlgebra()


@cache
def hull_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of balls over boxes."""
    if primitive.hull is not None:
        return partial(primitive.hull, flint)
    if primitive.ball is None and primitive.definition is not None:
        return lambda *args: by_definition(primitive, HULLS, args)
    return ball_function(primitive)

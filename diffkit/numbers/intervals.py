"""Boxes of balls that hold all values of a row, and arithmetic of intervals whose ends are floats or infinite."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import flint
from flint import arb

from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive
from diffkit.core.table.primitive import WHOLE, Ends
from diffkit.numbers.balls import BallAlgebra, ball_function, exact_fraction
from diffkit.numbers.doubles import two_product, two_sum

Box = tuple[tuple[float, float], ...]
"""closed intervals, one per variable"""
EXACT = 2.0**-450  # between this and its reciprocal the rounding of a product is a float, and can be computed
LEAST_ENTROPY = 0.36787944117144233  # the float below 1/e


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
    at = ball_function(primitive)
    if primitive.ball is None and primitive.monotone:
        return lambda x: at(x.lower()).union(at(x.upper()))
    if primitive.removable is not None and primitive.bounded:
        return lambda x: found if (found := at(x)).is_finite() else ball(*primitive.range)
    if primitive.ball is None and primitive.definition is not None and primitive.removable is None:
        return lambda *args: by_definition(primitive, HULLS, args)
    return at


Interval = Ends


def entropy(x: Interval) -> Interval:
    """x·log(x) for x > 0: it falls from 0 to −1/e at x = 1/e, and rises from there."""
    low, high = max(x[0], 0.0), x[1]
    if high <= 0:
        return WHOLE
    least = interval(-(arb(-1).exp()))[0]
    if high < LEAST_ENTROPY:
        least = _entropy_at(high)[0]
    elif low > up(LEAST_ENTROPY):
        least = _entropy_at(low)[0]
    return least, max(_entropy_at(low)[1], _entropy_at(high)[1])


def _entropy_at(x: float) -> Interval:
    if not x or math.isinf(x):
        return x, x
    return interval(arb(x) * arb(x).log())


def apply(row: Primitive, args: Sequence[Any]) -> Any:
    """An interval that holds the row's values, or for a condition true, false or None."""
    if row.name in RULES:
        return RULES[row.name](*args)
    if row.truth or any(a is None or isinstance(a, bool) for a in args):
        return _by_balls(row, args)
    if row.monotone:
        low, high = _monotone(row, args[0])
    elif all(math.isfinite(end) for a in args for end in a):
        low, high = _by_balls(row, args)
    else:
        low, high = WHOLE
    return max(low, row.range[0]), min(high, row.range[1])


def _monotone(row: Primitive, x: Interval) -> Interval:
    """The values of a rising or falling row, by the ends of the part of its domain."""
    first, last = row.domain
    low, high = _at_end(row, min(max(x[0], first), last)), _at_end(row, max(min(x[1], last), first))
    return (low[0], high[1]) if row.monotone > 0 else (high[0], low[1])


def _by_balls(row: Primitive, args: Sequence[Any]) -> Any:
    wide = [a if a is None or isinstance(a, bool) else _wide(a) for a in args]
    found = hull_function(row)(*wide)
    return found if found is None or isinstance(found, bool) else interval(found)


def _wide(value: Interval) -> Any:
    low, high = value
    return ball(low, high) if math.isfinite(low) and math.isfinite(high) else arb(0, math.inf)


def _at_end(row: Primitive, end: float) -> Interval:
    """Bounds of a rising function at one end, or of its limit there."""
    if math.isfinite(end):
        found = hull_function(row)(arb(end))
        if found.is_finite():
            return interval(found)
    value = row.floats(end) if row.floats is not None else math.nan
    if math.isnan(value):
        return WHOLE
    if not end and not value:
        return 0.0, 0.0  # such rows are 0 at 0 exactly or not at all
    return (value, value) if math.isinf(value) else (down(value), up(value))


def down(x: float) -> float:
    """The float below."""
    return math.nextafter(x, -math.inf)


def up(x: float) -> float:
    """The float above."""
    return math.nextafter(x, math.inf)


def _product(a: float, b: float) -> Interval:
    """Bounds of a product of ends, where an infinite end times 0 is 0: no number in between is infinite."""
    if not (a and b):
        return 0.0, 0.0
    product = a * b
    sizes = abs(a), abs(b), abs(product)
    exact = min(sizes) > EXACT and max(sizes) < 1 / EXACT and two_product(a, b)[1] == 0
    if exact or math.inf in sizes[:2]:
        return product, product
    return down(product), up(product)


def _total(a: float, b: float, outward: Callable[[float], float]) -> float:
    """A sum of ends, moved outward where it was rounded."""
    if math.isinf(a) or math.isinf(b):
        return a + b
    total = a + b
    return total if math.isfinite(total) and two_sum(a, b)[1] == 0 else outward(total)


def add(x: Interval, y: Interval) -> Interval:
    """x + y."""
    return _total(x[0], y[0], down), _total(x[1], y[1], up)


def sub(x: Interval, y: Interval) -> Interval:
    """x − y."""
    return _total(x[0], -y[1], down), _total(x[1], -y[0], up)


def mul(x: Interval, y: Interval) -> Interval:
    """x·y; 0 and signs are kept."""
    ends = [_product(a, b) for a in x for b in y]
    low, high = min(end for end, _ in ends), max(end for _, end in ends)
    positive = (x[0] >= 0 and y[0] >= 0) or (x[1] <= 0 and y[1] <= 0)
    negative = (x[0] >= 0 and y[1] <= 0) or (x[1] <= 0 and y[0] >= 0)
    return max(low, 0.0) if positive else low, min(high, 0.0) if negative else high


def reciprocal(y: Interval) -> Interval:
    """1/y, where 0 may be an end."""
    low, high = y
    if low < 0 < high:
        return WHOLE
    if low >= 0:
        return max(down(1 / high), 0.0) if high else math.inf, up(1 / low) if low else math.inf
    found = reciprocal((-high, -low))
    return -found[1], -found[0]


def div(x: Interval, y: Interval) -> Interval:
    """x/y."""
    return mul(x, reciprocal(y))


def neg(x: Interval) -> Interval:
    """−x."""
    return -x[1], -x[0]


def absolute(x: Interval) -> Interval:
    """|x|."""
    return max(x[0], -x[1], 0.0), max(-x[0], x[1])


def power(x: Interval, y: Interval) -> Interval:
    """x**y for a constant y; anything else is left open."""
    if y[0] != y[1]:
        return _of_positive(x, y)
    exponent = exact_fraction(arb(y[0]))
    assert exponent is not None
    if exponent < 0:
        return reciprocal(power(x, (-y[0], -y[0])))
    if exponent.denominator != 1:
        return _of_positive(x, y)
    if exponent % 2:
        return _raised(x[0], y[0])[0], _raised(x[1], y[0])[1]
    x = absolute(x)
    return max(_raised(x[0], y[0])[0], 0.0), _raised(x[1], y[0])[1]


def _raised(end: float, exponent: float) -> Interval:
    if math.isfinite(end):
        return interval(arb(end) ** arb(exponent))
    return (math.inf, math.inf) if end > 0 or exponent % 2 == 0 else (-math.inf, -math.inf)


def _of_positive(x: Interval, y: Interval) -> Interval:
    """x**y for x > 0, by the corners: it rises or falls in each argument."""
    if x[1] <= 0 or not all(map(math.isfinite, y)) or y[0] <= 0 <= y[1]:
        return WHOLE
    corners = [_corner(end, exponent) for end in (max(x[0], 0.0), x[1]) for exponent in y]
    return max(min(low for low, _ in corners), 0.0), max(high for _, high in corners)


def _corner(end: float, exponent: float) -> Interval:
    if end and math.isfinite(end):
        return interval(arb(end) ** arb(exponent))
    grows = (end > 0) == (exponent > 0)
    return (math.inf, math.inf) if grows else (0.0, 0.0)


def _where(condition: bool | None, x: Interval, y: Interval) -> Interval:
    return (min(x[0], y[0]), max(x[1], y[1])) if condition is None else x if condition else y


def _compare(holds: Callable[..., bool], fails: Callable[..., bool]) -> Callable[..., bool | None]:
    def rule(x: Interval, y: Interval) -> bool | None:
        return True if holds(x, y) else False if fails(x, y) else None

    return rule


RULES: dict[str, Callable[..., Any]] = {
    "add": add, "sub": sub, "mul": mul, "div": div, "neg": neg, "abs": absolute, "power": power, "where": _where,
    "max": lambda x, y: (max(x[0], y[0]), max(x[1], y[1])),
    "min": lambda x, y: (min(x[0], y[0]), min(x[1], y[1])),
    "lt": _compare(lambda x, y: x[1] < y[0], lambda x, y: x[0] >= y[1]),
    "le": _compare(lambda x, y: x[1] <= y[0], lambda x, y: x[0] > y[1]),
    "gt": _compare(lambda x, y: x[0] > y[1], lambda x, y: x[1] <= y[0]),
    "ge": _compare(lambda x, y: x[0] >= y[1], lambda x, y: x[1] < y[0]),
}  # fmt: skip
"""Rows that infinite ends need rules of their own for."""

"""Hulls: balls, and intervals with exact or infinite ends, that hold all values of a row over a box.

What is bounded is a ball, which is fast. Where a domain is cut at its edge, or values grow without bound, it is an
interval: its ends are exact, so that 0 and signs are kept, and each operation rounds them outward by a ball (IEEE
1788-2015, set-based intervals).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import flint
from flint import arb

from diffkit.core.program import Constant
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive
from diffkit.core.table.primitive import WHOLE_LINE, Ends
from diffkit.numbers.balls import OPERATORS, BallAlgebra, ball_function

Box = tuple[Ends, ...]
"""closed intervals, one per variable"""
ZERO, ONE, _INFINITE = arb(0), arb(1), arb(math.inf)


def ball(low: float, high: float) -> Any:
    """A ball that holds an interval."""
    middle = low / 2 + high / 2
    radius = max(high - middle, middle - low)
    return arb(middle, math.nextafter(radius, math.inf)) if radius else arb(middle)


def middle(box: Box) -> list[float]:
    """A point in the middle of a box."""
    return [low / 2 + high / 2 for low, high in box]


def ends(hull: Any) -> Ends:
    """Floats between which a ball or an interval lies."""
    low, high = hull.lower(), hull.upper()
    return WHOLE_LINE if low.is_nan() else (below(low), -below(-high))


def below(hull: Any) -> float:
    """A float that no number in a ball or an interval is below."""
    low = hull.lower()
    found = float(low)
    return found if arb(found) <= low else math.nextafter(found, -math.inf)


class Interval:
    """The numbers from ``low`` to ``high``, which are exact balls and may be infinite; with the methods of a ball."""

    __slots__ = ("high", "low")

    def __init__(self, low: Any, high: Any):
        self.low, self.high = low, high

    @classmethod
    def around(cls, parts: Iterable[Any]) -> Interval:
        """The least interval that holds balls and intervals; the whole line where one is not known."""
        lows, highs = zip(*((part.lower(), part.upper()) for part in parts), strict=True)
        return EVERYWHERE if any(low.is_nan() for low in lows) else cls(min(lows), max(highs))

    def __repr__(self) -> str:
        return f"[{self.low}, {self.high}]"

    def lower(self) -> Any:
        """The lower end."""
        return self.low

    def upper(self) -> Any:
        """The upper end."""
        return self.high

    def abs_lower(self) -> Any:
        """The least size."""
        return max(self.low, -self.high, ZERO)

    def abs_upper(self) -> Any:
        """The largest size."""
        return max(-self.low, self.high)

    def is_exact(self) -> bool:
        """Whether it is one number."""
        return bool(self.low == self.high)

    def is_finite(self) -> bool:
        """Whether both ends are."""
        return bool(self.low.is_finite() and self.high.is_finite())

    def unique_fmpz(self) -> Any:
        """The integer that it holds, if that is one."""
        return self.low.unique_fmpz() if self.is_exact() else None

    def contains(self, number: Any) -> bool:
        """Whether a number lies in it."""
        return bool(self.low <= number <= self.high)

    def union(self, other: Any) -> Any:
        """The least interval that holds both."""
        if self is NOWHERE or other is NOWHERE:
            return other if self is NOWHERE else self
        return Interval(min(self.low, other.lower()), max(self.high, other.upper()))

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __add__(self, other: Any) -> Interval:
        return _outward(self.low + other.lower(), self.high + other.upper())

    __radd__ = __add__

    def __sub__(self, other: Any) -> Interval:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Interval:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Interval:
        products = [_times(a, b) for a in (self.low, self.high) for b in (other.lower(), other.upper())]
        return _outward(min(p.lower() for p in products), max(p.upper() for p in products))

    __rmul__ = __mul__

    def reciprocal(self) -> Interval:
        """1/x, where 0 may be an end."""
        if self.low < 0:
            return EVERYWHERE if self.high > 0 else -(-self).reciprocal()
        return _outward(*(_INFINITE if end.is_zero() else ONE / end for end in (self.high, self.low)))

    def __truediv__(self, other: Any) -> Interval:
        return self.__mul__(_interval(other).reciprocal())

    def __rtruediv__(self, other: Any) -> Interval:
        return self.reciprocal().__mul__(other)

    def __pow__(self, other: Any) -> Interval:
        """The part of x**y with x ≥ 0, by its corners: it rises or falls in each argument."""
        other = _interval(other)
        if not other.is_finite() or (self.low < 0 and other.low.ceil() <= other.high):  # (−8)**2 has a value
            return EVERYWHERE
        if self.high < 0:
            return NOWHERE
        corners = [_power(a, b) for a in (max(self.low, ZERO), self.high) for b in (other.low, other.high)]
        return Interval.around(corners)

    def __rpow__(self, other: Any) -> Interval:
        return _interval(other).__pow__(self)

    def __lt__(self, other: Any) -> bool:
        return bool(self.high < (other.low if isinstance(other, Interval) else other))

    def __le__(self, other: Any) -> bool:
        return bool(self.high <= (other.low if isinstance(other, Interval) else other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.low > (other.high if isinstance(other, Interval) else other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.low >= (other.high if isinstance(other, Interval) else other))

    def __eq__(self, other: Any) -> bool:
        return bool(self <= other and self >= other)

    def __ne__(self, other: Any) -> bool:
        return bool(self < other or self > other)

    __hash__ = None  # type: ignore[assignment]  # equal are only numbers that are certain


EVERYWHERE = Interval(-_INFINITE, _INFINITE)
NOWHERE = Interval(_INFINITE, -_INFINITE)
"""no number: outside the domain"""


def _outward(low: Any, high: Any) -> Interval:
    """An interval whose ends are rounded; ∞ − ∞ may be anything."""
    low, high = low.lower(), high.upper()
    return EVERYWHERE if low.is_nan() or high.is_nan() else Interval(low, high)


def _times(a: Any, b: Any) -> Any:
    """A product of ends: an infinite one times 0 is 0, since no number in between is infinite."""
    return ZERO if a.is_zero() or b.is_zero() else a * b


def _power(base: Any, exponent: Any) -> Any:
    if base.is_finite() and not base.is_zero():
        return base**exponent
    return _INFINITE if (base > 0) == (exponent > 0) else ZERO


def _interval(hull: Any) -> Interval:
    return hull if isinstance(hull, Interval) else Interval.around([hull])


def _ball(hull: Any) -> Any:
    return hull.low if hull.is_exact() else hull.low.union(hull.high)


def entropy(x: Interval) -> Interval:
    """x·log(x) for x > 0: it falls from 0 to −1/e at x = 1/e, and rises from there."""
    low, turn = max(x.low, ZERO), (-ONE).exp()
    if x.high <= 0:
        return NOWHERE
    values = [end * end.log() if end > 0 and end.is_finite() else end for end in (low, x.high)]
    return Interval.around(values if low > turn or x.high < turn else [*values, -turn])


class _HullAlgebra(BallAlgebra):
    """Balls and intervals over boxes: where a choice is open the answer holds both branches, None is an open truth."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a hull of the row's values at the arguments, as far as they lie in its domain."""
        if any(type(arg) is Interval for arg in args):
            return _over_intervals(primitive, args)
        return hull_function(primitive)(*args)


class _IntervalAlgebra(_HullAlgebra):
    """The same with constants as intervals, for boxes that are intervals from the start."""

    def constant(self, value: Constant) -> Any:
        """Give an interval that holds an exact constant."""
        return _interval(super().constant(value))


HULLS, INTERVALS = _HullAlgebra(), _IntervalAlgebra()


@cache
def hull_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of balls over boxes."""
    form, at = primitive.hull, ball_function(primitive)
    if form is not None:
        return lambda *args: _joined(*form(flint, *args))
    if primitive.ball is None and primitive.monotone:
        return lambda x: at(x.lower()).union(at(x.upper()))
    if primitive.removable is not None and primitive.bounded:
        return lambda x: found if (found := at(x)).is_finite() else ball(*primitive.range)
    if _is_composed(primitive):
        return lambda *args: by_definition(primitive, HULLS, args)
    return at


def _is_composed(row: Primitive) -> bool:
    """Whether a row over boxes is what its definition is."""
    return row.ball is None and row.definition is not None and row.removable is None


def _joined(first: Any, *others: Any) -> Any:
    for other in others:
        first = first.union(other)
    return first


def _over_intervals(row: Primitive, args: Sequence[Any]) -> Any:
    args = [arg if arg is None or isinstance(arg, bool) else _interval(arg) for arg in args]
    if row.truths:  # a choice, or a condition of conditions
        return ball_function(row)(*args)
    if any(arg is NOWHERE for arg in args):
        return None if row.truth else NOWHERE
    if row.truth or row.name in OPERATORS:
        return ball_function(row)(*args)
    if row.monotone:
        found = _monotone(row, args)
    elif row.hull is not None:
        found = Interval.around(row.hull(flint, *args))
    elif _is_composed(row):
        found = by_definition(row, HULLS, args)
    else:
        finite = all(arg.is_finite() for arg in args)
        found = _interval(hull_function(row)(*map(_ball, args))) if finite else EVERYWHERE
    if found is NOWHERE or row.range == WHOLE_LINE:
        return found
    least, most = map(arb, row.range)
    return Interval(max(found.low, least), min(found.high, most))


def _monotone(row: Primitive, args: Sequence[Interval]) -> Interval:
    """The values of a row that rises, or falls, in each argument, by the ends of the part of its domain."""
    first, last = map(arb, row.domain)
    if any(x.high < first or x.low > last for x in args):
        return NOWHERE
    low, high = _at_ends(row, [max(x.low, first) for x in args]), _at_ends(row, [min(x.high, last) for x in args])
    return _outward(low, high) if row.monotone > 0 else _outward(high, low)


def _at_ends(row: Primitive, at: Sequence[Any]) -> Any:
    """A ball that holds a monotone row's value at ends, or its limit there."""
    found = hull_function(row)(*at)
    if found.is_finite():
        return found
    value = row.floats(*map(float, at)) if row.floats is not None else math.nan
    if math.isinf(value) and not any(end.is_finite() and end not in map(arb, row.domain) for end in at):
        return arb(value)
    if not math.isfinite(value):
        return arb(math.nan)
    return arb(math.nextafter(value, -math.inf)).union(arb(math.nextafter(value, math.inf)))

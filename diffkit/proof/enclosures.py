"""Enclosures: what is proven of each component of a derivative, and the one binary64 or decimal that it rounds to."""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Inexact
from typing import Any, NamedTuple

from flint import arb

HALF_LEAST = arb(2) ** -1075  # what is smaller rounds to 0
SPARE = 20  # decimal digits of a ball beyond those that it is rounded to


class Enclosure(NamedTuple):
    """What is proven of one component.

    The ball, the one binary64 that every number in it rounds to (if any), and an upper bound of |value − truth|.
    """

    ball: Any
    value: float | None = None
    error: float = math.inf

    @property
    def is_zero(self) -> bool:
        """Whether the component is proven to be zero, rather than to round to 0.0."""
        return bool(self.ball.is_zero())


class Regular(NamedTuple):
    """What is proven of each component at a point as an ordinary derivative, with ``bits`` of precision at most.

    ``holding`` says whether the guards that concern a component hold, ``confirmed`` whether Arb's series agree with
    its enclosure: yes, no, or (None) nothing definite.
    """

    enclosures: tuple[Enclosure, ...]
    holding: tuple[bool | None, ...]
    confirmed: tuple[bool | None, ...]
    bits: int
    stopped: str = ""
    """why no more is known, where the time was up"""

    @property
    def inside(self) -> bool:
        """Whether the guards of all components are proven."""
        return all(self.holding)

    @property
    def agreed(self) -> bool | None:
        """What Arb's series say of all components together; no if they contradict one."""
        return False if False in self.confirmed else None if None in self.confirmed else True


def rounded_to(ball: Any, value: float) -> Enclosure:
    """Give a ball all of whose numbers round to a value, with the bound of the distance, in the precision held."""
    if math.isinf(value):
        return Enclosure(ball, value)
    distance = (ball - value).abs_upper()
    return Enclosure(ball, value, 0.0 if distance.is_zero() else math.nextafter(float(distance), math.inf))


def enclose(ball: Any) -> Enclosure:
    """Round every number in a ball; one that may be zero, and may be another number, is not rounded."""
    middle = float(ball)
    half = abs(middle - math.nextafter(middle, 0.0)) / 2  # its neighbour on the other side is never nearer
    if -half < ball - middle < half:
        return rounded_to(ball, middle)
    if ball.is_zero():
        return Enclosure(ball, 0.0, 0.0)
    low = float(ball.lower())
    if low != float(ball.upper()) or not ball.is_finite() or ball.contains(0):
        return Enclosure(ball)
    return rounded_to(ball, low + 0.0)  # a −0.0 becomes 0.0


NO_ENCLOSURE = Enclosure(arb("nan"))


def decimal_text(ball: Any, digits: int) -> str:
    """The decimal that both ends of a ball round to, half to even; empty if they round apart."""
    if not ball.is_finite():
        return ""
    middle, radius, exponent = (int(n) for n in ball.mid_rad_10exp(digits + SPARE))
    if abs(exponent) > MAX_EMAX // 2:  # no Decimal is that small
        return ""
    context = Context(digits, ROUND_HALF_EVEN, MIN_EMIN, MAX_EMAX, 1, 0, [], [])
    low, high = (context.create_decimal(end) for end in (middle - radius, middle + radius))
    if low != high:
        return ""
    if radius == 0 and not context.flags[Inexact]:  # 6, not 6.0000
        low = low.normalize(context)
    found = low.scaleb(exponent, context)
    return format(found, "f") if found == 0 or -7 < found.adjusted() < digits else format(found, "e")

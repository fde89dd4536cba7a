"""Decimals of bounds: rounded so that what they bound stays on the same side of what is printed."""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal

EXACT = Context(prec=2000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def above(value: float, digits: int) -> str:
    """The least decimal of so many significant digits that is no smaller than a number, as text."""
    return _shown(value, Context(digits, ROUND_CEILING, MIN_EMIN, MAX_EMAX, traps=[]))


def below(value: float, digits: int) -> str:
    """The greatest decimal of so many significant digits that is no larger than a number, as text."""
    return _shown(value, Context(digits, ROUND_FLOOR, MIN_EMIN, MAX_EMAX, traps=[]))


def _shown(value: float, context: Context) -> str:
    if not math.isfinite(value):
        return f"{value:g}"
    number = EXACT.normalize(context.plus(Decimal.from_float(value)))
    exponent = number.adjusted()
    return format(number, "f") if not number or -5 < exponent < context.prec else format(number, "e")


def apart(value: float, text: str) -> float:
    """How far a number is from the decimal that stands for it, at most."""
    gap = abs(EXACT.subtract(Decimal.from_float(value), EXACT.create_decimal(text)))
    return math.nextafter(float(gap), math.inf) if gap else 0.0

"""Decimals of bounds: rounded so that what they bound stays on the same side of what is printed."""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal

EXACT_CONTEXT = Context(prec=2000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def above(value: float, digits: int) -> str:
    """The least decimal of so many significant digits that is no smaller than a number, as text."""
    return _shown(value, Context(digits, ROUND_CEILING, MIN_EMIN, MAX_EMAX, traps=[]))


def below(value: float, digits: int) -> str:
    """The greatest decimal of so many significant digits that is no larger than a number, as text."""
    return _shown(value, Context(digits, ROUND_FLOOR, MIN_EMIN, MAX_EMAX, traps=[]))


def tenths(digits: float) -> str:
    """A number of correct digits with one decimal, rounded down: no more than there are."""
    return f"{math.floor(10 * digits) / 10:.1f}"


def stepped(value: float, exponent: int, up: bool) -> str:
    """The multiple of a power of ten next to a number on one side of it, as text."""
    context = Context(2000, ROUND_CEILING if up else ROUND_FLOOR, MIN_EMIN, MAX_EMAX, traps=[])
    return _text(context.quantize(Decimal.from_float(value), Decimal(1).scaleb(exponent, context)), 16)


def _shown(value: float, context: Context) -> str:
    return _text(context.plus(Decimal.from_float(value)), context.prec) if math.isfinite(value) else f"{value:g}"


def _text(number: Decimal, most: int) -> str:
    """A decimal as Python writes floats: 0.0012, 1.2e-05."""
    number = EXACT_CONTEXT.normalize(number)
    exponent = number.adjusted()
    if not number:
        return "0"
    if -5 < exponent < most:
        return format(number, "f")
    return f"{format(EXACT_CONTEXT.scaleb(number, -exponent), 'f')}e{exponent:+03d}"


def apart(value: float, text: str) -> float:
    """How far a number is from the decimal that stands for it, at most."""
    gap = abs(EXACT_CONTEXT.subtract(Decimal.from_float(value), EXACT_CONTEXT.create_decimal(text)))
    return math.nextafter(float(gap), math.inf) if gap else 0.0

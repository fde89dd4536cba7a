"""Zeros and ties, which no precision separates: a derivative that is 0, or halfway between two binary64 numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from diffkit.core.builder import select
from diffkit.core.program import Program, run
from diffkit.numbers.balls import rational
from diffkit.numbers.field import vanishes
from diffkit.numbers.floats import to_float
from diffkit.numbers.rationals import rationals


def settled(program: Program, balls: Mapping[int, Any], point: Sequence[float]) -> dict[int, tuple[Any, float]]:
    """Outputs, of those enclosed by balls, that exact arithmetic gives: a ball about each, and what it rounds to."""
    if not balls:
        return {}
    found = {}
    exact = run(program, rationals(), [Fraction(x) for x in point])
    for output, ball in balls.items():
        value = exact[output]
        if value is None:
            candidate = _candidate(ball)
            if candidate is not None and _equals(program, output, candidate, point):
                value = candidate
        if value is not None:
            found[output] = arb(rational(value)), to_float(value)
    return found


def _candidate(ball: Any) -> Fraction | None:
    """The number in a ball that the rounding hangs on: 0, or the middle between two neighbouring binary64."""
    if not ball.is_finite():
        return None
    if ball.contains(0):
        return Fraction(0)
    low, high = float(ball.lower()), float(ball.upper())
    if math.nextafter(low, math.inf) != high or math.isinf(high):
        return None
    return (Fraction(low) + Fraction(high)) / 2


def _equals(program: Program, output: int, value: Fraction, point: Sequence[float]) -> bool:
    """Whether exact algebra proves an output to be a number."""
    return vanishes(select(program, [program.outputs[output]]), point, value)

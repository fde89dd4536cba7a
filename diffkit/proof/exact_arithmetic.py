"""Exact arithmetic where no precision decides: derivatives that are 0 or a tie, and identities of rational programs.

Balls can tell a derivative that is 0 from the least binary64 only at a thousand bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import arb, fmpq, fmpq_series

from diffkit.core.builder import select
from diffkit.core.program import Named, Program, run
from diffkit.core.table import Primitive, table
from diffkit.numbers.balls import OPERATORS, exact_fraction, rational
from diffkit.numbers.field import vanishes
from diffkit.numbers.floats import to_float
from diffkit.numbers.rationals import rationals
from diffkit.proof.confirmation import Check

POWER = table["power"]
WORD = 64  # bits of a number of height 1
HIGHEST = 1000  # words that a numerator may have


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


def height(program: Program) -> float:
    """A bound on the size of the rational numbers in a program, in words; infinite where it is not rational."""
    heights: list[float] = [1.0] * len(program.inputs)
    for constant in program.constants:
        if isinstance(constant, Named):
            return math.inf
        heights.append(1.0 + (constant.numerator * constant.denominator).bit_length() // WORD)
    for _, row, args in program.numbered():
        exponent = program.constant_at(args[1]) if row is POWER else None
        if isinstance(exponent, int):
            heights.append(heights[args[0]] * max(abs(exponent), 1))
        elif row.name in OPERATORS:  # denominators are multiplied in sums too
            heights.append(sum(heights[a] for a in args))
        else:
            return math.inf
    return max(heights)


def exact_function(row: Primitive) -> Callable[..., Any]:
    """Give a row as a function of rational numbers, or of power series of them; it may raise ZeroDivisionError."""
    return FORMS[row.name]


def _ratio(x: Any, y: Any) -> Any:
    if isinstance(y, fmpq_series) and y[0] == 0:  # x/x would lose its last coefficient, which reads as 0
        raise ZeroDivisionError
    return x / y


def _whole_power(x: Any, n: Any) -> Any:
    exponent = int(n[0] if isinstance(n, fmpq_series) else n)
    return x**exponent if exponent >= 0 else _ratio(x**0, x**-exponent)


FORMS = {**OPERATORS, "div": _ratio, "power": _whole_power}


class Numbers:
    """Rational numbers, or with ``series`` power series of them, as flint's."""

    def __init__(self, *, series: bool):
        self.series = series

    def constant(self, value: Any) -> Any:
        """Give an exact constant."""
        return fmpq_series([rational(value)]) if self.series else rational(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a row's value."""
        return exact_function(primitive)(*args)


RATIONALS, RATIONAL_SERIES = Numbers(series=False), Numbers(series=True)


def exact(x: float) -> Any:
    """Give a binary64 as a rational number."""
    return fmpq(*x.as_integer_ratio())


def holds(check: Check, series: dict[Any, list[Any]], found: Sequence[Any]) -> bool:
    """Whether an identity holds among rational numbers: those of the series, and the derivatives that were found."""
    left = right = fmpq(0)
    for weight, direction in check.left:
        coefficient = series[direction][check.output][check.order]
        left += coefficient if weight is None else coefficient * _rational(weight)
    for factor, component in check.right:
        right += found[component] * _rational(factor)
    return bool(left == right)


def _rational(ball: Any) -> Any:
    whole = ball.unique_fmpz()
    if whole is not None:
        return whole
    value = exact_fraction(ball)
    assert value is not None
    return rational(value)

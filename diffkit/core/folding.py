"""Exact arithmetic on constants, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.limits import UNLIMITED, Limits
from diffkit.core.program import OPAQUE, Constant
from diffkit.core.table import POWER, Primitive

_SMALL_INTEGER = 2**62


def exact(value: int | Fraction) -> int | Fraction:
    """Give an integer wherever the fraction is one."""
    return value.numerator if value.denominator == 1 else value


def folded(primitive: Primitive, values: Sequence[Constant | None], limits: Limits) -> int | Fraction | None:
    """The rational number that a row makes of constants; None if it is none, or too large for code of our own."""
    numbers: list[Any] = []
    small = primitive.fold is not POWER.fold
    for value in values:
        if value is None or isinstance(value, OPAQUE):
            return None
        small = small and type(value) is int and -_SMALL_INTEGER < value < _SMALL_INTEGER
        numbers.append(value)
    if not small and _too_large(primitive, numbers, limits):
        if limits is UNLIMITED:  # our own derivative code: leave it as an operation
            return None
        raise limits.exceeded("constant_bits", "a constant is too large to be computed exactly")
    assert primitive.fold is not None
    found: int | Fraction | None = primitive.fold(*numbers)
    return found


def _too_large(primitive: Primitive, values: Sequence[int | Fraction], limits: Limits) -> bool:
    """Whether a constant would be larger than the limit, known before it is computed."""
    sizes = [max(v.numerator.bit_length(), v.denominator.bit_length()) for v in values]
    bits = sum(sizes)
    if primitive.fold is POWER.fold:
        base, exponent = values
        if exponent.denominator != 1 or abs(base) == 1 or base == 0:
            return False
        bits = sizes[0] * abs(exponent.numerator) if sizes[0] > 1 else 0
    return bits > limits.constant_bits

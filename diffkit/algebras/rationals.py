"""Exact rational numbers: what decides ties and zeros that no working precision separates."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from diffkit.primitives import Primitive
from diffkit.program import Constant, Named

BITS = 100_000  # size of a fraction beyond which exact arithmetic is given up


class Inexact(ArithmeticError):
    """A value is not rational, or not known to be."""


class RationalAlgebra:
    """Fractions; Inexact for whatever does not stay rational."""

    def constant(self, value: Constant) -> Fraction:
        """Give a rational constant."""
        if isinstance(value, Named):
            raise Inexact(value.name)
        return Fraction(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give an exact value: by the row's folding, a comparison, a choice, or a root that is rational."""
        if primitive.truth or primitive.name == "where":
            assert primitive.floats is not None
            return primitive.floats(*args)
        if primitive.fold is None or any(v is None for v in args):
            raise Inexact(primitive.name)
        if primitive.name == "power" and abs(args[1]) * args[0].numerator.bit_length() > BITS:
            raise Inexact("too large")
        value = primitive.fold(*args)
        if value is None:
            raise Inexact(primitive.name)
        value = Fraction(value)
        if value.numerator.bit_length() + value.denominator.bit_length() > BITS:
            raise Inexact("too large")
        return value


@cache
def rationals() -> RationalAlgebra:
    """Give the algebra."""
    return RationalAlgebra()

"""The algebras of single numbers: Python floats over ``math``, and exact fractions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any

from diffkit.core.program import Constant, Named, Program
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive

LARGEST_FLOAT = 1.7976931348623157e308
SMALLEST_FLOAT = 5e-324  # the distance of 0.0 from its neighbours
HALF_ULP = 2.0**-53  # what rounding changes a number by, in proportion, at most
EPSILON = 2.0**-52  # from 1 to the next float
_NAMED_FLOATS = {"pi": math.pi, "e": math.e}


def to_float(value: Constant) -> float:
    """Give the binary64 nearest to an exact constant."""
    if isinstance(value, Named):
        return _NAMED_FLOATS[value.name]
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


class FloatAlgebra:
    """IEEE binary64, one number at a time; never raises."""

    def constant(self, value: Constant) -> float:
        """Give the nearest float."""
        return to_float(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the float form of a row, or its definition in floats."""
        function = primitive.floats
        return by_definition(primitive, self, args) if function is None else function(*args)


FLOATS = FloatAlgebra()


def first_outputs(program: Program, points: Iterable[Sequence[float]]) -> list[float]:
    """Give the first output of a Program at one point after another, its constants and functions looked up once."""
    steps = [(row.floats or partial(_defined, row), args) for row, args in program.instructions]
    constants, output, found = [to_float(value) for value in program.constants], program.outputs[0], []
    for point in points:
        values = [*point, *constants]
        for function, args in steps:
            values.append(function(*[values[slot] for slot in args]))
        found.append(float(values[output]))
    return found


def _defined(row: Primitive, *args: Any) -> Any:
    return by_definition(row, FLOATS, args)


_LARGEST_FRACTION = 100_000  # size of a fraction beyond which exact arithmetic is given up


class _RationalAlgebra:
    """Fractions and truths; None for whatever is not rational, or not known to be."""

    def constant(self, value: Constant) -> Fraction | None:
        """Give a rational constant."""
        return None if isinstance(value, Named) else Fraction(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give an exact value: by the row's folding, a comparison, a choice, or a root that is rational."""
        if primitive.name == "where":
            return None if args[0] is None else args[1] if args[0] else args[2]
        if None in args:
            return None
        if primitive.truth:
            assert primitive.floats is not None
            return primitive.floats(*args)
        if primitive.fold is None:
            return None
        if primitive.name == "power" and abs(args[1]) * args[0].numerator.bit_length() > _LARGEST_FRACTION:
            return None
        value = primitive.fold(*args)
        if value is None:
            return None
        value = Fraction(value)
        return None if value.numerator.bit_length() + value.denominator.bit_length() > _LARGEST_FRACTION else value


@cache
def rationals() -> _RationalAlgebra:
    """Give the algebra."""
    return _RationalAlgebra()


def exact_inverse(matrix: Sequence[Fraction], n: int) -> list[Fraction] | None:
    """Give the inverse of an n × n matrix, both flat; None if it has none."""
    from flint import fmpq, fmpq_mat

    try:
        found = fmpq_mat(n, n, [fmpq(v.numerator, v.denominator) for v in matrix]).inv()
    except ZeroDivisionError:
        return None
    return [Fraction(int(v.p), int(v.q)) for v in found.entries()]

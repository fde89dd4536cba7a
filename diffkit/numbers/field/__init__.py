"""Exact algebra on numbers: rational functions of kernels, reduced by the identities that the kernels obey.

A kernel is a transcendental or algebraic number such as sin(1), exp(1/3) or √2, with a ball that tells its sign.
Polynomials in kernels are kept reduced: sin² = 1 − cos², angles and exponents are added, the powers of a product are
those of its irreducible factors, and exp, log, tangent and arctangent undo each other. A number whose reduced
numerator vanishes is zero; the converse is not claimed (Richardson, Some undecidable problems involving elementary
functions of a real variable, J. Symb. Logic 33, 1968, says why).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction

from diffkit.core.limits import SHOWN_BITS
from diffkit.core.program import Program, run
from diffkit.numbers.balls import precision
from diffkit.numbers.field.elements import Element, Full, Unknown
from diffkit.numbers.field.rows import Field

LARGEST = 400  # instructions of a number that exact algebra is asked about
KERNELS = (16, 64, 256)  # kernels to make room for
NOUGHT = Fraction(0)


def vanishes(program: Program, point: Sequence[float | Fraction] = (), less: Fraction = NOUGHT) -> bool:
    """Whether exact algebra proves that a program's value at a point is a number; False if it cannot tell.

    The variables are numbers first, which is short, and then kernels, so that what cancels for all values does.
    """
    at = [Fraction(x) for x in point]
    return _numerically(program, at, less) or (bool(at) and _symbolically(program, at, less))


def vanishes_around(program: Program, point: Sequence[float | Fraction], moving: Collection[int] | None = None) -> bool:
    """Whether exact algebra proves that a program is zero for all values of its inputs, or some, around a point."""

    def inputs(field: Field) -> list[Element]:
        exact = [Fraction(x) for x in point]
        moves = [moving is None or i in moving for i in range(len(exact))]
        return [field.variable(i, x) if moves[i] else field.number(x) for i, x in enumerate(exact)]

    return _is(program, inputs, NOUGHT, ())


def vanishes_beside(program: Program) -> bool:
    """Whether exact algebra proves that a program is zero for all small positive values of its inputs."""
    return _is(program, lambda field: [field.small(i) for i in range(len(program.inputs))], NOUGHT, ())


def _symbolically(program: Program, point: Sequence[Fraction], less: Fraction) -> bool:
    return _is(program, lambda field: [field.variable(i, x) for i, x in enumerate(point)], less, point)


def _numerically(program: Program, point: Sequence[Fraction], less: Fraction) -> bool:
    return _is(program, lambda field: [field.number(x) for x in point], less, ())


def _is(program: Program, inputs: Callable[[Field], list[Element]], less: Fraction, point: Sequence[Fraction]) -> bool:
    """Whether a program's value is a number, in a field with as much room as that takes."""
    if len(program.instructions) > LARGEST:
        return False
    for count in KERNELS:
        try:
            with precision(SHOWN_BITS):
                field = Field(count)
                found = run(program, field, inputs(field))[0]
                return found is not None and field.equals(found, less, point)
        except Full:
            continue
        except Unknown:
            break
    return False

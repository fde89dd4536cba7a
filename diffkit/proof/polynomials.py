"""Polynomials: whether partials are right at every point at once, by flint's own arithmetic and derivatives of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import Ordering, fmpq_mpoly_ctx

from diffkit.core.deadline import check_time
from diffkit.core.program import OPAQUE, Constant, Index, Program, run
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SUB, Primitive
from diffkit.numbers.balls import OPERATORS, rational

_POLYNOMIAL_ROWS = frozenset((ADD, SUB, MUL, DIV, NEG, POWER))
_MOST_MONOMIALS = 500
_LARGEST_EXPONENT = 12


class _TooMuch(Exception):
    """No polynomial, or one that is not worth it."""


class _Polynomials:
    """The algebra of polynomials in some variables with rational coefficients."""

    def __init__(self, count: int):
        self.context = fmpq_mpoly_ctx.get([f"x{k}" for k in range(count)], Ordering.lex)

    def constant(self, value: Constant) -> Any:
        """Give a constant polynomial."""
        if isinstance(value, OPAQUE):
            raise _TooMuch
        return self.context.constant(rational(value))

    def apply(self, row: Primitive, args: Sequence[Any]) -> Any:
        """Give the polynomial of a row."""
        check_time()
        if row is POWER:
            found = self._power(*args)
        elif row is DIV and (not args[1].is_constant() or not args[1]):
            raise _TooMuch
        else:
            found = OPERATORS[row.name](*args) if row is not DIV else args[0] * (1 / args[1].leading_coefficient())
        if len(found) > _MOST_MONOMIALS:
            raise _TooMuch
        return found

    def _power(self, x: Any, y: Any) -> Any:
        whole = y.leading_coefficient() if y.is_constant() and y else 0
        if whole not in range(_LARGEST_EXPONENT + 1) or len(x) > _MOST_MONOMIALS ** (1 / max(1, int(whole))):
            raise _TooMuch
        return x ** int(whole)


def is_right_everywhere(program: Program, indices: Sequence[Index], derivative: Program) -> bool:
    """Whether a program gives partials of another, which is a polynomial; no also where that would take long."""
    if not _POLYNOMIAL_ROWS.issuperset(row for one in (program, derivative) for row, _ in one.instructions):
        return False
    algebra = _Polynomials(len(program.inputs))
    try:
        outputs, found = (run(one, algebra, algebra.context.gens()) for one in (program, derivative))
    except _TooMuch:
        return False
    return all(
        _differentiated(outputs[k], index) == partial for (k, index), partial in zip(indices, found, strict=True)
    )


def _differentiated(polynomial: Any, index: Sequence[int]) -> Any:
    for variable in index:
        polynomial = polynomial.derivative(variable)
    return polynomial

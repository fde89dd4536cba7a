"""Whether an expression is zero for all values of its variables, as far as SymPy's simplification tells."""

from __future__ import annotations

import sympy

from diffkit.calculus.sympy.outward import to_sympy
from diffkit.core.builder import select
from diffkit.core.errors import LimitError
from diffkit.core.program import Program


def is_zero(program: Program, output: int) -> bool:
    """Whether SymPy simplifies an output of a program to 0; False where it does not see that."""
    try:
        (expression,) = to_sympy(select(program, [output]))
    except LimitError:
        return False
    return any(method(expression) == 0 for method in (lambda e: e, sympy.expand, sympy.simplify))

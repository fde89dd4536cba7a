"""Programs to SymPy and back. SymPy never sees a string, and is imported by the first call that needs it.

What SymPy may take long over can be stopped: where there is a deadline it happens in a worker process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diffkit.core.builder import select
from diffkit.core.errors import LimitError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Index, Program
from diffkit.core.text.names import Names
from diffkit.core.workers import stoppable


def symbolic_derivative(program: Program, indices: Sequence[Index], limits: Limits = DEFAULT) -> Program:
    """Give the program of partial derivatives as ``sympy.diff`` finds them, one output per index."""
    return stoppable(_symbolic_derivative, program, tuple(indices), limits)


def is_zero(program: Program, output: int) -> bool:
    """Whether SymPy simplifies an output of a program to 0; False where it does not see that."""
    return stoppable(_is_zero, program, output)


def from_sympy(expressions: Sequence[Any], variables: Names | None = None) -> Program:
    """Give the program of SymPy expressions; DiffkitError for what has no real meaning here."""
    from diffkit.calculus.sympy.inward import from_sympy as read

    return read(expressions, variables)


def to_sympy(program: Program, limits: Limits = DEFAULT, *, real: bool = True) -> list[Any]:
    """Give the outputs as SymPy expressions, over real symbols unless told otherwise; nothing in them is opaque."""
    from diffkit.calculus.sympy.outward import to_sympy as write

    with _usual():
        return write(program, limits, real=real)


def _symbolic_derivative(program: Program, indices: Sequence[Index], limits: Limits) -> Program:
    from diffkit.calculus.sympy.diff import symbolic_derivative as differentiate

    with _usual():
        return differentiate(program, indices, limits)


def _is_zero(program: Program, output: int) -> bool:
    import sympy

    with _usual():
        try:
            (expression,) = to_sympy(select(program, [output]))
        except LimitError:
            return False
        return any(method(expression) == 0 for method in (lambda e: e, sympy.expand, sympy.simplify))


@contextmanager
def _usual() -> Iterator[None]:
    """Let SymPy evaluate what it builds, whatever the caller has switched off."""
    from sympy.core.parameters import distribute, evaluate

    with evaluate(True), distribute(True):
        yield


__all__ = ["from_sympy", "is_zero", "symbolic_derivative", "to_sympy"]

"""Symbolic differentiation: ``sympy.diff``, its formula evaluated in binary64 through a Program."""

from __future__ import annotations

from diffkit.asking.tasks import Task
from diffkit.calculus.sympy import symbolic_derivative
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.results import ErrorKind
from diffkit.core.text import format_outputs
from diffkit.methods.evaluation import ProgramEvaluation

FORMULA_LENGTH = 20_000  # characters beyond which a formula is cut: nobody reads it, and sharing may explode it


class SymbolicBackend:
    """SymPy finds the formula; the same Program runs and is shown."""

    name = "symbolic"
    error_kind: ErrorKind = "none"
    lengthy = True
    """whether others that are asked beside it had better go first"""

    def __init__(self, limits: Limits = DEFAULT):
        self.limits = limits

    def prepare(self, task: Task) -> ProgramEvaluation:
        """Ask SymPy for the task's partials; LimitError beyond what it can take."""
        derivative = symbolic_derivative(task.program, task.indices, self.limits)
        return ProgramEvaluation(task, derivative, tuple(format_outputs(derivative, FORMULA_LENGTH)))

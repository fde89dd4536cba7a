"""Symbolic differentiation: ``sympy.diff``, its formula evaluated in binary64 through a Program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from diffkit.asking.tasks import Question, Task
from diffkit.calculus.domain import domain
from diffkit.calculus.sympy import symbolic_derivative
from diffkit.core.deadline import TimeIsUp
from diffkit.core.errors import BackendError, LimitError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.results import ErrorKind
from diffkit.methods import Backend
from diffkit.methods.program_evaluation import ProgramEvaluation


class SymbolicBackend:
    """SymPy finds the formula; the same Program runs and is shown."""

    name = "symbolic"
    error_kind: ErrorKind = "none"
    lengthy = True
    """whether others that are asked beside it had better go first"""

    def __init__(self, limits: Limits = DEFAULT):
        self.limits = limits
        self._last: tuple[Task, ProgramEvaluation] | None = None

    def prepare(self, task: Task) -> ProgramEvaluation:
        """Ask SymPy for the task's partials; LimitError beyond what it can take.

        Who asks for the formula after the answer gets that of the answer: the last task is not asked about again.
        """
        last = self._last
        if last is None or last[0] is not task:
            derivative = symbolic_derivative(task.program, task.indices, self.limits)
            last = self._last = (task, ProgramEvaluation(task, derivative, shown=True))
        return last[1]


class Formulas(NamedTuple):
    """SymPy's formula of each component of a task, or why there is none; and the domain if there is no point."""

    texts: tuple[str, ...] = ()
    note: str = ""
    domain: str = ""
    definitions: tuple[tuple[str, str], ...] = ()
    """what names in the texts stand for"""


def formulas_of(question: Question, backend: Backend | None = None) -> Formulas:
    """Give the formulas, by the backend that answered if that is symbolic: it knows them.

    Beside an answer at points, what SymPy cannot do is a note; alone, it is the error.
    """
    task, alone = question.task, question.points is None
    symbolic = backend if isinstance(backend, SymbolicBackend) else SymbolicBackend()
    found: Sequence[str] = ()
    note = ""
    try:
        found = symbolic.prepare(task).formula or ()
    except TimeIsUp as up:
        note = f"no formula: {up.reason}"
    except (BackendError, LimitError) as error:
        if alone:
            raise
        note = f"no formula: {error.reason}"
    texts = tuple(found[place] for place in task.places) if found else ()
    shared = getattr(found, "definitions", ())
    return Formulas(texts, note, str(domain(task.program)) if alone else "", shared)

"""The function a claim is about, and the derivative it is judged by: proven where its formula is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from diffkit.asking.answers import lay_out
from diffkit.asking.callables import Bound
from diffkit.asking.points import Points
from diffkit.asking.tasks import Task
from diffkit.core.deadline import TimeIsUp
from diffkit.core.program import Program
from diffkit.core.results import Answer, Odd, Result, unanswered
from diffkit.methods.auto import Referee


class Truth(NamedTuple):
    """The reference at a point: values with bars, and what is odd, by flat component of the task."""

    values: list[float]
    bars: list[float]
    odd: dict[int, Odd]
    proven: bool
    note: str
    answer: Answer


class Subject:
    """A task to judge claims by; ``exact`` says whether decimals in it are exact (text) or binary64 (code)."""

    def __init__(self, task: Task):
        self.task, self.referee = task, Referee(task)

    @property
    def function(self) -> Bound | None:
        """The Python function, if it is one."""
        return self.task.function

    @property
    def exact(self) -> bool:
        """Whether it was given as an expression."""
        return self.task.function is None

    @cached_property
    def reason(self) -> str:
        """Why its formula is not known; empty if it is."""
        return self.referee.reason

    @property
    def program(self) -> Program | None:
        """The formula of f, if it is known."""
        return None if self.reason else self.task.program

    @property
    def derivative(self) -> Program | None:
        """The formulas of the partials of the task, where that of f is known."""
        proven = self.referee.proven
        return None if proven is None else proven.prover.derivative

    def _answer(self, point: tuple[float, ...]) -> Answer:
        try:
            return self.referee.at(point)
        except TimeIsUp as up:
            return unanswered(len(self.task.indices), up.reason)

    def at(self, point: Sequence[float], untold: str = "") -> Truth:
        """The reference at a point; ``untold`` is why there is none, where that is known beforehand."""
        answer = unanswered(len(self.task.indices), untold) if untold else self._answer(tuple(point))
        bars = list(answer.errors) if answer.errors is not None else [0.0] * len(answer.values)
        return Truth(list(answer.values), bars, answer.odd, not self.reason, answer.note, answer)

    def result(self, point: Sequence[float], truth: Truth) -> Result:
        """The reference as a Result."""
        points = Points(self.task.variables, tuple(point))
        return lay_out(self.task, truth.answer, points, "referee", "proven" if truth.proven else "estimate")

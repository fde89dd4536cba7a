"""The best answer a Python function allows: proven where its code traces, otherwise by the best method that runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from diffkit.backends import Bounded, get_backend
from diffkit.errors import BackendError, LimitError, TracingError
from diffkit.evaluation import by_rows
from diffkit.referee import Referee
from diffkit.results import Answer, Odd
from diffkit.tasks import Task

LADDER = ("dual", "complex", "finite")
"""Methods for code that cannot be traced, the most accurate first."""
FEW = 4  # directions of forward mode that cost about as much as one sweep of reverse mode
NAMES = {
    "reverse": "reverse mode through the code, with its rounding measured",
    "dual": "dual numbers pushed through the code, with its rounding measured",
    "complex": "complex steps, with their rounding measured and cross-checked by real differences",
    "finite": "finite differences of its values",
}
UNASKED = "no method can differentiate this function"
TRACED = "the code was traced to a formula; "


class FunctionReferee:
    """Answers about a Python function, component by component from the best method that has one.

    ``reason`` says why nothing could be proven, if nothing could; ``untraced`` is such a reason known beforehand.
    """

    formula = None

    def __init__(self, task: Task, digits: int | None = None, timeout: float | None = None, untraced: str = ""):
        assert task.function is not None
        self.task, self.function = task, task.function
        self.digits, self.timeout, self.untraced = digits, timeout, untraced

    @cached_property
    def reason(self) -> str:
        """Why the function cannot be proven anything about; empty if it can."""
        if self.untraced:
            return self.untraced
        if self.function.shape is not None and self.function.faults.keys() & {"not deterministic", "integer results"}:
            return next(iter(self.function.warnings))
        try:
            self.function.traced  # noqa: B018
        except (TracingError, LimitError) as error:
            return error.reason
        return ""

    @cached_property
    def proven(self) -> Referee | None:
        """The referee of the traced program, if there is one."""
        return None if self.reason else Referee(self.task, self.digits, self.timeout)

    def at(self, point: Sequence[float]) -> Answer:
        """Prove, or measure."""
        if self.proven is None:
            return self._measured(point)
        answer = self.proven.at(point)
        answer.note = TRACED + answer.note
        answer.warnings = self.function.warnings
        return answer

    def _measured(self, point: Sequence[float]) -> Answer:
        count = len(self.task.indices)
        values, errors = [float("nan")] * count, [float("nan")] * count
        odd: dict[int, Odd] = {c: Odd("uncertain", UNASKED) for c in range(count)}
        used: list[str] = []
        evaluations = 0
        for name, evaluation in self._methods:
            try:
                answer = evaluation.at(point)
                bars = answer.errors
                if bars is None:
                    bars = evaluation.bound(point) if len(answer.odd) < count else [0.0] * count
            except (BackendError, LimitError):
                continue
            evaluations += answer.evaluations
            taken = [c for c, seen in odd.items() if _settles(seen, answer.odd.get(c))]
            for c in taken:
                values[c], errors[c] = answer.values[c], bars[c]
                seen = answer.odd.get(c)
                if seen is None or seen.status == "ok":
                    del odd[c]
                else:
                    odd[c] = seen
            used += [name] * bool(taken)
            if not any(seen.status == "uncertain" for seen in odd.values()):
                break
        note = "; ".join(NAMES[name] for name in used)
        return Answer(values, errors, odd, evaluations, note, error_kind="estimate", warnings=self.function.warnings)

    @cached_property
    def _methods(self) -> list[tuple[str, Any]]:
        found = []
        for name in ladder(self.task):
            try:
                evaluation = get_backend(name).prepare(self.task)
            except (BackendError, LimitError):
                continue
            if name == "finite" or isinstance(evaluation, Bounded):
                found.append((name, evaluation))
        return found

    def batch(self, points: Any) -> Answer:
        """Answer row by row."""
        return by_rows(self, points)


def ladder(task: Task) -> tuple[str, ...]:
    """The methods in order: reverse mode comes first where it needs fewer runs of the function than forward mode."""
    sweeps = {output for output, index in task.indices if index}
    directions = {index[0] for _, index in task.indices if index}
    return ("reverse", *LADDER) if len(directions) > FEW * len(sweeps) else LADDER


def _settles(known: Odd, new: Odd | None) -> bool:
    """Whether what another method says is better than what is known of a component."""
    return known.status == "uncertain" and (new is None or new.status != "uncertain" or known.message == UNASKED)

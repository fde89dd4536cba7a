"""The best answer a Python function allows: proven where its code traces, otherwise by the best method that runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from diffkit.backends import Bounded, get_backend
from diffkit.differences import HIGHEST_ORDER
from diffkit.differences.witness import Claim, Seen, Witness, laid_out, unknown
from diffkit.errors import BackendError, LimitError, TracingError
from diffkit.evaluation import by_rows
from diffkit.referee import Referee
from diffkit.results import Answer, Odd
from diffkit.tasks import Index, Task

LADDER = ("dual", "complex")
"""Methods for code that cannot be traced, the most accurate first; what none of them finds, differences do."""
FEW = 4  # directions of forward mode that cost about as much as one sweep of reverse mode
NAMES = {
    "reverse": "reverse mode through the code, with its rounding measured, confirmed by real differences",
    "dual": "dual numbers pushed through the code, with its rounding measured, confirmed by real differences",
    "complex": "complex steps, confirmed by real differences, which give their bar",
    "finite": "finite differences of its values",
}
FOLLOWED, STEPPED = "followed through its code", "by complex steps"
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
        if self.function.unsteady:
            return self.function.unsteady
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
        try:
            self.function.check_trace(self.function.traced, point)
        except TracingError:
            return self._measured(point)
        answer = self.proven.at(point)
        answer.note = TRACED + answer.note
        return answer

    def _measured(self, point: Sequence[float]) -> Answer:
        """Each partial from the first method whose value real differences confirm, or from these alone."""
        function, start = self.function, self.function.evaluations
        witness = function.witness(tuple(map(float, point)))
        seen = {} if any(...) else {}
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
    return known.status == "uncertain" and (new is None or new.status != "uncertain" or _is_open(known))


def _is_open(known: Odd) -> bool:
    """Whether no method has said anything of a component yet."""
    return known.message.startswith(UNASKED)

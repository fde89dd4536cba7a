"""The best answer a Python function allows: proven where its code traces, otherwise by the best method that runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from diffkit.backends import Bounded, get_backend
from diffkit.differences.crosscheck import contradictions
from diffkit.errors import BackendError, LimitError, TracingError
from diffkit.evaluation import by_rows
from diffkit.referee import Referee
from diffkit.results import Answer, Odd
from diffkit.tasks import Task

LADDER = ("dual", "complex", "finite")
"""Methods for code that cannot be traced, the most accurate first."""
FOLLOWED = ("dual", "reverse")
"""Methods that code can hide from."""
FEW = 4  # directions of forward mode that cost about as much as one sweep of reverse mode
NAMES = {
    "reverse": "reverse mode through the code, with its rounding measured",
    "dual": "dual numbers pushed through the code, with its rounding measured",
    "complex": "complex steps, with their rounding measured and cross-checked by real differences",
    "finite": "finite differences of its values",
}
UNASKED = "no method can differentiate this function"
HIDES = (
    "followed through its code it has {:.6g}, by real differences {:.6g}: the code hides (a cache, caught errors), or "
    "differences are too coarse"
)
FINE = Odd("ok")
TRACED = "the code was traced to a formula; "


class FunctionReferee:
    """Answers about a Python function, component by component from the best method that has one.

    ``reason`` says why nothing could be proven, if nothing could; ``untraced`` is such a reason known beforehand.
    """

    formula = None

    def __init__(self, task: Task, digits: int | None = None, untraced: str = ""):
        assert task.function is not None
        self.task, self.function = task, task.function
        self.digits, self.untraced = digits, untraced

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
        return None if self.reason else Referee(self.task, self.digits)

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
        """Each component from the first method that has it, if real differences do not contradict it."""
        count = len(self.task.indices)
        values, errors = [math.nan] * count, [math.nan] * count
        odd: dict[int, Odd] = {c: Odd("uncertain", UNASKED) for c in range(count)}
        settled: set[int] = set()
        used: list[str] = []
        start = self.function.evaluations
        for name, evaluation in self._methods(point):
            try:
                answer = evaluation.at(point)
                bars = answer.errors
                if bars is None:
                    bars = evaluation.bound(point) if len(answer.odd) < count else [0.0] * count
            except (BackendError, LimitError) as error:
                odd.update({c: Odd("uncertain", f"{UNASKED}: {error}") for c in odd if _is_open(odd[c])})
                continue
            taken = [c for c in odd if c not in settled and _settles(odd[c], answer.odd.get(c))]
            for c in taken:
                values[c], errors[c] = answer.values[c], bars[c]
                odd[c] = answer.odd.get(c, FINE)
            if name in FOLLOWED:
                for c, contradiction in self._contradicted(point, answer, taken).items():
                    values[c], errors[c], odd[c] = math.nan, math.nan, contradiction
                    settled.add(c)
            settled.update(c for c, seen in odd.items() if seen.status != "uncertain")
            used += [name] * bool(taken)
            if len(settled) == count:
                break
        note = "; ".join(NAMES[name] for name in used)
        odd = {c: seen for c, seen in odd.items() if seen is not FINE}
        return Answer(values, errors, odd, self.function.evaluations - start, note, error_kind="estimate")

    def _contradicted(self, point: Sequence[float], answer: Answer, taken: Sequence[int]) -> dict[int, Odd]:
        """Components that differ from real differences: the code hides from what follows it."""
        claimed = [answer.values[c] if c in taken else math.nan for c in range(len(self.task.indices))]
        found, _ = contradictions(self.function.samplers(), tuple(point), self.task.indices, claimed)
        return {
            c: Odd("uncertain", HIDES.format(seen.claimed, seen.real.value))
            for c, seen in found.items()
            if seen.real.odd is None
        }

    def _methods(self, point: Sequence[float]) -> list[tuple[str, Any]]:
        """Methods in order; where the function has no value or is unsteady, only its values tell anything."""
        import numpy as np

        plain = not self.function.unsteady and bool(np.any(np.isfinite(self.function.values(point))))
        return self._prepared if plain else [(name, e) for name, e in self._prepared if name == "finite"]

    @cached_property
    def _prepared(self) -> list[tuple[str, Any]]:
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
    return known.status == "uncertain" and (new is None or new.status != "uncertain" or _is_open(known))


def _is_open(known: Odd) -> bool:
    """Whether no method has said anything of a component yet."""
    return known.message.startswith(UNASKED)

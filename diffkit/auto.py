"""backend="auto": the dual value, confirmed by a second method, or replaced by the referee's where they part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from diffkit.backends import Evaluation, get_backend
from diffkit.errors import BackendError
from diffkit.evaluation import ProgramEvaluation
from diffkit.referee import Referee
from diffkit.results import Answer, ErrorKind, Odd
from diffkit.tasks import Task
from diffkit.transforms import derivative_program

CHEAP = 4_000_000  # instructions that finite differences may cost before the confirmation is left to the referee
TOO_LARGE = 60_000  # instructions of a program above which nothing is confirmed
CALLS = 40  # evaluations of f that a difference takes
CLOSE = 1e-9  # relative rounding error beyond which binary64 is not trusted
SHARP = 1e-6  # relative error bar that a difference needs to confirm anything
SAMPLES = 8  # points of a batch that are confirmed


class AutoEvaluation:
    """Dual numbers with a second opinion."""

    formula = None

    def __init__(self, task: Task):
        self.task = task

    @cached_property
    def plain(self) -> ProgramEvaluation:
        """The table's derivative in binary64, in the mode that makes it short."""
        return ProgramEvaluation(self.task, derivative_program(self.task.program, self.task.indices))

    @cached_property
    def finite(self) -> Evaluation | None:
        """Finite differences, where they are cheap enough."""
        if len(self.task.program) * CALLS * len(self.task.indices) > CHEAP:
            return None
        try:
            return get_backend("finite").prepare(self.task)
        except BackendError:
            return None

    @cached_property
    def referee(self) -> Referee:
        """The referee, asked where the two methods part or one of them has no answer."""
        return Referee(self.task)

    def at(self, point: Sequence[float]) -> Answer:
        """Answer at one point."""
        answer = self.plain.at(point)
        if len(self.task.program) > TOO_LARGE:
            answer.note = f"not confirmed: {len(self.task.program):,} operations are too many for a second method"
            return answer
        open_, by = self._unconfirmed(answer, point)
        if not open_:
            answer.note = by
            return answer
        reference = self.referee.at(point)
        for c in open_:
            self._adopt(answer, reference, c)
        answer.note = f"confirmed by {self.referee.source} in multiprecision"
        return answer

    def _unconfirmed(self, answer: Answer, point: Sequence[float]) -> tuple[list[int], str]:
        """Components that finite differences do not confirm."""
        certain = {c for c, odd in answer.odd.items() if odd.status not in ("ok", "uncertain", "overflow")}
        rest = [c for c in range(len(answer.values)) if c not in certain]
        if self.finite is None or not rest:
            return rest, "decided at 50 digits"
        second = self.finite.at(point)
        answer.evaluations += second.evaluations
        rounding = self.plain.bound(point)
        open_ = [c for c in rest if not self._confirmed(c, answer, second, rounding[c])]
        return open_, "confirmed by finite differences"

    @staticmethod
    def _confirmed(c: int, answer: Answer, second: Answer, rounding: float) -> bool:
        """Whether rounding leaves the value its digits and a difference agrees with it to six of them."""
        value, other, bar = answer.values[c], second.values[c], second.errors[c]
        sound = c not in answer.odd and c not in second.odd and value != 0.0 and rounding <= CLOSE * abs(value)
        return sound and bar <= SHARP * abs(value) and abs(value - other) <= 2 * bar

    def _adopt(self, answer: Answer, reference: Answer, c: int) -> None:
        """Take the referee's word on a component."""
        odd = reference.odd.get(c)
        if odd is not None and odd.status != "uncertain":
            answer.odd[c] = odd
            answer.values[c] = math.nan
        elif odd is not None:
            answer.odd[c] = answer.odd.get(c) or Odd("uncertain", f"no second method confirms it: {odd.message}")
            answer.values[c] = math.nan
        else:
            answer.values[c] = reference.values[c]  # binary64 lost digits on the way; the referee's precision did not
            if c in answer.odd and answer.odd[c].status != "ok":
                del answer.odd[c]

    def batch(self, points: Any) -> Answer:
        """Answer at the rows of an array; a few rows are confirmed, and odd ones looked at again."""
        answer = self.plain.batch(points)
        count = len(self.task.indices)
        rows = len(points)
        if not rows or not count or len(self.task.program) > TOO_LARGE:
            return answer
        looked = {round(k * (rows - 1) / max(1, SAMPLES - 1)) for k in range(SAMPLES)}
        looked |= {c // count for c, odd in answer.odd.items() if odd.status in ("uncertain", "overflow")}
        looked |= set(self.plain.doubtful(points, CLOSE))
        for row in sorted(looked):
            single = self.at(points[row].tolist())
            first = row * count
            answer.values[first : first + count] = single.values
            for c in range(count):
                answer.odd.pop(first + c, None)
            answer.odd.update({first + c: odd for c, odd in single.odd.items()})
        answer.note = f"{len(looked)} of {rows} points confirmed by a second method"
        if len(looked) < rows:
            answer.note += ", the rest by a rounding bound"
        return answer


class AutoBackend:
    """The default of the API and of the command."""

    name = "auto"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> AutoEvaluation:
        """Prepare the dual program; the second method is prepared when it is wanted."""
        return AutoEvaluation(task)

"""Cases compared one by one, here or by workers: what each of them finds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from diffkit.asking.tasks import Task, gradient_task
from diffkit.core.deadline import TimeIsUp, check_time, collected, current_deadline
from diffkit.core.errors import DiffkitError
from diffkit.core.program import Program
from diffkit.core.worker_pool import are_shared, in_order, parts, unpacked
from diffkit.core.workers import pickled
from diffkit.judging.cases import Case
from diffkit.judging.checking.outcome import Tolerances
from diffkit.judging.comparison import Comparer, Comparison, Finding, Row
from diffkit.judging.outcomes import CONTRADICTS, Outcome, Score
from diffkit.methods import Backend
from diffkit.methods.answering import find_backend

if TYPE_CHECKING:
    from diffkit.core.worker_pool import Workers

_NEARLY_EXPECTED = Tolerances(rtol=1e-12, atol=0.0)
"""up to which an expected value is taken to be the value"""
_IDENTITY = gradient_task(Program(("x",), (), (), (0,)))
_CASE = Case("", _IDENTITY, (1.0,))
"""stands for a case on the way between processes"""
_TASKS_KEPT = 64  # of which methods stay prepared


def examine(
    cases: Sequence[Case], backends: Sequence[str | Backend], allowed: Tolerances | None = None, workers: Workers = None
) -> Iterator[Outcome]:
    """Compare the backends at each case in turn; an expected value holds within what is ``allowed``.

    ``workers`` share the cases, and outcomes are the same and come in the same order.
    """
    examiner = Examiner(backends, allowed)
    if not are_shared(workers):
        yield from map(examiner.outcome, cases)
        return
    there = partial(_part_examined, pickled(examiner))
    for part, (outcomes, stopped) in in_order(there, parts(cases, workers), workers, _lost):
        yield from (replace(outcome, case=case) for case, outcome in zip(part, outcomes, strict=False))
        deadline = current_deadline()
        if stopped and deadline is not None:
            raise TimeIsUp(deadline)


def _part_examined(packed: bytes, cases: Sequence[Case]) -> tuple[list[Outcome], str]:
    """In a worker: the outcomes of some cases, and why there are no more; whoever asks has the cases."""
    examiner: Examiner = unpacked(packed)
    if not cases:  # a worker that is new gets ready
        examiner.start()
    outcomes, stopped = collected(map(examiner.outcome, cases))
    return [replace(outcome, case=_CASE) for outcome in outcomes], stopped


def _lost(case: Case, error: DiffkitError) -> tuple[list[Outcome], str]:
    """What is said of a case that ends every worker that compares at it."""
    return [failed(case, str(error))], ""


def failed(case: Case, reason: str) -> Outcome:
    """Give the outcome of a case that could not be compared."""
    return Outcome(case, "failed", (), (Finding("reference", "could not be compared", reason),))


class Examiner:
    """Backends to be compared at one case after another, prepared for the tasks that were asked for lately."""

    started: ClassVar[set[tuple[str, ...]]] = set()
    """methods that have been at work in this process"""

    def __init__(self, backends: Sequence[str | Backend], allowed: Tolerances | None = None):
        self.backends, self.allowed = backends, allowed or _NEARLY_EXPECTED
        self.known: dict[Task, Comparer] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is prepared behind."""
        return {**vars(self), "known": {}}

    def start(self) -> None:
        """What is imported and started at first is no case's time."""
        names = tuple(find_backend(backend).name for backend in self.backends)
        if names not in self.started:
            self.started.add(names)
            Comparer(_IDENTITY, self.backends).at((1.0,))

    def outcome(self, case: Case) -> Outcome:
        """Compare at a case."""
        try:
            self.start()
            comparison = self._comparer(case.task).at(case.point)
            check_time()  # of a case that was not finished nothing is told
        except DiffkitError as error:
            return failed(case, str(error))
        findings = [*comparison.findings, *_contradictions(case, comparison, self.allowed)]
        findings += [Finding(row.backend, "not asked", row.skipped) for row in comparison.rows if row.skipped]
        scores = tuple(score for row in comparison.rows for score in _scores(case, row, comparison))
        message = "" if comparison.reference.ok else comparison.reference.message
        seconds = {row.backend: row.seconds for row in comparison.rows if not row.skipped}
        return Outcome(case, comparison.verdict, scores, tuple(findings), message, seconds)

    def _comparer(self, task: Task) -> Comparer:
        """Them, for a task."""
        if task not in self.known:
            while len(self.known) >= _TASKS_KEPT:
                del self.known[next(iter(self.known))]
            self.known[task] = Comparer(task, self.backends)
        return self.known[task]


def _scores(case: Case, row: Row, comparison: Comparison) -> Iterator[Score]:
    reference = comparison.reference
    seen: set[int] = set()
    for c, (label, place) in enumerate(zip(reference.labels, case.task.places, strict=True)):
        if row.skipped or reference.is_odd(c) or place in seen:  # ∂²f/∂y∂x is ∂²f/∂x∂y
            continue
        seen.add(place)
        absent = row.result.is_odd(c) or not math.isfinite(row.result.flat[c])
        yield Score(
            case.name, row.backend, label, math.nan if absent else row.result.flat[c], reference.flat[c],
            math.inf if absent else row.absolute[c], math.inf if absent else row.ulps[c],
            0.0 if absent else row.digits[c], row.bar[c], c not in row.outside,
        )  # fmt: skip


def _contradictions(case: Case, comparison: Comparison, allowed: Tolerances) -> Iterator[Finding]:
    """Where the reference, or a method beyond its own error bar, is not what was expected."""
    reference = comparison.reference
    for c, expected in enumerate(case.expected):
        if expected is None:
            continue
        label = reference.labels[c]
        said = reference.odd[c].status if reference.is_odd(c) else reference.flat[c]
        if said != "uncertain" and not _same(said, expected, allowed):
            yield Finding("reference", CONTRADICTS, f"{label} is proven to be {said!r}, not {expected!r} as expected")
            continue  # nothing is wrong with the methods
        for row in comparison.rows:
            if row.skipped:
                continue
            odd, value = row.result.odd.get(c), row.result.flat[c]
            found = odd.status if odd is not None and row.result.is_odd(c) else value
            near = isinstance(expected, float) and abs(value - expected) <= row.bar[c]
            if found != "uncertain" and not near and not _same(found, expected, allowed):
                yield Finding(row.backend, CONTRADICTS, f"{label} is {found!r}, expected {expected!r}")


def _same(found: float | str, expected: float | str, allowed: Tolerances) -> bool:
    if isinstance(found, str) or isinstance(expected, str):
        return found == expected
    return abs(found - expected) <= allowed.at(expected)

"""Backends side by side: who agrees with whom, and with a reference that none of them computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from time import perf_counter
from typing import NamedTuple

from diffkit.asking.answers import lay_out
from diffkit.asking.points import Points
from diffkit.asking.tasks import Task
from diffkit.core.deadline import TimeIsUp
from diffkit.core.decimals import tenths
from diffkit.core.equality import ByContent
from diffkit.core.errors import BackendError, LimitError
from diffkit.core.report_views import ReportViews
from diffkit.core.results import Answer, Result, unanswered
from diffkit.core.surroundings import undisturbed
from diffkit.judging.blame import Blame, blame_for_differences, blame_for_odd, blame_for_program
from diffkit.methods import BACKENDS, Backend, Evaluation
from diffkit.methods.answering import find_backend
from diffkit.methods.auto import Referee
from diffkit.methods.pattern_check import checked
from diffkit.methods.program_evaluation import table_bound

WRONG = 1e-6  # relative error that is blamed even where a bar admits it
_BOUND_SLACK = 4.0  # a first-order rounding bound times this is the bar of a float method
_USUAL_ERRORS = 10.0  # times an error that is no bound, up to which it is not wrong
_DROWNED = 1e-10  # of the largest component: a bar below that is sharp, whatever it leaves of a small component


@dataclass(frozen=True)
class Row:
    """One backend's answer beside the reference; every list runs over the components.

    ``bar`` is the error the backend (or the running rounding bound of its program) admits. ``absolute`` and
    ``relative`` are errors against the reference, ``ulps`` the absolute error in units in the last place of it,
    ``digits`` the correct significant digits (at most 16).
    """

    backend: str
    result: Result
    bar: tuple[float, ...]
    absolute: tuple[float, ...]
    relative: tuple[float, ...]
    ulps: tuple[float, ...]
    digits: tuple[float, ...]
    seconds: float = field(compare=False)
    """time to prepare and to answer"""
    outside: tuple[int, ...]
    """components with a value beyond the bar, or a status, though the reference has a value; uncertain is no claim"""
    lost: tuple[int, ...] = ()
    """components inside a bar so wide that not one digit is right"""
    skipped: str = ""
    """why the backend could not be asked, if it could not"""

    @property
    def within(self) -> bool:
        """Whether every component keeps its bar about the reference."""
        return not self.outside


@dataclass(frozen=True)
class Finding:
    """Something wrong: which backend, what kind of wrong, the evidence, and where in the expression."""

    backend: str
    cause: str
    evidence: str
    where: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ReportViews, ByContent):
    """The verdict on several backends at one point.

    ``verdict``: "agree" if every row keeps its bar and has a right digit,
    "disagree" if one does not, "undecided" if there is no reference to tell, or
    the status of a point at which there is no derivative. ``bool(c)`` is
    whether they agree.

    Examples
    --------
    >>> c = dk.compare("x^3", 2)
    >>> c.verdict, c.reference.value.tolist()
    ('agree', [12.0])
    >>> [(row.backend, row.digits[0] > 10) for row in c.rows]
    [('symbolic', True), ('finite', True), ('dual', True)]
    """

    verdict: str
    """agree, disagree, undecided, or the status of the point"""
    reference: Result
    """the value that the others are judged by"""
    source: str
    """where the reference comes from"""
    rows: tuple[Row, ...]
    """each backend's answer, its errors and right digits"""
    pairs: dict[tuple[str, str], tuple[float, ...]]
    """differences between two backends, in ulps of the reference, by component"""
    findings: tuple[Finding, ...]
    """what is wrong: backend, cause, evidence, and where in the expression"""

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.reference.notes

    def __bool__(self) -> bool:
        """A comparison is true only if the methods agree."""
        return self.verdict == "agree"

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        parts = [f"{self.verdict}: {self.reference.kind} = {self.reference.value}"]
        parts += [f"{f.backend}: {f.cause} ({f.evidence})" for f in self.findings]
        return "; ".join(parts)


Tell = Callable[[str], object]
"""is told who is at work"""


def compare_task(
    task: Task, point: Sequence[float], backends: Sequence[str | Backend], tell: Tell = str
) -> Comparison:  # fmt: skip
    """Compare backends on a task at one point."""
    return Comparer(task, backends, tell).at(point)


class _PreparedBackend(NamedTuple):
    """A backend prepared for a task, or why it cannot do it."""

    backend: Backend
    evaluation: Evaluation | None
    seconds: float
    """what preparing took"""
    skipped: str = ""


class Comparer:
    """Backends and the referee, prepared once for a task, to be compared at many points."""

    def __init__(self, task: Task, backends: Sequence[str | Backend], tell: Tell = str):
        if not backends:
            raise BackendError("there is no backend to compare", hint=f"name some of {', '.join(BACKENDS)}")
        self.task, self.tell = task, tell
        self.referee = Referee(task)
        self.backends = list(map(find_backend, backends))
        self.prepared: dict[int, _PreparedBackend] = {}

    def _asked(self, number: int) -> _PreparedBackend:
        """A backend prepared, once."""
        if number not in self.prepared:
            self.prepared[number] = self._prepare(self.backends[number])
        return self.prepared[number]

    def _prepare(self, backend: Backend) -> _PreparedBackend:
        start = perf_counter()
        try:
            return _PreparedBackend(backend, backend.prepare(self.task), perf_counter() - start)
        except (BackendError, LimitError) as error:
            return _PreparedBackend(backend, None, perf_counter() - start, str(error))
        except TimeIsUp as up:
            return _PreparedBackend(backend, None, perf_counter() - start, up.reason)

    @undisturbed()
    def at(self, point: Sequence[float]) -> Comparison:
        """Compare at one point."""
        task, full = self.task, (*point, *self.task.extras)
        points = Points(task.variables, tuple(point))
        self.tell("the proof")
        truth = checked(task, point, self.referee.timely(full), "proven")
        reference = lay_out(task, truth, points, "referee", "proven")
        found: dict[int, tuple[Row, list[Finding]]] = {}
        for number, backend in sorted(enumerate(self.backends), key=lambda pair: getattr(pair[1], "lengthy", False)):
            self.tell(backend.name)
            asked = self._asked(number)
            row = _row(task, asked, points, reference)
            found[number] = row, _findings(task, row, asked, full, reference)
        rows = [row for _, (row, _) in sorted(found.items())]
        findings = [finding for _, (_, own) in sorted(found.items()) for finding in own]
        verdict = _verdict(reference, rows)
        pairs = _pairs(rows, reference)
        return Comparison(verdict, reference, truth.note, tuple(rows), pairs, tuple(findings))


def _findings(
    task: Task, row: Row, asked: _PreparedBackend, point: Sequence[float], reference: Result
) -> list[Finding]:
    """What is wrong with a row, as far as there is time to find out."""
    if asked.evaluation is None or row.skipped:
        return []
    try:
        return _by_cause(task, row, asked.evaluation, point, reference)
    except TimeIsUp as up:
        return [Finding(row.backend, "unexplained", up.reason)] if row.outside else []


def _row(task: Task, asked: _PreparedBackend, points: Points, reference: Result) -> Row:
    """Ask one backend."""
    assert points.point is not None
    backend, evaluation = asked.backend, asked.evaluation
    full = (*points.point, *task.extras)
    start = perf_counter()
    skipped, answer = asked.skipped, None
    try:
        answer = None if evaluation is None else checked(task, full, evaluation.at(full), backend.error_kind)
    except (BackendError, LimitError) as error:
        skipped = str(error)
    except TimeIsUp as up:
        skipped = up.reason
    seconds = asked.seconds + perf_counter() - start
    if evaluation is None or answer is None:
        return _unanswered(task, backend.name, points, skipped, seconds)
    result = lay_out(task, answer, points, backend.name, backend.error_kind)
    bar = _bars(task, evaluation, answer, full)
    admitted = bar if getattr(backend, "covering", True) else _usual(task, evaluation, answer, full, bar)
    if reference.error_kind != "proven" and reference.flat_error is not None:  # a measured reference has a bar too
        bar, admitted = (_wider(bars, reference.flat_error) for bars in (bar, admitted))
    return _measured(result, bar, admitted, reference, seconds)


def _wider(bars: Sequence[float], errors: Sequence[float]) -> tuple[float, ...]:
    return tuple(bar + e if math.isfinite(e) else bar for bar, e in zip(bars, errors, strict=True))


def _unanswered(task: Task, name: str, points: Points, skipped: str, seconds: float) -> Row:
    nothing = (math.nan,) * len(task.places)
    blank = lay_out(task, unanswered(len(task.indices), skipped), points, name, "none")
    return Row(name, blank, nothing, nothing, nothing, nothing, nothing, seconds, (), (), skipped)


def _measured(
    result: Result, bar: tuple[float, ...], admitted: tuple[float, ...], reference: Result, seconds: float
) -> Row:
    """An answer beside the reference: how far it is off, and which components are outside their bars or lost."""
    pairs = list(zip(result.flat, reference.flat, strict=True))
    absolute = tuple(abs(v - r) for v, r in pairs)
    relative = tuple(_relative(a, r) for a, (_, r) in zip(absolute, pairs, strict=True))
    digits = tuple(_correct_digits(r) for r in relative)
    largest = max((abs(r) for r in reference.flat if math.isfinite(r)), default=0.0)
    known = [c for c in range(len(pairs)) if not result.is_uncertain(c)]
    outside = tuple(c for c in known if not reference.is_odd(c) and not absolute[c] <= admitted[c])
    lost = tuple(
        c for c in known if digits[c] < 1 and reference.flat[c] and bar[c] > _DROWNED * largest and c not in outside
    )
    ulps = tuple(ulps_between(v, r, r) for v, r in pairs)
    return Row(result.backend, result, bar, absolute, relative, ulps, digits, seconds, outside, lost)


def ulps_between(v: float, w: float, reference: float) -> float:
    """|v − w| in ulps, units in the last place, of the reference; NaN where that is no measure, as at a true zero."""
    if v == w:
        return 0.0
    gap, scale = abs(v - w), reference if math.isfinite(reference) else v
    if scale == 0:
        return math.nan
    return gap / math.ulp(scale) if math.isfinite(gap) else gap


def _relative(error: float, reference: float) -> float:
    return error / abs(reference) if reference else 0.0 if error == 0 else math.inf


def _correct_digits(relative: float) -> float:
    """Significant decimal digits that a relative error leaves correct, between 0 and 16."""
    if relative != relative:
        return math.nan
    return 16.0 if relative == 0 else min(16.0, max(0.0, -math.log10(relative)))


def _bars(task: Task, evaluation: Evaluation, answer: Answer, point: Sequence[float]) -> tuple[float, ...]:
    """The backend's own error bars, or its running rounding bound, or that of the table's program in plain floats."""
    bars = _rounded(task, evaluation, answer, point) if answer.errors is None else answer.errors
    return _of_components(task, bars)


def _usual(
    task: Task, evaluation: Evaluation, answer: Answer, point: Sequence[float], bars: Sequence[float]
) -> tuple[float, ...]:
    """What is admitted of a tool whose errors are no bounds, as standard deviations are not: ten times as much.

    And rounding, of which such errors know nothing.
    """
    rounded = _of_components(task, _rounded(task, evaluation, answer, point))
    return tuple(max(_USUAL_ERRORS * bar, r) for bar, r in zip(bars, rounded, strict=True))


def _rounded(task: Task, evaluation: Evaluation, answer: Answer, point: Sequence[float]) -> list[float]:
    """How far rounding may carry each partial."""
    bars = [_BOUND_SLACK * bound for bound in _rounding(task, evaluation, point)]
    for c, bar in enumerate(bars):
        if not math.isfinite(bar):  # no bound is known, so only the last bits are allowed
            bars[c] = _BOUND_SLACK * math.ulp(answer.values[c]) if math.isfinite(answer.values[c]) else 0.0
    return bars


def _of_components(task: Task, bars: Sequence[float]) -> tuple[float, ...]:
    """Errors of partials as those of the answer's components."""
    factors = [1.0] * len(task.places) if task.factors is None else [float(f) for f in task.factors]
    return tuple(bars[p] * f for p, f in zip(task.places, factors, strict=True))


def _rounding(task: Task, evaluation: Evaluation, point: Sequence[float]) -> list[float]:
    """How far rounding may carry each partial; infinite where nothing tells."""
    bound: Callable[[Sequence[float]], list[float]] | None = getattr(evaluation, "bound", None)
    try:
        return table_bound(task, point) if bound is None else bound(point)
    except (BackendError, LimitError):
        return [math.inf] * len(task.indices)


def _by_cause(task: Task, row: Row, evaluation: Evaluation, point: Sequence[float], reference: Result) -> list[Finding]:
    """The worst finding of each cause about one row."""
    worst: dict[str, tuple[float, Finding]] = {}
    for c, label in enumerate(row.result.labels):
        blame, weight = _blame(task, row, evaluation, point, reference, c, label)
        if blame is not None and (blame.cause not in worst or weight > worst[blame.cause][0]):
            worst[blame.cause] = (weight, Finding(row.backend, *blame))
    return [finding for _, finding in worst.values()]


def _blame(
    task: Task, row: Row, evaluation: Evaluation, point: Sequence[float], reference: Result, c: int, label: str
) -> tuple[Blame | None, float]:
    """What is wrong with one component, if anything is, and how much."""
    result = row.result
    value, truth = result.flat[c], reference.flat[c]
    there = reference.odd.get(c)
    if there is not None and reference.is_odd(c):
        silent = there.status == "uncertain" or result.is_odd(c) or not math.isfinite(value)
        return (None, 0.0) if silent else (blame_for_odd(there, label, value), 1.0)
    missing = result.is_odd(c) or not math.isfinite(value)
    near = row.absolute[c] <= WRONG * (abs(truth) or 1.0) or reference.error_kind != "proven"
    if not missing and c not in row.outside and near:
        return None, 0.0
    blame = _cause(task, row, evaluation, point, truth, c) or Blame(
        "no value" if missing else "wrong value", "the method does not show how it came about"
    )
    if there is not None and there.cause == "branch" and blame.cause in ("wrong rule", "special point", "round-off"):
        evidence = "the formula follows the branch taken at the point alone, and f is decided by its neighbours"
        blame = Blame("branch", evidence, there.where)
    said = _gap(row, c, f"{label} is {truth!r}") if missing else _error(row, c, f"{label} = {value!r}")
    return Blame(blame.cause, f"{said}. {blame.evidence}", blame.where), math.inf if missing else row.relative[c]


def _cause(task: Task, row: Row, evaluation: Evaluation, point: Sequence[float], truth: float, c: int) -> Blame | None:
    """How a component came to be wrong, where the method shows it."""
    place, factor = task.places[c], float(task.factors[c]) if task.factors else 1.0
    program = getattr(evaluation, "derivative", None)
    if program is not None:
        return blame_for_program(program, place, point, row.result.flat[c] / factor, truth / factor)
    if not _has_program(task):
        return None
    if row.backend == "finite" or getattr(evaluation, "of_values", False):
        return blame_for_differences(task, task.indices[place], point, truth / factor)
    usual = getattr(evaluation, "usual", None)
    if usual is None:
        return None
    blame = blame_for_program(usual, place, point, row.result.flat[c] / factor, truth / factor)
    return blame._replace(evidence=f"in binary64 by the usual rules: {blame.evidence}") if blame.where else None


def _gap(row: Row, c: int, truth: str) -> str:
    """That a component has no value, and why."""
    here = row.result.odd.get(c)
    return f"{truth}, but it gives no value ({here.message if here else 'the answer is not finite'})"


def _error(row: Row, c: int, value: str) -> str:
    """How far a component is off."""
    bar = row.bar[c]
    beyond = f", {row.absolute[c] / bar:.3g} times its own bar" if c in row.outside and bar else ""
    return f"{value} is off by {row.absolute[c]:.3g}{beyond}: {tenths(row.digits[c])} digits are right"


def _has_program(task: Task) -> bool:
    """Whether f is known as a program."""
    try:
        return bool(task.program.outputs)
    except (BackendError, LimitError):
        return False


def _verdict(reference: Result, rows: Sequence[Row]) -> str:
    asked = [row for row in rows if not row.skipped]
    if reference.status == "uncertain" or not asked:
        return "undecided"
    if any(row.outside or row.lost for row in asked):
        return "disagree"
    if all(row.result.is_uncertain(c) for row in asked for c in range(len(reference.flat)) if not reference.is_odd(c)):
        return "undecided" if reference.ok else reference.status
    return reference.status if reference.status != "ok" else "agree"


def _pairs(rows: Sequence[Row], reference: Result) -> dict[tuple[str, str], tuple[float, ...]]:
    pairs = {}
    for a, b in combinations(rows, 2):
        if not a.skipped and not b.skipped:
            triples = zip(a.result.flat, b.result.flat, reference.flat, strict=True)
            pairs[a.backend, b.backend] = tuple(ulps_between(v, w, r) for v, w, r in triples)
    return pairs

"""Backends side by side: who agrees with whom, and with a reference that none of them computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from time import perf_counter

from diffkit.backends import BACKENDS, Backend, Bounded, Evaluation, get_backend
from diffkit.errors import BackendError, LimitError
from diffkit.evaluation import table_bound
from diffkit.layout import lay_out
from diffkit.points import Points
from diffkit.referee import Referee
from diffkit.results import Answer, Odd, Result, component_ulps
from diffkit.tasks import Task

FEW = 3.0  # correct digits below which an answer within its bar is still worth a word
LOST = "few correct digits"
ABSENT = "a value where there is none"
SLACK = 4.0  # a first-order rounding bound times this is the bar of a float method


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
    seconds: float
    outside: tuple[int, ...]
    """components that have no value, or one beyond the bar, though the reference has one"""
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


@dataclass(frozen=True, repr=False)
class Comparison:
    """The verdict on several backends at one point.

    ``verdict``: "agree" if every row keeps its bar, "disagree" if one does not, "undecided" if there is no
    reference to tell, or the status of a point at which there is no derivative.
    """

    verdict: str
    reference: Result
    source: str
    rows: tuple[Row, ...]
    pairs: dict[tuple[str, str], tuple[float, ...]]
    """differences between two backends, in ulps of the reference, by component"""
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        parts = [f"{self.verdict}: {self.reference.kind} = {self.reference.value}"]
        parts += [f"{f.backend}: {f.cause} ({f.evidence})" for f in self.findings]
        return "; ".join(parts)


def compare_task(task: Task, point: Sequence[float], backends: Sequence[str | Backend]) -> Comparison:
    """Compare backends on a task at one point."""
    if not backends:
        raise BackendError("there is no backend to compare", hint=f"name some of {', '.join(BACKENDS)}")
    referee = Referee(task)
    full = (*point, *task.extras)
    truth = referee.at(full)
    points = Points(task.variables, tuple(point))
    reference = lay_out(task, truth, points, "referee", "none")
    rows, findings = [], []
    for backend in backends:
        row = _row(task, get_backend(backend), points, reference)
        rows.append(row)
        if not row.skipped:
            findings += _judge(row, reference)
    return Comparison(
        _verdict(reference, rows, findings),
        reference,
        referee.source,
        tuple(rows),
        _pairs(rows, reference),
        tuple(findings),
    )


def _row(task: Task, backend: Backend, points: Points, reference: Result) -> Row:
    start = perf_counter()
    assert points.point is not None
    full = (*points.point, *task.extras)
    try:
        evaluation = backend.prepare(task)
        answer = evaluation.at(full)
    except (BackendError, LimitError) as error:
        nothing = (math.nan,) * len(task.places)
        odd = {c: Odd("uncertain", str(error)) for c in range(len(task.indices))}
        blank = lay_out(task, Answer([math.nan] * len(task.indices), None, odd), points, backend.name, "none")
        return Row(
            backend.name, blank, nothing, nothing, nothing, nothing, nothing, perf_counter() - start, (), str(error)
        )
    seconds = perf_counter() - start
    result = lay_out(task, answer, points, backend.name, backend.error_kind)
    bar = _bars(task, evaluation, answer, full)
    absolute = tuple(abs(v - r) for v, r in zip(result.flat, reference.flat, strict=True))
    relative = tuple(
        a / abs(r) if r else (0.0 if a == 0 else math.inf) for a, r in zip(absolute, reference.flat, strict=True)
    )
    ulps = tuple(component_ulps(v, r) for v, r in zip(result.flat, reference.flat, strict=True))
    digits = tuple(correct_digits(r) for r in relative)
    outside = tuple(
        c
        for c, (a, b) in enumerate(zip(absolute, bar, strict=True))
        if not reference.is_odd(c) and (result.is_odd(c) or not a <= b)
    )
    return Row(backend.name, result, bar, absolute, relative, ulps, digits, seconds, outside)


def correct_digits(relative: float) -> float:
    """Significant decimal digits that a relative error leaves correct, between 0 and 16."""
    if relative != relative:
        return math.nan
    return 16.0 if relative == 0 else min(16.0, max(0.0, -math.log10(relative)))


def _bars(task: Task, evaluation: Evaluation, answer: Answer, point: Sequence[float]) -> tuple[float, ...]:
    """The backend's own error bars, or its running rounding bound, or that of the table's program in plain floats."""
    if answer.errors is not None:
        bars = list(answer.errors)
    else:
        bounds = evaluation.bound(point) if isinstance(evaluation, Bounded) else table_bound(task, point)
        bars = [SLACK * b for b in bounds]
        for c, bar in enumerate(bars):
            if not math.isfinite(
                bar
            ):  # overflow on the way: no bound admits anything, so only the last bits are allowed
                bars[c] = SLACK * math.ulp(answer.values[c]) if math.isfinite(answer.values[c]) else 0.0
    factors = task.factors or (1.0,) * len(task.places)
    return tuple(bars[p] * f for p, f in zip(task.places, factors, strict=True))


def _judge(row: Row, reference: Result) -> list[Finding]:
    """The worst finding of each kind about one row."""
    result = row.result
    worst: dict[str, tuple[float, Finding]] = {}

    def note(cause: str, weight: float, evidence: str) -> None:
        if cause not in worst or weight > worst[cause][0]:
            worst[cause] = (weight, Finding(row.backend, cause, evidence))

    for c, label in enumerate(result.labels):
        value, truth = result.flat[c], reference.flat[c]
        there, here = reference.odd.get(c), result.odd.get(c)
        if there is not None and reference.is_odd(c):
            if there.status != "uncertain" and not result.is_odd(c) and math.isfinite(value):
                note(
                    ABSENT,
                    1.0,
                    f"{label} = {value!r}, but the point is {there.status}: {there.message}",
                )
        elif result.is_odd(c) or not math.isfinite(value):
            note("no value", 1.0, f"{label} is {truth!r}; {here.message if here else 'the answer is not finite'}")
        elif c in row.outside:
            far = row.absolute[c] / row.bar[c] if row.bar[c] else math.inf
            evidence = (
                f"{label} = {value!r}, reference {truth!r}: off by {row.absolute[c]:.3g}, "
                f"{'' if math.isinf(far) else f'{far:.3g} times '}the admitted {row.bar[c]:.3g}"
            )
            note("outside its error bar", far, evidence)
        elif truth and row.digits[c] < FEW:
            evidence = f"{label} = {value!r} has {row.digits[c]:.1f} correct digits, and it admits ± {row.bar[c]:.2g}"
            note(LOST, -row.digits[c], evidence)
    return [finding for _, finding in worst.values()]


def _verdict(reference: Result, rows: Sequence[Row], findings: Sequence[Finding]) -> str:
    asked = [row for row in rows if not row.skipped]
    if reference.status == "uncertain" or not asked:
        return "undecided"
    if any(f.cause not in (ABSENT, LOST) for f in findings):
        return "disagree"
    return reference.status if reference.status != "ok" else "agree"


def _pairs(rows: Sequence[Row], reference: Result) -> dict[tuple[str, str], tuple[float, ...]]:
    pairs = {}
    for a, b in combinations(rows, 2):
        if not a.skipped and not b.skipped:
            triples = zip(a.result.flat, b.result.flat, reference.flat, strict=True)
            pairs[a.backend, b.backend] = tuple(_apart(v, w, r) for v, w, r in triples)
    return pairs


def _apart(v: float, w: float, reference: float) -> float:
    """|v − w| in ulps of the reference; NaN where that is no measure, as at a true zero."""
    if v == w:
        return 0.0
    scale = reference if math.isfinite(reference) else v
    return abs(v - w) / math.ulp(scale) if scale else math.nan

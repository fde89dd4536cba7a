"""What charts show: how errors are spread over the backends, and plain differences against their step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING

from diffkit.asking.tasks import Task
from diffkit.core.program import run
from diffkit.core.results import Result
from diffkit.numbers.floats import EPSILON, FLOATS
from diffkit.reports.document import rounded
from diffkit.reports.pictures.charts import Chart, ChartSeries
from diffkit.reports.result_report import components

if TYPE_CHECKING:
    from diffkit.judging.accuracy import AccuracyReport, Score
    from diffkit.judging.comparison import Comparison, Row

EDGES = (0.5, 1.0, 4.0, 100.0, 1e4, 1e8)
BINS = ("≤ ½", "≤ 1", "≤ 4", "≤ 100", "≤ 10⁴", "≤ 10⁸", "more", "no value")
DIGIT_AXIS = tuple(k / 2 for k in range(33))
STEP_AXIS = tuple(2.0**-k for k in range(53))
SMALLEST_DRAWN = 2.0**-55  # where an error of 0 is drawn on a logarithmic axis
CURVES = 4  # partials that one chart can hold
DRAWN_ORDER = 4  # of a plain difference that still shows something


def of_accuracy(report: AccuracyReport) -> Iterator[Chart]:
    """Give the spread of ulps and of correct digits, by backend."""
    counted = [a.backend for a in report.summary if a.components]
    found = {name: [s for s in report.scores if s.backend == name and s.reference != 0] for name in counted}
    if not found:
        return
    spread = tuple(ChartSeries(name, _histogram([s.ulps for s in scores])) for name, scores in found.items())
    about = "How many of the partial derivatives have an error in each range; no value stands apart on the right."
    yield Chart("Error in ulps by method", about, "error in ulps of the reference", "% of partials", BINS, spread)
    reached = tuple(
        ChartSeries(name, tuple(100 * sum(s.digits >= d for s in scores) / len(scores) for d in DIGIT_AXIS))
        for name, scores in found.items()
    )
    about = "How many of the partial derivatives have at least so many correct digits; higher is better."
    yield Chart("Correct digits by method", about, "correct significant digits", "% of partials", DIGIT_AXIS, reached)
    yield from _along(report, counted)


def _along(report: AccuracyReport, backends: Sequence[str]) -> Iterator[Chart]:
    """Give the digits along a line of points: one task, one coordinate that moves, and only upwards."""
    first = report.outcomes[0].case
    if any(outcome.case.task is not first.task for outcome in report.outcomes):
        return
    moving = [i for i in range(len(first.point)) if any(o.case.point[i] != first.point[i] for o in report.outcomes)]
    if len(moving) != 1:
        return
    name = first.task.variables[moving[0]]
    places = tuple(outcome.case.point[moving[0]] for outcome in report.outcomes)
    if any(b <= a for a, b in pairwise(places)):
        return
    series = tuple(
        ChartSeries(backend, tuple(_fewest(outcome.scores, backend) for outcome in report.outcomes))
        for backend in backends
    )
    about = (
        f"Correct digits of the worst partial at each {name}; a gap is a point without a derivative, or a true zero."
    )
    yield Chart(f"Correct digits along {name}", about, name, "correct digits", places, series)


def _fewest(scores: Sequence[Score], backend: str) -> float:
    return min((s.digits for s in scores if s.backend == backend and s.reference != 0), default=math.nan)


def _histogram(ulps: Sequence[float]) -> tuple[float, ...]:
    counts = [0] * len(BINS)
    for u in ulps:
        counts[-1 if math.isinf(u) else next((k for k, edge in enumerate(EDGES) if u <= edge), len(EDGES))] += 1
    return tuple(100 * count / len(ulps) for count in counts)


def of_comparison(comparison: Comparison, task: Task | None) -> Iterator[Chart]:
    """Give the digits of each backend, and the error of plain central differences against their step."""
    reference = comparison.reference
    usable = [c for c in components(reference) if not reference.is_odd(c) and reference.flat[c]]
    asked = [row for row in comparison.rows if not row.skipped]
    if not usable or not asked:
        return
    labels = tuple(reference.labels[c] for c in usable)
    series = tuple(ChartSeries(row.backend, tuple(row.digits[c] for c in usable)) for row in asked)
    about = "Correct significant digits of each method, of about 16 that binary64 can hold."
    yield Chart("Correct digits by method", about, "partial derivative", "correct digits", labels, series)
    if task is None or not 1 <= task.order <= DRAWN_ORDER:
        return
    curves = {reference.labels[c]: _curve(task, c, reference) for c in usable[:CURVES]}
    known = {label: errors for label, errors in curves.items() if any(e == e for e in errors)}
    if known:
        chart = step_chart(known, task.order, _engine(asked, usable))
        yield chart._replace(about=f"{chart.about} The first {CURVES} partials.") if len(usable) > CURVES else chart


def _curve(task: Task, c: int, reference: Result) -> list[float]:
    """Relative error of the central difference of component c at every step; NaN where f has no value."""
    output, index = task.indices[task.places[c]]
    point = [reference.at[name] for name in reference.variables]
    full = (*point, *task.extras)
    truth = reference.flat[c] / (float(task.factors[c]) if task.factors else 1.0)

    def f(place: Sequence[float]) -> float:
        return float(run(task.program, FLOATS, place)[output])

    errors = [abs(central(f, full, index, h) - truth) / abs(truth) for h in STEP_AXIS]
    return [max(error, SMALLEST_DRAWN) if math.isfinite(error) else math.nan for error in errors]


def _engine(rows: Sequence[Row], usable: Sequence[int]) -> float:
    """Relative error of the finite backend, if only one partial is drawn and it has a value."""
    found = [row.relative[usable[0]] for row in rows if row.backend == "finite"]
    return max(found[0], SMALLEST_DRAWN) if len(usable) == 1 and found and found[0] == found[0] else math.nan


def step_chart(curves: Mapping[str, Sequence[float]], order: int, engine: float = math.nan) -> Chart:
    """Draw relative errors against the steps ``STEP_AXIS``; ``engine`` is the error of extrapolated differences."""
    series = []
    for name, errors in curves.items():
        least, best = min(zip(errors, STEP_AXIS, strict=True), key=_smallest)
        series.append(ChartSeries(f"{name}, best at h = {rounded(best)}", tuple(errors), (best, least)))
    if engine == engine:
        series.append(ChartSeries("what the finite backend makes of it", (engine,) * len(STEP_AXIS)))
    optimum = EPSILON ** (1 / (order + 2))
    about = (
        "Relative error of one plain central difference: too large a step h cuts the Taylor series too early, too "
        f"small a one divides the rounding of f by h. The textbook step is ε^(1/{order + 2}) = {rounded(optimum)}."
    )
    label = "step h, as a part of |x| (of 1 where x = 0)"
    marks = ((optimum, "textbook step"),)
    title = "Error of plain differences against the step"
    return Chart(title, about, label, "relative error", STEP_AXIS, tuple(series), True, marks)


def _smallest(pair: tuple[float, float]) -> float:
    return pair[0] if pair[0] == pair[0] else math.inf


def central(f: Callable[[Sequence[float]], float], point: Sequence[float], index: Sequence[int], h: float) -> float:
    """(2h)⁻ⁿ Σ ± f(x ± h ± … ± h), the central difference of order n along the inputs of ``index``."""
    total = 0.0
    scales = [abs(point[i]) or 1.0 for i in index]
    for signs in product((1.0, -1.0), repeat=len(index)):
        moved = list(point)
        for sign, i, scale in zip(signs, index, scales, strict=True):
            moved[i] += sign * h * scale
        total += math.prod(signs) * f(moved)
    return total / math.prod(2 * h * scale for scale in scales)

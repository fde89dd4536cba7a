"""Charts of reports: what they show, and their drawing as SVG by matplotlib, in the colours of the page."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.asking.tasks import Task
from diffkit.core.program import run
from diffkit.core.results import Result
from diffkit.core.surroundings import unwarned
from diffkit.judging.tally import DIGIT_STEPS
from diffkit.numbers.floats import EPSILON, FLOATS
from diffkit.reports.document import rounded
from diffkit.reports.pictures import DASHES, INSTALL
from diffkit.reports.result_report import components

if TYPE_CHECKING:
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.comparison import Comparison, Row
    from diffkit.judging.outcomes import Score
    from diffkit.judging.tally import BackendTally


NO_FIGURES = f"The figures need matplotlib, which is not installed; {INSTALL}."
_INK = "#010203"  # drawn in this, it becomes the page's own text colour
_SERIES_COLOURS = tuple(f"#0{k}0f0{k}" for k in range(1, 6))  # likewise the page's --series-1 …
_LEVEL_LABELS = 8  # words that fit side by side under an axis
_CHART_STYLE = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "text.color": _INK, "axes.labelcolor": _INK,
    "axes.edgecolor": _INK, "xtick.color": _INK, "ytick.color": _INK, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False, "path.simplify": False,
}  # fmt: skip


class ChartSeries(NamedTuple):
    """One line, or one set of bars; a NaN is a gap. ``dot`` is a place (x, y) on the line to point out."""

    name: str
    y: tuple[float, ...]
    dot: tuple[float, float] | None = None


class Chart(NamedTuple):
    """What a figure shows: lines over numbers ``x`` (both axes logarithmic if ``log``), or bars over words.

    ``about`` says in words what is to be seen; ``marks`` are places on the x axis with a word each.
    """

    title: str
    about: str
    x_label: str
    y_label: str
    x: tuple[float | str, ...]
    series: tuple[ChartSeries, ...]
    log: bool = False
    marks: tuple[tuple[float, str], ...] = ()


def svg(chart: Chart, name: str) -> str | None:
    """Draw a chart as an SVG element whose ids begin with ``name``; None without matplotlib.

    Colours are the page's: ``currentColor`` and the custom properties ``--series-1`` to ``--series-5``. Lines differ
    by dashes too, and bars stand in the order of the legend, so that no one has to tell colours apart.
    Settings of matplotlib are its own globals while it draws: one thread at a time.
    """
    try:
        with unwarned():
            import matplotlib as mpl
            from matplotlib.figure import Figure
    except ImportError:
        return None
    import io

    stream = io.StringIO()
    with mpl.rc_context({**_CHART_STYLE, "svg.hashsalt": name}), unwarned():  # of letters that its own font lacks
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        (_bars if isinstance(chart.x[0], str) else _lines)(axes, chart)
        axes.set_xlabel(chart.x_label)
        axes.set_ylabel(chart.y_label)
        axes.grid(axis="y", color=_INK, alpha=0.15, linewidth=0.6)
        axes.set_axisbelow(True)
        if len(chart.series) > 1 or chart.marks:
            figure.legend(loc="outside upper left", ncols=2 if chart.marks else 5)
        figure.savefig(
            stream, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return _inline(stream.getvalue(), chart, name)


def _lines(axes: Any, chart: Chart) -> None:
    for k, series in enumerate(chart.series):
        axes.plot(
            chart.x, series.y, linestyle=DASHES[k % 5], color=_SERIES_COLOURS[k % 5], label=series.name, linewidth=1.6
        )
        if series.dot is not None:
            axes.plot(*series.dot, "o", color=_SERIES_COLOURS[k % 5])
    for k, (place, word) in enumerate(chart.marks):
        axes.axvline(place, color=_INK, linewidth=1, linestyle=DASHES[3 - k % 2], label=word)
    if chart.log:
        axes.set_xscale("log")
        axes.set_yscale("log")


def _bars(axes: Any, chart: Chart) -> None:
    width = 0.8 / len(chart.series)
    for k, series in enumerate(chart.series):
        left = [i + (k - (len(chart.series) - 1) / 2) * width for i in range(len(chart.x))]
        heights = [0.0 if math.isnan(y) else y for y in series.y]
        axes.bar(left, heights, width * 0.92, color=_SERIES_COLOURS[k % 5], label=series.name)
    axes.set_xticks(range(len(chart.x)), chart.x, rotation=90 if len(chart.x) > _LEVEL_LABELS else 0)


def _inline(text: str, chart: Chart, name: str) -> str:
    """Make matplotlib's file an element of a page: own ids, the page's colours, a title and a description."""
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace(_INK, "currentColor")
    for k, colour in enumerate(_SERIES_COLOURS, 1):
        text = text.replace(colour, f"var(--series-{k})")
    opening, _, rest = text.partition(">")
    opening = re.sub(r' (width|height|version)="[^"]*"', "", opening)
    spoken = f"<title>{escape(chart.title)}</title><desc>{escape(chart.about)}</desc>"
    return f'{opening} role="img" aria-label="{escape(chart.title)}">{spoken}{rest}'


_EDGES = (0.5, 1.0, 4.0, 100.0, 1e4, 1e8)
_BINS = ("≤ ½", "≤ 1", "≤ 4", "≤ 100", "≤ 10⁴", "≤ 10⁸", "more", "no value")
_DIGIT_AXIS = tuple(k / DIGIT_STEPS for k in range(16 * DIGIT_STEPS + 1))
STEP_AXIS = tuple(2.0**-k for k in range(53))
_SMALLEST_DRAWN = 2.0**-55  # where an error of 0 is drawn on a logarithmic axis
_CURVES = 4  # partials that one chart can hold
_DRAWN_ORDER = 4  # of a plain difference that still shows something


def of_accuracy(report: AccuracyReport) -> Iterator[Chart]:
    """Give the spread of ulps and of correct digits, by backend."""
    tallies = report.tally.backends
    found = {name: tallies[name] for name in report.backends if name in tallies and tallies[name].components}
    if not found:
        return
    spread = tuple(ChartSeries(name, _histogram(of)) for name, of in found.items())
    about = "How many of the partial derivatives have an error in each range; no value stands apart on the right."
    yield Chart("Error in ulps by method", about, "error in ulps of the reference", "% of partials", _BINS, spread)
    reached = tuple(
        ChartSeries(name, tuple(100 * sum(of.digit_bins[k:]) / of.components for k in range(len(_DIGIT_AXIS))))
        for name, of in found.items()
    )
    about = "How many of the partial derivatives have at least so many correct digits; higher is better."
    yield Chart("Correct digits by method", about, "correct significant digits", "% of partials", _DIGIT_AXIS, reached)
    if report.outcomes:
        yield from _along(report, list(found))


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


def _histogram(of: BackendTally) -> tuple[float, ...]:
    """The parts of the components between edges, beyond the last one, and without a value."""
    below = [of.within(edge) * of.components for edge in _EDGES]
    counts = [*(high - low for low, high in pairwise([0.0, *below])), of.components - below[-1] - of.ulps.infinite]
    return tuple(100 * count / of.components for count in (*counts, of.ulps.infinite))


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
    if task is None or not 1 <= task.order <= _DRAWN_ORDER:
        return
    curves = {reference.labels[c]: _curve(task, c, reference) for c in usable[:_CURVES]}
    known = {label: errors for label, errors in curves.items() if any(e == e for e in errors)}
    if known:
        chart = _step_chart(known, task.order, _engine(asked, usable))
        yield chart._replace(about=f"{chart.about} The first {_CURVES} partials.") if len(usable) > _CURVES else chart


def _curve(task: Task, c: int, reference: Result) -> list[float]:
    """Relative error of the central difference of component c at every step; NaN where f has no value."""
    output, index = task.indices[task.places[c]]
    point = [reference.at[name] for name in reference.variables]
    full = (*point, *task.extras)
    truth = reference.flat[c] / (float(task.factors[c]) if task.factors else 1.0)

    def f(place: Sequence[float]) -> float:
        return float(run(task.program, FLOATS, place)[output])

    errors = [abs(central(f, full, index, h) - truth) / abs(truth) for h in STEP_AXIS]
    return [max(error, _SMALLEST_DRAWN) if math.isfinite(error) else math.nan for error in errors]


def _engine(rows: Sequence[Row], usable: Sequence[int]) -> float:
    """Relative error of the finite backend, if only one partial is drawn and it has a value."""
    found = [row.relative[usable[0]] for row in rows if row.backend == "finite"]
    return max(found[0], _SMALLEST_DRAWN) if len(usable) == 1 and found and found[0] == found[0] else math.nan


def _step_chart(curves: Mapping[str, Sequence[float]], order: int, engine: float = math.nan) -> Chart:
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

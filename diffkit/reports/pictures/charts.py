"""Charts of reports and their drawing as SVG by matplotlib, in the colours of the page."""

from __future__ import annotations

import math
import re
from html import escape
from typing import Any, NamedTuple

from diffkit.core.surroundings import unwarned
from diffkit.reports.pictures import DASHES, INSTALL

NO_FIGURES = f"The figures need matplotlib, which is not installed; {INSTALL}."
INK = "#010203"  # drawn in this, it becomes the page's own text colour
SERIES_COLOURS = tuple(f"#0{k}0f0{k}" for k in range(1, 6))  # likewise the page's --series-1 …
LEVEL_LABELS = 8  # words that fit side by side under an axis
CHART_STYLE = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
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
    with mpl.rc_context({**CHART_STYLE, "svg.hashsalt": name}), unwarned():  # of letters that its own font lacks
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        (_bars if isinstance(chart.x[0], str) else _lines)(axes, chart)
        axes.set_xlabel(chart.x_label)
        axes.set_ylabel(chart.y_label)
        axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
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
            chart.x, series.y, linestyle=DASHES[k % 5], color=SERIES_COLOURS[k % 5], label=series.name, linewidth=1.6
        )
        if series.dot is not None:
            axes.plot(*series.dot, "o", color=SERIES_COLOURS[k % 5])
    for k, (place, word) in enumerate(chart.marks):
        axes.axvline(place, color=INK, linewidth=1, linestyle=DASHES[3 - k % 2], label=word)
    if chart.log:
        axes.set_xscale("log")
        axes.set_yscale("log")


def _bars(axes: Any, chart: Chart) -> None:
    width = 0.8 / len(chart.series)
    for k, series in enumerate(chart.series):
        left = [i + (k - (len(chart.series) - 1) / 2) * width for i in range(len(chart.x))]
        heights = [0.0 if math.isnan(y) else y for y in series.y]
        axes.bar(left, heights, width * 0.92, color=SERIES_COLOURS[k % 5], label=series.name)
    axes.set_xticks(range(len(chart.x)), chart.x, rotation=90 if len(chart.x) > LEVEL_LABELS else 0)


def _inline(text: str, chart: Chart, name: str) -> str:
    """Make matplotlib's file an element of a page: own ids, the page's colours, a title and a description."""
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace(INK, "currentColor")
    for k, colour in enumerate(SERIES_COLOURS, 1):
        text = text.replace(colour, f"var(--series-{k})")
    opening, _, rest = text.partition(">")
    opening = re.sub(r' (width|height|version)="[^"]*"', "", opening)
    spoken = f"<title>{escape(chart.title)}</title><desc>{escape(chart.about)}</desc>"
    return f'{opening} role="img" aria-label="{escape(chart.title)}">{spoken}{rest}'

"""Curves of functions of one variable, with tangents, never across a pole; the V-curve; and heights over two.

A contour map and a surface both say the same without colour.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from diffkit.asking.points import number
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import open_places
from diffkit.core.builder import ProgramBuilder
from diffkit.core.errors import DiffkitError
from diffkit.core.program import Program, run
from diffkit.lessons.quotients import QUOTIENT_KINDS, quotients
from diffkit.lessons.shown_numbers import surely_not_zero
from diffkit.numbers.floats import FLOATS
from diffkit.reports.pictures import COLOURS, canvas, in_one_look, legend, panels, style

if TYPE_CHECKING:
    from diffkit.lessons.quotients import Quotients
    from diffkit.lessons.tangents import Tangent


_CURVE_SAMPLES = 801
_BULK = (0.1, 1.5)
"""quantile at which the bulk of the values begins and ends, and how far beyond, in its height, a picture reaches"""
_NEAR_POLES = (0.2, 0.5)
"""the same where the graph runs off to infinity"""
_BREAK_KINDS = ("pole", "jump")
TURNING = (*_BREAK_KINDS, "kink", "edge")
_REACH = 2.0  # from the point, where no interval is given
_REACH_HALVINGS = 11  # of that reach, at most
_RISE_RATIO = 4.0  # times as much as its tangent that f may change, or the other way round, where the interval is free
_FINER = 4  # steps of a picture for each power of ten


@in_one_look
def picture_of_tangent(tangent: Tangent, interval: tuple[float, float] | None = None) -> Any:
    """Draw f with its tangent at a point of one variable, and below it f′, whose height there is the tangent's slope.

    Without an interval it reaches 2 to both sides, or less far where f or the tangent would look flat beside the other.
    """
    program = tangent.program
    if len(program.inputs) != 1:
        raise DiffkitError("a tangent is drawn for one variable", hint="the picture of a surface is a contour map")
    (name, a), *_ = tangent.at.items()
    height, lines = tangent.value.value, _lines(tangent)
    low, high = interval or _around(program, a, max((abs(slope) for slope, _, _ in lines), default=0.0))
    x = points(low, high, a)
    values, slopes = values_of(program, x), values_of(derivative_program(program, [(0, (0,))]), x)
    if not any(map(math.isfinite, values)):
        raise DiffkitError(f"f has no value between {low:g} and {high:g}", hint="choose another interval")
    slopes = [slope if math.isfinite(v) else math.nan for slope, v in zip(slopes, values, strict=True)]
    figure, ((upper,), (lower,)) = panels(2, 1, 7.2, 6.4, sharex=True)
    broken = breaks(program, x)
    upper.plot(*with_gaps(x, values, broken), label=f"f({name})", **style(0))
    lower.plot(*with_gaps(x, slopes, breaks(program, x, TURNING)), label=f"f′({name}), the slope of f", **style(2))
    ends: list[float] = []
    for k, (slope, side, label) in enumerate(lines):
        sides = [low, high] if side == 0 else [a, high] if side > 0 else [low, a]
        line = [height + slope * (end - a) for end in sides]
        upper.plot(sides, line, label=label, **style(1 if k == 0 else 3))
        lower.plot([a], [slope], "o" if side == 0 else "<>"[side > 0], color=style(1 if k == 0 else 3)["color"])
        ends += line
    if math.isfinite(height):
        upper.plot([a], [height], "o", color=COLOURS[1], markersize=6, zorder=5)
    upper.set_title(f"f({name}) = {_shortened(tangent.f)}")
    upper.set_xlim(low, high)
    upper.set_ylabel(f"f({name})")
    lower.set_ylabel(f"f′({name})")
    lower.set_xlabel(name)
    frame(upper, values, any(broken), [height], ends)
    frame(lower, slopes, any(broken), [slope for slope, _, _ in lines])
    legend(figure)
    return figure


def _around(program: Program, a: float, slope: float) -> tuple[float, float]:
    """An interval in which f changes about as much as its tangent does, if there is one; the usual one otherwise."""
    for k in range(_REACH_HALVINGS):
        reach = _REACH / 2**k
        low, high = _range(values_of(program, points(a - reach, a + reach)), *_BULK)
        rise = 2 * reach * slope
        if rise / _RISE_RATIO <= high - low <= rise * _RISE_RATIO:
            return a - reach, a + reach
    return a - _REACH, a + _REACH


def _lines(tangent: Tangent) -> list[tuple[float, int, str]]:
    """The tangent, or at a kink both half-tangents: slope, side and name."""
    (a,) = tangent.at.values()
    if tangent.derivative.ok:
        slope = tangent.slopes[0].value
        return [(slope, 0, f"tangent at {a:.4g}: slope {slope:.4g}")]
    odd = tangent.derivative.odd[0]
    if not math.isfinite(tangent.value.value):
        return []
    sides = ((odd.left, -1, "left"), (odd.right, 1, "right"))
    return [(slope, side, f"from the {word}: slope {slope:.4g}") for slope, side, word in sides if math.isfinite(slope)]


def points(low: float, high: float, *among: float) -> list[float]:
    """Evenly spread places in an interval, and some that must be among them."""
    if not low < high:
        raise DiffkitError(f"the interval from {low:g} to {high:g} is empty", hint="write it as -1:1")
    even = [low + (high - low) * k / (_CURVE_SAMPLES - 1) for k in range(_CURVE_SAMPLES)]
    return sorted({*even, *(a for a in among if low <= a <= high)})


def values_of(program: Program, x: Sequence[float]) -> list[float]:
    """The first output in binary64 at places of the only variable; NaN where it is not finite."""
    found = [float(run(program, FLOATS, [place])[0]) for place in x]
    return [v if math.isfinite(v) else math.nan for v in found]


def breaks(program: Program, x: Sequence[float], kinds: Collection[str] = _BREAK_KINDS) -> list[bool]:
    """Say for each pair of neighbours whether a pole or a jump may lie between: there a graph must not be joined.

    Each of them is where a margin of the table is zero, so the pen is lifted wherever interval arithmetic does not
    prove a margin to be nowhere zero from one place to the next. Of a derivative, kinks count too (``TURNING``).
    """
    builder = ProgramBuilder.of(program)
    slots = [margin for _, place, margin in open_places(program, builder) if place.kind in kinds]
    margins = [builder.program([slot], program.inputs) for slot in slots]
    return [any(not surely_not_zero(m, a, b) for m in margins) for a, b in pairwise(x)]


def with_gaps(x: Sequence[float], y: Sequence[float], broken: Sequence[bool]) -> tuple[list[float], list[float]]:
    """Give the places and values with a NaN wherever the pen is lifted."""
    places, values = [x[0]], [y[0]]
    for k, lifted in enumerate(broken, 1):
        if lifted:
            places.append(math.nan)
            values.append(math.nan)
        places.append(x[k])
        values.append(y[k])
    return places, values


def frame(axes: Any, curve: Sequence[float], broken: bool, shown: Sequence[float], line: Sequence[float] = ()) -> None:
    """Choose the height of a picture: a curve, or its bulk where it runs off, with some values and much of a line."""
    low, high = _range(curve, *(_NEAR_POLES if broken else _BULK))
    spread = (high - low) / 2
    within = [min(max(v, low - spread), high + spread) for v in line]
    kept = [v for v in (low, high, *within, *shown) if math.isfinite(v)]
    bottom, top = min(kept), max(kept)
    room = 0.06 * (top - bottom) or 1.0
    axes.set_ylim(bottom - room, top + room)


def _range(curve: Sequence[float], tail: float, beyond: float) -> tuple[float, float]:
    """From the lowest to the highest value, less of the tails what lies far beyond the bulk."""
    known = sorted(v for v in curve if math.isfinite(v))
    if not known:
        return 0.0, 0.0
    low, high = (known[round(q * (len(known) - 1))] for q in (tail, 1 - tail))
    spread = beyond * (high - low)
    return max(known[0], low - spread), min(known[-1], high + spread)


def _shortened(text: str, most: int = 60) -> str:
    """Cut a formula for a title."""
    return text if len(text) <= most else text[: most - 1] + "…"


def read_interval(text: str) -> tuple[float, float]:
    """Read ``-1:1``; DiffkitError unless these are two numbers in order."""
    low, colon, high = text.partition(":")
    if not colon:
        raise DiffkitError(f"{text!r} is not an interval", hint="write it as -1:1")
    found = number(low, "from"), number(high, "to")
    if not found[0] < found[1]:
        raise DiffkitError(f"the interval from {found[0]:g} to {found[1]:g} is empty", hint="the smaller number first")
    return found


def picture_of_finer(found: Quotients, f: Any, at: Any, options: dict[str, Any]) -> Any:
    """Draw quotients at more steps than a table has, from the largest to the least of those that were found."""
    largest, least = found.steps[0].h, found.steps[-1].h
    count = round(_FINER * math.log10(largest / least))
    steps = [largest * 10 ** (-k / _FINER) for k in range(count + 1)]
    return picture_of_quotients(quotients(f, at, steps=steps, **options))


@in_one_look
def picture_of_quotients(found: Quotients) -> Any:
    """Draw the size of each quotient's error, the parts of the forward one, and where theory puts the best step."""
    where = f"{found.variable} = {found.at[found.variable]:.4g}"
    title = f"Difference quotients of {found.f if len(found.f) < 40 else 'f'} at {where}"
    figure, axes = canvas(title, "step h", f"|quotient − {found.label}|")
    steps = [s.h for s in found.steps]
    drawn = [kind for kind in QUOTIENT_KINDS if any(_size(q.error) > 0 for q in found.of(kind))]
    if not drawn:
        raise DiffkitError(
            "there is no error to draw: it is zero at every step, or the quotients tend to nothing",
            hint="the table shows the quotients",
        )
    for kind in drawn:
        axes.plot(steps, [_size(q.error) for q in found.of(kind)], label=kind, **style(QUOTIENT_KINDS.index(kind)))
    first = found.of(drawn[0])
    parts = (("truncation", [_size(q.truncation) for q in first]), ("round-off", [_size(q.roundoff) for q in first]))
    for k, (name, sizes) in enumerate(parts):
        axes.plot(steps, sizes, color="0.55", linewidth=0.9, linestyle=(":", "--")[k], label=f"{name} ({drawn[0]})")
    for kind in dict.fromkeys(("forward" if "forward" in drawn else drawn[0], drawn[-1])):
        best = found.best(kind)
        if best is not None and math.isfinite(best.expected):
            axes.axvline(best.expected, color=style(QUOTIENT_KINDS.index(kind))["color"], linewidth=0.8, alpha=0.6)
            axes.annotate(
                f" theory, {kind}:\n h = {best.expected:.1e}", (best.expected, 1.0), xycoords=("data", "axes fraction"),
                va="top", fontsize=8, color=style(QUOTIENT_KINDS.index(kind))["color"],
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    legend(figure, 3)
    return figure


def _size(error: float) -> float:
    """The size of an error as a logarithmic axis can show it."""
    return abs(error) if math.isfinite(error) and error else math.nan


_LEVELS = 26
_TICKS = 6  # along the longer side, at most
_OBLONG = 4.0  # times as long as wide, up to which a map has one scale for both axes
_NARROWEST_PAGE, _TALL, _LEGEND_INCHES, _LETTER = 4.9, 3.5, 1.9, 0.09
"""inches: a page that the legend fits on, the height of a map, what stands beside it, a letter of a title"""
_ASKEW = "the axes differ in scale: right angles do not look right"


def contour_map(figure: Any, axes: Any, x: Any, y: Any, z: Any, label: str, low: Iterable[float] = ()) -> None:
    """Draw areas that are darker where z is higher, and the lines between them; ``low`` are known low values of z.

    ``x`` and ``y`` are the places along the sides, z has a row for each y. Both axes have one scale, so that lines at
    right angles look so, unless the map would be a strip: then the title says it.
    """
    levels = _levels(z, low)
    if len(levels) > 1:
        areas = axes.contourf(x, y, z, levels=levels, cmap="Greys", alpha=0.45, extend="both")
        with warnings.catch_warnings(action="ignore"):  # Matplotlib below 3.11 cannot, and says so
            areas.set_rasterized(True)  # as paths, the areas are most of a large file
        axes.contour(x, y, z, levels=levels[::2], colors="0.35", linewidths=0.7)
        tiny = 1e-9 * max(map(abs, levels))  # so that rounding about 0 is not printed
        bar = figure.colorbar(areas, ax=axes, label=label, ticks=levels[::5])
        bar.ax.set_yticks(levels[::5], [f"{0 if abs(v) < tiny else v:.3g}" for v in levels[::5]])
        bar.ax.grid(False)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    axes.grid(False)
    oblong = (y[-1] - y[0]) / (x[-1] - x[0])
    if 1 / _OBLONG <= oblong <= _OBLONG:
        axes.set_aspect("equal")
        needed = max(_NARROWEST_PAGE, _LETTER * len(axes.get_title()), _LEGEND_INCHES + _TALL / oblong)
        figure.set_figwidth(min(figure.get_figwidth(), needed))  # no empty paper beside a narrow map
        axes.locator_params(axis="x", nbins=max(2, round(_TICKS / max(1, oblong))))
        axes.locator_params(axis="y", nbins=max(2, round(_TICKS * min(1, oblong))))
    else:
        axes.set_title(f"{axes.get_title()}\n{_ASKEW}")


def surface(axes: Any, x: Any, y: Any, z: Any) -> None:
    """Draw z as a surface over the same places; what lies on it shines through."""
    import numpy as np

    axes.plot_surface(*np.meshgrid(x, y), z, cmap="cividis", alpha=0.7, linewidth=0, rstride=1, cstride=1,
                      rasterized=True)  # fmt: skip
    axes.set_box_aspect(None, zoom=0.85)
    axes.locator_params(nbins=5)
    axes.zaxis.labelpad = 10


def _levels(z: Any, low: Iterable[float]) -> list[float]:
    """Levels of contours: closer together towards a minimum, and where most values are low, so that valleys show."""
    import numpy as np

    known = z[np.isfinite(z)]
    if not known.size:
        return []
    minima = [v for v in low if math.isfinite(v)]
    bottom = min([float(np.percentile(known, 0.5)), *minima])
    top = float(np.percentile(known, 99))
    skewed = float(np.median(known)) - bottom < (top - bottom) / 4
    steps = np.linspace(0, 1, _LEVELS) ** (3 if skewed else 2 if bottom in minima else 1)
    return sorted({float(v) for v in bottom + (top - bottom) * steps})

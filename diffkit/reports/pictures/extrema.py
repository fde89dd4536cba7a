"""Stationary points in a picture: the curve of one variable, the contours of two, with the points marked by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffkit.asking.expressions import parse
from diffkit.core.errors import BackendError
from diffkit.lessons.stationary_points.points_found import StationaryPoint, StationaryPoints
from diffkit.reports.pictures import COLOURS, canvas, in_one_look, legend, style
from diffkit.reports.pictures.curves import contour_map

_CURVE_PLACES = 801  # places of a curve
_GRID = 121  # places along each side of the contours
_ANNOTATED_POINTS = 6  # points that the curve is annotated at
_CUT_OFF = 40.0  # middle halves of the values beyond which a curve is cut off, as near a pole
_MARKS = {
    "minimum": ("v", COLOURS[0]), "maximum": ("^", COLOURS[1]), "saddle": ("X", COLOURS[2]),
    "inflection": ("D", COLOURS[3]), "degenerate": ("s", COLOURS[4]),
}  # fmt: skip
"""Marker and colour by kind."""


@in_one_look
def picture(found: StationaryPoints) -> Any:
    """Draw f and its stationary points; BackendError for more than two variables, or without matplotlib."""
    if len(found.variables) > 2:
        raise BackendError(
            f"a picture of {len(found.variables)} variables cannot be drawn", hint="one or two can; leave out --save"
        )
    return _curve(found) if len(found.variables) == 1 else _contours(found)


def _values(found: StationaryPoints, places: Sequence[Any]) -> Any:
    """Values of f at arrays of coordinates; NaN where there is none."""
    import numpy as np

    from diffkit.core.program import run
    from diffkit.numbers.arrays import ARRAYS

    program = parse(found.expression, found.variables).program
    with np.errstate(all="ignore"):
        values = run(program, ARRAYS, places)[0]
    values = np.broadcast_to(np.asarray(values, dtype=float), places[0].shape)
    return np.where(np.isfinite(values), values, np.nan)


def _curve(found: StationaryPoints) -> Any:
    import numpy as np

    ((name, (low, high)),) = found.box.items()
    x = np.linspace(low, high, _CURVE_PLACES)
    y = _values(found, [x])
    figure, axes = canvas(_title(found), name, f"f({name})")
    axes.plot(x, y, **style(0), zorder=1)
    bounds = _bounds(y)
    if bounds is not None:
        axes.set_ylim(*bounds)
    for region in found.regions:
        side = region.ranges[name]
        axes.axvspan(*side, color="0.85", zorder=0, label=_region_label(found, region))
    _mark(axes, [(p, p.at[name], p.value) for p in found.points])
    axes.set_xlim(low, high)
    if len(found.points) <= _ANNOTATED_POINTS:
        _annotate(axes, found)
    legend(figure, 3)
    return figure


def _annotate(axes: Any, found: StationaryPoints) -> None:
    """Write f″ at each point, where there is one."""
    axes.margins(y=0.12)
    for point in found.points:
        for bend in point.eigenvalues:
            above = bend < 0
            axes.annotate(
                f"f″ = {bend:.3g}", (*point.point, point.value), xytext=(0, 10 if above else -10),
                textcoords="offset points", ha="center", va="bottom" if above else "top", fontsize=9,
            )  # fmt: skip


def _bounds(y: Any) -> tuple[float, float] | None:
    """Where to cut a curve that runs away; None if it does not."""
    import numpy as np

    known = y[np.isfinite(y)]
    if not known.size:
        return None
    first, last = np.percentile(known, [25, 75])
    middle = last - first
    if middle == 0 or known.max() - known.min() <= _CUT_OFF * middle:
        return None
    low, high = max(known.min(), first - 3 * middle), min(known.max(), last + 3 * middle)
    return float(low), float(high)


def _contours(found: StationaryPoints) -> Any:
    import numpy as np

    (a, (left, right)), (b, (low, high)) = found.box.items()
    sides = np.linspace(left, right, _GRID), np.linspace(low, high, _GRID)
    z = _values(found, np.meshgrid(*sides))
    figure, axes = canvas(_title(found), a, b)
    contour_map(figure, axes, sides[0], sides[1], z, f"f({a}, {b})", [p.value for p in found.points])
    for region in found.regions:
        (x0, x1), (y0, y1) = (region.ranges[n] for n in (a, b))
        from matplotlib.patches import Rectangle

        axes.add_patch(
            Rectangle(
                (x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=COLOURS[3], linestyle="--",
                label=_region_label(found, region),
            )
        )  # fmt: skip
    _mark(axes, [(p, p.at[a], p.at[b]) for p in found.points])
    legend(figure, 3)
    return figure


def _region_label(found: StationaryPoints, region: Any) -> str:
    """The name of a kind of region in the legend, once."""
    words = {"flat": "flat", "curve": "curve of stationary points within", "kinks": "kinks, undecided",
             "edge": "edge of the domain", "undecided": "undecided"}  # fmt: skip
    first = next(r for r in found.regions if r.kind == region.kind)
    return words[region.kind] if first is region else "_"


def _title(found: StationaryPoints) -> str:
    text = f"f = {found.expression}"
    return text if len(text) <= 70 else f"{text[:69]}…"


def _mark(axes: Any, places: list[tuple[StationaryPoint, float, float]]) -> None:
    """Mark the points; a global extreme is larger, with a ring, and what is only numeric is hollow."""
    labels: set[str] = set()
    for point, x, y in places:
        marker, colour = _MARKS[point.kind.split()[-1]]
        scope = {True: "global ", False: "local ", None: ""}[point.is_global]
        label = f"{scope}{point.kind}{' (numeric)' if point.proof == 'numeric' else ''}"
        axes.scatter(
            [x], [y], s=110 if point.is_global else 60, marker=marker, zorder=3, linewidths=1.2,
            facecolors="none" if point.proof == "numeric" else colour,
            edgecolors=colour if point.proof == "numeric" else "black" if point.is_global else "white",
            label="_" if label in labels else label, clip_on=False,
        )  # fmt: skip
        labels.add(label)

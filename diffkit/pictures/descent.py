"""Pictures of a descent: the contours or the surface of the cost with the path, loss curves, one weight at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.errors import DiffkitError, did_you_mean
from diffkit.pictures import COLOURS, canvas, empty, style

if TYPE_CHECKING:
    from diffkit.learn.gradient_descent.descent import Descent

FINE, COARSE = 121, 51  # places along each axis of contours, and of a surface
LINE = 121  # places along one weight
ROOM = 0.25  # of the extent of the path that is left free around it
PANELS = 6  # weights that are drawn
DOTS = 60  # steps that are marked
ESCAPING = 12  # points of a diverging path that are drawn: the later ones would dwarf them


def picture(descent: Descent, kind: str | None = None) -> Any:
    """Draw a descent: contours with the path where there are two weights, the loss curve otherwise, unless told."""
    if kind is None:
        kind = "contours" if len(descent.names) == 2 else "loss"
    if kind not in PICTURES:
        hint = did_you_mean(kind, PICTURES) or f"there are {', '.join(PICTURES)}"
        raise DiffkitError(f"unknown picture {kind!r}", hint=hint)
    return PICTURES[kind](descent)


def contours(descent: Descent) -> Any:
    """Lines of equal cost over two weights, and the path across them."""
    import numpy as np

    xs, ys, heights, (i, j) = _surface(descent, FINE)
    figure, axes = canvas(f"Path of {descent.steps} steps: {descent.status}", descent.names[i], descent.names[j])
    levels = _levels(heights)
    drawn = axes.contour(xs, ys, heights, levels=levels, cmap="viridis", linewidths=0.9)
    figure.colorbar(drawn, ax=axes, label="f").ax.grid(False)
    points = _drawn(descent)
    axes.plot(points[:, i], points[:, j], color=COLOURS[1], linewidth=1.2, zorder=3)
    marked = points[np.unique(np.linspace(0, len(points) - 1, DOTS).astype(int))]
    axes.plot(marked[:, i], marked[:, j], ".", color=COLOURS[1], markersize=4, zorder=3)
    axes.plot(*points[0, [i, j]], "s", color=COLOURS[1], label="start", zorder=4)
    axes.plot(*points[-1, [i, j]], "*", color="black", markersize=12, label=_end(descent), zorder=4)
    axes.set_xlim(xs[0], xs[-1])
    axes.set_ylim(ys[0], ys[-1])
    _legend(figure)
    return figure


def surface(descent: Descent) -> Any:
    """The cost as a surface over two weights, and the path on it."""
    import numpy as np

    xs, ys, heights, (i, j) = _surface(descent, COARSE)
    figure, axes = canvas(f"Cost over two weights: {descent.status}", descent.names[i], descent.names[j], "f")
    grid = np.meshgrid(xs, ys)
    axes.plot_surface(*grid, heights, cmap="viridis", alpha=0.6, linewidth=0, rstride=1, cstride=1, rasterized=True)
    points = _drawn(descent)
    values = np.array([_value(descent, p) for p in points])
    axes.plot(points[:, i], points[:, j], values, "-", color=COLOURS[1], zorder=5)
    chosen = np.unique(np.linspace(0, len(points) - 1, DOTS).astype(int))
    axes.plot(points[chosen, i], points[chosen, j], values[chosen], ".", color=COLOURS[1], zorder=5)
    axes.plot(*points[0, [i, j]], values[0], "s", color=COLOURS[1], label="start", zorder=6)
    axes.plot(*points[-1, [i, j]], values[-1], "*", color="black", markersize=12, label=_end(descent), zorder=6)
    along = [(points[-1, k] - points[0, k]) / float(np.ptp(p)) for k, p in ((i, xs), (j, ys))]
    axes.view_init(elev=35, azim=math.degrees(math.atan2(along[1], along[0])) + 25)  # from beyond the end, aside
    axes.set_box_aspect(None, zoom=0.85)
    axes.locator_params(nbins=5)
    _legend(figure)
    return figure


def loss(descent: Descent) -> Any:
    """The cost against the step, logarithmic where it is positive throughout, with the gradient's size below it."""
    import numpy as np

    figure = empty(7.2, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    path = descent.path
    usable = np.isfinite(path.values)
    upper.plot(path.steps[usable], path.values[usable], **style(0))
    upper.set_title(f"Loss curve of {descent.steps} steps: {descent.status}")
    upper.set_ylabel("f")
    _logarithmic(upper, path.values[usable])
    norms = np.array(descent.norms)
    sound = np.isfinite(norms) & (norms > 0)
    lower.plot(np.flatnonzero(sound), norms[sound], **style(1))
    lower.set_ylabel("size of the gradient" + (" of a batch" if descent.settings.batch is not None else ""))
    lower.set_xlabel("step")
    _logarithmic(lower, norms[sound])
    return figure


def weights(descent: Descent) -> Any:
    """The error curve of each weight: the cost against that weight alone, the others as they are at the end."""
    import numpy as np

    names = descent.names[:PANELS]
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = empty(max(5.0, 3.4 * columns), 0.8 + 3.0 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    points = _drawn(descent)
    end = points[-1]
    for k, (axes, name) in enumerate(zip(panels, names, strict=False)):
        low, high = _range(points[:, k])
        places = np.linspace(low, high, LINE)

        def along(value: float, k: int = k) -> float:
            return _value(descent, np.concatenate([end[:k], [value], end[k + 1 :]]))

        axes.plot(places, [along(v) for v in places], color=COLOURS[0], label="f, the other weights as at the end")
        moved = points[np.unique(np.linspace(0, len(points) - 1, DOTS).astype(int)), k]
        axes.plot(moved, [along(v) for v in moved], ".", color=COLOURS[1], label="the weight at each step")
        axes.plot(end[k], along(end[k]), "*", color="black", markersize=12, label=_end(descent))
        axes.set_xlabel(name)
        if k % columns == 0:
            axes.set_ylabel("f")
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    more = "" if len(descent.names) <= PANELS else f" (the first {PANELS} of {len(descent.names)})"
    figure.suptitle(f"Error curve of each weight{more}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, columns))
    return figure


PICTURES: dict[str, Callable[[Descent], Any]] = {
    "contours": contours, "surface": surface, "loss": loss, "weights": weights,
}  # fmt: skip
"""Name → what draws it."""


def compare_rates(descents: Sequence[Descent]) -> Any:
    """The loss curves of several descents of one cost in one picture, each named by its rate and how it ended."""
    import numpy as np

    figure, axes = canvas("The same cost at several rates", "step", "f")
    seen = []
    for k, descent in enumerate(descents):
        path = descent.path
        usable = np.isfinite(path.values)
        name = f"rate {descent.settings.rate:g}: {descent.status}"
        axes.plot(path.steps[usable], path.values[usable], label=name, **style(k))
        seen.append(path.values[usable])
    _logarithmic(axes, np.concatenate(seen))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


# What they share -----------------------------------------------------------------------------------------------------


def _value(descent: Descent, x: Any) -> float:
    import numpy as np

    with np.errstate(all="ignore"):
        return descent.cost.value(x)


def _drawn(descent: Descent) -> Any:
    """The kept points with a value, at least the start; of a diverging path the first few."""
    import numpy as np

    points = descent.path.points
    usable = np.isfinite(points).all(axis=1) & np.isfinite(descent.path.values)
    usable[0] = True
    return points[usable][:ESCAPING] if descent.status == "diverged" else points[usable]


def _end(descent: Descent) -> str:
    return "last point drawn" if descent.status == "diverged" else "end"


def _range(values: Any) -> tuple[float, float]:
    """The extent of some coordinates, with room around them."""
    low, high = float(min(values)), float(max(values))
    room = (high - low) * ROOM or 0.5 * (1 + abs(low))
    return low - room, high + room


def _surface(descent: Descent, places: int) -> tuple[Any, Any, Any, tuple[int, int]]:
    """Heights over the first two weights, the others as they are at the end, around the path."""
    import numpy as np

    if len(descent.names) < 2:
        raise DiffkitError("a surface needs two weights", hint="draw the picture loss or weights")
    points = _drawn(descent)
    xs, ys = (np.linspace(*_range(points[:, k]), places) for k in (0, 1))
    end = points[-1]
    heights = np.array([[_value(descent, np.concatenate([[x, y], end[2:]])) for x in xs] for y in ys])
    return xs, ys, np.where(np.isfinite(heights), heights, np.nan), (0, 1)


def _levels(heights: Any) -> Any:
    """Levels that lie close at the bottom, where the path ends, and far apart on the slopes."""
    import numpy as np

    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    if not high > low:
        return [low, low + 1]
    return low + (high - low) * np.linspace(0.03, 1, 16) ** 2


def _logarithmic(axes: Any, values: Any) -> None:
    """A logarithmic axis where all values are positive and reach over more than a decade."""
    if len(values) and min(values) > 0 and max(values) > 10 * min(values):
        axes.set_yscale("log")


def _legend(figure: Any) -> None:
    figure.legend(loc="outside lower center", ncols=2)

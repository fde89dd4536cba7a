"""Pictures of a descent: the cost around its lowest point with the path, loss curves, one weight at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.core.errors import DiffkitError, did_you_mean
from diffkit.reports.pictures import COLOURS, canvas, haloed, in_one_look, legend, panels, style
from diffkit.reports.pictures.curves import contour_map
from diffkit.reports.pictures.curves import surface as draw_surface

if TYPE_CHECKING:
    from diffkit.lessons.gradient_descent.descent import Descent


_PICTURE_REACH = 1.15  # times the farthest point's distance from the middle that a picture reaches to both sides
_ESCAPING = 12  # points of a diverging path that are drawn: the later ones would dwarf them
_STRIP = 0.05  # times as narrow as long: down to there a picture is widened, so that both axes can have one scale
_NEWTON = 30  # steps at most to the lowest point
_LEVEL = 1e-6  # slope there, as a part of the slopes on the way, that counts as none
_CONTOUR_PLACES, _SURFACE_PLACES = 121, 51  # places along each axis of contours, and of a surface
_LINE_PLACES = 121  # places along one weight
_PANELS = 6  # weights that are drawn
_MARKED_STEPS = 2000  # steps up to which each one is marked
_DISTINCT = 0.004  # of the path's extent: of more steps those nearer than this to the last one that is marked are not


class _View:
    """The cost over some weights, the others as they are at the end, with the minimum in the middle.

    ``points`` are those of the path in these weights, shape (K, k); ``sides`` the places along each; ``lowest`` is the
    minimum over these weights that Newton's method finds from the end, or None.
    """

    def __init__(self, descent: Descent, chosen: Sequence[int], places: int):
        if len(descent.names) < len(chosen):
            raise DiffkitError("a surface needs two weights", hint="draw the picture loss or weights")
        path = _drawn(descent)
        self.descent, self.chosen, self.end = descent, list(chosen), path[-1]
        self.points = path[:, self.chosen]
        self.lowest = self._lowest()
        middle = self.points[-1] if self.lowest is None else self.lowest
        reach = _PICTURE_REACH * abs(self.points - middle).max(axis=0)
        reach = np.where(reach > _STRIP * reach.max(), np.maximum(reach, reach.max() / 2), reach)
        reach = np.where(reach > 0, reach, 0.5 * (1 + abs(middle)))
        self.sides = [np.linspace(m - r, m + r, places) for m, r in zip(middle, reach, strict=True)]

    def at(self, chosen: Any) -> float:
        """The cost where these weights have the given values; NaN where it has none."""
        with np.errstate(all="ignore"):
            value = float(self.descent.cost.value(self._whole(chosen)))
        return value if math.isfinite(value) else math.nan

    def heights(self) -> Any:
        """The cost at all places of two sides, a row for each place of the second."""
        xs, ys = self.sides
        return np.array([[self.at([x, y]) for x in xs] for y in ys])

    def lifted(self) -> tuple[Any, Any]:
        """The points and the lowest one with the cost as one coordinate more."""
        points = np.array([[*p, self.at(p)] for p in self.points])
        return points, None if self.lowest is None else [*self.lowest, self.at(self.lowest)]

    def _whole(self, chosen: Any) -> Any:
        x = self.end.copy()
        x[self.chosen] = chosen
        return x

    def _lowest(self) -> Any:
        """Newton's x ← x − H⁻¹g in these weights; None unless it ends where g is 0, with H positive all the way."""
        place = self.points[-1]
        slopes = [self._slope(p) for p in self.points[[0, -1]]]
        for _ in range(_NEWTON):
            x, slope = self._whole(place), self._slope(place)
            bend = np.array([self.descent.hessians.times(x, unit)[self.chosen] for unit in self._units()])
            if not (np.isfinite(bend).all() and (np.linalg.eigvalsh(bend) > 0).all()):
                return None
            place = place - np.linalg.solve(bend, slope)
            slopes.append(slope)
            if abs(self._slope(place)).max() <= _LEVEL * max(abs(s).max() for s in slopes):
                return place
        return None

    def _slope(self, chosen: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.descent.cost.at(self._whole(chosen))[1][self.chosen]

    def _units(self) -> Any:
        units = np.zeros((len(self.chosen), len(self.end)))
        units[range(len(self.chosen)), self.chosen] = 1
        return units


def _drawn(descent: Descent) -> Any:
    """The kept points with a value, at least the start; of a diverging path the first few."""
    points = descent.path.points
    usable = np.isfinite(points).all(axis=1) & np.isfinite(descent.path.values)
    usable[0] = True
    return points[usable][:_ESCAPING] if descent.status == "diverged" else points[usable]


def picture(descent: Descent, kind: str | None = None) -> Any:
    """Draw a descent: contours with the path where there are two weights, the loss curve otherwise, unless told."""
    if kind is None:
        kind = "contours" if len(descent.names) == 2 else "loss"
    if kind not in PICTURES:
        hint = did_you_mean(kind, PICTURES) or f"there are {', '.join(PICTURES)}"
        raise DiffkitError(f"unknown picture {kind!r}", hint=hint)
    return PICTURES[kind](descent)


@in_one_look
def contours(descent: Descent) -> Any:
    """Lines of equal cost over two weights, and the path across them."""
    view = _View(descent, (0, 1), _CONTOUR_PLACES)
    (x, y), low = view.sides, [] if view.lowest is None else [view.at(view.lowest)]
    last = descent.path.steps[len(view.points) - 1]
    part = f", the first {last:,} drawn" if descent.status == "diverged" and last < descent.steps else ""
    figure, axes = canvas(f"Path of {descent.steps} steps{part}: {descent.status}", *descent.names[:2])
    contour_map(figure, axes, x, y, view.heights(), "f", low)
    _path(axes, descent, view.points, view.lowest)
    legend(figure, 4)
    return figure


@in_one_look
def surface(descent: Descent) -> Any:
    """The cost as a surface over two weights, and the path on it."""
    view = _View(descent, (0, 1), _SURFACE_PLACES)
    x, y = view.sides
    figure, axes = canvas(f"Cost over two weights: {descent.status}", descent.names[0], descent.names[1], "f")
    draw_surface(axes, x, y, view.heights())
    _path(axes, descent, *view.lifted())
    along = [(view.points[-1, k] - view.points[0, k]) / float(np.ptp(view.sides[k])) for k in (0, 1)]
    axes.view_init(elev=35, azim=math.degrees(math.atan2(along[1], along[0])) + 25)  # from beyond the end, aside
    legend(figure, 4)
    return figure


@in_one_look
def loss(descent: Descent) -> Any:
    """The cost against the step, logarithmic where it is positive throughout, with the gradient's size below it."""
    figure, ((upper,), (lower,)) = panels(2, 1, 7.2, 5.6, sharex=True)
    path = descent.path
    usable = np.isfinite(path.values)
    upper.plot(path.steps[usable], path.values[usable], **style(0))
    drawn = path.steps[usable]
    which = f", every {descent.settings.every} steps" * (descent.settings.every > 1)
    which += f", drawn to step {drawn[-1]}" * bool(len(drawn) and drawn[-1] < descent.steps)
    upper.set_title(f"Loss curve of {descent.steps} steps{which}: {descent.status}")
    upper.set_ylabel("f")
    _logarithmic(upper, path.values[usable])
    norms = np.array(descent.norms)
    sound = np.isfinite(norms) & (norms > 0)
    lower.plot(np.flatnonzero(sound), norms[sound], **style(1))
    lower.set_ylabel("|∇f|" + (" of a batch" if descent.settings.batch is not None else ""))
    lower.set_xlabel("step")
    _logarithmic(lower, norms[sound])
    return figure


@in_one_look
def weights(descent: Descent) -> Any:
    """The error curve of each weight: the cost against that weight alone, the others as they are at the end."""
    names = descent.names[:_PANELS]
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure, grid = panels(rows, columns, max(5.0, 3.4 * columns), 0.8 + 3.0 * rows)
    for k, (axes, name) in enumerate(zip(grid.flat, names, strict=False)):
        view = _View(descent, (k,), _LINE_PLACES)
        (side,) = view.sides
        axes.plot(side, [view.at([v]) for v in side], color=COLOURS[0], label="f, the other weights as at the end")
        _path(axes, descent, *view.lifted(), line=False)
        axes.set_xlabel(name)
        axes.set_ylabel("f")
    for axes in list(grid.flat)[len(names) :]:
        axes.set_axis_off()
    more = "" if len(descent.names) <= _PANELS else f" (the first {_PANELS} of {len(descent.names)})"
    figure.suptitle(f"Error curve of each weight{more}")
    legend(figure, 5 if columns == 3 else 3)
    return figure


PICTURES: dict[str, Callable[[Descent], Any]] = {
    "contours": contours, "surface": surface, "loss": loss, "weights": weights,
}  # fmt: skip
"""Name → what draws it."""


@in_one_look
def compare_rates(descents: Sequence[Descent]) -> Any:
    """The loss curves of several descents of one cost in one picture, each named by its rate and how it ended."""
    figure, axes = canvas("The same cost at several rates", "step", "f")
    seen = []
    for k, descent in enumerate(descents):
        path = descent.path
        usable = np.isfinite(path.values)
        name = f"rate {descent.settings.rate:g}: {descent.status}"
        axes.plot(path.steps[usable], path.values[usable], label=name, **style(k))
        seen.append(path.values[usable])
    _logarithmic(axes, np.concatenate(seen))
    legend(figure)
    return figure


# What they share -----------------------------------------------------------------------------------------------------


def _path(axes: Any, descent: Descent, points: Any, lowest: Any, line: bool = True) -> None:
    """Draw the way over a map, a surface or a curve: its steps, both ends, and the lowest point near them."""
    marked = points if len(points) <= _MARKED_STEPS else _apart(points)
    if line:
        axes.plot(*points.T, color=COLOURS[1], linewidth=1.4, zorder=3, **haloed())
    name = _which(descent, len(marked) - 1)
    axes.plot(*np.transpose(marked), ".", color=COLOURS[1], markersize=4, label=name, zorder=3)
    axes.plot(*points[0], "s", color=COLOURS[1], markeredgecolor="white", markersize=9, label="start", zorder=4)
    end = "last point drawn" if descent.status == "diverged" else "end"
    axes.plot(*points[-1], "*", color="black", markersize=11, label=end, zorder=5)
    if lowest is not None:
        axes.plot(*lowest, "o", color="black", markersize=15, fillstyle="none", label="minimum", zorder=4)


def _apart(points: Any) -> Any:
    """The points of a long path that can be told apart."""
    extent = np.ptp(points, axis=0)
    marked = [points[0]]
    for p in points:
        if (abs(p - marked[-1]) > _DISTINCT * extent).any():
            marked.append(p)
    return np.array(marked)


def _which(descent: Descent, shown: int) -> str:
    """Say which of the steps are marked."""
    every, all_kept = descent.settings.every, shown == len(descent.path.steps) - 1
    if all_kept:
        return "each step" if every == 1 else f"every {every} steps"
    if descent.status != "diverged":
        return f"{shown:,} of {descent.steps:,} steps"
    last = descent.path.steps[shown]
    return f"the first {last:,} of {descent.steps:,} steps" + f", every {every}" * (every > 1)


def _logarithmic(axes: Any, values: Any) -> None:
    """A logarithmic axis where all values are positive and reach over more than a decade."""
    if len(values) and min(values) > 0 and max(values) > 10 * min(values):
        axes.set_yscale("log")

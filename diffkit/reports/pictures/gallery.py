"""Pictures that a course draws: lines of every slope, activations, minima of two kinds, a saddle, learning rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from diffkit.asking.expressions import parse
from diffkit.calculus.derivatives import derivative_program
from diffkit.core.errors import DiffkitError, did_you_mean
from diffkit.core.table import table
from diffkit.lessons.tangents import tangent
from diffkit.reports.pictures import canvas, haloed, in_one_look, legend, panels, style
from diffkit.reports.pictures.curves import TURNING, breaks, points, values_of, with_gaps

_ACTIVATIONS = tuple(row.name for row in table if row.activation)
_HILLS = "x^4/4 - x^3/3 - x^2"
RATES = (0.005, 0.025, 0.045, 0.0505)


@in_one_look
def family_of_lines(slopes: Sequence[float] = (-2, -1, 0, 1, 2), intercepts: Sequence[float] = (-1, 0, 1)) -> Any:
    """Draw y = m·x + c: one panel in which m varies (c = 0), one in which c varies (m = 1)."""
    figure, ((left, right),) = panels(1, 2, 9.0, 4.2, sharey=True)
    x = [-2.0, 2.0]
    for k, m in enumerate(slopes):
        left.plot(x, [m * v for v in x], label=f"m = {m:g}", **style(k))
    for k, c in enumerate(intercepts):
        right.plot(x, [v + c for v in x], label=f"c = {c:g}", **style(k))
    left.set_title("y = m·x: m is the slope")
    right.set_title("y = x + c: c is the height at x = 0")
    for axes in (left, right):
        axes.set_xlabel("x")
        axes.set_ylabel("y")
        axes.set_xlim(x)
        axes.axhline(0, color="0.6", linewidth=0.8, zorder=0)
        axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.35), ncols=3)
    return figure


@in_one_look
def activations(names: Sequence[str] = _ACTIVATIONS, low: float = -5.0, high: float = 5.0) -> Any:
    """Draw activation functions of the table and their derivatives, one panel each."""
    rows = -(-len(names) // 3)
    figure, grid = panels(rows, min(3, len(names)), 9.0, 2.9 * rows)
    for axes, name in zip(grid.flat, names, strict=False):
        program = parse(f"{name}(x)").program
        x = points(low, high)
        slope = derivative_program(program, [(0, (0,))])
        axes.plot(*with_gaps(x, values_of(program, x), breaks(program, x)), label="f(x)", **style(0))
        axes.plot(*with_gaps(x, values_of(slope, x), breaks(program, x, TURNING)), label="f′(x)", **style(1))
        axes.set_title(f"f = {name}")
        axes.set_xlabel("x")
        axes.set_ylabel("f, f′")
    for axes in list(grid.flat)[len(names) :]:
        axes.set_visible(False)
    legend(figure)
    return figure


@in_one_look
def minima(text: str = _HILLS, low: float = -1.8, high: float = 2.6) -> Any:
    """Draw a curve of one variable with its stationary points: global and local ones, as they are proven."""
    from diffkit.lessons.stationary_points.stationary import stationary
    from diffkit.reports.pictures.extrema import picture

    return picture(stationary(text, (low, high)))


@in_one_look
def saddle(text: str = "x^2 - y^2", reach: float = 1.5) -> Any:
    """Draw a surface over a square about the origin, with what is proven of the origin in the title."""
    import numpy as np

    from diffkit.core.program import run
    from diffkit.numbers.arrays import ARRAYS
    from diffkit.reports.pictures.curves import surface

    program = parse(text, ("x", "y")).program
    words = tangent(program, [0, 0]).words[-1]
    figure, axes = canvas(f"f(x, y) = {text}\nat the origin: {words}", "x", "y", "f(x, y)")
    side = np.linspace(-reach, reach, 51)
    z = np.broadcast_to(run(program, ARRAYS, np.meshgrid(side, side))[0], (51, 51))
    surface(axes, side, side, z)
    axes.plot([0], [0], [z[25, 25]], "o", color="black", zorder=9)
    axes.plot(side, 0 * side, z[25], label="along x", zorder=8, **style(1), **haloed())
    axes.plot(0 * side, side, z[:, 25], label="along y", zorder=8, **style(0), **haloed())
    legend(figure)
    return figure


def rates(chosen: Sequence[float] = RATES) -> Any:
    """Draw the loss curves of one cost, (w − 3)² + 20·(b + 1)², descended at several rates; 2/L is 0.05 here."""
    from diffkit.lessons.gradient_descent.descent import descend
    from diffkit.reports.pictures.paths import compare_rates

    cost, start = "(w-3)^2 + 20*(b+1)^2", {"w": 0, "b": 0}
    return compare_rates([descend(cost, start, rate=rate, steps=60) for rate in chosen])


GALLERY: dict[str, tuple[str, Callable[[], Any]]] = {
    "lines": ("lines y = m*x + c, for several m and for several c", family_of_lines),
    "activations": ("activation functions and their derivatives", activations),
    "minima": ("a curve with a local minimum, a local maximum and the global minimum", minima),
    "saddle": ("a saddle point: the surface x^2 - y^2", saddle),
    "rates": ("loss curves of one cost at several learning rates", rates),
}
"""Name → what is seen, and what draws it."""


def find(name: str) -> Callable[[], Any]:
    """Give what draws a picture of the gallery; DiffkitError for a name that is not there."""
    if name not in GALLERY:
        hint = did_you_mean(name, GALLERY) or f"there are {', '.join(GALLERY)}"
        raise DiffkitError(f"unknown picture {name!r}", hint=hint)
    return GALLERY[name][1]


def draw(name: str) -> Any:
    """Draw a picture of the gallery."""
    return find(name)()

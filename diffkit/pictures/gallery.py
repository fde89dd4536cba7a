"""Pictures that a course draws: lines of every slope, activations, minima of two kinds, a saddle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from diffkit.functions import parse
from diffkit.learn.tangents import tangent
from diffkit.pictures import COLOURS, canvas, panels, style
from diffkit.pictures.functions import TURNING, breaks, points, values_of, with_gaps
from diffkit.primitives import table
from diffkit.transforms import derivative_program

ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus", "silu", "gelu")
HILLS = "x^4/4 - x^3/3 - x^2"


def family_of_lines(slopes: Sequence[float] = (-2, -1, 0, 1, 2), intercepts: Sequence[float] = (-1, 0, 1)) -> Any:
    """Draw y = m·x + c: one panel in which m varies (c = 0), one in which c varies (m = 1)."""
    figure, grid = panels(1, 2, 9.0, 4.2, sharey=True)
    left, right = grid.flat
    x = [-2.0, 2.0]
    for k, m in enumerate(slopes):
        left.plot(x, [m * v for v in x], label=f"m = {m:g}", **style(k))
    for k, c in enumerate(intercepts):
        right.plot(x, [v + c for v in x], label=f"c = {c:g}", **style(k))
    left.set_title("y = m·x: m is the slope")
    right.set_title("y = x + c: c is the height at x = 0")
    for axes in (left, right):
        axes.set_xlabel("x")
        axes.set_xlim(x)
        axes.axhline(0, color="0.6", linewidth=0.8, zorder=0)
        axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
        axes.legend()
    left.set_ylabel("y")
    return figure


def activations(names: Sequence[str] = ACTIVATIONS, low: float = -5.0, high: float = 5.0) -> Any:
    """Draw activation functions of the table and their derivatives, one panel each."""
    rows = -(-len(names) // 3)
    figure, grid = panels(rows, min(3, len(names)), 9.0, 2.9 * rows, sharex=True)
    for axes, name in zip(grid.flat, names, strict=False):
        program = parse(f"{name}(x)").program
        x = points(low, high)
        slope = derivative_program(program, [(0, (0,))])
        axes.plot(*with_gaps(x, values_of(program, x), breaks(program, x)), label=name, **style(0))
        axes.plot(*with_gaps(x, values_of(slope, x), breaks(program, x, TURNING)), label=f"{name}′", **style(1))
        axes.set_title(table.names[name].signature)
        axes.legend(loc="upper left")
    for axes in list(grid.flat)[len(names) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("x")
    return figure


def minima(text: str = HILLS, low: float = -1.8, high: float = 2.6) -> Any:
    """Draw a curve of one variable and its stationary points, each with its kind by f″.

    The minimum that is called global is the lowest of what is drawn.
    """
    program = parse(text).program
    figure, axes = canvas(f"f(x) = {text}", "x", "f(x)")
    x = points(low, high)
    values = values_of(program, x)
    axes.plot(*with_gaps(x, values, breaks(program, x)), **style(0))
    slope = derivative_program(program, [(0, (0,))])
    places = _zeros(slope, x)
    lowest = min((v for v in values if math.isfinite(v)), default=math.nan)
    second = derivative_program(program, [(0, (0, 0))])
    for place in places:
        height, bend = values_of(program, [place])[0], values_of(second, [place])[0]
        kind = "minimum" if bend > 0 else "maximum" if bend < 0 else "stationary"
        reach = "global" if kind == "minimum" and height <= lowest + 1e-9 * abs(lowest) else "local"
        axes.plot([place], [height], "o", color=COLOURS[1], markersize=7)
        above = kind == "maximum"
        axes.annotate(
            f"{reach} {kind}\nf′ = 0, f″ = {bend:.3g}", (place, height), xytext=(0, 10 if above else -10),
            textcoords="offset points", ha="center", va="bottom" if above else "top", fontsize=9,
        )  # fmt: skip
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom - 0.25 * (top - bottom), top)
    return figure


def _zeros(slope: Any, x: Sequence[float]) -> list[float]:
    """Places where a derivative changes its sign, by bisection; or is zero at a place looked at."""
    values = values_of(slope, x)
    found = []
    for (a, b), (u, v) in zip(pairwise(x), pairwise(values), strict=True):
        if u == 0:
            found.append(a)
        elif u * v < 0:
            for _ in range(60):
                middle = (a + b) / 2
                a, b = (middle, b) if values_of(slope, [middle])[0] * u > 0 else (a, middle)
            found.append((a + b) / 2)
    return found


def saddle(text: str = "x^2 - y^2", reach: float = 1.5) -> Any:
    """Draw a surface over a square about the origin, with what is proven of the origin in the title."""
    import numpy as np

    from diffkit.algebras.arrays import ARRAYS
    from diffkit.program import run

    program = parse(text, ("x", "y")).program
    words = tangent(program, [0, 0]).words[-1]
    figure, axes = canvas(f"f(x, y) = {text}\nat the origin: {words}", "x", "y", "f(x, y)")
    side = np.linspace(-reach, reach, 61)
    x, y = np.meshgrid(side, side)
    z = np.broadcast_to(run(program, ARRAYS, [x, y])[0], x.shape)
    axes.set_box_aspect(None, zoom=0.85)
    axes.locator_params(nbins=5)
    axes.zaxis.labelpad = 10
    axes.plot_surface(x, y, z, cmap="cividis", alpha=0.85, linewidth=0, rasterized=True)
    axes.plot([0], [0], [z[30, 30]], "o", color=COLOURS[1], zorder=9)
    axes.plot(side, 0 * side, z[30], color=COLOURS[1], zorder=8)
    axes.plot(0 * side, side, z[:, 30], color=COLOURS[0], zorder=8)
    return figure

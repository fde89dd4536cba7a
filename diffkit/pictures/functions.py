"""Pictures of functions of one variable: the graph with its derivative and tangents; never drawn across a pole."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from diffkit.algebras.floats import FLOATS
from diffkit.builder import ProgramBuilder
from diffkit.errors import DiffkitError
from diffkit.learn.numbers import surely_not_zero
from diffkit.pictures import COLOURS, canvas, style
from diffkit.points import number
from diffkit.program import Program, run
from diffkit.transforms import derivative_program, open_places

if TYPE_CHECKING:
    from diffkit.learn.tangents import Tangent

SAMPLES = 801
CLIP = 1.5  # how far beyond the bulk of the values, in its height, a picture reaches
BULK = (0.1, 0.9)  # quantiles
BROKEN = ("pole", "jump")
TURNING = (*BROKEN, "kink", "edge")
REACH = 2.0  # from the point, where no interval is given


def picture_of_tangent(tangent: Tangent, interval: tuple[float, float] | None = None) -> Any:
    """Draw f, f′ and the tangent at a point of one variable, over an interval (2 to both sides unless given)."""
    program = tangent.program
    if len(program.inputs) != 1:
        raise DiffkitError("a tangent is drawn for one variable", hint="the picture of a surface is a contour map")
    (name, a), *_ = tangent.at.items()
    low, high = interval or (a - REACH, a + REACH)
    figure, axes = canvas(f"f({name}) = {shortened(tangent.f)}", name, "")
    x = points(low, high, a)
    values, slopes = values_of(program, x), values_of(derivative_program(program, [(0, (0,))]), x)
    if not any(map(math.isfinite, values)):
        raise DiffkitError(f"f has no value between {low:g} and {high:g}", hint="choose another interval")
    slopes = [slope if math.isfinite(v) else math.nan for slope, v in zip(slopes, values, strict=True)]
    axes.plot(*with_gaps(x, values, breaks(program, x)), label=f"f({name})", **style(0))
    axes.plot(*with_gaps(x, slopes, breaks(program, x, TURNING)), label="its derivative", **style(2))
    for k, (slope, side, label) in enumerate(_lines(tangent)):
        ends = [low, high] if side == 0 else [a, high] if side > 0 else [low, a]
        line = [tangent.value.value + slope * (end - a) for end in ends]
        axes.plot(ends, line, label=label, **style(1 if k == 0 else 3))
    if math.isfinite(tangent.value.value):
        axes.plot([a], [tangent.value.value], "o", color=COLOURS[1], markersize=6, zorder=5)
    axes.set_xlim(low, high)
    frame(axes, values, slopes)
    axes.legend()
    return figure


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
    even = [low + (high - low) * k / (SAMPLES - 1) for k in range(SAMPLES)]
    return sorted({*even, *(a for a in among if low <= a <= high)})


def values_of(program: Program, x: Sequence[float]) -> list[float]:
    """The first output in binary64 at places of the only variable; NaN where it is not finite."""
    found = [float(run(program, FLOATS, [place])[0]) for place in x]
    return [v if math.isfinite(v) else math.nan for v in found]


def breaks(program: Program, x: Sequence[float], kinds: Collection[str] = BROKEN) -> list[bool]:
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


def frame(axes: Any, curve: Sequence[float], other: Sequence[float]) -> None:
    """Choose the height of a picture: all of a curve, or its bulk where it runs off to infinity; some of another."""
    ends = [_reach(curve, CLIP), _reach(other, CLIP / 3)]
    bottom, top = min(low for low, _ in ends), max(high for _, high in ends)
    room = 0.06 * (top - bottom) or 1.0
    axes.set_ylim(bottom - room, top + room)


def _reach(curve: Sequence[float], clip: float) -> tuple[float, float]:
    known = sorted(v for v in curve if math.isfinite(v))
    if not known:
        return 0.0, 0.0
    low, high = (known[round(q * (len(known) - 1))] for q in BULK)
    spread = clip * (high - low)
    return max(known[0], low - spread), min(known[-1], high + spread)


def shortened(text: str, most: int = 60) -> str:
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

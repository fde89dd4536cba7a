"""Gradients by layer: do they shrink or grow on the way back through the layers of a net?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diffkit.lessons.gradient_descent.finding import Finding, short

if TYPE_CHECKING:
    from diffkit.lessons.gradient_descent.descent import Descent

LAYERS = 4  # groups from which a trend can be told
CLEAR = 0.7  # part of the variance of log sizes that a trend explains
MUCH = 1e3  # ratio of gradients that is called vanishing or exploding


class LayerSize(NamedTuple):
    """Root mean square of a group's partial derivatives at the start and at the end, and how many it has."""

    name: str
    start: float
    end: float
    entries: int


def layer_sizes(descent: Descent) -> list[LayerSize]:
    """The size of the gradient in each group of weights, in the order of the weights."""

    def size(gradient: np.ndarray) -> float:
        return float(np.linalg.norm(gradient)) / math.sqrt(len(gradient))

    first, last = descent.path.gradients[0], descent.path.gradients[-1]
    return [
        LayerSize(g.name, size(first[g.places]), size(last[g.places]), len(first[g.places])) for g in descent.groups
    ]


def trend(sizes: list[float]) -> float:
    """The factor from one layer to the next, fitted to the logarithms; NaN where there is no clear trend."""
    if len(sizes) < LAYERS or not all(0 < s < math.inf for s in sizes):
        return math.nan
    logs = np.log(sizes)
    places = np.arange(len(sizes))
    slope, height = np.polyfit(places, logs, 1)
    spread = float(np.var(logs))
    explained = 1 - float(np.var(logs - slope * places - height)) / spread if spread > 0 else 0.0
    return math.exp(slope) if explained >= CLEAR else math.nan


def by_layer(descent: Descent) -> Iterator[Finding]:
    """Vanishing and exploding gradients at the start, uneven and dead ones at both ends."""
    found = layer_sizes(descent)
    sizes = [layer.start for layer in found]
    if len(found) < 2 or not all(map(math.isfinite, sizes)) or max(sizes) == 0:
        return
    dead = [layer.name for layer in found if layer.start == layer.end == 0]
    if dead:
        names = ", ".join(dead[:4]) + (", …" if len(dead) > 4 else "")
        yield Finding("no gradient", f"at the start and at the end the gradient of {names} is 0")
        return
    factor, ends = trend(sizes), f"{short(sizes[0])} for {found[0].name}, {short(sizes[-1])} for {found[-1].name}"
    if factor > 1 and sizes[-1] > MUCH * sizes[0]:
        yield Finding("vanishing gradient", f"from the last layer back to the first the gradient shrinks by a factor "
                      f"of {short(1 / factor)} per layer ({ends}): the first layers hardly learn")  # fmt: skip
    elif factor < 1 and sizes[0] > MUCH * sizes[-1]:
        yield Finding("exploding gradient", f"from the last layer back to the first the gradient grows by a factor "
                      f"of {short(1 / factor)} per layer ({ends}): the first layers step too far")  # fmt: skip
    else:
        yield from _uneven(found)


def _uneven(found: list[LayerSize]) -> Iterator[Finding]:
    """Gradients that are uneven at the start, and at the end in the same way: at one point it may be chance."""
    large, small = max(found, key=lambda s: s.start), min(found, key=lambda s: s.start)
    if small.start > 0 and large.start > MUCH * small.start and large.end > MUCH * small.end:
        yield Finding("uneven gradient", f"the gradient of {large.name} is {short(large.start)} at the start and "
                      f"{short(large.end)} at the end, that of {small.name} {short(small.start)} and "
                      f"{short(small.end)}: at one rate for both, {small.name} moves that much less")  # fmt: skip

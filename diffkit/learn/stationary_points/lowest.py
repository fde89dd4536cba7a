"""The least value of a function in a box, by branch and bound: bounds that no value is below, and a place near it.

Inside the box a least value is at a stationary point or a kink with 0 between its slopes; what the search for those has
excluded need not be looked at again, so that mostly the faces of the box remain (Hansen & Walster, ch. 12).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import count, product
from statistics import median
from typing import Any, NamedTuple

from flint import arb

from diffkit.algebras.balls import precision
from diffkit.builder import NEG, ProgramBuilder
from diffkit.deadline import TimeIsUp, reason_to_stop
from diffkit.learn.stationary_points.boxes import BITS, Box, Surface, balls, below, halves, middle
from diffkit.learn.stationary_points.extended import least_value, value_range
from diffkit.learn.stationary_points.zeros import Zeros

ODD = frozenset(("edge", "pole", "jump"))
NARROW = 2.0**-44  # sides of the smallest boxes, as a part of the whole
SAMPLES = 32  # places at which f is looked at to tell how far its values lie apart
PART = 1e-9  # of the distance between values, by which bounds of the least one may differ
ROUNDED = 1e-15  # of the value itself, to which it is known at least


class Least(NamedTuple):
    """No value is below ``low``; ``high`` is at least one value, at ``at``; ``proven`` if they are near enough."""

    low: float
    high: float
    at: tuple[float, ...]
    proven: bool
    tolerance: float


def negated(surface: Surface) -> Surface:
    """−f: its least value is minus f's greatest."""
    builder = ProgramBuilder.of(surface.program)
    slot = builder.apply(NEG, (surface.program.outputs[0],))
    return Surface(builder.program([slot], surface.program.inputs))


def faces(box: Box) -> list[Box]:
    """The 2n faces of a box."""
    return [(*box[:k], (end, end), *box[k + 1 :]) for k in range(len(box)) for end in box[k]]


def spread(box: Box) -> list[tuple[float, ...]]:
    """Places all over a box, by a Kronecker sequence of square roots of primes."""
    roots = [math.sqrt(prime) for prime in (2, 3, 5, 7, 11, 13)]
    return [
        tuple(low + (high - low) * (k * root % 1) for root, (low, high) in zip(roots, box, strict=False))
        for k in range(1, SAMPLES + 1)
    ]


class Descent:
    """Branch and bound for the least value of f over boxes that are parts of one box."""

    def __init__(self, surface: Surface, box: Box, known: Sequence[tuple[float, ...]], zeros: Zeros):
        self.surface, self.box, self.zeros = surface, box, zeros
        self.scale = [high - low for low, high in box]
        self.high, self.at = math.inf, tuple(middle(box))
        self.low = math.inf
        self.looked = 0
        values = [self._try(point) for point in [*known, *product(*box), *spread(box)]]
        apart = [value - self.high for value in values if self.high < value < math.inf]
        self.apart = median(apart) if apart else 0.0

    @property
    def tolerance(self) -> float:
        """How far apart bounds of the least value may be: a billionth of how far other values lie above it."""
        return max(PART * self.apart, ROUNDED * abs(self.high)) if math.isfinite(self.high) else 0.0

    def _try(self, point: Sequence[float]) -> float:
        """Take the value at a point as a bound; ∞ if f has none there."""
        if not all(low <= x <= high for x, (low, high) in zip(point, self.box, strict=True)):
            return math.inf
        with precision(BITS):
            at = [arb(x) for x in point]
            if self.surface.standing(at).outside:
                return math.inf
            value = self.surface.value(at)
            high = -below(-value) if value.is_finite() else self._bounded(point)
        if high < self.high:
            self.high, self.at = high, tuple(point)
        return high

    def _bounded(self, point: Sequence[float]) -> float:
        """A number that f is not above at a point, by intervals; ∞ if they have none."""
        low, high = value_range(self.surface, tuple((x, x) for x in point))
        return high if math.isfinite(low) and low <= high else math.inf

    def run(self, boxes: Sequence[Box], most: int) -> Least:
        """Bound f over the boxes, and over the points known."""
        order = count(0, -1)  # of boxes without a bound the last one first, to find out soon that there is none
        heap: list[tuple[float, int, Box]] = []
        for box in boxes:
            self._push(heap, order, box)
        try:
            while heap and self.low > -math.inf and self.looked < most:
                if reason_to_stop():
                    break
                low, _, box = heapq.heappop(heap)
                if low >= self.high - self.tolerance:
                    self.low = min(self.low, low)
                    continue
                if max((b - a) / s for (a, b), s in zip(box, self.scale, strict=True)) < NARROW:
                    self.low = min(self.low, low)
                    continue
                for half in halves(box, self.scale):
                    self._push(heap, order, half)
        except (KeyboardInterrupt, TimeIsUp):
            self.low = -math.inf
        low = min([self.low, self.high, *(low for low, _, _ in heap)]) + 0.0
        self.high += 0.0
        proven = low >= self.high - self.tolerance and math.isfinite(low)
        return Least(low, self.high, self.at, proven, self.tolerance)

    def _push(self, heap: list[Any], order: Any, box: Box) -> None:
        """Keep a box that may hold the least value, cut to the face on which it then lies."""
        self.looked += 1
        self._try(middle(box))
        with precision(BITS):
            kept, low = self._cut(box)
        if kept is None:
            self.low = min(self.low, low)
        else:
            heapq.heappush(heap, (low, next(order), kept))

    def _cut(self, box: Box) -> tuple[Box | None, float]:
        surface = self.surface
        x = balls(box)
        standing = surface.standing(x)
        if standing.outside:
            return None, math.inf
        if standing.cross & ODD:
            value = surface.value(x)
            return box, max(below(value) if value.is_finite() else -math.inf, least_value(surface, box))
        value = surface.value(x)
        low = below(value) if value.is_finite() else -math.inf
        gradient = surface.gradient(x)
        if all(g.is_finite() for g in gradient):
            centre = [b.mid() for b in x]
            linear = surface.value(centre)
            for g, b, c in zip(gradient, x, centre, strict=True):
                linear += g * (b - c)
            low = max(low, below(linear))
        if low < self.high - self.tolerance:
            low = max(low, least_value(surface, box))  # of a square it is 0, which balls miss by a little
        if low >= self.high - self.tolerance:
            return None, low
        kept = list(box)
        for i, (g, (a, b), (first, last)) in enumerate(zip(gradient, box, self.box, strict=True)):
            if g.contains(0):
                continue
            end = first if g > 0 else last
            if (a if g > 0 else b) != end:
                return None, math.inf  # f falls on to a neighbour
            if a != b:
                kept[i] = (end, end)
        if tuple(kept) != box:
            self._try([a if a == b else a / 2 + b / 2 for a, b in kept])
            if all(a == b for a, b in kept):
                return None, self._at(tuple(kept))
            return tuple(kept), low
        strict = all(first < a and b < last for (a, b), (first, last) in zip(box, self.box, strict=True))
        if strict and self.zeros.settle(box):
            return None, math.inf  # only a known point can be least here
        if all(a == b for a, b in box):
            return None, low
        return box, low

    def _at(self, box: Box) -> float:
        value = self.surface.value(balls(box))
        return below(value) if value.is_finite() else -math.inf

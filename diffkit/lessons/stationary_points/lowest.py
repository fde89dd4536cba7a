"""The least value of a function in a box, by branch and bound, and which of several points is the lowest.

A least value is at a stationary point of f on some face of the box (the box itself, a side, an edge, a corner), or at a
kink, a jump or the edge of the domain. So each face is searched by itself: a part of it where the slopes along the face
exclude 0 holds none, and one that is proven to hold one stationary point of the face has its value, to as many digits
as are asked for (Hansen & Walster, Global Optimization Using Interval Analysis, ch. 12).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count, product
from statistics import median
from typing import Any, NamedTuple

from flint import arb

from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.deadline import TimeIsUp, reason_to_stop
from diffkit.core.limits import DEEP_BITS, POINT_BITS, SEARCH_BITS, VALUE_BITS
from diffkit.core.table import ADD, NEG
from diffkit.lessons.stationary_points.boxes import Surface, balls, halves, hull, value_range
from diffkit.lessons.stationary_points.branch_and_bound import Search, touching
from diffkit.lessons.stationary_points.newton import (
    Zero,
    Zeros,
    contract,
    inner,
    krawczyk,
    nearest_zero,
    proves,
    sharp,
)
from diffkit.lessons.stationary_points.points_found import Extreme, StationaryPoint, exactly, is_stationary, is_zero_at
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, below, ends, middle

ODD = frozenset(("edge", "pole", "jump"))
_NARROWEST_BOX = 2.0**-44  # sides of the smallest boxes, as a part of the whole
_VALUE_SAMPLES = 32  # places at which f is looked at to tell how far its values lie apart
_PART = 1e-9  # of the distance between values, by which bounds of the least one may differ
_VALUE_ROUNDING = 1e-15  # of the value itself, to which it is known at least
_FURTHER = 1500  # boxes that are looked at to get from there to the last bit
_SIMPLE_DENOMINATOR = 1000  # denominators of fractions that are tried for the place
_MOST_PLACES = 8  # that are searched again on a scale of their own

_Face = tuple[float | None, ...]
"""the coordinates that are held on a face of the box; None for those that move"""


class Least(NamedTuple):
    """The least value lies between ``low`` and ``high``, and is reached near ``at``.

    ``proven`` says that the two are no further apart than ``tolerance``; mostly they are neighbours, or one number.
    """

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


def moved(surface: Surface, centre: Sequence[float]) -> Surface:
    """f as a function of the distance from a point, so that floats are as dense there as they are at 0."""
    program = surface.program
    builder = ProgramBuilder(program.inputs)
    inputs = [builder.apply(ADD, (builder.constant(Fraction(c)), k)) for k, c in enumerate(centre)]
    slots = copy_slots(program, builder, inputs)
    return Surface(builder.program([slots[o] for o in program.outputs], program.inputs))


def faces(box: Box) -> list[Box]:
    """The faces of a box of all dimensions below its own, the corners among them."""
    sides = [((a, b), (a, a), (b, b)) if a < b else ((a, b),) for a, b in box]
    return [face for face in product(*sides) if face != box]


def spread(box: Box) -> list[tuple[float, ...]]:
    """Places all over a box, by a Kronecker sequence of square roots of primes."""
    roots = [math.sqrt(prime) for prime in (2, 3, 5, 7, 11, 13)]
    return [
        tuple(low + (high - low) * (k * root % 1) for root, (low, high) in zip(roots, box, strict=False))
        for k in range(1, _VALUE_SAMPLES + 1)
    ]


class LowestSearch:
    """Branch and bound for the least value of f over boxes that are parts of faces of one box."""

    def __init__(self, surface: Surface, box: Box, known: Sequence[tuple[float, ...]], zeros: Zeros):
        self.surface, self.box = surface, box
        self.zeros: dict[_Face, Zeros] = {(None,) * len(box): zeros}
        """the stationary points of each face that are known"""
        self.scale = [high - low or 1.0 for low, high in box]
        self.high, self.at = math.inf, tuple(middle(box))
        self.low = math.inf
        """what was discarded is not below it"""
        self.looked = 0
        values = [self._try(point) for point in [*known, *product(*box), *spread(box)]]
        apart = [value - self.high for value in values if self.high < value < math.inf]
        self.apart = median(apart) if apart else 0.0
        for zero in zeros:
            self._settle((None,) * len(box), zero)

    @property
    def tolerance(self) -> float:
        """How far apart bounds of the least value may be: a billionth of how far other values lie above it."""
        return max(_PART * self.apart, _VALUE_ROUNDING * abs(self.high)) if math.isfinite(self.high) else 0.0

    # Values at points ----------------------------------------------------------------------------------------------

    def _try(self, point: Sequence[float]) -> float:
        """Take the value at a point as a bound; ∞ if f has none there."""
        if not all(low <= x <= high for x, (low, high) in zip(point, self.box, strict=True)):
            return math.inf
        with precision(SEARCH_BITS):
            at = [arb(x) for x in point]
            if self.surface.standing(at).outside:
                return math.inf
            value = self.surface.value(at)
            high = -below(-value) if value.is_finite() else self._bounded(point)
        self._reached(high, point)
        return high

    def _reached(self, value: float, point: Sequence[float]) -> None:
        """Some value of f is not above a number."""
        if value < self.high:
            self.high, self.at = value, tuple(point)

    def _bounded(self, point: Sequence[float]) -> float:
        """A number that f is not above at a point, by intervals; ∞ if they have none."""
        low, high = value_range(self.surface, tuple((x, x) for x in point))
        return high if math.isfinite(low) and low <= high else math.inf

    def _settle(self, face: _Face, zero: Zero) -> None:
        """Take the value at a stationary point of a face as a bound, if it is in the box and may be the least one."""
        whole = [b if held is None else arb(held) for b, held in zip(zero.balls, face, strict=True)]
        if any(b < low or b > high for b, (low, high) in zip(whole, self.box, strict=True)):
            return
        within = all(b >= low and b <= high for b, (low, high) in zip(whole, self.box, strict=True))
        at = [min(max(float(b), low), high) for b, (low, high) in zip(whole, self.box, strict=True)]
        with precision(POINT_BITS):
            rough = self.surface.value(whole, POINT_BITS)
        if rough.is_finite() and below(rough) > self.high:
            return
        free = [i for i, held in enumerate(face) if held is None]
        exact = self._exact_place(zero, at, free)
        low, high = self._at(exact) if exact else self._sharply(lambda bits: contract(self.surface, whole, bits, free))
        least, most = value_range(
            self.surface, tuple(map(ends, whole))
        )  # of a square it is 0 at least, which balls miss by a little
        self.low = min(self.low, max(low, least))
        if within:
            self._reached(min(high, most) if least <= most else high, at)

    def _exact_place(self, zero: Zero, at: Sequence[float], free: Sequence[int]) -> list[Fraction] | None:
        """The place of a zero near a point if it is rational: a binary64 in each coordinate, or simple fractions."""
        floats = [Fraction(x) for x in at]
        simple = [x.limit_denominator(_SIMPLE_DENOMINATOR) if i in free else x for i, x in enumerate(floats)]
        for place in (floats, simple):
            alone = all(zero.alone[i][0] <= place[i] <= zero.alone[i][1] for i in free)
            if alone and is_stationary(self.surface, place, free):
                return place
        return None

    def _at(self, point: Sequence[Fraction]) -> tuple[float, float]:
        """Neighbouring floats between which f lies at a rational point, or one twice that f is proven to be."""
        low, high = self._sharply(lambda _: exactly(point))
        between = math.nextafter(low, math.inf)
        return (between, between) if low < between < high and self._equals(between, point) else (low, high)

    def _equals(self, value: float, point: Sequence[Fraction]) -> bool:
        """Whether exact arithmetic proves f to be a number at a rational point."""
        builder = ProgramBuilder.of(self.surface.program)
        slot = builder.apply(ADD, (self.surface.program.outputs[0], builder.constant(-Fraction(value))))
        apart = builder.program([slot], self.surface.program.inputs)
        return is_zero_at(apart, apart.outputs[0], point)

    def _sharply(self, place: Callable[[int], Sequence[Any]]) -> tuple[float, float]:
        """Neighbouring floats between which f lies at a place, or as near to that as 4096 bits come."""
        low, high = -math.inf, math.inf
        for bits in VALUE_BITS:
            with precision(bits):
                value = self.surface.value(place(bits), bits)
                if value.is_finite():
                    low, high = max(low, below(value)), min(high, -below(-value))
            if high <= math.nextafter(low, math.inf):
                break
        return low, high

    # Boxes -----------------------------------------------------------------------------------------------------------

    def run(self, boxes: Sequence[Box], most: int, zoom: bool = True) -> Least:
        """Bound f over the boxes, and over the points known."""
        order = count(0, -1)  # of boxes without a bound the last one first, to find out soon that there is none
        heap: list[tuple[float, int, Box]] = []
        narrow: list[Box] = []
        further = _FURTHER
        try:
            for box in boxes:
                self._push(heap, order, box)
            while heap and self.low > -math.inf and self.looked < most and further:
                if reason_to_stop():
                    break
                low, _, box = heapq.heappop(heap)
                further -= low >= self.high - self.tolerance
                if low >= self.high:
                    self.low = min(self.low, low)
                elif max((b - a) / s for (a, b), s in zip(box, self.scale, strict=True)) < _NARROWEST_BOX:
                    if zoom and low > -math.inf:
                        narrow.append(box)
                    else:
                        self.low = min(self.low, low)
                else:
                    for half in halves(box, self.scale):
                        self._push(heap, order, half)
        except (KeyboardInterrupt, TimeIsUp):
            self.low = -math.inf
        self.low = min([self.low, *(low for low, _, _ in heap)])
        if narrow and zoom and self.low > -math.inf:
            self._closer(narrow, most)
        self._deepen()
        low = min(self.low, self.high) + 0.0
        self.high += 0.0
        proven = low >= self.high - self.tolerance and math.isfinite(low)
        return Least(low, self.high, self.at, proven, self.tolerance)

    def _deepen(self) -> None:
        """Evaluate f once more where it was least, to more digits than floats of the place or the value have."""
        simple = [Fraction(x).limit_denominator(_SIMPLE_DENOMINATOR) for x in self.at]
        self._reached(self._at([Fraction(x) for x in self.at])[1], self.at)
        if all(a <= x <= b for x, (a, b) in zip(simple, self.box, strict=True)):
            self._reached(self._at(simple)[1], [float(x) for x in simple])
        free = [i for i, (x, (a, b)) in enumerate(zip(self.at, self.box, strict=True)) if a < x < b]
        if math.nextafter(self.low, math.inf) < self.high <= self.low + self.tolerance and free:
            with precision(DEEP_BITS):
                place = nearest_zero(self.surface, self.at, free)
                if all(a <= x and x <= b for x, (a, b) in zip(place, self.box, strict=True)):
                    self._reached(self._sharply(lambda _: place)[1], [float(x) for x in place])

    def _closer(self, narrow: list[Box], most: int) -> None:
        """Search places that floats do not resolve once more, on a scale of their own."""
        places = touching(narrow)
        for boxes in places[:_MOST_PLACES]:
            around = hull(boxes)
            centre = middle(around)
            there = tuple((a - c, b - c) for (a, b), c in zip(around, centre, strict=True))
            near = LowestSearch(moved(self.surface, centre), there, [(0.0,) * len(there)], Zeros(len(there)))
            near._reached(self.high, near.at)
            parts = [tuple((a - c, b - c) for (a, b), c in zip(box, centre, strict=True)) for box in boxes]
            found = near.run(parts, most // _MOST_PLACES, zoom=False)
            self.low = min(self.low, found.low)
            self._reached(found.high, [c + x for c, x in zip(centre, found.at, strict=True)])
        for boxes in places[_MOST_PLACES:]:
            self.low = min([self.low, *(self._bound(box, balls(box)) for box in boxes)])

    def _push(self, heap: list[Any], order: Any, box: Box) -> None:
        """Keep a box that may hold the least value."""
        self.looked += 1
        self._try(middle(box))
        if all(a == b for a, b in box):
            self.low = min(self.low, self._corner(box))
            return
        with precision(SEARCH_BITS):
            low = self._examine(box)
        if low is not None:
            heapq.heappush(heap, (low, next(order), box))

    def _corner(self, box: Box) -> float:
        """A number that f is not below at a corner; ∞ if f has no value there, or a higher one than is known."""
        at = [arb(a) for a, _ in box]
        with precision(SEARCH_BITS):
            if self.surface.standing(at).outside:
                return math.inf
            value = self.surface.value(at)
            if value.is_finite() and below(value) > self.high:
                return math.inf
        low, high = self._at([Fraction(a) for a, _ in box])
        least, most = value_range(self.surface, box)
        self._reached(min(high, most) if least <= most else high, [a for a, _ in box])
        return max(low, least)

    def _examine(self, box: Box) -> float | None:
        """A number that f is not below in a box; None if the box cannot hold the least value, or not alone."""
        x = balls(box)
        standing = self.surface.standing(x)
        if standing.outside:
            return None
        low = self._bound(box, x)
        if low >= self.high:
            self.low = min(self.low, low)
            return None
        if standing.cross & ODD:
            return low
        free = [i for i, (a, b) in enumerate(box) if a < b]
        gradient = self.surface.gradient(x)
        if any(gradient[i] != 0 for i in free):
            return None
        return None if standing.smooth and self._is_settled(box, x, free) else low

    def _bound(self, box: Box, x: Sequence[Any]) -> float:
        """A number that f is not below in a box: by balls, by the mean value theorem, by intervals."""
        surface = self.surface
        value, gradient = surface.value(x), surface.gradient(x)
        low = below(value) if value.is_finite() else -math.inf
        if all(g.is_finite() for g in gradient):
            centre = [b.mid() for b in x]
            linear = surface.value(centre)
            for g, b, c in zip(gradient, x, centre, strict=True):
                linear += g * (b - c)
            low = max(low, below(linear)) if linear.is_finite() else low
        return max(low, value_range(surface, box)[0]) if low < self.high else low

    def _is_settled(self, box: Box, x: Sequence[Any], free: Sequence[int]) -> bool:
        """Whether the stationary points of its face that a box holds are known, after a step of Newton's method."""
        face = tuple(None if i in free else box[i][0] for i in range(len(box)))
        zeros = self.zeros.setdefault(face, Zeros(len(box)))
        if zeros.settle(box):
            return True
        wide = [b if i not in free else arb(b.mid(), b.rad() * 2) for i, b in enumerate(x)]
        step = krawczyk(self.surface, wide, free=free) if self.surface.standing(wide).smooth else None
        if step is None:
            return False
        if any(not step[i].overlaps(wide[i]) for i in free):
            return True
        if not proves(wide, step, free):
            return False
        alone = tuple(inner(wide[i]) if i in free else side for i, side in enumerate(box))
        zero = sharp(self.surface, wide, step, alone, free)
        if zero is None:
            return False
        zeros.add(zero)
        self._settle(face, zero)
        return True


def told_apart(search: Search, points: Sequence[StationaryPoint], family: str) -> list[StationaryPoint]:
    """The points; of several global minima (maxima) those are local where f is proven higher (lower) than at another.

    Balls around the values decide, of 1024 bits at zeros that Newton's method narrows; what overlaps is a tie.
    """
    tied = [p for p in points if p.is_global and p.kind.endswith(family)]
    if len(tied) < 2:
        return list(points)
    zeros = {zero.at: zero for zero in search.zeros}
    with precision(DEEP_BITS):
        sign = 1 if family == "minimum" else -1
        values = [sign * _value(search, p, zeros.get(p.point)) for p in tied]
        bound = values[0].upper()
        for value in values:
            bound = min(bound, value.upper())
        worse = {p.point for p, value in zip(tied, values, strict=True) if value > bound}
    return [replace(p, is_global=False) if p.is_global and p.point in worse else p for p in points]


def _value(search: Search, point: StationaryPoint, zero: Zero | None) -> Any:
    """A ball that holds f at a point."""
    if zero is not None and point.proof == "interval Newton":
        value = search.surface.value(contract(search.surface, zero.balls, DEEP_BITS), DEEP_BITS)
        if value.is_finite():
            return value
    return arb(point.value, point.value_error)


def at_global(extreme: Extreme | None, points: Sequence[StationaryPoint], family: str) -> Extreme | None:
    """The extreme value at a global point, if the point it was found at is none."""
    chosen = [p for p in points if p.is_global and p.kind.endswith(family)]
    if extreme is None or extreme.where != "stationary point" or not chosen:
        return extreme
    return extreme if any(p.at == extreme.at for p in chosen) else replace(extreme, at=chosen[0].at)

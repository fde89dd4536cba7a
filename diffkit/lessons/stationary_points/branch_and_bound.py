"""Branch and bound for the zeros of a gradient in a box: what cannot hold one is discarded, what does is proven.

Boxes are halved until each is discarded (some ∂f/∂xᵢ excludes 0, or Krawczyk's step leaves the box), proven to hold
exactly one zero, proven flat (the gradient is 0 throughout), outside the domain, or too small to go on; the last are
gathered into clusters of touching boxes (Hansen & Walster, Global Optimization Using Interval Analysis, ch. 11–12).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import INTERRUPTED, TimeIsUp, reason_to_stop
from diffkit.core.limits import SEARCH_BITS
from diffkit.lessons.stationary_points.boxes import Standing, Surface, balls, excludes_zero, halves, hull, size
from diffkit.lessons.stationary_points.newton import Zeros, krawczyk, polish, proves, sharp, surround
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, ends, middle

_LEAST_SIDES = {1: 2.0**-40, 2: 2.0**-28, 3: 2.0**-20}
"""sides of the smallest boxes, as a part of the whole box, by the number of variables"""
_LEAST_OTHER_SIDE = 2.0**-16  # the same for more variables
_CURVE_GROWTH = 1.6  # of the number of boxes at each halving of their sides: beyond it, they fill a curve or more
_LEAST_GROWTH = 1.25  # where it is uneven
_MOST_GROWTH = 1.3  # times 2ⁿ⁻¹: beyond it, the boxes are still too large to tell
_CROWD = {2: 300}  # boxes at least, before growth says anything
_LARGE_CROWD = 2000
_FOLLOWED_WIDTHS = 1.5  # widths of a box from which a step of Newton's method is followed
_FAILURE_REACH = 4.0  # widths of a box within which a failed attempt speaks against another
_PROOF_ATTEMPTS = 3
_PROOF_START = 2.0**-40  # part of the box in which a proof begins
_FAILURES = 50  # more of them than zeros are proven: the Hessian is singular along a whole part of the box
_MANY_BOXES = 3000
_TRIED = 40  # boxes from which zeros are still looked for after an early end
_PLACE_SPAN = 2.0**-12  # part of the whole box that a cluster may span and still be called a place
_REST = 0.3  # of the time, in which what was found is classified
Progress = Callable[[int, int, float], None]
"""called with the number of boxes looked at, that of points found, and the part of the box that is settled"""


class Cluster(NamedTuple):
    """Touching boxes that could be neither discarded nor proven, and what crosses them."""

    boxes: tuple[Box, ...]
    cross: frozenset[str]
    small: bool
    """a place, rather than a curve or a part of the box"""

    @property
    def hull(self) -> Box:
        """The least box around it."""
        return hull(self.boxes)


class Search:
    """A search that keeps what it found, whenever it stops."""

    def __init__(self, surface: Surface, box: Box, most: int, progress: Progress | None = None):
        self.surface, self.box, self.most, self.progress = surface, box, most, progress
        self.scale = [high - low for low, high in box]
        self.least = _LEAST_SIDES.get(surface.count, _LEAST_OTHER_SIDE)
        self.zeros = Zeros(surface.count)
        self.failed: list[tuple[list[float], list[bool]]] = []
        """where no zero could be proven, and the attempts that followed near there"""
        self.flat: list[Box] = []
        self.clusters: list[Cluster] = []
        self.met: list[tuple[float, ...]] = []
        """places, not proven to be zeros, that Newton's method led to: least values may lie there"""
        self.looked = 0
        self.outside = self.inside = False
        """whether some boxes lie outside the domain, and some do not"""
        self.stopped = ""
        """why the search ended early, in words"""
        self.late = False
        """whether somebody waits: the time was up, or it was interrupted"""
        self.settled = 0.0
        """part of the box that is settled"""

    def run(self) -> None:
        """Search until nothing is left, or a limit is met, or the user interrupts."""
        level: list[Box] = [self.box]
        following: list[Box] = []
        done: list[Box] = []
        counts: list[tuple[int, int]] = []  # of boxes and of zeros
        depth = 0
        try:
            while level:
                while level and not self._must_stop():
                    box = level[-1]
                    with precision(SEARCH_BITS):
                        rest = self._examine(box)
                    level.pop()
                    if rest is None:
                        done.append(box)
                    else:
                        following += rest
                        self._settle(box, rest)
                if self.stopped:
                    break
                level, following = following, []
                depth += 1
                if depth % self.surface.count == 0:
                    counts.append((len(level), len(self.zeros)))
                    if self._crowded(counts):
                        level, counts = self._without_crowds(level), []
        except KeyboardInterrupt:
            self.stopped, self.late = INTERRUPTED, True
        except TimeIsUp as up:
            self.stopped, self.late = up.reason, True
        left = [*level, *following]
        if self.stopped and not self.late:
            self._try_each(left)
        self.clusters += self.gather([*done, *left])

    def _try_each(self, boxes: list[Box]) -> None:
        """After an early end, look for zeros from the middles of some of the boxes that are left."""
        for box in boxes[:: max(1, len(boxes) // _TRIED)]:
            with precision(SEARCH_BITS):
                self._add(middle(box))

    def _must_stop(self) -> bool:
        if self.looked >= self.most:
            self.stopped = f"the limit of {self.most:,} boxes was reached"
        elif reason := reason_to_stop(_REST):
            self.stopped, self.late = reason, True
        elif self.looked % 16 == 0 and self.progress is not None:
            self.progress(self.looked, len(self.zeros), self.settled)
        return bool(self.stopped)

    def _settle(self, box: Box, rest: list[Box]) -> None:
        self.settled += self._part(box) - sum(map(self._part, rest))

    def _part(self, box: Box) -> float:
        return math.prod((high - low) / s for (low, high), s in zip(box, self.scale, strict=True))

    def _examine(self, box: Box) -> list[Box] | None:
        """What remains to be searched of a box; None if it is too small to go on."""
        self.looked += 1
        surface = self.surface
        if self.zeros.settle(box):
            return []
        x = balls(box)
        standing = surface.standing(x)
        if standing.outside:
            self.outside = True
            return []
        rest = self._within_domain(box, x, standing)
        self.inside = self.inside or not rest
        return rest

    def _within_domain(self, box: Box, x: list[Any], standing: Standing) -> list[Box] | None:
        surface = self.surface
        gradient = surface.gradient(x)
        if any(entry != 0 for entry in gradient):
            return []
        if not standing.smooth and excludes_zero(surface, box):
            return []
        if standing.cross <= {"kink"} and all(entry.is_zero() for entry in gradient):
            self.flat.append(box)  # at a kink too: the gradient's enclosure holds every slope there
            return []
        if standing.smooth:
            rest = self._newton(box, x)
            if rest is not None:
                return rest
        if size(box, self.scale) <= self.least or any(not low < low / 2 + high / 2 < high for low, high in box):
            return None
        return list(halves(box, self.scale))

    def _newton(self, box: Box, x: list[Any]) -> list[Box] | None:
        """What a step of interval Newton leaves of a box; None if it is of no help."""
        step = krawczyk(self.surface, x)
        if step is None:
            return None
        if any(not a.overlaps(b) for a, b in zip(x, step, strict=True)):
            return []
        guess = [float(b) for b in step]
        if proves(x, step):
            self._add(guess)
            if self.zeros.settle(box):
                return []
            zero = sharp(self.surface, x, step, box)  # its own box is a proof as well
            if zero is not None:
                self.zeros.add(zero)
                return []
        elif all(
            abs(g - (a / 2 + b / 2)) <= _FOLLOWED_WIDTHS * (b - a) and float(s.rad()) <= _FOLLOWED_WIDTHS * (b - a)
            for g, s, (a, b) in zip(guess, step, box, strict=True)
        ):
            if not self._hopeless(guess, box):
                self._add(guess)
            if self.zeros.settle(box):
                return []
        met = tuple((max(a, low), min(b, high)) for (a, b), (low, high) in zip(box, map(ends, step), strict=True))
        if any(a > b for a, b in met):
            return []
        return [met] if size(met, self.scale) < 0.7 * size(box, self.scale) and all(a < b for a, b in met) else None

    def _hopeless(self, guess: list[float], box: Box) -> bool:
        """Whether attempts near a guess have failed again and again, in measures of the box, or too many anywhere."""
        if len(self.failed) > _FAILURES + len(self.zeros):
            return True
        for point, attempts in self.failed:
            if all(abs(g - p) <= _FAILURE_REACH * (b - a) for g, p, (a, b) in zip(guess, point, box, strict=True)):
                attempts.append(True)
                if len(attempts) > _PROOF_ATTEMPTS:
                    return True
        return False

    def _add(self, guess: list[float]) -> None:
        """Follow Newton's method from a guess, and prove the zero it leads to."""
        surface = self.surface
        point = polish(surface, guess, 12)
        if point is None or self.zeros.settle(tuple((p, p) for p in point)):
            return
        margin = [s * 2.0**-10 for s in self.scale]
        if any(not low - m <= p <= high + m for p, (low, high), m in zip(point, self.box, margin, strict=True)):
            return
        zero = surround(surface, point, [s * _PROOF_START for s in self.scale], self.scale)
        if zero is None:
            self.failed.append((point, []))
        else:
            self.zeros.add(zero)

    # Clusters ------------------------------------------------------------------------------------------------------

    def _crowded(self, counts: list[tuple[int, int]]) -> bool:
        """Whether the number of boxes keeps growing as they are halved in every direction, as along a curve.

        Along a curve it doubles, over a surface it grows fourfold; where nothing is discarded yet, it grows by 2ⁿ.
        """
        if len(counts) < 4 or counts[-1][0] < _CROWD.get(self.surface.count, _LARGE_CROWD):
            return False
        most = _MOST_GROWTH * 2 ** (self.surface.count - 1)
        grown = [later / earlier for (earlier, _), (later, _) in pairwise(counts[-4:])]
        steady = min(grown) >= _LEAST_GROWTH and _CURVE_GROWTH**3 <= math.prod(grown) <= most**3
        return steady and counts[-1][1] == counts[-3][1]

    def _without_crowds(self, level: list[Box]) -> list[Box]:
        """Set aside the clusters that extend over many boxes; the others are searched on."""
        kept: list[Box] = []
        for cluster in self.gather(level):
            if self._is_compact(cluster.boxes):
                kept += cluster.boxes
            else:
                self.clusters.append(cluster)
                self.settled += sum(map(self._part, cluster.boxes))
        return kept

    def gather(self, boxes: list[Box]) -> list[Cluster]:
        """Gather boxes into clusters that touch; nobody looks at what is in them where it is late."""
        if self.late:
            return [Cluster(tuple(group), frozenset(), False) for group in touching(boxes)]
        found = []
        with precision(SEARCH_BITS):
            for group in touching(boxes):
                standings = [self.surface.standing(balls(box)) for box in group]
                cross = frozenset().union(*(s.cross for s in standings))
                small = self._is_compact(group) and size(hull(group), self.scale) <= _PLACE_SPAN
                found.append(Cluster(tuple(group), cross, small))
        return found

    def _is_compact(self, group: Sequence[Box]) -> bool:
        """Whether a group spans few boxes."""
        return size(hull(group), self.scale) <= 16 * max(size(box, self.scale) for box in group)


def touching(boxes: list[Box]) -> list[list[Box]]:
    """Boxes in groups, two that touch in one; very many are one group, whether they touch or not."""
    if not boxes:
        return []
    if len(boxes) > _MANY_BOXES:
        return [boxes]
    low = np.array([[a for a, _ in box] for box in boxes])
    high = np.array([[b for _, b in box] for box in boxes])
    left = np.ones(len(boxes), dtype=bool)
    groups = []
    for start in range(len(boxes)):
        if not left[start]:
            continue
        left[start] = False
        group = [start]
        for k in group:
            near = np.flatnonzero(left & (low <= high[k]).all(axis=1) & (high >= low[k]).all(axis=1))
            left[near] = False
            group.extend(near.tolist())
        groups.append([boxes[k] for k in group])
    return groups

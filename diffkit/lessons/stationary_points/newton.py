"""Interval Newton in the form of Krawczyk: proofs that a gradient has exactly one zero in a box, and the zeros proven.

K(X) = m − Y·∇f(m) + (I − Y·H(X))·(X − m), with m in the middle of X and Y near H(m)⁻¹, holds every zero in X; if it
lies in the interior of X there is exactly one (Krawczyk 1969; Neumaier, Interval Methods for Systems of Equations,
theorem 5.1.8). Each step roughly squares the width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb, arb_mat

from diffkit.core.limits import DEEP_BITS, POINT_BITS, SEARCH_BITS
from diffkit.lessons.stationary_points.boxes import Balls, Surface
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, ends

_CONTRACTIONS = 100  # steps to full precision: the width squares in each, after slow ones at first
_STALLED_WIDTH = 0.99  # of a width that is left after a step in which nothing more happens
_ZERO_SHARPNESS = 2.0**-64  # of a box, to which the zero in it is known where steps did not end before their time
_BOX_DOUBLINGS = 60  # of a box around a place, until it is proven to hold a zero
_GROWN = 4  # doublings at a time
_LEAST_INVERTED = 1e-300  # below it the inverse may overflow
_POLISHING_STEPS = 80  # of Newton's method in floats: near a singular Hessian it is linear
_DEEP_STEPS = 600
_IDLE_STEPS = 20  # steps in which the gradient must fall
_TINY_STEPS = 3  # in a row: in a curved valley one of them may be tiny far from its end
_CONVERGED = 2.0**-64  # of the size of the smallest boxes, and of the gradient that far away


class Zero(NamedTuple):
    """A proven zero of the gradient: balls that hold it, and the box in which it is the only one."""

    balls: tuple[Any, ...]
    alone: Box

    @property
    def at(self) -> tuple[float, ...]:
        """The nearest floats; 0 where it may be that."""
        return tuple(0.0 if b.contains(0) else float(b) for b in self.balls)


def floats(matrix: Any) -> Any:
    """The middles of a matrix of balls, as an array."""
    return np.array([[float(entry) for entry in row] for row in matrix.tolist()])


def inverse(matrix: Any) -> Any:
    """An approximate inverse of a matrix of balls; None if it is singular or nearly so."""
    values = floats(matrix)
    if values.size == 1:
        return 1 / values if abs(values[0, 0]) > _LEAST_INVERTED else None
    try:
        found = np.linalg.inv(values)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None


def krawczyk(
    surface: Surface, x: Balls, bits: int = SEARCH_BITS, free: Sequence[int] | None = None
) -> list[Any] | None:
    """Balls that hold every zero of the gradient in the balls x; None where the Hessian does not allow a step.

    Along a face of a box only the ``free`` variables move, and only the gradient by these is to be zero.
    """
    free = range(len(x)) if free is None else free
    hessian = surface.hessian(x, bits)
    if hessian is not None and len(free) < len(x):
        hessian = arb_mat([[hessian[i, j] for j in free] for i in free])
    near = None if hessian is None else inverse(hessian)
    if near is None:
        return None
    y = arb_mat(near.tolist())
    centre = [b.mid() for b in x]
    gradient = surface.gradient(centre, bits)
    g = arb_mat([[gradient[i]] for i in free])
    identity = arb_mat([[int(i == j) for j in free] for i in free])
    rest = arb_mat([[x[i] - centre[i]] for i in free])
    step = (identity - y * hessian) * rest - y * g
    found = list(x)
    for k, i in enumerate(free):
        found[i] = centre[i] + step[k, 0]
    return found if all(b.is_finite() for b in found) else None


def proves(x: Balls, step: Balls | None, free: Sequence[int] | None = None) -> bool:
    """Whether a step lies in the interior of where it started."""
    return step is not None and all(x[i].contains_interior(step[i]) for i in free or range(len(x)))


def contract(
    surface: Surface, step: Balls, bits: int = POINT_BITS, free: Sequence[int] | None = None
) -> tuple[Any, ...]:
    """Narrow balls that hold one zero as far as the precision goes."""
    with precision(bits):
        now = tuple(step)
        for _ in range(_CONTRACTIONS):
            narrower = krawczyk(surface, now, bits, free)
            if narrower is None:
                break
            met = [a.intersection(b) if a.overlaps(b) else b for a, b in zip(now, narrower, strict=True)]
            if all(m.rad() >= a.rad() * _STALLED_WIDTH for m, a in zip(met, now, strict=True)):
                break
            now = tuple(met)
        return now


def sharp(surface: Surface, x: Balls, step: Balls, alone: Box, free: Sequence[int] | None = None) -> Zero | None:
    """The zero that a step from the balls x has proven, as sharply as the precision allows; None if steps are too slow.

    Where the Hessian varies much over x, each step narrows it by next to nothing: from a part of x, they are quicker.
    """
    found = contract(surface, step, POINT_BITS, free)
    return (
        Zero(found, alone) if all(b.rad() <= a.rad() * _ZERO_SHARPNESS for a, b in zip(x, found, strict=True)) else None
    )


def surround(surface: Surface, point: list[float], first: list[float], reach: list[float]) -> Zero | None:
    """Prove a zero near a point, in a box as large as has no other; None if balls cannot. In the precision SEARCH_BITS.

    The box grows from ``first`` to ``reach``: a zero on the edge between two boxes of a search is proven in neither.
    """
    least = [max(r, 64 * math.ulp(p)) for p, r in zip(point, first, strict=True)]
    first_proven = alone = None
    grow, k = _GROWN, 0
    while True:
        grown = [arb(p, r * 2.0**k) for p, r in zip(point, least, strict=True)]
        found = krawczyk(surface, grown) if surface.standing(grown).smooth else None
        if found is not None and proves(grown, found):
            first_proven, alone = first_proven or (grown, found), grown
        elif first_proven is not None and grow > 1:  # too large: half of it may do
            k, grow = k - grow, grow // 2
        elif first_proven is not None or k > _BOX_DOUBLINGS // 2:
            break
        if all(r * 2.0**k > limit for r, limit in zip(least, reach, strict=True)):
            break
        k += grow
    if first_proven is None or alone is None:
        return None
    return sharp(surface, *first_proven, tuple(inner(b) for b in alone))


def inner(enclosure: Any) -> tuple[float, float]:
    """Floats within a ball."""
    low, high = ends(enclosure)
    return math.nextafter(low, math.inf), math.nextafter(high, -math.inf)


def polish(
    surface: Surface, start: list[float], steps: int = _POLISHING_STEPS, least: float = 1e-13
) -> list[float] | None:
    """Newton's method from a point, by least squares where the Hessian is singular; None where it leads nowhere.

    ``least`` is the part of its largest singular value below which another counts as 0.
    """
    x = start
    best, best_size = None, math.inf
    for _ in range(steps):
        at = [arb(c) for c in x]
        if not surface.standing(at).smooth:
            return best
        g = [float(entry) for entry in surface.gradient(at)]
        length = float(np.linalg.norm(g))
        if not math.isfinite(length):
            return best
        if length < best_size:
            best, best_size = x, length
        hessian = surface.hessian(at)
        if length == 0 or hessian is None:
            return best
        step = np.linalg.lstsq(floats(hessian), np.array(g), rcond=least)[0]
        if not np.isfinite(step).all():
            return best
        moved = [float(c - s) for c, s in zip(x, step, strict=True)]
        if all(abs(a - b) <= 2 * math.ulp(a) for a, b in zip(moved, x, strict=True)):
            return best
        x = moved
    return best


def refine(surface: Surface, start: list[float], reach: Sequence[float], box: Box) -> list[float] | None:
    """Newton's method in 1024 bits; the point it converges to in a box, or None.

    It has converged if its last steps are tiny relative to ``reach``, and the gradient relative to its size that far
    from the point: near a singular zero the steps shrink for ever, near a mere dip of the gradient they do not.
    """
    with precision(DEEP_BITS):
        x = [arb(c) for c in start]
        least, idle, tiny = arb("inf"), 0, 0
        for _ in range(_DEEP_STEPS):
            if not surface.standing(x, DEEP_BITS).smooth or any(
                c < a or c > b for c, (a, b) in zip(x, box, strict=True)
            ):
                return None
            gradient, hessian = surface.gradient(x, DEEP_BITS), surface.hessian(x, DEEP_BITS)
            length = _length(gradient)
            if hessian is None or not length.is_finite():
                return None
            least, idle = (length, 0) if length < least else (least, idle + 1)
            if idle > _IDLE_STEPS:
                return None
            if all(g.contains(0) for g in gradient):
                return _converged(surface, x, gradient, reach)
            try:
                step = hessian.mid().solve(arb_mat([[g.mid()] for g in gradient]))
            except ZeroDivisionError:
                return None
            steps = [step[i, 0].mid() for i in range(len(x))]
            x = [(c - s).mid() for c, s in zip(x, steps, strict=True)]
            tiny = tiny + 1 if all(abs(s) < _CONVERGED * r for s, r in zip(steps, reach, strict=True)) else 0
            if tiny == _TINY_STEPS:
                return _converged(surface, x, surface.gradient(x, DEEP_BITS), reach)
    return None


def nearest_zero(surface: Surface, start: Sequence[float], free: Sequence[int]) -> list[Any]:
    """A point of 1024 bits as near to a zero of the gradient by the free variables as Newton's method comes.

    In a precision of DEEP_BITS bits. Near a zero of multiplicity m an error shrinks by 1 − 1/m in a step.
    """
    x = [arb(c) for c in start]
    for _ in range(_DEEP_STEPS):
        gradient, hessian = surface.gradient(x, DEEP_BITS), surface.hessian(x, DEEP_BITS)
        if hessian is None or all(gradient[i].contains(0) for i in free):
            break
        try:
            part = arb_mat([[hessian[i, j].mid() for j in free] for i in free])
            step = part.solve(arb_mat([[gradient[i].mid()] for i in free]))
        except ZeroDivisionError:
            break
        for k, i in enumerate(free):
            x[i] = (x[i] - step[k, 0]).mid()
    return x


def _converged(surface: Surface, x: Balls, gradient: Balls, reach: Sequence[float]) -> list[float] | None:
    """The point in floats, if the gradient is tiny there relative to its size around it."""
    around = arb(0)
    for k, r in enumerate(reach):
        for sign in (1, -1):
            length = _length(surface.gradient([*x[:k], x[k] + sign * arb(r), *x[k + 1 :]], DEEP_BITS))
            around = length if length > around else around
    return [float(c) for c in x] if _length(gradient) < _CONVERGED * around else None


def _length(gradient: Balls) -> Any:
    """The largest component."""
    return max((g.abs_upper() for g in gradient), key=lambda size: size if size.is_finite() else arb("inf"))


class _Boxes:
    """Boxes in arrays of their ends, which grow as boxes come."""

    def __init__(self, dimension: int):
        self.count = 0
        self._low, self._high = np.empty((2, 16, dimension))

    def add(self, box: Box) -> None:
        """Keep a box."""
        if self.count == len(self._low):
            self._low, self._high = (np.concatenate([ends, np.empty_like(ends)]) for ends in (self._low, self._high))
        self.count += 1
        self.replace(self.count - 1, box)

    def replace(self, k: int, box: Box) -> None:
        """Put a box in the place of the k-th."""
        self._low[k], self._high[k] = np.transpose(box)

    @property
    def low(self) -> Any:
        """The lower ends, a row per box."""
        return self._low[: self.count]

    @property
    def high(self) -> Any:
        """The upper ends."""
        return self._high[: self.count]

    def around(self, box: Box) -> Any:
        """Which of them hold a box."""
        low, high = np.transpose(box)
        return ((self.low <= low) & (high <= self.high)).all(axis=1)

    def within(self, box: Box) -> Any:
        """Which of them lie in a box."""
        low, high = np.transpose(box)
        return ((low <= self.low) & (self.high <= high)).all(axis=1)

    def meeting(self, box: Box) -> Any:
        """Which of them meet a box."""
        low, high = np.transpose(box)
        return ((self.low <= high) & (low <= self.high)).all(axis=1)


class Zeros:
    """Proven zeros, no two of them the same."""

    def __init__(self, dimension: int):
        self._zeros: list[Zero] = []
        self._alone, self._places = _Boxes(dimension), _Boxes(dimension)

    def __len__(self) -> int:
        return len(self._zeros)

    def __iter__(self) -> Iterator[Zero]:
        return iter(self._zeros)

    def settle(self, box: Box) -> bool:
        """Whether a box lies where a known zero is the only one."""
        return bool(self._alone.around(box).any())

    def meet(self, box: Box) -> bool:
        """Whether a known zero may lie in a box."""
        return bool(self._places.meeting(box).any())

    def add(self, zero: Zero) -> None:
        """Keep a zero, unless it is one that is known."""
        place = tuple(map(ends, zero.balls))
        if self.settle(place):
            return
        same = np.flatnonzero(self._places.within(zero.alone))
        if len(same):
            k = int(same[0])
            self._zeros[k] = self._zeros[k]._replace(alone=zero.alone)
            self._alone.replace(k, zero.alone)
            return
        self._zeros.append(zero)
        self._alone.add(zero.alone)
        self._places.add(place)

"""What is to be said of a point at which the fits do not settle: a kink, a jump, an edge, or that one cannot tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from diffkit.differences.sides import Near, Side, Sides
from diffkit.results import Odd

CLEAR = 2.0  # a gap beyond this many bars is one
GROWTH = 0.07  # a slope that grows faster than this power of 1/h has no limit in sight
LIKE, ALIKE = 0.05, 0.25  # by how much that power may change towards the nearest sample, and from far away
CONTINUOUS = 0.85  # a slope that grows faster than this power of 1/h belongs to a jump, or to noise
POLE = 0.7  # likewise for f itself, which grows as 1/h at a simple pole

NO_SIDE = "f has no finite value on one side of the point, or on both"
UNSETTLED = "the differences do not settle at any step"


def judge(sides: Sides, order: int) -> Odd:
    """Tell the status; ``ok`` with the value and, as ``right`` − ``left``, its bar twice, if the sides agree."""
    pairs = [(left, right) for left, right in zip(sides.left, sides.right, strict=True) if left and right]
    if not any(sides.left) or not any(sides.right):
        outside = not all(math.isfinite(near.rise) for near in sides.nearest)
        return Odd("domain_error", NO_SIDE) if outside else Odd("uncertain", UNSETTLED)
    sizes = [[side.size for side in pair] for pair in pairs]
    if all(_grows(part, sides.radii, POLE) for part in zip(*sizes, strict=True)):
        return Odd(
            "uncertain", "f grows as the point is approached: a pole there, or nearer to it than values can show"
        )
    quiet = [(left, right) for left, right in pairs if left.quiet and right.quiet]
    for m in range(order + 1) if quiet else ():
        odd = _gap(quiet, sides, m, order)
        if odd is not None:
            return odd
    if quiet:
        left, right = min(quiet, key=lambda pair: _bar(pair, order))
        (a, _), (b, _) = left.derivatives[order], right.derivatives[order]
        bar = _bar((left, right), order) + abs(b - a) / 2
        return Odd("ok", left=-bar, right=bar, value=(a + b) / 2)
    return _steep(pairs, sides) or Odd("uncertain", UNSETTLED)


def _bar(pair: tuple[Side, Side], order: int) -> float:
    return sum(side.derivatives[order][1] for side in pair)


def _gap(quiet: list[tuple[Side, Side]], sides: Sides, m: int, order: int) -> Odd | None:
    """A jump (m = 0) or a kink (m = 1 …) in the best view of it, if it lasts to the nearest samples."""
    left, right = min(quiet, key=lambda pair: _bar(pair, m))
    (a, bar_a), (b, bar_b) = left.derivatives[m], right.derivatives[m]
    gap = abs(b - a)
    if m == 0:
        gap = max(gap, abs(a), abs(b))  # f at the point may lie off both sides
        bar_a += 2 * sides.rounding * max(abs(left.secant), abs(right.secant))
    if gap <= CLEAR * (bar_a + bar_b):
        return None
    for near, slope in zip(sides.nearest, (a, b), strict=True):
        expected = slope if m == 0 else slope * near.step
        if m < 2 and not abs(near.rise - expected) <= gap * (abs(near.step) if m else 1.0) / 4 + near.noise:
            return Odd("uncertain", "f changes abruptly at the point, or nearer to it than values can show")
    if m == 0:
        return Odd("not_differentiable", "the values from the left, from the right and at the point disagree: a jump")
    if m < order:
        return Odd("not_differentiable", f"the derivatives of order {m} from the left and from the right disagree")
    message = "the differences from the left and from the right disagree at every step: a kink"
    return Odd("not_differentiable", message, left=a, right=b)


def _grows(sizes: Sequence[float], radii: Sequence[float], power: float) -> bool:
    """Whether sizes that are seen at every radius grow from each to the next, by more than a power of 1/h."""
    factor = (radii[0] / radii[1]) ** power
    return len(sizes) == len(radii) and sizes[0] > 0 and all(b > factor * a for a, b in pairwise(sizes))


def _steep(pairs: list[tuple[Side, Side]], sides: Sides) -> Odd | None:
    """A vertical tangent: slopes on both sides that grow as one power of 1/h all the way to the nearest samples."""
    slopes = [[pair[k].secant for pair in pairs] for k in range(2)]
    if all(_grows_on(part, sides.radii, near) for part, near in zip(slopes, sides.nearest, strict=True)):
        return Odd("not_differentiable", "the slope grows without limit towards the point")
    return None


def _grows_on(slopes: Sequence[float], radii: Sequence[float], near: Near) -> bool:
    last = near.rise / near.step
    secants = [abs(slope) for slope in slopes]
    if not _grows(secants, radii, GROWTH) or abs(near.rise) <= 2 * near.noise or any(s * last < 0 for s in slopes):
        return False
    far, middle = (math.log(b / a) / math.log(radii[0] / radii[1]) for a, b in pairwise(secants))
    power = math.log(abs(last) / secants[-1]) / math.log(radii[-1] / near.distance)
    return power < CONTINUOUS and abs(power - middle) < LIKE and abs(power - far) < ALIKE

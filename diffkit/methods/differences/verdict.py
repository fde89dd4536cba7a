"""What is to be said of a point at which the fits do not settle: a kink, a jump, an edge, or that one cannot tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from diffkit.core.results import Odd
from diffkit.methods.differences.sides import Near, Side, Sides

CLEAR = 2.0  # a gap beyond this many bars is one
SLIGHT, LARGE = 1e-6, 0.1  # of a derivative: gaps that pieces may leave which meet beside the point, and may not
ABRUPT = 0.01  # of the change of a derivative over a side: a smaller gap may be that of pieces beside the point
SPREAD = (0, 3, 4)  # places of the radii, from one to the next of which f is compared
GROWTH = 0.07  # a slope that grows faster than this power of 1/h has no limit in sight
LIKE, ALIKE = 0.05, 0.25  # by how much that power may change towards the nearest sample, and from far away
CONTINUOUS = 0.85  # a slope that grows faster than this power of 1/h belongs to a jump, or to noise
POLE = 0.7  # likewise for f itself, which grows as 1/h at a simple pole

Pair = tuple[Side, Side]
"""Left and right out to one radius."""

NO_SIDE = "f has no finite value on one side of the point, or on both"
ABRUPTLY = "f changes abruptly at the point, or nearer to it than values can show"
GROWING = "f grows as the point is approached: a pole there, or nearer to it than values can show"
UNSETTLED = "the differences do not settle at any step"


def judge(sides: Sides, order: int) -> Odd:
    """Tell the status; ``ok`` with the value and, as ``right`` − ``left``, its bar twice, if the sides agree."""
    if not any(sides.left) or not any(sides.right):
        outside = not all(math.isfinite(near.rise) for near in sides.nearest)
        return Odd("domain_error", NO_SIDE) if outside else Odd("uncertain", UNSETTLED)
    if all(_grows([side.size for side in part], radii, POLE) for part, radii in _spread(sides)):
        return Odd("uncertain", GROWING)
    pairs = [(left, right) for left, right in zip(sides.left, sides.right, strict=True) if left and right]
    quiet = _resolved([pair for pair in pairs if pair[0].quiet and pair[1].quiet], sides, order)
    if not quiet:
        return _steep(sides) or Odd("uncertain", UNSETTLED)
    gaps = (_gap(quiet, sides, m, order) for m in range(order + 1))
    return next((odd for odd in gaps if odd is not None), None) or _agreed(quiet, sides, order)


def _agreed(quiet: list[Pair], sides: Sides, order: int) -> Odd:
    """The value between both sides, which leave no gap, unless f changes abruptly between the samples."""
    left, right = pair = min(quiet, key=lambda pair: _bar(pair, order))
    if not all(left.expects(a) and right.expects(b) for a, b in (sides.nearest, *sides.between)):
        return Odd("uncertain", ABRUPTLY)
    (a, _), (b, _) = left.derivatives[order], right.derivatives[order]
    bar = _bar(pair, order) + abs(b - a) / 2
    return Odd("ok", left=-bar, right=bar, value=(a + b) / 2)


def _resolved(quiet: list[Pair], sides: Sides, order: int) -> list[Pair]:
    """The views of both sides, without those that show a gap where a closer one, sharp enough to see it, shows none.

    Such a gap lies beside the point, nearer to it than the samples.
    """
    for k, wide in enumerate(quiet):
        for close in quiet[k + 1 :]:
            for m in range(order + 1):
                (gap, bars), (rest, sharp) = _apart(wide, sides, m), _apart(close, sides, m)
                if gap > CLEAR * bars and gap > CLEAR * sharp >= rest:
                    return _resolved(quiet[k + 1 :], sides, order)
    return quiet


def _apart(pair: Pair, sides: Sides, m: int) -> tuple[float, float]:
    """How far the sides are apart in a derivative, and what their bars allow; for m = 0 in f, also from f there."""
    left, right = pair
    (a, bar_a), (b, bar_b) = left.derivatives[m], right.derivatives[m]
    if m:
        return abs(b - a), bar_a + bar_b
    bar_a += 2 * sides.rounding * max(abs(left.secant), abs(right.secant))
    return max(abs(b - a), abs(a), abs(b)), bar_a + bar_b


def _bar(pair: Pair, order: int) -> float:
    return sum(side.derivatives[order][1] for side in pair)


def _gap(quiet: list[Pair], sides: Sides, m: int, order: int) -> Odd | None:
    """A jump (m = 0) or a kink (m = 1 …) in the best view of it, if it lasts to the nearest samples.

    A gap in a derivative that does not last may be beside the point; the bar of the value then spans it.
    """
    left, right = pair = min(quiet, key=lambda pair: _bar(pair, m))
    (a, _), (b, _) = left.derivatives[m], right.derivatives[m]
    gap, bars = _apart(pair, sides, m)
    large = gap > max(LARGE * max(abs(a), abs(b)), ABRUPT * _change(pair, m))
    if gap <= CLEAR * bars or (m and not large and not _lasts(gap / max(abs(a), abs(b)), quiet[-1], sides, m)):
        return None
    for near, slope in zip(sides.nearest, (a, b), strict=True):
        expected = slope if m == 0 else slope * near.step
        if m < 2 and not abs(near.rise - expected) <= gap * (abs(near.step) if m else 1.0) / 4 + near.noise:
            return Odd("uncertain", ABRUPTLY)
    if m == 0:
        return Odd("not_differentiable", "the values from the left, from the right and at the point disagree: a jump")
    if m < order:
        return Odd("not_differentiable", f"the derivatives of order {m} from the left and from the right disagree")
    message = "the differences from the left and from the right disagree at every step: a kink"
    return Odd("not_differentiable", message, left=a, right=b)


def _spread(sides: Sides) -> list[tuple[list[Side], list[float]]]:
    """Each side at radii with one ratio, where f has values on both sides."""
    both = [(left, right, radius) for left, right, radius in zip(sides.left, sides.right, sides.radii, strict=True)]
    seen = [(left, right, radius) for left, right, radius in (both[k] for k in SPREAD) if left and right]
    radii = [radius for _, _, radius in seen]
    return [([left for left, _, _ in seen], radii), ([right for _, right, _ in seen], radii)]


def _change(pair: Pair, m: int) -> float:
    return max(side.changes[m] for side in pair)


def _lasts(part: float, closest: Pair, sides: Sides, m: int) -> bool:
    """Whether a gap, as a part of the derivative, is seen from closest too, and not made by what changes there."""
    gap, bars = _apart(closest, sides, m)
    return part > SLIGHT and gap > max(CLEAR * bars, _change(closest, m))


def _grows(sizes: Sequence[float], radii: Sequence[float], power: float) -> bool:
    """Whether sizes that are seen at every radius grow from each to the next, by more than a power of 1/h."""
    if len(sizes) < len(SPREAD) or not sizes[0]:
        return False
    factor = (radii[0] / radii[1]) ** power
    return all(b > factor * a for a, b in pairwise(sizes))


def _steep(sides: Sides) -> Odd | None:
    """A vertical tangent: slopes on both sides that grow as one power of 1/h all the way to the nearest samples."""
    views = zip(_spread(sides), sides.nearest, strict=True)
    if all(_grows_on([side.secant for side in part], radii, near) for (part, radii), near in views):
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

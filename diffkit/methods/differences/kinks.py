"""Kinks, jumps and edges seen from values of f alone: what a point is at which the fits do not settle.

Each side gets its own Chebyshev fits, on [x, x + r] and [x − r, x], whose values and derivatives are taken at x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from diffkit.core.results import Odd
from diffkit.methods.differences.fits import QUIET, ROUNDING_DEVIATION, magnitude
from diffkit.methods.differences.samples import (
    Search,
    Stencil,
    chop,
    coefficients,
    divided,
    finite,
    nodes,
    slope_at_one,
    total,
)
from diffkit.numbers.floats import HALF_ULP

_WIDEST_RADIUS = 0.1129375  # the largest radius, of the scale
_CLOSER = (0.0, 0.05, 0.1, 0.15, 0.3)  # powers of the unit by which radii are smaller
_NEAREST_UNITS, _NEAREST_TO_ZERO = 2.0**9, 2.0**-900  # units, and part of the scale: to where a picture must hold
_CLOSER_DISTANCES = (2.0**-27, 2.0**-22)
"""of the scale: where it must hold as well, for a branch around the point may end there"""
_BENDING = 4.0  # times as evenly as over a side: how fast a slope may change near the point
_PAIRS = 5  # half the samples of a side

_GAP_BARS = 2.0  # a gap beyond this many bars is one
_SLIGHT, _LARGE = 1e-6, 0.1  # of a derivative: gaps that pieces may leave which meet beside the point, and may not
_ABRUPT = 0.01  # of the change of a derivative over a side: a smaller gap may be that of pieces beside the point
_COMPARED_RADII = (0, 3, 4)  # places of the radii, from one to the next of which f is compared
_UNLIMITED_POWER = 0.07  # a slope that grows faster than this power of 1/h has no limit in sight
_NEAR_DRIFT, _FAR_DRIFT = 0.05, 0.25  # by how much that power may change towards the nearest sample, and from far away
_JUMP_POWER = 0.85  # a slope that grows faster than this power of 1/h belongs to a jump, or to noise
_POLE = 0.7  # likewise for f itself, which grows as 1/h at a simple pole

_NO_SIDE = "f has no finite value on one side of the point, or on both"
_ABRUPTLY = "f changes abruptly at the point, or nearer to it than values can show"
_GROWING = "f grows as the point is approached: a pole there, or nearer to it than values can show"
UNSETTLED = "the differences do not settle at any step"


class SideFits(NamedTuple):
    """What f does on one side out to one radius."""

    derivatives: tuple[tuple[float, float], ...]
    """value and bar of the one-sided derivatives at the point, by order; order 0 is f's limit less f there"""
    quiet: bool
    """whether the fit converges to rounding"""
    size: float
    """|f| at the sample nearest to the point"""
    secant: float
    """slope from the point to that sample"""
    changes: tuple[float, ...]
    """by how much each derivative changes over the side, as far as its fit tells"""
    length: float
    """how far it reaches"""

    def expects(self, near: Near) -> bool:
        """Whether a sample near the point lies where the slope leads, as far as that is known and does not change."""
        (slope, bar), step = self.derivatives[1], abs(near.step)
        bent = _BENDING * self.changes[1] * (step / self.length)
        return abs(near.rise - slope * near.step) <= (bar + bent) * step + near.noise


class Near(NamedTuple):
    """The sample of a side that is nearest to the point: where it is, and f there less f at the point."""

    distance: float
    """in units of the scale"""
    step: float
    """with a sign"""
    rise: float
    noise: float


class BothSides(NamedTuple):
    """Both sides, by radius from large to small, None where f is not finite; and samples nearer than these."""

    radii: tuple[float, ...]
    left: tuple[SideFits | None, ...]
    right: tuple[SideFits | None, ...]
    nearest: tuple[Near, Near]
    between: tuple[tuple[Near, Near], ...]
    """where f may differ from what it is on the sides and at the nearest samples"""
    rounding: float
    """how far the rounding of x may move it"""


def look(stencil: Stencil, noise: float = 0.0) -> Search[BothSides]:
    """See both sides of the variable of a pure derivative; ``noise`` is what the code makes beyond its rounding."""
    scale = stencil.scale(stencil.variables[0])
    marks = [(1 + t) / 2 for t in (*nodes(_PAIRS), *(-t for t in nodes(_PAIRS)))]
    radii = tuple(_WIDEST_RADIUS * stencil.unit**power for power in _CLOSER)
    rows = [[radius * mark for mark in marks] for radius in radii]
    nearest = _NEAREST_UNITS * stencil.unit if stencil.point[stencil.variables[0]] else _NEAREST_TO_ZERO
    closer = (nearest, *_CLOSER_DISTANCES)
    steps = [*closer, *(h for row in rows for h in row)]
    center, *values = yield [stencil.point, *(p for h in steps for p in stencil.points(h))]
    exact = [stencil.steps(h)[0] for h in steps]
    both = []
    ends: list[list[Near]] = []
    for sign, seen in ((-1.0, values[1::2]), (1.0, values[0::2])):
        ends.append(
            [
                Near(h, sign * step, value - center, 4 * stencil.unit * max(abs(center), abs(value)) + 4 * noise)
                for h, step, value in zip(closer, exact, seen, strict=False)
            ]
        )
        found = []
        for k, row in enumerate(rows):
            part = slice(len(closer) + k * len(marks), len(closer) + (k + 1) * len(marks))
            ideal = [sign * h * scale for h in row]
            found.append(_side(seen[part], center, ideal, exact[part], stencil, noise))
        both.append(tuple(found))
    first, *others = zip(*ends, strict=True)
    return BothSides(radii, both[0], both[1], first, tuple(others), HALF_ULP * abs(stencil.point[stencil.variables[0]]))


def _side(
    seen: Sequence[float],
    center: float,
    ideal: Sequence[float],
    exact: Sequence[float],
    stencil: Stencil,
    noise: float,
) -> SideFits | None:
    """Fit one side; the samples are moved along their secants to where they ought to be."""
    if not finite(seen) or not all(exact):
        return None
    first, start, base = abs(ideal[_PAIRS]), exact[_PAIRS], seen[_PAIRS] - center  # the sample nearest to the point
    ratios = [(abs(h) - first) / (step - start) if step != start else 1.0 for h, step in zip(ideal, exact, strict=True)]
    size, unit = magnitude((*seen, center))
    rises = [(base + (value - seen[_PAIRS]) * ratio) / unit for value, ratio in zip(seen, ratios, strict=True)]
    pairs = list(zip(rises[:_PAIRS], rises[_PAIRS:], strict=True))
    series = coefficients([(far + near) / 2 for far, near in pairs], 0)
    series.update(coefficients([(far - near) / 2 for far, near in pairs], 1))
    floor = max(ROUNDING_DEVIATION * stencil.unit * size, noise) / unit / math.sqrt(_PAIRS)
    half = ideal[0] / (1 + nodes(_PAIRS)[0])
    derivatives, changes = [], []
    quiet = True
    for m in range(stencil.order + 1):
        estimate = chop(series, {j: slope_at_one(j, m) * (-1.0) ** (j + m) for j in series}, floor)
        quiet = quiet and estimate.level <= QUIET * floor
        value, bar = (divided(part, [half] * m + [1 / unit]) for part in (estimate.value, estimate.bar))
        derivatives.append((value, abs(bar)))
        change = total(2 * slope_at_one(j, m) * c for j, c in series.items() if j <= estimate.degree and (j - m) % 2)
        changes.append(abs(divided(change, [half] * m + [1 / unit])))
    reach = ideal[_PAIRS] * start / first
    secant = base / reach if reach else math.inf
    return SideFits(tuple(derivatives), quiet, abs(seen[_PAIRS]), secant, tuple(changes), abs(ideal[0]))


Pair = tuple[SideFits, SideFits]
"""Left and right out to one radius."""


def classify(sides: BothSides, order: int) -> Odd:
    """Tell a kink, a jump or an edge; ``ok``, the value and, as ``right`` − ``left``, twice its bar if they agree."""
    if not any(sides.left) or not any(sides.right):
        outside = not all(math.isfinite(near.rise) for near in sides.nearest)
        return Odd("domain_error", _NO_SIDE) if outside else Odd("uncertain", UNSETTLED)
    if all(_grows([side.size for side in part], radii, _POLE) for part, radii in _spread(sides)):
        return Odd("uncertain", _GROWING)
    pairs = [(left, right) for left, right in zip(sides.left, sides.right, strict=True) if left and right]
    quiet = _resolved([pair for pair in pairs if pair[0].quiet and pair[1].quiet], sides, order)
    if not quiet:
        return _steep(sides) or Odd("uncertain", UNSETTLED)
    gaps = (_gap(quiet, sides, m, order) for m in range(order + 1))
    return next((odd for odd in gaps if odd is not None), None) or _agreed(quiet, sides, order)


def _agreed(quiet: list[Pair], sides: BothSides, order: int) -> Odd:
    """The value between both sides, which leave no gap, unless f changes abruptly between the samples."""
    left, right = pair = min(quiet, key=lambda pair: _bar(pair, order))
    if not all(left.expects(a) and right.expects(b) for a, b in (sides.nearest, *sides.between)):
        return Odd("uncertain", _ABRUPTLY)
    (a, _), (b, _) = left.derivatives[order], right.derivatives[order]
    bar = _bar(pair, order) + abs(b - a) / 2
    return Odd("ok", left=-bar, right=bar, value=(a + b) / 2)


def _resolved(quiet: list[Pair], sides: BothSides, order: int) -> list[Pair]:
    """The views of both sides, without those that show a gap where a closer one, sharp enough to see it, shows none.

    Such a gap lies beside the point, nearer to it than the samples.
    """
    for k, wide in enumerate(quiet):
        for close in quiet[k + 1 :]:
            for m in range(order + 1):
                (gap, bars), (rest, sharp) = _apart(wide, sides, m), _apart(close, sides, m)
                if gap > _GAP_BARS * bars and gap > _GAP_BARS * sharp >= rest:
                    return _resolved(quiet[k + 1 :], sides, order)
    return quiet


def _apart(pair: Pair, sides: BothSides, m: int) -> tuple[float, float]:
    """How far the sides are apart in a derivative, and what their bars allow; for m = 0 in f, also from f there."""
    left, right = pair
    (a, bar_a), (b, bar_b) = left.derivatives[m], right.derivatives[m]
    if m:
        return abs(b - a), bar_a + bar_b
    bar_a += 2 * sides.rounding * max(abs(left.secant), abs(right.secant))
    return max(abs(b - a), abs(a), abs(b)), bar_a + bar_b


def _bar(pair: Pair, order: int) -> float:
    return sum(side.derivatives[order][1] for side in pair)


def _gap(quiet: list[Pair], sides: BothSides, m: int, order: int) -> Odd | None:
    """A jump (m = 0) or a kink (m = 1 …) in the best view of it, if it lasts to the nearest samples.

    A gap in a derivative that does not last may be beside the point; the bar of the value then spans it.
    """
    left, right = pair = min(quiet, key=lambda pair: _bar(pair, m))
    (a, _), (b, _) = left.derivatives[m], right.derivatives[m]
    gap, bars = _apart(pair, sides, m)
    large = gap > max(_LARGE * max(abs(a), abs(b)), _ABRUPT * _change(pair, m))
    if gap <= _GAP_BARS * bars or (m and not large and not _lasts(gap / max(abs(a), abs(b)), quiet[-1], sides, m)):
        return None
    for near, slope in zip(sides.nearest, (a, b), strict=True):
        expected = slope if m == 0 else slope * near.step
        if m < 2 and not abs(near.rise - expected) <= gap * (abs(near.step) if m else 1.0) / 4 + near.noise:
            return Odd("uncertain", _ABRUPTLY)
    if m == 0:
        return Odd("not_differentiable", "the values from the left, from the right and at the point disagree: a jump")
    if m < order:
        return Odd("not_differentiable", f"the derivatives of order {m} from the left and from the right disagree")
    message = "the differences from the left and from the right disagree at every step: a kink"
    return Odd("not_differentiable", message, left=a, right=b)


def _spread(sides: BothSides) -> list[tuple[list[SideFits], list[float]]]:
    """Each side at radii with one ratio, where f has values on both sides."""
    both = [(left, right, radius) for left, right, radius in zip(sides.left, sides.right, sides.radii, strict=True)]
    seen = [(left, right, radius) for left, right, radius in (both[k] for k in _COMPARED_RADII) if left and right]
    radii = [radius for _, _, radius in seen]
    return [([left for left, _, _ in seen], radii), ([right for _, right, _ in seen], radii)]


def _change(pair: Pair, m: int) -> float:
    return max(side.changes[m] for side in pair)


def _lasts(part: float, closest: Pair, sides: BothSides, m: int) -> bool:
    """Whether a gap, as a part of the derivative, is seen from closest too, and not made by what changes there."""
    gap, bars = _apart(closest, sides, m)
    return part > _SLIGHT and gap > max(_GAP_BARS * bars, _change(closest, m))


def _grows(sizes: Sequence[float], radii: Sequence[float], power: float) -> bool:
    """Whether sizes that are seen at every radius grow from each to the next, by more than a power of 1/h."""
    if len(sizes) < len(_COMPARED_RADII) or not sizes[0]:
        return False
    factor = (radii[0] / radii[1]) ** power
    return all(b > factor * a for a, b in pairwise(sizes))


def _steep(sides: BothSides) -> Odd | None:
    """A vertical tangent: slopes on both sides that grow as one power of 1/h all the way to the nearest samples."""
    views = zip(_spread(sides), sides.nearest, strict=True)
    if all(_grows_on([side.secant for side in part], radii, near) for (part, radii), near in views):
        return Odd("not_differentiable", "the slope grows without limit towards the point")
    return None


def _grows_on(slopes: Sequence[float], radii: Sequence[float], near: Near) -> bool:
    last = near.rise / near.step
    secants = [abs(slope) for slope in slopes]
    if (
        not _grows(secants, radii, _UNLIMITED_POWER)
        or abs(near.rise) <= 2 * near.noise
        or any(s * last < 0 for s in slopes)
    ):
        return False
    far, middle = (math.log(b / a) / math.log(radii[0] / radii[1]) for a, b in pairwise(secants))
    power = math.log(abs(last) / secants[-1]) / math.log(radii[-1] / near.distance)
    return power < _JUMP_POWER and abs(power - middle) < _NEAR_DRIFT and abs(power - far) < _FAR_DRIFT

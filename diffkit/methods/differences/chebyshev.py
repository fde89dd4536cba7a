"""Least-squares polynomials in Chebyshev form: a derivative, its noise and its truncation from one set of samples.

With samples at the Chebyshev points the coefficients are sums of cosines, noise falls on all of them alike, and a
smooth function's decay to that noise: the tail measures the noise, the decay the truncation (Aurentz & Trefethen,
Chopping a Chebyshev series, ACM TOMS 43, 2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from operator import mul
from typing import NamedTuple

from diffkit.methods.differences.stencils import total

_SURE = 3.0  # standard deviations that a bar allows for noise
_TAIL_SLACK = 3.0  # how much more, over the length of the tail, where few coefficients measure it
_STEADY_TERMS = 3  # visible terms of one sign that fall from each to the next
_KINK_DECAY = 0.5  # times as fast as by the square of the degree: from here terms fall as at a kink
_DECAY_RETENTION = 0.8
"""times how they fall before: powers of the degree fall ever slower, terms of entire functions faster"""
LAST_COEFFICIENTS = 3  # coefficients that show whether a fit has come down to noise
_SEEN = 2.0  # times the least noise: a coefficient that is visible
_SHORTEST_TAIL = 3  # coefficients that are needed to measure noise


def _cosine(numerator: int, denominator: int) -> float:
    """cos(π·numerator/denominator), the argument reduced exactly: an error there would pass for noise of f."""
    n = numerator % (2 * denominator)
    n = min(n, 2 * denominator - n)
    if 2 * n > denominator:
        return -_cosine(denominator - n, denominator)
    if 4 * n > denominator:
        return math.sin(math.pi * (denominator - 2 * n) / (2 * denominator))
    return math.cos(math.pi * n / denominator)


@cache
def nodes(pairs: int) -> tuple[float, ...]:
    """The positive Chebyshev points cos((2k − 1)π/4N), k = 1 … N, of the 2N points of [−1, 1], largest first."""
    return tuple(_cosine(2 * k - 1, 4 * pairs) for k in range(1, pairs + 1))


@cache
def _cosines(pairs: int, degree: int) -> tuple[float, ...]:
    """T_degree at the positive nodes."""
    return tuple(_cosine(degree * (2 * k - 1), 4 * pairs) for k in range(1, pairs + 1))


@cache
def stretches(pairs: int, degree: int, power: int) -> tuple[float, ...]:
    """t·T′(t) − power·T(t) at the positive nodes, T = T_degree and T′(cos θ) = degree·sin(degree·θ)/sin θ.

    By so much, times a relative error of t, a term is off where the sample is scaled back as if it were t^power.
    """
    slopes = [
        degree * _cosine(degree * (2 * k - 1) - 2 * pairs, 4 * pairs) / _cosine(2 * k - 1 - 2 * pairs, 4 * pairs)
        for k in range(1, pairs + 1)
    ]
    terms = zip(nodes(pairs), slopes, _cosines(pairs, degree), strict=True)
    return tuple(t * slope - power * value for t, slope, value in terms)


@cache
def slope_at_zero(degree: int, order: int) -> float:
    """T_degree^(order)(0), from T^(m+2)(0) = (m² − degree²)·T^(m)(0), which is Chebyshev's equation at 0."""
    if (degree - order) % 2:
        return 0.0
    start = degree % 2
    value = float(degree if start else 1) * (-1.0) ** (degree // 2)
    for m in range(start, order, 2):
        value *= m * m - degree * degree
    return value


@cache
def slopes_at_zero(pairs: int, order: int) -> dict[int, float]:
    """T_degree^(order)(0) by degree, of those that 2·pairs samples show and that are not zero by parity."""
    return {degree: slope_at_zero(degree, order) for degree in range(order % 2, 2 * pairs, 2)}


@cache
def slope_at_one(degree: int, order: int) -> float:
    """T_degree^(order)(1) = Π_{k<order} (degree² − k²)/(2k + 1)."""
    return math.prod((degree * degree - k * k) / (2 * k + 1) for k in range(order))


def value_at(series: dict[int, float], parity: int, t: float) -> float:
    """Even (0) or odd (1) part of the series at t ≥ 0; beyond 1 it is extended."""
    cosine, angle = (math.cos, math.acos(t)) if t <= 1 else (math.cosh, math.acosh(t))
    return total(c * cosine(j * angle) for j, c in series.items() if j % 2 == parity)


def coefficients(samples: Sequence[float], parity: int) -> dict[int, float]:
    """Chebyshev coefficients of an even (0) or odd (1) function from its values at the positive nodes.

    Independent noise of standard deviation σ in the samples gives each coefficient noise σ·√(2/N) (c₀: half of it).
    """
    pairs = len(samples)
    degrees = range(parity, 2 * pairs, 2)
    return {degree: total(map(mul, samples, weights(pairs, degree))) for degree in degrees}


@cache
def weights(pairs: int, degree: int) -> tuple[float, ...]:
    """What the samples at the positive nodes count for in a coefficient."""
    scale = (1.0 if degree == 0 else 2.0) / pairs
    return tuple(scale * t for t in _cosines(pairs, degree))


class Estimate(NamedTuple):
    """A derivative in units of the interval: its value, and bounds that its noise and its truncation keep."""

    value: float
    noise: float
    truncation: float
    degree: int
    level: float
    """standard deviation of the noise of one coefficient"""
    tail: int
    """how many coefficients measured the level"""
    unseen: float
    """the part of the truncation that no coefficient shows"""

    @property
    def bar(self) -> float:
        """Bound on |value − truth|."""
        return self.noise + self.truncation


def chop(series: dict[int, float], slopes: dict[int, float], floor: float, plain: float = math.inf) -> Estimate:
    """Keep the degrees that give the least bar; what they leave out measures noise and truncation.

    ``series`` holds coefficients, ``slopes`` the derivative of each T_j that takes part, ``floor`` the least noise
    of a coefficient. Noise is k·σ·√Σslope², with σ the root mean square of the coefficients beyond the degree and k
    growing where few of them measure it. All that is left out counts if it is more than ``plain`` times the floor, and
    half of it if it is but noise.
    """
    degrees = sorted(series)
    unseen = unresolved(series, slopes, floor)
    best = None
    least = math.inf
    power = 0.0
    for position, degree in enumerate(degrees):
        if degree not in slopes:
            continue
        power += slopes[degree] ** 2
        tail = [series[j] for j in degrees[position + 1 :]]
        if not tail or (best is not None and len(tail) < _SHORTEST_TAIL):
            break
        if not slopes[degree]:
            continue
        level = max(math.hypot(*tail) / math.sqrt(len(tail)), floor)
        noise = _SURE * (1 + _TAIL_SLACK / len(tail)) * level * math.sqrt(power)
        left_out = abs(total(slopes[j] * series[j] for j in degrees[position + 1 :] if j in slopes))
        truncation = (0.5 if level <= plain * floor else 1.0) * left_out + unseen
        if best is None or noise + truncation < least:
            best, least = Estimate(0.0, noise, truncation, degree, level, len(tail), unseen), noise + truncation
    assert best is not None, degrees
    value = total(slopes[j] * series[j] for j in degrees if j <= best.degree and j in slopes)
    return best._replace(value=value)


def residue(series: dict[int, float]) -> float:
    """Root mean square of the last coefficients."""
    return math.hypot(*(series[j] for j in sorted(series)[-LAST_COEFFICIENTS:])) / math.sqrt(LAST_COEFFICIENTS)


def rebound(series: dict[int, float], degree: int) -> float:
    """The largest of the coefficients beyond a degree that exceed the one before of the same parity."""
    left = [[abs(series[j]) for j in sorted(series) if j > degree and j % 2 == parity] for parity in (0, 1)]
    return max((b for part in left for a, b in pairwise(part) if b > a), default=0.0)


def _scatter(series: dict[int, float]) -> float:
    """Root mean square of the last coefficients of the calmer parity: noise has none, a kink at the point has one."""
    last = [[series[j] for j in sorted(series) if j % 2 == parity][-2:] for parity in (0, 1)]
    return min(math.hypot(*part) for part in last if part) / math.sqrt(2)


def unresolved(series: dict[int, float], slopes: dict[int, float], floor: float) -> float:
    """What the terms beyond the last visible ones add up to, where those fall slowly and with one sign; otherwise 0.

    At a kink of any order the terms of a derivative that exists fall as the square of the degree at least. The last
    of all is not asked: it is falsified by aliasing.
    """
    sloped = sorted(j for j in series if slopes.get(j))[:-1]
    steady = max(2, min(_STEADY_TERMS, len(sloped) - 1))
    level = _SEEN * max(floor, _scatter(series))
    visible = [j for j in sloped if abs(series[j]) > level]
    degrees = sloped[: sloped.index(visible[-1]) + 1][-steady:] if visible else []
    terms = [slopes[j] * series[j] for j in degrees]
    if len(terms) < steady or degrees != visible[-steady:]:
        return 0.0
    *before, ratio = (b / a for a, b in pairwise(terms))
    if not all(0 < part < 1 for part in (*before, ratio)):
        return 0.0
    slow = max([_KINK_DECAY * (1 - 2 / degrees[-1]) ** 2, *(_DECAY_RETENTION * part for part in before)])
    return 0.0 if ratio < slow else abs(terms[-1]) * min(degrees[-1] / 2, 1 / (1 - ratio) ** 2)

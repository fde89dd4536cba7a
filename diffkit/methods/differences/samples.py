"""Samples of f for a partial derivative: where they lie, and the Chebyshev polynomials that fit them best.

With samples at the Chebyshev points the coefficients are sums of cosines, noise falls on all of them alike, and a
smooth function's decay to that noise: the tail measures the noise, the decay the truncation (Aurentz & Trefethen,
Chopping a Chebyshev series, ACM TOMS 43, 2017).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from functools import cache, cached_property
from itertools import accumulate, islice, pairwise, product
from operator import mul
from typing import NamedTuple, TypeVar

from diffkit.asking.sources import Output, Point
from diffkit.core.deadline import in_time
from diffkit.numbers.floats import HALF_ULP

_CENTRAL = {
    1: ((1, 0.5), (-1, -0.5)),
    2: ((1, 1.0), (0, -2.0), (-1, 1.0)),
    3: ((2, 0.5), (1, -1.0), (-1, 1.0), (-2, -0.5)),
}
STENCIL_ORDER = 4
_ZERO_COORDINATE = 2.0**-1010
"""a coordinate below it is as good as zero: steps in proportion would be lost to underflow"""

Found = TypeVar("Found")
Search = Generator[list[Point], list[float], Found]
"""Yields the points it wants to see, is sent f there, and returns what it found."""


class Sampler:
    """A function, each of whose values is computed once, and counted; ``unit`` is that of its values' rounding."""

    def __init__(self, function: Output, unit: float = HALF_ULP):
        self.function, self.unit = function, unit
        self.known: dict[Point, int] = {}
        """where the value of each point stands: points of many coordinates take long to look up"""
        self._values: list[float] = []

    @property
    def evaluations(self) -> int:
        """At how many points f was evaluated."""
        return len(self.known)

    def run(self, searches: Iterable[Search[Found]]) -> list[Found]:
        """Run searches side by side: what all of them ask for at a stage is one call of the function."""
        running = list(searches)
        found: dict[int, Found] = {}
        wanted = {k: next(search) for k, search in in_time(enumerate(running))}
        while wanted:
            seen = iter(self.values([p for points in wanted.values() for p in points]))
            waiting, wanted = wanted, {}
            for k, points in in_time(waiting.items()):
                try:
                    wanted[k] = running[k].send(list(islice(seen, len(points))))
                except StopIteration as stop:
                    found[k] = stop.value
        return [found[k] for k in range(len(running))]

    def values(self, points: Sequence[Point]) -> list[float]:
        """f at points, in one call for those that are new."""
        known, new, places = self.known, list[Point](), list[int]()
        for point in points:
            place = known.setdefault(point, len(known))
            if place == len(self._values) + len(new):
                new.append(point)
            places.append(place)
        if new:
            try:
                self._values += self.function(new)
            except BaseException:  # which leaves nothing known of these
                for point in new:
                    del known[point]
                raise
        return [self._values[place] for place in places]


def finite(values: Iterable[float]) -> bool:
    """Whether all values are finite numbers."""
    return all(map(math.isfinite, values))


def total(terms: Iterable[float]) -> float:
    """Sum, rounded once; NaN where terms of f near the end of the range are infinite."""
    try:
        return math.fsum(terms)
    except (ValueError, OverflowError):
        return math.nan


class Stencil:
    """The samples of one partial derivative at one point.

    A derivative in one variable takes f(x ± h), whose odd and even halves serve every order. A mixed one takes the
    product of central differences, which has the parity of its order. A step h is relative: a variable moves by
    h·|x|, or by h at zero, rounded so that x ± step is exact. ``unit`` is that of the rounding of f.
    """

    def __init__(
        self, point: Point, multi_index: Sequence[int], scales: dict[int, float] | None = None, unit: float = HALF_ULP
    ):
        self.point = point
        self.multi_index = multi_index
        self.scales = scales or {}
        self.unit = unit
        self.order = len(multi_index)
        self.variables = tuple(sorted(set(multi_index)))
        self.orders = tuple(multi_index.count(v) for v in self.variables)
        self.pure = len(self.variables) == 1
        parts = (((1, 0.5), (-1, 0.5)),) if self.pure else tuple(_CENTRAL[m] for m in self.orders)
        self.parts = [(tuple(o for o, _ in part), math.prod(w for _, w in part)) for part in product(*parts)]

    @property
    def parity(self) -> int:
        """Whether the derivative belongs to the odd (1) or even (0) part of the samples."""
        return self.order % 2

    @property
    def parities(self) -> tuple[int, ...]:
        """Parts of the samples that a fold gives."""
        return (0, 1) if self.pure else (self.parity,)

    @cached_property
    def gain(self) -> float:
        """Noise of a folded sample over that of a value of f."""
        return math.hypot(*(w for _, w in self.parts))

    def scale(self, variable: int) -> float:
        """Length over which a variable is expected to matter: the one given, or its size, or 1 at zero."""
        size = abs(self.point[variable])
        return self.scales.get(variable) or (size if size > _ZERO_COORDINATE else 1.0)

    @cached_property
    def sizes(self) -> list[tuple[float, float]]:
        """The size and the scale of each variable."""
        return [(abs(self.point[v]), self.scale(v)) for v in self.variables]

    def steps(self, h: float) -> list[float]:
        """Exact steps of the variables for a relative step."""
        return [(size + h * scale) - size for size, scale in self.sizes]

    def ratio(self, h: float) -> float:
        """The step of the only variable over what it ought to be."""
        ((size, scale),) = self.sizes
        step = h * scale
        return ((size + step) - size) / step

    def points(self, h: float) -> list[Point]:
        """The points of the stencil for a relative step."""
        steps = self.steps(h)
        found = []
        for offsets, _ in self.parts:
            moved = list(self.point)
            for v, offset, step in zip(self.variables, offsets, steps, strict=True):
                moved[v] += offset * step
            found.append(tuple(moved))
        return found

    def fold(self, h: float, values: Sequence[float], center: float) -> dict[int, float]:
        """Odd (1) and even (0) part of the samples, as if the steps had not been rounded."""
        if self.pure:
            ratio = self.ratio(h)
            right, left = values
            return {1: (right - left) / 2 / ratio, 0: ((right - center) + (left - center)) / 2 / ratio**2}
        ratios = [step / (h * self.scale(v)) for v, step in zip(self.variables, self.steps(h), strict=True)]
        summed = total(w * value for (_, w), value in zip(self.parts, values, strict=True))
        return {self.parity: summed / math.prod(r**m for r, m in zip(ratios, self.orders, strict=True))}

    def moved(self, h: float) -> Stencil:
        """The same samples about another point, a relative step away in every variable."""
        point = list(self.point)
        for v, step in zip(self.variables, self.steps(h), strict=True):
            point[v] += step
        scales = {v: self.scale(v) for v in self.variables}
        return Stencil(tuple(point), self.multi_index, scales, self.unit)

    def derivative(self, slope: float, h: float, unit: float) -> float:
        """The partial derivative, from that of the folded samples, in a unit of f, by the step in units of h."""
        steps = [h * self.scale(v) for v, m in zip(self.variables, self.orders, strict=True) for _ in range(m)]
        return divided(slope if self.pure else slope / math.factorial(self.order), [*steps, 1 / unit])


def divided(value: float, divisors: Sequence[float]) -> float:
    """The quotient by every divisor, where products and quotients on the way may leave the range of binary64."""
    fraction, exponent = math.frexp(value)
    for divisor in divisors:
        part, power = math.frexp(divisor)
        fraction, shift = math.frexp(fraction / part)
        exponent += shift - power
    try:
        return math.ldexp(fraction, exponent)
    except OverflowError:
        return math.copysign(math.inf, fraction)


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
        left_out = _left_out(series, slopes, degrees[position + 1 :])
        truncation = (0.5 if level <= plain * floor else 1.0) * left_out + unseen
        if best is None or noise + truncation < least:
            best, least = Estimate(0.0, noise, truncation, degree, level, len(tail), unseen), noise + truncation
    assert best is not None, degrees
    value = total(slopes[j] * series[j] for j in degrees if j <= best.degree and j in slopes)
    return best._replace(value=value)


def _left_out(series: dict[int, float], slopes: dict[int, float], degrees: Sequence[int]) -> float:
    """What the terms of some degrees add.

    Of a mixed derivative, of which every coefficient is a term and half as many measure the noise, the largest sum of
    the first ones: what a visible term adds is not made good by noise of later ones.
    """
    sums = list(accumulate(slopes[j] * series[j] for j in degrees if j in slopes)) or [0.0]
    return max(map(abs, sums if all(j in slopes for j in series) else sums[-1:]))


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

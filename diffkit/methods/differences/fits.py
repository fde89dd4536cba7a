"""Fits of a partial derivative's samples out to a radius: what one says, and which radius promises more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from itertools import accumulate, islice, pairwise
from typing import NamedTuple

from diffkit.methods.differences.samples import (
    LAST_COEFFICIENTS,
    Estimate,
    Search,
    Stencil,
    chop,
    coefficients,
    finite,
    nodes,
    rebound,
    residue,
    slope_at_zero,
    slopes_at_zero,
    stretches,
    total,
    unresolved,
    value_at,
)
from diffkit.numbers.floats import HALF_ULP, SMALLEST_FLOAT

ROUNDING_DEVIATION = 0.6  # of a unit: the least standard deviation that rounding gives to f
QUIET = 30.0  # times the noise: up to here a fit's residue counts as noise
EXPLAINED_NOISE = 50.0  # times the noise that rounding makes at the least: up to here it explains a residue
MEASURED = 4.0  # times the noise that is seen near the point: likewise, and times the least of all, unlooked at
_VISIBLE = 4.0  # times the noise: from here a coefficient counts as signal
_FALLING = 8.0
"""by which coefficients fall from one to the next of the same parity, where nothing but truncation is left"""
RADIUS_FACTORS = (*(2.0 ** (k / 2) for k in range(-8, 7)), *(2.0**k for k in range(4, 41, 2)))
COMPARED_FACTOR = 8.0  # factors up to which all are compared
_FORESEEN = 61  # degrees that a promise looks ahead


class Fit(NamedTuple):
    """A Chebyshev fit out to a radius: its coefficients, and the partial derivative with its noise and truncation."""

    radius: float
    series: dict[int, float]
    estimate: Estimate
    floor: float
    """noise of a coefficient that the rounding of f makes at the least"""
    unit: float
    """power of two, near the size of f, in which coefficients and noise are given"""
    distinct: int
    """how many different values f has at the samples and at the point"""
    kinked: bool
    """whether its terms fall as they do at a kink of the order of the derivative, or of the next one"""
    residue: float
    """root mean square of the last coefficients"""
    value: float
    noise: float
    truncation: float

    @property
    def bar(self) -> float:
        """Bound on |value − truth|: noise, truncation and the rounding of the value itself."""
        return self.noise + self.truncation + 2 * HALF_ULP * abs(self.value) + SMALLEST_FLOAT

    @property
    def left(self) -> float:
        """What the fit leaves over: its last coefficients, or those beyond its degree that do not fall."""
        return max(self.residue, rebound(self.series, self.estimate.degree) / 2)

    @property
    def roughness(self) -> float:
        """The level as a part of the largest coefficient."""
        return self.estimate.level / (max(map(abs, self.series.values())) or 1.0)

    def settled(self, plain: float, noise: float = 0.0, smooth: bool = True) -> bool:
        """Whether the coefficients fall to what noise of a given deviation explains, or so fast that they will.

        What they would fall to is not asked if f is known not to be ``smooth`` over the radius. ``plain`` is how many
        times the least noise rounding explains: a guess is asked of the last coefficients only.
        """
        level = max(plain * self.floor, QUIET * noise / self.unit)
        left = self.left if plain < EXPLAINED_NOISE else self.residue
        return left <= level or (smooth and all(self._falling(parity, level) for parity in (0, 1)))

    def _falling(self, parity: int, level: float) -> bool:
        last = [max(abs(self.series[j]), level) for j in sorted(self.series) if j % 2 == parity][-LAST_COEFFICIENTS:]
        return all(b <= max(a / _FALLING, level) for a, b in pairwise(last))


class FoldedSamples:
    """Folded samples of one stencil, by relative step."""

    def __init__(self, stencil: Stencil, pairs: int):
        self.stencil, self.pairs = stencil, pairs
        self.center = math.nan
        self.folded: dict[float, dict[int, float]] = {}
        self.seen: dict[float, list[float]] = {}
        self.bad: set[float] = set()
        """steps at which f is not finite"""
        self.fits: list[Fit] = []
        """all that were made"""
        self.plain = EXPLAINED_NOISE
        """times the noise that rounding makes at the least: up to here it explains a residue, as far as is known"""
        self._known: dict[float, tuple[int, float]] = {}

    @cached_property
    def spread(self) -> float:
        """Noise of a coefficient over that of a value of f."""
        return self.stencil.gain * math.sqrt(2 / self.pairs)

    def look(self, steps: Iterable[float]) -> Search[None]:
        """Take the samples at some relative steps, and at the point."""
        asked = [(h, self.stencil.points(h)) for h in steps if h not in self.folded and h not in self.bad]
        values = iter((yield [self.stencil.point, *(p for _, points in asked for p in points)]))
        self.center = next(values)
        for h, points in asked:
            seen = [next(values) for _ in points]
            folded = self.stencil.fold(h, seen, self.center) if finite(seen) and all(self.stencil.steps(h)) else {}
            if folded and finite(folded.values()):
                self.folded[h], self.seen[h] = folded, seen
            else:
                self.bad.add(h)

    def fit(self, radius: float) -> Search[Fit | None]:
        """Fit the samples out to a radius; None where f is not finite."""
        steps = [radius * t for t in nodes(self.pairs)]
        yield from self.look(steps)
        if not self.bad.isdisjoint(steps):
            return None
        self.fits.append(self._fitted(radius, steps))
        return self.fits[-1]

    def settle(self, plain: float) -> None:
        """Make all fits anew: rounding explains no more than so many times the noise that it makes at the least."""
        self.plain = plain
        self.fits = [self._fitted(fit.radius, [fit.radius * t for t in nodes(self.pairs)]) for fit in self.fits]

    def _fitted(self, radius: float, steps: Sequence[float]) -> Fit:
        stencil = self.stencil
        size, unit = magnitude(value for h in steps for value in self.seen[h])
        floor = ROUNDING_DEVIATION * stencil.unit * size / unit * self.spread
        off = [stencil.ratio(h) - 1 for h in steps] if stencil.pure else [0.0]
        series: dict[int, float] = {}
        for parity in stencil.parities:
            series.update(self._series([self.folded[h][parity] / unit for h in steps], off, parity, floor))
        slopes, lower = (slopes_at_zero(self.pairs, m) for m in (stencil.order, stencil.order - 1))
        estimate = chop(series, slopes, floor, self.plain if self.plain < EXPLAINED_NOISE else math.inf)
        distinct = len({self.center, *(value for h in steps for value in self.seen[h])})
        parts = (estimate.value, estimate.noise, estimate.truncation)
        value, noise, truncation = (stencil.derivative(part, radius, unit) for part in parts)
        kinked = estimate.unseen > 0 or unresolved(series, lower, floor) > 0
        return Fit(radius, series, estimate, floor, unit, distinct, kinked, residue(series), value, abs(noise),
                   abs(truncation))  # fmt: skip

    def _series(self, folded: Sequence[float], off: Sequence[float], parity: int, floor: float) -> dict[int, float]:
        """Coefficients of one parity, less what the rounding of the steps does to all but the lowest term.

        ``off``: by how much of itself each step is rounded.
        """
        series = coefficients(folded, parity)
        power = 2 - parity
        if max(map(abs, off)) * total(j * abs(c) for j, c in series.items() if j > power) <= floor:
            return series
        bent = [
            y - shift * total(c * stretches(self.pairs, j, power)[k] for j, c in series.items())
            for k, (y, shift) in enumerate(zip(folded, off, strict=True))
        ]
        return coefficients(bent, parity)

    def off(self, fit: Fit, parity: int, h: float, degree: int | None = None) -> float:
        """How far a sample is from a fit, or from its terms up to a degree."""
        kept = fit.series if degree is None else {j: c for j, c in fit.series.items() if j <= degree}
        ratio = self.stencil.ratio(h) if self.stencil.pure else 1.0
        expected = value_at(kept, parity, h * ratio / fit.radius) / ratio ** (2 - parity)
        return self.folded[h][parity] - expected * fit.unit

    def agrees(self, fit: Fit, noise: float) -> bool:
        """Whether the samples nearer to the point, and f there, lie on the fit as far as noise allows (Lepski).

        This finds a kink at the point, and what is finer than the nodes: oscillation, aliasing, a spike.
        """
        slack = 8 * max(fit.estimate.level * fit.unit, fit.floor * fit.unit, noise) * math.sqrt(self.pairs / 2)
        return self._most_off(fit) <= slack

    def _most_off(self, fit: Fit) -> float:
        """How far the samples nearer to the point, and f there, are from a fit at the most; NaN if one is."""
        if fit.radius not in self._known:
            here = value_at(fit.series, 0, 0.0) * fit.unit if self.stencil.pure else 0.0
            self._known[fit.radius] = 0, abs(here)
        looked, most = self._known[fit.radius]
        if looked < len(self.folded):  # which only grows
            nearer = [(h, parity) for h, folded in islice(self.folded.items(), looked, None)
                      if 2 * h < fit.radius for parity in folded]  # fmt: skip
            offs = [most, *(abs(self.off(fit, parity, h)) for h, parity in nearer)]
            most = math.nan if any(map(math.isnan, offs)) else max(offs)
            self._known[fit.radius] = len(self.folded), most
        return most

    def flat(self, dust: float = 0.0) -> float:
        """The relative step to which every sample has the value at the point; 0 if the nearest has another.

        Values no farther apart than ``dust`` are one.
        """
        found = 0.0
        for h in sorted(self.seen):
            if any(abs(value - self.center) > dust for value in self.seen[h]):
                return found
            found = h
        return math.inf if self.seen else 0.0


def magnitude(values: Iterable[float]) -> tuple[float, float]:
    """The size of some values and a power of two near it.

    Values below the normal numbers have the rounding of the least of these. Where f is zero at every sample it shows
    no size, and 1 is taken: differences cannot prove a zero.
    """
    size = max(map(abs, values)) or 1.0
    return max(size, SMALLEST_FLOAT / HALF_ULP), math.ldexp(0.5, math.frexp(max(size, SMALLEST_FLOAT / HALF_ULP))[1])


def promise(fit: Fit, order: int, noise: float, farthest: float) -> tuple[float, float]:
    """Factor by which to change the radius, ``farthest`` at most, and by which the bar can be expected to change.

    Coefficients are taken to fall as top·rate^(1 − j), at a rate that all the visible ones keep, and to grow with
    the radius as its jth power; the noise stays.
    """
    level = max(fit.floor, noise / fit.unit)
    if fit.estimate.level <= QUIET * level:
        level = fit.estimate.level
    seen = {j: abs(c) for j, c in fit.series.items() if j and abs(c) > _VISIBLE * level}
    top = max(seen.values(), default=0.0)
    if not top:
        return min(RADIUS_FACTORS[-1], farthest), 0.0
    rate = min(((top / c) ** (1 / (j - 1)) for j, c in seen.items() if j > 1), default=math.sqrt(top / level))
    rate = max(rate, 1.0001)
    best, least, highest = 1.0, math.inf, max(fit.series)
    for factor in RADIUS_FACTORS:
        if least <= _expected_least(min(factor, farthest), order, level / top, rate, highest):
            expected = math.inf
        else:
            expected = _expected(min(factor, farthest), order, level / top, rate, highest)
        if expected < least:
            best, least = min(factor, farthest), expected
        if factor > max(COMPARED_FACTOR, 2 * best):
            break
    return best, least / (fit.estimate.bar / top)


def _expected_least(factor: float, order: int, level: float, rate: float, highest: int) -> float:
    """What the bar cannot fall below: the noise of one term, and half of the first that is left out, if that counts."""
    foreseen, fall = _foreseen(order), factor / rate
    first = foreseen[0][1] * fall ** foreseen[0][0]
    power, slope, _ = foreseen[(highest - order) // 2]
    left_out = slope * min(1e9, fall**power)
    seen = left_out if left_out > 1e-9 * first else 0.0
    return max(0.9 * _VISIBLE * level * foreseen[0][2], 0.5 * factor * seen) / factor**order


def _expected(factor: float, order: int, level: float, rate: float, highest: int) -> float:
    """The least bar over the degrees that a fit may keep, in units of the top, if coefficients fall at this rate."""
    foreseen, fall = _foreseen(order), factor / rate
    if fall <= 1:
        terms = [slope * (factor * fall**power) for power, slope, _ in foreseen]
    else:
        terms = [slope * (factor * min(1e9, fall**power)) for power, slope, _ in foreseen]
    left_out, least = total(terms), math.inf
    for _, (_, _, gain), term in zip(range(order, highest - 1, 2), foreseen, terms, strict=False):
        left_out -= term
        noise = _VISIBLE * level * gain
        if noise >= least:  # which grows with the degree
            break
        least = min(least, noise + max(left_out, 0.0))
    return least / factor**order


@cache
def _foreseen(order: int) -> list[tuple[int, float, float]]:
    """Degrees that count less 1, |T_degree^(order)(0)|, and the root of the sum of the squares of these up to there."""
    degrees = range(order, _FORESEEN, 2)
    slopes = [abs(slope_at_zero(j, order)) for j in degrees]
    powers = accumulate(slope**2 for slope in slopes)
    return [(j - 1, slope, math.sqrt(power)) for j, slope, power in zip(degrees, slopes, powers, strict=True)]


def least_bar(fits: Sequence[Fit]) -> Fit | None:
    """The fit with the least bar."""
    return fits[0] if len(fits) == 1 else min(fits, key=lambda fit: fit.bar, default=None)

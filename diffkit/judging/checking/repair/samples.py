"""Claim and truth at random points near the one where the claim was found wrong, on every side of kinks and choices.

Two numbers agree if |a − b| ≤ 4·(their bars) + 4 ulp; no other tolerance decides anything in this package.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.program import Program, run_slots
from diffkit.core.rules import by_rule
from diffkit.core.table import table
from diffkit.judging.checking.repair.evidence import Array, Evidence
from diffkit.numbers.arrays import ARRAYS

MOST_SIDES = 6  # sides that are visited
WHERE = table["where"]
FEW = 4.0
PATIENCE = 15.0  # seconds after which no further explanation is tried
RADII = (0.5, 0.05, 0.5, 0.2)  # relative distances from the point
FIT, FRESH, QUIET = 4, 8, 3
"""points that fit a candidate, that prove it, and points where the claim is right"""
FIT_VALUES, FRESH_VALUES, QUIET_VALUES = 3, 4, 1
"""the same where only values of f tell the truth, each at the price of many"""
LEAST = 3  # points of each that are needed
ATTEMPTS = 25  # points tried before the distances shrink tenfold
SHRINKS = 5
LOOKS = 256  # points among which those on other sides of a kink are sought
RAISED = (ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError, RuntimeError)
"""what the code of a claim may raise at a point that it was not written for"""
SEEDS = (0, 1)  # streams of the fit points and of the fresh ones


def sides(program: Program, points: Array) -> Array:
    """Which of the points (P, n) to visit: the first on each combination of sides, a few at most."""
    patterns = []
    with np.errstate(all="ignore"):
        values = run_slots(program, ARRAYS, list(points.T)) if len(program.inputs) == points.shape[1] else []
        for _, row, args in program.numbered() if values else ():
            if row is WHERE:
                patterns.append(values[args[0]])
            elif not row.truth:
                given = [values[arg] for arg in args]
                breaks = [place for place in row.places if place.kind in ("kink", "jump")]
                patterns += [by_rule(place.margin, ARRAYS, given) > 0 for place in breaks]
    if not patterns:
        return points[:0]
    patterns_at = np.array([np.broadcast_to(pattern, len(points)) for pattern in patterns])
    _, first = np.unique(patterns_at, axis=1, return_index=True)
    found: Array = points[np.sort(first)[:MOST_SIDES]]
    return found


class Samples(NamedTuple):
    """Claim and truth at P points: ``points`` (P, n), all others (P, c); components without a truth are left out."""

    points: Array
    claim: Array
    noise: Array
    truth: Array
    bars: Array

    @property
    def slack(self) -> Array:
        """The distance at which claim and truth still agree."""
        return tolerance(self.claim, self.noise, self.truth, self.bars)

    @property
    def error(self) -> Array:
        """Claim − truth."""
        return self.claim - self.truth

    @property
    def wrong(self) -> Array:
        """Where claim and truth differ (P, c)."""
        return np.abs(self.error) > self.slack

    def agree(self, predicted: Any, bars: Any) -> Array:
        """Where the claim is what a candidate predicts (P, c)."""
        found: Array = np.abs(self.claim - predicted) <= tolerance(self.claim, self.noise, predicted, bars)
        return found


def tolerance(a: Any, a_bars: Any, b: Any, b_bars: Any) -> Array:
    """4·(bars) + 4 ulp of the larger."""
    largest = np.maximum(np.abs(a), np.abs(b))
    found: Array = FEW * (a_bars + b_bars + np.spacing(largest))
    return found


def flat(call: Callable[[Array], Any], point: Array, count: int) -> Array:
    """Call what may raise, at a copy of the point; NaN where it does or answers in another size."""
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(call(point.copy()), dtype=float).ravel()
    except RAISED:
        return np.full(count, np.nan)
    return found.copy() if found.size == count else np.full(count, np.nan)


class Case:
    """Evidence on its way to an explanation: what was drawn so far, and the means to draw more."""

    def __init__(self, evidence: Evidence, seed: int = 0):
        self.evidence = evidence
        self.seed = seed
        self.count = len(evidence.indices)
        self.until = monotonic() + PATIENCE
        self.point = np.asarray(evidence.point, dtype=float).ravel()
        here, bars = self.truth(self.point)
        live: Array = np.array(np.isfinite(here + bars))
        self.live = live
        """components that have a truth"""
        if not live.any():
            self.live = np.ones_like(live)

    @property
    def late(self) -> bool:
        """Whether no further explanation should be tried."""
        return monotonic() > self.until

    @cached_property
    def fit(self) -> Samples:
        """Points that candidates may be fitted on: the point itself and points near it."""
        wanted = FIT_VALUES if self.evidence.program is None else FIT
        return self.draw(SEEDS[0], wanted, [self.point, *self.varied(SEEDS[0])])

    @cached_property
    def fresh(self) -> Samples:
        """Points that no candidate was fitted on."""
        return self.draw(SEEDS[1], FRESH_VALUES if self.evidence.program is None else FRESH, self.varied(SEEDS[1]))

    @cached_property
    def columns(self) -> Array:
        """Positions of the components that have a truth."""
        return np.flatnonzero(self.live)

    @cached_property
    def suspects(self) -> Array:
        """Which components are wrong at some point of the fit."""
        found: Array = np.any(self.fit.wrong, axis=0)
        return found

    def truth(self, point: Array) -> tuple[Array, Array]:
        """Reference components and bars at a point, all components."""
        found = np.full((2, self.count), np.nan)
        values, bars = self.evidence.truth(point.copy())
        found[0] = np.asarray(values, dtype=float).ravel()
        found[1] = np.asarray(bars, dtype=float).ravel()
        return found[0], found[1]

    def truths(self, points: Array) -> tuple[Array, Array]:
        """Reference and bars at several points, live components."""
        found = [self.truth(point) for point in points]
        return np.array([v for v, _ in found])[:, self.live], np.array([b for _, b in found])[:, self.live]

    def claim(self, point: Array) -> Array:
        """The live components of the claim."""
        found: Array = flat(self.evidence.claim, point, self.count)[self.live]
        return found

    def noise(self, point: Array, claim: Array) -> Array:
        """Bars of the claim's own rounding: as given, or the claim's change at neighbouring floats."""
        if self.evidence.noise is not None:
            given: Array = flat(self.evidence.noise, point, self.count)[self.live]
            return given
        spread = np.zeros_like(claim)
        for direction in (np.inf, -np.inf):
            spread = np.maximum(spread, np.abs(self.claim(np.nextafter(point, direction)) - claim))
        return spread

    def nearby(self, random: np.random.Generator, radius: float) -> Array:
        """A random point whose coordinates are within a relative distance; where 0, of the point's typical size."""
        sizes = np.abs(self.point)
        typical = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
        found: Array = self.point + radius * random.uniform(-1, 1, sizes.size) * np.where(sizes > 0, sizes, typical)
        kept = None if self.evidence.kept is None else self.evidence.kept(found)
        return found if kept is None else kept

    def varied(self, stream: int) -> list[Array]:
        """Points on every side of the kinks of f."""
        if self.evidence.program is None:
            return []
        random = np.random.default_rng((self.seed, stream, LOOKS))
        return list(sides(self.evidence.program, np.array([self.nearby(random, RADII[0]) for _ in range(LOOKS)])))

    def draw(self, stream: int, wanted: int, points: list[Array]) -> Samples:
        """Draw points at which all is finite: the given, ``wanted`` where the claim is wrong, a few where it is not."""
        random = np.random.default_rng((self.seed, stream))
        rows: list[Samples] = []
        failing = quiet = 0
        quiets = QUIET_VALUES if self.evidence.program is None else QUIET
        for attempt in range(ATTEMPTS * SHRINKS):
            if (failing >= wanted and attempt >= len(points)) or self.late:
                break
            radius = RADII[attempt % len(RADII)] * 0.1 ** (attempt // ATTEMPTS)
            point = points[attempt] if attempt < len(points) else self.nearby(random, radius)
            row = self.sample(point)
            if row is None:
                continue
            if row.wrong.any():
                failing += 1
            elif quiet < quiets or attempt < len(points):
                quiet += 1
            else:
                continue
            rows.append(row)
        if failing < LEAST:
            empty = np.empty((0, len(self.columns)))
            return Samples(np.empty((0, self.point.size)), empty, empty, empty, empty)
        return Samples(*map(np.concatenate, zip(*rows, strict=True)))

    def sample(self, point: Array) -> Samples | None:
        """Claim and truth at one point, None unless all is finite."""
        claim = self.claim(point)
        if not np.isfinite(claim).all():
            return None
        noise = self.noise(point, claim)
        values, bars = self.truth(point)
        values, bars = values[self.live], bars[self.live]
        if not all(np.isfinite(part).all() for part in (noise, values, bars)):
            return None
        return Samples(*(part[None] for part in (point, claim, noise, values, bars)))

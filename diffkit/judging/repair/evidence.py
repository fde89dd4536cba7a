"""What is known about a claim that was found wrong: claim and truth at points around, and candidates for the bug.

Two numbers agree if |a − b| ≤ 4·(their bars) + 4 ulp; no other tolerance decides anything in this package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diffkit.core.partials import partial_name
from diffkit.core.program import Index, Program, run_slots
from diffkit.core.rules import by_rule
from diffkit.core.table import WHERE
from diffkit.judging.repair.code_record import RAISED_BY_CODE, CodeRecord
from diffkit.numbers.arrays import ARRAYS

Array = NDArray[Any]
ENTRIES_LISTED = 4  # entries named one by one
_TIMES_BARS = 4.0
SEARCH_SECONDS = 15.0  # seconds after which no further explanation is tried
_RADII = (0.5, 0.05, 0.5, 0.2)  # relative distances from the point
_POINTS_WANTED = {True: (4, 8, 3), False: (3, 4, 1)}
"""points that fit a candidate, that prove it, and points where the claim is right: where f is known, and where only
its values tell the truth, each at the price of many"""
_LEAST_FAILING = 3  # points of each that are needed
_DRAWS, _SHRINKS = 25, 5  # points tried before the distances shrink tenfold, and how often they do
_LOOKED_AT, _VISITED = 256, 6  # points among which those on other sides of a kink are sought, and sides visited
_FIT_STREAM, _FRESH_STREAM = 0, 1  # streams of random points


class ClaimEvidence(NamedTuple):
    """A claim that fails at a point, with the means to look at it elsewhere.

    * ``names``: labels of the n coordinates; ``groups``: the parameters in order, name and shape, which add up to n;
    * ``shape`` of the claimed answer, (n,), (m, n), (n, n) or the parameter's own; ``indices``: which partial each of
      its c flat components is;
    * ``claim``: point (n,) -> components (c,), may raise or give NaN; ``noise``: bars of the claim's own rounding
      (without it they are read off the claim's values at neighbouring floats);
    * ``truth``: point -> reference components and their error bars, NaN where there is none;
    * ``program``: f itself where it is known as an expression; ``sizes``: lengths that occur in the data;
    * ``record``: point, and whether names are wanted -> what the code does there, None where it cannot be followed;
    * ``kept``: point -> the point of the same kind (a symmetric matrix, say) nearest to it, None where there is none.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...]
    shape: tuple[int, ...]
    indices: tuple[Index, ...]
    claim: Callable[[Array], Any]
    truth: Callable[[Array], tuple[Any, Any]]
    point: Array
    program: Program | None
    sizes: Mapping[str, int]
    noise: Callable[[Array], Any] | None = None
    record: Callable[[Array, bool], CodeRecord | None] | None = None
    kept: Callable[[Array], Array | None] | None = None

    def parameters(self) -> Iterator[tuple[str, tuple[int, ...], Array]]:
        """Each parameter: its name, its shape, and its coordinates."""
        first = 0
        for name, shape in self.groups:
            inside = np.arange(first, first + math.prod(shape))
            first += inside.size
            yield name, shape, inside


class ClaimSamples(NamedTuple):
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


def tolerance(a: Any, a_bars: Any, b: Any, b_bars: Any) -> Array:
    """4·(bars) + 4 ulp of the larger."""
    largest = np.maximum(np.abs(a), np.abs(b))
    found: Array = _TIMES_BARS * (a_bars + b_bars + np.spacing(largest))
    return found


Predict = Callable[[ClaimSamples], tuple[Any, Any]]


class Candidate(NamedTuple):
    """A bug that would make the claim out of the truth: its kind, and the words for undoing it.

    ``predict`` gives for samples the claim that the bug would make, (P, c), and its bars; NaN where it makes none.
    Beside the entries of ``mask`` (all, if it is None) the claim is the truth.
    """

    kind: str
    text: str
    predict: Predict
    mask: Array | None = None
    digits: int = 0
    """of the numbers in it that mean nothing"""

    def holds(self, samples: ClaimSamples) -> bool:
        """Whether the claim is what the bug makes of the truth, at every point and in every component."""
        first = ClaimSamples(*(part[:1] for part in samples))  # one point refutes most of them
        return self._agrees(first) and self._agrees(samples)

    def _agrees(self, samples: ClaimSamples) -> bool:
        values, bars = self.predict(samples)
        if self.mask is not None:
            values, bars = np.where(self.mask, values, samples.truth), np.where(self.mask, bars, samples.bars)
        return bool((np.abs(samples.claim - values) <= tolerance(samples.claim, samples.noise, values, bars)).all())


def flat(call: Callable[[Array], Any], point: Array, count: int) -> Array:
    """Call what may raise, at a copy of the point; NaN where it does or answers in another size."""
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(call(point.copy()), dtype=float).ravel()
    except RAISED_BY_CODE:
        return np.full(count, np.nan)
    return found.copy() if found.size == count else np.full(count, np.nan)


class Investigation:
    """Evidence on its way to an explanation: what was drawn so far, and the means to draw more."""

    def __init__(self, evidence: ClaimEvidence, seed: int = 0):
        self.evidence, self.seed = evidence, seed
        self.count = len(evidence.indices)
        self.until = monotonic() + SEARCH_SECONDS
        self.point = np.asarray(evidence.point, dtype=float).ravel()
        self._wanted = _POINTS_WANTED[evidence.program is not None]
        self._known: dict[Any, Any] = {}
        live: Array = np.array(np.isfinite(np.add(*self.truth(self.point))))
        self.live = live if live.any() else np.ones_like(live)
        """components that have a truth"""

    @property
    def late(self) -> bool:
        """Whether no further explanation should be tried."""
        return monotonic() > self.until

    def once(self, make: Callable[[Investigation], Any]) -> Any:
        """What several mutations need of a case, made when it is first asked for."""
        if make not in self._known:
            self._known[make] = make(self)
        return self._known[make]

    @cached_property
    def fit(self) -> ClaimSamples:
        """Points that candidates may be fitted on: the point itself and points near it."""
        return self.draw(_FIT_STREAM, self._wanted[0], [self.point, *self._varied(_FIT_STREAM)])

    @cached_property
    def fresh(self) -> ClaimSamples:
        """Points that no candidate was fitted on."""
        return self.draw(_FRESH_STREAM, self._wanted[1], self._varied(_FRESH_STREAM))

    @cached_property
    def columns(self) -> Array:
        """Positions of the components that have a truth."""
        return np.flatnonzero(self.live)

    @cached_property
    def labels(self) -> Labels:
        """Names of these components."""
        return Labels(self.evidence, self.columns)

    @cached_property
    def suspects(self) -> Array:
        """Which components are wrong at some point of the fit."""
        found: Array = np.any(self.fit.wrong, axis=0)
        return found

    @cached_property
    def masks(self) -> list[Array | None]:
        """Where a bug may be: in all entries, or in those that are wrong."""
        return [None] if self.suspects.all() else [None, self.suspects]

    def where(self, mask: Array) -> str:
        """The name of a set of components, those in or out of it where there is nothing to be seen."""
        silent = np.asarray(~(np.abs(self.fit.truth) > self.fit.slack).any(axis=0))
        return self.labels.describe(mask, silent)

    def instruction(self, candidate: Candidate) -> str:
        """What a candidate says is to be done, and in which entries."""
        return candidate.text if candidate.mask is None else f"{self.where(candidate.mask)}: {candidate.text}"

    def truth(self, point: Array) -> tuple[Array, Array]:
        """Reference components and bars at a point, all components."""
        values, bars = (np.asarray(part, dtype=float).ravel() for part in self.evidence.truth(point.copy()))
        return values, bars

    def truths(self, points: Sequence[Array]) -> tuple[Array, Array]:
        """Reference and bars at several points, live components."""
        found = np.array([self.truth(point) for point in points])
        return found[:, 0, self.live], found[:, 1, self.live]

    def claim(self, point: Array) -> Array:
        """The live components of the claim."""
        found: Array = flat(self.evidence.claim, point, self.count)[self.live]
        return found

    def _noise(self, point: Array, claim: Array) -> Array:
        """Bars of the claim's own rounding: as given, or the claim's change at neighbouring floats."""
        if self.evidence.noise is not None:
            given: Array = flat(self.evidence.noise, point, self.count)[self.live]
            return given
        beside: Array = np.array([np.abs(self.claim(np.nextafter(point, way)) - claim) for way in (np.inf, -np.inf)])
        return np.asarray(beside.max(axis=0))

    def _nearby(self, random: np.random.Generator, radius: float) -> Array:
        """A random point whose coordinates are within a relative distance; where 0, of the point's typical size."""
        sizes = np.abs(self.point)
        typical = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
        found: Array = self.point + radius * random.uniform(-1, 1, sizes.size) * np.where(sizes > 0, sizes, typical)
        kept = None if self.evidence.kept is None else self.evidence.kept(found)
        return found if kept is None else kept

    def _varied(self, stream: int) -> list[Array]:
        """Points on every side of the kinks of f."""
        if self.evidence.program is None:
            return []
        random = np.random.default_rng((self.seed, stream, _LOOKED_AT))
        points = np.array([self._nearby(random, _RADII[0]) for _ in range(_LOOKED_AT)])
        return list(_sides(self.evidence.program, points))

    def draw(self, stream: int, wanted: int, points: list[Array]) -> ClaimSamples:
        """Draw points at which all is finite: the given, ``wanted`` where the claim is wrong, a few where it is not."""
        random = np.random.default_rng((self.seed, stream))
        rows: list[ClaimSamples] = []
        failing = quiet = 0
        for attempt in range(_DRAWS * _SHRINKS):
            if (failing >= wanted and attempt >= len(points)) or self.late:
                break
            radius = _RADII[attempt % len(_RADII)] * 0.1 ** (attempt // _DRAWS)
            row = self._sample(points[attempt] if attempt < len(points) else self._nearby(random, radius))
            if row is None:
                continue
            if row.wrong.any():
                failing += 1
            elif quiet < self._wanted[2] or attempt < len(points):
                quiet += 1
            else:
                continue
            rows.append(row)
        if failing < _LEAST_FAILING:
            empty = np.empty((0, len(self.columns)))
            return ClaimSamples(np.empty((0, self.point.size)), empty, empty, empty, empty)
        return ClaimSamples(*map(np.concatenate, zip(*rows, strict=True)))

    def _sample(self, point: Array) -> ClaimSamples | None:
        """Claim and truth at one point, None unless all is finite."""
        claim = self.claim(point)
        if not np.isfinite(claim).all():
            return None
        values, bars = self.truth(point)
        parts = (point, claim, self._noise(point, claim), values[self.live], bars[self.live])
        return ClaimSamples(*(part[None] for part in parts)) if all(np.isfinite(part).all() for part in parts) else None


def _sides(program: Program, points: Array) -> Array:
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
    found: Array = points[np.sort(first)[:_VISITED]]
    return found


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


class Labels:
    """Names of the c components of an answer and of sets of them."""

    def __init__(self, evidence: ClaimEvidence, columns: Array):
        self.evidence = evidence
        self.indices = [evidence.indices[int(c)] for c in columns]
        self.outputs = 1 + max(output for output, _ in evidence.indices)
        self.order = max(len(index) for _, index in evidence.indices)
        self.hessian = self.order == 2 and math.prod(evidence.shape) == len(evidence.names) ** 2

    @cached_property
    def names(self) -> list[str]:
        """Each live component's name: "y", or row and column: "(f2, x)", "(x, y)"."""
        found = []
        for output, index in self.indices:
            words = [self.evidence.names[i] for i in index]
            if self.outputs > 1:
                words.insert(0, f"f{output + 1}")
            found.append(words[0] if len(words) == 1 else f"({', '.join(words)})")
        return found

    def partial(self, position: int) -> str:
        """The partial that a live component is: ∂f/∂y."""
        output, index = self.indices[position]
        return partial_name(self.evidence.names, index, f"f{output + 1}" if self.outputs > 1 else "f")

    @cached_property
    def blocks(self) -> list[tuple[str, tuple[int, ...], list[int]]]:
        """Each parameter of several: its name, its shape, and the positions of its components."""
        if self.order != 1 or self.outputs > 1 or len(self.evidence.groups) < 2:
            return []
        return [
            (name, shape, [k for k, (_, (i,)) in enumerate(self.indices) if i in inside])
            for name, shape, inside in self.evidence.parameters()
        ]

    def _sets(self) -> Iterator[tuple[str, Array]]:
        """Sets of components that have a name."""
        count = len(self.indices)
        for name, _, inside in self.blocks:
            mask = np.isin(np.arange(count), inside)
            if len(inside) > 1:
                yield name, mask
            if inside:
                yield f"every entry but {name}", ~mask
        if self.outputs > 1 and self.order == 1:
            for k in range(self.outputs):
                yield f"row f{k + 1}", np.array([output == k for output, _ in self.indices])
            for i, name in enumerate(self.evidence.names):
                yield f"column {name}", np.array([index == (i,) for _, index in self.indices])
        if self.hessian:
            sides = np.array([index[1] - index[0] for _, index in self.indices])
            yield "the diagonal", sides == 0
            yield "everything off the diagonal", sides != 0
            yield "the lower triangle", sides < 0
            yield "the upper triangle", sides > 0
            for i, name in enumerate(self.evidence.names):
                yield f"row {name}", np.array([index[0] == i for _, index in self.indices])
                yield f"column {name}", np.array([index[1] == i for _, index in self.indices])

    def describe(self, mask: Array, silent: Array | None = None) -> str:
        """Name a set of components; those of ``silent`` (where nothing is to be seen) may belong to it or not."""
        silent = np.zeros_like(mask) if silent is None else silent & ~mask
        if mask.sum() == 1:
            return f"entry {self.names[int(np.flatnonzero(mask)[0])]}"
        for name, members in self._sets():
            if (members[mask]).all() and not members[~mask & ~silent].any():
                return name
        if (mask | silent).all() and mask.size > 1:
            return "every entry"
        words = [self.names[k] for k in np.flatnonzero(mask)]
        if len(words) <= ENTRIES_LISTED:
            return f"entries {listed(words)}"
        return f"entries {', '.join(words[:ENTRIES_LISTED])}, … ({len(words)} of {mask.size})"

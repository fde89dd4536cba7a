"""The search for one partial derivative: at what distance to sample f, when to stop, and what to believe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from diffkit.methods.differences.fits import (
    COMPARED_FACTOR,
    EXPLAINED_NOISE,
    MEASURED,
    QUIET,
    RADIUS_FACTORS,
    Fit,
    FoldedSamples,
    least_bar,
    promise,
)
from diffkit.methods.differences.samples import Search, Stencil, nodes
from diffkit.methods.differences.texture import (
    STAIRS,
    Texture,
    calmer,
    close_look,
    explain,
    hidden,
    measure,
    plateau,
    white,
)

_CHECKS = (6.13e-5, 2.91e-8)
"""Of the first radius: steps that check the fits, a branch around the point among what they find; none is a node."""
_NOISE_WIDTHS = 4.0  # a fit is this much wider than what makes its noise
_ROUGH_RESIDUE = 0.02  # a fit with such a residue shows nothing of f
_LOWEST = 2.0**9  # units of rounding, or their root if it is less: radius below which a step hardly moves x
_FITS = 10  # radii that are tried
_SAME = 1.6  # radii within this factor are not worth a second fit
_SHARP_BAR = 1e-9  # relative bar from which it is not worth while to sample farther than the size of x
USELESS_BAR = 1e-3  # relative bar above which a value is of little use
_SHARP_REACH = 0.5  # of the scale: how far a sharp fit may reach
_FULL_ACCURACY = 2.0**-47  # relative bar that no other fit makes much smaller
_SHARPER = 8.0  # times less wide a bar: worth finding out whether it holds
_DISAGREEING_BARS = 2.0  # bars by which fits disagree
_COMPARABLE_RADII = 64.0  # times the radius of the best fit: what wider ones than this look like says nothing of it
NARROW_PIECE = 1e-4  # of the scale: pieces of f narrower than this are made by rounding, or by a tolerance
_FAINT = 1e-6  # of the size of f: a kink beside the point leaves more over, and steps of a tolerance do not
_DRIFT = 2.0  # how much faster than in proportion to the radius a value may change
_CONSTANT_REACH = 0.93  # of the scale: how far f is looked at where it is constant


class Effort(NamedTuple):
    """How much to spend on a partial derivative, and on what.

    ``radius``, of the first fit, is a part of the scale. It is no power of two and no simple fraction, so that the
    samples of a periodic function do not repeat themselves.
    """

    pairs: int
    """samples of a fit on either side"""
    checks: int
    """pairs of samples nearer to the point"""
    radius: float
    gain: float
    """factor by which a new fit must promise to shrink the bar"""
    enough: float
    """roughness of a fit at which the search stops"""
    drowned: float
    """relative bar above which a value that a large f hides is sought farther out; 1 if none is"""


THOROUGH = Effort(pairs=10, checks=2, radius=0.17129375, gain=6.0, enough=0.0, drowned=1e-7)
ECONOMY = Effort(pairs=5, checks=0, radius=0.00512937, gain=30.0, enough=1e-8, drowned=1.0)


class SearchFinding(NamedTuple):
    """What a search found: the fit to believe, if any, and what is left over around the point."""

    best: Fit | None
    smooth: bool
    """whether rounding, of f or inside its code, explains all that the fit leaves over"""
    kinked: bool
    """whether fits look as if f had a kink of some order at the point"""
    center: float
    """f at the point"""
    texture: Texture
    visible: bool
    """whether the noise of f is small beside f"""
    least: float
    """the derivative that would change f by as much as its size"""
    flat: float
    """relative step to which f keeps its value, where rounding does not explain that"""


class _Radii:
    """The fits made so far and what they leave over."""

    def __init__(self, stencil: Stencil, effort: Effort, limit: float = math.inf):
        self.samples = FoldedSamples(stencil, effort.pairs)
        self.order = stencil.order
        sizes = [
            min(max(1.0, stencil.scale(v)), 1e70) ** m for v, m in zip(stencil.variables, stencil.orders, strict=True)
        ]
        self.length = math.prod(sizes)
        self.effort, self.limit = effort, limit
        self.tried: set[float] = set()
        self.texture: Texture | None = None
        self._best: tuple[tuple[float, ...], Texture | None, Fit | None] = (), None, None

    @property
    def fits(self) -> list[Fit]:
        """Those out to the radii that were tried, the latest last."""
        return [fit for fit in self.samples.fits if fit.radius in self.tried]

    def excess(self, fit: Fit) -> float:
        """The noise of a coefficient beyond that of rounding, if it shows well within the fit."""
        texture = self.texture
        if texture is None or not texture.noise or fit.radius < _NOISE_WIDTHS * texture.width:
            return 0.0
        return (texture.noise + texture.growth * fit.radius) * self.samples.spread

    def settled(self, fit: Fit, plain: float | None = None) -> bool:
        """Whether the coefficients of a fit decay to what noise explains."""
        smooth = self.texture is None or fit.radius < self.texture.limit
        return fit.settled(plain or self.samples.plain, self.excess(fit), smooth)

    def come_down(self, fit: Fit) -> bool:
        """Whether all the terms that a fit leaves out have come down to noise."""
        floor = min(QUIET, self.samples.plain) * fit.floor * fit.unit
        return fit.estimate.level * fit.unit <= max(floor, QUIET * self.excess(fit))

    def sharp(self, fit: Fit) -> bool:
        """Whether the bar is small beside the value, or beside what would change f by as much as its size."""
        return fit.bar <= _SHARP_BAR * max(abs(fit.value), self.least(fit)) and not self.drowns(fit)

    def drowns(self, fit: Fit) -> bool:
        """Whether f is so large that of a value that is seen it hides all but a few digits."""
        size = abs(fit.value)
        return fit.bar <= _SHARP_BAR * self.least(fit) and self.effort.drowned * size < fit.bar < size

    @property
    def calm(self) -> float:
        """The radius of a fit that is known to leave nothing over."""
        return self.texture.inside.radius if self.texture and self.texture.inside else 0.0

    def least(self, fit: Fit) -> float:
        """The derivative that would change f by as much as its size."""
        return fit.unit / self.length

    @property
    def best(self) -> Fit | None:
        """The best of the fits so far, sought anew where anything that it depends on has changed."""
        samples = self.samples
        state = (len(self.tried), len(samples.fits), len(samples.folded), samples.plain)
        if self._best[0] != state or self._best[1] is not self.texture:
            self._best = state, self.texture, self.best_of(self.fits)
        return self._best[2]

    def best_of(self, fits: Sequence[Fit]) -> Fit | None:
        """The fit with the least bar, of those that settle if any does, and that are wider than steps of f.

        Only fits count that agree with the samples nearer to the point, and hold no sharper one that does not.
        """
        grain = self.texture.width if self.texture and self.texture.noise else 0.0
        seen = [(fit, self.settled(fit), self.samples.agrees(fit, self.excess(fit))) for fit in fits]
        off = [fit for fit, settles, agrees in seen if settles and not agrees]
        agreeing = [
            (fit, settles) for fit, settles, agrees in seen if agrees and not any(_sharper(other, fit) for other in off)
        ]
        wide = [fit for fit, _ in agreeing if fit.radius >= grain]
        settled = [fit for fit, settles in agreeing if settles and fit.radius >= grain]
        pieces = [fit for fit, settles in agreeing if settles and fit.distinct > STAIRS]
        return least_bar(settled) or least_bar(pieces) or least_bar(wide)

    @property
    def open(self) -> list[Fit]:
        """Fits that leave something over, the closest first."""
        return sorted((fit for fit in self.fits if not self.settled(fit)), key=lambda fit: fit.radius)

    def doubtful(self, fit: Fit) -> bool:
        """Whether it is time to see what fits leave over: after two that do, or one that would be good enough."""
        open_ = sum(not self.come_down(other) for other in self.fits)
        return open_ > 1 or (fit.roughness <= self.effort.enough and not self.settled(fit))

    def look(self) -> Search[None]:
        """See close to the point what fits leave over."""
        wide = min((fit for fit in self.fits if not self.come_down(fit)), key=lambda fit: fit.radius)
        self.texture = yield from close_look(self.samples, wide)

    def suspect(self) -> Search[None]:
        """Where the best fit leaves over more than rounding mostly makes, see whether it is a ripple, and to where.

        A mixed derivative goes no farther than pure ones, which were asked; its samples often cancel their rounding.
        """
        best, noisy = self.best_of(self.samples.fits), self.texture is not None and self.texture.noise
        if not (self.effort.checks and self.samples.stencil.pure) or noisy or best is None or best.settled(MEASURED):
            return
        if not (yield from white(self.samples, best)) and (yield from measure(self.samples)):
            self.texture = self.texture or (yield from close_look(self.samples, best))
            yield from self.explain()

    def explain(self) -> Search[None]:
        """Where fits leave something over that the best one does not account for, find out what that is."""
        rough = None if self.kinked else self._unexplained()
        if rough is None:
            return
        best = self.best
        calm = [fit for fit in self.samples.fits if fit.radius < rough.radius and calmer(self.samples, fit, rough)]
        if best is not None and self.settled(best):
            calm = [fit for fit in calm if not _apart(fit, best)]
        if calm:
            inside = max(calm, key=lambda fit: fit.radius)
            self.texture = yield from explain(self.samples, self.texture or Texture(), inside, rough, self.open[-1])
        elif self.texture is None:
            self.texture = yield from close_look(self.samples, rough)

    @property
    def kinked(self) -> bool:
        """Whether fits that leave over more than any rounding look as if f had a kink of some order at the point."""
        best = self.best
        off = (
            fit
            for fit in self.fits
            if not (self.settled(fit, EXPLAINED_NOISE) and self.samples.agrees(fit, self.excess(fit)))
        )
        closest = sorted(off, key=lambda fit: fit.radius)[:2]
        near = (
            best is None
            or not self.settled(best)
            or any(fit.radius < _COMPARABLE_RADII * best.radius for fit in closest)
        )
        return len(closest) > 1 and near and all(fit.kinked for fit in closest)

    def _unexplained(self) -> Fit | None:
        """The closest fit that leaves something over, and excludes the best one, promises much more, or is stuck.

        If f is constant out to the best one, any is. Fits that show nothing of f count where the best one is so close
        that it may be inside a piece which rounding makes.
        """
        best, open_ = self.best, self.open
        if best is None or not self.settled(best):
            return next(iter(open_), None)
        if self.texture and self.texture.noise:
            return None
        if best.radius > NARROW_PIECE:
            open_ = [fit for fit in open_ if self._counts(fit)]
        doubts = [fit for fit in open_ if best.distinct == 1 or _apart(fit, best) or fit.bar * _SHARPER < best.bar]
        return next(iter(doubts or open_[: _stuck(open_)]), None)

    def drift(self, best: Fit) -> float:
        """How far a kink at the point may have carried the value: in proportion to the radius, as between two fits."""
        wider = [fit for fit in self.open if fit.radius > best.radius]
        if not self.kinked or not wider:
            return 0.0
        return _DRIFT * abs(wider[0].value - best.value) * best.radius / (wider[0].radius - best.radius)

    def _counts(self, fit: Fit) -> bool:
        """Whether a fit that leaves something over shows f all the same."""
        return fit.estimate.level <= _FAINT or (fit.estimate.level <= _ROUGH_RESIDUE and self.samples.agrees(fit, 0.0))

    def next_radius(self, fit: Fit) -> float | None:
        """Where to fit next; None if that promises too little."""
        if fit.distinct == 1 and self.samples.flat() >= fit.radius:
            return self._beyond(fit.radius)
        if self._widest(fit) and fit.radius < self.absolute and self._drowned(fit):
            return self.absolute
        if fit.distinct == 1 or fit.roughness > _ROUGH_RESIDUE:
            return fit.radius / 32
        radius, gain = self._promised(fit)
        stale = any(1 / _SAME < radius / other.radius < _SAME for other in self.fits)
        best = self.best
        if best is not None and self._enough(best):
            return None
        if best is not None and self.come_down(best) and (stale or gain * self.effort.gain > 1):
            return self._on_trust(best)
        return min(other.radius for other in self.fits) / 8 if stale else radius

    def _promised(self, fit: Fit) -> tuple[float, float]:
        """The radius at which the terms of a fit promise most, and the share of the bar that is left there."""
        farthest = self._farthest(fit)
        factor, gain = promise(fit, self.order, self.excess(fit), farthest / fit.radius)
        radius = fit.radius * factor
        if abs(fit.value) <= fit.bar and self.absolute > RADIUS_FACTORS[-1]:  # x is as good as zero
            radius = max(radius, min(farthest, self.absolute))
        if not self.samples.agrees(fit, self.excess(fit)):
            radius = min(radius, fit.radius / 8, math.sqrt(self.calm * fit.radius) or math.inf)
        return radius, gain

    def _farthest(self, fit: Fit) -> float:
        """How far out a fit may lead: not far beyond the size of x where little is to be gained."""
        best, farthest = self.best, math.inf
        if not any(fit.series.values()):
            farthest = max(_SHARP_REACH, fit.radius)
        elif best is not None and self.sharp(best):
            farthest = max(_SHARP_REACH, fit.radius, self.absolute)
        return max(fit.radius, min(farthest, self.limit))

    def _enough(self, best: Fit) -> bool:
        """Whether a fit needs no better one."""
        if best.bar <= _FULL_ACCURACY * abs(best.value) and self.come_down(best):
            return True
        return best.roughness <= self.effort.enough and self.settled(best)

    def _on_trust(self, best: Fit) -> float | None:
        """Farther out than the terms promise anything, where f is so large that it hides how they fall.

        Where x is small, and few digits are seen, this is on the way to the radius of a variable of size 1.
        """
        if self.texture is not None or not self._widest(best):
            return None
        hidden = best.bar > self.effort.drowned * abs(best.value) and COMPARED_FACTOR * best.radius < self.absolute
        if not (hidden or self.drowns(best)):
            return None
        return max(COMPARED_FACTOR * best.radius, math.sqrt(best.radius * self.absolute) if hidden else 0.0)

    def _drowned(self, fit: Fit) -> bool:
        """Whether rounding, of f or of numbers of size 1 in its code, leaves less than three digits."""
        rounding = self.come_down(fit) or fit.estimate.level * fit.unit <= self.samples.stencil.unit
        return rounding and fit.bar > USELESS_BAR * abs(fit.value)

    def _widest(self, fit: Fit) -> bool:
        return fit.radius == max(other.radius for other in self.fits)

    def _beyond(self, radius: float) -> float | None:
        """Where to look for a change of f that is constant out to a radius: the size of x, and then 1."""
        return next((r for r in (_CONSTANT_REACH, self.absolute) if r > radius), None)

    @property
    def absolute(self) -> float:
        """The first radius of a variable of size 1."""
        stencil = self.samples.stencil
        return self.effort.radius / min(stencil.scale(v) for v in stencil.variables)


def _stuck(fits: Sequence[Fit]) -> int:
    """How many fits there are up to two that leave the same over, as noise, steps and ripples do, but no smooth f."""
    sizes = [fit.estimate.level * fit.unit for fit in fits]
    return next((k + 2 for k, (near, far) in enumerate(pairwise(sizes)) if 2 * near > far), 0)


def _sharper(near: Fit, fit: Fit) -> bool:
    """Whether a closer fit leaves less over than another."""
    return near.radius < fit.radius and near.estimate.level * near.unit < fit.estimate.level * fit.unit


def _apart(a: Fit, b: Fit) -> bool:
    return abs(a.value - b.value) > _DISAGREEING_BARS * (a.bar + b.bar)


def search(stencil: Stencil, effort: Effort = THOROUGH, limit: float = math.inf) -> Search[SearchFinding]:
    """Fit at one radius after another, up to a limit, until a new one promises nothing."""
    radii = _Radii(stencil, effort, limit)
    samples = radii.samples
    radius: float | None = effort.radius
    lowest = min(_LOWEST * stencil.unit, math.sqrt(stencil.unit))
    yield from samples.look(effort.radius * t for t in (*nodes(effort.pairs), *_CHECKS[: effort.checks]))
    for _ in range(_FITS):
        if radius is None or radius < max(lowest, radii.calm) or not math.isfinite(samples.center):
            break
        fit = yield from samples.fit(radius)
        if fit is None:
            radius = min(samples.bad) / 2
            continue
        radii.tried.add(radius)
        if radii.texture is None and radii.doubtful(fit):
            yield from radii.look()
        radius = radii.next_radius(fit)
    yield from radii.explain()
    yield from radii.suspect()
    best = radii.best_of(samples.fits)
    if best is not None:
        best = best._replace(truncation=best.truncation + radii.drift(best))
    texture = radii.texture or Texture()
    flat, constant = yield from plateau(samples, best)
    if best is not None and best.distinct == 1:
        best = best._replace(truncation=best.truncation + (yield from hidden(samples)))
    if constant is not None:
        return SearchFinding(constant, True, False, samples.center, Texture(), True, radii.least(constant), flat)
    if best is None:
        return SearchFinding(None, False, radii.kinked, samples.center, texture, False, 0.0, flat)
    size = best.unit if best.roughness <= _ROUGH_RESIDUE else min(best.unit, abs(samples.center))
    visible = texture.noise <= USELESS_BAR * size
    return SearchFinding(
        best, radii.settled(best), radii.kinked, samples.center, texture, visible, radii.least(best), flat
    )

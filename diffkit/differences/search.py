"""The search for one partial derivative: at what distance to sample f, when to stop, and what to believe."""

from __future__ import annotations

import math
from typing import NamedTuple

from diffkit.differences.chebyshev import nodes
from diffkit.differences.fits import QUIET, Fit, Samples, least_bar, promise
from diffkit.differences.sampling import Search
from diffkit.differences.stencils import Stencil

CHECKS = (0.00291, 0.0619)  # of the first radius: steps that check the fits; they fall between the nodes
CLOSE = (2.0**-34, 2.0**-26, 2.0**-18)  # radii at which f is nearly constant, so that what is left is noise
STEPS = 1e-5  # of the size of f: a residue that may be rounding in steps, which passes for a slope close to the point
WIDTH = 10.0  # such a step may be so much wider, as a part of x, than it is high, as a part of f
WITHIN = 256.0  # a fit is this much wider than the samples that measure its noise
ROUGH = 0.02  # a fit with such a residue shows nothing of f
RIPPLE = 1e-8  # of the largest coefficient: a residue that f may have from rounding, if f has eight digits
STAIRS = 4  # values there that make a jump or steps of rounding, not noise
LOWEST = 2.0**-44  # radius below which a step hardly moves x
FITS = 10  # radii that are tried
SAME = 1.6  # radii within this factor are not worth a second fit
SHARP = 1e-9  # relative bar from which it is not worth while to sample farther than the size of x
ROOM = 0.5  # of the scale: how far a sharp fit may reach


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


THOROUGH = Effort(pairs=10, checks=2, radius=0.17129375, gain=6.0, enough=0.0)
ECONOMY = Effort(pairs=5, checks=0, radius=0.00512937, gain=30.0, enough=1e-8)


class Finding(NamedTuple):
    """What a search found: the fit to believe, if any, and whether f looks smooth around the point."""

    best: Fit | None
    smooth: bool
    noise: float
    """of f around the point in units of its size, if it is more than rounding makes"""
    center: float
    """f at the point"""
    contradicted: bool = False
    """whether fits near and far give values that cannot both be right"""


class Radii:
    """The fits made so far and the noise that they show."""

    def __init__(self, stencil: Stencil, effort: Effort):
        self.samples = Samples(stencil, effort.pairs)
        self.order = stencil.order
        sizes = [
            min(max(1.0, stencil.scale(v)), 1e70) ** m for v, m in zip(stencil.variables, stencil.orders, strict=True)
        ]
        self.length = math.prod(sizes)
        self.effort = effort
        self.fits: list[Fit] = []
        self.close: list[Fit] = []
        self.noise = 0.0
        self.measured_at = 0.0
        """of a coefficient, where f is seen to have more than rounding makes"""

    def excess(self, fit: Fit) -> float:
        """The noise in units of a fit, if it was measured well within the fit."""
        return self.noise / fit.unit if fit.radius > WITHIN * self.measured_at else 0.0

    def settled(self, fit: Fit) -> bool:
        """Whether the coefficients of a fit decay to what noise explains."""
        return fit.estimate.level <= QUIET * max(fit.floor, self.excess(fit))

    def sharp(self, fit: Fit) -> bool:
        """Whether the bar is small beside the value, or beside what would change f by as much as its size."""
        return fit.bar <= SHARP * max(abs(fit.value), fit.unit / self.length)

    @property
    def best(self) -> Fit | None:
        """The fit with the least bar among those that agree with the samples nearer to the point."""
        return least_bar([fit for fit in self.fits if self.samples.agrees(fit, self.excess(fit))])

    def contradicted(self, best: Fit) -> bool:
        """Whether a wider or closer fit, whose residue is small beside f, gives another value.

        The residue may be f (then the close fit is right) or rounding in steps inside f (then the wide one is). Steps
        are about as wide, beside x, as they are high beside f; a close fit that spans many of them shows f.
        """
        others = [
            fit for fit in self.fits if fit.radius > best.radius and best.radius / WIDTH < fit.estimate.level <= STEPS
        ]
        others += [fit for fit in self.close if fit.radius < best.radius and fit.estimate.level <= QUIET * fit.floor]
        return any(abs(fit.value - best.value) > fit.bar + best.bar for fit in others)

    def enough(self, fit: Fit) -> bool:
        """Whether a fit shows f as smooth as was asked for."""
        return fit.roughness <= self.effort.enough

    def measure_noise(self) -> Search[None]:
        """Fit close to the point, where f is nearly constant; farther away if it takes few values there."""
        for radius in CLOSE:
            fit = yield from self.samples.fit(radius)
            self.measured_at = radius
            if fit is not None and self.samples.distinct(radius) > STAIRS:
                self.close.append(fit)
                if radius == CLOSE[0] or fit.roughness <= RIPPLE:
                    self.noise = fit.estimate.level * fit.unit
                break

    def next_radius(self, fit: Fit) -> float | None:
        """Where to fit next; None if that promises too little."""
        if fit.roughness > ROUGH:
            return fit.radius / 32
        factor, gain = promise(fit, self.order, self.excess(fit))
        best = self.best
        radius = fit.radius * factor
        if best is not None and self.enough(best):
            return None
        if best is not None and self.sharp(best):
            radius = min(radius, max(ROOM, fit.radius))
        stale = any(1 / SAME < radius / other.radius < SAME for other in self.fits)
        if best is not None and self.settled(best) and (stale or gain * self.effort.gain > 1):
            return None
        return min(other.radius for other in self.fits) / 8 if stale else radius


def search(stencil: Stencil, effort: Effort = THOROUGH) -> Search[Finding]:
    """Fit at one radius after another until a new one promises nothing."""
    radii = Radii(stencil, effort)
    samples = radii.samples
    radius: float | None = effort.radius
    yield from samples.look(effort.radius * t for t in (*nodes(effort.pairs), *CHECKS[: effort.checks]))
    unsettled = 0
    for _ in range(FITS):
        if radius is None or radius < LOWEST or not math.isfinite(samples.center):
            break
        fit = yield from samples.fit(radius)
        if fit is None:
            radius = min(samples.bad) / 2
            continue
        radii.fits.append(fit)
        unsettled += not radii.settled(fit)
        if unsettled == 2 and not radii.measured_at:
            yield from radii.measure_noise()
        radius = radii.next_radius(fit)
    best = radii.best
    if best is None or radii.contradicted(best):
        return Finding(None, False, 0.0, samples.center, contradicted=best is not None)
    smooth = best.roughness <= RIPPLE or radii.settled(best) or radii.enough(best)
    return Finding(best, smooth, radii.excess(best), samples.center)

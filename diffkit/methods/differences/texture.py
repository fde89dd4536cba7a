"""What fits leave over near a point where rounding in binary64 does not explain it: noise, steps, or f itself.

Noise and steps are there at every place and down to the nearest distances: f as a whole is what a wide fit shows.
A ripple is smooth once it is seen from near enough, and a kink, a jump or a singularity is at one place only: there f
is what a close fit shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from diffkit.methods.differences.fits import EXPLAINED_NOISE, MEASURED, QUIET, Fit, FoldedSamples, magnitude
from diffkit.methods.differences.samples import Search, divided, nodes, value_at

_NEAREST_SAMPLES, _SMOOTH_UNITS = 2.0**10, 2.0**18  # units to which f is looked at, where it must be smooth
_LOOK_FACTOR = 2.0**8  # how much farther the next look goes
_RIPPLE = 1e-8  # of the size of f: as near as this is looked, so small a residue is rounding, ripple or not
_FARTHEST_LOOK = 2.0**-10
STAIRS = 4  # values at the samples of a fit that make steps, not noise
_PROBES = (0, -1)  # places among the nodes that tell a constant piece
_EDGE_FACTOR = 2.0  # radii between which a piece ends
_OTHER_PLACES = (0.37, -0.23)  # of the radius of a wide fit: where other places are looked at
_UNSEEN_FACTOR = 10.0  # times the radius of what is looked for there: that radius about the point is not seen again
_NOISE_DISTANCE = 37.0  # times the root of the unit, which is how far samples go: where rounding is measured
_LOOK_PAIRS = 5  # pairs of samples that show what is there
_SMALL_RESIDUE = 1e4  # times the noise that rounding makes at the least: a residue that needs no other place
_PIECE_SURROUNDINGS = 4.0  # times the radius of a constant piece: what f changes by there
_DUST = 4.0  # units of rounding by which values differ that are one
_STEEP_JUMP = 2.0**5  # times as high a jump as one that is dust beside it
_JUMP_RADII, _JUMP_SHARE = 1 + 2.0**-12, 2.0**-8
"""times that radius, and of that change: in so little only a jump leaves it"""
_FAR_LOOKS = (1.0, *(2.0**k for k in (3, 8, 16, 32, 60)))  # of the scale: where a constant f is looked at once more
_EDGE_RESOLUTION = 1 + 2.0**-40  # steps between which it leaves its value: bit by bit is then next to nothing
_QUANTA = 4.0  # of rounding, that may hide at either end
_VANISHED_RATIO = 16.0  # a residue so much smaller there is none


class Texture(NamedTuple):
    """What keeps f from being smooth around a point."""

    noise: float = 0.0
    """standard deviation of the values of f that its code makes; 0 where rounding explains it"""
    growth: float = 0.0
    """by how much that grows with the relative step away from the point"""
    width: float = 0.0
    """radius from which it shows"""
    inside: Fit | None = None
    """widest fit known around the point that leaves nothing over, or no more than the noise"""
    pieces: bool = False
    """whether that is a smooth piece of f, which ends in jumps: they are the noise"""
    limit: float = math.inf
    """radius from which f itself, seen so far, is not smooth"""
    local: bool = False
    """whether what is left over is found near the point only"""

    def reason(self, flat: float, scale: float) -> str:
        """What keeps f from being seen close to the point; empty if nothing is found."""
        if 0 < flat < math.inf:
            constant = f"constant to {flat:.0e} around the point, changes beyond"
            return f"{constant}: rounding hides the change, or f has a branch there"
        if self.local:
            return "oscillates, loses its digits or has a singularity near the point: its slope settles at no distance"
        if not self.noise:
            return ""
        if self.pieces:
            jump, width = self.noise * math.sqrt(12), self.width * scale
            jumps = f"its values jump by about {jump:.0e} every {width:.0e} or so"
            return f"{jumps}: they are rounded, or code stops at a tolerance"
        return f"its values scatter by about {self.noise:.0e}"


def close_look(samples: FoldedSamples, wide: Fit) -> Search[Texture]:
    """Tell what a fit leaves over from samples much nearer to the point, and from another place."""
    rough = wide
    for radius in _distances(samples.stencil.unit, wide.radius):
        if (yield from _constant(samples, radius)):
            continue
        fit = yield from samples.fit(radius)
        if fit is None:
            return Texture(local=True)
        if fit.distinct <= STAIRS:
            continue
        if fit.settled(EXPLAINED_NOISE):
            noisy = fit.estimate.level > QUIET * fit.floor
            return Texture(_spread(samples, fit), 0.0, radius) if noisy else Texture(inside=fit)
        rough = fit
        break
    if rough.estimate.level <= _RIPPLE or (yield from white(samples, rough)):
        return (yield from _everywhere(samples, None, rough, wide))
    nearest = yield from samples.fit(_NEAREST_SAMPLES * samples.stencil.unit)
    if nearest is None or nearest.distinct <= STAIRS or not calmer(samples, nearest, rough):
        return (yield from _everywhere(samples, None, rough, wide))
    known = Texture() if nearest.settled(samples.plain) else (yield from _everywhere(samples, None, nearest, wide))
    return (yield from explain(samples, known, nearest, rough, wide))


def measure(samples: FoldedSamples) -> Search[bool]:
    """Whether rounding makes less than was thought, seen so near to a point that no smooth f leaves anything over.

    The point is not the one itself: where that has few digits, sums and products near it need no rounding.
    """
    radius = math.sqrt(samples.stencil.unit)
    beside = FoldedSamples(samples.stencil.moved(_NOISE_DISTANCE * radius), _LOOK_PAIRS)
    fit = yield from beside.fit(radius)
    plain = MEASURED * fit.estimate.level / fit.floor if fit and fit.distinct > STAIRS else math.inf
    if plain >= samples.plain:
        return False
    samples.settle(plain)
    return True


def explain(samples: FoldedSamples, known: Texture, calm: Fit, rough: Fit, wide: Fit) -> Search[Texture]:
    """Tell what a wider fit leaves over and a closer one does not: pieces that end in jumps, or f itself."""
    while rough.radius > _EDGE_FACTOR * calm.radius:
        fit = yield from samples.fit(math.sqrt(calm.radius * rough.radius))
        if fit is None:
            break
        calm, rough = (fit, rough) if calmer(samples, fit, rough) else (calm, fit)
    if (yield from _ends_in_a_jump(samples, calm, rough)):
        return (yield from _everywhere(samples, calm, rough, wide))
    return known._replace(inside=calm, limit=rough.radius)


def calmer(samples: FoldedSamples, fit: Fit, rough: Fit) -> bool:
    """Whether a fit leaves nothing over, or little beside what another does."""
    left, most = fit.estimate.level * fit.unit, rough.estimate.level * rough.unit
    return fit.settled(samples.plain) or _VANISHED_RATIO * left < most


def _everywhere(samples: FoldedSamples, calm: Fit | None, rough: Fit, wide: Fit) -> Search[Texture]:
    """The texture, if f leaves as much over at another place, away by a part of the radius of a wide fit.

    Where f is made of pieces, a larger radius is looked at, which spans many of them.
    """
    level = _spread(samples, rough)
    if rough.estimate.level < _SMALL_RESIDUE * rough.floor and not rough.kinked:
        return Texture(level, 0.0, rough.radius, calm, calm is not None)
    radius = rough.radius
    if calm is not None:
        radius = max(radius, min(math.sqrt(radius * wide.radius), wide.radius / _UNSEEN_FACTOR))
    reach = max(wide.radius, _UNSEEN_FACTOR * radius)
    for away in (_OTHER_PLACES[0] * reach, _OTHER_PLACES[1] * reach):
        other = FoldedSamples(samples.stencil.moved(away), _LOOK_PAIRS)
        fit = yield from other.fit(radius)
        there = _spread(other, fit) if fit and fit.estimate.level > QUIET * fit.floor else 0.0
        if _VANISHED_RATIO * there > level:
            growth = max(0.0, there - level) / abs(away) if radius == rough.radius else 0.0
            return Texture(level, growth, rough.radius, calm, calm is not None)
    return Texture(local=True)


def _spread(samples: FoldedSamples, fit: Fit) -> float:
    """Standard deviation of the values of f that the level of a fit means."""
    return fit.estimate.level * fit.unit / samples.spread


def white(samples: FoldedSamples, rough: Fit) -> Search[bool]:
    """Whether what a fit leaves over is there at the nearest steps."""
    parity = 0 if samples.stencil.pure else samples.stencil.parity
    steps = [_NEAREST_SAMPLES * samples.stencil.unit * nodes(samples.pairs)[k] for k in _PROBES]
    yield from samples.look(steps)
    changes = [abs(samples.folded[h][parity]) for h in steps if h in samples.folded]
    return max(changes, default=0.0) > rough.estimate.level * rough.unit


def _distances(unit: float, limit: float) -> Iterator[float]:
    radius = _SMOOTH_UNITS * unit
    while radius < min(_FARTHEST_LOOK, limit / _VANISHED_RATIO):
        yield radius
        radius *= _LOOK_FACTOR


def _constant(samples: FoldedSamples, radius: float) -> Search[bool]:
    """Whether f has one value out to a radius, as far as two steps tell."""
    steps = [radius * nodes(samples.pairs)[k] for k in _PROBES]
    yield from samples.look(steps)
    return all(value == samples.center for h in steps for value in samples.seen.get(h, ()))


def _ends_in_a_jump(samples: FoldedSamples, calm: Fit, rough: Fit) -> Search[bool]:
    """Whether f leaves a fit abruptly: halve the step where it does, and keep the half in which it leaves by more."""
    least = rough.estimate.level * rough.unit
    off = {h: _off(samples, calm, h) for h in sorted(samples.folded) if calm.radius / 2 < h <= rough.radius}
    near, far = next(((a, b) for a, b in pairwise(off) if max(map(abs, off[b])) > least), (0.0, 0.0))
    while far and _apart(off[near], off[far]) > least:
        middle = (near + far) / 2
        if samples.stencil.steps(middle) in (samples.stencil.steps(near), samples.stencil.steps(far)):
            return True
        yield from samples.look([middle])
        if middle not in samples.folded:
            return False
        off[middle] = _off(samples, calm, middle)
        near, far = max((near, middle), (middle, far), key=lambda gap: _apart(off[gap[0]], off[gap[1]]))
    return False


def _off(samples: FoldedSamples, fit: Fit, h: float) -> list[float]:
    """How far the parts of a sample are from the terms that a fit keeps."""
    return [samples.off(fit, parity, h, fit.estimate.degree) for parity in samples.stencil.parities]


def _apart(a: Sequence[float], b: Sequence[float]) -> float:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def hidden(samples: FoldedSamples) -> Search[float]:
    """The derivative that rounding may hide in an f that has one value at every sample; 0 if no sample ever differs.

    Where f leaves that value, it does so by a quantum of what is rounded inside it, q, or bit by bit: whatever it does
    before, it does by less. Over the distance to that place that is a derivative of m!·q/distance^m.
    """
    for h in _FAR_LOOKS:
        if samples.flat() < math.inf:
            break
        yield from samples.look([h])
    if math.isinf(samples.flat()):
        return 0.0
    near, far = yield from _edge(samples, 0.0, _EDGE_RESOLUTION)
    quantum = _change(samples, far)
    if not math.isfinite(quantum):  # the domain ends there
        return 0.0
    stencil = samples.stencil
    steps = [near * stencil.scale(v) for v, m in zip(stencil.variables, stencil.orders, strict=True) for _ in range(m)]
    return divided(_QUANTA * math.factorial(stencil.order) * quantum, steps)


def plateau(samples: FoldedSamples, best: Fit | None) -> Search[tuple[float, Fit | None]]:
    """The relative step to which f keeps its value at the point and then jumps, where rounding does not explain that.

    A constant piece that f leaves bit by bit is no plateau: the fit there is given with a step of 0. Where f leaves it
    by what is dust beside the next jump, it goes on to that one. Rounding explains one if a fit that leaves nothing
    over, seen from farther, lets f change by less than its rounding.
    """
    dust = _dust(samples, best)
    near = samples.flat(dust)
    if not near or math.isinf(near):
        return near, None
    if best is not None and best.radius > near and best.distinct > 1 and best.settled(samples.plain):
        unit = samples.stencil.unit * magnitude(samples.seen[near])[0]
        if all(abs(_inside(best, parity, near)) <= QUIET * unit for parity in samples.stencil.parities):
            return 0.0, None
    near, far = yield from _edge(samples, dust, _EDGE_FACTOR)
    while samples.flat(more := _PIECE_SURROUNDINGS * _change(samples, far)) < math.inf:
        wider = yield from _edge(samples, more, _EDGE_FACTOR)
        if _change(samples, wider[1]) < _STEEP_JUMP * _change(samples, far):  # stairs and slopes go on as they began
            break
        dust, (near, far) = more, wider
    around = max(
        (_change(samples, h) for h in samples.seen if near < h <= max(far, _PIECE_SURROUNDINGS * near)), default=0.0
    )
    level = max(dust, _JUMP_SHARE * around)
    near, far = yield from _edge(samples, level, _JUMP_RADII)
    if _EDGE_FACTOR * level < _change(samples, far) < math.inf:  # as at stairs; max(x, 0) is left bit by bit
        return near, None
    constant = samples.flat()
    return 0.0, (yield from samples.fit(constant)) if constant else None


def _dust(samples: FoldedSamples, best: Fit | None) -> float:
    """By how much values may differ that are one: not at all where f has one value next to the point, or a slope."""
    sloping = best is not None and abs(best.value) > best.bar
    return 0.0 if sloping or samples.flat() else _DUST * samples.stencil.unit * abs(samples.center)


def _edge(samples: FoldedSamples, dust: float, ratio: float) -> Search[tuple[float, float]]:
    """The last step to which f keeps its value, and the first at which it has another, farther by so much at most."""
    while True:
        near = samples.flat(dust)
        far = min(h for h in (*samples.seen, *samples.bad) if h > near)
        if far <= ratio * near:
            return near, far
        yield from samples.look([math.sqrt(near * far)])


def _change(samples: FoldedSamples, h: float) -> float:
    """By how much f changes over a step, at most; without bound where it has no value there."""
    return max((abs(value - samples.center) for value in samples.seen.get(h, ())), default=math.inf)


def _inside(fit: Fit, parity: int, h: float) -> float:
    """How much a fit lets f change up to a step."""
    t = h / fit.radius
    return (value_at(fit.series, parity, t) - value_at(fit.series, parity, 0.0)) * fit.unit

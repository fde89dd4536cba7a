"""What went wrong on a path: flat parts, saddles, rates that are too large, gradients that vanish or explode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.lessons.gradient_descent.convergence import PROGRESS_POINTS, on_top, remaining
from diffkit.lessons.gradient_descent.curvature import Curvature, at_rest
from diffkit.lessons.gradient_descent.walk import Path

if TYPE_CHECKING:
    from diffkit.lessons.gradient_descent.descent import Descent

LAYERS = 4  # groups from which a trend can be told
_TREND_SHARE = 0.7  # part of the variance of log sizes that a trend explains
_MUCH = 1e3  # ratio of gradients that is called vanishing or exploding
_EXPLOSION_FACTOR = 1e3  # times the gradient before: it did not grow, it exploded
_WILD_STEP = 10.0  # step in sizes of x that throws the weights away
_DECAYED_SHARE = 1e-3  # of the sum of all rates: the later half has decayed to nothing
_RISING = 0.2  # of the steps: f goes up too often
_SLOW_RATE = 0.1  # of 1/L: a rate that leaves much to gain
_SHRUNK = 0.5  # of the first gradient: a last one above it has not shrunk
_BARELY = 1e-2  # of their size: weights that went less far have hardly moved
_RATE_LOOKS = 9  # points of a path that diverged at which a rate too large is looked for
_ILL = 1e3  # condition number from which the steps zigzag


class Symptom(NamedTuple):
    """A cause in two words, and a sentence that says what was seen."""

    cause: str
    text: str


def short(value: float) -> str:
    """A number with three digits."""
    return f"{value:.3g}"


class LayerSize(NamedTuple):
    """Root mean square of a group's partial derivatives at the start and at the end, and how many it has."""

    name: str
    start: float
    end: float
    entries: int


def layer_sizes(descent: Descent) -> list[LayerSize]:
    """The size of the gradient in each group of weights, in the order of the weights."""

    def size(gradient: np.ndarray) -> float:
        return float(np.linalg.norm(gradient)) / math.sqrt(len(gradient))

    first, last = descent.path.gradients[0], descent.path.gradients[-1]
    return [
        LayerSize(g.name, size(first[g.places]), size(last[g.places]), len(first[g.places])) for g in descent.groups
    ]


def _trend(sizes: list[float]) -> float:
    """The factor from one layer to the next, fitted to the logarithms; NaN where there is no clear trend."""
    if len(sizes) < LAYERS or not all(0 < s < math.inf for s in sizes):
        return math.nan
    logs = np.log(sizes)
    places = np.arange(len(sizes))
    slope, height = np.polyfit(places, logs, 1)
    spread = float(np.var(logs))
    explained = 1 - float(np.var(logs - slope * places - height)) / spread if spread > 0 else 0.0
    return math.exp(slope) if explained >= _TREND_SHARE else math.nan


def _by_layer(descent: Descent) -> Iterator[Symptom]:
    """Vanishing and exploding gradients at the start, uneven and dead ones at both ends."""
    found = layer_sizes(descent)
    sizes = [layer.start for layer in found]
    if len(found) < 2 or not all(map(math.isfinite, sizes)) or max(sizes) == 0:
        return
    dead = [layer.name for layer in found if layer.start == layer.end == 0]
    if dead:
        names = ", ".join(dead[:4]) + (", …" if len(dead) > 4 else "")
        yield Symptom("no gradient", f"at the start and at the end the gradient of {names} is 0")
        return
    factor, ends = _trend(sizes), f"{short(sizes[0])} for {found[0].name}, {short(sizes[-1])} for {found[-1].name}"
    if factor > 1 and sizes[-1] > _MUCH * sizes[0]:
        yield Symptom("vanishing gradient", f"from the last layer back to the first the gradient shrinks by a factor "
                      f"of {short(1 / factor)} per layer ({ends}): the first layers hardly learn")  # fmt: skip
    elif factor < 1 and sizes[0] > _MUCH * sizes[-1]:
        yield Symptom("exploding gradient", f"from the last layer back to the first the gradient grows by a factor "
                      f"of {short(1 / factor)} per layer ({ends}): the first layers step too far")  # fmt: skip
    else:
        yield from _uneven(found)


def _uneven(found: list[LayerSize]) -> Iterator[Symptom]:
    """Gradients that are uneven at the start, and at the end in the same way: at one point it may be chance."""
    large, small = max(found, key=lambda s: s.start), min(found, key=lambda s: s.start)
    if small.start > 0 and large.start > _MUCH * small.start and large.end > _MUCH * small.end:
        yield Symptom("uneven gradient", f"the gradient of {large.name} is {short(large.start)} at the start and "
                      f"{short(large.end)} at the end, that of {small.name} {short(small.start)} and "
                      f"{short(small.end)}: at one rate for both, {small.name} moves that much less")  # fmt: skip


def diagnose(descent: Descent) -> Iterator[Symptom]:
    """Everything there is to say, the reason of the status first."""
    if descent.reason:
        yield Symptom(descent.status if descent.status == "out of time" else "no value", descent.reason)
    if descent.status == "diverged":
        yield from _diverged(descent)
    elif descent.status == "stagnated":
        yield _stagnated(descent)
    elif descent.status == "left the domain":
        yield Symptom("left the domain", _outside(descent))
    if descent.status in ("steps used up", "converged"):
        yield from _slow(descent)
        yield from _flat(descent)
    yield from _jumps(descent)
    yield from _by_layer(descent)


def _outside(descent: Descent) -> str:
    missing = "f" if math.isnan(descent.value) else "its gradient"
    if descent.steps == 0:
        return f"at the start, {_where(descent)}, {missing} has no value"
    advice = "a smaller rate may stay where it has one"
    return f"step {descent.steps} led to {_where(descent)}, where {missing} has no value; {advice}"


def _where(descent: Descent) -> str:
    shown = [f"{name} = {short(x)}" for name, x in zip(descent.names, descent.point[:3].tolist(), strict=False)]
    return ", ".join(shown) + (", …" if len(descent.names) > 3 else "")


def _diverged(descent: Descent) -> Iterator[Symptom]:
    first, last, steps = descent.path.values[0], descent.path.values[-1], descent.steps
    slopes = f"the gradient grew from {short(descent.norms[0])} to {short(descent.norms[-1])}"
    if last < first:
        yield Symptom("falling on", f"f fell from {short(first)} to {short(last)} in {steps} steps, and {slopes}: no "
                      "minimum is in sight")  # fmt: skip
        return
    grown = f"f grew from {short(first)} to {short(last)} in {steps} steps" if last > first else slopes
    for where, c, rate in _looks(descent):
        if not (c.known and c.largest > 0):
            continue
        momentum = descent.settings.momentum
        highest = 2 / c.largest * _leeway(momentum, descent.settings.nesterov)
        if rate > highest:
            limit = "2/L" if momentum == 0 else "the highest stable rate for this momentum,"
            advice = f"try 1/L = {short(1 / c.largest)}" if c.shape == "convex" else "try a smaller rate"
            yield Symptom("rate too large", f"{grown}: the rate {short(rate)} is above {limit} "
                          f"{'= ' * (momentum == 0)}{short(highest)} (L = {short(c.largest)} {where}), so that steps "
                          f"overshoot there by more than they gain; {advice}")  # fmt: skip
            return
    yield Symptom("diverged", f"{grown}; try a smaller rate")


def _looks(descent: Descent) -> Iterator[tuple[str, Curvature, float]]:
    """Curvature at the start and along the path, and the rate of the step from there."""
    path, rates = descent.path, descent.rates
    if not rates:
        return
    yield "at the start", descent.at_start, rates[0]
    if descent.hessians.small(path.points[0]):
        for k in np.unique(np.linspace(0, len(path.steps) - 1, _RATE_LOOKS).round().astype(int))[1:].tolist():
            step = int(path.steps[k])
            yield f"at step {step}", descent.hessians.at(path.points[k]), rates[min(step, len(rates) - 1)]


def _leeway(momentum: float, nesterov: bool) -> float:
    """How many times 2/L the rate may be on a quadratic: 1 + β, or (1 + β)/(1 + 2β) with Nesterov's gradient.

    Where the roots of ``convergence.predicted_factor`` reach −1.
    """
    return (1 + momentum) / (1 + 2 * momentum) if nesterov else 1 + momentum


def _stagnated(descent: Descent) -> Symptom:
    path, last = descent.path, descent.norms[-1]
    norm = float(np.linalg.norm(path.gradients[-1]))
    if descent.settings.batch is not None and norm > descent.settings.tolerance:
        return Symptom("noise floor", f"f no longer falls (now {short(path.values[-1])}): the gradients of the batches "
                       "differ, and steps at this rate keep that noise; let the rate decay or take larger "
                       "batches")  # fmt: skip
    if norm <= descent.settings.tolerance:
        return _at_rest(descent, norm)
    if _decayed(descent):
        return Symptom("schedule", f"the rate has fallen from {short(descent.rates[0])} to {short(descent.rates[-1])}: "
                       f"its steps come to nothing, with a gradient of {short(norm)} left")  # fmt: skip
    if descent.steps < descent.settings.steps:
        return Symptom("rounding", f"the step {short(descent.rates[-1] * last)} is too small to change the weights in "
                       "binary64")  # fmt: skip
    turns = _turns(path)
    if turns > 0.5:
        return Symptom("bouncing", f"f no longer falls: {turns:.0%} of the steps turn back on the step before, which "
                       "happens across a kink, or at a rate of 2/L and more; let the rate decay")  # fmt: skip
    return Symptom("plateau", f"the second half of the steps gained nothing, with a gradient of {short(norm)} left")


def _at_rest(descent: Descent, norm: float) -> Symptom:
    """Why a gradient within the tolerance is no minimum."""
    path, end, rest = descent.path, descent.at_end, at_rest(descent.hessians, descent.path)
    if rest == "flat" and norm == 0:
        return Symptom("flat", "gradient and curvature are both 0 here: that does not say minimum, and there is no way "
                       "to go; start elsewhere")  # fmt: skip
    if on_top(descent.hessians, path):
        kinds = {"saddle": "this is a saddle point, or near one", "maximum": "this is a maximum, or near one"}
        kind = kinds.get(rest, "this is no minimum")
        return Symptom(rest, f"the gradient vanishes, but the Hessian has the eigenvalue {short(end.smallest)}: "
                       f"{kind}, and a nudge would go downhill")  # fmt: skip
    away = remaining(descent.hessians, path)
    if rest == "saddle":
        return Symptom("saddle", f"the gradient is within the tolerance ({short(norm)}), but f bends downwards too: "
                       f"the Hessian has the eigenvalues {short(end.smallest)} and {short(end.largest)}, as at a "
                       "saddle, and f goes on downhill")  # fmt: skip
    far = (f"if f keeps that curvature, a minimum is about {short(away)} away" if math.isfinite(away) else
           "along the gradient it does not bend upwards")  # fmt: skip
    return Symptom("flat part", f"the gradient is within the tolerance ({short(norm)}) but not 0, and f hardly bends "
                   f"here, or hardly in one direction: {far}. This is a plateau, not a minimum")  # fmt: skip


def _decayed(descent: Descent) -> bool:
    """Whether the later steps had next to no part in the way that all the rates could go."""
    rates = descent.rates
    return bool(rates) and rates[-1] < rates[0] and sum(rates[len(rates) // 2 :]) <= _DECAYED_SHARE * sum(rates)


def _turns(path: Path) -> float:
    """The part of kept updates that point against the one before them."""
    updates = path.updates[:-1]
    if len(updates) < 2 or np.any(np.diff(path.steps) != 1):
        return 0.0
    return float(np.mean(np.sum(updates[1:] * updates[:-1], axis=1) < 0))


def _slow(descent: Descent) -> Iterator[Symptom]:
    """Why a path is still on its way; nothing where batches make their own noise."""
    if not descent.rates or descent.settings.batch is not None:
        return
    end, settings = descent.at_end, descent.settings
    if descent.status == "steps used up":
        safe = 1 / descent.evidence.largest
        if max(descent.rates) / (1 - settings.momentum) < _SLOW_RATE * safe and not descent.evidence.against:
            yield Symptom("small rate", f"the rate {short(settings.rate)} is far below 1/L = {short(safe)}: a larger "
                          "one would need fewer steps")  # fmt: skip
        elif descent.evidence.against and descent.steps >= PROGRESS_POINTS:
            yield from _going_on(descent)
    if end.shape == "convex" and end.condition > _ILL and not _vanishing(descent):
        yield Symptom("ill-conditioned", f"κ = L/μ = {short(end.condition)} at the end: f bends that much more "
                      "across its valley than along it, and the steps that the sides allow are short for the way; "
                      "rescale the weights, use momentum, or a method that knows curvature")  # fmt: skip


def _vanishing(descent: Descent) -> bool:
    """Whether μ is only what is left of a curvature that goes to 0, or changes, on the way to a minimum."""
    return descent.status == "converged" and at_rest(descent.hessians, descent.path) == "changing"


def _going_on(descent: Descent) -> Iterator[Symptom]:
    """Gradients that do not shrink: jumping to and fro, on a plateau, or on a slope without an end in sight."""
    path, norms = descent.path, descent.norms
    rising = float(np.mean(np.diff(path.values) > 0))
    if rising > _RISING and descent.settings.momentum == 0:
        yield Symptom("jumping", f"f went up in {rising:.0%} of the steps, between {short(np.min(path.values))} and "
                      f"{short(np.max(path.values))}: the rate is too large for the curvature there")  # fmt: skip
        return
    if norms[-1] <= _SHRUNK * norms[0] or path.values[-1] > path.values[0]:
        return
    first, last = short(norms[0]), short(norms[-1])
    way, size = (float(np.linalg.norm(v)) for v in (path.points[-1] - path.points[0], path.points[0]))
    if way < _BARELY * (1 + size):
        yield Symptom("plateau", f"in {descent.steps} steps the weights have moved by {short(way)}, and the gradient "
                      f"({first}, now {last}) has not shrunk much: a plateau, or a rate far too small")  # fmt: skip
    elif descent.at_end.smoothness != 0:
        yield Symptom("falling on", f"after {descent.steps} steps the gradient has not shrunk much ({first} at the "
                      f"start, {last} now): no minimum is in sight yet")  # fmt: skip


def _flat(descent: Descent) -> Iterator[Symptom]:
    """Directions in which the Hessian at the end says nothing."""
    end = descent.at_end
    if descent.settings.batch is not None:
        return
    if end.shape == "convex" and end.condition > _ILL and _vanishing(descent):
        yield Symptom("flat direction", f"the smallest eigenvalue of the Hessian at the end, {short(end.smallest)}, "
                      f"does not last as far as twice Newton's step: beside L = {short(end.largest)} f may be flat in "
                      "that direction, as along a valley of minima")  # fmt: skip
    if end.shape != "flat":
        return
    if end.smoothness > 0:
        yield Symptom("flat direction", "the Hessian at the end has the eigenvalue 0 as far as one can tell: second "
                      "derivatives do not say what f does in that direction")  # fmt: skip
    elif descent.norms[-1] > 0:
        yield Symptom("no curvature", f"the Hessian at the end is 0, and the gradient is {short(descent.norms[-1])}: "
                      "f goes on like a straight line there, with no sign of a minimum")  # fmt: skip


def _jumps(descent: Descent) -> Iterator[Symptom]:
    """Gradients that explode from one step to the next, or that throw the weights away at once."""
    norms = np.array(descent.norms)
    if len(norms) < 2 or not descent.rates:
        return
    size = 1 + float(np.linalg.norm(descent.path.points[0]))
    advice = "clip the gradient or lower the rate"
    length = descent.rates[0] * norms[0]
    if length > _WILD_STEP * size:
        yield Symptom("exploding gradient", f"the first step has the length {short(length)}, from weights of length "
                      f"{short(size - 1)} (the gradient is {short(norms[0])}): {advice}")  # fmt: skip
        return
    with np.errstate(all="ignore"):
        ratios: Any = norms[1:] / norms[:-1]
    usable = np.where(np.isfinite(ratios) & (norms[:-1] > descent.settings.tolerance), ratios, 0.0)
    worst = int(np.argmax(usable))
    if usable[worst] >= _EXPLOSION_FACTOR:
        yield Symptom("exploding gradient", f"from step {worst} to {worst + 1} the gradient grew from "
                      f"{short(norms[worst])} to {short(norms[worst + 1])}, as at a cliff: {advice}")  # fmt: skip

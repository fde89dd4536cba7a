"""What went wrong on a path: flat parts, saddles, rates that are too large, gradients that vanish or explode."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.learn.gradient_descent.hessians import Hessians
from diffkit.learn.gradient_descent.layers import by_layer
from diffkit.learn.gradient_descent.walk import Path, Status

if TYPE_CHECKING:
    from diffkit.learn.gradient_descent.descent import Descent

REACHED = 1e-3  # distance to a minimum, in sizes of x, that a small gradient may leave
ROUNDED = 1e-7  # the same where rounding ends the steps: little more than √ε
FEW = 20  # kept points below which progress is not judged
NO_GAIN = 1e-12  # relative progress of half the steps that counts as none
JUMP = 1e3  # times the gradient before: it did not grow, it exploded
LEAP = 10.0  # step in sizes of x that throws the weights away
SLOW = 0.1  # of 1/L: a rate that leaves much to gain
ILL = 1e3  # condition number from which the steps zigzag


class Finding(NamedTuple):
    """A cause in two words, and a sentence that says what was seen."""

    cause: str
    text: str


def short(value: float) -> str:
    """A number with three digits."""
    return f"{value:.3g}"


def judged(status: Status, hessians: Hessians, path: Path, norms: Sequence[float], of_batches: bool) -> Status:
    """The status in the light of the curvature at the end, and of what half the steps gained."""
    if status == "steps used up":
        status = _after_all_steps(path, norms, of_batches)
        if status != "stagnated" or of_batches:
            return status
        return "converged" if _settled(hessians, path, ROUNDED) else "stagnated"
    if status in ("converged", "stagnated"):
        return "converged" if _settled(hessians, path, REACHED if status == "converged" else ROUNDED) else "stagnated"
    return status


def _after_all_steps(path: Path, norms: Sequence[float], of_batches: bool) -> Status:
    values = path.values
    middle = len(norms) // 2
    if not of_batches and values[-1] > values[0] and norms[-1] > norms[0] and norms[-1] > norms[middle]:
        return "diverged"
    if len(values) < FEW:
        return "steps used up"
    if of_batches:
        third, last = np.array_split(values, 4)[2:]
        return "stagnated" if np.median(third) - np.median(last) < np.std(last) / 2 else "steps used up"
    first, second = np.array_split(values, 2)
    gained = np.min(first) - np.min(second)
    return "stagnated" if gained <= NO_GAIN * abs(np.min(first)) else "steps used up"


def _settled(hessians: Hessians, path: Path, near: float) -> bool:
    """Whether the last point is a minimum as far as first and second derivatives can tell."""
    return not on_top(hessians, path) and remaining(hessians, path) <= near * (
        1 + float(np.linalg.norm(path.points[-1]))
    )


def on_top(hessians: Hessians, path: Path) -> bool:
    """Whether f falls away from the last point by its curvature, rather than by the slope that is left."""
    if not hessians.small(path.points[-1]):
        return False
    curvature = hessians.at(path.points[-1])
    size = 1 + float(np.linalg.norm(path.points[-1]))
    slope = float(np.linalg.norm(path.gradients[-1]))
    return curvature.shape in ("saddle", "concave") and slope <= REACHED * size * abs(curvature.smallest)


def remaining(hessians: Hessians, path: Path) -> float:
    """‖g‖ / c with c = gᵀHg/gᵀg: how far along the gradient the slope would last; infinite where c ≤ 0."""
    gradient = path.gradients[-1]
    norm = float(np.linalg.norm(gradient))
    if norm == 0:
        return 0.0
    bend = float(hessians.times(path.points[-1], gradient) @ gradient) / norm**2
    return norm / bend if bend > 0 else math.inf


def diagnose(descent: Descent) -> Iterator[Finding]:
    """Everything there is to say, the reason of the status first."""
    if descent.reason:
        yield Finding("no value", descent.reason)
    if descent.status == "diverged":
        yield from _diverged(descent)
    elif descent.status == "stagnated":
        yield _stagnated(descent)
    elif descent.status == "left the domain":
        yield Finding("left the domain", _outside(descent))
    if descent.status in ("steps used up", "converged"):
        yield from _slow(descent)
    yield from _jumps(descent)
    yield from by_layer(descent)


def _outside(descent: Descent) -> str:
    missing = "f" if math.isnan(descent.value) else "its gradient"
    if descent.steps == 0:
        return f"at the start, {_where(descent)}, {missing} has no value"
    advice = "a smaller rate may stay where it has one"
    return f"step {descent.steps} led to {_where(descent)}, where {missing} has no value; {advice}"


def _where(descent: Descent) -> str:
    shown = [f"{name} = {short(x)}" for name, x in zip(descent.names, descent.point[:3].tolist(), strict=False)]
    return ", ".join(shown) + (", …" if len(descent.names) > 3 else "")


def _diverged(descent: Descent) -> Iterator[Finding]:
    values, start = descent.path.values, descent.at_start
    momentum = descent.settings.momentum
    first = descent.rates[0] if descent.rates else descent.settings.rate
    if values[-1] < values[0]:
        yield Finding("no minimum", f"f falls without bound, from {short(values[0])} to {short(values[-1])}: "
                      "in this direction it has no minimum")  # fmt: skip
        return
    grown = f"f grew from {short(values[0])} to {short(values[-1])} in {descent.steps} steps"
    if not start.known or start.smoothness == 0:
        yield Finding("diverged", grown)
        return
    highest = start.highest_rate * _leeway(momentum, descent.settings.nesterov)
    if first > highest:
        limit = "2/L" if momentum == 0 else "the highest stable rate for this momentum,"
        yield Finding("rate too large", f"{grown}: the rate {short(first)} is above {limit} {'= ' * (momentum == 0)}"
                      f"{short(highest)} (L = {short(start.smoothness)} at the start), so each step overshoots by "
                      f"more than it gains; try 1/L = {short(start.safe_rate)}")  # fmt: skip
    else:
        yield Finding("diverged", f"{grown}, though the rate {short(first)} is below 2/L = {short(highest)} at the "
                      "start: f bends more elsewhere; try a smaller rate")  # fmt: skip


def _leeway(momentum: float, nesterov: bool) -> float:
    """How many times 2/L the rate may be on a quadratic: 1 + β, or (1 + β)/(1 + 2β) with Nesterov's gradient.

    Where the roots of ``convergence.predicted_factor`` reach −1.
    """
    return (1 + momentum) / (1 + 2 * momentum) if nesterov else 1 + momentum


def _stagnated(descent: Descent) -> Finding:
    path, last = descent.path, descent.norms[-1]
    norm = float(np.linalg.norm(path.gradients[-1]))
    if descent.settings.batch is not None and norm > descent.settings.tolerance:
        return Finding("noise floor", f"f no longer falls (now {short(path.values[-1])}): the gradients of the batches "
                       "differ, and a constant rate keeps stepping with that noise; let the rate decay or "
                       "take larger batches")  # fmt: skip
    if norm <= descent.settings.tolerance and on_top(descent.hessians, path):
        kind = "a saddle point" if descent.at_end.shape == "saddle" else "a maximum"
        return Finding("saddle", f"the gradient vanishes, but the Hessian has the eigenvalue "
                       f"{short(descent.at_end.smallest)}: this is {kind}, and a nudge would go downhill")  # fmt: skip
    if norm <= descent.settings.tolerance:
        away = remaining(descent.hessians, path)
        far = f"about {short(away)} away, if there is one" if math.isfinite(away) else "nowhere near"
        return Finding("flat part", f"the gradient is within the tolerance ({short(norm)}), but f hardly bends here: "
                       f"the minimum is {far}. This is a plateau, not a minimum")  # fmt: skip
    if descent.steps < descent.settings.steps:
        return Finding("rounding", f"the step {short(descent.rates[-1] * last)} is too small to change the weights in "
                       "binary64")  # fmt: skip
    turns = _turns(path)
    if turns > 0.5:
        return Finding("bouncing", f"f no longer falls: {turns:.0%} of the steps turn back on the step before, which "
                       "happens across a kink, or at a rate of 2/L; let the rate decay")  # fmt: skip
    return Finding("plateau", f"the second half of the steps gained nothing, with a gradient of {short(norm)} left")


def _turns(path: Path) -> float:
    """The part of kept updates that point against the one before them."""
    updates = path.updates[:-1]
    if len(updates) < 2 or np.any(np.diff(path.steps) != 1):
        return 0.0
    return float(np.mean(np.sum(updates[1:] * updates[:-1], axis=1) < 0))


def _slow(descent: Descent) -> Iterator[Finding]:
    """What the curvature at the end says of the rate; nothing where batches make their own noise."""
    end = descent.at_end
    if end.shape not in ("convex", "flat") or not descent.rates or descent.settings.batch is not None:
        return
    rate, safe = max(descent.rates), min(end.safe_rate, descent.at_start.safe_rate)
    if rate < SLOW * safe and descent.status == "steps used up":
        yield Finding("small rate", f"the rate {short(rate)} is far below 1/L = {short(safe)}: a larger one would need "
                      "fewer steps")  # fmt: skip
    if end.shape == "convex" and end.condition > ILL:
        yield Finding("ill-conditioned", f"κ = L/μ = {short(end.condition)}: f is that much steeper across its valley "
                      "than along it, and the steps that the sides allow are short for the way; rescale the weights, "
                      "use momentum, or a method that knows curvature")  # fmt: skip
    if end.shape == "flat":
        yield Finding("flat direction", "the Hessian has the eigenvalue 0 as far as one can tell: the minimum is not "
                      "one point, or f is flatter there than a square")  # fmt: skip


def _jumps(descent: Descent) -> Iterator[Finding]:
    """Gradients that explode from one step to the next, or that throw the weights away at once."""
    norms = np.array(descent.norms)
    if len(norms) < 2 or not descent.rates:
        return
    size = 1 + float(np.linalg.norm(descent.path.points[0]))
    advice = "clip the gradient or lower the rate"
    leap = descent.rates[0] * norms[0] / size
    if leap > LEAP:
        yield Finding("exploding gradient", f"the first step is {short(leap)} times as long as the weights (the "
                      f"gradient is {short(norms[0])}): {advice}")  # fmt: skip
        return
    with np.errstate(all="ignore"):
        ratios: Any = norms[1:] / norms[:-1]
    usable = np.where(np.isfinite(ratios) & (norms[:-1] > descent.settings.tolerance), ratios, 0.0)
    worst = int(np.argmax(usable))
    if usable[worst] >= JUMP:
        yield Finding("exploding gradient", f"from step {worst} to {worst + 1} the gradient grew from "
                      f"{short(norms[worst])} to {short(norms[worst + 1])}, as at a cliff: {advice}")  # fmt: skip

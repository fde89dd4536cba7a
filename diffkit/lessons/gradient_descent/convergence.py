"""How a path ended, and how fast it closed in on its minimum beside how fast theory says it should."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diffkit.lessons.gradient_descent.curvature import NO_MINIMUM, Hessians, Rest, at_rest
from diffkit.lessons.gradient_descent.walk import RUNAWAY_FACTOR, Path, Status

if TYPE_CHECKING:
    from diffkit.lessons.gradient_descent.descent import Descent


_REACHED = 1e-3  # distance to a minimum, in sizes of x, that a small gradient may leave
_ROUNDED_REACH = 1e-7  # the same where rounding ends the steps: little more than √ε
PROGRESS_POINTS = 20  # kept points below which nothing is said of progress
_NO_GAIN = 1e-12  # relative progress of half the steps that counts as none
_MOSTLY = 0.9  # part of the steps in which a gradient that runs away has grown
_ENDINGS = {
    "stagnated": "stagnated: no progress, and no sign of a minimum",
    "diverged": "diverged",
    "left the domain": "left the domain of f",
    "steps used up": "steps used up before the gradient was within the tolerance",
    "interrupted": "interrupted; this is the path so far",
    "out of time": "out of time; this is the path so far",
}
_AT_REST: dict[Rest, str] = {
    "minimum": "at a minimum as far as the curvature tells",
    "changing": "but the curvature changes too much close by to tell a minimum",
    "singular": "but the Hessian is singular there and does not tell whether this is a minimum",
    "extremes": "and no eigenvalue of the Hessian that Lanczos steps found is negative; not all were looked at",
    "unknown": "but there is no Hessian there, and whether this is a minimum was not looked at",
}
_RATE_STEPS = 10  # steps from which a rate is read
_GRADIENT_FLOOR = 1e-13  # of the largest gradient norm: below it there is rounding only
_GOAL_SHARE = 1e-6
_STEADY_SLOPE = 0.1  # by which the logarithms of the factors of two quarters of the steps may differ
_CURVE_ADVANTAGE = 0.1  # of the squares that a straight line leaves: a curve that leaves less is the better description
_TREND_NOISE = 0.1  # standard deviation of logarithms up to which a trend may be drowned in it
_MINIMUM_DOUBT = 0.1  # of ε·(f₀ − f*): what f* may be off by where steps are counted to it
_LOGARITHM_ROUNDING = 1e-12  # difference of such logarithms that is rounding
_DECREASE_ROUNDING = 2.0**-50  # of f: two roundings or so


def in_words(descent: Descent) -> str:
    """The status as a sentence."""
    if descent.status != "converged":
        return _ENDINGS[descent.status]
    small = math.sqrt(descent.path.gradients[-1] @ descent.path.gradients[-1]) <= descent.settings.tolerance
    met = "the gradient is within the tolerance" if small else "the steps are down to rounding"
    return f"converged: {met}, {_AT_REST[at_rest(descent.hessians, descent.path)]}"


def final_status(status: Status, hessians: Hessians, path: Path, norms: Sequence[float], of_batches: bool) -> Status:
    """The status in the light of the curvature at the end, and of what half the steps gained."""
    if status == "steps used up":
        status = _after_all_steps(path, norms, of_batches)
        if status != "stagnated" or of_batches:
            return status
        return "converged" if _settled(hessians, path, _ROUNDED_REACH) else "stagnated"
    if status in ("converged", "stagnated"):
        return (
            "converged"
            if _settled(hessians, path, _REACHED if status == "converged" else _ROUNDED_REACH)
            else "stagnated"
        )
    return status


def _after_all_steps(path: Path, norms: Sequence[float], of_batches: bool) -> Status:
    values = path.values
    if (
        not of_batches
        and _runs_away(norms)
        and (values[-1] > values[0] or norms[-1] > RUNAWAY_FACTOR * max(1.0, norms[0]))
    ):
        return "diverged"
    if len(values) < PROGRESS_POINTS:
        return "steps used up"
    if of_batches:
        third, last = np.array_split(values, 4)[2:]
        return "stagnated" if np.median(third) - np.median(last) < np.std(last) / 2 else "steps used up"
    first, second = np.array_split(values, 2)
    gained = np.min(first) - np.min(second)
    return "stagnated" if gained <= _NO_GAIN * abs(np.min(first)) else "steps used up"


def _runs_away(norms: Sequence[float]) -> bool:
    """Whether the gradient has grown, and did so in nearly every pair of the later steps (single ones may alternate).

    A rate that is too large for a bounded f makes gradients jump up and down instead.
    """
    sizes: Any = np.asarray(norms)
    grown = (sizes[2:] > sizes[:-2])[max(0, len(sizes) - 2) // 2 :]
    return len(grown) > 0 and bool(sizes[-1] > sizes[0]) and float(np.mean(grown)) >= _MOSTLY


def _settled(hessians: Hessians, path: Path, near: float) -> bool:
    """Whether nothing in first and second derivatives speaks against a minimum close to the last point."""
    rest = at_rest(hessians, path)
    if rest in NO_MINIMUM:
        return False
    return rest == "unknown" or remaining(hessians, path) <= near * (1 + float(np.linalg.norm(path.points[-1])))


def on_top(hessians: Hessians, path: Path) -> bool:
    """Whether f falls away from the last point by its curvature, rather than by the slope that is left.

    The slope along a direction that bends upwards does not count where Newton's step is short.
    """
    point, gradient = path.points[-1], path.gradients[-1]
    curvature = hessians.at(point)
    if curvature.shape not in ("saddle", "concave"):
        return False
    near = _REACHED * (1 + float(np.linalg.norm(point)))
    if float(np.linalg.norm(gradient)) <= near * abs(curvature.smallest):
        return True
    return bool(np.linalg.norm(hessians.newton(point, gradient)) <= near)


def remaining(hessians: Hessians, path: Path) -> float:
    """How far a minimum is at least, if f keeps its curvature: ‖g‖ / c with c = gᵀHg/gᵀg, infinite where c ≤ 0.

    Newton's step is longer where a part of the gradient lies along a direction that bends less, and then it counts.
    """
    gradient = path.gradients[-1]
    norm = float(np.linalg.norm(gradient))
    if norm == 0:
        return 0.0
    bend = float(hessians.times(path.points[-1], gradient) @ gradient) / norm**2
    along = norm / bend if bend > 0 else math.inf
    return float(np.fmax(along, hessians.newton_length(path.points[-1], gradient)))


@dataclass(frozen=True)
class Convergence:
    """Factors by which a step shrinks the gradient, and steps to bring f − f* to ``epsilon`` times its first value.

    ``observed``: over the steps ``window`` of the path, and ``halves`` over the first and second half of them;
    ``power`` is the p of a gradient that falls like k^−p instead, which is slower than any factor. The rest needs a
    μ-strongly convex, L-smooth f, and ``unknown`` says what speaks against that. ``predicted``: for these rates on a
    quadratic with the Hessian at the end of the path. ``at_safe_rate`` 1 − μ/L and ``at_best_rate`` (κ − 1)/(κ + 1):
    what the rates 1/L and 2/(μ + L) give at worst. ``bound`` = κ·ln(1/ε) steps of rate 1/L suffice (Boyd &
    Vandenberghe, § 9.3.1); ``needed`` is how many this path took, infinite if it did not get there. NaN is what is
    not known.
    """

    observed: float
    window: tuple[int, int]
    halves: tuple[float, float]
    power: float
    predicted: float
    at_safe_rate: float
    at_best_rate: float
    minimum: float
    """f*, as Newton's step from the last point predicts it"""
    epsilon: float
    bound: float
    needed: float
    unknown: str


class Trend(NamedTuple):
    """How the norms of gradients fall over the steps ``window``; NaN for what they do not do."""

    factor: float
    window: tuple[int, int]
    halves: tuple[float, float]
    power: float


_NO_TREND = Trend(math.nan, (0, 0), (math.nan, math.nan), math.nan)


def _trend_of(norms: Sequence[float], geometric: bool) -> Trend:
    """The factor ρ with ‖gₖ‖ ~ ρᵏ over the last half of the steps above rounding, or the p with ‖gₖ‖ ~ k^−p.

    ``geometric``: theory has a factor for this path, so that a power of k would describe its first steps at best.
    """
    values = np.asarray(norms, dtype=float)
    usable = np.flatnonzero(np.isfinite(values) & (values > _GRADIENT_FLOOR * np.nanmax(values, initial=0.0)))
    last = int(usable[-1]) if len(usable) else 0
    first = (last + 1) // 2
    chosen = usable[usable >= first]
    if len(chosen) < _RATE_STEPS:
        return _NO_TREND
    logs, middle = np.log(values[chosen]), len(chosen) // 2
    slope, left = _line(chosen - first, logs)
    early, late = _line(chosen[:middle], logs[:middle])[0], _line(chosen[middle:], logs[middle:])[0]
    halves = math.exp(early), math.exp(late)
    if left > len(logs) * max(_TREND_NOISE, abs(slope) * len(logs)) ** 2:
        return _NO_TREND  # it jumps up and down
    _, left_by_curve = _line(chosen - first, logs, 2)
    if (
        abs(early - late) <= max(_STEADY_SLOPE * abs(slope), _LOGARITHM_ROUNDING)
        or left_by_curve > _CURVE_ADVANTAGE * left
    ):
        return Trend(math.exp(slope), (first, last), halves, math.nan)
    power, left_by_power = _line(np.log(chosen), logs)
    falls = early < late < 0 and left_by_power <= _CURVE_ADVANTAGE * left and not geometric
    return Trend(math.nan, (first, last), halves, -power if falls else math.nan)


def _line(x: Any, y: Any, degree: int = 1) -> tuple[float, float]:
    """Slope of a fitted line, and the sum of squares that it, or a parabola, leaves."""
    fitted = np.polynomial.Polynomial.fit(x, y, degree)
    return float(fitted.deriv()(np.mean(x))), float(np.sum((y - fitted(x)) ** 2))


def predicted_factor(eigenvalues: Any, rate: float, momentum: float, nesterov: bool) -> float:
    """The factor per step on a quadratic with these eigenvalues: the largest |root| over all of them.

    Without momentum |1 − αλ|; with it the roots of z² − (1 + β − αλ)z + β (Polyak), or of
    z² − (1 + β)(1 − αλ)z + β(1 − αλ) (Nesterov).
    """
    worst = 0.0
    for value in eigenvalues:
        shrink = 1 - rate * value
        if nesterov:
            roots = np.roots([1.0, -(1 + momentum) * shrink, momentum * shrink])
        else:
            roots = np.roots([1.0, -(momentum + shrink), momentum])
        worst = max(worst, float(np.max(np.abs(roots))))
    return worst


def convergence(descent: Descent, epsilon: float = _GOAL_SHARE) -> Convergence:
    """Put together what is known; ½gᵀH⁻¹g at the last point is what is left (Boyd & Vandenberghe, eq. 9.30)."""
    path, settings, rates = descent.path, descent.settings, descent.rates
    end, evidence, values = descent.at_end, descent.evidence, path.values
    norms = () if settings.batch is not None else descent.norms
    gradient = path.gradients[-1]
    decrement = float(gradient @ -descent.hessians.newton(descent.point, gradient)) / 2
    known = not evidence.against
    trend = _trend_of(norms, known and len(rates) > 0 and max(rates) == min(rates))
    used = rates[trend.window[0] : trend.window[1]]
    steady = len(used) > 0 and max(used) == min(used)
    ends = (end.smallest, end.largest) if end.eigenvalues is None else end.eigenvalues
    kappa = evidence.condition if known else math.nan
    # where f grew, rounding has swallowed what a minimum would be
    minimum = float(values[-1]) - decrement if known and values[-1] <= values[0] else math.nan
    return Convergence(
        trend.factor, trend.window, trend.halves, trend.power,
        predicted_factor(ends, used[-1], settings.momentum, settings.nesterov) if known and steady else math.nan,
        1 - 1 / kappa, (kappa - 1) / (kappa + 1), minimum, epsilon, kappa * math.log(1 / epsilon),
        _needed(path.steps, values, minimum, decrement, evidence.spread, epsilon), evidence.against,
    )  # fmt: skip


def _needed(steps: Any, values: Any, minimum: float, decrement: float, spread: float, epsilon: float) -> float:
    """The first kept step with f − f* ≤ ε·(f₀ − f*), infinite if there is none; NaN where f* is too uncertain.

    Where curvatures agree within a factor s, f − f* at the end lies between the decrement divided by s and s times it.
    """
    goal = epsilon * (values[0] - minimum)
    if not goal > _DECREASE_ROUNDING * abs(values[0]):
        return math.nan
    below = np.flatnonzero(values - minimum <= goal)
    if not len(below):
        return math.inf if decrement > spread * goal else math.nan
    return float(steps[below[0]]) if decrement * (spread - 1) <= _MINIMUM_DOUBT * goal else math.nan

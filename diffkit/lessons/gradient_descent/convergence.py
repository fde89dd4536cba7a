"""How fast a path closed in on its minimum, and how fast theory says it should."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from diffkit.lessons.gradient_descent.convexity import Evidence
from diffkit.lessons.gradient_descent.curvature import Curvature

FEWEST = 10  # steps from which a rate is read
FLOOR = 1e-13  # of the largest gradient norm: below it there is rounding only
EPSILON = 1e-6
STEADY = 0.1  # by which the logarithms of the factors of two quarters of the steps may differ
CLEAR = 0.1  # of the squares that a straight line leaves: a curve that leaves less is the better description
FLAT = 0.1  # standard deviation of logarithms up to which a trend may be drowned in it
DOUBT = 0.1  # of ε·(f₀ − f*): what f* may be off by where steps are counted to it
EXACT = 1e-12  # difference of such logarithms that is rounding
ROUNDING = 2.0**-50  # of f: two roundings or so


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


NO_TREND = Trend(math.nan, (0, 0), (math.nan, math.nan), math.nan)


def trend_of(norms: Sequence[float], geometric: bool) -> Trend:
    """The factor ρ with ‖gₖ‖ ~ ρᵏ over the last half of the steps above rounding, or the p with ‖gₖ‖ ~ k^−p.

    ``geometric``: theory has a factor for this path, so that a power of k would describe its first steps at best.
    """
    values = np.asarray(norms, dtype=float)
    usable = np.flatnonzero(np.isfinite(values) & (values > FLOOR * np.nanmax(values, initial=0.0)))
    last = int(usable[-1]) if len(usable) else 0
    first = (last + 1) // 2
    chosen = usable[usable >= first]
    if len(chosen) < FEWEST:
        return NO_TREND
    logs, middle = np.log(values[chosen]), len(chosen) // 2
    slope, left = _line(chosen - first, logs)
    early, late = _line(chosen[:middle], logs[:middle])[0], _line(chosen[middle:], logs[middle:])[0]
    halves = math.exp(early), math.exp(late)
    if left > len(logs) * max(FLAT, abs(slope) * len(logs)) ** 2:
        return NO_TREND  # it jumps up and down
    _, left_by_curve = _line(chosen - first, logs, 2)
    if abs(early - late) <= max(STEADY * abs(slope), EXACT) or left_by_curve > CLEAR * left:
        return Trend(math.exp(slope), (first, last), halves, math.nan)
    power, left_by_power = _line(np.log(chosen), logs)
    falls = early < late < 0 and left_by_power <= CLEAR * left and not geometric
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


def convergence(
    norms: Sequence[float], rates: Sequence[float], steps: Any, values: Any, end: Curvature, evidence: Evidence,
    decrement: float, momentum: float, nesterov: bool, epsilon: float = EPSILON,
) -> Convergence:  # fmt: skip
    """Put together what is known; ``decrement`` is ½gᵀH⁻¹g at the last point (Boyd & Vandenberghe, eq. 9.30)."""
    known = not evidence.against
    trend = trend_of(norms, known and len(rates) > 0 and max(rates) == min(rates))
    used = rates[trend.window[0] : trend.window[1]]
    steady = len(used) > 0 and max(used) == min(used)
    ends = (end.smallest, end.largest) if end.eigenvalues is None else end.eigenvalues
    kappa = evidence.condition if known else math.nan
    # where f grew, rounding has swallowed what a minimum would be
    minimum = float(values[-1]) - decrement if known and values[-1] <= values[0] else math.nan
    return Convergence(
        trend.factor, trend.window, trend.halves, trend.power,
        predicted_factor(ends, used[-1], momentum, nesterov) if known and steady else math.nan,
        1 - 1 / kappa, (kappa - 1) / (kappa + 1), minimum, epsilon, kappa * math.log(1 / epsilon),
        _needed(steps, values, minimum, decrement, evidence.spread, epsilon), evidence.against,
    )  # fmt: skip


def _needed(steps: Any, values: Any, minimum: float, decrement: float, spread: float, epsilon: float) -> float:
    """The first kept step with f − f* ≤ ε·(f₀ − f*), infinite if there is none; NaN where f* is too uncertain.

    Where curvatures agree within a factor s, f − f* at the end lies between the decrement divided by s and s times it.
    """
    goal = epsilon * (values[0] - minimum)
    if not goal > ROUNDING * abs(values[0]):
        return math.nan
    below = np.flatnonzero(values - minimum <= goal)
    if not len(below):
        return math.inf if decrement > spread * goal else math.nan
    return float(steps[below[0]]) if decrement * (spread - 1) <= DOUBT * goal else math.nan

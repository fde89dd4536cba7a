"""How fast a path closed in on its minimum, and how fast theory says it should."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffkit.learn.gradient_descent.curvature import Curvature

FEWEST = 10  # steps from which a rate is read
FLOOR = 1e-13  # of the largest gradient norm: below it there is rounding only
EPSILON = 1e-6


@dataclass(frozen=True)
class Convergence:
    """Factors by which a step shrinks the gradient, and steps to bring f − f* to ``epsilon`` times its first value.

    ``observed``: over the steps ``window`` of the path. ``predicted``: for these rates on a quadratic with the
    Hessian at the end of the path. ``at_safe_rate`` 1 − μ/L and ``at_best_rate`` (κ − 1)/(κ + 1): what the rates 1/L
    and 2/(μ + L) would give. ``bound`` = κ·ln(1/ε) steps of rate 1/L suffice for a μ-strongly convex, L-smooth f
    (Nesterov 2004, theorem 2.1.15); ``needed`` is how many this path took. NaN is what is not known.
    """

    observed: float
    window: tuple[int, int]
    predicted: float
    at_safe_rate: float
    at_best_rate: float
    minimum: float
    """f*, as Newton's step from the last point predicts it"""
    epsilon: float
    bound: float
    needed: float


def observed_factor(norms: Sequence[float]) -> tuple[float, tuple[int, int]]:
    """The factor ρ with ‖gₖ‖ ~ ρᵏ, fitted to the last half of the steps above rounding, and the steps it is from."""
    values = np.asarray(norms, dtype=float)
    usable = np.flatnonzero(np.isfinite(values) & (values > FLOOR * np.nanmax(values, initial=0.0)))
    last = int(usable[-1]) if len(usable) else 0
    first = (last + 1) // 2
    chosen = usable[usable >= first]
    if len(chosen) < FEWEST:
        return math.nan, (0, 0)
    slope = np.polyfit(chosen - first, np.log(values[chosen]), 1)[0]
    return math.exp(float(slope)), (first, last)


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
    norms: Sequence[float], rates: Sequence[float], steps: Any, values: Any, curvature: Curvature, decrement: float,
    momentum: float, nesterov: bool, epsilon: float = EPSILON,
) -> Convergence:  # fmt: skip
    """Put together what is known; ``decrement`` is ½gᵀH⁻¹g at the last point."""
    observed, window = observed_factor(norms)
    convex = curvature.shape == "convex"
    used = rates[window[0] : window[1]]
    steady = len(used) > 0 and max(used) == min(used)
    ends = (curvature.smallest, curvature.largest) if curvature.eigenvalues is None else curvature.eigenvalues
    kappa = curvature.condition
    # where f grew, rounding has swallowed what a minimum would be
    minimum = float(values[-1]) - decrement if values[-1] <= values[0] else math.nan
    return Convergence(
        observed, window,
        predicted_factor(ends, used[-1], momentum, nesterov) if convex and steady else math.nan,
        1 - 1 / kappa if convex else math.nan,
        (kappa - 1) / (kappa + 1) if convex else math.nan,
        minimum, epsilon,
        kappa * math.log(1 / epsilon) if convex else math.nan,
        _needed(steps, values, minimum, epsilon) if convex else math.nan,
    )  # fmt: skip


def _needed(steps: Any, values: Any, minimum: float, epsilon: float) -> float:
    """The first kept step with f − f* ≤ ε·(f₀ − f*); NaN if there is none."""
    below = np.flatnonzero(values - minimum <= epsilon * (values[0] - minimum))
    return float(steps[below[0]]) if len(below) and values[0] > minimum else math.nan

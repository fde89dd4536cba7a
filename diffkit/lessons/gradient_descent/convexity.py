"""What Hessians and gradients support: a minimum where a path ends, and strong convexity on the way there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from diffkit.lessons.gradient_descent.curvature import Curvature, Hessians
from diffkit.lessons.gradient_descent.walk import Path

AGREE = 2.0  # factor within which curvatures count as those of one strongly convex, smooth f
HESSIANS_BETWEEN = 3  # points between start and end whose Hessian is looked at
GRADIENT_ROUNDING = 1.01  # factor that rounding in differences of gradients may make
RESOLVED_DISTANCE = 1e-6  # distance, in sizes of x, below which a difference of gradients is mostly rounding
NEAR_END = "close to the end of the path"

Rest = Literal["minimum", "changing", "extremes", "singular", "flat", "saddle", "maximum", "no minimum", "unknown"]
NO_MINIMUM: tuple[Rest, ...] = ("flat", "saddle", "maximum", "no minimum")


@dataclass(frozen=True)
class ConvexityFacts:
    """The least μ and the greatest L at ``points`` points of a path and over its steps, and by what factor they differ.

    ``against`` says why f is not taken as μ-strongly convex and L-smooth; it is empty where all the Hessians are
    positive definite, and they and the differences of gradients from step to step agree within ``AGREE``.
    """

    smallest: float
    largest: float
    spread: float
    points: int
    against: str

    @property
    def condition(self) -> float:
        """κ = L/μ."""
        return self.largest / self.smallest


def at_rest(hessians: Hessians, path: Path) -> Rest:
    """What the Hessian says of a last point where the gradient is 0, as far as one can tell.

    A "minimum" is within 2‖g‖/m of a point with gradient g if f is m-strongly convex that far (Boyd &
    Vandenberghe, eq. 9.11): its Hessian is positive definite, and does not fall below half on twice the way of
    Newton's step.
    "extremes": too many weights for that; the extreme eigenvalues speak for it, or leave it open.
    """
    end = hessians.at(path.points[-1])
    if not end.known:
        return "unknown"
    if end.smoothness == 0:
        return "flat"
    if end.shape == "saddle":
        return "saddle"
    if end.shape == "concave":
        return "maximum" if end.largest < -end.uncertainty else "no minimum"
    if not hessians.small(path.points[-1]):
        return "extremes"
    if end.shape == "flat":
        return "singular"
    keeps = all(c.shape == "convex" and AGREE * c.smallest >= end.smallest for _, c in _beyond(hessians, path))
    return "minimum" if keeps else "changing"


def evidence(hessians: Hessians, path: Path) -> ConvexityFacts:
    """Look at Hessians at the start, between, at the end and beyond it, and at gradients all along."""
    found: list[Curvature] = []
    on_path: list[Curvature] = []
    if len(path.points) < 2:
        return ConvexityFacts(math.nan, math.nan, math.nan, 1, "the path is a single point")
    for where, c in _looks(hessians, path):
        found.append(c)
        if where != NEAR_END:
            on_path.append(c)
        if reason := _no_bound(c, where):
            return ConvexityFacts(math.nan, math.nan, math.nan, len(found), reason)
    low, high = _of_steps(path)
    smallest, largest, spread = _bounds(found, low, high)
    if smallest <= 0:
        return ConvexityFacts(math.nan, math.nan, math.nan, len(found), "f is not convex all along the path")
    _, _, of_path = _bounds(on_path, low, high)
    against = ""
    if of_path > AGREE:
        against = f"the curvature differs by a factor of {of_path:.3g} along the path"
    elif spread > AGREE:
        against = (f"the curvature differs by a factor of {spread:.3g} between the path and where Newton's step from "
                   "its end, or twice that step, leads")  # fmt: skip
    # Lanczos steps find eigenvalues from inside the spectrum: the bound is to err on the safe side
    margin = max(c.uncertainty for c in found) if found[0].eigenvalues is None else 0.0
    return ConvexityFacts(smallest - margin, largest + margin, spread, len(found), against)


def _bounds(found: list[Curvature], low: float, high: float) -> tuple[float, float, float]:
    """The least μ and the greatest L, ``low`` and ``high`` of the steps among them, and by what factor they differ."""
    least, greatest = min(c.smallest for c in found), max(c.largest for c in found)
    smallest, largest = (
        low if GRADIENT_ROUNDING * low < least else least,
        high if high > GRADIENT_ROUNDING * greatest else greatest,
    )
    if smallest <= 0:
        return smallest, largest, math.inf
    spread = max(max(c.smallest for c in found) / smallest, largest / min(c.largest for c in found))
    return smallest, largest, spread


def _looks(hessians: Hessians, path: Path) -> Iterator[tuple[str, Curvature]]:
    """Curvature at the start, evenly spread over the length of the path, at its end and beyond."""
    last = len(path.points) - 1
    way = np.cumsum([0.0, *np.linalg.norm(np.diff(path.points, axis=0), axis=1)])
    parts = np.linspace(0, 1, 2 + HESSIANS_BETWEEN if hessians.small(path.points[-1]) else 2)[1:-1]
    for k in sorted({0, last, *np.searchsorted(way, parts * way[-1]).tolist()}):
        where = "at the start" if k == 0 else "at the end" if k >= last else f"at step {path.steps[k]}"
        yield where, hessians.at(path.points[min(k, last)])
    yield from _beyond(hessians, path)


def _beyond(hessians: Hessians, path: Path) -> Iterator[tuple[str, Curvature]]:
    """Curvature where Newton's step leads from the last point, and twice as far; of many weights, 2g/μ downhill."""
    point, gradient = path.points[-1], path.gradients[-1]
    if hessians.small(point):
        step = hessians.newton(point, gradient)
        ways = [step, 2 * step]
    else:
        ways = [-2 / hessians.at(point).smallest * gradient]
    for way in ways:
        yield NEAR_END, hessians.at(point + way)


def _no_bound(c: Curvature, where: str) -> str:
    if not c.known:
        return f"there is no Hessian {where}"
    if c.shape == "flat":
        return f"the Hessian is singular {where}, as far as one can tell"
    if c.shape == "convex":
        return ""
    return f"f is not convex {where}, where the Hessian has the eigenvalue {c.smallest:.3g}"


def _of_steps(path: Path) -> tuple[float, float]:
    """The least ΔgᵀΔx/‖Δx‖² and the greatest ‖Δg‖/‖Δx‖ from point to point; both lie between μ and L of the way.

    Unlike single Hessians they see all of the path, and kinks.
    """
    ways, changes = np.diff(path.points, axis=0), np.diff(path.gradients, axis=0)
    lengths = np.linalg.norm(ways, axis=1)
    apart = lengths > RESOLVED_DISTANCE * (1 + np.linalg.norm(path.points[:-1], axis=1))
    if not apart.any():
        return math.inf, 0.0
    along = np.sum(ways * changes, axis=1)[apart] / lengths[apart] ** 2
    return float(along.min()), float((np.linalg.norm(changes, axis=1)[apart] / lengths[apart]).max())

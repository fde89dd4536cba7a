"""Curvature: the Hessian of a cost, its eigenvalues, μ and L among them, the steps they allow, what they support."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from diffkit.asking.tasks import hessian_task
from diffkit.calculus.derivatives import differentiate
from diffkit.core.deadline import check_time
from diffkit.lessons.gradient_descent.costs import Cost, ExpressionCost, FunctionCost, compiled
from diffkit.lessons.gradient_descent.walk import Path
from diffkit.methods import get_backend
from diffkit.numbers.floats import EPSILON

_WHOLE_HESSIAN = 64  # weights up to which the whole Hessian is formed
_KRYLOV_PRODUCTS = 60  # products with the Hessian where it is not
_CENTRAL_STEP = EPSILON ** (1 / 3)  # of a central difference, as a part of the size of x
_DIFFERENCES = 1e-9  # relative error of a Hessian by central differences of a gradient, for smooth functions
_LARGEST_DUAL = 12  # weights up to which the whole Hessian is pushed through a Python function
_AGREE = 2.0  # factor within which curvatures count as those of one strongly convex, smooth f
_HESSIANS_BETWEEN = 3  # points between start and end whose Hessian is looked at
_GRADIENT_ROUNDING = 1.01  # factor that rounding in differences of gradients may make
_RESOLVED_DISTANCE = 1e-6  # distance, in sizes of x, below which a difference of gradients is mostly rounding
_NEAR_END = "close to the end of the path"

Product = Callable[[Any], Any]
"""v → Hv"""
Rest = Literal["minimum", "changing", "extremes", "singular", "flat", "saddle", "maximum", "no minimum", "unknown"]
NO_MINIMUM: tuple[Rest, ...] = ("flat", "saddle", "maximum", "no minimum")


@dataclass(frozen=True)
class Curvature:
    """The smallest and the largest eigenvalue of the Hessian at a point, with what they may be off by.

    ``eigenvalues`` are all of them in ascending order, or None where there are too many weights.
    """

    smallest: float
    largest: float
    uncertainty: float
    eigenvalues: tuple[float, ...] | None
    source: str

    @property
    def known(self) -> bool:
        """Whether there is a Hessian at all."""
        return math.isfinite(self.largest) and math.isfinite(self.smallest)

    @property
    def smoothness(self) -> float:
        """L, the largest |λ|: the gradient changes by at most L times the way."""
        return max(abs(self.smallest), abs(self.largest))

    @property
    def shape(self) -> str:
        """Of f near the point: "convex" (μ > 0), "flat" (some λ is 0 as far as one can tell), "saddle" or "concave"."""
        if not self.known:
            return "unknown"
        if self.smallest > self.uncertainty:
            return "convex"
        if self.smallest >= -self.uncertainty:
            return "flat" if self.largest > self.uncertainty or self.smoothness == 0 else "concave"
        return "saddle" if self.largest > self.uncertainty else "concave"

    @property
    def condition(self) -> float:
        """κ = L/μ; infinite where some direction is flat, NaN where the Hessian is not positive."""
        if self.shape == "convex":
            return self.largest / self.smallest
        return math.inf if self.shape == "flat" else math.nan

    @property
    def safe_rate(self) -> float:
        """1/L: no step of that rate goes up (Nesterov, Introductory Lectures, 2004, eq. 1.2.12)."""
        return 1 / self.smoothness if self.smoothness > 0 else math.nan

    @property
    def best_rate(self) -> float:
        """2/(μ + L), the fastest constant rate on a convex quadratic (Nesterov 2004, theorem 2.1.15)."""
        return 2 / (self.smallest + self.largest) if self.shape in ("convex", "flat") and self.largest > 0 else math.nan


def _of_matrix(hessian: Any, source: str, relative: float = EPSILON) -> Curvature:
    """All eigenvalues of a symmetric matrix whose entries are right to ``relative`` times its norm."""
    if not np.isfinite(hessian).all():
        return Curvature(math.nan, math.nan, math.nan, None, source)
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    uncertainty = 4 * len(values) * relative * float(np.max(np.abs(values), initial=0.0))
    return Curvature(float(values[0]), float(values[-1]), uncertainty, tuple(values.tolist()), source)


def of_products(product: Product, size: int, source: str, relative: float = EPSILON) -> Curvature:
    """The extreme eigenvalues by Lanczos steps from a fixed random start, re-orthogonalised.

    A Ritz value θ of H is within β|s| of an eigenvalue (Golub & Van Loan, Matrix Computations, 4th ed., § 10.1.4);
    the larger of the two bounds is the uncertainty.
    """
    basis = np.zeros((min(_KRYLOV_PRODUCTS, size) + 1, size))
    start = np.random.default_rng(0).normal(size=size)
    basis[0] = start / np.linalg.norm(start)
    diagonal: list[float] = []
    beside: list[float] = []
    for k in range(len(basis) - 1):
        w = product(basis[k])
        if not np.isfinite(w).all():
            return Curvature(math.nan, math.nan, math.nan, None, source)
        diagonal.append(float(w @ basis[k]))
        for _ in range(2):  # once is not enough (Parlett, The Symmetric Eigenvalue Problem, § 6.9)
            w = w - basis[: k + 1].T @ (basis[: k + 1] @ w)
        length = float(np.linalg.norm(w))
        beside.append(length)
        if length <= size * max(relative, EPSILON) * max(map(abs, diagonal)):
            break  # the basis holds whole eigenspaces
        basis[k + 1] = w / length
    matrix = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, vectors = np.linalg.eigh(matrix)
    bound = beside[-1] * max(abs(vectors[-1, 0]), abs(vectors[-1, -1]))
    noise = 4 * len(values) * relative * float(np.max(np.abs(values)))
    return Curvature(float(values[0]), float(values[-1]), float(bound) + noise, None, source)


def _by_differences(gradient: Callable[[Any], Any], x: Any) -> Product:
    """Hv ≈ (∇f(x + hv) − ∇f(x − hv)) / 2h, exact but for rounding where f is quadratic."""

    def product(v: Any) -> Any:
        length = float(np.linalg.norm(v))
        if length == 0:
            return np.zeros(len(x))
        h = _CENTRAL_STEP * (1 + float(np.linalg.norm(x))) / length
        return (gradient(x + h * v) - gradient(x - h * v)) / (2 * h)

    return product


class Hessians:
    """Hessians of one cost; what was prepared for one point serves the next."""

    def __init__(self, cost: Cost):
        self.cost = cost
        self._known: dict[bytes, Curvature] = {}
        self._prepared: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"cost": self.cost, "_known": self._known, "_prepared": {}}

    def at(self, x: Any) -> Curvature:
        """The eigenvalues at a point: all of them up to ``_WHOLE_HESSIAN`` weights, the extreme ones beyond."""
        if not np.isfinite(x).all():
            return Curvature(math.nan, math.nan, math.nan, None, "there is no Hessian at that point")
        check_time()
        key = x.tobytes()
        if key not in self._known:
            self._known[key] = self._curvature(x)
        return self._known[key]

    def _curvature(self, x: Any) -> Curvature:
        with np.errstate(all="ignore"):
            if len(x) <= _WHOLE_HESSIAN:
                matrix, source, error = self._matrix(x)
                return _of_matrix(matrix, source, error)
            product, source, error = self._product(x)
            return of_products(product, len(x), f"{source}, Lanczos steps", error)

    @staticmethod
    def small(x: Any) -> bool:
        """Whether all eigenvalues at a point can be had."""
        return len(x) <= _WHOLE_HESSIAN and bool(np.isfinite(x).all())

    def times(self, x: Any, v: Any) -> Any:
        """Hv at a point."""
        check_time()
        with np.errstate(all="ignore"):
            return self._matrix(x)[0] @ v if self.small(x) else self._product(x)[0](v)

    def newton(self, x: Any, gradient: Any) -> Any:
        """Newton's step −H⁻¹g; NaN where it is unknown."""
        if not self.small(x) or not np.isfinite(gradient).all():
            return np.full(len(x), math.nan)
        with np.errstate(all="ignore"):
            matrix, _, _ = self._matrix(x)
        try:
            return -np.linalg.solve(matrix, gradient)
        except np.linalg.LinAlgError:
            return np.full(len(x), math.nan)

    def newton_length(self, x: Any, gradient: Any) -> float:
        """The length of Newton's step along the eigenvectors whose eigenvalue is not 0 as far as one can tell.

        (Σ (gᵀvᵢ/λᵢ)²)^½; NaN where the eigenvectors are unknown.
        """
        curvature = self.at(x)
        if not self.small(x) or not curvature.known or not np.isfinite(gradient).all():
            return math.nan
        with np.errstate(all="ignore"):
            matrix, _, _ = self._matrix(x)
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        clear = np.abs(values) > curvature.uncertainty
        return float(np.linalg.norm((gradient @ vectors)[clear] / values[clear]))

    @cached_property
    def _exact(self) -> Any:
        """The second partials of an expression as a function of a list of floats, and where each one stands."""
        assert isinstance(self.cost, ExpressionCost)
        task = hessian_task(self.cost.program)
        return compiled(differentiate(task.program, task.indices)), list(task.places)

    def _partials(self, name: str) -> Any:
        """The second partials of a Python function by a backend, and where each one stands."""
        assert isinstance(self.cost, FunctionCost)
        if name not in self._prepared:
            task = hessian_task(self.cost.bound)
            self._prepared[name] = get_backend(name).prepare(task), list(task.places)
        return self._prepared[name]

    def _matrix(self, x: Any) -> tuple[Any, str, float]:
        """The whole Hessian, where it comes from, and its relative error."""
        n = len(x)
        if isinstance(self.cost, ExpressionCost):
            call, places = self._exact
            return np.array(call(x.tolist()))[places].reshape(n, n), "exact second derivatives", EPSILON
        if isinstance(self.cost, FunctionCost) and self.cost.gradient is None and n <= _LARGEST_DUAL:
            seen = self.cost.backend.name == "finite"
            evaluation, places = self._partials("finite" if seen else "dual")
            found = evaluation.at(x.tolist())
            values = np.array(found.values)
            error = float(np.max(found.errors) / np.max(np.abs(values))) if seen and np.any(values) else EPSILON
            return values[places].reshape(n, n), "differences of its values" if seen else "dual numbers", error
        product, source, error = self._product(x)
        return np.array([product(row) for row in np.eye(n)]), source, error

    def _product(self, x: Any) -> tuple[Product, str, float]:
        """Give v → Hv by differences of the gradient that the descent uses."""
        return _by_differences(lambda z: self.cost.at(z)[1], x), "central differences of the gradient", _DIFFERENCES


class Unasked(Hessians):
    """Hessians that nobody looked at, and why."""

    def __init__(self, cost: Cost, reason: str):
        super().__init__(cost)
        self.reason = reason

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "reason": self.reason}

    def at(self, x: Any) -> Curvature:  # noqa: ARG002
        """Nothing."""
        return Curvature(math.nan, math.nan, math.nan, None, f"the curvature was not looked at: {self.reason}")

    @staticmethod
    def small(x: Any) -> bool:  # noqa: ARG004
        """Whether eigenvalues can be had: they cannot."""
        return False

    def times(self, x: Any, v: Any) -> Any:  # noqa: ARG002
        """Hv, which is not known."""
        return np.full(len(x), math.nan)


@dataclass(frozen=True)
class ConvexityFacts:
    """The least μ and the greatest L at ``points`` points of a path and over its steps, and by what factor they differ.

    ``against`` says why f is not taken as μ-strongly convex and L-smooth; it is empty where all the Hessians are
    positive definite, and they and the differences of gradients from step to step agree within ``_AGREE``.
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
    keeps = all(c.shape == "convex" and _AGREE * c.smallest >= end.smallest for _, c in _beyond(hessians, path))
    return "minimum" if keeps else "changing"


def evidence(hessians: Hessians, path: Path) -> ConvexityFacts:
    """Look at Hessians at the start, between, at the end and beyond it, and at gradients all along."""
    found: list[Curvature] = []
    on_path: list[Curvature] = []
    if len(path.points) < 2:
        return ConvexityFacts(math.nan, math.nan, math.nan, 1, "the path is a single point")
    for where, c in _looks(hessians, path):
        found.append(c)
        if where != _NEAR_END:
            on_path.append(c)
        if reason := _no_bound(c, where):
            return ConvexityFacts(math.nan, math.nan, math.nan, len(found), reason)
    low, high = _of_steps(path)
    smallest, largest, spread = _bounds(found, low, high)
    if smallest <= 0:
        return ConvexityFacts(math.nan, math.nan, math.nan, len(found), "f is not convex all along the path")
    _, _, of_path = _bounds(on_path, low, high)
    against = ""
    if of_path > _AGREE:
        against = f"the curvature differs by a factor of {of_path:.3g} along the path"
    elif spread > _AGREE:
        against = (f"the curvature differs by a factor of {spread:.3g} between the path and where Newton's step from "
                   "its end, or twice that step, leads")  # fmt: skip
    # Lanczos steps find eigenvalues from inside the spectrum: the bound is to err on the safe side
    margin = max(c.uncertainty for c in found) if found[0].eigenvalues is None else 0.0
    return ConvexityFacts(smallest - margin, largest + margin, spread, len(found), against)


def _bounds(found: list[Curvature], low: float, high: float) -> tuple[float, float, float]:
    """The least μ and the greatest L, ``low`` and ``high`` of the steps among them, and by what factor they differ."""
    least, greatest = min(c.smallest for c in found), max(c.largest for c in found)
    smallest = low if _GRADIENT_ROUNDING * low < least else least
    largest = high if high > _GRADIENT_ROUNDING * greatest else greatest
    if smallest <= 0:
        return smallest, largest, math.inf
    spread = max(max(c.smallest for c in found) / smallest, largest / min(c.largest for c in found))
    return smallest, largest, spread


def _looks(hessians: Hessians, path: Path) -> Iterator[tuple[str, Curvature]]:
    """Curvature at the start, evenly spread over the length of the path, at its end and beyond."""
    last = len(path.points) - 1
    way = np.cumsum([0.0, *np.linalg.norm(np.diff(path.points, axis=0), axis=1)])
    parts = np.linspace(0, 1, 2 + _HESSIANS_BETWEEN if hessians.small(path.points[-1]) else 2)[1:-1]
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
        yield _NEAR_END, hessians.at(point + way)


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
    apart = lengths > _RESOLVED_DISTANCE * (1 + np.linalg.norm(path.points[:-1], axis=1))
    if not apart.any():
        return math.inf, 0.0
    along = np.sum(ways * changes, axis=1)[apart] / lengths[apart] ** 2
    return float(along.min()), float((np.linalg.norm(changes, axis=1)[apart] / lengths[apart]).max())

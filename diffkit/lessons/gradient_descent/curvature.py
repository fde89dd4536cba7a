"""Curvature: the eigenvalues of the Hessian at a point, μ and L among them, and the steps they allow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SMALL = 64  # weights up to which the whole Hessian is formed
KRYLOV = 60  # products with the Hessian where it is not
EPSILON = 2.0**-52
STEP = EPSILON ** (1 / 3)  # of a central difference, as a part of the size of x

Product = Callable[[Any], Any]
"""v → Hv"""


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

    @property
    def highest_rate(self) -> float:
        """2/L: a constant rate above it moves away from the minimum of a quadratic."""
        return 2 * self.safe_rate


def of_matrix(hessian: Any, source: str, relative: float = EPSILON) -> Curvature:
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
    basis = np.zeros((min(KRYLOV, size) + 1, size))
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


def by_differences(gradient: Callable[[Any], Any], x: Any) -> Product:
    """Hv ≈ (∇f(x + hv) − ∇f(x − hv)) / 2h, exact but for rounding where f is quadratic."""

    def product(v: Any) -> Any:
        length = float(np.linalg.norm(v))
        if length == 0:
            return np.zeros(len(x))
        h = STEP * (1 + float(np.linalg.norm(x))) / length
        return (gradient(x + h * v) - gradient(x - h * v)) / (2 * h)

    return product

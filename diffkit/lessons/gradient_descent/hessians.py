"""The Hessian of a cost at a point: exact where f is an expression, by dual numbers or differences elsewhere."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from diffkit.asking.tasks import hessian_task
from diffkit.calculus.derivatives import differentiate
from diffkit.core.deadline import check_time
from diffkit.lessons.gradient_descent.costs import Cost, ExpressionCost, FunctionCost, compiled
from diffkit.lessons.gradient_descent.curvature import (
    EPSILON,
    SMALL,
    Curvature,
    Product,
    by_differences,
    of_matrix,
    of_products,
)
from diffkit.methods import get_backend

DIFFERENCES = 1e-9  # relative error of a Hessian by central differences of a gradient, for smooth functions
LARGEST_DUAL = 12  # weights up to which the whole Hessian is pushed through a Python function


class Hessians:
    """Hessians of one cost; what was prepared for one point serves the next."""

    def __init__(self, cost: Cost):
        self.cost = cost
        self._known: dict[bytes, Curvature] = {}
        self._prepared: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"cost": self.cost, "_known": self._known, "_prepared": {}}

    def at(self, x: Any) -> Curvature:
        """The eigenvalues at a point: all of them up to ``SMALL`` weights, the extreme ones beyond."""
        if not np.isfinite(x).all():
            return Curvature(math.nan, math.nan, math.nan, None, "there is no Hessian at that point")
        check_time()
        key = x.tobytes()
        if key not in self._known:
            self._known[key] = self._curvature(x)
        return self._known[key]

    def _curvature(self, x: Any) -> Curvature:
        with np.errstate(all="ignore"):
            if len(x) <= SMALL:
                matrix, source, error = self._matrix(x)
                return of_matrix(matrix, source, error)
            product, source, error = self._product(x)
            return of_products(product, len(x), f"{source}, Lanczos steps", error)

    @staticmethod
    def small(x: Any) -> bool:
        """Whether all eigenvalues at a point can be had."""
        return len(x) <= SMALL and bool(np.isfinite(x).all())

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
        if isinstance(self.cost, FunctionCost) and self.cost.gradient is None and n <= LARGEST_DUAL:
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
        return by_differences(lambda z: self.cost.at(z)[1], x), "central differences of the gradient", DIFFERENCES


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

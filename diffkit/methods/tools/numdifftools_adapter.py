"""numdifftools as a backend: differences extrapolated to h → 0, with its estimate of the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffkit.core.errors import BackendError
from diffkit.methods.tools.adapter import imported
from diffkit.methods.tools.measuring import MeasuringTool


class NumdifftoolsBackend(MeasuringTool):
    """``numdifftools.Derivative`` along coordinates and ``numdifftools.Hessian``; the options are theirs."""

    name = "numdifftools"

    def difference(
        self, f: Callable[[Any], float], place: list[float], orders: tuple[int, ...]
    ) -> tuple[float, float]:  # fmt: skip
        """Give a derivative and its error; BackendError for mixed ones of higher order than the second."""
        numdifftools, options = imported("numdifftools"), {"full_output": True, **self.options}
        if len(place) == 1:
            found = numdifftools.Derivative(f, n=orders[0], **options)(place[0])
            return float(found[0]), float(_errors(found))
        if orders != (1, 1):
            raise BackendError("numdifftools has mixed derivatives of second order only")
        found = numdifftools.Hessian(f, **options)(place)
        return float(found[0][0, 1]), float(_errors(found)[0, 1])


def _errors(found: Any) -> Any:
    """Its estimates of the errors; before its version 0.10 they stood in the second part of what it gives."""
    return found.error_estimate if hasattr(found, "error_estimate") else found[1].error_estimate

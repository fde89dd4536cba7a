"""jacobi as a backend: first differences extrapolated, whose error is a standard deviation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffkit.methods.tools.adapter import imported
from diffkit.methods.tools.measuring import MeasuringTool


class JacobiBackend(MeasuringTool):
    """``jacobi.jacobi`` along coordinates; the options are its own (``maxiter``, ``maxgrad``, ``rtol``)."""

    name = "jacobi"
    most_order = 1

    def difference(
        self, f: Callable[[Any], float], place: list[float], orders: tuple[int, ...]  # noqa: ARG002
    ) -> tuple[float, float]:  # fmt: skip
        """Give a derivative and its error."""
        value, error = imported("jacobi").jacobi(f, place[0], **self.options)
        return float(value), float(error)

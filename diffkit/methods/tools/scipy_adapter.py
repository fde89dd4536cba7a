"""SciPy as a backend: ``scipy.differentiate``, with its estimate of the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffkit.methods.tools.adapter import imported
from diffkit.methods.tools.measuring import MeasuringTool


class ScipyBackend(MeasuringTool):
    """``derivative`` and ``hessian`` of ``scipy.differentiate``; the options are theirs (``order=8``)."""

    name = "scipy"
    most_order = 2

    def difference(
        self, f: Callable[[Any], float], place: list[float], orders: tuple[int, ...]
    ) -> tuple[float, float]:  # fmt: skip
        """Give a derivative of first or second order and its error."""
        import numpy as np

        differentiate = imported("scipy.differentiate")
        if sum(orders) == 1:
            found = differentiate.derivative(np.vectorize(f), place[0], **self.options)
            return float(found.df), float(found.error)
        surface = np.vectorize(f, signature="(n)->()")
        found = differentiate.hessian(lambda x: surface(np.moveaxis(x, 0, -1)), np.array(place), **self.options)
        return float(found.ddf[0, -1]), float(found.error[0, -1])

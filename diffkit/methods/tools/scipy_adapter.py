"""SciPy as a backend: ``scipy.differentiate``, with its estimate of the error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import Tool, ToolPartials, imported, measured

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index
    from diffkit.core.results import ErrorKind


class ScipyBackend(Tool):
    """``scipy.differentiate.derivative`` along coordinates and ``hessian``; ``options`` are theirs (``order=8``)."""

    name = "scipy"
    error_kind: ErrorKind = "estimate"
    covering = False
    most_order = 2

    def __init__(self, **options: Any):
        super().__init__()
        self.options = options

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        import numpy as np

        differentiate = imported("scipy.differentiate")

        def difference(f: Any, place: list[float], orders: tuple[int, ...]) -> tuple[float, float]:
            if sum(orders) == 1:
                found = differentiate.derivative(np.vectorize(f), place[0], **self.options)
                return float(found.df), float(found.error)
            surface = np.vectorize(f, signature="(n)->()")
            found = differentiate.hessian(lambda x: surface(np.moveaxis(x, 0, -1)), np.array(place), **self.options)
            return float(found.ddf[0, -1]), float(found.error[0, -1])

        return measured(source, indices, difference)

"""jacobi as a backend: first differences extrapolated, whose error is a standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import Tool, ToolPartials, imported, measured

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index
    from diffkit.core.results import ErrorKind


class JacobiBackend(Tool):
    """``jacobi.jacobi`` along coordinates; ``options`` are its own (``maxiter``, ``maxgrad``, ``rtol``)."""

    name = "jacobi"
    error_kind: ErrorKind = "estimate"
    covering = False
    most_order = 1

    def __init__(self, **options: Any):
        super().__init__()
        self.options = options

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        jacobi = imported("jacobi").jacobi

        def difference(f: Any, place: list[float], _: tuple[int, ...]) -> tuple[float, float]:
            value, error = jacobi(f, place[0], **self.options)
            return float(value), float(error)

        return measured(source, indices, difference)

"""numdifftools as a backend: differences extrapolated to h → 0, with its estimate of the error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.core.errors import BackendError
from diffkit.methods.tools.adapter import Tool, ToolPartials, imported, measured

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index
    from diffkit.core.results import ErrorKind


class NumdifftoolsBackend(Tool):
    """``numdifftools.Derivative`` along coordinates and ``numdifftools.Hessian``; ``options`` are theirs."""

    name = "numdifftools"
    error_kind: ErrorKind = "estimate"
    covering = False

    def __init__(self, **options: Any):
        super().__init__()
        self.options = {"full_output": True, **options}

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        numdifftools = imported("numdifftools")

        def difference(f: Any, place: list[float], orders: tuple[int, ...]) -> tuple[float, float]:
            if len(place) == 1:
                found = numdifftools.Derivative(f, n=orders[0], **self.options)(place[0])
                return float(found[0]), float(_errors(found))
            if orders != (1, 1):
                raise BackendError("numdifftools has mixed derivatives of second order only")
            found = numdifftools.Hessian(f, **self.options)(place)
            return float(found[0][0, 1]), float(_errors(found)[0, 1])

        return measured(source, indices, difference)


def _errors(found: Any) -> Any:
    """Its estimates of the errors; before its version 0.10 they stood in the second part of what it gives."""
    return found.error_estimate if hasattr(found, "error_estimate") else found[1].error_estimate

"""autograd as a backend: reverse mode through NumPy code, nested for higher orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from diffkit.methods.tools.adapter import FollowedFunction, Tool, ToolPartials, by_nesting, imported

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index


class AutogradBackend(Tool):
    """``autograd.jacobian``."""

    name, takes = "autograd", "formulas, its code"

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        import numpy as np

        numpy, special = imported("autograd.numpy"), imported("autograd.scipy.special")
        jacobian = imported("autograd").jacobian
        f = FollowedFunction(source, numpy, special)
        found = by_nesting(f, len(source.inputs), indices, numpy, lambda g, _: jacobian(g))

        def at(point: Sequence[float]) -> ToolPartials:
            with np.errstate(all="ignore"):
                return ToolPartials(found(np.array(point)), of_formula=f.of_formula)

        return at

"""Tools that know values of f alone: partials one by one, as differences that the tool takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import AtPoint, Tool, ToolPartials

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index
    from diffkit.core.results import ErrorKind

_USUAL = 2.0**20  # coordinates up to which tools are handed them as they are: their first steps are about 1


class MeasuringTool(Tool):
    """A tool of differences, whose errors are estimates; ``difference`` is what each of them has to say."""

    error_kind: ErrorKind = "estimate"
    covering = False
    takes = "values"

    def __init__(self, **options: Any):
        super().__init__()
        self.options = options
        """what the tool is told at every call"""

    def difference(
        self, f: Callable[[Any], float], place: list[float], orders: tuple[int, ...]
    ) -> tuple[float, float]:  # fmt: skip
        """Give a partial of so many orders, and its error, of a function of some coordinates: a number if it is one."""
        raise NotImplementedError

    def partials(self, source: Source, indices: Sequence[Index]) -> AtPoint:
        """Give the function of a point that gives these partials of a source."""
        import numpy as np

        def at(point: Sequence[float]) -> ToolPartials:
            before = source.evaluations
            with np.errstate(all="ignore"):
                pairs = [self._one(source, point, *index) for index in indices]
            values, bars = ([pair[k] for pair in pairs] for k in (0, 1))
            return ToolPartials(values, bars, source.evaluations - before, of_formula=False)

        return at

    def _one(
        self, source: Source, point: Sequence[float], output: int, variables: tuple[int, ...]
    ) -> tuple[float, float]:  # fmt: skip
        """A partial and its error; coordinates that are large are told in units of their size."""
        import numpy as np

        moved = list(dict.fromkeys(variables))
        orders = tuple(variables.count(v) for v in moved)
        if not moved:
            return float(source.values(np.array(point))[output]), 0.0
        units = [2.0 ** math.frexp(point[v])[1] if abs(point[v]) > _USUAL else 1.0 for v in moved]

        def f(x: Any) -> float:
            row = np.array(point, dtype=float)
            row[moved] = np.ravel(x) * units
            return float(source.values(row)[output])

        place = [point[v] / unit for v, unit in zip(moved, units, strict=True)]
        value, error = self.difference(f, place, orders)
        scale = math.prod(unit**order for unit, order in zip(units, orders, strict=True))
        return value / scale, error / scale

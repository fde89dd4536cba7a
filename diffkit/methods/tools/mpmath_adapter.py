"""mpmath as a backend: ``mpmath.diff``, differences of values with many digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.methods.tools.adapter import Tool, ToolPartials

if TYPE_CHECKING:
    from diffkit.asking.sources import Source
    from diffkit.core.program import Index


class MpmathBackend(Tool):
    """``mpmath.diff`` of formulas, at ``digits`` decimal digits."""

    name = "mpmath"

    def __init__(self, *, digits: int = 30):
        super().__init__()
        self.digits = digits

    def partials(self, source: Source, indices: Sequence[Index]) -> Callable[[Sequence[float]], ToolPartials]:
        """Give the function of a point that gives these partials of a source."""
        from diffkit.core.program import run
        from diffkit.numbers.multiprecision import multiprecision

        program = source.program

        def at(point: Sequence[float]) -> ToolPartials:
            algebra = multiprecision(self.digits)
            context, place = algebra.context, list(map(algebra.number, point))
            units = [context.ldexp(1, max(0, context.mag(x))) if x else context.mpf(1) for x in place]  # steps are ≪ 1
            values = []
            for output, variables in indices:
                moved = list(dict.fromkeys(variables))

                def f(*moving: Any, output: int = output, moved: Sequence[int] = moved) -> Any:
                    inputs = [*place]
                    for k, x in zip(moved, moving, strict=True):
                        inputs[k] = x * units[k]
                    return run(program, algebra, inputs)[output]

                start = tuple(place[k] / units[k] for k in moved)
                found = context.diff(f, start, tuple(map(variables.count, moved))) if moved else f()
                for k in variables:
                    found /= units[k]
                values.append(float(found))
            return ToolPartials(values)

        return at

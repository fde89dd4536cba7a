"""The complex step: f′(x) = Im f(x + ih)/h for a tiny h, free of cancellation, for code that is analytic.

Squire & Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40 (1998), eq. 4.
``abs``, comparisons and ``.real`` are not analytic and make it wrong without a sign, and what the complex branch of a
library rounds is not known. So a value counts where real differences confirm it, and they give its bar.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from diffkit.asking.tasks import Task
from diffkit.core.errors import BackendError, told
from diffkit.core.program import Index
from diffkit.core.results import Answer, ErrorKind, Odd
from diffkit.methods.coloured import ColouredEvaluation, coloured
from diffkit.methods.differences.testimony import STEPPED, Testified, unknown
from diffkit.methods.differences.witness import DifferenceWitness, laid_out

_COMPLEX_STEP = 2.0**-340
"""so small that h² vanishes beside 1, and so large that h·f′ does not underflow for f′ > 1e-200"""
_LEAST_STEP = 2.0**-1000
_LIBRARY_ROUNDING = 2.0**-49  # of the largest partial of an output: what libraries round, at the least
_OTHER_BACKENDS = "use backend='dual' or 'finite'"
_OVERFLOW = Odd("uncertain", "complex arithmetic overflows or has no value there")


class ComplexBackend:
    """First derivatives of code that takes complex numbers."""

    name = "complex"
    error_kind: ErrorKind = "estimate"
    most_order = 1

    def prepare(self, task: Task) -> ComplexEvaluation | ColouredEvaluation:
        """BackendError above order 1."""
        if task.order > self.most_order:
            raise BackendError("the complex step gives first derivatives only", hint=_OTHER_BACKENDS)
        if task.source.code is None:
            return ComplexEvaluation(task)
        return coloured(task, ComplexEvaluation, scaled=True)  # type: ignore[no-any-return]


class ComplexEvaluation:
    """The partials of a task by complex steps."""

    formula = None

    def __init__(self, task: Task):
        self.task, self.source = task, task.source

    def at(self, point: Sequence[float]) -> Answer:
        """Step every coordinate, and ask real differences; BackendError where the code gives no complex numbers."""
        start, source = tuple(float(x) for x in point), self.source
        before = source.evaluations
        claims = self.claims(start)
        witness = DifferenceWitness.of(source, start)
        seen = witness.values(self.task.indices)
        if source.unsteady:
            seen.update({index: unknown(Odd("uncertain", source.unsteady)) for index in claims if index not in seen})
        seen.update({i: unknown(_OVERFLOW) for i, c in claims.items() if i not in seen and not math.isfinite(c.value)})
        seen.update(witness.confirm({index: c for index, c in claims.items() if index not in seen}, STEPPED))
        return laid_out(self.task.indices, seen, source.evaluations - before)

    def claims(self, point: Sequence[float]) -> dict[Index, Testified]:
        """The partials as complex steps give them, unconfirmed; libraries round each one by the largest."""
        import numpy as np

        x = np.array(point, dtype=float)
        steps = {v: self._step(x, v) for v in sorted({v for _, index in self.task.indices for v in index})}
        found = {(k, index): float(steps[index[0]][k]) for k, index in self.task.indices if index}
        largest: dict[int, float] = {}
        for (k, _), value in found.items():
            largest[k] = max(largest.get(k, 0.0), abs(value))
        return {(k, index): Testified(value, _LIBRARY_ROUNDING * largest[k]) for (k, index), value in found.items()}

    def _step(self, point: Any, variable: int) -> Any:
        """Partials of all outputs in one coordinate."""
        import numpy as np

        moved = point.astype(complex)
        h = max(
            _LEAST_STEP, math.ldexp(_COMPLEX_STEP, math.frexp(point[variable])[1])
        )  # a power of two, which rounds nothing
        moved[variable] += 1j * h
        result = self._followed(moved)
        if result.dtype.kind != "c":
            raise BackendError("the function gives real numbers at a complex point (abs, a norm, .real), which tells "
                               "nothing of its derivative", hint=_OTHER_BACKENDS)  # fmt: skip
        if result.dtype.itemsize < np.dtype(complex).itemsize:
            raise BackendError(
                f"the function gives {result.dtype}, in which complex steps underflow", hint=_OTHER_BACKENDS
            )
        with np.errstate(all="ignore"):
            return result.imag / h

    def _followed(self, row: Any) -> Any:
        """All outputs at a complex point; BackendError where the code does not take it, or drops imaginary parts."""
        import numpy as np

        from diffkit.core.surroundings import FILTERS, silenced

        try:
            with FILTERS, silenced(), np.errstate(all="ignore"), warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                result = self.source.complex_values(row)
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(
                f"the function does not take complex numbers ({told(error)})", hint=_OTHER_BACKENDS
            ) from None
        dropped = [w for w in said if w.category is np.exceptions.ComplexWarning or "imaginary" in str(w.message)]
        if dropped:
            raise BackendError(f"the function drops imaginary parts ({dropped[0].message})", hint=_OTHER_BACKENDS)
        return result

    def batch(self, points: Any) -> Answer:
        """Answer row by row."""
        from diffkit.core.results import by_rows

        return by_rows(self, points)

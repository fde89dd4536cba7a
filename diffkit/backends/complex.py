"""The complex step: f′(x) = Im f(x + ih)/h for a tiny h, free of cancellation, for code that is analytic.

Squire & Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40 (1998), eq. 4.
``abs``, comparisons and ``.real`` are not analytic and make it wrong without a sign, so real differences cross-check.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from diffkit.differences.crosscheck import contradictions
from diffkit.errors import BackendError
from diffkit.program import run
from diffkit.results import Answer, ErrorKind, Odd
from diffkit.tasks import Task

STEP = 2.0**-340  # so small that h² vanishes beside 1, and so large that h·f′ does not underflow for f′ > 1e-200
TINY = 2.0**-1000
FILTERS = Lock()
"""Python's filters of warnings are one for all threads."""


class ComplexBackend:
    """First derivatives of code that takes complex numbers."""

    name = "complex"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ComplexEvaluation:
        """BackendError above order 1."""
        if task.order > 1:
            raise BackendError("the complex step gives first derivatives only", hint="use backend='dual' or 'finite'")
        return ComplexEvaluation(task)


class ComplexEvaluation:
    """The partials of a task by complex steps."""

    formula = None

    def __init__(self, task: Task):
        self.task = task

    def at(self, point: Sequence[float]) -> Answer:
        """Step every coordinate, and compare with real differences."""
        import numpy as np

        x = np.array(point, dtype=float)
        samplers, values = self._functions()
        steps: dict[int, Any] = {}
        for _, index in self.task.indices:
            for variable in index:
                if variable not in steps:
                    steps[variable] = self._step(values, x, variable)
        here = [samplers[output]([tuple(x.tolist())])[0] for output in range(len(samplers))]
        slopes = [float(steps[index[0]][k]) if index else here[k] for k, index in self.task.indices]
        evaluations = len(steps) + len(samplers)
        odd: dict[int, Odd] = {}
        wrong, spent = contradictions(samplers, tuple(x.tolist()), self.task.indices, slopes)
        unsteady = "" if self.task.function is None else self.task.function.unsteady
        for c, (output, _) in enumerate(self.task.indices):
            if not math.isfinite(here[output]):
                odd[c] = Odd("domain_error", "f has no value at the point", cause="outside the domain")
            elif not math.isfinite(slopes[c]):
                odd[c] = Odd("uncertain", "complex arithmetic overflows or has no value there")
            elif unsteady:
                odd[c] = Odd("uncertain", unsteady)
            elif c in wrong:
                slope, real = wrong[c]
                found = "" if real.odd is None else f"real differences find: {real.odd.message}"
                odd[c] = Odd("uncertain", found or NOT_ANALYTIC.format(slope, real.value))
        values_out = [math.nan if c in odd else slope for c, slope in enumerate(slopes)]
        return Answer(values_out, None, odd, evaluations + spent)

    def _functions(self) -> tuple[list[Any], Callable[[Any], Any]]:
        """Each output at real points, and all outputs at a complex one."""
        import numpy as np

        function = self.task.function
        if function is not None:
            return function.samplers(), lambda row: np.ravel(function.call(*function.split(row)))
        from diffkit.algebras.arrays import ARRAYS

        program = self.task.program
        real = [lambda points, k=k: [float(run(program, ARRAYS, list(map(np.float64, p)))[k]) for p in points]
                for k in range(len(program.outputs))]  # fmt: skip
        return real, lambda row: np.array(run(program, ARRAYS, list(row)))

    def _step(self, values: Callable[[Any], Any], point: Any, variable: int) -> Any:
        """Partials of all outputs in one coordinate."""
        import numpy as np

        moved = point.astype(np.result_type(point, np.complex64))
        h = max(TINY, math.ldexp(STEP, math.frexp(point[variable])[1]))  # a power of two, which rounds nothing
        moved[variable] += 1j * h
        try:
            with FILTERS, np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part that is dropped
                result = values(moved)
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(
                f"the function does not take complex numbers ({type(error).__name__}: {error})",
                hint="use backend='dual' or 'finite'",
            ) from None
        if result.dtype.kind != "c":
            if result.dtype.kind != "f":
                raise BackendError("the function gives no complex numbers", hint="use backend='dual' or 'finite'")
            return np.zeros(result.shape)
        return result.imag / h

    def bound(self, point: Sequence[float]) -> list[float]:
        """How far rounding may carry each component, measured."""
        import numpy as np

        from diffkit.callables.noise import rounding

        _, values = self._functions()

        def slopes(row: Any) -> Any:
            found = {i: self._step(values, row, i) for _, index in self.task.indices for i in index}
            return np.array([found[index[0]][k] if index else 0.0 for k, index in self.task.indices])

        return [float(b) for b in rounding(slopes, point)]

    def batch(self, points: Any) -> Answer:
        """Answer row by row."""
        from diffkit.evaluation import by_rows

        return by_rows(self, points)


NOT_ANALYTIC = (
    "the complex step gives {:.6g}, real differences {:.6g}: the code is not analytic (abs, a comparison, .real)"
)

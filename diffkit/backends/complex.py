"""The complex step: f′(x) = Im f(x + ih)/h for a tiny h, free of cancellation, for code that is analytic.

Squire & Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40 (1998), eq. 4.
``abs``, comparisons and ``.real`` are not analytic and make it wrong without a sign, so real differences cross-check.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from diffkit.differences import ECONOMY, THOROUGH, Sampler, partials
from diffkit.errors import BackendError, DiffkitError
from diffkit.program import run
from diffkit.results import Answer, ErrorKind, Odd
from diffkit.tasks import Task

STEP = 2.0**-340  # so small that h² vanishes beside 1, and so large that h·f′ does not underflow for f′ > 1e-200
FEW = 12  # coordinates up to which each one has a cross-check of its own; otherwise one generic direction has
AGREE = 8.0  # times the bar of a real difference


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
        found: dict[int, Any] = {}
        for _, index in self.task.indices:
            for variable in index:
                if variable not in found:
                    found[variable] = self._step(values, x, variable)
        here = [samplers[output]([tuple(x.tolist())])[0] for output in range(len(samplers))]
        slopes = [float(found[index[0]][k]) if index else here[k] for k, index in self.task.indices]
        evaluations = len(found) + len(samplers)
        odd: dict[int, Odd] = {}
        suspect, spent = self._cross_checked(samplers, x, slopes)
        for c, (output, _) in enumerate(self.task.indices):
            if not math.isfinite(here[output]):
                odd[c] = Odd("domain_error", "f has no value at the point", cause="outside the domain")
            elif not math.isfinite(slopes[c]):
                odd[c] = Odd("uncertain", "complex arithmetic overflows or has no value there")
            elif c in suspect:
                odd[c] = Odd("uncertain", suspect[c])
        values_out = [math.nan if c in odd else slope for c, slope in enumerate(slopes)]
        function = self.task.function
        return Answer(values_out, None, odd, evaluations + spent, warnings=function.warnings if function else ())

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
        h = STEP * (abs(point[variable]) or 1.0)
        moved[variable] += 1j * h
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part that is dropped
                result = values(moved)
        except DiffkitError:
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

    def _cross_checked(self, samplers: list[Any], point: Any, slopes: list[float]) -> tuple[dict[int, str], int]:
        """Components that real differences contradict, and the evaluations spent."""
        indices, place = self.task.indices, tuple(point.tolist())
        suspect: dict[int, str] = {}
        spent = 0
        for output, sampler in enumerate(samplers):
            mine = [c for c, (of, index) in enumerate(indices) if of == output and index]
            if len(mine) <= FEW:
                one = Sampler(sampler)
                (row,) = partials(one, [place], [indices[c][1] for c in mine], ECONOMY)
                spent += one.evaluations
                for c, real in zip(mine, row, strict=True):
                    if real.odd is not None and real.odd.status != "uncertain":
                        suspect[c] = f"real differences find: {real.odd.message}"
                    elif real.odd is None and not abs(real.value - slopes[c]) <= AGREE * real.bar:
                        suspect[c] = NOT_ANALYTIC.format(slopes[c], real.value)
                continue
            weights = [(1 + 0.5 * math.sin(c + 1.0)) * (abs(place[indices[c][1][0]]) or 1.0) for c in mine]
            moves = {indices[c][1][0]: w for c, w in zip(mine, weights, strict=True)}

            def path(steps: Any, moves: Any = moves, sampler: Any = sampler) -> Any:
                return sampler([tuple(x + t * moves.get(i, 0.0) for i, x in enumerate(place)) for (t,) in steps])

            one = Sampler(path)
            ((real,),) = partials(one, [(0.0,)], [(0,)], THOROUGH)
            spent += one.evaluations
            whole = math.fsum(slopes[c] * w for c, w in zip(mine, weights, strict=True))
            if real.odd is None and not abs(real.value - whole) <= AGREE * real.bar + 1e-13 * abs(whole):
                suspect.update(dict.fromkeys(mine, NOT_ANALYTIC.format(whole, real.value)))
        return suspect, spent

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

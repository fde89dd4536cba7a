"""Evaluating a derivative program at points: fast where all guards hold, with a diagnosis where one does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from diffkit.algebras.floats import FLOATS
from diffkit.program import Program, run
from diffkit.results import Answer, Odd
from diffkit.tasks import Task
from diffkit.transforms import Guarded, guard

TINY = 5e-324  # binary64 may underflow where the true value does not round to zero


class ProgramEvaluation:
    """The partials of a task as a program in plain binary64, whichever method wrote that program."""

    def __init__(self, task: Task, derivative: Program, formula: tuple[str, ...] | None = None):
        self.task = task
        self.derivative = derivative
        self.formula = formula

    @cached_property
    def guarded(self) -> Guarded:
        """The derivative with the primal's values and guards."""
        return guard(self.task.program, self.derivative)

    def at(self, point: Sequence[float]) -> Answer:
        """Evaluate at one point, on Python floats."""
        return self._finish(run(self.guarded.program, FLOATS, point), point, 0)

    def _finish(self, outputs: Sequence[Any], point: Sequence[float], first: int) -> Answer:
        guarded = self.guarded
        count = guarded.derivatives
        values = [float(v) for v in outputs[:count]]
        odd: dict[int, Odd] = {}
        if not self._clean(outputs):
            for c, index in enumerate(self.task.indices):
                seen = self._describe(index, values[c], point)
                if seen is not None:
                    values[c] = seen.value
                    odd[first + c] = seen
        return Answer(values, None, {c: o for c, o in odd.items() if o.status != "ok" or o.message}, 1)

    def _clean(self, outputs: Sequence[Any]) -> bool:
        guarded = self.guarded
        margins = outputs[guarded.derivatives + guarded.primals :]
        return all(map(math.isfinite, outputs[: guarded.derivatives + guarded.primals])) and all(
            margin > 0 if edge else margin != 0 for margin, edge in zip(margins, guarded.edges, strict=True)
        )

    def _describe(self, index: Any, value: float, point: Sequence[float]) -> Odd | None:
        """What the component is at a point where a guard failed or something overflowed; None: the plain value."""
        from diffkit.classification import classify  # flint is wanted at odd points only

        seen = classify(self.task.program, index, point)
        if seen.status != "ok":
            return seen
        if not math.isfinite(value):
            return Odd("uncertain", "binary64 overflows or loses everything on the way; backend='auto' goes on")
        if not math.isnan(seen.value) and not math.isclose(value, seen.value, rel_tol=1e-6, abs_tol=TINY):
            return Odd("uncertain", "binary64 cannot tell on which side of a kink or branch the point lies")
        return seen._replace(value=value) if seen.message else None

    def bound(self, point: Sequence[float]) -> list[float]:
        """Running bound on the rounding error of each component at a point."""
        from diffkit.algebras.bounds import BOUNDS

        return [error for _, error in run(self.derivative, BOUNDS, [(x, 0.0) for x in point])]

    def doubtful(self, points: Any, relative: float) -> list[int]:
        """Rows of an array where the running rounding bound of a component exceeds this part of its value."""
        import numpy as np

        from diffkit.algebras.bounds import ArrayBounds

        with np.errstate(all="ignore"):
            outputs = run(self.derivative, ArrayBounds(), [(column, 0.0) for column in points.T])
            doubt = np.zeros(len(points), dtype=bool)
            for value, bound in outputs:
                doubt |= np.logical_not((bound <= relative * np.abs(value)) & ((value != 0) | (bound == 0)))
        rows: list[int] = np.flatnonzero(doubt).tolist()
        return rows

    def batch(self, points: Any) -> Answer:
        """Evaluate at the rows of an array (B, n), on NumPy arrays; odd rows one by one."""
        import numpy as np

        from diffkit.algebras.arrays import ARRAYS

        guarded = self.guarded
        count = guarded.derivatives
        rows = len(points)
        with np.errstate(all="ignore"):
            outputs = run(guarded.program, ARRAYS, list(points.T))
            columns = [np.broadcast_to(np.asarray(o, dtype=float), (rows,)) for o in outputs]
            clean = np.ones(rows, dtype=bool)
            for column in columns[: count + guarded.primals]:
                clean &= np.isfinite(column)
            for column, edge in zip(columns[count + guarded.primals :], guarded.edges, strict=True):
                clean &= (column > 0) if edge else (column != 0)
        values = np.stack(columns[:count], axis=1) if count else np.empty((rows, 0))
        odd: dict[int, Odd] = {}
        for row in np.flatnonzero(~clean):
            answer = self._finish([float(column[row]) for column in columns], points[row].tolist(), int(row) * count)
            values[row] = answer.values
            odd.update(answer.odd)
        return Answer(values.ravel(), None, odd, rows)

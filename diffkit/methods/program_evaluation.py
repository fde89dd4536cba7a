"""Evaluating a derivative program at points: fast where all guards hold, with a classification where one does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from diffkit.asking.tasks import Task
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import Guarded, guard
from diffkit.calculus.without_cancellation import stable
from diffkit.core.program import Program, run
from diffkit.core.results import Answer, Odd
from diffkit.numbers.doubles import DOUBLES, array_doubles

BLOCK = 8192  # rows of a batch that run together, so that what is computed between stays in the cache

LOST = (
    "binary64 loses the value on the way, or cannot tell on which side of a kink or branch the point lies; "
    "backend='auto' goes on"
)
TINY = 5e-324  # binary64 may underflow where the true value does not round to zero


class ProgramEvaluation:
    """The partials of a task as a program in plain binary64, whichever method wrote that program."""

    def __init__(self, task: Task, derivative: Program, formula: tuple[str, ...] | None = None):
        self.task = task
        self.derivative = stable(derivative)
        self.formula = formula

    @cached_property
    def guarded(self) -> Guarded:
        """The derivative with the primal's values and guards."""
        return guard(self.task.program, self.derivative)

    def at(self, point: Sequence[float]) -> Answer:
        """Evaluate at one point, on Python floats."""
        pairs = run(self.guarded.program, DOUBLES, [DOUBLES.number(x) for x in point])
        return self._finish([high for high, _ in pairs], point, 0)

    def _finish(self, outputs: Sequence[Any], point: Sequence[float], first: int) -> Answer:
        guarded = self.guarded
        count = guarded.derivatives
        values = [float(v) for v in outputs[:count]]
        odd: dict[int, Odd] = {}
        if not self._clean(outputs):
            from diffkit.proof.classification import Classifier  # flint is wanted at odd points only

            classifier = Classifier(self.task.program, point)
            for c, index in enumerate(self.task.indices):
                seen = _describe(classifier.component(index), values[c])
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

    def bound(self, point: Sequence[float]) -> list[float]:
        """Running bound on the rounding error of each component at a point."""
        from diffkit.numbers.bounds import DOUBLES_BOUNDS as bounds

        return [bounds.total(number) for number in run(self.derivative, bounds, [bounds.number(x) for x in point])]

    def batch(self, points: Any) -> Answer:
        """Evaluate at the rows of an array (B, n), on NumPy arrays; odd rows one by one."""
        import numpy as np

        count = self.guarded.derivatives
        values = np.empty((len(points), count))
        odd: dict[int, Odd] = {}
        for first in range(0, len(points), BLOCK):
            block = points[first : first + BLOCK]
            columns, clean = self._columns(block)
            for c in range(count):
                values[first : first + BLOCK, c] = columns[c]
            for row in np.flatnonzero(~clean).tolist():
                outputs = [float(column[row]) for column in columns]
                answer = self._finish(outputs, block[row].tolist(), (first + row) * count)
                values[first + row] = answer.values
                odd.update(answer.odd)
        return Answer(values.ravel(), None, odd, len(points))

    def _columns(self, points: Any) -> tuple[list[Any], Any]:
        """Outputs of the guarded program at the rows of an array; where all is finite and no guard fails."""
        import numpy as np

        guarded = self.guarded
        plain = guarded.derivatives + guarded.primals
        clean = np.ones(len(points), dtype=bool)
        with np.errstate(all="ignore"):
            outputs = run(guarded.program, array_doubles(), [(column, 0.0) for column in points.T])
            columns = [np.broadcast_to(np.asarray(high, dtype=float), clean.shape) for high, _ in outputs]
            for column in columns[:plain]:
                clean &= np.isfinite(column)
            for column, edge in zip(columns[plain:], guarded.edges, strict=True):
                clean &= (column > 0) if edge else (column != 0)
        return columns, clean


def _describe(seen: Odd, value: float) -> Odd | None:
    """What a component is at a point where a guard failed or something overflowed; None: the plain value."""
    if seen.status != "ok":
        return seen
    if not math.isfinite(value):
        return Odd("uncertain", "binary64 overflows or loses everything on the way; backend='auto' goes on")
    if not math.isclose(value, seen.value, rel_tol=1e-6, abs_tol=TINY):
        return Odd("uncertain", LOST)
    return seen._replace(value=value) if seen.message else None


def table_bound(task: Task, point: Sequence[float]) -> list[float]:
    """What plain binary64, without pairs, may round in the table's derivative: a bar for a method that states none."""
    from diffkit.numbers.bounds import BOUNDS

    program = derivative_program(task.program, task.indices)
    return [error for _, error in run(program, BOUNDS, [(x, 0.0) for x in point])]

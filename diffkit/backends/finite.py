"""Finite differences: values of f only, in binary64, with adaptive steps, extrapolation and an error bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diffkit.algebras.floats import FLOATS
from diffkit.builder import select
from diffkit.differences import HIGHEST_ORDER, Differences, Sampler
from diffkit.errors import BackendError
from diffkit.program import Program, run
from diffkit.results import Answer, ErrorKind, Odd
from diffkit.tasks import Task


class FiniteEvaluation:
    """The partials of a task from values of each output at points around x."""

    formula = None

    def __init__(self, task: Task):
        self.task = task
        self.outputs = [select(task.program, (slot,)) for slot in task.program.outputs]

    def at(self, point: Sequence[float]) -> Answer:
        """Difference every partial at one point; samples are shared between them."""
        samplers = [Sampler(_function(program), tuple(point)) for program in self.outputs]
        values: list[float] = []
        errors: list[float] = []
        odd: dict[int, Odd] = {}
        for k, sampler in enumerate(samplers):
            variables = sorted({v for output, index in self.task.indices if output == k for v in index})
            if variables:
                sampler.measure_noise(variables)
        for c, (output, index) in enumerate(self.task.indices):
            sampler = samplers[output]
            if index:
                value, bar, seen = Differences(sampler, index).solve()
            else:
                value, bar, seen = sampler.center, max(sampler.noises[0], 2.0**-53 * abs(sampler.center)), None
                if not math.isfinite(value):
                    seen = Odd("domain_error", "f has no value at the point")
            if seen is not None:
                odd[c] = seen
                value = bar = math.nan
            values.append(value)
            errors.append(bar)
        return Answer(values, errors, odd, sum(sampler.evaluations for sampler in samplers))

    def batch(self, points: Any) -> Answer:
        """Difference at every row."""
        whole = Answer([], [])
        for row in points.tolist():
            answer = self.at(row)
            whole.odd.update({len(whole.values) + c: o for c, o in answer.odd.items()})
            whole.values += answer.values
            whole.errors += answer.errors
            whole.evaluations += answer.evaluations
        return whole


def _function(program: Program) -> Any:
    return lambda point: run(program, FLOATS, point)[0]


class FiniteBackend:
    """Central differences up to order 4 in all."""

    name = "finite"
    error_kind: ErrorKind = "estimate"

    def prepare(self, task: Task) -> FiniteEvaluation:
        """Split the program by outputs; BackendError above order 4."""
        if task.order > HIGHEST_ORDER:
            raise BackendError(f"finite differences go up to order {HIGHEST_ORDER}, not {task.order}",
                               hint="use backend='dual' or 'symbolic'")  # fmt: skip
        return FiniteEvaluation(task)

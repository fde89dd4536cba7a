"""Finite differences: values of f only, in binary64, at distances found from the values, with an error bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diffkit.asking.tasks import Task
from diffkit.core.errors import BackendError
from diffkit.core.program import Index
from diffkit.core.results import Answer, ErrorKind, Odd, alike
from diffkit.methods.differences import (
    ECONOMY,
    STENCIL_ORDER,
    THOROUGH,
    VALUELESS_POINT,
    Difference,
    Effort,
    Point,
    Sampler,
    partials,
)
from diffkit.methods.differences.testimony import NOTHING_FINER, Probe, Testimony, vague
from diffkit.methods.differences.witness import sizes

_AGAIN = 8  # points at which a function that looks rough is evaluated again


class FiniteEvaluation:
    """The partials of a task from values of each output at points around x."""

    formula = None

    def __init__(self, task: Task, effort: Effort):
        self.task = task
        self.effort = effort

    def at(self, point: Sequence[float]) -> Answer:
        """Difference every partial at one point; samples are shared between them."""
        return self._answer([tuple(point)])

    def batch(self, points: Any) -> Answer:
        """Difference at every row; f is evaluated at the samples of all rows at once."""
        return self._answer([tuple(row) for row in points.tolist()])

    def _answer(self, points: Sequence[Point]) -> Answer:
        indices, source = self.task.indices, self.task.source
        unit, _ = max(map(source.known_to, points))
        samplers = [Sampler(function, unit) for function in source.samplers(len(points), len(indices))]
        if all(map(math.isnan, (value for sampler in samplers for value in sampler.values(points)))):
            nothing = alike(len(points) * len(indices), VALUELESS_POINT, sum(s.evaluations for s in samplers))
            nothing.errors = nothing.values
            return nothing
        found: dict[tuple[int, int], Difference] = {}
        evaluations = 0
        members: list[list[int]] = [[] for _ in samplers]
        for c, (output, _) in enumerate(indices):
            members[output].append(c)
        for sampler, mine in zip(samplers, members, strict=True):
            rows = partials(sampler, points, [indices[c][1] for c in mine], self.effort)
            for row, (point, seen) in enumerate(zip(points, rows, strict=True)):
                trusted = _trusted(sampler, point, [indices[c] for c in mine], seen)
                found.update({(row, c): d for c, d in zip(mine, trusted, strict=True)})
            evaluations += sampler.evaluations
            if any(d.reason for seen in rows for d in seen):
                source.check_again(list(sampler.known)[:_AGAIN])
        return self._told([found[row, c] for row in range(len(points)) for c in range(len(indices))], evaluations)

    def _told(self, flat: Sequence[Difference], evaluations: int) -> Answer:
        """The answer of differences, point by point."""
        odd = {c: self._odd(d) for c, d in enumerate(flat)}
        values = [math.nan if odd[c] else d.value for c, d in enumerate(flat)]
        bars = [math.nan if odd[c] else d.bar for c, d in enumerate(flat)]
        return Answer(values, bars, {c: seen for c, seen in odd.items() if seen}, evaluations)

    def _odd(self, difference: Difference) -> Odd | None:
        """What is odd about a partial; a function that is random has none that can be trusted."""
        unsteady = self.task.source.unsteady
        if unsteady and difference.odd is None:
            return Odd("uncertain", unsteady, value=difference.value, error=difference.bar)
        return difference.odd


class SparseFiniteEvaluation(FiniteEvaluation):
    """The entries of a sparse Jacobian of code; one evaluation of f has samples of many."""

    def _answer(self, points: Sequence[Point]) -> Answer:
        from diffkit.core.results import joined
        from diffkit.methods.sparse_differences import sparse_partials

        indices, source, answers = self.task.indices, self.task.source, []
        for point in points:
            unit, _ = source.known_to(point)
            sampler, seen = sparse_partials(self.task, point, unit, self.effort)
            largest = sizes({index: d.value for index, d in zip(indices, seen, strict=True)})
            probes = [Probe(sampler, (point[j], float(e)), (0,), {}) for e, (_, (j,)) in enumerate(indices)]
            kept = [
                _fine(d, Testimony(probe, d), largest[index])
                for index, probe, d in zip(indices, probes, seen, strict=True)
            ]
            if any(d.reason for d in seen):
                source.check_again([point] * _AGAIN)
            answers.append(self._told(kept, sampler.evaluations))
        return joined(answers)


def _trusted(sampler: Sampler, point: Point, indices: Sequence[Index], seen: Sequence[Difference]) -> list[Difference]:
    """The partials of an output at a point; those of which too few digits are seen are uncertain, as in ``auto``."""
    largest = sizes({index: d.value for index, d in zip(indices, seen, strict=True)})
    probes = [Probe(sampler, point, index[1], {}) for index in indices]
    return [
        d if not index[1] else _fine(d, Testimony(probe, d), largest[index])
        for index, probe, d in zip(indices, probes, seen, strict=True)
    ]


def _fine(d: Difference, testimony: Testimony, largest: float) -> Difference:
    """A difference, uncertain if too few of its digits are seen."""
    if d.odd is not None or testimony.is_fine(d.value, d.bar, largest):
        return d
    return d._replace(odd=vague(d.value, d.bar, d.reason or NOTHING_FINER))


class FiniteBackend:
    """Partial derivatives up to order 4 in all from values of f.

    ``FiniteBackend(effort=ECONOMY)`` spends at most about 15 evaluations a variable instead of 39, for wider bars.
    """

    name = "finite"
    error_kind: ErrorKind = "estimate"
    most_order = STENCIL_ORDER

    def __init__(self, effort: Effort = THOROUGH):
        self.effort = effort

    def prepare(self, task: Task) -> FiniteEvaluation:
        """Split the program by outputs; BackendError above order 4."""
        if task.order > self.most_order:
            raise BackendError(f"finite differences go up to order {self.most_order}, not {task.order}",
                               hint="use backend='dual' or 'symbolic'")  # fmt: skip
        packs = task.pattern is not None and task.order == 1 and task.source.code is not None
        return SparseFiniteEvaluation(task, self.effort) if packs else FiniteEvaluation(task, self.effort)


__all__ = ["ECONOMY", "THOROUGH", "FiniteBackend", "FiniteEvaluation"]

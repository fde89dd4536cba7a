"""Forward-mode dual numbers: the table's rules pushed through the program, exact but for rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from diffkit.asking.tasks import Task
from diffkit.calculus.derivatives import differentiate
from diffkit.core.program import Index
from diffkit.core.results import ErrorKind
from diffkit.methods.evaluation import Derived, FunctionEvaluation, ProgramEvaluation

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

DUAL_NUMBERS = 2**19  # numbers in the tangents of the arguments of one pass


class DualBackend:
    """Duals over the builder write the derivative program once; each point then costs one run of it.

    A Python function runs on arrays of dual numbers instead, at every point anew.
    """

    name = "dual"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ProgramEvaluation | _DualFunction:
        """Write the program of the task's partials."""
        if task.function is not None:
            return _DualFunction(task)
        return ProgramEvaluation(task, differentiate(task.program, task.indices))


class _DualFunction(FunctionEvaluation):
    """The partials of a Python function by dual arrays: one pass pushes many directions."""

    def derive(self, point: Any) -> Derived:
        """Every partial of the task; a level for each order, all variables of a level in one pass."""
        import numpy as np

        found: dict[Index, Any] = {}
        hits: list[Hit] = []
        values: list[Any] = []
        for order in sorted({len(index) for _, index in self.task.indices}):
            indices = {index for _, index in self.task.indices if len(index) == order}
            levels = [sorted(set(variables)) for variables in zip(*indices, strict=True)]
            if not levels:
                found.update({(k, ()): v for k, v in enumerate(self.function.values(point))})
                continue
            for part in _parts(levels, max(1, DUAL_NUMBERS // len(point) // 4 ** (order - 1))):
                tangents = np.asarray(self._push(part, point, self.function.split(point), hits, values))
                table = tangents.reshape(*map(len, reversed(part)), -1)
                places = [{variable: k for k, variable in enumerate(level)} for level in reversed(part)]
                for index in indices.intersection(product(*part)):
                    row = table[tuple(place[v] for place, v in zip(places, reversed(index), strict=True))]
                    found.update({(k, index): v for k, v in enumerate(row)})
        value = values[0] if values else self.function.values(point)
        return Derived(value, np.array([found[index] for index in self.task.indices], dtype=point.dtype), hits)

    def _push(
        self, levels: Sequence[Sequence[int]], point: Any, values: Sequence[Any], hits: list[Hit], seen: list[Any]
    ) -> Any:
        """Tangents along the variables of the first level, differentiated by those of the next ones."""
        import numpy as np

        from diffkit.ndarrays import pushforward
        from diffkit.ndarrays.kernel import plain

        *inner, variables = levels
        seeds = self.seeds(variables, point)
        if inner:
            pushed = pushforward(lambda *moved: self._push(inner, point, moved, hits, seen), values, seeds)
        else:
            pushed = pushforward(self.function.call, values, seeds)
            seen.append(np.ravel(plain(pushed.value)))
        hits.extend(pushed.hits)
        return pushed.tangents


def _parts(levels: list[list[int]], most: int) -> Iterator[list[list[int]]]:
    """Split the last level, then the first one, until at most so many combinations go together."""
    inside = math.prod(map(len, levels[:-1]))
    wide = max(1, most // inside)
    for first in range(0, len(levels[-1]), wide):
        last = levels[-1][first : first + wide]
        if inside <= most or len(levels) == 1:
            yield [*levels[:-1], last]
            continue
        for start in range(0, len(levels[0]), most):
            yield [levels[0][start : start + most], *levels[1:-1], last]

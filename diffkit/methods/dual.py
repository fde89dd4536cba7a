"""Forward-mode dual numbers: the table's rules pushed through the program, exact but for rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.asking.tasks import Task
from diffkit.calculus.derivatives import differentiate
from diffkit.core.results import ErrorKind
from diffkit.methods.coloured import ColouredEvaluation, coloured
from diffkit.methods.function_evaluation import Derived, FunctionEvaluation
from diffkit.methods.program_evaluation import ProgramEvaluation

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

DUAL_NUMBERS = 2**19  # numbers in the tangents of the arguments of one pass


class DualBackend:
    """Duals over the builder write the derivative program once; each point then costs one run of it.

    A Python function runs on arrays of dual numbers instead, at every point anew.
    """

    name = "dual"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ProgramEvaluation | ColouredEvaluation | _DualFunction:
        """Write the program of the task's partials."""
        if task.source.code is not None:
            return coloured(task, _DualFunction)  # type: ignore[no-any-return]
        return ProgramEvaluation(task, differentiate(task.program, task.with_values))


class _DualFunction(FunctionEvaluation):
    """The partials of a Python function by dual arrays: one pass pushes many directions."""

    def derive(self, point: Any) -> Derived:
        """Every partial of the task; a level for each order, all variables of a level in one pass."""
        import numpy as np

        found = np.empty(len(self.task.indices), dtype=point.dtype)
        hits: list[Hit] = []
        values: list[Any] = []
        rests = [rest for rest in self.grids if rest is not None]
        for order in sorted({len(rest) + 1 for rest in rests}):
            mine = [rest for rest in rests if len(rest) + 1 == order]
            first = {int(v) for rest in mine for grid in self.grids[rest] for v in grid.variables}
            levels = [sorted(first), *(sorted(set(variables)) for variables in zip(*mine, strict=True))]
            for part in _parts(levels, max(1, DUAL_NUMBERS // len(point) // 4 ** (order - 1))):
                tangents = np.asarray(self._push(part, point, self.function.split(point), hits, values))
                self._deal(found, mine, part, tangents.reshape(*map(len, reversed(part)), -1))
        value = values[0] if values else self.function.values(point)
        self.fill_values(found, value)
        return Derived(value, found, hits)

    def _deal(self, found: Any, rests: Sequence[tuple[int, ...]], part: Sequence[Sequence[int]], tangents: Any) -> None:
        """Put the partials of a pass where they belong; the axes of its tangents are the levels, the last one first."""
        import numpy as np

        column = np.full(len(self.function.inputs), -1)
        column[part[0]] = range(len(part[0]))
        row = np.arange(tangents.shape[-1])
        places = [{variable: k for k, variable in enumerate(level)} for level in part[1:]]
        for rest in rests:
            chosen = [place.get(v) for place, v in zip(places, rest, strict=True)]
            if None not in chosen:
                self.fill(found, rest, tangents[tuple(reversed(chosen))].T, row, column)

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

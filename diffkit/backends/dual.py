"""Forward-mode dual numbers: the table's rules pushed through the program, exact but for rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from diffkit.errors import BackendError
from diffkit.evaluation import ProgramEvaluation
from diffkit.results import Answer, ErrorKind, Odd
from diffkit.tasks import Index, Task
from diffkit.transforms import differentiate

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

HIGHEST_ORDER = 4  # of a Python function: nesting costs 2ⁿ
BESIDE = 1 + 2.0**-9  # factor of the point at which the code is followed once more, to see that it can be
BLOCK = 2**19  # numbers in the tangents of the arguments of one pass


class DualBackend:
    """Duals over the builder write the derivative program once; each point then costs one run of it.

    A Python function runs on arrays of dual numbers instead, at every point anew.
    """

    name = "dual"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ProgramEvaluation | FunctionEvaluation:
        """Write the program of the task's partials."""
        if task.function is not None:
            return FunctionEvaluation(task)
        return ProgramEvaluation(task, differentiate(task.program, task.indices))


class FunctionEvaluation:
    """The partials of a Python function by dual arrays: one pass pushes many directions."""

    formula = None

    def __init__(self, task: Task):
        if task.order > HIGHEST_ORDER:
            raise BackendError(f"dual numbers of a Python function go up to order {HIGHEST_ORDER}, not {task.order}",
                               hint="a function without branches can be traced: use backend='auto'")  # fmt: skip
        assert task.function is not None
        self.task, self.function = task, task.function
        self.followed = False

    def _check_beside(self, point: Any) -> None:
        """TracingError if, beside the point, the code gives other values when it is followed; once is enough."""
        from diffkit.ndarrays import pushforward

        beside = point * BESIDE + (point == 0) * (BESIDE - 1)
        row = (beside - point)[None]
        with self.function.following():
            pushed = pushforward(self.function.call, self.function.split(beside), self.function.split(row))
            self.function.check_values(beside, pushed.value)
        self.followed = True

    def at(self, point: Sequence[float]) -> Answer:
        """Push directions through the function at one point."""
        import numpy as np

        start = self.function.evaluations
        value = self.function.values(point)
        hits: list[Hit] = []
        table: dict[Index, Any] = {}
        if np.any(np.isfinite(value)) and not self.function.unsteady:
            place = np.array(point, dtype=float)
            if not self.followed:
                self._check_beside(place)
            table, hits = self._derivatives(place)
        values = [float(table.get(index, np.nan)) for index in self.task.indices]
        odd = {}
        for c, (output, _) in enumerate(self.task.indices):
            seen = self._odd(float(value[output]), values[c], hits)
            if seen is not None:
                values[c], odd[c] = np.nan, seen
        return Answer(values, None, odd, self.function.evaluations - start)

    def _odd(self, value: float, slope: float, hits: Sequence[Hit]) -> Odd | None:
        """What is known of a component that has no ordinary value."""
        import numpy as np

        if not np.isfinite(value):
            reason = self.function.reason or f"{self.function.name} is {value} there"
            return Odd("domain_error", reason, cause="outside the domain")
        if self.function.unsteady:
            return Odd("uncertain", self.function.unsteady)
        ties = [hit for hit in hits if hit.kind == "tie"]
        if not np.isfinite(slope) or ties:
            seen = "; ".join(dict.fromkeys(str(hit) for hit in (hits if not np.isfinite(slope) else ties)))
            return Odd("uncertain", seen or "binary64 overflows or loses everything on the way")
        return None

    def _derivatives(self, point: Any) -> tuple[dict[Index, Any], list[Hit]]:
        """Every partial of the task, by index; a level for each order, all variables of a level in one pass."""
        import numpy as np

        found: dict[Index, Any] = {}
        hits: list[Hit] = []
        for order in sorted({len(index) for _, index in self.task.indices}):
            indices = {index for _, index in self.task.indices if len(index) == order}
            levels = [sorted(set(variables)) for variables in zip(*indices, strict=True)]
            if not levels:
                found.update({(k, ()): v for k, v in enumerate(self.function.values(point).tolist())})
                continue
            for part in _parts(levels, max(1, BLOCK // len(point) // 4 ** (order - 1))):
                tangents = np.asarray(self._push(part, point, self.function.split(point), hits))
                table = tangents.reshape(*map(len, reversed(part)), -1)
                places = [{variable: k for k, variable in enumerate(level)} for level in reversed(part)]
                for index in indices.intersection(product(*part)):
                    row = table[tuple(place[v] for place, v in zip(places, reversed(index), strict=True))]
                    found.update({(k, index): v for k, v in enumerate(row)})
        return found, hits

    def _push(self, levels: Sequence[Sequence[int]], point: Any, values: Sequence[Any], hits: list[Hit]) -> Any:
        """Tangents along the variables of the first level, differentiated by those of the next ones."""
        import numpy as np

        from diffkit.ndarrays import pushforward
        from diffkit.ndarrays.kernel import plain

        *inner, variables = levels
        rows = np.zeros((len(variables), len(point)), dtype=point.dtype)
        rows[np.arange(len(variables)), variables] = 1.0
        seeds = [part if np.any(part) else None for part in self.function.split(rows)]
        if inner:
            pushed = pushforward(lambda *moved: self._push(inner, point, moved, hits), values, seeds)
        else:
            with self.function.following():
                pushed = pushforward(self.function.call, values, seeds)
            if point.dtype == float:
                self.function.check_values(point, plain(pushed.value))
            self.function.evaluations += 1
        hits.extend(pushed.hits)
        return pushed.tangents

    def bound(self, point: Sequence[float]) -> list[float]:
        """How far rounding may carry each component, measured."""
        from diffkit.callables.noise import rounding

        def values(row: Any) -> Any:
            import numpy as np

            table, _ = self._derivatives(row)
            return np.array([table[index] for index in self.task.indices])

        return [float(b) for b in rounding(values, point)]

    def batch(self, points: Any) -> Answer:
        """Answer row by row."""
        from diffkit.evaluation import by_rows

        return by_rows(self, points)


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

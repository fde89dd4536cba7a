"""Forward-mode dual numbers: the table's rules pushed through the program, exact but for rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diffkit.errors import BackendError
from diffkit.evaluation import ProgramEvaluation
from diffkit.results import Answer, ErrorKind, Odd
from diffkit.tasks import Index, Task
from diffkit.transforms import differentiate

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

HIGHEST_ORDER = 4  # of a Python function: nesting costs 2ⁿ
BLOCK = 2**21  # numbers in the tangents of the arguments of one pass


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

    def at(self, point: Sequence[float]) -> Answer:
        """Push directions through the function at one point."""
        import numpy as np

        start = self.function.evaluations
        value = self.function.values(point)
        self.function.evaluations += 1
        with self.function.followed():
            table, hits = self._derivatives(np.array(point, dtype=float))
        values = [float(table[index]) for index in self.task.indices]
        odd = {}
        for c, (output, _) in enumerate(self.task.indices):
            seen = self._odd(float(value[output]), values[c], hits)
            if seen is not None:
                values[c], odd[c] = np.nan, seen
        return Answer(values, None, odd, self.function.evaluations - start, warnings=self.function.warnings)

    def _odd(self, value: float, slope: float, hits: Sequence[Hit]) -> Odd | None:
        """What is known of a component that has no ordinary value."""
        import numpy as np

        if not np.isfinite(value):
            reason = self.function.reason or f"{self.function.name} is {value} there"
            return Odd("domain_error", reason, cause="outside the domain")
        if "not deterministic" in self.function.faults:
            return Odd("uncertain", self.function.faults["not deterministic"])
        ties = [hit for hit in hits if hit.kind == "tie"]
        if not np.isfinite(slope) or ties:
            seen = "; ".join(dict.fromkeys(str(hit) for hit in (hits if not np.isfinite(slope) else ties)))
            return Odd("uncertain", seen or "binary64 overflows or loses everything on the way")
        return None

    def _derivatives(self, point: Any) -> tuple[dict[Index, Any], list[Hit]]:
        """Every partial of the task, by index; those that differ only in their first variable share a pass."""
        import numpy as np

        from diffkit.ndarrays import pushforward

        groups: dict[tuple[int, ...], dict[int, None]] = {}
        found: dict[Index, Any] = {}
        for output, index in self.task.indices:
            if index:
                groups.setdefault(index[1:], {})[index[0]] = None
            else:
                found[output, ()] = self.function.values(point)[output]
        hits: list[Hit] = []

        def seeds(variables: Sequence[int]) -> list[Any]:
            rows = np.zeros((len(variables), len(point)), dtype=point.dtype)
            rows[np.arange(len(variables)), variables] = 1.0
            parts = self.function.split(rows)
            return [part if np.any(part) else None for part in parts]

        def push(outer: tuple[int, ...], inner: Sequence[int], *values: Any) -> Any:
            """Tangents along the inner variables, differentiated by the outer ones."""
            if outer:
                pushed = pushforward(lambda *moved: push(outer[:-1], inner, *moved), values, seeds(outer[-1:]))
                hits.extend(pushed.hits)
                return pushed.tangents[0]
            pushed = pushforward(self.function.call, values, seeds(inner))
            hits.extend(pushed.hits)
            self.function.evaluations += len(inner)
            return pushed.tangents

        width = max(1, BLOCK // max(1, len(point)))
        for outer, members in groups.items():
            inner = list(members)
            for first in range(0, len(inner), width):
                chunk = inner[first : first + width]
                tangents = np.asarray(push(outer, chunk, *self.function.split(point))).reshape(len(chunk), -1)
                for row, variable in enumerate(chunk):
                    for output in self.function.outputs:
                        found[output, (variable, *outer)] = tangents[row, output]
        return found, hits

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

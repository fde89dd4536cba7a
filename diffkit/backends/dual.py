"""Forward-mode dual numbers: the table's rules pushed through the program, exact but for rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffkit.evaluation import ProgramEvaluation
from diffkit.function_evaluation import Derived, FunctionEvaluation
from diffkit.results import ErrorKind
from diffkit.tasks import Task
from diffkit.transforms import differentiate

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

BLOCK = 2**21  # numbers in the tangents of the arguments of one pass


class DualBackend:
    """Duals over the builder write the derivative program once; each point then costs one run of it.

    A Python function runs on arrays of dual numbers instead, at every point anew.
    """

    name = "dual"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ProgramEvaluation | DualFunction:
        """Write the program of the task's partials."""
        if task.function is not None:
            return DualFunction(task)
        return ProgramEvaluation(task, differentiate(task.program, task.indices))


class DualFunction(FunctionEvaluation):
    """The partials of a Python function by dual arrays: one pass pushes many directions."""

    def derive(self, point: Any) -> Derived:
        """Every partial of the task; those that differ only in their first variable share a pass."""
        import numpy as np

        from diffkit.ndarrays import pushforward
        from diffkit.ndarrays.kernel import plain

        found = np.empty(len(self.task.indices), dtype=point.dtype)
        value: Any = None
        hits: list[Hit] = []

        def push(outer: tuple[int, ...], inner: Any, *values: Any) -> Any:
            """Tangents along the inner variables, differentiated by the outer ones."""
            nonlocal value
            if outer:
                seeds = self.seeds(outer[-1:], point)
                pushed = pushforward(lambda *moved: push(outer[:-1], inner, *moved), values, seeds)
                hits.extend(pushed.hits)
                return pushed.tangents[0]
            pushed = pushforward(self.function.call, values, self.seeds(inner, point))
            hits.extend(pushed.hits)
            self.function.evaluations += len(inner)
            value = np.ravel(plain(pushed.value))
            return pushed.tangents

        width = max(1, BLOCK // max(1, len(point)))
        for outer, group in self.groups.items():
            if outer is None:
                continue
            inner = np.unique(group.variables)
            for first in range(0, len(inner), width):
                chunk = inner[first : first + width]
                tangents = np.asarray(push(outer, chunk, *self.function.split(point))).reshape(len(chunk), -1)
                here = np.isin(group.variables, chunk)
                rows = np.searchsorted(chunk, group.variables[here])
                found[group.places[here]] = tangents[rows, group.outputs[here]]
        if None in self.groups:
            value = self.function.values(point) if value is None else value
            found[self.groups[None].places] = value[self.groups[None].outputs]
        return Derived(value, found, hits)

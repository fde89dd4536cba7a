"""Reverse mode (back-propagation): every operation hands its cotangent back to its arguments, the last one first.

A gradient costs a few evaluations of f, whatever the number of inputs (Griewank & Walther, 2nd ed., section 4.6).
Further orders are forward mode over it, so a Hessian times a vector costs a few evaluations too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diffkit.evaluation import ProgramEvaluation
from diffkit.function_evaluation import Derived, FunctionEvaluation
from diffkit.results import ErrorKind
from diffkit.tasks import Index, Task
from diffkit.transforms import reverse_program

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

BLOCK = 2**21  # numbers in the tangents of the arguments of one pass


class ReverseBackend:
    """Reverse accumulation writes the derivative program once; each point then costs one run of it.

    A Python function is recorded on a tape instead, at every point anew.
    """

    name = "reverse"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ProgramEvaluation | ReverseFunction:
        """Write the program of the task's partials."""
        if task.function is not None:
            return ReverseFunction(task)
        return ProgramEvaluation(task, reverse_program(task.program, task.indices))


class ReverseFunction(FunctionEvaluation):
    """The partials of a Python function by tapes: one sweep gives the gradient of one entry of the result."""

    def derive(self, point: Any) -> Derived:
        """Every partial of the task; those that differ only in their first variable share a sweep."""
        import numpy as np

        orders: dict[tuple[int, ...], dict[int, None]] = {}
        seen = Sweeps(self, point)
        for _, index in self.task.indices:
            if len(index) > 1:
                orders.setdefault(index[2:], {})[index[1]] = None
        found: dict[Index, Any] = {}
        if any(len(index) <= 1 for _, index in self.task.indices):
            self._collect(found, (), seen.gradients(*self.function.split(point)))
        width = max(1, BLOCK // max(1, len(point)))
        for outer, members in orders.items():
            directions = list(members)
            for first in range(0, len(directions), width):
                chunk = directions[first : first + width]
                for direction, table in zip(chunk, seen.pushed(outer, chunk), strict=True):
                    self._collect(found, (direction, *outer), table)
        for output, index in self.task.indices:
            if not index:
                found[output, ()] = seen.values[output]
        return Derived(np.asarray(seen.values), found, seen.hits)

    def _collect(self, found: dict[Index, Any], rest: tuple[int, ...], table: Any) -> None:
        """Enter gradients, or what further derivatives made of them, by index."""
        for output, index in self.task.indices:
            if index and index[1:] == rest:
                found[output, index] = table[output][index[0]]


class Sweeps:
    """Gradients at one point, of the outputs and by the arguments that a task asks for."""

    def __init__(self, evaluation: ReverseFunction, point: Any):
        indices = evaluation.task.indices
        self.function, self.point = evaluation.function, point
        self.outputs = sorted({output for output, index in indices if index})
        wanted = {index[0] for _, index in indices if index}
        self.active: list[bool] = []
        first = 0
        for argument in self.function.arguments:
            self.active.append(any(first <= variable < first + argument.size for variable in wanted))
            first += argument.size
        self.values: Any = None
        self.hits: list[Hit] = []

    def gradients(self, *arguments: Any) -> Any:
        """The gradient of each output that is asked for, by all coordinates, stacked; the others are rows of zeros."""
        import numpy as np

        from diffkit.ndarrays import pullback
        from diffkit.ndarrays.kernel import plain

        pulled = pullback(self.function.call, arguments, self.active)
        self.hits.extend(pulled.hits)
        self.values = np.ravel(plain(pulled.value))
        rows: list[Any] = [np.zeros(len(self.point))] * len(self.function.outputs)
        for output in self.outputs:
            seed = np.zeros(len(rows))
            seed[output] = 1.0
            parts = pulled.back(seed.reshape(np.shape(pulled.value)))
            rows[output] = np.concatenate([
                np.zeros(argument.size) if part is None else np.reshape(part, (argument.size,))
                for argument, part in zip(self.function.arguments, parts, strict=True)
            ])  # fmt: skip
        self.function.evaluations += 1 + len(self.outputs)
        return np.stack(rows)

    def pushed(self, outer: tuple[int, ...], directions: Sequence[int]) -> Any:
        """Derivatives of the gradients along several coordinates, each differentiated by the outer ones as well."""
        return self._push((*outer, None), directions, *self.function.split(self.point))

    def _push(self, outer: tuple[int | None, ...], directions: Sequence[int], *arguments: Any) -> Any:
        from diffkit.ndarrays import pushforward

        *further, last = outer
        chosen = directions if last is None else [last]
        inner = self.gradients if not further else lambda *moved: self._push(tuple(further), directions, *moved)
        pushed = pushforward(inner, arguments, self._seeds(chosen))
        self.hits.extend(pushed.hits)
        return pushed.tangents if last is None else pushed.tangents[0]

    def _seeds(self, variables: Sequence[int]) -> list[Any]:
        """Tangents of the arguments along coordinates; None for an argument that does not move."""
        import numpy as np

        rows = np.zeros((len(variables), len(self.point)))
        rows[np.arange(len(variables)), variables] = 1.0
        return [part if np.any(part) else None for part in self.function.split(rows)]

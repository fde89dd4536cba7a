"""Reverse mode (back-propagation): every operation hands its cotangent back to its arguments, the last one first.

A gradient costs a few evaluations of f, whatever the number of inputs (Griewank & Walther, 2nd ed., section 4.6).
Further orders are forward mode over it, so a Hessian times a vector costs a few evaluations too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diffkit.asking.tasks import Task
from diffkit.calculus.derivatives import reverse_program
from diffkit.core.results import ErrorKind
from diffkit.methods.coloured import ColouredEvaluation, coloured
from diffkit.methods.function_evaluation import Derived, FunctionEvaluation
from diffkit.methods.program_evaluation import ProgramEvaluation
from diffkit.methods.separable_evaluation import SeparableEvaluation

if TYPE_CHECKING:
    from diffkit.ndarrays import Hit

_REVERSE_NUMBERS = 2**21  # numbers in the tangents of the arguments of one pass


class ReverseBackend:
    """Reverse accumulation writes the derivative program once; each point then costs one run of it.

    A Python function is recorded on a tape instead, at every point anew.
    """

    name = "reverse"
    error_kind: ErrorKind = "none"

    def prepare(self, task: Task) -> ProgramEvaluation | SeparableEvaluation | ColouredEvaluation | _ReverseFunction:
        """Write the program of the task's partials, or those of its terms where they are alike."""
        if task.source.code is not None:
            return coloured(task, _ReverseFunction, by_outputs=True)  # type: ignore[no-any-return]
        return SeparableEvaluation.of(task) or ProgramEvaluation(task, reverse_program(task.program, task.with_values))


class _ReverseFunction(FunctionEvaluation):
    """The partials of a Python function by tapes: one sweep gives the gradient of one entry of the result."""

    def derive(self, point: Any) -> Derived:
        """Every partial of the task; those that differ only in their first variable share a sweep."""
        import numpy as np

        found = np.empty(len(self.task.indices), dtype=point.dtype)
        sweeps, column = _Sweeps(self, point), np.arange(len(point))
        further: dict[tuple[int, ...], list[int]] = {}
        for rest in self.grids:
            if rest == ():
                self.fill(found, rest, sweeps.gradients(*self.function.split(point)), sweeps.row, column)
            elif rest is not None:
                further.setdefault(rest[1:], []).append(rest[0])
        width = max(1, _REVERSE_NUMBERS // max(1, len(point)))
        for outer, directions in further.items():
            for first in range(0, len(directions), width):
                chunk = directions[first : first + width]
                for direction, table in zip(chunk, sweeps.pushed(outer, chunk), strict=True):
                    self.fill(found, (direction, *outer), table, sweeps.row, column)
        if None in self.grids and sweeps.values is None:
            sweeps.values = self.function.values(point)
        self.fill_values(found, sweeps.values)
        return Derived(sweeps.values, found, sweeps.hits)


class _Sweeps:
    """Gradients at one point, of the outputs and by the arguments that a task asks for."""

    def __init__(self, evaluation: _ReverseFunction, point: Any):
        import numpy as np

        self.evaluation, self.function, self.point = evaluation, evaluation.function, point
        wanted = np.zeros(len(point), dtype=bool)
        asked = np.zeros(len(self.function.outputs), dtype=bool)
        for grid in (grid for rest, mine in evaluation.grids.items() if rest is not None for grid in mine):
            wanted[grid.variables] = True
            asked[grid.outputs] = True
        self.active = [bool(np.any(part)) for part in self.function.split(wanted)]
        self.outputs = np.flatnonzero(asked)
        self.row = np.cumsum(asked) - 1
        """row of the gradients that belongs to each output"""
        self.values: Any = None
        self.hits: list[Hit] = []

    def gradients(self, *arguments: Any) -> Any:
        """The gradients of the outputs that are asked for, by all coordinates, stacked."""
        import numpy as np

        from diffkit.ndarrays import pullback
        from diffkit.ndarrays.kernel import plain

        pulled = pullback(self.function.call, arguments, self.active)
        self.hits.extend(pulled.hits)
        self.values = np.ravel(plain(pulled.value))
        rows = []
        for output in self.outputs:
            seed = np.zeros(len(self.values), dtype=self.point.dtype)
            seed[output] = 1.0
            parts = pulled.back(seed.reshape(np.shape(pulled.value)))
            rows.append(np.concatenate([
                np.zeros(argument.size) if part is None else np.reshape(part, (argument.size,))
                for argument, part in zip(self.function.arguments, parts, strict=True)
            ]))  # fmt: skip
        return np.stack(rows)

    def pushed(self, outer: tuple[int, ...], directions: Sequence[int]) -> Any:
        """Derivatives of the gradients along several coordinates, each differentiated by the outer ones as well."""
        from diffkit.ndarrays import pushforward

        def inner(*arguments: Any) -> Any:
            return self._differentiated(outer, *arguments)

        seeds = self.evaluation.seeds(directions, self.point)
        pushed = pushforward(inner, self.function.split(self.point), seeds)
        self.hits.extend(pushed.hits)
        return pushed.tangents

    def _differentiated(self, outer: tuple[int, ...], *arguments: Any) -> Any:
        """The gradients, differentiated by the outer coordinates."""
        from diffkit.ndarrays import pushforward

        if not outer:
            return self.gradients(*arguments)
        seeds = self.evaluation.seeds(outer[-1:], self.point)
        pushed = pushforward(lambda *moved: self._differentiated(outer[:-1], *moved), arguments, seeds)
        self.hits.extend(pushed.hits)
        return pushed.tangents[0]

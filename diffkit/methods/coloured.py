"""Sparse Jacobians and Hessians of code by colouring: what one direction finds at a time, and each entry read from it.

With f(x + s·y), where y has a coordinate for each colour, ∂fₖ/∂y_c is ∂fₖ/∂xⱼ·sⱼ for the only xⱼ of the colour that fₖ
depends on, and ∂²f/∂xᵢ∂y_c likewise of a Hessian. Reverse mode takes sums of outputs of one colour instead. Source:
Gebremedhin, Manne & Pothen, What color is your Jacobian?, SIAM Review 47 (2005).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.asking.tasks import Task
from diffkit.calculus.colouring import column_colours, star_colours
from diffkit.core.program import Index
from diffkit.core.results import Answer, by_rows, floats_of

if TYPE_CHECKING:
    from diffkit.asking.callables import Bound

_LARGEST_SCALE = 100  # binary orders beyond which steps are not made in proportion to a coordinate

NOT_MOVED = -1
"""the colour of an input that moves not, or of an output that is in no sum"""

Make = Callable[[Task], Any]
"""What evaluates a task of code."""


class Compressed(NamedTuple):
    """A task of fewer derivatives; ``scaling`` names the input by whose s each of the partials has to be divided."""

    task: Task
    reads: list[int]
    """which derivative of that task each partial is"""
    moving: Sequence[bool] = ()
    """which inputs move by colours; empty where outputs are summed"""
    scaling: Sequence[int] = ()


def coloured(task: Task, make: Make, *, by_outputs: bool = False, scaled: bool = False) -> Any:
    """Evaluate a task of code as ``make`` does, by colours where it asks for a sparse matrix and that saves work.

    ``by_outputs``: outputs of a Jacobian are grouped, not inputs; ``scaled``: steps are in proportion to coordinates.
    """
    plan = None
    if task.pattern is not None and task.indices:
        plan = _by_pairs(task) if task.order == 2 else _by_outputs(task) if by_outputs else _by_inputs(task)
    return make(task) if plan is None else ColouredEvaluation(task, make, plan, scaled)


def jacobian_colours(task: Task) -> list[int]:
    """Give a colour for each input; those of one colour lead to no output together, and −1 leads to none."""
    rows: list[list[int]] = [[] for _ in task.source.outputs]
    for output, (j,) in task.indices:
        rows[output].append(j)
    colours = column_colours(rows, len(task.source.inputs))
    used = {j for row in rows for j in row}
    return [colour if j in used else NOT_MOVED for j, colour in enumerate(colours)]


def _by_inputs(task: Task) -> Compressed | None:
    """Derivatives of a Jacobian along the inputs of a colour."""
    colours, first = jacobian_colours(task), 2 * len(task.source.inputs)
    wanted = [(output, (first + colours[j],)) for output, (j,) in task.indices]
    return _along(task, colours, wanted, [j for _, (j,) in task.indices])


def _by_pairs(task: Task) -> Compressed | None:
    """Derivatives of a gradient along the inputs of a colour."""
    count = len(task.source.inputs)
    rows: list[list[int]] = [[] for _ in range(count)]
    for _, (i, j) in task.indices:
        rows[i].append(j)
        if i != j:
            rows[j].append(i)
    star = star_colours(rows)
    colours = [colour if row else NOT_MOVED for colour, row in zip(star, rows, strict=True)]
    around = [Counter(colours[j] for j in row) for row in rows]
    read = [(i, j) if around[i][colours[j]] == 1 else (j, i) for _, (i, j) in task.indices]
    return _along(task, colours, [(0, (i, 2 * count + colours[j])) for i, j in read], [j for _, j in read])


def _along(task: Task, colours: list[int], wanted: Sequence[Index], scaling: list[int]) -> Compressed | None:
    """The task of some derivatives of f(x + s·y); None where there are as many colours as inputs that move."""
    from diffkit.asking.callables.compressed_functions import along_colours

    moving = [colour != NOT_MOVED for colour in colours]
    if max(colours) + 1 >= sum(moving):
        return None
    assert task.function is not None
    return Compressed(*_derivatives(task, along_colours(task.function, colours), wanted), moving, scaling)


def _by_outputs(task: Task) -> Compressed | None:
    """Derivatives of sums of outputs that depend on no input together."""
    from diffkit.asking.callables.compressed_functions import grouped_outputs

    columns: list[list[int]] = [[] for _ in task.source.inputs]
    for output, (j,) in task.indices:
        columns[j].append(output)
    used = {output for column in columns for output in column}
    found = column_colours(columns, len(task.source.outputs))
    if max(found) + 1 >= len(used):
        return None
    assert task.function is not None
    colours = [colour if output in used else NOT_MOVED for output, colour in enumerate(found)]
    sums = grouped_outputs(task.function, colours)
    return Compressed(*_derivatives(task, sums, [(colours[output], index) for output, index in task.indices]))


def _derivatives(task: Task, source: Bound, wanted: Sequence[Index]) -> tuple[Task, list[int]]:
    """The task of some derivatives, each of them once, and the places where they are found."""
    number: dict[Index, int] = {}
    reads = [number.setdefault(index, len(number)) for index in wanted]
    indices = tuple(number)
    made = replace(task, source=source, indices=indices, places=range(len(indices)), shape=(len(indices),),
                   labels=[""] * len(indices), pattern=None)  # fmt: skip
    return made, reads


class ColouredEvaluation:
    """The partials of a task by compressed derivatives; where any of these is odd, by themselves."""

    formula = None

    def __init__(self, task: Task, make: Make, plan: Compressed, scaled: bool):
        self.task, self.make, self.plan, self.scaled = task, make, plan, scaled
        self.inner = make(plan.task)

    @cached_property
    def whole(self) -> Any:
        """What evaluates the partials one by one."""
        return self.make(self.task)

    def at(self, point: Sequence[float]) -> Answer:
        """Give the partials at one point."""
        assert self.task.function is not None
        assert self.plan.task.function is not None
        function, path, scales = self.task.function, self.plan.task.function, self._scales(point)
        start, before = function.evaluations, path.evaluations
        found = self.inner.at(self._placed(point, scales))
        function.evaluations += path.evaluations - before
        if found.odd:
            found = self.whole.at(point)
            found.evaluations = function.evaluations - start
            return found  # type: ignore[no-any-return]
        errors = None if found.errors is None else self._read(found.errors, scales)
        evaluations = function.evaluations - start
        return Answer(self._read(found.values, scales), errors, {}, evaluations, found.note,
                      error_kind=found.error_kind)  # fmt: skip

    def bound(self, point: Sequence[float]) -> list[float]:
        """How far rounding may carry each partial, measured."""
        scales = self._scales(point)
        return self._read(self.inner.bound(self._placed(point, scales)), scales)

    def batch(self, points: Any) -> Answer:
        """Answer row by row."""
        return by_rows(self, points)

    def _placed(self, point: Sequence[float], scales: Sequence[float]) -> tuple[float, ...]:
        """The point of the compressed task: y is 0."""
        path = self.plan.task.source
        return (*point, *scales, *[0.0] * (len(path.inputs) - len(point) - len(scales)))

    def _scales(self, point: Sequence[float]) -> list[float]:
        """How far each input moves for y = 1: powers of two, which round nothing."""
        if not self.scaled:
            return [float(moves) for moves in self.plan.moving]
        return [float(moves and _scale(x)) for moves, x in zip(self.plan.moving, point, strict=bool(self.plan.moving))]

    def _read(self, found: Any, scales: Sequence[float]) -> list[float]:
        """The partials, of derivatives."""
        values = floats_of(found)
        read = [values[place] for place in self.plan.reads]
        if not self.scaled or not self.plan.scaling:
            return read
        return [value / scales[j] for value, j in zip(read, self.plan.scaling, strict=True)]


def _scale(x: float) -> float:
    """A power of two near a coordinate; 1 for 0."""
    return math.ldexp(1.0, min(_LARGEST_SCALE, max(-_LARGEST_SCALE, math.frexp(x)[1])))

"""Code that was recorded as a formula, replayed compiled at later points instead of being followed again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.asking.callables.following import following, same_values
from diffkit.asking.callables.outside_reads import OutsideReads, reads_of
from diffkit.asking.tasks import Task
from diffkit.calculus.array_derivatives import adjoints, varying
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import guard
from diffkit.calculus.stacked import stacked
from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import Order
from diffkit.core.contractions import Contract
from diffkit.core.errors import BackendError, LimitError
from diffkit.core.partials import FirstPartials
from diffkit.core.program import Program
from diffkit.core.rules import by_rule
from diffkit.engines import Call, Unsuited
from diffkit.engines.array_buffers import compile_arrays
from diffkit.engines.choice import Engines
from diffkit.engines.lowering import lower_values
from diffkit.engines.python import compile_point
from diffkit.ndarrays import record_function

_HELD_NUMBERS = 2**20  # numbers that are computed at a time
_LONE_PRODUCT = (
    2**18
)  # products of numbers up to which a product of matrices is not shared among threads, which wait busily
_NUMBER_BY_NUMBER = 2000  # computed by a recorded function, up to which each is a number of its own

Values = Callable[[Any], Any]
"""A function of a point: numbers, flat, or None where it is not ordinary."""


Batch = Callable[[Any], "tuple[Any, Any]"]
"""A function of points (B, n): partials (B, m), and which rows are ordinary."""


class Replay(NamedTuple):
    """A record as code: f's values, and the partials in the order of the task."""

    values: Values
    partials: Values
    batch: Batch
    chosen: Mapping[str, str]
    """the engines that it runs by"""
    gradient: _Gradient | None = None
    """what computes the partials, if it is a record in arrays"""


class Watched(NamedTuple):
    """What a function reads, and the partials while that is unchanged but for the numbers in its large arrays."""

    reads: OutsideReads
    partials: Values


def replay_of(task: Task, engine: str = "auto") -> Replay | None:
    """Give what computes a task of code at ordinary points by its record; None where there is none that would do.

    The engine ``jax`` computes many points of a record in arrays.
    """
    function = task.function
    assert function is not None
    if function.hindrance:
        return None
    arrays = function.arrays
    try:
        if engine != "jax" and sum(map(math.prod, arrays.shapes)) <= _NUMBER_BY_NUMBER:
            engines = _engines(task)
            own = compile_point(lower_values(task.program))
            partials = _of_numbers(engines.point)
            return Replay(_of_numbers(own), partials, _batch_of_numbers(engines), engines.chosen)
        gradient = _Gradient.of(task, function, arrays)
        if gradient is None:
            return None
        batch = gradient.batch if engine != "jax" else gradient.by_jax()
    except (BackendError, LimitError, Unsuited):
        return None
    chosen = {"points": "numpy", "batches": "numpy" if engine != "jax" else "jax"}
    return Replay(_of_arrays(function, arrays), gradient.at, batch, chosen, gradient)


def watch(function: Bound, replay: Replay, point: Any) -> Watched | None:
    """Give what watches the function instead of comparing it; None where that cannot be done.

    Its large arrays are inputs of a record of its own, so whatever stands in them is what is computed with.
    """
    inner = function.function
    reads = None if inner.vectorized else reads_of(inner.call, inner.args)
    if reads is None or not reads.large:
        return None if reads is None else Watched(reads, replay.partials)
    if replay.gradient is None:
        return None
    data = [(f"data{'_' * k}", x.shape) for k, x in enumerate(reads.large)]
    count = len(function.arguments)

    def call(*values: Any) -> Any:
        f, args = reads.with_arrays(values[count:])
        return f(*values[:count], *args)

    try:
        with following(function.name):
            recorded = record_function(call, [*((a.name, a.shape) for a in function.arguments), *data]).program
        written = _with_gradient(recorded, count)
    except (BackendError, LimitError):
        return None
    own = _of_arrays(function, recorded, reads.large)(point)
    if written is None or not same_values(function, point, own, function.values(point)):
        return None
    return Watched(reads, _Gradient(function, *written, replay.gradient.inputs, reads.large).at)


def _engines(task: Task) -> Engines:
    """The partials number by number, of any order."""
    return Engines(guard(task.program, derivative_program(task.program, task.indices)), "double", "auto")


def _of_numbers(call: Call | None) -> Values:
    """What compiled code gives of the coordinates."""

    def values(point: Any) -> Any:
        found = None if call is None else call(*point.tolist())
        return None if found is None else np.array(found)

    return values


def _of_arrays(function: Bound, arrays: Program, data: Sequence[Any] = ()) -> Values:
    """What a record gives of its arguments."""
    call = compile_arrays(arrays, lambda found: found[0].flatten(), data)
    return lambda point: call(*function.split(point))


def _batch_of_numbers(engines: Engines) -> Batch:
    """What compiled code gives of many points."""

    def batch(points: Any) -> tuple[Any, Any]:
        found, call = np.empty((len(points), engines.guarded.derivatives)), engines.many(len(points))
        if call is None:
            return found, np.zeros(len(points), dtype=bool)
        ordinary = call(points, found)
        return found, np.ones(len(points), dtype=bool) if ordinary is None else ordinary

    return batch


class _Gradient:
    """The gradient of a record in arrays, at a point or at many at a time."""

    def __init__(
        self, function: Bound, program: Program, edges: Sequence[bool], wanted: Sequence[int], data: Sequence[Any] = ()
    ):
        self.function, self.program, self.edges = function, program, edges
        self.inputs = wanted
        self.wanted = None if tuple(wanted) == tuple(range(len(function.inputs))) else list(wanted)
        self.call = compile_arrays(program, partial(self._told, 1), data)
        self.stacks: dict[int, Callable[..., tuple[Any, Any]] | None] = {}

    @classmethod
    def of(cls, task: Task, function: Bound, arrays: Program) -> _Gradient | None:
        """Give it where that is what is asked for, of one number; None elsewhere."""
        indices = task.indices
        if not isinstance(indices, FirstPartials) or indices.rest or len(indices.outputs) != 1:
            return None
        if math.prod(arrays.shapes[arrays.outputs[0]]) != 1 or (written := _with_gradient(arrays)) is None:
            return None
        return cls(function, *written, indices.inputs)

    def at(self, point: Any) -> Any:
        """The partials at a point."""
        try:
            gradient, ordinary = self.call(*self.function.split(point))
        except np.linalg.LinAlgError:
            return None
        return gradient[0] if ordinary.all() else None

    def batch(self, points: Any) -> tuple[Any, Any]:
        """The partials at many points, as many at a time as stay in the cache."""
        size = max(
            1, min(_HELD_NUMBERS // sum(map(math.prod, self.program.shapes)), _LONE_PRODUCT // self._largest_product)
        )
        parts = [self._block(points[first : first + size]) for first in range(0, len(points), size)]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))  # type: ignore[return-value]

    @cached_property
    def _largest_product(self) -> int:
        """Products of numbers in the largest product of matrices."""
        shapes, code = self.program.shapes, self.program.instructions
        products = [row.products(*(shapes[a] for a in args)) for row, args in code if isinstance(row, Contract)]
        return max(products, default=1)

    def _block(self, points: Any) -> tuple[Any, Any]:
        count = len(points)
        if count not in self.stacks:
            program = stacked(self.program, count)
            self.stacks[count] = None if program is None else compile_arrays(program, partial(self._told, count))
        call = self.stacks[count]
        if call is None:
            wanted = len(self.function.inputs) if self.wanted is None else len(self.wanted)
            return np.empty((count, wanted)), np.zeros(count, dtype=bool)
        return call(*self.function.split(points))

    def by_jax(self) -> Batch:
        """The partials at many points, compiled by JAX."""
        from diffkit.engines.jax import compile_stack

        call = compile_stack(self.program, lambda m, found: self._told(1, found, m))

        def batch(points: Any) -> tuple[Any, Any]:
            gradient, ordinary = call(*self.function.split(points))
            return gradient[:, 0], ordinary[:, 0]

        return batch

    def _told(self, points: int, found: Sequence[Any], m: Any = np) -> tuple[Any, Any]:
        """Gradients, row by row, and which of them stand, from the value, the partials and the margins.

        They are computed by NumPy, or by a module ``m`` that follows it.
        """
        rows = [m.reshape(part, (points, -1)) for part in found]
        count = len(self.function.arguments)
        value, partials, margins = rows[0], rows[1 : count + 1], rows[count + 1 :]
        gradient = m.concatenate(partials, axis=1)
        ordinary = m.isfinite(value[:, 0] + m.sum(gradient, axis=1))
        for margin, edge in zip(margins, self.edges, strict=True):
            ordinary &= m.all(margin > 0 if edge else margin != 0, axis=1)
        return gradient if self.wanted is None else gradient[:, m.array(self.wanted)], ordinary


def _with_gradient(primal: Program, count: int | None = None) -> tuple[Program, list[bool]] | None:
    """The Program of a number, its gradient and the margins of its places, with which of these must be positive.

    The gradient is that by all inputs, or by the first ones.
    None where entries are put in order: ties are looked for where the code is followed.
    """
    if any(isinstance(row, Order) for row, _ in primal.instructions):
        return None
    builder = ArrayBuilder.of(primal)
    (output,) = primal.outputs
    one = builder.constant(1)
    seed = one if builder.shapes[output] == () else builder.data(np.ones(builder.shapes[output]))
    found = adjoints(primal, builder, range(len(primal)), {output: seed})
    partials = [found[k] if k in found else builder.zeros(shape) for k, shape in enumerate(primal.lengths[:count])]
    margins: dict[int, bool] = {}
    varies = varying(primal)
    for _, row, args in primal.numbered():
        for place in row.special:
            if place.varying is not None and not any(varies[args[i]] for i in place.varying):
                continue
            margin = by_rule(place.margin, builder, list(args))
            value = builder.known_throughout(margin)
            if value is None or not (value > 0 if place.kind == "edge" else value != 0):
                margins[margin] = place.kind == "edge"
    return builder.program([output, *partials, *margins], primal.inputs), list(margins.values())

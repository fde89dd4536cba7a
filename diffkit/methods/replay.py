"""Code that was recorded as a formula, replayed compiled at later points instead of being followed again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.asking.tasks import Task
from diffkit.calculus.array_derivatives import adjoints, varying
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import guard
from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import Order
from diffkit.core.errors import BackendError, LimitError
from diffkit.core.partials import FirstPartials
from diffkit.core.program import Program
from diffkit.core.rules import by_rule
from diffkit.engines.array_source import compile_arrays
from diffkit.engines.lowering import Lowered, lower, lower_values
from diffkit.engines.python import compile_point

_NUMBER_BY_NUMBER = 2000  # computed by a recorded function, up to which each is a number of its own

Values = Callable[[Any], Any]
"""A function of a point: numbers, flat, or None where it is not ordinary."""


class Replay(NamedTuple):
    """A record as code: f's values, and the partials in the order of the task."""

    values: Values
    partials: Values


def replay_of(task: Task) -> Replay | None:
    """Give what computes a task of code at ordinary points by its record; None where there is none that would do."""
    function = task.function
    assert function is not None
    if function.hindrance:
        return None
    arrays = function.arrays
    try:
        if sum(map(math.prod, arrays.shapes)) <= _NUMBER_BY_NUMBER:
            return Replay(_of_numbers(lower_values(task.program)), _of_numbers(_lowered(task)))
        partials = _in_arrays(task, function, arrays)
    except (BackendError, LimitError):
        return None
    return None if partials is None else Replay(_of_arrays(function, arrays), partials)


def _lowered(task: Task) -> Lowered:
    """The partials number by number, of any order."""
    derivative = derivative_program(task.program, task.indices)
    return lower(guard(task.program, derivative), "double")


def _of_numbers(lowered: Lowered) -> Values:
    """What lowered code gives of the coordinates."""
    call = compile_point(lowered)

    def values(point: Any) -> Any:
        found = call(*point.tolist())
        return None if found is None else np.array(found)

    return values


def _of_arrays(function: Bound, arrays: Program) -> Values:
    """What a record gives of its arguments."""
    call = compile_arrays(arrays)
    return lambda point: np.ravel(call(*function.split(point))[0])


def _in_arrays(task: Task, function: Bound, arrays: Program) -> Values | None:
    """The gradient in arrays, where that is what is asked for."""
    indices = task.indices
    if not isinstance(indices, FirstPartials) or indices.rest or len(indices.outputs) != 1:
        return None
    if math.prod(arrays.shapes[arrays.outputs[0]]) != 1 or (written := _with_gradient(arrays)) is None:
        return None
    program, margins = written
    call, wanted, count = compile_arrays(program), indices.inputs, len(function.arguments)
    everything = wanted == tuple(range(len(function.inputs)))

    def partials(point: Any) -> Any:
        try:
            value, *found = call(*function.split(point))
        except np.linalg.LinAlgError:
            return None
        for margin, edge in zip(found[count:], margins, strict=True):
            if not np.all(margin > 0 if edge else margin != 0):
                return None
        gradient = np.concatenate([np.ravel(part) for part in found[:count]])
        if not math.isfinite(np.add.reduce(gradient)) or not np.all(np.isfinite(value)):
            return None
        return gradient if everything else gradient[list(wanted)]

    return partials


def _with_gradient(primal: Program) -> tuple[Program, list[bool]] | None:
    """The Program of a number, its gradient and the margins of its places, with which of these must be positive.

    None where entries are put in order: ties are looked for where the code is followed.
    """
    if any(isinstance(row, Order) for row, _ in primal.instructions):
        return None
    builder = ArrayBuilder.of(primal)
    (output,) = primal.outputs
    one = builder.constant(1)
    seed = one if builder.shapes[output] == () else builder.data(np.ones(builder.shapes[output]))
    found = adjoints(primal, builder, range(len(primal)), {output: seed})
    partials = [found[k] if k in found else builder.zeros(shape) for k, shape in enumerate(primal.lengths)]
    margins: dict[int, bool] = {}
    varies = varying(primal)
    for _, row, args in primal.numbered():
        for place in row.special:
            if place.varying is not None and not any(varies[args[i]] for i in place.varying):
                continue
            margin = by_rule(place.margin, builder, list(args))
            value = builder.rational(margin)
            if value is None or not (value > 0 if place.kind == "edge" else value != 0):
                margins[margin] = place.kind == "edge"
    return builder.program([output, *partials, *margins], primal.inputs), list(margins.values())

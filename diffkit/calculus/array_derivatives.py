"""Forward and reverse accumulation of Programs of arrays, in any algebra of arrays: numbers, balls, or a builder.

Formulas: Griewank & Walther, Evaluating Derivatives, 2nd ed., equations 3.2 and 3.7. A tangent or cotangent that is
absent is zero. An entry of one that is exactly zero stays so, whatever slope it meets: no path leads through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from diffkit.calculus.derivatives import sweep_back
from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import Scaled, narrowed, spread
from diffkit.core.deadline import in_time
from diffkit.core.program import Program, shape_of
from diffkit.core.rules import partial, times_partial
from diffkit.core.table import ADD, WHERE, Primitive
from diffkit.numbers.duals import Dual, DualAlgebra

DIRECTION = 0
"""the one direction of a tangent"""


def varying(program: Program) -> list[bool]:
    """Say of each slot whether it varies with an input."""
    found = [slot < len(program.inputs) for slot in range(program.first_instruction)]
    for row, args in program.instructions:
        found.append(not row.truth and not row.steps and any(found[a] for a in args))
    return found


def adjoints(program: Program, algebra: Any, values: Sequence[Any], seeds: Mapping[int, Any]) -> dict[int, Any]:
    """Cotangents of the slots from those of some outputs: x̄ᵢ = Σ ȳ·∂y/∂xᵢ, each in the shape of its slot.

    ``values`` are those of all slots in the algebra.
    """
    shapes, varies = program.shapes, varying(program)

    def handed(slot: int, row: Any, args: tuple[int, ...], bar: Any) -> Iterable[tuple[int, Any]]:
        primals = [values[a] for a in args]
        for k, arg in enumerate(args):
            if varies[arg]:
                if isinstance(row, Primitive):
                    yield arg, _through(algebra, row, primals, values[slot], k, bar, shapes[slot], shapes[arg])
                else:
                    yield arg, row.pull(algebra, primals, values[slot], k, bar, [shapes[a] for a in args])

    return sweep_back(program, seeds, handed, lambda known, term: algebra.apply(ADD, (known, term)))


def _through(
    algebra: Any, row: Primitive, primals: Sequence[Any], answer: Any, k: int, bar: Any, shape: Any, own: Any
) -> Any:
    """What a row hands on of its cotangent to one argument; None where it does not vary with it."""
    if row is WHERE:
        zero = algebra.zeros(())
        term = None if k == 0 else algebra.apply(WHERE, (primals[0], *((bar, zero) if k == 1 else (zero, bar))))
    else:
        term = _times_slope(algebra, row, primals, answer, k, bar)
    return None if term is None else narrowed(algebra, term, shape, own)


def _times_slope(algebra: Any, row: Primitive, primals: Sequence[Any], answer: Any, k: int, change: Any) -> Any:
    """A tangent or cotangent times ∂y/∂xₖ, which may be infinite at a place; None where y does not vary with it."""
    if not row.places or row.partials[k] is None:
        return times_partial(row, algebra, primals, answer, k, change)
    return algebra.apply(Scaled(), [change, partial(row, k).at(algebra, primals, answer)])


Corrected = Callable[[int, Any, Sequence[Any]], Any]
"""a slot, its tangent by the partials and those of its arguments (None: zero) → its tangent"""


def tangents(
    program: Program, algebra: Any, values: Sequence[Any], seeds: Mapping[int, Any], corrected: Corrected | None = None
) -> dict[int, Any]:
    """Tangents of the slots from those of some inputs, each in the shape of its slot; absent ones are zero.

    ``values`` are those of all slots in the algebra; ``corrected`` may put others in the place of tangents.
    """
    duals, shapes = DualAlgebra(algebra), program.shapes
    found = dict(seeds)
    for slot, row, args in in_time(program.numbered()):
        if row.truth or row.steps or not any(a in found for a in args):
            continue
        primals = [values[a] for a in args]
        if isinstance(row, Primitive):
            moved = _pushed(duals, row, args, primals, values[slot], found, shapes)
        else:
            given = [(k, found[arg]) for k, arg in enumerate(args) if arg in found]
            terms = [row.push(algebra, primals, values[slot], k, speed) for k, speed in given]
            moved = _sum(algebra, [term for term in terms if term is not None])
        if moved is not None:
            found[slot] = moved if corrected is None else corrected(slot, moved, [found.get(a) for a in args])
    return found


def _pushed(
    duals: DualAlgebra, row: Primitive, args: Sequence[int], primals: Sequence[Any], answer: Any,
    found: Mapping[int, Any], shapes: Sequence[Any],
) -> Any:  # fmt: skip
    """The tangent of a row's value in the shape of its slot; None where it does not move."""
    algebra: Any = duals.base
    shape = shape_of(row, [shapes[a] for a in args])
    speeds = [spread(algebra, found[a], shapes[a], shape) if a in found else None for a in args]
    if row.places:
        given = [(k, speed) for k, speed in enumerate(speeds) if speed is not None]
        terms = [_times_slope(algebra, row, primals, answer, k, speed) for k, speed in given]
        return _sum(algebra, [term for term in terms if term is not None])
    moving = [
        Dual(primal, None if speed is None else {DIRECTION: speed})
        for primal, speed in zip(primals, speeds, strict=True)
    ]
    moved = duals.push(row, moving, answer).tangents.get(DIRECTION)
    return None if moved is None else spread(algebra, moved, algebra.shape(moved), shape)


def _sum(algebra: Any, terms: Sequence[Any]) -> Any:
    """The sum of some arrays; None of none."""
    return reduce(lambda x, y: algebra.apply(ADD, (x, y)), terms) if terms else None


def gradient_program(program: Program) -> Program:
    """The Program of the partials of the one output, a number, by all entries of every input, in the inputs' shapes."""
    builder = ArrayBuilder.of(program)
    found = adjoints(program, builder, range(len(program)), {program.outputs[0]: builder.constant(1)})
    outputs = [
        found[slot] if slot in found else builder.zeros(shape)
        for slot, shape in enumerate(program.shapes[: len(program.inputs)])
    ]
    return builder.program(outputs, program.inputs)

"""Programs into programs: derivatives by forward accumulation, and guards that say where they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffkit.algebras.dual import Dual, DualAlgebra
from diffkit.algebras.taylor import TaylorAlgebra
from diffkit.builder import ProgramBuilder, copy_slots
from diffkit.primitives import Place, table
from diffkit.program import Algebra, Program, run
from diffkit.rules import trace
from diffkit.tasks import Index

MUL = table["mul"]


def differentiate(program: Program, indices: Sequence[Index]) -> Program:
    """Give the program of partial derivatives, one output per index.

    Orders 1 and 2 by nested duals over the builder, higher orders in one variable by Taylor coefficients over the
    builder, higher mixed ones by nesting as deep as the order. An absent tangent becomes the constant 0.
    """
    builder = ProgramBuilder(program.inputs)
    found: dict[Index, int] = {}
    for order in sorted({len(index) for _, index in indices}):
        wanted = [(k, index) for k, index in indices if len(index) == order]
        pure = [(k, index) for k, index in wanted if order > 2 and len(set(index)) == 1]
        mixed = [(k, index) for k, index in wanted if (k, index) not in pure]
        if mixed:
            found.update(_nested(program, builder, mixed, order))
        for variable in {index[0] for _, index in pure}:
            found.update(_by_series(program, builder, [i for i in pure if i[1][0] == variable], order))
    return builder.program([found[index] for index in indices])


def _nested(program: Program, builder: ProgramBuilder, indices: Sequence[Index], order: int) -> dict[Index, int]:
    algebra: Any = builder
    values: list[Any] = list(range(len(program.inputs)))
    for level in range(order):
        algebra = DualAlgebra(algebra)
        active = {index[order - 1 - level] for _, index in indices}  # the outermost level is the first name
        values = [algebra.variable(value, slot) if slot in active else Dual(value) for slot, value in enumerate(values)]
    outputs = run(program, algebra, values)
    found = {}
    for k, index in indices:
        value = outputs[k]
        for direction in index:
            value = value.tangents.get(direction) if value is not None else None
        while isinstance(value, Dual):
            value = value.primal
        found[k, index] = builder.constant(0) if value is None else value
    return found


def _by_series(program: Program, builder: ProgramBuilder, indices: Sequence[Index], order: int) -> dict[Index, int]:
    algebra = TaylorAlgebra(builder)
    variable = indices[0][1][0]
    inputs = [algebra.variable(slot) if slot == variable else algebra.lift(slot) for slot in range(len(program.inputs))]
    outputs = run(program, algebra, inputs)
    factorial = 1
    for k in range(2, order + 1):
        factorial *= k
    found = {}
    for k, index in indices:
        coefficient = outputs[k].coefficient(order)
        zero = builder.constant(0)
        found[k, index] = (
            zero if coefficient is None else builder.apply(MUL, (builder.constant(factorial), coefficient))
        )
    return found


@dataclass(frozen=True)
class Guarded:
    """A derivative program together with the primal values and the guards of the primal's domain.

    Outputs of ``program``: ``derivatives`` of them first, then the primal outputs, then one margin per guard.
    A guard of an edge holds where its margin is positive, any other where it is not zero.
    """

    program: Program
    derivatives: int
    primals: int
    edges: tuple[bool, ...]


def depends(program: Program) -> list[bool]:
    """Say of each slot whether it varies with an input."""
    varies = [slot < len(program.inputs) for slot in range(program.first_instruction)]
    for _, args in program.instructions:
        varies.append(any(varies[a] for a in args))
    return varies


def guard(primal: Program, derivative: Program) -> Guarded:
    """Join a derivative program (over the same inputs) with the primal's values and guards."""
    builder = ProgramBuilder(primal.inputs)
    inputs = range(len(primal.inputs))
    slots = copy_slots(primal, builder, inputs)
    derivatives = copy_slots(derivative, builder, inputs)
    varies = depends(primal)
    margins: dict[tuple[int, bool], None] = {}
    for _, primitive, args in primal.numbered():
        for place in primitive.places:
            if place.varying is not None and not any(varies[args[i]] for i in place.varying):
                continue
            margin = margin_slot(place, builder, [slots[a] for a in args])
            value = builder.rational(margin)
            edge = place.kind == "edge"
            if value is None or not (value > 0 if edge else value != 0):
                margins[margin, edge] = None
    outputs = [derivatives[o] for o in derivative.outputs] + [slots[o] for o in primal.outputs]
    program = builder.program([*outputs, *(margin for margin, _ in margins)], primal.inputs)
    return Guarded(program, len(derivative.outputs), len(primal.outputs), tuple(edge for _, edge in margins))


def margin_slot(place: Place, algebra: Algebra, args: Sequence[Any]) -> Any:
    """Give the margin of a place at arguments in an algebra."""
    return run(trace(place.margin, len(args)), algebra, args)[0]


__all__ = ["Guarded", "depends", "differentiate", "guard", "margin_slot"]

"""Programs into programs: derivatives by forward and by reverse accumulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import factorial
from typing import Any, TypeVar

from diffkit.calculus.guards import Choice, choice_of, choices_in, depends, first_chosen, sources
from diffkit.core.builder import ProgramBuilder
from diffkit.core.deadline import in_time
from diffkit.core.program import Index, Program, run
from diffkit.core.rules import times_partial
from diffkit.core.table import ADD, CHOOSING_ROWS, LINEAR_ROWS, MUL, NEG, SUB, WHERE, Primitive
from diffkit.numbers.duals import Dual, DualAlgebra


def derivative_program(program: Program, indices: Sequence[Index]) -> Program:
    """Give the program of partial derivatives by the mode that makes it short, one output per index.

    Reverse accumulation for gradients; forward for higher orders, for several outputs, and where the program
    chooses: a zero adjoint times the slope of the branch not taken may be 0·∞.
    """
    if not is_swept_back(program, indices):
        return differentiate(program, indices)
    builder = ProgramBuilder.of(program)
    found = Reverse(program, builder).adjoints(program.outputs[indices[0][0]])
    zero = builder.constant(0)
    return builder.program([found.get(variable, zero) for _, (variable,) in indices], program.inputs)


def is_swept_back(program: Program, indices: Sequence[Index]) -> bool:
    """Whether reverse accumulation makes the program of partial derivatives short."""
    first = all(len(index) == 1 for _, index in indices)
    one = len({output for output, _ in indices}) == 1
    return first and one and CHOOSING_ROWS.isdisjoint(row for row, _ in program.instructions)


def reverse_program(program: Program, indices: Sequence[Index]) -> Program:
    """Give the program of partial derivatives by reverse accumulation, one sweep for each output that is asked for.

    The first variable of an index is differentiated by in reverse, the others by forward accumulation over that.
    """
    builder = ProgramBuilder.of(program)
    reverse = Reverse(program, builder)
    bars = {k: reverse.adjoints(program.outputs[k]) for k in sorted({k for k, index in indices if index})}
    zero = builder.constant(0)
    first = {key: place for place, key in enumerate(dict.fromkeys((k, index[:1]) for k, index in indices))}
    slots = [program.outputs[k] if not index else bars[k].get(index[0], zero) for k, index in first]
    gradients = builder.program(slots, program.inputs)
    if list(first) == list(indices):
        return gradients
    return differentiate(gradients, [(first[k, index[:1]], index[1:]) for k, index in indices])


Adjoint = TypeVar("Adjoint")
Handed = Callable[[int, Primitive, tuple[int, ...], Adjoint], Iterable[tuple[int, Adjoint | None]]]
"""what an instruction hands on of its adjoint: slots, and what is added to their adjoints (None: nothing)"""


def sweep_back(
    program: Program, seeds: Mapping[int, Adjoint], handed: Handed[Adjoint], add: Callable[[Adjoint, Adjoint], Adjoint],
    slots: Iterable[int] | None = None,
) -> dict[int, Adjoint]:  # fmt: skip
    """The adjoints of all slots that those of some outputs, the seeds, reach, in any algebra.

    x̄ᵢ = Σ ȳ·∂y/∂xᵢ over the instructions that use xᵢ, last one first (Griewank & Walther, Evaluating Derivatives, 2nd
    ed., eq. 3.7). ``slots`` are those that may be reached, the last first.
    """
    bars, first = dict(seeds), program.first_instruction
    for slot in in_time(range(len(program) - 1, first - 1, -1) if slots is None else slots):
        adjoint = bars.get(slot)
        if adjoint is None or slot < first:
            continue
        row, args = program.instructions[slot - first]
        if row.steps:
            continue
        for arg, term in handed(slot, row, args, adjoint):
            if term is not None:
                known = bars.get(arg)
                bars[arg] = term if known is None else add(known, term)
    return bars


class Reverse:
    """Reverse accumulation of a program, output by output, into a builder that holds it slot for slot.

    For a scalar ȳ·∂y/∂xᵢ is what forward mode makes of the tangent ȳ of xᵢ alone, so one set of rules serves both.

    What a branch needs alone has an adjoint that counts only where the branch is taken. It becomes 0 elsewhere when
    it leaves the branch, after all products: no slope of a branch that is not taken is ever multiplied by that 0.
    """

    def __init__(self, program: Program, builder: ProgramBuilder):
        self.program, self.builder = program, builder
        self.varies = depends(program)
        self.chooses = not CHOOSING_ROWS.isdisjoint(row for row, _ in program.instructions)
        self.first_chosen = first_chosen(program, builder)

    def adjoints(self, output: int) -> dict[int, int]:
        """Adjoints of the slots that a slot is computed from; the sweep goes over those and no others."""
        builder = self.builder
        swept = sorted(sources(self.program, output), reverse=True)
        chooses = self.chooses
        taken_in = choices_in(self.program, swept, (output,), self.first_chosen) if chooses else {}

        varies = self.varies

        def handed(slot: int, primitive: Primitive, args: tuple[int, ...], adjoint: int) -> list[tuple[int, int]]:
            found = []
            plain = primitive is ADD or primitive is SUB or primitive in CHOOSING_ROWS
            for k, arg in enumerate(args):
                if not varies[arg] or (primitive is WHERE and k == 0):
                    continue
                term = adjoint if plain else times_partial(primitive, builder, args, slot, k, adjoint)
                if term is not None:
                    if chooses:
                        through = taken_in[slot] | choice_of(primitive, args, slot, k, self.first_chosen)
                        term = _where_taken(builder, term, through - taken_in[arg])
                    found.append((arg, builder.apply(NEG, (term,)) if primitive is SUB and k else term))
            return found

        add = lambda known, term: builder.apply(ADD, (known, term))  # noqa: E731
        bars = sweep_back(self.program, {output: builder.constant(1)}, handed, add, swept)
        return {slot: _where_taken(builder, bar, taken_in[slot]) for slot, bar in bars.items()} if chooses else bars


def _where_taken(builder: ProgramBuilder, term: int, choices: frozenset[Choice]) -> int:
    """A term where all of some choices are made, 0 elsewhere."""
    zero = builder.constant(0)
    for condition, holds in sorted(choices):
        term = builder.apply(WHERE, (condition, term, zero) if holds else (condition, zero, term))
    return term


def differentiate(program: Program, indices: Sequence[Index]) -> Program:
    """Give the program of partial derivatives, one output per index.

    Orders 1 and 2 by nested duals over the builder; higher orders by Taylor coefficients over the builder, nested
    once per variable. An absent tangent becomes the constant 0.
    """
    builder = ProgramBuilder.of(program)
    found: dict[Index, int] = {}
    for order in sorted({len(index) for _, index in indices}):
        wanted = [(k, index) for k, index in indices if len(index) == order]
        if order <= 2:
            found.update(_nested(program, builder, wanted, order))
        else:
            for variables in sorted({tuple(sorted(set(index))) for _, index in wanted}):
                same = [(k, index) for k, index in wanted if tuple(sorted(set(index))) == variables]
                found.update(_by_series(program, builder, same, variables))
    return builder.program([found[index] for index in indices])


def _nested(program: Program, builder: ProgramBuilder, indices: Sequence[Index], order: int) -> dict[Index, int]:
    """Values and partials of the first two orders; the builder holds the primals already."""
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


def _by_series(
    program: Program, builder: ProgramBuilder, indices: Sequence[Index], variables: Sequence[int]
) -> dict[Index, int]:
    """∂ᵃ⁺ᵇf/∂xᵃ∂yᵇ = a!·b! times the coefficient of sᵃtᵇ: a series in s whose coefficients are series in t."""
    from diffkit.numbers.taylor import TaylorAlgebra  # wanted for high orders only

    algebra: Any = builder
    values: list[Any] = list(range(len(program.inputs)))
    for variable in variables:
        algebra = TaylorAlgebra(algebra)
        values = [algebra.variable(v) if slot == variable else algebra.lift(v) for slot, v in enumerate(values)]
    outputs = run(program, algebra, values)
    found = {}
    for k, index in indices:
        value = outputs[k]
        factor = 1
        for variable in reversed(variables):
            power = index.count(variable)
            factor *= factorial(power)
            value = None if value is None else value.coefficient(power)
        zero = builder.constant(0)
        found[k, index] = zero if value is None else builder.apply(MUL, (builder.constant(factor), value))
    return found


def sum_of(program: Program, multiples: Mapping[int, int]) -> Program:
    """Give the program of a sum of whole multiples of slots."""
    builder = ProgramBuilder.of(program)
    total = builder.constant(0)
    for slot, times in multiples.items():
        total = builder.apply(ADD, (total, builder.apply(MUL, (builder.constant(times), slot))))
    return builder.program([total], program.inputs)


def addends(program: Program, output: int) -> dict[int, int]:
    """Slots that are no sums, with the whole multiples of them that add up to a slot."""
    found = {output: 1}
    for slot in range(output, program.first_instruction - 1, -1):
        instruction = program.instruction_at(slot)
        if slot in found and instruction is not None and instruction[0] in LINEAR_ROWS:
            primitive, args = instruction
            times = found.pop(slot)
            for k, arg in enumerate(args):
                sign = -1 if primitive is NEG or (primitive is SUB and k) else 1
                found[arg] = found.get(arg, 0) + sign * times
    return found


__all__ = ["Reverse", "derivative_program", "differentiate", "is_swept_back", "reverse_program", "sum_of", "sweep_back"]

"""Gradients of a program with one mistake in it, for many mistakes at once and as programs.

Reverse accumulation x̄ = Σ ȳ·p over the edges (instruction, argument), where a mutant has another p on some edges,
another value in one slot, or an adjoint that ends at a slot. All mutants run together: an array of a slot is (P,)
until a mutation reaches it and (M, P) from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import depends
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.program import Algebra, Index, Program, run
from diffkit.core.rules import times_partial
from diffkit.core.table import table
from diffkit.judging.checking.repair.evidence import Array
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.bounds import BOUNDS
from diffkit.numbers.duals import DualAlgebra

ADD, MUL, WHERE = table["add"], table["mul"], table["where"]
SELECTORS = frozenset(table[name] for name in ("where", "max", "min", "relu"))
BLOCK = 256  # mutants that run together
Edge = tuple[int, int]
Partial = Callable[[Algebra, Any, Sequence[Any], Any], Any]
"""another local partial: (algebra, p, arguments, answer) -> p′"""
Value = Callable[[Algebra, Sequence[Any]], Any]
"""another value of a slot: (algebra, arguments) -> y′"""


class Mutant(NamedTuple):
    """One mistake: ``partial`` on the ``edges``, or ``value`` in ``slot``, or the adjoint of ``slot`` ends there.

    An adjoint that ends at u counts for every input of u as if ∂u/∂xᵢ were 1: the inner derivative is forgotten.
    """

    edges: tuple[Edge, ...] = ()
    partial: Partial | None = None
    slot: int | None = None
    value: Value | None = None

    @property
    def ends(self) -> bool:
        """Whether the adjoint ends at the slot."""
        return self.slot is not None and self.value is None


def supports(program: Program) -> list[frozenset[int]]:
    """The inputs each slot depends on."""
    found = [frozenset((s,)) if s < len(program.inputs) else frozenset() for s in range(program.first_instruction)]
    for _, args in program.instructions:
        found.append(frozenset().union(*(found[a] for a in args)))
    return found


class Engine:
    """The gradients of mutants at fixed points, P × c of them for each mutant; c are first partials."""

    def __init__(self, program: Program, indices: Sequence[Index], points: Array):
        self.program, self.indices, self.points = program, indices, points
        self.varies = depends(program)
        self.support = supports(program)
        self.selects = any(row in SELECTORS for row, _ in program.instructions)
        self.plain = self._forward({}, 0)
        self._partials: dict[Edge, Any] = {}

    def gradients(self, mutants: Sequence[Mutant]) -> Array:
        """The gradients of all mutants (M, P, c)."""
        blocks = [mutants[k : k + BLOCK] for k in range(0, len(mutants), BLOCK)]
        with np.errstate(all="ignore"):
            return np.concatenate([self._block(block) for block in blocks])

    def _block(self, mutants: Sequence[Mutant]) -> Array:
        values: dict[int, list[tuple[int, Value]]] = {}
        edges: dict[Edge, list[tuple[int, Partial]]] = {}
        ends: dict[int, list[int]] = {}
        for row, mutant in enumerate(mutants):
            for edge in mutant.edges:
                assert mutant.partial is not None
                edges.setdefault(edge, []).append((row, mutant.partial))
            if mutant.slot is not None and mutant.value is not None:
                values.setdefault(mutant.slot, []).append((row, mutant.value))
                instruction = self.program.instruction_at(mutant.slot)
                for k in range(len(instruction[1]) if instruction is not None else 0):
                    edges.setdefault((mutant.slot, k), []).append((row, _partial_of(mutant.value, k)))
            elif mutant.slot is not None:
                ends.setdefault(mutant.slot, []).append(row)
        slots = self._forward(values, len(mutants)) if values else self.plain
        found = np.zeros((len(mutants), len(self.points), len(self.indices)))
        for output in {output for output, _ in self.indices}:
            bars = self._reverse(slots, self.program.outputs[output], edges, ends, len(mutants), bool(values))
            for c, (number, (variable,)) in enumerate(self.indices):
                if number == output and bars[variable] is not None:
                    found[:, :, c] = bars[variable]
        return found

    def _forward(self, changed: dict[int, list[tuple[int, Value]]], count: int) -> list[Any]:
        slots: list[Any] = [*self.points.T, *map(ARRAYS.constant, self.program.constants)]
        with np.errstate(all="ignore"):
            for slot, primitive, args in self.program.numbered():
                given = [slots[a] for a in args]
                answer = ARRAYS.apply(primitive, given)
                for row, value in changed.get(slot, ()):
                    answer = self._open(answer, count, row, slot in changed)
                    answer[row] = value(ARRAYS, [_at(v, row) for v in given])
                slots.append(answer)
        return slots

    def _open(self, array: Any, count: int, row: int, _: bool) -> Any:  # noqa: ARG002
        """An array with a row for each mutant, which may be written to."""
        shape = (count, len(self.points))
        if np.shape(array) == shape and array.flags.writeable:
            return array
        return np.array(np.broadcast_to(array, shape))

    def _slope(self, slots: list[Any], slot: int, k: int, mutated: bool) -> Any:
        """The local partial of an edge; kept where the values are those of the program itself."""
        if not mutated and (slot, k) in self._partials:
            return self._partials[slot, k]
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        primitive, args = instruction
        found = times_partial(primitive, ARRAYS, [slots[a] for a in args], slots[slot], k, 1.0)
        if not mutated:
            self._partials[slot, k] = found
        return found

    def _reverse(
        self,
        slots: list[Any],
        output: int,
        edges: dict[Edge, list[tuple[int, Partial]]],
        ends: dict[int, list[int]],
        count: int,
        mutated: bool,
    ) -> list[Any]:
        program = self.program
        bars: list[Any] = [None] * len(program)
        bars[output] = np.ones(len(self.points))
        for slot in range(len(program) - 1, program.first_instruction - 1, -1):
            adjoint, instruction = bars[slot], program.instruction_at(slot)
            if adjoint is None or instruction is None or instruction[0].steps:
                continue
            for row in ends.get(slot, ()):
                for variable in self.support[slot]:
                    known = 0.0 if bars[variable] is None else bars[variable]
                    bars[variable] = self._open(known, count, row, True)
                    bars[variable][row] += _at(adjoint, row)
                adjoint = self._open(adjoint, count, row, True)
                adjoint[row] = 0.0
            args = instruction[1]
            for k, arg in enumerate(args):
                if not self.varies[arg] or (slope := self._slope(slots, slot, k, mutated)) is None:
                    continue
                if (slot, k) in edges:
                    slope = np.array(np.broadcast_to(slope, (count, len(self.points))))
                    for row, partial in edges[slot, k]:
                        given = [_at(slots[a], row) for a in args]
                        slope[row] = partial(ARRAYS, slope[row].copy(), given, _at(slots[slot], row))
                term = adjoint * slope
                if self.selects or slot in ends:
                    term = np.where(adjoint == 0, 0.0, term)
                bars[arg] = term if bars[arg] is None else bars[arg] + term
        return bars


def _partial_of(value: Value, k: int) -> Partial:
    """The partial of another value by one of the slot's arguments."""

    def partial(algebra: Algebra, p: Any, args: Sequence[Any], y: Any) -> Any:  # noqa: ARG001
        duals = DualAlgebra(algebra)
        answer = value(duals, [duals.variable(arg, j) for j, arg in enumerate(args)])
        return answer.tangents.get(k, algebra.constant(0))

    return partial


def _at(value: Any, row: int) -> Any:
    """A mutant's own values of a slot."""
    return value[row] if np.ndim(value) == 2 else value


def mutant_program(program: Program, indices: Sequence[Index], mutant: Mutant) -> Program:
    """Give the program of a mutant's partials, one output per index."""
    if mutant.slot is not None and mutant.value is not None:
        return derivative_program(mutated(program, mutant.slot, mutant.value), indices)
    builder = ProgramBuilder.of(program)
    found = {output: _adjoints(program, builder, program.outputs[output], mutant) for output, _ in indices}
    zero = builder.constant(0)
    outputs = [found[output][variable] for output, (variable,) in indices]
    return builder.program([zero if slot is None else slot for slot in outputs], program.inputs)


def mutated(program: Program, slot: int, value: Value) -> Program:
    """Give the program with another value in one slot."""
    builder = ProgramBuilder(program.inputs)
    slots = [*range(len(program.inputs)), *map(builder.constant, program.constants)]
    for number, primitive, args in program.numbered():
        given = [slots[a] for a in args]
        slots.append(value(builder, given) if number == slot else builder.apply(primitive, given))
    return builder.program([slots[output] for output in program.outputs], program.inputs)


def _adjoints(program: Program, builder: ProgramBuilder, output: int, mutant: Mutant) -> list[int | None]:
    """Adjoints of all slots with the mutant's partials."""
    varies = depends(program)
    edges = frozenset(mutant.edges)
    support = supports(program) if mutant.ends else []
    one = builder.constant(1)
    bars: list[int | None] = [None] * len(program)
    bars[output] = one

    def collect(arg: int, term: int) -> None:
        known = bars[arg]
        bars[arg] = term if known is None else builder.apply(ADD, (known, term))

    for slot in range(len(program) - 1, program.first_instruction - 1, -1):
        adjoint, instruction = bars[slot], program.instruction_at(slot)
        if adjoint is None or instruction is None or instruction[0].steps:
            continue
        if mutant.ends and slot == mutant.slot:
            for variable in sorted(support[slot]):
                collect(variable, adjoint)
            continue
        primitive, args = instruction
        for k, arg in enumerate(args):
            if not varies[arg]:
                continue
            if (slot, k) in edges:
                assert mutant.partial is not None
                slope = times_partial(primitive, builder, args, slot, k, one)
                if slope is not None:
                    slope = mutant.partial(builder, slope, list(args), slot)
                    collect(arg, builder.apply(MUL, (slope, adjoint)))
            elif (term := times_partial(primitive, builder, args, slot, k, adjoint)) is not None:
                collect(arg, term)
    return bars


def with_bounds(program: Program, points: Array) -> tuple[Array, Array]:
    """The outputs of a program at points, and running bounds on their rounding errors, each (P, c)."""
    rows = [run(program, BOUNDS, [(float(x), 0.0) for x in point]) for point in points]
    return np.array([[float(v) for v, _ in row] for row in rows]), np.array(
        [[float(b) for _, b in row] for row in rows]
    )


def gradient_of(program: Program) -> Program:
    """The gradient of a program's only output as a program, slot for slot behind the program itself."""
    builder = ProgramBuilder.of(program)
    part = derivative_program(program, [(0, (i,)) for i in range(len(program.inputs))])
    slots = copy_slots(part, builder, range(len(program.inputs)))
    return builder.program([slots[output] for output in part.outputs], program.inputs)

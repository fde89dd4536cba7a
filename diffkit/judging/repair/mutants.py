"""Gradients of a program with one mistake in it, for many mistakes at once and as programs.

Reverse accumulation x̄ = Σ ȳ·p over the edges (instruction, argument), where a mutant has another p on some edges,
another value in one slot, or an adjoint that ends at a slot. All mutants run together: an array of a slot is (P,)
until a mutation reaches it and (M, P) from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.calculus.derivatives import derivative_program, sweep_back
from diffkit.calculus.guards import depends, inputs_of, sources
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.program import Algebra, Index, Program, run
from diffkit.core.rules import times_partial
from diffkit.core.table import ADD, LINEAR_ROWS, MUL, WHERE, Primitive
from diffkit.judging.repair.evidence import Array
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.bounds import BOUNDS
from diffkit.numbers.duals import DualAlgebra

_MUTANTS_AT_ONCE = 256  # mutants that run together
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


class Mutants:
    """The gradients of mutants at fixed points, P × c of them for each mutant; c are first partials."""

    def __init__(self, program: Program, indices: Sequence[Index], points: Array):
        self.program, self.indices, self.points = program, indices, points
        self._varies, self._moves = depends(program), inputs_of(program)
        self._selects = any(is_mask(row) for row, _ in program.instructions)
        self._plain = self._forward({}, 0)
        self._slopes: dict[Edge, Any] = {}

    def gradients(self, mutants: Sequence[Mutant]) -> Array:
        """The gradients of all mutants (M, P, c)."""
        blocks = [mutants[k : k + _MUTANTS_AT_ONCE] for k in range(0, len(mutants), _MUTANTS_AT_ONCE)]
        empty = np.zeros((0, len(self.points), len(self.indices)))
        with np.errstate(all="ignore"):
            return np.concatenate([empty, *map(self._block, blocks)])

    def _block(self, mutants: Sequence[Mutant]) -> Array:
        values: dict[int, list[tuple[int, Value]]] = {}
        partials: dict[Edge, list[tuple[int, Partial]]] = {}
        ends: dict[int, list[int]] = {}
        for row, mutant in enumerate(mutants):
            for edge in mutant.edges:
                assert mutant.partial is not None
                partials.setdefault(edge, []).append((row, mutant.partial))
            if mutant.slot is not None and mutant.value is not None:
                values.setdefault(mutant.slot, []).append((row, mutant.value))
                for k in range(len(instruction_of(self.program, mutant.slot)[1])):
                    partials.setdefault((mutant.slot, k), []).append((row, _partial_of(mutant.value, k)))
            elif mutant.slot is not None:
                ends.setdefault(mutant.slot, []).append(row)
        slots = self._forward(values, len(mutants)) if values else self._plain
        found = np.zeros((len(mutants), len(self.points), len(self.indices)))
        for output in {output for output, _ in self.indices}:
            bars = self._reverse(slots, self.program.outputs[output], partials, ends, len(mutants))
            for c, (number, (variable,)) in enumerate(self.indices):
                if number == output:
                    found[:, :, c] = bars.get(variable, 0.0)
        return found

    def _forward(self, changed: dict[int, list[tuple[int, Value]]], count: int) -> list[Any]:
        slots: list[Any] = [*self.points.T, *map(ARRAYS.constant, self.program.constants)]
        with np.errstate(all="ignore"):
            for slot, primitive, args in self.program.numbered():
                given = [slots[a] for a in args]
                answer = ARRAYS.apply(primitive, given)
                if slot in changed:
                    answer = self._open(answer, count)
                    for row, value in changed[slot]:
                        answer[row] = value(ARRAYS, [_at(v, row) for v in given])
                slots.append(answer)
        return slots

    def _open(self, array: Any, count: int) -> Array:
        """An array with a row for each mutant, which may be written to."""
        return np.array(np.broadcast_to(array, (count, len(self.points))))

    def _slope(self, slots: list[Any], slot: int, k: int) -> Any:
        """The local partial of an edge; kept where the values are those of the program itself."""
        known = self._slopes.get((slot, k)) if slots is self._plain else None
        if known is None:
            row, args = instruction_of(self.program, slot)
            known = times_partial(row, ARRAYS, [slots[a] for a in args], slots[slot], k, 1.0)
            if slots is self._plain:
                self._slopes[slot, k] = known
        return known

    def _reverse(
        self, slots: list[Any], output: int, partials: dict[Edge, list[tuple[int, Partial]]],
        ends: dict[int, list[int]], count: int,
    ) -> dict[int, Any]:  # fmt: skip
        def handed(slot: int, _: Primitive, args: tuple[int, ...], adjoint: Any) -> Iterator[tuple[int, Any]]:
            if slot in ends:
                adjoint, ended = self._open(adjoint, count), np.zeros((count, len(self.points)))
                ended[ends[slot]], adjoint[ends[slot]] = adjoint[ends[slot]], 0.0
                yield from ((v, ended) for v in range(len(self.program.inputs)) if self._moves[slot] >> v & 1)
            for k, arg in enumerate(args):
                if not self._varies[arg] or (slope := self._slope(slots, slot, k)) is None:
                    continue
                if (slot, k) in partials:
                    slope = self._open(slope, count)
                    for row, partial in partials[slot, k]:
                        given = [_at(slots[a], row) for a in args]
                        slope[row] = partial(ARRAYS, slope[row].copy(), given, _at(slots[slot], row))
                term = adjoint * slope
                yield arg, np.where(adjoint == 0, 0.0, term) if self._selects or slot in ends else term

        return sweep_back(self.program, {output: np.ones(len(self.points))}, handed, np.add)


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
    varies, moves, one = depends(program), inputs_of(program), builder.constant(1)

    def handed(slot: int, row: Primitive, args: tuple[int, ...], adjoint: int) -> Iterator[tuple[int, int | None]]:
        if mutant.ends and slot == mutant.slot:
            yield from ((v, adjoint) for v in range(len(program.inputs)) if moves[slot] >> v & 1)
            return
        for k, arg in enumerate(args):
            if not varies[arg]:
                continue
            changed = mutant.partial if (slot, k) in mutant.edges else None
            term = times_partial(row, builder, args, slot, k, one if changed else adjoint)
            if changed and term is not None:
                term = builder.apply(MUL, (changed(builder, term, list(args), slot), adjoint))
            yield arg, term

    add = lambda known, term: builder.apply(ADD, (known, term))  # noqa: E731
    found = {output: sweep_back(program, {program.outputs[output]: one}, handed, add) for output, _ in indices}
    zero = builder.constant(0)
    return builder.program([found[output].get(variable, zero) for output, (variable,) in indices], program.inputs)


def mutated(program: Program, slot: int, value: Value) -> Program:
    """Give the program with another value in one slot."""
    builder = ProgramBuilder(program.inputs)
    slots = [*range(len(program.inputs)), *map(builder.constant, program.constants)]
    for number, primitive, args in program.numbered():
        given = [slots[a] for a in args]
        slots.append(value(builder, given) if number == slot else builder.apply(primitive, given))
    return builder.program([slots[output] for output in program.outputs], program.inputs)


def with_bounds(program: Program, points: Array) -> tuple[Array, Array]:
    """The outputs of a program at points, and running bounds on their rounding errors, each (P, c)."""
    rows = [run(program, BOUNDS, [(float(x), 0.0) for x in point]) for point in points]
    found = np.array([[(float(v), float(b)) for v, b in row] for row in rows])
    return found[..., 0], found[..., 1]


def gradient_of(program: Program) -> Program:
    """The gradient of a program's only output as a program, slot for slot behind the program itself."""
    builder = ProgramBuilder.of(program)
    part = derivative_program(program, [(0, (i,)) for i in range(len(program.inputs))])
    slots = copy_slots(part, builder, range(len(program.inputs)))
    return builder.program([slots[output] for output in part.outputs], program.inputs)


def is_mask(row: Primitive) -> bool:
    """Whether it chooses which of several parts the derivative flows through."""
    return bool(row.extreme) or row is WHERE


# The edges of a program -------------------------------------------------------------------------------------------


def instruction_of(program: Program, slot: int) -> tuple[Primitive, tuple[int, ...]]:
    """What is computed in a slot that is no input and no constant."""
    found = program.instruction_at(slot)
    assert found is not None
    return found


def flowing_edges(program: Program) -> list[Edge]:
    """Edges along which a derivative flows, from the output inwards."""
    varies, reached = depends(program), reached_in(program)
    return [
        (slot, k)
        for slot, row, args in reversed(list(program.numbered()))
        for k, arg in enumerate(args)
        if slot in reached and not row.steps and varies[arg]
    ]


def reached_in(program: Program) -> set[int]:
    """The slots that the outputs need."""
    return set().union(*(sources(program, output) for output in set(program.outputs)))


def same_function(program: Program, edges: list[Edge]) -> Iterator[tuple[tuple[Edge, ...], int | None]]:
    """The edges of each function that occurs more than once, by argument; then those of each layer of it."""
    layers = _layers_of(program)
    found: dict[tuple[Primitive, int], dict[int, list[Edge]]] = {}
    for slot, k in edges:
        row = instruction_of(program, slot)[0]
        if row not in LINEAR_ROWS:
            found.setdefault((row, k), {}).setdefault(layers[slot], []).append((slot, k))
    for parts in found.values():
        same = tuple(edge for part in parts.values() for edge in part)
        if len(same) > 1:
            yield same, None
    for (row, _), parts in found.items():
        if len(row.arguments) == 1 and len(parts) > 1:
            yield from ((tuple(part), layer) for layer, part in parts.items() if len(part) > 1)


def _layers_of(program: Program) -> list[int]:
    """How many instructions of the same function, its own among them, lie at most between a slot and the inputs."""
    counts: list[dict[Primitive, int]] = [{} for _ in range(program.first_instruction)]
    for _, row, args in program.numbered():
        merged: dict[Primitive, int] = {}
        for arg in args:
            for key, count in counts[arg].items():
                merged[key] = max(count, merged.get(key, 0))
        if len(row.arguments) == 1:
            merged[row] = merged.get(row, 0) + 1
        counts.append(merged)
    found = [0] * program.first_instruction
    return found + [counts[slot].get(row, 0) for slot, row, _ in program.numbered()]

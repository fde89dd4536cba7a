"""Programs into programs: derivatives by forward and reverse accumulation, and guards that say where they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import factorial
from typing import Any, NamedTuple

from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.deadline import in_time
from diffkit.core.program import Algebra, Index, Program, run
from diffkit.core.rules import trace
from diffkit.core.table import Place, PlaceKind, Primitive, table
from diffkit.numbers.duals import Dual, DualAlgebra

ADD, SUB, MUL, NEG, WHERE = (table[name] for name in ("add", "sub", "mul", "neg", "where"))
FIRST_CHOSEN = {table["max"]: table["ge"], table["min"]: table["le"]}
"""rows that hand on one of two arguments, and the condition under which that is the first"""
CHOICES = frozenset((WHERE, *FIRST_CHOSEN))
LINEAR = frozenset((ADD, SUB, NEG))


def derivative_program(program: Program, indices: Sequence[Index]) -> Program:
    """Give the program of partial derivatives by the mode that makes it short, one output per index.

    Reverse accumulation for gradients; forward for higher orders, for several outputs, and where the program
    chooses: a zero adjoint times the slope of the branch not taken may be 0·∞.
    """
    outputs = {output for output, _ in indices}
    first = all(len(index) == 1 for _, index in indices)
    if not first or len(outputs) != 1 or not CHOICES.isdisjoint(row for row, _ in program.instructions):
        return differentiate(program, indices)
    builder = ProgramBuilder.of(program)
    found = Reverse(program, builder).adjoints(program.outputs[next(iter(outputs))])
    zero = builder.constant(0)
    return builder.program([found.get(variable, zero) for _, (variable,) in indices], program.inputs)


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


def adjoints(program: Program, builder: ProgramBuilder, output: int) -> list[int | None]:
    """Adjoints of all slots, emitted into a builder that holds the program slot for slot; None where there is none."""
    found = Reverse(program, builder).adjoints(output)
    return [found.get(slot) for slot in range(len(program))]


class Reverse:
    """Reverse accumulation of a program, output by output, into a builder that holds it slot for slot.

    x̄ᵢ = Σ ȳ·∂y/∂xᵢ over the instructions that use xᵢ, last one first (Griewank & Walther, Evaluating Derivatives, 2nd
    ed., eq. 3.7). For a scalar ȳ·∂y/∂xᵢ is what forward mode makes of the tangent ȳ of xᵢ alone, so one set of rules
    serves both.

    What a branch needs alone has an adjoint that counts only where the branch is taken. It becomes 0 elsewhere when
    it leaves the branch, after all products: no slope of a branch that is not taken is ever multiplied by that 0.
    """

    def __init__(self, program: Program, builder: ProgramBuilder):
        self.program, self.builder = program, builder
        self.forward, self.varies = DualAlgebra(builder), depends(program)
        self.first_chosen = first_chosen(program, builder)

    def adjoints(self, output: int) -> dict[int, int]:
        """Adjoints of the slots that a slot is computed from; the sweep goes over those and no others."""
        apply = self.builder.apply
        swept = sorted(sources(self.program, output), reverse=True)
        taken_in = _taken_in(self.program, swept, (output,), self.first_chosen)
        bars = {output: self.builder.constant(1)}
        for slot in in_time(swept):
            adjoint, instruction = bars.get(slot), self.program.instruction_at(slot)
            if adjoint is None or instruction is None or instruction[0].steps:
                continue
            primitive, args = instruction
            for k, arg in enumerate(args):
                if not self.varies[arg]:
                    continue
                plain = primitive is ADD or primitive is SUB or primitive in CHOICES
                term = adjoint if plain else self.forward.term(primitive, args, slot, k, adjoint)
                if term is None or (primitive is WHERE and k == 0):
                    continue
                through = taken_in[slot] | _choice(primitive, args, slot, k, self.first_chosen)
                term = _where_taken(self.builder, term, through - taken_in[arg])
                known, sign = bars.get(arg), SUB if primitive is SUB and k else ADD
                if known is not None:
                    bars[arg] = apply(sign, (known, term))
                else:
                    bars[arg] = apply(NEG, (term,)) if sign is SUB else term
        return {slot: _where_taken(self.builder, bar, taken_in[slot]) for slot, bar in bars.items()}


def first_chosen(program: Program, builder: ProgramBuilder) -> dict[int, int]:
    """Slots of max and min, with those of the conditions under which they are the first argument."""
    chosen = ((slot, row, args) for slot, row, args in program.numbered() if row in FIRST_CHOSEN)
    return {slot: builder.apply(FIRST_CHOSEN[row], args) for slot, row, args in chosen}


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
        if order == 1:
            found.update(_forward(program, builder, wanted))
        elif order <= 2:
            found.update(_nested(program, builder, wanted, order))
        else:
            for variables in sorted({tuple(sorted(set(index))) for _, index in wanted}):
                same = [(k, index) for k, index in wanted if tuple(sorted(set(index))) == variables]
                found.update(_by_series(program, builder, same, variables))
    return builder.program([found[index] for index in indices])


def _forward(program: Program, builder: ProgramBuilder, indices: Sequence[Index]) -> dict[Index, int]:
    """First partials: the builder holds the primals already, so only tangents are emitted."""
    algebra = DualAlgebra(builder)
    active = {index[0] for _, index in indices}
    values = [algebra.variable(s, s) if s in active else Dual(s) for s in range(program.first_instruction)]
    for slot, primitive, args in in_time(program.numbered()):
        values.append(algebra.push(primitive, [values[a] for a in args], slot))
    tangents = [values[output].tangents for output in program.outputs]
    zero = builder.constant(0)
    return {(k, index): tangents[k].get(index[0], zero) for k, index in indices}


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


Choice = tuple[int, bool]
"""a condition's slot, and whether it holds"""


class Guard(NamedTuple):
    """What must hold of a margin for a derivative to be ordinary, and the instructions whose places it stands for.

    Where the place may move, the margin must be positive (an edge) or not zero. Where it stands still, the row needs
    a value and no more: it has one at the end of a closed domain and at a kink, and at a jump if it is known to be
    there, on this side of it or on the other.
    """

    kind: PlaceKind
    closed: bool
    some: bool
    """whether the place matters only where some of the arguments move"""
    slots: tuple[tuple[int, tuple[int, ...]], ...]
    """instructions, and the slots that must move for their places to matter"""

    @property
    def edge(self) -> bool:
        """Whether the margin must be positive."""
        return self.kind == "edge"

    def holds(self, margin: Any, moves: bool = True) -> bool:
        """Whether it is proven of a margin in an algebra that orders numbers."""
        if not moves and (self.some or self.kind == "kink"):
            return True
        if not moves and self.kind == "jump":
            return bool(margin != 0) or bool(margin == 0)  # a ball about 0 is neither
        if not moves and self.closed:
            return bool(margin >= 0)
        return bool(margin > 0 if self.edge else margin != 0)

    def fails(self, margin: Any, moves: bool = True) -> bool:
        """Whether it is proven not to hold."""
        if not moves and (self.some or self.kind in ("kink", "jump")):
            return False
        if not moves and self.closed:
            return bool(margin < 0)
        return bool(margin <= 0 if self.edge else margin == 0)


class Guarded:
    """A derivative program together with the primal values and the guards of the primal's domain.

    Outputs of ``program``: ``derivatives`` of them first, then the ``primals``, then one margin for each of ``guards``.
    """

    def __init__(self, primal: Program, program: Program, derivatives: int, guards: tuple[Guard, ...]):
        self.primal, self.program, self.derivatives, self.guards = primal, program, derivatives, guards
        self.primals = len(primal.outputs)

    @cached_property
    def edges(self) -> tuple[bool, ...]:
        """Whether each guard is one of an edge, which holds where its margin is positive."""
        return tuple(guard.edge for guard in self.guards)

    def concerns(self, guard: Guard, output: int) -> bool:
        """Whether an output needs what a guard stands for."""
        return any(slot in self._sources[output] for slot, _ in guard.slots)

    def moves(self, guard: Guard, variables: Sequence[int]) -> bool:
        """Whether a place may move with some of the inputs."""
        bits = bits_of(variables)
        return any(self._moving[slot] & bits for _, slots in guard.slots for slot in slots)

    @cached_property
    def _moving(self) -> list[int]:
        return inputs_of(self.primal)

    @cached_property
    def _sources(self) -> list[set[int]]:
        return [sources(self.primal, output) for output in self.primal.outputs]


def inputs_of(program: Program) -> list[int]:
    """The inputs that each slot varies with, as bits."""
    found = [1 << slot if slot < len(program.inputs) else 0 for slot in range(program.first_instruction)]
    for _, args in program.instructions:
        bits = 0
        for arg in args:
            bits |= found[arg]
        found.append(bits)
    return found


def bits_of(variables: Sequence[int]) -> int:
    """Give inputs as bits."""
    return sum(1 << variable for variable in set(variables))


def sources(program: Program, output: int) -> set[int]:
    """The slots that a slot is computed from, itself included."""
    found: set[int] = set()
    stack = [output]
    while stack:
        slot = stack.pop()
        if slot not in found:
            found.add(slot)
            instruction = program.instruction_at(slot)
            stack.extend(instruction[1] if instruction is not None else ())
    return found


def joint(program: Program, output: int, variables: Sequence[int]) -> Program:
    """Give the program of a slot without addends that do not vary with each of some inputs.

    The mixed derivative by these inputs has no other addends.
    """
    builder, moves, bits = ProgramBuilder.of(program), inputs_of(program), bits_of(variables)
    total = builder.constant(0)
    for slot, times in addends(program, output).items():
        if moves[slot] & bits == bits:
            total = builder.apply(ADD, (total, builder.apply(MUL, (builder.constant(times), slot))))
    return builder.program([total], program.inputs)


def addends(program: Program, output: int) -> dict[int, int]:
    """Slots that are no sums, with the whole multiples of them that add up to a slot."""
    found = {output: 1}
    for slot in range(output, program.first_instruction - 1, -1):
        instruction = program.instruction_at(slot)
        if slot in found and instruction is not None and instruction[0] in LINEAR:
            primitive, args = instruction
            times = found.pop(slot)
            for k, arg in enumerate(args):
                sign = -1 if primitive is NEG or (primitive is SUB and k) else 1
                found[arg] = found.get(arg, 0) + sign * times
    return found


def depends(program: Program) -> list[bool]:
    """Say of each slot whether it varies with an input."""
    varies = [slot < len(program.inputs) for slot in range(program.first_instruction)]
    for _, args in program.instructions:
        varies.append(any(varies[a] for a in args))
    return varies


def open_places(program: Program, builder: ProgramBuilder) -> Iterator[tuple[int, Place, int]]:
    """Places of a program's instructions that no constant rules out: the instruction, the place, the margin's slot.

    The builder must hold the program slot for slot; the margins are emitted into it.
    """
    if not any(primitive.places for primitive in {primitive for primitive, _ in program.instructions}):
        return
    varies = depends(program)
    for slot, primitive, args in in_time(program.numbered()):
        for place in primitive.places:
            if place.varying is not None and not any(varies[args[i]] for i in place.varying):
                continue
            margin = margin_slot(place, builder, args)
            value = builder.rational(margin)
            if value is None or not (value > 0 if place.kind == "edge" else value != 0):
                yield slot, place, margin


def branches(program: Program, first_chosen: Mapping[int, int] | None = None) -> list[frozenset[Choice]]:
    """The choices under which alone each slot matters to the outputs: of ``where``, and of max and min if named."""
    found = _taken_in(program, range(len(program) - 1, -1, -1), program.outputs, first_chosen or {})
    return [found.get(slot, frozenset()) for slot in range(len(program))]


def _taken_in(
    program: Program, slots: Iterable[int], outputs: Sequence[int], first_chosen: Mapping[int, int]
) -> dict[int, frozenset[Choice]]:
    """The choices under which alone each of some slots, the last ones first, matters to some outputs.

    ``first_chosen`` names rows max and min that count as choices too, with the slots of their conditions.
    """
    found: dict[int, frozenset[Choice]] = dict.fromkeys(outputs, frozenset())
    for slot in in_time(slots):
        instruction, own = program.instruction_at(slot), found.get(slot)
        if instruction is None or own is None:
            continue
        primitive, args = instruction
        for k, arg in enumerate(args):
            through = own | _choice(primitive, args, slot, k, first_chosen)
            known = found.get(arg)
            found[arg] = through if known is None else known & through
    return found


def _choice(
    primitive: Primitive, args: Sequence[int], slot: int, k: int, first_chosen: Mapping[int, int]
) -> frozenset[Choice]:
    """The choice under which alone an instruction needs its argument k."""
    if primitive is WHERE and k:
        return frozenset({(args[0], k == 1)})
    return frozenset({(first_chosen[slot], k == 0)}) if slot in first_chosen else frozenset()


def guard(primal: Program, derivative: Program) -> Guarded:
    """Join a derivative program (over the same inputs) with the primal's values and guards."""
    builder = ProgramBuilder.of(primal)
    derivatives = copy_slots(derivative, builder, range(len(primal.inputs)))
    margins = guarded_places(primal, builder)
    outputs = [derivatives[o] for o in derivative.outputs] + list(primal.outputs)
    program = builder.program([*outputs, *(margin for margin, _ in margins)], primal.inputs)
    return Guarded(primal, program, len(derivative.outputs), tuple(found for _, found in margins))


def guarded_places(primal: Program, builder: ProgramBuilder) -> list[tuple[int, Guard]]:
    """Slots of the margins of a program, emitted into a builder that holds it, with their guards.

    What only one branch of a choice needs is guarded there only: elsewhere its margin is 1. Both arguments of max and
    min must be continuous, but a kink of one counts only where it is taken.
    """
    one = builder.constant(1)
    taken_in, chosen = branches(primal), first_chosen(primal, builder)
    smooth_in = branches(primal, chosen) if chosen else taken_in
    found: dict[tuple[int, PlaceKind, bool, bool], list[tuple[int, tuple[int, ...]]]] = {}
    for slot, place, margin in open_places(primal, builder):
        for condition, holds in sorted((smooth_in if place.kind == "kink" else taken_in)[slot]):
            margin = builder.apply(WHERE, (condition, margin, one) if holds else (condition, one, margin))
        _, args = primal.instructions[slot - primal.first_instruction]
        movers = args if place.varying is None else tuple(args[i] for i in place.varying)
        found.setdefault((margin, place.kind, place.closed, place.varying is not None), []).append((slot, movers))
    return [(key[0], Guard(*key[1:], tuple(slots))) for key, slots in found.items()]


def margin_slot(place: Place, algebra: Algebra, args: Sequence[Any]) -> Any:
    """Give the margin of a place at arguments in an algebra."""
    return run(trace(place.margin, len(args)), algebra, args)[0]


__all__ = [
    "Choice",
    "Guard",
    "Guarded",
    "adjoints",
    "bits_of",
    "branches",
    "depends",
    "derivative_program",
    "differentiate",
    "guard",
    "guarded_places",
    "inputs_of",
    "joint",
    "margin_slot",
    "open_places",
    "reverse_program",
    "sources",
]

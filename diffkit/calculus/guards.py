"""Guards: what must hold for a derivative to be ordinary, under which choices it matters, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from diffkit.core.builder import ProgramBuilder
from diffkit.core.deadline import in_time
from diffkit.core.program import Algebra, Constant, Index, Program, run
from diffkit.core.rules import trace
from diffkit.core.table import GE, LE, MAX, MIN, WHERE, Place, PlaceKind, Primitive

_FIRST_CHOSEN = {MAX: GE, MIN: LE}
"""rows that hand on one of two arguments, and the condition under which that is the first"""


def first_chosen(program: Program, builder: ProgramBuilder) -> dict[int, int]:
    """Slots of max and min, with those of the conditions under which they are the first argument."""
    chosen = ((slot, row, args) for slot, row, args in program.numbered() if row in _FIRST_CHOSEN)
    return {slot: builder.apply(_FIRST_CHOSEN[row], args) for slot, row, args in chosen}


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
        self.edges = tuple(guard.edge for guard in guards)
        """whether each guard is one of an edge, which holds where its margin is positive"""

    def holding(self, finite: Sequence[bool], margins: Sequence[Any], indices: Sequence[Index]) -> list[bool | None]:
        """For each partial, whether what concerns it holds: its output has a value, and every guard is kept.

        None where that is not proven. ``finite`` says of each output whether it has a value.
        """
        found: list[bool | None] = [finite[output] or None for output, _ in indices]
        pairs = enumerate(zip(margins, self.edges, strict=True))
        doubtful = [k for k, (margin, edge) in pairs if not (margin > 0 if edge else margin != 0)]
        if doubtful:
            judged = _GuardedPartials(indices, found)
            for k in doubtful:
                mask = self.movers(self.guards[k])
                for output in judged.outputs:
                    if self.concerns(self.guards[k], output):
                        judged.judge(self.guards[k], margins[k], output, mask)
        return found

    def concerns(self, guard: Guard, output: int) -> bool:
        """Whether an output needs what a guard stands for."""
        return any(slot in self._sources[output] for slot, _ in guard.slots)

    def movers(self, guard: Guard) -> int:
        """The inputs that move some place of a guard, as bits."""
        mask = 0
        for _, slots in guard.slots:
            for slot in slots:
                mask |= self._moving[slot]
        return mask

    @cached_property
    def _moving(self) -> list[int]:
        return inputs_of(self.primal)

    @cached_property
    def _sources(self) -> list[set[int]]:
        return [sources(self.primal, output) for output in self.primal.outputs]


class _GuardedPartials:
    """Partials whose guards are looked at: what concerns those of an output alike is found once."""

    def __init__(self, indices: Sequence[Index], found: list[bool | None]):
        self.indices, self.found = indices, found
        self.left: dict[int, list[int]] = {}
        """by output, the partials of which it is not known that a guard fails"""
        self.by_input: dict[tuple[int, int], list[int]] = {}
        self.unproven: set[int] = set()
        """outputs of which nothing is proven any more"""
        for c, (output, variables) in enumerate(indices):
            self.left.setdefault(output, []).append(c)
            for variable in set(variables):
                self.by_input.setdefault((output, variable), []).append(c)

    @property
    def outputs(self) -> list[int]:
        """Outputs with partials of which it is not known that a guard fails."""
        return [output for output, mine in self.left.items() if mine]

    def judge(self, guard: Guard, margin: Any, output: int, mask: int) -> None:
        """See what a margin says of the partials of an output, some of which move it."""
        told = [_told(guard, margin, moves) for moves in (False, True)]
        if told[0]:  # it matters only where it moves
            for c in {c for v in set_bits(mask) for c in self.by_input.get((output, v), ())}:
                self._note(c, told[1])
        elif False in told or output not in self.unproven:
            for c in self.left[output]:
                self._note(c, told[bool(bits_of(self.indices[c][1]) & mask)])
            self.left[output] = [c for c in self.left[output] if self.found[c] is not False]
            if True not in told:
                self.unproven.add(output)

    def _note(self, c: int, told: bool | None) -> None:
        if told is not True and self.found[c] is not False:
            self.found[c] = told


def _told(guard: Guard, margin: Any, moves: bool) -> bool | None:
    """Whether a guard is kept, where its place moves or stands; None if that is not proven."""
    return True if guard.holds(margin, moves) else False if guard.fails(margin, moves) else None


def set_bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


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
    found, reached, first = {output}, [output], program.first_instruction
    while reached:  # no look at what is not reached: the rows of a joint program may share nothing
        slot = reached.pop()
        if slot >= first:
            new = set(program.instructions[slot - first][1]) - found
            found |= new
            reached.extend(new)
    return found


def depends(program: Program) -> list[bool]:
    """Say of each slot whether it varies with an input."""
    varies = [slot < len(program.inputs) for slot in range(program.first_instruction)]
    append = varies.append
    for _, args in program.instructions:
        append(varies[args[0]] or True in [varies[arg] for arg in args])
    return varies


def open_places(program: Program, builder: ProgramBuilder) -> Iterator[tuple[int, Place, int]]:
    """Places of a program's instructions that no constant rules out: the instruction, the place, the margin's slot.

    The builder must hold the program slot for slot; the margins are emitted into it.
    """
    if not any(primitive.special for primitive in {primitive for primitive, _ in program.instructions}):
        return
    varies = depends(program)
    for slot, primitive, args in in_time(program.numbered()):
        if not primitive.special:
            continue
        for place in _places(program, primitive, args):
            if place.varying is not None and not any(varies[args[i]] for i in place.varying):
                continue
            margin = _margin_slot(place, builder, args)
            value = builder.rational(margin)
            if value is None or not (value > 0 if place.kind == "edge" else value != 0):
                yield slot, place, margin


def branches(program: Program, first_chosen: Mapping[int, int] | None = None) -> list[frozenset[Choice]]:
    """The choices under which alone each slot matters to the outputs: of ``where``, and of max and min if named."""
    if not first_chosen and not any(row is WHERE for row, _ in program.instructions):
        return [frozenset()] * len(program)
    found = choices_in(program, range(len(program) - 1, -1, -1), program.outputs, first_chosen or {})
    return [found.get(slot, frozenset()) for slot in range(len(program))]


def choices_in(
    program: Program, slots: Iterable[int], outputs: Sequence[int], first_chosen: Mapping[int, int]
) -> dict[int, frozenset[Choice]]:
    """The choices under which alone each of some slots, the last ones first, matters to some outputs.

    ``first_chosen`` names rows max and min that count as choices too, with the slots of their conditions.
    """
    found: dict[int, frozenset[Choice]] = dict.fromkeys(outputs, frozenset())
    if not first_chosen and all(row is not WHERE for row, _ in program.instructions):
        return dict.fromkeys(range(len(program)), frozenset())
    for slot in in_time(slots):
        instruction, own = program.instruction_at(slot), found.get(slot)
        if instruction is None or own is None:
            continue
        primitive, args = instruction
        for k, arg in enumerate(args):
            choice = choice_of(primitive, args, slot, k, first_chosen)
            known, through = found.get(arg), own | choice if choice else own
            found[arg] = through if known is None else known & through
    return found


def choice_of(
    primitive: Primitive, args: Sequence[int], slot: int, k: int, first_chosen: Mapping[int, int]
) -> frozenset[Choice]:
    """The choice under which alone an instruction needs its argument k."""
    if primitive is WHERE and k:
        return frozenset({(args[0], k == 1)})
    return frozenset({(first_chosen[slot], k == 0)}) if slot in first_chosen else frozenset()


def _has_places(program: Program) -> bool:
    """Whether an instruction has a place that no constant rules out."""
    return any(row.special and _places(program, row, args) for row, args in program.instructions)


def unguarded(primal: Program, joint: Program, derivatives: int) -> Guarded | None:
    """So many derivatives and then the primal's values, as they are; None where these miss, or anything is guarded."""
    if _has_places(primal) or len(joint.outputs) != derivatives + len(primal.outputs):
        return None
    return Guarded(primal, joint, derivatives, ())


def guard(primal: Program, derivative: Program) -> Guarded:
    """Join a derivative program (over the same inputs) with the primal's values and guards."""
    builder = ProgramBuilder.of(primal)
    derivatives = builder.include(derivative, range(len(primal.inputs)))
    margins = guarded_places(primal, builder)
    outputs = [derivatives[o] for o in derivative.outputs] + list(primal.outputs)
    program = builder.program([*outputs, *(margin for margin, _ in margins)], primal.inputs)
    return Guarded(primal, program, len(derivative.outputs), tuple(found for _, found in margins))


def guarded_places(primal: Program, builder: ProgramBuilder) -> list[tuple[int, Guard]]:
    """Slots of the margins of a program, emitted into a builder that holds it, with their guards.

    What only one branch of a choice needs is guarded there only: elsewhere its margin is 1. Both arguments of max and
    min must be continuous, but a kink of one counts only where it is taken.
    """
    if not _has_places(primal):
        return []
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


def _places(program: Program, primitive: Primitive, args: Sequence[int]) -> tuple[Place, ...]:
    """The places of an instruction that no constant rules out."""
    return _not_ruled_out(primitive, tuple(map(program.constant_at, args)))


@lru_cache(maxsize=4096)
def _not_ruled_out(primitive: Primitive, constants: tuple[Constant | None, ...]) -> tuple[Place, ...]:
    """The places of a row of which its constant arguments do not tell that they are never met, or do not matter."""
    mattering = [
        place for place in primitive.special
        if place.varying is None or any(constants[i] is None for i in place.varying)
    ]  # fmt: skip
    margins = [(place, _constant_margin(place, constants)) for place in mattering]
    return tuple(
        place for place, value in margins if value is None or not (value > 0 if place.kind == "edge" else value != 0)
    )


def _constant_margin(place: Place, constants: tuple[Constant | None, ...]) -> int | Fraction | None:
    """The margin of a place as far as constant arguments tell it, as the exponent of x² does; None if they do not."""
    builder = ProgramBuilder([f"x{k}" for k in range(len(constants))])
    args = [k if value is None else builder.constant(value) for k, value in enumerate(constants)]
    return builder.rational(_margin_slot(place, builder, args))


def _margin_slot(place: Place, algebra: Algebra, args: Sequence[Any]) -> Any:
    """Give the margin of a place at arguments in an algebra."""
    return run(trace(place.margin, len(args)), algebra, args)[0]

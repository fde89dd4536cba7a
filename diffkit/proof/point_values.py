"""A program at a point: each slot a number, a truth, or what has no value there, exactly; and what depends on what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from copy import copy
from fractions import Fraction
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any

from diffkit.calculus.balanced_sums import BalancedProgram
from diffkit.calculus.guards import depends, inputs_of
from diffkit.core.builder import ProgramBuilder
from diffkit.core.deadline import in_time
from diffkit.core.program import Instruction, Program, run
from diffkit.core.rules import trace
from diffkit.core.table import MAX, MIN, SUB, WHERE, Place, Primitive, table
from diffkit.numbers.constants import Constants, Numbers, Undecided
from diffkit.numbers.field import vanishes_around
from diffkit.numbers.germs import UnknownGerm

EXTREMES = (MAX, MIN)
COMPARING_ROWS = (*EXTREMES, *(table[name] for name in ("lt", "le", "gt", "ge", "eq", "ne")))
"""rows that compare two arguments"""
ALL_INPUTS = -1
"""all inputs, as bits"""


class Changed(dict[int, Any]):
    """Values of which few differ from others."""

    def __init__(self, others: Any):
        super().__init__()
        self.others = others

    def __missing__(self, slot: int) -> Any:
        return self.others[slot]


def taken(args: Sequence[int], truths: Iterable[Any]) -> set[int]:
    """The branches of a choice that are taken for some truths of its condition; what is no truth takes none."""
    return {args[1 if truth else 2] for truth in truths if isinstance(truth, bool)}


class Undefined:
    """No value at the point: ``slot`` is the instruction without one, ``place`` the special place it is at."""

    def __init__(self, slot: int, place: Place | None, outside: bool):
        self.slot, self.place, self.outside = slot, place, outside


class Here:
    """A program at a point: each slot a number, a truth, or Undefined; Undecided where none is proven.

    A place that matters only where some argument moves is passed over where it depends on none of the inputs that do.
    """

    def __init__(
        self, program: Program, point: Sequence[Any], numbers: Numbers | None = None, movers: int = ALL_INPUTS
    ):
        self.program, self.point, self.movers = program, point, movers
        self.constants: Any = Constants() if numbers is None else numbers
        self.still: set[int] = set()
        """slots at a kink of theirs, whether or not they move"""
        self.values: Any = [*(point if numbers is not None else map(self.constants.number, point)),
                                  *map(self.constants.constant, program.constants)]  # fmt: skip
        for slot, primitive, args in in_time(program.numbered()):
            self.values.append(self._value(slot, primitive, [self.values[a] for a in args]))

    def _value(self, slot: int, primitive: Primitive, args: list[Any]) -> Any:
        constants = self.constants
        if primitive is WHERE and isinstance(args[0], bool):
            return args[1] if args[0] else args[2]
        for arg in args:
            if isinstance(arg, (Undefined, UnknownGerm)):
                return arg
        if primitive.truths:
            return primitive.floats(*args)  # type: ignore[misc]
        if primitive.truth:
            return primitive.floats(constants.sign(constants.apply(SUB, args)), 0)  # type: ignore[misc]
        for place in primitive.special:
            if place.kind in ("edge", "pole"):
                margin = run(trace(place.margin, len(args)), constants, args)[0]
                sign = constants.sign(margin) if not self.spared(place, slot) else 1
                if sign < 0 and place.kind == "edge":
                    return Undefined(slot, place, outside=True)
                if sign == 0 and not place.closed:
                    return Undefined(slot, place, outside=False)
            elif place.kind == "kink":
                margin = run(trace(place.margin, len(args)), constants, args)[0]
                if self._may_vanish(margin):
                    self.still.add(slot)
        if primitive.steps and (piece := self._piece(primitive, args[0])) is not None:
            return constants.number(primitive.fold(piece))  # type: ignore[misc]
        return constants.apply(primitive, args)

    def _may_vanish(self, margin: Any) -> bool:
        try:
            return bool(self.constants.sign(margin) == 0)
        except Undecided:
            return True

    def spared(self, place: Place, slot: int) -> bool:
        """Whether a place does not concern an instruction, because the arguments that matter do not move."""
        if place.varying is None:
            return False
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        return not any(self.moves[instruction[1][i]] & self.movers for i in place.varying)

    @cached_property
    def depends(self) -> list[bool]:
        """Whether each slot varies with an input."""
        return depends(self.program)

    @cached_property
    def moves(self) -> list[int]:
        """The inputs that each slot varies with, as bits."""
        return inputs_of(self.program)

    def _piece(self, primitive: Primitive, x: Any) -> Fraction | None:
        """A fraction on the same piece of a step as a number, where jumps are at 0 or at integers."""
        jumps = trace(primitive.places[0].margin, 1) if primitive.places and primitive.fold is not None else None
        if jumps is not None and not jumps.instructions:
            return Fraction(self.constants.sign(x))
        if jumps is None or not any(row.steps for row, _ in jumps.instructions):
            return None
        whole = self.constants.floor(x)
        return Fraction(2 * whole + (not self.constants.equal(x, self.constants.number(whole))), 2)


class Around:
    """What holds for all values of some inputs around a point, the others held, by exact algebra."""

    def __init__(self, program: Program, point: Sequence[float]):
        self.program, self.point = program, point
        self._known: dict[tuple[int, ...], bool] = {}

    def zero(self, moving: int, *slots: int) -> bool:
        """Whether a slot vanishes, or two are alike, for all values of the inputs whose bits are given."""
        key = (moving, *slots)
        if key not in self._known:
            builder = ProgramBuilder.of(self.program)
            rest = slots[0] if len(slots) == 1 else builder.apply(SUB, slots)
            program = builder.program([rest], self.program.inputs)
            some = [i for i in range(len(self.point)) if moving >> i & 1]
            self._known[key] = vanishes_around(program, self.point, some)
        return self._known[key]


class Spot(Here):
    """A program at a point where a slot that is not decided is Unknown, for a choice to pass it by.

    ``moved`` are the inputs, as bits, that the numbers stand for values of, beside the point that ``around`` knows.
    Its program is that of a ``form``, which says how its slots are written.
    """

    def __init__(
        self, form: BalancedProgram, point: Sequence[Any], numbers: Numbers | None, movers: int, around: Around,
        moved: int = 0,
    ):  # fmt: skip
        self.form, self.around, self.moved = form, around, moved
        self._needed: dict[int, set[int]] = {}
        self._sure: dict[int, set[int]] = {}
        super().__init__(form.program, point, numbers, movers)

    def with_movers(self, movers: int, slots: Iterable[int]) -> Spot:
        """The same point where other inputs move; some slots are worked out again, and what depends on them."""
        found = copy(self)
        found.movers, found.values, found.still, found._needed = movers, Changed(self.values), set(self.still), {}
        waiting = list(slots)
        heapify(waiting)
        known: int | None = None
        while waiting:
            if (slot := heappop(waiting)) == known:
                continue
            known = slot
            primitive, args = self.instruction(slot)
            value = found._value(slot, primitive, [found.values[a] for a in args])
            if value != found.values[slot]:
                found.values[slot] = value
                for user in self._users[slot]:
                    heappush(waiting, user)
        return found

    def touched(self, movers: int) -> frozenset[int]:
        """Slots at or beyond a place that matters only where some of their arguments move, and these do."""
        return frozenset(slot for slot, arg in self._touchy if self.moves[arg] & movers)

    @cached_property
    def _touchy(self) -> list[tuple[int, int]]:
        """Slots at or beyond a place that matters only where some of their arguments move, and each such argument."""
        return [
            (slot, args[i])
            for slot, row, args in self.program.numbered()
            for place in row.special
            if place.varying is not None and not self._is_inside(place, [self.values[a] for a in args])
            for i in place.varying
            if self.moves[args[i]]
        ]

    def _is_inside(self, place: Place, args: Sequence[Any]) -> bool:
        """Whether the margin of a place is proven to be positive."""
        if any(isinstance(arg, (Undefined, UnknownGerm)) for arg in args):
            return True
        try:
            return bool(self.constants.sign(run(trace(place.margin, len(args)), self.constants, args)[0]) > 0)
        except Undecided:
            return False

    @cached_property
    def _users(self) -> list[list[int]]:
        """The instructions that use each slot."""
        users: list[list[int]] = [[] for _ in range(len(self.program))]
        for slot, _, args in self.program.numbered():
            for arg in args:
                users[arg].append(slot)
        return users

    def instruction(self, slot: int) -> Instruction:
        """The instruction that fills a slot."""
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        return instruction

    def moving(self, output: int, variable: int) -> list[int]:
        """The instructions between an input and an output, in order: what moves where the input does."""
        found: set[int] = set()
        stack = [output]
        while stack:
            slot = stack.pop()
            instruction = self.program.instruction_at(slot)
            if instruction is not None and slot not in found and variable >= 0 and self.moves[slot] >> variable & 1:
                found.add(slot)
                stack.extend(instruction[1])
        return sorted(found)

    def is_missing(self, output: int, movers: int) -> bool:
        """Whether an output has no value for all values of some inputs around the point."""
        value = self.values[output]
        if not isinstance(value, Undefined):
            return False
        return value.outside or (not self.moves[value.slot] & movers and value.slot in self._certain(output))

    def _certain(self, output: int) -> set[int]:
        """Slots that an output needs whatever is chosen."""
        if output not in self._sure:
            self._sure[output] = self.deciding([output], lambda _: ())
        return self._sure[output]

    def needed(self, output: int) -> set[int]:
        """Slots that decide an output at the point itself: of a choice the condition, and the branch that is taken."""
        if output not in self._needed:
            self._needed[output] = self.deciding([output], lambda condition: (self.values[condition],))
        return self._needed[output]

    def deciding(
        self, outputs: Iterable[int], truths: Callable[[int], Iterable[Any]], known: Collection[int] = ()
    ) -> set[int]:
        """Slots that some are computed from where each condition has some truths, but for those that are known."""
        needed: set[int] = set()
        stack = list(outputs)
        while stack:
            slot = stack.pop()
            if slot in needed or slot in known:
                continue
            needed.add(slot)
            instruction = self.program.instruction_at(slot)
            if instruction is not None:
                primitive, args = instruction
                stack.extend((args[0], *taken(args, truths(args[0]))) if primitive is WHERE else args)
        return needed

    def _value(self, slot: int, primitive: Primitive, args: list[Any]) -> Any:
        try:
            if self.constants.depth and primitive in COMPARING_ROWS and self._alike(slot, args):
                return args[0] if primitive in EXTREMES else primitive.floats(0, 0)  # type: ignore[misc]
            return super()._value(slot, primitive, args)
        except Undecided as undecided:
            found = self._by_zeros(slot, primitive, args) if self.moved else None
            where = undecided.where or self.form.text(slot)
            return UnknownGerm(undecided.reason, where) if found is None else found

    def _by_zeros(self, slot: int, primitive: Primitive, args: list[Any]) -> Any:
        """The value where some argument vanishes beside the point; None if none is known to, or that is not enough."""
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        zeros = [self.around.zero(self.moved, arg) for arg in instruction[1]]
        nought = self.constants.number(0)
        with suppress(Undecided):
            if any(zeros):
                return super()._value(slot, primitive, [nought if z else a for z, a in zip(zeros, args, strict=True)])
        return None

    def _alike(self, slot: int, args: list[Any]) -> bool:
        """Whether what is compared is the same beside the point."""
        if any(isinstance(arg, Undefined | UnknownGerm) for arg in args):
            return False
        try:
            return bool(self.constants.sign(self.constants.apply(SUB, args)) == 0)
        except Undecided:
            instruction = self.program.instruction_at(slot)
            assert instruction is not None
            return self.around.zero(self.moved, *instruction[1])

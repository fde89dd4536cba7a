"""A program around a point along one variable: its values at the point, its germs to both sides, and continuity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar

from diffkit.calculus.guards import depends, inputs_of
from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import Program, run
from diffkit.core.rules import trace
from diffkit.core.table import MAX, MIN, POWER, SUB, WHERE, Place, Primitive, table
from diffkit.core.text import excerpt
from diffkit.numbers.constants import Constants, Numbers, Undecided
from diffkit.numbers.field import vanishes_around
from diffkit.numbers.germs import Germ, GermAlgebra, Missing, Restart, UnknownGerm

_EXTREMES = (MAX, MIN)
_COMPARING_ROWS = (*_EXTREMES, *(table[name] for name in ("lt", "le", "gt", "ge", "eq", "ne")))
"""rows that compare two arguments"""
ALL_INPUTS = -1
"""all inputs, as bits"""

T = TypeVar("T")


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
        self.values = self._values(point if numbers is not None else [self.constants.number(x) for x in point])

    def _values(self, inputs: Sequence[Any]) -> list[Any]:
        values: list[Any] = [*inputs, *map(self.constants.constant, self.program.constants)]
        for slot, primitive, args in self.program.numbered():
            values.append(self._value(slot, primitive, [values[a] for a in args]))
        return values

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
    """

    def __init__(
        self,
        program: Program,
        point: Sequence[Any],
        numbers: Numbers | None,
        movers: int,
        around: Around,
        moved: int = 0,
    ):
        self.around, self.moved = around, moved
        super().__init__(program, point, numbers, movers)

    def _value(self, slot: int, primitive: Primitive, args: list[Any]) -> Any:
        try:
            if self.constants.depth and primitive in _COMPARING_ROWS and self._alike(slot, args):
                return args[0] if primitive in _EXTREMES else primitive.floats(0, 0)  # type: ignore[misc]
            return super()._value(slot, primitive, args)
        except Undecided as undecided:
            found = self._by_zeros(slot, primitive, args) if self.moved else None
            where = undecided.where or excerpt(self.program, slot)
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


@dataclass(frozen=True, eq=False)
class Side:
    """Germs of all slots to one side, and for each whether it tends to the value at the point."""

    algebra: GermAlgebra
    germs: list[Any]
    joined: list[bool | None]


def sides(numbers: Numbers, look: Callable[[GermAlgebra], T]) -> tuple[T, T]:
    """What is seen to the right and to the left, in a parameter of which what is met are whole powers."""
    q = 1
    while True:
        try:
            return look(GermAlgebra(numbers, q, 1)), look(GermAlgebra(numbers, q, -1))
        except Restart as restart:
            if restart.numbers is not numbers:
                raise
            q *= restart.q


class Neighbourhood:
    """A program around a point along one variable: values, germs to both sides, continuity."""

    def __init__(self, here: Spot, output: int, variable: int):
        self.here, self.output, self.variable = here, output, variable
        self.program, self.values, self.still = here.program, here.values, here.still
        self.constants = here.constants
        self.right, self.left = sides(self.constants, self._side)

    def _side(self, algebra: GermAlgebra) -> Side:
        germs: list[Any] = []
        joined: list[bool | None] = []
        for slot in range(self.program.first_instruction):
            value = self.values[slot]
            germs.append(algebra.moving(value) if slot == self.variable else algebra.number(value))
            joined.append(True)
        for slot, primitive, args in self.program.numbered():
            algebra.slot = slot
            if self.variable < 0 or not self.here.moves[slot] >> self.variable & 1:
                germs.append(self._standing(slot, algebra))
                joined.append(not isinstance(self.values[slot], Undefined))
                continue
            germ = self._germ(slot, primitive, args, algebra, germs)
            germs.append(germ)
            joined.append(self._joins(slot, primitive, args, algebra, germ, germs, joined))
        return Side(algebra, germs, joined)

    def _standing(self, slot: int, algebra: GermAlgebra) -> Any:
        """The germ of what does not move: its value."""
        value = self.values[slot]
        if isinstance(value, Undefined):
            return Missing(value.slot, "has no value where")
        return value if isinstance(value, bool | UnknownGerm) else algebra.number(value)

    def _germ(
        self, slot: int, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germs: list[Any]
    ) -> Any:
        """The germ of an instruction; Unknown, and where, if it is not decided."""
        try:
            germ = algebra.apply(primitive, [germs[a] for a in args])
        except Undecided as undecided:
            germ = UnknownGerm(undecided.reason, undecided.where)
        untold = (primitive in _EXTREMES or primitive.steps) and isinstance(germ, Germ) and germ.rough
        if untold or isinstance(germ, UnknownGerm):
            known = self._by_identity(primitive, args, algebra, germs)
            germ = germ if known is None else known
        if isinstance(germ, UnknownGerm) and not germ.where:
            return UnknownGerm(germ.reason, excerpt(self.program, slot))
        return germ

    def _by_identity(self, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germs: list[Any]) -> Any:
        """The germ where an argument vanishes all around the point, or two are alike."""
        if any(isinstance(germs[a], bool | UnknownGerm | Missing) or germs[a].rough for a in args):
            return None
        moving = self.here.moved | 1 << self.variable
        if primitive in _COMPARING_ROWS and self.here.around.zero(moving, *args):
            return germs[args[0]] if primitive in _EXTREMES else primitive.floats(0, 0)  # type: ignore[misc]
        zeros = [self.here.around.zero(moving, arg) for arg in args]
        if any(zeros):
            return algebra.apply(
                primitive, [algebra.constant(0) if z else germs[a] for z, a in zip(zeros, args, strict=True)]
            )
        return None

    def _joins(
        self, slot: int, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germ: Any,
        germs: list[Any], joined: list[bool | None],
    ) -> bool | None:  # fmt: skip
        """Whether the germ tends to the value: by continuity, or by comparing limit and value."""
        value = self.values[slot]
        if isinstance(germ, UnknownGerm) or isinstance(value, UnknownGerm):
            return None
        if isinstance(germ, Missing) or isinstance(value, Undefined):
            return False
        if isinstance(germ, bool) or isinstance(value, bool):
            return bool(germ == value)
        if primitive is WHERE:
            here, there = (args[1] if truth else args[2] for truth in (self.values[args[0]], germs[args[0]]))
            if here == there:
                return joined[here]
        continuous = not self._jumps(primitive, args) and all(joined[a] for a in args)
        try:
            limit = algebra.limit(germ)
            return limit is not None and (continuous or self.constants.equal(limit, value))
        except Undecided:
            return None

    def _jumps(self, primitive: Primitive, args: tuple[int, ...]) -> bool:
        """Whether a row may jump where its arguments do not; 0^y does at y = 0."""
        if primitive is WHERE or primitive.steps or any(place.kind == "jump" for place in primitive.places):
            return True
        if primitive is not POWER or self.program.constant_at(args[1]) is not None:
            return False
        try:
            return bool(self.constants.sign(self.values[args[0]]) == 0)
        except Undecided:
            return True

    # What was met on the way ---------------------------------------------------------------------------------------

    @property
    def special(self) -> list[int]:
        """Slots where a special place was passed, those that the sides passed differently first."""
        right, left = self.right.algebra.events, self.left.algebra.events
        found = sorted({**right, **left}, key=lambda s: (right.get(s) == left.get(s), s))
        needed = self.needed()
        return [slot for slot in found if slot in needed]

    @property
    def whole(self) -> bool:
        """Whether both sides are proven to be one analytic function: no special place on what they take alike."""
        events = self.right.algebra.events.keys() | self.left.algebra.events.keys()
        seen: set[int] = set()
        stack = [self.output]
        while stack:
            slot = stack.pop()
            instruction = self.program.instruction_at(slot)
            if slot in seen or instruction is None:
                continue
            seen.add(slot)
            primitive, args = instruction
            if primitive is WHERE:
                args = tuple({args[1 if side.germs[args[0]] is True else 2] for side in (self.right, self.left)})
            if len(args) > 1 if primitive is WHERE else slot in events:
                return False
            stack.extend(args)
        return True

    def needed(self) -> set[int]:
        """Slots that decide the output here: of a choice the condition, and the branches that anything takes."""
        needed: set[int] = set()
        stack = [self.output]
        while stack:
            slot = stack.pop()
            instruction = self.program.instruction_at(slot)
            if slot in needed or instruction is None:
                needed.add(slot)
                continue
            needed.add(slot)
            primitive, args = instruction
            if primitive is WHERE:
                truths = (self.values[args[0]], self.right.germs[args[0]], self.left.germs[args[0]])
                args = (args[0], *(args[1 if truth is True else 2] for truth in truths if isinstance(truth, bool)))
            stack.extend(args)
        return needed

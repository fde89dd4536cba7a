"""A program around a point along one variable: its germs to both sides, and continuity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from diffkit.core.table import POWER, WHERE, Primitive
from diffkit.numbers.constants import Numbers, Undecided
from diffkit.numbers.germs import Germ, GermAlgebra, Missing, Restart, UnknownGerm
from diffkit.proof.point_values import COMPARING_ROWS, EXTREMES, Spot, Undefined, taken

_T = TypeVar("_T")


class Side:
    """Germs of slots to one side, and whether each tends to the value at the point; what stands is asked for."""

    def __init__(self, algebra: GermAlgebra, values: Sequence[Any]):
        self.algebra, self.values = algebra, values
        self.germs: dict[int, Any] = _WhereMissing(self._standing)
        self.joined: dict[int, bool | None] = _WhereMissing(lambda slot: not isinstance(values[slot], Undefined))

    def _standing(self, slot: int) -> Any:
        """The germ of what does not move: its value."""
        value = self.values[slot]
        if isinstance(value, Undefined):
            return Missing(value.slot, "has no value where")
        return value if isinstance(value, bool | UnknownGerm) else self.algebra.number(value)


class _WhereMissing(dict[int, _T]):
    """What is known of slots; anything else is found when it is asked for."""

    def __init__(self, find: Callable[[int], _T]):
        super().__init__()
        self.find = find

    def __missing__(self, slot: int) -> _T:
        found = self[slot] = self.find(slot)
        return found


def sides(numbers: Numbers, look: Callable[[GermAlgebra], _T]) -> tuple[_T, _T]:
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
        self.moving = here.moving(output, variable)
        """the instructions that move with the variable"""
        self.right, self.left = sides(self.constants, self._side)

    def _side(self, algebra: GermAlgebra) -> Side:
        side = Side(algebra, self.values)
        if self.variable >= 0:
            side.germs[self.variable] = algebra.moving(self.values[self.variable])
        for slot in self.moving:
            primitive, args = self.here.instruction(slot)
            algebra.slot = slot
            germ = side.germs[slot] = self._germ(slot, primitive, args, algebra, side.germs)
            side.joined[slot] = self._joins(slot, primitive, args, algebra, germ, side.germs, side.joined)
        return side

    def _germ(
        self, slot: int, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germs: dict[int, Any]
    ) -> Any:
        """The germ of an instruction; Unknown, and where, if it is not decided."""
        try:
            germ = algebra.apply(primitive, [germs[a] for a in args])
        except Undecided as undecided:
            germ = UnknownGerm(undecided.reason, undecided.where)
        untold = (primitive in EXTREMES or primitive.steps) and isinstance(germ, Germ) and germ.rough
        if untold or isinstance(germ, UnknownGerm):
            known = self._by_identity(primitive, args, algebra, germs)
            germ = germ if known is None else known
        if isinstance(germ, UnknownGerm) and not germ.where:
            return UnknownGerm(germ.reason, self.here.form.text(slot))
        return germ

    def _by_identity(
        self, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germs: dict[int, Any]
    ) -> Any:
        """The germ where an argument vanishes all around the point, or two are alike."""
        if any(isinstance(germs[a], bool | UnknownGerm | Missing) or germs[a].rough for a in args):
            return None
        moving = self.here.moved | 1 << self.variable
        if primitive in COMPARING_ROWS and self.here.around.zero(moving, *args):
            return germs[args[0]] if primitive in EXTREMES else primitive.floats(0, 0)  # type: ignore[misc]
        zeros = [self.here.around.zero(moving, arg) for arg in args]
        if any(zeros):
            return algebra.apply(
                primitive, [algebra.constant(0) if z else germs[a] for z, a in zip(zeros, args, strict=True)]
            )
        return None

    def _joins(
        self, slot: int, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germ: Any,
        germs: dict[int, Any], joined: dict[int, bool | None],
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
        needed = self.needed if found else ()
        return [slot for slot in found if slot in needed]

    @property
    def whole(self) -> bool:
        """Whether both sides are proven to be one analytic function: no special place on what they take alike."""
        events = self.right.algebra.events.keys() | self.left.algebra.events.keys()
        moving = set(self.moving)
        stack = [self.output]
        while stack:
            slot = stack.pop()
            if slot not in moving:
                continue
            moving.remove(slot)
            primitive, args = self.here.instruction(slot)
            if primitive is WHERE:
                args = tuple({args[1 if side.germs[args[0]] is True else 2] for side in (self.right, self.left)})
            if len(args) > 1 if primitive is WHERE else slot in events:
                return False
            stack.extend(args)
        return True

    @cached_property
    def needed(self) -> set[int]:
        """Slots that decide the output here: of a choice the condition, and the branches that anything takes."""

        def truths(condition: int) -> tuple[Any, ...]:
            return self.values[condition], self.right.germs[condition], self.left.germs[condition]

        at_the_point = self.here.needed(self.output)
        beside: set[int] = set()
        for slot in self.moving:
            primitive, args = self.here.instruction(slot)
            if primitive is WHERE and slot in at_the_point:
                beside.update(taken(args, truths(args[0])) - at_the_point)
        return at_the_point | self.here.deciding(beside, truths, at_the_point) if beside else at_the_point

"""A program around a point along one variable: its values at the point, its germs to both sides, and continuity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from diffkit.algebras.constants import Constants, Undecided
from diffkit.algebras.germs import GermAlgebra, Missing, Restart, Unknown
from diffkit.primitives import Place, Primitive, table
from diffkit.program import Program, run
from diffkit.rules import trace
from diffkit.transforms import depends

WHERE = table["where"]
ROOTS = 64  # largest root of the distance that a fractional power may ask for


class Undefined:
    """No value at the point: ``slot`` is the instruction without one, ``place`` the special place it is at."""

    def __init__(self, slot: int, place: Place | None, outside: bool):
        self.slot, self.place, self.outside = slot, place, outside


class Here:
    """A program at a point: each slot a constant's slot, a truth, or Undefined; Undecided where none is proven."""

    def __init__(self, program: Program, point: Sequence[float]):
        self.program, self.point = program, point
        self.constants = Constants()
        self.still: set[int] = set()
        """slots at a kink of theirs, whether or not they move along this variable"""
        self.values = self._values()

    def _values(self) -> list[Any]:
        constants = self.constants
        values: list[Any] = [constants.number(x) for x in self.point]
        values += map(constants.builder.constant, self.program.constants)
        for slot, primitive, args in self.program.numbered():
            values.append(self._value(slot, primitive, [values[a] for a in args]))
        return values

    def _value(self, slot: int, primitive: Primitive, args: list[Any]) -> Any:
        constants = self.constants
        if primitive is WHERE and not isinstance(args[0], Undefined):
            return args[1] if args[0] else args[2]
        for arg in args:
            if isinstance(arg, Undefined):
                return arg
        if primitive.truths:
            return primitive.floats(*args)  # type: ignore[misc]
        if primitive.truth:
            return primitive.floats(constants.sign(constants.apply(table["sub"], args)), 0)  # type: ignore[misc]
        for place in primitive.places:
            if place.kind in ("edge", "pole"):
                margin = run(trace(place.margin, len(args)), constants.builder, args)[0]
                sign = constants.sign(margin) if not self.spared(place, slot) else 1
                if sign < 0 and place.kind == "edge":
                    return Undefined(slot, place, outside=True)
                if sign == 0 and not place.closed:
                    return Undefined(slot, place, outside=False)
            elif place.kind == "kink":
                margin = run(trace(place.margin, len(args)), constants.builder, args)[0]
                if constants.sign(margin) == 0:
                    self.still.add(slot)
        if primitive.steps and primitive.name in ("sign", "floor", "ceil", "heaviside"):
            return self._stepped(primitive, args[0])
        return constants.apply(primitive, args)

    def spared(self, place: Place, slot: int) -> bool:
        """Whether a place does not concern an instruction, because the arguments that matter do not vary."""
        if place.varying is None:
            return False
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        return not any(self.depends[instruction[1][i]] for i in place.varying)

    @cached_property
    def depends(self) -> list[bool]:
        """Whether each slot varies with an input."""
        return depends(self.program)

    def _stepped(self, primitive: Primitive, x: int) -> int:
        constants = self.constants
        if primitive.name in ("floor", "ceil"):
            up = primitive.name == "ceil"
            whole = constants.floor(constants.apply(table["neg"], (x,)) if up else x)
            return constants.number(-whole if up else whole)
        sign = constants.sign(x)
        return constants.number(sign if primitive.name == "sign" else (1 + sign) / 2)


@dataclass(frozen=True, eq=False)
class Side:
    """Germs of all slots to one side, and for each whether it tends to the value at the point."""

    algebra: GermAlgebra
    germs: list[Any]
    joined: list[bool | None]


class Neighbourhood(Here):
    """A program at a point along one variable: values, germs to both sides, continuity."""

    def __init__(self, program: Program, output: int, variable: int, point: Sequence[float]):
        super().__init__(program, point)
        self.output, self.variable = output, variable
        self.right, self.left = self._sides()

    def _sides(self) -> tuple[Side, Side]:
        q = 1
        while q <= ROOTS:
            try:
                return self._side(1, q), self._side(-1, q)
            except Restart as restart:
                q *= restart.q
        raise Undecided

    def _side(self, sign: int, q: int) -> Side:
        algebra = GermAlgebra(self.constants, q)
        germs: list[Any] = []
        joined: list[bool | None] = []
        for slot in range(self.program.first_instruction):
            value = self.values[slot]
            germs.append(algebra.moving(value, sign) if slot == self.variable else algebra.number(value))
            joined.append(True)
        for slot, primitive, args in self.program.numbered():
            algebra.slot = slot
            try:
                germ = algebra.apply(primitive, [germs[a] for a in args])
            except Undecided:
                germ = Unknown()
            germs.append(germ)
            joined.append(self._joins(slot, primitive, args, algebra, germ, germs, joined))
        return Side(algebra, germs, joined)

    def _joins(
        self, slot: int, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germ: Any,
        germs: list[Any], joined: list[bool | None],
    ) -> bool | None:  # fmt: skip
        """Whether the germ tends to the value: by continuity, or by comparing limit and value."""
        value = self.values[slot]
        if isinstance(germ, Unknown):
            return None
        if isinstance(germ, Missing) or isinstance(value, Undefined):
            return False
        if isinstance(germ, bool) or isinstance(value, bool):
            return bool(germ == value)
        if primitive is WHERE:
            here, there = (args[1] if truth else args[2] for truth in (self.values[args[0]], germs[args[0]]))
            if here == there:
                return joined[here]
        continuous = primitive is not WHERE and not self._jumps(primitive) and all(joined[a] for a in args)
        try:
            limit = algebra.limit(germ)
            return limit is not None and (continuous or self.constants.equal(limit, value))
        except Undecided:
            return None

    @staticmethod
    def _jumps(primitive: Primitive) -> bool:
        return primitive.steps or any(place.kind == "jump" for place in primitive.places)

    # What was met on the way ---------------------------------------------------------------------------------------

    @property
    def special(self) -> list[int]:
        """Slots where a special place was passed, those that the sides passed differently first."""
        right, left = self.right.algebra.events, self.left.algebra.events
        found = sorted({**right, **left}, key=lambda s: (right.get(s) == left.get(s), s))
        needed = self.needed()
        return [slot for slot in found if slot in needed]

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

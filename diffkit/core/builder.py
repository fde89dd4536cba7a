"""The builder of Programs, which is also an algebra: running a program in it copies, or transforms, the program.

It simplifies only where the domain stays the same: x + 0, 1·x, exact arithmetic on constants, the place of a
minus sign. Never x/x → 1 or 0·x → 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.deadline import check_time, in_time
from diffkit.core.folding import exact, folded
from diffkit.core.limits import UNLIMITED, Limits
from diffkit.core.program import OPAQUE, Constant, Named, Program, Shape
from diffkit.core.table import ADD, DIV, MAX, MIN, MUL, NEG, NOT, POWER, SUB, WHERE, Primitive

CHAINS = {ADD: "sum", SUB: "sum", MUL: "product", DIV: "product"}
NAMED_CONSTANTS: dict[int | str, Named] = {"pi": Named("pi"), "e": Named("e")}


class ProgramBuilder:
    """Emits a Program slot by slot; equal slots are emitted once."""

    def __init__(self, inputs: Sequence[str] = (), limits: Limits = UNLIMITED):
        self.limits = limits
        self._most_nodes, self._most_depth = limits.nodes, limits.depth
        self.truths: set[int] = set()
        """slots that are true or false rather than a number"""
        self._inputs: dict[str, int] = {}
        self._values: list[Constant | None] = []
        self._instructions: list[tuple[Any, ...] | None] = []  # (primitive, *args)
        self._depths: list[int] = []
        self._slots: dict[tuple[Any, ...], int] = {}
        self._constants: dict[Constant, int] = {}
        self._rewrites: dict[Primitive, Callable[..., int | None]] = {
            ADD: self._add, SUB: self._sub, MUL: self._mul, DIV: self._div, POWER: self._power, NEG: self._neg,
            WHERE: self._where, NOT: self._not, MAX: self._same, MIN: self._same,
        }  # fmt: skip
        for name in inputs:
            self.input(name)

    @classmethod
    def of(cls, program: Program) -> ProgramBuilder:
        """Give a builder that already holds a program, slot for slot."""
        builder = cls(program.inputs)
        first = program.first_instruction
        for value in program.constants:
            builder.constant(value)
        keys: list[tuple[Any, ...]] = [(primitive, *args) for primitive, args in program.instructions]
        builder._values += [None] * len(keys)
        builder._instructions += keys
        builder._depths += [0] * len(keys)  # depth is a limit on what is read, not on what is made of it
        builder._slots.update(zip(keys, range(first, first + len(keys)), strict=True))
        builder.truths.update(slot for slot, key in enumerate(keys, first) if key[0].truth)
        return builder

    def _new(self, value: Constant | None, instruction: tuple[Any, ...] | None, depth: int) -> int:
        slot = len(self._values)
        if slot >= self._most_nodes:
            raise self.limits.exceeded("nodes", "the expression has too many operations")
        if depth > self._most_depth:
            raise self.limits.exceeded("depth", "the expression is nested too deeply")
        self._values.append(value)
        self._instructions.append(instruction)
        self._depths.append(depth)
        return slot

    def input(self, name: str) -> int:
        """Slot of an input."""
        slot = self._inputs.get(name)
        if slot is None:
            slot = self._inputs[name] = self._new(None, None, 0)
        return slot

    def constant(self, value: Constant) -> int:
        """Slot of an exact constant."""
        found = self._constants.get(value)
        if found is None:  # 2 and Fraction(2) are the same key
            value = exact(value) if isinstance(value, Fraction) else value
            found = self._constants[value] = self._new(value, None, 0)
        return found

    def unknown(self, args: Sequence[int]) -> int:
        """Slot of what no row gives, made of others: it counts, and is one deeper than they are."""
        return self._new(None, None, max([self._depths[slot] for slot in args], default=-1) + 1)

    def rational(self, slot: int) -> int | Fraction | None:
        """The rational constant in a slot, or None."""
        value = self._values[slot]
        return None if isinstance(value, OPAQUE) else value

    def constant_in(self, slot: int) -> Constant | None:
        """The constant in a slot, or None."""
        return self._values[slot]

    def operation(self, slot: int) -> tuple[Any, ...]:
        """The primitive and the arguments of a slot that is computed."""
        found = self._instructions[slot]
        assert found is not None
        return found

    def is_constant(self, slot: int) -> bool:
        """Whether a slot holds a constant."""
        return self._values[slot] is not None

    def apply(self, primitive: Any, args: Sequence[int]) -> int:
        """Slot of a row (or of an operation on whole arrays) of slots."""
        key = (primitive, *args)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = self._made(key)
        return slot

    def _made(self, key: tuple[Any, ...]) -> int:
        """Slot of an operation not met before: a constant, one that stands for it, or a new one."""
        primitive, values = key[0], self._values
        if values[key[1]] is not None:
            if values[key[-1]] is not None and primitive.fold is not None:
                folded = self._fold(primitive, key[1:])
                if folded is not None:
                    return folded
            if primitive.base and values[key[1]] == NAMED_CONSTANTS.get(primitive.base, primitive.base):
                return self.constant(1)  # so that the derivative of e^x is e^x
        rewrite = self._rewrites.get(primitive)
        rewritten = None if rewrite is None else rewrite(*key[1:])
        return self._emitted(key) if rewritten is None else rewritten

    def _emitted(self, key: tuple[Any, ...]) -> int:
        """Slot of an operation as it stands."""
        primitive = key[0]
        if primitive is ADD or primitive is MUL:  # the order as first written is kept
            found: int | None = self._slots.get((primitive, key[2], key[1]))
            if found is not None:
                return found
        slot = self._new(None, key, 0 if self.limits is UNLIMITED else self._depth(key))
        if primitive.truth:
            self.truths.add(slot)
        return slot

    def include(self, program: Program, inputs: Sequence[int]) -> list[int]:
        """Emit a program as it stands, with its inputs read from the given slots; give the slot of each slot.

        It is simplified already, as its inputs stay inputs.
        """
        slots = [*inputs, *map(self.constant, program.constants)]
        known, append = self._slots, slots.append
        for primitive, args in in_time(program.instructions):
            key: tuple[Any, ...] = (primitive, *[slots[arg] for arg in args])
            slot = known.get(key)
            if slot is None:
                slot = known[key] = self._emitted(key)
            append(slot)
        return slots

    def _depth(self, key: tuple[Any, ...]) -> int:
        """Nesting of an operation; a chain of + and −, of × and ÷, or of max is one deeper than its deepest term."""
        depths, primitive = self._depths, key[0]
        chain = CHAINS.get(primitive) or (primitive.name if primitive.variadic else None)
        if chain is None:
            return max(map(depths.__getitem__, key[1:])) + 1
        first = self._instructions[key[1]]
        left: int = depths[key[1]]
        right: int = depths[key[2]] + 1
        if first is None or (first[0] is not primitive and CHAINS.get(first[0]) is not chain):
            left += 1
        return left if left > right else right

    def _fold(self, primitive: Primitive, args: Sequence[int]) -> int | None:
        found = folded(primitive, [self._values[slot] for slot in args], self.limits)
        return None if found is None else self.constant(found)

    # Rewrites. Each gives the slot that replaces the operation, or None to emit it as it stands. --------------

    def _parts(self, slot: int, primitive: Primitive) -> tuple[int, ...] | None:
        instruction = self._instructions[slot]
        return instruction[1:] if instruction is not None and instruction[0] is primitive else None

    def _negated(self, slot: int) -> int | None:
        """Slot of −x if ``slot`` is visibly negative: a negative constant, neg(x), or such a constant · or ÷ x."""
        value = self._values[slot]
        if value is not None:
            return self.constant(-value) if not isinstance(value, OPAQUE) and value < 0 else None
        instruction = self._instructions[slot]
        if instruction is None:
            return None
        primitive, first = instruction[:2]
        if primitive is NEG:
            return int(first)
        if primitive is MUL or primitive is DIV:
            factor = self.rational(first)
            if factor is not None and factor < 0:
                return self.apply(primitive, (self.constant(-factor), instruction[2]))
        return None

    def _neg(self, x: int) -> int | None:
        if (parts := self._parts(x, NEG)) is not None:
            return parts[0]
        for primitive in (MUL, DIV):
            if (parts := self._parts(x, primitive)) is not None:
                factor = self.rational(parts[0])
                if factor is not None:
                    return self.apply(primitive, (self.constant(-factor), parts[1]))
        return None

    def _multiple(self, slot: int) -> tuple[int | Fraction, int]:
        """A slot as a rational multiple of another, 1 of itself at least."""
        instruction = self._instructions[slot]
        if instruction is not None and instruction[0] is MUL and (factor := self.rational(instruction[1])) is not None:
            return factor, instruction[2]
        return 1, slot

    def _like(self, x: int, y: int, sign: int) -> int | None:
        """a·z ± b·z = (a ± b)·z, unless that is zero times z."""
        left, right = self._instructions[x], self._instructions[y]
        z = left[2] if left is not None and left[0] is MUL else x
        w = right[2] if right is not None and right[0] is MUL else y
        if x != y and x != w and z not in (y, w):  # most terms, and there are many
            return None
        (a, z), (b, w) = self._multiple(x), self._multiple(y)
        if z != w or a + sign * b == 0:
            return None
        return self.apply(MUL, (self.constant(a + sign * b), z))

    def _add(self, x: int, y: int) -> int | None:
        if self._values[x] == 0:
            return y
        if self._values[y] == 0:
            return x
        if (joined := self._like(x, y, 1)) is not None:
            return joined
        negated = self._negated(y)
        return None if negated is None else self.apply(SUB, (x, negated))

    def _sub(self, x: int, y: int) -> int | None:
        if self._values[y] == 0:
            return x
        if self._values[x] == 0:
            return self.apply(NEG, (y,))
        if (joined := self._like(x, y, -1)) is not None:
            return joined
        negated = self._negated(y)
        return None if negated is None else self.apply(ADD, (x, negated))

    def _mul(self, x: int, y: int) -> int | None:
        """A rational factor comes first, and is joined with a rational factor of the other side."""
        factor = self.rational(x)
        if factor is None:
            return self._sign_outside(MUL, x, y) if self.rational(y) is None else self.apply(MUL, (y, x))
        if factor == 1:
            return y
        if factor == -1:
            return self.apply(NEG, (y,))
        instruction = self._instructions[y]
        if instruction is None:
            return None
        if instruction[0] is NEG:
            return self.apply(MUL, (self.constant(-factor), instruction[1]))
        if instruction[0] is MUL and self.rational(instruction[1]) is not None:
            return self.apply(MUL, (self.apply(MUL, (x, instruction[1])), instruction[2]))
        return None

    def _div(self, x: int, y: int) -> int | None:
        value = self.rational(y)
        if value == 1:
            return x
        if value == -1:
            return self.apply(NEG, (x,))
        return self._sign_outside(DIV, x, y)

    def _sign_outside(self, primitive: Primitive, x: int, y: int) -> int | None:
        left, right = self._instructions[x], self._instructions[y]
        if left is not None and left[0] is NEG:
            return self.apply(NEG, (self.apply(primitive, (left[1], y)),))
        if right is not None and right[0] is NEG:
            return self.apply(NEG, (self.apply(primitive, (x, right[1])),))
        return None

    def _power(self, x: int, y: int) -> int | None:
        value = self.rational(y)
        if value is None or self.is_constant(x):
            return None
        if not -self.limits.exponent <= value <= self.limits.exponent:
            raise self.limits.exceeded("exponent", "a constant exponent is too large")
        if value == 0 and self._total(x):
            return self.constant(1)
        return x if value == 1 else None

    def _total(self, slot: int) -> bool:
        """Whether a slot has a value for all real inputs; bounded look, and False when it is not plain to see."""
        stack, looks = [slot], 32
        while stack:
            instruction = self._instructions[stack.pop()]
            looks -= 1
            if instruction is not None:
                primitive, *args = instruction
                whole = (
                    primitive is POWER and (n := self.rational(args[1])) is not None and n.denominator == 1 and n >= 0
                )
                if looks < 0 or (
                    primitive.places and not whole and any(p.kind in ("edge", "pole") for p in primitive.places)
                ):
                    return False
                stack.extend(args)
        return True

    def _where(self, condition: int, x: int, y: int) -> int | None:
        if x == y and self._total(condition):
            return x
        decided = self._decide(condition)
        return None if decided is None else x if decided else y

    def _same(self, x: int, y: int) -> int | None:
        return x if x == y else None

    def _not(self, p: int) -> int | None:
        parts = self._parts(p, NOT)
        return None if parts is None else parts[0]

    def _decide(self, slot: int) -> bool | None:
        """Say whether a condition on constants, or on one number twice, holds; None if it is neither."""
        instruction = self._instructions[slot]
        if instruction is None:
            return None
        primitive, *args = instruction
        if not primitive.truth or primitive.floats is None:
            return None
        if not primitive.truths and args[0] == args[1] and self._total(args[0]):
            return bool(primitive.floats(0, 0))
        values = [self._decide(a) if primitive.truths else self.rational(a) for a in args]
        return None if any(v is None for v in values) else bool(primitive.floats(*values))

    # The finished program --------------------------------------------------------------------------------------

    def program(self, outputs: Sequence[int], inputs: Sequence[str] | None = None) -> Program:
        """Give the Program of the outputs, its inputs in the given order; slots that no output needs are dropped."""
        return self.renumbered(outputs, inputs)[0]

    def renumbered(self, outputs: Sequence[int], inputs: Sequence[str] | None = None) -> tuple[Program, list[int]]:
        """Give the Program of the outputs, and the number in it of each slot that it keeps."""
        check_time()
        names = tuple(self._inputs if inputs is None else inputs)
        for name in names:
            self.input(name)
        number = self._needed(outputs)
        constants: list[Constant] = []
        kept: list[tuple[Any, ...]] = []
        slots: list[int] = []
        for slot in [slot for slot, wanted in enumerate(number) if wanted]:
            if (instruction := self._instructions[slot]) is not None:
                kept.append(instruction)
                slots.append(slot)
            elif (value := self._values[slot]) is not None:
                number[slot] = len(names) + len(constants)
                constants.append(value)
        for index, name in enumerate(names):
            number[self._inputs[name]] = index
        for index, slot in enumerate(slots, len(names) + len(constants)):
            number[slot] = index
        code = tuple([(key[0], _numbered(key, number)) for key in kept])
        ends = tuple([number[slot] for slot in outputs])
        return Program(names, tuple(constants), code, ends, self._lengths(names)), number

    def _needed(self, outputs: Sequence[int]) -> list[int]:
        """1 for each slot that some output needs, 0 for the others."""
        found = [0] * len(self._instructions)
        for slot in outputs:
            found[slot] = 1
        for slot in range(max(outputs, default=-1), -1, -1):
            if found[slot] and (instruction := self._instructions[slot]) is not None:
                for arg in instruction[1:]:
                    found[arg] = 1
        return found

    def _lengths(self, names: Sequence[str]) -> tuple[Shape, ...]:  # noqa: ARG002
        """Shapes of the inputs of a program that is made; none if all are numbers."""
        return ()


def _numbered(key: tuple[Any, ...], number: Sequence[int]) -> tuple[int, ...]:
    """The arguments of an instruction by their numbers."""
    if len(key) == 3:  # most of them, and there are many
        return number[key[1]], number[key[2]]
    return tuple([number[arg] for arg in key[1:]])


def select(program: Program, outputs: Sequence[int]) -> Program:
    """Give the part of a program that computes other slots of it."""
    return ProgramBuilder.of(program).program(outputs)


def copy_slots(program: Program, builder: ProgramBuilder, inputs: Sequence[int]) -> list[int]:
    """Emit a program into a builder with its inputs read from the given slots; give the slot of each slot."""
    slots = [*inputs, *map(builder.constant, program.constants)]
    for primitive, args in in_time(program.instructions):
        slots.append(builder.apply(primitive, [slots[a] for a in args]))
    return slots

"""Where a program chooses at a point: its ties there, and everything to first order in the inputs and the choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from diffkit.core.limits import SHOWN_BITS
from diffkit.core.program import Program, run
from diffkit.core.rules import by_rule, trace
from diffkit.core.table import ADD, DIV, MUL, NEG, SUB, WHERE, Primitive
from diffkit.core.text import excerpt
from diffkit.numbers.duals import Dual, DualAlgebra
from diffkit.proof.point_values import Here, Undefined

_CHOICE_DIGITS = 40  # of numbers that are not rational
_NOTHING_LEFT = Fraction(1, 10**30)  # of its terms: a sum of numbers to 40 digits that is no larger is zero

Vector = dict[int, Fraction]


class Untold(Exception):
    """The formulas that f has around the point cannot all be found; the message says why."""


class FirstOrder(NamedTuple):
    """What a slot is around the point, by input and by choice; entries that are 0 are absent.

    ``slope`` is its derivative. ``formal`` is the slot itself, less its value, as an exact sum of inputs, choices and
    slots that are no sums.
    """

    slope: Vector
    formal: Vector

    def plus(self, other: FirstOrder, factor: int = 1) -> FirstOrder:
        """Self + factor·other."""
        weight = Fraction(factor)
        return FirstOrder(*(total(parts, (1, weight)) for parts in zip(self, other, strict=True)))


NO_CHANGE = FirstOrder({}, {})


class TiedExtreme(NamedTuple):
    """A tie: the largest (``sense`` 1) or smallest (−1) of the options is taken."""

    options: tuple[FirstOrder, ...]
    sense: int


class OpenTest(NamedTuple):
    """A comparison at equality: the sign of the margin decides it."""

    margin: FirstOrder
    primitive: Primitive


class OpenBranch(NamedTuple):
    """A ``where`` whose condition is open."""

    condition: int
    yes: FirstOrder
    no: FirstOrder


_Choice = TiedExtreme | OpenTest | OpenBranch


class Ties(Here):
    """The choices that a program leaves open at a point, by slot. Raises Untold, or Undecided."""

    def __init__(self, program: Program, output: int, point: Sequence[float]):
        super().__init__(program, point)
        self.choices: dict[int, _Choice] = {}
        self._algebra = DualAlgebra(self.constants.builder)
        self._open = self._open_truths()
        self._duals: dict[int, Dual] = {}
        self._formal: dict[int, Vector] = {}
        for slot in range(program.first_instruction):
            moves = slot < len(program.inputs)
            value = self.values[slot]
            self._duals[slot] = self._algebra.variable(value, slot) if moves else Dual(value)
            self._formal[slot] = {slot: Fraction(1)} if moves else {}
        needed = self._needed(output)
        for slot, primitive, args in program.numbered():
            if slot in needed:
                self._follow(slot, primitive, args)
        self.output = self._form(output)

    def tests(self, condition: int) -> Iterable[int]:
        """The comparisons at equality that a condition rests on."""
        if isinstance(self.choices.get(condition), OpenTest):
            yield condition
        elif condition in self._open:
            for arg in self._instruction(condition)[1]:
                yield from self.tests(arg)

    def holds(self, condition: int, truths: dict[int, bool]) -> bool:
        """Whether a condition holds where the comparisons at equality do as given."""
        if condition not in self._open:
            return bool(self.values[condition])
        if condition in truths:
            return truths[condition]
        primitive, args = self._instruction(condition)
        return bool(primitive.floats(*[self.holds(arg, truths) for arg in args]))  # type: ignore[misc]

    def _instruction(self, slot: int) -> tuple[Primitive, tuple[int, ...]]:
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        return instruction

    def _open_truths(self) -> set[int]:
        """Truths that a tie leaves open."""
        found: set[int] = set()
        for slot, primitive, args in self.program.numbered():
            if not primitive.truth or not self.depends[slot] or isinstance(self.values[slot], Undefined):
                continue
            if found.intersection(args) if primitive.truths else self._apart(args) == 0:
                found.add(slot)
        return found

    def _apart(self, args: Sequence[int]) -> int:
        """The sign of the difference of two slots."""
        return int(self.constants.sign(self.constants.apply(SUB, [self.values[a] for a in args])))

    def _needed(self, output: int) -> set[int]:
        needed: set[int] = set()
        stack = [output]
        while stack:
            slot = stack.pop()
            instruction = self.program.instruction_at(slot)
            if slot in needed or instruction is None:
                needed.add(slot)
                continue
            needed.add(slot)
            primitive, args = instruction
            if isinstance(self.values[slot], Undefined):
                raise Untold(f"{excerpt(self.program, slot)} has no value")
            if primitive is WHERE and args[0] not in self._open:
                args = (args[0], args[1] if self.values[args[0]] else args[2])
            stack.extend(args)
        return needed

    def _follow(self, slot: int, primitive: Primitive, args: tuple[int, ...]) -> None:
        if primitive.truth:
            if slot in self._open and not primitive.truths:
                self.choices[slot] = OpenTest(self._form(args[0]).plus(self._form(args[1]), -1), primitive)
        elif not self.depends[slot]:
            self._put(slot, Dual(self.values[slot]), {})
        elif primitive is WHERE:
            self._branch(slot, args)
        elif primitive.extreme:
            self._extreme(slot, primitive, args)
        else:
            self._smooth(slot, primitive, args)

    def _put(self, slot: int, dual: Dual, formal: Vector) -> None:
        self._duals[slot], self._formal[slot] = dual, formal

    def _choose(self, slot: int, choice: _Choice) -> None:
        self.choices[slot] = choice
        self._put(slot, self._algebra.variable(self.values[slot], slot), {slot: Fraction(1)})

    def _branch(self, slot: int, args: tuple[int, ...]) -> None:
        condition, yes, no = args
        if condition not in self._open:
            taken = yes if self.values[condition] else no
            self._put(slot, self._duals[taken], self._formal[taken])
            return
        if not self.constants.equal(self.values[yes], self.values[no]):
            raise Untold(f"{excerpt(self.program, slot)} jumps")
        self._choose(slot, OpenBranch(condition, self._form(yes), self._form(no)))

    def _extreme(self, slot: int, primitive: Primitive, args: tuple[int, ...]) -> None:
        sense, first, other = primitive.extreme, *primitive.options
        values, duals = ([known[arg] for arg in args] for known in (self.values, self._duals))
        builder = self.constants.builder
        apart = builder.apply(SUB, [by_rule(option, builder, values) for option in (first, other)])
        sign = sense * self.constants.sign(apart)
        if sign:
            taken, formal = first if sign > 0 else other, [self._formal[arg] for arg in args]
            self._put(slot, by_rule(taken, self._algebra, duals), by_rule(taken, _Sums(), formal))
        elif len(args) > 1:
            self._choose(slot, TiedExtreme(tuple(form for arg in args for form in self._options(arg, sense)), sense))
        else:
            form = self._form(args[0])
            options = [FirstOrder(*(by_rule(option, _Sums(), [part]) for part in form)) for option in (first, other)]
            self._choose(slot, TiedExtreme(tuple(options), sense))

    def _options(self, slot: int, sense: int) -> tuple[FirstOrder, ...]:
        """The options of the largest of several, where one of them is the largest of others."""
        inner = self.choices.get(slot)
        return inner.options if isinstance(inner, TiedExtreme) and inner.sense == sense else (self._form(slot),)

    def _smooth(self, slot: int, primitive: Primitive, args: tuple[int, ...]) -> None:
        values = [self.values[a] for a in args]
        for place in primitive.special:
            margin = run(trace(place.margin, len(args)), self.constants.builder, values)[0]
            if not self.spared(place, slot) and self.constants.sign(margin) == 0:
                raise Untold(f"{excerpt(self.program, slot)} is not smooth")
        dual = self._algebra.push(primitive, [self._duals[a] for a in args], self.values[slot])
        self._put(slot, dual, self._sum_of(slot, primitive, args))

    def _sum_of(self, slot: int, primitive: Primitive, args: tuple[int, ...]) -> Vector:
        """A slot as a sum with constant factors, if it is one."""
        formal, moves = [self._formal[a] for a in args], [self.depends[a] for a in args]
        if primitive in (ADD, SUB):
            return total(formal, (1, 1 if primitive is ADD else -1))
        if primitive is NEG:
            return total(formal, (-1,))
        if primitive is MUL and not all(moves):
            k = moves.index(True)
            return total((formal[k],), (self._number(self.values[args[1 - k]]),))
        if primitive is DIV and not moves[1]:
            return total((formal[0],), (1 / self._number(self.values[args[1]]),))
        return {} if primitive.steps else {slot: Fraction(1)}

    def _form(self, slot: int) -> FirstOrder:
        slope = {key: self._number(value) for key, value in self._duals[slot].tangents.items()}
        return FirstOrder({key: value for key, value in slope.items() if value}, self._formal[slot])

    def _number(self, slot: int) -> Fraction:
        exact = self.constants.builder.rational(slot)
        if exact is not None:
            return Fraction(exact)
        if self.constants.sign(slot) == 0:
            return Fraction(0)
        return Fraction(self.constants.ball(slot, SHOWN_BITS).mid().str(_CHOICE_DIGITS, radius=False))


class _Sums:
    """The algebra of vectors, as far as the options of an extreme need it: constants do not vary."""

    def constant(self, _: Any) -> Vector:
        return {}

    def apply(self, primitive: Primitive, args: Sequence[Vector]) -> Vector:
        return total(args, (-1,) if primitive is NEG else (1, -1 if primitive is SUB else 1))


def total(vectors: Sequence[Vector], weights: Sequence[Fraction | int]) -> Vector:
    """Σ weight·vector, without the entries that are 0."""
    if len(vectors) == 1 and weights[0] == 1:
        return vectors[0]
    found: Vector = {}
    largest: Vector = {}
    for vector, weight in zip(vectors, weights, strict=True):
        for key, value in vector.items():
            term = weight * value
            found[key] = found.get(key, Fraction(0)) + term
            largest[key] = max(largest.get(key, Fraction(0)), abs(term))
    return {key: value for key, value in found.items() if abs(value) > _NOTHING_LEFT * largest[key]}

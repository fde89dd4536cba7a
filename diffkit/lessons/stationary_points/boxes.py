"""A function with its gradient and Hessian enclosed over boxes, by balls or infinite ends.

An enclosure holds every value that occurs in the box. Where a choice is open (max, where) it holds both branches, so
that the gradient's enclosure holds the Clarke subdifferential too (Clarke, Optimization and Nonsmooth Analysis, 2.3).

Near x = 0 the slope 1 − 1/x² is no ball, but on (0, ε] it lies in [−∞, 1 − 1/ε²], which excludes 0. Margins of the
domain are cut to their positive side, and those of poles are taken one side at a time, so that nothing outside the
domain is looked at (Hansen & Walster, Global Optimization Using Interval Analysis, ch. 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations_with_replacement, product
from typing import Any, NamedTuple

from flint import arb, arb_mat

from diffkit.calculus.derivatives import derivative_program, differentiate
from diffkit.calculus.guards import Guard, guarded_places
from diffkit.core.builder import ProgramBuilder, copy_slots, select
from diffkit.core.limits import SEARCH_BITS
from diffkit.core.program import Program
from diffkit.core.table import PlaceKind
from diffkit.core.table.primitive import Ends
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import HULLS, INTERVALS, ZERO, Box, Interval, ball, below, entropy, hull_function
from diffkit.proof.prover import Runner

_MOST_POLES = 3  # that cross one box: each doubles the cases


Balls = Sequence[Any]


def balls(box: Box) -> list[Any]:
    """Balls that hold a box."""
    return [ball(low, high) for low, high in box]


def measured(enclosure: Any) -> tuple[float, float]:
    """The number nearest to a ball, 0 if the ball holds it, and how far any number in the ball can be from it."""
    if not enclosure.is_finite():
        return float(enclosure.mid()), math.inf
    number = 0.0 if enclosure.contains(0) else float(enclosure)
    error = float((enclosure - arb(number)).abs_upper())
    return number, math.nextafter(error, math.inf) if error else 0.0


def inside(inner: Box, outer: Box) -> bool:
    """Whether a box lies in another one."""
    return all(a <= low and high <= b for (low, high), (a, b) in zip(inner, outer, strict=True))


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have a point in common."""
    return all(low <= b and a <= high for (low, high), (a, b) in zip(one, other, strict=True))


def hull(boxes: Sequence[Box]) -> Box:
    """The least box that holds boxes."""
    return tuple((min(low for low, _ in side), max(high for _, high in side)) for side in zip(*boxes, strict=True))


def halves(box: Box, scale: Sequence[float]) -> tuple[Box, Box]:
    """The two halves of a box, cut across its longest side; sides are measured by ``scale``."""
    k = max(range(len(box)), key=lambda i: (box[i][1] - box[i][0]) / scale[i])
    low, high = box[k]
    cut = low / 2 + high / 2
    return (*box[:k], (low, cut), *box[k + 1 :]), (*box[:k], (cut, high), *box[k + 1 :])


def size(box: Box, scale: Sequence[float]) -> float:
    """The longest side of a box, measured by ``scale``."""
    return max((high - low) / s for (low, high), s in zip(box, scale, strict=True))


class HullRunner(Runner):
    """A program over boxes of balls: interpreted at first, compiled when it is used again and again."""

    def __init__(self, program: Program):
        super().__init__(program, HULLS, hull_function, "")


class Standing(NamedTuple):
    """Where a box stands: ``outside`` the domain, or what kinds of places ``cross`` it."""

    outside: bool
    cross: frozenset[PlaceKind]

    @property
    def smooth(self) -> bool:
        """Whether f is smooth throughout the box."""
        return not self.outside and not self.cross


_SMOOTH = Standing(False, frozenset())
_OUTSIDE_STANDING = Standing(True, frozenset())


class Surface:
    """f of n variables with its derivatives, over boxes of balls; callers hold the precision they name."""

    def __init__(self, program: Program):
        self.program, self.count = program, len(program.inputs)
        self.pairs = list(combinations_with_replacement(range(self.count), 2))

    @cached_property
    def gradient_program(self) -> Program:
        """∂f/∂xᵢ, one output per variable."""
        return derivative_program(self.program, [(0, (i,)) for i in range(self.count)])

    @cached_property
    def hessian_program(self) -> Program:
        """∂²f/∂xᵢ∂xⱼ for i ≤ j."""
        return differentiate(self.program, [(0, pair) for pair in self.pairs])

    @cached_property
    def _kinds(self) -> tuple[PlaceKind, ...]:
        return tuple(guard.kind for _, guard in self._places[1])

    @cached_property
    def _places(self) -> tuple[Program, list[tuple[int, Guard]]]:
        builder = ProgramBuilder.of(self.program)
        found = guarded_places(self.program, builder)
        return builder.program([slot for slot, _ in found], self.program.inputs), found

    @cached_property
    def _value(self) -> HullRunner:
        return HullRunner(self.program)

    @cached_property
    def _gradient(self) -> HullRunner:
        return HullRunner(self.gradient_program)

    @cached_property
    def _hessian(self) -> HullRunner:
        return HullRunner(self.hessian_program)

    @cached_property
    def _margins(self) -> HullRunner:
        return HullRunner(self._places[0])

    def value(self, at: Balls, bits: int = SEARCH_BITS) -> Any:
        """A ball that holds f over balls."""
        return self._value(bits, at)[0]

    def gradient(self, at: Balls, bits: int = SEARCH_BITS) -> list[Any]:
        """Balls that hold each ∂f/∂xᵢ."""
        return self._gradient(bits, at)

    def hessian(self, at: Balls, bits: int = SEARCH_BITS) -> Any:
        """A matrix of balls that holds the Hessian; None where it is not bounded."""
        entries = self._hessian(bits, at)
        if not all(entry.is_finite() for entry in entries):
            return None
        rows = [[arb(0)] * self.count for _ in range(self.count)]
        for (i, j), entry in zip(self.pairs, entries, strict=True):
            rows[i][j] = rows[j][i] = entry
        return arb_mat(rows)

    def standing(self, at: Balls, bits: int = SEARCH_BITS) -> Standing:
        """Whether balls lie in the domain, and which places may cross them."""
        if not self._kinds:
            return _SMOOTH
        margins = self._margins(bits, at)
        if any(kind == "edge" and margin < 0 for margin, kind in zip(margins, self._kinds, strict=True)):
            return _OUTSIDE_STANDING
        crossing = {
            kind
            for margin, kind in zip(margins, self._kinds, strict=True)
            if not (margin > 0 if kind == "edge" else margin != 0)
        }
        return Standing(False, frozenset(crossing)) if crossing else _SMOOTH

    @cached_property
    def guards(self) -> Guards:
        """The gradient with the margins of the domain, for boxes that cross its edge or a pole."""
        return Guards(self)

    def part(self, k: int) -> Program:
        """The program of ∂f/∂xₖ alone."""
        return select(self.gradient_program, [self.gradient_program.outputs[k]])


class Guards:
    """A gradient's program together with the margins of the domain and of the poles, which are slots of it."""

    def __init__(self, surface: Surface):
        builder = ProgramBuilder.of(surface.program)
        slots = copy_slots(surface.gradient_program, builder, range(surface.count))
        found = guarded_places(surface.program, builder)
        wanted = [*(slots[o] for o in surface.gradient_program.outputs), *surface.program.outputs]
        self.program: Program = builder.program([*wanted, *(slot for slot, _ in found)], surface.program.inputs)
        *gradient, value = self.program.outputs[: len(wanted)]
        self.gradient: tuple[int, ...] = tuple(gradient)
        self.value: int = value
        margins = self.program.outputs[len(wanted) :]
        self.kinds: dict[int, PlaceKind] = {slot: guard.kind for slot, (_, guard) in zip(margins, found, strict=True)}
        self.cancelled = _cancelled(self.program)
        self.entropies = _entropies(self.program)
        with precision(SEARCH_BITS):
            self.constants = list(map(INTERVALS.constant, self.program.constants))

    def run(self, box: Box, signs: dict[int, int]) -> list[Any] | None:
        """Every slot over the part of a box inside the domain, with poles on the given sides; None if it is empty."""
        values: list[Any] = [*(Interval(arb(low), arb(high)) for low, high in box), *self.constants]
        for slot, value in enumerate(values):
            values[slot] = self._cut(slot, value, signs)
            if values[slot] is None:
                return None
        for slot, row, args in self.program.numbered():
            if slot in self.cancelled:
                found = values[self.cancelled[slot]]
            elif slot in self.entropies:
                found = entropy(values[self.entropies[slot]])
            else:
                found = INTERVALS.apply(row, [values[a] for a in args])
            value = self._cut(slot, found, signs)
            if value is None and not row.truth:
                return None
            values.append(value)
        return values

    def _cut(self, slot: int, value: Any, signs: dict[int, int]) -> Any:
        sign = 1 if self.kinds.get(slot) == "edge" else signs.get(slot, 0)
        if not sign:
            return value
        low, high = (max(value.low, ZERO), value.high) if sign > 0 else (value.low, min(value.high, ZERO))
        return Interval(low, high) if low < high or (low == high != 0) else None


def _cancelled(program: Program) -> dict[int, int]:
    """Slots of x·(y/x), which is y wherever it has a value, with the slot of y."""
    found = {}
    for slot, row, args in program.numbered():
        if row.name == "mul":
            for one, other in (args, args[::-1]):
                instruction = program.instruction_at(one)
                if instruction is not None and instruction[0].name == "div" and instruction[1][1] == other:
                    found[slot] = instruction[1][0]
    return found


def _entropies(program: Program) -> dict[int, int]:
    """Slots of x·log(x), which goes to 0 with x, with the slot of x."""
    found = {}
    for slot, row, args in program.numbered():
        if row.name == "mul":
            for x, other in (args, args[::-1]):
                instruction = program.instruction_at(other)
                if instruction is not None and instruction[0].base == "e" and instruction[1][0] == x:
                    found[slot] = x
    return found


def excludes_zero(surface: Surface, box: Box) -> bool:
    """Whether the gradient is proven to vanish nowhere in the part of a box that lies inside the domain."""
    guards = surface.guards
    return all(not all(values[o].contains(0) for o in guards.gradient) for values in _sides(guards, box))


def value_range(surface: Surface, box: Box) -> Ends:
    """Bounds of f in the part of a box that lies inside the domain; (∞, −∞) if there is none."""
    hulls = [values[surface.guards.value] for values in _sides(surface.guards, box)]
    return min(map(below, hulls), default=math.inf), -min((below(-hull) for hull in hulls), default=math.inf)


def _sides(guards: Guards, box: Box) -> Iterator[list[Any]]:
    """Every slot, on each side of the poles that cross a box."""
    with precision(SEARCH_BITS):
        values = guards.run(box, {})
        if values is None:
            return
        poles = [slot for slot, kind in guards.kinds.items() if kind == "pole" and values[slot].contains(0)]
        if len(poles) > _MOST_POLES:
            yield values
            return
        for signs in product((1, -1), repeat=len(poles)):
            found = guards.run(box, dict(zip(poles, signs, strict=True)))
            if found is not None:
                yield found

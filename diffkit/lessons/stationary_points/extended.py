"""Intervals whose ends may be infinite, for boxes that cross a pole or the edge of the domain.

Near x = 0 the slope 1 − 1/x² is no ball, but on (0, ε] it lies in [−∞, 1 − 1/ε²], which excludes 0. Margins of the
domain are cut to their positive side, and those of poles are taken one side at a time, so that nothing outside the
domain is looked at (Hansen & Walster, Global Optimization Using Interval Analysis, ch. 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from diffkit.calculus.guards import guarded_places
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.program import Program
from diffkit.core.table import PlaceKind
from diffkit.numbers.intervals import HULLS, Box, Interval, apply, entropy, interval

if TYPE_CHECKING:
    from diffkit.lessons.stationary_points.boxes import Surface

MOST_POLES = 3  # that cross one box: each doubles the cases


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

    def run(self, box: Box, signs: dict[int, int]) -> list[Any] | None:
        """Every slot over the part of a box inside the domain, with poles on the given sides; None if it is empty."""
        values: list[Any] = [*box, *(interval(HULLS.constant(c)) for c in self.program.constants)]
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
                found = apply(row, [values[a] for a in args])
            value = self._cut(slot, found, signs)
            if value is None and not row.truth:
                return None
            values.append(value)
        return values

    def _cut(self, slot: int, value: Any, signs: dict[int, int]) -> Any:
        sign = 1 if self.kinds.get(slot) == "edge" else signs.get(slot, 0)
        if not sign:
            return value
        low, high = (max(value[0], 0.0), value[1]) if sign > 0 else (value[0], min(value[1], 0.0))
        return (low, high) if low < high or (low == high != 0) else None


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
                if instruction is not None and instruction[0].name == "log" and instruction[1][0] == x:
                    found[slot] = x
    return found


def excludes_zero(surface: Surface, box: Box) -> bool:
    """Whether the gradient is proven to vanish nowhere in the part of a box that lies inside the domain."""
    guards = surface.guards
    return all(not all(_has_zero(values[o]) for o in guards.gradient) for values in _sides(guards, box))


def least_value(surface: Surface, box: Box) -> float:
    """A number that f is nowhere below in the part of a box that lies inside the domain; ∞ if there is none."""
    return value_range(surface, box)[0]


def value_range(surface: Surface, box: Box) -> Interval:
    """Bounds of f in the part of a box that lies inside the domain; (∞, −∞) if there is none."""
    guards = surface.guards
    ranges = [values[guards.value] for values in _sides(guards, box)]
    return min((low for low, _ in ranges), default=math.inf), max((high for _, high in ranges), default=-math.inf)


def _sides(guards: Guards, box: Box) -> Iterator[list[Any]]:
    """Every slot, on each side of the poles that cross a box."""
    values = guards.run(box, {})
    if values is None:
        return
    poles = [slot for slot, kind in guards.kinds.items() if kind == "pole" and _has_zero(values[slot])]
    if len(poles) > MOST_POLES:
        yield values
        return
    for signs in product((1, -1), repeat=len(poles)):
        found = guards.run(box, dict(zip(poles, signs, strict=True)))
        if found is not None:
            yield found


def _has_zero(value: Any) -> bool:
    low, high = value
    return not (low > 0 or high < 0)

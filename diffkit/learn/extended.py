"""Intervals whose ends may be infinite, for boxes that cross a pole or the edge of the domain.

Near x = 0 the slope 1 − 1/x² is no ball, but on (0, ε] it lies in [−∞, 1 − 1/ε²], which excludes 0. Margins of the
domain are cut to their positive side, and those of poles are taken one side at a time, so that nothing outside the
domain is looked at (Hansen & Walster, Global Optimization Using Interval Analysis, ch. 4). Ends are floats, rounded
outwards.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from flint import arb

from diffkit.algebras.balls import exact_fraction
from diffkit.builder import ProgramBuilder, copy_slots
from diffkit.learn.boxes import HULLS, Box, ball, hull_function, interval
from diffkit.primitives import PlaceKind, Primitive
from diffkit.program import Program
from diffkit.transforms import guarded_places

if TYPE_CHECKING:
    from diffkit.learn.boxes import Surface

Interval = tuple[float, float]
WHOLE = (-math.inf, math.inf)
LEAST_ENTROPY = 0.36787944117144233  # the float below 1/e
MOST_POLES = 3  # that cross one box: each doubles the cases
RISING = frozenset((
    "exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "atan", "tanh", "asinh", "sinh", "sigmoid", "softplus",
    "erf", "relu", "cbrt",
))  # fmt: skip


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
        self.kinds: dict[int, PlaceKind] = {slot: kind for slot, (_, kind) in zip(margins, found, strict=True)}
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


def entropy(x: Interval) -> Interval:
    """x·log(x) for x > 0: it falls from 0 to −1/e at x = 1/e, and rises from there."""
    low, high = max(x[0], 0.0), x[1]
    if high <= 0:
        return WHOLE
    least = interval(-(arb(-1).exp()))[0]
    if high < LEAST_ENTROPY:
        least = _entropy_at(high)[0]
    elif low > up(LEAST_ENTROPY):
        least = _entropy_at(low)[0]
    return least, max(_entropy_at(low)[1], _entropy_at(high)[1])


def _entropy_at(x: float) -> Interval:
    if not x or math.isinf(x):
        return x, x
    return interval(arb(x) * arb(x).log())


def excludes_zero(surface: Surface, box: Box) -> bool:
    """Whether the gradient is proven to vanish nowhere in the part of a box that lies inside the domain."""
    guards = surface.guards
    return all(not all(_has_zero(values[o]) for o in guards.gradient) for values in _sides(guards, box))


def least_value(surface: Surface, box: Box) -> float:
    """A number that f is nowhere below in the part of a box that lies inside the domain; ∞ if there is none."""
    guards = surface.guards
    return min((values[guards.value][0] for values in _sides(guards, box)), default=math.inf)


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


# Arithmetic --------------------------------------------------------------------------------------------------------


def apply(row: Primitive, args: Sequence[Any]) -> Any:
    """An interval that holds the row's values, or for a condition true, false or None."""
    if row.name in RULES:
        return RULES[row.name](*args)
    if row.truth or any(a is None or isinstance(a, bool) for a in args):
        return _by_balls(row, args)
    if row.name in RISING:
        return _at_end(row, args[0][0])[0], _at_end(row, args[0][1])[1]
    return _by_balls(row, args) if all(math.isfinite(end) for a in args for end in a) else WHOLE


def _by_balls(row: Primitive, args: Sequence[Any]) -> Any:
    wide = [a if a is None or isinstance(a, bool) else _wide(a) for a in args]
    found = hull_function(row)(*wide)
    return found if found is None or isinstance(found, bool) else interval(found)


def _wide(value: Interval) -> Any:
    low, high = value
    return ball(low, high) if math.isfinite(low) and math.isfinite(high) else arb(0, math.inf)


def _at_end(row: Primitive, end: float) -> Interval:
    """Bounds of a rising function at one end, or of its limit there."""
    if math.isfinite(end):
        found = hull_function(row)(arb(end))
        if found.is_finite():
            return interval(found)
    value = row.floats(end) if row.floats is not None else math.nan
    if math.isnan(value):
        return WHOLE
    return (value, value) if math.isinf(value) else (down(value), up(value))


def down(x: float) -> float:
    """The float below."""
    return math.nextafter(x, -math.inf)


def up(x: float) -> float:
    """The float above."""
    return math.nextafter(x, math.inf)


def _times(a: float, b: float) -> float:
    """A product of ends, where an infinite end times 0 is 0: no number in between is infinite."""
    return a * b if a and b else 0.0


def add(x: Interval, y: Interval) -> Interval:
    """x + y."""
    return down(x[0] + y[0]), up(x[1] + y[1])


def sub(x: Interval, y: Interval) -> Interval:
    """x − y."""
    return down(x[0] - y[1]), up(x[1] - y[0])


def mul(x: Interval, y: Interval) -> Interval:
    """x·y; 0 and signs are kept."""
    ends = [_times(a, b) for a in x for b in y]
    low, high = min(ends), max(ends)
    positive = (x[0] >= 0 and y[0] >= 0) or (x[1] <= 0 and y[1] <= 0)
    negative = (x[0] >= 0 and y[1] <= 0) or (x[1] <= 0 and y[0] >= 0)
    return max(down(low), 0.0) if positive else down(low), min(up(high), 0.0) if negative else up(high)


def reciprocal(y: Interval) -> Interval:
    """1/y, where 0 may be an end."""
    low, high = y
    if low < 0 < high:
        return WHOLE
    if low >= 0:
        return max(down(1 / high), 0.0) if high else math.inf, up(1 / low) if low else math.inf
    found = reciprocal((-high, -low))
    return -found[1], -found[0]


def div(x: Interval, y: Interval) -> Interval:
    """x/y."""
    return mul(x, reciprocal(y))


def neg(x: Interval) -> Interval:
    """−x."""
    return -x[1], -x[0]


def absolute(x: Interval) -> Interval:
    """|x|."""
    return max(x[0], -x[1], 0.0), max(-x[0], x[1])


def power(x: Interval, y: Interval) -> Interval:
    """x**y for a constant y; anything else is left open."""
    if y[0] != y[1]:
        return _of_positive(x, y)
    exponent = exact_fraction(arb(y[0]))
    assert exponent is not None
    if exponent < 0:
        return reciprocal(power(x, (-y[0], -y[0])))
    if exponent.denominator != 1:
        return _of_positive(x, y)
    if exponent % 2:
        return _raised(x[0], y[0])[0], _raised(x[1], y[0])[1]
    x = absolute(x)
    return max(_raised(x[0], y[0])[0], 0.0), _raised(x[1], y[0])[1]


def _raised(end: float, exponent: float) -> Interval:
    if math.isfinite(end):
        return interval(arb(end) ** arb(exponent))
    return (math.inf, math.inf) if end > 0 or exponent % 2 == 0 else (-math.inf, -math.inf)


def _of_positive(x: Interval, y: Interval) -> Interval:
    """x**y for x > 0, by the corners: it rises or falls in each argument."""
    if x[1] <= 0 or not all(map(math.isfinite, y)) or y[0] <= 0 <= y[1]:
        return WHOLE
    corners = [_corner(end, exponent) for end in (max(x[0], 0.0), x[1]) for exponent in y]
    return max(min(low for low, _ in corners), 0.0), max(high for _, high in corners)


def _corner(end: float, exponent: float) -> Interval:
    if end and math.isfinite(end):
        return interval(arb(end) ** arb(exponent))
    grows = (end > 0) == (exponent > 0)
    return (math.inf, math.inf) if grows else (0.0, 0.0)


def _where(condition: bool | None, x: Interval, y: Interval) -> Interval:
    return (min(x[0], y[0]), max(x[1], y[1])) if condition is None else x if condition else y


def _compare(holds: Callable[..., bool], fails: Callable[..., bool]) -> Callable[..., bool | None]:
    def rule(x: Interval, y: Interval) -> bool | None:
        return True if holds(x, y) else False if fails(x, y) else None

    return rule


def _wave(row: str, first: float, last: float) -> Callable[[Interval], Interval]:
    method = operator.methodcaller(row)

    def rule(x: Interval) -> Interval:
        if not all(map(math.isfinite, x)):
            return -1.0, 1.0
        if all(first <= end <= last for end in x):  # it rises or falls throughout
            ends = [interval(method(arb(end))) for end in x]
            return min(low for low, _ in ends), max(high for _, high in ends)
        low, high = interval(method(ball(*x)))
        return max(low, -1.0), min(high, 1.0)

    return rule


RULES: dict[str, Callable[..., Any]] = {
    "add": add, "sub": sub, "mul": mul, "div": div, "neg": neg, "abs": absolute, "power": power, "where": _where,
    "sin": _wave("sin", -1.57, 1.57), "cos": _wave("cos", 0.0, 3.14),
    "max": lambda x, y: (max(x[0], y[0]), max(x[1], y[1])),
    "min": lambda x, y: (min(x[0], y[0]), min(x[1], y[1])),
    "sign": lambda x: (float((x[0] > 0) - (x[0] < 0)), float((x[1] > 0) - (x[1] < 0))),
    "lt": _compare(lambda x, y: x[1] < y[0], lambda x, y: x[0] >= y[1]),
    "le": _compare(lambda x, y: x[1] <= y[0], lambda x, y: x[0] > y[1]),
    "gt": _compare(lambda x, y: x[0] > y[1], lambda x, y: x[1] <= y[0]),
    "ge": _compare(lambda x, y: x[0] >= y[1], lambda x, y: x[1] < y[0]),
}  # fmt: skip
"""Rows that infinite ends need rules of their own for."""

"""Why a point is odd: which subexpression is at an edge, a pole, a kink or a jump of its own, and what follows.

The program runs once in duals over 50-digit numbers, one variable at a time and to each side. Where a function
has a kink its one-sided slope is used instead of a derivative (for a composition of piecewise smooth functions
the chain rule holds for one-sided derivatives: Scholtes, Introduction to Piecewise Differentiable Equations,
section 3.1), so left and right derivatives come out. What floating point cannot decide is called uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffkit.algebras.dual import Dual, DualAlgebra
from diffkit.algebras.multiprecision import multiprecision
from diffkit.primitives import Place, Primitive, table
from diffkit.program import Program, run
from diffkit.results import Odd
from diffkit.rules import trace
from diffkit.syntax import format_slot
from diffkit.tasks import Index
from diffkit.transforms import margin_slot

DIGITS = 50
SHOWN = 60  # characters of a subexpression in a message
WHERE = table["where"]
ARITHMETIC = frozenset(table[name] for name in ("add", "sub", "mul", "div", "neg", "power", "abs"))


@dataclass(frozen=True, slots=True)
class Hit:
    """An instruction that stands at one of its own special places."""

    slot: int
    place: Place
    outside: bool
    moving: bool
    """whether an argument that matters moves with the variable"""
    still: bool
    """whether no argument depends on the variable at all"""


class OneSided(DualAlgebra):
    """First-order duals that take the one-sided slope at a kink."""

    def apply(self, primitive: Primitive, args: Sequence[Dual]) -> Dual:
        """Push forward, by the slope where the arguments are at a kink."""
        if any(a.tangents for a in args):
            primals = [a.primal for a in args]
            for place in primitive.places:
                if place.slope is not None and margin_slot(place, self.base, primals) == 0:
                    zero = self.base.constant(0)
                    tangents = [a.tangents.get(0, zero) for a in args]
                    slope = run(trace(place.slope, len(args)), self.base, tangents)[0]
                    return Dual(self.base.apply(primitive, primals), {0: slope})
        return super().apply(primitive, args)


def diagnose(program: Program, index: Index, point: Sequence[float]) -> Odd:
    """Say what a partial derivative is at a point where plain floating point ran into trouble.

    The answer has status ok and a value where 50 digits see an ordinary point (or a kink whose sides agree).
    """
    output, multi_index = index
    order = len(multi_index)
    directions = sorted(set(multi_index))
    worst: Odd | None = None
    for variable in directions or [-1]:
        found = _along(program, program.outputs[output], variable, point, order)
        if found.status != "ok":
            return found
        worst = found
    assert worst is not None
    return worst if order == 1 else Odd("ok", worst.message)


def _along(program: Program, output: int, variable: int, point: Sequence[float], order: int) -> Odd:
    base = multiprecision(DIGITS)
    algebra = OneSided(base)
    sides = []
    for sign in (1, -1):
        values: list[Any] = [*map(algebra.constant, program.constants)]
        inputs = [Dual(base.number(x), {0: base.number(sign)} if i == variable else {}) for i, x in enumerate(point)]
        values = [*inputs, *values]
        for primitive, args in program.instructions:
            values.append(algebra.apply(primitive, [values[a] for a in args]))
        sides.append(values)
    right, left = (_tangent(base, values[output], sign) for values, sign in zip(sides, (1, -1), strict=True))
    hits = _hits(program, output, sides[0])
    value = sides[0][output].primal
    return _verdict(program, output, hits, value, left, right, order, sides[0])


def _tangent(base: Any, value: Dual, sign: int) -> Any:
    return value.tangents.get(0, base.number(0)) * sign


def _needed(program: Program, output: int, values: Sequence[Dual]) -> list[int]:
    """Slots that decide the output at this point: of a choice, the condition and the chosen side."""
    needed, stack = set(), [output]
    while stack:
        slot = stack.pop()
        if slot in needed:
            continue
        needed.add(slot)
        instruction = program.instruction_at(slot)
        if instruction is not None:
            primitive, args = instruction
            if primitive is WHERE:
                args = (args[0], args[1] if values[args[0]].primal else args[2])
            stack.extend(args)
    return sorted(needed)


def _hits(program: Program, output: int, values: Sequence[Dual]) -> list[Hit]:
    base = multiprecision(DIGITS)
    hits = []
    for slot in _needed(program, output, values):
        instruction = program.instruction_at(slot)
        if instruction is None:
            continue
        primitive, args = instruction
        for place in primitive.places:
            primals = [values[a].primal for a in args]
            matter = [values[args[i]] for i in (place.varying or range(len(args)))]
            still = not any(v.tangents for v in matter)
            if place.varying is not None and still:
                continue
            margin = margin_slot(place, base, primals)
            if place.kind == "edge" and margin < 0:
                hits.append(Hit(slot, place, True, True, False))
            elif margin == 0:
                moving = any(v.tangents.get(0, 0) != 0 for v in matter)
                hits.append(Hit(slot, place, False, moving, still))
    return hits


def _verdict(
    program: Program, output: int, hits: list[Hit], value: Any, left: Any, right: Any, order: int,
    values: Sequence[Dual],
) -> Odd:  # fmt: skip
    """Turn the hits into a status; the first of these that applies."""
    for hit in hits:
        if hit.outside:
            return Odd("domain_error", _at(program, hit, values, "is outside its domain"))
    poles = [hit for hit in hits if hit.place.kind == "pole"]
    if poles:
        grows = _carries_pole(program, output, {hit.slot for hit in poles}, values)
        text = _at(program, poles[0], values, "has no value")
        return Odd("pole" if grows else "domain_error", text)
    for hit in hits:
        if hit.place.kind == "edge" and (hit.moving or (not hit.place.closed)):
            return Odd("domain_error", _at(program, hit, values, "is at the edge of its domain"))
    unsettled = [hit for hit in hits if not hit.still and hit.place.kind in ("jump", "edge")]
    if unsettled:
        return Odd("uncertain", _at(program, unsettled[0], values, "changes abruptly here"))
    kinks = [hit for hit in hits if hit.place.kind == "kink" and not hit.still]
    if kinks and (left != right or not math.isfinite(left)):
        sides = float(left), float(right)
        if any(map(math.isnan, sides)):
            return Odd("uncertain", _at(program, kinks[0], values, "has a kink"))
        return Odd("not_differentiable", _at(program, kinks[0], values, "has a kink"), left=sides[0], right=sides[1])
    if kinks and order > 1:
        return Odd("uncertain", _at(program, kinks[0], values, "has a kink"))
    base = multiprecision(DIGITS)
    if not base.context.isfinite(value) or not base.context.isfinite(right):
        return Odd("uncertain", "the value is beyond what 50-digit arithmetic can tell")
    result = float(right)
    if order == 1 and math.isinf(result):
        return Odd("overflow", "the derivative is larger than the largest binary64, 1.8e308")
    message = ""
    if kinks and len(program.inputs) > 1:
        message = _at(program, kinks[0], values, "has a kink") + "; the partials exist, but f may not be differentiable"
    return Odd("ok", message, value=result)


def _carries_pole(program: Program, output: int, poles: set[int], values: Sequence[Dual]) -> bool:
    """Whether a pole reaches the output through arithmetic alone, with nothing else undefined on the way."""
    grows = set(poles)
    for slot, primitive, args in program.numbered():
        if slot in poles:
            if primitive.name in ("div", "power") and values[args[0]].primal == 0 and primitive.name == "div":
                return False  # 0/0 may have a limit
        elif grows & set(args):
            if primitive not in ARITHMETIC or (primitive.name in ("add", "sub", "mul") and set(args) <= grows):
                return False
            if primitive.name == "mul" and any(values[a].primal == 0 for a in args if a not in grows):
                return False
            if primitive.name == "div" and args[1] in grows:
                return False
            grows.add(slot)
    return output in grows


def _at(program: Program, hit: Hit, values: Sequence[Dual], what: str) -> str:
    """Give the message: the subexpression, what befalls it, its special place, and its arguments here."""
    instruction = program.instruction_at(hit.slot)
    assert instruction is not None
    primitive, args = instruction
    here = ", ".join(
        f"{name} = {float(values[slot].primal):.6g}"
        for name, slot in zip(primitive.arguments, args, strict=True)
        if slot >= len(program.inputs) + len(program.constants) or slot < len(program.inputs)
    )
    shown = f", and here {here}" if here and not primitive.truth else ""
    place = {"edge": "its domain ends at", "pole": "its pole is", "kink": "its kink is", "jump": "it jumps at"}
    return (
        f"{format_slot(program, hit.slot, SHOWN)} {what}: "
        f"of {primitive.signature}, {place[hit.place.kind]} {hit.place.text}{shown}"
    )

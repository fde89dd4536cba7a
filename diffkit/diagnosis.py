"""Why a point is odd: which subexpression is at an edge, a pole, a kink or a jump of its own, and what follows.

The program runs in duals over multiprecision numbers with error bounds, one variable at a time and to each side.
Where a function has a kink its one-sided slope is used instead of a derivative (for a composition of piecewise
smooth functions the chain rule holds for one-sided derivatives: Scholtes, Introduction to Piecewise Differentiable
Equations, section 3.1), so left and right derivatives come out. A tie counts only where the arithmetic was exact;
what the digits cannot decide is called uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffkit.algebras.bounds import MultiprecisionBounds, multiprecision_bounds
from diffkit.algebras.dual import Dual, DualAlgebra
from diffkit.domain import place_text
from diffkit.primitives import Place, Primitive, table
from diffkit.program import Program, run
from diffkit.results import Odd
from diffkit.rules import trace
from diffkit.syntax import format_slot
from diffkit.tasks import Index
from diffkit.transforms import margin_slot

PRECISIONS = (50, 200, 800)
SHOWN = 60  # characters of a subexpression in a message
WHERE = table["where"]
PROBES = (10, 20, 30)  # decimal exponents of the distances at which growth towards a pole is measured


class Undecided(Exception):
    """The digits at hand do not tell a number from zero."""


def sign(number: Any) -> int:
    """Sign of a bounded number: zero only if it is exactly zero; Undecided if its bound does not exclude zero."""
    value, bound = number
    if value == 0 and bound == 0:
        return 0
    if not abs(value) > bound:  # also where either is not a number
        raise Undecided
    return 1 if value > 0 else -1


@dataclass(frozen=True, slots=True)
class Hit:
    """An instruction at one of its own special places, seen while moving to one side."""

    slot: int
    place: Place
    side: int
    """sign of the margin: −1 outside, 0 at the place"""
    slope: int
    """sign of the margin's one-sided derivative: where the argument goes"""
    still: bool
    """whether no argument depends on the variable at all"""


class OneSided(DualAlgebra):
    """First-order duals that take the one-sided slope at a kink."""

    def apply(self, primitive: Primitive, args: Sequence[Dual]) -> Dual:
        """Push forward, by the slope where the arguments are at a kink."""
        if any(a.moves for a in args):
            primals = [a.primal for a in args]
            for place in primitive.places:
                if place.slope is not None and margin_slot(place, self.base, primals) == (0, 0):
                    zero = self.base.constant(0)
                    tangents = [a.tangents.get(0, zero) for a in args]
                    slope = run(trace(place.slope, len(args)), self.base, tangents)[0]
                    return Dual(self.base.apply(primitive, primals), {0: slope})
        return super().apply(primitive, args)


def diagnose(program: Program, index: Index, point: Sequence[float]) -> Odd:
    """Say what a partial derivative is at a point where plain floating point ran into trouble.

    The answer has status ok and a value where more digits see an ordinary point (or a kink whose sides agree).
    """
    output, multi_index = index
    found = Odd("ok")
    for variable in sorted(set(multi_index)) or [-1]:
        found = _along(program, program.outputs[output], variable, point, len(multi_index))
        if found.status != "ok":
            return found
    return found if len(multi_index) == 1 else Odd("ok", found.message)


def _along(program: Program, output: int, variable: int, point: Sequence[float], order: int) -> Odd:
    for digits in PRECISIONS:
        try:
            return Direction(program, output, variable, point, order, multiprecision_bounds(digits)).verdict()
        except Undecided:
            continue
    return Odd(
        "uncertain", f"{PRECISIONS[-1]} digits do not decide on which side of a kink, jump or edge the point lies"
    )


class Direction:
    """A program at a point, looked at along one variable to both sides."""

    def __init__(
        self,
        program: Program,
        output: int,
        variable: int,
        point: Sequence[float],
        order: int,
        base: MultiprecisionBounds,
    ):
        self.program, self.output, self.variable, self.point, self.order = program, output, variable, point, order
        self.base = base
        self.algebra = OneSided(base)
        self.right, self.left = (self._run(side) for side in (1, -1))
        self.doubt = False  # whether the digits left some place undecided
        self.hits = [*self._hits(self.right), *self._hits(self.left)]

    def _run(self, side: int) -> list[Dual]:
        inputs = [
            Dual(self.base.number(x), {0: self.base.number(side)} if i == self.variable else {})
            for i, x in enumerate(self.point)
        ]
        values = [*inputs, *map(self.algebra.constant, self.program.constants)]
        for primitive, args in self.program.instructions:
            values.append(self.algebra.apply(primitive, [values[a] for a in args]))
        return values

    def _needed(self, values: Sequence[Dual]) -> list[int]:
        """Slots that decide the output here: of a choice, the condition and the chosen side."""
        needed, stack = set(), [self.output]
        while stack:
            slot = stack.pop()
            if slot in needed:
                continue
            needed.add(slot)
            instruction = self.program.instruction_at(slot)
            if instruction is not None:
                primitive, args = instruction
                if primitive is WHERE:
                    args = (args[0], args[1] if values[args[0]].primal[0] else args[2])
                stack.extend(args)
        return sorted(needed)

    def _hits(self, values: Sequence[Dual]) -> list[Hit]:
        hits = []
        for slot in self._needed(values):
            instruction = self.program.instruction_at(slot)
            for place in instruction[0].places if instruction is not None else ():
                assert instruction is not None
                args = [values[a] for a in instruction[1]]
                matter = args if place.varying is None else [args[i] for i in place.varying]
                still = not any(v.moves for v in matter)
                if place.varying is not None and still:
                    continue
                margin = margin_slot(place, self.algebra, args)
                if not all(self.base.context.isfinite(v.primal[0]) for v in args if not isinstance(v.primal[0], bool)):
                    continue  # an argument that has no value was hit itself
                try:
                    hit = self._hit(slot, place, margin, still)
                except Undecided:
                    self.doubt = True
                    continue
                if hit is not None:
                    hits.append(hit)
        return hits

    @staticmethod
    def _hit(slot: int, place: Place, margin: Dual, still: bool) -> Hit | None:
        edge = place.kind == "edge"
        side = sign(margin.primal)
        if side > 0 or (side < 0 and not edge):
            return None
        slope = sign(margin.tangents.get(0, (0, 0))) if edge and side == 0 and not still else 0
        return Hit(slot, place, side, slope, still)

    def verdict(self) -> Odd:
        """Turn the hits into a status; the first of these that applies."""
        for hit in self.hits:
            if hit.side < 0:
                return Odd("domain_error", self._say(hit, "is outside its domain, which ends at"))
        for hit in self.hits:
            if hit.place.kind == "edge" and (hit.slope < 0 or not hit.place.closed):
                return Odd("domain_error", self._say(hit, "is at the edge of its domain,"))
        if self.doubt:
            raise Undecided
        for hit in self.hits:
            if hit.place.kind == "pole":
                return Odd("pole" if self._grows() else "domain_error", self._say(hit, "has no value where"))
        for hit in self.hits:
            if not hit.still and (hit.place.kind == "jump" or (hit.place.kind == "edge" and hit.slope == 0)):
                return Odd("uncertain", self._say(hit, "changes abruptly where"))
        return self._sides()

    def _sides(self) -> Odd:
        """Compare the one-sided derivatives."""
        context = self.base.context
        zero = self.base.number(0)
        right, right_bound = self.right[self.output].tangents.get(0, zero)
        left, left_bound = self.left[self.output].tangents.get(0, zero)
        left = -left
        kinks = [hit for hit in self.hits if not hit.still]
        if not kinks:
            return self._regular(right)
        if context.isnan(left) or context.isnan(right):
            return Odd("uncertain", self._say(kinks[0], "has a kink where"))
        if abs(left - right) > left_bound + right_bound or not context.isfinite(left):
            message = self._say(kinks[0], "has a kink where")
            if self.order > 1:  # these are the sides of the first derivative, not of the one asked for
                return Odd("not_differentiable", message)
            return Odd("not_differentiable", message, left=float(left), right=float(right))
        if (left_bound or right_bound) and left != right:
            raise Undecided
        if self.order > 1:
            return Odd("uncertain", self._say(kinks[0], "has a kink where"))
        message = ""
        if len(self.program.inputs) > 1:
            message = self._say(kinks[0], "has a kink where") + "; the partials exist, but f may not be differentiable"
        return Odd("ok", message, value=float(right))

    def _regular(self, slope: Any) -> Odd:
        context = self.base.context
        if not context.isfinite(self.right[self.output].primal[0]) or not context.isfinite(slope):
            return Odd("uncertain", "the value is beyond what multiprecision arithmetic is allowed to compute")
        if self.order == 1 and math.isinf(float(slope)):
            return Odd("overflow", "the derivative is larger than the largest binary64, 1.8e308")
        return Odd("ok", value=float(slope))

    def _grows(self) -> bool:
        """Whether |f| grows like a power towards the point from both sides, as values nearby show."""
        if self.variable < 0:
            return False
        base = multiprecision_bounds(PRECISIONS[1])
        for side in (1, -1):
            sizes = []
            for exponent in PROBES:
                inputs = [base.number(x) for x in self.point]
                x, _ = inputs[self.variable]
                scale = max(abs(x), base.context.mpf(1))
                inputs[self.variable] = (x + side * scale * base.context.mpf(10) ** -exponent, base.context.mpf(0))
                values = [*inputs, *map(base.constant, self.program.constants)]
                for primitive, args in self.program.instructions:
                    values.append(base.apply(primitive, [values[a] for a in args]))
                value, bound = values[self.output]
                if not abs(value) > 2 * bound:
                    return False
                sizes.append(base.context.log10(abs(value)))
            powers = [(b - a) / (n - m) for a, b, m, n in zip(sizes, sizes[1:], PROBES, PROBES[1:], strict=False)]
            if not (powers[0] > 0.1 and abs(powers[0] - powers[1]) < 1e-3 * powers[0]):
                return False
        return True

    def _say(self, hit: Hit, what: str) -> str:
        """Give the message: the subexpression, what befalls it, its special place, and where its arguments are."""
        instruction = self.program.instruction_at(hit.slot)
        assert instruction is not None
        text = format_slot(self.program, hit.slot, SHOWN)
        message = f"{text} {what} {place_text(self.program, hit.slot, hit.place.text, SHOWN)}"
        here = []
        for slot in dict.fromkeys(instruction[1]):
            if self.program.constant_at(slot) is None and not isinstance(value := self.right[slot].primal[0], bool):
                here.append(f"{format_slot(self.program, slot, SHOWN)} = {float(value):.6g}")
        return f"{message}; here {', '.join(here)}" if hit.side < 0 or "=" not in hit.place.text else message

"""What a derivative is at a point that is not ordinary: kink, jump, removable singularity, pole, edge, outside.

Along each variable the germs to both sides, the value at the point itself, and whether the one tends to the other
decide (``diffkit.algebras.germs``). Every decision is a proof; what cannot be decided is called uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import Any

from diffkit.algebras.balls import precision
from diffkit.algebras.constants import PRECISIONS, Constants, Undecided
from diffkit.algebras.germs import FLAT, Germ, GermAlgebra, Missing, Restart
from diffkit.domain import place_text
from diffkit.primitives import Place, Primitive, table
from diffkit.program import Program, run
from diffkit.proof import enclose, to_float
from diffkit.results import Odd
from diffkit.rules import trace
from diffkit.syntax import format_slot
from diffkit.tasks import Index

WHERE, MUL = table["where"], table["mul"]
SHOWN = 60  # characters of a subexpression in a message
ROOTS = 64  # largest root of the distance that a fractional power may ask for
UNDECIDED = "neither balls nor exact algebra decide what happens at the point"


class Undefined:
    """No value at the point: ``slot`` is the instruction without one, ``place`` the special place it is at."""

    def __init__(self, slot: int, place: Place | None, outside: bool):
        self.slot, self.place, self.outside = slot, place, outside


@dataclass(frozen=True, eq=False)
class Side:
    """Germs of all slots to one side, and for each whether it tends to the value at the point."""

    algebra: GermAlgebra
    germs: list[Any]
    joined: list[bool | None]


def classify(program: Program, index: Index, point: Sequence[float]) -> Odd:
    """Say what a partial derivative is at a point where the ordinary proof did not go through.

    Status ok comes with the value, correctly rounded: a kink whose sides agree, or a branch that makes no difference.
    """
    output, variables = index
    slot = program.outputs[output]
    mixed = len(set(variables)) > 1
    found = Odd("ok")
    try:
        for variable in dict.fromkeys(variables) or (-1,):
            line = Line(program, slot, variable, point)
            found = line.verdict(len(variables), not mixed)
            if found.status != "ok":
                return found
            if mixed and line.special:
                return Odd("uncertain", "a mixed derivative is not decided where f is special along a variable")
    except (Undecided, RecursionError, OverflowError):
        return Odd("uncertain", UNDECIDED)
    return found._replace(value=math.nan) if mixed else found


class Line:
    """A program at a point along one variable."""

    def __init__(self, program: Program, output: int, variable: int, point: Sequence[float]):
        self.program, self.output, self.variable, self.point = program, output, variable, point
        self.constants = Constants()
        self.still: set[int] = set()
        """slots at a kink of theirs, whether or not they move along this variable"""
        self.values = self._values()
        self.right, self.left = self._sides()

    # The point itself and the two sides -------------------------------------------------------------------------

    def _values(self) -> list[Any]:
        """Each slot at the point: a constant's slot, a truth, or Undefined."""
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
                sign = constants.sign(margin) if not self._spared(place, slot) else 1
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

    def _spared(self, place: Place, slot: int) -> bool:
        """Whether a place does not concern an instruction, because the arguments that matter do not vary."""
        if place.varying is None:
            return False
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        return not any(self._depends[instruction[1][i]] for i in place.varying)

    @property
    def _depends(self) -> list[bool]:
        from diffkit.transforms import depends

        return depends(self.program)

    def _stepped(self, primitive: Primitive, x: int) -> int:
        constants = self.constants
        if primitive.name in ("floor", "ceil"):
            up = primitive.name == "ceil"
            whole = constants.floor(constants.apply(table["neg"], (x,)) if up else x)
            return constants.number(-whole if up else whole)
        sign = constants.sign(x)
        return constants.number(sign if primitive.name == "sign" else (1 + sign) / 2)

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
            germ = algebra.apply(primitive, [germs[a] for a in args])
            germs.append(germ)
            joined.append(self._joins(slot, primitive, args, algebra, germ, germs, joined))
        return Side(algebra, germs, joined)

    def _joins(
        self, slot: int, primitive: Primitive, args: tuple[int, ...], algebra: GermAlgebra, germ: Any,
        germs: list[Any], joined: list[bool | None],
    ) -> bool | None:  # fmt: skip
        """Whether the germ tends to the value: by continuity, or by comparing limit and value."""
        value = self.values[slot]
        if isinstance(germ, Missing) or isinstance(value, Undefined):
            return False
        if isinstance(germ, bool) or isinstance(value, bool):
            return bool(germ == value)
        if primitive is WHERE:
            here, there = (args[1] if truth else args[2] for truth in (self.values[args[0]], germs[args[0]]))
            if here == there:
                return joined[here]
        elif not self._jumps(primitive) and all(joined[a] for a in args):
            return True
        try:
            limit = algebra.limit(germ)
            return limit is not None and self.constants.equal(limit, value)
        except Undecided:
            return None

    @staticmethod
    def _jumps(primitive: Primitive) -> bool:
        return primitive.steps or any(place.kind == "jump" for place in primitive.places)

    # The verdict ---------------------------------------------------------------------------------------------------

    def verdict(self, order: int, whole: bool) -> Odd:
        """Give the status; with a value where the derivative of that order along this variable exists."""
        value = self.values[self.output]
        right, left = (side.germs[self.output] for side in (self.right, self.left))
        if isinstance(value, Undefined):
            return self._undefined(value, right, left)
        for germ in (right, left):
            if isinstance(germ, Missing):
                message = self._say(germ.slot, "is at the edge of its domain,", ("edge", "pole"))
                return Odd("domain_error", message, cause="domain edge")
        if self.variable < 0:
            return Odd("ok", value=self._rounded(value))
        joined = (self.right.joined[self.output], self.left.joined[self.output])
        if False in joined:
            return self._jump(right, left)
        if None in joined:
            raise Undecided
        return self._smooth(right, left, order if whole else 1, whole)

    def _undefined(self, at: Undefined, right: Any, left: Any) -> Odd:
        """No value at the point: a pole, a removable singularity, an edge, or outside."""
        if at.outside:
            message = self._say_place(at.slot, "is outside its domain, which ends at", at.place, True)
            return Odd("domain_error", message, cause="outside the domain")
        message = self._say_place(at.slot, "has no value where", at.place)
        edge = Odd("domain_error", message, cause="domain edge")
        if isinstance(right, Missing) or isinstance(left, Missing):
            return edge
        try:
            leads = [side.algebra.lead(germ) for side, germ in ((self.right, right), (self.left, left))]
            if all(lead is not None and lead[0] < 0 for lead in leads):
                return Odd("pole", message, cause="pole")
        except Undecided:
            pass
        try:
            limits = [side.algebra.limit(germ) for side, germ in ((self.right, right), (self.left, left))]
            if None not in limits and self.constants.equal(*limits):  # type: ignore[arg-type]
                limit = self._rounded(limits[0])  # type: ignore[arg-type]
                message += "; the singularity is removable"
                return Odd("domain_error", message, limit=limit, cause="removable point")
        except Undecided:
            pass
        return edge

    def _jump(self, right: Germ, left: Germ) -> Odd:
        """The value is not the limit from both sides; one-sided derivatives exist where it is."""
        sides = []
        for side, germ, sign in ((self.right, right, 1), (self.left, left, -1)):
            try:
                slope = self._slope(side, germ, sign) if side.joined[self.output] else None
                sides.append(math.nan if slope is None else slope)
            except Undecided:
                sides.append(math.nan)
        message = self._say_event("jumps where", ("jump", "kink")) + "; f is not continuous there"
        return Odd("not_differentiable", message, left=sides[1], right=sides[0], cause="jump")

    def _slope(self, side: Side, germ: Germ, sign: int) -> float:
        """One-sided derivative as a number, infinite where the tangent is vertical."""
        slot = self._taylor(side, germ, 1, sign)
        return slot if isinstance(slot, float) else self._rounded(slot)

    def _taylor(self, side: Side, germ: Germ, k: int, sign: int) -> int | float:
        """Slot of the k-th one-sided derivative, lower ones existing; ±∞ where a fractional power comes first."""
        q = side.algebra.q
        for exponent in range(1, k * q):
            if exponent % q:
                coefficient = side.algebra.coefficient(germ, exponent)
                if found := self.constants.sign(coefficient):
                    return float(math.inf * found * sign ** (exponent // q + 1))
        coefficient = side.algebra.coefficient(germ, k * q)
        return self.constants.apply(MUL, (self.constants.number(factorial(k) * sign**k), coefficient))

    def _smooth(self, right: Germ, left: Germ, order: int, whole: bool) -> Odd:
        """Compare the one-sided derivatives up to the order asked for."""
        if order > 1 and any(germ.rough or germ.order < FLAT for germ in (right, left)):
            raise Undecided  # a bound O(u^n) settles the first derivative only
        answer: int | float = 0.0
        special = self.special
        for k in range(1, order + 1):
            above, below = self._taylor(self.right, right, k, 1), self._taylor(self.left, left, k, -1)
            if isinstance(above, float) or isinstance(below, float):
                same = False
            else:  # where nothing special was passed, both sides are one analytic function
                same = not special or self.constants.equal(above, below)
            if not same:
                message = self._say_event("has a kink where" if k == 1 else f"is not {order} times smooth where")
                if k < order or not whole:
                    return Odd("not_differentiable", message, cause="kink")
                sides = [v if isinstance(v, float) else self._rounded(v) for v in (below, above)]
                message += self._clarke(k, *sides)
                return Odd("not_differentiable", message, left=sides[0], right=sides[1], cause="kink")
            answer = above
        message = ""
        if len(self.program.inputs) > 1 and (special or self.still & self._needed()):
            message = self._say_event("is special where") + "; the partials exist, but f may not be differentiable"
        assert isinstance(answer, int)
        value = self._rounded(answer)
        if math.isinf(value):
            return Odd("overflow", "the derivative is larger than the largest binary64, 1.8e308", cause="overflow")
        return Odd("ok", message, value=value)

    def _clarke(self, order: int, left: float, right: float) -> str:
        """What a subgradient may be, and what frameworks take at the commonest kinks."""
        if order > 1:
            return ""
        if math.isinf(left) or math.isinf(right):
            return "; a one-sided derivative is infinite"
        text = f"; the Clarke interval is [{min(left, right):.6g}, {max(left, right):.6g}]"
        instruction = self.program.instruction_at(self.output)
        convention = CONVENTIONS.get(instruction[0].name) if instruction is not None else None
        return text + (f", {convention}" if convention else "")

    def _rounded(self, slot: int) -> float:
        """Round a constant correctly; Undecided where no precision settles it."""
        exact = self.constants.builder.rational(slot)
        if exact is not None:
            return to_float(Fraction(exact))
        for bits in PRECISIONS:
            with precision(bits):
                value = enclose(self.constants.ball(slot, bits)).value
            if value is not None:
                return value
        if self.constants.sign(slot) == 0:
            return 0.0
        raise Undecided

    # Words ---------------------------------------------------------------------------------------------------------

    @property
    def special(self) -> list[int]:
        """Slots where a special place was passed, those that the sides passed differently first."""
        right, left = self.right.algebra.events, self.left.algebra.events
        found = sorted({**right, **left}, key=lambda s: (right.get(s) == left.get(s), s))
        needed = self._needed()
        return [slot for slot in found if slot in needed]

    def _needed(self) -> set[int]:
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

    def _say_event(self, what: str, kinds: tuple[str, ...] = ("kink", "jump", "edge", "pole")) -> str:
        for slot in self.special or sorted(self.still & self._needed()):
            instruction = self.program.instruction_at(slot)
            if instruction is not None and instruction[0].places:
                return self._say(slot, what, kinds)
        return f"{format_slot(self.program, self.output, SHOWN)} {what.removesuffix(' where')} here"

    def _say(self, slot: int, what: str, kinds: tuple[str, ...]) -> str:
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        places = sorted(instruction[0].places, key=lambda p: (p.kind not in kinds, instruction[0].places.index(p)))
        return self._say_place(slot, what, places[0] if places else None)

    def _say_place(self, slot: int, what: str, place: Place | None, here: bool = False) -> str:
        """Give the message: the subexpression, what befalls it, its special place, and where its arguments are."""
        text = format_slot(self.program, slot, SHOWN)
        if place is None:
            return f"{text} {what.removesuffix(' where')}"
        message = f"{text} {what} {place_text(self.program, slot, place.text, SHOWN)}"
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        shown = [
            f"{format_slot(self.program, arg, SHOWN)} = {self._approximately(self.values[arg]):.6g}"
            for arg in dict.fromkeys(instruction[1])
            if self.program.constant_at(arg) is None and isinstance(self.values[arg], int)
        ]
        return f"{message}; here {', '.join(shown)}" if here or "=" not in place.text else message

    def _approximately(self, slot: int) -> float:
        return float(self.constants.ball(slot, PRECISIONS[0]))


CONVENTIONS = {
    "abs": "and frameworks take 0",
    "relu": "and frameworks take 0",
    "max": "and frameworks differ: JAX and PyTorch take the middle, others the first argument",
    "min": "and frameworks differ: JAX and PyTorch take the middle, others the first argument",
}

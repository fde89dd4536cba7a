"""What a derivative is at a point that is not ordinary: kink, jump, removable singularity, pole, edge, outside.

Along each variable the germs to both sides, the value at the point itself, and whether the one tends to the other
decide (``diffkit.algebras.germs``). Every decision is a proof; what cannot be decided is called uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from math import factorial
from typing import Any

from diffkit.algebras.balls import precision
from diffkit.algebras.constants import PRECISIONS, Undecided
from diffkit.algebras.floats import to_float
from diffkit.algebras.germs import FLAT, Germ, Missing, Unknown
from diffkit.domain import place_text
from diffkit.neighbourhood import Neighbourhood, Side, Undefined
from diffkit.primitives import Place, table
from diffkit.program import Program
from diffkit.proof import enclose, too_large
from diffkit.results import Odd
from diffkit.syntax import excerpt
from diffkit.tasks import Index

MUL = table["mul"]
ONE = Fraction(1)
ROUNDS = "rounds to 0.0: the derivative is not zero, but smaller than half the least binary64"
UNDECIDED = "neither balls nor exact algebra decide what happens at the point"


def classify(program: Program, index: Index, point: Sequence[float], factor: Fraction = ONE) -> Odd:
    """Say what a partial derivative, times a factor, is at a point where the ordinary proof did not go through.

    Status ok comes with the value, correctly rounded: a kink whose sides agree, or a branch that makes no difference.
    """
    output, variables = index
    slot = program.outputs[output]
    mixed = len(set(variables)) > 1
    found = Odd("ok")
    try:
        for variable in dict.fromkeys(variables) or (-1,):
            line = Point(program, slot, variable, point)
            line.factor = factor
            found = line.verdict(len(variables), not mixed)
            if found.status != "ok":
                return found
            if mixed and line.special:
                return Odd("uncertain", "a mixed derivative is not decided where f is special along a variable")
    except (Undecided, RecursionError, OverflowError):
        return Odd("uncertain", UNDECIDED)
    return found._replace(value=math.nan) if mixed else found


class Point(Neighbourhood):
    """What a neighbourhood says of the derivative, and the words for it."""

    factor = ONE
    """what the derivative is multiplied by, such as 1/k! for a Taylor coefficient"""

    def verdict(self, order: int, whole: bool) -> Odd:
        """Give the status; with a value where the derivative of that order along this variable exists."""
        value = self.values[self.output]
        right, left = (side.germs[self.output] for side in (self.right, self.left))
        if isinstance(value, Undefined):
            return self._undefined(value, right, left)
        for germ in (right, left):
            if isinstance(germ, Missing):
                message = self._say(germ.slot, "is at the edge of its domain,", ("edge", "pole"))
                return Odd("domain_error", message, cause="domain edge", where=self._text(germ.slot))
        if isinstance(right, Unknown) or isinstance(left, Unknown):
            raise Undecided
        if self.variable < 0:
            found = self._rounded(value)
            return Odd("ok", value=found, error=max(math.ulp(found) / 2, math.ulp(0.0)))
        joined = (self.right.joined[self.output], self.left.joined[self.output])
        if False in joined:
            return self._jump(right, left, order)
        if None in joined:
            raise Undecided
        return self._smooth(right, left, order if whole else 1, whole)

    def _undefined(self, at: Undefined, right: Any, left: Any) -> Odd:
        """No value at the point: a pole, a removable singularity, an edge, or outside."""
        if at.outside:
            message = self._say_place(at.slot, "is outside its domain, which ends at", at.place, True)
            return Odd("domain_error", message, cause="outside the domain", where=self._text(at.slot))
        message = self._say_place(at.slot, "has no value where", at.place)
        edge = Odd("domain_error", message, cause="domain edge", where=self._text(at.slot))
        if not (isinstance(right, Germ) and isinstance(left, Germ)):
            return edge
        try:
            leads = [side.algebra.lead(germ) for side, germ in ((self.right, right), (self.left, left))]
            if all(lead is not None and lead[0] < 0 for lead in leads):
                return edge._replace(status="pole", cause="pole")
        except Undecided:
            pass
        try:
            limits = [side.algebra.limit(germ) for side, germ in ((self.right, right), (self.left, left))]
            if None not in limits and self.constants.equal(*limits):  # type: ignore[arg-type]
                limit = self._rounded(limits[0])  # type: ignore[arg-type]
                message += "; f tends to a limit there, so the singularity is removable"
                return edge._replace(message=message, limit=limit, cause="removable point")
        except Undecided:
            pass
        return edge

    def _jump(self, right: Germ, left: Germ, order: int) -> Odd:
        """The value is not the limit from both sides; one-sided derivatives exist where it is."""
        sides = []
        for side, germ, sign in ((self.right, right, 1), (self.left, left, -1)):
            try:
                slope = self._slope(side, germ, sign) if side.joined[self.output] and order == 1 else None
                sides.append(math.nan if slope is None else slope)
            except Undecided:
                sides.append(math.nan)
        message = self._say_event("jumps where", ("jump", "kink")) + "; f is not continuous there"
        return Odd("not_differentiable", message, left=sides[1], right=sides[0], cause="jump", where=self._fault)

    def _slope(self, side: Side, germ: Germ, sign: int) -> float:
        """One-sided derivative as a number, infinite where the tangent is vertical."""
        slot = self._taylor(side, germ, 1, sign)
        return slot if isinstance(slot, float) else self._answer(slot)

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
                    return Odd("not_differentiable", message, cause="kink", where=self._fault)
                sides = [v if isinstance(v, float) else self._answer(v) for v in (below, above)]
                vertical = isinstance(above, float) or isinstance(below, float)
                message += self._clarke(k, sides[0], sides[1], vertical)
                return Odd(
                    "not_differentiable", message, left=sides[0], right=sides[1], cause="kink", where=self._fault
                )
            answer = above
        message = ""
        if len(self.program.inputs) > 1 and (special or self.still & self.needed()):
            message = self._say_event("is special where") + "; the partials exist, but f may not be differentiable"
        assert isinstance(answer, int)
        value = self._answer(answer)
        if math.isinf(value):
            return too_large(self.program, self.output)
        error = max(math.ulp(value) / 2, math.ulp(0.0))  # only the rounding is known
        if value == 0.0 and self.constants.sign(answer) == 0:
            error = 0.0
        elif value == 0.0:
            message = ROUNDS + (f"; {message}" if message else "")
        found = Odd("ok", message, value=value, error=error)
        return found._replace(cause="branch", where=self._fault) if special else found

    def _clarke(self, order: int, left: float, right: float, vertical: bool) -> str:
        """What a subgradient may be, and what frameworks take at the commonest kinks."""
        if order > 1:
            return ""
        if math.isinf(left) or math.isinf(right):
            return f"; a one-sided derivative is {'infinite' if vertical else 'beyond the largest binary64'}"
        text = f"; the Clarke interval is [{min(left, right):.6g}, {max(left, right):.6g}]"
        instruction = self.program.instruction_at(self.output)
        convention = CONVENTIONS.get(instruction[0].name) if instruction is not None else None
        return text + (f", {convention}" if convention else "")

    def _answer(self, slot: int) -> float:
        """A derivative times the factor, rounded once."""
        return self._rounded(self.constants.apply(MUL, (self.constants.number(self.factor), slot)))

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

    def _text(self, slot: int) -> str:
        return excerpt(self.program, slot)

    @property
    def _fault(self) -> str:
        """The first subexpression with a special place that was passed."""
        for slot in self.special:
            instruction = self.program.instruction_at(slot)
            if instruction is not None and instruction[0].places:
                return self._text(slot)
        return self._text(self.output)

    def _say_event(self, what: str, kinds: tuple[str, ...] = ("kink", "jump", "edge", "pole")) -> str:
        for slot in self.special or sorted(self.still & self.needed()):
            instruction = self.program.instruction_at(slot)
            if instruction is not None and instruction[0].places:
                return self._say(slot, what, kinds)
        return f"{excerpt(self.program, self.output)} {what.removesuffix(' where')} here"

    def _say(self, slot: int, what: str, kinds: tuple[str, ...]) -> str:
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        places = sorted(instruction[0].places, key=lambda p: (p.kind not in kinds, instruction[0].places.index(p)))
        return self._say_place(slot, what, places[0] if places else None)

    def _say_place(self, slot: int, what: str, place: Place | None, here: bool = False) -> str:
        """Give the message: the subexpression, what befalls it, its special place, and where its arguments are."""
        text = excerpt(self.program, slot)
        if place is None:
            return f"{text} {what.removesuffix(' where')}"
        message = f"{text} {what} {place_text(self.program, slot, place.text)}"
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        shown = [
            f"{excerpt(self.program, arg)} = {self._approximately(self.values[arg]):.6g}"
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

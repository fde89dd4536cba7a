"""What a derivative is at a point that is not ordinary: kink, jump, removable singularity, pole, edge, outside.

Along each variable the germs to both sides, the value at the point itself, and whether the one tends to the other
decide (``diffkit.numbers.germs``). Every decision is a proof; what cannot be decided is called uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from itertools import permutations
from typing import Any

from diffkit.asking.tasks import derivative_task
from diffkit.calculus.balanced_sums import balanced
from diffkit.calculus.derivatives import addends
from diffkit.calculus.guards import bits_of
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Index, Program
from diffkit.core.results import Odd
from diffkit.core.table import MUL, Place
from diffkit.numbers.balls import enclose, precision
from diffkit.numbers.constants import Undecided
from diffkit.numbers.floats import to_float
from diffkit.numbers.germs import FLAT_ORDER, Germ, Missing, UnknownGerm
from diffkit.proof.mixed_derivatives import ONLY_A_BOUND, UNJOINED, Broken, JointPart
from diffkit.proof.neighbourhood import Neighbourhood, Side
from diffkit.proof.point_values import Around, Spot, Undefined
from diffkit.proof.prover import Prover, too_large

_NO_FACTOR = Fraction(1)
_ROUNDS = "rounds to 0.0: the derivative is not zero, but smaller than half the least binary64"
_UNROUNDED = f"{PROOF_PRECISIONS[-1]} bits do not tell which binary64 is nearest to the derivative"
_TOO_DEEP = "the expression is nested too deeply for one-sided series"
_TOO_LARGE = "numbers grow too large in the one-sided series"
_MOST_MIXED = 3  # variables of a mixed derivative that is looked at where f is special


def classify(program: Program, index: Index, point: Sequence[float], factor: Fraction = _NO_FACTOR) -> Odd:
    """Say what a partial derivative, times a factor, is at a point where the ordinary proof did not go through.

    Status ok comes with the value, correctly rounded: a kink whose sides agree, or a branch that makes no difference.
    """
    return Classifier(program, point).component(index, factor)


class Classifier:
    """Whether a point is a kink, a jump, a pole or an edge: a program there, along one variable after the other."""

    def __init__(self, program: Program, point: Sequence[float]):
        self.form, self.point = balanced(program), point
        self.program = self.form.program
        self._spots: dict[frozenset[int], Spot] = {}
        self._lines: dict[tuple[int, int, int], Point] = {}
        self._terms: dict[int, dict[int, int]] = {}
        self._parts: dict[tuple[int, ...], JointPart] = {}

    def component(self, index: Index, factor: Fraction = _NO_FACTOR) -> Odd:
        """Say what a partial derivative times a factor is; uncertain, with the reason, where that is not proven."""
        output, variables = index
        try:
            return self._look(self.program.outputs[output], variables, factor)
        except Undecided as undecided:
            where = undecided.where or self.form.text(self.program.outputs[output])
            return Odd("uncertain", f"{where}: {undecided.reason}", where=where)
        except RecursionError:
            return Odd("uncertain", _TOO_DEEP)
        except OverflowError:
            return Odd("uncertain", _TOO_LARGE)

    def _look(self, slot: int, variables: Sequence[int], factor: Fraction) -> Odd:
        movers = bits_of(variables)
        here = self._spot(movers)
        if here.is_missing(slot, movers) and (missing := self._line(here, slot, -1).obstacle) is not None:
            return missing  # whatever moves, so that it is found once
        lines = [self._line(here, slot, variable) for variable in dict.fromkeys(variables) or (-1,)]
        if len(lines) == 1:
            return lines[0].classify(len(variables), factor)
        for line in lines:
            if (obstacle := line.obstacle) is not None and obstacle.status != "not_differentiable":
                return obstacle
        return self._mixed(here, lines, variables, factor)

    def _mixed(self, here: Spot, lines: Sequence[Point], variables: Sequence[int], factor: Fraction) -> Odd:
        """A mixed derivative: what all orders of differentiation of the part of f that is in it agree on."""
        if len(lines) > _MOST_MIXED:
            raise Undecided(f"f is special at the point, and mixed derivatives by more than {_MOST_MIXED} variables "
                            "are not looked at there")  # fmt: skip
        special = next((line for line in lines if line.special), lines[0])
        terms = self._addends(here, lines[0].output, bits_of(variables))
        if not terms:
            return special.answer(here.constants.number(0), factor)
        part = self._part(here, terms)
        try:
            part.check_firsts(line.variable for line in lines)
            if (proven := self._proven(part.program, variables, factor)) is not None:
                return special.remark()._replace(value=proven[0], error=proven[1])
            found, undecided = [], None
            for path in permutations([(line.variable, variables.count(line.variable)) for line in lines]):
                try:
                    found.append(part.derivative(path))
                except Undecided as error:  # another order may be proven not to go
                    undecided = error
        except Broken as broken:
            return self._broken(lines, broken)
        if undecided is not None:
            raise undecided
        if not all(here.constants.equal(found[0], other) for other in found[1:]):
            return _NO_MIXED_DERIVATIVE._replace(message="the mixed derivative depends on the order of differentiation")
        return special.answer(found[0], factor)

    def _proven(self, part: Program, variables: Sequence[int], factor: Fraction) -> tuple[float, float] | None:
        """The mixed derivative and its error where the part of f that is in it is ordinary; None if not proven."""
        task = derivative_task(part, tuple(part.inputs[v] for v in variables))
        regular = Prover(task).at(self.point)
        if not (regular.holding[0] and regular.confirmed[0] and factor == 1):
            return None
        (found,) = regular.enclosures
        value = found.value
        return (value, found.error) if value and math.isfinite(value) else None  # of 0 and overflow more is to be told

    def _addends(self, here: Spot, output: int, movers: int) -> dict[int, int]:
        """The addends of an output that vary with each of some inputs, with the multiples of them that are added."""
        if output not in self._terms:
            self._terms[output] = addends(self.program, output)
        return {slot: times for slot, times in self._terms[output].items() if here.moves[slot] & movers == movers}

    def _part(self, here: Spot, terms: dict[int, int]) -> JointPart:
        """The part of f that some addends are."""
        key = (here.movers, *terms, *terms.values())
        if key not in self._parts:
            self._parts[key] = JointPart(here, terms)
        return self._parts[key]

    @staticmethod
    def _broken(lines: Sequence[Point], broken: Broken) -> Odd:
        """Why there is no mixed derivative."""
        if broken.where:
            message = f"{broken.where} has no values on a side of the point"
            return Odd("domain_error", message, cause="domain edge", where=broken.where)
        seen = [line.first for line in lines]
        odd = next((odd for odd in seen if odd.status == "not_differentiable"), _NO_MIXED_DERIVATIVE)
        return odd._replace(message=odd.message.partition("; the Clarke")[0], left=math.nan, right=math.nan)

    def _spot(self, movers: int) -> Spot:
        """The program at the point; the same whatever moves, unless it is at a place where that matters."""
        touched = self._still.touched(movers)
        if touched not in self._spots:
            self._spots[touched] = self._still.with_movers(movers, touched) if touched else self._still
        return self._spots[touched]

    @cached_property
    def _still(self) -> Spot:
        """The program at the point where nothing moves."""
        return Spot(self.form, self.point, None, 0, Around(self.program, self.point))

    def _line(self, here: Spot, slot: int, variable: int) -> Point:
        key = here.movers, slot, variable
        if key not in self._lines:
            self._lines[key] = Point(here, slot, variable)
        return self._lines[key]


_NO_MIXED_DERIVATIVE = Odd(
    "not_differentiable", "there is no mixed derivative in one order of differentiation", cause="kink"
)


class Point(Neighbourhood):
    """What a neighbourhood says of the derivative, and the words for it."""

    factor = _NO_FACTOR
    """what the derivative is multiplied by, such as 1/k! for a Taylor coefficient"""

    @cached_property
    def obstacle(self) -> Odd | None:
        """What is in the way of a derivative before slopes are looked at: no value, an edge, a jump."""
        value = self.values[self.output]
        right, left = (side.germs[self.output] for side in (self.right, self.left))
        if isinstance(value, Undefined):
            return self._undefined(value, right, left)
        for germ in (right, left):
            if isinstance(germ, Missing):
                return self.edge(germ.slot)
        for seen in (value, right, left):
            if isinstance(seen, UnknownGerm):
                raise Undecided(seen.reason, seen.where)
        return None

    def edge(self, slot: int) -> Odd:
        """A side has no values, because of an instruction."""
        message = self._say(slot, "is at the edge of its domain,", ("edge", "pole"))
        return Odd("domain_error", message, cause="domain edge", where=self._text(slot))

    @cached_property
    def first(self) -> Odd:
        """What the first derivative is."""
        return self.classify(1, _NO_FACTOR)

    def classify(self, order: int, factor: Fraction) -> Odd:
        """Give the status; with a value where the derivative of that order along this variable exists."""
        self.factor = factor
        if (obstacle := self.obstacle) is not None:
            return obstacle
        right, left = (side.germs[self.output] for side in (self.right, self.left))
        if self.variable < 0:
            found = self._rounded(self.values[self.output])
            return Odd("ok", value=found, error=max(math.ulp(found) / 2, math.ulp(0.0)))
        joined = (self.right.joined[self.output], self.left.joined[self.output])
        if False in joined:
            return self._jump(right, left, order)
        if None in joined:
            raise Undecided(UNJOINED)
        return self._smooth(right, left, order)

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
            if None not in limits and self.constants.equal(*limits):
                limit = self._rounded(limits[0])
                message += "; f tends to a limit there, so the singularity is removable"
                return edge._replace(message=message, limit=limit, cause="removable point")
        except Undecided:
            pass
        return edge

    def _jump(self, right: Germ, left: Germ, order: int) -> Odd:
        """The value is not the limit from both sides; one-sided derivatives exist where it is."""
        sides = []
        for side, germ in ((self.right, right), (self.left, left)):
            try:
                slope = self._slope(side, germ) if side.joined[self.output] and order == 1 else None
                sides.append(math.nan if slope is None else slope)
            except Undecided:
                sides.append(math.nan)
        message = self._say_event("jumps where", ("jump", "kink")) + "; f is not continuous there"
        return Odd("not_differentiable", message, left=sides[1], right=sides[0], cause="jump", where=self._fault)

    def _slope(self, side: Side, germ: Germ) -> float:
        """One-sided derivative as a number, infinite where the tangent is vertical."""
        found = side.algebra.derivative(germ, 1)
        return found if isinstance(found, float) else self._answer(found)

    def _smooth(self, right: Germ, left: Germ, order: int) -> Odd:
        """Compare the one-sided derivatives up to the order asked for."""
        if order > 1 and any(germ.rough or germ.order < FLAT_ORDER for germ in (right, left)):
            raise Undecided(ONLY_A_BOUND)
        answer: int | float = 0.0
        whole = self.whole
        for k in range(1, order + 1):
            above, below = (s.algebra.derivative(g, k) for s, g in ((self.right, right), (self.left, left)))
            if isinstance(above, float) or isinstance(below, float):
                same = False
            else:
                same = whole or self.constants.equal(above, below)
            if not same:
                message = self._say_event("has a kink where" if k == 1 else f"is not {k} times smooth where")
                if k < order:
                    return Odd("not_differentiable", message, cause="kink", where=self._fault)
                sides = [v if isinstance(v, float) else self._answer(v) for v in (below, above)]
                vertical = isinstance(above, float) or isinstance(below, float)
                message += self._clarke(k, sides[0], sides[1], vertical)
                return Odd(
                    "not_differentiable", message, left=sides[0], right=sides[1], cause="kink", where=self._fault
                )
            answer = above
        assert isinstance(answer, int)
        return self.answer(answer, self.factor)

    def answer(self, answer: int, factor: Fraction) -> Odd:
        """The derivative that exists, and what is to be said of it."""
        self.factor = factor
        value = self._answer(answer)
        if math.isinf(value):
            return too_large(self._text(self.output))
        found = self.remark()._replace(value=value, error=max(math.ulp(value) / 2, math.ulp(0.0)))  # rounded, no more
        if value == 0.0 and self.constants.sign(answer) == 0:
            return found._replace(error=0.0)
        return found._replace(message="; ".join(filter(None, (_ROUNDS, found.message)))) if value == 0.0 else found

    def remark(self) -> Odd:
        """What is to be said of a derivative that exists."""
        special, message = self.special, ""
        if len(self.program.inputs) > 1 and (special or not self.still.isdisjoint(self.needed)):
            message = self._say_event("is special where") + "; the partials exist, but f may not be differentiable"
        return Odd("ok", message, cause="branch", where=self._fault) if special else Odd("ok", message)

    def _clarke(self, order: int, left: float, right: float, vertical: bool) -> str:
        """What a subgradient may be, and what frameworks take at the commonest kinks."""
        if order > 1:
            return ""
        if math.isinf(left) or math.isinf(right):
            return f"; a one-sided derivative is {'infinite' if vertical else 'beyond the largest binary64'}"
        text = f"; the Clarke interval is [{min(left, right):.6g}, {max(left, right):.6g}]"
        instruction = self.program.instruction_at(self.output)
        convention = "" if instruction is None else instruction[0].convention
        return text + (f", {convention}" if convention else "")

    def _answer(self, slot: int) -> float:
        """A derivative times the factor, rounded once."""
        return self._rounded(self.constants.apply(MUL, (self.constants.number(self.factor), slot)))

    def _rounded(self, slot: int) -> float:
        """Round a constant correctly; Undecided where no precision settles it."""
        exact = self.constants.builder.rational(slot)
        if exact is not None:
            return to_float(Fraction(exact))
        for bits in PROOF_PRECISIONS:
            with precision(bits):
                value = enclose(self.constants.ball(slot, bits)).value
            if value is not None:
                return value
        if self.constants.sign(slot) == 0:
            return 0.0
        raise Undecided(_UNROUNDED)

    # Words ---------------------------------------------------------------------------------------------------------

    def _text(self, slot: int) -> str:
        return self.here.form.text(slot)

    @property
    def _fault(self) -> str:
        """The first subexpression with a special place that was passed."""
        for slot in self.special:
            instruction = self.program.instruction_at(slot)
            if instruction is not None and instruction[0].special:
                return self._text(slot)
        return self._text(self.output)

    def _say_event(self, what: str, kinds: tuple[str, ...] = ("kink", "jump", "edge", "pole")) -> str:
        for slot in self.special or sorted(self.still & self.needed):
            instruction = self.program.instruction_at(slot)
            if instruction is not None and instruction[0].special:
                return self._say(slot, what, kinds)
        return f"{self._text(self.output)} {what.removesuffix(' where')} here"

    def _say(self, slot: int, what: str, kinds: tuple[str, ...]) -> str:
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        places = sorted(instruction[0].special, key=lambda p: (p.kind not in kinds, instruction[0].special.index(p)))
        return self._say_place(slot, what, places[0] if places else None)

    def _say_place(self, slot: int, what: str, place: Place | None, here: bool = False) -> str:
        """Give the message: the subexpression, what befalls it, its special place, and where its arguments are."""
        text = self._text(slot)
        if place is None:
            return f"{text} {what.removesuffix(' where')}"
        message = f"{text} {what} {self.here.form.place_text(slot, place.text)}"
        instruction = self.program.instruction_at(slot)
        assert instruction is not None
        shown = [
            f"{self._text(arg)} = {self._approximately(self.values[arg]):.6g}"
            for arg in dict.fromkeys(instruction[1])
            if self.program.constant_at(arg) is None and isinstance(self.values[arg], int)
        ]
        return f"{message}; here {', '.join(shown)}" if here or "=" not in place.text else message

    def _approximately(self, slot: int) -> float:
        return float(self.constants.ball(slot, PROOF_PRECISIONS[0]))

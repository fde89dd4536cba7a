"""The value other answers are judged by: a proof where the point is ordinary, a classification where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

from diffkit.algebras.balls import exact_fraction, precision, rational
from diffkit.algebras.floats import to_float
from diffkit.deadline import TimeIsUp
from diffkit.evaluation import by_rows
from diffkit.proof import PRECISIONS, Enclosure, Prover, Regular, enclose, suspects, too_large
from diffkit.results import Answer, Odd, unanswered
from diffkit.tasks import Task

WRONG_ROW = "the table's derivative and Arb's own series disagree: "
UNCONFIRMED = Odd("uncertain", "Arb's series are too wide to confirm the derivative")
PROOF = "the derivative in ball arithmetic, confirmed by Arb's power series"
SERIES = "ball arithmetic, and one-sided series with exact coefficients where the point is special"


class Referee:
    """A task's proven values."""

    formula = None

    def __init__(self, task: Task, digits: int | None = None):
        self.task, self.digits = task, digits

    @cached_property
    def prover(self) -> Prover:
        """The task prepared for proofs."""
        return Prover(self.task)

    def at(self, point: Sequence[float]) -> Answer:
        """Give the reference at one point: correctly rounded values, bounds of their errors, or what is odd."""
        components = range(len(self.task.indices))
        try:
            regular = self.prover.at(point)
        except TimeIsUp as up:
            return unanswered(len(components), up.reason)
        if regular.agreed is False:
            names = ", ".join(suspects(self.task.program, point)) or "a row"
            found = [Odd("uncertain", f"{WRONG_ROW}the rule of {names} is wrong", cause="wrong rule")] * len(components)
        elif regular.inside:
            found = [self._ordinary(c, regular) for c in components]
        else:
            found = [self._special_in_time(c, point) for c in components]
        odd = {c: seen for c, seen in enumerate(found) if seen.status != "ok" or seen.message or seen.cause}
        decimals = None
        if self.digits is not None:
            known = self._digits(point, self.digits) if regular.inside else None
            decimals = [_decimals(found[c], known[c] if known else "") for c in components]
        note = PROOF if regular.inside else SERIES
        return Answer([seen.value for seen in found], [seen.error for seen in found], odd, 1, note, True, decimals)

    def _ordinary(self, c: int, regular: Regular) -> Odd:
        """What is proven of a component inside the domain, its task's factor included."""
        index, enclosure = self.task.indices[c], self._scaled(c, regular.enclosures[c])
        value = enclosure.value
        if value is None:
            if not enclosure.ball.is_finite():
                return Odd("uncertain", f"{PRECISIONS[-1]} bits do not bound the derivative")
            return Odd("uncertain", f"{PRECISIONS[-1]} bits leave it in {enclosure.ball.str(5)}")
        if regular.agreed is None:
            return UNCONFIRMED
        if math.isinf(value):
            return too_large(self.task.program, self.task.program.outputs[index[0]])
        message = ""
        if value == 0.0 and not enclosure.is_zero:
            bound = enclosure.ball.abs_upper().str(2, radius=False)
            sign = "it may be zero" if enclosure.ball.contains(0) else "it is not zero"
            message = f"rounds to 0.0: the derivative is at most {bound} in size, and {sign}"
        return Odd("ok", message, value=value, error=enclosure.error)

    def _digits(self, point: Sequence[float], digits: int) -> list[str] | None:
        """The components to so many digits; None where the time is up before."""
        factors = self.task.factors or (Fraction(1),) * len(self.task.indices)
        try:
            return self.prover.decimals(point, digits, factors)
        except TimeIsUp:
            return None

    def _special_in_time(self, c: int, point: Sequence[float]) -> Odd:
        try:
            return self._special(c, point)
        except TimeIsUp as up:
            return Odd("uncertain", up.reason)

    def _special(self, c: int, point: Sequence[float]) -> Odd:
        """What a component is at a point that is not proven to be ordinary."""
        from diffkit.classification import classify  # most points are ordinary

        factor = self.task.factors[c] if self.task.factors else Fraction(1)
        seen = classify(self.task.program, self.task.indices[c], point, factor)
        if seen.status == "ok" and math.isnan(seen.value):
            return Odd("uncertain", "the domain is not proven to hold the point")
        return seen

    def _scaled(self, c: int, enclosure: Enclosure) -> Enclosure:
        """The component with its task's factor, rounded once."""
        if self.task.factors is None or self.task.factors[c] == 1:
            return enclosure
        factor, exact = self.task.factors[c], exact_fraction(enclosure.ball)
        with precision(PRECISIONS[-1]):
            scaled = enclosure.ball * rational(factor)
            return enclose(scaled) if exact is None else Enclosure(scaled, to_float(exact * factor))

    def batch(self, points: object) -> Answer:
        """Prove row by row."""
        return by_rows(self, points)


def _decimals(seen: Odd, known: str) -> str:
    """The decimals of a component: those that are known, 0 of a proven zero, none where it has no value."""
    if seen.status != "ok":
        return ""
    return "0" if seen.value == seen.error == 0.0 else known

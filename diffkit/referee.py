"""The value other answers are judged by: a proof where the point is ordinary, a classification where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from time import monotonic

from diffkit.algebras.balls import exact_fraction, precision, rational
from diffkit.algebras.floats import to_float
from diffkit.evaluation import by_rows
from diffkit.proof import PRECISIONS, Enclosure, Prover, Regular, enclose, suspects, too_large
from diffkit.results import Answer, Odd
from diffkit.tasks import Task

WRONG_ROW = "the table's derivative and Arb's own series disagree: "
UNCONFIRMED = Odd("uncertain", "Arb's series are too wide to confirm the derivative")
PROOF = "the derivative in ball arithmetic, confirmed by Arb's power series"
SERIES = "ball arithmetic, and one-sided series with exact coefficients where the point is special"


class Referee:
    """A task's proven values."""

    formula = None

    def __init__(self, task: Task, digits: int | None = None, timeout: float | None = None):
        self.task, self.digits, self.timeout = task, digits, timeout

    @cached_property
    def prover(self) -> Prover:
        """The task prepared for proofs."""
        return Prover(self.task)

    def at(self, point: Sequence[float]) -> Answer:
        """Give the reference at one point: correctly rounded values, bounds of their errors, or what is odd."""
        deadline = None if self.timeout is None else monotonic() + self.timeout
        regular = self.prover.at(point, deadline)
        special = [c for c, holds in enumerate(regular.holding) if not holds or self._singular(regular, c)]
        seen = self._special(special, point) if special else {}
        found = [seen[c] if c in seen else self._ordinary(c, regular, point) for c in range(len(regular.holding))]
        odd = {c: one for c, one in enumerate(found) if one.status != "ok" or one.message or one.cause}
        decimals = None
        if self.digits is not None:
            factors = self.task.factors or (Fraction(1),) * len(found)
            known = self.prover.decimals(point, self.digits, factors, deadline)
            decimals = [_decimals(one, text) for one, text in zip(found, known, strict=True)]
        note = PROOF if regular.inside else SERIES
        return Answer([one.value for one in found], [one.error for one in found], odd, 1, note, True, decimals)

    def _ordinary(self, c: int, regular: Regular, point: Sequence[float]) -> Odd:
        """What is proven of a component inside the domain, its task's factor included."""
        index, enclosure = self.task.indices[c], self._scaled(c, regular.enclosures[c])
        value = enclosure.value
        if regular.confirmed[c] is False:
            names = ", ".join(suspects(self.task.program, point)) or "a row"
            return Odd("uncertain", f"{WRONG_ROW}the rule of {names} is wrong", cause="wrong rule")
        if value is None:
            return Odd("uncertain", f"{regular.bits} bits leave it in {enclosure.ball.str(5)}")
        if regular.confirmed[c] is None:
            return UNCONFIRMED
        if math.isinf(value):
            return too_large(self.task.program, self.task.program.outputs[index[0]])
        message = ""
        if value == 0.0 and not enclosure.is_zero:
            bound = enclosure.ball.abs_upper().str(2, radius=False)
            sign = "it may be zero" if enclosure.ball.contains(0) else "it is not zero"
            message = f"rounds to 0.0: the derivative is at most {bound} in size, and {sign}"
        return Odd("ok", message, value=value, error=enclosure.error)

    def _special(self, components: Sequence[int], point: Sequence[float]) -> dict[int, Odd]:
        """What components are at a point that is not proven to be ordinary for them."""
        from diffkit.classification import ONE, Classifier  # most points are ordinary

        task, classifier = self.task, Classifier(self.task.program, point)
        return {c: classifier.component(task.indices[c], task.factors[c] if task.factors else ONE) for c in components}

    @staticmethod
    def _singular(regular: Regular, c: int) -> bool:
        """Whether the formula of a derivative has no value where f is smooth: n·x^(n − 1) at x = 0 with n = 0."""
        return regular.enclosures[c].value is None and not regular.enclosures[c].ball.is_finite()

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

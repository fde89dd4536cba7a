"""Proven values of a formula's partials: a proof where the point is ordinary, a classification where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from diffkit.asking.tasks import Task
from diffkit.core.deadline import TimeIsUp
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.results import Answer, Odd, by_rows
from diffkit.core.text import excerpt
from diffkit.numbers.balls import Enclosure, enclose, exact_fraction, precision, rational, rounded_to
from diffkit.numbers.floats import LARGEST_FLOAT, to_float
from diffkit.proof.prover import Prover, Regular, suspects, too_large

if TYPE_CHECKING:
    from diffkit.proof.classification import Classifier

_WRONG_ROW = "the table's derivative and Arb's own series disagree: "
UNCONFIRMED = Odd("uncertain", "Arb's series are too wide to confirm the derivative")
_TWO_DIGITS_UP = 1.05  # more than rounding to two digits takes away
PROOF = "the derivative in ball arithmetic, confirmed by Arb's power series"
_SERIES_PROOF = "ball arithmetic, and one-sided series with exact coefficients where the point is special"


class Proofs:
    """What can be proven of a task whose source is a formula."""

    formula = None

    def __init__(self, task: Task, digits: int | None = None):
        self.prover, self.digits, self.indices, self.factors = Prover(task), digits, task.indices, task.factors

    def at(self, point: Sequence[float]) -> Answer:
        """Give the reference at one point: correctly rounded values, bounds of their errors, or what is odd."""
        regular = self.prover.at(point)
        classifier = self._classifier(point) if any(self._is_special(regular, c) for c in self._components) else None
        found = [self._component(c, regular, point, classifier) for c in self._components]
        odd = {c: seen for c, seen in enumerate(found) if seen.status != "ok" or seen.message or seen.cause}
        decimals = None
        if self.digits is not None:
            known = self._digits(point, self.digits)
            decimals = [_decimals(seen, text) for seen, text in zip(found, known, strict=True)]
        note = PROOF if regular.inside else _SERIES_PROOF
        return Answer([seen.value for seen in found], [seen.error for seen in found], odd, 1, note, True, decimals)

    def plain(self, point: tuple[Any, ...]) -> list[float] | None:
        """The values where each is proven to be one; None elsewhere, and where a coordinate is no finite float."""
        if self.digits is not None or self.factors is not None:
            return None
        found = self.prover.values(point)
        if found is not None:
            return found
        count = len(self.prover.program.inputs)
        if len(point) != count or not all(type(x) is float and math.isfinite(x) for x in point):
            return None
        regular = self.prover.at(point)
        if not (regular.inside and regular.agreed):
            return None
        values = [enclosure.value for enclosure in regular.enclosures]
        return [v for v in values if v is not None] if all(v is not None and math.isfinite(v) for v in values) else None

    @property
    def _components(self) -> range:
        return range(len(self.indices))

    @staticmethod
    def _is_special(regular: Regular, c: int) -> bool:
        """Whether the point is not proven ordinary, or the formula has no value, as n·xⁿ⁻¹ where x = n = 0."""
        enclosure = regular.enclosures[c]
        return not regular.holding[c] or (enclosure.value is None and not enclosure.ball.is_finite())

    def _classifier(self, point: Sequence[float]) -> Classifier:
        from diffkit.proof.classification import Classifier  # most points are ordinary

        return Classifier(self.prover.program, point)

    def _component(self, c: int, regular: Regular, point: Sequence[float], classifier: Classifier | None) -> Odd:
        """What is known of a component, ordinary or not, when the time is up at the latest."""
        if regular.stopped and not (regular.holding[c] and regular.confirmed[c] is not None):
            return Odd("uncertain", regular.stopped)
        try:
            if classifier is None or not self._is_special(regular, c):
                return self._ordinary(c, regular, point)
            return classifier.component(self.indices[c], self.factors[c] if self.factors else Fraction(1))
        except TimeIsUp as up:
            return Odd("uncertain", up.reason)

    def _ordinary(self, c: int, regular: Regular, point: Sequence[float]) -> Odd:
        """What is proven of a component inside the domain, its task's factor included."""
        index, enclosure = self.indices[c], self._scaled(c, regular.enclosures[c])
        value = enclosure.value
        if regular.confirmed[c] is False:
            names = ", ".join(suspects(self.prover.program, point)) or "a row"
            return Odd("uncertain", f"{_WRONG_ROW}the rule of {names} is wrong", cause="wrong rule")
        if value is None:
            if enclosure.ball.abs_upper() > LARGEST_FLOAT:
                return Odd("uncertain", f"{regular.bits} bits do not tell whether it is beyond the largest binary64")
            return Odd("uncertain", f"{regular.bits} bits leave it in {enclosure.ball.str(5)}")
        if regular.confirmed[c] is None:
            return UNCONFIRMED
        if math.isinf(value):
            return too_large(excerpt(self.prover.program, self.prover.program.outputs[index[0]]))
        message = ""
        if value == 0.0 and not enclosure.is_zero:
            with precision(PROOF_PRECISIONS[0]):
                bound = (enclosure.ball.abs_upper() * _TWO_DIGITS_UP).str(2, radius=False)
            sign = "it may be zero" if enclosure.ball.contains(0) else "it is not zero"
            message = f"rounds to 0.0: the derivative is at most {bound} in size, and {sign}"
        return Odd("ok", message, value=value, error=enclosure.error)

    def _digits(self, point: Sequence[float], digits: int) -> list[str]:
        """The components to so many digits; nothing where the time is up before."""
        factors = self.factors or (Fraction(1),) * len(self.indices)
        try:
            return self.prover.decimals(point, digits, factors)
        except TimeIsUp:
            return [""] * len(factors)

    def _scaled(self, c: int, enclosure: Enclosure) -> Enclosure:
        """The component with its task's factor, rounded once."""
        if self.factors is None or self.factors[c] == 1:
            return enclosure
        factor, exact = self.factors[c], exact_fraction(enclosure.ball)
        with precision(PROOF_PRECISIONS[-1]):
            scaled = enclosure.ball * rational(factor)
            return enclose(scaled) if exact is None else rounded_to(scaled, to_float(exact * factor))

    def batch(self, points: object) -> Answer:
        """Prove row by row."""
        return by_rows(self, points)


def _decimals(seen: Odd, known: str) -> str:
    """The decimals of a component: those that are known, 0 of a proven zero, none where it has no value."""
    if seen.status != "ok":
        return ""
    return "0" if seen.value == seen.error == 0.0 else known

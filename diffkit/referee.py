"""The value other answers are judged by: a proof where the point is ordinary, a classification where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from time import monotonic

from flint import arb

from diffkit.algebras.balls import exact_fraction, precision, rational
from diffkit.algebras.floats import to_float
from diffkit.classification import ROUNDS, classify
from diffkit.proof import PRECISIONS, Enclosure, Prover, enclose, suspects
from diffkit.results import Answer, Odd
from diffkit.syntax import format_slot
from diffkit.tasks import Task

WRONG_ROW = "the table's derivative and Arb's own series disagree: "
SHOWN = 60  # characters of a subexpression
UNCONFIRMED = Odd("uncertain", "Arb's series are too wide to confirm the derivative")
TOO_LARGE = Odd("overflow", "the derivative is larger than the largest binary64, 1.8e308", cause="overflow")


class Referee:
    """A task's proven values."""

    formula = None
    source = "the derivative in ball arithmetic, confirmed by Arb's power series"

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
        values: list[float] = []
        errors: list[float] = []
        odd: dict[int, Odd] = {}
        for c, index in enumerate(self.task.indices):
            enclosure = regular.enclosures[c]
            if regular.agreed is False:
                names = ", ".join(suspects(self.task.program, point)) or "a row"
                seen = Odd("uncertain", f"{WRONG_ROW}the rule of {names} is wrong", cause="wrong rule")
            elif regular.inside:
                enclosure = self._scaled(c, enclosure)
                seen = _described(enclosure)
                if seen is TOO_LARGE:
                    slot = self.task.program.outputs[index[0]]
                    seen = TOO_LARGE._replace(where=format_slot(self.task.program, slot, SHOWN))
                if seen.status == "ok" and regular.agreed is None:
                    seen = UNCONFIRMED
            else:
                factor = self.task.factors[c] if self.task.factors else Fraction(1)
                seen = classify(self.task.program, index, point, factor)
                if seen.status == "ok" and math.isnan(seen.value):
                    seen = Odd("uncertain", "the domain is not proven to hold the point")
                elif seen.status == "ok":
                    enclosure = Enclosure(arb(seen.value), seen.value)
            ok = seen.status == "ok" and enclosure.value is not None
            values.append(enclosure.value if ok and enclosure.value is not None else math.nan)
            errors.append(self._error(enclosure, regular.inside, seen.message) if ok else math.nan)
            if seen.status != "ok" or seen.message or seen.cause:
                odd[c] = seen
        decimals = None
        if self.digits is not None:
            exact = self.task.factors or (Fraction(1),) * len(values)
            known = self.prover.decimals(point, self.digits, exact, deadline) if regular.inside else [""] * len(values)
            decimals = [text if math.isfinite(value) else "" for text, value in zip(known, values, strict=True)]
        return Answer(values, errors, odd, 1, scaled=True, decimals=decimals)

    def _scaled(self, c: int, enclosure: Enclosure) -> Enclosure:
        """The component with its task's factor, rounded once."""
        if self.task.factors is None or self.task.factors[c] == 1:
            return enclosure
        factor, exact = self.task.factors[c], exact_fraction(enclosure.ball)
        with precision(PRECISIONS[-1]):
            scaled = enclosure.ball * rational(factor)
            return enclose(scaled) if exact is None else Enclosure(scaled, to_float(exact * factor))

    @staticmethod
    def _error(enclosure: Enclosure, inside: bool, message: str) -> float:
        """Bound of |value − truth|: from the enclosure, or half an ulp where only the rounding is known."""
        assert enclosure.value is not None
        if inside:
            return enclosure.error
        exact = enclosure.value == 0.0 and not message.startswith(ROUNDS)
        return 0.0 if exact else max(math.ulp(enclosure.value) / 2, math.ulp(0.0))

    def batch(self, points: object) -> Answer:
        """Prove row by row."""
        whole = Answer([], [], scaled=True, decimals=None if self.digits is None else [])
        for row in points.tolist():  # type: ignore[attr-defined]
            answer = self.at(row)
            whole.odd.update({len(whole.values) + c: o for c, o in answer.odd.items()})
            whole.values += answer.values
            whole.errors += answer.errors
            whole.evaluations += 1
            if whole.decimals is not None and answer.decimals is not None:
                whole.decimals += answer.decimals
        return whole


def _described(enclosure: Enclosure) -> Odd:
    """What is to be said of a component inside the domain."""
    if enclosure.value is None:
        if not enclosure.ball.is_finite():
            return Odd("uncertain", f"{PRECISIONS[-1]} bits do not bound the derivative")
        return Odd("uncertain", f"{PRECISIONS[-1]} bits leave it in {enclosure.ball.str(5)}")
    if math.isinf(enclosure.value):
        return TOO_LARGE
    if enclosure.value == 0.0 and not enclosure.is_zero:
        bound = enclosure.ball.abs_upper().str(2, radius=False)
        sign = "it may be zero" if enclosure.ball.contains(0) else "it is not zero"
        return Odd("ok", f"rounds to 0.0: the derivative is at most {bound} in size, and {sign}")
    return Odd("ok")


__all__ = ["Referee"]

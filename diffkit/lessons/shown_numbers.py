"""Numbers as a lesson shows them: exact where they are short, otherwise the nearest binary64 of what is proven."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb

from diffkit.asking.tasks import Task
from diffkit.core.deadline import check_time
from diffkit.core.equality import same
from diffkit.core.folding import exact
from diffkit.core.limits import SHOWN_BITS
from diffkit.core.program import Program, run
from diffkit.core.text.printer import format_constant
from diffkit.numbers.balls import BALLS, dumped, exact_fraction, loaded, precision
from diffkit.numbers.floats import rationals, to_float
from diffkit.proof.proofs import Proofs
from diffkit.proof.prover import Prover

_SHORT_NUMBER = 20  # characters of an exact number that is shown as it is
_LEADING = 6  # digits of a number that is too small for a binary64
_ZEROS = 8000  # after the point of what is written as a fraction: the time that takes grows with them


class Number(NamedTuple):
    """A proven number: a ball around it, the binary64 nearest to it, and the exact rational where it is short."""

    ball: Any
    value: float
    exact: Fraction | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (dumped(self.ball), self.value, self.exact)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and same(self.__reduce__(), other.__reduce__())

    def __hash__(self) -> int:
        return hash((Number, str(self.value)))

    @property
    def sign(self) -> int | None:
        """−1, 0 or 1; None where it is not proven on which side of zero it lies."""
        if self.ball > 0:
            return 1
        return -1 if self.ball < 0 else 0 if self.ball.is_zero() else None

    @property
    def underflows(self) -> bool:
        """Whether it is not zero, but its nearest binary64 is."""
        return self.value == 0 and self.sign in (-1, 1)

    @property
    def constant(self) -> Fraction:
        """What is shown: the exact number, or the decimal that stands for the binary64; below those, leading digits.

        A number that has more zeros after the point than are written out is 0.
        """
        if self.exact is not None:
            return self.exact
        if self.underflows:
            return of_decimal(self._leading)
        return Fraction(repr(self.value))

    @property
    def _leading(self) -> str:
        return str(self.ball.str(_LEADING, radius=False))

    @property
    def text(self) -> str:
        """The number as text."""
        if not math.isfinite(self.value):
            return "–"
        return self._leading if self.underflows and not self.constant else format_constant(exact(self.constant))[0]

    @property
    def equals(self) -> str:
        """The sign that may stand before it."""
        return "=" if self.exact is not None else "≈"


def _restored(parts: Any, value: float, known: Fraction | None) -> Number:
    """Give the number that was pickled."""
    return Number(loaded(parts), value, known)


NO_NUMBER = Number(arb("nan"), math.nan)
"""A number that does not exist or is not known."""


def of_decimal(text: str) -> Fraction:
    """Give the number that a decimal is; 0 of one that has more zeros after the point than are written out."""
    exponent = text.partition("e")[2]
    return Fraction(text) if int(exponent or 0) >= -_ZEROS else Fraction(0)


def of_fraction(value: Fraction | int) -> Number:
    """Give a rational number."""
    with precision(SHOWN_BITS):
        ball = arb(value.numerator) / value.denominator
    short = len(format_constant(exact(Fraction(value)))[0]) <= _SHORT_NUMBER
    return Number(ball, to_float(value), Fraction(value) if short else None)


def of_ball(ball: Any) -> Number:
    """Give the number in a ball."""
    if not ball.is_finite():
        return NO_NUMBER
    whole = exact_fraction(ball)
    return of_fraction(whole) if whole is not None and whole.denominator < 2**1100 else Number(ball, nearest(ball))


def nearest(ball: Any) -> float:
    """The middle of a ball as a float: 0 where the ball holds zero, NaN where it is unbounded."""
    if not ball.is_finite():
        return math.nan
    return 0.0 if ball.contains(0) else float(ball)


def proven(task: Task, point: Sequence[float]) -> tuple[list[Number], list[Any]]:
    """Give the partials of a task at a point, its factors included, and for each what is odd about it (or None)."""
    factors = task.factors or (Fraction(1),) * len(task.indices)
    prover = Prover(task)
    regular = prover.at(point)
    if regular.inside and regular.agreed:
        found = _sharply(prover.derivative, point)
        return [_scaled(n, f) for n, f in zip(found, factors, strict=True)], [None] * len(found)
    answer = Proofs(task).at(point)
    check_time()  # what is uncertain for want of time says nothing of the function
    numbers, odd = [], []
    for c, value in enumerate(answer.values):
        seen = answer.odd.get(c)
        bad = seen is not None and seen.status != "ok"
        odd.append(seen if bad else None)
        numbers.append(NO_NUMBER if bad else of_ball(arb(value, answer.errors[c])))
    return numbers, odd


def _scaled(number: Number, factor: Fraction) -> Number:
    if factor == 1:
        return number
    if number.exact is not None:
        return of_fraction(number.exact * factor)
    with precision(SHOWN_BITS):
        return of_ball(number.ball * factor.numerator / factor.denominator)


def _sharply(program: Program, point: Sequence[float]) -> list[Number]:
    """The outputs of a program that is proven right, exactly where they are rational, else to many digits."""
    exact = run(program, rationals(), [Fraction(x) for x in point])
    if None not in exact:
        return [of_fraction(value) for value in exact]
    with precision(SHOWN_BITS):
        balls = run(program, BALLS, [arb(x) for x in point])
        return [of_ball(b) if v is None else of_fraction(v) for b, v in zip(balls, exact, strict=True)]


def value(program: Program, point: Sequence[float]) -> Number:
    """Give the first output at a point, exactly where it is rational."""
    return _sharply(program, point)[0]


def value_at(program: Program, point: Sequence[Any]) -> Any:
    """The value of the first output at balls; not finite outside the domain. In a precision held."""
    return run(program, BALLS, point)[0]


def surely_not_zero(program: Program, low: float, high: float) -> bool:
    """Whether the first output of a program of one variable is proven to be nowhere zero between two places."""
    with precision(SHOWN_BITS):
        middle = (arb(low) + arb(high)) / 2
        value = value_at(program, [arb(middle, (arb(high) - arb(low)).abs_upper() / 2)])
        return bool(value > 0 or value < 0)

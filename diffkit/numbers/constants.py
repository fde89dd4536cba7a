"""Constants as expressions: numbers kept exact in a builder, whose signs are decided by balls or by exact algebra."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

from flint import arb

from diffkit.core.builder import ProgramBuilder
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Constant
from diffkit.core.table import DIV, MUL, SUB, Primitive
from diffkit.numbers.balls import BALLS, ball_function, precision
from diffkit.numbers.field import vanishes

_VANISHING = {MUL: 2, DIV: 1}
"""rows that are 0 where one of their first arguments is"""
_ZERO_UNKNOWN = f"neither balls of {PROOF_PRECISIONS[-1]} bits nor exact algebra tell whether a number is zero"
_WHOLE_UNKNOWN = f"{PROOF_PRECISIONS[-1]} bits do not tell whether a number reaches an integer"


class Undecided(Exception):
    """What is asked is not proven either way: the ``reason``, and ``where`` in the expression, if that is known."""

    def __init__(self, reason: str, where: str = ""):
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason, self.where = reason, where


class Numbers(Protocol):
    """Numbers in order: the constants of this module, or germs over them (``diffkit.numbers.germs``)."""

    depth: int
    """0 for constants, one more for germs over what has less"""
    builder: ProgramBuilder
    """what holds closed forms"""

    def constant(self, value: Constant) -> Any:
        """Give an exact constant."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a row at numbers."""

    def number(self, value: float | int | Fraction) -> Any:
        """Give an exact number."""

    def exact(self, x: Any) -> Constant | None:
        """The exact constant that a number is, if it is known as one."""

    def sign(self, x: Any) -> int:
        """−1, 0 or 1, proven; Undecided where it cannot be."""

    def equal(self, x: Any, y: Any) -> bool:
        """Whether two numbers are proven equal, or proven different."""

    def floor(self, x: Any) -> int:
        """Largest integer not above a number."""

    def form(self, x: Any) -> int | None:
        """The closed form of a number, if it has one."""


class Constants:
    """Numbers as slots of one builder without inputs."""

    depth = 0

    def __init__(self) -> None:
        self.builder = ProgramBuilder()
        self.balls: dict[int, dict[int, Any]] = {bits: {} for bits in PROOF_PRECISIONS}
        self.known: dict[int, int] = {}
        """slots of numbers that are proven to be rational → the slots of those"""

    def number(self, value: float | int | Fraction) -> int:
        """Slot of an exact number."""
        return self.builder.constant(Fraction(value))

    def constant(self, value: Constant) -> int:
        """Slot of an exact constant."""
        return self.builder.constant(value)

    def form(self, slot: int) -> int:
        """Give the slot itself."""
        return slot

    def exact(self, slot: int) -> Constant | None:
        """The exact constant in a slot."""
        return self.builder.constant_in(slot)

    def apply(self, primitive: Primitive, args: Sequence[int]) -> int:
        """Slot of a row at numbers; they exist, so that nothing is lost with a factor 0."""
        args = [self.known.get(arg, arg) for arg in args]
        if primitive in _VANISHING and 0 in map(self.builder.rational, args[: _VANISHING[primitive]]):
            return self.number(0)
        if primitive is SUB and args[0] == args[1]:
            return self.number(0)
        return self.builder.apply(primitive, args)

    def ball(self, slot: int, bits: int) -> Any:
        """Give an enclosure of a number at a precision."""
        known = self.balls[bits]
        stack = [slot]
        with precision(bits):
            while stack:
                top = stack[-1]
                if top in known:
                    stack.pop()
                    continue
                value = self.builder.constant_in(top)
                if value is not None:
                    known[top] = BALLS.constant(value)
                    continue
                primitive, *args = self.builder.operation(top)
                waiting = [a for a in args if a not in known]
                if waiting:
                    stack += waiting
                else:
                    known[top] = ball_function(primitive)(*[known[a] for a in args])
        return known[slot]

    def sign(self, slot: int) -> int:
        """−1, 0 or 1, proven; Undecided where it cannot be."""
        value = self.builder.rational(self.known.get(slot, slot))
        if value is not None:
            return (value > 0) - (value < 0)
        for bits in PROOF_PRECISIONS:
            ball = self.ball(slot, bits)
            if ball > 0:
                return 1
            if ball < 0:
                return -1
            if ball.is_zero() or (bits == PROOF_PRECISIONS[0] and vanishes(self.builder.program([slot], ()))):
                self.known[slot] = self.number(0)
                return 0
        raise Undecided(_ZERO_UNKNOWN)

    def equal(self, x: int, y: int) -> bool:
        """Whether two numbers are proven equal, or proven different."""
        return x == y or self.sign(self.apply(SUB, (x, y))) == 0

    def floor(self, slot: int) -> int:
        """Largest integer not above a number."""
        value = self.builder.rational(slot)
        if value is not None:
            return value.__floor__()
        for bits in PROOF_PRECISIONS:
            with precision(bits):
                found = self.ball(slot, bits).floor().unique_fmpz()
            if found is not None:
                return int(found)
        with precision(bits):
            whole = (self.ball(slot, bits).mid() + arb(0.5)).floor().unique_fmpz()
        nearest = None if whole is None else self.number(int(whole))  # none where the number has too many digits
        if nearest is None or not self.equal(slot, nearest):
            raise Undecided(_WHOLE_UNKNOWN)
        self.known[slot] = nearest
        return self.floor(nearest)

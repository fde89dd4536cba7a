"""Constants as expressions: numbers kept exact in a builder, whose signs are decided by balls or by exact algebra."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffkit.algebras.balls import BALLS, ball_function, precision
from diffkit.algebras.field import vanishes
from diffkit.builder import ProgramBuilder
from diffkit.primitives import Primitive, table

PRECISIONS = (128, 512, 2048)
SUB = table["sub"]


class Undecided(Exception):
    """Neither balls nor exact algebra tell a number from zero."""


class Constants:
    """Numbers as slots of one builder without inputs."""

    def __init__(self) -> None:
        self.builder = ProgramBuilder()
        self.balls: dict[int, dict[int, Any]] = {bits: {} for bits in PRECISIONS}

    def number(self, value: float | int | Fraction) -> int:
        """Slot of an exact number."""
        return self.builder.constant(Fraction(value))

    def apply(self, primitive: Primitive, args: Sequence[int]) -> int:
        """Slot of a row at numbers."""
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
        value = self.builder.rational(slot)
        if value is not None:
            return (value > 0) - (value < 0)
        for bits in PRECISIONS:
            ball = self.ball(slot, bits)
            if ball > 0:
                return 1
            if ball < 0:
                return -1
            if ball.is_zero() or (bits == PRECISIONS[0] and vanishes(self.builder.program([slot], ()))):
                return 0
        raise Undecided

    def equal(self, x: int, y: int) -> bool:
        """Whether two numbers are proven equal, or proven different."""
        return x == y or self.sign(self.apply(SUB, (x, y))) == 0

    def floor(self, slot: int) -> int:
        """Largest integer not above a number."""
        value = self.builder.rational(slot)
        if value is not None:
            return value.__floor__()
        for bits in PRECISIONS:
            with precision(bits):
                found = self.ball(slot, bits).floor().unique_fmpz()
            if found is not None:
                return int(found)
        raise Undecided

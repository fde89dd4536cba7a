"""Claim and derivative both known as programs: their difference in balls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb

from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.limits import PRECISIONS
from diffkit.core.program import Named, Program, run
from diffkit.core.table import table
from diffkit.numbers.balls import BALLS, precision

EXACT = 28  # digits to which two formulas are equal: half of the least bits
SUB = table["sub"]


class Apart(NamedTuple):
    """One component: the claim, the derivative and their difference as floats, whether they are equal."""

    claimed: float
    least: float
    """bound on |claim − derivative| from below where they differ, else 0"""
    most: float
    """bound on it from above"""
    equal: bool
    finite: bool
    """whether claim and derivative have values"""


class Difference:
    """Claim minus derivative as one program, ready for many points."""

    def __init__(self, truth: Program, claim: Program):
        self.claim = claim
        self.count = len(truth.outputs)
        builder = ProgramBuilder(truth.inputs)
        inputs = [builder.input(name) for name in truth.inputs]
        left, right = (copy_slots(p, builder, inputs) for p in (claim, truth))
        pairs = [(left[c], right[t]) for c, t in zip(claim.outputs, truth.outputs, strict=True)]
        outputs = [c for c, _ in pairs] + [t for _, t in pairs]
        outputs += [builder.apply(SUB, pair) if pair[0] != pair[1] else builder.constant(0) for pair in pairs]
        self.program = builder.program(outputs, truth.inputs)

    def at(self, point: Sequence[float]) -> list[Apart]:
        """Compare at a point, at rising precision until every component is equal to half the bits, or is not."""
        found: list[Apart] = []
        for bits in PRECISIONS[1:]:
            with precision(bits):
                balls = run(self.program, BALLS, [arb(x) for x in point])
                found = [self._apart(bits, balls, c) for c in range(self.count)]
            if all(a.equal or a.least > 0 or not a.finite for a in found):
                break
        return found

    def _apart(self, bits: int, balls: Sequence[Any], c: int) -> Apart:
        claimed, truth, gap = balls[c], balls[self.count + c], balls[2 * self.count + c]
        if not (claimed.is_finite() and gap.is_finite()):
            return Apart(float(claimed.mid()), 0.0, math.inf, False, False)
        scale = abs(claimed) + abs(truth)
        if scale.contains(0):
            scale = sum((abs(b) for b in balls[: 2 * self.count] if b.is_finite()), scale) + 1
        small = scale * arb(2) ** (-bits // 2)
        equal = bool(gap.is_zero()) or bool(gap.abs_upper() <= small.abs_lower())
        least = 0.0 if equal else float(gap.abs_lower())
        return Apart(float(claimed.mid()), least, float(gap.abs_upper()), equal, True)


def was_rounded(value: int | Fraction) -> bool:
    """Whether a binary64 is not the decimal it was written as."""
    return isinstance(value, Fraction) and Fraction(repr(float(value))) != value


def as_written(program: Program) -> Program:
    """The program of some code with every binary64 in it read as the shortest decimal that gives it.

    That is within half a unit in the last place of each, so that a claim which equals the derivative when both are
    read so differs from it by the rounding of literals only (backward error zero), whatever that does to the value.
    """
    constants = tuple(
        c if isinstance(c, Named) or not was_rounded(c) else Fraction(repr(float(c))) for c in program.constants
    )
    return replace(program, constants=constants)

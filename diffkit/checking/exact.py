"""Claim and derivative both known as programs: their difference in balls, and what rounded literals may do to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb

from diffkit.algebras.balls import BALLS, precision
from diffkit.algebras.bounds import BoundsAlgebra
from diffkit.algebras.floats import FLOATS
from diffkit.builder import ProgramBuilder, copy_slots
from diffkit.primitives import Primitive, table
from diffkit.program import Constant, Named, Program, run
from diffkit.tasks import Index
from diffkit.transforms import derivative_program

BITS = (192, 512, 2400)
SUB = table["sub"]


class Apart(NamedTuple):
    """One component: the claim, the derivative and their difference as floats, whether they are equal."""

    claimed: float
    difference: float
    """bound on |claim − derivative| from below where they differ, else 0"""
    equal: bool
    finite: bool
    """whether the claim has a value"""


class Difference:
    """Claim minus derivative as one program, ready for many points."""

    def __init__(self, source: Program, claim: Program, indices: Sequence[Index]):
        self.truth = derivative_program(source, indices)
        self.claim = claim
        self.count = len(indices)
        builder = ProgramBuilder(source.inputs)
        inputs = [builder.input(name) for name in source.inputs]
        left, right = (copy_slots(p, builder, inputs) for p in (claim, self.truth))
        pairs = [(left[c], right[t]) for c, t in zip(claim.outputs, self.truth.outputs, strict=True)]
        outputs = [c for c, _ in pairs] + [t for _, t in pairs]
        outputs += [builder.apply(SUB, pair) if pair[0] != pair[1] else builder.constant(0) for pair in pairs]
        self.program = builder.program(outputs, source.inputs)

    def at(self, point: Sequence[float]) -> list[Apart]:
        """Compare at a point, at rising precision until every component is equal to half the bits, or is not."""
        found: list[Apart] = []
        for bits in BITS:
            with precision(bits):
                balls = run(self.program, BALLS, [arb(x) for x in point])
                found = [self._apart(bits, balls, c) for c in range(self.count)]
            if all(a.equal or a.difference > 0 or not a.finite for a in found):
                break
        return found

    def _apart(self, bits: int, balls: Sequence[Any], c: int) -> Apart:
        claimed, truth, gap = balls[c], balls[self.count + c], balls[2 * self.count + c]
        if not (claimed.is_finite() and gap.is_finite()):
            return Apart(float(claimed.mid()), 0.0, False, bool(claimed.is_finite()))
        scale = abs(claimed) + abs(truth)
        if scale.contains(0):
            scale = sum((abs(b) for b in balls[: 2 * self.count] if b.is_finite()), scale) + 1
        small = scale * arb(2) ** (-bits // 2)
        equal = bool(gap.is_zero()) or bool(gap.abs_upper() <= small.abs_lower())
        return Apart(float(claimed.mid()), 0.0 if equal else float(gap.abs_lower()), equal, True)


class Sensitivity(BoundsAlgebra):
    """What half a unit in the last place of every rounded literal does to a value, to first order.

    ``code``: constants are the binary64 they hold, and one that no short decimal gives exactly was rounded when it
    was written. Otherwise they are exact decimals, and the code beside them holds the nearest binary64.
    """

    def __init__(self, code: bool):
        super().__init__(FLOATS)
        self.code = code

    def constant(self, value: Constant) -> tuple[float, float]:
        """The value, and what its literal was rounded by at most."""
        nearest = self.base.constant(value)
        rounded = isinstance(value, Named) or (_was_rounded(value) if self.code else Fraction(nearest) != value)
        return nearest, self.unit(nearest) if rounded else 0.0

    def rounding(self, primitive: Primitive, args: Any, answer: Any) -> float:  # noqa: ARG002
        """Operations are exact here."""
        return 0.0


def _was_rounded(value: int | Fraction) -> bool:
    """Whether a binary64 is not the decimal it was written as."""
    return isinstance(value, Fraction) and Fraction(repr(float(value))) != value


def as_written(program: Program) -> Program:
    """The program of some code with every binary64 in it read as the shortest decimal that gives it.

    That is within half a unit in the last place of each, so that a claim which equals the derivative when both are
    read so differs from it by the rounding of literals only (backward error zero), whatever that does to the value.
    """
    constants = tuple(
        c if isinstance(c, Named) or not _was_rounded(c) else Fraction(repr(float(c))) for c in program.constants
    )
    return replace(program, constants=constants)


def sensitivity(program: Program, point: Sequence[float], code: bool) -> list[float]:
    """What the rounding of its literals may change each output by."""
    algebra = Sensitivity(code)
    return [float(error) for _, error in run(program, algebra, [(float(x), 0.0) for x in point])]

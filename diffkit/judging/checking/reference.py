"""What a claim is compared with: the derivative of f, proven where its formula is known, and the exact difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from flint import arb

from diffkit.asking.answers import lay_out
from diffkit.asking.callables import Bound
from diffkit.asking.points import Points
from diffkit.asking.tasks import Task
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.deadline import TimeIsUp
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Named, Program, run
from diffkit.core.results import Answer, Odd, Result, floats_of, unanswered
from diffkit.core.table import SUB
from diffkit.methods.auto import Referee
from diffkit.numbers.balls import BALLS, precision


class Truth(NamedTuple):
    """The reference at a point: values with bars, and what is odd, by flat component of the task."""

    values: list[float]
    bars: list[float]
    odd: Mapping[int, Odd]
    proven: bool
    note: str
    answer: Answer


class CheckedFunction:
    """A task to judge claims by; ``exact`` says whether decimals in it are exact (text) or binary64 (code)."""

    def __init__(self, task: Task):
        self.task, self.referee = task, Referee(task)

    @property
    def function(self) -> Bound | None:
        """The Python function, if it is one."""
        return self.task.function

    @property
    def exact(self) -> bool:
        """Whether it was given as an expression."""
        return self.task.function is None

    @cached_property
    def reason(self) -> str:
        """Why its formula is not known; empty if it is."""
        return self.referee.reason

    @property
    def program(self) -> Program | None:
        """The formula of f, if it is known."""
        return None if self.reason else self.task.program

    @property
    def derivative(self) -> Program | None:
        """The formulas of the partials of the task, where that of f is known."""
        proven = self.referee.proven
        return None if proven is None else proven.prover.derivative

    def _answer(self, point: tuple[float, ...]) -> Answer:
        try:
            return self.referee.at(point)
        except TimeIsUp as up:
            return unanswered(len(self.task.indices), up.reason)

    def at(self, point: Sequence[float], untold: str = "") -> Truth:
        """The reference at a point; ``untold`` is why there is none, where that is known beforehand."""
        answer = unanswered(len(self.task.indices), untold) if untold else self._answer(tuple(point))
        bars = floats_of(answer.errors) if answer.errors is not None else [0.0] * len(answer.values)
        return Truth(floats_of(answer.values), bars, answer.odd, not self.reason, answer.note, answer)

    def result(self, point: Sequence[float], truth: Truth) -> Result:
        """The reference as a Result."""
        points = Points(self.task.variables, tuple(point))
        return lay_out(self.task, truth.answer, points, "referee", "proven" if truth.proven else "estimate")


FORMULA_DIGITS = 28  # digits to which two formulas are equal: half of the least bits


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


class ExactDifference:
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
        for bits in PROOF_PRECISIONS[1:]:
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

"""What a claim is compared with: the derivative of f, proven where its formula is known; and why they may differ.

One sweep in reverse over the constants gives all of ∂out/∂c (Griewank & Walther, Evaluating Derivatives, 2nd ed.,
eq. 3.7); its terms cancel as those of the program do, so that the effect on a recurrence is what it is, and not what
absolute values carried forward would make of it.

A difference within a solver's own tolerance is no mistake of a claim. The code runs with tighter tolerances too: what
that changes of its values, and of their differences beside the point, is the solver's and not the claim's.

Values that do not change prove no zero. A function that changes at none of the distances tried has no slope that
they could show; one that is constant near the point only may have stopped at a tolerance, or wait beyond a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from diffkit.asking.answers import lay_out
from diffkit.asking.callables import Bound
from diffkit.asking.callables.solvers import SolverCall, added, calls_in
from diffkit.asking.points import Points
from diffkit.asking.tasks import Task
from diffkit.calculus.derivatives import derivative_program, sweep_back
from diffkit.calculus.scalarised import SLOTS
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.errors import FunctionError, TracingError
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Constant, Index, Named, Program, run, run_slots
from diffkit.core.results import Answer, Odd, Result, floats_of, unanswered
from diffkit.core.rules import partial
from diffkit.core.surroundings import unwarned
from diffkit.core.table import SUB, WHERE, Primitive
from diffkit.judging.checking.outcome import DIGITS_OF_A_DOUBLE, Judged, Measured
from diffkit.methods.auto import Referee
from diffkit.numbers.balls import BALLS, precision
from diffkit.numbers.floats import FLOATS
from diffkit.proof.proofs import Proofs


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

    @cached_property
    def program(self) -> Program | None:
        """The formula of f number by number, if it is known and not too long."""
        try:
            return None if self.reason else self.task.program
        except TracingError:
            return None

    @cached_property
    def is_short(self) -> bool:
        """Whether its formula is known, and may be written number by number; that is not done for it."""
        if self.reason or self.task.source.arrays is None:
            return not self.reason
        return sum(map(math.prod, self.task.source.arrays.shapes)) <= SLOTS

    @cached_property
    def derivative(self) -> Program | None:
        """The formulas of the partials of the task, where that of f is known."""
        if self.program is None:
            return None
        proven = self.referee.proven
        return (
            proven.prover.derivative
            if isinstance(proven, Proofs)
            else derivative_program(self.program, self.task.indices)
        )

    def at(self, point: Sequence[float], untold: str = "") -> Truth:
        """The reference at a point; ``untold`` is why there is none, where that is known beforehand."""
        answer = unanswered(len(self.task.indices), untold) if untold else self.referee.timely(tuple(point))
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


def effect_of_literals(program: Program, point: Sequence[float], code: bool) -> Any:
    """What half a unit in the last place of every rounded literal may change each output by; infinite if not bounded.

    ``code``: constants are the binary64 they hold, and one that no short decimal gives exactly was rounded when it
    was written. Otherwise they are exact decimals, and the code beside them holds the nearest binary64.
    """
    count = len(program.inputs)
    values = run_slots(program, FLOATS, [float(x) for x in point])
    halves = [_half_unit(c, v, code) for c, v in zip(program.constants, values[count:], strict=False)]
    rounded = [count + k for k, half in enumerate(halves) if half]
    if not rounded:
        return np.zeros(len(program.outputs))
    with np.errstate(all="ignore"):
        bars = _adjoints_of_literals(program, values, rounded)
        total = sum(np.abs(bars[slot]) * halves[slot - count] for slot in rounded if slot in bars)
    return np.where(np.isnan(total), math.inf, total) + np.zeros(len(program.outputs))


def _half_unit(constant: Constant, value: float, code: bool) -> float:
    """Half a unit in the last place of a constant that was rounded, 0 of any other."""
    rounded = isinstance(constant, Named) or (_was_rounded(constant) if code else Fraction(value) != constant)
    return math.ulp(value) / 2 if rounded else 0.0


def _adjoints_of_literals(program: Program, values: Sequence[Any], rounded: Sequence[int]) -> dict[int, Any]:
    """∂output/∂slot of every slot that a rounded constant reaches, one for each output."""
    reached = [slot in rounded for slot in range(program.first_instruction)]
    for _, args in program.instructions:
        reached.append(any(reached[a] for a in args))
    outputs = np.array(program.outputs)
    seeds = {output: np.where(outputs == output, 1.0, 0.0) for output in program.outputs}

    def handed(slot: int, row: Primitive, args: Sequence[int], adjoint: Any) -> Iterator[tuple[int, Any]]:
        if not reached[slot] or row.truth or not adjoint.any():
            return
        own = [values[a] for a in args]
        if row is WHERE:
            yield args[1 if own[0] else 2], adjoint
            return
        for k, arg in enumerate(args):
            if reached[arg] and row.partials[k] is not None:
                yield arg, adjoint * partial(row, k).at(FLOATS, own, values[slot])

    return sweep_back(program, seeds, handed, np.add)


_SOLVER_EXCESS = 3.0  # times its tolerance that a solver may be off by
_SOLVER_STEPS = (1e-2, 1e-3)  # of a coordinate, over which what a solver adds is differentiated


def solved_in_claim(bound: Bound | None, point: Sequence[float], values: Any) -> Any:
    """What solvers may have put each value of a claim off by."""
    calls = [] if bound is None else calls_in(bound, point)
    if bound is None or not calls:
        return np.zeros(len(values))
    size = np.abs(values)
    off = _SOLVER_EXCESS * _largest_tolerance(call for call in calls if not call.linear) * size
    off = np.maximum(off, _SOLVER_EXCESS * _largest_tolerance(call for call in calls if call.linear) * np.max(size))
    apart = np.abs(added(bound, np.array(point, dtype=float)))
    return np.where(np.isfinite(apart), np.maximum(off, apart), off)


def solved_in_function(
    bound: Bound | None, point: Sequence[float], indices: Sequence[Index], suspects: Sequence[Measured]
) -> list[float]:
    """What solvers inside f may have put each of some partials off by."""
    calls = [] if bound is None else [call for call in calls_in(bound, point) if not call.linear]
    if bound is None or not calls:
        return [0.0] * len(suspects)
    row = np.array(point, dtype=float)
    found = []
    for m in suspects:
        slopes = [abs(_slope_of_solvers(bound, row, indices[m.component], step)) for step in _SOLVER_STEPS]
        found.append(
            max(_SOLVER_EXCESS * _largest_tolerance(calls) * abs(m.reference), *filter(math.isfinite, slopes), 0.0)
        )
    return found


def _largest_tolerance(calls: Iterable[SolverCall]) -> float:
    """The largest relative error that some solvers make, whether they are asked for more or not."""
    return max((max(call.tolerance, call.rest) for call in calls), default=0.0)


def _slope_of_solvers(bound: Bound, row: Any, index: Index, step: float) -> float:
    """The partial derivative of what solvers add to an output, by a product of central differences of some step."""
    output, variables = index
    steps = [step * (abs(row[v]) or 1.0) for v in variables]
    total = 0.0
    for signs in product((1.0, -1.0), repeat=len(variables)):
        moved = row.copy()
        for v, sign, h in zip(variables, signs, steps, strict=True):
            moved[v] += sign * h
        total += math.prod(signs) * float(added(bound, moved)[output])
    return total / math.prod(2 * h for h in steps)


_DISTANCES = tuple(10.0**-k for k in range(8, -1, -1))
"""from the nearest to the farthest, as parts of a coordinate, or of 1 at zero"""
_TYPICAL_DISTANCE = 0.1  # the part of a coordinate over which a slope is typical


class _AlongCoordinate(NamedTuple):
    """What an output does along one coordinate: to which distance it is constant, and a typical slope of it."""

    constant: float
    """0 where it changes at the nearest distance, infinite where it changes at none"""
    slope: float


def _around(bound: Bound, point: Sequence[float], output: int, variable: int) -> _AlongCoordinate:
    """Look at an output of a function on both sides of a point."""
    row = np.array(point, dtype=float)
    size = abs(row[variable]) or 1.0
    here = float(bound.values(row)[output])
    steps = {d: [_beside(bound, row, output, variable, sign * d * size) for sign in (1.0, -1.0)] for d in _DISTANCES}
    changed = [d for d, values in steps.items() if any(v != here for v in values if math.isfinite(v))]
    rises = [abs(v - here) / (_TYPICAL_DISTANCE * size) for v in steps[_TYPICAL_DISTANCE] if math.isfinite(v)]
    if not changed:
        return _AlongCoordinate(math.inf, 0.0)
    nearer = [d for d in _DISTANCES if d < changed[0]]
    return _AlongCoordinate(nearer[-1] * size if nearer else 0.0, max(rises, default=0.0))


def _beside(bound: Bound, row: np.ndarray, output: int, variable: int, step: float) -> float:
    """An output beside the point; NaN where the code fails so far from it, its warnings unheard."""
    moved = row.copy()
    moved[variable] += step
    try:
        with unwarned():
            return float(bound.values(moved)[output])
    except FunctionError:
        return math.nan


def claim_of_zero(bound: Bound, point: Sequence[float], index: Index, judged: Judged, name: str) -> Judged:
    """The verdict on a claim of zero, where values alone would say something else."""
    output, (variable, *_) = index
    far = _around(bound, point, output, variable).constant
    if math.isinf(far):
        return judged._replace(verdict="correct", digits=DIGITS_OF_A_DOUBLE, note="")
    if not far:
        return judged
    note = f"{bound.name} is constant to {far:.1g} around the point in {name}, and changes beyond"
    return judged._replace(verdict="inconclusive", digits=0, note=note)


def typical_slope(bound: Bound, point: Sequence[float], indices: Sequence[Index]) -> float:
    """The largest of the typical slopes of some partial derivatives."""
    return max((_around(bound, point, output, v).slope for output, (v, *_) in indices), default=0.0)

"""Why a backend is off: the cause, the evidence, and the subexpression where its digits are lost.

For a backend that evaluates a derivative program, the program runs once more in balls, which shows what each slot
should be, and its adjoints say how much an error of each slot matters: amplification |∂out/∂slot·slot/out| (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., section 1.6, applied to every intermediate). For finite
differences, exact differences at several steps tell truncation and aliasing from the noise of f.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from flint import arb

from diffkit.asking.tasks import Task
from diffkit.calculus.derivatives import Reverse
from diffkit.core.builder import ProgramBuilder, select
from diffkit.core.limits import DEEP_BITS
from diffkit.core.program import Index, Program, run, run_slots
from diffkit.core.results import Odd
from diffkit.core.table import ADD, SUB
from diffkit.core.text import excerpt
from diffkit.numbers.balls import BALLS, precision
from diffkit.numbers.floats import FLOATS

_LARGEST_DOUBLE, _SMALLEST_NORMAL = arb(2) ** 1024, 2.0**-1022
_NOISY = 2.0**-46  # relative error of f in binary64 that counts as noise
_BITS_WORTH_NAMING = 10.0  # bits lost in one subtraction that are worth naming
_DIFFERENCE_STEPS = tuple(2.0**-k for k in range(1, 46, 2))


class Blame(NamedTuple):
    """A cause in one or two words, the evidence for it, and the subexpression at fault."""

    cause: str
    evidence: str
    where: str = ""


def blame_for_odd(odd: Odd, label: str, value: float) -> Blame:
    """A number where there is none."""
    return Blame(odd.cause or odd.status, f"{label} = {value!r}, but {odd.message}", odd.where)


def blame_for_program(program: Program, c: int, point: Sequence[float], value: float, truth: float) -> Blame:
    """Why output c of a derivative program gives ``value`` in binary64 where the derivative is ``truth``."""
    own = select(program, (program.outputs[c],))
    out = own.outputs[0]
    with precision(DEEP_BITS):
        exact = run_slots(own, BALLS, [arb(x) for x in point])
        floats = run_slots(own, FLOATS, list(point))
        wrong = _wrong_rule(exact[out], truth)
        if wrong is not None:
            return wrong
        found = _out_of_range(own, exact, floats) or _special_point(own, exact, floats)
        if found is not None:
            return found
        loss = cancellation(own, exact, point)
    if loss is not None:
        return loss
    if math.isclose(floats[out], value, rel_tol=1e-9) or not math.isfinite(value):
        return Blame("round-off", "many roundings add up; no single operation loses the digits")
    return Blame("wrong value", f"its own formula gives {floats[out]!r} in binary64, but it answered {value!r}")


def _wrong_rule(ball: Any, truth: float) -> Blame | None:
    """The formula itself, evaluated without rounding, is not the derivative."""
    if not ball.is_finite() or math.isnan(truth):
        return None
    half = arb(0, math.ulp(truth))
    if math.isinf(truth) or (arb(truth) + half).overlaps(ball):
        return None
    return Blame("wrong rule", f"without any rounding its formula gives {ball.str(17, radius=False)}, not {truth!r}")


def _out_of_range(program: Program, exact: Sequence[Any], floats: Sequence[Any]) -> Blame | None:
    """The first subexpression that leaves the range of binary64."""
    for slot, _, _ in program.numbered():
        ball, value = exact[slot], floats[slot]
        if isinstance(value, bool) or not ball.is_finite() or math.isnan(value):
            continue
        size = abs(ball)
        if math.isinf(value) and size > _LARGEST_DOUBLE:
            return Blame("overflow", f"it is {ball.str(3, radius=False)}, beyond 1.8e308", excerpt(program, slot))
        if abs(value) < _SMALLEST_NORMAL and not ball.contains(0) and size < _SMALLEST_NORMAL:
            return Blame("underflow", f"it is {ball.str(3, radius=False)}, below 2.2e-308", excerpt(program, slot))
    return None


def _special_point(program: Program, exact: Sequence[Any], floats: Sequence[Any]) -> Blame | None:
    """The first subexpression of the formula that has no value, though the derivative has one."""
    for slot, _, args in program.numbered():
        value = floats[slot]
        if isinstance(value, bool) or math.isfinite(value):
            continue
        if all(isinstance(floats[a], bool) or math.isfinite(floats[a]) for a in args):
            what = "has no value" if not exact[slot].is_finite() else f"is {value} in binary64"
            return Blame(
                "special point", f"the formula {what} there, though the derivative exists", excerpt(program, slot)
            )
    return None


def cancellation(program: Program, exact: Sequence[Any], point: Sequence[float]) -> Blame | None:
    """The subtraction through which the roundings of its operands are amplified most, if that is worth naming."""
    builder = ProgramBuilder.of(program)
    bars = Reverse(program, builder).adjoints(program.outputs[0])
    sums = [(slot, args) for slot, row, args in program.numbered() if row in (ADD, SUB) and slot in bars]
    if not sums:
        return None
    with precision(DEEP_BITS):
        weights = run(builder.program([bars[s] for s, _ in sums], program.inputs), BALLS, [arb(x) for x in point])
        out = abs(exact[program.outputs[0]])
        worst: tuple[float, int, tuple[int, ...]] | None = None
        for (slot, args), weight in zip(sums, weights, strict=True):
            large = max(_size(exact[a]) for a in args)
            gain = _size(weight) + large - (_size(out) if not out.contains(0) else -1e4)
            lost = large - _size(exact[slot])
            if lost > 1 and gain > _BITS_WORTH_NAMING and (worst is None or gain > worst[0]):
                worst = (gain, slot, args)
    if worst is None:
        return None
    gain, slot, args = worst
    sign = "-" if program.instructions[slot - program.first_instruction][0].name == "sub" else "+"
    left, right = (exact[a].str(6, radius=False) for a in args)
    lost = min(53.0, gain)
    evidence = (
        f"{lost:.0f} of 53 bits ({lost * math.log10(2):.1f} digits) are lost in "
        f"{left} {sign} {right} → {exact[slot].str(3, radius=False)}"
    )
    return Blame("cancellation", evidence, excerpt(program, slot))


def _size(ball: Any) -> float:
    """log₂ of the size of a ball's midpoint, −∞ for zero."""
    middle = abs(ball).mid()
    if middle.is_zero() or not middle.is_finite():
        return -math.inf
    mantissa, exponent = middle.man_exp()
    return float(int(mantissa).bit_length() + int(exponent))


def blame_for_differences(task: Task, index: Index, point: Sequence[float], truth: float) -> Blame:
    """Why differences of f are off: f itself loses digits or is noisy, or the steps do not see the derivative."""
    output, variables = index
    primal = select(task.program, (task.program.outputs[output],))
    with precision(DEEP_BITS):
        exact = run_slots(primal, BALLS, [arb(x) for x in point])
        floats = run_slots(primal, FLOATS, list(point))
        found = _out_of_range(primal, exact, floats)
        if found is not None:
            return found
        f = exact[primal.outputs[0]]
        noise = abs(f - arb(floats[primal.outputs[0]])) + abs(f) * arb(2) ** -53
        loss = cancellation(primal, exact, point)
        if loss is not None and len(variables) == 1:
            return loss._replace(evidence=f"f itself is only noise at small steps: {loss.evidence}")
        if len(set(variables)) > 1 or len(variables) > 2:
            return Blame("round-off", f"f is {f.str(3, radius=False)}, and its differences are much smaller")
        off = noise / abs(f) if not f.contains(0) else arb(0)
        if off > _NOISY:
            return Blame("noise", f"f itself is off by {off.str(2, radius=False)} of its value in binary64")
        return _by_steps(primal, variables, point, noise, truth)


def _by_steps(primal: Program, variables: Sequence[int], point: Sequence[float], noise: Any, truth: float) -> Blame:
    """Compare what a step h cannot see (truncation) with what rounding hides (noise/h)."""
    (variable,) = set(variables)
    order = len(variables)
    scale = abs(point[variable]) or 1.0
    rows = []
    for step in _DIFFERENCE_STEPS:
        h = arb(step) * arb(scale)
        samples = []
        for offset in (-1, 0, 1):
            moved = [arb(x) for x in point]
            moved[variable] += offset * h
            samples.append(run(primal, BALLS, moved)[0])
        low, middle, high = samples
        difference = (high - low) / (2 * h) if order == 1 else (high - 2 * middle + low) / h**2
        if difference.is_finite():
            rows.append(
                (step * scale, difference, float(abs(difference - truth).mid()), float((noise / h**order).mid()))
            )
    if not rows:
        return Blame("domain edge", "f has no values on both sides of the point at any step")
    h, _, truncation, hidden = min(rows, key=lambda r: r[2] + r[3])
    size = abs(truth) or 1.0
    if any(_agree(a[1], b[1]) and a[2] > 1e-3 * size for a, b in pairwise(rows)):
        return Blame("aliasing", "differences at several steps agree with each other and not with the derivative")
    if hidden > truncation:
        return Blame(
            "round-off", f"f changes too little: even at the best step, h = {h:.2g}, rounding hides {hidden:.2g}"
        )
    return Blame(
        "truncation", f"f bends within every usable step: at the best one, h = {h:.2g}, {truncation:.2g} is cut off"
    )


def _agree(a: Any, b: Any) -> bool:
    """Whether two differences are alike to nine digits, zeros included."""
    return bool(abs(a - b) <= abs(a + b) * arb(1e-9) or (abs(a) + abs(b) < arb(1e-30)))

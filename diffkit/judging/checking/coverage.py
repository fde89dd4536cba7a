"""For which points a claim in words was shown: everywhere, by SymPy; or at points; and on which domain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.calculus.domain import domain
from diffkit.core.program import Program, run
from diffkit.judging.checking.exact_difference import EXACT
from diffkit.numbers.floats import FLOATS

if TYPE_CHECKING:
    from diffkit.judging.checking.judge import Judge
    from diffkit.judging.checking.setting import Setting

SAMPLES = 100  # points, and as many whole numbers, at which domains are compared
SIMPLE = 120  # slots of claim and derivative up to which SymPy is asked to simplify their difference


def scope_of(setting: Setting, judge: Judge, points: int, verdict: str) -> tuple[str, Any]:
    """Say where the claim was shown to hold; and a point where the domains differ, if there is one."""
    at = at_points(points)
    if verdict != "correct":
        return at, None
    difference = judge.difference
    if difference is None or not judge.exact:
        return at, None
    shown = f"{at}, to {EXACT} digits or more"
    if len(difference.program) <= SIMPLE:
        from diffkit.calculus.sympy import is_zero

        count = difference.count
        outputs = difference.program.outputs[2 * count :]
        if all(is_zero(difference.program, output) for output in outputs):
            shown = "everywhere: SymPy simplifies the difference to zero"
    source = setting.subject.program
    assert source is not None
    of_f, of_claim = str(domain(source)), str(domain(difference.claim))
    if of_f != of_claim:
        more_of_claim, more_of_f = _values_apart(source, difference.claim)
        if more_of_claim and not more_of_f:
            shown += f"; true for {of_f} only: elsewhere the claim has values, though f has none"
        elif more_of_f and not more_of_claim:
            shown += f"; true for {of_claim} only: elsewhere the claim has no value, though f has one"
        else:
            shown += f"; f asks for {of_f}, the claim for {of_claim}"
    return shown, None


def at_points(points: int) -> str:
    """How many points a claim was looked at."""
    return f"at {points} point{'s' * (points > 1)}"


def _values_apart(f: Program, claim: Program) -> tuple[bool, bool]:
    """Whether there are points where only the claim has values, and where only f has."""
    rng = np.random.default_rng(0)
    n = len(f.inputs)
    rows = np.concatenate([rng.uniform(-3, 3, (SAMPLES, n)), rng.integers(-2, 3, (SAMPLES, n))]).tolist()
    has = [[all(map(math.isfinite, run(p, FLOATS, row))) for p in (f, claim)] for row in rows]
    return any(c and not v for v, c in has), any(v and not c for v, c in has)

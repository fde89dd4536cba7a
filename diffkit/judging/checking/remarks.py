"""What is said beside a verdict: for which points a claim was shown, and what would decide one that is not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from diffkit.asking.callables.solvers import calls_in
from diffkit.calculus.domain import domain
from diffkit.core.program import Program, run
from diffkit.core.results import Odd
from diffkit.judging.checking.outcome import REFERENCE, Entry
from diffkit.judging.checking.reference import FORMULA_DIGITS
from diffkit.numbers.floats import FLOATS

if TYPE_CHECKING:
    from diffkit.judging.agreement import Tolerances
    from diffkit.judging.checking.judge import Judge
    from diffkit.judging.checking.setting import Setting


_DOMAIN_SAMPLES = 100  # points, and as many whole numbers, at which domains are compared
_SIMPLIFIED_SLOTS = 120  # slots of claim and derivative up to which SymPy is asked to simplify their difference


def coverage(setting: Setting, judge: Judge, points: int, verdict: str) -> str:
    """Say where the claim was shown to hold."""
    at, difference = at_points(points), judge.difference
    if verdict != "correct" or difference is None or not judge.exact:
        return at
    shown = f"{at}, to {FORMULA_DIGITS} digits or more"
    if len(difference.program) <= _SIMPLIFIED_SLOTS:
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
    return shown


def at_points(points: int) -> str:
    """How many points a claim was looked at."""
    return f"at {points} point{'s' * (points > 1)}"


def _values_apart(f: Program, claim: Program) -> tuple[bool, bool]:
    """Whether there are points where only the claim has values, and where only f has."""
    rng = np.random.default_rng(0)
    shape = (_DOMAIN_SAMPLES, len(f.inputs))
    rows = np.concatenate([rng.uniform(-3, 3, shape), rng.integers(-2, 3, shape)]).tolist()
    has = [[all(map(math.isfinite, run(p, FLOATS, row))) for p in (f, claim)] for row in rows]
    return any(c and not v for v, c in has), any(v and not c for v, c in has)


_WAYS_ELSEWHERE = {"pole": "move off the pole", "overflow": "take smaller numbers",
             "domain_error": "move the point into the domain of f"}  # fmt: skip
"""what to do where f has no derivative, by status"""


def elsewhere(odd: Odd) -> str:
    """Why f has no derivative at a point, and what to do about it."""
    kink = "move off the jump" if "jump" in odd.message else "move off the kink"
    way = kink if odd.status == "not_differentiable" else _WAYS_ELSEWHERE.get(odd.status, "")
    return "; ".join(filter(None, (odd.message or f"f is {odd.status} there", way)))


def advice(setting: Setting, entries: Sequence[Entry], point: Sequence[float]) -> str:
    """Why the last of some entries is not decided, and what would decide them all."""
    entry = entries[-1]
    if math.isnan(entry.reference):
        return entry.note
    why = entry.note or _seen(entry, setting.allowed)
    return "; ".join([why, *_ways(setting, entries, point)])


def _within(entries: Sequence[Entry]) -> str:
    """The least power of ten that, as rtol, all entries are within; empty if it would be no check."""
    off = [(e.error + e.tolerance) / abs(e.reference) if e.reference else math.inf for e in entries]
    worst = max(off)
    exponent = math.ceil(math.log10(worst)) if 0 < worst < math.inf else 0
    return f"pass rtol=1e-{-exponent}" if exponent < 0 else ""


def _seen(entry: Entry, allowed: Tolerances | None) -> str:
    if allowed is not None:
        return f"the bars leave it open whether {entry.label} is within {allowed}"
    count = "no digit" if not entry.digits else "1 digit" if entry.digits == 1 else f"{entry.digits} digits"
    return f"{count} of {entry.label} can be seen to agree"


def _ways(setting: Setting, entries: Sequence[Entry], point: Sequence[float]) -> Iterator[str]:
    """What may be done about it."""
    entry = entries[-1]
    pass_it = _within(entries) if setting.allowed is None else ""
    for bound in setting.codes:
        if bound.faults.rounded:
            yield f"{bound.faults.rounded}: {pass_it or 'return binary64'}"
            return
    for bound in setting.codes:
        for call in calls_in(bound, point):
            if not call.linear:
                told = "" if entry.note.endswith(f"calls {call}") else f"{bound.name} calls {call}: "
                yield f"{told}tighten the solver to 1e-12" + f", or {pass_it}" * bool(pass_it)
                return
    if pass_it:
        yield pass_it
    elif setting.allowed is None and not entry.note and entry.decided == REFERENCE:
        yield f"pass atol={_power(entry.error + entry.tolerance):.0e}, or take another point"


def _power(value: float) -> float:
    """The power of ten that is no smaller."""
    return 10.0 ** math.ceil(math.log10(value)) if 0 < value < math.inf else value

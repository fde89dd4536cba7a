"""One point: every component of a claim against the reference, what is uncertain about both, what is said beside it.

What costs much (the rounding of the claim's code, of constants, the tolerances of solvers) is looked at only where
a difference wants to be explained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.asking.callables.solvers import calls_in
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.domain import domain
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Index, Program, run
from diffkit.core.results import Odd
from diffkit.judging.checking.near_values import NearValues
from diffkit.judging.checking.outcome import (
    CLAIM_ROUNDING,
    DIGITS_OF_A_DOUBLE,
    LITERALS,
    OWN_TOLERANCE,
    REFERENCE,
    Entry,
    Judged,
    Measured,
)
from diffkit.judging.checking.reference import (
    FORMULA_DIGITS,
    Apart,
    ExactDifference,
    Truth,
    as_written,
    effect_of_literals,
    solved_in_claim,
    solved_in_function,
)
from diffkit.numbers.floats import FLOATS

if TYPE_CHECKING:
    from diffkit.judging.checking.outcome import Tolerances
    from diffkit.judging.checking.setting import Setting


_COMPUTED_BEFOREHAND = 64.0  # times the effect of rounded literals within which constants computed beforehand may lie
_CLAIM_JUMP = 2.0**-30  # of the slopes: more noise than that is a jump of the claim's code, as at a kink
_NEAR = 2.0**-34  # of a value of code: less than a mistake, so that no formula has to tell how near
_NO_CLAIMED_VALUE = "the claim has no value there"
Seen = Measured | Judged
"""A component at a point: its distance from the reference, or its verdict where no distance tells it."""


class Judge:
    """A claim and the function it is about, ready for many points."""

    def __init__(self, setting: Setting):
        self.subject, self.claim, self.allowed = setting.subject, setting.claim, setting.allowed
        self.places = setting.places
        """the component of the task that each component of the claim is"""
        self._known: dict[tuple[str, Sequence[float]], Any] = {}

    @cached_property
    def difference(self) -> ExactDifference | None:
        """Claim minus derivative, where both are programs."""
        truth, claim = self._truth, self.claim.program
        return None if truth is None or claim is None else ExactDifference(truth, claim)

    @cached_property
    def difference_as_written(self) -> ExactDifference | None:
        """The same with the literals of code read as decimals."""
        source, claim = self.subject.program, self.claim.program
        if source is None or claim is None:
            return None
        pairs = ((source, self.subject.exact), (claim, self.claim.text))
        read = [p if exact else as_written(p) for p, exact in pairs]
        if read[0].constants == source.constants and read[1].constants == claim.constants:
            return self.difference
        return ExactDifference(derivative_program(read[0], self.indices), read[1])

    @property
    def exact(self) -> bool:
        """Whether two formulas in text are compared, which are equal or not."""
        return self.claim.text and self.subject.exact and self.allowed is None

    @property
    def indices(self) -> list[Index]:
        """Which partial derivative each component is."""
        return [self.subject.task.indices[place] for place in self.places]

    @cached_property
    def _truth(self) -> Program | None:
        """The formula of the derivative, if it is known."""
        known = self.subject.derivative
        return None if known is None else replace(known, outputs=tuple(known.outputs[place] for place in self.places))

    def at(self, point: Sequence[float], truth: Truth) -> Sequence[Seen]:
        """Look at every component at a point."""
        values = self.claim.values(np.array(point, dtype=float))
        if (near := self._near(values, truth)) is not None:
            return near
        claimed = [float(v) for v in values]
        apart: Sequence[Apart | None] = [None] * len(claimed)
        if self.difference is not None and not all(truth.odd.get(p) for p in self.places):
            apart = self.difference.at(point)
        return [self._component(c, truth, claimed[c], apart[c], point) for c in range(len(claimed))]

    def _near(self, values: Any, truth: Truth) -> NearValues | None:
        """Values of code that are all so near to the reference that no formula has to tell how near."""
        if self.claim.text or self.allowed is not None or truth.odd:
            return None
        places = np.asarray(self.places)
        references, bars = (np.asarray(found, dtype=float)[places] for found in (truth.values, truth.bars))
        near = np.abs(values - references) <= _NEAR * np.abs(references) + bars
        return NearValues(np.asarray(values, dtype=float), references, {REFERENCE: bars}) if near.all() else None

    def _component(self, c: int, truth: Truth, value: float, apart: Apart | None, point: Sequence[float]) -> Seen:
        place = self.places[c]
        odd = truth.odd.get(place)
        if odd is not None and odd.status != "ok":
            return self._at_odd(c, odd, value, point)
        reference, known = truth.values[place], apart is not None and apart.finite
        if not math.isfinite(value) and not known:
            note = "" if self.claim.bound is None else self.claim.bound.reason
            return Judged(c, "wrong", value, reference, math.inf, {}, note=note or _NO_CLAIMED_VALUE)
        bars = {REFERENCE: truth.bars[place]}
        if apart is None or not known:
            return Measured(c, value, reference, abs(value - reference), bars)
        if self.exact:
            return self._exactly(c, reference, apart)
        computed = abs(value - reference) if math.isfinite(value) else 0.0
        return Measured(c, apart.claimed, reference, 0.0 if apart.equal else apart.most, bars, computed)

    def _exactly(self, c: int, truth: float, apart: Apart) -> Judged:
        """Both are formulas in text: they are equal, or they differ, or neither is certain."""
        if apart.equal:
            return Judged(c, "correct", apart.claimed, truth, 0.0, {}, FORMULA_DIGITS)
        if apart.least > 0:
            return Judged(c, "wrong", apart.claimed, truth, apart.least, {})
        note = f"{PROOF_PRECISIONS[-1]} bits do not tell them apart"
        return Judged(c, "inconclusive", apart.claimed, truth, apart.most, {}, note=note)

    def explained(self, point: Sequence[float], suspects: Sequence[Measured]) -> list[Measured]:
        """What else may have made the claim differ at a point: its own rounding, and that of constants."""
        known: dict[int, Measured] = self._once("explained", point, dict)
        new = [m for m in suspects if m.component not in known]
        known.update((m.component, m) for m in (self._explained(point, new) if new else ()))
        return [known[m.component] for m in suspects]

    def _explained(self, point: Sequence[float], suspects: Sequence[Measured]) -> list[Measured]:
        literals = self._literals(point)
        noise = np.zeros(len(literals)) if self.difference is not None else self._noise(point)
        written = None if self.difference_as_written is None else self.difference_as_written.at(point)
        solvers = self._solvers(point, suspects)
        found = []
        for m in suspects:
            c = m.component
            error = 0.0 if written is not None and written[c].equal else m.error
            constants = _COMPUTED_BEFOREHAND * float(literals[c])
            terms = {CLAIM_ROUNDING: float(noise[c]), LITERALS: constants, OWN_TOLERANCE: solvers[c]}
            found.append(m._replace(error=error, computed=max(m.computed, m.error), terms={**m.terms, **terms}))
        return found

    def _solvers(self, point: Sequence[float], suspects: Sequence[Measured]) -> dict[int, float]:
        """What iteration in f and in the claim's code may have put components off by."""
        claimed = solved_in_claim(self.claim.bound, point, self.claim.values(np.array(point, dtype=float)))
        function = None if self.subject.program is not None else self.subject.function
        of_f = solved_in_function(function, point, self.indices, suspects)
        return {m.component: float(claimed[m.component]) + off for m, off in zip(suspects, of_f, strict=True)}

    def _noise(self, point: Sequence[float]) -> Any:
        """What the claim's own arithmetic rounds."""
        return self._once("noise", point, lambda: self.claim.rounding(np.array(point, dtype=float)))

    def _literals(self, point: Sequence[float]) -> Any:
        """What rounded literals may make of each component: those of the claim's code, and those of f."""
        return self._once("literals", point, lambda: self._of_literals(point))

    def _once(self, what: str, point: Sequence[float], find: Callable[[], Any]) -> Any:
        """What was found at a point already, or is found now."""
        if (what, point) not in self._known:
            self._known[what, point] = find()
        return self._known[what, point]

    def _of_literals(self, point: Sequence[float]) -> Any:
        total = np.zeros(len(self.places))
        if self.claim.text and self.subject.exact:
            return total
        if not self.claim.text and self.claim.program is not None:
            total += effect_of_literals(self.claim.program, point, code=True)
        if self._truth is not None:
            total += effect_of_literals(self._truth, point, code=not self.subject.exact)
        return total

    def _at_odd(self, c: int, odd: Odd, value: float, point: Sequence[float]) -> Seen:
        """Where f has no derivative, or none that is certain: what is known of it is compared."""
        if value == odd.other or abs(value - odd.other) <= odd.error:
            return Judged(c, "inconclusive", value, odd.value, abs(value - odd.value), {}, note=odd.message)
        if odd.status == "uncertain" and math.isfinite(odd.value + odd.error) and math.isfinite(value):
            return Measured(c, value, odd.value, abs(value - odd.value), {REFERENCE: odd.error}, doubt=odd.message)
        if odd.status == "not_differentiable" and math.isfinite(odd.left) and math.isfinite(odd.right):
            return self._at_kink(c, odd, value, point)
        return Judged(c, "inconclusive", value, math.nan, math.nan, {}, note=_elsewhere(odd))

    def _at_kink(self, c: int, odd: Odd, value: float, point: Sequence[float]) -> Judged:
        """At a kink every element of the Clarke interval is right."""
        low, high = min(odd.left, odd.right), max(odd.left, odd.right)
        size = max(abs(low), abs(high))
        noise = min(float(self._noise(point)[c]), _CLAIM_JUMP * size)
        slack = float(self._literals(point)[c]) + noise + 4 * math.ulp(size)
        slack += 0.0 if self.allowed is None else self.allowed.at(size)
        slopes = f"f has a kink with slopes {odd.left:.6g} and {odd.right:.6g}"
        if low - slack <= value <= high + slack:
            said = f"{slopes}; the claim takes {_convention(value, odd.left, odd.right)}"
            digits = FORMULA_DIGITS if self.exact else DIGITS_OF_A_DOUBLE
            return Judged(c, "correct", value, value, 0.0, {REFERENCE: slack}, digits, odd.message, said)
        nearest = low if value < low else high
        error = abs(value - nearest) if math.isfinite(value) else math.inf
        note = f"{slopes}, and the claim is outside the Clarke interval"
        return Judged(c, "wrong", value, nearest, error, {REFERENCE: slack}, note=note)


def _convention(value: float, left: float, right: float) -> str:
    near = 1e-9 * max(abs(left), abs(right))
    for target, said in ((left, "the slope from the left"), (right, "the slope from the right")):
        if abs(value - target) <= near:
            return f"{said}, {value:.6g}"
    if abs(value - (left + right) / 2) <= near:
        return f"the mean of the two, {value:.6g}"
    return f"{value:.6g}, between the two"


_DOMAIN_SAMPLES = 100  # points, and as many whole numbers, at which domains are compared
_SIMPLIFIED_SLOTS = 120  # slots of claim and derivative up to which SymPy is asked to simplify their difference


def coverage(setting: Setting, judge: Judge, points: int, verdict: str) -> str:
    """Say where the claim was shown to hold."""
    at = at_points(points)
    if verdict != "correct" or not judge.exact or (difference := judge.difference) is None:
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


def _elsewhere(odd: Odd) -> str:
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
            ways = [way for way in (pass_it, bound.faults.wider) if way]
            yield f"{bound.faults.rounded}: {', or '.join(ways) or 'return binary64'}"
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

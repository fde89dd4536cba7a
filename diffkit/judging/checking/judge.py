"""One point: every component of a claim against the reference, and what is uncertain about both.

What costs much (the rounding of the claim's code, of constants, the tolerances of solvers) is looked at only where
a difference wants to be explained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.calculus.derivatives import derivative_program
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Index, Program
from diffkit.core.results import Odd
from diffkit.judging.agreement import DIGITS_OF_A_DOUBLE
from diffkit.judging.checking.outcome import CLAIM_ROUNDING, LITERALS, OWN_TOLERANCE, REFERENCE, Judged, Measured
from diffkit.judging.checking.reference import FORMULA_DIGITS, Apart, ExactDifference, Truth, as_written
from diffkit.judging.checking.remarks import elsewhere
from diffkit.judging.checking.uncertainties import effect_of_literals, solved_in_claim, solved_in_function

if TYPE_CHECKING:
    from diffkit.judging.checking.setting import Setting

_COMPUTED_BEFOREHAND = 64.0  # times the effect of rounded literals within which constants computed beforehand may lie
_CLAIM_JUMP = 2.0**-30  # of the slopes: more noise than that is a jump of the claim's code, as at a kink
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

    def at(self, point: Sequence[float], truth: Truth) -> list[Seen]:
        """Look at every component at a point."""
        claimed = [float(v) for v in self.claim.values(np.array(point, dtype=float))]
        apart: Sequence[Apart | None] = [None] * len(claimed)
        if self.difference is not None and not all(truth.odd.get(p) for p in self.places):
            apart = self.difference.at(point)
        return [self._component(c, truth, claimed[c], apart[c], point) for c in range(len(claimed))]

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
        return Judged(c, "inconclusive", value, math.nan, math.nan, {}, note=elsewhere(odd))

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

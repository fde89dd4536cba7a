"""One point: every component of a claim against the reference, with a tolerance made of what is uncertain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from diffkit.checking.claims import Claim
from diffkit.checking.exact import Difference, as_written, sensitivity
from diffkit.checking.model import Judged, Verdict
from diffkit.checking.subject import Subject, Truth
from diffkit.results import Odd
from diffkit.transforms import derivative_program

BEYOND = 3.0  # times a tolerance that rests on measured bars, beyond which a claim is wrong; between, nothing is said
ROUNDED = 64.0  # times the effect of rounded literals within which constants computed beforehand may lie
JUMP = 2.0**-30  # of the slopes: more noise than that is a jump of the claim's code, which may have one at a kink
REFERENCE, ROUNDING, LITERALS = "reference", "rounding of the claim's code", "rounded literals"


class Judge:
    """A claim and the function it is about, ready for many points."""

    def __init__(self, subject: Subject, claim: Claim, places: Sequence[int]):
        self.subject, self.claim, self.places = subject, claim, places
        """``places``: the component of the task that each component of the claim is"""

    @cached_property
    def difference(self) -> Difference | None:
        """Claim minus derivative, where both are programs."""
        source, claim = self.subject.program, self.claim.program
        if source is None or claim is None:
            return None
        return Difference(source, claim, self._indices)

    @cached_property
    def difference_as_written(self) -> Difference | None:
        """The same with the literals of code read as decimals."""
        source, claim = self.subject.program, self.claim.program
        if source is None or claim is None:
            return None
        source, claim = (p if exact else as_written(p) for p, exact in ((source, self.subject.exact),
                                                                        (claim, self.claim.text)))  # fmt: skip
        return Difference(source, claim, self._indices)

    @property
    def _indices(self) -> list[Any]:
        return [self.subject.task.indices[place] for place in self.places]

    @cached_property
    def _truth_program(self) -> Any:
        program = self.subject.program
        return None if program is None else derivative_program(program, self.subject.task.indices)

    def at(self, point: Sequence[float], truth: Truth | None = None) -> tuple[list[Judged], Truth]:
        """Judge every component at a point."""
        truth = truth or self.subject.at(point)
        claimed = [float(v) for v in self.claim.values(np.array(point, dtype=float))]
        literals = self._literals(point)
        apart = None
        if self.difference is not None and not all(truth.odd.get(p) for p in self.places):
            apart = self.difference.at(point)
        noise = written = None
        found = []
        for c, place in enumerate(self.places):
            odd = truth.odd.get(place)
            value = claimed[c]
            if odd is not None and odd.status != "ok":
                noise = self._noise(point) if noise is None else noise
                found.append(self._at_odd(c, odd, value, literals[c], float(noise[c])))
                continue
            if not math.isfinite(value) and not (apart is not None and apart[c].finite):
                note = getattr(getattr(self.claim, "bound", None), "reason", "") or "the claim has no value there"
                found.append(Judged(c, "wrong", value, truth.values[place], math.inf, {}, note))
                continue
            if apart is not None and apart[c].finite:
                own = apart[c]
                if not own.equal and own.difference <= ROUNDED * literals[c] and self.difference_as_written is not None:
                    written = written or self.difference_as_written.at(point)
                    own = own._replace(equal=written[c].equal)
                found.append(self._exactly(c, truth.values[place], own, literals[c]))
                continue
            noise = self._noise(point) if noise is None else noise
            terms = {REFERENCE: truth.bars[place], ROUNDING: float(noise[c]), LITERALS: literals[c]}
            found.append(measured(c, value, truth.values[place], terms))
        return found, truth

    def _noise(self, point: Sequence[float]) -> Any:
        """What the claim's own arithmetic rounds."""
        return self.claim.rounding(np.array(point, dtype=float))

    def _literals(self, point: Sequence[float]) -> list[float]:
        """What rounded literals may make of each component: those of the claim's code, and those of f."""
        claim, subject = self.claim, self.subject
        total = np.zeros(len(self.places))
        if claim.text and subject.exact:
            return total.tolist()
        with np.errstate(all="ignore"):
            if not claim.text and claim.program is not None:
                total += sensitivity(claim.program, point, code=True)
            if self._truth_program is not None:
                of_f = sensitivity(self._truth_program, point, code=not subject.exact)
                total += [of_f[place] for place in self.places]
        return [t if t == t else math.inf for t in total.tolist()]

    def _exactly(self, c: int, truth: float, apart: Any, literals: float) -> Judged:
        """Both are formulas: they are equal, or apart by more than their literals explain, or neither is certain."""
        if apart.equal:
            return Judged(c, "correct", apart.claimed, truth, 0.0, {})
        terms = {LITERALS: literals}
        verdict: Verdict = "inconclusive"
        note = ""
        if apart.difference <= literals:
            verdict = "correct"
        elif apart.difference > ROUNDED * literals:
            verdict = "wrong"
        else:
            note = "the difference is no larger than what constants computed beforehand are rounded by"
        error = max(apart.difference, abs(apart.claimed - truth))
        if verdict == "correct" and not math.isfinite(literals):
            verdict, note = "inconclusive", "what rounded literals do there is not bounded"
        return Judged(c, verdict, apart.claimed, truth, error, terms, note)

    def _at_odd(self, c: int, odd: Odd, value: float, literals: float, noise: float) -> Judged:
        """At a kink every element of the Clarke interval is right; elsewhere there is nothing to compare with."""
        left, right = odd.left, odd.right
        if odd.status != "not_differentiable" or not (math.isfinite(left) and math.isfinite(right)):
            return Judged(c, "inconclusive", value, math.nan, math.nan, {}, odd.message or f"f is {odd.status} there")
        low, high = min(left, right), max(left, right)
        size = max(abs(low), abs(high))
        slack = literals + min(noise, JUMP * size) + 4 * math.ulp(size)
        if low - slack <= value <= high + slack:
            taken = _convention(value, left, right)
            said = f"f has a kink with slopes {left:.6g} and {right:.6g}; the claim takes {taken}"
            return Judged(c, "correct", value, value, 0.0, {REFERENCE: slack}, odd.message, said)
        nearest = low if value < low else high
        error = abs(value - nearest) if math.isfinite(value) else math.inf
        note = f"f has a kink with slopes {left:.6g} and {right:.6g}, and the claim is outside the Clarke interval"
        return Judged(c, "wrong", value, nearest, error, {REFERENCE: slack}, note)


def measured(c: int, value: float, truth: float, terms: dict[str, float]) -> Judged:
    """Judge a number by a number with bars."""
    tolerance = sum(terms.values())
    error = abs(value - truth)
    if not math.isfinite(tolerance) or not math.isfinite(truth):
        return Judged(c, "inconclusive", value, truth, error, terms, "the tolerance is not bounded")
    verdict: Verdict = "correct" if error <= tolerance else "wrong" if error > BEYOND * tolerance else "inconclusive"
    note = "the claim lies just outside the bars" if verdict == "inconclusive" else ""
    return Judged(c, verdict, value, truth, error, terms, note)


def sharp(j: Judged, closeness: float, largest: float) -> Judged:
    """Correct where any relative error above the closeness would have been seen, and none was; not elsewhere.

    Of a component that is lost in its tolerance, errors are in proportion to the ``largest``.
    """
    if j.verdict == "wrong" or j.convention or j.tolerance == 0:
        return j
    scale = abs(j.reference) if abs(j.reference) > j.tolerance else largest
    if j.verdict == "inconclusive":  # bars a little too narrow are no doubt about the digits that were asked for
        return j._replace(verdict="correct", note="") if j.error + j.tolerance <= closeness * scale else j
    if 2 * j.tolerance <= closeness * scale:
        return j
    note = f"{j.decided} hides relative errors below {2 * j.tolerance / scale if scale else math.inf:.1g}"
    return j._replace(verdict="inconclusive", note=note)


def _convention(value: float, left: float, right: float) -> str:
    near = 1e-9 * max(abs(left), abs(right))
    for target, said in ((left, "the slope from the left"), (right, "the slope from the right")):
        if abs(value - target) <= near:
            return f"{said}, {value:.6g}"
    if abs(value - (left + right) / 2) <= near:
        return f"the mean of the two, {value:.6g}"
    return f"{value:.6g}, between the two"

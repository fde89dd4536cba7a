"""Candidates that know f: mutants of its adjoint program whose gradient is the claim.

All mutants run at the points of the fit; those that come near the claim are made into programs and proven with
running error bounds. A mistake may also stand in the formula of the wrong entries only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from time import monotonic
from typing import Any

import numpy as np

from diffkit.core.program import Index, Program
from diffkit.core.table import MUL
from diffkit.judging.repair import evidence, mistakes
from diffkit.judging.repair.evidence import Array, Candidate, ClaimSamples, Investigation
from diffkit.judging.repair.mistakes import Mistake
from diffkit.judging.repair.multiples import Factor, Namer, ReadOff, measure
from diffkit.judging.repair.mutants import Mutant, Mutants, gradient_of, mutant_program, with_bounds

_LEFT_OVER = 0.02  # a mutant is worth a proof if it leaves this part of the error at most
_KEPT_RIGHT = 1e-9  # and keeps what is right to nine digits
_MUTANTS_PROVEN = 12  # mutants of one family that are proven
_LONGEST_MUTATED = 4000  # instructions of a program that is mutated
_SHARE = 0.3  # of the time for all explanations


def missing_parts(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Nothing flows through a place, or it flows with the wrong sign; these are tried before all other mutants."""
    return _timely(case, lambda found: _multiples(found, _minus, True))


def multiplied_parts(case: Investigation, name: Namer) -> Iterator[Candidate]:
    """What flows through a place is multiplied by a number."""
    return _timely(case, lambda found: _multiples(found, name, False))


def slips(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Another partial on one edge."""
    return _timely(case, lambda found: _fitting(found, mistakes.slips(found.program)))


def repeated_slips(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Another partial on all edges of a function."""
    return _timely(case, lambda found: _fitting(found, mistakes.repeated_slips(found.program)))


def other_functions(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """The derivative of another f."""
    return _timely(case, lambda found: _fitting(found, mistakes.other_functions(found.program)))


class _MutationSearch:
    """The program whose first partials are claimed: f, or its gradient where the claim is a Hessian."""

    def __init__(self, case: Investigation, program: Program, indices: Sequence[Index]):
        self.case, self.program, self.indices = case, program, indices
        self.until = monotonic() + _SHARE * evidence.SEARCH_SECONDS
        self.mutants = Mutants(program, indices, case.fit.points)
        self.masks = [None] if case.labels.hessian else case.masks
        self.cuts = list(mistakes.cuts(program))
        self.without = self.mutants.gradients([cut.mutant for cut in self.cuts])
        fit = case.fit
        self._loose = 10 * fit.slack + np.where(
            fit.wrong, _LEFT_OVER * np.abs(fit.error), _KEPT_RIGHT * np.abs(fit.truth)
        )
        with np.errstate(all="ignore"):
            nothing = np.asarray((np.abs(self.without) <= _KEPT_RIGHT * np.abs(fit.truth)).all(axis=(1, 2)))
        self.throughout = {cut.mutant.edges for cut, left in zip(self.cuts, nothing, strict=True) if left}
        """edges without which nothing is left of the derivative"""

    def near(self, predicted: Array) -> list[int]:
        """Which of the predictions (M, P, c) come near the claim, a few at most."""
        with np.errstate(all="ignore"):
            found = (np.abs(predicted - self.case.fit.claim) <= self._loose).all(axis=(1, 2))
        return [int(k) for k in np.flatnonzero(found)[:_MUTANTS_PROVEN]]

    def candidate(
        self, mistake: Mistake, mask: Array | None, factor: Factor | None = None, mutant: Mutant | None = None
    ) -> Candidate:
        """A mistake as a candidate: as it is, or with a ``mutant`` that multiplies by a ``factor``."""
        made: list[Program] = []

        def predict(samples: ClaimSamples) -> tuple[Any, Any]:
            if not made:
                made.append(mutant_program(self.program, self.indices, mutant or mistake.mutant))
            values, bars = with_bounds(made[0], samples.points)
            if factor is None:
                return values, bars
            error = factor.error / abs(factor.value) + 4e-16
            return values, bars + error * (np.abs(values) + np.abs(samples.truth))

        kind, text = mistake.words(mistake.mutant.edges in self.throughout, factor)
        return Candidate(kind, text, predict, mask, 0 if factor is None else factor.digits)


def _search(case: Investigation) -> _MutationSearch | None:
    """The search in a claim whose program is known; None where there is none or it is too long."""
    program = case.evidence.program
    if program is None or len(program.inputs) != case.point.size:
        return None
    indices = [case.evidence.indices[c] for c in case.columns]
    if len(program.instructions) > _LONGEST_MUTATED or len({len(index) for _, index in indices}) != 1:
        return None
    order = len(indices[0][1])
    if order == 2 and len(program.outputs) == 1:
        return _MutationSearch(case, gradient_of(program), [(i, (j,)) for _, (i, j) in indices])
    return _MutationSearch(case, program, indices) if order == 1 else None


def _timely(case: Investigation, look: Any) -> Iterator[Candidate]:
    """Candidates of a search, as long as it has time."""
    found = case.once(_search)
    if found is not None and found.cuts and monotonic() <= found.until:
        for candidate in look(found):
            yield candidate
            if monotonic() > found.until:
                return


def _minus(_: Investigation, ratio: ReadOff) -> Factor | None:
    """The factor −1, where the claim's part has the wrong sign."""
    return Factor(-1.0, "change the sign", "signs") if abs(ratio.value + 1) <= ratio.error else None


def _multiples(found: _MutationSearch, name: Namer, missing: bool) -> Iterator[Candidate]:
    """A multiple m of what flows through the cut edges: claim = truth + (m − 1)·flow; if ``missing``, 0 too."""
    fit, gradients = found.case.fit, found.without
    for mask in found.masks:
        columns = np.ones(len(found.indices), dtype=bool) if mask is None else mask
        flows = np.where(columns, fit.truth - gradients, 0.0)
        with np.errstate(all="ignore"):
            weight = np.where(fit.wrong, 1 / np.maximum(np.abs(fit.error), 1e-300) ** 2, 0.0)
            kappas = (weight * flows * fit.error).sum(axis=(1, 2)) / (weight * flows * flows).sum(axis=(1, 2))
        for k in found.near(fit.truth + kappas[:, None, None] * flows):
            kappa = measure(
                np.where(flows[k] != 0, fit.error, 0.0)[:, columns], fit.slack[:, columns], flows[k][:, columns],
                4 * (fit.bars + 1e-14 * (np.abs(fit.truth) + np.abs(gradients[k])))[:, columns],
            )  # fmt: skip
            if kappa is None:
                continue
            share = ReadOff(kappa.value + 1, kappa.error)  # the part of the flow that the claim has
            if abs(share.value) > share.error:
                factor = name(found.case, share.inverse)
                if factor is not None:
                    yield found.candidate(found.cuts[k], mask, factor, _scaled(found.cuts[k].mutant, factor))
            elif missing:
                yield found.candidate(found.cuts[k], mask)


def _scaled(cut: Mutant, factor: Factor) -> Mutant:
    """What flows through the edges of a cut, divided by a factor."""
    exact = Fraction(1 / factor.value).limit_denominator(10**6)
    share = exact if float(exact) == 1 / factor.value else Fraction(1 / factor.value)
    return Mutant(cut.edges, lambda algebra, p, _, __: algebra.apply(MUL, (algebra.constant(share), p)))


def _fitting(found: _MutationSearch, tried: Iterable[Mistake]) -> Iterator[Candidate]:
    """Mistakes that give the claim where it was fitted, in all entries or in those that are wrong."""
    every = list(tried)
    gradients = found.mutants.gradients([mistake.mutant for mistake in every])
    for mask in found.masks:
        predicted = gradients if mask is None else np.where(mask, gradients, found.case.fit.truth)
        yield from (found.candidate(every[k], mask) for k in found.near(predicted))

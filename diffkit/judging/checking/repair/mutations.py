"""Candidates that know f: mutants of its adjoint program whose gradient is the claim.

All mutants run at the points of the fit; those that come near the claim are made into programs and proven with
running error bounds. A mistake may also stand in the formula of the wrong entries only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from time import monotonic
from typing import Any

import numpy as np

from diffkit.core.program import Index, Program
from diffkit.core.table import table
from diffkit.core.text import excerpt
from diffkit.judging.checking.repair import mistakes, wording
from diffkit.judging.checking.repair.candidates import Candidate
from diffkit.judging.checking.repair.evidence import Array, Labels
from diffkit.judging.checking.repair.meaningful_numbers import Factor, Measured, measure, named, peculiar
from diffkit.judging.checking.repair.mistakes import Mistake
from diffkit.judging.checking.repair.mutants import Engine, Mutant, gradient_of, mutant_program, mutated, with_bounds
from diffkit.judging.checking.repair.samples import PATIENCE, Case, Samples

MUL = table["mul"]
NEAR = 0.02  # a mutant is worth a proof if it leaves this part of the error at most
CLOSE = 1e-9  # and keeps what is right to nine digits
PROOFS = 12  # mutants of one family that are proven
LONGEST = 4000  # instructions of a program that is mutated
SHARE = 0.3  # of the time for all explanations
MISSING = Factor(0.0, "", "missing term")


class Setting:
    """The program whose first partials are claimed: f, or its gradient where the claim is a Hessian."""

    def __init__(self, case: Case, program: Program, indices: Sequence[Index]):
        self.case, self.program, self.indices = case, program, indices
        self.labels = Labels(case.evidence, case.columns)
        self.engine = Engine(program, indices, case.fit.points)
        fit = case.fit
        self.loose = 10 * fit.slack + np.where(fit.wrong, NEAR * np.abs(fit.error), CLOSE * np.abs(fit.truth))
        self.masks: list[Array | None] = [None]
        if not case.suspects.all() and not self.labels.hessian:
            self.masks.append(case.suspects)
        self.cuts = list(mistakes.cut_edges(program))
        self.without = self.engine.gradients(cuts_of(self.cuts)) if self.cuts else np.zeros((0, 0, 0))

    def near(self, predicted: Array) -> Array:
        """Which of the predictions (M, P, c) come near the claim."""
        with np.errstate(all="ignore"):
            found: Array = (np.abs(predicted - self.case.fit.claim) <= self.loose).all(axis=(1, 2))
        return found

    def candidate(self, words: wording.Words, mutant: Mutant, mask: Array | None, error: float = 0.0) -> Candidate:
        """The mutant as a candidate; ``error`` is that of its factor, relative."""
        kind, text = words
        if mask is not None:
            text = f"{self.labels.describe(mask)}: {text}"
        made: list[Program] = []

        def predict(samples: Samples) -> tuple[Any, Any]:
            if not made:
                made.append(mutant_program(self.program, self.indices, mutant))
            values, bars = with_bounds(made[0], samples.points)
            if error:
                bars = bars + error * (np.abs(values) + np.abs(samples.truth))
            if mask is None:
                return values, bars
            return np.where(mask, values, samples.truth), np.where(mask, bars, samples.bars)

        return Candidate(kind, text, predict)


def setting(case: Case) -> Setting | None:
    """The setting of a claim whose program is known; None where there is none or it is too long."""
    program = case.evidence.program
    if program is None or len(case.fit.points) == 0 or len(program.inputs) != case.point.size:
        return None
    indices = [case.evidence.indices[c] for c in case.columns]
    if len(program.instructions) > LONGEST or len({len(index) for _, index in indices}) != 1:
        return None
    order = len(indices[0][1])
    if order == 2 and len(program.outputs) == 1:
        return Setting(case, gradient_of(program), [(i, (j,)) for _, (i, j) in indices])
    return Setting(case, program, indices) if order == 1 else None


def mutants(case: Case) -> Iterator[Candidate]:
    """Mistakes in the adjoint program and in f, the likely ones first."""
    found = setting(case)
    if found is None or not len(found.cuts):
        return
    meaning: Callable[[Measured], Factor | None] = lambda ratio: named(  # noqa: E731
        ratio, case.evidence.sizes, len(case.evidence.names)
    )
    throughout = _throughout(found)
    until = monotonic() + SHARE * PATIENCE
    families: tuple[Callable[[], Iterator[Candidate]], ...] = (
        lambda: _multiples(found, _missing),
        lambda: _replaced(found, list(mistakes.local_mistakes(found.program)), throughout),
        lambda: _multiples(found, meaning),
        lambda: _replaced(found, list(mistakes.repeated_mistakes(found.program)), throughout),
        lambda: _changed(found, list(mistakes.changed_values(found.program))),
    )
    for family in families:
        for candidate in family():
            if monotonic() > until:
                return
            yield candidate
        if monotonic() > until:
            return


def multiples(case: Case) -> Iterator[Candidate]:
    """What flows through an edge, multiplied by a number that means nothing."""
    found = setting(case)
    if found is not None and len(found.cuts):
        yield from _multiples(found, peculiar)


def cuts_of(found: Sequence[Mistake]) -> list[Mutant]:
    """The mutants of mistakes."""
    return [mistake.mutant for mistake in found]


def _missing(ratio: Measured) -> Factor | None:
    """The factors 0 and −1, which are tried before all others: ``ratio`` is what the claim's part is multiplied by."""
    if abs(ratio.value + 1) <= ratio.error:
        return Factor(-1.0, "change the sign", "signs")
    return None


def _throughout(found: Setting) -> frozenset[tuple[int, int | None]]:
    """Edges without which nothing is left of the derivative."""
    with np.errstate(all="ignore"):
        rest = np.asarray((np.abs(found.without) <= CLOSE * np.abs(found.case.fit.truth)).all(axis=(1, 2)))
    return frozenset(
        (cut.slot, cut.k) for cut, nothing in zip(found.cuts, rest, strict=True) if nothing and cut.how == "edge"
    )


def _multiples(found: Setting, name: Callable[[Measured], Factor | None]) -> Iterator[Candidate]:
    """A multiple m of what flows through the cut edges: claim = truth + (m − 1)·flow."""
    fit, gradients = found.case.fit, found.without
    for mask in found.masks:
        columns = np.ones(len(found.indices), dtype=bool) if mask is None else mask
        flows = np.where(columns, fit.truth - gradients, 0.0)
        with np.errstate(all="ignore"):
            weight = np.where(fit.wrong, 1 / np.maximum(np.abs(fit.error), 1e-300) ** 2, 0.0)
            kappas = (weight * flows * fit.error).sum(axis=(1, 2)) / (weight * flows * flows).sum(axis=(1, 2))
            likely = found.near(fit.truth + kappas[:, None, None] * flows)
        for k in np.flatnonzero(likely)[:PROOFS]:
            kappa = measure(
                np.where(flows[k] != 0, fit.error, 0.0)[:, columns], fit.slack[:, columns], flows[k][:, columns],
                4 * (fit.bars + 1e-14 * (np.abs(fit.truth) + np.abs(gradients[k])))[:, columns],
            )  # fmt: skip
            if kappa is None:
                continue
            share = kappa.value + 1  # the part of the flow that the claim has
            missing = abs(share) <= kappa.error
            if missing != (name is _missing) and missing:
                continue
            factor = MISSING if missing else name(Measured(1 / share, kappa.error / share**2))
            if factor is not None:
                yield _multiple(found, found.cuts[k], factor, mask)


def _multiple(found: Setting, cut: Mistake, factor: Factor, mask: Array | None) -> Candidate:
    inverse = 0.0 if factor.value == 0 else 1 / factor.value
    exact = Fraction(inverse).limit_denominator(10**6)
    share = exact if float(exact) == inverse else Fraction(inverse)

    def scaled(algebra: Any, p: Any, args: Any, y: Any) -> Any:  # noqa: ARG001
        return algebra.apply(MUL, (algebra.constant(share), p))

    partial = mistakes.zero if share == 0 else scaled
    words = wording.of_multiple(found.program, cut, None if share == 0 else factor)
    error = factor.error / abs(factor.value) + 4e-16 if factor.value else 0.0
    return found.candidate(words, Mutant(cut.mutant.edges, partial), mask, error)._replace(digits=factor.digits)


def _fitting(found: Setting, tried: Sequence[Mistake]) -> Iterator[tuple[Mistake, Any]]:
    """Mistakes that give the claim where it was fitted, in all entries or in those that are wrong (the mask)."""
    if not tried:
        return
    gradients = found.engine.gradients(cuts_of(tried))
    for mask in found.masks:
        predicted = gradients if mask is None else np.where(mask, gradients, found.case.fit.truth)
        yield from ((tried[k], mask) for k in np.flatnonzero(found.near(predicted))[:PROOFS])


def _replaced(
    found: Setting, tried: Sequence[Mistake], throughout: frozenset[tuple[int, int | None]]
) -> Iterator[Candidate]:
    """Another partial on an edge."""
    for mistake, mask in _fitting(found, tried):
        words = wording.of_partial(found.program, mistake, (mistake.slot, mistake.k) in throughout)
        yield found.candidate(words, mistake.mutant, mask)


def _changed(found: Setting, tried: Sequence[Mistake]) -> Iterator[Candidate]:
    """The derivative of another f."""
    for mistake, mask in _fitting(found, tried):
        words = wording.of_value(found.program, mistake, _changed_text(found.program, mistake))
        yield found.candidate(words, mistake.mutant, mask)


def _changed_text(program: Program, mistake: Mistake) -> str:
    """What stands in the slot of a changed f."""
    instruction = program.instruction_at(mistake.slot)
    assert instruction is not None
    assert mistake.mutant.value is not None
    alone = Program(program.inputs, program.constants, program.instructions, (mistake.slot,))
    other = mutated(alone, mistake.slot, mistake.mutant.value)
    return excerpt(other, other.outputs[0])

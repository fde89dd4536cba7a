"""Bugs that multiply: claimᵢ = truthᵢ/rᵢ with constant r, for all entries, for a set of them, or each its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from diffkit.judging.checking.repair.candidates import Candidate
from diffkit.judging.checking.repair.evidence import LISTED, Array, Labels
from diffkit.judging.checking.repair.meaningful_numbers import Factor, Measured, measure, named, peculiar
from diffkit.judging.checking.repair.samples import Case, Samples

Namer = Callable[[Measured], Factor | None]


def whole_factor(case: Case) -> Iterator[Candidate]:
    """One r for all entries, which means something: claim = truth/r."""
    yield from _whole(case, _meaning(case))


def whole_number(case: Case) -> Iterator[Candidate]:
    """One r for all entries, any number: claim = truth/r."""
    yield from _whole(case, peculiar)


def missing_entries(case: Case) -> Iterator[Candidate]:
    """claimᵢ = 0 for the entries that are wrong, or what is claimed where the truth is 0."""
    mask = case.suspects
    labels = Labels(case.evidence, case.columns)
    fit = case.fit
    silent = np.asarray(~(np.abs(fit.truth) > fit.slack).any(axis=0))
    where = labels.describe(mask, silent)
    if (fit.claim[:, mask] == 0).all():
        yield from _zeros(labels, mask, where)
    if labels.hessian:
        yield from _doubled(case, labels)
    yield Candidate("extra entry", f"{where}: put 0, for f does not vary with it here", _extra(mask))


def _zeros(labels: Labels, mask: Array, where: str) -> Iterator[Candidate]:
    """The claim 0 on a set of entries."""
    if labels.hessian and where in ("the lower triangle", "the upper triangle"):
        yield Candidate("symmetry", f"{where}: fill it in by symmetry, where the claim has 0", _scaled(mask, 0.0))
    what = f"put in {labels.partial(int(np.flatnonzero(mask)[0]))}" if mask.sum() == 1 else "put in the partials"
    yield Candidate("missing entry", f"{where}: {what}, where the claim has 0", _scaled(mask, 0.0))


def set_factor(case: Case) -> Iterator[Candidate]:
    """claimᵢ = truthᵢ/r with one r for all entries that are wrong."""
    yield from _of_set(case, _meaning(case))


def set_number(case: Case) -> Iterator[Candidate]:
    """claimᵢ = truthᵢ/r with one r, any number, for all entries that are wrong."""
    yield from _of_set(case, peculiar)


def entry_factors(case: Case) -> Iterator[Candidate]:
    """claimᵢ = truthᵢ/rᵢ for each wrong entry its own r that means something."""
    yield from _each(case, _meaning(case))


def entry_numbers(case: Case) -> Iterator[Candidate]:
    """claimᵢ = truthᵢ/rᵢ for each wrong entry its own r."""
    yield from _each(case, lambda ratio: _meaning(case)(ratio) or peculiar(ratio))


def _meaning(case: Case) -> Namer:
    evidence = case.evidence
    return lambda ratio: named(ratio, evidence.sizes, len(evidence.names))


def _ratio(case: Case, mask: Array) -> Measured | None:
    """truth/claim over a set of entries, where it is known best."""
    fit = case.fit
    half = fit.slack / 2
    return measure(fit.truth[:, mask], half[:, mask], fit.claim[:, mask], half[:, mask])


def _scaled(
    mask: Array, inverse: Array | float, error: Array | float = 0.0
) -> Callable[[Samples], tuple[Array, Array]]:
    """The claim truth·inverse on a set of entries."""
    factors = np.where(mask, inverse, 1.0)
    errors = np.where(mask, error, 0.0)
    return lambda samples: (
        samples.truth * factors,
        samples.bars * np.abs(factors) + np.abs(samples.truth) * (errors + 2e-16),
    )


def _extra(mask: Array) -> Callable[[Samples], tuple[Array, Array]]:
    """Any claim at all where the truth is 0."""

    def predict(samples: Samples) -> tuple[Array, Array]:
        zero = np.abs(samples.truth) <= samples.bars
        return np.where(mask, np.where(zero, samples.claim, np.nan), samples.truth), samples.bars

    return predict


def _inverse(factor: Factor) -> tuple[float, float]:
    return 1 / factor.value, factor.error / factor.value**2


def _whole(case: Case, name: Namer) -> Iterator[Candidate]:
    everything = np.ones(len(case.columns), dtype=bool)
    ratio = _ratio(case, everything)
    if ratio is not None and ratio.value and (factor := name(ratio)) is not None:
        text = factor.text
        if text == "change the sign" and len(everything) > 1:
            text = "change the sign of every entry"
        yield Candidate(factor.kind, text, _scaled(everything, *_inverse(factor)), factor.digits)


def _of_set(case: Case, name: Namer) -> Iterator[Candidate]:
    mask = case.suspects
    ratio = _ratio(case, mask)
    if mask.all() or ratio is None or not ratio.value or (factor := name(ratio)) is None:
        return
    fit = case.fit
    silent = np.asarray(~(np.abs(fit.truth) > fit.slack).any(axis=0))
    where = Labels(case.evidence, case.columns).describe(mask, silent)
    kind = factor.kind if factor.kind in ("signs", "unit") else "entry factor"
    yield Candidate(kind, f"{where}: {factor.text}", _scaled(mask, *_inverse(factor)), factor.digits)


def _each(case: Case, name: Namer) -> Iterator[Candidate]:
    labels = Labels(case.evidence, case.columns)
    inverses, errors = np.ones(len(case.columns)), np.zeros(len(case.columns))
    found: dict[tuple[str, str], Array] = {}
    digits = 0
    for k in np.flatnonzero(case.suspects):
        one = np.arange(len(case.columns)) == k
        ratio = _ratio(case, one)
        if ratio is None or not ratio.value or (factor := name(ratio)) is None:
            return
        inverses[k], errors[k] = _inverse(factor)
        key = (factor.text, factor.kind)
        digits += 0 if key in found else factor.digits
        found[key] = found.get(key, np.zeros_like(one)) | one
    if len(found) > LISTED:
        return
    text = "; ".join(f"{labels.describe(mask)}: {how}" for (how, _), mask in found.items())
    kinds = {kind for _, kind in found}
    kind = "signs" if kinds == {"signs"} else "entry factor"
    yield Candidate(kind, text, _scaled(case.suspects, inverses, errors), digits)


def _doubled(case: Case, labels: Labels) -> Iterator[Candidate]:
    """A triangle alone that carries both halves: claim = 2·truth on one side, 0 on the other."""
    for name, side in (("upper", 1), ("lower", -1)):
        signs = np.array([np.sign(index[1] - index[0]) for _, index in labels.indices]) * side
        factors = np.where(signs > 0, 2.0, np.where(signs < 0, 0.0, 1.0))
        text = f"share the {name} triangle with the other: add the transpose and halve what is off the diagonal"
        yield Candidate("symmetry", text, _scaled(case.suspects, factors))

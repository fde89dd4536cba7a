"""Bugs that add: claim = truth + κ·b with a known b: 1 (an offset), w or sign(w) (a regulariser)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from diffkit.judging.checking.repair.candidates import Candidate
from diffkit.judging.checking.repair.evidence import LISTED, Array, Labels
from diffkit.judging.checking.repair.meaningful_numbers import Measured, digits_of, is_short, measure, shortest
from diffkit.judging.checking.repair.samples import Case, Samples

Basis = Callable[[Array], Array]


def regularisers(case: Case) -> Iterator[Candidate]:
    """κ·w or κ·sign(w) too much or too little, on the entries that are wrong."""
    labels = Labels(case.evidence, case.columns)
    if labels.order != 1 or labels.outputs > 1:
        return
    coordinates = np.array([index[0] for _, index in labels.indices])
    for form, basis in (("{}", _values), ("sign({})", np.sign)):
        amount = _amount(case, case.suspects, lambda points, f=basis: f(points[:, coordinates]))  # type: ignore[misc]
        if amount is None or not is_short(shortest(amount)):
            continue
        kappa, predict = _added(case.suspects, amount, lambda points, f=basis: f(points[:, coordinates]))  # type: ignore[misc]
        text = _regulariser_text(labels, case.suspects, kappa, form, case)
        yield Candidate("missing term" if kappa < 0 else "extra term", text, predict, digits_of(shortest(amount)))


def offsets(case: Case) -> Iterator[Candidate]:
    """The same constant too much in all entries that are wrong."""
    amount = _amount(case, case.suspects, np.ones_like)
    if amount is not None:
        labels = Labels(case.evidence, case.columns)
        kappa, predict = _added(case.suspects, amount, lambda points: np.ones((len(points), len(case.columns))))
        where = labels.describe(case.suspects)
        text = _offset_text(kappa)
        yield Candidate("offset", text if where == "every entry" else f"{where}: {text}", predict, digits_of(text))


def entry_offsets(case: Case) -> Iterator[Candidate]:
    """A constant too much in each entry that is wrong."""
    count = len(case.columns)
    labels = Labels(case.evidence, case.columns)
    kappas, errors, parts, digits = np.zeros(count), np.zeros(count), [], 0
    for k in np.flatnonzero(case.suspects):
        amount = _amount(case, np.arange(count) == k, np.ones_like)
        if amount is None:
            return
        text = shortest(amount)
        kappas[k] = float(text)
        digits += digits_of(text)
        errors[k] = 0.0 if is_short(text) else amount.error
        parts.append(f"entry {labels.names[k]}: {_offset_text(float(text))}")
    more = "; …" if len(parts) > LISTED else ""
    yield Candidate(
        "offset",
        "; ".join(parts[:LISTED]) + more,
        lambda samples: (samples.truth + kappas, samples.bars + errors),
        digits,
    )


def _values(points: Array) -> Array:
    return points


def _amount(case: Case, mask: Array, basis: Basis) -> Measured | None:
    """κ = (claim − truth)/b, where it is known best."""
    fit = case.fit
    b = basis(fit.points)
    b = np.ones_like(fit.claim) if b.shape != fit.claim.shape else b
    return measure(fit.error[:, mask], fit.slack[:, mask], b[:, mask], np.zeros_like(b[:, mask]))


def _added(mask: Array, amount: Measured, basis: Basis) -> tuple[float, Callable[[Samples], tuple[Array, Array]]]:
    text = shortest(amount)
    kappa, error = float(text), 0.0 if is_short(text) else amount.error

    def predict(samples: Samples) -> tuple[Array, Array]:
        added = np.where(mask, basis(samples.points), 0.0)
        return samples.truth + kappa * added, samples.bars + np.abs(added) * (error + abs(kappa) * 4e-16)

    return kappa, predict


def _offset_text(kappa: float) -> str:
    return f"subtract {kappa:g}" if kappa > 0 else f"add {-kappa:g}"


def _regulariser_text(labels: Labels, mask: Array, kappa: float, form: str, case: Case) -> str:
    """The instruction: add 2·0.1·w."""
    verb = "add" if kappa < 0 else "subtract"
    size = _coefficient(abs(kappa), case, squared=form == "{}")
    where = labels.describe(mask)
    if where.startswith("entries ") or (where == "every entry" and len(labels.names) <= LISTED):
        words = [form.format(labels.names[k]) for k in np.flatnonzero(mask)[:LISTED]]
        return f"{where}: {verb} {size}{', '.join(words)}" if len(words) == 1 else (
            f"{where}: {verb} {', '.join(size + word for word in words)}"
        )  # fmt: skip
    if where.startswith("entry "):
        return f"{where}: {verb} {size}{form.format(where[6:])}"
    if where.startswith("every entry"):
        what = "the parameter" if form == "{}" else "the parameter's sign"
        return f"{verb} {size.removesuffix('·') or '1'} times {what} to {where}" if verb == "add" else (
            f"subtract {size.removesuffix('·') or '1'} times {what} from {where}"
        )  # fmt: skip
    return f"{verb} {size}{form.format(where)}"


def _coefficient(kappa: float, case: Case, squared: bool) -> str:
    """κ· as 2·λ· where λ is a constant of f, or a power of ten."""
    half = f"{kappa / 2:.15g}"
    program = case.evidence.program
    constants = [float(c) for c in program.constants if not hasattr(c, "name")] if program is not None else []
    known = kappa / 2 in constants and kappa not in constants
    if squared and (known or (half.strip("0.").split("e")[0] == "1" and kappa != 2)):
        return f"2·{half}·"
    return "" if kappa == 1 else f"{kappa:.15g}·"

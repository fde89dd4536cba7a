"""Bugs that multiply or add: claim = truth/r or truth + κ·b, with r and κ read off the samples.

A number that means something ("divide by 50, which is len(X)") is said before one that means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from diffkit.judging.repair.evidence import (
    ENTRIES_LISTED,
    Array,
    Candidate,
    ClaimSamples,
    Investigation,
    Labels,
    Predict,
)

_TELLING = 1e-3  # a number that is known less precisely than this has no name
_LARGEST_IN_FRACTION = 6  # numerator and denominator of a small fraction
_LARGEST_WHOLE = 12
_MEANINGFUL_CONSTANTS = (
    ("π", math.pi, "factor"),
    ("2π", 2 * math.pi, "factor"),
    ("π/180", math.pi / 180, "unit"),
    ("log(2)", math.log(2), "factor"),
    ("log(10)", math.log(10), "factor"),
    ("sqrt(2)", math.sqrt(2), "factor"),
    ("sqrt(π)", math.sqrt(math.pi), "factor"),
    ("sqrt(2π)", math.sqrt(2 * math.pi), "factor"),
)
_PRODUCT_ROUNDING = 2e-16  # of the truth, that a product with a factor rounds

# Numbers ----------------------------------------------------------------------------------------------------------


class ReadOff(NamedTuple):
    """A number read off the samples, and how far off it may be."""

    value: float
    error: float

    @property
    def inverse(self) -> ReadOff:
        """1/r."""
        return ReadOff(1 / self.value, self.error / self.value**2)

    @property
    def shortest(self) -> str:
        """The decimal with the fewest digits within the error."""
        for digits in range(1, 17):
            text = f"{self.value:.{digits}g}"
            if abs(float(text) - self.value) <= self.error:
                break
        value = float(text)
        return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)


class Factor(NamedTuple):
    """What the claim is to be multiplied by, the instruction, and the kind of bug."""

    value: float
    text: str
    kind: str = "factor"
    error: float = 0.0
    digits: int = 0

    @property
    def inverse(self) -> tuple[float, float]:
        """1/r and its error."""
        return 1 / self.value, self.error / self.value**2


Namer = Callable[[Investigation, ReadOff], Factor | None]
"""makes a factor of a number: one that means something, or any"""


def measure(above: Array, above_bars: Array, below: Array, below_bars: Array) -> ReadOff | None:
    """The ratio above/below where it is known best; None where nothing tells it."""
    with np.errstate(all="ignore"):
        relative = above_bars / np.abs(above) + below_bars / np.abs(below)
        relative = np.where(np.isfinite(relative), relative, np.inf)
    if not relative.size or not relative.min() < _TELLING:
        return None
    at = np.unravel_index(np.argmin(relative), relative.shape)
    ratio = float(above[at] / below[at])
    return ReadOff(ratio, abs(ratio) * (float(relative[at]) + 4e-16))


def meaning(case: Investigation, ratio: ReadOff) -> Factor | None:
    """The factor that means something and lies within the error of the ratio."""
    factors = _factors(case.evidence.sizes, len(case.evidence.names))
    return next((factor for factor in factors if abs(factor.value - ratio.value) <= ratio.error), None)


def peculiar(_: Investigation, ratio: ReadOff) -> Factor | None:
    """The shortest decimal to multiply or to divide by, if there is one; else the number as it was measured.

    None if it is hardly to be told from 1.
    """
    if ratio.error > _TELLING * abs(ratio.value - 1):
        return None
    direct, inverse = ratio.shortest, ratio.inverse.shortest
    if len(inverse) <= len(direct):
        value, text = 1 / float(inverse), f"divide by {inverse}"
    else:
        value, text = float(direct), f"multiply by {direct}"
    return Factor(value, text.replace("-", "−"), "factor", 0.0 if is_short(text) else ratio.error, digits_of(text))


def _factors(sizes: Mapping[str, int], coordinates: int) -> Iterator[Factor]:
    """Factors that mean something, the simplest first."""
    yield Factor(-1.0, "change the sign", "signs")
    for value in (2, 3):
        if value not in sizes.values():
            yield from _pair(float(value), str(value), "", ("factor", "factor"))
    lengths = {
        value: f", which is {'also ' if value == 2 else ''}{name}"
        for name, value in reversed(list(sizes.items()))
        if value > 1
    }
    if coordinates > 1:
        lengths.setdefault(coordinates, ", the number of coordinates")
    for size, reason in lengths.items():
        kinds = ("mean", "sum") if reason.startswith(", which") else ("factor", "factor")
        yield from _pair(float(size), str(size), reason, kinds)
    for number, text in ((2.0, "2"), (0.5, "1/2"), (-1.0, "−1"), (-2.0, "−2")):
        for size, reason in lengths.items():
            where = f", where {size} is {reason.removeprefix(', which is ').removeprefix('also ').removeprefix(', ')}"
            yield Factor(number * size, f"multiply by {text}·{size}{where}")
            yield Factor(number / size, f"multiply by ({text})/{size}{where}")
    for text, number, kind in _MEANINGFUL_CONSTANTS:
        yield from _pair(number, text, "", (kind, kind))
    for below in range(1, _LARGEST_WHOLE + 1):
        for above in range(1, _LARGEST_WHOLE + 1):
            small = min(above, below) == 1 or max(above, below) <= _LARGEST_IN_FRACTION
            if math.gcd(above, below) == 1 and above != below and small:
                yield from (_fraction(Fraction(sign * above, below)) for sign in (1, -1))


def _pair(number: float, text: str, reason: str, kinds: tuple[str, str]) -> Iterator[Factor]:
    yield Factor(1 / number, f"divide by {text}{reason}", kinds[0])
    yield Factor(number, f"multiply by {text}{reason}", kinds[1])


def _fraction(value: Fraction) -> Factor:
    if value.numerator == 1 != value.denominator:
        return Factor(float(value), f"divide by {value.denominator}")
    return Factor(float(value), f"multiply by {value}".replace("-", "−"))


def is_short(text: str) -> bool:
    """Whether a number was surely meant as it is written."""
    return digits_of(text) < 8


def digits_of(text: str) -> int:
    """Significant digits of the number in a text."""
    mantissa = "".join(filter(str.isdigit, text.split("e-")[0].split("e+")[0]))
    return len(mantissa.strip("0"))


# Factors ----------------------------------------------------------------------------------------------------------


def one_factor(case: Investigation, name: Namer) -> Iterator[Candidate]:
    """claim = truth/r with one r, for all entries."""
    factor = _factor(case, None, name)
    if factor is not None:
        every = " of every entry" if factor.kind == "signs" and len(case.columns) > 1 else ""
        yield Candidate(factor.kind, factor.text + every, _times(*factor.inverse), None, factor.digits)


def factor_of_some(case: Investigation, name: Namer) -> Iterator[Candidate]:
    """claimᵢ = truthᵢ/r with one r, for all entries that are wrong."""
    factor = None if case.suspects.all() else _factor(case, case.suspects, name)
    if factor is not None:
        kind = factor.kind if factor.kind in ("signs", "unit") else "entry factor"
        yield Candidate(kind, factor.text, _times(*factor.inverse), case.suspects, factor.digits)


def factors_of_entries(case: Investigation, name: Namer) -> Iterator[Candidate]:
    """claimᵢ = truthᵢ/rᵢ for each wrong entry its own r, one that means something if there is one."""
    inverses, errors = np.ones(len(case.columns)), np.zeros(len(case.columns))
    found: dict[tuple[str, str], Array] = {}
    digits = 0
    for k in np.flatnonzero(case.suspects):
        one = np.arange(len(case.columns)) == k
        factor = _factor(case, one, lambda case, ratio: meaning(case, ratio) or name(case, ratio))
        if factor is None:
            return
        inverses[k], errors[k] = factor.inverse
        key = (factor.text, factor.kind)
        digits += 0 if key in found else factor.digits
        found[key] = found.get(key, np.zeros_like(one)) | one
    if len(found) <= ENTRIES_LISTED:
        text = "; ".join(f"{case.labels.describe(mask)}: {how}" for (how, _), mask in found.items())
        kind = "signs" if {kind for _, kind in found} == {"signs"} else "entry factor"
        yield Candidate(kind, text, _times(inverses, errors), None, digits)


def missing_entries(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """claimᵢ = 0 for the entries that are wrong, or what is claimed where the truth is 0."""
    mask, labels = case.suspects, case.labels
    if (case.fit.claim[:, mask] == 0).all():
        if labels.hessian and case.where(mask) in ("the lower triangle", "the upper triangle"):
            yield Candidate("symmetry", "fill it in by symmetry, where the claim has 0", _times(0.0), mask)
        what = labels.partial(int(np.flatnonzero(mask)[0])) if mask.sum() == 1 else "the partials"
        yield Candidate("missing entry", f"put in {what}, where the claim has 0", _times(0.0), mask)
    if labels.hessian:
        for name, side in (("upper", 1), ("lower", -1)):
            signs = np.array([np.sign(index[1] - index[0]) for _, index in labels.indices]) * side
            text = f"share the {name} triangle with the other: add the transpose and halve what is off the diagonal"
            yield Candidate("symmetry", text, _times(np.where(mask, 1.0 + signs, 1.0)))
    yield Candidate("extra entry", "put 0, for f does not vary with it here", _any_for_zero, mask)


def _any_for_zero(samples: ClaimSamples) -> tuple[Array, Array]:
    """Any claim at all where the truth is 0."""
    zero = np.abs(samples.truth) <= samples.bars
    return np.where(zero, samples.claim, np.nan), samples.bars


def _factor(case: Investigation, mask: Array | None, name: Namer) -> Factor | None:
    """truth/claim over a set of entries, where it is known best."""
    fit, chosen = case.fit, slice(None) if mask is None else mask
    half = fit.slack[:, chosen] / 2
    ratio = measure(fit.truth[:, chosen], half, fit.claim[:, chosen], half)
    return None if ratio is None or not ratio.value else name(case, ratio)


def _times(inverse: Array | float, error: Array | float = 0.0) -> Predict:
    """The claim truth·inverse."""
    return lambda samples: (
        samples.truth * inverse, samples.bars * np.abs(inverse) + np.abs(samples.truth) * (error + _PRODUCT_ROUNDING)
    )  # fmt: skip


# Addends ----------------------------------------------------------------------------------------------------------


def regularisers(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """κ·w or κ·sign(w) too much or too little, on the entries that are wrong."""
    labels, mask = case.labels, case.suspects
    if labels.order != 1 or labels.outputs > 1:
        return
    coordinates = np.array([index[0] for _, index in labels.indices])
    for form, basis in (("{}", np.positive), ("sign({})", np.sign)):
        of_points = _basis(basis, coordinates)
        amount = _amount(case, mask, of_points)
        if amount is None or not is_short(amount.shortest):
            continue
        kappa = float(amount.shortest)
        size = _coefficient(abs(kappa), case, squared=form == "{}")
        text = _regulariser_text(labels, mask, ("add", "to") if kappa < 0 else ("subtract", "from"), size, form)
        kind = "missing term" if kappa < 0 else "extra term"
        yield Candidate(kind, text, _plus(np.where(mask, kappa, 0.0), 0.0, of_points), None, digits_of(amount.shortest))


def _basis(function: Callable[[Array], Array], coordinates: Array) -> Callable[[Array], Array]:
    return lambda points: function(points[:, coordinates])


def offsets(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """The same constant too much in all entries that are wrong."""
    amount = _amount(case, case.suspects)
    if amount is not None:
        text = _offset_text(float(amount.shortest))
        error = 0.0 if is_short(amount.shortest) else amount.error
        yield Candidate("offset", text, _plus(float(amount.shortest), error), case.masks[-1], digits_of(text))


def offsets_of_entries(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """A constant too much in each entry that is wrong."""
    count = len(case.columns)
    kappas, errors, parts, digits = np.zeros(count), np.zeros(count), [], 0
    for k in np.flatnonzero(case.suspects):
        amount = _amount(case, np.arange(count) == k)
        if amount is None:
            return
        text = amount.shortest
        kappas[k] = float(text)
        errors[k] = 0.0 if is_short(text) else amount.error
        digits += digits_of(text)
        parts.append(f"entry {case.labels.names[k]}: {_offset_text(float(text))}")
    more = "; …" if len(parts) > ENTRIES_LISTED else ""
    yield Candidate("offset", "; ".join(parts[:ENTRIES_LISTED]) + more, _plus(kappas, errors), None, digits)


def _amount(case: Investigation, mask: Array, basis: Callable[[Array], Array] | None = None) -> ReadOff | None:
    """κ = (claim − truth)/b, where it is known best; b is 1 if it is not given."""
    fit = case.fit
    b = np.ones_like(fit.claim) if basis is None else basis(fit.points)
    return measure(fit.error[:, mask], fit.slack[:, mask], b[:, mask], np.zeros_like(b[:, mask]))


def _plus(kappa: Array | float, error: Array | float, basis: Callable[[Array], Array] | None = None) -> Predict:
    """The claim truth + κ·b."""

    def predict(samples: ClaimSamples) -> tuple[Array, Array]:
        b = 1.0 if basis is None else basis(samples.points)
        return samples.truth + kappa * b, samples.bars + np.abs(b) * (error + np.abs(kappa) * 2 * _PRODUCT_ROUNDING)

    return predict


def _offset_text(kappa: float) -> str:
    return f"subtract {kappa:g}" if kappa > 0 else f"add {-kappa:g}"


def _regulariser_text(labels: Labels, mask: Array, verb: tuple[str, str], size: str, form: str) -> str:
    """The instruction: add 2·0.1·w."""
    where = labels.describe(mask)
    if where.startswith("entr") or (where == "every entry" and len(labels.names) <= ENTRIES_LISTED):
        words = [size + form.format(labels.names[k]) for k in np.flatnonzero(mask)[:ENTRIES_LISTED]]
        return f"{where}: {verb[0]} {', '.join(words)}"
    if where.startswith("every entry"):
        what = "the parameter" if form == "{}" else "the parameter's sign"
        return f"{verb[0]} {size.removesuffix('·') or '1'} times {what} {verb[1]} {where}"
    return f"{verb[0]} {size}{form.format(where)}"


def _coefficient(kappa: float, case: Investigation, squared: bool) -> str:
    """κ· as 2·λ· where λ is a constant of f, or a power of ten."""
    half = f"{kappa / 2:.15g}"
    program = case.evidence.program
    constants = [float(c) for c in program.constants if not hasattr(c, "name")] if program is not None else []
    known = kappa / 2 in constants and kappa not in constants
    if squared and (known or (half.strip("0.").split("e")[0] == "1" and kappa != 2)):
        return f"2·{half}·"
    return "" if kappa == 1 else f"{kappa:.15g}·"

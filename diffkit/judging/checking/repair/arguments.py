"""Bugs in the argument: claim(x) = truth(x moved), scaled, shifted, in other units, with arguments exchanged, stale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from diffkit.judging.checking.repair.candidates import Candidate
from diffkit.judging.checking.repair.evidence import LISTED, Array, Labels
from diffkit.judging.checking.repair.meaningful_numbers import Measured, digits_of, is_short, measure, named, shortest
from diffkit.judging.checking.repair.samples import Case, Samples, flat

COORDINATES = 16  # coordinates moved one at a time, at most
EXCHANGED = 6  # coordinates exchanged with one another, at most
ITERATIONS = 12
ROUNDED = 1e-12  # of the amount: what the rounding of the moved point may hide where differences of coordinates matter
STEP = 1e-5  # of the amount, for the slope of a Newton step
UNITS = (("π/180", math.pi / 180, "degrees", "radians"), ("180/π", 180 / math.pi, "radians", "degrees"))
PLAIN = (("−", -1.0), ("2·", 2.0), ("0.5·", 0.5))
Move = Callable[[Array, float], Array]


class Part(NamedTuple):
    """Coordinates that move together, and their name."""

    name: str
    mask: Array


def parts(case: Case) -> list[Part]:
    """The whole point, each parameter, each coordinate."""
    evidence = case.evidence
    count = case.point.size
    if count == 1:
        whole = evidence.names[0]
    elif len(evidence.groups) == 1:
        whole = evidence.groups[0][0]
    else:
        whole = f"({', '.join(evidence.names)})" if count <= LISTED else "the point"
    found = [Part(whole, np.ones(count, dtype=bool))]
    found += [Part(name, np.isin(np.arange(count), inside)) for name, _, inside in _groups(case) if len(inside) > 1]
    if 1 < count <= COORDINATES:
        found += [Part(name, np.arange(count) == k) for k, name in enumerate(evidence.names)]
    return found


def _groups(case: Case) -> Iterator[tuple[str, tuple[int, ...], list[int]]]:
    first = 0
    if len(case.evidence.groups) > 1:
        for name, shape in case.evidence.groups:
            size = math.prod(shape)
            yield name, shape, list(range(first, first + size))
            first += size


def other_units(case: Case) -> Iterator[Candidate]:
    """Degrees for radians or the reverse, with and without the factor that goes with it; −x, x/2 or 2x for x."""
    for part in parts(case):
        for text, amount, wrong, right in UNITS:
            move = _scaling(part, amount)
            yield _moved(case, "unit", f"take {part.name} in {right}: the claim takes it in {wrong} ({text})", move)
            yield from _with_factor(case, f"take {part.name} in {right}, not in {wrong}", move)
        for text, amount in PLAIN:
            words = f"evaluate at {part.name}, not at {text}{part.name}"
            yield _moved(case, "wrong argument", words, _scaling(part, amount))
        yield _moved(case, "stale argument", f"evaluate at {part.name}, not at 0", _scaling(part, 0.0))


def exchanged(case: Case) -> Iterator[Candidate]:
    """Two arguments in the place of each other."""
    count = case.point.size
    if 1 < count <= EXCHANGED:
        for i, j in combinations(range(count), 2):
            order = np.arange(count)
            order[[i, j]] = j, i
            first, second = case.evidence.names[i], case.evidence.names[j]
            words = f"exchange the arguments {first} and {second}: the claim takes each for the other"
            yield _moved(case, "swapped arguments", words, lambda x, o=order: x[o])  # type: ignore[misc]


def transposed(case: Case) -> Iterator[Candidate]:
    """Two axes of a parameter that are as long as each other, taken for one another: W for its transpose."""
    first = 0
    for name, shape in case.evidence.groups:
        inside = np.arange(first, first + math.prod(shape))
        first += inside.size
        for i, j in combinations(range(len(shape)), 2):
            if shape[i] != shape[j] or shape[i] == 1:
                continue
            order = np.arange(case.point.size)
            order[inside] = inside.reshape(shape).swapaxes(i, j).ravel()
            words = f"exchange axes {i} and {j} of {name}" if len(shape) > 2 else f"take {name}, not its transpose"
            if len(shape) > 2:
                words += f": the claim takes {name} with these axes the other way about"
            for mask, where in _masks(case):
                yield _moved(case, "swapped arguments", where + words, lambda x, o=order: x[o], mask)  # type: ignore[misc]


def _masks(case: Case) -> Iterator[tuple[Array | None, str]]:
    """All entries, or those that are wrong, with what stands before the words about them."""
    yield None, ""
    if not case.suspects.all():
        yield case.suspects, f"{Labels(case.evidence, case.columns).describe(case.suspects)}: "


def stale(case: Case) -> Iterator[Candidate]:
    """claim(x) = truth(s·x) or truth(x + h), by a Newton iteration for s or h; of all coordinates or a part of them."""
    masks: list[Array | None] = [None]
    if not case.suspects.all():
        masks.append(case.suspects)
    for mask in masks:
        for part in parts(case):
            for scale in (True, False):
                yield from _fitted(case, part, scale, mask)


def _fitted(case: Case, part: Part, scale: bool, mask: Array | None) -> Iterator[Candidate]:
    start = 1.0 if scale else 0.0
    move: Callable[[float], Callable[[Array], Array]] = (
        (lambda s: _scaling(part, s)) if scale else (lambda h: lambda x: x + np.where(part.mask, h, 0.0))
    )
    amount = _solved(case, move, start, mask)
    if amount is None or amount.value == start:
        return
    text = shortest(amount)
    value, error = float(text), 0.0 if is_short(text) else amount.error
    size = text if scale else text.removeprefix("-")
    joined = f"{size}·{part.name}" if scale else f"{part.name} {'−' if value < 0 else '+'} {size}"
    words = f"evaluate at {part.name}, not at {joined.replace('-', '−', 1) if scale else joined}"
    if mask is not None:
        words = f"{Labels(case.evidence, case.columns).describe(mask)}: {words}"
    found = _moved(case, "stale argument", words, move(value), mask, move(value + error) if error else None)
    yield found._replace(digits=digits_of(text))


def _scaling(part: Part, amount: float) -> Callable[[Array], Array]:
    return lambda x: np.where(part.mask, x * amount, x)


def _solved(
    case: Case, move: Callable[[float], Callable[[Array], Array]], start: float, mask: Array | None
) -> Measured | None:
    """The amount at which the truth at the moved point is the claim: Gauss–Newton steps for one unknown."""
    fit = case.fit
    telling = int(np.argmax((np.abs(fit.error) / fit.slack).max(axis=1)))
    x, claim, slack = fit.points[telling], fit.claim[telling], fit.slack[telling]
    use = fit.wrong[telling] if mask is None else mask & fit.wrong[telling]
    if not use.any():
        return None
    weight = np.where(use, slack[use].min() / slack, 0.0)
    scale = 1.0 if start else float(np.median(np.abs(x))) or 1.0
    amount = start
    for _ in range(ITERATIONS):
        values, bars = case.truths(np.array([move(amount)(x), move(amount + STEP * scale)(x)]))
        if not np.isfinite(values).all():
            return None
        slope = (values[1] - values[0]) / (STEP * scale)
        size = ((weight * slope) ** 2).sum()
        if size == 0:
            return None
        step = -float((weight**2 * slope * (values[0] - claim)).sum() / size)
        if not math.isfinite(step) or abs(amount + step - start) > 10 * scale:
            return None
        if abs(step) <= 1e-13 * scale or (np.abs(values[0] - claim) <= slack + bars[0])[use].all():
            known = use & (slope != 0)
            errors = (slack + bars[0])[known] / np.abs(slope[known])
            return Measured(amount + step, 2 * float(errors.min()) + abs(step) * 1e-3 + ROUNDED * scale)
        amount += step
    return None


def _moved(
    case: Case,
    kind: str,
    text: str,
    move: Callable[[Array], Array],
    mask: Array | None = None,
    edge: Callable[[Array], Array] | None = None,
) -> Candidate:
    """The truth at moved points; ``edge`` moves as far as the amount may be off."""

    def predict(samples: Samples) -> tuple[Any, Any]:
        values, bars = case.truths(np.array([move(x) for x in samples.points]))
        if edge is not None:
            bars = bars + np.abs(case.truths(np.array([edge(x) for x in samples.points]))[0] - values)
        if mask is None:
            return values, bars
        return np.where(mask, values, samples.truth), np.where(mask, bars, samples.bars)

    return Candidate(kind, text, predict)


def _with_factor(case: Case, text: str, move: Callable[[Array], Array]) -> Iterator[Candidate]:
    """claim(x) = truth(moved)/r: other units inside and the factor outside."""
    fit = case.fit
    values, bars = case.truths(np.array([move(x) for x in fit.points]))
    ratio = measure(values, bars, fit.claim, fit.slack)
    factor = None if ratio is None else named(ratio, case.evidence.sizes, len(case.evidence.names))
    if factor is None:
        return

    def predict(samples: Samples) -> tuple[Any, Any]:
        there, there_bars = case.truths(np.array([move(x) for x in samples.points]))
        return there / factor.value, there_bars / abs(factor.value)

    yield Candidate("unit", f"{text}, and {factor.text}", predict)


def previous_call(case: Case) -> Iterator[Candidate]:
    """The claim answers for the point of the call before."""
    evidence = case.evidence

    def predict(samples: Samples) -> tuple[Any, Any]:
        kept = np.full_like(samples.claim, np.nan)
        for row, point in enumerate(samples.points):
            before = samples.points[row - 1] if len(samples.points) > 1 else case.point
            there, bars = case.truths(before[None])
            case.claim(before)
            now = flat(evidence.claim, point, case.count)[case.live]
            if (np.abs(now - there[0]) <= bars[0] + samples.slack[row]).all():
                kept[row] = samples.claim[row]
        return kept, samples.bars

    yield Candidate(
        "stale argument", "evaluate at the point of this call: the claim answers for the call before", predict
    )

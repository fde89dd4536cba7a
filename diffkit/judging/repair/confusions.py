"""The truth of something else: at another point, of another order, or with another value in one place.

claim(x) = truth(x moved): scaled, shifted, in other units, with arguments exchanged, stale; claim = f⁽ᵏ⁾ for another k;
claim·v = truth·u for two values u and v of f.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from diffkit.calculus.derivatives import differentiate
from diffkit.calculus.guards import depends
from diffkit.core.program import Program
from diffkit.core.text import excerpt
from diffkit.judging.repair.evidence import ENTRIES_LISTED, Array, Candidate, ClaimSamples, Investigation, Predict, flat
from diffkit.judging.repair.multiples import Namer, ReadOff, digits_of, is_short, meaning, measure
from diffkit.judging.repair.mutants import with_bounds

_COORDINATES = 16  # coordinates moved one at a time, at most
_EXCHANGED = 6  # coordinates exchanged with one another, at most
_ITERATIONS = 12
_MOVED_ROUNDING = 1e-12  # of the amount: what rounding the moved point may hide where differences of coordinates matter
_NEWTON_STEP = 1e-5  # of the amount, for the slope of a Newton step
_UNITS = (("π/180", math.pi / 180, "degrees", "radians"), ("180/π", 180 / math.pi, "radians", "degrees"))
_PLAIN_MULTIPLES = (("−", -1.0), ("2·", 2.0), ("0.5·", 0.5))
_ORDERS = ("f itself", "the first derivative", "the second derivative", "the third derivative")
_LONGEST_FOR_PAIRS = 150  # instructions of a program whose values are tried, each in the place of each
_PAIRS_PROVEN = 6
_NEAR_PAIR = 1e-7  # relative: a pair of values is worth a proof
_Move = Callable[[Array], Array]

# Another point ----------------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """Coordinates that move together, and their name."""

    name: str
    mask: Array

    def scaled(self, amount: float) -> _Move:
        """x·s"""
        return lambda x: np.where(self.mask, x * amount, x)

    def shifted(self, amount: float) -> _Move:
        """x + h"""
        return lambda x: x + np.where(self.mask, amount, 0.0)


def _parts(case: Investigation) -> list[_Part]:
    """The whole point, each parameter, each coordinate."""
    evidence, count = case.evidence, case.point.size
    if count == 1:
        whole = evidence.names[0]
    elif len(evidence.groups) == 1:
        whole = evidence.groups[0][0]
    else:
        whole = f"({', '.join(evidence.names)})" if count <= ENTRIES_LISTED else "the point"
    found = [_Part(whole, np.ones(count, dtype=bool))]
    groups = evidence.parameters() if len(evidence.groups) > 1 else ()
    found += [_Part(name, np.isin(np.arange(count), inside)) for name, _, inside in groups if len(inside) > 1]
    if 1 < count <= _COORDINATES:
        found += [_Part(name, np.arange(count) == k) for k, name in enumerate(evidence.names)]
    return found


def _moved(case: Investigation, move: _Move, edge: _Move | None = None) -> Predict:
    """The truth at moved points; ``edge`` moves as far as the amount may be off."""

    def predict(samples: ClaimSamples) -> tuple[Any, Any]:
        values, bars = case.truths([move(x) for x in samples.points])
        if edge is not None:
            bars = bars + np.abs(case.truths([edge(x) for x in samples.points])[0] - values)
        return values, bars

    return predict


def other_units(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Degrees for radians or the reverse, with and without the factor that goes with it; −x, x/2 or 2x for x."""
    for part in _parts(case):
        name = part.name
        for text, amount, wrong, right in _UNITS:
            words = f"take {name} in {right}: the claim takes it in {wrong} ({text})"
            yield Candidate("unit", words, _moved(case, part.scaled(amount)))
            yield from _with_factor(case, f"take {name} in {right}, not in {wrong}", part.scaled(amount))
        for text, amount in _PLAIN_MULTIPLES:
            words = f"evaluate at {name}, not at {text}{name}"
            yield Candidate("wrong argument", words, _moved(case, part.scaled(amount)))
        yield Candidate("stale argument", f"evaluate at {name}, not at 0", _moved(case, part.scaled(0.0)))


def _with_factor(case: Investigation, text: str, move: _Move) -> Iterator[Candidate]:
    """claim(x) = truth(moved)/r: other units inside and the factor outside."""
    moved = _moved(case, move)
    ratio = measure(*moved(case.fit), case.fit.claim, case.fit.slack)
    factor = None if ratio is None else meaning(case, ratio)
    if factor is not None:
        yield Candidate("unit", f"{text}, and {factor.text}", _divided(moved, factor.value))


def _divided(predict: Predict, r: float) -> Predict:
    def divided(samples: ClaimSamples) -> tuple[Any, Any]:
        values, bars = predict(samples)
        return values / r, bars / abs(r)

    return divided


def exchanged(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Two arguments in the place of each other; two axes of a parameter that are as long: W for its transpose."""
    everything = np.arange(case.point.size)
    for i, j in combinations(range(len(everything)), 2) if len(everything) <= _EXCHANGED else ():
        order = everything.copy()
        order[[i, j]] = j, i
        first, second = case.evidence.names[i], case.evidence.names[j]
        words = f"exchange the arguments {first} and {second}: the claim takes each for the other"
        yield Candidate("swapped arguments", words, _moved(case, _ordered(order)))
    for name, shape, inside in case.evidence.parameters():
        for i, j in combinations(range(len(shape)), 2):
            if shape[i] != shape[j] or shape[i] == 1:
                continue
            order = everything.copy()
            order[inside] = inside.reshape(shape).swapaxes(i, j).ravel()
            words = f"take {name}, not its transpose"
            if len(shape) > 2:
                how = "with these axes the other way about"
                words = f"exchange axes {i} and {j} of {name}: the claim takes {name} {how}"
            for mask in case.masks:
                yield Candidate("swapped arguments", words, _moved(case, _ordered(order)), mask)


def _ordered(order: Array) -> _Move:
    return lambda x: x[order]


def previous_call(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """The claim answers for the point of the call before."""

    def predict(samples: ClaimSamples) -> tuple[Any, Any]:
        kept = np.full_like(samples.claim, np.nan)
        for row, point in enumerate(samples.points):
            before = samples.points[row - 1] if len(samples.points) > 1 else case.point
            there, bars = case.truths([before])
            case.claim(before)
            now = flat(case.evidence.claim, point, case.count)[case.live]
            if (np.abs(now - there[0]) <= bars[0] + samples.slack[row]).all():
                kept[row] = samples.claim[row]
        return kept, samples.bars

    words = "evaluate at the point of this call: the claim answers for the call before"
    yield Candidate("stale argument", words, predict)


def stale(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """claim(x) = truth(s·x) or truth(x + h), by a Newton iteration for s or h; of all coordinates or a part of them."""
    for mask in case.masks:
        for part in _parts(case):
            for start, move in ((1.0, part.scaled), (0.0, part.shifted)):
                amount = _solved(case, move, start, mask)
                if amount is not None and amount.value != start:
                    text = amount.shortest
                    value, error = float(text), 0.0 if is_short(text) else amount.error
                    there = _there(part.name, text, bool(start))
                    predict = _moved(case, move(value), move(value + error) if error else None)
                    words = f"evaluate at {part.name}, not at {there}"
                    yield Candidate("stale argument", words, predict, mask, digits_of(text))


def _there(name: str, amount: str, scale: bool) -> str:
    """Where the claim was evaluated: 1.01·x, x − 0.5."""
    size = amount.removeprefix("-")
    if scale:
        return f"{'−' * (size != amount)}{size}·{name}"
    return f"{name} {'−' if size != amount else '+'} {size}"


def _solved(case: Investigation, move: Callable[[float], _Move], start: float, mask: Array | None) -> ReadOff | None:
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
    for _ in range(_ITERATIONS):
        values, bars = case.truths([move(amount)(x), move(amount + _NEWTON_STEP * scale)(x)])
        if not np.isfinite(values).all():
            return None
        slope = (values[1] - values[0]) / (_NEWTON_STEP * scale)
        size = ((weight * slope) ** 2).sum()
        if size == 0:
            return None
        step = -float((weight**2 * slope * (values[0] - claim)).sum() / size)
        if not math.isfinite(step) or abs(amount + step - start) > 10 * scale:
            return None
        if abs(step) <= 1e-13 * scale or (np.abs(values[0] - claim) <= slack + bars[0])[use].all():
            known = use & (slope != 0)
            errors = (slack + bars[0])[known] / np.abs(slope[known])
            return ReadOff(amount + step, 2 * float(errors.min()) + abs(step) * 1e-3 + _MOVED_ROUNDING * scale)
        amount += step
    return None


# Another order, another value -------------------------------------------------------------------------------------


def other_order(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """The claim is f⁽ᵏ⁾ with another k, for f of one variable whose formula is known."""
    program = case.evidence.program
    if program is None or len(program.inputs) != 1 or len(program.outputs) != 1 or case.count != 1:
        return
    asked = len(case.evidence.indices[0][1])
    for order, name in enumerate(_ORDERS):
        if order != asked:
            steps = abs(asked - order)
            times = "once" if steps == 1 else "twice" if steps == 2 else f"{steps} times"
            words = f"differentiate {times} {'more' if order < asked else 'less'}: the claim is {name}"
            yield Candidate("order", words, _values_of(differentiate(program, [(0, (0,) * order)])))


def _values_of(program: Program) -> Predict:
    return lambda samples: with_bounds(program, samples.points)


def other_value(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """claimᵢ·v = truthᵢ·u for all wrong entries: f computes v, which belongs there, and u, which was taken."""
    program = case.evidence.program
    if program is None or len(program.instructions) > _LONGEST_FOR_PAIRS or len(program.inputs) != case.point.size:
        return
    varies = depends(program)
    slots = [slot for slot in range(len(program)) if varies[slot]]
    pairs = [(slots[k], slots[j]) for k, j in np.argwhere(_fitting_pairs(case, program, slots)).tolist()]
    pairs.sort(key=lambda pair: sum(len(excerpt(program, slot)) for slot in pair))
    for right, taken in pairs[:_PAIRS_PROVEN]:
        words = f"put {excerpt(program, right)} where the claim has {excerpt(program, taken)}"
        yield Candidate("other value", words, _exchanged_values(_with_outputs(program, right, taken)), case.suspects)


def _with_outputs(program: Program, *slots: int) -> Program:
    return Program(program.inputs, program.constants, program.instructions, slots)


def _fitting_pairs(case: Investigation, program: Program, slots: list[int]) -> Array:
    """Which pairs (v, u) of values fit at all points, (S, S)."""
    fit, mask = case.fit, case.suspects
    values = with_bounds(_with_outputs(program, *slots), fit.points)[0]
    found = ~np.eye(len(slots), dtype=bool)
    for claim, truth, here in zip(fit.claim[:, mask], fit.truth[:, mask], values, strict=True):
        for left, right in zip(claim, truth, strict=True):
            gap = np.abs(left * here[:, None] - right * here)
            found &= gap <= _NEAR_PAIR * np.abs(right * here)
    return found


def _exchanged_values(both: Program) -> Predict:
    """The claim that has u where v belongs, for a program that gives v and u."""

    def predict(samples: ClaimSamples) -> tuple[Any, Any]:
        values, bars = with_bounds(both, samples.points)
        (v, u), (v_bar, u_bar) = (part.T[:, :, None] for part in (values, bars))
        claim = samples.truth * (u / v)
        error = samples.bars * np.abs(u / v) + np.abs(claim) * (v_bar / np.abs(v) + u_bar / np.abs(u) + 2**-51)
        return claim, error

    return predict

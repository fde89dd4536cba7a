"""Bugs that put the right numbers in the wrong places: claimᵢ = truth_σ(i)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from diffkit.judging.repair.evidence import (
    ENTRIES_LISTED,
    Array,
    Candidate,
    Investigation,
    Labels,
    Predict,
    listed,
    tolerance,
)
from diffkit.judging.repair.multiples import Namer

_MOST_COMPARED = 512  # entries that are compared each with each
_NO_ENTRY = -1  # stands for 0 in a map of positions
_Order = tuple[str, str, Array]


def _placed(order: Array, signs: Array | None = None) -> Predict:
    """The claim that holds truth_σ(i) in entry i, 0 where σ(i) is none."""
    kept = (order != _NO_ENTRY) * (1.0 if signs is None else signs)
    return lambda samples: (samples.truth[:, order] * kept, samples.bars[:, order] * np.abs(kept))


def rearranged(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Transposed, reversed, shifted: the whole answer, or one parameter's part of it."""
    if len(case.columns) != case.count:
        return
    everything = np.arange(case.count)
    for kind, text, order in _orders(_own_shape(case), everything):
        yield Candidate(kind, text, _placed(order))
    for name, shape, inside in case.labels.blocks:
        positions = np.array(inside)
        if len(inside) < 2 or not case.suspects[positions].any():
            continue
        for kind, text, order in _orders(shape, np.arange(len(inside))):
            moved = everything.copy()
            moved[positions] = positions[order % len(inside)]
            moved[positions[order == _NO_ENTRY]] = _NO_ENTRY
            yield Candidate(kind, f"{name}: {text}", _placed(moved))


def _own_shape(case: Investigation) -> tuple[int, ...]:
    """The shape the answer should have: of a parameter it is the parameter's, though the claim may be transposed."""
    evidence = case.evidence
    shapes = [shape for _, shape in evidence.groups]
    return shapes[0] if len(shapes) == 1 and math.prod(shapes[0]) == case.count else evidence.shape


def _orders(shape: tuple[int, ...], everything: Array) -> Iterator[_Order]:
    """Orders of all entries with a name; (kind, instruction, σ)."""
    count, shaped = everything.size, everything.reshape(shape)
    if len(shape) > 1 and min(shape) > 1:
        yield "transpose", "transpose", shaped.T.ravel()
        yield "reversed", "reverse the order of the rows", shaped[::-1].ravel()
        yield "reversed", "reverse the order of the columns", shaped[:, ::-1].ravel()
        for axis, what in enumerate(("rows", "columns")):
            for step in (1, -1) if shape[axis] > 2 else ():
                yield "shift", f"shift the {what} by {_places(step)}", np.roll(shaped, -step, axis=axis).ravel()
    for i, j in combinations(range(len(shape)), 2) if len(shape) > 2 else ():
        if min(shape[i], shape[j]) > 1:
            yield "transpose", f"exchange axes {i} and {j}", shaped.swapaxes(i, j).ravel()
    if count > 2:
        yield "reversed", "reverse the order of the entries", everything[::-1].copy()
        steps = [sign * k for k in range(1, min(count // 2, _MOST_COMPARED) + 1) for sign in (1, -1)]
        for step in steps:
            text, moved = f"shift the entries by {_places(step)}", np.roll(everything, -step)
            yield "shift", text, moved
            if abs(step) == 1:
                moved = moved.copy()
                moved[-1 if step > 0 else 0] = _NO_ENTRY
                end = "first" if step > 0 else "last"
                yield "shift", f"{text} and put in the {end}, where the claim drops it", moved


def _places(step: int) -> str:
    side = "down" if step > 0 else "up"
    return f"one place {side}" if abs(step) == 1 else f"{abs(step)} places {side}"


def _matches(case: Investigation, sign: float = 1.0) -> Array:
    """Which entries of the truth each entry of the claim may be, at every point of the fit (c, c)."""
    fit = case.fit
    found = np.ones((len(case.columns),) * 2, dtype=bool)
    for claim, noise, truth, bars in zip(fit.claim, fit.noise, sign * fit.truth, fit.bars, strict=True):
        near = tolerance(claim[:, None], noise[:, None], truth, bars)
        found &= np.abs(claim[:, None] - truth) <= near
    return found


def misplaced(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Swapped pairs, general permutations, and entries that repeat another partial."""
    order = _assigned(case, _matches(case)) if 1 < len(case.columns) <= _MOST_COMPARED else None
    if order is not None:
        kind, text = _words_of(order, case.labels)
        yield Candidate(kind, text, _placed(order))


def misplaced_with_signs(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Permutations in which some entries also have the wrong sign: (∂f/∂y, −∂f/∂x)."""
    count, labels = len(case.columns), case.labels
    if not 1 < count <= _MOST_COMPARED:
        return
    plain, negated = _matches(case), _matches(case, -1.0)
    order = _assigned(case, plain | negated)
    if order is None:
        return
    signs = np.where(plain[np.arange(count), order], 1.0, -1.0)
    parts = [
        f"entry {labels.names[k]} is {'−' if signs[k] < 0 else ''}{labels.partial(int(order[k]))}"
        for k in np.flatnonzero(case.suspects)[:ENTRIES_LISTED]
    ]
    kind = "swap" if len(set(order)) == count else "wrong index"
    yield Candidate(kind, f"{listed(parts)}: put each in its place and change the signs", _placed(order, signs))


def _assigned(case: Investigation, matches: Array) -> Array | None:
    """σ for the wrong entries, a permutation where one is possible; None where some entry matches nothing."""
    count = len(case.columns)
    order = np.arange(count)
    wrong = np.flatnonzero(case.suspects)
    if not matches[wrong].any(axis=1).all():
        return None
    free = set(wrong.tolist())
    taken = order.copy()
    for k in wrong.tolist():  # a permutation of the wrong entries among themselves
        choices = [j for j in np.flatnonzero(matches[k]).tolist() if j in free]
        if not choices:
            break
        taken[k] = min(choices, key=lambda j: abs(j - k))
        free.discard(int(taken[k]))
    else:
        return taken
    for k in wrong.tolist():
        order[k] = min(np.flatnonzero(matches[k]).tolist(), key=lambda j: abs(j - k))
    return order


def _words_of(order: Array, labels: Labels) -> tuple[str, str]:
    """The kind of a new order, and the instruction."""
    moved = np.flatnonzero(order != np.arange(order.size)).tolist()
    names, partials = labels.names, [labels.partial(int(order[k])) for k in moved[:ENTRIES_LISTED]]
    more = ", …" if len(moved) > ENTRIES_LISTED else ""
    if len(set(order.tolist())) < order.size:
        pairs = zip(moved, partials, strict=False)
        parts = [f"entry {names[k]} is {partial}: differentiate {_right(labels, k)}" for k, partial in pairs]
        return "wrong index", "; ".join(parts) + more.replace(",", ";")
    if len(moved) == 2:
        return "swap", f"swap entries {names[moved[0]]} and {names[moved[1]]}"
    if rows := _by_rows(labels, order):
        return "permutation", rows
    parts = [f"{partial} stands in entry {names[k]}" for k, partial in zip(moved, partials, strict=False)]
    return "permutation", f"reorder the entries: {', '.join(parts)}{more}"


def _right(labels: Labels, position: int) -> str:
    """What an entry should be: "by y", "f2 by x", "by x and y"."""
    output, index = labels.indices[position]
    f = f"f{output + 1} " if labels.outputs > 1 else ""
    return f"{f}by {' and '.join(labels.evidence.names[i] for i in index)}"


def _by_rows(labels: Labels, order: Array) -> str:
    """Two rows or columns that are exchanged, in words; empty if that is not it."""
    shape = labels.evidence.shape
    if len(shape) != 2 or math.prod(shape) != order.size:
        return ""
    rows, columns = np.divmod(order.reshape(shape), shape[1])
    for what, placed in (("rows", rows), ("columns", columns.T)):
        lines = placed[:, 0]
        moved = np.flatnonzero(lines != np.arange(lines.size))
        if len(moved) == 2 and (placed == lines[:, None]).all():
            return f"swap {what} {' and '.join(_line(labels, what, int(k)) for k in moved)}"
    return ""


def _line(labels: Labels, what: str, number: int) -> str:
    if what == "rows" and labels.outputs > 1:
        return f"f{number + 1}"
    return labels.evidence.names[number] if labels.order == 2 or labels.outputs > 1 else str(number)

"""Lowered code as calls of NumPy over equal operations of one depth: for a few points of programs with many inputs.

The numbers of a point stand in one vector, the results of a call side by side. What a call takes is a slice of the
vector where the slots are evenly spaced, and gathered from it where they are not. A long sum, each operation of which
waits for the one before, is a single call that adds in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import in_time
from diffkit.core.program import Program
from diffkit.core.table import ADD, SUB, WHERE, Primitive
from diffkit.engines.blocks import select, writing
from diffkit.engines.lowering import Lowered

_ROOM = 2**22  # bytes that the vectors of a block of points may fill
_LONG_SUM = 16  # terms of a sum from which it is one call
_ROUNDED = 0.5  # ulps of what is rounded correctly, so that everybody has the same bits


class _Group(NamedTuple):
    """Operations that are computed together: where their results stand, and each of their arguments.

    An argument is a slice of the vector, or the numbers of its entries. Long sums have one argument, all their terms,
    and the signs of these, (terms, sums, 1).
    """

    row: Primitive
    results: slice
    args: list[Any]
    signs: Any


class LevelCalls:
    """The groups of a program in an order in which they can be computed, and where everything stands."""

    def __init__(self, lowered: Lowered, exact: bool = False):
        program = lowered.program
        self.exact = exact
        """whether each number is to have the bits that ``math`` gives it"""
        self.inputs = len(program.inputs)
        self.constants = np.array([float(c) for c in program.constants])  # type: ignore[arg-type]
        self.entries = np.zeros(len(program), dtype=np.intp)
        """where each slot stands"""
        self.slots = program.first_instruction
        self.entries[: self.slots] = np.arange(self.slots)
        self.groups = [self._group(kind[0], kind[1], members) for kind, members in _groups(program)]
        checked = lowered.values + lowered.finite
        self.values = self._places(program.outputs[: lowered.values])
        self.checked = self._places(program.outputs[:checked])
        margins = list(lowered.margins)
        self.positive = self._places([slot for slot, edge in margins if edge])
        self.not_zero = self._places([slot for slot, edge in margins if not edge])
        self.calls = sum(1 + sum(not isinstance(arg, slice) for arg in group.args) for group in self.groups)
        self.work = self.slots
        self.longest = max(1, _ROOM // (8 * self.slots + 8))

    def space(self, length: int) -> _Vectors:
        """Room for so many points."""
        return _Vectors(self, length)

    def _group(self, row: Primitive, terms: int, members: list[_Member]) -> _Group:
        """Place operations side by side, in the order of what they take."""
        taken = self.entries[np.array([member.args for member in members], dtype=np.intp)]
        order = np.lexsort(taken.T[1::-1])
        results = slice(self.slots, self.slots + len(members))
        self.slots = results.stop
        self.entries[np.array([member.slot for member in members])[order]] = np.arange(results.start, results.stop)
        if not terms:
            return _Group(row, results, [_evenly(column) for column in taken[order].T], None)
        signs = np.array([member.signs for member in members])[order].T[:, :, None]
        return _Group(row, results, [_evenly(taken[order].T.ravel())], signs)

    def _places(self, slots: Sequence[int]) -> Any:
        return _evenly(self.entries[np.array(slots, dtype=np.intp)])


def _evenly(entries: Any) -> Any:
    """Entries as a slice, if they are evenly spaced or one and the same."""
    if not len(entries):
        return slice(0, 0)
    first, step = int(entries[0]), int(entries[1] - entries[0]) if len(entries) > 1 else 0
    if step < 0 or not np.all(entries[1:] - entries[:-1] == step):
        return entries
    return slice(first, first + step * (len(entries) - 1) + 1, step or None)


class _Member(NamedTuple):
    """An operation of a group."""

    slot: int
    args: tuple[int, ...]
    signs: tuple[float, ...]


def _groups(program: Program) -> Iterator[tuple[tuple[Any, ...], list[_Member]]]:
    """Operations by their depth and what they are: the row, how many terms if it is a long sum, and its orders.

    The order of a function, as of Bessel's, is one number to a call.
    """
    sums, inside = _long_sums(program)
    depths = [0] * program.first_instruction
    levels: list[dict[tuple[Any, ...], list[_Member]]] = []
    for slot, row, args in in_time(program.numbered()):
        terms = sums.get(slot, [])
        taken = tuple(arg for arg, _ in terms) or args
        depth = max(depths[arg] for arg in taken)
        depths.append(0 if slot in inside else depth + 1)
        if slot not in inside:
            if depth == len(levels):
                levels.append({})
            kind = (ADD, len(terms)) if terms else (row, 0, *(args[place] for place in row.orders))
            members = levels[depth].setdefault(kind, [])
            members.append(_Member(slot, taken, tuple(sign for _, sign in terms)))
    for level in levels:
        yield from level.items()


def _long_sums(program: Program) -> tuple[dict[int, list[tuple[int, float]]], set[int]]:
    """Sums of many terms by the slots of their last operations, and the slots of the operations before these."""
    uses = Counter(arg for _, args in program.instructions for arg in args)
    uses.update(dict.fromkeys(program.outputs, 2))
    open_sums: dict[int, list[tuple[int, float]]] = {}
    inside: dict[int, list[int]] = {}
    for slot, row, args in program.numbered():
        if row is ADD or row is SUB:
            x, y = args if row is SUB or args[0] in open_sums else args[::-1]
            follows = x in open_sums and uses[x] == 1
            terms = open_sums.pop(x) if follows else [(args[0], 1.0)]
            terms.append((y if follows else args[1], -1.0 if row is SUB else 1.0))
            before = inside.pop(x) if follows else []
            if follows:
                before.append(x)
            open_sums[slot], inside[slot] = terms, before
    long = {slot: terms for slot, terms in open_sums.items() if len(terms) >= _LONG_SUM}
    return long, {slot for last in long for slot in inside[last]}


class _Vectors:
    """Room for the numbers of some points, a row for each slot, and the calls that compute them."""

    def __init__(self, plan: LevelCalls, length: int):
        self.length, self.plan = length, plan
        self.numbers = np.empty((plan.slots, length) if length > 1 else plan.slots)
        self.inputs = self.numbers[: plan.inputs]
        self.numbers[plan.inputs : plan.inputs + len(plan.constants)].T[...] = plan.constants
        self.calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.scratch: dict[int, Any] = {}
        for group in plan.groups:
            self._add(group)

    def _add(self, group: _Group) -> None:
        """Add the calls of a group: what it takes is gathered, and then computed."""
        taken = [self._gathered(place, entries) for place, entries in enumerate(group.args)]
        for place in group.row.orders:
            taken[place] = taken[place].flat[0]
        results = self.numbers[group.results]
        if group.signs is None:
            self.calls.append((_writing(group.row, self.plan.exact), (*taken, results)))
        else:
            terms = taken[0].reshape(*group.signs.shape[:2], -1)
            signs = None if np.all(group.signs == 1.0) else group.signs
            self.calls.append((_add_in_order, (terms, signs, results.reshape(len(results), -1))))

    def _gathered(self, place: int, entries: Any) -> Any:
        """Where an argument is found: as it stands, or gathered by a call in front."""
        if isinstance(entries, slice):
            return self.numbers[entries]
        room = self.scratch.get(place, ())
        if len(room) < len(entries):
            self.scratch[place] = np.empty((max(len(entries), 2 * len(room)), *self.numbers.shape[1:]))
        found = self.scratch[place][: len(entries)]
        self.calls.append((self.numbers.take, (entries, 0, found, "clip")))
        return found

    def run(self, points: Any, out: Any) -> Any:
        """Write the values at so many points; give which are ordinary, or None if all are."""
        plan = self.plan
        self.inputs[...] = points.T.reshape(self.inputs.shape)
        for call, args in self.calls:
            call(*args)
        out[...] = self._read(plan.values).T
        checked, positive, not_zero = map(self._read, (plan.checked, plan.positive, plan.not_zero))
        if np.isfinite(np.add.reduce(checked, axis=None)) and (positive > 0.0).all() and not_zero.all():
            return None
        kept = np.isfinite(checked).all(axis=0) & (positive > 0.0).all(axis=0) & (not_zero != 0.0).all(axis=0)
        return kept.reshape(-1)

    def _read(self, entries: Any) -> Any:
        """The numbers at some entries."""
        return self.numbers[entries] if isinstance(entries, slice) else self.numbers.take(entries, 0)


def _writing(row: Primitive, exact: bool) -> Callable[..., Any]:
    """A row as a function that writes to its last argument."""
    if row is WHERE:
        return _choose
    function = row.floats if exact and row.ulps > _ROUNDED else None
    return writing(row) if function is None else partial(_one_by_one, function)


def _choose(condition: Any, x: Any, y: Any, out: Any) -> None:
    """x where the condition holds, else y."""
    select(condition != 0.0, x, y, out)


def _one_by_one(function: Callable[..., Any], *args: Any) -> None:
    """Write what a function gives for one number after the other."""
    numbers = np.broadcast_arrays(*args)[:-1]
    args[-1].flat[...] = [function(*each) for each in zip(*(x.ravel().tolist() for x in numbers), strict=True)]


def _add_in_order(terms: Any, signs: Any, out: Any) -> None:
    """The sums down the columns of terms with signs, one term after the other."""
    out[...] = np.add.accumulate(terms if signs is None else signs * terms, 0)[-1]

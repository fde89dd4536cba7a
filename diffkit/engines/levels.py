"""Lowered code as calls of NumPy over equal operations of one depth: for a few points of programs with many inputs.

The numbers of a point stand in one vector, the results of a call side by side. What a call takes is a slice of the
vector where the slots are evenly spaced, and gathered from it where they are not. A long sum, each operation of which
waits for the one before, is a single call that adds in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
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

    An argument is a slice of the vector, or the numbers of its entries. Sums of so many ``terms`` have one argument,
    the first terms of all, then the second ones, and signs for these (terms, sums, 1) unless all are added.
    """

    row: Primitive
    results: slice
    args: list[Any]
    terms: int = 0
    signs: Any = None


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
        self.groups = [self._group(*members) for members in _levels(program)]
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

    def _group(self, row: Primitive, slots: Sequence[int], args: Sequence[Sequence[int]], signs: Any) -> _Group:
        """Place operations side by side, in the order of what they take."""
        taken = self.entries[np.array(args, dtype=np.intp)]
        order = np.lexsort(taken.T[1::-1])
        results = slice(self.slots, self.slots + len(slots))
        self.slots = results.stop
        self.entries[np.array(slots)[order]] = np.arange(results.start, results.stop)
        if not signs:
            return _Group(row, results, [evenly(column) for column in taken[order].T])
        signs = np.array(signs)[order].T[:, :, None]
        return _Group(row, results, [taken[order].ravel("F")], len(signs), None if np.all(signs == 1.0) else signs)

    def _places(self, slots: Sequence[int]) -> Any:
        return evenly(self.entries[np.array(slots, dtype=np.intp)])


def evenly(entries: Any) -> Any:
    """Entries as a slice, if they are evenly spaced or one and the same."""
    if not len(entries):
        return slice(0, 0)
    first, step = int(entries[0]), int(entries[1] - entries[0]) if len(entries) > 1 else 0
    if step < 0 or not np.all(entries[1:] - entries[:-1] == step):
        return entries
    return slice(first, first + step * (len(entries) - 1) + 1, step or None)


def _levels(program: Program) -> Iterator[tuple[Primitive, list[int], list[tuple[int, ...]], list[Any]]]:
    """Operations that are alike, by their depth: the row, their slots, what each takes, and the signs of long sums.

    The order of a function, as of Bessel's, is one number to a call.
    """
    sums, first = _long_sums(program), program.first_instruction
    inside = {slot for found in sums.values() for slot in found.inside}
    depths = [0] * first
    levels: list[dict[tuple[Any, ...], list[int]]] = []
    for slot, row, args in in_time(program.numbered()):
        found = sums.get(slot)
        depth = max([depths[arg] for arg in (args if found is None else found.terms)])
        depths.append(depth + 1)
        if slot not in inside:
            if depth == len(levels):
                levels.append({})
            kind = (row, *[args[place] for place in row.orders]) if found is None else (ADD, len(found.terms))
            levels[depth].setdefault(kind, []).append(slot)
    for level in levels:
        for (row, *_), slots in level.items():
            long = [sums[slot] for slot in slots if slot in sums]
            taken = [found.terms for found in long] or [program.instructions[slot - first][1] for slot in slots]
            yield row, slots, taken, [found.signs for found in long]


class _LongSum(NamedTuple):
    """A sum of many terms: their slots and signs, and the slots of all its operations but the last."""

    terms: tuple[int, ...]
    signs: tuple[float, ...]
    inside: tuple[int, ...]


def _long_sums(program: Program) -> dict[int, _LongSum]:
    """Sums of many terms, by the slots of their last operations."""
    uses = Counter(chain.from_iterable([args for _, args in program.instructions]))
    uses.update(dict.fromkeys(program.outputs, 2))
    lengths: dict[int, int] = {}
    before: dict[int, int] = {}
    """for an operation that goes on with a sum, the operation before it"""
    for slot, row, args in program.numbered():
        if row is ADD or row is SUB:
            x = args[0] if row is SUB or (args[0] in lengths and uses[args[0]] == 1) else args[1]
            lengths[slot] = 2
            if x in lengths and uses[x] == 1:
                before[slot] = x
                lengths[slot] = lengths[x] + 1
    ends = lengths.keys() - before.values()
    return {slot: _gathered_sum(program, slot, before) for slot in ends if lengths[slot] >= _LONG_SUM}


def _gathered_sum(program: Program, last: int, before: Mapping[int, int]) -> _LongSum:
    """A sum from its last operation back to the first."""
    terms: list[int] = []
    signs: list[float] = []
    slots = [last]
    while (slot := slots[-1]) in before:
        row, args = program.instructions[slot - program.first_instruction]
        terms.append(args[1] if args[0] == before[slot] else args[0])
        signs.append(-1.0 if row is SUB else 1.0)
        slots.append(before[slot])
    row, args = program.instructions[slot - program.first_instruction]
    return _LongSum((*args, *reversed(terms)), (1.0, -1.0 if row is SUB else 1.0, *reversed(signs)), tuple(slots[1:]))


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
        if not group.terms:
            self.calls.append((_writing(group.row, self.plan.exact), (*taken, results)))
        else:
            terms = taken[0].reshape(group.terms, len(results), -1)
            self.calls.append((_add_in_order, (terms, group.signs, results.reshape(len(results), -1))))

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

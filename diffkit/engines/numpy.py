"""Lowered code as calls of NumPy, over blocks of points that stay in the cache.

The numbers of a block stand in the rows of a table, one for each slot that is still wanted, and every call writes into
a row. NumPy lets go of Python's lock in its loops, so that threads share the blocks of a large batch.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.core.program import Program
from diffkit.core.table import MAX, MIN, WHERE, Primitive
from diffkit.engines.float_operations import IS_LOST
from diffkit.engines.lowering import Lowered
from diffkit.numbers.arrays import array_function
from diffkit.numbers.doubles import LOST_SHARE

_CACHE = 2**21  # bytes that a block may fill
_SHORTEST, _LONGEST = 512, 8192  # points of a block: with fewer it is calls that cost, and more gain nothing
_LINE = 64  # bytes to which rows are aligned: where they lie across lines of the cache, a call takes twice as long
_FEW = 8  # columns up to which each is written by itself
_THREAD_WORK = 2**21  # numbers to compute for which a thread is worth its start

Batch = Callable[[Any, Any], Any]


class Space(Protocol):
    """Room for the numbers of some points, and the calls that compute them."""

    length: int

    def run(self, points: Any, out: Any) -> Any:
        """Write the values at so many points; give which are ordinary, or None if all are."""


def compile_batch(lowered: Lowered) -> Batch:
    """Give the function of points (B, n) that writes the values at each into an array (B, m).

    Its answer is which points are ordinary, or None if all are; what it writes at another has no meaning.
    """
    plan = _Plan(lowered)
    return in_blocks(partial(_Workspace, plan), plan.length, len(plan.steps))


def in_blocks(space: Callable[[int], Space], longest: int, work: int) -> Batch:
    """Give a function of batches that takes them block by block, with so much work to do for each point.

    Room is kept from one call to the next. It has no other state, and any number of threads may call it at once.
    """
    spare: deque[Space] = deque(maxlen=_processors())

    def batch(points: Any, out: Any) -> Any:
        total = len(points)
        length = max(1, min(total, longest))
        starts = iter(range(0, total, length))
        odd: list[tuple[slice, Any]] = []

        def blocks() -> None:
            room = _spare_or_new(spare, space, length)
            with np.errstate(all="ignore"):
                for start in starts:
                    check_time()
                    first = min(start, total - length)  # the last block repeats some of the one before
                    rows = slice(first, first + length)
                    kept = room.run(points[rows], out[rows])
                    if kept is not None:
                        odd.append((rows, kept))
            spare.append(room)

        _share(blocks, starts, min(_processors(), -(-total // length), total * work // _THREAD_WORK))
        if not odd:
            return None
        ordinary = np.ones(total, dtype=bool)
        for rows, kept in odd:
            ordinary[rows] = kept
        return ordinary

    return batch


def _spare_or_new(spare: deque[Space], space: Callable[[int], Space], length: int) -> Space:
    """Room for so many points, which nobody else uses."""
    try:
        found = spare.pop()
    except IndexError:
        return space(length)
    return found if found.length == length else space(length)


def _processors() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _share(work: Callable[[], None], starts: Iterator[int], workers: int) -> None:
    """Do work in so many threads, this one among them; where it ends early, nothing more is started."""
    if workers < 2:
        work()
        return
    with ThreadPoolExecutor(workers - 1) as pool:
        others = [pool.submit(work) for _ in range(workers - 1)]
        try:
            work()
        finally:
            for _ in starts:
                pass
        for other in others:
            other.result()


class _TableRow(NamedTuple):
    """Where a number or a truth of each point stands: a row of the block's table of these."""

    truth: bool
    row: int


class _Step(NamedTuple):
    """A call: a function of places and constants, the last of which it writes to."""

    call: Callable[..., Any]
    args: tuple[Any, ...]


class _Plan:
    """The calls that compute lowered code, and in which rows of the tables they have their numbers.

    The first rows are the values, and after them what else must be finite.
    """

    def __init__(self, lowered: Lowered):
        program = lowered.program
        self.values, self.checked = lowered.values, lowered.values + lowered.finite
        self.rows = _FreeRows(self.checked)
        self.truths = _truths(program)
        self.steps: list[_Step] = []
        results = list(enumerate(program.outputs[: self.checked]))
        self.places: dict[int, Any] = {slot: _TableRow(False, row) for row, slot in reversed(results)}
        self.inputs = [(slot, self._place(slot)) for slot in sorted(program.used_inputs)]
        self.constants: list[tuple[int, float]] = []
        for slot, value in enumerate(program.constants, len(program.inputs)):
            self.places[slot] = np.array(float(value))  # type: ignore[arg-type]
        self._emit(program)
        for row, slot in results:
            place = self.places[slot]
            if not isinstance(place, _TableRow):
                self.constants.append((row, float(place)))
            elif place.row != row:
                self.steps.append(_Step(np.positive, (place, _TableRow(False, row))))
        self.margins = [(self.places[slot], edge) for slot, edge in lowered.margins]
        self.length = self.rows.length

    def _place(self, slot: int) -> _TableRow:
        """Where a slot stands."""
        if slot not in self.places:
            self.places[slot] = self.rows.take(slot in self.truths)
        found: _TableRow = self.places[slot]
        return found

    def _emit(self, program: Program) -> None:
        """Make the calls; the row of what is used for the last time is written to at once."""
        last = {arg: slot for slot, _, args in program.numbered() for arg in args}
        last.update(dict.fromkeys(program.outputs, -1))
        for slot, row, args in program.numbered():
            ended = [
                arg for arg in dict.fromkeys(args) if last[arg] == slot and isinstance(self.places[arg], _TableRow)
            ]
            early = [arg for arg in ended if row is not WHERE or arg not in args[:2]]
            self.rows.give(self.places[arg] for arg in early)
            place = self._place(slot)
            self.rows.give(self.places[arg] for arg in ended if arg not in early)
            taken = [self.places[arg] for arg in args]
            self.steps.append(_Step(writing(row), (*_constants_of(row, taken, place), place)))


def _constants_of(row: Primitive, args: Sequence[Any], place: _TableRow) -> Sequence[Any]:
    """Arguments of a call; a choice between truths has truths."""
    if row is not WHERE or not place.truth:
        return args
    return [arg if isinstance(arg, _TableRow) else arg != 0.0 for arg in args]


def _truths(program: Program) -> set[int]:
    """The slots that are true or false."""
    found: set[int] = set()
    for slot, row, args in program.numbered():
        if row.truth or (row is WHERE and not found.isdisjoint(args[1:])):
            found.add(slot)
    return found


class _FreeRows:
    """Rows of the two tables, given out and taken back."""

    def __init__(self, taken: int):
        self.heights = [taken, 0]
        self.free: tuple[list[_TableRow], list[_TableRow]] = ([], [])

    def take(self, truth: bool) -> _TableRow:
        """A row that nothing stands in."""
        if self.free[truth]:
            return self.free[truth].pop()
        self.heights[truth] += 1
        return _TableRow(truth, self.heights[truth] - 1)

    def give(self, places: Iterable[_TableRow]) -> None:
        """Take back what is no longer wanted."""
        for place in places:
            self.free[place.truth].append(place)

    @property
    def length(self) -> int:
        """Points of a block."""
        room = _CACHE // (8 * self.heights[0] + self.heights[1] or 1)
        return max(_SHORTEST, min(_LONGEST, room - room % _LINE))


class _Workspace:
    """Tables for some points, and the calls with their rows filled in."""

    def __init__(self, plan: _Plan, length: int):
        self.length = length
        numbers, truths = map(_aligned, plan.rows.heights, (length, length), (float, bool))
        rows = list(numbers), list(truths)

        def filled(arg: Any) -> Any:
            return rows[arg.truth][arg.row] if isinstance(arg, _TableRow) else arg

        for row, value in plan.constants:
            numbers[row] = value
        self.inputs = [(slot, filled(place)) for slot, place in plan.inputs]
        self.steps = [(call, tuple(map(filled, args))) for call, args in plan.steps]
        self.margins = [(filled(place), edge) for place, edge in plan.margins]
        self.checked = numbers[: plan.checked]
        self.values = numbers[: plan.values].T

    def run(self, points: Any, out: Any) -> Any:
        """Write the values at points; give which are ordinary, or None if all are."""
        for slot, row in self.inputs:
            row[...] = points[:, slot]
        for call, args in self.steps:
            call(*args)
        self._write(out)
        finite = np.isfinite(np.add.reduce(self.checked, axis=None))
        kept = all((np.minimum.reduce(row) > 0 if edge else row.all()) for row, edge in self.margins)
        return None if finite and kept else self._ordinary()

    def _write(self, out: Any) -> None:
        values = self.values
        if values.shape[1] > _FEW:
            out[...] = values
            return
        for column in range(values.shape[1]):
            out[:, column] = values[:, column]

    def _ordinary(self) -> Any:
        """Which points are ordinary."""
        found = np.isfinite(self.checked).all(axis=0)
        for row, edge in self.margins:
            found &= row > 0 if edge else row != 0
        return found


def _aligned(height: int, length: int, kind: type) -> Any:
    """A table whose rows begin where lines of the cache do."""
    size = np.dtype(kind).itemsize
    width = -(-length * size // _LINE) * _LINE
    room = np.empty(height * width + _LINE, dtype=np.uint8)
    start = -room.ctypes.data % _LINE
    return room[start : start + height * width].view(kind).reshape(height, width // size)[:, :length]


def writing(row: Primitive) -> Callable[..., Any]:
    """A row as a function that writes to its last argument."""
    if row in _WRITERS:
        return _WRITERS[row]
    function = array_function(row)
    if not isinstance(function, np.ufunc):
        return partial(_copy, function)
    return partial(_named, function) if row in (MAX, MIN) else function


def _copy(function: Callable[..., Any], *args: Any) -> None:
    """Copy what a function gives into the last argument."""
    args[-1][...] = function(*args[:-1])


def _named(function: Callable[..., Any], *args: Any) -> None:
    """Call what does not take its output as a last argument; this costs a tenth of a microsecond."""
    function(*args[:-1], out=args[-1])


def _select(condition: Any, x: Any, y: Any, out: Any) -> None:
    """x where the condition holds, else y, which may stand in ``out`` already."""
    if out is not y:
        np.copyto(out, y)
    np.copyto(out, x, where=condition)


def _is_lost(s: Any, x: Any, out: Any) -> None:
    """Whether |s| < 2⁻⁹⁶·|x|: hardly anywhere, and only where s + x is x."""
    np.equal(s + x, x, out)
    if out.any():
        np.logical_and(out, np.abs(s) < LOST_SHARE * np.abs(x), out)


_WRITERS: dict[Primitive, Callable[..., Any]] = {WHERE: _select, IS_LOST: _is_lost}

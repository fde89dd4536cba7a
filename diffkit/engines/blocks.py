"""Lowered code as calls of NumPy over blocks of points that stay in the cache.

The numbers of a block stand in the rows of a table, one for each slot that is still wanted, and every call writes into
a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import in_time
from diffkit.core.program import Program
from diffkit.core.table import MAX, MIN, WHERE, Primitive
from diffkit.engines.float_operations import IS_LOST
from diffkit.engines.lowering import Lowered
from diffkit.numbers.arrays import array_function
from diffkit.numbers.doubles import LOST_SHARE

_CACHE = 2**21  # bytes that a block may fill: not all of its rows are in use at once
_SHORTEST, _LONGEST = 512, 8192  # points of a block: with fewer it is calls that cost, and more gain nothing
_TALLEST = 2**26  # bytes of a block of the shortest
_LINE = 64  # bytes to which rows are aligned: where they lie across lines of the cache, a call takes twice as long
_WORTH_BITS = 512  # numbers to choose that are worth six calls
_FEW_COLUMNS = 8  # each of which is written by itself


class _TableRow(NamedTuple):
    """Where a number or a truth of each point stands: a row of the block's table of these."""

    truth: bool
    row: int


class _Step(NamedTuple):
    """A call: a function of places and constants, the last of which it writes to."""

    call: Callable[..., Any]
    args: tuple[Any, ...]


class BlockCalls:
    """The calls that compute lowered code, and in which rows of a block's tables they have their numbers.

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
        self.work = len(self.steps)
        self.longest = self.rows.longest

    def space(self, length: int) -> _BlockTables:
        """Room for so many points."""
        return _BlockTables(self, length)

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
        for slot, row, args in in_time(program.numbered()):
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
    def longest(self) -> int:
        """Points of a block; 0 if so many rows leave no room for any."""
        size = 8 * self.heights[0] + self.heights[1] or 1
        points = _CACHE // size
        return 0 if size * _SHORTEST > _TALLEST else max(_SHORTEST, min(_LONGEST, points - points % _LINE))


class _BlockTables:
    """Tables for some points, and the calls with their rows filled in."""

    def __init__(self, plan: BlockCalls, length: int):
        self.length = length
        numbers, truths = map(aligned, plan.rows.heights, (length, length), (float, bool))
        rows = list(numbers), list(truths)

        def filled(arg: Any) -> Any:
            return rows[arg.truth][arg.row] if isinstance(arg, _TableRow) else arg

        for row, value in plan.constants:
            numbers[row] = value
        self.inputs = [(slot, filled(place)) for slot, place in plan.inputs]
        self.steps = [(call, tuple(map(filled, args))) for call, args in plan.steps]
        self.margins = [(np.atleast_1d(filled(place)), edge) for place, edge in plan.margins]
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
        if values.shape[1] > _FEW_COLUMNS:
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


def aligned(height: int, length: int, kind: type) -> Any:
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


def select(condition: Any, x: Any, y: Any, out: Any) -> None:
    """x where the condition holds, else y, which may stand in ``out`` already; often it is one of them throughout."""
    count = np.count_nonzero(condition)
    if 0 < count < condition.size:
        _mix(condition, x, y, out)
    elif count:
        np.copyto(out, x)
    elif out is not y:
        np.copyto(out, y)


def _mix(condition: Any, x: Any, y: Any, out: Any) -> None:
    """x or y, in their bits: NumPy's own ``where`` jumps for each number, four times as slow as this if at random."""
    if out.dtype != float or out.size < _WORTH_BITS:
        np.copyto(out, np.where(condition, x, y))
        return
    x, y, mask = x.view(np.int64), y.view(np.int64), condition.astype(np.int64)
    np.negative(mask, mask)
    np.bitwise_xor((x ^ y) & mask, y, out.view(np.int64))


def _is_lost(s: Any, x: Any, out: Any) -> None:
    """Whether |s| < 2⁻⁹⁶·|x|: hardly anywhere, and only where s + x is x."""
    np.equal(s + x, x, out)
    if out.any():
        np.logical_and(out, np.abs(s) < LOST_SHARE * np.abs(x), out)


_WRITERS: dict[Primitive, Callable[..., Any]] = {WHERE: select, IS_LOST: _is_lost}

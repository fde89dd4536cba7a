"""NumPy as an engine: many points in blocks that stay in the cache, few points of a wide program in levels.

NumPy lets go of Python's lock in its loops, so that threads share the blocks of a large batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.engines import BatchCall, Call, MakeCall, Unsuited
from diffkit.engines.blocks import BlockCalls
from diffkit.engines.levels import LevelCalls
from diffkit.engines.lowering import Lowered
from diffkit.engines.threads import processors, share
from diffkit.engines.vector_forms import by_vector_forms

_SHORT = 3000  # operations up to which nobody minds
_ALIKE = 8  # operations a call on average from which levels are quicker than Python
_FEW = 512  # points from which on levels are never worth it
_BLOCK_CALL, _LEVEL_CALL, _LEVEL_NUMBER = 0.3, 0.55, 0.001  # microseconds
_THREAD_WORK = 2**21  # numbers to compute for which a thread is worth its start


def compile_batch(lowered: Lowered) -> BatchCall:
    """Give the function of points (B, n) that writes the values at each into an array (B, m).

    Its answer is which points are ordinary, or None if all are; what it writes at another has no meaning. Pairs have
    the bits of the interpreter; plain binary64 has those too but for what NumPy computes one by one (``vector_forms``).
    """
    return _BlocksOrLevels(by_vector_forms(lowered) if lowered.precision == "double" else lowered)


def compile_exact_batch(lowered: Lowered) -> BatchCall:
    """The same with the bits that each point has by itself."""
    return _in_blocks(LevelCalls(lowered, exact=True))


def compile_reader(count: int) -> Callable[[Any], Any]:
    """Give the function of a tuple of so many floats that gives them as an array, and None for anything else."""

    def read(at: Any) -> Any:
        plain = type(at) is tuple and len(at) == count and set(map(type, at)) <= {float}
        return np.fromiter(at, float, count) if plain else None

    return read


def compile_point(lowered: Lowered) -> Call:
    """Give the function of the coordinates: the values, or None at a point that is not ordinary.

    It has the bits of Python's engine. Unsuited for long code in which few operations are alike.
    """
    write = _one_by_one(lowered)

    def point(*coordinates: float) -> tuple[float, ...] | None:
        out = np.empty((1, lowered.values))
        return tuple(out[0].tolist()) if write(np.array([coordinates], float), out) is None else None

    return point


def compile_call(lowered: Lowered, shape: tuple[int, ...]) -> MakeCall:
    """Give what makes the function of a point, and maybe of an array to write to, that gives an array.

    Where the point is not ordinary nothing is written. Unsuited as above.
    """
    write, count = _one_by_one(lowered), len(lowered.program.inputs)

    def make(otherwise: Any, arrays: bool) -> Callable[..., Any]:
        def call(at: Any, out: Any = None) -> Any:
            if type(at) is tuple:
                known = len(at) == count and set(map(type, at)) <= {float}
            else:
                known = arrays and type(at) is np.ndarray and at.dtype == float and at.shape == (count,)
            if known and (out is None or (out.shape, out.dtype) == (shape, float)):
                found = np.empty((1, lowered.values))
                if write(np.array([at]), found) is None:
                    if out is None:
                        return found.reshape(shape)
                    out[...] = found.reshape(shape)
                    return out
            return otherwise(at, out)

        return call

    return make


def _one_by_one(lowered: Lowered) -> BatchCall:
    """The function of one row at a time, with the bits of Python's ``math``."""
    calls = LevelCalls(lowered, exact=True)
    if _SHORT < len(lowered.program.instructions) < calls.calls * _ALIKE:
        raise Unsuited("few of its operations are alike")
    return _in_blocks(calls)


class _Calls(Protocol):
    """Calls that compute lowered code, with so much work to do for each point, ``longest`` points at a time."""

    longest: int
    work: int

    def space(self, length: int) -> _Space:
        """Room for so many points."""


class _Space(Protocol):
    """Room for the numbers of some points."""

    length: int

    def run(self, points: Any, out: Any) -> Any:
        """Write the values at so many points; give which are ordinary, or None if all are."""


class _BlocksOrLevels:
    """Lowered code at any number of points, by levels where these are quicker than blocks."""

    def __init__(self, lowered: Lowered):
        self.lowered = lowered

    def __call__(self, points: Any, out: Any) -> Any:
        """Write the values at the points; give which are ordinary, or None if all are."""
        few = len(points) < _FEW and len(points) < self._crossing
        return (self._by_levels if few or not self._blocks.longest else self._by_blocks)(points, out)

    @cached_property
    def _blocks(self) -> BlockCalls:
        return BlockCalls(self.lowered)

    @cached_property
    def _levels(self) -> LevelCalls:
        return LevelCalls(self.lowered)

    @cached_property
    def _by_blocks(self) -> BatchCall:
        return _in_blocks(self._blocks)

    @cached_property
    def _by_levels(self) -> BatchCall:
        return _in_blocks(self._levels)

    @cached_property
    def _crossing(self) -> float:
        """Points from which on blocks are quicker: they make more calls, with less to do about each number."""
        spared = _BLOCK_CALL * len(self.lowered.program.instructions) - _LEVEL_CALL * self._levels.calls
        return spared / (_LEVEL_NUMBER * max(1, self._levels.work))


def _in_blocks(calls: _Calls) -> BatchCall:
    """Give a function of batches that takes them block by block.

    Room is kept from one call to the next. It has no other state, and any number of threads may call it at once.
    """
    spare: deque[_Space] = deque(maxlen=processors())

    def batch(points: Any, out: Any) -> Any:
        total = len(points)
        length = max(1, min(total, calls.longest))
        starts = iter(range(0, total, length))
        odd: list[tuple[slice, Any]] = []

        def blocks() -> None:
            room = _spare_or_new(spare, calls, length)
            with np.errstate(all="ignore"):
                for start in starts:
                    check_time()
                    first = min(start, total - length)  # the last block repeats some of the one before
                    rows = slice(first, first + length)
                    kept = room.run(points[rows], out[rows])
                    if kept is not None:
                        odd.append((rows, kept))
            spare.append(room)

        share(blocks, starts, min(processors(), -(-total // length), total * calls.work // _THREAD_WORK))
        if not odd:
            return None
        ordinary = np.ones(total, dtype=bool)
        for rows, kept in odd:
            ordinary[rows] = kept
        return ordinary

    return batch


def _spare_or_new(spare: deque[_Space], calls: _Calls, length: int) -> _Space:
    """Room for so many points, which nobody else uses."""
    try:
        found = spare.pop()
    except IndexError:
        return calls.space(length)
    return found if found.length == length else calls.space(length)

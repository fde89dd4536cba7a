"""Partials of partially separable functions: those of each element function in a batch over its terms, and their sums.

What is compiled is as long as the element functions are, whatever the number of terms.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from importlib import import_module
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np

from diffkit.calculus.derivatives import reverse_program
from diffkit.calculus.element_functions import ElementFunction
from diffkit.calculus.guards import guard
from diffkit.calculus.without_cancellation import stable
from diffkit.core.program import Index
from diffkit.core.table import ADD
from diffkit.engines import FUSED, BatchCall, Precision, Unsuited
from diffkit.engines.levels import evenly
from diffkit.engines.lowering import Lowered, lower
from diffkit.engines.threads import processors
from diffkit.numbers.doubles import array_doubles

_MOST_ADDED = 64  # terms that may have a variable: sums go term after term


class ElementSums:
    """The function of an array of coordinates that gives partials of the first or second order as an array.

    Pairs are added as pairs. None at a point that is not ordinary in some term. Unsuited where an engine cannot take an
    element function, or where a variable is in many terms.
    """

    def __init__(
        self, functions: Sequence[ElementFunction], indices: Sequence[Index], precision: Precision, engine: str,
        count: int,
    ):  # fmt: skip
        wanted = np.array([index for _, index in indices])
        keys, self._entries = np.unique(_keys(wanted), return_inverse=True)
        self._pairs = precision == "pairs"
        self._batches: list[_ElementBatch] = []
        self._size = 0
        found = [np.empty((4, 0), dtype=np.intp)]
        for function in functions:
            if (batch := _ElementBatch.of(function, keys, wanted.shape[1], self._size, precision, engine)) is not None:
                self._batches.append(batch)
                self._size += math.prod(batch.shape)
                found.append(batch.found)
        self._ranks, order = _ranks(np.concatenate(found, axis=1), len(keys))
        self._position = np.argsort(order)
        self._spare: deque[_ElementRoom] = deque(maxlen=processors())
        self.shape = (count,)
        """of an array of coordinates"""

    def entries(self, places: Sequence[int] | slice) -> Any:
        """Where the sums of some partials are found."""
        return self._position[self._entries[places if isinstance(places, slice) else np.array(places, dtype=np.intp)]]

    def __call__(self, x: Any, entries: Any) -> Any:
        """Some partials at coordinates, an array of float64 (n,); None where that is not ordinary."""
        if x.shape != self.shape:
            return None
        try:
            room = self._spare.pop()
        except IndexError:
            room = _ElementRoom(self._size, self._batches, len(self._position))
        with np.errstate(all="ignore"):
            found = self._summed(room).take(entries) if room.run(x) else None
        self._spare.append(room)
        return None if found is None or not np.isfinite(np.add.reduce(found)) else found

    def _summed(self, room: _ElementRoom) -> Any:
        """The sums of what terms contribute, those with the most terms first."""
        for rank, (at, low_at) in enumerate(self._ranks):
            high, low = room.high[: len(at)], room.low[: len(at)]
            if rank == 0:
                room.values.take(at, out=high, mode="clip")
                room.values.take(low_at, out=low, mode="clip")
            elif not self._pairs:
                high += room.values.take(at)
            else:
                pair = room.values.take(at), room.values.take(low_at)
                high[...], low[...] = array_doubles().apply(ADD, ((high, low), pair))
        return room.high


def _keys(indices: Any) -> Any:
    """Rows of variables as numbers that are equal where the rows are, in whatever order."""
    found = np.sort(indices, axis=1)
    return found[:, 0] if found.shape[1] == 1 else (found[:, 0] << 32) + found[:, 1]


def _ranks(found: Any, count: int) -> tuple[list[tuple[Any, Any]], Any]:
    """Where the first, second, … contributions to entries stand, entries with the most of them first; and that order.

    Terms are added from the last to the first, as reverse accumulation does.
    """
    entries, slots, at, low_at = found
    by_entry = np.lexsort((-slots, entries))
    counts = np.bincount(entries, minlength=count)
    most = int(counts.max(initial=0))
    if most > _MOST_ADDED:
        raise Unsuited("a variable is in a great many terms")
    order = np.argsort(-counts, kind="stable")
    starts = (np.cumsum(counts) - counts)[order]
    ranks = []
    for rank in range(most):
        mine = by_entry[starts[counts[order] > rank] + rank]
        ranks.append((at[mine], low_at[mine]))
    return ranks, order


class _ElementBatch(NamedTuple):
    """An element function's partials, compiled, and the variables of its terms."""

    call: BatchCall
    columns: list[Any]
    """a slice or an array of variables, for each that the function has"""
    shape: tuple[int, int]
    """of its values: terms, and what is computed for each"""
    own: int | None
    """the column of the function itself, whose sum is to be finite; None where that is known"""
    found: Any
    """for each contribution its entry, its term's slot, where its value stands, and where the low part of that does"""

    @classmethod
    def of(
        cls, function: ElementFunction, keys: Any, order: int, start: int, precision: Precision, engine: str
    ) -> _ElementBatch | None:
        """Compile what contributes to the entries of some keys; None if nothing does."""
        variables = np.array(function.terms)
        hits: list[tuple[tuple[int, ...], Any, Any]] = []
        for local in combinations_with_replacement(range(variables.shape[1]), order):
            wanted = _keys(variables[:, local])
            entries = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
            rows = np.flatnonzero(keys[entries] == wanted)
            if len(rows):
                hits.append((local, entries[rows], rows))
        if not hits:
            return None
        asked = [(0, local) for local, _, _ in hits]
        lowered = _lowered(function, asked, precision, engine)
        own = None if lowered.bounded else len(asked)
        if own is not None:
            lowered = _lowered(function, [*asked, (0, ())], precision, engine)
        width = lowered.values
        low = width // 2 if precision == "pairs" else 0
        places = [start + rows * width + column for column, (_, _, rows) in enumerate(hits)]
        slots = np.array(function.slots)
        found = [
            np.stack([entries, slots[rows], at, at + low]) for at, (_, entries, rows) in zip(places, hits, strict=True)
        ]
        columns = [evenly(column) for column in variables.T]
        compiled = import_module(f"diffkit.engines.{engine}")
        call = getattr(compiled, "compile_exact_batch", compiled.compile_batch)(lowered)
        return cls(call, columns, (len(variables), width), own, np.concatenate(found, axis=1))


def _lowered(function: ElementFunction, asked: Sequence[Index], precision: Precision, engine: str) -> Lowered:
    """Partials of an element function, of pairs both parts."""
    derivative = stable(reverse_program(function.program, asked))
    return lower(guard(function.program, derivative), precision, engine in FUSED, whole=True).checked()


class _ElementRoom:
    """Room for the numbers of a point: coordinates term by term, and values one after the other."""

    def __init__(self, size: int, batches: Sequence[_ElementBatch], entries: int):
        self.values = np.empty(size)
        self.high, self.low = np.zeros(entries), np.zeros(entries)
        self.parts = []
        start = 0
        for batch in batches:
            rows, width = batch.shape
            part = self.values[start : start + rows * width].reshape(batch.shape)
            self.parts.append((batch, np.empty((rows, len(batch.columns))), part))
            start += rows * width

    def run(self, x: Any) -> bool:
        """Compute all values; whether the point is ordinary in all terms."""
        total = 0.0
        for batch, points, part in self.parts:
            for column, variables in enumerate(batch.columns):
                points[:, column] = x[variables]
            ordinary = batch.call(points, part)
            if ordinary is not None and not ordinary.all():
                return False
            total += 0.0 if batch.own is None else np.add.reduce(part[:, batch.own])
        return bool(np.isfinite(total))

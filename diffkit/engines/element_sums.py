"""Partials of partially separable functions: those of each element function in a batch over its terms, and their sums.

What is compiled is as long as the element functions are, whatever the number of terms.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
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
from diffkit.engines.llvm_terms import Spacing
from diffkit.engines.lowering import Lowered, lower
from diffkit.engines.threads import processors
from diffkit.numbers.doubles import array_doubles

_MOST_ADDED = 64  # terms that may have a variable: sums go term after term


class ElementSums:
    """Partials of the first or second order at arrays of coordinates; None where some term is not ordinary.

    Pairs are added as pairs. Unsuited where an engine cannot take an element function, or where a variable is in many
    terms.
    """

    def __init__(
        self, functions: Sequence[ElementFunction], indices: Sequence[Index], precision: Precision, engine: str,
        count: int,
    ):  # fmt: skip
        wanted = np.array([index for _, index in indices])
        keys, self._entries = np.unique(_keys(wanted), return_inverse=True)
        self._pairs, self._engine = precision == "pairs", engine
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

    def at(self, places: Sequence[int]) -> Callable[[Any], Any]:
        """Give the function of coordinates, an array of float64 (n,), that gives some partials; None at odd points."""
        wanted = self._entries[np.array(places, dtype=np.intp)]
        try:
            return self._in_a_loop(wanted)
        except Unsuited:
            return partial(self._gathered, self._position[wanted])

    def _in_a_loop(self, wanted: Any) -> Callable[[Any], Any]:
        """The function by a loop over the terms, for partials of the entries wanted; Unsuited where there is none."""
        if self._engine != "llvm" or self._pairs or len(self._batches) != 1:
            raise Unsuited("there is no loop over several element functions, or for pairs")
        from diffkit.engines.llvm import compile_terms

        (batch,), count = self._batches, len(wanted)
        order = np.argsort(wanted, kind="stable")
        targets = [
            (column, spacing(places))
            for column, entries in enumerate(batch.hits)
            for places in _destinations(wanted[order], order, entries, batch.shape[0])
        ]
        extra = [] if batch.own is None else [(batch.own, Spacing(count, 0))]
        add = compile_terms(batch.lowered, [spacing(v) for v in batch.variables.T], [*targets, *extra], batch.shape[0])
        shape, bounded = self.shape, batch.own is None

        def sums(x: Any) -> Any:
            if x.shape != shape:
                return None
            found = np.zeros(count + 1)
            if not add(np.ascontiguousarray(x), found):
                return None
            return found[:count] if bounded or np.isfinite(np.add.reduce(found)) else None

        return sums

    def _gathered(self, entries: Any, x: Any) -> Any:
        """Some partials at coordinates, from batches of the terms."""
        if x.shape != self.shape:
            return None
        try:
            room = self._spare.pop()
        except IndexError:
            room = _ElementRoom(self._size, self._batches, len(self._position))
        with np.errstate(all="ignore"):
            ordinary = room.run(x) and np.isfinite(np.add.reduce(self._summed(room)))
        found = room.high.take(entries) if ordinary else None
        self._spare.append(room)
        return found

    def _summed(self, room: _ElementRoom) -> Any:
        """The sums of what terms contribute, those with the most terms first."""
        for rank, (at, low_at) in enumerate(self._ranks):
            high, low = room.high[: len(at)], room.low[: len(at)]
            if rank == 0:
                room.values.take(at, out=high, mode="clip")
                if self._pairs:
                    room.values.take(low_at, out=low, mode="clip")
            elif not self._pairs:
                high += room.values.take(at)
            else:
                pair = room.values.take(at), room.values.take(low_at)
                high[...], low[...] = array_doubles().apply(ADD, ((high, low), pair))
        return room.high


def spacing(places: Any) -> Spacing:
    """Places that are evenly spaced; Unsuited where they are not."""
    steps = np.diff(places)
    if len(steps) and (steps != steps[0]).any():
        raise Unsuited("places are not evenly spaced")
    return Spacing(int(places[0]), int(steps[0]) if len(steps) else 0)


def _destinations(wanted: Any, order: Any, entries: Any, count: int) -> list[Any]:
    """Where values for some entries go, one of each term: as many places as each entry is wanted for."""
    first, last = np.searchsorted(wanted, entries, "left"), np.searchsorted(wanted, entries, "right")
    times = np.unique(last - first)
    if len(entries) != count or len(times) != 1:
        raise Unsuited("terms are not all of a kind")
    return [order[first + k] for k in range(int(times[0]))]


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

    lowered: Lowered
    call: BatchCall
    variables: Any
    """of each term (terms, k)"""
    hits: list[Any]
    """for each partial the entries that it contributes to"""
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
        entries = [entries for _, entries, _ in hits]
        shape = len(variables), width
        return cls(lowered, call, variables, entries, columns, shape, own, np.concatenate(found, axis=1))


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

"""Cotangents, and transposes of the kernel's operations: from the cotangent of a result to that of an operand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.rules import times_partial, trace_pushforward
from diffkit.core.table import WHERE, Primitive
from diffkit.ndarrays.kernel import ROWS, Proxy, contract, gather, plain, rows, total
from diffkit.ndarrays.nonsmooth import poisoned


class Bar(NamedTuple):
    """The cotangent of an array; 0 where it is absent (None: nowhere), as no path leads from there to the output."""

    value: Any
    absent: Any = None


def added(known: Bar | None, more: Bar) -> Bar:
    """The sum of two cotangents of one array."""
    if known is None:
        return more
    absent = None if known.absent is None or more.absent is None else known.absent & more.absent
    return Bar(known.value + more.value, absent if absent is not None and np.any(absent) else None)


def without(absent: Any, dropped: Any) -> Any:
    """Where a cotangent is absent, or is dropped; None if that is nowhere."""
    if absent is None or dropped is None:
        return absent if dropped is None else dropped if np.any(dropped) else None
    return absent | dropped


def broadcast(bar: Bar, kept: tuple[int, ...], shape: tuple[int, ...]) -> Bar:
    """Repeat a cotangent along the axes of length 1 in ``kept``."""
    if kept == shape == np.shape(bar.value):
        return bar
    value = np.broadcast_to(np.reshape(bar.value, kept), shape)
    return Bar(value, None if bar.absent is None else np.broadcast_to(np.reshape(bar.absent, kept), shape))


def fitted(bar: Bar, shape: tuple[int, ...]) -> Bar:
    """Sum over the axes along which an array of the shape was broadcast."""
    found = np.shape(bar.value)
    if found == shape:
        return bar
    extra = len(found) - len(shape)
    stretched = [extra + axis for axis, n in enumerate(shape) if n == 1 and found[extra + axis] != 1]
    axes = (*range(extra), *stretched)
    value = np.reshape(total(bar.value, axes), shape)
    if bar.absent is None:
        return Bar(value)
    absent = np.reshape(np.all(bar.absent, axis=axes), shape)
    return Bar(value, absent if np.any(absent) else None)


def _scattered(bar: Bar, positions: Any, shape: tuple[int, ...]) -> Bar:
    """Add elements to the flat positions of an array of zeros; those with positions outside it are left out.

    What no element is added to is absent.
    """
    size = int(np.prod(shape, dtype=int))
    positions, values = np.ravel(positions), np.reshape(bar.value, -1)
    absent = None if bar.absent is None else np.ravel(bar.absent)
    if len(positions) and (positions.min() < 0 or positions.max() >= size):
        inside = (positions >= 0) & (positions < size)
        positions, values = positions[inside], values[inside]
        absent = None if absent is None else absent[inside]
    reached = np.zeros(size, dtype=bool)
    reached[positions if absent is None else positions[~absent]] = True
    added_up: Any
    if isinstance(values, Proxy):
        added_up = _added_up(values, positions, size)
    elif values.dtype == np.float64:
        added_up = np.bincount(positions, values, size)
    else:  # extended precision
        np.add.at(added_up := np.zeros(size, values.dtype), positions, values)
    missing = None if np.all(reached) else ~reached.reshape(shape)
    return Bar(np.reshape(added_up, shape), missing)


def _added_up(values: Any, positions: Any, size: int) -> Any:
    """As np.bincount with weights, of a proxy: elements with one position are added in pairs, again and again."""
    order = np.argsort(positions, kind="stable")
    index, group = order + 1, positions[order]
    while np.any(same := group[1:] == group[:-1]):
        new = np.concatenate([[True], ~same])
        rank = np.arange(len(group)) - np.maximum.accumulate(np.where(new, np.arange(len(group)), 0))
        first = rank % 2 == 0
        partner = np.where(np.append(same, False), np.append(index[1:], 0), 0)
        values = gather([values], index[first]) + gather([values], partner[first])
        group, index = group[first], np.arange(1, np.count_nonzero(first) + 1)
    place = np.zeros(size, dtype=int)
    place[group] = index
    return gather([values], place)


@dataclass(frozen=True, eq=False)
class Transposed:
    """Times ∂y/∂xₖ of a row; ``dropped`` where xₖ is not used, 0 where ``flat``, NaN where ``poison``."""

    primitive: Primitive
    primals: Sequence[Any]
    answer: Any
    k: int
    shape: tuple[int, ...]
    dropped: Any
    flat: Any
    poison: Any

    def __call__(self, bar: Bar) -> Bar:
        """Give the cotangent of the argument."""
        term = times_partial(self.primitive, rows(self.primals), self.primals, self.answer, self.k, bar.value)
        if term is None:
            term = np.zeros(np.shape(bar.value))
        if self.flat is not None:
            term = np.where(self.flat, 0.0, term)
        if self.poison is not None:
            term = poisoned(term, self.poison, [*self.primals, bar.value])
        absent = without(bar.absent, self.dropped)
        return fitted(Bar(term if absent is None else np.where(absent, 0.0, term), absent), self.shape)


@dataclass(frozen=True, eq=False)
class Scattered:
    """Adds the cotangents of gathered elements to those of a part that begins at ``start`` in the pool."""

    indices: Any
    start: int
    shape: tuple[int, ...]

    def __call__(self, bar: Bar) -> Bar:
        """Give the cotangent of the argument."""
        return _scattered(bar, self.indices - self.start, self.shape)


@dataclass(frozen=True, eq=False)
class Contracted:
    """Contracts with the other operand."""

    other: Any
    out: str
    others: str
    letters: str
    shape: tuple[int, ...]

    def __call__(self, bar: Bar) -> Bar:
        """Give the cotangent of the argument."""
        kept = "".join(c for c in self.letters if c in self.out + self.others)
        subscripts = (self.out, self.others, kept)
        other, absent = self.other, bar.absent
        if absent is None:
            found = Bar(contract(bar.value, other, *subscripts))
        else:
            values, present = plain(other), 1.0 - absent
            wild = np.zeros(np.shape(other), bool) if values is None else ~np.isfinite(values)
            any_wild = bool(np.any(wild))
            value = contract(bar.value, np.where(wild, 0.0, other) if any_wild else other, *subscripts)
            if any_wild:
                value = np.where(contract(present, wild * 1.0, *subscripts) > 0, np.nan, value)
            found = Bar(value, contract(present, np.ones(np.shape(other)), *subscripts) == 0)
        lengths = iter(np.shape(found.value))
        spread = tuple(next(lengths) if c in kept else 1 for c in self.letters)
        whole = tuple(n if c in kept else m for c, n, m in zip(self.letters, spread, self.shape, strict=True))
        return fitted(broadcast(found, spread, whole), self.shape)


@cache
def _chooses(primitive: Primitive) -> bool:
    """Whether a row hands on one of its arguments."""
    if primitive.pushforward is None:
        return False
    rule = trace_pushforward(primitive, (False,) * (len(primitive.arguments) - 1) + (True,))
    return any(row is WHERE for row, _ in rule.instructions)


def not_chosen(primitive: Primitive, primals: Sequence[Any], answer: Any, k: int) -> Any:
    """Where a row that chooses does not hand on its argument k, so that even a tangent of NaN is dropped."""
    if not _chooses(primitive):
        return None
    values = [plain(p) for p in primals]
    if any(v is None for v in values):
        return None
    term = times_partial(primitive, ROWS, values, plain(answer), k, np.full(np.shape(answer), np.nan))
    return np.broadcast_to(~np.isnan(term), np.shape(answer))

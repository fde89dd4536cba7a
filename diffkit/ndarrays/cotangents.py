"""Cotangents: their values, and where they are absent; adding them, fitting them to shapes, scattering them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from diffkit.ndarrays.kernel import Proxy, gather, total


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


def scattered(bar: Bar, positions: Any, shape: tuple[int, ...]) -> Bar:
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

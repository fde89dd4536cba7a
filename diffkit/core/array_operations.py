"""Operations on whole arrays: the instructions of a Program beside the rows of functions, which work entry by entry.

They move entries, sum them and their products, or follow their order; those of matrices are in ``matrix_operations``.
Each says its shape, its NumPy value, and how tangents and cotangents go through it in operations again, so the
set is closed under transposition: forward and reverse accumulation of a Program are Programs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from diffkit.core.program import Data, Shape, broadcast

PADDED = 4  # times as many entries that a gather may have for a sum of groups of unequal size


class ArrayOperation:
    """What an instruction does to whole arrays; two are equal if they are of one kind and have the same parameters."""

    name = ""
    truth = steps = False
    truths: tuple[int, ...] = ()
    places = special = ()
    base = fold = None
    variadic = False

    def __repr__(self) -> str:
        return self.written

    @property
    def written(self) -> str:
        """How it is shown in a Program."""
        return self.name

    def shape(self, *shapes: Shape) -> Shape:
        """Shape of the value from those of the arguments: that of the first, unless an operation says more."""
        return shapes[0]

    def value(self, *args: Any) -> Any:
        """The value of NumPy arrays."""
        raise NotImplementedError

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """The tangent of the value from that of argument k: what is linear in its only argument does the same to it."""
        return algebra.apply(self, [tangent])

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """The cotangent of argument k from that of the value; None if it does not vary with it."""
        raise NotImplementedError


@dataclass(frozen=True, eq=True, repr=False)
class Gather(ArrayOperation):
    """Entries of the pool (0, then all entries of the arguments in order) by position, in the positions' shape."""

    indices: Data
    name = "gather"
    variadic = True

    @property
    def written(self) -> str:
        """How it is shown in a Program."""
        found = self.indices.array
        few = ", ".join(map(str, found.ravel()[:6].tolist()))
        return f"gather[{few}{', …' if found.size > 6 else ''}]"

    def shape(self, *_: Shape) -> Shape:
        """That of the positions."""
        return self.indices.shape

    @cached_property
    def padded(self) -> bool:
        """Whether it takes the 0 of the pool."""
        found = self.indices.array
        return bool(found.size) and not bool(found.min())

    def value(self, *args: Any) -> Any:
        """Entries of NumPy arrays; of truths a truth."""
        if len(args) == 1 and not self.padded:
            return np.ravel(args[0])[self.indices.array - 1]
        zero = np.zeros(1, dtype=bool if args and all(np.asarray(a).dtype == bool for a in args) else float)
        return np.concatenate([zero, *map(np.ravel, args)])[self.indices.array]

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """The tangent's own entries, 0 elsewhere."""
        start = 1 + sum(math.prod(algebra.shape(a)) for a in args[:k])
        return algebra.apply(_of_part(self.indices.array, start, math.prod(algebra.shape(args[k]))), [tangent])

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """The sum of what was taken from each entry."""
        start = 1 + sum(map(math.prod, shapes[:k]))
        return scattered(algebra, bar, self.indices.array - start, shapes[k])


def _of_part(indices: Any, start: int, size: int) -> Gather:
    """A gather's entries of one part alone; 0 where they are of another."""
    moved = indices - (start - 1)
    return Gather(Data(np.where((moved >= 1) & (moved <= size), moved, 0)))


def gathered(positions: Any) -> Gather:
    """The gather by positions, counted from 1; 0 stands for the number 0."""
    return Gather(Data(np.asarray(positions, dtype=np.int64)))


def scattered(algebra: Any, bar: Any, positions: Any, shape: Shape) -> Any:
    """Zeros of a shape to whose flat positions (from 0) entries of ``bar`` are added; positions outside are left out.

    Entries that fall on one position are brought into one row by a gather, and summed: groups of like size together.
    """
    size = math.prod(shape)
    flat = np.ravel(positions)
    order = np.argsort(flat, kind="stable")
    order = order[(flat[order] >= 0) & (flat[order] < size)]
    target = flat[order]
    place, first, counts = np.unique(target, return_index=True, return_counts=True)
    if not len(place):
        return algebra.zeros(shape)
    if counts.max() == 1:
        pool = np.zeros(size, dtype=np.int64)
        pool[place] = order + 1
        return algebra.apply(gathered(pool.reshape(shape)), [bar])
    classes = np.where(counts == 1, 0, np.ceil(np.log2(counts)).astype(int))
    if counts.max() * len(place) <= PADDED * len(order):
        classes[:] = 1
    parts, found = [], np.zeros(size, dtype=np.int64)
    start = 1
    for one in np.unique(classes):
        members = np.flatnonzero(classes == one)
        width = int(counts[members].max())
        steps = np.arange(width)
        inside = steps < counts[members][:, None]
        rows = np.where(inside, order[np.minimum(first[members][:, None] + steps, len(order) - 1)] + 1, 0)
        part = algebra.apply(gathered(rows), [bar])
        parts.append(algebra.apply(Total((1,)), [part]))
        found[place[members]] = start + np.arange(len(members))
        start += len(members)
    return algebra.apply(gathered(found.reshape(shape)), parts)


@dataclass(frozen=True, repr=False)
class Reshape(ArrayOperation):
    """The same entries in another shape."""

    new: Shape
    name = "reshape"

    @property
    def written(self) -> str:
        """How it is shown in a Program."""
        return f"reshape{list(self.new)}"

    def shape(self, *_: Shape) -> Shape:
        """The new shape."""
        return self.new

    def value(self, *args: Any) -> Any:
        """Of a NumPy array."""
        return np.reshape(args[0], self.new)

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """The cotangent in the old shape."""
        return reshaped(algebra, bar, self.new, shapes[k])


def reshaped(algebra: Any, x: Any, old: Shape, new: Shape) -> Any:
    """An array in another shape."""
    return x if old == new else algebra.apply(Reshape(tuple(new)), [x])


@dataclass(frozen=True, repr=False)
class Spread(ArrayOperation):
    """Repeat along the axes of length 1, and along new axes in front."""

    new: Shape
    name = "spread"

    @property
    def written(self) -> str:
        """How it is shown in a Program."""
        return f"spread{list(self.new)}"

    def shape(self, *_: Shape) -> Shape:
        """The larger shape."""
        return self.new

    def value(self, *args: Any) -> Any:
        """Of a NumPy array."""
        return np.broadcast_to(args[0], self.new)

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """The sum over what was repeated."""
        return narrowed(algebra, bar, self.new, shapes[k])


def spread(algebra: Any, x: Any, old: Shape, new: Shape) -> Any:
    """An array repeated to a larger shape."""
    return x if old == new else algebra.apply(Spread(tuple(new)), [x])


def narrowed(algebra: Any, bar: Any, wide: Shape, shape: Shape) -> Any:
    """The sum over the axes along which an array of a shape was repeated to a wide one."""
    if wide == shape:
        return bar
    extra = len(wide) - len(shape)
    axes = (*range(extra), *(extra + k for k, n in enumerate(shape) if n == 1 and wide[extra + k] != 1))
    found = algebra.apply(Total(axes), [bar])
    kept = tuple(n for k, n in enumerate(wide) if k not in axes)
    return reshaped(algebra, found, kept, shape)


@dataclass(frozen=True, repr=False)
class Total(ArrayOperation):
    """The sum over axes."""

    axes: tuple[int, ...]
    name = "total"

    @property
    def written(self) -> str:
        """How it is shown in a Program."""
        return f"total{list(self.axes)}"

    def shape(self, *shapes: Shape) -> Shape:
        """Without the axes."""
        return tuple(n for k, n in enumerate(shapes[0]) if k not in self.axes)

    def value(self, *args: Any) -> Any:
        """Of a NumPy array."""
        return np.sum(args[0], axis=self.axes)

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """Every term has the cotangent of the sum."""
        kept = tuple(1 if axis in self.axes else n for axis, n in enumerate(shapes[k]))
        return spread(algebra, reshaped(algebra, bar, self.shape(shapes[k]), kept), kept, shapes[k])


@dataclass(frozen=True, repr=False)
class Order(ArrayOperation):
    """The order of the entries along the last axis, from the least: whole numbers that do not vary with the input."""

    name = "order"
    steps = True

    def value(self, *args: Any) -> Any:
        """Of a NumPy array."""
        return np.argsort(args[0], axis=-1, kind="stable")

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """It does not vary."""
        return None

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """It does not vary."""
        return None


@dataclass(frozen=True, repr=False)
class Take(ArrayOperation):
    """Entries of the first array in an order of the last axis, the second one."""

    name = "take"

    def value(self, *args: Any) -> Any:
        """Of NumPy arrays."""
        return np.take_along_axis(args[0], args[1], axis=-1)

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """The tangents in that order."""
        return algebra.apply(self, [tangent, args[1]]) if k == 0 else None

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """Back to where they came from."""
        return algebra.apply(Put(), [bar, args[1]]) if k == 0 else None


@dataclass(frozen=True, repr=False)
class Put(ArrayOperation):
    """What undoes ``take``: entries put back where an order took them from."""

    name = "put"

    def value(self, *args: Any) -> Any:
        """Of NumPy arrays."""
        found = np.empty(np.shape(args[0]), dtype=np.asarray(args[0]).dtype)
        np.put_along_axis(found, args[1], args[0], axis=-1)
        return found

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """The tangents put back."""
        return algebra.apply(self, [tangent, args[1]]) if k == 0 else None

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """In the order."""
        return algebra.apply(Take(), [bar, args[1]]) if k == 0 else None


@dataclass(frozen=True, repr=False)
class Scaled(ArrayOperation):
    """The product of two arrays, entry by entry, that is zero where the first is, whatever the second: 0·∞ = 0."""

    name = "scaled"

    def shape(self, *shapes: Shape) -> Shape:
        """That to which both are repeated."""
        return broadcast(shapes)

    def value(self, *args: Any) -> Any:
        """Of NumPy arrays."""
        return np.where(args[0] == 0, 0.0, args[0] * args[1])

    def push(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, tangent: Any) -> Any:
        """(a·b)′ = ȧ·b + a·ḃ."""
        found = algebra.apply(self, [tangent, args[1]] if k == 0 else [args[0], tangent])
        return spread(algebra, found, algebra.shape(found), algebra.shape(answer))

    def pull(self, algebra: Any, args: Sequence[Any], answer: Any, k: int, bar: Any, shapes: Sequence[Shape]) -> Any:
        """The product of the cotangent with the other factor."""
        found = algebra.apply(self, [bar, args[1 - k]])
        return narrowed(algebra, found, broadcast(shapes), shapes[k])

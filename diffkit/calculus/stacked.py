"""Programs of arrays at many points at a time: every input has one more axis in front, which runs over the points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import Gather, Order, Put, Reshape, Scaled, Spread, Take, Total, gathered
from diffkit.core.contractions import FREE_LETTERS, Contract
from diffkit.core.deadline import in_time
from diffkit.core.program import Program, Shape
from diffkit.core.table import Primitive

_ALONG_LAST_AXIS = (Order, Take, Put)


def stacked(program: Program, count: int) -> Program | None:
    """Give the Program of so many points, its inputs and outputs of shapes (count, …).

    None where it does with matrices what is done with one at a time.
    """
    shapes = dict(zip(program.inputs, ((count, *shape) for shape in program.lengths), strict=True))
    stack = _Stack(program, count, ArrayBuilder(shapes))
    for slot, row, args in in_time(program.numbered()):
        if not stack.add(slot, row, args):
            return None
    return stack.builder.program([stack.whole(slot) for slot in program.outputs], program.inputs)


class _Stack:
    """Slots of a program as those of its stack; what does not vary with a point has no axis for the points."""

    def __init__(self, program: Program, count: int, builder: ArrayBuilder):
        self.program, self.count, self.builder = program, count, builder
        self.slots: list[int] = [*range(len(program.inputs)), *map(builder.constant, program.constants)]
        self.moves = [slot < len(program.inputs) for slot in range(program.first_instruction)]

    def add(self, slot: int, row: Any, args: Sequence[int]) -> bool:
        """Add an instruction; False where there is no way."""
        moves = any(self.moves[a] for a in args)
        found = self._moved(slot, row, args) if moves else self.builder.apply(row, [self.slots[a] for a in args])
        if found is None:
            return False
        self.slots.append(found)
        self.moves.append(moves)
        return True

    def whole(self, slot: int) -> int:
        """A slot with the axis of the points, along which it may be repeated."""
        if self.moves[slot]:
            return self.slots[slot]
        return self.builder.apply(Spread((self.count, *self.program.shapes[slot])), [self.slots[slot]])

    def _moved(self, slot: int, row: Any, args: Sequence[int]) -> int | None:
        """An instruction of which some argument varies with the point."""
        builder, count, shapes = self.builder, self.count, self.program.shapes
        if isinstance(row, (Primitive, Scaled)):
            return builder.apply(row, [self._aligned(a, len(shapes[slot])) for a in args])
        if isinstance(row, Reshape):
            return builder.apply(Reshape((count, *row.new)), [self.slots[args[0]]])
        if isinstance(row, Spread):
            return builder.apply(Spread((count, *row.new)), [self._aligned(args[0], len(row.new))])
        if isinstance(row, Total):
            return builder.apply(Total(tuple(axis + 1 for axis in row.axes)), [self.slots[args[0]]])
        if isinstance(row, Contract):
            return builder.apply(self._contraction(row, args), [self.slots[a] for a in args])
        if isinstance(row, Gather):
            return builder.apply(self._gather(row, args), [self.slots[a] for a in args])
        if isinstance(row, _ALONG_LAST_AXIS):
            return builder.apply(row, [self.whole(a) for a in args])
        return None

    def _aligned(self, slot: int, axes: int) -> int:
        """A slot whose axes after that of the points are as many as those of what it is combined with."""
        shape: Shape = self.program.shapes[slot]
        if not self.moves[slot] or len(shape) == axes:
            return self.slots[slot]
        new = (self.count, *(1,) * (axes - len(shape)), *shape)
        return self.builder.apply(Reshape(new), [self.slots[slot]])

    def _contraction(self, row: Contract, args: Sequence[int]) -> Contract:
        letter = next(c for c in FREE_LETTERS if c not in row.left + row.right)
        left, right = (letter * self.moves[a] + letters for a, letters in zip(args, (row.left, row.right), strict=True))
        return replace(row, left=left, right=right, out=letter + row.out)

    def _gather(self, row: Gather, args: Sequence[int]) -> Gather:
        """Positions in the pool of all points: each part that moves stands there once for each of them."""
        positions = row.indices.array
        point = np.arange(self.count).reshape(-1, *[1] * positions.ndim)
        found = np.zeros((self.count, *positions.shape), dtype=np.int64)
        old = new = 1
        for arg in args:
            size = math.prod(self.program.shapes[arg])
            mine = (positions >= old) & (positions < old + size)
            found += np.where(mine, positions - old + new + point * (size * self.moves[arg]), 0)
            old, new = old + size, new + size * (self.count if self.moves[arg] else 1)
        return gathered(found)

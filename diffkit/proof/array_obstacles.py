"""What is in the way of an ordinary derivative in a Program of arrays: kinks, jumps, poles, edges, ties, by entry."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from diffkit.calculus.array_masks import needed, reached
from diffkit.core.array_operations import Order, Take
from diffkit.core.program import Program, run_slots
from diffkit.core.rules import by_rule
from diffkit.core.table import POWER, SUB, WHERE, Place, Primitive
from diffkit.numbers.array_balls import BallArrays, Balls, balls_of


class Obstacle(NamedTuple):
    """A place that is met, or not proven to be missed: the instruction, its place, and the entries where."""

    slot: int
    place: Place | None
    """None for entries whose order is not settled"""
    entries: Any
    """a mask of the instruction's entries"""
    outside: Any
    """a mask of those that are proven to lie outside the domain"""

    @property
    def ends(self) -> bool:
        """Whether there may be no value."""
        return self.place is not None and self.place.kind in ("edge", "pole")


class ArrayPrimal:
    """The primal values at a point in balls, and what matters among them."""

    def __init__(self, program: Program, balls: BallArrays, inputs: Sequence[Any]):
        self.program, self.balls = program, balls
        self.values = run_slots(program, balls, [balls_of(x) for x in inputs])

    @cached_property
    def varies(self) -> list[Any]:
        """Which entries vary with an input."""
        return reached(self.program, [np.ones(shape, bool) for shape in self.program.lengths], self.values)

    @property
    def chosen(self) -> bool:
        """Whether every condition is decided."""
        conditions = {args[0] for _, row, args in self.program.numbered() if row is WHERE}
        return all(None not in np.ravel(self.values[slot]).tolist() for slot in conditions)

    def wanted(self, rows: Any) -> dict[int, Any]:
        """The seed of a sweep back from some entries of the output."""
        (output,) = self.program.outputs
        mask = np.zeros(math.prod(self.program.shapes[output]), dtype=bool)
        mask[list(rows)] = True
        return {output: mask.reshape(self.program.shapes[output])}

    def obstacles(self, rows: Any = None) -> Iterator[Obstacle]:
        """Places that matter to some entries of the output (all unless given) and are not proven to be missed.

        Both arguments of max and min must be continuous, but a kink of one counts only where it is taken.
        """
        (output,) = self.program.outputs
        seeds = self.wanted(range(math.prod(self.program.shapes[output])) if rows is None else rows)
        matters = needed(self.program, seeds, self.values)
        smooth = needed(self.program, seeds, self.values, smoothly=True)
        for slot, row, args in self.program.numbered():
            if slot not in matters or not matters[slot].any():
                continue
            if isinstance(row, Order):
                yield from self._ties(slot, args[0], matters[slot])
            for place in row.special:
                there = smooth if place.kind == "kink" else matters
                if slot in there:
                    yield from self._met(slot, row, args, place, there[slot])

    def _met(self, slot: int, row: Primitive, args: Sequence[int], place: Place, matters: Any) -> Iterator[Obstacle]:
        """Where a place of a row is not proven to be missed."""
        shape = self.program.shapes[slot]
        movers = args if place.varying is None else [args[i] for i in place.varying]
        moves = np.zeros(shape, dtype=bool)
        for arg in movers:
            moves = moves | self.varies[arg]
        if place.varying is not None and not moves.any():
            return
        if row is POWER and not self.varies[args[1]].any() and _natural(self.values[args[1]]):
            return  # a polynomial
        margins = np.broadcast_to(by_rule(place.margin, self.balls, [self.values[a] for a in args]), shape)
        wanted = matters & (moves | (place.varying is None and place.kind != "kink"))
        if not wanted.any():
            return
        holds = np.ones(shape, dtype=bool)
        outside = np.zeros(shape, dtype=bool)
        for position in np.argwhere(wanted):
            key = tuple(position)
            holds[key], outside[key] = _missed(place, margins[key], bool(moves[key]))
        if not holds.all():
            yield Obstacle(slot, place, ~holds, outside)

    def _ties(self, slot: int, entries: int, matters: Any) -> Iterator[Obstacle]:
        """Entries next to each other in their order that are not proven to differ, and vary."""
        order, x, varies = self.values[slot], self.values[entries], self.varies[entries]
        along = Take().value(x, order)
        moves = Take().value(varies, order)
        if along.shape[-1] < 2:
            return
        gaps = self.balls.apply(SUB, [along[..., 1:], along[..., :-1]])
        apart = np.asarray(np.frompyfunc(lambda gap: bool(gap > 0), 1, 1)(gaps), dtype=bool)
        tied = ~apart & (moves[..., 1:] | moves[..., :-1]) & matters.any(axis=-1, keepdims=True)
        if tied.any():
            mask = np.zeros(along.shape, dtype=bool)
            mask[..., 1:] |= tied
            mask[..., :-1] |= tied
            found = np.zeros(along.shape, dtype=bool)
            np.put_along_axis(found, order, mask, axis=-1)
            yield Obstacle(slot, None, found, np.zeros(found.shape, dtype=bool))


def _natural(exponents: Balls) -> bool:
    """Whether all exponents are 0, 1, 2 …"""
    wholes = [ball.unique_fmpz() for ball in exponents.ravel()]
    return all(n is not None and n >= 0 for n in wholes)


def _missed(place: Place, margin: Any, moves: bool) -> tuple[bool, bool]:
    """Whether a margin is proven to be off its place, and whether it is proven to lie outside the domain."""
    if place.kind == "edge":
        closed = not moves and place.closed
        return bool(margin >= 0 if closed else margin > 0), bool(margin < 0)
    if place.kind == "jump" and not moves:
        return bool(margin != 0) or bool(margin == 0), False
    return bool(margin != 0), False

"""What is in the way of an ordinary derivative in a Program of arrays: kinks, jumps, poles, edges, ties, by entry."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from diffkit.calculus.array_masks import narrowed_mask, needed, reached
from diffkit.core.array_operations import Order, Put, Take
from diffkit.core.program import Program, run_slots
from diffkit.core.rules import by_rule
from diffkit.core.table import POWER, SUB, WHERE, Place, Primitive
from diffkit.numbers.array_balls import BallArrays, Balls, balls_of, exactly_zero


class Obstacle(NamedTuple):
    """A place that is met, or not proven to be missed: the instruction, its place, and masks of the entries where."""

    slot: int
    place: Place | None
    """None for entries whose order is not settled"""
    entries: Any
    """where it is in the way of what moves it"""
    ends: Any
    """where there may be no value, whatever moves"""
    outside: Any
    """where the point is proven to lie outside the domain"""
    movers: Mapping[int, Any]
    """entries of the arguments by which it is moved, by slot"""

    @property
    def continuous(self) -> bool:
        """Whether the function goes on, without a jump, on the other side."""
        return self.place is None or self.place.kind == "kink"


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
        movers: Any = args if place.varying is None else [args[i] for i in place.varying]
        moves = np.zeros(shape, dtype=bool)
        for arg in movers:
            moves = moves | self.varies[arg]
        if place.varying is not None and not moves.any():
            return
        if row is POWER and not self.varies[args[1]].any() and _natural(self.values[args[1]]):
            return  # a polynomial
        margins = np.broadcast_to(by_rule(place.margin, self.balls, [self.values[a] for a in args]), shape)
        wanted = matters & (moves | (place.varying is None and place.kind != "kink"))
        entries, ends, outside = (np.zeros(shape, dtype=bool) for _ in range(3))
        for position in np.argwhere(wanted):
            key = tuple(position)
            margin = margins[key]
            entries[key] = moves[key] and not (margin > 0 if place.kind == "edge" else margin != 0)
            if place.varying is None:
                ends[key] = not _has_value(place, margin)
                outside[key] = place.kind == "edge" and margin < 0
        if entries.any() or ends.any():
            movers = {arg: narrowed_mask(entries, self.program.shapes[arg]) for arg in movers}
            yield Obstacle(slot, place, entries, ends, outside, movers)

    def _ties(self, slot: int, entries: int, matters: Any) -> Iterator[Obstacle]:
        """Entries next to each other in their order that are not proven to differ; they have a value if equal."""
        order, x, varies = self.values[slot], self.values[entries], self.varies[entries]
        along = Take().value(x, order)
        moves = Take().value(varies, order)
        if along.shape[-1] < 2:
            return
        gaps = self.balls.apply(SUB, [along[..., 1:], along[..., :-1]])
        apart = np.asarray(np.frompyfunc(lambda gap: bool(gap > 0), 1, 1)(gaps), dtype=bool)
        tied = ~apart & matters.any(axis=-1, keepdims=True)
        moved, ends = (
            _on_both_sides(gap) for gap in (tied & (moves[..., 1:] | moves[..., :-1]), tied & ~exactly_zero(gaps))
        )
        if moved.any() or ends.any():
            outside = np.zeros(moved.shape, dtype=bool)
            yield Obstacle(slot, None, moved, ends, outside, {entries: Put().value(moved, order)})


def _on_both_sides(gaps: Any) -> Any:
    """Entries beside some of the gaps between them, along the last axis."""
    none = np.zeros((*gaps.shape[:-1], 1), dtype=bool)
    return np.concatenate([none, gaps], axis=-1) | np.concatenate([gaps, none], axis=-1)


def _natural(exponents: Balls) -> bool:
    """Whether all exponents are 0, 1, 2 …"""
    wholes = [ball.unique_fmpz() for ball in exponents.ravel()]
    return all(n is not None and n >= 0 for n in wholes)


def _has_value(place: Place, margin: Any) -> bool:
    """Whether a row is proven to have a value at a margin, which at a kink and on any side of a jump it has."""
    if place.kind == "edge":
        return bool(margin >= 0 if place.closed else margin > 0)
    if place.kind == "jump":
        return bool(margin != 0) or bool(margin == 0)
    return place.kind == "kink" or bool(margin != 0)

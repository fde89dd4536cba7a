"""One-sided derivatives at kinks of Programs of arrays that are too long to be looked at number by number.

A kink that is met exactly, such as |x| at 0, has a derivative in every direction, and so has what is composed of such:
f′(x; v) follows by the chain rule with the rows' slopes in place of partials (A. Shapiro, On concepts of directional
differentiability, 1990, proposition 3.6). The derivative from the right is f′(x; eᵢ), that from the left −f′(x; −eᵢ).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from diffkit.calculus.array_derivatives import tangents
from diffkit.core.array_operations import spread
from diffkit.core.rules import by_rule
from diffkit.core.table import Place
from diffkit.numbers.array_balls import balls_of, exactly_zero
from diffkit.numbers.balls import enclose
from diffkit.proof.array_obstacles import ArrayPrimal, Obstacle

SWEPT = 2**22
"""numbers that are computed for one-sided derivatives, after which no further component is looked at"""


class Sides(NamedTuple):
    """The derivatives from the left and from the right, rounded, and whether they are proven to differ."""

    left: float
    right: float
    apart: bool


def met_exactly(primal: ArrayPrimal, obstacles: Sequence[Obstacle]) -> bool:
    """Whether all that is in the way are kinks with slopes that are met exactly."""
    return all(_kink(primal, obstacle) for obstacle in obstacles)


def _kink(primal: ArrayPrimal, obstacle: Obstacle) -> bool:
    place = obstacle.place
    if place is None or place.kind != "kink" or place.slope is None:
        return False
    return bool(exactly_zero(_margins(primal, obstacle.slot, place)[obstacle.entries]).all())


def _margins(primal: ArrayPrimal, slot: int, place: Place) -> Any:
    """The margins of a place in the shape of its instruction."""
    instruction = primal.program.instruction_at(slot)
    assert instruction is not None
    values = [primal.values[arg] for arg in instruction[1]]
    return np.broadcast_to(by_rule(place.margin, primal.balls, values), primal.program.shapes[slot])


def one_sided(primal: ArrayPrimal, obstacles: Sequence[Obstacle], inputs: Sequence[Any], output: int) -> Sides:
    """Derivatives of an entry of the output from both sides along one input, which ``inputs`` are 1 at; else 0."""
    sides = []
    for sign in (-1.0, 1.0):
        seeds = {k: balls_of(sign * part) for k, part in enumerate(inputs) if part.any()}
        found = tangents(primal.program, primal.balls, primal.values, seeds, _Slopes(primal, obstacles))
        moved = found.get(primal.program.outputs[0])
        sides.append(arb(0) if moved is None else np.ravel(moved)[output] * int(sign))
    values = [enclose(side).value for side in sides]
    left, right = (float("nan") if value is None else value for value in values)
    return Sides(left, right, not sides[0].overlaps(sides[1]))


class _Slopes:
    """What replaces the tangents of instructions at kinks: the slopes of their rows."""

    def __init__(self, primal: ArrayPrimal, obstacles: Sequence[Obstacle]):
        self.primal = primal
        self.kinks: dict[int, list[Obstacle]] = {}
        for obstacle in obstacles:
            self.kinks.setdefault(obstacle.slot, []).append(obstacle)

    def __call__(self, slot: int, moved: Any, given: Sequence[Any]) -> Any:
        """The tangent of a slot, from those of its arguments (None: at rest)."""
        balls, program = self.primal.balls, self.primal.program
        instruction = program.instruction_at(slot)
        assert instruction is not None
        shape = program.shapes[slot]
        for obstacle in self.kinks.get(slot, ()):
            assert obstacle.place is not None
            assert obstacle.place.slope is not None
            directions = [
                balls.zeros(shape) if part is None else spread(balls, part, part.shape, shape) for part in given
            ]
            slopes = np.broadcast_to(by_rule(obstacle.place.slope, balls, directions), shape)
            moved = np.where(obstacle.entries, slopes, moved)
        return moved

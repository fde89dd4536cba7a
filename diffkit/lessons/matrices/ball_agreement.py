"""Whether a claim holds at a trial, settled in ball arithmetic, so that the size of its terms does not matter.

Entries are Arb's power series with one or two terms, which Arb differentiates by rules of its own. That settles
whether two sides are equal at a point whatever the size of their terms, where binary64 can only say that they are near.

A derivative is compared along a random direction V: of a scalar, sum(G * V) against the rate of change of f; of a
vector, G @ V; by a scalar, G times V.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.core.errors import DiffkitError
from diffkit.core.limits import AGREED_DIGITS, DEEP_BITS
from diffkit.core.program import Program
from diffkit.lessons.matrices.nodes import Node, in_order
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_program import program_of
from diffkit.lessons.matrices.trials import Trial, TrialKey, at_sizes
from diffkit.ndarrays import record_program
from diffkit.numbers.array_balls import Balls, balls_of, finite, pushed_along, relative_gap
from diffkit.numbers.array_series import first_terms
from diffkit.numbers.balls import HALF_LEAST, enclose, precision

KEPT_PROGRAMS = 16
"""programs of sides at lengths that are tried again elsewhere"""


class Met(NamedTuple):
    """The sides at a trial: their relative difference, zero only if they agree, and which of them have a value.

    ``gap`` is None where one has none, or where even this precision does not tell them apart from each other.
    """

    gap: float | None
    left: bool
    right: bool


@dataclass(frozen=True)
class ClaimedEquality:
    """``left = right``, or that ``right`` is the derivative of ``left`` by a name, perhaps in the other layout."""

    left: Node
    right: Node
    wrt: str | None = None
    turned: bool = False
    symmetric: bool = False

    @property
    def bits(self) -> int:
        """The working precision."""
        numbers = [Fraction(n.value) for n in in_order(self.left, self.right) if n.kind == "number"]
        return DEEP_BITS + 4 * sum(f.numerator.bit_length() + f.denominator.bit_length() for f in numbers)

    def at(self, trial: Trial) -> Met:
        """Compare the sides."""
        check_time()
        try:
            left, right = (_program(side, trial.key) for side in (self.left, self.right))
            with precision(self.bits, 1 if self.wrt is None else 2):
                known, claimed = self._sides(left, right, trial)
                return Met(relative_gap(known, claimed, AGREED_DIGITS), finite(known).all(), finite(claimed).all())
        except (DiffkitError, TypeError, ValueError):
            return Met(None, False, False)

    def _sides(self, left: Program, right: Program, trial: Trial) -> tuple[Balls, Balls]:
        """What is compared; arrays of different shapes where the right side is not of the shape of the left one."""
        values = trial.values
        claimed, _ = first_terms(right, values)
        if self.wrt is None:
            return first_terms(left, values)[0], claimed
        own = np.shape(values[self.wrt])
        direction = np.random.default_rng(5).normal(size=own)
        if self.symmetric:
            direction = direction + direction.T
        _, rate = first_terms(left, values, self.wrt, direction)
        claimed = claimed.T if self.turned else claimed
        if claimed.shape != (*rate.shape, *own):
            return np.broadcast_to(rate.reshape(rate.shape + (1,) * len(own)), rate.shape + own), claimed
        pushed = pushed_along(claimed, direction)
        if not self.symmetric:
            return rate, pushed
        odd = (claimed - claimed.T).ravel()  # along symmetric directions a matrix and its transpose look alike
        return np.append(rate, balls_of(np.zeros(odd.shape))), np.append(pushed, odd)

    def both(self, trial: Trial) -> tuple[Any, Any, str | None]:
        """What is claimed and what is true at a trial, entry by entry, correctly rounded where that is proven.

        The third is the largest difference, as text; None where none is known.
        The precision is twice that of ``at``: a ball around zero then lies in what rounds to zero.
        """
        left, right = (_program(side, trial.key) for side in (self.left, self.right))
        with precision(2 * self.bits, 1 if self.wrt is None else 2):
            claimed, known = first_terms(right, trial.values)[0], self._known(left, trial)
            return _rounded(claimed), _rounded(known), _difference(claimed, known)

    def _known(self, left: Program, trial: Trial) -> Balls:
        """The left side at a trial, or its derivative, in the precision held."""
        if self.wrt is None:
            return first_terms(left, trial.values)[0]
        own = np.shape(trial.values[self.wrt])
        columns = []
        for index in np.ndindex(*own):
            unit = np.zeros(own)
            unit[index] = 1.0
            if self.symmetric:
                unit = (unit + unit.T) / 2
            columns.append(first_terms(left, trial.values, self.wrt, unit)[1])
        known = np.stack(columns, axis=-1)
        known = known.reshape(known.shape[:-1] + own)
        return known.T if self.turned else known


@lru_cache(maxsize=KEPT_PROGRAMS)
def _program(tree: Node, lengths: TrialKey) -> Program:
    """The Program of a tree at the lengths of a trial."""
    plain, shapes = at_sizes(tree, dict(lengths.sizes)), dict(lengths.shapes)
    return record_program(program_of(plain, tuple(shapes), shapes_of(plain, shapes)), lengths.shapes)


def _rounded(balls: Any) -> Any:
    found = [0.0 if abs(ball) < HALF_LEAST else enclose(ball).value for ball in balls.flat]
    return np.array([np.nan if v is None else v for v in found]).reshape(balls.shape)[()]


def _difference(claimed: Any, known: Any) -> str | None:
    """The largest difference of entries with three digits; None for other shapes, or where it is not known."""
    if claimed.shape != known.shape or not (finite(claimed).all() and finite(known).all()):
        return None
    largest = max((abs(a - b) for a, b in zip(claimed.flat, known.flat, strict=True)), key=lambda d: d.mid())
    return str(largest.str(3, radius=False)) if largest != 0 else None

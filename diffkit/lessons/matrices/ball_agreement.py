"""Whether a claim holds at a trial, settled in ball arithmetic, so that the size of its terms does not matter.

A derivative is compared along a random direction V: of a scalar, sum(G * V) against the rate of change of f; of a
vector, G @ V; by a scalar, G times V.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.core.errors import DiffkitError
from diffkit.lessons.matrices.enclosures import series_of
from diffkit.lessons.matrices.nodes import Node, in_order
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.trials import Trial, at_sizes
from diffkit.numbers.ball_arrays import Series, boxed, coefficient, lifted
from diffkit.numbers.balls import BALLS, precision
from diffkit.proof.enclosures import HALF_LEAST, enclose

DIGITS = 150
"""decimal digits to which sides are seen to agree"""
BITS = 1024
"""working precision; the numbers of the text add theirs, so that they cannot hide below it"""
LEAST = 5e-324


class Met(NamedTuple):
    """The sides at a trial: their relative difference, zero only if they agree, and which of them have a value.

    ``gap`` is None where one has none, or where even this precision does not tell them apart from each other.
    """

    gap: float | None
    left: bool
    right: bool


@dataclass(frozen=True)
class Claim:
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
        return BITS + 4 * sum(f.numerator.bit_length() + f.denominator.bit_length() for f in numbers)

    def at(self, trial: Trial) -> Met:
        """Compare the sides."""
        check_time()
        try:
            with precision(self.bits, 1 if self.wrt is None else 2):
                known, claimed = self._sides(trial)
                return Met(_gap(known, claimed), _has_value(known), _has_value(claimed))
        except (DiffkitError, TypeError, ValueError):
            return Met(None, False, False)

    def _sides(self, trial: Trial) -> tuple[Any, Any]:
        """What is compared; arrays of different shapes where the right side is not of the shape of the left one."""
        claimed = coefficient(_evaluated(self.right, trial), 0)
        if self.wrt is None:
            return coefficient(_evaluated(self.left, trial), 0), claimed
        own = np.shape(trial.values[self.wrt])
        direction = np.random.default_rng(5).normal(size=own)
        if self.symmetric:
            direction = direction + direction.T
        f = _evaluated(self.left, trial, self.wrt, direction)
        claimed = claimed.T if self.turned else claimed
        rate, along = coefficient(f, 1), coefficient(lifted(direction), 0)
        if claimed.shape != (*f.shape, *own):
            return np.broadcast_to(rate.reshape(f.shape + (1,) * len(own)), f.shape + own), claimed
        pushed = boxed(np.sum(boxed(claimed * along), axis=tuple(range(-len(own), 0))))
        if not self.symmetric:
            return rate, pushed
        odd = (claimed - claimed.T).ravel()  # along symmetric directions a matrix and its transpose look alike
        return np.append(rate, coefficient(lifted(np.zeros(odd.shape)), 0)), np.append(pushed, odd)

    def both(self, trial: Trial) -> tuple[Any, Any, str | None]:
        """What is claimed and what is true at a trial, entry by entry, correctly rounded where that is proven.

        The third is the largest difference, as text; None where none is known.
        The precision is twice that of ``at``: a ball around zero then lies in what rounds to zero.
        """
        with precision(2 * self.bits, 1 if self.wrt is None else 2):
            claimed, known = coefficient(_evaluated(self.right, trial), 0), self._known(trial)
            return _rounded(claimed), _rounded(known), _difference(claimed, known)

    def _known(self, trial: Trial) -> Any:
        """The left side at a trial, or its derivative, in the precision held."""
        if self.wrt is None:
            return coefficient(_evaluated(self.left, trial), 0)
        own = np.shape(trial.values[self.wrt])
        columns = []
        for index in np.ndindex(*own):
            unit = np.zeros(own)
            unit[index] = 1.0
            if self.symmetric:
                unit = (unit + unit.T) / 2
            columns.append(coefficient(_evaluated(self.left, trial, self.wrt, unit), 1))
        known = np.stack(columns, axis=-1)
        known = known.reshape(known.shape[:-1] + own)
        return known.T if self.turned else known


def _evaluated(tree: Node, trial: Trial, wrt: str | None = None, direction: Any = None) -> Series:
    plain = at_sizes(tree, trial.sizes)
    shapes = shapes_of(plain, {name: np.shape(v) for name, v in trial.values.items()})
    values = {name: lifted(v, direction if name == wrt else None) for name, v in trial.values.items()}
    return series_of(plain, values, shapes)


def _gap(known: Any, claimed: Any) -> float | None:
    """The largest difference by the largest entry, and zero only where no difference is proven."""
    if known.shape != claimed.shape:
        return float("inf")
    if not (_has_value(known) and _has_value(claimed)):
        return None
    scale = max((abs(v).abs_upper() for v in (*known.flat, *claimed.flat)), default=BALLS.constant(0))
    near = (scale + 1) * BALLS.constant(Fraction(1, 10**DIGITS))
    worst = 0.0
    for a, b in zip(known.flat, claimed.flat, strict=True):
        difference = a - b
        if difference != 0:
            worst = max(worst, float(difference.abs_lower() / scale), LEAST)
        elif not difference.rad() < near:
            return None
    return worst


def _has_value(balls: Any) -> bool:
    return all(ball.is_finite() for ball in balls.flat)


def _rounded(balls: Any) -> Any:
    found = [0.0 if abs(ball) < HALF_LEAST else enclose(ball).value for ball in balls.flat]
    return np.array([np.nan if v is None else v for v in found]).reshape(balls.shape)[()]


def _difference(claimed: Any, known: Any) -> str | None:
    """The largest difference of entries with three digits; None for other shapes, or where it is not known."""
    if claimed.shape != known.shape or not (_has_value(claimed) and _has_value(known)):
        return None
    largest = max((abs(a - b) for a, b in zip(claimed.flat, known.flat, strict=True)), key=lambda d: d.mid())
    return str(largest.str(3, radius=False)) if largest != 0 else None

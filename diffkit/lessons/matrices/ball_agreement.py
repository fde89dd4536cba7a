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

from diffkit.core.array_operations import Total
from diffkit.core.deadline import check_time
from diffkit.core.errors import DiffkitError
from diffkit.core.limits import AGREED_DIGITS, DEEP_BITS
from diffkit.core.program import Program, run
from diffkit.lessons.matrices.nodes import Node, in_order
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_program import recorded
from diffkit.lessons.matrices.trials import Trial, at_sizes
from diffkit.numbers.array_balls import NOTHING, BallArrays, Balls, balls_of
from diffkit.numbers.array_series import Series, SeriesArrays, moving, still
from diffkit.numbers.balls import BALLS, HALF_LEAST, enclose, precision
from diffkit.numbers.floats import SMALLEST_FLOAT

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
            with precision(self.bits, 1 if self.wrt is None else 2):
                known, claimed = self._sides(trial)
                return Met(_gap(known, claimed), _has_value(known), _has_value(claimed))
        except (DiffkitError, TypeError, ValueError):
            return Met(None, False, False)

    def _sides(self, trial: Trial) -> tuple[Any, Any]:
        """What is compared; arrays of different shapes where the right side is not of the shape of the left one."""
        claimed = _coefficient(_evaluated(self.right, trial), 0)
        if self.wrt is None:
            return _coefficient(_evaluated(self.left, trial), 0), claimed
        own = np.shape(trial.values[self.wrt])
        direction = np.random.default_rng(5).normal(size=own)
        if self.symmetric:
            direction = direction + direction.T
        f = _evaluated(self.left, trial, self.wrt, direction)
        claimed = claimed.T if self.turned else claimed
        rate, along = _coefficient(f, 1), balls_of(direction)
        if claimed.shape != (*rate.shape, *own):
            return np.broadcast_to(rate.reshape(rate.shape + (1,) * len(own)), rate.shape + own), claimed
        pushed = BallArrays().apply(Total(tuple(range(rate.ndim, claimed.ndim))), [np.asarray(claimed * along)])
        if not self.symmetric:
            return rate, pushed
        odd = (claimed - claimed.T).ravel()  # along symmetric directions a matrix and its transpose look alike
        return np.append(rate, balls_of(np.zeros(odd.shape))), np.append(pushed, odd)

    def both(self, trial: Trial) -> tuple[Any, Any, str | None]:
        """What is claimed and what is true at a trial, entry by entry, correctly rounded where that is proven.

        The third is the largest difference, as text; None where none is known.
        The precision is twice that of ``at``: a ball around zero then lies in what rounds to zero.
        """
        with precision(2 * self.bits, 1 if self.wrt is None else 2):
            claimed, known = _coefficient(_evaluated(self.right, trial), 0), self._known(trial)
            return _rounded(claimed), _rounded(known), _difference(claimed, known)

    def _known(self, trial: Trial) -> Any:
        """The left side at a trial, or its derivative, in the precision held."""
        if self.wrt is None:
            return _coefficient(_evaluated(self.left, trial), 0)
        own = np.shape(trial.values[self.wrt])
        columns = []
        for index in np.ndindex(*own):
            unit = np.zeros(own)
            unit[index] = 1.0
            if self.symmetric:
                unit = (unit + unit.T) / 2
            columns.append(_coefficient(_evaluated(self.left, trial, self.wrt, unit), 1))
        known = np.stack(columns, axis=-1)
        known = known.reshape(known.shape[:-1] + own)
        return known.T if self.turned else known


def _evaluated(tree: Node, trial: Trial, wrt: str | None = None, direction: Any = None) -> Series:
    """The power series of a tree at a trial, in the precision held; an entry without a value is NaN."""
    values = {name: np.asarray(value, dtype=float) for name, value in trial.values.items()}
    inputs = [
        moving(balls_of(value), balls_of(direction)) if name == wrt else still(balls_of(value))
        for name, value in values.items()
    ]
    program = _program(tree, tuple(trial.sizes.items()), tuple((name, value.shape) for name, value in values.items()))
    (found,) = run(program, SeriesArrays(BallArrays()), inputs)
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=KEPT_PROGRAMS)
def _program(tree: Node, sizes: tuple[Any, ...], lengths: tuple[Any, ...]) -> Program:
    """The Program of a tree at lengths."""
    plain = at_sizes(tree, dict(sizes))
    return recorded(plain, dict(lengths), shapes_of(plain, dict(lengths)))


def _coefficient(series: Series, k: int) -> Balls:
    """The k-th coefficients."""
    return np.full(series[0].shape, NOTHING, dtype=object) if series[k] is None else series[k]


def _gap(known: Any, claimed: Any) -> float | None:
    """The largest difference by the largest entry, and zero only where no difference is proven."""
    if known.shape != claimed.shape:
        return float("inf")
    if not (_has_value(known) and _has_value(claimed)):
        return None
    scale = max((abs(v).abs_upper() for v in (*known.flat, *claimed.flat)), default=BALLS.constant(0))
    near = (scale + 1) * BALLS.constant(Fraction(1, 10**AGREED_DIGITS))
    worst = 0.0
    for a, b in zip(known.flat, claimed.flat, strict=True):
        difference = a - b
        if difference != 0:
            worst = max(worst, float(difference.abs_lower() / scale), SMALLEST_FLOAT)
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

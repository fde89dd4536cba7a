"""Where in a box a method is farthest from the proof, or two methods from each other.

Running bounds on rounding (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3) say of
thousands of points how many digits may be lost there; what is lost is found by comparing at those that promise most,
and then nearer and nearer to the worst of them. The answer is a point where so much is lost, not a bound for the box.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diffkit.calculus.derivatives import derivative_program
from diffkit.core.deadline import TimeIsUp, check_time
from diffkit.core.equality import ByContent
from diffkit.core.errors import BackendError, LimitError, PointError, TracingError
from diffkit.core.program import run
from diffkit.core.report_views import ReportViews
from diffkit.core.watching import tell
from diffkit.judging.comparison import Comparer, Comparison

if TYPE_CHECKING:
    from diffkit.asking.tasks import Task
    from diffkit.core.program import Program
    from diffkit.methods import Backend

_SPREAD = 4096  # points over the box of which the bounds are computed
_SOBOL_SIDES = 64  # from which quasirandom points are no better than others
_NEAR_ENDS = (1e-1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-12)  # parts of a side, and coordinates, at which functions are odd
_FIRST = 24  # points that are compared before any is improved
_MOVED_POINTS = 256  # points around a good one of which the bounds are computed
_COMPARED_OF_THESE = 6  # of these that are compared
_DECADES = 12  # by which a step may be smaller than the side


@dataclass(frozen=True, eq=False)
class Worst(ReportViews, ByContent):
    """The point of a box where a method, or a pair, was found farthest off.

    ``error`` is relative, the largest of all components: to the proof, or
    between the two of ``methods`` in parts of what is proven; infinite where a
    method has no number and there is one. ``comparison`` is that at the point.

    Examples
    --------
    >>> found = dk.worst("x^2", "x=1:2", backends=["dual"], points=10)
    >>> found.error < 1e-15, found.comparison.verdict
    (True, 'agree')
    """

    at: dict[str, float]
    """the point by name"""
    methods: tuple[str, ...]
    """the method, or both"""
    error: float
    """relative to what is proven"""
    comparison: Comparison
    """of all methods at the point"""
    points: int
    """how many were compared"""

    @property
    def digits(self) -> float:
        """Significant decimal digits that are right there."""
        return 16.0 if self.error == 0 else min(16.0, max(0.0, -math.log10(self.error)))

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        at = ", ".join(f"{name} = {value!r}" for name, value in self.at.items())
        who = " and ".join(self.methods)
        said = "are apart" if len(self.methods) > 1 else "is off"
        return f"{who} {said} by {self.error:.3g} of the value at {at} ({self.points} points compared)"


class WorstSearch:
    """The search over a box, for a task and backends; ``between`` names two of these."""

    def __init__(
        self, task: Task, box: Sequence[tuple[float, float]], backends: Sequence[str | Backend],
        between: tuple[str, str] | None = None,
    ):  # fmt: skip
        import numpy as np

        if task.extras:
            raise BackendError("directions are not searched", hint="ask for the gradient or the Hessian")
        self.task, self.between = task, between
        self.low, self.high = (np.array(ends, dtype=float) for ends in zip(*box, strict=True))
        named = {getattr(backend, "name", backend) for backend in backends}
        self.comparer = Comparer(task, [*backends, *(name for name in between or () if name not in named)])
        self.random = np.random.default_rng(0)
        self.known: dict[tuple[float, ...], tuple[float, tuple[str, ...], Comparison]] = {}

    def found(self, points: int) -> Worst:
        """Compare at no more than so many points; PointError where the function has no derivative at any of them."""
        try:
            for point in self._steps(points):
                self._compare(point)
                tell("searching", len(self.known), points)
        except TimeIsUp:
            if not self.known:
                raise
        best = max(self.known, key=lambda point: self.known[point][0], default=None)
        if best is None or not self.known[best][1]:
            raise PointError("at no point of the box is there a derivative, other than 0, to compare",
                             hint="choose another box")  # fmt: skip
        error, methods, comparison = self.known[best]
        at = dict(zip(self.task.variables, best, strict=True))
        return Worst(at, methods, error, comparison, len(self.known))

    def _steps(self, points: int) -> Iterator[tuple[float, ...]]:
        """Points to compare, one after another: those that promise most, then around the worst so far."""
        start = self._spread()
        yield from self._best(start, min(_FIRST, points))
        for turn in range(points):
            if len(self.known) >= points:
                return
            leading = sorted(self.known, key=lambda point: -self.known[point][0])[: 1 + turn % 3]
            if not leading:
                return
            centre = leading[-1]
            yield from self._best(self._around(centre), min(_COMPARED_OF_THESE, points - len(self.known)))

    def _compare(self, point: tuple[float, ...]) -> None:
        check_time()
        if point not in self.known:
            comparison = self.comparer.at(point)
            self.known[point] = (*_farthest(comparison, self.between), comparison)

    # Candidates -----------------------------------------------------------------------------------------------------

    def _spread(self) -> Any:
        """Points all over the box, and near its ends and near 0 along each coordinate."""
        import numpy as np
        from scipy.stats import qmc

        sides = len(self.low)
        sobol = qmc.Sobol(sides, scramble=True, rng=0) if sides <= _SOBOL_SIDES else None
        whole = self.random.random((_SPREAD, sides)) if sobol is None else sobol.random(_SPREAD)
        rows = [self.low + whole * (self.high - self.low)]
        for k in range(sides):
            ends = [self.low[k] + part * (self.high[k] - self.low[k]) for part in _NEAR_ENDS]
            ends += [self.high[k] - part * (self.high[k] - self.low[k]) for part in _NEAR_ENDS]
            ends += [x for part in _NEAR_ENDS for x in (-part, part) if self.low[k] <= x <= self.high[k]]
            moved = np.resize(rows[0][: 4 * len(ends)], (4 * len(ends), sides)).copy()
            moved[:, k] = np.repeat(ends, 4)
            rows.append(moved)
        return np.concatenate(rows)

    def _around(self, centre: tuple[float, ...]) -> Any:
        """Points around one: some coordinates moved by a part of their side, or towards 0 by a factor."""
        import numpy as np

        sides = len(centre)
        moved = np.tile(np.array(centre), (_MOVED_POINTS, 1))
        chosen = self.random.random((_MOVED_POINTS, sides)) < max(0.5, 1 / sides)
        scale = 10.0 ** -self.random.uniform(0, _DECADES, (_MOVED_POINTS, sides))
        steps = scale * (self.high - self.low) * self.random.normal(size=(_MOVED_POINTS, sides))
        factors = 2.0 ** self.random.uniform(-8, 8, (_MOVED_POINTS, sides))
        shrunk = self.random.random((_MOVED_POINTS, 1)) < 0.5
        moved = np.where(chosen, np.where(shrunk, moved * factors, moved + steps), moved)
        return np.clip(moved, self.low, self.high)

    def _best(self, rows: Any, count: int) -> list[tuple[float, ...]]:
        """Points of which the bounds promise most, and a third of them by chance, where no bound tells."""
        import numpy as np

        promise = self._promise(rows)
        by_promise = np.argsort(-promise, kind="stable")[: count - count // 3]
        by_chance = self.random.integers(0, len(rows), size=count // 3)
        return [tuple(rows[k].tolist()) for k in (*by_promise, *by_chance)]

    def _promise(self, rows: Any) -> Any:
        """log₁₀ of the largest relative bound of any partial at rows; −∞ where it is unknown."""
        import numpy as np

        if self._derivative is None:
            return np.zeros(len(rows))
        from diffkit.numbers.array_bounds import ARRAY_BOUNDS

        with np.errstate(all="ignore"):
            found = run(self._derivative, ARRAY_BOUNDS, [(column, np.zeros(len(rows))) for column in rows.T])
            parts = [np.broadcast_to(np.asarray(e) / np.abs(v), len(rows)) for v, e in found]
            relative = np.max(np.where(np.isfinite(parts), parts, 0.0), axis=0)
            return np.log10(relative)

    @cached_property
    def _derivative(self) -> Program | None:
        """What the bounds are of; None where f has no formula."""
        try:
            return derivative_program(self.task.program, self.task.indices)
        except (TracingError, LimitError):
            return None


def _farthest(comparison: Comparison, between: tuple[str, str] | None) -> tuple[float, tuple[str, ...]]:
    """The largest relative error at a point, and whose it is: nobody's where there is nothing to compare."""
    reference = comparison.reference
    there = [c for c in range(len(reference.labels)) if not reference.is_odd(c) and reference.flat[c]]
    rows = {row.backend: row for row in comparison.rows if not row.skipped}
    if not there or not set(between or ()) <= set(rows):
        return -1.0, ()
    if between is not None:
        one, other = (rows[name].result.flat for name in between)
        return max(_part(abs(one[c] - other[c]), reference.flat[c]) for c in there), between
    found = [(max(_part(row.absolute[c], reference.flat[c]) for c in there), (name,)) for name, row in rows.items()]
    return max(found, default=(-1.0, ()))


def _part(error: float, truth: float) -> float:
    return math.inf if error != error else error / abs(truth)


def worst_of(
    task: Task, box: Sequence[tuple[float, float]], backends: Sequence[str | Backend], between: Any, points: int
) -> Worst:
    """Search a box; BackendError for a pair that is not compared, PointError where nothing can be."""
    pair = None if between is None else tuple(between)
    if pair is not None and len(pair) != 2:
        raise BackendError("between names two methods", hint='for example between=("dual", "symbolic")')
    if not box:
        raise PointError("a function without variables has no box to search")
    if points < 1:
        raise PointError("points is how many are compared, at least 1")
    return WorstSearch(task, box, backends, pair).found(points)

"""The loop itself: x ← x − α∇f(x), with momentum if wanted, and what it keeps of its path."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from diffkit.core.deadline import check_time
from diffkit.core.surroundings import undisturbed
from diffkit.lessons.gradient_descent.costs import Cost
from diffkit.lessons.gradient_descent.schedules import Batches, Schedule

Status = Literal[
    "converged", "stagnated", "diverged", "left the domain", "steps used up", "interrupted", "out of time"
]  # fmt: skip
MOST_KEPT = 200_000  # numbers of the kept points together, unless more are asked for
RUNAWAY = 1e12  # times its first size (or 1) that a gradient may grow before the descent is given up
FAR = 1e6  # times its first size (or 1): what has grown so far was running away, whatever ended it


class Path(NamedTuple):
    """The kept points: ``steps`` (K,), ``points``, ``gradients`` and ``updates`` (K, n), ``values`` (K,).

    ``updates[k]`` is the change of the weights that follows point k; NaN behind the last point, where there is none.
    Gradients are over all data, also where the steps see batches only.
    """

    steps: Any
    points: Any
    values: Any
    gradients: Any
    updates: Any


@dataclass
class Walk:
    """A descent under way; ``run`` takes the steps, and may be left at any time.

    momentum β, velocity v: v ← βv − αg, then x ← x + v (Polyak 1964), or with ``nesterov`` x ← x + βv − αg
    (Bengio, Boulanger-Lewandowski & Pascanu, ICASSP 2013, eq. 7: Nesterov's gradient, in terms of the point at which
    it is taken). The gradient of every step thus belongs to the point x it starts from.
    """

    cost: Cost
    start: Any
    schedule: Schedule
    steps: int
    momentum: float
    nesterov: bool
    tolerance: float
    every: int
    batches: Batches | None = None
    status: Status = "interrupted"
    norms: list[float] = field(default_factory=list)
    """‖g‖ of the gradient of each step: over its batch, where there are batches"""
    rates: list[float] = field(default_factory=list)
    _kept: list[tuple[int, Any, float, Any]] = field(default_factory=list)
    _updates: list[Any] = field(default_factory=list)
    _last: tuple[int, Any, Any] | None = None

    def run(self) -> Iterator[int]:
        """Take the steps; give the number of each one that was taken."""
        x, velocity = self.start, 0.0
        batches = iter(self.batches) if self.batches is not None else None
        for k in range(self.steps + 1):
            check_time()
            with np.errstate(all="ignore"):
                data = next(batches) if batches is not None and k < self.steps else None
                value, gradient = self.cost.at(x, data)
                norm = math.sqrt(gradient @ gradient)
                self.norms.append(norm)
                self._last = (k, x, gradient if data is None else None)
                ends = k == self.steps or not norm <= RUNAWAY * max(1.0, self.norms[0])
                whole = norm if data is None else math.inf  # a batch's gradient may be small by chance
                if k % self.every == 0 or ends:
                    whole = self._keep(k, x, value, gradient if data is None else None)
                if ends or whole <= self.tolerance or not math.isfinite(self._kept[-1][2]):
                    break
                rate = self.schedule(k)
                velocity = self.momentum * velocity - rate * gradient
                update = self.momentum * velocity - rate * gradient if self.nesterov else velocity
                moved = x + update
                if len(self._updates) < len(self._kept):
                    self._updates.append(update)
                self.rates.append(rate)
                if self.batches is None and self.momentum == 0 and rate > 0 and np.array_equal(moved, x):
                    break
                x = moved
            yield k
        self._keep_last()
        self.status = self._verdict()

    def _keep(self, k: int, x: Any, value: float | None, gradient: Any) -> float:
        """Keep a point; give the norm of its gradient over all data."""
        value = self.cost.value(x) if value is None else value
        if gradient is None:
            gradient = self.cost.at(x)[1]
        self._kept.append((k, x, value, gradient))
        return math.sqrt(gradient @ gradient)

    def _keep_last(self) -> None:
        """Keep the point reached at last."""
        if self._last is None:  # interrupted before the first gradient was there
            self._kept.append((0, self.start, math.nan, np.full(len(self.start), np.nan)))
        elif not self._kept or self._kept[-1][0] != self._last[0]:
            k, x, gradient = self._last
            with np.errstate(all="ignore"):
                self._keep(k, x, None, gradient)

    @undisturbed()
    def _verdict(self) -> Status:
        """Why the steps ended; whether little is left to gain is judged by who knows the curvature."""
        last = self._kept[-1]
        finite = [n for n in self.norms if math.isfinite(n)]
        norm = math.sqrt(last[3] @ last[3])
        if not (math.isfinite(norm) and math.isfinite(last[2])):
            far = np.max(np.abs(last[1] - self.start)) > FAR * (1 + np.max(np.abs(self.start)))
            grown = bool(finite) and finite[-1] > FAR * max(1.0, finite[0])
            return "diverged" if math.isinf(last[2]) or far or grown else "left the domain"
        if norm > RUNAWAY * max(1.0, self.norms[0]):
            return "diverged"
        if norm <= self.tolerance:
            return "converged"
        return "steps used up" if len(self.norms) == self.steps + 1 else "stagnated"

    @undisturbed()
    def path(self) -> Path:
        """What was kept, the point reached at last included; also of a descent that was interrupted."""
        self._keep_last()
        steps, points, values, gradients = zip(*self._kept, strict=True)
        # what a step did is known of the points that were left again, and not of the last one
        updates = [*self._updates[: len(points) - 1], np.full(len(self.start), np.nan)]
        return Path(np.array(steps), np.array(points), np.array(values), np.array(gradients), np.array(updates))


def interval(every: int | None, steps: int, size: int, batches: Batches | None) -> int:
    """Every how many steps a point is kept: each one while they are few, and with batches the ends of epochs."""
    if every is not None:
        return every
    least = -(-size * (steps + 1) // MOST_KEPT)
    return max(1, least) if batches is None else batches.per_epoch * max(1, -(-least // batches.per_epoch))

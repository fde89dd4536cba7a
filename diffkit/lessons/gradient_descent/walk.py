"""The loop itself, x ← x − α∇f(x) with momentum if wanted, and what changes from step to step: rates and batches."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from diffkit.asking.callables.function import POSITIONAL, Function
from diffkit.core.deadline import check_time
from diffkit.core.errors import DiffkitError, did_you_mean
from diffkit.core.surroundings import undisturbed
from diffkit.lessons.gradient_descent.costs import Cost

Status = Literal[
    "converged", "stagnated", "diverged", "left the domain", "steps used up", "interrupted", "out of time"
]  # fmt: skip
_MOST_KEPT = 200_000  # numbers of the kept points together, unless more are asked for
_RUNAWAY = 1e12  # times its first size (or 1) that a gradient may grow before the descent is given up
RUNAWAY_FACTOR = 1e6  # times its first size (or 1): what has grown so far was running away, whatever ended it


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
                ends = k == self.steps or not norm <= _RUNAWAY * max(1.0, self.norms[0])
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
        self.status = self._ended()

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
    def _ended(self) -> Status:
        """Why the steps ended; whether little is left to gain is for who knows the curvature to say."""
        last = self._kept[-1]
        finite = [n for n in self.norms if math.isfinite(n)]
        norm = math.sqrt(last[3] @ last[3])
        if not (math.isfinite(norm) and math.isfinite(last[2])):
            far = np.max(np.abs(last[1] - self.start)) > RUNAWAY_FACTOR * (1 + np.max(np.abs(self.start)))
            grown = bool(finite) and finite[-1] > RUNAWAY_FACTOR * max(1.0, finite[0])
            return "diverged" if math.isinf(last[2]) or far or grown else "left the domain"
        if norm > _RUNAWAY * max(1.0, self.norms[0]):
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
    least = -(-size * (steps + 1) // _MOST_KEPT)
    return max(1, least) if batches is None else batches.per_epoch * max(1, -(-least // batches.per_epoch))


Schedule = Callable[[int], float]
"""Step k = 0, 1, … → its rate αₖ."""
_DECAYS = {"inverse": 0.01, "exponential": 0.001, "step": 0.5}
"""Schedule → its d, unless another is given."""


def constant(rate: float, steps: int, decay: float, every: int) -> Schedule:  # noqa: ARG001
    """αₖ = α."""
    return lambda k: rate  # noqa: ARG005


def inverse(rate: float, steps: int, decay: float, every: int) -> Schedule:  # noqa: ARG001
    """αₖ = α / (1 + d·k): Σαₖ = ∞ and Σαₖ² < ∞, as Robbins & Monro (1951), eq. 6 and 26, ask of noisy gradients."""
    return lambda k: rate / (1 + decay * k)


def exponential(rate: float, steps: int, decay: float, every: int) -> Schedule:  # noqa: ARG001
    """αₖ = α·exp(−d·k)."""
    return lambda k: rate * math.exp(-decay * k)


def step(rate: float, steps: int, decay: float, every: int) -> Schedule:  # noqa: ARG001
    """αₖ = α·d^⌊k/m⌋: the rate falls to its d-th part after every m steps."""
    return lambda k: rate * decay ** (k // every)


def cosine(rate: float, steps: int, decay: float, every: int) -> Schedule:  # noqa: ARG001
    """αₖ = α·(1 + cos(πk/K))/2, from α down to 0 at step K (Loshchilov & Hutter, ICLR 2017, eq. 5)."""
    return lambda k: rate * (1 + math.cos(math.pi * min(k / steps, 1.0))) / 2


_SCHEDULES = {"constant": constant, "inverse": inverse, "exponential": exponential, "step": step, "cosine": cosine}


def make_schedule(
    schedule: str | Schedule, rate: float, steps: int, decay: float | None = None, every: int | None = None
) -> Schedule:
    """Give the rate of each step; DiffkitError for an unknown name or numbers that make no schedule.

    A function of the step number gives the rate itself. ``decay`` is d, ``every`` the m of "step" (a quarter of the
    steps, unless given).
    """
    if not (isinstance(rate, (int, float)) and math.isfinite(rate) and rate > 0):
        raise DiffkitError(f"the rate is a positive number, not {rate!r}")
    if callable(schedule):
        return _checked(schedule)
    if schedule not in _SCHEDULES:
        known = ", ".join(_SCHEDULES)
        hint = did_you_mean(str(schedule), _SCHEDULES) or f"there are {known}, or a function of the step number"
        raise DiffkitError(f"unknown schedule {schedule!r}", hint=hint)
    if decay is not None and schedule not in _DECAYS:
        raise DiffkitError(f"the schedule {schedule} takes no decay", hint=f"those that do: {', '.join(_DECAYS)}")
    if every is not None and schedule != "step":
        raise DiffkitError("every belongs to the schedule step")
    if decay is not None and not 0 < decay < math.inf:
        raise DiffkitError(f"the decay is a positive number, not {decay!r}")
    if every is not None and every < 1:
        raise DiffkitError(f"the rate falls after every 1 or more steps, not {every}")
    chosen = _DECAYS.get(schedule, 0.0) if decay is None else float(decay)
    return _SCHEDULES[schedule](float(rate), max(1, steps), chosen, every or max(1, steps // 4))


def _checked(schedule: Schedule) -> Schedule:
    """What a user's schedule gives, held to be a rate."""

    def rate(k: int) -> float:
        found = float(schedule(k))
        if not (math.isfinite(found) and found >= 0):
            raise DiffkitError(f"the schedule gives the rate {found} for step {k}", hint="a rate is 0 or more")
        return found

    return rate


class Batches:
    """Arguments of f with some of the rows of its data, a new choice for every step.

    ``args`` are the further arguments of f; those at the positions ``rows`` have one row of data per entry of their
    first axis. Each epoch goes through a new shuffle of all rows, ``size`` at a time (the last batch may be smaller).
    """

    def __init__(self, args: Sequence[Any], rows: Sequence[int], size: int, seed: int):
        self.args, self.rows, self.seed = tuple(args), tuple(rows), seed
        lengths = {len(args[k]) for k in rows}
        if len(lengths) != 1:
            raise DiffkitError(f"the data have {' and '.join(map(str, sorted(lengths)))} rows",
                               hint="arguments that rows names share their first axis")  # fmt: skip
        self.count = lengths.pop()
        if not 1 <= size <= self.count:
            raise DiffkitError(f"a batch of {size} rows cannot be drawn from {self.count}")
        self.size = size

    @property
    def per_epoch(self) -> int:
        """Steps in which every row is seen once."""
        return -(-self.count // self.size)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Arguments for one step after another, without end; the same ones for the same seed."""
        rng = np.random.default_rng(self.seed)
        while True:
            order = rng.permutation(self.count)
            for first in range(0, self.count, self.size):
                chosen = order[first : first + self.size]
                yield tuple(a[chosen] if k in self.rows else a for k, a in enumerate(self.args))


def make_batches(
    function: Function, moving: int, size: int | None, rows: Sequence[str | int] | str | None, seed: int
) -> Batches | None:
    """Give the batches of a function whose first ``moving`` parameters are weights; None without a batch size."""
    if size is None:
        if rows is not None:
            raise DiffkitError("rows are drawn in batches", hint="give batch=, the number of rows a step sees")
        return None
    if not function.args:
        raise DiffkitError("there are no data to draw batches from", hint="pass them in args=(X, y)")
    args = [np.asarray(a) if isinstance(a, (list, tuple)) else a for a in function.args]
    places = _alike(args) if rows is None else _named(function, moving, [rows] if isinstance(rows, str) else rows)
    for k in places:
        if np.ndim(args[k]) < 1:
            raise DiffkitError(f"argument {k + 1} of the data is a number, and has no rows")
    return Batches(args, places, int(size), seed)


def _alike(args: Sequence[Any]) -> list[int]:
    """Arguments that are arrays, if all have the same number of rows."""
    arrays = [k for k, a in enumerate(args) if np.ndim(a) >= 1]
    if len({len(args[k]) for k in arrays}) != 1:
        raise DiffkitError("it is not clear which arguments hold the rows of data", hint='name them: rows=("X", "y")')
    return arrays


def _named(function: Function, moving: int, rows: Sequence[str | int]) -> list[int]:
    """Positions in ``args`` of the parameters that are named, or given by number."""
    try:
        plain = [p.name for p in inspect.signature(function.call).parameters.values() if p.kind in POSITIONAL]
    except (TypeError, ValueError):
        plain = []
    names = plain[moving : moving + len(function.args)]
    found = []
    for row in rows:
        if isinstance(row, int) and 0 <= row < len(function.args):
            found.append(row)
        elif row in names:
            found.append(names.index(str(row)))
        else:
            hint = did_you_mean(str(row), names) or f"the data are {', '.join(names) or 'numbered from 0'}"
            raise DiffkitError(f"there is no argument {row!r} that holds data", hint=hint)
    return found

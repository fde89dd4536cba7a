"""What changes from step to step: the learning rate, by schedules that have a name, and the rows of mini-batches."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from diffkit.asking.callables.function import POSITIONAL, Function
from diffkit.core.errors import DiffkitError, did_you_mean

Schedule = Callable[[int], float]
"""Step k = 0, 1, … → its rate αₖ."""
DECAYS = {"inverse": 0.01, "exponential": 0.001, "step": 0.5}
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


SCHEDULES = {"constant": constant, "inverse": inverse, "exponential": exponential, "step": step, "cosine": cosine}


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
    if schedule not in SCHEDULES:
        known = ", ".join(SCHEDULES)
        hint = did_you_mean(str(schedule), SCHEDULES) or f"there are {known}, or a function of the step number"
        raise DiffkitError(f"unknown schedule {schedule!r}", hint=hint)
    if decay is not None and schedule not in DECAYS:
        raise DiffkitError(f"the schedule {schedule} takes no decay", hint=f"those that do: {', '.join(DECAYS)}")
    if every is not None and schedule != "step":
        raise DiffkitError("every belongs to the schedule step")
    if decay is not None and not 0 < decay < math.inf:
        raise DiffkitError(f"the decay is a positive number, not {decay!r}")
    if every is not None and every < 1:
        raise DiffkitError(f"the rate falls after every 1 or more steps, not {every}")
    chosen = DECAYS.get(schedule, 0.0) if decay is None else float(decay)
    return SCHEDULES[schedule](float(rate), max(1, steps), chosen, every or max(1, steps // 4))


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

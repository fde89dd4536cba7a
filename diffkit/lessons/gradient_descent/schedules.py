"""Learning rates that change from step to step: αₖ, the rate of step k, for the schedules that have a name."""

from __future__ import annotations

import math
from collections.abc import Callable

from diffkit.core.errors import DiffkitError, did_you_mean

Schedule = Callable[[int], float]
"""Step k = 0, 1, … → its rate αₖ."""


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
DECAYS = {"inverse": 0.01, "exponential": 0.001, "step": 0.5}
"""Schedule → its d, unless another is given."""


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

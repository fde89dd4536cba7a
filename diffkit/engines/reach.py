"""How far from 0 a derivative is ordinary for certain, so that one comparison stands for all of its guards."""

from __future__ import annotations

from typing import Any, NamedTuple

from diffkit.calculus.guards import Guarded
from diffkit.core.deadline import in_time

_SIZES_TRIED = (1e70, 1e30, 1e10, 1e4, 100.0)  # 100: points farther out are interpreted, and are few
_LARGEST = 1e290  # numbers that pairs may split without overflow
_MOST_SLOTS = 3000  # slots whose hulls are worth computing


class Reach(NamedTuple):
    """Where no coordinate is larger than ``size``, all numbers on the way are finite, and so many guards are kept."""

    size: float
    kept: tuple[bool, ...]
    """whether each guard is, all over the box"""


def reach(guarded: Guarded) -> Reach | None:
    """Give the reach within which most guards are kept, the farthest of those; None if there is none.

    By hulls of all slots over a box: what they hold, real numbers have, and binary64 up to rounding.
    """
    if len(guarded.program) > _MOST_SLOTS:
        return None
    found = [one for size in _SIZES_TRIED if (one := _within(guarded, size)) is not None]
    return max(found, key=lambda one: sum(one.kept), default=None)


def _within(guarded: Guarded, size: float) -> Reach | None:
    from diffkit.numbers.intervals import INTERVALS, ZERO, Interval  # flint is wanted where something is compiled only

    program = guarded.program
    hulls = [Interval(ZERO - size, ZERO + size)] * len(program.inputs) + [
        INTERVALS.constant(c) for c in program.constants
    ]
    for row, args in in_time(program.instructions):  # Arb gives up on what is not small: no further than that
        hull = INTERVALS.apply(row, [hulls[a] for a in args])
        if not _is_small(hull):
            return None
        hulls.append(hull)
    margins = [hulls[slot] for slot in program.outputs[guarded.derivatives + guarded.primals :]]
    kept = (bool(m > ZERO) if edge else bool(m != ZERO) for m, edge in zip(margins, guarded.edges, strict=True))
    return Reach(size, tuple(kept))


def _is_small(hull: Any) -> bool:
    """Whether a hull is a truth, or its numbers are far from overflow."""
    return hull is None or isinstance(hull, bool) or bool(hull.is_finite() and hull.abs_upper() < _LARGEST)

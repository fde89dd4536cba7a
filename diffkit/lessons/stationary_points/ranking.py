"""Which of several points with the least or the greatest value is lowest or highest, where floats do not tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flint import arb

from diffkit.lessons.stationary_points.branch_and_bound import Search
from diffkit.lessons.stationary_points.newton import DEEP, Zero, contract
from diffkit.lessons.stationary_points.points_found import Extreme, StationaryPoint
from diffkit.numbers.balls import precision


def told_apart(search: Search, points: Sequence[StationaryPoint], family: str) -> list[StationaryPoint]:
    """The points; of several global minima (maxima) those are local where f is proven higher (lower) than at another.

    Balls around the values decide, of 1024 bits at zeros that Newton's method narrows; what overlaps is a tie.
    """
    tied = [p for p in points if p.is_global and p.kind.endswith(family)]
    if len(tied) < 2:
        return list(points)
    zeros = {zero.at: zero for zero in search.zeros}
    with precision(DEEP):
        sign = 1 if family == "minimum" else -1
        values = [sign * _value(search, p, zeros.get(p.point)) for p in tied]
        bound = values[0].upper()
        for value in values:
            bound = min(bound, value.upper())
        worse = {p.point for p, value in zip(tied, values, strict=True) if value > bound}
    return [replace(p, is_global=False) if p.is_global and p.point in worse else p for p in points]


def _value(search: Search, point: StationaryPoint, zero: Zero | None) -> Any:
    """A ball that holds f at a point."""
    if zero is not None and point.proof == "interval Newton":
        value = search.surface.value(contract(search.surface, zero.balls, DEEP), DEEP)
        if value.is_finite():
            return value
    return arb(point.value, point.value_error)


def at_global(extreme: Extreme | None, points: Sequence[StationaryPoint], family: str) -> Extreme | None:
    """The extreme value at a global point, if the point it was found at is none."""
    chosen = [p for p in points if p.is_global and p.kind.endswith(family)]
    if extreme is None or extreme.where != "stationary point" or not chosen:
        return extreme
    return extreme if any(p.at == extreme.at for p in chosen) else replace(extreme, at=chosen[0].at)

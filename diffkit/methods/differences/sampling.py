"""Values of a black-box function: searches ask for points, and one call answers all that wait."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TypeVar

from diffkit.core.deadline import in_time

Point = tuple[float, ...]
Function = Callable[[Sequence[Point]], Sequence[float]]
"""Many points at a time → f at each."""

Found = TypeVar("Found")
Search = Generator[list[Point], list[float], Found]
"""Yields the points it wants to see, is sent f there, and returns what it found."""


UNIT = 2.0**-53  # of binary64


class Sampler:
    """A function, each of whose values is computed once, and counted; ``unit`` is that of its values' rounding."""

    def __init__(self, function: Function, unit: float = UNIT):
        self.function, self.unit = function, unit
        self.known: dict[Point, float] = {}

    @property
    def evaluations(self) -> int:
        """At how many points f was evaluated."""
        return len(self.known)

    def run(self, searches: Iterable[Search[Found]]) -> list[Found]:
        """Run searches side by side: what all of them ask for at a stage is one call of the function."""
        running = list(searches)
        found: dict[int, Found] = {}
        wanted = {k: next(search) for k, search in in_time(enumerate(running))}
        while wanted:
            self.values([p for points in wanted.values() for p in points])
            waiting, wanted = wanted, {}
            for k, points in in_time(waiting.items()):
                try:
                    wanted[k] = running[k].send(self.values(points))
                except StopIteration as stop:
                    found[k] = stop.value
        return [found[k] for k in range(len(running))]

    def values(self, points: Sequence[Point]) -> list[float]:
        """f at points, in one call for those that are new."""
        new = [p for p in dict.fromkeys(points) if p not in self.known]
        if new:
            self.known.update(zip(new, self.function(new), strict=True))
        return [self.known[p] for p in points]


def finite(values: Iterable[float]) -> bool:
    """Whether all values are finite numbers."""
    return all(map(math.isfinite, values))


def total(terms: Iterable[float]) -> float:
    """Sum, rounded once; NaN where terms of f near the end of the range are infinite."""
    try:
        return math.fsum(terms)
    except (ValueError, OverflowError):
        return math.nan

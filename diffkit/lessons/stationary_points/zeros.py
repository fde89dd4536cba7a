"""The zeros that a search has proven, with their boxes in arrays: one question about a box asks all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from diffkit.lessons.stationary_points.newton import Zero
from diffkit.numbers.intervals import Box, interval


class Boxes:
    """Boxes in arrays of their ends, which grow as boxes come."""

    def __init__(self, dimension: int):
        self.count = 0
        self._low, self._high = np.empty((2, 16, dimension))

    def add(self, box: Box) -> None:
        """Keep a box."""
        if self.count == len(self._low):
            self._low, self._high = (np.concatenate([ends, np.empty_like(ends)]) for ends in (self._low, self._high))
        self.count += 1
        self.replace(self.count - 1, box)

    def replace(self, k: int, box: Box) -> None:
        """Put a box in the place of the k-th."""
        self._low[k], self._high[k] = np.transpose(box)

    @property
    def low(self) -> Any:
        """The lower ends, a row per box."""
        return self._low[: self.count]

    @property
    def high(self) -> Any:
        """The upper ends."""
        return self._high[: self.count]

    def around(self, box: Box) -> Any:
        """Which of them hold a box."""
        low, high = np.transpose(box)
        return ((self.low <= low) & (high <= self.high)).all(axis=1)

    def within(self, box: Box) -> Any:
        """Which of them lie in a box."""
        low, high = np.transpose(box)
        return ((low <= self.low) & (self.high <= high)).all(axis=1)

    def meeting(self, box: Box) -> Any:
        """Which of them meet a box."""
        low, high = np.transpose(box)
        return ((self.low <= high) & (low <= self.high)).all(axis=1)


class Zeros:
    """Proven zeros, no two of them the same."""

    def __init__(self, dimension: int):
        self._zeros: list[Zero] = []
        self._alone, self._places = Boxes(dimension), Boxes(dimension)

    def __len__(self) -> int:
        return len(self._zeros)

    def __iter__(self) -> Iterator[Zero]:
        return iter(self._zeros)

    def settle(self, box: Box) -> bool:
        """Whether a box lies where a known zero is the only one."""
        return bool(self._alone.around(box).any())

    def meet(self, box: Box) -> bool:
        """Whether a known zero may lie in a box."""
        return bool(self._places.meeting(box).any())

    def add(self, zero: Zero) -> None:
        """Keep a zero, unless it is one that is known."""
        place = tuple(map(interval, zero.balls))
        if self.settle(place):
            return
        same = np.flatnonzero(self._places.within(zero.alone))
        if len(same):
            k = int(same[0])
            self._zeros[k] = self._zeros[k]._replace(alone=zero.alone)
            self._alone.replace(k, zero.alone)
            return
        self._zeros.append(zero)
        self._alone.add(zero.alone)
        self._places.add(place)

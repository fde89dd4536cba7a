"""One point of floats after another, by code that computes the values and does nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING, Any

from diffkit.engines import POINTS_INTERPRETED

if TYPE_CHECKING:
    from diffkit.asking.tasks import Task
    from diffkit.engines.choice import Engines

    Known = tuple[Task, Engines] | None

_FEW_NUMBERS = 6  # from which packing them is quicker than making an array of a tuple


class QuickPoints:
    """What gives the array of a task at coordinates, and None where there is more to be said, or nothing is compiled.

    ``known`` gives the task and its engines, or None where its components are not what these compute.
    """

    def __init__(self, known: Callable[[], Known], at_once: bool):
        self._known, self._waiting = known, 0 if at_once else POINTS_INTERPRETED
        self.call: Callable[..., Any] = self._await
        """the function of the coordinates"""

    def _await(self, *coordinates: float) -> Any:
        """What there is before it pays to compile anything; TypeError for what is no number."""
        if self._waiting > 0:
            self._waiting -= 1
            return None
        self.call = self._compiled
        return self.call(*coordinates)

    def __call__(self, point: Sequence[float]) -> Any:
        """Give the array at a point."""
        try:
            return self.call(*point)
        except TypeError:  # another number of coordinates, or what is no number at all
            return None

    def write(self, out: Any, point: Sequence[float]) -> Any:
        """Write the values at a point to an array of the task's shape, and give that."""
        if self._waiting > 0 or out.shape != self._shape:
            return self._await(*point) if self._waiting > 0 else None
        try:
            return None if self._written(out, *point) is None else out
        except TypeError:
            return None

    @cached_property
    def _shape(self) -> tuple[int, ...] | None:
        return None if (known := self._known()) is None else known[0].shape

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        if (known := self._known()) is None:
            return _never
        task, engines = known
        return engines.finished(task.places, _array_of(task.shape))

    @cached_property
    def _written(self) -> Callable[..., Any]:
        if (known := self._known()) is None:
            return _never
        task, engines = known
        return engines.written(task.places, task.shape)


def _never(*_: Any) -> None:
    """Nothing is compiled."""


def _array_of(shape: tuple[int, ...]) -> Callable[[tuple[float, ...]], Any]:
    """What makes an array of a shape out of as many numbers."""
    import numpy as np

    size = math.prod(shape)
    if size > _FEW_NUMBERS:
        write, empty = Struct(f"{size}d").pack_into, np.empty

        def packed(values: tuple[float, ...]) -> Any:
            found: Any = empty(shape)
            write(found, 0, *values)
            return found

        return packed
    return np.array if len(shape) == 1 else lambda values: np.array(values).reshape(shape)

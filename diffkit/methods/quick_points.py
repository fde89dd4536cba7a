"""One point of floats after another, by code that computes the values and does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from diffkit.engines import POINTS_INTERPRETED

if TYPE_CHECKING:
    from typing import Protocol

    from diffkit.asking.tasks import Task

    class Writer(Protocol):
        """What makes functions that write values to arrays: engines, or proofs."""

        @property
        def faster(self) -> bool:
            """Whether it pays to ask once more for a great many points."""

        @property
        def points_interpreted(self) -> int:
            """Points for which it does not pay to ask."""

        def answered(self, places: Sequence[int], shape: tuple[int, ...]) -> Any:
            """Give a function of points that gives arrays, or None; asked for where there is something faster."""

        def written(self, places: Sequence[int], shape: tuple[int, ...], many: bool = False) -> Any:
            """Give a function of an array of a shape and of coordinates that are not yet checked, or None."""

    Known = tuple[Task, Writer] | None

_MANY_POINTS = 300  # from which machine code pays


class QuickPoints:
    """What writes the values of a task at coordinates to an array, unless there is more to be said.

    A few points are left to others, then Python is compiled, and after many points machine code if there is some.
    ``known`` gives the task and its engines, or None where its components are not what these compute.
    """

    def __init__(self, known: Callable[[], Known], at_once: bool):
        self._known, self._calls, self._at_once = known, 0, at_once
        self.into: Callable[..., Any] = self._early
        """the function of an array and the coordinates; gives None, or a TypeError for what are no numbers, where it
        writes nothing"""
        self.at: Callable[[Any], Any] = self._through_into
        """the function of a tuple of floats, or of an array of them, that gives the array there, or None"""

    def _through_into(self, point: Any) -> Any:
        """Give the array at a point, or None."""
        if hasattr(point, "tolist"):
            point = point.tolist()
        target = self.empty()
        try:
            return None if self.into(target, *point) is None else self.answer(target)
        except TypeError:  # another number of coordinates, or what is no number at all
            return None

    @cached_property
    def answer(self) -> Callable[[Any], Any]:
        """Makes of an array of values what is answered: the array, or the sparse one whose entries they are."""
        task = None if self._found is None else self._found[0]
        if task is None or task.pattern is None:
            return lambda values: values
        import numpy as np

        stored: Any = [np.array(part, dtype=np.int32) for part in task.pattern]
        pattern = type(task.pattern)(*stored)
        shape = task.shape
        return lambda values: pattern.matrix(values, shape)

    def fits(self, out: Any) -> bool:
        """Whether values can be written to what a caller gives."""
        return getattr(out, "shape", None) == self._shape and out.dtype is self._kind

    @cached_property
    def _kind(self) -> Any:
        import numpy as np

        return np.dtype(float)

    @cached_property
    def empty(self) -> Callable[[], Any]:
        """Makes an array of the task's shape."""
        import numpy as np

        return partial(np.empty, self._shape or ())

    def _early(self, out: Any, *coordinates: float) -> Any:
        """Write, until what is best in the long run is compiled."""
        self._calls += 1
        if self._calls <= POINTS_INTERPRETED and not self._at_once:
            return None
        if self._found is None or self._calls <= self._found[1].points_interpreted:
            return None
        if self._calls <= _MANY_POINTS and self._found[1].faster:
            return self._python(out, *coordinates)
        self.into = self._compiled(True)
        task, writer = self._found
        if (
            writer.faster
            and task.pattern is None
            and (answered := writer.answered(task.places, task.shape)) is not None
        ):
            self.at = answered
        return self.into(out, *coordinates)

    @cached_property
    def _found(self) -> Known:
        """Nothing where values are multiplied afterwards."""
        found = self._known()
        return None if found is None or found[0].factors is not None else found

    @cached_property
    def _shape(self) -> tuple[int, ...] | None:
        if self._found is None:
            return None
        task = self._found[0]
        return task.shape if task.pattern is None else (len(task.places),)

    @cached_property
    def _python(self) -> Callable[..., Any]:
        return self._compiled(False)

    def _compiled(self, many: bool) -> Callable[..., Any]:
        assert self._found is not None
        task, engines = self._found
        return engines.written(task.places, self._shape or (), many) or _nothing


def _nothing(*_: Any) -> None:
    """No engine can compile the program."""

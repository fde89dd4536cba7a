"""One point of floats after another, by code that computes the values and does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diffkit.engines import POINTS_INTERPRETED

if TYPE_CHECKING:
    from typing import Protocol

    from diffkit.asking.tasks import Task
    from diffkit.engines import MakeCall

    class Writer(Protocol):
        """What makes functions of a point that give arrays: engines, or proofs."""

        @property
        def faster(self) -> bool:
            """Whether it pays to ask once more for a great many points."""

        @property
        def points_interpreted(self) -> int:
            """Points for which it does not pay to ask."""

        def written(self, places: Sequence[int], shape: tuple[int, ...], many: bool = False) -> MakeCall | None:
            """Give what makes functions that give an array of a shape; None where nothing can be compiled."""

    Known = tuple[Task, Writer] | None

_MANY_POINTS = 300  # from which machine code pays


class QuickPoints:
    """What gives the array of a task at a point, and maybe writes it to one, unless there is more to be said.

    A few points are left to others, then Python is compiled, and after many points machine code if there is some.
    ``known`` gives the task and its engines, or None where its components are not what these compute; ``arrays`` says
    whether an array with one axis is a point.
    """

    def __init__(self, known: Callable[[], Known], arrays: bool, at_once: bool):
        self._known, self._arrays, self._at_once = known, arrays, at_once
        self._calls = 0
        self.settled: MakeCall | None = None
        """what makes the functions that are best in the long run, once it is known"""
        self._quickest: Callable[..., Any] | None = None

    def quick(self, at: Any) -> Any:
        """The array at a point; None where that is not quick."""
        if self._quickest is not None:
            return self._quickest(at)
        found = self.function(_nothing)
        if self.settled is not None:
            self._quickest = found
        return found(at)

    def function(self, otherwise: Callable[..., Any]) -> Callable[..., Any]:
        """The best function there is for one more point; it leaves to another what is not its own."""
        return (self.settled or self._for_now())(otherwise, self._arrays)

    def _for_now(self) -> MakeCall:
        self._calls += 1
        if self._calls <= POINTS_INTERPRETED and not self._at_once:
            return _hand_over
        if self._found is not None:
            engines = self._found[1]
            if self._calls <= engines.points_interpreted:
                return _hand_over
            if self._calls <= _MANY_POINTS and engines.faster:
                return self._python
        self.settled = self._compiled(True)
        return self.settled

    @cached_property
    def _found(self) -> Known:
        """Nothing where values are multiplied afterwards."""
        found = self._known()
        return None if found is None or found[0].factors is not None else found

    @cached_property
    def _python(self) -> MakeCall:
        return self._compiled(False)

    def _compiled(self, many: bool) -> MakeCall:
        if self._found is None:
            return _hand_over
        task, engines = self._found
        if task.pattern is None:
            return engines.written(task.places, task.shape, many) or _hand_over
        entries = engines.written(task.places, (len(task.places),), many)
        return _hand_over if entries is None else _sparse(task, entries)


def _sparse(task: Task, entries: MakeCall) -> MakeCall:
    """What makes functions that give sparse arrays, of what makes those that give their entries."""
    import numpy as np

    known: Any = task.pattern
    pattern = type(known)(*(np.array(part, dtype=np.int32) for part in known))

    def make(otherwise: Callable[..., Any], arrays: bool) -> Callable[..., Any]:
        quick = entries(_nothing, arrays)

        def call(at: Any, out: Any = None) -> Any:
            values = quick(at) if out is None else None
            return otherwise(at, out) if values is None else pattern.matrix(values, task.shape)

        return call

    return make


def _hand_over(otherwise: Callable[..., Any], _: bool) -> Callable[..., Any]:
    """No engine can compile the program."""
    return otherwise


def _nothing(*_: Any) -> None:
    """What is not quick."""

"""A Python function before its point is known: what tells the shapes of its arguments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from diffkit.asking.callables.adapting import adapt, in_its_library
from diffkit.asking.callables.binding import Bound
from diffkit.asking.callables.function import Argument, Function, as_function, read_place
from diffkit.asking.points import Points
from diffkit.core.errors import PointError
from diffkit.core.text.names import Names, notes


class Called:
    """A Python function as it was given: the point tells the shapes of its arguments, and each makes a Bound."""

    source = None

    def __init__(self, f: Any, args: Sequence[Any] = (), names: Names | None = None):
        self.function, self.names = as_function(f, args), names
        self.bound: dict[tuple[Any, ...], Bound] = {}
        self.first: tuple[int, ...] = ()
        """shape of the first argument that was an array, where that is the only one: more axes are many points"""

    def notes(self, given: Collection[str]) -> tuple[str, ...]:
        """How names in its text were read, if it was made of text."""
        return tuple(notes(self.function.undeclared(given), matrices=True))

    def place(self, at: Any, *, elementwise: bool = False) -> tuple[Bound, Points]:
        """Read a point, and give the function bound to arguments of its shapes."""
        function, at = adapt(self.function, at)
        if function.shape is None and self.first and _has_rows_of(at, self.first):
            function = function.shaped({"": self.first})
        arguments, points = read_place(function, at, self.names, elementwise)
        key = (arguments, points.variables)
        found = self.bound.get(key)
        if found is None:
            first = points.point if points.point is not None else points.rows[0].tolist()
            found = in_its_library(function, len(arguments), lambda f: _bound(f, arguments, points.variables, first),
                                   lambda bound: not bound.blind)  # fmt: skip
            if found.shape is not None and not found.blind:  # its shape is known
                self.bound[key] = found
                if not self.first and len(arguments) == 1:
                    self.first = arguments[0].shape
            elif found.place:
                raise _misfit(found)
        return found, points

    def values(self, x: Any) -> list[float]:
        """All entries of the result at a flat array, in binary64."""
        found = next(iter(self.bound.values()), None) or self.place(x)[0]
        return found.values(x).tolist()  # type: ignore[no-any-return]


def _bound(function: Function, arguments: Sequence[Argument], labels: Sequence[str], point: Sequence[float]) -> Bound:
    """The function bound to arguments, called to see the shape of its result."""
    found = Bound(function, arguments, labels, point)
    found.shape  # noqa: B018
    return found


def _has_rows_of(at: Any, shape: tuple[int, ...]) -> bool:
    """Whether something is an array of arrays of a shape."""
    found: tuple[int, ...] = getattr(at, "shape", ())
    return len(found) > len(shape) and found[-len(shape) :] == shape


def _misfit(bound: Bound) -> PointError:
    """The error for arguments of shapes that do not fit in the code, where its call had no value."""
    shapes = ", ".join(f"{a.name} of shape {a.shape}" for a in bound.arguments)
    said = bound.reason.removeprefix(f"{bound.name} raised ")
    return PointError(f"{bound.name} does not take {shapes}: {said}", hint=_of_rows(bound) or bound.place)


def _of_rows(bound: Bound) -> str:
    """What to do where the only argument seems to be a batch of those that the code takes."""
    (first, *others), function = bound.arguments, bound.function
    if others or len(first.shape) < 2 or function.shape is not None:
        return ""
    row = Argument(first.name, first.shape[1:])
    one = Bound(function, (row,), tuple(row.labels()), bound.start[: row.size])
    if one.shape is None or one.blind:
        return ""
    return f"an array is one point; to take its rows as many, give dk.Function({bound.name}, shape={row.shape})"

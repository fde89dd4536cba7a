"""Questions about Python functions: the point tells the shapes, and each shape makes one task."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from diffkit.asking.callables.binding import Bound
from diffkit.asking.callables.function import Argument, as_function, read_place
from diffkit.asking.tasks import Question, Task, source_task
from diffkit.core.errors import DiffkitError, PointError
from diffkit.core.text.names import Names, as_names, notes

SCALAR = ("gradient", "hessian", "derivative", "taylor", "directional", "hvp")
"""Kinds that are of one number."""


class OfFunction:
    """A question about a Python function."""

    def __init__(
        self, f: Any, kind: str, names: Names | None, args: Sequence[Any], options: dict[str, Any],
        given: Collection[str] = (),
    ):  # fmt: skip
        self.function = as_function(f, args)
        self.notes = tuple(notes(self.function.undeclared(given), matrices=True))
        self.kind, self.names, self.options = kind, names, options
        self.bound: dict[tuple[Any, ...], tuple[Bound, Task]] = {}

    @property
    def task(self) -> Task | None:
        """The task of the first shape that was asked for."""
        return next((task for _, task in self.bound.values()), None)

    def at(self, at: Any) -> Question:
        """Read a point, and give the task of its shape."""
        place = read_place(self.function, at, self.names, self.kind == "derivative")
        points = place.points
        key = (place.arguments, points.variables)
        if key not in self.bound:
            first = points.point if points.point is not None else points.rows[0].tolist()
            bound = Bound(self.function, place.arguments, points.variables, first)
            task = self._task(bound)
            if bound.blind:  # its shape is not known yet
                return Question(task, points)
            self.bound[key] = (bound, task)
        return Question(self.bound[key][1], points)

    def other(self, kind: str, **options: Any) -> OfFunction:
        """Ask for another kind of derivative of the same function."""
        return OfFunction(self.function, kind, self.names, (), options)

    def is_same(self, other: OfFunction) -> bool:
        """Whether another question about the function asks for the same derivatives."""
        return (other.kind, other.options) == (self.kind, self.options)

    def values(self, x: Any) -> list[float]:
        """All entries of the function's result at a flat array, in binary64."""
        if not self.bound:
            self.at(x)
        source = self.bound[next(iter(self.bound))][0]
        return source.values(x).tolist()  # type: ignore[no-any-return]

    def _task(self, bound: Bound) -> Task:
        if self.kind in SCALAR and len(bound.outputs) != 1:
            hint = "ask for the jacobian" + ", or give a NumPy array of many points" * (self.kind == "derivative")
            raise DiffkitError(
                f"{bound.name} gives an array of shape {bound.shape}, and a {self.kind} is of one number", hint=hint
            )
        options = dict(self.options)
        given = getattr(options.get("direction"), "shape", ())
        if len(given) > 1 and len(bound.arguments) == 1 and given != bound.arguments[0].shape:
            raise PointError(f"the direction has shape {given}, the argument {bound.arguments[0].shape}")
        if options.get("wrt") is not None:
            options["wrt"] = coordinates(options["wrt"], bound.arguments)
        task = replace(source_task(bound, self.kind, options), notes=self.notes)
        shape = self._shape(bound)
        return task if shape is None or options.get("wrt") is not None else replace(task, shape=shape)

    def _shape(self, bound: Bound) -> tuple[int, ...] | None:
        """Shape of the answer where that of the argument or of the result says more than a count."""
        if self.kind == "jvp":
            return bound.shape
        if len(bound.arguments) > 1:
            return (*(bound.shape or (1,)), len(bound.inputs)) if self.kind == "jacobian" else None
        shape = bound.arguments[0].shape or (1,)
        shapes = {"gradient": shape, "hvp": shape, "hessian": (*shape, *shape),
                  "jacobian": (*(bound.shape or (1,)), *shape)}  # fmt: skip
        return shapes.get(self.kind)


def coordinates(wrt: Any, arguments: Sequence[Argument]) -> Any:
    """Names of coordinates, where an array parameter stands for all of its own."""
    by_name = {a.name: tuple(a.labels()) for a in arguments if a.shape != ()}
    wrt = as_names(wrt)
    if isinstance(wrt, str):
        return by_name.get(wrt, wrt)
    return tuple(label for name in wrt for label in by_name.get(name, (name,)))

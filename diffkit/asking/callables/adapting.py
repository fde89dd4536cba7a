"""Functions of other worlds as functions of NumPy's arrays: they are given what the caller's point is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from diffkit.asking.array_libraries import home_of, loaded, maker, plain
from diffkit.asking.callables.function import Function
from diffkit.asking.callables.trees import grow, is_tree
from diffkit.asking.frames import labelled, records
from diffkit.core.errors import DiffkitError, FunctionError

_Made = TypeVar("_Made")
_REFUSALS = (TypeError, AttributeError, NotImplementedError)
"""what code of another library raises for NumPy's arrays"""


class Adapted:
    """Code that takes numbers and arrays of NumPy for each leaf of its arguments, and hands on what it was made for.

    ``parts`` are what a point is made of, by argument: from those that are trees leaves are told and put together
    again, and arrays are given in the library of theirs, or of the code. What follows the leaves is data.
    """

    def __init__(self, function: Function, parts: Mapping[str, Any]):
        self.__wrapped__ = function.call
        self.__name__ = getattr(function.call, "__name__", type(function.call).__name__)
        self._made_of = function, parts
        self.leaves: dict[str, Any] = {}
        """the leaves by name, where an argument is a tree"""
        if trees := any(map(is_tree, parts.values())):
            self._builds = [grow(part, name, self.leaves) for name, part in parts.items()]
        else:
            self._builds = [next] * len(parts)
        home = home_of(function.call)
        self._makers = [maker(leaf) or maker(home) for leaf in (self.leaves if trees else parts).values()]
        self.parameter_names = tuple(self.leaves) or function.parameters()

    def __reduce__(self) -> tuple[Any, ...]:
        return Adapted, self._made_of

    @property
    def is_needed(self) -> bool:
        """Whether the code is not one of NumPy's arrays already."""
        return bool(self.leaves) or any(self._makers)

    def __call__(self, *values: Any) -> Any:
        """What the code gives for these leaves and data."""
        pairs = zip(values, (*self._makers, *[None] * (len(values) - len(self._makers))), strict=False)
        given = [make(value) if make is not None and _is_numpys(value) else value for value, make in pairs]
        sent = [(value, array, np.array(plain(array))) for value, array in zip(values, given, strict=True)
                if isinstance(value, np.ndarray) and array is not value]  # fmt: skip
        stream = iter(given)
        found = self.__wrapped__(*[build(stream) for build in self._builds], *stream)
        for value, array, before in sent:
            if not np.array_equal(after := np.asarray(plain(array)), before, equal_nan=True):
                value[...] = after.reshape(value.shape)  # what it writes into its arguments shall be seen
        return found


def _is_numpys(value: Any) -> bool:
    """Whether a value is one to compute with; what only follows code goes through it as it is."""
    return isinstance(value, (np.ndarray, np.generic, float))


def adapt(function: Function, at: Any, names: Sequence[str] | None = None) -> tuple[Function, Any]:
    """Give the function of NumPy's arrays, and the point as these, with a name for each leaf where it has trees.

    ``names`` are those of its parameters, if it takes any number of them.
    """
    if isinstance(function.call, Adapted):  # before, with its point
        return function, plain(at)
    parameters = function.parameters() or (None if names is None else tuple(names))
    parts = _by_parameter(at, parameters)
    adapted = Adapted(
        function, dict.fromkeys(parameters or ("x",), at if maker(at) else 0.0) if parts is None else parts
    )
    found = replace(function, call=adapted) if adapted.is_needed else function
    return found, plain(adapted.leaves or at)


def in_its_library(
    function: Function, count: int, make: Callable[[Function], _Made], has_value: Callable[[_Made], bool]
) -> _Made:
    """Make something of a function that is called there; of one that refuses NumPy's arrays, with those it takes."""
    try:
        made = make(function)
    except FunctionError as refused:
        if not isinstance(refused.__cause__, _REFUSALS):
            raise
        found = next(_that_work(function, count, make), None)
        if found is None:
            raise
        return found
    return made if has_value(made) else next(filter(has_value, _that_work(function, count, make)), made)


def _that_work(function: Function, count: int, make: Callable[[Function], _Made]) -> Iterator[_Made]:
    for like in loaded():
        try:
            parts = {str(k): like for k in range(count)}
            yield make(replace(function, call=Adapted(function, parts)))
        except DiffkitError:  # it is not of that library either
            continue


def _by_parameter(at: Any, parameters: tuple[str, ...] | None) -> dict[str, Any] | None:
    """What a point gives to each parameter, the name being empty where one takes all of what has names itself."""
    if isinstance(at, str) or parameters is None or records(at, parameters) is not None:
        return None
    given = labelled(at)
    if given is not None and given.table:
        return None
    if len(parameters) == 1:
        (name,) = parameters
        if given is not None:
            return {name: given.values[name]} if name in given.values else {"": at} if is_tree(at) else None
        if isinstance(at, (list, tuple)):
            return {name: at[0] if len(at) == 1 and not is_tree(at[0]) else at}
        return {"" if is_tree(at) else name: at}
    if given is not None:
        return {name: given.values[name] for name in parameters} if set(given.values) == set(parameters) else None
    if isinstance(at, (list, tuple)) and len(at) == len(parameters):
        return dict(zip(parameters, at, strict=True))
    return None

"""f and the claim as the caller means them: reset before every call, of a dict of parameters, of symmetric matrices.

A wrapper is a Function again, whose parameters and name are those of what it wraps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from diffkit.asking.callables.function import Argument, Function
from diffkit.core.characters import told
from diffkit.core.errors import DiffkitError, FunctionError

NOT_STEADY = "pass reset=, which is called before every evaluation, such as reset=lambda: np.random.seed(0)"


def with_reset(function: Function, reset: Any) -> Function:
    """The function, with ``reset`` called before it: what is random or keeps a state begins anew every time."""
    if reset is None:
        return function
    if not callable(reset):
        raise DiffkitError(f"reset is called before every evaluation, and a {type(reset).__name__} cannot be",
                           hint="such as reset=lambda: np.random.seed(0)")  # fmt: skip

    @wraps(function.call)
    def call(*values: Any) -> Any:
        try:
            reset()
        except Exception as error:
            raise FunctionError(f"reset raised {told(error)}") from error
        return function.call(*values)

    return replace(function, call=call)


def by_name(function: Function, at: Any) -> Function:
    """A function of one dict of parameters as one of several, where the point is a dict that does not name that one."""
    parameters = function.parameters()
    if not isinstance(at, Mapping) or parameters is None or len(parameters) != 1 or parameters[0] in at:
        return function
    names = tuple(at)

    def call(*values: Any) -> Any:
        return function.call(dict(zip(names, values, strict=False)), *values[len(names) :])

    call.__name__ = function.name
    return replace(function, call=call)


def of_symmetric(function: Function, which: Collection[int]) -> Function:
    """f of the symmetric part of some of its arguments, so that it is a function of symmetric matrices."""
    if not which:
        return function

    def call(*values: Any) -> Any:
        return function.call(*[symmetric_part(v) if k in which else v for k, v in enumerate(values)])

    call.__name__ = function.name
    return replace(function, call=call)


def with_symmetric_results(function: Function, arguments: Sequence[Argument], which: Collection[int]) -> Function:
    """A claim about a function of symmetric matrices, of which only the symmetric parts count."""
    if not which:
        return function
    shapes = {arguments[k].shape for k in which}

    def symmetric(part: Any) -> Any:
        return symmetric_part(part) if np.shape(part)[-2:] in shapes else part

    def call(*values: Any) -> Any:
        found = of_symmetric(function, which).call(*values)
        if isinstance(found, Mapping):
            return {name: symmetric(part) for name, part in found.items()}
        return tuple(map(symmetric, found)) if isinstance(found, tuple) else symmetric(np.asanyarray(found))

    call.__name__ = function.name
    return replace(function, call=call)


def symmetric_part(matrix: Any) -> Any:
    """(A + Aᵀ)/2, over the last two axes."""
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2.0


def contracted(function: Function, shape: Sequence[int]) -> Callable[..., Any]:
    """Σ ȳ·f(x, …) as a function of x, … and the cotangent ȳ: its gradient by x is the pullback ȳ·∂f/∂x."""

    def call(*values: Any) -> Any:
        *point, cotangent = values
        found = function(*point)
        return np.sum(cotangent * found) if shape else cotangent * found

    call.__name__ = function.name
    return call

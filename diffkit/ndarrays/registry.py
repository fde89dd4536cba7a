"""Which rule follows which NumPy function: filled by the files of rules, read by the proxies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any

from diffkit.core.errors import TracingError
from diffkit.ndarrays.source import user_line

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""rules of NumPy functions (and of ``operator.getitem``, ``setitem``), called with the function's own arguments"""

UFUNCS: dict[tuple[str, str], Callable[..., Any]] = {}
"""rules of ufuncs that are not elementwise, and of ufunc methods, by name and method"""


def rule(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as the rule of NumPy functions."""

    def register(follow: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(functions, follow))
        return follow

    return register


def ufunc_rule(name: str, method: str = "__call__") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as the rule of a ufunc's method."""

    def register(follow: Callable[..., Any]) -> Callable[..., Any]:
        UFUNCS[name, method] = follow
        return follow

    return register


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """Apply the rule of a NumPy function; TracingError if it has none or is called in a way the rule does not know."""
    name = f"{function.__module__}.{function.__name__}"
    follow = FUNCTIONS.get(function)
    if follow is None:
        hint = "write it with elementwise functions, sums and products"
        raise TracingError(f"{name} cannot be followed yet, at {user_line()}", hint=hint)
    try:
        _signature(follow).bind(*args, **kwargs)
    except TypeError as error:
        raise TracingError(f"{name} cannot be followed when called like this: {error}, at {user_line()}") from None
    return follow(*args, **kwargs)


_signature = cache(signature)

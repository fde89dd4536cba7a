"""Data outside a function that its code reads or writes, from its bytecode."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Iterator, Mapping
from numbers import Number
from types import CodeType, FunctionType
from typing import Any

import numpy as np

DATA = (Number, str, bytes, np.ndarray, list, tuple, dict, set)
READS = ("LOAD_GLOBAL", "LOAD_NAME")
WRITES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF")


def plain_function(call: Any) -> FunctionType | None:
    """The Python function behind a callable: a method, a partial, a decorated function, an object with a call."""
    for _ in range(10):  # wrappers may go in circles
        if isinstance(call, functools.partial):
            call = call.func
        elif inspect.ismethod(call):
            call = call.__func__
        elif isinstance(call, FunctionType):
            wrapped = getattr(call, "__wrapped__", None)
            if wrapped is None:
                return call
            call = wrapped
        else:
            call = inspect.getattr_static(type(call), "__call__", None)
    return None


def outside(call: Any) -> Iterator[str]:
    """What a function reads or writes outside itself, in words; functions, classes and modules do not count."""
    function = plain_function(call)
    if function is None:
        return
    names: dict[tuple[str, str], None] = {}
    for code in _codes(function.__code__):
        nonlocals = code.co_freevars if code is function.__code__ else ()
        for step in dis.get_instructions(code):
            if step.opname in READS:
                names["reads", str(step.argval)] = None
            elif step.opname in WRITES and (step.opname != "STORE_DEREF" or step.argval in nonlocals):
                names["writes", str(step.argval)] = None
    for what, name in names:
        if what == "writes":
            yield f"writes {name}, which lives outside it: it keeps a state"
        elif ("writes", name) not in names and _is_data(function.__globals__, name):
            yield f"reads the global {name}, which is held constant"


def _is_data(known: Mapping[str, Any], name: str) -> bool:
    return not name.startswith("__") and isinstance(known.get(name), DATA)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)

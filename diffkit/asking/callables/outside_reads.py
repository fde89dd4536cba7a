"""What a function reads outside itself, so that one can ask whether it is still the same without running it.

By exclusion: where code writes anything but its own variables, or could read what is not watched here (files, clocks,
random numbers, objects that compute their attributes), nothing is said of it. Objects that never change are compared by
identity, small arrays number by number. Large arrays cannot be, so they may stand for inputs: ``with_arrays`` is the
function of others in their places.
"""

from __future__ import annotations

import builtins
import copy
import dis
import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from diffkit.ndarrays.protocols import FUNCTIONS

_SMALL_ARRAY = 2**14  # numbers that are compared in less time than anything takes that is done with them
_FEW_ITEMS = 64  # of a list or a dictionary that are compared one by one
_MISSING = object()
_LAZY_LIBRARIES = {"numpy", "scipy"}
"""libraries whose modules make some of their functions when asked, the same ones always"""
_PLAIN_TYPES = {int, float, complex, bool, str, bytes, type(None), slice, range, np.ufunc}
_PURE_BUILTINS = (
    abs, all, any, bool, complex, dict, divmod, enumerate, filter, float, int, isinstance, len, list, map, max, min,
    pow, range, reversed, round, sorted, sum, tuple, zip,
)  # fmt: skip
_PURE_NUMPY = (
    np.arange,
    np.array,
    np.asarray,
    np.copy,
    np.eye,
    np.full,
    np.identity,
    np.linspace,
    np.ndim,
    np.ones,
    np.ones_like,
    np.shape,
    np.size,
    np.zeros,
    np.zeros_like,
    np.float64,
    np.tri,
    np.indices,
    np.triu_indices,
    np.tril_indices,
    np.diag_indices,
)
_PURE = {id(f) for f in (*_PURE_BUILTINS, *FUNCTIONS, *_PURE_NUMPY)}
_WRITING = {"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_NAME", "DELETE_NAME", "STORE_ATTR", "DELETE_ATTR", "STORE_SUBSCR",
            "DELETE_SUBSCR", "IMPORT_NAME", "IMPORT_FROM"}  # fmt: skip
_PLAIN_CLASS = {
    "__module__", "__doc__", "__init__", "__post_init__", "__call__", "__dict__", "__weakref__", "__repr__", "__str__",
    "__eq__", "__hash__", "__annotations__", "__match_args__", "__qualname__", "__firstlineno__", "__replace__",
    "__static_attributes__", "__slotnames__", "__dataclass_fields__", "__dataclass_params__", "__annotate_func__",
}  # fmt: skip
"""what a class may say of itself without computing attributes, or what operators do"""


class _Unwatched(Exception):
    """A function reads what cannot be watched, or writes something."""


class OutsideReads:
    """All that the values of a function depend on besides its arguments."""

    def __init__(self, holders: Sequence[Any]):
        self.holders = holders
        self.large: list[np.ndarray] = []
        """arrays of binary64 that are not compared"""
        self._checks: list[tuple[Callable[[Any], Any], Any, Any]] = []
        self._kept: list[tuple[np.ndarray, tuple[Any, ...], bytes]] = []
        self._items: list[tuple[Any, list[Any]]] = []
        self._seen: dict[int, Any] = {}
        self._attributes: set[str] = set()
        self._namespaces: list[Any] = []
        for holder in holders:
            self._look(holder)
        looked: set[tuple[int, str]] = set()
        while wanted := {(k, name) for k in range(len(self._namespaces)) for name in self._attributes} - looked:
            looked |= wanted
            for k, name in sorted(wanted):
                self._look_up(self._namespaces[k], name)

    def unchanged(self) -> bool:
        """Whether the function has the values it had, but for what stands in its large arrays."""
        try:
            return (
                all(get(holder) is known for get, holder, known in self._checks)
                and all(_items(held) == known for held, known in self._items)
                and all(_form(x) == form for x, form, _ in self._kept)
                and all(x.tobytes() == kept for x, _, kept in self._kept if kept)
            )
        except (AttributeError, ValueError):  # a cell that was emptied, a name that was deleted
            return False

    # What is read ---------------------------------------------------------------------------------------------------

    def _look(self, thing: Any) -> None:
        """Watch an object, and all that it refers to."""
        if id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        kind = type(thing)
        if kind in _PLAIN_TYPES or isinstance(thing, (np.generic, np.dtype)) or id(thing) in _PURE:
            return
        if kind is np.ndarray:
            self._look_at_array(thing)
        elif kind is FunctionType:
            self._look_at_function(thing)
        elif isinstance(thing, ModuleType):
            self._namespaces.append(thing)
        elif kind in (tuple, list, dict):
            self._look_at_items(thing)
        elif kind in (MethodType, functools.partial):
            parts = (thing.__func__, thing.__self__) if kind is MethodType else (thing.func, thing.args, thing.keywords)
            for part in parts:
                self._look(part)
        else:
            self._look_at_object(thing)

    def _look_at_array(self, thing: np.ndarray) -> None:
        small = thing.size <= _SMALL_ARRAY
        if thing.dtype.hasobject or not (small or thing.dtype == np.float64):
            raise _Unwatched
        if not small:
            self.large.append(thing)
        self._kept.append((thing, _form(thing), thing.tobytes() if small else b""))

    def _look_at_items(self, thing: Any) -> None:
        if len(thing) > _FEW_ITEMS:
            raise _Unwatched
        self._items.append((thing, _items(thing)))
        for item in (*thing, *(thing.values() if isinstance(thing, dict) else ())):
            self._look(item)

    def _look_at_function(self, function: FunctionType) -> None:
        for step in _steps(function.__code__):
            nonlocal_ = step.opname in ("STORE_DEREF", "DELETE_DEREF") and step.argval in function.__code__.co_freevars
            if step.opname in _WRITING or nonlocal_:
                raise _Unwatched
            if step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
                self._add_attribute(step.argval)
            elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                self._look_at_global(function, step.argval)
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            self._watch(operator.attrgetter(name), function)
        self._look(function.__defaults__)
        self._look(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self._look(self._watch(operator.attrgetter("cell_contents"), cell))

    def _look_at_global(self, function: FunctionType, name: str) -> None:
        found = self._watch(operator.methodcaller("get", name, _MISSING), function.__globals__)
        self._look(getattr(builtins, name, _MISSING) if found is _MISSING else found)

    def _add_attribute(self, name: str) -> None:
        if name.startswith("__"):
            raise _Unwatched
        self._attributes.add(name)

    def _look_at_object(self, thing: Any) -> None:
        """An object whose attributes are what stands in its dictionary, or in its class."""
        held, classes = getattr(thing, "__dict__", None), type(thing).__mro__[:-1]
        names = {name for one in classes for name in vars(one) if name.startswith("__")}
        if type(held) is not dict or isinstance(thing, type) or not names <= _PLAIN_CLASS:
            raise _Unwatched
        self._look(held)
        self._namespaces.append(thing)
        self._look_up(thing, "__call__")

    def _look_up(self, space: Any, name: str) -> None:
        """What an attribute of a module or of an object's class is, if there is one."""
        if isinstance(space, ModuleType):
            if name in vars(space):
                self._look(self._watch(operator.attrgetter(name), space))
            elif "__getattr__" in vars(space) and space.__name__.partition(".")[0] not in _LAZY_LIBRARIES:
                raise _Unwatched  # what that gives may be another thing each time
            return
        for one in type(space).__mro__[:-1]:
            found = self._watch(operator.methodcaller("get", name, _MISSING), vars(one))
            if isinstance(found, (staticmethod, classmethod)):
                self._look(found.__func__)
            elif found is not _MISSING:
                self._look(found.fget if isinstance(found, property) else found)

    def _watch(self, get: Callable[[Any], Any], holder: Any) -> Any:
        """What is found somewhere, which must stay the same object."""
        try:
            found = get(holder)
        except ValueError:  # a cell that nothing was put into yet
            raise _Unwatched from None
        self._checks.append((get, holder, found))
        return found

    # Others in place of arrays ----------------------------------------------------------------------------------------

    def with_arrays(self, others: Sequence[Any]) -> list[Any]:
        """The holders with others in the places of the large arrays."""
        made = {id(x): other for x, other in zip(self.large, others, strict=True)}
        return [_rebuilt(holder, made) for holder in self.holders]


def reads_of(*holders: Any) -> OutsideReads | None:
    """Give what callables and data read outside themselves; None where that cannot be watched."""
    try:
        return OutsideReads(holders)
    except _Unwatched:
        return None


def _form(x: np.ndarray) -> tuple[Any, ...]:
    """What an array is besides its numbers."""
    return x.shape, x.dtype, x.strides


def _items(held: Any) -> list[Any]:
    """What a container holds, by identity, and under which names."""
    return [*held, *map(id, held.values())] if isinstance(held, dict) else [*map(id, held)]


def _steps(code: CodeType) -> Iterator[dis.Instruction]:
    """The instructions of code and of the functions inside it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _steps(constant)


def _rebuilt(thing: Any, made: dict[int, Any]) -> Any:
    """An object with others in place of what it refers to; ``made`` are those, by what they stand for."""
    if id(thing) in made:
        return made[id(thing)]
    kind = type(thing)
    if kind in (tuple, list):
        return kind([_rebuilt(item, made) for item in thing])
    if kind is dict:
        return {key: _rebuilt(value, made) for key, value in thing.items()}
    if kind is MethodType:
        return MethodType(_rebuilt(thing.__func__, made), _rebuilt(thing.__self__, made))
    if kind is functools.partial:
        return kind(_rebuilt(thing.func, made), *_rebuilt(thing.args, made), **_rebuilt(thing.keywords, made))
    if kind is FunctionType and id(thing) not in _PURE:
        return _function_rebuilt(thing, made)
    if (
        type(getattr(thing, "__dict__", None)) is dict
        and not isinstance(thing, (type, ModuleType))
        and (id(thing) not in _PURE)
    ):
        found = made[id(thing)] = copy.copy(thing)
        found.__dict__.update({name: _rebuilt(value, made) for name, value in vars(thing).items()})
        return found
    return thing


def _function_rebuilt(function: FunctionType, made: dict[int, Any]) -> FunctionType:
    names = {step.argval for step in _steps(function.__code__) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    known: dict[str, Any] = dict(function.__globals__)
    cells = tuple(CellType() for _ in function.__closure__ or ())
    found = FunctionType(function.__code__, known, function.__name__, function.__defaults__, cells)
    made[id(function)] = found  # it may refer to itself
    for cell, old in zip(cells, function.__closure__ or (), strict=True):
        cell.cell_contents = _rebuilt(old.cell_contents, made)
    known.update({name: _rebuilt(known[name], made) for name in names if name in known})
    found.__defaults__ = _rebuilt(function.__defaults__, made)
    found.__kwdefaults__ = _rebuilt(function.__kwdefaults__, made)
    return found

"""What is odd about a function: its code as its results show it, what it does outside itself, and its own rounding."""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import pickle
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from numbers import Number
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from diffkit.asking.array_libraries import package_of, plain, wider
from diffkit.core.deadline import check_time
from diffkit.core.errors import FunctionError, TracingError
from diffkit.numbers.floats import EPSILON, HALF_ULP

_UNSTEADY = "not deterministic"
_KEPT_POINTS = 64  # whose values are compared with later ones


class Faults:
    """What was found so far; results are handed to it as they come."""

    def __init__(self, name: str):
        self.name = name
        self.found: dict[str, str] = {}
        self.unit = HALF_ULP
        """of the rounding of the values, by their type"""
        self.rounded = ""
        """what the type is, if it is not binary64"""
        self.wider = ""
        """what gives more digits then, where that is known"""
        self._earlier: dict[bytes, Any] | None = None
        """values at the first points of a session, to see whether they stay the same"""

    @property
    def unsteady(self) -> str:
        """Why following the code says nothing about its values; empty if it may."""
        return self.found.get(_UNSTEADY, "")

    def compare(self, before: Any, found: Any) -> None:
        """Note it if two results of equal arguments differ."""
        if before is None or found is None:
            if before is not found:
                self.found[_UNSTEADY] = f"{self.name} has a value for equal arguments only now and then"
        elif not np.array_equal(before, found, equal_nan=True):
            gap = float(np.nanmax(np.abs(before - found), initial=0.0))
            apart = f"{self.name} gives different values for equal arguments, {gap:.3g} apart"
            self.found[_UNSTEADY] = f"{apart}: it is random or keeps a state"

    def draws(self) -> None:
        """Note that the code draws random numbers."""
        said = f"{self.name} draws random numbers: equal arguments may give different values"
        self.found.setdefault(_UNSTEADY, said)

    def writes_into(self, argument: str) -> None:
        """Note that the code changes an argument."""
        self.found["changes its input"] = f"{self.name} writes into its argument {argument}"

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Compare values at the same point, as long as the context lasts."""
        self._earlier = {}
        try:
            yield
        finally:
            self._earlier = None

    def remember(self, row: Any, found: Any) -> None:
        """Compare a result with an earlier one at the same point, where results are remembered."""
        earlier = self._earlier
        if earlier is not None and (len(earlier) < _KEPT_POINTS or row.tobytes() in earlier):
            self.compare(earlier.setdefault(row.tobytes(), found), found)

    def as_floats(self, raw: Any) -> Any:
        """A result as an array of binary64; FunctionError where it does not hold real numbers."""
        if isinstance(raw, float):
            return np.array(raw, dtype=float)
        found = self._array(raw)
        kind = found.dtype.kind
        if kind == "c":
            if np.any(found.imag != 0):
                raise FunctionError(f"{self.name} gives complex numbers", hint="real functions are differentiated here")
            self.found["complex results"] = f"{self.name} gives complex numbers with imaginary part 0"
            if found.dtype.itemsize < 16:
                self._narrow(found.dtype, raw)
            found = found.real
        elif kind in "iub":
            self.found["integer results"] = (
                f"{self.name} gives {found.dtype}: whatever it computes is rounded to whole numbers"
            )
        elif kind == "f" and found.dtype.itemsize < 8:
            self._narrow(found.dtype, raw)
        elif kind != "f":
            what = "nothing (None)" if raw is None else f"a {type(raw).__name__}"
            raise FunctionError(f"{self.name} gives {what}, not numbers", hint="return a number or an array")
        return found.astype(float)

    def _array(self, raw: Any) -> Any:
        try:
            return np.asarray(plain(raw))
        except TracingError:
            raise TracingError(f"the values of {self.name} depend on the input of an outer derivative",
                               hint="take backend='auto' or 'finite' for the outer one") from None  # fmt: skip
        except (TypeError, ValueError):
            raise FunctionError(f"{self.name} gives a ragged result") from None

    def _narrow(self, dtype: Any, raw: Any) -> None:
        """Note that values are of a type with fewer digits than binary64 has."""
        precision = np.finfo(dtype)
        self.unit = max(self.unit, float(precision.eps) / 2)
        self.rounded = f"{self.name} returns {dtype}"
        self.wider = wider(raw)
        self.found["low precision"] = f"{self.name} gives {dtype}: its values have {precision.precision + 1} digits"


DATA = (Number, str, bytes, np.ndarray, list, tuple, dict, set)
_READS = ("LOAD_GLOBAL", "LOAD_NAME")
_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_ATOMS = {int, float, complex, bool, str, bytes, type(None), np.ndarray, np.float64, np.ufunc, ModuleType}
"""types of what holds nothing that is looked at"""
_DEADLY = ("casadi",)
"""packages whose functions cannot refuse arrays of extended precision"""
_KNOWN_CODES = 256  # functions whose code is known
_HELD = 200  # objects that are looked through for random generators
_WRITES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF")


def _plain_function(call: Any) -> FunctionType | None:
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
            call = getattr(call, "__wrapped__", None) or inspect.getattr_static(type(call), "__call__", None)
    return None


def outside(call: Any) -> Iterator[str]:
    """What a function reads or writes outside itself, in words; functions, classes and modules do not count."""
    function = _plain_function(call)
    if function is None:
        return
    touched = _touched(function.__code__)
    for what, name in touched:
        if what == "writes":
            yield f"writes {name}, which lives outside it: it keeps a state"
        elif ("writes", name) not in touched and _is_data(function.__globals__, name):
            yield f"reads the global {name}, which is held constant"


@functools.lru_cache(maxsize=_KNOWN_CODES)
def _touched(code: CodeType) -> tuple[tuple[str, str], ...]:
    """What code reads and writes outside itself: ("reads" or "writes", name)."""
    names: dict[tuple[str, str], None] = {}
    for part in _codes(code):
        nonlocals = part.co_freevars if part is code else ()
        for step in dis.get_instructions(part):
            if step.opname in _READS:
                names["reads", str(step.argval)] = None
            elif step.opname in _WRITES and (step.opname != "STORE_DEREF" or step.argval in nonlocals):
                names["writes", str(step.argval)] = None
    return tuple(names)


@functools.lru_cache(maxsize=_KNOWN_CODES)
def _named(code: CodeType) -> tuple[str, ...]:
    """The names that code may look up outside itself."""
    return tuple(dict.fromkeys(name for part in _codes(code) for name in part.co_names))


def _is_data(known: Mapping[str, Any], name: str) -> bool:
    return not name.startswith("__") and isinstance(known.get(name), DATA)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def random_state(*holders: Any) -> Callable[[], list[Any]]:
    """A function that gives the state of all random generators that callables and data may draw from."""
    own = [found for found in _held(holders) if isinstance(found, _GENERATORS)]
    return lambda: [random.getstate(), pickle.dumps(np.random.get_state(legacy=False)), *map(_state, own)]


def _state(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    numpy = isinstance(generator, np.random.Generator)
    return pickle.dumps(generator.bit_generator.state if numpy else generator.get_state(legacy=False))


def takes_extended(call: Any) -> bool:
    """Whether code may be given arrays of extended precision: CasADi ends the process there."""
    return not any(package_of(held) in _DEADLY for held in _held([call]))


def _held(holders: Iterable[Any]) -> list[Any]:
    """Objects that others hold, the nearest first, as many as are looked at."""
    found = list(holders)
    seen = set(map(id, found))
    for holder in found:
        for held in _holds(holder):
            if id(held) not in seen and len(found) < _HELD:
                seen.add(id(held))
                found.append(held)
    return found


def _holds(holder: Any) -> Iterator[Any]:
    """What an object is made of: a function's cells, defaults and globals, what it is bound to, attributes, items."""
    if type(holder) in _ATOMS:
        return
    if isinstance(holder, FunctionType):
        yield from (*(holder.__defaults__ or ()), *(holder.__kwdefaults__ or {}).values())
        for cell in holder.__closure__ or ():
            with contextlib.suppress(ValueError):  # a cell that nothing was put into yet
                yield cell.cell_contents
        yield from (holder.__globals__[n] for n in _named(holder.__code__) if n in holder.__globals__)
    elif isinstance(holder, ModuleType):
        return
    elif isinstance(holder, (list, tuple)):
        yield from holder[:_HELD]
    elif isinstance(holder, dict):
        yield from list(holder.values())[:_HELD]
    elif isinstance(holder, functools.partial):
        yield from (holder.func, *holder.args, *holder.keywords.values())
    elif inspect.ismethod(holder):
        yield from (holder.__func__, holder.__self__)
    elif isinstance(getattr(holder, "__dict__", None), dict):
        yield from (type(holder).__dict__.get("__call__"), *vars(holder).values())


_NEIGHBOURS = 4
_NEAR_DISTANCES = (2.0**-40,)
"""relative distances of neighbours: many roundings of the point away, and too near for a function to bend"""
FAR_DISTANCES = tuple(2.0**-k for k in (40, 35, 30, 25, 20))
"""farther too, where intermediate results change that are rounded to much larger units than the value's own"""
_DEGREE = 3  # of the polynomials that are taken out of neighbouring values
_NEIGHBOUR_OFFSETS = np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
_OFFSET_POWERS = np.vander(_NEIGHBOUR_OFFSETS / _NEIGHBOURS, _DEGREE + 1)
_BESIDE_FIT = np.eye(len(_OFFSET_POWERS)) - _OFFSET_POWERS @ np.linalg.pinv(_OFFSET_POWERS)
"""what is left of values at the offsets when the polynomial is taken out that fits them best"""
_BENT = 2.0**8  # from one distance to the next, twice: what is left of f itself grows by 2**20, and rounding once
_SAFETY = 4.0

Values = Callable[[Any], Any]
"""A flat point → a flat array of results."""


def rounding(values: Values, point: Any, distances: Sequence[float] = _NEAR_DISTANCES) -> Any:
    """Bound on |computed − exact| of each entry at a point, judged from a few points beside it.

    Where the code takes NumPy's extended precision, the difference from it is the rounding itself. Elsewhere, and at
    distances that are asked for since parts of code may round to binary64 in between, as ``math.exp`` does, it is the
    most that is left of the values there when a cubic is taken out.
    """

    def at(row: Any) -> Any:
        check_time()
        return values(row)

    point = np.asarray(point, dtype=float)
    value = np.asarray(at(point), dtype=float)
    signs = np.random.default_rng(len(point)).uniform(0.5, 1.0, (_NEIGHBOURS, len(point)))
    scale = np.where(point == 0, 1.0, np.abs(point))
    rows = [point, *(point + _NEAR_DISTANCES[0] * scale * s for s in signs)]
    extended = list(takewhile(lambda found: found is not None, (in_extended(at, row) for row in rows)))
    kept = len(extended) == len(rows)
    found = [abs(e - at(row)) for e, row in zip(extended, rows, strict=True)] if kept else []
    if not kept or distances != _NEAR_DISTANCES:
        left = (_residuals(at, point, d * scale, value) for d in distances)
        found.append(_scatter(np.array([np.max(np.abs(r), axis=0) for r in left])))
    noise = np.max(found, axis=0).astype(float)
    return _SAFETY * noise + EPSILON * np.abs(value)


def _scatter(left: Any) -> Any:
    """The most that is left at any distance, (distances, entries), up to where it is the function that bends."""
    grown = left[1:] > _BENT * left[:-1]
    bent = np.zeros(left.shape, dtype=bool)
    for k in range(1, len(grown)):
        bent[k:] |= grown[k - 1] & grown[k]
    return np.max(np.where(bent, 0.0, left), axis=0)


def in_extended(values: Values, point: Any) -> Any:
    """The values in extended precision; None where the code does not keep it."""
    if np.finfo(np.longdouble).nmant <= np.finfo(float).nmant:
        return None
    try:
        found = np.asarray(values(np.asarray(point, dtype=np.longdouble)))
    except Exception:  # whatever it is, this code takes binary64 only
        return None
    return found if found.dtype == np.longdouble else None


def _residuals(values: Values, point: Any, steps: Any, value: Any) -> Any:
    """Values on a line of points close by, with the one at the point, less the polynomial that fits them best."""
    table = np.array([values(point + k * steps) if k else value for k in _NEIGHBOUR_OFFSETS], dtype=float)
    return _BESIDE_FIT @ (table - value)  # a constant is taken out anyway, and without it less is rounded here

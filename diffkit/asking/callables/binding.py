"""A Python function at arguments of fixed shapes: a map from n coordinates to m numbers that watches its code."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from diffkit.asking.callables.code_shapes import is_misfit, place_of
from diffkit.asking.callables.function import Argument, Function
from diffkit.asking.callables.globals import outside, random_state
from diffkit.asking.callables.noise import UNIT, rounding
from diffkit.asking.callables.silence import silenced
from diffkit.core.characters import told
from diffkit.core.deadline import check_time
from diffkit.core.errors import BackendError, DiffkitError, FunctionError, LimitError, TracingError
from diffkit.core.program import Program, run
from diffkit.ndarrays import pullback, trace_function
from diffkit.ndarrays.traced import SLOTS
from diffkit.numbers.arrays import CODE
from diffkit.numbers.bounds import BoundsAlgebra

NO_VALUE = (ArithmeticError, ValueError)
"""What mathematics raises: a division by zero, an overflow, a logarithm of −1, a singular matrix."""
FAR = 8.0  # times a rounding bound by which the function and what follows it may differ
BESIDE = (1.0, 1.0 + 2.0**-9, 1.0 - 2.0**-7)  # factors of the point at which a trace is compared with the function
UNSTEADY = "not deterministic"
REMEMBERED = 64  # points
BLOCK = 2**22  # numbers in the arguments of one call of a vectorised function


class Bound:
    """f with its arguments laid out in a row: ``inputs`` are coordinates, outputs the entries of the result.

    Every call gets copies of its own. What is odd about the code is collected in ``faults``: it writes into its
    argument, gives two values at one point, or results that are not binary64.
    """

    def __init__(
        self, function: Function, arguments: Sequence[Argument], labels: Sequence[str], point: Sequence[float]
    ):
        self.function = function
        self.name = function.name
        """what the function is called"""
        self.arguments = tuple(arguments)
        self.inputs = tuple(labels)
        self.start = tuple(float(x) for x in point)
        """the point at which the shape of the result was found"""
        self.faults: dict[str, str] = {}
        self._lost = 1.0  # how many times more than its trace the code may round
        self.unit = UNIT / 2
        """of the rounding of its values, by their type"""
        self.rounded = ""
        """what the type is, if it is not binary64"""
        self.earlier: dict[bytes, Any] | None = None
        """values at the first points of a session, to see whether they stay the same"""
        self.counted = (b"", 0)
        """the last point at which operations were counted, and how many they were"""
        self.toothed: tuple[tuple[float, ...], float, str] = ((), 0.0, "")
        """the last point at which adaptive rules were looked for, and what they put values off by"""
        self.evaluations = 0
        """how often the function was evaluated: at each point once, a vectorised call that fails counting as one"""
        self.told = 0
        """how many of these belong to answers that were given"""
        self.reason = ""
        """why the last call without a value had none"""
        self.place = ""
        """where in the caller's code that was, if shapes do not fit"""
        self.blind = False
        """whether the function had no value to tell its shape by"""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found odd about the code so far, and what it reads and writes outside itself."""
        return (*self.faults.values(), *self._outside)

    @cached_property
    def _outside(self) -> tuple[str, ...]:
        return tuple(f"{self.name} {what}" for what in outside(self.function.call))

    @property
    def unsteady(self) -> str:
        """Why following the code says nothing about its values; empty if it may."""
        return self.faults.get(UNSTEADY, "") if self.shape is not None else ""

    def split(self, row: Any) -> list[Any]:
        """Arguments of one point: a number as a float64, an array in its shape. Axes before the last one stay."""
        if row.ndim == 1:
            return [row[first] if shape == () else row[first:end].reshape(shape) for first, end, shape in self._spans]
        return [row[..., first:end].reshape(row.shape[:-1] + shape) for first, end, shape in self._spans]

    @cached_property
    def _spans(self) -> list[tuple[int, int, tuple[int, ...]]]:
        """Where each argument begins and ends in a row, and its shape."""
        ends = list(accumulate(argument.size for argument in self.arguments))
        return [(end - a.size, end, a.shape) for a, end in zip(self.arguments, ends, strict=True)]

    def call(self, *values: Any) -> Any:
        """The function itself, of arguments for one point (numbers, arrays, or what stands for them)."""
        check_time()
        self.evaluations += 1
        if not self.function.vectorized:
            return self.function(*values)
        return self._only(self.function(*[np.reshape(v, (1, *np.shape(v))) for v in values]))

    def _call_together(self, values: Sequence[Any], count: int) -> Any:
        """The vectorised function at many points."""
        check_time()
        self.evaluations += 1
        found = self.function(*values)
        self.evaluations += count - 1
        return found

    def spent(self) -> int:
        """Evaluations since this was asked last, or since the function was bound."""
        before, self.told = self.told, self.evaluations
        return self.told - before

    def check_again(self, points: Iterable[Sequence[float]]) -> None:
        """Evaluate the function twice at some points, to see whether it gives the same values."""
        with self.remembering():
            for point in points:
                self.values(point)
                self.values(point)

    def _only(self, stacked: Any) -> Any:
        """The result at one point, of a vectorised function."""
        if np.ndim(stacked) == 0 or len(stacked) != 1:
            raise FunctionError(
                f"{self.name} is said to be vectorized, but gives shape {np.shape(stacked)} for 1 point",
                hint="the first axis of the result runs over the points",
            )
        return stacked[0]

    @cached_property
    @np.errstate(all="ignore")
    def shape(self) -> tuple[int, ...]:
        """Shape of the result; () where the function has no value to tell it by."""
        start, state = np.array(self.start), random_state(self.function.call, self.function.args)
        first, drawn = self._results(start), state()
        second = self._results(start)
        found = second if first is None else first
        self.blind = found is None
        if found is None:
            return ()
        if first is not None and second is not None and first.shape != second.shape:
            raise FunctionError(f"{self.name} gives results of shapes {first.shape} and {second.shape} at one point")
        self._compare(first, second)
        if state() != drawn and not self.faults.get(UNSTEADY):
            self.faults[UNSTEADY] = f"{self.name} draws random numbers: equal arguments may give different values"
        return tuple(found.shape)

    def _compare(self, before: Any, found: Any) -> None:
        """Note it if two results of equal arguments differ."""
        if before is None or found is None:
            if before is not found:
                self.faults[UNSTEADY] = f"{self.name} has a value for equal arguments only now and then"
        elif not np.array_equal(before, found, equal_nan=True):
            gap = float(np.nanmax(np.abs(before - found), initial=0.0))
            apart = f"{self.name} gives different values for equal arguments, {gap:.3g} apart"
            self.faults[UNSTEADY] = f"{apart}: it is random or keeps a state"

    def _remember(self, point: bytes, found: Any) -> None:
        """Compare a result with an earlier one at the same point."""
        earlier = self.earlier
        if earlier is not None and (len(earlier) < REMEMBERED or point in earlier):
            self._compare(earlier.setdefault(point, found), found)

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Compare values at the same point, as long as the context lasts."""
        self.earlier = {}
        try:
            yield
        finally:
            self.earlier = None

    @property
    def outputs(self) -> range:
        """Numbers of the entries of the result."""
        return range(math.prod(self.shape))

    @np.errstate(all="ignore")
    def values(self, row: Any) -> Any:
        """All entries of the result at a point, flat; NaN where the function has no value."""
        return self._entries(np.array(row, dtype=float))

    def _entries(self, row: Any) -> Any:
        shape = self.shape
        found = self._results(row)
        if self.earlier is not None:
            self._remember(row.tobytes(), found)
        if found is None:
            return np.full(len(self.outputs), np.nan)
        if found.shape != shape:
            raise FunctionError(
                f"{self.name} gives a result of shape {found.shape} at {self.where(row)}, and of {shape} before"
            )
        return found.ravel()

    @np.errstate(all="ignore")
    def block(self, rows: Any) -> Any:
        """Entries of the result at the rows of an array, (B, m); one call where the function is vectorised."""
        width = len(self.outputs)
        if not self.function.vectorized:
            return np.array([self._entries(row) for row in rows]).reshape(len(rows), width)
        size = max(1, BLOCK // max(1, rows.shape[1]))
        return np.concatenate([self._stacked(rows[k : k + size], width) for k in range(0, len(rows), size)])

    def _stacked(self, rows: Any, width: int) -> Any:
        found = self._results(rows.copy())
        if found is None:  # some point has no value: which one is found out one by one
            parts = [self._results(row) for row in rows]
            return np.array([np.full(width, np.nan) if p is None else p.ravel() for p in parts]).reshape(-1, width)
        if found.shape != (len(rows), *self.shape):
            raise FunctionError(
                f"{self.name} is said to be vectorized, but gives shape {found.shape} for {len(rows)} points",
                hint=f"it should be {(len(rows), *self.shape)}",
            )
        return found.reshape(len(rows), width)

    def _results(self, row: Any) -> Any:
        """The result as an array of binary64; None where mathematics has no value."""
        mine = row.copy()
        values = self.split(mine)
        try:
            raw = self.call(*values) if row.ndim == 1 else self._call_together(values, len(row))
        except DiffkitError:
            raise
        except Exception as error:
            if isinstance(error, NO_VALUE):
                self.reason = f"{self.name} raised {told(error)}"
                self.place = place_of(error) if is_misfit(error) else ""
                return None
            raise FunctionError(f"{self.name} raised {told(error, f' at {self.where(row)}')}",
                                hint=place_of(error)) from error  # fmt: skip
        if row.ndim > 1 or mine.tobytes() != row.tobytes():  # a part of many points may be a copy of them
            self._compare_arguments(self.split(row), values)
        return self._as_floats(raw)

    def _compare_arguments(self, given: Sequence[Any], left: Sequence[Any]) -> None:
        """Note it if the code has changed its arguments."""
        for argument, before, after in zip(self.arguments, given, left, strict=True):
            if not np.array_equal(before, after):
                self.faults["changes its input"] = f"{self.name} writes into its argument {argument.name}"

    def _as_floats(self, raw: Any) -> Any:
        if isinstance(raw, float):
            return np.array(raw, dtype=float)
        try:
            found = np.asarray(raw)
        except TracingError:
            raise TracingError(f"the values of {self.name} depend on the input of an outer derivative",
                               hint="take backend='auto' or 'finite' for the outer one") from None  # fmt: skip
        except (TypeError, ValueError):
            raise FunctionError(f"{self.name} gives a ragged result") from None
        kind = found.dtype.kind
        if kind == "c":
            if np.any(found.imag != 0):
                raise FunctionError(f"{self.name} gives complex numbers", hint="real functions are differentiated here")
            self.faults["complex results"] = f"{self.name} gives complex numbers with imaginary part 0"
            if found.dtype.itemsize < 16:
                self._narrow(found.dtype)
            found = found.real
        elif kind in "iub":
            self.faults["integer results"] = (
                f"{self.name} gives {found.dtype}: whatever it computes is rounded to whole numbers"
            )
        elif kind == "f" and found.dtype.itemsize < 8:
            self._narrow(found.dtype)
        elif kind != "f":
            what = "nothing (None)" if raw is None else f"a {type(raw).__name__}"
            raise FunctionError(f"{self.name} gives {what}, not numbers", hint="return a number or an array")
        return found.astype(float)

    def _narrow(self, dtype: Any) -> None:
        """Note that values are of a type with fewer digits than binary64 has."""
        precision = np.finfo(dtype)
        self.unit = max(self.unit, float(precision.eps) / 2)
        self.rounded = f"{self.name} returns {dtype}"
        self.faults["low precision"] = f"{self.name} gives {dtype}: its values have {precision.precision + 1} digits"

    def where(self, row: Any) -> str:
        """A point in words."""
        flat = np.ravel(row)
        parts = [f"{name} = {float(x)!r}" for name, x in zip(self.inputs[:4], flat, strict=False)]
        return ", ".join(parts) + (", …" if len(flat) > 4 else "")

    def moving(self) -> Bound:
        """The function of x + t·v, as a function of x, v and t; at t = 0 it is the function itself."""
        taken = {*self.inputs, *(a.name for a in self.arguments)}
        mark = next(m for k in range(len(taken) + 1) for m in ["_" * k] if not taken & {f"v{m}_{n}" for n in taken})
        velocities = [Argument(f"v{mark}_{a.name}", a.shape) for a in self.arguments]
        t = next(name for k in range(len(taken) + 1) for name in [f"t{k or ''}"] if name not in taken)
        arguments = (*self.arguments, *velocities, Argument(t, ()))
        labels = (*self.inputs, *(f"v{mark}_{name}" for name in self.inputs), t)
        start = (*self.start, *self.start, 0.0)
        found = Bound(Function(_Line(self.function), (), self.function.vectorized), arguments, labels, start)
        found.faults, found._outside, found.name = self.faults, self._outside, self.name
        found.evaluations = self.spent()
        return found

    @contextmanager
    def following(self) -> Iterator[None]:
        """Make a TracingError of whatever the code raises when it meets what stands in for numbers."""
        try:
            with np.errstate(all="ignore"), silenced():
                yield
        except (BackendError, LimitError):
            raise
        except Exception as error:
            inner = error if isinstance(error, DiffkitError) else error.__cause__
            if isinstance(inner, DiffkitError):
                raise TracingError(inner.reason, hint=inner.hint) from None
            raise TracingError(
                f"{self.name} takes plain numbers only: what stands in for them raised {told(error)}"
            ) from error

    @cached_property
    def traced(self) -> Program:
        """The Program of the function, where its code has no branches; TracingError where it cannot be found."""
        self._check_length()
        with self.following():
            found = trace_function(self.call, self.inputs, [a.shape for a in self.arguments])
            program, self._lost = found.program, found.lost
            for factor in BESIDE:
                self.check_trace(program, [factor * x + (factor - 1.0) * (x == 0) for x in self.start])
        return program

    def check_trace(self, program: Program, point: Sequence[float]) -> None:
        """TracingError if the function has other values at a point than its trace."""
        found = run(program, BoundsAlgebra(CODE), [(x, 0.0) for x in point])
        for (value, error), own in zip(found, self.values(point).tolist(), strict=True):
            lost = math.isnan(own) and math.isfinite(value) and math.isfinite(error)
            if lost or abs(value - own) > FAR * self._lost * (error + math.ulp(own)):
                raise TracingError(f"{self.name} is {own} at {self.where(point)}, what its trace computes is {value}")

    def check_values(self, point: Any, found: Any, own: Any = None) -> None:
        """TracingError if the code gave other values from what stands in for numbers than its ``own`` from numbers."""
        own = self.values(point) if own is None else own
        found = np.ravel(found)
        if found.shape == own.shape:
            apart = ~(np.abs(found - own) <= FAR * UNIT * np.abs(own)) & np.isfinite(own)
            if not np.any(apart) or not np.any(apart & ~(np.abs(found - own) <= FAR * rounding(self.values, point))):
                return
        raise TracingError(
            f"{self.name} computes something else when it is followed: {_apart(found, own)}",
            hint="it looks at the type of its argument, catches errors, or keeps a state",
        )

    def _check_length(self) -> None:
        """TracingError if the code computes too many numbers for a trace: known in the time of a few evaluations."""
        try:
            count = self.operations(np.array(self.start))
        except TracingError:  # the trace itself says better what is in the way
            return
        if count > SLOTS:
            raise TracingError(
                f"{self.name} takes {count:,} operations, and a formula of more than {SLOTS:,} is not made",
                hint="that is no mistake: its derivatives are measured instead of proven",
            )

    def operations(self, row: Any) -> int:
        """How many numbers the code computes from the input at a point; TracingError if it cannot be followed."""
        known, count = self.counted
        if row.tobytes() != known:
            with self.following():
                count = pullback(self.call, self.split(row)).operations
            self.counted = row.tobytes(), count
        return count

    def samplers(self) -> list[Callable[[Sequence[tuple[float, ...]]], Sequence[float]]]:
        """Each entry of the result at many points; what was computed for one entry is there for the others."""
        known: dict[tuple[float, ...], Any] = {}

        def values(points: Sequence[tuple[float, ...]], output: int) -> list[float]:
            new = [p for p in dict.fromkeys(points) if p not in known]
            if new:
                known.update(zip(new, self.block(np.array(new)), strict=True))
            return [float(known[p][output]) for p in points]

        return [lambda points, k=k: values(points, k) for k in self.outputs]  # type: ignore[misc]


@dataclass(frozen=True)
class _Line:
    """f of x + t·v, as a function of the x, the v and t."""

    function: Function

    def __call__(self, *values: Any) -> Any:
        *parts, t = values
        moved = []
        for x, v in zip(parts[: len(parts) // 2], parts[len(parts) // 2 :], strict=True):
            step = t if np.ndim(t) == 0 else t.reshape(np.shape(t) + (1,) * (np.ndim(v) - np.ndim(t)))
            moved.append(x + step * v)
        return self.function(*moved)


def _apart(found: Any, own: Any) -> str:
    """Two arrays that differ, and how far apart they are where they print alike."""
    shown, expected = _shown(found), _shown(own)
    gap = f" ({np.nanmax(np.abs(found - own)):.3g} apart, more than rounding)" if shown == expected else ""
    return f"{shown}, not {expected}{gap}"


def _shown(values: Any) -> str:
    parts = [f"{v:.6g}" for v in np.ravel(values)[:3].tolist()]
    return ", ".join(parts) + (", …" if np.size(values) > 3 else "")

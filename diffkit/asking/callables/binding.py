"""A Python function at arguments of fixed shapes: a map from n coordinates to m numbers that watches its code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from typing import Any

import numpy as np

from diffkit.asking.callables.code_shapes import is_misfit, place_of
from diffkit.asking.callables.faults import Faults, outside, random_state
from diffkit.asking.callables.following import check_record, record
from diffkit.asking.callables.function import Argument, Function, coordinates
from diffkit.asking.callables.solvers import teeth_of
from diffkit.asking.sources import Formula, Output
from diffkit.calculus.scalarised import scalarised
from diffkit.calculus.sparsity import array_pattern
from diffkit.core.deadline import check_time
from diffkit.core.errors import DiffkitError, FunctionError, LimitError, PointError, TracingError, told
from diffkit.core.program import Program

NO_VALUE_ERRORS = (ArithmeticError, ValueError)
"""What mathematics raises: a division by zero, an overflow, a logarithm of −1, a singular matrix."""
_SCALAR = ("gradient", "hessian", "derivative", "taylor", "directional", "hvp")
"""Kinds of derivatives that are of one number."""
_CALL_NUMBERS = 2**22  # numbers in the arguments of one call of a vectorised function


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
        self.faults = Faults(self.name)
        self.counted = (b"", 0)
        """the last point at which operations were counted, and how many they were"""
        self.toothed: tuple[tuple[float, ...], float, str] = ((), 0.0, "")
        """the last point at which adaptive rules were looked for, and what they put values off by"""
        self.compared: tuple[float, ...] = ()
        """the point at which the formula was compared with the code when it was made, until that is asked for"""
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
        return (*self.faults.found.values(), *self._outside)

    @cached_property
    def _outside(self) -> tuple[str, ...]:
        return tuple(f"{self.name} {what}" for what in outside(self.function.call))

    @property
    def unsteady(self) -> str:
        """Why following the code says nothing about its values; empty if it may."""
        return self.faults.unsteady if self.shape is not None else ""

    @property
    def code(self) -> Bound:
        """The function itself: it is code."""
        return self

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what a direction gives velocities to."""
        return tuple(argument.name for argument in self.arguments)

    # Its formula ------------------------------------------------------------------------------------------------

    origin = "the code was recorded as a formula; "

    @cached_property
    def arrays(self) -> Program:
        """What the code does to its arguments as a Program of arrays; TracingError where it cannot be recorded."""
        found = record(self)
        self.compared = self.start
        return found

    @cached_property
    def program(self) -> Program:
        """The formula number by number, where the code has no branches; TracingError where that cannot be written."""
        return scalarised(self.arrays, self.inputs)

    @cached_property
    def hindrance(self) -> str:
        """Why nothing can be proven about the function; empty if it can."""
        if self.unsteady or self.faults.rounded:
            return self.unsteady or f"{self.faults.rounded}, which has fewer digits than binary64"
        try:
            self.arrays  # noqa: B018
        except (TracingError, LimitError) as error:
            return error.reason
        return ""

    def check_formula(self, point: Sequence[float]) -> None:
        """TracingError if the function has other values at a point than its formula: data may have changed since."""
        recorded, before, self.compared = self.arrays, self.compared, ()
        if tuple(point) != before:
            check_record(self, recorded, [point])

    # Its values -------------------------------------------------------------------------------------------------

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

    def spent(self, counted: int = 0) -> int:  # noqa: ARG002
        """Evaluations since this was asked last, or since the function was bound: what is tried counts too."""
        before, self.told = self.told, self.evaluations
        return self.told - before

    def check_again(self, points: Iterable[Sequence[float]]) -> None:
        """Evaluate the function twice at some points, to see whether it gives the same values."""
        with self.faults.remembering():
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
        self.faults.compare(first, second)
        if state() != drawn:
            self.faults.draws()
        return tuple(found.shape)

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
        self.faults.remember(row, found)
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
        size = max(1, _CALL_NUMBERS // max(1, rows.shape[1]))
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
            if isinstance(error, NO_VALUE_ERRORS):
                self.reason = f"{self.name} raised {told(error)}"
                self.place = place_of(error) if is_misfit(error) else ""
                return None
            raise FunctionError(f"{self.name} raised {told(error, f' at {self.where(row)}')}",
                                hint=place_of(error)) from error  # fmt: skip
        if row.ndim > 1 or mine.tobytes() != row.tobytes():  # a part of many points may be a copy of them
            self._compare_arguments(self.split(row), values)
        return self.faults.as_floats(raw)

    def _compare_arguments(self, given: Sequence[Any], left: Sequence[Any]) -> None:
        """Note it if the code has changed its arguments."""
        for argument, before, after in zip(self.arguments, given, left, strict=True):
            if not np.array_equal(before, after):
                self.faults.writes_into(argument.name)

    def where(self, row: Any) -> str:
        """A point in words."""
        flat = np.ravel(row)
        parts = [f"{name} = {float(x)!r}" for name, x in zip(self.inputs[:4], flat, strict=False)]
        return ", ".join(parts) + (", …" if len(flat) > 4 else "")

    def moving(self) -> Bound:
        """The function of x + t·v, as a function of x, v and t; at t = 0 it is the function itself."""
        taken = self._taken
        mark = next(m for k in range(len(taken) + 1) for m in ["_" * k] if not taken & {f"v{m}_{n}" for n in taken})
        velocities = [Argument(f"v{mark}_{a.name}", a.shape) for a in self.arguments]
        t = next(name for k in range(len(taken) + 1) for name in [f"t{k or ''}"] if name not in taken)
        arguments = (*self.arguments, *velocities, Argument(t, ()))
        labels = (*self.inputs, *(f"v{mark}_{name}" for name in self.inputs), t)
        start = (*self.start, *self.start, 0.0)
        return self._composed(_AlongDirection(self.function), arguments, labels, start)

    def weighted(self) -> Bound:
        """Σ wₖ·fₖ of the entries of the result as a function of x and the cotangent w: its gradient by x is Jᵀ·w."""
        name = next(n for k in range(len(self._taken) + 1) for n in ["cotangent" + "_" * k] if n not in self._taken)
        cotangent = Argument(name, self.shape)
        labels, start = (*self.inputs, *cotangent.labels()), (*self.start, *(1.0 for _ in self.outputs))
        return self._composed(_Weighted(self.function), (*self.arguments, cotangent), labels, start)

    @property
    def _taken(self) -> set[str]:
        """Names that no argument beside its own may have."""
        return {*self.inputs, *(a.name for a in self.arguments)}

    def _composed(
        self, call: Any, arguments: Sequence[Argument], labels: Sequence[str], start: Sequence[float]
    ) -> Bound:
        """A function that calls this one: what is odd about one is odd about the other."""
        found = Bound(Function(call, (), self.function.vectorized), arguments, labels, start)
        found.faults, found._outside, found.name = self.faults, self._outside, self.name
        found.evaluations = self.spent()
        return found

    def options_for(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        """Options of a kind by coordinates; DiffkitError where the function is not what the kind is of."""
        if kind in _SCALAR and len(self.outputs) != 1:
            hint = "ask for the jacobian" + ", or give a NumPy array of many points" * (kind == "derivative")
            raise DiffkitError(
                f"{self.name} gives an array of shape {self.shape}, and a {kind} is of one number", hint=hint
            )
        given = getattr(options.get("direction"), "shape", ())
        if len(given) > 1 and len(self.arguments) == 1 and given != self.arguments[0].shape:
            raise PointError(f"the direction has shape {given}, the argument {self.arguments[0].shape}")
        given = getattr(options.get("cotangent"), "shape", ())
        if len(given) > 1 and given != self.shape:
            raise PointError(f"the cotangent has shape {given}, the result {self.shape}")
        wrt = options.get("wrt")
        return options if wrt is None else {**options, "wrt": coordinates(wrt, self.arguments)}

    def answer_shape(self, kind: str) -> tuple[int, ...] | None:
        """Shape of the whole answer, where that of the argument or of the result says more than a count."""
        if kind == "jvp":
            return self.shape
        if len(self.arguments) > 1:
            return (*(self.shape or (1,)), len(self.inputs)) if kind == "jacobian" else None
        shape = self.arguments[0].shape or (1,)
        shapes = {"gradient": shape, "vjp": shape, "hvp": shape, "hessian": (*shape, *shape),
                  "jacobian": (*(self.shape or (1,)), *shape)}  # fmt: skip
        return shapes.get(kind)

    def dependence(self, order: int) -> list[list[int]] | None:
        """Inputs by which partials may not be 0, where the code has a formula; None where it has none."""
        if self.hindrance:
            return None
        found = array_pattern(self.arrays, order)
        try:
            return Formula(self.program).dependence(order) if found is None else found
        except (TracingError, LimitError):  # too long to be written out
            return None

    def along(self, direction: Sequence[float]) -> tuple[Bound, tuple[float, ...]]:
        """A source whose last input is t in f(x + t·v); v and t are values of inputs after x."""
        return self.moving(), (*direction, 0.0)

    def complex_values(self, row: Any) -> Any:
        """All entries of the result, flat, at a point of complex coordinates, as the code gives them."""
        return np.ravel(self.call(*self.split(row)))

    def known_to(self, point: tuple[float, ...]) -> tuple[float, str]:
        """The share that values around a point are off by, and why that is not binary64's."""
        if self.toothed[0] != point:
            self.toothed = point, *teeth_of(self, point)
        _, off, rule = self.toothed
        return max(off, self.faults.unit), self.faults.rounded or rule

    def samplers(self, rows: int = 1, partials: int = 1) -> list[Output]:  # noqa: ARG002
        """Each entry of the result at many points; what was computed for one entry is there for the others.

        Of a lone entry only single points are kept: to look up many takes as long as simple code does, and who asks
        keeps them.
        """
        known: dict[tuple[float, ...], Any] = {}
        alone = len(self.outputs) == 1

        def values(points: Sequence[tuple[float, ...]], output: int) -> list[float]:
            if alone and len(points) > 1:
                return self.block(np.array(points)).ravel().tolist()  # type: ignore[no-any-return]
            new = [p for p in dict.fromkeys(points) if p not in known]
            if new:
                known.update(zip(new, self.block(np.array(new)), strict=True))
            return [float(known[p][output]) for p in points]

        return [partial(values, output=k) for k in self.outputs]


@dataclass(frozen=True)
class _AlongDirection:
    """f of x + t·v, as a function of the x, the v and t."""

    function: Function

    def __call__(self, *values: Any) -> Any:
        *parts, t = values
        moved = []
        for x, v in zip(parts[: len(parts) // 2], parts[len(parts) // 2 :], strict=True):
            step = t if np.ndim(t) == 0 else t.reshape(np.shape(t) + (1,) * (np.ndim(v) - np.ndim(t)))
            moved.append(x + step * v)
        return self.function(*moved)


@dataclass(frozen=True)
class _Weighted:
    """Σ w·f(x, …) as a function of the x and the cotangent w; the first axis stays where f runs over points."""

    function: Function

    def __call__(self, *values: Any) -> Any:
        *point, cotangent = values
        terms = cotangent * self.function(*point)
        first = int(self.function.vectorized)
        return np.sum(terms, axis=tuple(range(first, np.ndim(terms)))) if np.ndim(terms) > first else terms

"""What is descended: a cost f of n weights with its gradient, from an expression or from a Python function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from diffkit.asking.callables import Bound
from diffkit.asking.callables.binding import NO_VALUE_ERRORS
from diffkit.asking.callables.function import Argument, Function
from diffkit.asking.expressions import as_joint_program, with_inputs
from diffkit.asking.tasks import gradient_task
from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.without_cancellation import stable
from diffkit.core.errors import DiffkitError, FunctionError, TracingError, message_of, told
from diffkit.core.program import LARGEST_BLOCK, Emitted, Program, run
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive
from diffkit.methods import BACKENDS, Backend, get_backend
from diffkit.numbers.floats import FLOATS

Data = tuple[Any, ...] | None
"""Further arguments of f for one step: a mini-batch; None for all data."""

_SINGLES = 64  # entries of one array that are looked at one by one


class WeightGroup(NamedTuple):
    """Weights that belong together, such as a layer's: the name of their parameter, their places, their shape."""

    name: str
    places: slice
    shape: tuple[int, ...]


class Cost(Protocol):
    """f and its gradient at flat arrays of weights."""

    names: tuple[str, ...]
    parameters: tuple[WeightGroup, ...]
    """what f takes: variables, or numbers and arrays"""
    groups: tuple[WeightGroup, ...]
    """whose gradients are looked at together: the parameters, or the entries of a single small array"""
    method: str
    """how gradients are found, in words"""
    reason: str
    """why the last point without a value has none"""
    travels: bool
    """whether a pickle holds all of it: not of code, which stays where it ran"""

    def at(self, x: Any, data: Data = None) -> tuple[float | None, Any]:
        """f(x), where it comes for nothing, and ∇f(x), shape (n,); NaN where there is none."""

    def value(self, x: Any) -> float:
        """f(x) over all data."""


class ExpressionCost:
    """f and its gradient as one Program, compiled once for Python floats."""

    def __init__(self, program: Program, backend: str | Backend, gradient: Any = None):
        self.program, self.names, self.reason = program, program.inputs, ""
        self.parameters = self.groups = tuple(
            WeightGroup(name, slice(k, k + 1), ()) for k, name in enumerate(self.names)
        )
        self._claim: Callable[..., Any] | None = gradient if callable(gradient) else None
        self.travels = self._claim is None
        self._made_of = (program, backend, gradient)
        self._evaluation: Any = None
        derivative, self.method = self._derivative(backend, gradient)
        self._call = compiled(program if derivative is None else with_inputs([program, derivative], program.inputs))

    def __reduce__(self) -> tuple[Any, ...]:
        return (ExpressionCost, self._made_of) if self.travels else _left_behind(self)

    def _derivative(self, backend: str | Backend, gradient: Any) -> tuple[Program | None, str]:
        """The program of the gradient, if it has one, and how it was found."""
        count = len(self.names)
        if self._claim is not None:
            return None, "the given gradient"
        if gradient is not None:
            texts = [gradient] if isinstance(gradient, str) or not isinstance(gradient, Sequence) else gradient
            claimed = as_joint_program(list(texts), self.names)
            if len(claimed.outputs) != count:
                raise DiffkitError(f"the gradient has {len(claimed.outputs)} entries for {count} weights")
            return claimed, "the given gradient"
        task = gradient_task(self.program)
        if backend == "auto":
            return stable(derivative_program(self.program, task.indices)), "exact derivative rules"
        chosen = get_backend(backend)
        evaluation: Any = chosen.prepare(task)
        if isinstance(found := getattr(evaluation, "derivative", None), Program):
            return found, f"the backend {chosen.name}"
        self._evaluation = evaluation
        return None, f"the backend {chosen.name}"

    def at(self, x: Any, data: Data = None) -> tuple[float | None, Any]:  # noqa: ARG002
        """The value and the gradient, by one run of the program."""
        value, *partials = self._call(x.tolist())
        if self._claim is not None:
            partials = np.ravel(self._claim(x)).tolist()
            if len(partials) != len(x):
                raise FunctionError(f"the gradient has {len(partials)} entries for {len(x)} weights")
        elif self._evaluation is not None:
            answer = self._evaluation.at(x.tolist())
            partials, self.reason = answer.values, next((o.message for o in answer.odd.values()), "")
        return value, np.array(partials, dtype=float)

    def value(self, x: Any) -> float:
        """f at a point."""
        return float(self._call(x.tolist())[0])


def compiled(program: Program) -> Callable[[list[float]], list[float]]:
    """A program as a function of a list of Python floats; infinite or NaN where arithmetic fails."""

    def slowly(x: list[float]) -> list[float]:
        return [float(v) for v in run(program, FLOATS, x)]

    if len(program.instructions) > LARGEST_BLOCK:
        return slowly

    def form(row: Primitive) -> Callable[..., Any]:
        return row.floats or (lambda *args: by_definition(row, FLOATS, args))

    quick = Emitted(program, form).bind([FLOATS.constant(c) for c in program.constants])

    def call(x: list[float]) -> list[float]:
        try:
            return [float(v) for v in quick(*x)]
        except ArithmeticError:  # Python's own operators raise where IEEE 754 has infinities
            return slowly(x)

    return call


@dataclass(frozen=True)
class _LeftBehind:
    """A cost whose code stayed where it ran when its descent was pickled: its names are known, and no value."""

    names: tuple[str, ...]
    parameters: tuple[WeightGroup, ...]
    groups: tuple[WeightGroup, ...]
    method: str
    reason: str
    travels: bool = False

    def at(self, *_: Any) -> Any:
        """DiffkitError: there is no f here."""
        raise DiffkitError("a pickled descent leaves its code behind, so f cannot be evaluated any more",
                           hint="descend again, or ask before it is pickled")  # fmt: skip

    value = at


def _left_behind(cost: Cost) -> tuple[Any, ...]:
    return _LeftBehind, (cost.names, cost.parameters, cost.groups, cost.method, cost.reason)


class FunctionCost:
    """A Python function of weights and data, with a hand-written gradient or one by a backend."""

    travels = False

    def __init__(self, function: Function, arguments: Sequence[Argument], labels: Sequence[str],
                 start: Sequence[float], backend: str | Backend, gradient: Any = None):  # fmt: skip
        self.function, self.arguments, self.names = function, tuple(arguments), tuple(labels)
        self.start, self.reason = tuple(start), ""
        self.parameters, self.groups = _parameters(self.arguments), _groups(self.arguments)
        self.bound = self._bind(function.args)
        if len(self.bound.outputs) != 1:
            raise DiffkitError(f"{self.bound.name} gives an array of shape {self.bound.shape}",
                               hint="a cost is one number, such as the mean of the errors squared")  # fmt: skip
        self.gradient = gradient
        if gradient is None:
            chosen = ("reverse" if "reverse" in BACKENDS else "dual") if backend == "auto" else backend
            self._take(get_backend(chosen), backend == "auto")
        elif callable(gradient):
            self.method = "the given gradient"
            self._check_gradient()
        else:
            raise DiffkitError("the gradient of a Python function is a Python function too")

    def __reduce__(self) -> tuple[Any, ...]:
        return _left_behind(self)

    def _take(self, backend: Backend, replaceable: bool, why: str = "") -> None:
        """Find gradients by a backend from now on; ``replaceable`` is one that may not be able to follow the code."""
        self.backend, self._replaceable = backend, replaceable
        self.method = f"the backend {backend.name}{why}"
        self._whole = backend.prepare(gradient_task(self.bound))

    def _bind(self, args: tuple[Any, ...]) -> Bound:
        return Bound(Function(self.function.call, args), self.arguments, self.names, self.start)

    def _check_gradient(self) -> None:
        found = self._given(np.array(self.start), self.function.args)
        if self.reason:
            raise FunctionError(f"{self.reason}, at the start")
        if len(found) != len(self.names):
            raise FunctionError(f"the gradient has {len(found)} entries for {len(self.names)} weights",
                                hint="it has the shape of the weights, or one array for each of them")  # fmt: skip

    def at(self, x: Any, data: Data = None) -> tuple[float | None, Any]:
        """The gradient on the data of one step; the value is left to ``value``."""
        if self.gradient is not None:
            return None, self._given(x, self.function.args if data is None else data)
        # another batch is another function: nothing that a backend has found out about one holds of the next
        evaluation = self._whole if data is None else self.backend.prepare(gradient_task(self._bind(data)))
        try:
            answer = evaluation.at(x.tolist())
        except TracingError as error:
            if not self._replaceable:
                raise
            self._take(get_backend("finite"), False, f", since {error.reason}")
            return self.at(x, data)
        self.reason = next((odd.message for odd in answer.odd.values()), "")
        return None, np.array(answer.values, dtype=float)

    def _given(self, x: Any, args: tuple[Any, ...]) -> Any:
        """What the hand-written gradient says, flat."""
        x.flags.writeable = False  # a gradient that writes into its argument would bend the path unseen
        try:
            raw = self.gradient(*self.bound.split(x), *args)
        except NO_VALUE_ERRORS as error:
            if not isinstance(error, ArithmeticError) and "read-only" in message_of(error):
                raise FunctionError("the gradient writes into its argument", hint="let it work on a copy") from None
            self.reason = f"the gradient raised {told(error)}"
            return np.full(len(x), np.nan)
        except DiffkitError:
            raise
        except Exception as error:
            raise FunctionError(f"the gradient raised {told(error)}") from error
        return self._flat(raw)

    def _flat(self, raw: Any) -> Any:
        names = [a.name for a in self.arguments]
        if isinstance(raw, Mapping):
            missing = [name for name in names if name not in raw]
            if missing:
                raise FunctionError(f"the gradient has no entry for {missing[0]}")
            raw = [raw[name] for name in names]
        try:
            if isinstance(raw, (list, tuple)) and len(names) > 1:
                return np.concatenate([np.ravel(part) for part in raw]).astype(float)
            return np.asarray(raw, dtype=float).ravel()
        except (TypeError, ValueError):
            raise FunctionError("the gradient does not give numbers of one shape") from None

    def value(self, x: Any) -> float:
        """f over all data."""
        found = float(self.bound.values(x)[0])
        if not math.isfinite(found):
            self.reason = self.bound.reason
        return found


def _parameters(arguments: Sequence[Argument]) -> tuple[WeightGroup, ...]:
    """One group for each parameter."""
    found, first = [], 0
    for argument in arguments:
        found.append(WeightGroup(argument.name, slice(first, first + argument.size), argument.shape))
        first += argument.size
    return tuple(found)


def _groups(arguments: Sequence[Argument]) -> tuple[WeightGroup, ...]:
    """One group for each parameter; the entries of a single small array each make their own."""
    if len(arguments) == 1 and 1 < arguments[0].size <= _SINGLES:
        return tuple(WeightGroup(label, slice(k, k + 1), ()) for k, label in enumerate(arguments[0].labels()))
    return _parameters(arguments)

"""Traced arrays: a NumPy function is run once and leaves a Program, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, NoReturn

import numpy as np

from diffkit.core.builder import ProgramBuilder, exact
from diffkit.core.errors import TracingError
from diffkit.core.program import Constant, Program
from diffkit.core.table import ADD, LT, MUL, WHERE, Primitive
from diffkit.ndarrays.kernel import Level, Proxy, answer
from diffkit.ndarrays.protocols import Shape
from diffkit.ndarrays.source import user_line

SLOTS = 50_000
"""how long a traced program may become"""


class Traced(NamedTuple):
    """A traced function: its program, whose outputs are flat, and the shape of what it returned.

    ``lost`` says how many times more than the program the function itself may round.
    """

    program: Program
    shape: Shape
    lost: float = 1.0


class _Trace(Level):
    """The level of one trace: the builder it emits into, and how many slots it may fill."""

    def __init__(self, names: Sequence[str], slots: int):
        super().__init__()
        self.builder = ProgramBuilder(names)
        self.inputs = len(names)
        self.slots = slots
        self.lost = 1.0
        """how many times more than its formula the code itself may round: n·κ of a constant matrix it solves with"""
        self._constants: dict[float | Fraction, int] = {}

    def emit(self, primitive: Primitive, args: Sequence[int]) -> int:
        """Slot of a row; TracingError beyond the limit."""
        slot = self.builder.apply(primitive, args)
        if slot >= self.slots:
            raise TracingError(
                f"the function takes more than {self.slots:,} operations, at {user_line()}",
                hint="raise the limit, or let the function be run with dual arrays",
            )
        return slot

    def constant(self, value: float | Fraction) -> int:
        """Slot of a fraction, or of a binary64 as the fraction that it is; TracingError if it is not finite."""
        slot = self._constants.get(value)
        if slot is None:
            if not isinstance(value, Fraction) and not math.isfinite(value):
                raise TracingError(f"the constant {value} takes part in the computation, at {user_line()}",
                                   hint="choose with np.where instead of computing with it")  # fmt: skip
            slot = self._constants[value] = self.builder.constant(exact(Fraction(*value.as_integer_ratio())))
        return slot

    def exact(self, value: Constant) -> TracedArray:
        """An exact constant as an array without axes."""
        return TracedArray(self, np.array(self.builder.constant(value), dtype=np.int64))

    def constants(self, values: Any) -> TracedArray:
        """Numbers as an array of the trace that does not depend on the input."""
        return TracedArray(self, _each(self.constant, values))

    def fractions(self, array: TracedArray) -> list[Fraction] | None:
        """The elements of an array, flat, if they are all rational constants."""
        found = [self.builder.rational(slot) for slot in array.content.ravel().tolist()]
        return [Fraction(value) for value in found if value is not None] if None not in found else None

    def truth(self, value: bool) -> int:
        """Slot of a plain truth: 0 < 1 or 1 < 0."""
        zero, one = self.builder.constant(0), self.builder.constant(1)
        return self.emit(LT, (zero, one) if value else (one, zero))


class TracedArray(Proxy):
    """An array of slots; ``truth`` if they are conditions rather than numbers."""

    __slots__ = ("truth",)
    level: _Trace

    def __init__(self, level: _Trace, slots: Any, truth: bool = False):
        super().__init__(level, slots, slots.shape)
        self.truth = truth

    def __repr__(self) -> str:
        return f"TracedArray(shape={self.shape})"

    def __format__(self, spec: str) -> str:  # a print that is left in the function does no harm
        return repr(self)

    @property
    def dtype(self) -> Any:  # type: ignore[override]
        """Float64, or bool for conditions."""
        return np.dtype(bool if self.truth else float)

    @property
    def primal(self) -> Any:
        """There are no values in a trace."""
        return None

    @property
    def ground(self) -> _Trace:
        """The trace it is of."""
        return self.level

    def __bool__(self) -> bool:
        self._no_branch()

    def _no_branch(self) -> NoReturn:
        raise TracingError(f"a branch depends on the input, at {user_line()}", hint="choose with np.where")

    # Kernel -----------------------------------------------------------------------------------------------------

    def _slots(self, x: Any, truth: bool) -> Any:
        """Slots of an operand: conditions if ``truth``, else numbers."""
        trace = self.level
        if isinstance(x, TracedArray) and x.level is trace:
            if truth or not x.truth:
                return x.content
            one, zero = trace.builder.constant(1), trace.builder.constant(0)
            return _each(lambda c: trace.emit(WHERE, (c, one, zero)), x.content)
        if isinstance(x, Proxy):
            raise TracingError(f"a trace meets a value of an outer derivative, at {user_line()}")
        return _each(trace.truth, np.asarray(x, dtype=bool)) if truth else _each(trace.constant, np.asarray(x) * 1.0)

    def row(self, primitive: Primitive, args: Sequence[Any]) -> TracedArray:
        """Emit a row for every element."""
        slots = np.broadcast_arrays(*[self._slots(a, k in primitive.truths) for k, a in enumerate(args)])
        emit = self.level.emit
        found = [emit(primitive, each) for each in zip(*[s.ravel().tolist() for s in slots], strict=True)]
        return TracedArray(self.level, np.array(found, dtype=np.int64).reshape(slots[0].shape), primitive.truth)

    def gather(self, parts: Sequence[Any], indices: Any) -> TracedArray:
        """Give slots of the pool."""
        truth = bool(parts) and all(p.truth if isinstance(p, Proxy) else p.dtype == bool for p in parts)
        zero = self.level.truth(False) if truth else self.level.builder.constant(0)
        pool = np.concatenate([[zero], *[self._slots(p, truth).ravel() for p in parts]])
        return TracedArray(self.level, pool[indices], truth)

    def total(self, x: Proxy, axes: tuple[int, ...]) -> TracedArray:
        """Add from left to right."""
        slots = np.moveaxis(self._slots(x, False), axes, range(-len(axes), 0))
        kept = slots.shape[: slots.ndim - len(axes)]
        rows = slots.reshape(*kept, math.prod(slots.shape[slots.ndim - len(axes) :])) if axes else slots[..., None]
        emit, zero = self.level.emit, self.level.builder.constant(0)
        found = np.full(kept, zero, dtype=np.int64)
        for position in np.ndindex(*kept):
            sum_ = zero
            for slot in rows[position].tolist():
                sum_ = emit(ADD, (sum_, slot))
            found[position] = sum_
        return TracedArray(self.level, found)

    def contract(self, a: Any, b: Any, left: str, right: str, out: str) -> TracedArray:
        """Multiply all pairs of elements, then add."""
        letters = out + "".join(dict.fromkeys(c for c in left + right if c not in out))
        expanded = []
        for x, term in ((a, left), (b, right)):
            slots = np.transpose(self._slots(x, False), [term.index(c) for c in letters if c in term])
            expanded.append(slots.reshape([slots.shape[[d for d in letters if d in term].index(c)] if c in term else 1
                                           for c in letters]))  # fmt: skip
        first, second = np.broadcast_arrays(*expanded)
        products = self.row(MUL, [TracedArray(self.level, first), TracedArray(self.level, second)])
        summed = tuple(range(len(out), len(letters)))
        return self.total(products, summed) if summed else products


def _each(function: Callable[[Any], int], values: Any) -> Any:
    return np.array([function(v) for v in np.ravel(values).tolist()], dtype=np.int64).reshape(np.shape(values))


def trace_function(
    call: Callable[..., Any], names: Sequence[str], shapes: Sequence[Shape], slots: int = SLOTS
) -> Traced:
    """Give the Program of a Python function of arrays.

    ``names``: all scalar inputs in order. ``shapes``: one shape per positional argument, () for a scalar; their sizes
    add up to the number of names. Constants enter as the exact fractions that their binary64 are.
    Raises TracingError where the function cannot be followed for all inputs at once: a branch, a loop or an index
    that depends on the input, a conversion to plain numbers, more than ``slots`` operations.
    """
    sizes = [math.prod(shape) for shape in shapes]
    if sum(sizes) != len(names):
        raise TracingError(f"{len(names)} names do not fit shapes of {sum(sizes)} elements in all")
    trace = _Trace(names, slots)
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    try:
        value = answer(call, [
            TracedArray(trace, np.arange(start, start + size, dtype=np.int64).reshape(shape))
            for start, size, shape in zip(starts, sizes, shapes, strict=True)
        ])  # fmt: skip
        found = TracedArray(trace, np.zeros((), dtype=np.int64))._slots(value, False)
    finally:
        trace.open = False
    return Traced(trace.builder.program(found.ravel().tolist(), names), found.shape, trace.lost)

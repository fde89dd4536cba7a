"""The recorder: a NumPy function is run once on arrays without values, and what it does to them becomes a Program.

A slot is a whole array, so the Program is as long as the code, whatever the size of its arrays. Plain arrays that take
part are data slots, exact as their numbers are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, NoReturn

import numpy as np

from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import ArrayOperation, Contract, Total, gathered, spread
from diffkit.core.builder import exact
from diffkit.core.errors import TracingError
from diffkit.core.program import Constant, Program
from diffkit.core.table import LT, WHERE, Primitive
from diffkit.ndarrays.kernel import Level, Proxy, answer
from diffkit.ndarrays.protocols import Shape
from diffkit.ndarrays.source import user_line


class RecordedFunction(NamedTuple):
    """A recorded function: its Program, with an input for each argument and one output."""

    program: Program

    @property
    def shape(self) -> Shape:
        """Shape of the result."""
        return self.program.shapes[self.program.outputs[0]]


class Recording(Level):
    """The level of one record: the builder it emits into."""

    def __init__(self, inputs: dict[str, Shape]):
        super().__init__()
        self.builder = ArrayBuilder(inputs)

    def emit(self, row: Primitive | ArrayOperation, *args: int) -> RecordedArray:
        """The array that a row or an operation gives."""
        return self.array(self.builder.apply(row, args))

    def array(self, slot: int) -> RecordedArray:
        """The array in a slot."""
        return RecordedArray(self, slot)

    def exact(self, value: Constant) -> RecordedArray:
        """An exact constant as an array without axes."""
        return self.array(self.builder.constant(value))

    def constants(self, values: Any) -> RecordedArray:
        """Numbers as an array that does not depend on the input; TracingError if one is not finite."""
        found = np.asarray(values)
        if found.dtype == bool:
            return self.truths(found)
        found = found * 1.0
        if not np.isfinite(found).all():
            odd = found[~np.isfinite(found)].ravel()[0]
            raise TracingError(f"the constant {odd} takes part in the computation, at {user_line()}",
                               hint="choose with np.where instead of computing with it")  # fmt: skip
        if found.ndim == 0:
            return self.exact(exact(Fraction(float(found))))
        return self.array(self.builder.data(np.array(found, dtype=float)))

    def truths(self, values: Any) -> RecordedArray:
        """Plain truths, as 0 < x of numbers 1 and 0."""
        zero = self.builder.constant(0)
        return self.emit(LT, zero, self.builder.data(np.asarray(values, dtype=float)))


class RecordedArray(Proxy):
    """An array of a Program that is being recorded; ``truth`` if it holds conditions rather than numbers."""

    __slots__ = ("truth",)
    level: Recording

    def __init__(self, level: Recording, slot: int):
        super().__init__(level, slot, level.builder.shapes[slot])
        self.truth = slot in level.builder.truths

    def __repr__(self) -> str:
        return f"RecordedArray(shape={self.shape})"

    def __format__(self, spec: str) -> str:  # a print that is left in the function does no harm
        return repr(self)

    @property
    def dtype(self) -> Any:  # type: ignore[override]
        """Float64, or bool for conditions."""
        return np.dtype(bool if self.truth else float)

    @property
    def primal(self) -> Any:
        """There are no values in a record."""
        return None

    @property
    def ground(self) -> Recording:
        """The record it is of."""
        return self.level

    def __bool__(self) -> bool:
        self._no_branch()

    def _no_branch(self) -> NoReturn:
        raise TracingError(f"a branch depends on the input, at {user_line()}", hint="choose with np.where")

    # Kernel -----------------------------------------------------------------------------------------------------

    def _slot(self, x: Any, truth: bool = False) -> int:
        """Slot of an operand: conditions if ``truth``, else numbers."""
        level, builder = self.level, self.level.builder
        if isinstance(x, RecordedArray) and x.level is level:
            if truth or not x.truth:
                return x.content  # type: ignore[no-any-return]
            return builder.apply(WHERE, (x.content, builder.constant(1), builder.constant(0)))
        if isinstance(x, Proxy):
            raise TracingError(f"a record meets a value of an outer derivative, at {user_line()}")
        plain = level.truths(np.asarray(x, dtype=bool)) if truth else level.constants(np.asarray(x) * 1.0)
        return plain.content  # type: ignore[no-any-return]

    def row(self, primitive: Primitive, args: Sequence[Any]) -> RecordedArray:
        """Emit a row of whole arrays."""
        return self.level.emit(primitive, *[self._slot(a, k in primitive.truths) for k, a in enumerate(args)])

    def operation(self, operation: ArrayOperation, *args: Any) -> RecordedArray:
        """Emit an operation on whole arrays."""
        return self.level.emit(operation, *[self._slot(a) for a in args])

    def gather(self, parts: Sequence[Any], indices: Any) -> RecordedArray:
        """Emit entries of the pool."""
        truth = bool(parts) and all(p.truth if isinstance(p, Proxy) else p.dtype == bool for p in parts)
        used, positions = _used(parts, np.asarray(indices))
        if truth and positions.size and not positions.min():
            false = self.level.truths(np.zeros((), bool))
            used, positions = [*used, false], np.where(positions == 0, 1 + sum(map(np.size, used)), positions)
        return self.level.emit(gathered(positions), *[self._slot(p, truth) for p in used])

    def total(self, x: Proxy, axes: tuple[int, ...]) -> RecordedArray:
        """Emit a sum over axes."""
        return self.operation(Total(tuple(int(a) for a in axes)), x)

    def contract(self, a: Any, b: Any, left: str, right: str, out: str) -> RecordedArray:
        """Emit a sum of products; lengths of 1 are repeated to that of the other operand, as einsum does."""
        slots = [self._slot(a), self._slot(b)]
        shapes = [self.level.builder.shapes[s] for s in slots]
        lengths: dict[str, int] = {}
        for letters, shape in zip((left, right), shapes, strict=True):
            for letter, n in zip(letters, shape, strict=True):
                lengths[letter] = n if lengths.get(letter, 1) == 1 else lengths[letter]
        for k, letters in enumerate((left, right)):
            whole = tuple(lengths[c] for c in letters)
            if any(n not in (1, m) for n, m in zip(shapes[k], whole, strict=True)):
                raise ValueError(f"shapes {shapes[0]} and {shapes[1]} do not fit {left},{right}->{out}")
            slots[k] = spread(self.level.builder, slots[k], shapes[k], whole)
        return self.level.emit(Contract(left, right, out), *slots)


def _used(parts: Sequence[Any], indices: Any) -> tuple[list[Any], Any]:
    """The parts that some position looks into, and the positions among these."""
    starts = np.cumsum([1, *map(np.size, parts)])
    if len(parts) < 2:
        return list(parts), indices
    which = np.searchsorted(starts, indices, side="right")  # 0 is the pool's zero, k + 1 the part k
    seen = np.unique(which[which > 0]) - 1
    if len(seen) == len(parts):
        return list(parts), indices
    used = [parts[k] for k in seen]
    shift = np.zeros(len(parts) + 1, dtype=np.int64)
    shift[seen + 1] = starts[seen] - np.cumsum([1, *map(np.size, used)])[:-1]
    return used, indices - shift[which]


def record_function(call: Callable[..., Any], arguments: Sequence[tuple[str, Shape]]) -> RecordedFunction:
    """Give the Program of a Python function of arrays, one input for each argument.

    Constants enter exactly as their binary64 are. Raises TracingError where the function cannot be followed for all
    inputs at once: a branch, a loop or an index that depends on the input, a conversion to plain numbers.
    """
    level = Recording(dict(arguments))
    try:
        value = answer(call, [level.array(level.builder.input(name)) for name, _ in arguments])
        some = level.exact(0)
        slot = some._slot(value)
    finally:
        level.open = False
    return RecordedFunction(level.builder.program([slot], [name for name, _ in arguments]))


def is_short(program: Program, operations: int) -> bool:
    """Whether a Program computes at most so many numbers."""
    return sum(math.prod(shape) for shape in program.shapes) <= operations


__all__ = ["RecordedArray", "RecordedFunction", "Recording", "record_function"]

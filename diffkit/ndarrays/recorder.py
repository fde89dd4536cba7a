"""The recorder: a NumPy function is run once on arrays that stand for its input, and what it does becomes a Program.

A slot is a whole array, so the Program is as long as the code, whatever the size of its arrays. Plain arrays that take
part are data slots, exact as their numbers are. Without values the Program is that of all inputs, so nothing may branch
on them; at a point it is that of the way that the code takes there, operation by operation, with values and lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.array_builder import ArrayBuilder, VerbatimBuilder
from diffkit.core.array_operations import ArrayOperation, Total, gathered, spread
from diffkit.core.contractions import Contract
from diffkit.core.errors import TracingError
from diffkit.core.program import Constant, Program
from diffkit.core.table import LT, WHERE, Primitive
from diffkit.ndarrays.kernel import Level, Proxy, answer, evaluate, own
from diffkit.ndarrays.notes import Notes
from diffkit.ndarrays.protocols import Shape
from diffkit.ndarrays.source import SourceLine, user_line


class RecordedFunction(NamedTuple):
    """A recorded function: its Program, with an input for each argument and one output.

    Recorded at a point it knows, by slot, the ``values``, the ``lines`` of the code and the ``names`` that it gives.
    """

    program: Program
    values: Sequence[Any] = ()
    lines: Mapping[int, SourceLine] = {}
    names: Mapping[int, str] = {}

    @property
    def shape(self) -> Shape:
        """Shape of the result."""
        return self.program.shapes[self.program.outputs[0]]


class Recording(Level):
    """The level of one record: the builder it emits into, and notes on it where values of the inputs are known."""

    def __init__(self, inputs: Mapping[str, Shape], at: Sequence[Any] | None = None, named: bool = False):
        super().__init__()
        self.inputs = tuple(inputs)
        self.notes: Notes | None = None
        self.builder = ArrayBuilder(inputs)
        if at is not None:
            self.builder = VerbatimBuilder(inputs)
            self.notes = Notes(self.builder, [np.asarray(own(primal)) for primal in at], named)

    def follow(self, call: Callable[..., Any]) -> int:
        """Slot of what a function gives of the inputs."""
        if self.notes is not None:
            self.notes.begin()
        value = answer(call, [self.array(self.builder.input(name)) for name in self.inputs])
        return self.exact(0)._slot(value)

    @property
    def operations(self) -> int:
        """How many operations were recorded at a point."""
        return 0 if self.notes is None else len(self.notes.lines)

    def recorded(self, outputs: Sequence[int]) -> RecordedFunction:
        """What was recorded, with some slots as outputs; nothing more can be."""
        self.open = False
        program, number = self.builder.renumbered(outputs, self.inputs)
        if (notes := self.notes) is None:
            return RecordedFunction(program)
        values: list[Any] = [None] * len(program)
        for slot, new in enumerate(number):
            values[new] = notes.value(slot)
        lines, names = ({number[slot]: x for slot, x in found.items()} for found in (notes.lines, notes.names))
        return RecordedFunction(program, values, lines, names)  # type: ignore[arg-type]

    def apply(self, row: Primitive | ArrayOperation, args: Sequence[int]) -> int:
        """Slot of what a row or an operation gives."""
        return self.builder.apply(row, args) if self.notes is None else self.notes.add(row, args)

    def emit(self, row: Primitive | ArrayOperation, *args: int) -> RecordedArray:
        """The array that a row or an operation gives."""
        return self.array(self.apply(row, args))

    def array(self, slot: int) -> RecordedArray:
        """The array in a slot."""
        return RecordedArray(self, slot)

    def exact(self, value: Constant) -> RecordedArray:
        """An exact constant as an array without axes."""
        return self.array(self.builder.constant(value))

    def constants(self, values: Any) -> RecordedArray:
        """Numbers as an array that does not depend on the input; without values TracingError if one is not finite."""
        found = np.asarray(values)
        if found.dtype == bool:
            return self.truths(found)
        found = found * 1.0
        if self.notes is None and not np.isfinite(found).all():
            odd = found[~np.isfinite(found)].ravel()[0]
            raise TracingError(f"the constant {odd} takes part in the computation, at {user_line()}",
                               hint="choose with np.where instead of computing with it")  # fmt: skip
        return self.array(self.builder.data(np.array(found, dtype=float)))

    def truths(self, values: Any) -> RecordedArray:
        """Plain truths, as 0 < x of numbers 1 and 0."""
        zero = self.builder.constant(0)
        return self.emit(LT, zero, self.builder.data(np.asarray(values, dtype=float)))


class RecordedArray(Proxy):
    """An array of a Program that is being recorded; ``truth`` if it holds conditions rather than numbers."""

    __slots__ = ("truth",)
    whole = True
    level: Recording

    def __init__(self, level: Recording, slot: int):
        super().__init__(level, slot, level.builder.shapes[slot])
        self.truth = slot in level.builder.truths

    def __repr__(self) -> str:
        return f"RecordedArray(shape={self.shape})" if self.primal is None else f"RecordedArray({self.primal})"

    def __format__(self, spec: str) -> str:  # a print that is left in the function does no harm
        return repr(self) if self.primal is None else format(self.primal[()], spec)

    @property
    def dtype(self) -> Any:  # type: ignore[override]
        """Float64, or bool for conditions."""
        return np.dtype(bool if self.truth else float)

    @property
    def primal(self) -> Any:
        """The value, where one is known."""
        notes = self.level.notes
        return None if notes is None else notes.value(self.content)

    @property
    def ground(self) -> Recording | None:
        """The record it is of, unless values are known."""
        return self.level if self.level.notes is None else None

    def __bool__(self) -> bool:
        if self.primal is None:
            raise TracingError(f"a branch depends on the input, at {user_line()}", hint="choose with np.where")
        return bool(self.primal != 0)

    def astype(self, dtype: Any, **options: Any) -> Any:
        """Give a copy as binary64; conditions are the numbers 1 and 0 in any type."""
        return np.copy(self) if self.truth else super().astype(dtype, **options)

    def __float__(self) -> float:
        return float(self.primal) if self._is_known else super().__float__()

    def __int__(self) -> int:
        return int(self.primal) if self._is_known else super().__int__()

    @property
    def _is_known(self) -> bool:
        """Whether it is a condition of which it is known if it holds."""
        return self.truth and self.primal is not None

    # Kernel -----------------------------------------------------------------------------------------------------

    def _slot(self, x: Any, truth: bool = False) -> int:
        """Slot of an operand: conditions if ``truth``, else numbers."""
        level, builder = self.level, self.level.builder
        if isinstance(x, RecordedArray) and x.level is level:
            if truth or not x.truth:
                return x.content  # type: ignore[no-any-return]
            return level.apply(WHERE, (x.content, builder.constant(1), builder.constant(0)))
        if isinstance(x, Proxy):
            raise TracingError(f"a record meets a value of an outer derivative, at {user_line()}")
        plain = level.truths(np.asarray(x, dtype=bool)) if truth else level.constants(np.asarray(x) * 1.0)
        return plain.content  # type: ignore[no-any-return]

    def row(self, primitive: Primitive, args: Sequence[Any]) -> Any:
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
            slots[k] = spread(self.level, slots[k], shapes[k], whole)
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


def record_function(
    call: Callable[..., Any], arguments: Sequence[tuple[str, Shape]], at: Sequence[Any] | None = None,
    named: bool = False,
) -> RecordedFunction:  # fmt: skip
    """Give the Program of a Python function of arrays, one input for each argument: for all inputs, or ``at`` some.

    Constants enter exactly as their binary64 are. Raises TracingError where the function cannot be followed for all
    inputs at once: a branch, a loop or an index that depends on the input, a conversion to plain numbers. At a point
    (a value for each argument) branches are followed; ``named`` looks for what the code calls its values.
    """
    level = Recording(dict(arguments), at, named)
    try:
        return level.recorded([level.follow(call)])
    finally:
        level.open = False


def record_program(program: Program, lengths: Sequence[tuple[str, Shape]]) -> Program:
    """Give a Program of functions of arrays in operations on arrays, an input for each name with its shape."""
    return record_function(lambda *values: evaluate(program, values), lengths).program


__all__ = ["RecordedArray", "RecordedFunction", "Recording", "record_function", "record_program"]

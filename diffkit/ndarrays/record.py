"""Records: a NumPy function is run once, and what it does to whole arrays is written down so that it can be replayed.

Unlike a trace, which goes element by element, a record has one entry for each operation of the code, with its line and
the names that its operands have there. A check changes one entry and replays the rest, to see what would mend a claim.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from diffkit.core.table import Primitive
from diffkit.ndarrays.kernel import ROWS, Level, Proxy, answer, contract, gather, own, total
from diffkit.ndarrays.source import SourceLine, line_of, user_frame

OPERATIONS_KEPT = 2000
"""operations that are kept"""


class Operation(NamedTuple):
    """One step: ``run`` makes its value from those of its operands.

    An operand is the number of an earlier operation, or a constant array. ``kind`` is "input", "gather", "sum",
    "product" (then ``detail`` is its einsum) or the name of a row.
    """

    kind: str
    operands: tuple[Any, ...]
    run: Callable[[Sequence[Any]], Any]
    value: Any
    line: SourceLine
    detail: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its value."""
        return np.shape(self.value)

    @property
    def place(self) -> tuple[str, int]:
        """File and line; line 0 for what was done with the function's result after it had returned."""
        return self.line.file, self.line.line


class Record(NamedTuple):
    """What a function did: its operations in order, the number of its result, and names of values in the code.

    ``names`` are of operations by number; ``constants`` of arrays by identity.
    """

    operations: list[Operation]
    result: int
    names: dict[int, str]
    constants: dict[int, str]

    def replayed(self, changes: Mapping[int, Operation]) -> Any:
        """The result with some operations changed."""
        new: dict[int, Any] = {}
        for number in range(min(changes), self.result + 1):
            operation = changes.get(number) or self.operations[number]
            if number in changes or any(isinstance(o, int) and o in new for o in operation.operands):
                values = [new[o] if isinstance(o, int) and o in new else self.value(o) for o in operation.operands]
                new[number] = operation.run(values)
        return new.get(self.result, self.operations[self.result].value)

    def value(self, operand: Any) -> Any:
        """The value of an operand."""
        return self.operations[operand].value if isinstance(operand, int) else operand

    def matters(self) -> list[bool]:
        """Which operations the result depends on."""
        found = [False] * len(self.operations)
        found[self.result] = True
        for number in range(self.result, -1, -1):
            if found[number]:
                for operand in self.operations[number].operands:
                    if isinstance(operand, int):
                        found[operand] = True
        return found


class _Recorder(Level):
    """The level of one record."""

    def __init__(self, named: bool, frame: FrameType) -> None:
        super().__init__()
        self.named = named
        self.frame = frame
        self.operations: list[Operation] = []
        self.names: dict[int, str] = {}
        self.constants: dict[int, str] = {}

    def add(self, kind: str, operands: Sequence[Any], run: Callable[[Sequence[Any]], Any], detail: Any = None) -> int:
        """Run an operation and write it down."""
        frame = user_frame(self.frame)
        kept = tuple(o.content if isinstance(o, _NotedArray) else o for o in operands)
        if self.named and frame is not None:
            self._name(frame, kept)
        values = [self.operations[o].value if isinstance(o, int) else o for o in kept]
        self.operations.append(Operation(kind, kept, run, run(values), line_of(frame), detail))
        return len(self.operations) - 1

    def _name(self, frame: FrameType, operands: Sequence[Any]) -> None:
        """Keep what the code calls the operands: variables of the frame that hold them."""
        for name, value in (*frame.f_globals.items(), *frame.f_locals.items()):
            if isinstance(value, _NotedArray) and value.level is self:
                self.names.setdefault(value.content, name)
            elif isinstance(value, np.ndarray):
                for operand in operands:
                    if isinstance(operand, np.ndarray) and (factor := _multiple(operand, value)):
                        text = name if factor == 1 else f"{factor:g}*{name}"
                        self.constants.setdefault(id(operand), text)


def _multiple(array: Any, of: Any) -> float:
    """The factor by which an array is another one, which is not 0; 0 if it is no multiple."""
    if array.shape != of.shape or not array.size or of.dtype.kind not in "fiu":
        return 0.0
    place = np.unravel_index(np.argmax(np.abs(of)), of.shape)
    factor = float(array[place] / of[place]) if of[place] else 0.0
    return factor if np.array_equal(array, factor * of) else 0.0


class _NotedArray(Proxy):
    """An array that knows which operation made it."""

    __slots__ = ()
    level: _Recorder

    def _make(self, kind: str, operands: Sequence[Any], run: Callable[[Sequence[Any]], Any], detail: Any = None) -> Any:
        number = self.level.add(kind, operands, run, detail)
        return _NotedArray(self.level, number, self.level.operations[number].shape)

    def __repr__(self) -> str:
        return f"RecordedArray({self.primal})"

    def __format__(self, spec: str) -> str:
        return format(self.primal[()], spec)

    def __bool__(self) -> bool:
        return bool(np.all(self.primal != 0))

    @property
    def primal(self) -> Any:
        """The value."""
        return self.level.operations[self.content].value

    def row(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Apply a row; conditions are plain arrays."""
        if primitive.truth:
            return ROWS.apply(primitive, [a.primal if isinstance(a, _NotedArray) else a for a in args])
        return self._make(primitive.name, args, lambda values: ROWS.apply(primitive, values), primitive)

    def gather(self, parts: Sequence[Any], indices: Any) -> Any:
        """Give elements of the pool."""
        return self._make("gather", parts, lambda values: gather(values, indices), indices)

    def total(self, x: Proxy, axes: tuple[int, ...]) -> Any:
        """Sum over axes."""
        return self._make("sum", (x,), lambda values: total(values[0], axes), axes)

    def contract(self, a: Any, b: Any, left: str, right: str, out: str) -> Any:
        """Sum of products."""
        detail = f"{left},{right}->{out}"
        return self._make("product", (a, b), lambda values: contract(values[0], values[1], left, right, out), detail)


def _never(_: Sequence[Any]) -> Any:
    raise AssertionError("an input is not made by an operation")


def record(call: Callable[..., Any], primals: Sequence[Any], named: bool = True) -> Record | None:
    """Run a function of arrays (the positional arguments) once, and write down what it does.

    ``named`` looks for what the code calls the values, which takes most of the time. None where the result does not
    depend on the arguments; TracingError where the code cannot be followed, and whatever it raises itself.
    """
    level = _Recorder(named, sys._getframe())
    args = []
    for primal in map(own, primals):
        level.operations.append(Operation("input", (), _never, np.asarray(primal), SourceLine("?", 0, "")))
        args.append(_NotedArray(level, len(level.operations) - 1, np.shape(primal)))
    try:
        found = answer(call, args)
        if not isinstance(found, _NotedArray) or len(level.operations) > OPERATIONS_KEPT:
            return None
        return Record(level.operations, found.content, level.names, level.constants)
    finally:
        level.open = False

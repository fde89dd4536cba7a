"""The builder of Programs whose slots are arrays; on numbers it does what the builder of numbers does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from diffkit.core.array_operations import Gather, Reshape, Scaled, Spread, Take, Total, gathered
from diffkit.core.builder import ProgramBuilder
from diffkit.core.errors import TracingError
from diffkit.core.program import Data, Program, Shape, shape_of
from diffkit.core.table import MUL, Primitive

ELEMENTS = 2**24
"""numbers that the slots of a program may hold together"""


class ArrayBuilder(ProgramBuilder):
    """Emits a Program slot by slot, with the shape of each; equal slots are emitted once.

    What holds of numbers holds of arrays entry by entry, unless the simpler slot has another shape.
    """

    def __init__(self, inputs: Mapping[str, Shape] | Sequence[str] = ()):
        self.shapes: list[Shape] = []
        self.elements = 0
        self._input_shapes = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(inputs, ())
        super().__init__(tuple(self._input_shapes))

    @classmethod
    def of(cls, program: Program) -> ArrayBuilder:
        """Give a builder that already holds a program, slot for slot."""
        builder = super().of.__func__(cls, program)  # type: ignore[attr-defined]
        builder._input_shapes = dict(zip(program.inputs, program.lengths or ((),) * len(program.inputs), strict=True))
        builder.shapes = list(program.shapes)
        return builder  # type: ignore[no-any-return]

    def _new(self, value: Any, instruction: tuple[Any, ...] | None, depth: int) -> int:
        slot = super()._new(value, instruction, depth)
        if slot >= len(self.shapes):
            if instruction is not None:
                shape = shape_of(instruction[0], [self.shapes[arg] for arg in instruction[1:]])
            else:
                shape = value.shape if isinstance(value, Data) else ()
            self.shapes.append(shape)
            self.elements += int(np.prod(shape, dtype=float))
            if self.elements > ELEMENTS:
                raise TracingError(f"the function computes more than {ELEMENTS:,} numbers",
                                   hint="its derivatives are measured instead of proven")  # fmt: skip
        return slot

    def input(self, name: str) -> int:
        """Slot of an input."""
        new = name not in self._inputs
        slot = super().input(name)
        if new:
            self.shapes[slot] = self._input_shapes.get(name, ())
        return slot

    def data(self, array: Any) -> int:
        """Slot of a constant array; a number without axes is an exact constant."""
        found = np.asarray(array)
        if found.ndim == 0 and found.dtype.kind == "f" and np.isfinite(found):
            return self.constant(Fraction(float(found)))
        return self.constant(Data(found))  # type: ignore[arg-type]

    def zeros(self, shape: Shape) -> int:
        """Slot of zeros."""
        return self.apply(gathered(np.zeros(shape, dtype=np.int64)), [self.constant(0)]) if shape else self.constant(0)

    def known_throughout(self, slot: int) -> int | Fraction | None:
        """The rational number that every entry of a slot is, or None."""
        instruction = self._instructions[slot]
        repeated = instruction is not None and isinstance(instruction[0], Spread)
        return self.known_throughout(instruction[1]) if repeated else self.rational(slot)  # type: ignore[index]

    def shape(self, slot: int) -> Shape:
        """Shape of a slot."""
        return self.shapes[slot]

    def _made(self, key: tuple[Any, ...]) -> int:
        """Slot of an operation not met before; what is simpler stands for it only in the same shape."""
        row, *args = key
        if not isinstance(row, Primitive):
            simpler = self._simpler(row, args)
            return self._plain(key) if simpler is None else simpler
        expected = shape_of(row, [self.shapes[arg] for arg in args])
        slot = super()._made(key)
        return slot if self.shapes[slot] == expected else self._widened(slot, expected, key)

    def _widened(self, slot: int, shape: Shape, key: tuple[Any, ...]) -> int:
        """A simpler slot repeated to the shape that the operation has."""
        own = self.shapes[slot]
        fits = len(own) <= len(shape) and all(n in (1, m) for n, m in zip(own[::-1], shape[::-1], strict=False))
        return self.apply(Spread(shape), [slot]) if fits else self._plain(key)

    def _plain(self, key: tuple[Any, ...]) -> int:
        slot = self._new(None, key, 0)
        if key[0].truth or (isinstance(key[0], (Gather, Reshape, Spread, Take)) and self._all_truths(key[1:])):
            self.truths.add(slot)
        return slot

    def _all_truths(self, args: Sequence[int]) -> bool:
        return bool(args) and all(arg in self.truths for arg in args)

    def _simpler(self, row: Any, args: Sequence[int]) -> int | None:
        """A slot that is what an operation gives: of its own shape, of no axes, by a known factor, or an inverse."""
        if isinstance(row, (Reshape, Spread)) and self.shapes[args[0]] == row.new:
            return args[0]
        if isinstance(row, Total) and not row.axes:
            return args[0]
        if isinstance(row, Scaled) and self.rational(args[0]):
            return self.apply(MUL, args)
        if isinstance(row, Gather) and len(args) == 1 and not row.padded:
            found, size = row.indices.array, int(np.prod(self.shapes[args[0]], dtype=int))
            if found.size == size and np.array_equal(found.ravel(), np.arange(1, size + 1)):
                return self.apply(Reshape(row.indices.shape), args)
        instruction = self._instructions[args[0]] if args else None
        if isinstance(row, Reshape) and instruction is not None and isinstance(instruction[0], Reshape):
            return self.apply(row, instruction[1:])
        return None

    def _lengths(self, names: Sequence[str]) -> tuple[Shape, ...]:
        """Shapes of the inputs of a program that is made."""
        return tuple(self.shapes[self._inputs[name]] for name in names)


class VerbatimBuilder(ArrayBuilder):
    """Keeps each operation as it comes: nothing is simplified, joined or dropped."""

    def apply(self, primitive: Any, args: Sequence[int]) -> int:
        """A new slot."""
        return self._plain((primitive, *args))

    def _needed(self, outputs: Sequence[int]) -> list[int]:  # noqa: ARG002
        return [1] * len(self.shapes)

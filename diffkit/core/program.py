"""Programs: hash-consed straight-line code that is both the expression graph and the thing that runs.

Slots are numbered inputs first, then constants, then instructions in an order in which arguments come before
their use. Two programs are equal if they are the same graph, in whatever order their slots were emitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from diffkit.core.deadline import in_time
from diffkit.core.table import Primitive

Index = tuple[int, tuple[int, ...]]
"""(output, inputs differentiated by): (0, (1, 1)) is ∂²f/∂x₁²."""


class Named(NamedTuple):
    """An exact constant that is not rational: pi or e."""

    name: str


Constant = int | Fraction | Named
Instruction = tuple[Primitive, tuple[int, ...]]


class Algebra(Protocol):
    """What gives a Program a meaning: values for constants and for primitives of values."""

    def constant(self, value: Constant) -> Any:
        """Give the value of an exact constant."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the value of a primitive at the arguments."""


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """Straight-line code: ``inputs`` (names), exact ``constants``, ``instructions``, ``outputs`` (slots)."""

    inputs: tuple[str, ...]
    constants: tuple[Constant, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    def __len__(self) -> int:
        """Number of slots."""
        return len(self.inputs) + len(self.constants) + len(self.instructions)

    def __repr__(self) -> str:
        """Slots in order, one a line: ``3 = sin(0)``; long programs are cut."""
        lines = [f"{slot} = {name}" for slot, name in enumerate(self.inputs)]
        lines += [f"{slot} = {getattr(c, 'name', c)}" for slot, c in enumerate(self.constants, len(self.inputs))]
        lines += [f"{slot} = {row.name}({', '.join(map(str, args))})" for slot, row, args in self.numbered()]
        if len(lines) > 40:
            lines[20:-20] = [f"… {len(lines) - 40} more"]
        return "\n".join([*lines, f"outputs {', '.join(map(str, self.outputs))}"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return self._content == other._content

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self.inputs, self.constants, self.instructions, self.outputs)

    def __hash__(self) -> int:
        return hash((self.inputs, len(self.outputs), len(self.instructions), len(self.constants)))

    @cached_property
    def _content(self) -> tuple[Any, ...]:
        """The graph with its slots renumbered in the order in which a reader of the outputs meets them."""
        number: dict[int, int] = {}
        graph: list[Any] = []
        for output in self.outputs:
            stack = [output]
            while stack:
                slot = stack[-1]
                instruction = self.instruction_at(slot)
                if slot not in number and instruction is not None:
                    waiting = [arg for arg in instruction[1] if arg not in number]
                    if waiting:
                        stack.extend(reversed(waiting))
                        continue
                    graph.append((instruction[0], *[number[arg] for arg in instruction[1]]))
                elif slot not in number:
                    graph.append(slot if slot < len(self.inputs) else self.constant_at(slot))
                number.setdefault(slot, len(number))
                stack.pop()
        # an input's number and an equal integer constant must not be taken for each other
        kinds = tuple(slot < len(self.inputs) for slot in number)
        return self.inputs, tuple(graph), kinds, tuple(number[slot] for slot in self.outputs)

    @property
    def first_instruction(self) -> int:
        """Slot of the first instruction."""
        return len(self.inputs) + len(self.constants)

    def constant_at(self, slot: int) -> Constant | None:
        """The constant in a slot, or None."""
        index = slot - len(self.inputs)
        return self.constants[index] if 0 <= index < len(self.constants) else None

    def instruction_at(self, slot: int) -> Instruction | None:
        """The instruction that fills a slot, or None for inputs and constants."""
        index = slot - self.first_instruction
        return self.instructions[index] if index >= 0 else None

    @cached_property
    def used_inputs(self) -> frozenset[int]:
        """The inputs that occur."""
        count = len(self.inputs)
        used = {slot for _, args in self.instructions for slot in args if slot < count}
        return frozenset(used | {slot for slot in self.outputs if slot < count})

    def numbered(self) -> Iterator[tuple[int, Primitive, tuple[int, ...]]]:
        """Instructions with their slots."""
        for slot, (primitive, args) in enumerate(self.instructions, self.first_instruction):
            yield slot, primitive, args


def run(program: Program, algebra: Algebra, inputs: Sequence[Any]) -> list[Any]:
    """Give the outputs of the program in an algebra, at the given inputs."""
    values = run_slots(program, algebra, inputs)
    return [values[slot] for slot in program.outputs]


def run_slots(program: Program, algebra: Algebra, inputs: Sequence[Any]) -> list[Any]:
    """Give the value of every slot of the program."""
    values = [*inputs, *map(algebra.constant, program.constants)]
    apply, append = algebra.apply, values.append
    for primitive, args in in_time(program.instructions):
        append(apply(primitive, [values[slot] for slot in args]))
    return values

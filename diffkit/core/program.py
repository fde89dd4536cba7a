"""Programs: hash-consed straight-line code that is both the expression graph and the thing that runs.

Slots are numbered inputs first, then constants, then instructions in an order in which arguments come before
their use. Two programs are equal if they are the same graph, in whatever order their slots were emitted.

As Python functions they are straight-line source over the functions of one algebra, compiled once: slot numbers and
operators only; nothing of a user's text gets into it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from diffkit.core.deadline import in_time
from diffkit.core.table import Primitive

Index = tuple[int, tuple[int, ...]]
"""(output, inputs differentiated by): (0, (1, 1)) is ∂²f/∂x₁²."""
PYTHON_INFIX: dict[Callable[..., Any], str] = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/",
}  # fmt: skip
SMALL_POWERS = {"**": 64, "*": 4, "": -1}
"""whole exponents up to which a power is written with a sign: as a power, as a product, not at all"""
LARGEST_BLOCK = 3000  # instructions above which compiling costs more than it saves


class Named(NamedTuple):
    """An exact constant that is not rational: pi or e."""

    name: str


Shape = tuple[int, ...]


class Data:
    """A constant array, exact as its binary64 (or whole) numbers are; two are equal if all their bytes are."""

    __slots__ = ("_hash", "array")

    def __init__(self, array: Any):
        array = array.view()
        array.flags.writeable = False
        self.array = array
        self._hash = hash((array.shape, array.dtype.str, array.tobytes()))

    @property
    def shape(self) -> Shape:
        """Lengths of its axes."""
        return tuple(self.array.shape)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Data) and self._hash == other._hash and self.array.dtype == other.array.dtype
            and self.shape == other.shape and self.array.tobytes() == other.array.tobytes()
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"data {list(self.shape)}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Data, (self.array,)


Constant = int | Fraction | Named
OPAQUE = (Named, Data)
"""constants that are no rational number"""
Instruction = tuple[Any, tuple[int, ...]]
"""a row of the table, entry by entry, or an operation on whole arrays; and the slots it is applied to"""


class Algebra(Protocol):
    """What gives a Program a meaning: values for constants and for primitives of values."""

    def constant(self, value: Constant) -> Any:
        """Give the value of an exact constant."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the value of a primitive at the arguments."""


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """Straight-line code: ``inputs`` (names), exact ``constants``, ``instructions``, ``outputs`` (slots).

    Every slot has a shape; that of a number is (). ``lengths`` are the shapes of the inputs; none, or all (),
    if all are numbers.
    """

    inputs: tuple[str, ...]
    constants: tuple[Constant, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]
    lengths: tuple[Shape, ...] = ()

    def __len__(self) -> int:
        """Number of slots."""
        return len(self.inputs) + len(self.constants) + len(self.instructions)

    def __repr__(self) -> str:
        """Slots in order, one a line: ``3 = sin(0)``; long programs are cut."""
        lines = [f"{slot} = {name}" for slot, name in enumerate(self.inputs)]
        lines += [f"{slot} = {getattr(c, 'name', c)}" for slot, c in enumerate(self.constants, len(self.inputs))]
        for slot, row, args in self.numbered():
            name = row.name if isinstance(row, Primitive) else row.written or row.name
            lines.append(f"{slot} = {name}({', '.join(map(str, args))})")
        if self.lengths:
            ends = (f"  {list(shape)}" if shape else "" for shape in self.shapes)
            lines = [line + end for line, end in zip(lines, ends, strict=True)]
        if len(lines) > 40:
            lines[20:-20] = [f"… {len(lines) - 40} more"]
        return "\n".join([*lines, f"outputs {', '.join(map(str, self.outputs))}"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return self._content == other._content

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self.inputs, self.constants, self.instructions, self.outputs, self.lengths)

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
        lengths = self.lengths if any(self.lengths) else ()  # numbers, whether that is said or not
        return self.inputs, lengths, tuple(graph), kinds, tuple(number[slot] for slot in self.outputs)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of every slot."""
        found: list[Shape] = list(self.lengths or ((),) * len(self.inputs))
        found += [c.shape if isinstance(c, Data) else () for c in self.constants]
        for row, args in self.instructions:
            found.append(shape_of(row, [found[a] for a in args]))
        return tuple(found)

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


def shape_of(row: Any, shapes: Sequence[Shape]) -> Shape:
    """The shape of an instruction's value from those of its arguments."""
    if not isinstance(row, Primitive):
        return row.shape(*shapes)  # type: ignore[no-any-return]
    first = shapes[0]
    return first if all(shape == first for shape in shapes) else broadcast(shapes)


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape to which arrays of some shapes are repeated, as NumPy does."""
    count = max(map(len, shapes))
    found = []
    for axis in range(-count, 0):
        lengths = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(lengths) > 1:
            raise ValueError(f"shapes {', '.join(map(str, shapes))} do not go together")
        found.append(lengths.pop() if lengths else 1)
    return tuple(found)


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


def rerun(
    program: Program, algebra: Algebra, values: Sequence[Any],
    changes: Mapping[int, Callable[[Callable[[int], Any]], Any]], output: int,
) -> Any:  # fmt: skip
    """Give the value of a slot after others are changed: only what comes from these is computed again.

    ``values`` are those of all slots before; a change makes the value of its slot out of those of other slots.
    """
    new: dict[int, Any] = {}

    def value(slot: int) -> Any:
        return new[slot] if slot in new else values[slot]

    first = program.first_instruction
    for slot in range(min(changes), output + 1):
        row, args = program.instructions[slot - first]
        if slot in changes:
            new[slot] = changes[slot](value)
        elif any(arg in new for arg in args):
            new[slot] = algebra.apply(row, [value(arg) for arg in args])
    return value(output)


def _whole_power(program: Program, row: Primitive, args: tuple[int, ...], sign: str) -> str:
    """The text of a power with a small whole exponent; empty for anything else."""
    n = program.constant_at(args[1]) if row.name == "power" else None
    if not isinstance(n, int) or not 1 < n <= SMALL_POWERS[sign]:
        return ""
    return f"v{args[0]}**v{args[1]}" if sign == "**" else "*".join([f"v{args[0]}"] * n)


def maker(inputs: Iterable[str], lines: Iterable[str], constants: Iterable[str]) -> Callable[..., Callable[..., Any]]:
    """Compile lines to a function of the inputs: what makes it, given values for its constants."""
    body = "\n    ".join(lines)
    space: dict[str, Any] = {"__builtins__": {}}
    source = f"def make({', '.join(constants)}):\n  def call({', '.join(inputs)}):\n    {body}\n  return call"
    exec(compile(source, "<program>", "exec"), space)
    return space["make"]  # type: ignore[no-any-return]


class Emitted:
    """A program compiled for the functions that ``form`` gives for its rows; ``powers`` is the sign of whole powers."""

    def __init__(self, program: Program, form: Callable[[Primitive], Callable[..., Any]], powers: str = "**"):
        names: dict[Primitive, str] = {}
        lines = []
        for slot, row, args in program.numbered():
            text = _whole_power(program, row, args, powers)
            if not text and (sign := PYTHON_INFIX.get(form(row))):
                text = f"v{args[0]} {sign} v{args[1]}"
            elif not text:
                text = f"{names.setdefault(row, f'f{len(names)}')}({', '.join(f'v{a}' for a in args)})"
            lines.append(f"v{slot} = {text}")
        lines.append(f"return [{', '.join(f'v{s}' for s in program.outputs)}]")
        slots = [f"v{s}" for s in range(program.first_instruction)]
        count = len(program.inputs)
        self._functions = [form(row) for row in names]
        self._make = maker(slots[:count], lines, [*slots[count:], *names.values()])

    def bind(self, constants: Sequence[Any]) -> Callable[..., list[Any]]:
        """Give the function of the inputs, with values for the program's constants."""
        return self._make(*constants, *self._functions)

"""Trees of array expressions as Programs: with the functions that the text calls, or recorded as operations on arrays.

The first runs on whatever the functions of NumPy take: arrays, dual arrays, tapes, and arrays that are being recorded,
which is how the second comes about. That has exact constants, and a meaning in every algebra of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from diffkit.core.builder import NAMED_CONSTANTS, exact
from diffkit.core.program import Constant, Instruction, Program, run
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_table import ArrayRow, array_table
from diffkit.lessons.matrices.nodes import Node, entry_row, in_order
from diffkit.ndarrays import record_function
from diffkit.ndarrays.kernel import rows


@dataclass(frozen=True)
class ArrayCall:
    """A function of whole arrays as an instruction: its axis or index, and lengths if it makes an array of a size."""

    row: ArrayRow
    given: Any
    lengths: Shape

    @property
    def name(self) -> str:
        """What it is called."""
        return self.row.name

    def value(self, *args: Any) -> Any:
        """Its value at arrays of any kind."""
        return self.row.value_of(np, self.lengths or args, self.given)


def constant_of(node: Node) -> Constant:
    """The exact constant that a number or a named constant is."""
    return NAMED_CONSTANTS[node.value] if node.kind == "constant" else exact(Fraction(node.value))


def program_of(root: Node, names: Sequence[str], shapes: Mapping[Node, Shape]) -> Program:
    """Give the Program of a tree whose parts have the ``shapes``, with an input for each of the names."""
    nodes = list(in_order(root))
    slots = {Node("name", value=name): slot for slot, name in enumerate(names)}
    constants = [node for node in nodes if node.kind in ("number", "constant")]
    slots.update({node: slot for slot, node in enumerate(constants, len(names))})
    instructions: list[Instruction] = []

    def emit(operation: Any, args: tuple[int, ...]) -> int:
        instructions.append((operation, args))
        return len(names) + len(constants) + len(instructions) - 1

    for node in nodes:
        if node in slots or node.kind == "name":  # a length, which stands in the shape of what it makes
            continue
        call = array_table.of(node)
        if call is not None:
            lengths = shapes[node] if call.lengths else ()
            args = () if call.lengths else tuple(slots[a] for a in node.args)
            slots[node] = emit(ArrayCall(call, node.value, lengths), args)
            continue
        row, args = entry_row(node), tuple(slots[a] for a in node.args)
        assert row is not None
        found = args[: len(row.arguments)]
        slots[node] = emit(row, found)
        for arg in args[len(found) :]:  # a chain of terms or factors
            slots[node] = emit(row, (slots[node], arg))
    return Program(tuple(names), tuple(map(constant_of, constants)), tuple(instructions), (slots[root],))


def evaluate(program: Program, values: Sequence[Any]) -> Any:
    """The value at arrays of any kind; constants are exact where they are being recorded."""
    (found,) = run(program, rows(values), values)
    return found


def recorded(root: Node, lengths: Mapping[str, tuple[int, ...]], shapes: Mapping[Node, Shape]) -> Program:
    """The Program of a tree in operations on arrays; ``lengths`` are the shapes of its inputs."""
    program = program_of(root, tuple(lengths), shapes)
    return record_function(lambda *values: evaluate(program, values), list(lengths.items())).program

"""Trees of array expressions as Programs of the functions that the text calls, at given lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.array_calls import ArrayCall
from diffkit.core.builder import NAMED_CONSTANTS
from diffkit.core.folding import exact
from diffkit.core.program import Constant, Instruction, Program
from diffkit.core.table.array_shapes import ArrayShape as Shape
from diffkit.core.table.array_table import array_table
from diffkit.lessons.matrices.nodes import Node, entry_row, in_order


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
            lengths = tuple(map(int, shapes[node])) if call.lengths else ()
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

"""Programs as Python functions: straight-line source over the functions of one algebra, compiled once.

The source holds slot numbers and operators only; nothing of a user's text gets into it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from diffkit.primitives import Primitive
from diffkit.program import Program

INFIX: dict[Callable[..., Any], str] = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/",
}  # fmt: skip
SMALL = 64
LARGEST = 3000  # instructions above which compiling costs more than it saves


def _whole_power(program: Program, row: Primitive, args: tuple[int, ...]) -> bool:
    """Whether the exponent is a small whole number: every algebra that is emitted for has such powers."""
    value = program.constant_at(args[1]) if row.name == "power" else None
    return isinstance(value, int) and 0 <= value <= SMALL


class Emitted:
    """A program compiled for the functions that ``function`` gives for its rows."""

    def __init__(self, program: Program, function: Callable[[Primitive], Callable[..., Any]]):
        operators = {row: sign for row, _ in program.instructions if (sign := INFIX.get(function(row)))}
        rows = list(dict.fromkeys(row for row, _ in program.instructions if row not in operators))
        self.functions = [function(row) for row in rows]
        names = {row: f"f{k}" for k, row in enumerate(rows)}
        count, first = len(program.inputs), program.first_instruction
        lines = [f"def make({', '.join([*(f'v{s}' for s in range(count, first)), *names.values()])}):"]
        lines.append(f"  def call({', '.join(f'v{s}' for s in range(count))}):")
        for slot, row, args in program.numbered():
            sign = "**" if _whole_power(program, row, args) else operators.get(row)
            if sign:
                text = f"v{args[0]} {sign} v{args[1]}"
            else:
                text = f"{names[row]}({', '.join(f'v{a}' for a in args)})"
            lines.append(f"    v{slot} = {text}")
        lines += [f"    return [{', '.join(f'v{s}' for s in program.outputs)}]", "  return call"]
        space: dict[str, Any] = {}
        exec(compile("\n".join(lines), "<program>", "exec"), {"__builtins__": {}}, space)
        self._make = space["make"]

    def bind(self, constants: Sequence[Any]) -> Callable[..., list[Any]]:
        """Give the function of the inputs, with values for the program's constants."""
        return self._make(*constants, *self.functions)  # type: ignore[no-any-return]

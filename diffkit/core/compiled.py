"""Programs as Python functions: straight-line source over the functions of one algebra, compiled once.

The source holds slot numbers and operators only; nothing of a user's text gets into it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from diffkit.core.program import Program
from diffkit.core.table import Primitive

INFIX: dict[Callable[..., Any], str] = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/",
}  # fmt: skip
SMALL = {"**": 64, "*": 4, "": -1}
"""whole exponents up to which a power is written with a sign: as a power, as a product, not at all"""
LARGEST = 3000  # instructions above which compiling costs more than it saves


def _whole_power(program: Program, row: Primitive, args: tuple[int, ...], sign: str) -> str:
    """The text of a power with a small whole exponent; empty for anything else."""
    n = program.constant_at(args[1]) if row.name == "power" else None
    if not isinstance(n, int) or not 1 < n <= SMALL[sign]:
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
            if not text and (sign := INFIX.get(form(row))):
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

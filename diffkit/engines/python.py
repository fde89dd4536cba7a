"""Lowered code as straight-line Python over ``math``: for one point at a time, and for programs of any shape.

The source holds slot numbers, operators and numbers only; nothing of a user's text gets into it. What is used once is
written where it is used. ``math`` raises where binary64 has infinities: such a point is not ordinary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from diffkit.core.program import Program, maker
from diffkit.core.table import ABS, ADD, DIV, MUL, NEG, SUB, WHERE, Primitive
from diffkit.engines.lowering import IS_LOST, Lowered
from diffkit.numbers.doubles import LOST_SHARE

_INFIX = {ADD: "+", SUB: "-", MUL: "*", DIV: "/"}
_DEEPEST = 24  # nested parentheses, of which Python's parser takes about 200
_ADDED_IN_LINE = 50  # of a sum in one line
_NAMES = {"ArithmeticError": ArithmeticError, "ValueError": ValueError, "float": float}


def compile_point(lowered: Lowered, finish: Callable[[tuple[float, ...]], Any] | None = None) -> Callable[..., Any]:
    """Give the function of the coordinates: the values, or None at a point that is not ordinary.

    With ``finish`` it gives what that makes of the values, and None as well where a coordinate is no finite float.
    """
    source = _Lines(lowered.program)
    inputs = [f"v{i}" for i in range(len(lowered.program.inputs))]
    ends = [source.texts[slot] for slot in lowered.program.outputs]
    values, finite = ends[: lowered.values], ends[: lowered.values + lowered.finite]
    tests = [f"{source.texts[slot]} {'> 0.0' if edge else '!= 0.0'}" for slot, edge in lowered.margins]
    lines = source.lines
    if finish is not None and inputs:
        lines = [f"if not ({' is '.join(f'{x}.__class__' for x in inputs)} is float): return None", *lines]
        finite = [*inputs, *finite]
    if finite:  # a sum is finite only where its terms are
        lines += _summed(list(dict.fromkeys(finite)))
        tests.append("s - s == 0.0")
    if tests:
        lines.append(f"if not ({' and '.join(tests)}): return None")
    found = f"({' '.join(f'{v},' for v in values)})"
    lines.append(f"return {found if finish is None else f'finish({found})'}")
    space = {**source.functions, **_NAMES, "finish": finish}
    body = ["try:", *(f"  {line}" for line in lines), "except (ArithmeticError, ValueError): return None"]
    return maker(inputs, body, space)(**space)


def _summed(terms: Sequence[str]) -> list[str]:
    """Lines that add terms to s, so many a line that Python's compiler does not recurse deeply."""
    parts = [" + ".join(terms[k : k + _ADDED_IN_LINE]) for k in range(0, len(terms), _ADDED_IN_LINE)]
    return [f"s = {'s + ' if k else ''}{part}" for k, part in enumerate(parts)]


class _Lines:
    """A program as lines of Python: what is used more than once, and each output, has a name."""

    def __init__(self, program: Program):
        self.program = program
        self.lines: list[str] = []
        self.functions: dict[str, Any] = {}
        self.known: dict[Primitive, str] = {}
        self.branches = any(row is WHERE for row, _ in program.instructions)
        uses = Counter(arg for _, args in program.instructions for arg in args)
        uses.update(dict.fromkeys(program.outputs, 2))
        self.texts = [f"v{i}" for i in range(len(program.inputs))] + [self._number(float(c)) for c in program.constants]  # type: ignore[arg-type]
        self.depths = [0] * len(self.texts)
        for slot, row, args in program.numbered():
            text = self._operation(row, [self.texts[a] for a in args])
            depth = 1 + max(self.depths[a] for a in args)
            if uses[slot] > 1 or depth > _DEEPEST or row is IS_LOST:
                self.lines.append(f"v{slot} = {text}")
                text, depth = f"v{slot}", 0
            else:
                text = f"({text})"
            self.texts.append(text)
            self.depths.append(depth)

    def _number(self, value: float) -> str:
        if isfinite(value):
            return repr(value) if value >= 0.0 else f"({value!r})"
        name = f"c{len(self.functions)}"
        self.functions[name] = value
        return name

    def _operation(self, row: Primitive, args: Sequence[str]) -> str:
        if row in _INFIX:
            return f"{args[0]} {_INFIX[row]} {args[1]}"
        if row is NEG:
            return f"-{args[0]}"
        if row is WHERE:
            return f"{args[1]} if {args[0]} else {args[2]}"
        if row is IS_LOST:  # the first test holds wherever the second does, and hardly ever else
            s, x = args
            return f"{s} + {x} == {x} and {self._call(ABS)}({s}) < {LOST_SHARE!r} * {self._call(ABS)}({x})"
        if row.truth:
            return f"{row.infix}{args[0]}" if len(args) == 1 else f"{args[0]} {row.infix} {args[1]}"
        return f"{self._call(row)}({', '.join(args)})"

    def _call(self, row: Primitive) -> str:
        """The name of a row's function: that of ``math``, which raises, unless a branch that is not taken might."""
        name = self.known.get(row)
        if name is None:
            name = self.known[row] = f"f{len(self.functions)}"
            safe = row.floats
            self.functions[name] = safe if self.branches else getattr(safe, "__wrapped__", safe)
        return name

"""Lowered code as straight-line Python over ``math``: for one point at a time, and for programs of any shape.

The source holds slot numbers, operators and numbers only; nothing of a user's text gets into it. What is used once is
written where it is used. ``math`` raises where binary64 has infinities: such a point is not ordinary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import isfinite
from struct import Struct
from typing import Any

from diffkit.core.program import Program, maker
from diffkit.core.table import ADD, DIV, MUL, NEG, SUB, WHERE, Primitive
from diffkit.engines import Call, MakeCall, Unsuited
from diffkit.engines.float_operations import IS_LOST
from diffkit.engines.lowering import Lowered
from diffkit.numbers.doubles import LOST_SHARE

_INFIX = {ADD: "+", SUB: "-", MUL: "*", DIV: "/"}
_DEEPEST = 24  # nested parentheses, of which Python's parser takes about 200
_WRITTEN_SINGLY = 6  # values up to which each is written by itself; more are packed
_LONGEST_SOURCE = 300_000  # operations that Python compiles in about ten seconds
_ADDED_IN_LINE = 50  # terms of a sum in one line
_NAMES = {"float": float, "raised": (ArithmeticError, ValueError, TypeError, AttributeError, BufferError)}


def compile_point(lowered: Lowered) -> Call:
    """Give the function of the coordinates: the values, or None at a point that is not ordinary."""
    source = _Lines(lowered)
    lines = [
        "try:",
        *(f"  {line}" for line in [*source.lines, *source.tests("return None")]),
        f"  return ({' '.join(f'{v},' for v in source.values)})",
        "except raised: return None",
    ]
    names = {**source.names, **_NAMES}
    found: Call = maker(source.inputs, lines, names)(**names)
    return found


def compile_call(lowered: Lowered, shape: tuple[int, ...]) -> MakeCall:
    """Give what makes the function of a point that is a tuple, and maybe of an array to write to, that gives an array.

    Where the point is not ordinary nothing is written.
    """
    import numpy as np

    source = _Lines(lowered)
    if len(source.values) > _WRITTEN_SINGLY:
        writes = [f"pack(out, 0, {', '.join(source.values)})"]
    else:
        places = [", ".join(map(str, at)) or "()" for at in product(*map(range, shape))]
        writes = [f"out[{at}] = {value}" for at, value in zip(places, source.values, strict=True)]
    other = "return otherwise(at, out)"
    lines = [
        f"if at.__class__ is not tuple: {other}",
        "try:",
        f"  {' '.join(f'{x},' for x in source.inputs) or '()'} = at",
        *(f"  {line}" for line in [*source.types(other), *source.lines, *source.tests(other)]),
        "  if out is None: out = empty(shape)",
        f"  elif not (out.shape == shape and out.dtype is kind): {other}",
        *(f"  {line}" for line in writes),
        "  return out",
        f"except raised: {other}",
    ]
    pack = Struct(f"{len(source.values)}d").pack_into
    names = {**source.names, **_NAMES, "tuple": tuple, "empty": np.empty, "shape": shape, "kind": np.dtype(float),
             "pack": pack}  # fmt: skip
    make = maker(["at", "out=None"], lines, [*names, "otherwise"])
    return lambda otherwise, arrays: make(**names, otherwise=otherwise)  # noqa: ARG005


class _Lines:
    """Lowered code as lines of Python: what is used more than once, and each output, has a name."""

    def __init__(self, lowered: Lowered):
        if len(lowered.program.instructions) > _LONGEST_SOURCE:
            raise Unsuited("Python takes minutes to compile it")
        self.lowered = lowered
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self._known: dict[Any, str] = {}
        program = lowered.program
        self.inputs = [f"v{i}" for i in range(len(program.inputs))]
        self.texts = [*self.inputs, *(self._number(float(c)) for c in program.constants)]  # type: ignore[arg-type]
        self._write(program)

    @property
    def values(self) -> list[str]:
        """The texts of the values."""
        return [self.texts[slot] for slot in self.lowered.program.outputs[: self.lowered.values]]

    def types(self, otherwise: str) -> list[str]:
        """A line for coordinates that are no floats."""
        classes = " is ".join(f"{x}.__class__" for x in self.inputs)
        return [f"if not ({classes} is float): {otherwise}"] if classes else []

    def tests(self, otherwise: str) -> list[str]:
        """Lines that find out whether the point is ordinary, and what is done where it is not."""
        lowered = self.lowered
        tests = [f"{self.texts[slot]} {'> 0.0' if edge else '!= 0.0'}" for slot, edge in lowered.margins]
        lines = []
        if not lowered.bounded:  # a sum is finite only where its terms are
            lines = _summed([self.texts[slot] for slot in lowered.program.outputs[: lowered.values + lowered.finite]])
            tests.append("s - s == 0.0")
        return [*lines, f"if not ({' and '.join(tests)}): {otherwise}"] if tests else lines

    def _write(self, program: Program) -> None:
        """Write every operation, on a line of its own or where its value is used."""
        uses = Counter(arg for _, args in program.instructions for arg in args)
        uses.update(dict.fromkeys(program.outputs, 2))
        certain = _certain(program)
        depths = [0] * len(self.texts)
        for slot, row, args in program.numbered():
            text = self._operation(row, [self.texts[a] for a in args], certain[slot])
            depth = 1 + max(depths[a] for a in args)
            if uses[slot] > 1 or depth > _DEEPEST or row is IS_LOST:
                self.lines.append(f"v{slot} = {text}")
                text, depth = f"v{slot}", 0
            else:
                text = f"({text})"
            self.texts.append(text)
            depths.append(depth)

    def _number(self, value: float) -> str:
        if isfinite(value):
            return repr(value) if value >= 0.0 else f"({value!r})"
        return self._named(value)

    def _operation(self, row: Primitive, args: Sequence[str], certain: bool) -> str:
        if row in _INFIX:
            return f"{args[0]} {_INFIX[row]} {args[1]}"
        if row is NEG:
            return f"-{args[0]}"
        if row is WHERE:
            return f"{args[1]} if {args[0]} else {args[2]}"
        if row is IS_LOST:  # the first test holds wherever the second does, and hardly ever else
            size, (s, x) = self._named(abs), args
            return f"{s} + {x} == {x} and {size}({s}) < {LOST_SHARE!r} * {size}({x})"
        if row.truth:
            return f"{row.infix}{args[0]}" if len(args) == 1 else f"{args[0]} {row.infix} {args[1]}"
        safe = row.floats  # what math has raises, and is quicker
        return f"{self._named(getattr(safe, '__wrapped__', safe) if certain else safe)}({', '.join(args)})"

    def _named(self, value: Any) -> str:
        """The name of something that the code is handed."""
        if value not in self._known:
            self._known[value] = f"f{len(self._known)}"
            self.names[self._known[value]] = value
        return self._known[value]


def _certain(program: Program) -> list[bool]:
    """Which slots are needed whatever branches are taken: where such a one has no value, nothing has."""
    found = [False] * len(program)
    for slot in program.outputs:
        found[slot] = True
    for slot in range(len(program) - 1, program.first_instruction - 1, -1):
        row, args = program.instructions[slot - program.first_instruction]
        for arg in (args[:1] if row is WHERE else args) if found[slot] else ():
            found[arg] = True
    return found


def _summed(terms: Sequence[str]) -> list[str]:
    """Lines that add terms to s, so many a line that Python's compiler does not recurse deeply."""
    distinct = list(dict.fromkeys(terms)) or ["0.0"]
    parts = [" + ".join(distinct[k : k + _ADDED_IN_LINE]) for k in range(0, len(distinct), _ADDED_IN_LINE)]
    return [f"s = {'s + ' if k else ''}{part}" for k, part in enumerate(parts)]

"""Formulas to text that is read again as it was: one walk of precedence, iterative, so depth does not matter.

What is written, a program or a tree, is looked at through a FormulaView; how, a Notation says: text here, LaTeX beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

from diffkit.core.program import Constant, Data, Named, Program
from diffkit.core.table import ADD, DIV, MUL, NEG, NOT, POWER, Primitive
from diffkit.core.text.bindings import (
    ATOM_BINDING,
    COMPARISON_BINDING,
    NOT_BINDING,
    POSTFIX_BINDING,
    POWER_BINDING,
    PRODUCT_BINDING,
    ROW_BINDING,
    SIGN_BINDING,
)

LONGEST_FORMULA = 20_000  # characters of f that an answer shows
CHUNK = 390  # digits written at once, within what the parser reads as one literal
LONGEST_DECIMAL = 25  # significant digits written as a decimal rather than as a fraction
ELISION = "…"
LONG_BINARY = 2**24  # denominator from which a fraction looks like a rounded decimal
EXCERPT = 60  # characters of a subexpression in a message
PLUS, MINUS = " + ", " - "
Piece = str | tuple[Any, int]
"""text, or a part and how tightly it must bind"""
Written = tuple[Sequence[Piece], int]
"""pieces in order, and how tightly they bind"""


class FormulaView(Protocol):
    """What is written."""

    def look(self, part: Any) -> tuple[Primitive | str, Sequence[Any], Any]:
        """What a part is: "name" or "constant" with its value, or a row or a word with its arguments and its axis."""


class Slots:
    """A program, slot by slot."""

    def __init__(self, program: Program):
        self.program, self.first = program, program.first_instruction

    def look(self, slot: int) -> tuple[Primitive | str, Sequence[int], Any]:
        """What a slot is; a long formula asks hundreds of thousands of times."""
        program, position = self.program, slot - self.first
        if position >= 0:
            row, args = program.instructions[position]
            return row if isinstance(row, Primitive) else row.written, args, None
        if slot < len(program.inputs):
            return "name", (), program.inputs[slot]
        constant = program.constants[position]  # counted from the last
        return ("name", (), f"data{list(constant.shape)}") if isinstance(constant, Data) else ("constant", (), constant)


class Notation:
    """How text is written."""

    opening, closing = "(", ")"

    def __init__(self, view: FormulaView):
        self.view = view

    def write(self, root: Any, limit: int | None = None) -> str:
        """Give a part as text; longer than ``limit`` characters it is cut and ends in ``…``."""
        pieces: list[str] = []
        length = 0
        stack: list[Piece] = [(root, 0)]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                if item.startswith("-") and pieces and pieces[-1] == PLUS:  # a + -2*b is a - 2*b
                    pieces[-1], item = MINUS, item[1:]
                pieces.append(item)
                length += len(item)
                if limit is not None and length > limit:
                    return self.cut("".join(pieces), limit)
                continue
            parts, binding = self.parts(item[0])
            if binding < item[1]:
                parts = [self.opening, *parts, self.closing]
            stack.extend(reversed(parts))
        return "".join(pieces)

    def cut(self, text: str, limit: int, /) -> str:
        """Give the beginning of what is longer than a limit."""
        return text[: limit - 1] + ELISION

    def parts(self, part: Any) -> Written:
        """Give a part in pieces."""
        head, args, value = self.view.look(part)
        if head == "name":
            return [self.name(value)], ATOM_BINDING
        if head == "constant":
            text, binding = self.constant(value)
            return [text], binding
        if isinstance(head, str):
            return self.word(head, args, value)
        return self.operation(head, args)

    def operation(self, row: Primitive, args: Sequence[Any]) -> Written:
        """Give a row of the table in pieces."""
        if not row.infix:
            return self.call(row, unfolded(self.view, row, args))
        if row is NEG:
            return self.negative(args[0])
        if row is NOT:
            return self.negation(args[0])
        if row is POWER:
            return self.power(*args)
        if row is DIV:
            return self.quotient(*args)
        if row is MUL:
            return self.product(*args)
        return self.infix(row, args)

    def infix(self, row: Primitive, args: Sequence[Any]) -> Written:
        """An operator between arguments; of a sum the terms may have signs of their own."""
        binding = ROW_BINDING[row]
        sign = self.sign(row)
        parts: list[Piece] = [(args[0], binding + (binding == COMPARISON_BINDING))]
        for arg in args[1:]:
            head, inner, _ = self.view.look(arg) if row is ADD else ("", (), None)
            if head is NEG:
                parts += [MINUS, (inner[0], binding + 1)]
            else:
                signed = binding > COMPARISON_BINDING and row is not ADD and is_negative(self.view, arg)
                parts += [sign, (arg, ATOM_BINDING if signed else binding + 1)]
        return parts, binding

    def sign(self, row: Primitive) -> str:
        """The operator that writes a row, with its blanks."""
        return row.infix if ROW_BINDING[row] >= PRODUCT_BINDING else f" {row.infix} "

    def product(self, left: Any, right: Any) -> Written:
        """A product of two."""
        return self.infix(MUL, (left, right))

    def quotient(self, over: Any, under: Any) -> Written:
        """A quotient."""
        return self.infix(DIV, (over, under))

    def power(self, base: Any, exponent: Any) -> Written:
        """A power."""
        wanted = ATOM_BINDING if is_negative(self.view, exponent) else POWER_BINDING
        return [(base, POSTFIX_BINDING), self.sign(POWER), (exponent, wanted)], POWER_BINDING

    def negation(self, part: Any) -> Written:
        """A condition that does not hold."""
        return ["not ", (part, NOT_BINDING)], NOT_BINDING

    def negative(self, part: Any) -> Written:
        """A change of sign."""
        return ["-", (part, PRODUCT_BINDING if _begins_plain(self.view, part) else SIGN_BINDING)], SIGN_BINDING

    def call(self, row: Primitive, args: Sequence[Any]) -> Written:
        """A function by its name."""
        return called(f"{row.name}(", args, ")"), ATOM_BINDING

    def word(self, word: str, args: Sequence[Any], value: Any, /) -> Written:  # noqa: ARG002
        """What only arrays have."""
        return called(f"{word}(", args, ")"), ATOM_BINDING

    def name(self, name: str) -> str:
        """A variable."""
        return name

    def constant(self, value: Constant) -> tuple[str, int]:
        """A constant, and how tightly its text binds."""
        return format_constant(value)


class Code(Notation):
    """Text for reading: a binary64 as Python writes it, 0.1 rather than all its digits, which would be one tenth."""

    def constant(self, value: Constant) -> tuple[str, int]:
        """A constant, and how tightly its text binds."""
        if isinstance(value, Fraction) and value.denominator > LONG_BINARY:
            binary = repr(float(value))
            if Fraction(binary) != value and Fraction(float(value)) == value:
                return binary, SIGN_BINDING if value < 0 else ATOM_BINDING
        return format_constant(value)


def format_outputs(program: Program, limit: int | None = None) -> list[str]:
    """Give each output as text."""
    return [format_slot(program, slot, limit) for slot in program.outputs]


def format_slot(program: Program, slot: int, limit: int | None = None) -> str:
    """Give one slot as text; longer than ``limit`` characters it is cut and ends in ``…``."""
    return Notation(Slots(program)).write(slot, limit)


def excerpt(program: Program, slot: int) -> str:
    """Give a slot as text that is short enough for a message."""
    return Code(Slots(program)).write(slot, EXCERPT)


def called(opening: str, args: Sequence[Any], closing: str) -> list[Piece]:
    """Arguments with commas between what opens and what closes them."""
    parts: list[Piece] = [opening]
    for index, arg in enumerate(args):
        parts += [", "] * bool(index)
        parts.append((arg, 0))
    return [*parts, closing]


def unfolded(view: FormulaView, row: Primitive, args: Sequence[Any]) -> list[Any]:
    """The arguments of a row: max(max(a, b), c) is written max(a, b, c)."""
    parts = list(args)
    while row.variadic and (first := view.look(parts[0]))[0] is row:
        parts[:1] = first[1]
    return parts


def is_negative(view: FormulaView, part: Any) -> bool:
    """Whether a part is a negative number."""
    head, _, value = view.look(part)
    return head == "constant" and not isinstance(value, Named) and value < 0


def _begins_plain(view: FormulaView, part: Any) -> bool:
    """Whether −(a·b/c) may be written −a·b/c: not if it begins with a number, which would take the sign."""
    head, args, value = view.look(part)
    while head is MUL or head is DIV:
        head, args, value = view.look(args[0])
    return head != "constant" or isinstance(value, Named)


def format_constant(value: Constant) -> tuple[str, int]:
    """Give a constant as text, and how tightly that text binds."""
    if isinstance(value, Named):
        return value.name, ATOM_BINDING
    if value < 0:
        text, binding = format_constant(-value)
        return f"-{text}", min(binding, SIGN_BINDING)
    if isinstance(value, int):
        return format_integer(value), ATOM_BINDING
    decimal = _decimal(value)
    if decimal is not None:
        return decimal, ATOM_BINDING
    return f"{format_integer(value.numerator)}/{format_integer(value.denominator)}", PRODUCT_BINDING


def format_integer(value: int) -> str:
    """Give an integer as text, in pieces of as many digits as are read."""
    if value < 10**21:
        return str(value)
    if value < 10**CHUNK:
        digits = str(value)
        short = digits.rstrip("0")
        return f"{short}e{len(digits) - len(short)}" if len(short) + 10 < len(digits) else digits
    high, low = divmod(value, 10**CHUNK)
    return f"({format_integer(high)}*1e{CHUNK}{f' + {format_integer(low)}' if low else ''})"


def _decimal(value: Fraction) -> str | None:
    """Give a terminating decimal of moderate length, or None."""
    twos = (value.denominator & -value.denominator).bit_length() - 1
    rest, fives = value.denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > 9000:
        return None
    digits = value.numerator * 10**places // value.denominator
    if digits >= 10**LONGEST_DECIMAL:
        return None
    text = str(digits)
    if places <= LONGEST_DECIMAL and places - len(text) < 6:
        text = text.rjust(places + 1, "0")
        return f"{text[:-places]}.{text[-places:]}"
    point = f".{text[1:]}" if len(text) > 1 else ""
    return f"{text[0]}{point}e-{places - len(text) + 1}"

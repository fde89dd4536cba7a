"""Program to text that parses back to the same Program; iterative, so depth does not matter."""

from __future__ import annotations

from fractions import Fraction

from diffkit.core.program import Constant, Named, Program
from diffkit.core.table import DIV, MUL, NEG, NOT, POWER, Primitive
from diffkit.core.text.bindings import (
    ATOM_BINDING,
    COMPARISON_BINDING,
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


def format_outputs(program: Program, limit: int | None = None) -> list[str]:
    """Give each output as text."""
    return [format_slot(program, slot, limit) for slot in program.outputs]


def format_slot(program: Program, slot: int, limit: int | None = None, *, code: bool = False) -> str:
    """Give one slot as text; longer than ``limit`` characters it is cut and ends in ``…``.

    With ``code`` a binary64 is written as Python writes it, 0.1 rather than all its digits: such text is for reading,
    as 0.1 would be parsed as one tenth.
    """
    pieces: list[str] = []
    length = 0
    stack: list[str | tuple[int, int]] = [(slot, 0)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            length += len(item)
            if limit is not None and length > limit:
                return "".join(pieces)[: limit - 1] + ELISION
            continue
        parts, binding = _parts(program, item[0], code)
        if binding < item[1]:
            parts = ["(", *parts, ")"]
        stack.extend(reversed(parts))
    return "".join(pieces)


def excerpt(program: Program, slot: int) -> str:
    """Give a slot as text that is short enough for a message."""
    return format_slot(program, slot, EXCERPT, code=True)


def _parts(program: Program, slot: int, code: bool) -> tuple[list[str | tuple[int, int]], int]:
    """Give the text of a slot in pieces, (slot, binding wanted) standing for a part, and how tightly it binds."""
    if slot < len(program.inputs):
        return [program.inputs[slot]], ATOM_BINDING
    constant = program.constant_at(slot)
    if constant is not None:
        if code and isinstance(constant, Fraction) and constant.denominator > LONG_BINARY:
            binary = repr(float(constant))
            if Fraction(binary) != constant and Fraction(float(constant)) == constant:
                return [binary], SIGN_BINDING if constant < 0 else ATOM_BINDING
        text, binding = format_constant(constant)
        return [text], binding
    instruction = program.instruction_at(slot)
    assert instruction is not None
    primitive, args = instruction
    if not primitive.infix:
        return _call(program, primitive, args), ATOM_BINDING
    binding = ROW_BINDING[primitive]
    if primitive is NEG:
        return ["-", (args[0], PRODUCT_BINDING if _begins_plain(program, args[0]) else SIGN_BINDING)], SIGN_BINDING
    if primitive is NOT:
        return ["not ", (args[0], binding)], binding
    left, right = args
    sign = primitive.infix if binding >= PRODUCT_BINDING else f" {primitive.infix} "
    if primitive is POWER:
        return [
            (left, ATOM_BINDING),
            sign,
            (right, ATOM_BINDING if _negative(program, right) else POWER_BINDING),
        ], binding
    wanted = ATOM_BINDING if _negative(program, right) else binding + 1
    return [(left, binding + (binding == COMPARISON_BINDING)), sign, (right, wanted)], binding


def _negative(program: Program, slot: int) -> bool:
    value = program.constant_at(slot)
    return value is not None and not isinstance(value, Named) and value < 0


def _begins_plain(program: Program, slot: int) -> bool:
    """Whether −(a·b/c) may be written −a·b/c: not if it begins with a number, which would take the sign."""
    while (instruction := program.instruction_at(slot)) is not None and instruction[0] in (MUL, DIV):
        slot = instruction[1][0]
    value = program.constant_at(slot)
    return value is None or isinstance(value, Named)


def _call(program: Program, primitive: Primitive, args: tuple[int, ...]) -> list[str | tuple[int, int]]:
    slots = list(args)
    while primitive.variadic and (first := program.instruction_at(slots[0])) and first[0] is primitive:
        slots[:1] = first[1]  # max(max(a, b), c) is written max(a, b, c)
    parts: list[str | tuple[int, int]] = [f"{primitive.name}("]
    for index, slot in enumerate(slots):
        parts += [", "] * bool(index)
        parts.append((slot, 0))
    return [*parts, ")"]


def format_constant(value: Constant) -> tuple[str, int]:
    """Give a constant as text, and how tightly that text binds."""
    if isinstance(value, Named):
        return value.name, ATOM_BINDING
    if value < 0:
        text, binding = format_constant(-value)
        return f"-{text}", min(binding, SIGN_BINDING)
    if isinstance(value, int):
        return _integer(value), ATOM_BINDING
    decimal = _decimal(value)
    if decimal is not None:
        return decimal, ATOM_BINDING
    return f"{_integer(value.numerator)}/{_integer(value.denominator)}", PRODUCT_BINDING


def _integer(value: int) -> str:
    if value < 10**21:
        return str(value)
    if value < 10**CHUNK:
        digits = str(value)
        short = digits.rstrip("0")
        return f"{short}e{len(digits) - len(short)}" if len(short) + 10 < len(digits) else digits
    high, low = divmod(value, 10**CHUNK)
    return f"({_integer(high)}*1e{CHUNK}{f' + {_integer(low)}' if low else ''})"


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

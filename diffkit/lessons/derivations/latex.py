"""Program to LaTeX as it stands, without rearranging it; iterative, so depth does not matter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from diffkit.core.errors import LimitError
from diffkit.core.program import Constant, Named, Program
from diffkit.core.table import ADD, AND, DIV, MUL, NEG, NOT, OR, POWER, SUB, Primitive
from diffkit.core.text.bindings import ATOM_BINDING, COMPARISON_BINDING, PRODUCT_BINDING, SIGN_BINDING, SUM_BINDING

_TIGHT = {OR: 1, AND: 2, NOT: 3, ADD: SUM_BINDING, SUB: SUM_BINDING, MUL: PRODUCT_BINDING, NEG: SIGN_BINDING}
_GREEK_NAME = re.compile(
    "(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|"
    "omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega)\\Z"
)
_LATEX_SIGNS = {"<": "<", "<=": "\\le", ">": ">", ">=": "\\ge", "==": "=", "!=": "\\ne", "and": "\\land", "or": "\\lor"}
_INDEXED_NAME = re.compile(r"([A-Za-z]+)_?(\d*)\Z")
_LONGEST_LATEX = 20_000  # characters
_Part = str | tuple[int, int]
"""Text, or a slot and how tightly it must bind."""


def latex(program: Program, names: Mapping[str, str] | None = None) -> str:
    """Give the first output as LaTeX; ``names`` are inputs that are written otherwise than by name."""
    known = names or {}
    inputs = [known.get(name) or latex_name(name) for name in program.inputs]
    pieces: list[str] = []
    length = 0
    stack: list[_Part] = [(program.outputs[0], 0)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            length += len(item)
            if length > _LONGEST_LATEX:
                raise LimitError("the formula is too long for LaTeX", hint="take its parts one by one")
            continue
        parts, binding = _parts(program, item[0], inputs)
        if binding < item[1]:
            parts = ["\\left(", *parts, "\\right)"]
        stack.extend(reversed(parts))
    return "".join(pieces)


def latex_name(name: str) -> str:
    """Give a variable's name: x₁ for x1 and x_1, θ for theta, upright for other words."""
    match = _INDEXED_NAME.match(name)
    if match is None:
        return f"\\mathrm{{{name.replace('_', chr(92) + '_')}}}" if name.isascii() else name
    word, number = match.groups()
    body = f"\\{word}" if _GREEK_NAME.match(word) else word if len(word) == 1 else f"\\mathrm{{{word}}}"
    return f"{body}_{{{number}}}" if number else body


def _parts(program: Program, slot: int, inputs: Sequence[str]) -> tuple[list[_Part], int]:
    """Give the LaTeX of a slot in pieces, and how tightly it binds."""
    if slot < len(program.inputs):
        return [inputs[slot]], ATOM_BINDING
    constant = program.constant_at(slot)
    if constant is not None:
        return _constant(constant)
    instruction = program.instruction_at(slot)
    assert instruction is not None
    primitive, args = instruction
    if primitive.infix:
        return _operation(program, primitive, args)
    if "#" in primitive.latex:
        return _framed(primitive.latex, args)
    if primitive.name == "where":
        return [
            "\\begin{cases}", (args[1], 0), " & \\text{if } ", (args[0], 0), " \\\\ ", (args[2], 0),
            " & \\text{otherwise}\\end{cases}",
        ], PRODUCT_BINDING  # fmt: skip
    return _call(program, primitive, args), PRODUCT_BINDING + 1


def _framed(frame: str, args: Sequence[int]) -> tuple[list[_Part], int]:
    """Arguments in the places that a row keeps for them."""
    before, *after = frame.split("#")
    parts: list[_Part] = [before]
    for slot, text in zip(args, after, strict=True):
        parts += [(slot, 0), text]
    if before.endswith("^{") and len(args) == 1:
        return parts, PRODUCT_BINDING + 2
    return parts, ATOM_BINDING if frame.startswith("\\left") or frame.endswith("}") else PRODUCT_BINDING + 1


def _operation(program: Program, primitive: Primitive, args: Sequence[int]) -> tuple[list[_Part], int]:
    if primitive is DIV:
        return ["\\frac{", (args[0], 0), "}{", (args[1], 0), "}"], PRODUCT_BINDING + 1
    if primitive is POWER:
        return [(args[0], ATOM_BINDING), "^{", (args[1], 0), "}"], PRODUCT_BINDING + 2
    if primitive is NEG:
        return ["-", (args[0], PRODUCT_BINDING)], SIGN_BINDING - 2
    if primitive is NOT:
        return ["\\lnot ", (args[0], ATOM_BINDING)], _TIGHT[NOT]
    left, right = args
    binding = _TIGHT.get(primitive, COMPARISON_BINDING)
    if primitive is MUL:
        value = program.constant_at(left)
        if value is not None and not isinstance(value, Named) and value < 0:
            return [(left, 0), _times(program, right), (right, PRODUCT_BINDING + 1)], SIGN_BINDING - 2
        return [(left, PRODUCT_BINDING), _times(program, right), (right, PRODUCT_BINDING + 1)], PRODUCT_BINDING
    sign = _LATEX_SIGNS.get(primitive.infix, primitive.infix)
    return [(left, binding + (binding == COMPARISON_BINDING)), f" {sign} ", (right, binding + 1)], binding


def _times(program: Program, right: int) -> str:
    """A dot where two numbers would run together, otherwise a thin space."""
    return " \\cdot " if _begins_with_number(program, right) else " \\, "


def _begins_with_number(program: Program, slot: int) -> bool:
    while (instruction := program.instruction_at(slot)) is not None and instruction[0] in (MUL, POWER):
        slot = instruction[1][0]
    value = program.constant_at(slot)
    return value is not None and not isinstance(value, Named)


def _call(program: Program, primitive: Primitive, args: Sequence[int]) -> list[_Part]:
    slots = list(args)
    while primitive.variadic and (first := program.instruction_at(slots[0])) and first[0] is primitive:
        slots[:1] = first[1]
    name = primitive.latex or f"\\operatorname{{{primitive.name.replace('_', chr(92) + '_')}}}"
    parts: list[_Part] = [f"{name}\\left("]
    for index, slot in enumerate(slots):
        parts += [", "] * bool(index)
        parts.append((slot, 0))
    return [*parts, "\\right)"]


def _constant(value: Constant) -> tuple[list[_Part], int]:
    if isinstance(value, Named):
        return ["\\pi" if value.name == "pi" else value.name], ATOM_BINDING
    if value < 0:
        parts, _ = _constant(-value)
        return ["-", *parts], SIGN_BINDING - 2
    if isinstance(value, int):
        return [str(value)], ATOM_BINDING
    return [f"\\frac{{{Fraction(value).numerator}}}{{{value.denominator}}}"], PRODUCT_BINDING + 1

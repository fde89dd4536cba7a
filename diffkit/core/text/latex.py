"""FormulaView to LaTeX as they stand, without rearranging them, by the walk that writes text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.errors import LimitError
from diffkit.core.program import Constant, Named, Program
from diffkit.core.table import MUL, POWER, Primitive
from diffkit.core.text.bindings import (
    ATOM_BINDING,
    NOT_BINDING,
    POWER_BINDING,
    PRODUCT_BINDING,
    SIGN_BINDING,
    SUM_BINDING,
)
from diffkit.core.text.printer import FormulaView, Notation, Piece, Slots, Written, called, is_negative

_GREEK_NAME = re.compile(
    "(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|"
    "omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega)\\Z"
)
_SHORT_NAMES = {"lam": "lambda", "eps": "epsilon"}
_LATEX_SIGNS = {"<": "<", "<=": "\\le", ">": ">", ">=": "\\ge", "==": "=", "!=": "\\ne", "and": "\\land", "or": "\\lor"}
_INDEXED_NAME = re.compile(r"([A-Za-z]+)_?(\d*)\Z")
LONGEST_LATEX = 20_000  # characters
DOT, THIN_SPACE = " \\cdot ", " \\, "


def latex(program: Program, names: Mapping[str, str] | None = None) -> str:
    """Give the first output as LaTeX; ``names`` are inputs that are written otherwise than by name."""
    return Latex(Slots(program), names or {}).write(program.outputs[0], LONGEST_LATEX)


def latex_name(name: str) -> str:
    """Give a variable's name: x₁ for x1 and x_1, θ for theta, upright for other words."""
    match = _INDEXED_NAME.match(name)
    if match is None:
        return f"\\mathrm{{{name.replace('_', chr(92) + '_')}}}" if name.isascii() else name
    word, number = match.groups()
    word = _SHORT_NAMES.get(word, word)
    body = f"\\{word}" if _GREEK_NAME.match(word) else word if len(word) == 1 else f"\\mathrm{{{word}}}"
    return f"{body}_{{{number}}}" if number else body


def aligned(lines: Iterable[str]) -> str:
    """Give lines with their ``&`` as an ``align*`` environment."""
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


class Latex(Notation):
    """How LaTeX is written: a change of sign binds as a sum does, a fraction and a call as what stands by itself."""

    opening, closing = "\\left(", "\\right)"

    def __init__(self, view: FormulaView, names: Mapping[str, str]):
        super().__init__(view)
        self.names = names

    def cut(self, _: str, __: int) -> str:
        """Refuse what is too long: half a formula is none."""
        raise LimitError("the formula is too long for LaTeX", hint="take its parts one by one")

    def name(self, name: str) -> str:
        """A variable."""
        return self.names.get(name) or latex_name(name)

    def constant(self, value: Constant) -> tuple[str, int]:
        """A constant, and how tightly it binds."""
        if isinstance(value, Named):
            return "\\pi" if value.name == "pi" else value.name, ATOM_BINDING
        if value < 0:
            return f"-{self.constant(-value)[0]}", SUM_BINDING
        if isinstance(value, int):
            return str(value), ATOM_BINDING
        return f"\\frac{{{Fraction(value).numerator}}}{{{value.denominator}}}", SIGN_BINDING

    def sign(self, row: Primitive) -> str:
        """The sign of an operator."""
        return f" {_LATEX_SIGNS.get(row.infix, row.infix)} "

    def negation(self, part: Any) -> Written:
        """A condition that does not hold."""
        return ["\\lnot ", (part, ATOM_BINDING)], NOT_BINDING

    def negative(self, part: Any) -> Written:
        """A change of sign."""
        return ["-", (part, PRODUCT_BINDING)], SUM_BINDING

    def product(self, left: Any, right: Any) -> Written:
        """A product, with a dot where two numbers would run together and a thin space elsewhere."""
        sign = DOT if _begins_with_number(self.view, right) else THIN_SPACE
        if is_negative(self.view, left):
            return [(left, 0), sign, (right, PRODUCT_BINDING + 1)], SUM_BINDING
        return [(left, PRODUCT_BINDING), sign, (right, PRODUCT_BINDING + 1)], PRODUCT_BINDING

    def quotient(self, over: Any, under: Any) -> Written:
        """A fraction."""
        return ["\\frac{", (over, 0), "}{", (under, 0), "}"], SIGN_BINDING

    def power(self, base: Any, exponent: Any) -> Written:
        """A power."""
        return [(base, ATOM_BINDING), "^{", (exponent, 0), "}"], POWER_BINDING

    def call(self, row: Primitive, args: Sequence[Any]) -> Written:
        """A function in the frame of its row, or by its name."""
        if "#" in row.latex:
            return framed(row.latex, args)
        if row.name == "where":
            return [
                "\\begin{cases}", (args[1], 0), " & \\text{if } ", (args[0], 0), " \\\\ ", (args[2], 0),
                " & \\text{otherwise}\\end{cases}",
            ], PRODUCT_BINDING  # fmt: skip
        return called_upright(row.latex or operator_name(row.name), args), SIGN_BINDING

    def word(self, word: str, args: Sequence[Any], _: Any, /) -> Written:
        """What only arrays have."""
        return called_upright(operator_name(word), args), SIGN_BINDING


def operator_name(name: str) -> str:
    """The name of a function, upright."""
    return f"\\operatorname{{{name.replace('_', chr(92) + '_')}}}"


def called_upright(name: str, args: Sequence[Any], ending: str = "") -> list[Piece]:
    """A function's name with its arguments in brackets of their height."""
    return called(f"{name}\\left(", args, f"{ending}\\right)")


def framed(frame: str, args: Sequence[Any]) -> Written:
    """Arguments in the places that a row keeps for them; what begins a frame, and what follows, may need brackets."""
    before, *after = frame.split("#")
    is_open = not before
    parts: list[Piece] = [before] * bool(before)
    for part, text in zip(args, after, strict=True):
        wanted = (ATOM_BINDING if text.startswith("^") else SIGN_BINDING) if is_open else 0
        parts += [(part, wanted), text]
    if is_open:
        return parts, POWER_BINDING if len(args) == 1 else PRODUCT_BINDING
    if before.endswith("^{") and len(args) == 1:
        return parts, POWER_BINDING
    return parts, ATOM_BINDING if frame.startswith("\\left") or frame.endswith("}") else SIGN_BINDING


def _begins_with_number(view: FormulaView, part: Any) -> bool:
    head, args, value = view.look(part)
    while head is MUL or head is POWER:
        head, args, value = view.look(args[0])
    return head == "constant" and not isinstance(value, Named)

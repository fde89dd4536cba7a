"""The languages in which derivatives are written: signs, numbers, names of functions, and what stands around them.

What a function is called is a fact of its row. Everywhere the variables are arguments by name, in their order, so that
what is written reads as the formula and no order can be mistaken.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from diffkit.core.table import AND, NE, OR, POWER, Primitive, table
from diffkit.core.text.bindings import ATOM_BINDING, NOT_BINDING, PRODUCT_BINDING, SIGN_BINDING, SUM_BINDING
from diffkit.core.text.latex import Latex, aligned, latex_name
from diffkit.core.text.printer import FormulaView, Written, called, is_negative
from diffkit.engines.notation import COLUMNS, CodeNotation, FunctionText, Language, subscript, wrapped
from diffkit.engines.pythonic import Jax, NumPy, Python
from diffkit.engines.reserved_words import RESERVED


class _AsInC(CodeNotation):
    """Names of functions and signs of conditions of C, which others have taken over."""

    signs: ClassVar = {AND: "&&", OR: "||"}

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in the mathematical library."""
        return row.libm

    def negation(self, part: Any) -> Written:
        """A condition that does not hold."""
        return ["!", (part, ATOM_BINDING)], SIGN_BINDING


class C(_AsInC):
    """C99: ``void gradient(double x, double y, double out[2])``."""

    key, title, comment = "c", "C", "// "
    power_sign = ""
    reserved = RESERVED[key]

    def real_power(self, base: Any, exponent: Any) -> Written:
        """A power with any exponent."""
        return self.call(POWER, (base, exponent))

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        inputs = [f"double {name}" for name in f.inputs]
        lines = [f"    const {'int' if s.truth else 'double'} {s.name} = {s.text};" for s in f.statements]
        if not f.shape:
            end = [f"    return {f.outputs[0]};"]
            head = wrapped(f"double {f.name}(", inputs or ["void"], ")")
        else:
            end = [f"    out{subscript(i, '][')} = {text};" for i, text in f.entries]
            head = wrapped(f"void {f.name}(", [*inputs, f"double out[{']['.join(map(str, f.shape))}]"], ")")
        return [*(["#include <math.h>", ""] if f.functions else []), *head, "{", *lines, *end, "}"]


class Julia(_AsInC):
    """Julia, for one point; special functions are those of SpecialFunctions.jl."""

    key, title = "julia", "Julia"
    power_sign = "^"
    raises = True
    reserved = RESERVED[key]

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        special = any("." in name for name in f.functions)
        lines = [f"    {s.name} = {s.text}" for s in f.statements]
        if f.shape:
            kind = {1: "Vector", 2: "Matrix"}.get(len(f.shape), "Array")
            lines.append(f"    out = {kind}{{Float64}}(undef, {', '.join(map(str, f.shape))})")
            lines += [f"    out[{', '.join(str(k + 1) for k in i)}] = {text}" for i, text in f.entries]
        lines.append(f"    return {'out' if f.shape else f.outputs[0]}")
        head = wrapped(f"function {f.name}(", [f"{name}::Float64" for name in f.inputs], ")")
        return [*["import SpecialFunctions", ""] * special, *head, *lines, "end"]


class Fortran(CodeNotation):
    """Fortran 2008: ``pure subroutine gradient(x, y, out)``; what it lacks is taken from the C library."""

    key, title, comment = "fortran", "Fortran", "! "
    signs: ClassVar = {AND: ".and.", OR: ".or.", NE: "/="}
    longest_name, folded_case = 24, True
    reserved = RESERVED[key]

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in the mathematical library of C."""
        return C.function(row)

    @classmethod
    def borrowed(cls, functions: Collection[str]) -> list[str]:
        """The interfaces of those of some functions that are the C library's."""
        rows = [row for row in table if cls.key not in row.code and row.libm + row.code.get(C.key, "")]
        lines = [line for row in rows if cls.function(row) in functions for line in _interface(cls.function(row), row)]
        return ["interface", *(f"    {line}" for line in lines), "end interface"] if lines else []

    def literal(self, number: float) -> str:
        """A number of which no digit is lost."""
        text = repr(number)
        return text.replace("e", "d") if "e" in text else f"{text}d0"

    def negation(self, part: Any) -> Written:
        """A condition that does not hold."""
        return [".not. ", (part, NOT_BINDING)], NOT_BINDING

    def negative(self, part: Any) -> Written:
        """A change of sign, which may not follow another sign."""
        return ["-", (part, PRODUCT_BINDING + 1)], SUM_BINDING

    def infix(self, row: Primitive, args: Sequence[Any]) -> Written:
        """An operator between arguments; what begins with a sign may not follow another."""
        parts, binding = super().infix(row, args)
        signed = binding > SUM_BINDING and is_negative(self.view, args[0])
        return (parts, SUM_BINDING) if signed else (parts, binding)

    def choice(self, condition: Any, x: Any, y: Any) -> Written:
        """One of two, by a condition."""
        return called("merge(", (x, y, condition), ")"), ATOM_BINDING

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a subroutine."""
        inside = [*_declared("real(8), intent(in)", f.inputs)]
        inside.append(f"real(8), intent(out) :: out{subscript(f.shape, ', ', '()') if f.shape else ''}")
        inside += _declared("real(8)", [s.name for s in f.statements if not s.truth])
        inside += _declared("logical", [s.name for s in f.statements if s.truth])
        inside += cls.borrowed(f.functions)
        inside += [f"{s.name} = {s.text}" for s in f.statements]
        places = [tuple(k + 1 for k in i) for i, _ in f.entries]
        inside += [f"out{subscript(i, ', ', '()')} = {text}" for i, text in zip(places, f.outputs, strict=True)]
        head = wrapped(f"pure subroutine {f.name}(", [*f.inputs, "out"], ")", " &")
        body = ["implicit none", *inside]
        return [*head, *(f"    {line}" for line in body), f"end subroutine {f.name}"]


class LatexEquations(Latex, Language):
    """LaTeX: equations under each other, with what occurs more than once before them."""

    key, title, comment = "latex", "LaTeX", "% "
    evaluated = False
    width, least = 150, 24

    def __init__(self, view: FormulaView):
        Language.__init__(self, view)
        self.names = {}

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its own name."""
        return row.name

    @classmethod
    def has(cls, row: Primitive) -> bool:  # noqa: ARG003
        """Everything can be written."""
        return True

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the equations."""
        lines = [f"{latex_name(s.name)} &= {s.text}" for s in f.statements]
        lines += [f"{label} &= {text}" for label, text in zip(f.labels, f.outputs, strict=True)]
        return aligned(lines).splitlines()


LANGUAGES: dict[str, type[Language]] = {
    language.key: language for language in (Python, NumPy, Jax, C, Julia, Fortran, LatexEquations)
}
"""by name"""


def _declared(kind: str, names: Sequence[str]) -> list[str]:
    """Declarations of names, on as many lines as they need."""
    rows = textwrap.wrap(", ".join(names), COLUMNS - len(kind) - 8, break_long_words=False)
    return [f"{kind} :: {row.removesuffix(',')}" for row in rows]


def _interface(name: str, row: Primitive) -> list[str]:
    """The interface of a function of the C library."""
    kinds = ["integer(c_int)" if k in row.orders else "real(c_double)" for k in range(len(row.arguments))]
    used = "c_double, c_int" if row.orders else "c_double"
    return [
        f'pure real(c_double) function {name}({", ".join(row.arguments)}) bind(c, name="{name}")',
        f"    use, intrinsic :: iso_c_binding, only: {used}",
        *(f"    {kind}, value :: {argument}" for kind, argument in zip(kinds, row.arguments, strict=True)),
        f"end function {name}",
    ]

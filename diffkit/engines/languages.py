"""The languages in which derivatives are written: signs, numbers, names of functions, and what stands around them.

What a function is called is a fact of its row. Everywhere the variables are arguments by name, in their order, so that
what is written reads as the formula and no order can be mistaken.
"""

from __future__ import annotations

import keyword
import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from diffkit.core.errors import LimitError
from diffkit.core.program import Constant, Named
from diffkit.core.table import AND, DIV, MUL, NE, NOT, OR, POWER, WHERE, Primitive
from diffkit.core.text.bindings import (
    ATOM_BINDING,
    NOT_BINDING,
    POSTFIX_BINDING,
    POWER_BINDING,
    PRODUCT_BINDING,
    SIGN_BINDING,
    SUM_BINDING,
)
from diffkit.core.text.latex import Latex, aligned, latex_name
from diffkit.core.text.printer import FormulaView, Notation, Piece, Slots, Written, called
from diffkit.engines.statements import Statement
from diffkit.numbers.floats import to_float

_COLUMNS = 79
_CHOICE_BINDING = 0
_ALTERNATIVE = 1  # how tightly the parts of a choice bind at least


class FunctionText(NamedTuple):
    """What a language frames: a function of ``inputs``, with statements, and the texts of an answer in its shape."""

    name: str
    inputs: Sequence[str]
    statements: Sequence[Statement]
    outputs: Sequence[str]
    shape: tuple[int, ...]
    functions: Sequence[str]
    """names of the functions that are called"""
    labels: Sequence[str]
    """what the outputs are, in LaTeX"""


class CodeNotation(Notation):
    """How a language is written whose operators are those of text, unless it says otherwise."""

    key: ClassVar[str]
    title: ClassVar[str]
    extension: ClassVar[str]
    comment: ClassVar[str] = "# "
    signs: ClassVar[dict[Primitive, str]] = {}
    power_sign: ClassVar[str] = "**"
    raises: ClassVar[bool] = False
    evaluated: ClassVar[bool] = True
    """written to be run, so in forms that do not cancel"""
    width: ClassVar[int] = 66
    least: ClassVar[int] = 0
    longest_name: ClassVar[int] = 40
    folded_case: ClassVar[bool] = False
    """whether x and X are one name"""
    reserved: ClassVar[frozenset[str]] = frozenset()
    constants: ClassVar[dict[str, str]] = {}

    def __init__(self, view: FormulaView):
        super().__init__(view)
        self.called: set[str] = set()
        """the functions that were written"""

    # What it calls ----------------------------------------------------------------------------------------------

    @classmethod
    def function(cls, row: Primitive) -> str:
        """Give the name of a row, empty if it has none; # stands for the argument where it is more than a name."""
        return row.code.get(cls.key, cls.usual(row))

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Give the name of a row that follows from its other facts."""
        raise NotImplementedError

    @classmethod
    def is_infix(cls, row: Primitive) -> bool:
        """Whether a row is written with a sign."""
        return bool(row.infix) and row is not POWER

    @classmethod
    def has(cls, row: Primitive) -> bool:
        """Whether it has a form of a row."""
        return row is WHERE or row is POWER or cls.is_infix(row) or bool(cls.function(row))

    # How formulas are written -----------------------------------------------------------------------------------

    def operation(self, row: Primitive, args: Sequence[Any]) -> Written:
        """Give a row of the table in pieces."""
        if row is WHERE:
            return self.choice(*args)
        if row is POWER:
            return self.power(*args)
        return super().operation(row, args) if self.is_infix(row) else self.call(row, args)

    def sign(self, row: Primitive) -> str:
        """The operator that writes a row, with its blanks."""
        found = self.signs.get(row, row.infix)
        return found if row is MUL or row is DIV else f" {found} "

    def constant(self, value: Constant) -> tuple[str, int]:
        """The binary64 nearest to a constant."""
        if isinstance(value, Named) and value.name in self.constants:
            return self.constants[value.name], ATOM_BINDING
        number = to_float(value)
        if not math.isfinite(number):
            raise LimitError("a constant is too large for binary64", hint="scale the expression")
        return self.literal(number), SIGN_BINDING if number < 0 else ATOM_BINDING

    def literal(self, number: float) -> str:
        """A number of which no digit is lost."""
        return repr(number)

    def choice(self, condition: Any, x: Any, y: Any) -> Written:
        """One of two, by a condition."""
        return [(condition, _ALTERNATIVE), " ? ", (x, _ALTERNATIVE), " : ", (y, _ALTERNATIVE)], _CHOICE_BINDING

    def power(self, base: Any, exponent: Any) -> Written:
        """A power: by its sign with a whole exponent, or where the language takes any."""
        _, _, value = self.view.look(exponent)
        if self.power_sign and isinstance(value, int):
            shown = str(value) if value >= 0 else f"({value})"
            return [(base, POSTFIX_BINDING), self.power_sign, shown], POWER_BINDING
        return self.real_power(base, exponent)

    def real_power(self, base: Any, exponent: Any) -> Written:
        """A power with any exponent."""
        return [(base, POSTFIX_BINDING), self.power_sign, (exponent, POSTFIX_BINDING)], POWER_BINDING

    def call(self, row: Primitive, args: Sequence[Any]) -> Written:
        """A function by its name, its orders as whole numbers."""
        parts: list[Any] = [str(int(self.view.look(a)[2])) if k in row.orders else (a, 0) for k, a in enumerate(args)]
        self.called.add(self.function(row))
        opening, frame, closing = self.function(row).partition("#")
        inside: list[Piece] = [piece for part in parts for piece in (", ", part)][1:]
        return ([opening, *inside, closing] if frame else [f"{opening}(", *inside, ")"]), ATOM_BINDING

    # What stands around them ------------------------------------------------------------------------------------

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        raise NotImplementedError


class C(CodeNotation):
    """C99: ``void gradient(double x, double y, double out[2])``."""

    key, title, extension, comment = "c", "C", "c", "// "
    signs: ClassVar = {AND: "&&", OR: "||"}
    power_sign = ""
    reserved = frozenset(
        "auto break case char const continue default do double else enum extern float for goto if inline int long "
        "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
        "asm typeof bool true false nullptr constexpr alignas alignof thread_local static_assert main NULL EOF NAN "
        "INFINITY HUGE_VAL errno linux unix i386 I complex class new delete this template namespace operator private "
        "public protected virtual friend using try catch throw explicit export mutable typename typeid and or not xor "
        "bitand bitor compl and_eq or_eq not_eq xor_eq const_cast static_cast dynamic_cast reinterpret_cast".split()
    )

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in the mathematical library."""
        return row.libm

    def negation(self, part: Any) -> Written:
        """A condition that does not hold."""
        return ["!", (part, ATOM_BINDING)], SIGN_BINDING

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
            head = _wrapped(f"double {f.name}(", inputs or ["void"], ")")
        else:
            end = [f"    out{_subscript(i, '][')} = {text};" for i, text in _entries(f)]
            head = _wrapped(f"void {f.name}(", [*inputs, f"double out[{']['.join(map(str, f.shape))}]"], ")")
        return [*(["#include <math.h>", ""] if f.functions else []), *head, "{", *lines, *end, "}"]


class Python(CodeNotation):
    """Python over ``math``, for one point: ``def gradient(x, y): … return (…)``."""

    key, title, extension = "python", "Python", "py"
    raises = True
    reserved = frozenset((*keyword.kwlist, *keyword.softkwlist, "math", "scipy", "np", "jax", "jnp", "out", "float"))
    constants: ClassVar = {"pi": "math.pi", "e": "math.e"}
    modules: ClassVar[dict[str, str]] = {"math": "import math", "scipy.special": "import scipy.special"}

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in ``math``."""
        function: Any = getattr(row.floats, "__wrapped__", row.floats)
        return f"math.{function.__name__}" if getattr(function, "__module__", "") == "math" else ""

    def choice(self, condition: Any, x: Any, y: Any) -> Written:
        """One of two, by a condition."""
        return [(x, _ALTERNATIVE), " if ", (condition, _ALTERNATIVE), " else ", (y, _ALTERNATIVE)], _CHOICE_BINDING

    def real_power(self, base: Any, exponent: Any) -> Written:
        """A power with any exponent; the sign would give complex numbers."""
        return self.call(POWER, (base, exponent))

    @classmethod
    def imports(cls, f: FunctionText) -> list[str]:
        """The lines that import what is called."""
        texts = [*f.functions, *f.outputs, *(s.text for s in f.statements)]
        return [line for module, line in cls.modules.items() if any(f"{module}." in text for text in texts)]

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        imports = cls.imports(f)
        lines = [f"    {s.name} = {s.text}" for s in f.statements]
        head = _wrapped(f"def {f.name}(", f.inputs, "):")
        return [*imports, *["", ""] * bool(imports), *head, *lines, *_returned(f.outputs, f.shape)]


class NumPy(Python):
    """NumPy, elementwise over arrays that are broadcast together; the axes of the answer come last."""

    key, title, extension = "numpy", "NumPy", "py"
    raises = False
    constants: ClassVar = {"pi": "np.pi", "e": "np.e"}
    modules: ClassVar = {"np": "import numpy as np", "scipy.special": "import scipy.special"}

    @classmethod
    def is_infix(cls, row: Primitive) -> bool:
        """Whether a row is written with a sign: of truths none is."""
        return super().is_infix(row) and row not in (AND, OR, NOT)

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in NumPy, or in SciPy."""
        return "" if not isinstance(row.array, str) else row.array if "." in row.array else f"np.{row.array}"

    def choice(self, condition: Any, x: Any, y: Any) -> Written:
        """One of two, by a condition."""
        return self.call(WHERE, (condition, x, y))

    def real_power(self, base: Any, exponent: Any) -> Written:
        """A power with any exponent."""
        return CodeNotation.real_power(self, base, exponent)

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        lines = [f"{s.name} = {s.text}" for s in f.statements]
        shapes = [f"{name}.shape" for name in f.inputs]
        lines += _wrapped("shape = np.broadcast_shapes(", shapes, ")") if shapes[1:] else [f"shape = {shapes[0]}"]
        lines.append(f"out = np.empty(shape + {f.shape!r})" if f.shape else "out = np.empty(shape)")
        lines += [f"out[{', '.join(['...', *map(str, i)])}] = {text}" for i, text in _entries(f)]
        if any("np.where(" in line for line in lines):  # both branches are computed
            lines = ['with np.errstate(all="ignore"):', *(f"    {line}" for line in lines)]
        lines = [*(f"{name} = np.asarray({name}, dtype=float)" for name in f.inputs), *lines, "return out[()]"]
        head = _wrapped(f"def {f.name}(", f.inputs, "):")
        return [*cls.imports(f._replace(functions=("np.", *f.functions))), "", "", *head, *(f"    {s}" for s in lines)]


class Jax(NumPy):
    """JAX, elementwise over arrays that are broadcast together, for ``jit`` and ``vmap``."""

    key, title, extension = "jax", "JAX", "py"
    constants: ClassVar = {"pi": "jnp.pi", "e": "jnp.e"}
    modules: ClassVar = {"jnp": "import jax.numpy as jnp", "jax.scipy.special": "import jax.scipy.special"}

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in JAX, which follows NumPy's and SciPy's."""
        return "" if not isinstance(row.array, str) else f"jax.{row.array}" if "." in row.array else f"jnp.{row.array}"

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        lines = [f"{name} = jnp.asarray({name}, dtype=float)" for name in f.inputs]
        lines += [f"{s.name} = {s.text}" for s in f.statements]
        first = len(f.inputs)
        if not f.shape:
            lines += _one_a_line("return jnp.broadcast_arrays(", (*f.inputs, *f.outputs), f")[{first}]")
        else:
            lines += _one_a_line("out = jnp.broadcast_arrays(", (*f.inputs, *f.outputs), f")[{first}:]")
            stacked = "jnp.stack(out, axis=-1)"
            lines.append(f"out = {stacked}" if f.shape[1:] else f"return {stacked}")
            lines += [f"return out.reshape(out.shape[:-1] + {f.shape!r})"] * bool(f.shape[1:])
        head = _wrapped(f"def {f.name}(", f.inputs, "):")
        return [*cls.imports(f._replace(functions=("jnp.", *f.functions))), "", "", *head, *(f"    {s}" for s in lines)]


class Julia(CodeNotation):
    """Julia, for one point; special functions are those of SpecialFunctions.jl."""

    key, title, extension = "julia", "Julia", "jl"
    signs: ClassVar = {AND: "&&", OR: "||"}
    power_sign = "^"
    raises = True
    reserved = frozenset(
        "baremodule begin break catch const continue do else elseif end export false finally for function global if "
        "import in isa let local macro module quote return struct true try using while where abstract mutable "
        "primitive type SpecialFunctions Float64 Vector Matrix undef out pi im".split()
    )

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name, which is that of C."""
        return row.libm

    def negation(self, part: Any) -> Written:
        """A condition that does not hold."""
        return ["!", (part, ATOM_BINDING)], SIGN_BINDING

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        special = any("." in name for name in f.functions)
        lines = [f"    {s.name} = {s.text}" for s in f.statements]
        if f.shape:
            kind = "Vector" if len(f.shape) == 1 else "Matrix"
            lines.append(f"    out = {kind}{{Float64}}(undef, {', '.join(map(str, f.shape))})")
            lines += [f"    out[{', '.join(str(k + 1) for k in i)}] = {text}" for i, text in _entries(f)]
        lines.append(f"    return {'out' if f.shape else f.outputs[0]}")
        head = _wrapped(f"function {f.name}(", [f"{name}::Float64" for name in f.inputs], ")")
        return [*["import SpecialFunctions", ""] * special, *head, *lines, "end"]


class Fortran(CodeNotation):
    """Fortran 2008: ``pure subroutine gradient(x, y, out)``; what it lacks is taken from the C library."""

    key, title, extension, comment = "fortran", "Fortran", "f90", "! "
    signs: ClassVar = {AND: ".and.", OR: ".or.", NE: "/="}
    longest_name, folded_case = 24, True
    reserved = frozenset(
        "out merge real logical integer if then else end do call pure subroutine function interface implicit none "
        "intent in result use import bind value return stop data".split()
    )

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its name in the mathematical library of C."""
        return row.libm

    @classmethod
    def borrowed(cls, functions: Iterable[str]) -> list[str]:
        """The functions of the C library among some."""
        own = {row.code[cls.key] for row in _rows() if cls.key in row.code}
        return [name for name in functions if name not in own]

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

    def choice(self, condition: Any, x: Any, y: Any) -> Written:
        """One of two, by a condition."""
        return called("merge(", (x, y, condition), ")"), ATOM_BINDING

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a subroutine."""
        inside = [*_declared("real(8), intent(in)", f.inputs)]
        inside.append(f"real(8), intent(out) :: out{_subscript(f.shape, ', ', '()') if f.shape else ''}")
        inside += _declared("real(8)", [s.name for s in f.statements if not s.truth])
        inside += _declared("logical", [s.name for s in f.statements if s.truth])
        if borrowed := cls.borrowed(f.functions):
            inside += ["interface", *(f"    {line}" for name in borrowed for line in _interface(name)), "end interface"]
        inside += [f"{s.name} = {s.text}" for s in f.statements]
        places = [tuple(k + 1 for k in i) for i, _ in _entries(f)]
        inside += [f"out{_subscript(i, ', ', '()')} = {text}" for i, text in zip(places, f.outputs, strict=True)]
        head = _wrapped(f"pure subroutine {f.name}(", [*f.inputs, "out"], ")", " &")
        body = ["implicit none", *inside]
        return [*head, *(f"    {line}" for line in body), f"end subroutine {f.name}"]


class LatexEquations(Latex):
    """LaTeX: equations under each other, with what occurs more than once before them."""

    key, title, extension, comment = "latex", "LaTeX", "tex", "% "
    raises, evaluated, folded_case = False, False, False
    power_sign = "^"
    width, least, longest_name = 150, 24, 64
    reserved: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, view: FormulaView):
        super().__init__(view, {})
        self.called: set[str] = set()

    @classmethod
    def function(cls, row: Primitive) -> str:
        """Give its name there."""
        return row.name

    @classmethod
    def is_infix(cls, row: Primitive) -> bool:
        """Whether a row is written with a sign."""
        return bool(row.infix)

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


AnyLanguage = type[CodeNotation] | type[LatexEquations]
LANGUAGES: dict[str, AnyLanguage] = {
    language.key: language for language in (Python, NumPy, Jax, C, Julia, Fortran, LatexEquations)
}
"""by name"""


def _rows() -> Iterable[Primitive]:
    from diffkit.core.table import table

    return table


def _entries(f: FunctionText) -> list[tuple[tuple[int, ...], str]]:
    """The outputs, each with its place in the answer."""
    places: list[tuple[int, ...]] = [()]
    for length in f.shape:
        places = [(*place, k) for place in places for k in range(length)]
    return list(zip(places, f.outputs, strict=True))


def _subscript(place: Sequence[int], comma: str, brackets: str = "[]") -> str:
    """A place in brackets, nothing if there is but one."""
    return f"{brackets[0]}{comma.join(map(str, place))}{brackets[1]}" if place else ""


def _wrapped(opening: str, parts: Sequence[str], closing: str, broken: str = "") -> list[str]:
    """What is in parentheses on as many lines as it needs; ``broken`` ends a line that goes on."""
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) <= _COLUMNS:
        return [line]
    rows = textwrap.wrap(", ".join(parts), _COLUMNS - 8, break_long_words=False, break_on_hyphens=False)
    return [f"{opening}{broken}", *(f"        {row}{broken}" for row in rows[:-1]), f"        {rows[-1]}{closing}"]


def _one_a_line(opening: str, parts: Sequence[str], closing: str) -> list[str]:
    """What is in parentheses, each part on its line unless all fit on one."""
    line = f"{opening}{', '.join(parts)}{closing}"
    return [line] if len(line) <= _COLUMNS - 4 else [opening, *(f"    {part}," for part in parts), closing]


def _declared(kind: str, names: Sequence[str]) -> list[str]:
    """Declarations of names, on as many lines as they need."""
    rows = textwrap.wrap(", ".join(names), _COLUMNS - len(kind) - 8, break_long_words=False)
    return [f"{kind} :: {row.removesuffix(',')}" for row in rows]


def _interface(name: str) -> list[str]:
    """The interface of a function of the C library."""
    return [
        f'pure real(c_double) function {name}(x) bind(c, name="{name}")',
        "    use, intrinsic :: iso_c_binding, only: c_double", "    real(c_double), value :: x",
        f"end function {name}",
    ]  # fmt: skip


def _returned(outputs: Sequence[str], shape: tuple[int, ...], indent: str = "    ", lead: str = "return ") -> list[str]:
    """A number, or tuples, after a word, on one line or on one for each part."""
    if not shape:
        return [f"{indent}{lead}{outputs[0]}"]
    flat = _tuple_of(outputs, shape)
    end = "" if lead else ","
    if len(indent + lead + flat + end) <= _COLUMNS:
        return [f"{indent}{lead}{flat}{end}"]
    size = len(outputs) // shape[0]
    inner = [
        line for k in range(shape[0])
        for line in (_returned(outputs[k * size : (k + 1) * size], shape[1:], f"{indent}    ", "") if len(shape) > 1
                     else [f"{indent}    {outputs[k]},"])
    ]  # fmt: skip
    return [f"{indent}{lead}(", *inner, f"{indent}){end}"]


def _tuple_of(outputs: Sequence[str], shape: tuple[int, ...]) -> str:
    """Nested tuples on one line."""
    if not shape:
        return outputs[0]
    size = len(outputs) // shape[0]
    parts = [_tuple_of(outputs[k * size : (k + 1) * size], shape[1:]) for k in range(shape[0])]
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


__all__ = ["LANGUAGES", "AnyLanguage", "CodeNotation", "FunctionText", "Slots"]

"""What every language says of itself: what it has, how it writes formulas, and what it puts around them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from diffkit.core.errors import LimitError
from diffkit.core.program import Constant, Named
from diffkit.core.table import DIV, MUL, POWER, WHERE, Primitive
from diffkit.core.text.bindings import ATOM_BINDING, POSTFIX_BINDING, POWER_BINDING, SIGN_BINDING
from diffkit.core.text.printer import FormulaView, Notation, Piece, Written
from diffkit.numbers.floats import to_float

COLUMNS = 79
CHOICE_BINDING = 0
"""how tightly a choice binds"""
BRANCH_BINDING = 1
"""how tightly the parts of a choice bind at least"""


class Statement(NamedTuple):
    """A name, and what it stands for: a number, or a truth."""

    name: str
    text: str
    truth: bool


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

    @property
    def entries(self) -> list[tuple[tuple[int, ...], str]]:
        """The outputs, each with its place in the answer."""
        places: list[tuple[int, ...]] = [()]
        for length in self.shape:
            places = [(*place, k) for place in places for k in range(length)]
        return list(zip(places, self.outputs, strict=True))


class Language(Notation):
    """A language: a class says what it is, and an instance writes formulas."""

    key: ClassVar[str]
    title: ClassVar[str]
    comment: ClassVar[str] = "# "
    """what begins a line of comment"""
    power_sign: ClassVar[str] = "**"
    """the sign of a power, if there is one"""
    raises: ClassVar[bool] = False
    """whether what has no value is an error"""
    names_truths: ClassVar[bool] = True
    """whether a condition may have a name"""
    evaluated: ClassVar[bool] = True
    """written to be run, so in forms that do not cancel"""
    width: ClassVar[int] = 66
    """characters that an expression may have"""
    least: ClassVar[int] = 0
    """characters up to which an expression is written again rather than named"""
    longest_name: ClassVar[int] = 40
    folded_case: ClassVar[bool] = False
    """whether x and X are one name"""
    reserved: ClassVar[frozenset[str]] = frozenset()
    """words that are no names"""

    def __init__(self, view: FormulaView):
        super().__init__(view)
        self.called: set[str] = set()
        """the functions that were written"""

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
        return bool(row.infix)

    @classmethod
    def has(cls, row: Primitive) -> bool:
        """Whether it has a form of a row."""
        raise NotImplementedError

    @classmethod
    def frame(cls, f: FunctionText) -> list[str]:
        """Give the lines of a function."""
        raise NotImplementedError


class CodeNotation(Language):
    """How a language is written whose operators are those of text, unless it says otherwise."""

    signs: ClassVar[dict[Primitive, str]] = {}
    """operators that are not those of text"""
    constants: ClassVar[dict[str, str]] = {}
    """names of named constants"""

    @classmethod
    def is_infix(cls, row: Primitive) -> bool:
        """Whether a row is written with a sign."""
        return bool(row.infix) and row is not POWER

    @classmethod
    def has(cls, row: Primitive) -> bool:
        """Whether it has a form of a row."""
        return row is WHERE or row is POWER or cls.is_infix(row) or bool(cls.function(row))

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
        return [
            (condition, BRANCH_BINDING),
            " ? ",
            (x, BRANCH_BINDING),
            " : ",
            (y, BRANCH_BINDING),
        ], CHOICE_BINDING

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


def subscript(place: Sequence[int], comma: str, brackets: str = "[]") -> str:
    """A place in brackets, nothing if there is but one."""
    return f"{brackets[0]}{comma.join(map(str, place))}{brackets[1]}" if place else ""


def wrapped(opening: str, parts: Sequence[str], closing: str, broken: str = "") -> list[str]:
    """What is in parentheses on as many lines as it needs; ``broken`` ends a line that goes on."""
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) <= COLUMNS:
        return [line]
    rows = textwrap.wrap(", ".join(parts), COLUMNS - 8, break_long_words=False, break_on_hyphens=False)
    return [f"{opening}{broken}", *(f"        {row}{broken}" for row in rows[:-1]), f"        {rows[-1]}{closing}"]


def one_a_line(opening: str, parts: Sequence[str], closing: str) -> list[str]:
    """What is in parentheses, each part on its line unless all fit on one."""
    line = f"{opening}{', '.join(parts)}{closing}"
    return [line] if len(line) <= COLUMNS - 4 else [opening, *(f"    {part}," for part in parts), closing]

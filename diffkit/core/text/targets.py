"""What text is read into: what any target does, and the one that makes a Program of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NoReturn, Protocol

from diffkit.core.builder import ProgramBuilder
from diffkit.core.errors import LimitError, ParseError
from diffkit.core.limits import Limits
from diffkit.core.program import Named
from diffkit.core.table import MUL, Primitive
from diffkit.core.text.tokenizer import located


class Target(Protocol):
    """What a text is read into: an operand is what it gives for a part of the text, a position is for its errors."""

    @property
    def arrays(self) -> bool:
        """Whether the text may be of arrays."""

    def number(self, value: int | Fraction) -> Any:
        """Read a literal."""

    def constant(self, value: Named) -> Any:
        """Read π or e."""

    def variable(self, name: str, position: int, /) -> Any:
        """Read a variable where it is first met."""

    def emit(self, row: Primitive, args: Sequence[Any], position: int) -> Any:
        """Read a row, entry by entry; ParseError for a condition where a number must stand, or LimitError."""

    def beside(self, args: Sequence[Any], position: int) -> Any:
        """Read a product without a sign."""

    def array(self, word: str, args: Sequence[Any], value: Any, position: int, /) -> Any:
        """Read a function of arrays with its axis, ``@``, ``index`` with its keys, or ``array``: a literal."""

    def check_kinds(self, row: Primitive, args: Sequence[Any], position: int) -> None:
        """ParseError for a condition where a row takes a number, or a number where it takes a condition."""

    def check_number(self, operand: Any, position: int) -> None:
        """ParseError for a condition."""

    def rational(self, operand: Any) -> int | Fraction | None:
        """The rational constant that an operand is, or None."""


class NumbersTarget:
    """The Program of a text of numbers; operands are its slots."""

    arrays = False

    def __init__(self, text: str, limits: Limits):
        self.text = text
        self.builder = builder = ProgramBuilder((), limits)
        self.number = builder.constant
        self.constant = builder.constant
        self.rational = builder.rational

    def variable(self, name: str, _: int) -> int:
        """Slot of an input."""
        return self.builder.input(name)

    def emit(self, row: Primitive, args: Sequence[int], position: int) -> int:
        """Slot of a row, or of what stands for it."""
        builder = self.builder
        if row.truths or builder.truths:
            self.check_kinds(row, args, position)
        try:
            return builder.apply(row, args)
        except LimitError as error:
            raise located(error, self.text, position) from None

    def beside(self, args: Sequence[int], position: int) -> int:
        """Slot of a product."""
        return self.emit(MUL, args, position)

    def array(self, _: str, args: Sequence[int], __: Any, position: int) -> int:
        """Slot of what is no number: nothing is known of it."""
        try:
            return self.builder.unknown(args)
        except LimitError as error:
            raise located(error, self.text, position) from None

    def check_kinds(self, row: Primitive, args: Sequence[int], position: int) -> None:
        """ParseError for a condition where a row takes a number, or the other way round."""
        for place, slot in enumerate(args):
            if place not in row.truths:
                self.check_number(slot, position)
            elif slot not in self.builder.truths:
                self._fail(f"{row.infix.strip() or row.name} needs a condition, such as x > 0", position)

    def check_number(self, slot: int, position: int) -> None:
        """ParseError for a condition."""
        if slot in self.builder.truths:
            hint = "choose between two values with where(condition, a, b)"
            self._fail("a comparison is not a number", position, hint)

    def _fail(self, reason: str, position: int, hint: str = "") -> NoReturn:
        raise ParseError(reason, hint=hint, text=self.text, position=position)

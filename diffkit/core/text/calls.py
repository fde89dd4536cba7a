"""What a call emits: a row of the table, a function of whole arrays, or the reason why it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn

from diffkit.core.builder import NAMED_CONSTANTS
from diffkit.core.errors import ParseError
from diffkit.core.limits import Limits
from diffkit.core.table import DIV, Primitive, table
from diffkit.core.table.array_table import array_table
from diffkit.core.text.targets import Target
from diffkit.core.text.tokenizer import Token
from diffkit.core.text.vocabulary import CalledFunction

LOGARITHMS = {row.base: row for row in table if row.base}
INDEX = re.compile(r"(-?[0-9]+)?(?:(:)(-?[0-9]+)?)?\Z")
"""an integer, or a slice a:b"""
LARGEST_INDEX = 2**31
IndexKey = int | tuple[int | None, int | None]


class Call:
    """A function of arguments that stands somewhere in a text, perhaps with an axis."""

    def __init__(
        self, target: Target, called: CalledFunction, axis: int | None, position: int, text: str, limits: Limits
    ):
        self.target, self.called, self.axis, self.position = target, called, axis, position
        self.text, self.limits = text, limits

    def of(self, args: list[Any]) -> Any:
        """Give its operand; ParseError for arguments that it does not take."""
        row, word = self.called.row, self.called.word
        if self.target.arrays and word and (row is None or len(args) == 1 or self.axis is not None):
            return self._of_arrays(args)
        assert row is not None
        if row.base in NAMED_CONSTANTS and len(args) == 2:
            return self._to_base(row, *args)
        if row.alone and len(args) == 1:  # the others give back a single argument
            self._fail(f"{row.name} takes at least 2 arguments", f"write {row.alone}")
        if row.variadic:
            return self._folded(row, args)
        self._check_count(row.name, (len(row.arguments),), args, f"write {row.signature}")
        self._check_orders(row, args)
        return self._emit(row, args)

    def _emit(self, row: Primitive, args: Sequence[Any]) -> Any:
        return self.target.emit(row, args, self.position)

    def _fail(self, reason: str, hint: str = "") -> NoReturn:
        raise ParseError(reason, hint=hint, text=self.text, position=self.position)

    def _of_arrays(self, args: list[Any]) -> Any:
        """A function of whole arrays; of two arguments the second may be its axis."""
        name, word = self.called.name, array_table.rows[self.called.word]
        if word.axis and self.axis is None and len(args) == 2:
            self.axis = self._integer(args.pop(), f"the second argument of {name} is an axis, a plain integer")
        self._check_count(name, word.counts, args, f"it is the {word.doc}")
        if self.axis is not None and not word.axis:
            self._fail(f"{name} takes no axis")
        return self.target.array(self.called.word, args, self.axis, self.position)

    def _folded(self, row: Primitive, args: Sequence[Any]) -> Any:
        answer = args[0]
        self.target.check_kinds(row, [answer], self.position)
        for arg in args[1:]:
            answer = self._emit(row, [answer, arg])
        return answer

    def _check_count(self, name: str, counts: Sequence[int], args: Sequence[Any], hint: str) -> None:
        if len(args) not in counts:
            wanted = " or ".join(map(str, counts))
            self._fail(f"{name} takes {wanted} argument{'s' * (wanted != '1')}, not {len(args)}", hint)

    def _check_orders(self, row: Primitive, args: Sequence[Any]) -> None:
        for place in row.orders:
            low = -self.limits.function_order if row.lowest is None else row.lowest
            what = f"the order of {row.name} is an integer constant, {low} to {self.limits.function_order}"
            if not low <= self._integer(args[place], what) <= self.limits.function_order:
                self._fail(what)

    def _integer(self, operand: Any, what: str) -> int:
        """The integer that an operand is; ParseError that says what it should be."""
        value = self.target.rational(operand)
        if not isinstance(value, int):
            self._fail(what)
        return value

    def _to_base(self, row: Primitive, x: Any, base: Any) -> Any:
        """A logarithm to any base, by the natural one unless the table has its own."""
        own = LOGARITHMS.get(value) if isinstance(value := self.target.rational(base), int) else None
        if own is not None:
            return self._emit(own, [x])
        return self._emit(DIV, [self._emit(row, [x]), self._emit(row, [base])])


def is_plain(token: Token) -> bool:
    """Whether a token is an integer of moderate size."""
    return isinstance(token.value, int) and token.value < LARGEST_INDEX


def index_part(token: Token, before: Sequence[str], text: str) -> str:
    """A token of an index, as text; ParseError if it cannot stand there."""
    if is_plain(token) and not (before and before[-1].isdigit()):
        return str(token.value)
    if token.kind == "operator" and token.text in (":", ",", "-"):
        return token.text
    reason = "this index is never closed" if token.kind == "end" else "a plain integer is wanted here"
    raise ParseError(reason, text=text, position=token.position)


def index_keys(parts: Sequence[str]) -> tuple[IndexKey, ...]:
    """The integers and slices that the parts of an index are; none where they are something else."""
    found = [INDEX.match(part) for part in "".join(parts).split(",")]
    return tuple(_key(*match.groups()) for match in found if match) if all(m and m[0] for m in found) else ()


def _key(start: str | None, colon: str | None, stop: str | None) -> IndexKey:
    if colon is None and start is not None:
        return int(start)
    return (None if start is None else int(start), None if stop is None else int(stop))

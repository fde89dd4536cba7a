"""What the names in a text mean: constants, variables and functions; and why a name is refused."""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import NamedTuple, NoReturn

from diffkit.core.builder import NAMED_CONSTANTS
from diffkit.core.errors import ParseError, VariableError, did_you_mean, listing
from diffkit.core.limits import Limits
from diffkit.core.program import Named
from diffkit.core.table import Primitive, table
from diffkit.core.table.array_table import array_table
from diffkit.core.text import names as variable_names
from diffkit.core.text.names import POWER_SIGN, Names, instead, power_of_e, undeclared, written_out
from diffkit.core.text.tokenizer import Token

PI = "π"
CONSTANTS_IN_TEXT = {**NAMED_CONSTANTS, "E": NAMED_CONSTANTS["e"], PI: NAMED_CONSTANTS["pi"]}


class CalledFunction(NamedTuple):
    """A function as text calls it: the row of numbers of that name, and the function of arrays (or an empty name)."""

    name: str
    row: Primitive | None
    word: str


class Vocabulary:
    """The names of one text.

    ``variables`` are all that there may be; without them ``given`` are names that are variables where they occur.
    ``functions`` are those that a name may hold by mistake, as cos2x does.
    """

    def __init__(
        self, text: str, variables: Names | None, limits: Limits, given: Collection[str], functions: frozenset[str]
    ):
        self.text, self.limits, self.functions = text, limits, functions
        self.declared = None if variables is None else variable_names.check_variables(variables, limits)
        self.given = frozenset(given if variables is None else ())

    def constant(self, token: Token) -> Named | None:
        """The constant that a name means, None of a variable; ParseError or VariableError if it is neither.

        Where nobody declared it, a run such as cos2x or pix is refused: it is more likely cos(2x) or pi*x.
        """
        name = token.text
        if name in self.given:
            if problem := variable_names.fault(name, self.limits):
                raise self._error(problem, token)
            return None
        if name in CONSTANTS_IN_TEXT:
            return CONSTANTS_IN_TEXT[name]
        if name in table.names:
            raise self._error(f"{name} is a function and needs its argument in parentheses", token, f"write {name}(x)")
        self._check_name(token)
        if self.declared is not None:
            self._unknown_variable(token)
        self._check_run(token)
        return None

    def function(self, token: Token, known: Container[str]) -> CalledFunction:
        """The function that a name with a parenthesis means, where some variables are ``known`` already."""
        name = token.text
        called = CalledFunction(name, table.names.get(name), array_table.names.get(name, ""))
        exists = called.row is not None or called.word
        if name in known or (name in self.given and not exists) or name in CONSTANTS_IN_TEXT:
            raise self._error(f"{name} is not a function", token, f"write {name}*(…) for a product")
        if not exists:
            hint = did_you_mean(name, (*table.names, *array_table.names))
            hint = hint or f"write {name[:9]}*(…) for a product; diffkit functions lists all"
            raise self._error(f"unknown function {name}" if len(name) <= 64 else "unknown function", token, hint)
        return called

    def _error(self, reason: str, token: Token, hint: str = "") -> ParseError:
        return ParseError(reason, hint=hint, text=self.text, position=token.position)

    def _check_name(self, token: Token) -> None:
        if problem := variable_names.fault(token.text, self.limits):
            raise self._error(problem, token)
        if variable_names.reserved(token.text):
            hint = f"to use it as one, declare it: variables=({token.text!r},)"
            raise self._error(f"{token.text} is not a variable here", token, hint)

    def _unknown_variable(self, token: Token) -> NoReturn:
        known = self.declared or ()
        hint = instead(token.text, known) or did_you_mean(token.text, known)
        hint = hint or f"the variables are {listing(known)}"
        raise VariableError(f"unknown variable {token.text}", hint=hint, text=self.text, position=token.position)

    def _check_run(self, token: Token) -> None:
        written = written_out(token.text, self.functions)
        if not written and POWER_SIGN.match(self.text, token.position + len(token.text)):
            written = power_of_e(token.text)
        if written:
            raise undeclared(token.text, written, self.text, token.position)

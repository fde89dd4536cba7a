"""Text of numbers to its Program, and whether a text is of arrays instead."""

from __future__ import annotations

from collections.abc import Collection

from diffkit.core.errors import ArrayTextError, DiffkitError, ParseError
from diffkit.core.limits import DEFAULT, Limits
from diffkit.core.program import Program
from diffkit.core.text.names import SCALAR_FUNCTIONS, Names, natural_order
from diffkit.core.text.parser import Parser
from diffkit.core.text.targets import NumbersTarget
from diffkit.core.text.tokenizer import tokenize
from diffkit.core.text.vocabulary import CONSTANTS_IN_TEXT, Vocabulary


def parse_program(
    text: str, variables: Names | None = None, limits: Limits = DEFAULT, given: Collection[str] = ()
) -> Program:
    """Read one expression; ParseError, LimitError or VariableError with the position if it cannot be read.

    Variables are the declared ones in their order, or the free names of the text in natural order. ``given`` are names
    that the caller uses elsewhere (in a point, for what is differentiated by): they are meant as variables, too.
    ArrayTextError where a part of it is an array.
    """
    if not isinstance(text, str):
        raise ParseError(f"an expression is text, not {type(text).__name__}")
    vocabulary = Vocabulary(text, variables, limits, given, SCALAR_FUNCTIONS)
    target = NumbersTarget(text, limits)
    parser = Parser(text, target, vocabulary, limits)
    answer = parser.parse()
    names = natural_order(parser.variables) if vocabulary.declared is None else vocabulary.declared
    return target.builder.program([answer], names)


def variables_in(text: str) -> frozenset[str]:
    """Names that a text may have for variables: those without a parenthesis that are no constants; none of bad text."""
    try:
        return frozenset(t.text for t in tokenize(text, DEFAULT) if t.kind == "name") - CONSTANTS_IN_TEXT.keys()
    except ParseError:
        return frozenset()


def holds_arrays(text: str) -> bool:
    """Whether a text is of arrays, as seen by reading it: it has ``@``, an array, an index, ``.T`` or sum(…).

    Whatever its names are; a text that cannot be read as far as that is none.
    """
    try:
        parse_program(text, given=variables_in(text))
    except ArrayTextError:
        return True
    except DiffkitError:
        pass
    return False

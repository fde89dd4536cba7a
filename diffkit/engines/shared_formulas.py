"""Formulas that are too long for people, in shared form: what occurs more than once is written once and has a name."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

from diffkit.core.program import Program
from diffkit.core.table import Primitive
from diffkit.core.text import format_outputs
from diffkit.engines.notation import Language
from diffkit.engines.statements import Statements

_LONGEST_WHOLE = 2_000  # characters of one formula that are written as they are


class FormulaTexts(tuple[str, ...]):
    """A formula for each output; ``definitions`` say what the names in them stand for that are no variables.

    They are in the order in which one is needed by the next.
    """

    definitions: tuple[tuple[str, str], ...] = ()


class _PlainText(Language):
    """The text that diffkit reads."""

    key, title = "text", "text"
    evaluated = names_truths = False
    least: ClassVar[int] = 3

    @classmethod
    def usual(cls, row: Primitive) -> str:
        """Its own name."""
        return row.name

    @classmethod
    def function(cls, row: Primitive) -> str:
        """Its own name."""
        return row.name

    @classmethod
    def has(cls, row: Primitive) -> bool:  # noqa: ARG003
        """Everything can be written."""
        return True


def formula_texts(program: Program) -> FormulaTexts:
    """Give the outputs as text, in shared form if one of them is longer than people read."""
    whole = format_outputs(program, _LONGEST_WHOLE)
    if all(len(text) < _LONGEST_WHOLE for text in whole):
        return FormulaTexts(whole)
    free = (name for k in count(1) if (name := f"t{k}") not in program.inputs)
    written = Statements(program, _PlainText, program.inputs, free)
    found = FormulaTexts(written.outputs)
    found.definitions = tuple((statement.name, statement.text) for statement in written.found)
    return found

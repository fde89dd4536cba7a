"""What a notebook shows of an answer: the report on it as a part of a page, as Markdown, or as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from diffkit.asking.expressions import Expression
from diffkit.core.errors import DiffkitError
from diffkit.core.results import Result
from diffkit.core.surroundings import undisturbed
from diffkit.core.text.mathml import mathml
from diffkit.methods.derivative_code import DerivativeCode
from diffkit.reports import document_of, html, latex_display, markdown
from diffkit.reports.document import Block, Equation, Note, Shown, Table

_NOTEBOOK_FORMATS = {"html": html.render_part, "markdown": markdown.render, "latex": latex_display.render}
"""Format → how a document is written in it"""

_MOST_COMPONENTS = 20_000  # of a result that is laid out at all
_ROWS_AT_EACH_END = 20  # of a table


class _Excerpt(Shown):
    """A document as it is shown, of whose long tables the middle is left out."""

    def blocks(self) -> Iterator[Block]:
        """The report for people."""
        for is_line, run in groupby(super().blocks(), lambda block: isinstance(block, Equation)):
            found = list(run)
            yield from _ends(found) if is_line else map(_shortened, found)


def _ends(lines: list[Block]) -> Iterator[Block]:
    """Lines that follow each other, without the middle."""
    left_out = len(lines) - 2 * _ROWS_AT_EACH_END
    yield from lines[:_ROWS_AT_EACH_END] if left_out > 0 else lines
    if left_out > 0:
        yield Note(f"… {left_out:,} more …")
        yield from lines[-_ROWS_AT_EACH_END:]


def _shortened(block: Block) -> Block:
    if not isinstance(block, Table) or len(block.rows) <= 2 * _ROWS_AT_EACH_END:
        return block
    left_out = (f"… {len(block.rows) - 2 * _ROWS_AT_EACH_END:,} more …", *("…" for _ in block.header[1:]))
    return block._replace(rows=(*block.rows[:_ROWS_AT_EACH_END], left_out, *block.rows[-_ROWS_AT_EACH_END:]))


@undisturbed()
def fragment(answer: Any, format: str) -> str | None:
    """Give an answer as a notebook shows it, or None where it has no such form: a notebook then takes another."""
    try:
        if isinstance(answer, Expression):
            return _typeset(answer, format)
        if format == "latex" and (own := _own_latex(answer)):
            return own
        if isinstance(answer, Result) and len(answer.flat) > _MOST_COMPONENTS:
            return None
        return _NOTEBOOK_FORMATS[format](_Excerpt(document_of(answer)))
    except DiffkitError:  # such as a formula that is too long for LaTeX
        return None


def _typeset(expression: Expression, format: str) -> str:
    """An expression is its formula."""
    return mathml(expression.latex, display=True) if format == "html" else latex_display.inline(expression.latex)


def _own_latex(answer: Any) -> str | None:
    """The LaTeX that an answer consists of: a derivation, a formula for any size, code in LaTeX."""
    if isinstance(answer, DerivativeCode):
        return latex_display.display(answer.source) if answer.language == "latex" else None
    own = getattr(answer, "latex", None)
    return own and latex_display.display(own)


__all__ = ["fragment"]

"""LaTeX for a notebook: a report as one display, of what both LaTeX and MathJax know.

Formulas and numbers are mathematics, words are text, and a table is an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from diffkit.core.errors import DiffkitError
from diffkit.core.named_components import key_of
from diffkit.core.program import Constant, Named
from diffkit.core.text import parse_program
from diffkit.core.text.bindings import ATOM_BINDING, PRODUCT_BINDING, SUM_BINDING
from diffkit.core.text.latex import Latex, latex, latex_name
from diffkit.core.text.printer import Slots, format_constant
from diffkit.reports.document import Block, Document, Equation, Gap, Heading, Listing, Table, line

_LONGEST_PARSED = 2_000  # characters of what is read as a formula
_WRITTEN_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?:e([+-]?\d+))?\Z")
_QUOTIENT_LABEL = re.compile(r"([d∂])[⁰¹²³⁴-⁹]*(f\d*)/\S+\Z")
_CALL_LABEL = re.compile(r"(f\d*)\(([\w, ]*)\)\Z")
_VARIABLE = re.compile(r"[A-Za-z]_?\d*\Z")
_FORMULA = re.compile(r"-?[\w.()]+(?: ?(?:[-+*/^]|\*\*|,) ?[-\w.()]+)+\Z|[a-z]\w*\([-\w.()]+\)\Z", re.ASCII)
_WITH_DECIMALS = re.compile(r"\d\.\d|\de-?\d")
_COMPOUND_WORD = re.compile(r"[A-Za-z]-[A-Za-z]")
_SPECIAL_SIGNS = {"\\": "\\backslash ", "^": "{}^{\\wedge}", "~": "\\sim "}
_SPECIAL_RUN = re.compile(r"([\\^~_%#&${}])")


def render(document: Document) -> str:
    """Give the document as a display."""
    rows = [words(document.title, "textbf"), *(row for block in document.blocks() for row in _rows(block))]
    return f"$$\n{_array(rows, 'l')}\n$$"


def inline(formula: str) -> str:
    """A formula in a line of text, as large as in a display."""
    return f"$\\displaystyle {formula}$"


def display(formula: str) -> str:
    """A formula by itself; an environment that is a display already stays as it is, without what stands before it."""
    _, environment, lines = formula.partition("\\begin{align")
    return environment + lines if environment else f"$$\n{formula}\n$$"


def _array(rows: list[str], columns: str) -> str:
    return f"\\begin{{array}}{{{columns}}}\n" + " \\\\\n".join(rows) + "\n\\end{array}"


def _rows(block: Block) -> Iterator[str]:
    if isinstance(block, Equation):
        remark = f" \\quad {words(block.remark)}" if block.remark else ""
        right = _mathematics(block.right, label(block.left) is not None)
        yield (block.latex or f"{_label(block.left)} = {right}") + remark
    elif isinstance(block, Table):
        cells = ((_mathematics(cell, k in block.formulas) for k, cell in enumerate(row)) for row in block.rows)
        header, *rows = " & ".join(map(_label, block.header)), *map(" & ".join, cells)
        yield _array([header + " \\\\ \\hline" if not rows else f"{header} \\\\ \\hline {rows[0]}", *rows[1:]],
                     "l" * len(block.header))  # fmt: skip
    elif isinstance(block, Listing):
        yield from map(words, block.lines)
    elif not isinstance(block, Gap):
        yield words(line(block), "textbf" if isinstance(block, Heading) else "text")


def words(text: str, style: str = "text") -> str:
    """Text in mathematics: signs that LaTeX reads otherwise stand between its parts."""
    parts = filter(None, _SPECIAL_RUN.split(text))
    return "".join(_SPECIAL_SIGNS.get(p, f"\\{p}") if _SPECIAL_RUN.match(p) else f"\\{style}{{{p}}}" for p in parts)


def _label(text: str) -> str:
    """A label as mathematics; anything else is words."""
    return label(text) or words(text)


def label(text: str) -> str | None:
    """A partial, f with its variables, or the name of one variable as LaTeX; None for anything else."""
    if partial := _QUOTIENT_LABEL.match(text):
        return _quotient(text, *partial.groups())
    if call := _CALL_LABEL.match(text):
        return f"{latex_name(call[1])}({', '.join(map(latex_name, call[2].split(', ')))})"
    return latex_name(text) if _VARIABLE.match(text) else None


def _mathematics(text: str, may_be_formula: bool) -> str:
    """A number, a formula or a label as LaTeX; anything else is words."""
    return number(text) or (formula(text) if may_be_formula else None) or _label(text)


def number(text: str) -> str | None:
    """A number as LaTeX, with all of its digits; None for anything else."""
    found = _WRITTEN_NUMBER.match(text)
    return found and found[1] + (f" \\cdot 10^{{{int(found[2])}}}" if int(found[2] or 0) else "")


def formula(text: str) -> str | None:
    """A formula as LaTeX; None for anything else, and for what is too long to be looked at."""
    if len(text) > _LONGEST_PARSED or not _FORMULA.match(text) or _COMPOUND_WORD.search(text) or number(text):
        return None
    try:
        program = parse_program(text)
        return AsTyped(Slots(program), {}).write(program.outputs[0]) if _WITH_DECIMALS.search(text) else latex(program)
    except DiffkitError:
        return None


class AsTyped(Latex):
    """How a formula with decimals is written: 0.1 stays what it is, and is no fraction."""

    def constant(self, value: Constant) -> tuple[str, int]:
        """A constant, and how tightly it binds."""
        written = number(format_constant(value)[0]) if isinstance(value, Fraction) else None
        if written is None or isinstance(value, Named):
            return super().constant(value)
        return written, SUM_BINDING if value < 0 else PRODUCT_BINDING if "\\cdot" in written else ATOM_BINDING


def _quotient(label: str, sign: str, f: str) -> str:
    """∂²f/∂x∂y as a fraction."""
    key = key_of(label)
    names = [key] if isinstance(key, str) else list(key)[f != "f" :]
    d = "\\partial " if sign == "∂" else "d"
    power = f"^{{{len(names)}}}" if len(names) > 1 else ""
    counts = {name: names.count(name) for name in names}
    below = " \\, ".join(f"{d}{latex_name(name)}" + (f"^{{{n}}}" if n > 1 else "") for name, n in counts.items())
    return f"\\frac{{{d.strip()}{power} {latex_name(f)}}}{{{below}}}"


__all__ = ["display", "formula", "inline", "label", "number", "render", "words"]

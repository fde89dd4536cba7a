"""HTML: one page that needs nothing else, with tables for everything and figures where matplotlib is there."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import escape
from importlib.resources import files
from itertools import count
from zlib import crc32

from diffkit import __version__
from diffkit.core.errors import DiffkitError
from diffkit.core.text.mathml import mathml
from diffkit.reports import latex_display, pictures
from diffkit.reports.document import Block, Document, Equation, Heading, Listing, Note, Table, rounded
from diffkit.reports.glossary import TERMS, UsedTerms, names_of_variables
from diffkit.reports.pictures.charts import NO_FIGURES, Chart, svg

_PICTURE_FORMAT = "png"  # a map of contours takes ten times as much as SVG
_PICTURE_DPI = 90
_SHORT_CELL = '<td class="short">'
_LONGEST_FORMULA_SHOWN = 300  # characters of a line as text; longer ones are text, which breaks into lines
_UNBROKEN = 28  # characters up to which a cell is short: a number, a name


def render(document: Document, terminal: bool = False) -> str:  # noqa: ARG001
    """Give the document as a page."""
    title = escape(document.title)
    blocks = list(document.blocks())
    used = UsedTerms(names_of_variables(blocks))
    body = "\n".join([*_blocks(blocks, used), *_charts(list(document.charts()), used), *_words(used)])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} – diffkit</title>
<style>
{_page_style()}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
<footer><p>diffkit {__version__}</p></footer>
</body>
</html>
"""


def render_part(document: Document) -> str:
    """Give the document to stand within a page of others: with a style that holds there alone, and names of its own.

    The words of the glossary are not explained: what stands beside it is no page of diffkit's.
    """
    blocks = list(document.blocks())
    mark = f"diffkit-{crc32(repr((document.title, blocks)).encode('utf-8', 'replace')):08x}-"
    used = UsedTerms()
    used.found.extend(TERMS.values())
    body = [*_blocks(blocks, used, mark), *_picture(document), *_charts(list(document.charts()), used, mark)]
    lines = [f"<style>{_style_of_parts()}</style>", '<div class="diffkit-report">',
             f"<p><b>{escape(document.title)}</b></p>", *body, "</div>"]  # fmt: skip
    return "\n".join(lines)


def _page_style() -> str:
    return files("diffkit.reports").joinpath("page.css").read_text(encoding="utf-8")


def _style_of_parts() -> str:
    """The style of a page, of which everything is nested in one class, and the page itself is what has that.

    The class stands twice, and rows are cleared first, so that what a notebook says of tables does not mix in.
    """
    nested = re.sub(r"(?m)^( *):root\b|^body\b", r"\1&", _page_style())
    cleared = "table { color: inherit; } tbody tr { background: none; }"
    return f".diffkit-report.diffkit-report {{ padding: .5rem; {cleared}\n{nested}}}"


def _blocks(blocks: Sequence[Block], used: UsedTerms, mark: str = "") -> Iterator[str]:
    """Give each block as an element; a table right under a heading is named by it. Ids begin with the ``mark``."""
    numbers = count(1)
    above = ""
    for block in blocks:
        name, above = above, ""
        if isinstance(block, Heading):
            above = f"{mark}part-{next(numbers)}"
            yield f'<h2 id="{above}">{_marked(block.text, used)}</h2>'
        elif isinstance(block, Table):
            yield _table(block, f' aria-labelledby="{name}"' if name else ' aria-label="table"', used)
        elif isinstance(block, Equation):
            remark = f" <span>{_marked(block.remark, used)}</span>" if block.remark else ""
            yield _equation(block, remark)
        elif isinstance(block, Note):
            yield f"<p>{_marked(block.text, used)}</p>"
        elif isinstance(block, Listing):
            code = "\n".join(block.lines)
            shown = _formula(code, display=True) if block.language == "latex" else None
            yield (f'<div class="wide">{shown}</div>\n' if shown else "") + f"<pre><code>{escape(code)}</code></pre>"


def _equation(block: Equation, remark: str) -> str:
    """A line: formulas and labels are mathematics, as far as they are short; numbers stay text, to be copied."""
    typed = f"{block.left} = {block.right}"
    if len(typed) <= _LONGEST_FORMULA_SHOWN:
        title = f' class="formula" title="{escape(typed)}"'
        label = latex_display.label(block.left)
        formula = label and latex_display.formula(block.right)
        whole = block.latex or (f"{label} = {formula}" if label and formula else "")
        if whole and (shown := _formula(whole)):
            return f"<p{title}>{shown}{remark}</p>"
        left, right = (_formula(part) if part else None for part in (label, formula))
        if left or right:
            left, right = (
                left or f"<code>{escape(block.left)}</code>",
                right or f"<code><b>{escape(block.right)}</b></code>",
            )
            return f"<p{title}>{left} = {right}{remark}</p>"
    return f"<p><code>{escape(block.left)} = <b>{escape(block.right)}</b></code>{remark}</p>"


def _formula(latex: str, display: bool = False) -> str | None:
    """A formula as MathML; None where it is nested too deeply."""
    try:
        return mathml(latex, display)
    except DiffkitError:
        return None


def _cell(text: str, may_be_formula: bool) -> str:
    """What stands in a cell: a formula, or text."""
    may_be_formula = may_be_formula and len(text) <= _LONGEST_FORMULA_SHOWN
    formula = latex_display.formula(text) if may_be_formula else None
    return (formula and _formula(formula)) or escape(text)


def _marked(text: str, used: UsedTerms) -> str:
    """Text in which each word of the glossary leads, where the page uses it first, to its meaning below."""
    return "".join(
        escape(part) if term is None
        else f'<a class="word" href="#{escape(term.anchor)}" title="{escape(term.meaning)}">{escape(part)}</a>'
        for part, term in used.first_uses(text)
    )  # fmt: skip


def _words(used: UsedTerms) -> Iterator[str]:
    """The words that the page used, with their meanings."""
    if used.found:
        yield '<h2 id="words">Words</h2>'
        yield '<dl aria-labelledby="words">'
        for term in used.found:
            meaning = escape(f"{term.meaning} {term.more}".rstrip())
            yield f'<dt id="{escape(term.anchor)}">{escape(term.word)}</dt><dd>{meaning}</dd>'
        yield "</dl>"


def _table(table: Table, name: str, used: UsedTerms) -> str:
    head = "".join(f'<th scope="col">{_marked(cell, used)}</th>' for cell in table.header)
    lines = [
        f'<div class="wide" role="region" tabindex="0"{name}>',
        "<table>",
        f"<thead><tr>{head}</tr></thead>",
        "<tbody>",
    ]
    for first, *rest in table.rows:
        cells = "".join(
            f"{_SHORT_CELL if len(cell) <= _UNBROKEN else '<td>'}{_cell(cell, k in table.formulas)}</td>"
            for k, cell in enumerate(rest, 1)
        )
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>", "</div>"])


def _picture(document: Document) -> Iterator[str]:
    """What is drawn of the document, as an image in the page; nothing where it cannot be drawn."""
    drawing = document.picture()
    if drawing is not None:
        with suppress(DiffkitError):  # such as that of three variables, or without matplotlib
            data = b64encode(pictures.image(*drawing, f"picture.{_PICTURE_FORMAT}", _PICTURE_DPI)).decode()
            source = f"data:image/{_PICTURE_FORMAT};base64,{data}"
            yield f'<figure><img src="{source}" alt="{escape(document.title)}: picture"/></figure>'


def _charts(charts: list[Chart], used: UsedTerms, mark: str = "") -> Iterator[str]:
    drawn = [svg(chart, f"{mark}figure-{k}") for k, chart in enumerate(charts, 1)]
    if None in drawn:
        yield f"<p>{escape(NO_FIGURES)}</p>"
    for k, (chart, picture) in enumerate(zip(charts, drawn, strict=True), 1):
        name = f"{mark}figure-{k}-title"
        yield f'<h2 id="{name}">{_marked(chart.title, used)}</h2>'
        yield f"<p>{_marked(chart.about, used)}</p>"
        numbers = _table(_numbers(chart), f' aria-labelledby="{name}"', used)
        if picture is not None:
            yield f"<figure>{picture}</figure>"
        opened = " open" if picture is None else ""
        yield f"<details{opened}><summary>The numbers of this figure</summary>\n{numbers}\n</details>"


def _numbers(chart: Chart) -> Table:
    """Give what a chart shows as a table."""
    rows = [
        (x if isinstance(x, str) else rounded(x), *(rounded(series.y[k]) for series in chart.series))
        for k, x in enumerate(chart.x)
    ]
    return Table((chart.x_label, *(series.name for series in chart.series)), tuple(rows))

"""Readable text: plain lines and aligned columns; on a terminal as wide as it is, and no number over two lines."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from diffkit.reports.document import Block, Document, Equation, Heading, Listing, Note, Table, line

_NARROWEST_TERMINAL = 40
_INDENT = "  "  # of the lines that continue one
_COLUMN_GAP = "  "  # columns
_BOLD, _DIM, _END = "\x1b[1m", "\x1b[2m", "\x1b[0m"
STYLE = re.compile(r"\x1b\[\dm")
_WORD_BREAKS = re.compile(r"(?<=[^=±] )(?=[^ =±])")  # where a line may break: “x = 1” is one word
_SYMBOL_BREAKS = re.compile(r"(?<=[^*]\*)(?!\*)|(?<=[/,( ])|(?<=[^\x1b]\[)")  # where a word wider than a line may break


def render(document: Document, terminal: bool = False) -> str:
    """Give the document as plain text, or for a terminal: in lines that fit, with what matters in bold."""
    width = _terminal_columns() if terminal else None
    lines = [text for block in document.blocks() for text in _lines(block, width)]
    text = "\n".join(lines).rstrip() + "\n"
    plain = not terminal or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return STYLE.sub("", text) if plain else text


def _terminal_columns() -> int:
    from shutil import get_terminal_size

    return max(_NARROWEST_TERMINAL, get_terminal_size().columns)


def _lines(block: Block, width: int | None) -> list[str]:
    """A block as lines; NO_COLOR and pipes have the styles taken out again."""
    if isinstance(block, Table):
        return _table(_only(block, block.brief) if block.brief else block, width)
    if isinstance(block, Listing):
        return list(block.lines)
    if isinstance(block, Equation):
        remark = f"  {_DIM}{block.remark}{_END}" if block.remark else ""
        return wrapped(f"{block.left} = {_BOLD}{block.right}{_END}{remark}", width, _INDENT)
    style = _BOLD if isinstance(block, Heading) else _DIM if isinstance(block, Note) else ""
    return wrapped(f"{style}{line(block)}{_END if style else ''}", width, _INDENT)


def _only(table: Table, kept: Sequence[int]) -> Table:
    """Keep some columns."""
    header, *rows = (tuple(row[c] for c in kept) for row in (table.header, *table.rows))
    return Table(header, tuple(rows))


def wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    """Break a line between words, and between symbols a word that is wider; one number or name is never broken."""
    if width is None or size(text) <= width:
        return [text]
    lines: list[str] = []
    start = ""
    for word in _WORD_BREAKS.split(text):
        for part in [word] if size(word.rstrip()) <= width - len(indent) else _SYMBOL_BREAKS.split(word):
            if size(start.strip()) and size(start + part.rstrip()) > width:
                lines.append(start.rstrip())
                start = indent
            start += part
    return [*lines, start.rstrip()]


def size(text: str) -> int:
    """Columns that a text takes on a terminal."""
    seen = STYLE.sub("", text)
    if seen.isascii():
        return len(seen)
    return sum(2 if east_asian_width(c) in "WF" else not combining(c) for c in seen)


def _table(table: Table, width: int | None) -> list[str]:
    """A table in aligned columns; too wide, its cells are wrapped, or its columns are split over several tables."""
    widths = [max(map(size, column)) for column in _columns(table)]
    if width is None or _whole(widths) <= width:
        return _aligned(table, widths)
    least = [max(map(_longest, column)) for column in _columns(table)]
    if len(least) > 2 and _whole(least) > width:
        return _split(table, width)
    least[0] = min(least[0], width // 2)
    least[-1] = max(1, min(least[-1], width - _whole(least[:-1]) - len(_COLUMN_GAP)))
    while _whole(widths) > width and widths != least:
        widest = max((c for c in range(len(widths)) if widths[c] > least[c]), key=widths.__getitem__)
        widths[widest] -= 1
    return _aligned(table, widths)


def _split(table: Table, width: int) -> list[str]:
    """The columns in several tables, each with the first one, or with numbers of the rows if that repeats itself."""
    if len({row[0] for row in table.rows}) < len(table.rows):
        rows = tuple((str(k), *row) for k, row in enumerate(table.rows, 1))
        return _table(Table(("#", *table.header), rows), width)
    wanted = [max(_longest(title), *map(size, cells)) for title, *cells in _columns(table)]
    parts = [[0, 1]]
    for c in range(2, len(wanted)):
        if _whole([wanted[k] for k in (*parts[-1], c)]) <= width:
            parts[-1].append(c)
        else:
            parts.append([0, c])
    found = (_table(_only(table, part), width) for part in parts)
    return [text for lines in found for text in (*lines, "")][:-1]


def _longest(text: str) -> int:
    """The width of the widest word."""
    return max(size(word.rstrip()) for word in _WORD_BREAKS.split(text))


def _columns(table: Table) -> list[tuple[str, ...]]:
    return list(zip(table.header, *table.rows, strict=True))


def _whole(widths: Sequence[int]) -> int:
    """The width of a table."""
    return sum(widths) + len(_COLUMN_GAP) * (len(widths) - 1)


def _aligned(table: Table, widths: Sequence[int]) -> list[str]:
    header, *rows = (_row(row, widths) for row in (table.header, *table.rows))
    return [*(f"{_BOLD}{text}{_END}" for text in header), *(text for row in rows for text in row)]


def _row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """A row of cells as one line, or as many as its highest cell."""
    cells = [wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    return [
        _COLUMN_GAP.join(
            _padded(cell[k] if k < len(cell) else "", w) for cell, w in zip(cells, widths, strict=True)
        ).rstrip()
        for k in range(max(map(len, cells)))
    ]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - size(text))

"""Readable text: plain lines and aligned columns, or rich tables on a terminal."""

from __future__ import annotations

from diffkit.reports.blocks import Block, Equation, Gap, Heading, Table, line
from diffkit.reports.model import Document


def render(document: Document, terminal: bool = False) -> str:
    """Give the document as plain text, or styled for a terminal."""
    laid_out = [_brief(block) if isinstance(block, Table) else block for block in document.blocks()]
    return (_rich(laid_out) if terminal else _plain(laid_out)).rstrip() + "\n"


def _brief(table: Table) -> Table:
    """Keep the columns that a line of text has room for."""
    if not table.brief:
        return table
    header, *rows = (tuple(row[c] for c in table.brief) for row in (table.header, *table.rows))
    return Table(header, tuple(rows))


def _plain(laid_out: list[Block]) -> str:
    lines: list[str] = []
    for block in laid_out:
        if isinstance(block, Table):
            lines += align(block)
        else:
            lines.append(line(block))
    return "\n".join(lines)


def align(table: Table) -> list[str]:
    """Give a table as lines with columns padded to one width."""
    rows = [table.header, *table.rows]
    widths = [max(len(row[c]) for row in rows) for c in range(len(table.header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _rich(laid_out: list[Block]) -> str:
    import io
    import shutil

    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=True, width=max(60, shutil.get_terminal_size().columns), highlight=False
    )
    for block in laid_out:
        if isinstance(block, Table):
            grid = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
            for name in block.header:
                grid.add_column(Text(name), overflow="fold")
            for row in block.rows:
                grid.add_row(*(Text(cell) for cell in row))
            console.print(grid)
        elif isinstance(block, Equation):
            text = Text(f"{block.left} = ")
            text.append(block.right, style="bold")
            console.print(text.append(f"  {block.remark}" if block.remark else "", style="dim"), soft_wrap=True)
        elif isinstance(block, Gap):
            console.print()
        elif isinstance(block, Heading):
            console.print(Text(block.text, style="bold"), soft_wrap=True)
        else:
            console.print(Text(line(block)), style="dim", soft_wrap=True)
    return stream.getvalue()

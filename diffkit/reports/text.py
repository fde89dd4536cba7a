"""Readable text: plain lines and aligned columns, or rich tables on a terminal."""

from __future__ import annotations

from diffkit.reports.model import Block, Equation, Gap, Note, Report, Table, blocks


def render(report: Report, terminal: bool = False) -> str:
    """Give the report as text for people."""
    return lay(list(blocks(report)), terminal)


def lay(laid_out: list[Block], terminal: bool = False) -> str:
    """Give blocks as plain text, or styled for a terminal."""
    return (_rich(laid_out) if terminal else _plain(laid_out)).rstrip() + "\n"


def _plain(laid_out: list[Block]) -> str:
    lines: list[str] = []
    for block in laid_out:
        if isinstance(block, Table):
            lines += align(block)
        else:
            lines.append(line(block))
    return "\n".join(lines)


def line(block: Block) -> str:
    """Give a block that is one line."""
    if isinstance(block, Equation):
        return f"{block.left} = {block.right}" + (f"  {block.remark}" if block.remark else "")
    return block.text if isinstance(block, Note) else ""


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
            grid = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
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
        else:
            console.print(Text(line(block)), style="dim", soft_wrap=True)
    return stream.getvalue()

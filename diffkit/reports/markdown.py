"""Markdown: equations as code, tables as tables."""

from __future__ import annotations

from diffkit.reports.blocks import Equation, Heading, Table, line
from diffkit.reports.model import Document


def render(document: Document, terminal: bool = False) -> str:  # noqa: ARG001
    """Give the document as Markdown."""
    lines = [f"# {escape(document.title)}", ""]
    for block in document.blocks():
        if isinstance(block, Table):
            lines += ["", *table(block), ""]
        elif isinstance(block, Equation):
            lines.append(f"- `{block.left} = {block.right}`" + (f" {block.remark}" if block.remark else ""))
        elif isinstance(block, Heading):
            lines += ["", f"## {escape(block.text)}", ""]
        else:
            lines += ["", escape(line(block)), ""]
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"


def table(block: Table) -> list[str]:
    """Give a table as Markdown lines."""
    rows = [block.header, tuple("---" for _ in block.header), *block.rows]
    return ["| " + " | ".join(row if row == "---" else escape(row) for row in cells) + " |" for cells in rows]


def escape(text: str) -> str:
    """Keep Markdown from reading * _ | and < as its own."""
    for character in "\\`*_|<":
        text = text.replace(character, "\\" + character)
    return text

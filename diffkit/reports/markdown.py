"""Markdown: equations as code, tables as tables, and at the end the words of the glossary that were used."""

from __future__ import annotations

import re

from diffkit.reports.document import Document, Equation, Heading, Listing, Table, line
from diffkit.reports.glossary import UsedTerms, names_of_variables, words_of

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "~": "&#126;", "$": "&#36;", ":": "&#58;", "@": "`@`"}
"""What a backslash does not stop everywhere; an address stays one even then, unless its @ is code"""
SPECIAL = re.compile(
    r"[\\`*_\[\]{}|&<~$]|(?<=\])\(|^>"
    r"|^[#+=-](?=[\s#+=-]|$)|^\d+[.)](?=\s|$)"  # headings, lists, underlines
    r"|:(?=//)|(?<=mailto):|(?<=xmpp):|@(?=\w)"  # addresses
    r"|(?<=\w)\.(?=[^\W\d])|(?<=www)\.",  # names of hosts
    re.IGNORECASE,
)


def render(document: Document, terminal: bool = False) -> str:  # noqa: ARG001
    """Give the document as Markdown."""
    lines = [f"# {escape(document.title)}", ""]
    blocks = list(document.blocks())
    used = UsedTerms(names_of_variables(blocks))
    for block in blocks:
        for text in words_of(block):
            used.look(text)
        if isinstance(block, Table):
            lines += ["", *table(block), ""]
        elif isinstance(block, Equation):
            lines.append(f"- {code(f'{block.left} = {block.right}')}" + f" {escape(block.remark)}".rstrip())
        elif isinstance(block, Listing):
            lines += ["", *listing(block), ""]
        elif isinstance(block, Heading):
            lines += ["", f"## {escape(block.text)}", ""]
        else:
            lines += ["", escape(line(block)), ""]
    if used.found:
        lines += ["", "## Words", "", *(f"- {escape(t.word)}: {escape(t.meaning)}" for t in used.found)]
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"


def table(block: Table) -> list[str]:
    """Give a table as Markdown lines."""
    rows = [block.header, tuple("---" for _ in block.header), *block.rows]
    return ["| " + " | ".join(row if row == "---" else escape(row) for row in cells) + " |" for cells in rows]


def listing(block: Listing) -> list[str]:
    """Give code in a fence that it does not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", "\n".join(block.lines))), default=0))
    return [f"{fence}{block.language}", *block.lines, fence]


def escape(text: str) -> str:
    """Keep Markdown, and what hosts add to it, from reading anything but words: no marks, HTML, links or formulas."""
    return SPECIAL.sub(lambda found: _ESCAPES.get(found[0]) or f"{found[0][:-1]}\\{found[0][-1]}", text.strip())


def code(text: str) -> str:
    """Give text as a span of code, whatever backticks it holds."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if text.startswith("`") or text.endswith("`") else f"{fence}{text}{fence}"

"""The man page diffkit(1), written from the help of the commands: roff by the macros of man(7)."""

from __future__ import annotations

import re
from typing import Any

_EXIT_CODES = {
    "0": "all is well",
    "1": "the answer is no: methods disagree, not differentiable, outside the domain, uncertain, or out of time",
    "2": "the input is bad or the output cannot be written",
    "130": "interrupted",
    "141": "the reader of the output went away",
}
_EXAMPLES = {"\b", "\\b"}
"""click's mark for lines that are shown as they are"""


def page(cli: Any, version: str, date: str) -> str:
    """Give the page of a group of commands."""
    lines = [
        f'.TH DIFFKIT 1 "{date}" "diffkit {version}" "User Commands"',
        ".SH NAME", r"diffkit \- is this derivative right?",
        ".SH SYNOPSIS", r".B diffkit", r"\fICOMMAND\fR [\fIARGUMENTS\fR] [\fIOPTIONS\fR]",
        ".SH DESCRIPTION", _text(cli.help or ""),
        ".PP", "Text is read, never executed. Code is imported where it is named on purpose, as MODULE:NAME, and nowhere else.",
        ".SH COMMANDS",
    ]  # fmt: skip
    for name, command in sorted(cli.commands.items()):
        if not command.hidden:
            lines += _command(name, command)
    lines += [".SH EXIT STATUS"]
    for code, meaning in _EXIT_CODES.items():
        lines += [".TP", rf"\fB{code}\fR", _text(meaning)]
    lines += [".SH SEE ALSO", _text("The documentation: docs/index.md of the source distribution.")]
    return "\n".join(lines) + "\n"


def _command(name: str, command: Any) -> list[str]:
    """The part about a command."""
    import click

    inside = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(inside))
    lines = [f".SS diffkit {name} {_text(usage)}"]
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
        mark, _, examples = paragraph.strip().partition("\n")
        if mark in _EXAMPLES:
            lines += [".PP", ".nf", *(f"    {_text(line.strip())}" for line in examples.splitlines()), ".fi"]
        else:
            lines += [".PP", _text(" ".join(paragraph.split()))]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            names = ", ".join(rf"\fB{_text(option)}\fR" for option in (*parameter.opts, *parameter.secondary_opts))
            value = rf" \fI{_text(parameter.metavar)}\fR" if parameter.metavar else ""
            lines += [".TP", names + value, _text(parameter.help or "")]
    return lines


def _text(text: str) -> str:
    """Text with what roff would take for its own: backslashes, hyphens of options, and a dot or quote in front."""
    found = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("^", r"\(ha").replace("~", r"\(ti")
    return rf"\&{found}" if found.startswith(".") else found

"""The help of commands: usage, prose, and lists of options as wide as the terminal, at most 80 columns."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Mapping
from inspect import cleandoc

from diffkit.cli.command_line import HELP, Command, Option

_WIDEST, _NARROWEST = 78, 50
_WIDEST_TERM = 30  # columns of what is listed, unless it is longer
VERBATIM = "\b\n"
"""what begins a paragraph that is shown as it is"""


def help_of(command: Command) -> str:
    """The help of a command."""
    words = " ".join(("[OPTIONS]", *(argument.metavar for argument in command.arguments)))
    options = [(_spelled(o), _meaning(o)) for o in command.options if not o.hidden]
    return _page(command.path, words, command.help, ("Options", options))


def help_of_all(summary: str, commands: Mapping[str, Command], epilog: str) -> str:
    """The help of the whole: a line for each command."""
    widest = max(map(len, commands))
    listed = [(name, _first(command.help, _width() - 6 - widest)) for name, command in sorted(commands.items())]
    options: list[tuple[str, str]] = [("--version", "Show the version and exit.")]
    page = _page("diffkit", "[OPTIONS] [COMMAND] [ARGS]...", summary, ("Options", options), ("Commands", listed))
    return f"{page}\n{textwrap.indent(_wrapped(epilog, _width() - 2), '  ')}\n"


def usage(command: Command) -> str:
    """How a command is called."""
    return " ".join((command.path, "[OPTIONS]", *(argument.metavar for argument in command.arguments)))


def paragraphs(text: str) -> list[tuple[bool, str]]:
    """The paragraphs of a docstring, and whether each is to be shown as it is."""
    found = re.split(r"\n\s*\n", cleandoc(text).strip())
    return [(one.startswith(VERBATIM), one.removeprefix(VERBATIM)) for one in found]


def _page(path: str, words: str, text: str, *lists: tuple[str, list[tuple[str, str]]]) -> str:
    start = f"Usage: {path} "
    lines = [textwrap.fill(words, _width(), initial_indent=start, subsequent_indent=" " * len(start))]
    lines += ["", textwrap.indent(_wrapped(text, _width() - 2), "  ")]
    for title, rows in lists:
        ending = [(", ".join(HELP), "Show this message and exit.")] if title == "Options" else []
        lines += ["", f"{title}:", *_listed([*rows, *ending])]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int) -> str:
    return "\n\n".join(
        one if verbatim else textwrap.fill(" ".join(one.split()), width) for verbatim, one in paragraphs(text)
    )


def _listed(rows: list[tuple[str, str]]) -> list[str]:
    """Terms and their meanings in two columns; a long term has a line of its own."""
    column = min(max(len(term) for term, _ in rows), _WIDEST_TERM) + 2
    lines: list[str] = []
    for term, meaning in rows:
        beside = textwrap.wrap(meaning, max(_width() - column - 2, 10), replace_whitespace=False) or [""]
        if len(term) > column - 2:
            lines.append(f"  {term}")
            term = ""
        lines += [f"  {term:{column}}{beside[0]}".rstrip(), *(f"  {'':{column}}{line}" for line in beside[1:])]
    return lines


def _spelled(option: Option) -> str:
    return f"{option.names} {option.metavar}".rstrip()


def _meaning(option: Option) -> str:
    """The help of an option, and what is required of its value."""
    extra = "; ".join(filter(None, (option.bounds, "required" if option.required else "")))
    return f"{option.help}  [{extra}]" if extra else option.help


def _first(text: str, width: int) -> str:
    """The first sentence, shortened."""
    words = text.strip().partition("\n\n")[0].split()
    end = next(
        (
            i
            for i, word in enumerate(words, 1)
            if (word.endswith(".") and not words[i : i + 1][:1]) or (word.endswith(".") and not words[i][0].islower())
        ),
        len(words),
    )
    return textwrap.shorten(" ".join(words[:end]), width, placeholder="...", break_on_hyphens=False)


def _width() -> int:
    return max(min(shutil.get_terminal_size().columns - 2, _WIDEST), _NARROWEST)

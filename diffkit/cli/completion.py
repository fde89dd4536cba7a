"""Completion in shells: the script that ``diffkit completion SHELL`` prints, and what it asks for.

click writes the script and answers it; names of formats and methods are added. Nothing else is loaded: it has to be
there before a person notices.
"""

from __future__ import annotations

import os
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class, shell_complete

_ASKED_BY = "_DIFFKIT_COMPLETE"
"""the variable by which a script asks"""
SHELLS = ("bash", "zsh", "fish")


def script(cli: click.Command, shell: str) -> str:
    """Give the script for a shell."""
    kind = get_completion_class(shell)
    assert kind is not None
    completer = kind(cli, {}, "diffkit", _ASKED_BY)
    return str(completer.source_template % completer.source_vars())


def asked(cli: click.Command) -> int | None:
    """Answer a shell that asks for completion, and give the exit code; None where none does."""
    instruction = os.environ.get(_ASKED_BY)
    return shell_complete(cli, {}, "diffkit", _ASKED_BY, instruction) if instruction else None


def among(*names: str) -> Any:
    """Complete an option by names, of which those count that are after the last comma."""

    def complete(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
        before, comma, last = begun.rpartition(",")
        return [CompletionItem(before + comma + name) for name in names if name.startswith(last)]

    return complete

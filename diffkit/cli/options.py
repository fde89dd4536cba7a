"""Options that several commands share, and the command class that lets an expression begin with a minus."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
FORMATS_HELP = "text, json, markdown or html.  [default: text]"
OPTION = re.compile(r"--[a-zA-Z][a-zA-Z-]*(=.*)?\Z", re.DOTALL)


class ExpressionCommand(click.Command):
    """A command whose arguments are expressions: ``-x**2`` is one, not an option; ``-h`` alone asks for help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move expressions that begin with a minus behind ``--``."""
        takes_value = {name for p in self.params if isinstance(p, click.Option) and not p.is_flag for name in p.opts}
        kept: list[str] = []
        expressions: list[str] = []
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                expressions += rest
            elif OPTION.match(arg) or arg in ctx.help_option_names:
                kept.append(arg)
                if arg in takes_value:
                    value = next(rest, None)
                    if value is None:
                        raise click.UsageError(f"Option '{arg}' requires an argument", ctx)
                    kept.append(value)
            else:
                expressions.append(arg)
        return super().parse_args(ctx, [*kept, "--", *expressions])


def _option(name: str, metavar: str, help: str, default: str | None = None) -> Callable[[F], F]:
    return click.option(name, metavar=metavar, help=help, default=default)


def shared(*, formula: bool = True, backend: bool = True) -> Callable[[F], F]:
    """Add the options every derivative command has."""
    options = [
        _option("--at", "POINT", "Where: 1 | 1,2 | x=1,y=2 | pi/4 | a range x=-1:1:21."),
        _option("--points", "FILE", "Points from CSV with a header of names, or JSON lines; - is standard input."),
        _option("--variables", "NAMES", "Variables in order, such as b,a; these names win over constants."),
        _option("--format", "FORMAT", FORMATS_HELP, default="text"),
        _option("--output", "FILE", "Write the report to a file, whole or not at all."),
    ]
    if backend:
        help = "auto, symbolic, finite, dual, reverse or complex.  [default: auto]"
        options.append(_option("--backend", "NAME", help, default="auto"))
        help = "Proven decimal digits to show, 1 to 1000 (backend auto)."
        options.append(click.option("--digits", type=int, metavar="N", help=help))
        help = "Seconds after which a proof is given up as uncertain (backend auto)."
        options.append(click.option("--timeout", type=float, metavar="SECONDS", help=help))
    if formula:
        help = "Show SymPy's formula.  [default: for auto and symbolic, in text]"
        options.append(click.option("--formula/--no-formula", default=None, help=help))

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def names(text: str | None) -> tuple[str, ...] | None:
    """Give a comma-separated list of names as a tuple."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(","))


def picture_options(function: F) -> F:
    """Add ``--save`` and ``--show`` for a picture."""
    function = click.option("--show", is_flag=True, help="Draw it in a window (needs matplotlib).")(function)
    return _option("--save", "FILE", "Draw it too: FILE.png, FILE.svg or FILE.pdf (needs matplotlib).")(function)

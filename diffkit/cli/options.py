"""Options that several commands share, and the command class that lets an expression begin with a minus."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from diffkit.cli.completion import among
from diffkit.cli.output import EXIT_NO
from diffkit.cli.process import complain
from diffkit.core.deadline import time_limit
from diffkit.core.errors import DiffkitError, OutOfTime, ended
from diffkit.core.files import ROW_FORMATS, ROWS_A_SHARD
from diffkit.methods import BACKENDS
from diffkit.methods.tools import TOOLS
from diffkit.reports import CLAIM_FORMATS, FORMATS, is_format, unknown_format

if TYPE_CHECKING:
    from diffkit.core.isolation import Isolation

F = TypeVar("F", bound=Callable[..., Any])


def _either(*names: str) -> str:
    """Names as a choice: a, b or c."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


_OPTION = re.compile(r"--[a-zA-Z][a-zA-Z-]*(=.*)?\Z", re.DOTALL)


class Command(click.Command):
    """A command that gives what it has found when its ``--timeout`` is up: the answer is then no."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        help = "Seconds after which what is not known yet is given up."
        self.params.append(click.Option(["--timeout"], type=float, metavar="SECONDS", help=help))

    def invoke(self, ctx: click.Context) -> Any:
        """Run within the time."""
        limit = time_limit(ctx.params.pop("timeout"))
        try:
            with limit:
                code = super().invoke(ctx)
        except OutOfTime as error:
            complain(str(error))
            return EXIT_NO
        except SystemExit as end:  # nothing of ours raises it in a command
            raise ended(end) from None
        return code or (EXIT_NO if limit.deadline is not None and limit.deadline.missed else 0)


class ExpressionCommand(Command):
    """A command whose arguments are expressions: ``-x**2`` is one, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move expressions that begin with a minus behind ``--``."""
        if ctx.resilient_parsing:  # a shell asks, and nothing is whole yet
            return super().parse_args(ctx, args)
        takes_value = {name for p in self.params if isinstance(p, click.Option) and not p.is_flag for name in p.opts}
        kept: list[str] = []
        expressions: list[str] = []
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                expressions += rest
            elif _OPTION.match(arg) or arg in takes_value:
                kept.append(arg)
                if arg in takes_value:
                    value = next(rest, None)
                    if value is None:
                        raise click.UsageError(f"Option '{arg}' requires an argument", ctx)
                    kept.append(value)
            else:
                expressions.append(arg)
        return super().parse_args(ctx, [*kept, "--", *expressions])


class Commands(click.Group):
    """The group: its commands obey ``--timeout`` unless they say otherwise, and give help wherever it is asked for."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Whoever asks for help gets it, whatever stands around the question; ``-h`` is an expression behind ``--``."""
        asked = args[: args.index("--")] if "--" in args else args
        if not set(ctx.help_option_names).isdisjoint(asked):
            args = [*(name for name in args[:1] if name in self.commands), "--help"]
        return super().parse_args(ctx, args)


def option(name: str, metavar: str, help: str, default: str | None = None) -> Callable[[F], F]:
    """Add an option that takes a text."""
    return click.option(name, metavar=metavar, help=help, default=default)


def several(*each: Callable[[F], F]) -> Callable[[F], F]:
    """Add several options, which help shows in this order."""

    def decorate(function: F) -> F:
        for add in reversed(each):
            function = add(function)
        return function

    return decorate


def _format_options(known: Mapping[str, str]) -> Callable[[F], F]:
    def look(_: click.Context, __: click.Parameter, name: str) -> str:
        if not is_format(name, known):
            raise unknown_format(name, known)
        return name

    help = f"{_either(*known)}.  [default: text]"
    return several(
        click.option(
            "--format", default="text", metavar="FORMAT", callback=look, help=help, shell_complete=among(*known)
        ),
        option("--output", "FILE", "Write the report to a file, whole or not at all."),
    )


report_options = _format_options(FORMATS)
"""``--format``, which is known before anything is computed, and ``--output``"""
claim_options = _format_options(ChainMap(FORMATS, CLAIM_FORMATS))
"""the same where claims are judged, which programs that run tests take too"""
array_options = several(
    click.option("--data", multiple=True, metavar="FILE",
                 help="Data by name: FILE.csv|npz|json, X=FILE.npy, X=FILE.csv:a,b. Repeatable."),
    click.option("--let", multiple=True, metavar="NAME=VALUE",
                 help='A value by name, such as "A=[[1,2],[3,4]]". Repeatable.'),
)  # fmt: skip
"""``--data`` and ``--let``"""
place_options = several(
    option("--at", "POINT", "Where: 1 | 1,2 | x=1,y=2 | pi/4 | a range x=-1:1:21."),
    option("--points", "FILE", "Points from CSV with names, JSON lines or Parquet, or a folder; - is standard input."),
    option("--variables", "NAMES", "Variables in order, such as b,a; these names win over constants."),
    report_options,
)
"""where something is asked, and in which form the answer is wanted"""
isolation_options = several(
    click.option("--isolate", is_flag=True, help="Work in another process: if it crashes, that is told."),
    click.option("--memory", metavar="SIZE", help="What that may need, such as 512M or 2G; implies --isolate."),
    click.option(
        "--timeout-each", type=float, metavar="SECONDS",
        help="Seconds of each row or claim, then it is ended; implies --isolate.",
    ),
)  # fmt: skip
"""``--isolate`` and what isolated work may need"""


def isolation_among(options: dict[str, Any], workers: int | None = None) -> Isolation | None:
    """Take what isolated work may need out of the options of a command; None where nothing asks for it."""
    isolate, memory, each = (options.pop(name) for name in ("isolate", "memory", "timeout_each"))
    if not isolate and memory is each is None:
        return None
    from diffkit.core.isolation import Isolation

    return Isolation(memory, each, workers or 1)


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Processes that share many points (backend auto, compare, report).  [default: 1]",
)
"""``--jobs``: how many processes are at work"""
rows_options = several(
    option("--rows", "DIR", "Read points as a stream, and write a row for each to shards in a new folder."),
    option("--row-format", "FORMAT", f"Of the shards: {_either(*ROW_FORMATS)}.  [default: that of the points]"),
    click.option("--shard-rows", type=click.IntRange(1), metavar="N", help=f"Rows a shard.  [default: {ROWS_A_SHARD}]"),
    click.option("--resume", is_flag=True, help="Go on with the run in --rows, if there is one, whatever ended it."),
)
"""where rows go, one for each point of a stream"""
derivative_options = several(
    array_options,
    place_options,
    jobs_option,
    rows_options,
    isolation_options,
    click.option(
        "--backend", metavar="NAME", default="auto", shell_complete=among("auto", *BACKENDS, *TOOLS),
        help=f"{_either('auto', *BACKENDS)}.  [default: auto]",
    ),
    click.option("--digits", type=int, metavar="N", help="Proven decimal digits to show, 1 to 1000 (backend auto)."),
    click.option("--formula/--no-formula", default=None,
                 help="Show SymPy's formula.  [default: for auto and symbolic, in text]"),
)  # fmt: skip
"""what every derivative at a point takes"""
picture_options = several(
    option("--save", "FILE", "Draw it too: FILE.png, FILE.svg or FILE.pdf (needs matplotlib)."),
    click.option("--show", is_flag=True, help="Draw it in a window (needs matplotlib)."),
)
"""a picture beside the report"""


def tolerance_options(relative: str, absolute: str) -> Callable[[F], F]:
    """Add ``--rtol`` and ``--atol``; ``--closeness``, which they have replaced, is refused with their names."""

    def decorate(function: F) -> F:
        function = click.option("--closeness", hidden=True, expose_value=False, callback=_refuse_closeness)(function)
        function = click.option("--atol", type=float, metavar="A", help=absolute)(function)
        return click.option("--rtol", type=float, metavar="R", help=relative)(function)

    return decorate


def _refuse_closeness(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise DiffkitError("--closeness is no longer taken", hint="give --rtol, and --atol, in its place")


def names(text: str | None) -> tuple[str, ...] | None:
    """Give a comma-separated list of names as a tuple."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(","))

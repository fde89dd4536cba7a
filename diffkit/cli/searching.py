"""The command that looks for the points of a box where the gradient is zero: ``stationary``."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from diffkit.cli.interrupts import EXIT_INTERRUPTED, INTERRUPTS
from diffkit.cli.options import FORMATS_HELP, ExpressionCommand, names, picture_options
from diffkit.cli.output import EXIT_NO, INTERRUPTED, Picture, deliver, drawing


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--box", required=True, metavar="BOX", help="Where to look: -2:2 | x=-2:2,y=-1:1 | x=0:2*pi.")
@click.option("--variables", metavar="NAMES", help="Variables in order, such as b,a.")
@click.option(
    "--most", type=int, default=50_000, metavar="N", help="Boxes to look at before the search ends.  [default: 50000]"
)
@click.option("--format", "format", default="text", metavar="FORMAT", help=FORMATS_HELP)
@click.option("--output", metavar="FILE", help="Write the report to a file, whole or not at all.")
@picture_options
def stationary(
    expression: str, box: str, variables: str | None, most: int, format: str, output: str | None, save: str | None,
    show: bool,
) -> int:  # fmt: skip
    """Points in a box where the gradient of EXPRESSION is zero: minima, maxima and saddles.

    Each point is classified by its Hessian, told global or local in the box, and proven to exist by interval Newton
    where that can be done. The report says whether all of them were found. Ctrl-C ends the search and keeps what was
    found so far. --save draws the curve or the contours of f of one or two variables with the points marked.
    Exit code 0 if all were found, 1 if there may be more, 130 if interrupted.

    \b
    diffkit stationary "x^4-3*x^3+2" --box -1:3
    diffkit stationary "x^3-3*x*y^2" --box x=-2:2,y=-1:1
    diffkit stationary "(x^2+y-11)^2+(x+y^2-7)^2" --box x=-5:5,y=-5:5 --save f.svg
    diffkit stationary "sin(x)/x" --box 1:20 --format json
    """
    from diffkit.lessons.stationary_points.stationary import stationary as search
    from diffkit.reports import check_format
    from diffkit.reports.stationary_report import StationaryReport

    check_format(format)
    gc.enable()  # this is not the one answer after which the process ends
    INTERRUPTS.wait()
    with _progress() as progress:
        found = search(expression, box, most=most, variables=names(variables), progress=progress)

    picture = Picture("extrema:picture", (found,))
    with drawing(picture, save, show, found.stopped if found.stopped == INTERRUPTED else ""):
        deliver(StationaryReport(found), format, output)
    if found.stopped == INTERRUPTED:
        return EXIT_INTERRUPTED
    return 0 if found else EXIT_NO


@contextmanager
def _progress() -> Iterator[Any]:
    """What is told of the search: a line on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("searching", total=None)

        def tell(boxes: int, points: int, part: float) -> None:
            bar.update(task, description=progress_words(boxes, points, part))

        yield tell


def progress_words(boxes: int, points: int, part: float) -> str:
    """How far a search is; the part of the box is rounded down, as the last boxes of it take the longest."""
    settled = math.floor(min(part, 1.0) * 10_000) / 100
    return f"boxes looked at: {boxes:,}; points found: {points:,}; settled: {settled:.2f}% of the box"

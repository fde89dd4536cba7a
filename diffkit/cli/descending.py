"""The command that walks downhill: ``descend``, of expressions or of code named on purpose."""

from __future__ import annotations

from typing import Any

import click

from diffkit.cli.inputs import CODE_NAME, are_arrays, arguments_of, code_or_text, function_of_arrays, names_in_module
from diffkit.cli.options import ExpressionCommand, array_options, names, picture_options, report_options
from diffkit.cli.output import EXIT_NO, Picture, deliver, drawing, gather
from diffkit.cli.process import EXIT_INTERRUPTED, complain
from diffkit.core.deadline import INTERRUPTED

DESCENT_OPTIONS = (
    "rate", "steps", "schedule", "decay", "every", "momentum", "nesterov", "batch", "seed", "tolerance", "keep",
    "backend",
)  # fmt: skip
"""options that ``diffkit.descend`` takes as they are"""


@click.command(cls=ExpressionCommand)
@click.argument("function", metavar="F")
@click.option(
    "--from",
    "start",
    metavar="POINT",
    help="Where to start: 0 | w=0,b=0 (by name) | MODULE:NAME.",
)
@click.option("--rate", type=float, default=0.01, metavar="A", help="Learning rate α.  [default: 0.01]")
@click.option("--steps", type=int, default=1000, metavar="N", help="Steps at most.  [default: 1000]")
@click.option(
    "--schedule", default="constant", metavar="NAME",
    help="How the rate falls: constant, inverse, exponential, step or cosine.  [default: constant]",
)  # fmt: skip
@click.option("--decay", type=float, metavar="D",
              help="How fast: α/(1 + D·k), α·exp(−D·k), or the factor of step.")  # fmt: skip
@click.option("--every", type=int, metavar="M", help="Steps after which the schedule step lowers the rate.")
@click.option("--momentum", type=float, default=0.0, metavar="B", help="Part of the last update that is kept.")
@click.option("--nesterov", is_flag=True, help="Take Nesterov's form of momentum.")
@click.option("--gradient", metavar="MODULE:NAME", help="A gradient written by hand, used as it is.")
@click.option("--check", "checked", is_flag=True, help="Check that gradient at the start first.")
@array_options
@click.option("--args", "args", metavar="LIST", help="Further arguments of code, such as MODULE:X,MODULE:y,0.1.")
@click.option("--batch", type=int, metavar="N", help="Rows of data that each step sees (stochastic descent).")
@click.option("--rows", metavar="NAMES", help="Which arguments hold the rows, such as X,y.  [default: all arrays]")
@click.option("--seed", type=int, default=0, metavar="N", help="Seed of the shuffles.  [default: 0]")
@click.option("--tolerance", type=float, default=1e-8, metavar="T",
              help="Size of the gradient at which to stop.  [default: 1e-8]")  # fmt: skip
@click.option("--keep", type=int, metavar="N", help="Keep every N-th point of the path.")
@click.option("--backend", default="auto", metavar="NAME", help="How gradients are found.  [default: auto]")
@click.option("--variables", metavar="NAMES", help="Variables in order, such as w,b.")
@click.option("--picture", metavar="NAME", help="What is drawn: contours, surface, loss or weights.")
@picture_options
@report_options
def descend(
    function: str, start: str | None, gradient: str | None, checked: bool, args: str | None, rows: str | None,
    picture: str | None, **options: Any,
) -> int:  # fmt: skip
    """Gradient descent on F, step by step: w ← w − α·∇F(w).

    F is an expression, or code as MODULE:NAME. The report shows the path, how it ended and why, the curvature with
    the rates that suit it, and the rate of convergence beside what theory promises.
    Exit code 0 if it converged or used up its steps, 1 if it diverged, stagnated or left the domain, 130 if it was
    interrupted (the path so far is reported). It is made for learning; Descent.polish in Python goes on with SciPy.

    \b
    diffkit descend "(w-3)^2+2*(b+1)^2" --from w=0,b=0 --rate 0.1 --save path.png
    diffkit descend "100*(y-x^2)^2+(1-x)^2" --from x=-1,y=1 --rate 1e-3
    diffkit descend "mean((y-w*x)**2)" --data points.csv --from w=0 --batch 10
    diffkit descend model.py:loss --from model.py:start --schedule inverse
    diffkit descend model.py:loss --from 0,0 --args model.py:X --batch 20
    diffkit descend model.py:loss --from 0,0 --gradient model.py:gradient --check
    """
    from diffkit.core.errors import DiffkitError, PointError
    from diffkit.lessons.gradient_descent.descent import Options, prepare_descent
    from diffkit.reports.descent_report import DescentReport

    if start is None:
        raise PointError("a descent needs a start", hint="add --from, for example --from w=0,b=0")
    if checked and gradient is None:
        raise DiffkitError("there is no gradient to check", hint="name one with --gradient")
    if picture is not None and options["save"] is None and not options["show"]:
        raise DiffkitError("the picture has no file", hint="add --save, for example --save path.png, or --show")
    f, where, further = _function(function, start, args, options)
    asked = Options(
        gradient=_gradient(gradient), args=further, rows=names(rows), variables=names(options["variables"]),
        **{name: options[name] for name in DESCENT_OPTIONS},
    )  # fmt: skip
    descender = prepare_descent(f, where, asked)
    _, stopped = gather(descender.walk.run(), options["steps"], "descending")
    found = descender.descent(stopped)
    report = DescentReport(found, function, found.check() if checked else None)

    with drawing(Picture("paths:picture", (found, picture), here=callable(f)), options, stopped):
        deliver(report, options)
    if stopped:
        complain(f"{stopped} after {found.steps} steps")
        return EXIT_INTERRUPTED if stopped == INTERRUPTED else EXIT_NO
    return 0 if found else EXIT_NO


def _function(
    function: str, start: str, args: str | None, options: dict[str, Any]
) -> tuple[Any, Any, tuple[Any, ...]]:  # fmt: skip
    """What to descend on, where to start, and further arguments: code, an array expression with data, or plain text."""
    where, further, given = code_or_text(start), arguments_of(args), {**options, "at": start}
    if CODE_NAME.match(function):
        return names_in_module(function), where, further
    bare = options["variables"] is None and where is start
    if not are_arrays((function,), given):
        from diffkit.asking.expressions import read_joint
        from diffkit.asking.frames import names_in

        if bare:
            _check_named(start, read_joint([function], None, names_in(start)).program.inputs)
        return function, where, further
    from diffkit.lessons.matrices.settings import read_at

    read, holds = function_of_arrays((function,), given)
    if bare:
        _check_named(start, read.parameters())
    f, rows = read.opened()
    return f, read_at(start, read, holds) if where is start else where, rows


def _check_named(start: str, variables: tuple[str, ...]) -> None:
    """PointError for a bare list of several values: weights go by names, whatever their order."""
    from diffkit.asking.callables.function import unordered
    from diffkit.asking.frames import names_in, split_top

    if len(split_top(start, ",")) > 1 and not names_in(start):
        raise unordered(variables, "a start")


def _gradient(text: str | None) -> Any:
    """A gradient in code, or expressions separated by semicolons."""
    found = code_or_text(text)
    return [part.strip() for part in found.split(";")] if isinstance(found, str) else found

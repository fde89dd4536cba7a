"""The commands: each reads its input, asks the API, and renders one report."""

from __future__ import annotations

from typing import Any

import click

from diffkit import __version__
from diffkit.cli.options import ExpressionCommand, names, shared
from diffkit.cli.output import on_terminal, write

EXIT_NO = 1


@click.group(
    help="Is this derivative right? Derivatives by symbolic, finite-difference and dual-number methods, compared."
)
@click.version_option(__version__, prog_name="diffkit")
def cli() -> None:
    """Group of all commands."""


@cli.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Variable, or several for a mixed partial: x,y is ∂²f/∂x∂y.")
@click.option("--order", type=int, default=1, metavar="N", help="Order of the derivative, 1 to 20.  [default: 1]")
@shared()
def derivative(expression: str, wrt: str | None, order: int, **options: Any) -> int:
    """Derivative of EXPRESSION in one variable.

    \b
    diffkit derivative "3*x**2-4*x" --at 1
    diffkit derivative "sin(x)^2" --order 3 --at pi/4
    diffkit derivative "x^2*y^3" --wrt x,y --at 1,2
    diffkit derivative "exp(-x^2)"            (the formula and its domain)
    """
    chosen = names(wrt)
    return _run(
        "derivative",
        (expression,),
        {"wrt": chosen[0] if chosen and len(chosen) == 1 else chosen, "order": order},
        options,
    )


@cli.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Only these variables, in this order.")
@shared()
def grad(expression: str, wrt: str | None, **options: Any) -> int:
    """Gradient of EXPRESSION: the vector of its partial derivatives.

    \b
    diffkit grad "3*x**2-4*x" --at 1
    diffkit grad "x^2*sin(y)" --at x=1,y=pi/4 --backend finite
    diffkit grad "log(1+exp(w*x+b))" --points points.csv --format json
    """
    return _run("gradient", (expression,), {"wrt": names(wrt)}, options)


@cli.command(cls=ExpressionCommand)
@click.argument("expressions", nargs=-1, required=True, metavar="EXPRESSION...")
@click.option("--wrt", metavar="NAMES", help="Only these variables, in this order.")
@shared()
def jacobian(expressions: tuple[str, ...], wrt: str | None, **options: Any) -> int:
    """Jacobian of several EXPRESSIONs: row i holds the partials of the i-th.

    \b
    diffkit jacobian "r*cos(t)" "r*sin(t)" --at r=2,t=pi/6
    """
    return _run("jacobian", expressions, {"wrt": names(wrt)}, options)


@cli.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Only these variables, in this order.")
@shared()
def hessian(expression: str, wrt: str | None, **options: Any) -> int:
    """Hessian of EXPRESSION: the matrix of its second partial derivatives.

    \b
    diffkit hessian "100*(y-x^2)^2+(1-x)^2" --at 1,1
    """
    return _run("hessian", (expression,), {"wrt": names(wrt)}, options)


@cli.command(cls=ExpressionCommand)
@click.argument("expressions", nargs=-1, required=True, metavar="EXPRESSION...")
@click.option(
    "--kind", default="gradient", metavar="KIND", help="derivative, gradient, jacobian or hessian.  [default: gradient]"
)
@click.option(
    "--backends",
    default="symbolic,finite,dual",
    metavar="NAMES",
    help="Which to compare.  [default: symbolic,finite,dual]",
)
@click.option("--wrt", metavar="NAMES", help="Only these variables.")
@click.option("--order", type=int, metavar="N", help="Order, for --kind derivative.")
@shared(formula=False, backend=False)
def compare(
    expressions: tuple[str, ...], kind: str, backends: str, wrt: str | None, order: int | None,
    at: str | None, points: str | None, variables: str | None, format: str, output: str | None,
) -> int:  # fmt: skip
    """Compare the methods with each other and with a 50-digit reference.

    Exit code 0 if every method is within its own error bar of the reference, 1 if one is not.

    \b
    diffkit compare "x^2*sin(x)+log(x)" --at 1.5
    diffkit compare "(1-cos(x))/x^2" --at 1e-8
    diffkit compare "abs(x)" --at 0
    """
    from diffkit import api
    from diffkit.errors import DiffkitError, PointError
    from diffkit.reports import Report

    _check_format(format)
    if kind not in ("derivative", "gradient", "jacobian", "hessian"):
        raise DiffkitError(f"unknown kind {kind!r}", hint="there are derivative, gradient, jacobian and hessian")
    task_options: dict[str, Any] = {"wrt": _one_or_many(wrt, kind)}
    if order is not None:
        if kind != "derivative":
            raise DiffkitError("an order goes with --kind derivative")
        task_options["order"] = order
    task = api.make_task(_function(expressions, kind), kind, names(variables), **task_options)
    found = _points(at, points, task.variables)
    if found is None:
        raise PointError("compare needs a point", hint="add --at, for example --at " + _example(task.variables))
    if found.point is None:
        raise PointError("compare takes one point", hint="run it once for each")
    chosen = [api.find_backend(name) for name in names(backends) or ()]
    from diffkit.comparison import compare_task

    comparison = compare_task(task, found.point, chosen)
    report = Report(_texts(task), task.variables, kind, task.labels, comparison=comparison)
    _deliver(report, format, output)
    return 0 if comparison.verdict == "agree" else EXIT_NO


@cli.command()
@click.argument("name", required=False)
@click.option("--format", "format", default="text", metavar="FORMAT", help="text, json or markdown.  [default: text]")
@click.option("--output", metavar="FILE", help="Write to a file instead of the terminal.")
def functions(name: str | None, format: str, output: str | None) -> int:
    """List the functions that expressions may use, or describe one.

    \b
    diffkit functions
    diffkit functions tanh
    """
    from diffkit.reports.functions import render_functions

    write(render_functions(name, format, on_terminal(output)), output)
    return 0


# What the commands share ---------------------------------------------------------------------------------------------


def _run(kind: str, expressions: tuple[str, ...], task_options: dict[str, Any], options: dict[str, Any]) -> int:
    """Compute one kind of derivative and report it."""
    from diffkit import api
    from diffkit.points import read_points
    from diffkit.reports import Report

    format, output = options["format"], options["output"]
    _check_format(format)
    backend = api.find_backend(options["backend"])
    task = api.make_task(_function(expressions, kind), kind, names(options["variables"]), **task_options)
    points = _points(options["at"], options["points"], task.variables)
    if points is None and not task.variables:
        points = read_points([], ())
    formulas: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if points is None or _wants_formula(options["formula"], backend.name, format):
        formulas, notes = _formulas(task, required=points is None)
    if points is None:
        from diffkit.domain import domain

        report = Report(_texts(task), task.variables, kind, task.labels, formulas, str(domain(task.program)))
        _deliver(report, format, output)
        return 0
    result = api.Prepared(task, backend).result(points)
    report = Report(_texts(task), task.variables, kind, task.labels, formulas, "", result, None, notes)
    _deliver(report, format, output)
    return 0 if result.ok else EXIT_NO


def _function(expressions: tuple[str, ...], kind: str) -> Any:
    from diffkit.errors import DiffkitError

    if kind == "jacobian":
        return list(expressions)
    if len(expressions) > 1:
        raise DiffkitError(
            f"a {kind} is of one expression, not {len(expressions)}",
            hint="quote the expression, or ask for the jacobian",
        )
    return expressions[0]


def _one_or_many(wrt: str | None, kind: str) -> Any:
    chosen = names(wrt)
    return chosen[0] if chosen and len(chosen) == 1 and kind == "derivative" else chosen


def _points(at: str | None, file: str | None, variables: tuple[str, ...]) -> Any:
    from diffkit.errors import PointError
    from diffkit.files import read
    from diffkit.points import read_file, read_text

    if at is not None and file is not None:
        raise PointError("give either --at or --points, not both")
    if at is not None:
        return read_text(at, variables)
    if file is not None:
        return read_file(read(file), "standard input" if file == "-" else file, variables)
    return None


def _example(variables: tuple[str, ...]) -> str:
    return "1" if len(variables) == 1 else ",".join(f"{name}=1" for name in variables[:3])


def _check_format(format: str) -> None:
    from diffkit.errors import DiffkitError, did_you_mean
    from diffkit.reports import FORMATS

    if format not in FORMATS:
        raise DiffkitError(
            f"unknown format {format!r}", hint=did_you_mean(format, FORMATS) or f"there are {', '.join(FORMATS)}"
        )


def _wants_formula(asked: bool | None, backend: str, format: str) -> bool:
    return format == "text" and backend in ("auto", "symbolic") if asked is None else asked


def _formulas(task: Any, required: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ask SymPy for the formulas; without a point they are all there is, otherwise a note says why they are missing."""
    from diffkit.backends import get_backend
    from diffkit.errors import BackendError, LimitError

    try:
        formulas = get_backend("symbolic").prepare(task).formula or ()
        return tuple(formulas[place] for place in task.places), ()
    except (BackendError, LimitError) as error:
        if required:
            raise
        return (), (f"no formula: {error.reason}",)


def _texts(task: Any) -> tuple[str, ...]:
    from diffkit.syntax import format_outputs

    return tuple(format_outputs(task.program, 20_000))


def _deliver(report: Any, format: str, output: str | None) -> None:
    from diffkit.reports import render

    write(render(report, format, on_terminal(output)), output)

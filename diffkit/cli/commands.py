"""The commands: each reads its input, asks the API, and renders one report."""

from __future__ import annotations

from typing import Any

import click

from diffkit import __version__
from diffkit.cli.array_text import are_arrays, array_options, differentiate_arrays
from diffkit.cli.descending import descend
from diffkit.cli.inputs import formulas_of, function_of, report_on, where
from diffkit.cli.judging import check, compare, report
from diffkit.cli.lessons import explain, gallery, limit, matrix, stationary, tangent
from diffkit.cli.options import FORMATS_HELP, Commands, ExpressionCommand, names, shared
from diffkit.cli.output import EXIT_BAD, EXIT_NO, deliver


@click.group(
    cls=Commands,
    help="Is this derivative right? Derivatives by symbolic, finite-difference and dual-number methods, compared.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="diffkit")
@click.pass_context
def cli(context: click.Context) -> None:
    """Group of all commands."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit(EXIT_BAD)


@cli.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Variable, or several for a mixed partial: x,y is ∂²f/∂x∂y.")
@click.option("--order", type=int, default=1, metavar="N", help="Order of the derivative, 1 to 20.  [default: 1]")
@array_options
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
@array_options
@shared()
def grad(expression: str, wrt: str | None, **options: Any) -> int:
    """Gradient of EXPRESSION: the vector of its partial derivatives.

    \b
    diffkit grad "3*x**2-4*x" --at 1
    diffkit grad "exp(x)*sin(x)" --at 1 --digits 50
    diffkit grad "x^2*sin(y)" --at x=1,y=pi/4 --backend finite
    diffkit grad "log(1+exp(w*x+b))" --points points.csv --format json
    diffkit grad "mean((y - X @ w)**2)/2" --data data.npz --at "w=[0,0,0]"
    """
    return _run("gradient", (expression,), {"wrt": names(wrt)}, options)


@cli.command(cls=ExpressionCommand)
@click.argument("expressions", nargs=-1, required=True, metavar="EXPRESSION...")
@click.option("--wrt", metavar="NAMES", help="Only these variables, in this order.")
@array_options
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
@array_options
@shared()
def hessian(expression: str, wrt: str | None, **options: Any) -> int:
    """Hessian of EXPRESSION: the matrix of its second partial derivatives.

    \b
    diffkit hessian "100*(y-x^2)^2+(1-x)^2" --at 1,1
    """
    return _run("hessian", (expression,), {"wrt": names(wrt)}, options)


@cli.command()
@click.argument("name", required=False)
@click.option("--format", "format", default="text", metavar="FORMAT", help=FORMATS_HELP)
@click.option("--output", metavar="FILE", help="Write the report to a file, whole or not at all.")
def functions(name: str | None, format: str, output: str | None) -> int:
    """List the functions that expressions may use, or describe one.

    \b
    diffkit functions
    diffkit functions tanh
    """
    from diffkit.reports.function_reference import reference

    deliver(reference(name), format, output)
    return 0


# What these commands share -----------------------------------------------------------------------------------------


def _run(kind: str, expressions: tuple[str, ...], task_options: dict[str, Any], options: dict[str, Any]) -> int:
    """Compute one kind of derivative and report it."""
    from diffkit.asking.points import read_points
    from diffkit.asking.questions import OfExpression, make_task
    from diffkit.methods.prepared import Prepared, find_backend
    from diffkit.reports import check_format

    format, output = options["format"], options["output"]
    check_format(format)
    backend = find_backend(options["backend"], options["digits"])
    if are_arrays(expressions, options["at"], options):
        document, fine = differentiate_arrays(expressions, kind, task_options, options, backend)
        deliver(document, format, output)
        return 0 if fine else EXIT_NO
    place = where(options["at"], options["points"])
    named = None if options["at"] is options["points"] is None else place.names
    task = make_task(function_of(expressions, kind), kind, names(options["variables"]), named, **task_options)
    points = place.points(task.variables)
    if points is None and not task.variables:
        points = read_points([], ())
    formulas: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    result = None if points is None else Prepared(OfExpression(task), backend).result(points)
    if points is None or _wants_formula(options["formula"], backend.name, format):
        formulas, notes = formulas_of(task, required=points is None)
    if points is None:
        from diffkit.calculus.domain import domain

        deliver(report_on(task, formulas=formulas, domain=str(domain(task.program)), notes=notes), format, output)
        return 0
    deliver(report_on(task, formulas=formulas, result=result, notes=notes), format, output)
    return 0 if result else EXIT_NO


def _wants_formula(asked: bool | None, backend: str, format: str) -> bool:
    return format == "text" and backend in ("auto", "symbolic") if asked is None else asked


cli.add_command(check)
cli.add_command(compare)
cli.add_command(descend)
cli.add_command(matrix)
cli.add_command(explain)
cli.add_command(gallery)
cli.add_command(limit)
cli.add_command(report)
cli.add_command(tangent)
cli.add_command(stationary)

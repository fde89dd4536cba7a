"""The commands: each asks, answers and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from diffkit import __version__
from diffkit.cli.checking import check
from diffkit.cli.completion import SHELLS, script
from diffkit.cli.inputs import ask, stream_of
from diffkit.cli.judging import compare, report
from diffkit.cli.lessons import descend, explain, gallery, limit, matrix, stationary, tangent
from diffkit.cli.options import (
    Commands,
    ExpressionCommand,
    array_options,
    derivative_options,
    isolation_among,
    names,
    option,
    report_options,
)
from diffkit.cli.output import EXIT_BAD, EXIT_NO, deliver, drain, run_told, write
from diffkit.core.errors import BackendError

if TYPE_CHECKING:
    from diffkit.asking.tasks import Question
    from diffkit.core.results import Result
    from diffkit.core.worker_pool import Workers
    from diffkit.methods import Backend
    from diffkit.methods.symbolic import Formulas


_sparse_option = click.option("--sparse", is_flag=True, help="Only the entries that structure does not make 0.")


@click.group(
    cls=Commands,
    help="Is this derivative right? Derivatives by symbolic, finite-difference and dual-number methods, compared.",
    epilog="--format html and markdown explain the words that a report uses; docs/glossary.md has all of them.",
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
@derivative_options
def derivative(expression: str, wrt: str | None, order: int, **options: Any) -> int:
    """Derivative of EXPRESSION in one variable.

    \b
    diffkit derivative "3*x**2-4*x" --at 1
    diffkit derivative "sin(x)^2" --order 3 --at pi/4
    diffkit derivative "x^2*y^3" --wrt x,y --at 1,2
    diffkit derivative "exp(-x^2)"            (the formula and its domain)
    """
    chosen = names(wrt)
    one = chosen[0] if chosen and len(chosen) == 1 else chosen
    return _run("derivative", (expression,), options, wrt=one, order=order)


@cli.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Only these variables, in this order.")
@derivative_options
def grad(expression: str, wrt: str | None, **options: Any) -> int:
    """Gradient of EXPRESSION: the vector of its partial derivatives.

    \b
    diffkit grad "3*x**2-4*x" --at 1
    diffkit grad "exp(x)*sin(x)" --at 1 --digits 50
    diffkit grad "x^2*sin(y)" --at x=1,y=pi/4 --backend finite
    diffkit grad "log(1+exp(w*x+b))" --points points.csv --format json
    diffkit grad "mean((y - X @ w)**2)/2" --data data.npz --at "w=[0,0,0]"
    """
    return _run("gradient", (expression,), options, wrt=names(wrt))


@cli.command(cls=ExpressionCommand)
@click.argument("expressions", nargs=-1, required=True, metavar="EXPRESSION...")
@click.option("--wrt", metavar="NAMES", help="Only these variables, in this order.")
@_sparse_option
@derivative_options
def jacobian(expressions: tuple[str, ...], wrt: str | None, sparse: bool, **options: Any) -> int:
    """Jacobian of several EXPRESSIONs: row i holds the partials of the i-th.

    \b
    diffkit jacobian "r*cos(t)" "r*sin(t)" --at r=2,t=pi/6
    diffkit jacobian "x-y" "y-z" "sin(z)" --at 1,2,3 --sparse
    """
    return _run("jacobian", expressions, options, wrt=names(wrt), sparse=sparse)


@cli.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt", metavar="NAMES", help="Only these variables, in this order.")
@_sparse_option
@derivative_options
def hessian(expression: str, wrt: str | None, sparse: bool, **options: Any) -> int:
    """Hessian of EXPRESSION: the matrix of its second partial derivatives.

    \b
    diffkit hessian "100*(y-x^2)^2+(1-x)^2" --at 1,1
    diffkit hessian "x^2*y+z^3" --at 1,2,3 --sparse --format json
    """
    return _run("hessian", (expression,), options, wrt=names(wrt), sparse=sparse)


@cli.command(cls=ExpressionCommand)
@click.argument("expressions", nargs=-1, required=True, metavar="EXPRESSION...")
@option(
    "--kind",
    "KIND",
    "derivative, gradient, jacobian, hessian, taylor, directional, jvp, vjp or hvp.  [default: gradient]",
    default="gradient",
)
@option(
    "--language", "LANGUAGE", "python, numpy, jax, c, julia, fortran or latex.  [default: python]", default="python"
)
@option("--wrt", "NAMES", "Only these variables, in this order.")
@click.option("--order", type=int, metavar="N", help="Of a derivative, a directional one or a Taylor series.")
@option("--direction", "LIST", "Of a directional derivative, jvp or hvp, such as 1,0.")
@option("--cotangent", "LIST", "Of a vjp, a number for each expression, such as 1,-1.")
@option("--name", "NAME", "What the function is called.  [default: the kind]")
@option("--variables", "NAMES", "Variables in order, such as b,a; these names win over constants.")
@array_options
@option("--at", "POINT", "Only for arrays: it tells their shapes.")
@click.option("-o", "--output", metavar="FILE", help="Write the code to a file, whole or not at all.")
def code(expressions: tuple[str, ...], kind: str, language: str, name: str | None, **options: Any) -> int:
    """Write a derivative of EXPRESSION as source code, as a function of its variables.

    It computes in binary64, from the same rules and in the same stable forms as an answer of diffkit, but without its
    proof and its checks: a comment says what it is and where it holds.

    \b
    diffkit code "exp(x*y)*sin(x)"
    diffkit code "100*(y-x^2)^2+(1-x)^2" --kind hessian --language c -o hessian.c
    diffkit code "r*cos(t)" "r*sin(t)" --kind jacobian --language fortran
    diffkit code "log(1+exp(w*x+b))" --wrt w,b --language jax --name loss_gradient
    diffkit code "x^3*y" --kind derivative --wrt x --order 2 --language latex
    """
    from diffkit.methods.derivative_code import find_language, write_code

    find_language(language)
    asked: dict[str, Any] = {"wrt": names(options.pop("wrt")), "order": options.pop("order")}
    asked |= {name: names(options.pop(name)) for name in ("direction", "cotangent")}
    if kind in ("derivative", "taylor") and asked["wrt"] and len(asked["wrt"]) == 1:
        asked["wrt"] = asked["wrt"][0]
    question, _ = ask(expressions, kind, options, **{key: v for key, v in asked.items() if v is not None})
    write(f"{write_code(question.task, language, name, asked['direction'])}\n", options["output"])
    return 0


@cli.command()
@click.argument("name", required=False)
@report_options
def functions(name: str | None, **options: Any) -> int:
    """List the functions that expressions may use, or describe one.

    \b
    diffkit functions
    diffkit functions tanh
    """
    from diffkit.reports.function_reference import reference

    deliver(reference(name), options)
    return 0


@cli.command()
@report_options
def backends(**options: Any) -> int:
    """List the methods and the tools that can be asked, with versions, and what each can do.

    \b
    diffkit backends
    diffkit compare "x*y^2" --at 3,5 --backends all
    diffkit grad "x*y^2" --at 3,5 --backend jax
    """
    from diffkit.reports.backend_list import BackendList

    deliver(BackendList(), options)
    return 0


@cli.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
def completion(shell: str) -> int:
    """Print the script by which SHELL (bash, zsh or fish) completes commands, options and names.

    \b
    source <(diffkit completion bash)         (in ~/.bashrc)
    source <(diffkit completion zsh)          (in ~/.zshrc, below compinit)
    diffkit completion fish > ~/.config/fish/completions/diffkit.fish
    """
    click.echo(script(cli, shell))
    return 0


def _run(kind: str, texts: tuple[str, ...], options: dict[str, Any], **asked: Any) -> int:
    """Ask for one kind of derivative, answer, and report."""
    from diffkit.reports.result_report import Report, ResultReport

    workers = isolation_among(options, options["jobs"]) or options["jobs"]
    if (plan := stream_of(texts, options)) is not None:
        from diffkit.methods.answering import find_backend
        from diffkit.methods.streams import stream_rows

        asked["variables"] = names(options["variables"])
        f, where = list(texts) if kind == "jacobian" else texts[0], options["points"]
        backend = find_backend(options["backend"], options["digits"])
        found = stream_rows(f, where, kind, plan, backend, workers, drain, **asked)
        return run_told(found, found.stopped, bool(found), options)
    question, typed = ask(texts, kind, options, **asked)
    if question.points is None:
        deliver(Report(None, question.task, typed, *_formulas(question)), options)
        return 0
    result, backend = _answered(question, options, workers)
    formulas = _formulas(question, backend) if _wants_formula(options, bool(typed)) else ()
    deliver(ResultReport(result, question.task, typed, *formulas), options)
    return 0 if result else EXIT_NO


def _answered(question: Question, options: dict[str, Any], workers: Workers) -> tuple[Result, Backend]:
    """Answer here, or where the workers are; who has answered."""
    from diffkit.core.isolation import Isolation
    from diffkit.core.workers import isolated
    from diffkit.methods.answering import answer, find_backend

    name, digits = options["backend"], options["digits"]
    if not isinstance(workers, Isolation):
        backend = find_backend(name, digits, workers)
        return answer(question, backend), backend
    if question.points is not None and question.points.point is not None:
        backend = find_backend(name, digits)
        return isolated(workers, answer, (question, backend)), backend
    if name != "auto":
        raise BackendError("only the backend auto answers row by row in other processes",
                           hint="compare isolates the rows of every backend")  # fmt: skip
    backend = find_backend(name, digits, workers)
    return answer(question, backend), backend


def _formulas(question: Question, backend: Backend | None = None) -> Formulas:
    """SymPy's formulas: what writes them is loaded only where they are shown."""
    from diffkit.methods.symbolic import formulas_of

    return formulas_of(question, backend)


def _wants_formula(options: dict[str, Any], arrays: bool) -> bool:
    """Whether SymPy's formula is shown: where it was asked for, or in text beside what it is worth."""
    if options["formula"] is None:
        return options["format"] == "text" and options["backend"] in ("auto", "symbolic") and not arrays
    return bool(options["formula"])


for command in (check, compare, descend, matrix, explain, gallery, limit, report, tangent, stationary):
    cli.add_command(command)

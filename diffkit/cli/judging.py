"""The commands that judge: ``compare``, ``report`` over a file of cases, and ``check`` of a claimed derivative."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from diffkit.cli.completion import among
from diffkit.cli.inputs import (
    ask,
    backends_of,
)
from diffkit.cli.options import (
    Command,
    ExpressionCommand,
    array_options,
    isolation_among,
    isolation_options,
    jobs_option,
    names,
    place_options,
    report_options,
    tolerance_options,
)
from diffkit.cli.output import EXIT_NO, deliver, gather, patience
from diffkit.cli.process import EXIT_INTERRUPTED, complain
from diffkit.core.deadline import INTERRUPTED
from diffkit.methods import BACKENDS
from diffkit.methods.tools import TOOLS

if TYPE_CHECKING:
    from diffkit.asking.tasks import Task
    from diffkit.core.worker_pool import Workers

_BACKENDS_OPTION = click.option(
    "--backends",
    default="symbolic,finite,dual",
    metavar="NAMES",
    shell_complete=among("all", *BACKENDS, *TOOLS),
    help="Which to compare.  [default: symbolic,finite,dual]",
)
_POINTS_OF_A_BOX = 200


@click.command(cls=ExpressionCommand)
@click.argument("expressions", nargs=-1, required=True, metavar="EXPRESSION...")
@click.option(
    "--kind", default="gradient", metavar="KIND", help="derivative, gradient, jacobian or hessian.  [default: gradient]"
)
@_BACKENDS_OPTION
@click.option("--wrt", metavar="NAMES", help="Only these variables.")
@click.option("--order", type=int, metavar="N", help="Order, for --kind derivative.")
@click.option("--box", metavar="BOX", help="Search x=-5:5,y=0:3 for the point where a method is farthest off.")
@click.option("--between", metavar="A,B", help="With --box: where these two methods are farthest apart.")
@jobs_option
@isolation_options
@array_options
@place_options
def compare(
    expressions: tuple[str, ...], kind: str, backends: str, wrt: str | None, order: int | None, jobs: int | None,
    box: str | None, between: str | None, **options: Any,
) -> int:  # fmt: skip
    """Compare the methods with each other and with a proven value.

    At many points (a range, or a file) the report counts: verdicts, quantiles of the errors, the worst points.
    Exit code 0 if every method is within its own error bar of the reference, 1 if one is not, 130 if interrupted;
    what was found until then is still reported.

    \b
    diffkit compare "x^2*sin(x)+log(x)" --at 1.5
    diffkit compare "(1-cos(x))/x^2" --at 1e-8
    diffkit compare "abs(x)" --at 0
    diffkit compare "sin(x)/x" --at x=-1:1:21
    diffkit compare "(1-cos(x))/x^2" --box x=-1:1 --backends dual
    diffkit compare "x.T @ A @ x" --let "A=[[1,2],[3,4]]" --at "x=[1,2]"
    diffkit compare "x*exp(-y)" --points points.csv --format html > report.html
    """
    from diffkit.core.errors import DiffkitError, PointError

    if kind not in ("derivative", "gradient", "jacobian", "hessian"):
        raise DiffkitError(f"unknown kind {kind!r}", hint="there are derivative, gradient, jacobian and hessian")
    by = names(wrt)
    asked: dict[str, Any] = {"wrt": by[0] if by and len(by) == 1 and kind == "derivative" else by}
    if order is not None:
        if kind != "derivative":
            raise DiffkitError("an order goes with --kind derivative")
        asked["order"] = order
    workers = isolation_among(options, jobs) or jobs
    question, typed = ask(expressions, kind, options, **asked)
    task, points = question
    if box is not None:
        return _searched(task, typed, box, names(between), backends_of(backends), options)
    if points is None or options["at"] is options["points"] is None:
        raise PointError("compare needs a point", hint="add --at, for example --at " + _example(task.variables))
    chosen = backends_of(backends)
    if points.point is None:
        from diffkit.judging.cases import cases_at
        from diffkit.reports.accuracy_report import CasesReport

        accuracy, code = _examine(cases_at(task, points), chosen, kind, workers)
        deliver(CasesReport(accuracy, task, typed), options)
        return code or (0 if accuracy.all_agree else EXIT_NO)
    from diffkit.core.isolation import Isolation
    from diffkit.core.workers import isolated
    from diffkit.judging.comparison import compare_task
    from diffkit.reports.comparison_report import ComparisonReport

    with patience("comparing") as tell:
        if isinstance(workers, Isolation):
            comparison = isolated(workers, compare_task, (task, points.point, chosen))
        else:
            comparison = compare_task(task, points.point, chosen, tell)
    deliver(ComparisonReport(comparison, task, typed), options)
    return 0 if comparison else EXIT_NO


def _searched(task: Task, typed: Any, box: str, between: Any, backends: list[Any], options: dict[str, Any]) -> int:
    """Search a box, and report the comparison at the worst point."""
    from diffkit.asking.box_sides import read_box
    from diffkit.core.errors import PointError
    from diffkit.judging.worst import worst_of
    from diffkit.reports.comparison_report import ComparisonReport

    if options["at"] is not None or options["points"] is not None:
        raise PointError("--box looks for the point itself", hint="leave --at and --points out")
    with patience("searching"):
        found = worst_of(task, read_box(box, task.variables), backends, between, _POINTS_OF_A_BOX)
    deliver(ComparisonReport(found.comparison, task, typed, searched=str(found)), options)
    return 0 if found.comparison else EXIT_NO


@click.command(cls=Command)
@click.argument("cases", metavar="CASES")
@click.option("--kind", default="gradient", metavar="KIND", help="gradient or hessian.  [default: gradient]")
@_BACKENDS_OPTION
@tolerance_options("How near an expected value must be, as a part of it.  [default: 1e-12]", "How near, absolutely.")
@click.option("--against", metavar="FILE", help="An older report in JSON: tell what changed, and what is lost.")
@jobs_option
@isolation_options
@report_options
def report(
    cases: str, kind: str, backends: str, rtol: float | None, atol: float | None, against: str | None,
    jobs: int | None, **options: Any,
) -> int:  # fmt: skip
    """Report how accurate the methods are over a file of cases, one JSON object a line (- is standard input).

    A case has "expr" and "at", and if wanted "id", "vars", "source" and the expected "gradient" or "hessian"
    (numbers, decimal text, a status such as "pole", or null); other fields are ignored.
    Exit code 0 if no method disagrees with the reference and nothing expected is contradicted, 1 if not, 2 for a
    malformed line, 130 if interrupted; what was found until then is still reported. --against lists the points that
    changed status, lost or gained digits, or take longer; the exit code is then 1 if any is lost, or contradicted.

    \b
    diffkit report cases.jsonl
    diffkit report cases.jsonl --format json --output old.json
    diffkit report cases.jsonl --against old.json
    diffkit report cases.jsonl --backends dual --kind hessian
    diffkit report cases.jsonl --jobs 2 --format html --output accuracy.html
    """
    from diffkit.judging.cases import load_cases
    from diffkit.judging.checking.outcome import read_tolerances
    from diffkit.judging.regression import changes_since, known
    from diffkit.reports.accuracy_report import CasesReport

    workers = isolation_among(options, jobs) or jobs
    chosen = backends_of(backends)
    old = None if against is None else known(against)
    accuracy, code = _examine(load_cases(cases, kind), chosen, kind, workers, read_tolerances(rtol, atol))
    if old is not None:
        accuracy = replace(accuracy, changes=changes_since(old[0], accuracy.known, old[1]))
    deliver(CasesReport(accuracy), options)
    return code or (0 if accuracy else EXIT_NO)


def _examine(cases: Any, backends: list[Any], kind: str, workers: Workers, allowed: Any = None) -> tuple[Any, int]:
    """Compare at every case; an interrupt keeps what was found, and gives its exit code."""
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.examination import examine

    outcomes, stopped = gather(examine(cases, backends, allowed, workers), len(cases))
    accuracy = AccuracyReport(kind, tuple(b.name for b in backends), tuple(outcomes), len(cases), stopped)
    if stopped:
        done = f"{len(outcomes)} of {len(cases)} points"
        complain(f"{stopped}; the report says what was found at {done}")
    return accuracy, EXIT_INTERRUPTED if stopped == INTERRUPTED else 0


def _example(variables: tuple[str, ...]) -> str:
    return "1" if len(variables) == 1 else ",".join(f"{name}=1" for name in variables[:3])

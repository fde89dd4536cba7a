"""The commands that judge methods: ``compare`` at points or in a box, and ``report`` over cases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from diffkit.cli.completion import among
from diffkit.cli.inputs import ask, backends_of, plan_for, stream_of
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
    rows_options,
    tolerance_options,
)
from diffkit.cli.output import EXIT_NO, deliver, drain, gather, patience, run_told
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
@rows_options
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
    diffkit compare "x*exp(-y)" --points "points/*.parquet" --rows found --jobs 2
    """
    from diffkit.core.errors import DiffkitError, PointError

    asked = _asked(kind, wrt, order)
    workers = isolation_among(options, jobs) or jobs
    if box is not None and options["rows"] is not None:
        raise DiffkitError("--rows does not go with --box", hint="a search reports on the worst point alone")
    if box is None and (plan := stream_of(expressions, options)) is not None:
        from diffkit.methods.streams import task_and_records

        run = task_and_records(expressions, options["points"], kind, variables=names(options["variables"]), **asked)
        return _streamed(kind, backends_of(backends), None, options, (*run, plan, workers))
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


def _asked(kind: str, wrt: str | None, order: int | None) -> dict[str, Any]:
    """The options of a kind of derivative; DiffkitError for what is none, or does not fit."""
    from diffkit.core.errors import DiffkitError

    if kind not in ("derivative", "gradient", "jacobian", "hessian"):
        raise DiffkitError(f"unknown kind {kind!r}", hint="there are derivative, gradient, jacobian and hessian")
    by = names(wrt)
    asked: dict[str, Any] = {"wrt": by[0] if by and len(by) == 1 and kind == "derivative" else by}
    if order is not None:
        if kind != "derivative":
            raise DiffkitError("an order goes with --kind derivative")
        asked["order"] = order
    return asked


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
@click.argument("cases", nargs=-1, required=True, metavar="CASES...")
@click.option("--kind", default="gradient", metavar="KIND", help="gradient or hessian.  [default: gradient]")
@_BACKENDS_OPTION
@tolerance_options("How near an expected value must be, as a part of it.  [default: 1e-12]", "How near, absolutely.")
@click.option("--against", metavar="FILE", help="An older report in JSON: tell what changed, and what is lost.")
@click.option("--merge", is_flag=True, help="CASES are reports in JSON, or folders of --rows: report on all of them.")
@jobs_option
@rows_options
@isolation_options
@report_options
def report(
    cases: tuple[str, ...], kind: str, backends: str, rtol: float | None, atol: float | None, against: str | None,
    merge: bool, jobs: int | None, **options: Any,
) -> int:  # fmt: skip
    """Report how accurate the methods are over cases, one JSON object a line (- is standard input).

    CASES is a file of JSON lines, CSV or Parquet, a folder or a pattern of such files. A case has "expr" and "at", and
    if wanted "id", "vars", "source" and the expected "gradient" or "hessian" (numbers, decimal text, a status such as
    "pole", or null); other fields are ignored.
    Exit code 0 if no method disagrees with the reference and nothing expected is contradicted, 1 if not, 2 for a
    malformed line, 130 if interrupted; what was found until then is still reported. --against lists the points that
    changed status, lost or gained digits, or take longer; the exit code is then 1 if any is lost, or contradicted.

    --rows writes what is found at each case to shards in a folder, while cases are read as a stream, in constant
    memory: millions of them are no more trouble than a thousand. Whatever ends the run (Ctrl-C, kill -9, a full disk),
    the same command with --resume goes on; no row is lost or doubled. --merge reports on several reports together.

    \b
    diffkit report cases.jsonl
    diffkit report cases.jsonl --format json --output old.json
    diffkit report cases.jsonl --against old.json
    diffkit report cases.jsonl --backends dual --kind hessian
    diffkit report cases.jsonl --jobs 2 --format html --output accuracy.html
    diffkit report "cases/*.parquet" --rows found --resume --jobs 2
    diffkit report --merge monday.json tuesday.json found
    """
    from diffkit.core.errors import DiffkitError
    from diffkit.core.records import some_records
    from diffkit.judging.cases import load_cases
    from diffkit.judging.checking.outcome import read_tolerances
    from diffkit.judging.regression import changes_since, known
    from diffkit.reports.accuracy_report import CasesReport

    workers = isolation_among(options, jobs) or jobs
    if merge:
        return _merged(cases, options)
    if len(cases) > 1:
        raise DiffkitError("a report is of one file of cases",
                           hint='a folder, or a pattern in quotes such as "cases/*.jsonl", is many')  # fmt: skip
    chosen, allowed = backends_of(backends), read_tolerances(rtol, atol)
    if (plan := plan_for(options, cases[0])) is not None:
        if against is not None:
            raise DiffkitError("--against does not go with --rows", hint="what was found is in the rows")
        return _streamed(kind, chosen, allowed, options, (None, some_records(cases[0], "cases"), plan, workers))
    old = None if against is None else known(against)
    accuracy, code = _examine(load_cases(cases[0], kind), chosen, kind, workers, allowed)
    if old is not None:
        accuracy = replace(accuracy, changes=changes_since(old[0], accuracy.known, old[1]))
    deliver(CasesReport(accuracy), options)
    return code or (0 if accuracy else EXIT_NO)


def _merged(reports: tuple[str, ...], options: dict[str, Any]) -> int:
    """Report on several reports together."""
    from diffkit.core.errors import DiffkitError
    from diffkit.judging.accuracy import merge_reports
    from diffkit.reports.accuracy_report import CasesReport

    if plan_for(options, None) is not None:
        raise DiffkitError("--rows does not go with --merge", hint="what is merged has been found")
    found = merge_reports(*reports)
    deliver(CasesReport(found), options)
    return 0 if found else EXIT_NO


def _streamed(kind: str, backends: list[Any], allowed: Any, options: dict[str, Any], run: tuple[Any, ...]) -> int:
    """Compare at every case of a stream: of a task or none, its records, by a plan, by workers."""
    from diffkit.judging.case_rows import CaseRows, report_rows
    from diffkit.reports.accuracy_report import CasesReport

    task, records, plan, workers = run
    found = report_rows(CaseRows(kind, backends, allowed, task), records, plan, workers, drain)
    good = found.passed if task is None else found.all_agree
    return run_told(CasesReport(found, task), found.stopped, good, options)


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

"""The commands that judge: ``compare``, ``report`` over a file of cases, and ``check`` of a claimed derivative."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from diffkit.cli.inputs import (
    CODE_NAME,
    are_arrays,
    arguments_of,
    ask,
    backends_of,
    claim_of_arrays,
    code_or_text,
    names_in_module,
    read_arrays,
)
from diffkit.cli.options import (
    Command,
    ExpressionCommand,
    array_options,
    claim_options,
    jobs_option,
    names,
    place_options,
    report_options,
    tolerance_options,
)
from diffkit.cli.output import EXIT_BAD, EXIT_NO, deliver, gather, patience
from diffkit.cli.process import EXIT_INTERRUPTED, complain
from diffkit.core.deadline import INTERRUPTED
from diffkit.core.errors import told

if TYPE_CHECKING:
    from diffkit.asking.tasks import Task

_BACKENDS_OPTION = click.option(
    "--backends",
    default="symbolic,finite,dual",
    metavar="NAMES",
    help="Which to compare.  [default: symbolic,finite,dual]",
)
_POINTS_OF_A_BOX = 200
_CODED = ("gradient", "jacobian", "hessian", "vjp")
"""kinds of claims in code that have an option of their own"""


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

        accuracy, code = _examine(cases_at(task, points), chosen, kind, jobs)
        deliver(CasesReport(accuracy, task, typed), options)
        return code or (0 if accuracy.all_agree else EXIT_NO)
    from diffkit.judging.comparison import compare_task
    from diffkit.reports.comparison_report import ComparisonReport

    with patience("comparing") as tell:
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

    chosen = backends_of(backends)
    old = None if against is None else known(against)
    accuracy, code = _examine(load_cases(cases, kind), chosen, kind, jobs, read_tolerances(rtol, atol))
    if old is not None:
        accuracy = replace(accuracy, changes=changes_since(old[0], accuracy.known, old[1]))
    deliver(CasesReport(accuracy), options)
    return code or (0 if accuracy else EXIT_NO)


def _examine(cases: Any, backends: list[Any], kind: str, jobs: int | None, allowed: Any = None) -> tuple[Any, int]:
    """Compare at every case; an interrupt keeps what was found, and gives its exit code."""
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.examination import examine

    outcomes, stopped = gather(examine(cases, backends, allowed, jobs), len(cases))
    accuracy = AccuracyReport(kind, tuple(b.name for b in backends), tuple(outcomes), len(cases), stopped)
    if stopped:
        done = f"{len(outcomes)} of {len(cases)} points"
        complain(f"{stopped}; the report says what was found at {done}")
    return accuracy, EXIT_INTERRUPTED if stopped == INTERRUPTED else 0


def _example(variables: tuple[str, ...]) -> str:
    return "1" if len(variables) == 1 else ",".join(f"{name}=1" for name in variables[:3])


@click.command(cls=ExpressionCommand)
@click.argument("function", metavar="F", required=False)
@click.option(
    "--all", "every", is_flag=True, help="Check every pair that F, a pyproject.toml, lists.  [default: pyproject.toml]"
)
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="G",
    help="The claim: its entries with commas, or one by one.",
)
@click.option("--gradient", metavar="MODULE:NAME", help="The claimed gradient, in code.")
@click.option("--jacobian", metavar="MODULE:NAME", help="The claimed Jacobian, in code.")
@click.option("--hessian", metavar="MODULE:NAME", help="The claimed Hessian, in code (or --claim with --kind hessian).")
@click.option("--vjp", metavar="MODULE:NAME", help="A backward function, claim(x, …, cotangent), in code.")
@click.option(
    "--kind", metavar="KIND",
    help="derivative, gradient, jacobian, hessian or vjp, where the claim's size leaves it open.",
)  # fmt: skip
@click.option("--at", metavar="POINT", help="Where: 1 | 1,2 | x=1,y=2 | MODULE:NAME. Expressions may do without.")
@click.option("--args", "args", metavar="LIST", help="Further arguments of code, such as MODULE:X,MODULE:y,0.1.")
@click.option("--variables", metavar="NAMES", help="Variables in order, such as b,a.")
@click.option("--wrt", metavar="NAMES", help="The claim is by these variables only.")
@click.option(
    "--reset", metavar="MODULE:NAME", help="Code to call before every evaluation, such as one that sets a seed."
)
@click.option("--symmetric", is_flag=True, help="F is a function of symmetric matrices.")
@click.option("--beside", type=click.IntRange(0), default=2, metavar="N", help="Random points beside.  [default: 2]")
@tolerance_options("What the claim may be off by, as a part of it.", "What it may be off by, absolutely.")
@array_options
@claim_options
@click.pass_context
def check(
    context: click.Context, /, function: str | None, every: bool, claims: tuple[str, ...], **options: Any
) -> int:  # fmt: skip
    """Is a claimed derivative of F right?

    F is an expression, or code as MODULE:NAME (model:loss, or path/to/file.py:loss), which is imported because you
    name it here and never otherwise. Code that returns a function, its claimed derivative, a point and, if wanted,
    further arguments may stand alone: MODULE:problem.
    Exit code 0 if the claim is correct, 1 if it is wrong or nothing can be said.

    --all checks every pair below [[tool.diffkit.check]] of a pyproject.toml, which says in words of these options:
    function, gradient (or jacobian, hessian, vjp), points, args, rtol, …; exit code 2 if one of them cannot be asked.
    The formats junit and github are for programs that run tests.

    \b
    diffkit check "x**2*sin(x)" --claim "2*x*sin(x)+x**2*cos(x)"
    diffkit check "x^2*y" --claim "2*x*y, x^2" --at 1,2
    diffkit check "log(x)" --claim "1/x"
    diffkit check "-(y*log(p)+(1-y)*log(1-p))" --claim "-y/p+(1-y)/(1-p)" --wrt p
    diffkit check "norm(X@w)**2" --claim "2*X.T@X@w" --data X.npz --at "w=[1,2]"
    diffkit check model:loss --gradient model:grad --at 0.1,0.2 --args model:X
    diffkit check model:layer --vjp model:backward --at model:weights --rtol 1e-6
    diffkit check model:problem
    diffkit check --all
    diffkit check --all --format junit --output checks.xml
    """
    if every:
        _refuse_others(context)
        return _check_all(function or "pyproject.toml", options)
    if function is None:
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    return _check_one(function, claims, options)


def _refuse_others(context: click.Context) -> None:
    """DiffkitError for an option that every pair has of its own."""
    from diffkit.core.errors import DiffkitError

    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name not in ("function", "every", "format", "output", "timeout"):
            raise DiffkitError(f"{parameter.opts[0]} does not go with --all", hint="each pair in the file has its own")


def _check_all(file: str, options: dict[str, Any]) -> int:
    from itertools import chain

    from diffkit.cli.pairs import read_pairs
    from diffkit.reports.claims_report import ClaimsReport

    report = ClaimsReport(tuple(chain.from_iterable(pair.checks() for pair in read_pairs(file))))
    deliver(report, options)
    return EXIT_BAD if report.verdicts["error"] else 0 if set(report.verdicts) == {"correct"} else EXIT_NO


def _check_one(function: str, claims: tuple[str, ...], options: dict[str, Any]) -> int:
    from diffkit.core.errors import DiffkitError
    from diffkit.judging.checking.check import check as check_claim
    from diffkit.reports import CLAIM_FORMATS
    from diffkit.reports.check_report import CheckReport

    given = [(kind, name) for kind in _CODED if (name := options.pop(kind)) is not None]
    if len(given) + bool(claims) > 1:
        raise DiffkitError("there is more than one claim",
                           hint=f"give --claim, or one of {', '.join(f'--{kind}' for kind in _CODED)}")  # fmt: skip
    claimed = _claimed(function, claims, given, options)
    reset = None if options["reset"] is None else names_in_module(options["reset"])
    settings = {name: options[name] for name in ("symmetric", "beside", "rtol", "atol")}
    found = check_claim(
        claimed.f, claimed.claim, claimed.at, kind=claimed.kind or options["kind"], args=claimed.args,
        variables=claimed.variables, wrt=names(options["wrt"]), reset=reset, **settings,
    )  # fmt: skip
    report = CheckReport(found, function, claimed.text)
    return _listed(report, claimed, options) if options["format"] in CLAIM_FORMATS else _told(report, options)


def _listed(report: Any, claimed: _Claimed, options: dict[str, Any]) -> int:
    """Report a check to a program that runs tests: as the only one of them."""
    from diffkit.cli.pairs import place_of
    from diffkit.reports.claims_report import ClaimsReport, NamedCheck

    named = NamedCheck(f"{report.check.kind} of {report.f}", report, None, *(place_of(claimed.claim) or ()))
    deliver(ClaimsReport((named,)), options)
    return 0 if report.check else EXIT_NO


class _Claimed(NamedTuple):
    """f, the claim and the point; the claim as it was written, and what else it says of itself."""

    f: Any
    claim: Any
    at: Any
    text: str
    args: tuple[Any, ...] = ()
    variables: tuple[str, ...] | None = None
    kind: str | None = None


def _claimed(
    function: str, claims: tuple[str, ...], given: list[tuple[str, str]], options: dict[str, Any]
) -> _Claimed:  # fmt: skip
    """What the command names: code, or text of numbers or of arrays."""
    from diffkit.core.errors import DiffkitError

    coded, args = CODE_NAME.match(function), arguments_of(options["args"])
    if not coded and are_arrays((function, *claims), options):
        return _claimed_of_arrays(function, claims, given, options)
    f: Any = names_in_module(function) if coded else function
    if coded and not callable(f):
        raise DiffkitError(f"{function} is a {type(f).__name__}, not a function")
    variables, where = names(options["variables"]), code_or_text(options["at"])
    if given:
        kind, text = given[0]
        return _Claimed(f, names_in_module(text), where, text, args, variables, kind)
    if claims:
        claim = [code_or_text(part) for part in _parts(claims)]
        return _Claimed(f, claim[0] if len(claim) == 1 else claim, where, ", ".join(claims), args, variables)
    if coded:
        return _problem(function, f)
    raise DiffkitError("there is no claim", hint='add --claim, for example --claim "2*x"')


def _claimed_of_arrays(
    function: str, claims: tuple[str, ...], given: list[tuple[str, str]], options: dict[str, Any]
) -> _Claimed:  # fmt: skip
    from diffkit.core.errors import DiffkitError, PointError

    if given or not claims:
        raise DiffkitError("the claim about an array expression is text", hint="add --claim, once for each variable")
    if options["at"] is None:
        raise PointError("a claim about an array expression is checked at a point",
                         hint="add --at; matrix --check is for any size")  # fmt: skip
    f, at = read_arrays((function,), options, names(options["wrt"]) or ())
    kind = "gradient" if len(claims) > 1 else None
    return _Claimed(f, claim_of_arrays(f, claims, options), at, ", ".join(claims), kind=options["kind"] or kind)


def _parts(claims: tuple[str, ...]) -> list[str]:
    """The entries of claims: several in one text go with commas."""
    from diffkit.asking.frames import split_top

    split = (([claim] if CODE_NAME.match(claim) or "[" in claim else split_top(claim, ",")) for claim in claims)
    return [part.strip() for parts in split for part in parts]


def _told(report: Any, options: dict[str, Any]) -> int:
    """Report a check; to a reader who waits, the verdict is told before its repair is looked for."""
    from diffkit.reports.check_report import CheckWithoutRepair, Repair

    waits = options["format"] == "text" and options["output"] is None
    if waits:
        deliver(CheckWithoutRepair(report.check, report.f, report.claim), options)
    found = report.check.explanation  # looked for outside of deliver, which knows no time
    if not waits:
        deliver(report, options)
    elif found:
        deliver(Repair(report.check), options)
    return 0 if report.check else EXIT_NO


def _problem(name: str, function: Any) -> _Claimed:
    """What a function that sets up a check returns: f, claim, point and further arguments."""
    from diffkit.core.errors import DiffkitError

    try:
        found = function()
    except Exception as error:
        raise DiffkitError(
            f"{name}() raised {told(error)}",
            hint="without --gradient it must return (f, claim, point) or (f, claim, point, args)",
        ) from None
    if not isinstance(found, tuple) or len(found) not in (3, 4):
        raise DiffkitError(f"{name}() must return (f, claim, point) or (f, claim, point, args)",
                           hint="or name the claim with --gradient")  # fmt: skip
    f, claim, at, *rest = found
    args = rest[0] if rest else ()
    return _Claimed(f, claim, at, "as it returns", args if isinstance(args, tuple) else (args,))

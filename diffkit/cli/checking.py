"""The command ``check``: is a claimed derivative right? One claim, or all that a pyproject.toml lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from diffkit.cli.inputs import (
    CODE_NAME,
    are_arrays,
    arguments_of,
    claim_of_arrays,
    code_or_text,
    names_in_module,
    plan_for,
    read_arrays,
)
from diffkit.cli.options import (
    ExpressionCommand,
    array_options,
    claim_options,
    isolation_among,
    isolation_options,
    jobs_option,
    names,
    rows_options,
    tolerance_options,
)
from diffkit.cli.output import EXIT_BAD, EXIT_NO, deliver, drain, run_told
from diffkit.core.errors import DiffkitError, PointError, told

if TYPE_CHECKING:
    from diffkit.cli.pairs import PairRows
    from diffkit.core.isolation import Isolation
    from diffkit.core.row_folder import RowPlan
    from diffkit.reports.claims_report import NamedCheck

_CODED = ("gradient", "jacobian", "hessian", "vjp")
"""kinds of claims in code that have an option of their own"""


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
@isolation_options
@jobs_option
@rows_options
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
    The formats junit and github are for programs that run tests. --rows writes a row for each check to shards in a
    folder, by --jobs processes; points_from names files of points that are read as a stream.

    --isolate imports and calls the code in another process: where that crashes, ends, or needs more memory or time than
    it may, exit code 2 and one line say so, and with --all the other claims are checked. It is no wall against malice.

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
    diffkit check --all --memory 2G --timeout-each 30
    diffkit check --all --rows checked --resume --jobs 2
    """
    isolation = isolation_among(options, options["jobs"])
    if every:
        _refuse_others(context)
        return _check_all(function or "pyproject.toml", options, isolation)
    if options["jobs"] is not None or plan_for(options, "") is not None:
        raise DiffkitError("--jobs and --rows go with --all", hint="one check is one")
    if function is None:
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    return _check_one(function, claims, options, isolation)


_WITH_ALL = ("function", "every", "format", "output", "timeout", "isolate", "memory", "timeout_each", "jobs", "rows",
             "row_format", "shard_rows", "resume")  # fmt: skip
"""what may be said of all pairs at once"""


def _refuse_others(context: click.Context) -> None:
    """DiffkitError for an option that every pair has of its own."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name not in _WITH_ALL:
            raise DiffkitError(f"{parameter.opts[0]} does not go with --all", hint="each pair in the file has its own")


def _check_all(file: str, options: dict[str, Any], isolation: Isolation | None) -> int:
    from diffkit.cli.pairs import PairRows, checks_of, read_pairs
    from diffkit.reports.claims_report import ClaimsReport

    if (plan := plan_for(options, file)) is not None:
        return _check_rows(PairRows(read_pairs(file)), plan, options, isolation)
    if options["jobs"] is not None:
        raise DiffkitError("--jobs share the checks of --rows", hint="add --rows DIR")
    report = ClaimsReport(tuple(checks_of(read_pairs(file), isolation)))
    deliver(report, options)
    return EXIT_BAD if report.verdicts["error"] else 0 if set(report.verdicts) == {"correct"} else EXIT_NO


def _check_rows(job: PairRows, plan: RowPlan, options: dict[str, Any], isolation: Isolation | None) -> int:
    """Check every pair, and write a row for each check."""
    from diffkit.core.row_reports import RowCounts
    from diffkit.core.row_runs import carry_out

    counts = RowCounts("check", plan.folder, "verdict", "correct")
    rows = carry_out(job, job.records(), plan, isolation or options["jobs"])
    stopped = drain(rows, counts.add, doing="checking")
    found = counts.report(stopped)
    code = run_told(found, stopped, bool(found), options)
    return EXIT_BAD if found.statuses.get("error") and not stopped else code


def _check_one(function: str, claims: tuple[str, ...], options: dict[str, Any], isolation: Isolation | None) -> int:
    from diffkit.core.workers import isolated
    from diffkit.reports import CLAIM_FORMATS
    from diffkit.reports.claims_report import ClaimsReport

    given = [(kind, name) for kind in _CODED if (name := options.pop(kind)) is not None]
    if len(given) + bool(claims) > 1:
        raise DiffkitError("there is more than one claim",
                           hint=f"give --claim, or one of {', '.join(f'--{kind}' for kind in _CODED)}")  # fmt: skip
    asked = (function, claims, given, options)
    found = _checked(*asked) if isolation is None else isolated(isolation, _checked, asked)
    assert found.report is not None
    if options["format"] not in CLAIM_FORMATS:
        return _told(found.report, options)
    deliver(ClaimsReport((found,)), options)
    return 0 if found.report.check else EXIT_NO


def _checked(
    function: str, claims: tuple[str, ...], given: list[tuple[str, str]], options: dict[str, Any]
) -> NamedCheck:  # fmt: skip
    """Check a claim as the command names it."""
    from diffkit.cli.pairs import place_of
    from diffkit.judging.checking.check import check as check_claim
    from diffkit.reports.check_report import CheckReport
    from diffkit.reports.claims_report import NamedCheck

    claimed = _claimed(function, claims, given, options)
    reset = None if options["reset"] is None else names_in_module(options["reset"])
    settings = {name: options[name] for name in ("symmetric", "beside", "rtol", "atol")}
    found = check_claim(
        claimed.f, claimed.claim, claimed.at, kind=claimed.kind or options["kind"], args=claimed.args,
        variables=claimed.variables, wrt=names(options["wrt"]), reset=reset, **settings,
    )  # fmt: skip
    report = CheckReport(found, function, claimed.text)
    return NamedCheck(f"{found.kind} of {function}", report, None, *(place_of(claimed.claim) or ()))


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

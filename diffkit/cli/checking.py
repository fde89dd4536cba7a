"""The command that judges a claimed derivative: ``check``, of expressions or of code named on purpose."""

from __future__ import annotations

from typing import Any

import click

from diffkit.cli.array_text import are_arrays, array_options, judge_arrays
from diffkit.cli.inputs import CODE, argument_of, names_in_module
from diffkit.cli.options import FORMATS_HELP, ExpressionCommand, names, tolerance_options
from diffkit.cli.output import EXIT_NO, deliver
from diffkit.core.characters import told

CODED = ("gradient", "jacobian", "hessian", "vjp")
"""kinds of claims in code that have an option of their own"""


@click.command(cls=ExpressionCommand)
@click.argument("function", metavar="F")
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
@click.option("--format", "format", default="text", metavar="FORMAT", help=FORMATS_HELP)
@click.option("--output", metavar="FILE", help="Write the report to a file, whole or not at all.")
def check(
    function: str, claims: tuple[str, ...], at: str | None, args: str | None, variables: str | None,
    data: tuple[str, ...], let: tuple[str, ...], format: str, output: str | None, **options: Any,
) -> int:  # fmt: skip
    """Is a claimed derivative of F right?

    F is an expression, or code as MODULE:NAME (model:loss, or path/to/file.py:loss), which is imported because you
    name it here and never otherwise. Code that returns a function, its claimed derivative, a point and, if wanted,
    further arguments may stand alone: MODULE:problem.
    Exit code 0 if the claim is correct, 1 if it is wrong or nothing can be said.

    \b
    diffkit check "x**2*sin(x)" --claim "2*x*sin(x)+x**2*cos(x)"
    diffkit check "x^2*y" --claim "2*x*y, x^2" --at 1,2
    diffkit check "log(x)" --claim "1/x"
    diffkit check "-(y*log(p)+(1-y)*log(1-p))" --claim "-y/p+(1-y)/(1-p)" --wrt p
    diffkit check "norm(X@w)**2" --claim "2*X.T@X@w" --data X.npz --at "w=[1,2]"
    diffkit check model:loss --gradient model:grad --at 0.1,0.2 --args model:X
    diffkit check model:layer --vjp model:backward --at model:weights --rtol 1e-6
    diffkit check model:problem
    """
    from diffkit.core.errors import DiffkitError
    from diffkit.judging.checking.check import check as judge
    from diffkit.reports import check_format
    from diffkit.reports.check_report import CheckReport

    check_format(format)
    given = [(kind, name) for kind in CODED if (name := options.pop(kind)) is not None]
    if len(given) + bool(claims) > 1:
        raise DiffkitError("there is more than one claim",
                           hint=f"give --claim, or one of {', '.join(f'--{kind}' for kind in CODED)}")  # fmt: skip
    given_arrays = {"data": data, "let": let, "variables": variables}
    options["wrt"] = names(options["wrt"])
    options["reset"] = None if options["reset"] is None else names_in_module(options["reset"])
    if not CODE.match(function) and are_arrays((function, *claims), at, given_arrays):
        if given or not claims:
            raise DiffkitError(
                "the claim about an array expression is text", hint="add --claim, once for each variable"
            )
        found = judge_arrays(function, claims, at, given_arrays, **options)
        return _told(CheckReport(function, ", ".join(claims), found), format, output)
    f, claim, where, further, text = _asked(function, claims, given, at, args, options)
    found = judge(f, claim, where, variables=names(variables), args=further, **options)
    return _told(CheckReport(function, text, found), format, output)


def _asked(
    function: str, claims: tuple[str, ...], given: list[tuple[str, str]], at: str | None, args: str | None,
    options: dict[str, Any],
) -> tuple[Any, Any, Any, Any, str]:  # fmt: skip
    """F, the claim, the point and further arguments that the command names, and the claim as it was written."""
    from diffkit.asking.frames import split_top
    from diffkit.core.errors import DiffkitError

    coded = CODE.match(function)
    f: Any = names_in_module(function) if coded else function
    if coded and not callable(f):
        raise DiffkitError(f"{function} is a {type(f).__name__}, not a function")
    further: Any = tuple(argument_of(part) for part in args.split(",")) if args else ()
    where: Any = names_in_module(at) if at is not None and CODE.match(at) else at
    if given:
        options["kind"], text = given[0]
        return f, names_in_module(text), where, further, text
    if claims:
        parts = [part.strip() for c in claims for part in ([c] if CODE.match(c) or "[" in c else split_top(c, ","))]
        claim = [names_in_module(c) if CODE.match(c) else c for c in parts]
        return f, claim[0] if len(claim) == 1 else claim, where, further, ", ".join(claims)
    if coded:
        return *_problem(function, f), "as it returns"
    raise DiffkitError("there is no claim", hint='add --claim, for example --claim "2*x"')


def _told(report: Any, format: str, output: str | None) -> int:
    """Report a check; to a reader who waits, the verdict is told before its repair is looked for."""
    from diffkit.reports.check_report import Repair, Verdict

    if format == "text" and output is None:
        deliver(Verdict(report), format, output)
    found = report.check.explanation  # looked for outside of deliver, which knows no time
    if format != "text" or output is not None:
        deliver(report, format, output)
    elif found:
        deliver(Repair(report.check), format, output)
    return 0 if report.check else EXIT_NO


def _problem(name: str, function: Any) -> tuple[Any, Any, Any, Any]:
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
    f, claim, where, *rest = found
    further = rest[0] if rest else ()
    return f, claim, where, further if isinstance(further, tuple) else (further,)

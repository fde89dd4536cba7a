"""What the commands do with array expressions: data, definitions, points in arrays, and the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from diffkit.cli.options import names

F = TypeVar("F", bound=Callable[..., Any])
DATA = "Data by name: FILE.csv|npz|json, X=FILE.npy, X=FILE.csv:a,b. Repeatable."
LET = 'A value by name, such as "A=[[1,2],[3,4]]". Repeatable.'


def array_options(function: F) -> F:
    """Add ``--data`` and ``--let``."""
    function = click.option("--let", multiple=True, metavar="NAME=VALUE", help=LET)(function)
    return click.option("--data", multiple=True, metavar="FILE", help=DATA)(function)


def are_arrays(expressions: tuple[str, ...], at: str | None, options: dict[str, Any]) -> bool:
    """Whether a command is about array expressions: data or definitions are given, or the text or the point says so."""
    from diffkit.lessons.matrices.array_parser import looks_like_arrays

    return bool(options.get("data") or options.get("let")) or any(map(looks_like_arrays, (*expressions, at or "")))


class Asked(NamedTuple):
    """A question about an array expression at a point."""

    texts: tuple[str, ...]
    question: Any
    at: dict[str, Any]

    def report(self, task: Any, **found: Any) -> Any:
        """Give the Report on what was found, with the expression as it was typed."""
        from diffkit.reports import Report

        variables = tuple(argument.name for argument in task.function.arguments)
        return Report(self.texts, variables, task.kind, task.labels, **found)


def ask_arrays(
    expressions: tuple[str, ...], kind: str, task_options: dict[str, Any], options: dict[str, Any]
) -> Asked:  # fmt: skip
    """Read a question about expressions at a point."""
    from diffkit.asking.questions import ask
    from diffkit.core.errors import DiffkitError
    from diffkit.core.text.names import names_of

    if kind != "jacobian" and len(expressions) > 1:
        raise DiffkitError(f"a {kind} is of one expression", hint="quote the expression, or ask for the jacobian")
    function, at = read_arrays(expressions, options, names_of(task_options.get("wrt")))
    return Asked(expressions, ask(function, kind, **task_options), at)


def read_arrays(
    expressions: tuple[str, ...], options: dict[str, Any], wrt: tuple[str, ...] = ()
) -> tuple[Any, dict[str, Any]]:
    """Read expressions with their data as a function, and the point; PointError without one."""
    from diffkit.asking.frames import names_in
    from diffkit.core.errors import PointError
    from diffkit.lessons.matrices.settings import function_of_text, read_at

    if options.get("points"):
        raise PointError("array expressions take one point, by --at", hint="--data is for what stays as it is")
    given = (*names_in(options["at"]), *wrt)
    function, holds = function_of_text(expressions, options["let"], options["data"], names(options["variables"]), given)
    if options["at"] is None:
        example = ",".join(f"{name}=0" for name in function.parameters()[:4])
        raise PointError("an array expression needs a point", hint=f'add --at "{example}", arrays as x=[1,2,3]; '
                         "diffkit matrix gives formulas for any size")  # fmt: skip
    return function, read_at(options["at"], function, holds)


def differentiate_arrays(
    expressions: tuple[str, ...], kind: str, task_options: dict[str, Any], options: dict[str, Any], backend: Any
) -> tuple[Any, bool]:
    """Give the report on one kind of derivative, and whether all is well."""
    from diffkit.cli.inputs import formulas_of
    from diffkit.methods.prepared import Prepared

    asked = ask_arrays(expressions, kind, task_options, options)
    task, _ = asked.question.at(asked.at)
    result = Prepared(asked.question, backend).result(asked.at)
    formulas, notes = formulas_of(task, required=False) if options["formula"] else ((), ())
    return asked.report(task, result=result, formulas=formulas, notes=notes), result.ok


def judge_arrays(
    expression: str, claims: tuple[str, ...], at: str | None, options: dict[str, Any], **judging: Any
) -> Any:
    """Check claims in the array language, one for each variable or one for all, at a point; ``judging`` as check."""
    from diffkit.asking.frames import names_in
    from diffkit.core.errors import PointError
    from diffkit.judging.checking.check import check
    from diffkit.lessons.matrices.settings import claim_beside, function_of_text, read_at

    given = (*names_in(at), *(judging["wrt"] or ()))
    function, holds = function_of_text(
        (expression,), options["let"], options["data"], names(options["variables"]), given
    )
    if at is None:
        raise PointError("a claim about an array expression is checked at a point",
                         hint="add --at; matrix --check is for any size")  # fmt: skip
    parts = [claim_beside(function, claim, options["let"], options["data"]) for claim in claims]

    def claimed(*values: Any) -> Any:
        found = tuple(part.evaluate(*values) for part in parts)
        return found[0] if len(found) == 1 else found

    claimed.__name__ = "claim"
    if len(claims) > 1 and judging.get("kind") is None:
        judging["kind"] = "gradient"
    return check(function, claimed, read_at(at, function, holds), **judging)

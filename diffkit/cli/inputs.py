"""What the commands make of their arguments: functions, points, and the report on a task."""

from __future__ import annotations

from typing import Any

from diffkit.cli.options import names


def function_of(expressions: tuple[str, ...], kind: str) -> Any:
    """Give the one expression, or for a Jacobian all of them."""
    from diffkit.errors import DiffkitError

    if kind == "jacobian":
        return list(expressions)
    if len(expressions) > 1:
        raise DiffkitError(
            f"a {kind} is of one expression, not {len(expressions)}",
            hint="quote the expression, or ask for the jacobian",
        )
    return expressions[0]


def points_of(at: str | None, file: str | None, variables: tuple[str, ...]) -> Any:
    """Give the Points of ``--at`` or ``--points``, or None without either."""
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


def backends_of(text: str) -> list[Any]:
    """Give the backends of a comma-separated list."""
    from diffkit.prepared import find_backend

    return [find_backend(name) for name in names(text) or ()]


def report_on(task: Any, **found: Any) -> Any:
    """Give the Report on what was found about a task."""
    from diffkit.reports import Report
    from diffkit.syntax import format_outputs

    texts = tuple(format_outputs(task.program, 20_000))
    return Report(texts, task.variables, task.kind, task.labels, task=task, **found)

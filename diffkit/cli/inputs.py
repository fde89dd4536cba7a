"""What the commands make of their arguments: functions, points, formulas, and the report on a task."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from diffkit.cli.options import names
from diffkit.core.characters import told

CODE = re.compile(r"[\w./\\-]+:[A-Za-z_]\w*\Z")
"""Code that is named on purpose: MODULE:NAME, or path/to/file.py:NAME."""


def function_of(expressions: tuple[str, ...], kind: str) -> Any:
    """Give the one expression, or for a Jacobian all of them."""
    from diffkit.core.errors import DiffkitError

    if kind == "jacobian":
        return list(expressions)
    if len(expressions) > 1:
        raise DiffkitError(
            f"a {kind} is of one expression, not {len(expressions)}",
            hint="quote the expression, or ask for the jacobian",
        )
    return expressions[0]


class Where(NamedTuple):
    """The points of ``--at`` or of a file, which need the variables to be read, and the names that they give."""

    at: str | None
    file: str | None = None
    text: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names that are given values to."""
        from diffkit.asking.frames import names_in
        from diffkit.asking.points import names_in_file

        return names_in_file(self.text) if self.file is not None else names_in(self.at)

    def points(self, variables: tuple[str, ...]) -> Any:
        """Give the Points, or None where none are asked for."""
        from diffkit.asking.points import read_file, read_text

        if self.at is not None:
            return read_text(self.at, variables)
        if self.file is not None:
            return read_file(self.text, "standard input" if self.file == "-" else self.file, variables)
        return None


def where(at: str | None, file: str | None) -> Where:
    """Give the place of ``--at`` or ``--points``; PointError for both."""
    from diffkit.core.errors import PointError
    from diffkit.core.files import read

    if at is not None and file is not None:
        raise PointError("give either --at or --points, not both")
    return Where(at, file, "" if file is None else read(file))


def backends_of(text: str) -> list[Any]:
    """Give the backends of a comma-separated list."""
    from diffkit.methods.prepared import find_backend

    return [find_backend(name) for name in names(text) or ()]


def report_on(task: Any, **found: Any) -> Any:
    """Give the Report on what was found about a task."""
    from diffkit.core.text import format_outputs
    from diffkit.reports import Report

    texts = tuple(format_outputs(task.program, 20_000))
    return Report(texts, task.variables, task.kind, task.labels, task=task, **found)


def argument_of(text: str) -> Any:
    """Give a further argument of code: a name in a module, or a number."""
    from diffkit.asking.points import number

    return names_in_module(text.strip()) if CODE.match(text.strip()) else number(text)


def names_in_module(text: str) -> Any:
    """Import a module that the user names, and give what it calls by a name; FileError if there is no such thing."""
    import importlib
    import importlib.util
    import os
    import sys

    from diffkit.core.errors import FileError, did_you_mean

    where, _, name = text.rpartition(":")
    try:
        path = os.path.realpath(where)
        if where.endswith(".py") and path in sys.modules:  # f and its claim share one module, and its data
            module = sys.modules[path]
        elif where.endswith(".py"):
            spec = importlib.util.spec_from_file_location(os.path.basename(where)[:-3], where)
            if spec is None or spec.loader is None:
                raise FileError(f"cannot import {where}")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules[path] = module
        else:
            if os.getcwd() not in sys.path:
                sys.path.insert(0, os.getcwd())
            module = importlib.import_module(where)
    except FileError:
        raise
    except Exception as error:
        raise FileError(
            f"cannot import {where}: {told(error)}",
            hint="modules are looked for in the current directory; a path ends in .py",
        ) from None
    if not hasattr(module, name):
        raise FileError(f"{where} has no {name}", hint=did_you_mean(name, vars(module)))
    return getattr(module, name)


def formulas_of(task: Any, required: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ask SymPy for the formulas; without a point they are all there is, otherwise a note says why they are missing."""
    from diffkit.core.deadline import TimeIsUp
    from diffkit.core.errors import BackendError, LimitError
    from diffkit.methods import get_backend

    try:
        formulas = get_backend("symbolic").prepare(task).formula or ()
        return tuple(formulas[place] for place in task.places), ()
    except TimeIsUp as up:
        return (), (f"no formula: {up.reason}",)
    except (BackendError, LimitError) as error:
        if required:
            raise
        return (), (f"no formula: {error.reason}",)

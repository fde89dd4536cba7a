"""What the commands make of what was typed: functions and points, of numbers or of arrays, and code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.cli.options import names
from diffkit.core.errors import told

if TYPE_CHECKING:
    from diffkit.asking.tasks import Question
    from diffkit.core.row_folder import RowPlan

CODE_NAME = re.compile(r"[\w./\\-]+:[A-Za-z_]\w*\Z")
"""Code that is named on purpose: MODULE:NAME, or path/to/file.py:NAME."""


class TypedQuestion(NamedTuple):
    """A question, and the texts that it is about where they are to be shown as they were typed: those of arrays."""

    question: Question
    typed: tuple[str, ...] = ()


def ask(texts: tuple[str, ...], kind: str, options: dict[str, Any], **asked: Any) -> TypedQuestion:
    """Ask for a kind of derivative of what was typed, where ``options`` say: numbers and arrays alike."""
    from diffkit.asking.questions import ask as ask_at
    from diffkit.asking.questions import ask_everywhere
    from diffkit.asking.tasks import OF_SEVERAL
    from diffkit.core.errors import DiffkitError
    from diffkit.core.text.names import names_of

    if kind not in OF_SEVERAL and len(texts) > 1:
        raise DiffkitError(f"a {kind} is of one expression, not {len(texts)}",
                           hint="quote the expression, or ask for the jacobian")  # fmt: skip
    f, at, variables = read(texts, options, names_of(asked.get("wrt")))
    typed = () if isinstance(f, (str, list)) else texts
    if at is None:
        return TypedQuestion(ask_everywhere(f, kind, variables, **asked), typed)
    return TypedQuestion(ask_at(f, kind, at, variables, **asked), typed)


def read(
    texts: tuple[str, ...], options: dict[str, Any], wrt: tuple[str, ...] = ()
) -> tuple[Any, Any, tuple[str, ...] | None]:
    """Give what texts are about: a function of arrays, or they themselves; the point, and the variables declared.

    Here it is decided which of the two languages a text is written in.
    """
    if are_arrays(texts, options):
        return *read_arrays(texts, options, wrt), None
    return texts[0] if len(texts) == 1 else list(texts), _place(options), names(options["variables"])


def are_arrays(texts: tuple[str, ...], options: dict[str, Any]) -> bool:
    """Whether texts are of arrays: data or definitions are given, or one of them or the point says so."""
    from diffkit.asking.frames import split_top
    from diffkit.core.text import holds_arrays

    if options["data"] or options["let"]:
        return True
    values = [part.rpartition("=")[2] for part in split_top(options["at"] or "", ",")]
    return any(map(holds_arrays, (*texts, *values)))


def _place(options: dict[str, Any]) -> Any:
    """The text of ``--at``, the file of ``--points``, or None; PointError for both."""
    at, file = options["at"], options.get("points")
    if file is None:
        return at
    from diffkit.asking.points import PointsFile
    from diffkit.core.errors import PointError
    from diffkit.core.files import LONGEST_FILE
    from diffkit.core.records import name_of, records_of

    if at is not None:
        raise PointError("give either --at or --points, not both")
    return PointsFile(name_of(file), records_of(file, "csv", LONGEST_FILE))


def stream_of(texts: tuple[str, ...], options: dict[str, Any]) -> RowPlan | None:
    """The plan for the rows of a stream of points; None where rows are not asked for."""
    if options["rows"] is not None:
        from diffkit.core.errors import PointError

        if options["at"] is not None or options["points"] is None:
            raise PointError("a stream of rows is of points", hint="give --points, and no --at")
        if are_arrays(texts, options):
            raise PointError("array expressions take one point, by --at", hint="leave --rows out")
    return plan_for(options, options["points"])


def plan_for(options: dict[str, Any], source: Any) -> RowPlan | None:
    """The plan for rows that are made of a source, if they are asked for."""
    from diffkit.core.errors import DiffkitError

    folder, format, size, resume = (options.pop(name) for name in ("rows", "row_format", "shard_rows", "resume"))
    if folder is None:
        if format is not None or size is not None or resume:
            raise DiffkitError("a format, a size of shards and --resume go with --rows", hint="add --rows DIR")
        return None
    from diffkit.core.row_runs import row_plan

    return row_plan(source, folder, format, size, resume)


# Arrays -------------------------------------------------------------------------------------------------------------


def read_arrays(texts: tuple[str, ...], options: dict[str, Any], wrt: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """Read expressions with their data as a function, and the point; PointError without one."""
    from diffkit.core.errors import PointError
    from diffkit.lessons.matrices.settings import read_at

    if options.get("points"):
        raise PointError("array expressions take one point, by --at", hint="--data is for what stays as it is")
    function, holds = _function_of_arrays(texts, options, wrt)
    if options["at"] is None:
        example = ",".join(f"{name}=0" for name in function.parameters()[:4])
        raise PointError("an array expression needs a point", hint=f'add --at "{example}", arrays as x=[1,2,3]; '
                         "diffkit matrix gives formulas for any size")  # fmt: skip
    return function, read_at(options["at"], function, holds)


def _function_of_arrays(
    texts: tuple[str, ...], options: dict[str, Any], wrt: tuple[str, ...] = ()
) -> tuple[Any, dict[str, str]]:
    """Give the function of texts with ``--let`` and ``--data`` in it, and what each file holds."""
    from diffkit.asking.frames import names_in
    from diffkit.lessons.matrices.settings import function_of_text

    given = (*names_in(options["at"]), *wrt)
    return function_of_text(texts, options["let"], options["data"], names(options["variables"]), given)


def claim_of_arrays(function: Any, claims: tuple[str, ...], options: dict[str, Any]) -> Any:
    """Give claims beside a function of arrays as code: one for all its variables, or one for each."""
    from diffkit.lessons.matrices.settings import claim_beside

    parts = [claim_beside(function, claim, options["let"], options["data"]) for claim in claims]

    def claim(*values: Any) -> Any:
        found = tuple(part.evaluate(*values) for part in parts)
        return found[0] if len(found) == 1 else found

    return claim


# Code and backends --------------------------------------------------------------------------------------------------


def backends_of(text: str) -> list[Any]:
    """Give the backends of a comma-separated list."""
    from diffkit.methods.answering import find_backends

    return list(find_backends(names(text) or ()))


def arguments_of(text: str | None) -> tuple[Any, ...]:
    """Give the further arguments of code: each a name in a module, or a number."""
    from diffkit.asking.points import number

    parts = [part.strip() for part in text.split(",")] if text else []
    return tuple(names_in_module(part) if CODE_NAME.match(part) else number(part) for part in parts)


def code_or_text(text: str | None) -> Any:
    """Give what MODULE:NAME names, and any other text as it is."""
    return names_in_module(text) if text is not None and CODE_NAME.match(text) else text


def names_in_module(text: str) -> Any:
    """Import a module that the user names, and give what it calls by a name; FileError if there is no such thing."""
    from diffkit.core.errors import FileError, did_you_mean

    where, _, name = text.rpartition(":")
    try:
        module = _module(where)
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


def _module(where: str) -> Any:
    """The module of a dotted name or of a path; f and its claim share one module, and its data."""
    import importlib
    import importlib.util
    import os
    import sys

    from diffkit.core.errors import FileError

    if not where.endswith(".py"):
        if os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        return importlib.import_module(where)
    path = os.path.realpath(where)
    if path not in sys.modules:
        spec = importlib.util.spec_from_file_location(os.path.basename(where)[:-3], where)
        if spec is None or spec.loader is None:
            raise FileError(f"cannot import {where}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[path] = module
    return sys.modules[path]


def read_descent(
    function: str, start: str, args: str | None, options: dict[str, Any]
) -> tuple[Any, Any, tuple[Any, ...]]:
    """What to descend on, where to start, and further arguments: code, an array expression with data, or plain text."""
    where, further, given = code_or_text(start), arguments_of(args), {**options, "at": start}
    if CODE_NAME.match(function):
        return names_in_module(function), where, further
    bare = options["variables"] is None and where is start
    if not are_arrays((function,), given):
        from diffkit.asking.expressions import read_joint
        from diffkit.asking.frames import names_in

        if bare:
            _check_named(start, read_joint([function], None, names_in(start)).program.inputs)
        return function, where, further
    from diffkit.lessons.matrices.settings import read_at

    arrays, holds = _function_of_arrays((function,), given)
    if bare:
        _check_named(start, arrays.parameters())
    f, rows = arrays.opened()
    return f, read_at(start, arrays, holds) if where is start else where, rows


def _check_named(start: str, variables: tuple[str, ...]) -> None:
    """PointError for a bare list of several values: weights go by names, whatever their order."""
    from diffkit.asking.callables.function import unordered
    from diffkit.asking.frames import names_in, split_top

    if len(split_top(start, ",")) > 1 and not names_in(start):
        raise unordered(variables, "a start")


def read_gradient(text: str | None) -> Any:
    """A gradient in code, or expressions separated by semicolons."""
    found = code_or_text(text)
    return [part.strip() for part in found.split(";")] if isinstance(found, str) else found

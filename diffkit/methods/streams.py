"""Derivatives at the points of a stream: each record becomes a row with values, errors and statuses."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from os import PathLike
from typing import TYPE_CHECKING, Any

from diffkit.asking.answers import lay_out
from diffkit.asking.questions import OpenQuestion, open_question
from diffkit.asking.tasks import Task
from diffkit.core.errors import DiffkitError, PointError
from diffkit.core.records import Record, some_records
from diffkit.core.results import Result, unanswered
from diffkit.core.row_files import Columns, Row
from diffkit.core.row_reports import RowCounts, RowsReport, exhausted
from diffkit.core.row_runs import as_json, carry_out, row_plan
from diffkit.core.text import format_outputs
from diffkit.core.text.names import Names
from diffkit.core.workers import timed
from diffkit.methods import Backend
from diffkit.methods.answering import find_backend
from diffkit.methods.prepared import Prepared

if TYPE_CHECKING:
    from diffkit.core.row_folder import RowPlan
    from diffkit.core.worker_pool import Workers

_ODD_COLUMNS: Columns = {"label": "text", "status": "text", "message": "text", "left": "float", "right": "float",
                 "limit": "float"}  # fmt: skip
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@timed
def stream(
    f: Any, points: str | PathLike[str] | Iterable[Any], kind: str = "gradient", *, rows: str | PathLike[str],
    backend: str | Backend = "auto", row_format: str | None = None, shard_rows: int | None = None,
    resume: bool = False, variables: Names | None = None, args: Sequence[Any] = (), digits: int | None = None,
    timeout: float | None = None, workers: Workers = None, **options: Any,  # noqa: ARG001
) -> RowsReport:  # fmt: skip
    """Take a derivative at every point of a stream, in constant memory.

    Each point becomes a row: its number ``row``, the point (``at.x``), a value
    and an error by label (``∂f/∂x``, ``error.∂f/∂x``), and ``status``,
    ``message`` and what is ``odd`` where a component is not ok.

    Parameters
    ----------
    f : str, Expression, SymPy expression or callable
        The function; workers get code by its name, at the top of a module.
    points : str, path or iterable
        A file of JSON lines, CSV or Parquet, a folder or a pattern of such
        files, or points by name or in order.
    kind : str, default "gradient"
        The derivative.
    rows : str or path
        A new folder for the rows: shards, and a journal.
    backend : str or backend, default "auto"
        The method.
    row_format : str, optional
        "jsonl", "csv" or "parquet"; that of the points unless given.
    shard_rows : int, optional
        Rows of a shard, 10,000 unless given.
    resume : bool, default False
        Go on with the run in ``rows``, after whatever ended it: no row is lost
        or doubled, and the rows are those of a run without a break.
    variables : str or sequence of names, optional
        Variables in order; these names win over constants.
    args : sequence, optional
        Further arguments of a callable.
    digits : int, optional
        Proven decimal digits, a column of its own by label.
    timeout : float, optional
        Seconds after which the run ends; what is found until then is kept.
    workers : int or concurrent.futures.Executor, optional
        Processes to share the points; rows and their order are the same.
    **options : optional
        Of the kind, as ``dk.prepare`` takes them: ``wrt``, ``order``, ….

    Returns
    -------
    RowsReport
        How many rows have which status; it is true if all are ok.

    Raises
    ------
    FileError
        For a malformed record, which is named; for a folder that is not empty,
        unless it is resumed; and where the run in it was begun with other
        points, options or another version.
    WorkerError
        Where an executor breaks; the rows until then are kept.
    DiffkitError
        For what a derivative refuses.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     points = ({"x": k / 4, "y": 1} for k in range(8))
    ...     found = dk.stream("x*abs(x - y)", points, rows=f"{folder}/rows")
    >>> found.statuses
    {'ok': 7, 'not_differentiable': 1}
    """
    plan = row_plan(points, rows, row_format, shard_rows, resume)
    asked = {"variables": variables, "args": args, **options}
    return stream_rows(f, points, kind, plan, find_backend(backend, digits), workers, **asked)


def stream_rows(
    f: Any, points: Any, kind: str, plan: RowPlan, backend: Backend, workers: Workers = None,
    exhaust: Callable[[Iterable[Row], Callable[[Row], object]], str] = exhausted, **asked: Any,
) -> RowsReport:  # fmt: skip
    """Do what ``stream`` does; ``exhaust`` takes the rows, and says why there are no more."""
    records = some_records(points, "points", "csv")
    first = next(records)
    given = tuple(first.value) if isinstance(first.value, Mapping) else ()
    question = open_question(f, kind, given=given, **asked)
    job = DerivativeRows(question, backend, first, asked.get("args", ()))
    counts = RowCounts(kind, plan.folder, "status", "ok")
    return counts.report(exhaust(carry_out(job, chain([first], records), plan, workers), counts.add))


def task_and_records(texts: Sequence[str], points: Any, kind: str, **asked: Any) -> tuple[Task, Iterator[Record]]:
    """Give the task of expressions at the points of a stream, whose first says which names it gives values to."""
    records = some_records(points, "points", "csv")
    first = next(records)
    given = tuple(first.value) if isinstance(first.value, Mapping) else ()
    task = open_question(list(texts) if kind == "jacobian" else texts[0], kind, given=given, **asked).task
    assert task is not None
    return task, chain([first], records)


class DerivativeRows:
    """A derivative at each point that a record is."""

    def __init__(self, question: OpenQuestion, backend: Backend, first: Record, args: Sequence[Any] = ()):
        self.prepared: Prepared[Any] = Prepared(question, backend)
        self.backend, self.args, self.digits = backend, args, getattr(backend, "digits", None)
        try:
            self.task = question.at(first.value).task
        except DiffkitError as error:
            raise first.fault(error, in_head=True) from None
        if self.task.pattern is not None:
            raise DiffkitError("a sparse matrix is of one point", hint="ask without sparse")
        self.labels = tuple(dict.fromkeys(self.task.labels))

    @property
    def what(self) -> dict[str, Any]:
        """What is asked."""
        told = json.dumps(list(self.args), default=as_json).encode()
        return {
            "method": told_backend(self.backend),
            "args": hashlib.sha256(told).hexdigest()[:32] if len(self.args) else None,
            **told_task(self.task),
        }

    @property
    def columns(self) -> Columns:
        """What a row holds."""
        at = {f"at.{name}": "float" for name in self.task.variables}
        values = {name: "float" for label in self.labels for name in (label, f"error.{label}")}
        decimals = {f"decimals.{label}": "text" for label in self.labels if self.digits}
        return {**at, **values, **decimals, "status": "text", "message": "text", "odd": [_ODD_COLUMNS]}

    def get_ready(self) -> None:
        """Prepare the method."""

    def row(self, record: Record) -> Row:
        """Answer at the point."""
        try:
            result = self.prepared.result(record.value)
        except DiffkitError as error:
            raise record.fault(error, in_head=True) from None
        return self._row(result, record)

    def lost(self, record: Record, reason: str) -> Row:
        """Give the row of a point that ends every process that works on it."""
        task, points = self.prepared.question.at(record.value)
        assert points is not None
        unknown = unanswered(len(task.indices), reason)
        return self._row(lay_out(task, unknown, points, self.backend.name, "none"), record)

    def _row(self, result: Result, record: Record) -> Row:
        if result.is_batch or result.variables != self.task.variables or result.labels != self.task.labels:
            raise record.fault(PointError("it is of another shape than the first point", hint="a record is one point"))
        row: Row = {f"at.{name}": float(value) for name, value in result.at.items()}
        errors = [math.nan] * len(result.flat) if result.flat_error is None else result.flat_error
        for label, value, error in zip(result.labels, result.flat, errors, strict=True):
            row[label], row[f"error.{label}"] = float(value), float(error)
        if self.digits:
            decimals = result.decimals or ("",) * len(result.flat)
            row |= {f"decimals.{label}": text for label, text in zip(result.labels, decimals, strict=True)}
        odd = [{"label": result.labels[c], **{name: getattr(found, name) for name in list(_ODD_COLUMNS)[1:]}}
               for c, found in result.odd.items()]  # fmt: skip
        return {**row, "status": result.status, "message": result.message, "odd": odd}


def told_backend(backend: Backend) -> str:
    """Give a backend with its options, by which a journal knows it again."""
    options = ", ".join(
        f"{name}={value!r}"
        for name, value in sorted(vars(backend).items())
        if not name.startswith("_") and name != "workers"
    )
    return _ADDRESS.sub("", f"{backend.name}({options})")


def told_task(task: Task) -> dict[str, Any]:
    """Give what is asked about which function, by which a journal knows it again."""
    function = None if task.function is None else task.function.function.name
    return {
        "kind": task.kind, "functions": list(format_outputs(task.program)) if function is None else [function],
        "variables": list(task.variables), "labels": list(task.labels), "extras": list(task.extras),
    }  # fmt: skip

"""Derivatives at the points of a stream: each record becomes a row with values, errors and statuses."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
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
    """Take a derivative at every point of a stream, in constant memory; rows go to the folder ``rows``.

    ``points`` is a file of JSON lines, CSV or Parquet, a folder or a pattern of such files, or an iterable of points by
    name or in order. ``rows`` holds shards of ``shard_rows`` rows (10,000) in the ``row_format`` "jsonl", "csv" or
    "parquet" (that of the points unless given), and a journal, by which ``resume=True`` goes on after whatever ended a
    run: no row is lost or doubled, and the rows are the same. A row has its number ``row``, the point ``at.x``, a value and an
    ``error.…`` by label, and of a point that is not ok ``status``, ``message`` and what is ``odd``. ``workers``, a
    number of processes or an Executor, share the points, and the rows are the same in the same order.

    FileError for a malformed record, for a folder that is not empty unless it is resumed, and where that was begun with
    other points, options or another version; DiffkitError for what a derivative refuses. ``kind`` and the other
    options are those of ``dk.prepare``.
    """
    records = some_records(points, "points", "csv")
    first = next(records)
    given = tuple(first.value) if isinstance(first.value, dict) else ()
    question = open_question(f, kind, variables, args, given, **options)
    job = DerivativeRows(question, find_backend(backend, digits), first, args)
    plan = row_plan(points, rows, row_format, shard_rows, resume)
    counts = RowCounts(kind, str(rows), "status", "ok")
    return counts.report(exhausted(carry_out(job, chain([first], records), plan, workers), counts.add))


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
    options = ", ".join(f"{name}={value!r}" for name, value in sorted(vars(backend).items()) if name != "workers")
    return _ADDRESS.sub("", f"{backend.name}({options})")


def told_task(task: Task) -> dict[str, Any]:
    """Give what is asked about which function, by which a journal knows it again."""
    function = None if task.function is None else task.function.function.name
    return {
        "kind": task.kind, "functions": list(format_outputs(task.program)) if function is None else [function],
        "variables": list(task.variables), "labels": list(task.labels), "extras": list(task.extras),
    }  # fmt: skip

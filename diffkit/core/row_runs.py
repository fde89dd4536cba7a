"""Runs over streams: records become rows, here or by workers, in order, each kept as soon as it is known."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from diffkit.core.deadline import TimeIsUp, check_time, current_deadline
from diffkit.core.errors import DiffkitError, FileError, plural
from diffkit.core.files import ROWS_A_SHARD
from diffkit.core.records import Record, row_format_of
from diffkit.core.row_files import Columns, Row
from diffkit.core.row_folder import RowFolder, RowPlan
from diffkit.core.worker_pool import MOST_TOGETHER, are_shared, in_order, processes, unpacked
from diffkit.core.workers import pickled

if TYPE_CHECKING:
    from diffkit.core.worker_pool import Workers


class RowJob(Protocol):
    """What is done with each record; it pickles, and may remember what it has prepared."""

    @property
    def what(self) -> dict[str, Any]:
        """What is asked, by which a journal knows the run again: what JSON holds."""

    @property
    def columns(self) -> Columns:
        """What a row holds."""

    def get_ready(self) -> None:
        """Import and prepare what every row needs."""

    def row(self, record: Record) -> Row:
        """Give the row of a record; an error with its place where it is malformed."""

    def lost(self, record: Record, reason: str) -> Row:
        """Give the row of a record that ends every process that works on it."""


def carry_out(job: RowJob, records: Iterable[Record], plan: RowPlan, workers: Workers = None) -> Iterator[Row]:
    """Give the row of each record, in order: those that the folder of the plan keeps already, and then the others.

    What was read for the rows that are kept must be read again: FileError where it is something else now. A malformed
    record, and time that is up, end the run with all rows before kept.
    """
    with RowFolder(plan, job.what, {"row": "int", **job.columns}) as folder:
        reading = _RecordsRead(records)
        yield from folder.kept()
        for _ in islice(reading, folder.rows):
            check_time()
        if reading.count < folder.rows or (folder.rows and reading.seen != folder.seen):
            raise FileError(
                f"the first {plural(folder.rows, 'record')} are not those that the rows in {plan.folder} were made of",
                hint="--resume goes on with the input that the run began with",
            )
        for row, seen in _found(job, reading, workers):
            if folder.complete:
                raise FileError(f"the run in {plan.folder} is complete, and there is more to read now",
                                hint="take a new folder for it")  # fmt: skip
            numbered = {"row": folder.rows + 1, **row}
            folder.add(numbered, seen)
            yield numbered
        folder.finish()


def row_plan(source: Any, rows: Any, format: str | None, shard_rows: int | None, resume: bool) -> RowPlan:
    """Give the plan for rows that are made of a source; the format is that of the source unless it is given."""
    return RowPlan(os.fspath(rows), format or row_format_of(source), shard_rows or ROWS_A_SHARD, resume).checked()


class _RecordsRead:
    """Records as they are read, and what stands for all of them until then."""

    def __init__(self, records: Iterable[Record]):
        self._coming = iter(records)
        self._hash = hashlib.sha256()
        self.count = 0

    def __iter__(self) -> Iterator[_Read]:
        for record in self._coming:
            self._hash.update(json.dumps(record.value, default=as_json).encode("utf-8", "backslashreplace") + b"\n")
            self.count += 1
            yield _Read(record, self.seen)

    @property
    def seen(self) -> str:
        return self._hash.hexdigest()[:32]


class _Read(NamedTuple):
    """A record, and what stands for it and all before it."""

    record: Record
    seen: str


def as_json(value: Any) -> Any:
    """Give what JSON holds in place of something else."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _found(job: RowJob, reading: _RecordsRead, workers: Workers) -> Iterator[tuple[Row, str]]:
    if not are_shared(workers):
        for record, seen in reading:
            check_time()
            row = job.row(record)
            check_time()  # of a row that was not finished nothing is told
            yield row, seen
        return
    packed = pickled(job)
    split = _Split(reading, workers)
    there = partial(_rows_there, packed)
    for part, found in in_order(there, split, workers, lambda one, error: _lost(job, one, error)):
        for (_, seen), row in zip(part, found.rows, strict=False):
            yield row, seen
        if found.error is not None:
            raise found.error
        deadline = current_deadline()
        if found.stopped and deadline is not None:
            raise TimeIsUp(deadline)
    if split.error is not None:
        raise split.error


class _Split:
    """Records in parts, which are small at first, so that all workers have some; what cannot be read ends them."""

    def __init__(self, reading: Iterable[_Read], workers: Workers):
        self.reading = iter(reading)
        self.share = 8 * (processes(workers) or os.cpu_count() or 1)
        self.error: DiffkitError | None = None

    def __iter__(self) -> Iterator[Sequence[_Read]]:
        asked = 0
        while self.error is None:
            part: list[_Read] = []
            try:
                for one in islice(self.reading, min(MOST_TOGETHER, 1 + asked // self.share)):
                    part.append(one)  # so that what is read before an error stays
            except DiffkitError as error:  # what was read before it is worked on first
                self.error = error
            if not part:
                return
            asked += len(part)
            yield part


class _PartFound(NamedTuple):
    """The rows of a part, and why there are no more if there are not: an error, or the time."""

    rows: list[Row]
    error: DiffkitError | None = None
    stopped: str = ""


def _lost(job: RowJob, read: _Read, error: DiffkitError) -> _PartFound:
    return _PartFound([job.lost(read.record, str(error))])


def _rows_there(packed: bytes, part: Sequence[_Read]) -> _PartFound:
    """In a worker: the rows of a part."""
    job: RowJob = unpacked(packed)
    if not part:  # a worker that is new gets ready
        job.get_ready()
    rows: list[Row] = []
    try:
        for record, _ in part:
            row = job.row(record)
            check_time()
            rows.append(row)
    except TimeIsUp as up:
        return _PartFound(rows, None, up.reason)
    except DiffkitError as error:
        return _PartFound(rows, error)
    return _PartFound(rows)

"""The folder of a run: its rows in shards, and the journal by which an interrupted run goes on where it ended.

``_journal.jsonl`` says first what the run is, then which shards are whole. ``_open.jsonl`` holds the rows of the shard
that is being filled, each written as soon as it is known. A shard takes its name when it is whole, then the journal
has its line, then the open rows go: whatever ends a run, and wherever, each row stands in one of the two files, and
in the other only what can be seen to be known already. A last line that is torn is one that was not written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple, Self

from diffkit import __version__
from diffkit.core.errors import DiffkitError, FileError, plural
from diffkit.core.files import ROWS_A_SHARD
from diffkit.core.row_files import Columns, Row, check_row_format, json_of, read_rows, typed, write_rows

_JOURNAL, _OPEN_ROWS, _LEFT_BEHIND = "_journal.jsonl", "_open.jsonl", ".diffkit-"
_JOURNAL_SCHEMA = "diffkit.journal/1"


class RowPlan(NamedTuple):
    """Where rows go and how: a folder, the format of its shards, how many rows each has, and whether a run goes on."""

    folder: str
    format: str = "jsonl"
    shard_rows: int = ROWS_A_SHARD
    resume: bool = False

    def checked(self) -> RowPlan:
        """Give it with a path as text; DiffkitError for what it cannot be."""
        if isinstance(self.shard_rows, bool) or not isinstance(self.shard_rows, int) or self.shard_rows < 1:
            raise DiffkitError(f"a shard has a positive whole number of rows, not {self.shard_rows!r}")
        check_row_format(self.format)
        return self._replace(folder=os.fspath(self.folder))


class RowFolder:
    """A folder that one run at a time fills; a context manager, as it is locked.

    FileError where there is another run's work in it, or nothing can be written.
    """

    def __init__(self, plan: RowPlan, what: dict[str, Any], columns: Columns):
        self.plan, self.columns = plan.checked(), columns
        self.header = json.loads(json_of({
            "schema": _JOURNAL_SCHEMA, "version": __version__, **what, "format": plan.format,
            "rows a shard": plan.shard_rows,
        }))  # fmt: skip
        self.whole = 0
        """rows of shards that are whole"""
        self.shards = 0
        self.open: list[Row] = []
        self.seen = ""
        """what stands for all that was read for these rows"""
        self.complete = False

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.whole + len(self.open)

    def __enter__(self) -> Self:
        self._journal = self._rows = -1
        try:
            self._enter()
        except OSError as error:
            self._close()
            raise self._fault(error) from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.complete or not self.rows:
            self._remove(_OPEN_ROWS)
        if not (self.complete or self.rows):  # a run that has found nothing leaves nothing
            self._remove(_JOURNAL)
            with suppress(OSError):
                os.rmdir(self.plan.folder)
        self._close()

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(os.path.join(self.plan.folder, name))

    def read(self) -> None:
        """Know what there is, without a change to it."""
        for name, read in ((_JOURNAL, self._read_shards), (_OPEN_ROWS, self._read_open)):
            with suppress(FileNotFoundError), open(os.path.join(self.plan.folder, name), "rb") as stream:
                read(_whole_lines(stream)[0])

    def _enter(self) -> None:
        folder = self.plan.folder
        os.makedirs(folder, exist_ok=True)
        names = os.listdir(folder)
        if names and not self.plan.resume:
            raise FileError(f"{folder} is not empty", hint="--resume goes on with a run; a new one takes a new folder")
        if names and _JOURNAL not in names:
            raise FileError(f"{folder} holds no journal of a run", hint="a new run takes a new folder")
        self._journal = self._opened(_JOURNAL)
        _lock(self._journal, folder)
        for name in names:
            if name.startswith(_LEFT_BEHIND):
                os.unlink(os.path.join(folder, name))
        self._read_journal()
        self._rows = self._opened(_OPEN_ROWS)
        self._read_open_rows()

    def _opened(self, name: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        return os.open(os.path.join(self.plan.folder, name), flags, 0o666)

    def _close(self) -> None:
        for descriptor in (self._journal, self._rows):
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)

    def _read_journal(self) -> None:
        lines = self._cut(self._journal)
        if not lines:
            self._write(self._journal, self.header)
            return
        for name in dict.fromkeys([*lines[0], *self.header]):
            was, now = lines[0].get(name), self.header.get(name)
            if was != now:
                raise FileError(
                    f"{self.plan.folder} is of another run: {name} was {_brief(was)}, and is {_brief(now)}",
                    hint="resume with the same options and the same version, or take a new folder",
                )
        self._read_shards(lines)

    def _read_shards(self, lines: list[Any]) -> None:
        for line in lines[1:]:
            self.whole, self.seen, self.complete = line["rows"], line["seen"], line["complete"]
            self.shards = line["shard"] + 1

    def _read_open_rows(self) -> None:
        lines = self._cut(self._rows)
        self._read_open(lines)
        if lines and not self.open:
            os.ftruncate(self._rows, 0)
        if len(self.open) >= self.plan.shard_rows:
            self._end_shard(False)

    def _read_open(self, lines: list[Any]) -> None:
        for line in lines:
            row = typed(self.columns, line["row"])
            if row["row"] == self.rows + 1:  # others are of the shard before, which is whole
                self.open.append(row)
                self.seen = line["seen"]

    def _cut(self, descriptor: int) -> list[Any]:
        """What the whole lines of a file say; what comes after them is cut off."""
        with open(descriptor, "rb", closefd=False) as stream:  # closing another descriptor would give up the lock
            stream.seek(0)
            found, end = _whole_lines(stream)
        os.ftruncate(descriptor, end)
        return found

    def kept(self) -> Iterator[Row]:
        """Give all rows that there are; FileError where a shard is not what it was."""
        for shard in range(self.shards):
            file, last = self._file(shard), shard == self.shards - 1
            rows = self.whole - shard * self.plan.shard_rows if last else self.plan.shard_rows
            found = 0
            for row in read_rows(file, self.columns):
                found += 1
                yield row
            if found != rows:
                raise FileError(f"{file} has {plural(found, 'row')} and not the {rows} that were written")
        yield from list(self.open)

    def add(self, row: Row, seen: str) -> None:
        """Keep the next row; ``seen`` stands for all that was read until then."""
        try:
            self._write(self._rows, {"seen": seen, "row": row})
            self.open.append(row)
            self.seen = seen
            if len(self.open) == self.plan.shard_rows:
                self._end_shard(False)
        except OSError as error:
            raise self._fault(error) from None

    def finish(self) -> None:
        """Know that there are no more rows."""
        try:
            self._end_shard(True)
        except OSError as error:
            raise self._fault(error) from None

    def _end_shard(self, complete: bool) -> None:
        if self.open:
            write_rows(self._file(self.shards), self.open, self.columns)
            self.whole += len(self.open)
            self.shards += 1
        elif not complete or self.complete:
            return
        self._write(self._journal, {"shard": self.shards - 1, "rows": self.whole, "seen": self.seen,
                                    "complete": complete})  # fmt: skip
        os.fsync(self._journal)
        os.ftruncate(self._rows, 0)
        self.open, self.complete = [], complete

    def _file(self, shard: int) -> str:
        return os.path.join(self.plan.folder, f"part-{shard:06d}.{self.plan.format}")

    def _write(self, descriptor: int, line: dict[str, Any]) -> None:
        left = f"{json_of(line)}\n".encode()
        while left:
            left = left[os.write(descriptor, left) :]

    def _fault(self, error: OSError) -> FileError:
        hint = f"{plural(self.rows, 'row')} are kept; go on with --resume" if self.rows else ""
        return FileError(f"cannot write to {self.plan.folder}: {error.strerror or error}", hint=hint)


def rows_in(folder: str, columns: Columns) -> tuple[dict[str, Any], Iterator[Row], bool]:
    """Give what the run in a folder is, its rows, and whether it is complete; FileError where there is none."""
    try:
        with open(os.path.join(folder, _JOURNAL), encoding="utf-8") as stream:
            header = json.loads(stream.readline())
        plan = RowPlan(folder, header["format"], header["rows a shard"])
    except (OSError, ValueError, KeyError, TypeError):
        raise FileError(f"{folder} holds no run that can be read", hint="--rows names the folder of a run") from None
    kept = RowFolder(plan, {}, {"row": "int", **columns})
    kept.read()
    return header, kept.kept(), kept.complete


def _whole_lines(stream: BinaryIO) -> tuple[list[Any], int]:
    """What the whole lines of a file say, and where they end."""
    found: list[Any] = []
    end = 0
    for line in stream:
        try:
            said = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        found.append(said)
        end += len(line)
    return found, end


def _lock(descriptor: int, folder: str) -> None:
    """Keep other runs out as long as this process lives; where the system knows no such locks nothing does."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise FileError(f"another run is at work in {folder}") from None


def _brief(value: Any) -> str:
    text = "not said" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"

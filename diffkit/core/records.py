"""Records, one after the other: the rows of JSON lines, CSV and Parquet files, of folders of them, or given ones.

A file is read as a stream, whatever its size. Parquet is read by pyarrow (extra ``parquet``).
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from os import PathLike
from typing import Any, Literal, NamedTuple, TextIO

from diffkit.core.errors import DiffkitError, FileError, PointError
from diffkit.core.files import LONGEST_FILE, at_line, csv_rows, json_lines
from diffkit.core.text.names import natural_order, repeated

_TABLE_ENDINGS = (".csv",)
_PARQUET_ENDING = ".parquet"
_FILE_ENDINGS = (".jsonl", ".ndjson", ".json", *_TABLE_ENDINGS, _PARQUET_ENDING)
"""what files of a folder are called that are read"""
_ROWS_AT_ONCE = 1024  # rows of a Parquet file
TextKind = Literal["csv", "json"]
"""what text is taken for that does not begin as JSON does"""


class Record(NamedTuple):
    """What one row says, and where it stands: in a line of a file, or as one of those that were given."""

    value: Any
    file: str
    line: int
    unit: str = "line"
    head: int = 0
    """the line that its names stand in, where that is another"""

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"{self.unit} {self.line}"

    def fault(self, error: DiffkitError, in_head: bool = False) -> DiffkitError:
        """Give what is wrong with it, or with its names, with its place."""
        if not self.file:
            return DiffkitError(f"{self.place}: {error.reason}", hint=error.hint)
        return at_line(self.file, self.head if in_head and self.head else self.line, error, self.unit)


def records_of(
    source: str | PathLike[str] | Iterable[Any], text: TextKind = "json", most: float = float("inf")
) -> Iterator[Record]:
    """Give the records of a file, ``-`` being standard input, of all files of a folder or of a pattern, or given ones.

    Files go in natural order; those whose names begin with a dot or an underscore are none of a folder or a pattern.
    FileError for what cannot be read, which names the line, and for text of more than ``most`` characters.
    """
    if not isinstance(source, (str, PathLike)):
        return (Record(value, "", number, "case") for number, value in enumerate(source, 1))
    return chain.from_iterable(_records_in(file, text, most) for file in files_of(source))


def some_records(source: Any, what: str, text: TextKind = "json") -> Iterator[Record]:
    """Give the records of a source that has some; FileError or DiffkitError where it has none."""
    records = records_of(source, text)
    first = next(records, None)
    if first is None:
        raise none_of(source, what)
    return chain([first], records)


def none_of(source: Any, what: str) -> DiffkitError:
    """Give the error for a source that holds nothing."""
    if isinstance(source, (str, PathLike)):
        return FileError(f"{name_of(source)} holds no {what}")
    return DiffkitError(f"there are no {what}")


def row_format_of(source: Any) -> str:
    """Give the format that rows have which are made of a source: its own, where it is files that say it."""
    files = files_of(source) if isinstance(source, (str, PathLike)) else [""]
    ending = os.path.splitext(files[0])[1]
    return ending.removeprefix(".") if ending in (*_TABLE_ENDINGS, _PARQUET_ENDING) else "jsonl"


def name_of(source: str | PathLike[str]) -> str:
    """Give what errors call a source."""
    return "standard input" if source == "-" else str(source)


def files_of(source: str | PathLike[str]) -> list[str]:
    """Give the files that a source is; FileError where a folder or a pattern has none."""
    path = os.fspath(source)
    if os.path.isdir(path):
        found = [name for name in os.listdir(path) if name.endswith(_FILE_ENDINGS) and not _is_hidden(name)]
        if not found:
            raise FileError(f"{path} holds no files of records", hint=f"their names end in {', '.join(_FILE_ENDINGS)}")
        return [os.path.join(path, name) for name in natural_order(found)]
    if os.path.exists(path) or not glob.has_magic(path):
        return [path]
    matching = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name) and not _is_hidden(name)]
    if not matching:
        raise FileError(f"no file is called {path}")
    return list(natural_order(matching))


def _is_hidden(name: str) -> bool:
    return os.path.basename(name).startswith((".", "_"))


def text_records(lines: Iterable[str], name: str, text: TextKind = "json") -> Iterator[Record]:
    """Give the records of lines: JSON where the first that is not blank begins so or nothing else is meant, or CSV."""
    coming, blank = iter(lines), []
    for line in coming:
        blank.append(line)
        if start := line.strip():
            is_json = text == "json" or start.startswith(("{", "["))
            return (_json_records if is_json else _table_records)(chain(blank, coming), name)
    return iter(())


def _records_in(file: str, text: TextKind, most: float) -> Iterator[Record]:
    name = name_of(file)
    try:
        if file == "-":
            yield from text_records(_lines(sys.stdin, name, most), name, text)
        elif file.endswith(_PARQUET_ENDING):
            yield from _parquet_records(file)
        else:
            with open(file, encoding="utf-8-sig") as stream:
                kind: TextKind = "csv" if file.endswith(_TABLE_ENDINGS) else text
                yield from text_records(_lines(stream, name, most), name, kind)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FileError(f"cannot read {name}: {reason}") from None


def _lines(stream: TextIO, name: str, most: float) -> Iterator[str]:
    """The lines of a text; a device without an end, or without lines, is refused."""
    count = 0
    while line := stream.readline(LONGEST_FILE):
        count += len(line)
        if len(line) == LONGEST_FILE or count >= most:
            raise FileError(f"cannot read {name}: it has no end, or more than {LONGEST_FILE:,} characters",
                            hint="large data are read as a stream where --rows says where rows go")  # fmt: skip
        yield line if count > len(line) else line.removeprefix("\ufeff")


def _json_records(lines: Iterable[str], name: str) -> Iterator[Record]:
    return (Record(value, name, number) for number, value in json_lines(lines, name))


def _table_records(lines: Iterable[str], name: str) -> Iterator[Record]:
    """The rows of a table as mappings of the names in its header to the text of cells."""
    rows = csv_rows(lines, name)
    head, header = next(rows, (0, []))
    if repeated(header) is not None:
        raise at_line(name, head, PointError("a column stands twice"))
    for number, cells in rows:
        yield Record(dict(zip(header, cells, strict=True)), name, number, head=head)


def _parquet_records(file: str) -> Iterator[Record]:
    number = 0
    try:
        with parquet().ParquetFile(file) as stream:
            for batch in stream.iter_batches(_ROWS_AT_ONCE):
                for value in batch.to_pylist():
                    number += 1
                    yield Record(value, file, number, "row")
    except ValueError as error:  # as all of pyarrow's about what it reads
        reason = " ".join(str(error).split()).partition(". ")[0]
        raise FileError(f"cannot read {file}: {reason[:200]}") from None


def parquet() -> Any:
    """Give pyarrow's module for Parquet; FileError where there is none."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise FileError("Parquet files need pyarrow", hint="pip install 'diffkit[parquet]'") from None
    return pyarrow.parquet

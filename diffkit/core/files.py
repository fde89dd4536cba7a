"""Text files read whole, by lines of JSON or rows of CSV, and files written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, TextIO

from diffkit.core.errors import DiffkitError, FileError, PointError, plural

ROW_FORMATS = ("jsonl", "csv", "parquet")
"""Formats of rows, which are the endings of their files."""
ROWS_A_SHARD = 10_000  # unless told otherwise
LONGEST_FILE = 2**28  # characters; a device without an end has more


def read(file: str | PathLike[str]) -> str:
    """Read a whole text file, ``-`` being standard input; FileError if it cannot be read, or has no end."""
    try:
        if file == "-":
            return _whole(sys.stdin, "standard input").removeprefix("\ufeff")
        with open(file, encoding="utf-8-sig") as stream:
            return _whole(stream, file)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FileError(f"cannot read {file}: {reason}") from None


def _whole(stream: TextIO, name: str | PathLike[str]) -> str:
    text = stream.read(LONGEST_FILE)
    if len(text) == LONGEST_FILE:
        raise FileError(f"cannot read {name}: it has no end, or more than {LONGEST_FILE:,} characters",
                        hint="large data belong into an NPY file")  # fmt: skip
    return text


def csv_rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Give the number of its line and the stripped cells of each row that is not blank; all are as wide as the first.

    FileError names the line that is wrong.
    """
    import csv

    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    width = None
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            width = width or len(cells)
            if len(cells) != width:
                raise PointError(f"{plural(len(cells), 'cell')} for {plural(width, 'column')}")
            yield reader.line_num, cells
    except (PointError, csv.Error) as error:
        raise at_line(name, reader.line_num, error) from None


def write_table(stream: TextIO, rows: Iterable[list[str]]) -> None:
    """Write rows of cells as CSV."""
    import csv

    csv.writer(stream).writerows(rows)


def json_lines(lines: Iterable[str], name: str) -> Iterator[tuple[int, Any]]:
    """Give the number and the value of each line that is not blank; FileError names the line that is no JSON."""
    import json

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line, object_pairs_hook=unique_names)
        except json.JSONDecodeError as error:
            raise FileError(f"{name}, line {number}: not JSON: {error.msg}, column {error.colno}") from None
        except (ValueError, RecursionError, PointError) as error:
            raise at_line(name, number, error) from None


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Give a JSON object; PointError if a name stands twice."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise PointError("a name stands twice")
    return dict(pairs)


def at_line(name: str, line: int, error: Exception, unit: str = "line") -> FileError:
    """Give the error of a file's line."""
    reason = error.reason if isinstance(error, DiffkitError) else str(error)
    return FileError(f"{name}, {unit} {line}: {reason}", hint=getattr(error, "hint", ""))


@contextmanager
def replaced(file: str) -> Iterator[str]:
    """Give a name beside a file to write to, which takes its place when it is whole; FileError if that fails."""
    try:
        there = os.path.exists(file)
        if there and not os.access(file, os.W_OK):
            raise PermissionError(None, "Permission denied")
        if there and not os.path.isfile(file):  # a pipe or a device is written to, never replaced, by the name it has
            yield file
        else:
            yield from _beside(os.path.realpath(file))
    except OSError as error:
        raise FileError(f"cannot write {file}: {error.strerror or error}") from None


def _beside(target: str) -> Iterator[str]:
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".diffkit-")
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o666 & ~_mask())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

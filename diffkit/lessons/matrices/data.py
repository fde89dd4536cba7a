"""Data for array expressions from files: CSV by column, NPY, NPZ and JSON by name. Nothing in a file is executed."""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diffkit.asking.points import number
from diffkit.core.errors import DiffkitError, FileError, PointError, did_you_mean, listing, plural
from diffkit.core.files import at_line, csv_rows, json_lines, read, unique_names
from diffkit.core.text.names import VARIABLE_NAME, repeated
from diffkit.lessons.matrices.array_function import as_data, is_binary64, rounded

BINARY = {".npy": b"\x93NUMPY", ".npz": b"PK"}
"""endings of NumPy files, and the bytes they begin with"""
INTEGER = re.compile(r"[+-]?[0-9]+\Z")
MISSING_CELLS = ("", "n/a", "#n/a", "?", "-", "null", "none")
"""what stands for a value that is not there"""
SPECIFICATION = re.compile(r"(?:(?P<name>[A-Za-z]\w*)=)?(?P<file>.+?)(?::(?P<columns>[A-Za-z_][\w ]*(?:,[\w ]+)*))?\Z")


def load_data(specifications: Sequence[str], wanted: Iterable[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Give the arrays that files hold for the ``wanted`` names, and what each file has, for messages.

    ``FILE`` gives what it holds by name: columns of a CSV file with a header, arrays of an NPZ or JSON file, the one
    array of an NPY file under the file's own name. ``NAME=FILE`` takes all of a file as one array, and
    ``NAME=FILE:a,b`` the columns a and b as one matrix. FileError says file, row and what is wrong.
    """
    names = tuple(wanted)
    found: dict[str, Any] = {}
    holds: dict[str, str] = {}
    for specification in specifications:
        match = SPECIFICATION.match(specification)
        if match is None:
            raise FileError(f"{specification!r} names no file", hint="write FILE, NAME=FILE or NAME=FILE:column,column")
        name, file, columns = match["name"], match["file"], match["columns"]
        if columns is not None and (name is None or os.path.exists(f"{file}:{columns}")):
            if name is None and not os.path.exists(f"{file}:{columns}"):
                raise FileError(f"{specification!r} chooses columns for no name", hint=f"write NAME={specification}")
            file, columns = f"{file}:{columns}", None
        source = _open(file)
        if name is not None:
            new = {name: source.columns(columns.split(",")) if columns else source.whole()}
        else:
            known = set(source.names)
            new = {key: source.one(key) for key in names if key in known}
            holds[file] = f"{file} has {source.kind} {listing(source.names)}"
        for key, value in new.items():
            if key in found:
                raise FileError(f"{file} gives {key}, which another file gives too")
            found[key] = _checked(file, key, value)
    return found, holds


def _checked(file: str, name: str, value: Any) -> Any:
    try:
        return as_data(name, value)
    except PointError as error:
        raise FileError(f"{file}: {error.reason}", hint=error.hint) from None


def _open(file: str) -> Arrays | Columns:
    ending = _ending(file)
    if ending in BINARY:
        return _numpy(file)
    text = read(file)
    start = text.lstrip()[:1]
    if ending in (".json", ".jsonl") or start in ("{", "["):
        return _json(file, text)
    return _columns(file, text)


class Arrays:
    """A file of named arrays."""

    kind = "the arrays"

    def __init__(self, file: str, arrays: Mapping[str, Any]):
        self.file, self.arrays = file, arrays
        self.names = tuple(arrays)

    def one(self, name: str) -> Any:
        """The array of a name; FileError if there is none."""
        if name not in self.arrays:
            hint = did_you_mean(name, self.names) or f"it has {listing(self.names)}"
            raise FileError(f"{self.file} has no {name}", hint=hint)
        return self.arrays[name]

    def whole(self) -> Any:
        """The only array."""
        if len(self.arrays) != 1:
            raise FileError(f"{self.file} holds {plural(len(self.arrays), 'array')}: {listing(self.names)}",
                            hint=f"give the file alone, or choose one: NAME={self.file}:{self.names[0]}")  # fmt: skip
        return next(iter(self.arrays.values()))

    def columns(self, names: Sequence[str]) -> Any:
        """One array by name, or several vectors side by side."""
        parts = [np.asarray(self.one(name.strip())) for name in names]
        if len(parts) == 1:
            return parts[0]
        if any(p.ndim != 1 or p.shape != parts[0].shape for p in parts):
            raise FileError(f"{self.file}: {listing(names)} are not vectors of one length")
        return np.stack(parts, axis=1)


class Columns:
    """A table of cells, text or JSON values: named columns, and the place of each row in the file."""

    kind = "the columns"

    def __init__(
        self, file: str, header: Sequence[str], rows: Sequence[Sequence[Any]], numbers: Sequence[int],
        place: str = "line",
    ):  # fmt: skip
        self.file, self.rows, self.numbers, self.place = file, rows, numbers, place
        self.places = {name: k for k, name in enumerate(header)}
        self.names = tuple(self.places)

    def one(self, name: str) -> Any:
        """A column as numbers; FileError with the place of a cell that is none."""
        if name not in self.places:
            hint = did_you_mean(name, self.names) or f"it has {listing(self.names)}"
            raise FileError(f"{self.file} has no column {name}", hint=hint)
        column = self.places[name]
        rows = zip(self.rows, self.numbers, strict=True)
        return np.array([self._cell(row[column], name, number) for row, number in rows])

    def _cell(self, cell: Any, name: str, place: int) -> float:
        try:
            return _finite(cell, name)
        except DiffkitError as error:
            raise FileError(f"{self.file}, {self.place} {place}: {error.reason}", hint=error.hint) from None

    def whole(self) -> Any:
        """All columns side by side; a vector if there is one."""
        return self.columns(self.names)

    def columns(self, names: Sequence[str]) -> Any:
        """The named columns side by side; a vector if there is one."""
        parts = [self.one(name.strip()) for name in names]
        return parts[0] if len(parts) == 1 else np.stack(parts, axis=1)


def _finite(cell: Any, name: str) -> float:
    """The number in a cell; PointError for anything else, and for an integer that would be rounded."""
    if cell is None or cell == "":
        raise PointError(f"{name} is {'empty' if cell == '' else 'null'}")
    if isinstance(cell, str) and not _is_number(cell):
        return number(cell, name)  # text such as pi/4
    found = float(cell) if isinstance(cell, str) else cell
    if isinstance(found, float) and not math.isfinite(found):
        raise PointError(f"{name} is {cell}", hint="data are finite numbers")
    whole = int(cell) if isinstance(cell, str) and INTEGER.match(cell) else found
    if isinstance(whole, int) and not is_binary64(whole):
        raise rounded(name, whole)
    return number(found, name)


def _columns(file: str, text: str) -> Columns:
    """Read a table; the first row is its header unless all of its cells are numbers."""
    rows: list[list[str]] = []
    lines: list[int] = []
    header: list[str] | None = None
    for line, cells in csv_rows(io.StringIO(text), file):
        if header is None:
            try:
                header = _header(cells)
            except PointError as error:
                raise at_line(file, line, error) from None
            if header is not None:
                continue
            header = [f"column{k + 1}" for k in range(len(cells))]
        rows.append(cells)
        lines.append(line)
    if header is None or not rows:
        raise FileError(f"{file} holds no rows of data")
    return Columns(file, header, rows, lines)


def _header(cells: list[str]) -> list[str] | None:
    """The first row as a header, or None if it is of numbers; PointError if it is neither, and so a broken row."""
    numbers = [_is_number(cell) for cell in cells]
    if all(numbers):
        return None
    if any(numbers) or all(cell.lower() in MISSING_CELLS for cell in cells):
        k = numbers.index(False)
        raise PointError(f"cell {k + 1} is {repr(cells[k][:40]) if cells[k] else 'empty'}, not a number",
                         hint="a header would have no numbers, and a name for some column")  # fmt: skip
    if twice := repeated(cells):
        raise PointError(f"the column {twice} stands twice")
    return cells


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _json(file: str, text: str) -> Arrays | Columns:
    """Read an object of arrays, a nested list, or records (a list of objects, or one object a line)."""
    try:
        found = json.loads(text, object_pairs_hook=unique_names)
    except (ValueError, RecursionError, DiffkitError) as error:
        several = text.lstrip().startswith("{") and "\n" in text.strip()
        records = _first_and_rest(json_lines(text.split("\n"), file)) if several else []
        if not records:
            where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            reason = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise FileError(f"{file}{where}: it is not JSON: {reason}") from None
        return _records(file, records, "line")
    if isinstance(found, list) and found and all(isinstance(r, dict) for r in found):
        return _records(file, list(enumerate(found, 1)), "record")
    arrays = found if isinstance(found, dict) else {_stem(file): found}
    return Arrays(file, {name: _nested(file, name, value) for name, value in arrays.items()})


def _first_and_rest(lines: Iterator[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """The lines; none where the first is no JSON already, as in an object over several lines."""
    try:
        first = next(lines)
    except FileError:
        return []
    return [first, *lines]


def _records(file: str, records: Sequence[tuple[int, Any]], place: str) -> Columns:
    names = tuple(records[0][1]) if isinstance(records[0][1], dict) else ()
    for row, record in records:
        missing = [n for n in names if not isinstance(record, dict) or n not in record]
        if missing or not names:
            raise FileError(f"{file}, {place} {row}: {missing[0] if missing else 'a name'} is missing")
    rows = [[record[name] for name in names] for _, record in records]
    return Columns(file, names, rows, [row for row, _ in records], place)


def _nested(file: str, name: str, value: Any) -> Any:
    """A list of rows, all of one length."""
    if isinstance(value, list) and any(isinstance(row, list) for row in value):
        for k, row in enumerate(value):
            length = len(row) if isinstance(row, list) else 0
            if not isinstance(row, list) or not isinstance(value[0], list) or length != len(value[0]):
                first = len(value[0]) if isinstance(value[0], list) else 0
                raise FileError(f"{file}: row {k} of {name} has length {length}, and row 0 has {first}")
    return value


def _numpy(file: str) -> Arrays:
    try:
        with open(file, "rb") as stream:
            start = stream.read(6)
        if not start.startswith(BINARY[_ending(file)]):
            raise FileError(f"cannot read {file}: it is no NumPy file, whatever its name says",
                            hint="numpy.save and numpy.savez write such files")  # fmt: skip
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Arrays(file, {_stem(file): loaded})
        with loaded:
            return Arrays(file, {name: loaded[name] for name in loaded.files})
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror or 'it is no NumPy file'}") from None
    except Exception as error:  # broken files and zip archives fail in many ways
        pickled = "allow_pickle" in str(error)
        reason = "it holds Python objects (a pickle), which are refused" if pickled else f"it is broken: {error}"
        raise FileError(f"cannot read {file}: {reason[:200]}", hint="save arrays of numbers") from None


def _ending(file: str) -> str:
    return os.path.splitext(file)[1].lower()


def _stem(file: str) -> str:
    stem = os.path.splitext(os.path.basename(file))[0]
    return stem if VARIABLE_NAME.match(stem) else "data"

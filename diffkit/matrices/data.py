"""Data for array expressions from files: CSV by column, NPY, NPZ and JSON by name. Nothing in a file is executed."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from diffkit.errors import DiffkitError, FileError, PointError, did_you_mean
from diffkit.files import read
from diffkit.matrices.evaluation import as_data
from diffkit.points import at_line, number, plural, unique_names
from diffkit.syntax.names import NAME

BINARY = (".npy", ".npz")
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
            new = {key: source.one(key) for key in names if key in source.names}
            holds[file] = f"{file} has {source.kind} {', '.join(source.names[:20]) or 'none'}"
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
    ending = os.path.splitext(file)[1].lower()
    if ending in BINARY:
        return _numpy(file)
    text = read(file)
    start = text.lstrip()[:1]
    if ending in (".json", ".jsonl") or start in ("{", "["):
        return _json(file, text)
    return _csv(file, text)


class Arrays:
    """A file of named arrays."""

    kind = "the arrays"

    def __init__(self, file: str, arrays: Mapping[str, Any]):
        self.file, self.arrays = file, arrays
        self.names = tuple(arrays)

    def one(self, name: str) -> Any:
        """The array of a name; FileError if there is none."""
        if name not in self.arrays:
            hint = did_you_mean(name, self.names) or f"it has {', '.join(self.names)}"
            raise FileError(f"{self.file} has no {name}", hint=hint)
        return self.arrays[name]

    def whole(self) -> Any:
        """The only array."""
        if len(self.arrays) != 1:
            raise FileError(f"{self.file} holds {plural(len(self.arrays), 'array')}: {', '.join(self.names)}",
                            hint=f"give the file alone, or choose one: NAME={self.file}:{self.names[0]}")  # fmt: skip
        return next(iter(self.arrays.values()))

    def columns(self, names: Sequence[str]) -> Any:
        """One array by name, or several vectors side by side."""
        parts = [np.asarray(self.one(name.strip())) for name in names]
        if len(parts) == 1:
            return parts[0]
        if any(p.ndim != 1 or p.shape != parts[0].shape for p in parts):
            raise FileError(f"{self.file}: {', '.join(names)} are not vectors of one length")
        return np.stack(parts, axis=1)


class Columns:
    """A table of text cells: named columns, and the line of each row."""

    kind = "the columns"

    def __init__(self, file: str, header: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]):
        self.file, self.names, self.rows, self.lines = file, tuple(header), rows, lines

    def one(self, name: str) -> Any:
        """A column as numbers; FileError with the line of a cell that is none."""
        if name not in self.names:
            hint = did_you_mean(name, self.names) or f"it has {', '.join(self.names[:20])}"
            raise FileError(f"{self.file} has no column {name}", hint=hint)
        place = self.names.index(name)
        return np.array([self._cell(row[place], name, line) for row, line in zip(self.rows, self.lines, strict=True)])

    def _cell(self, cell: str, name: str, line: int) -> float:
        if not cell:
            raise FileError(f"{self.file}, line {line}: {name} is empty")
        try:
            return number(cell, name)
        except DiffkitError as error:
            raise at_line(self.file, line, error) from None

    def whole(self) -> Any:
        """All columns side by side; a vector if there is one."""
        return self.columns(self.names)

    def columns(self, names: Sequence[str]) -> Any:
        """The named columns side by side; a vector if there is one."""
        parts = [self.one(name.strip()) for name in names]
        return parts[0] if len(parts) == 1 else np.stack(parts, axis=1)


def _csv(file: str, text: str) -> Columns:
    """Read a table; the first row is a header unless all of its cells are numbers."""
    reader = csv.reader(io.StringIO(text), skipinitialspace=True, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if not any(stripped):
                continue
            if header is None:
                if not all(map(_is_number, stripped)):
                    header = stripped
                    if len(set(header)) < len(header):
                        raise PointError(f"the column {next(h for h in header if header.count(h) > 1)} stands twice")
                    continue
                header = [f"column{k + 1}" for k in range(len(stripped))]
            if len(stripped) != len(header):
                raise PointError(f"{plural(len(stripped), 'cell')} for {plural(len(header), 'column')}")
            rows.append(stripped)
            lines.append(reader.line_num)
    except (PointError, csv.Error) as error:
        raise at_line(file, reader.line_num, error) from None
    if header is None or not rows:
        raise FileError(f"{file} holds no rows of data")
    return Columns(file, header, rows, lines)


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
        records = _json_lines(file, text) if text.lstrip().startswith("{") and "\n" in text.strip() else None
        if records is None:
            where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            reason = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise FileError(f"{file}{where}: it is not JSON: {reason}") from None
        return _records(file, records)
    if isinstance(found, list) and found and all(isinstance(r, dict) for r in found):
        return _records(file, list(enumerate(found, 1)), "record")
    arrays = found if isinstance(found, dict) else {_stem(file): found}
    return Arrays(file, {name: _nested(file, name, value) for name, value in arrays.items()})


def _json_lines(file: str, text: str) -> list[tuple[int, Any]] | None:
    records = []
    for line, content in enumerate(text.splitlines(), 1):
        if content.strip():
            try:
                records.append((line, json.loads(content, object_pairs_hook=unique_names)))
            except (ValueError, RecursionError, DiffkitError) as error:
                if not records:
                    return None
                raise FileError(f"{file}, line {line}: it is not a JSON object: {error}") from None
    return records


def _records(file: str, records: Sequence[tuple[int, Any]], what: str = "line") -> Arrays:
    names = tuple(records[0][1]) if isinstance(records[0][1], dict) else ()
    for place, record in records:
        missing = [n for n in names if not isinstance(record, dict) or n not in record]
        if missing or not names:
            raise FileError(f"{file}, {what} {place}: {missing[0] if missing else 'a name'} is missing")
    found: dict[str, Any] = {}
    for name in names:
        values = [(place, record[name]) for place, record in records]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for _, v in values):
            found[name] = [_finite(file, f"{what} {place}", name, v) for place, v in values]
    return Arrays(file, found)


def _finite(file: str, place: str, name: str, value: float) -> float:
    if not np.isfinite(value):
        raise FileError(f"{file}, {place}: {name} is {value}", hint="data are finite numbers")
    return value


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
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Arrays(file, {_stem(file): loaded})
        with loaded:
            return Arrays(file, {name: loaded[name] for name in loaded.files})
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror or 'it is no NumPy file'}") from None
    except (ValueError, EOFError, KeyError) as error:
        pickled = "pickle" in str(error).lower()
        reason = "it holds Python objects (a pickle), which are refused" if pickled else "it is no NumPy file"
        raise FileError(f"cannot read {file}: {reason}", hint="save arrays of numbers") from None
    except Exception as error:  # zip files fail in many ways
        raise FileError(f"cannot read {file}: {type(error).__name__}: {error}") from None


def _stem(file: str) -> str:
    stem = os.path.splitext(os.path.basename(file))[0]
    return stem if NAME.match(stem) else "data"

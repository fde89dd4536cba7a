"""Rows in files: what their columns hold, and how JSON lines, CSV and Parquet keep it without losing a bit.

The type of a column is "int", "float", "text" or "flag", a list of one type, a mapping of names to types, or a tuple
of one type, for a mapping of any names to values of that type. In text NaN is null, or an empty cell, and infinities
are ``inf`` and ``-inf``; CSV holds what is not one value as JSON. Parquet is written by pyarrow (extra ``parquet``).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from diffkit.core.errors import FileError, did_you_mean, escaped
from diffkit.core.files import ROW_FORMATS, replaced, write_table
from diffkit.core.records import parquet, records_of

RowType = Any
Columns = Mapping[str, RowType]
Row = dict[str, Any]
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": lambda value: math.nan if value in (None, "") else float(value),
    "text": lambda value: "" if value is None else str(value),
    "flag": lambda value: value in (True, "true"),
}
_ARROW_NAMES = {"int": "int64", "float": "float64", "text": "string", "flag": "bool_"}


def check_row_format(format: str) -> str:
    """Give a format of rows; FileError for what is none, or needs a package that is not there."""
    if format not in ROW_FORMATS:
        raise FileError(f"unknown format of rows {format!r}",
                        hint=did_you_mean(format, ROW_FORMATS) or f"there are {', '.join(ROW_FORMATS)}")  # fmt: skip
    if format == "parquet":
        parquet()
    return format


def write_rows(file: str, rows: Sequence[Row], columns: Columns) -> None:
    """Write rows in the format that a file's name says, whole or not at all; FileError if that fails."""
    write = {"jsonl": _write_json, "csv": _write_table, "parquet": _write_parquet}[file.rpartition(".")[2]]
    with replaced(file) as beside:
        write(beside, rows, columns)
        with open(beside, "rb") as written:
            os.fsync(written.fileno())


def read_rows(file: str, columns: Columns) -> Iterator[Row]:
    """Give the rows of a file as they were before they were written; FileError for what was not written here."""
    for record in records_of(file):
        try:
            yield typed(columns, record.value)
        except (TypeError, ValueError, KeyError, AttributeError):
            raise FileError(f"{file}, {record.place}: this is no row of a run") from None


def typed(type: RowType, value: Any) -> Any:
    """Give a value of a type as it was before a file held it."""
    if isinstance(type, str):
        return _SCALARS[type](value)
    if isinstance(value, str):  # a cell
        value = json.loads(value)
    if isinstance(type, list):
        return [typed(type[0], one) for one in value]
    if isinstance(type, tuple):
        return {name: typed(type[0], one) for name, one in dict(value).items()}
    return {name: typed(inner, value[name]) for name, inner in type.items()}


def strict(value: Any) -> Any:
    """Give a value as strict JSON holds it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {name: strict(one) for name, one in value.items()}
    return [strict(one) for one in value] if isinstance(value, (list, tuple)) else value


def json_of(value: Any) -> str:
    """Give a value as a line of JSON."""
    return escaped(json.dumps(strict(value), ensure_ascii=False, allow_nan=False))


def _write_json(file: str, rows: Sequence[Row], columns: Columns) -> None:  # noqa: ARG001
    with open(file, "w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{json_of(row)}\n" for row in rows)


def _write_table(file: str, rows: Sequence[Row], columns: Columns) -> None:
    with open(file, "w", encoding="utf-8", newline="") as stream:
        write_table(stream, [list(columns), *([_cell(row[name]) for name in columns] for row in rows)])


def _cell(value: Any) -> str:
    value = strict(value)
    return value if isinstance(value, str) else "" if value is None else json_of(value)


def _write_parquet(file: str, rows: Sequence[Row], columns: Columns) -> None:
    module = parquet()
    import pyarrow

    schema = pyarrow.schema([(name, _arrow(pyarrow, type)) for name, type in columns.items()])
    held = [{name: _held(type, row[name]) for name, type in columns.items()} for row in rows]
    module.write_table(pyarrow.Table.from_pylist(held, schema), file)


def _arrow(pyarrow: Any, type: RowType) -> Any:
    """A type in Arrow's words."""
    if isinstance(type, str):
        return getattr(pyarrow, _ARROW_NAMES[type])()
    if isinstance(type, list):
        return pyarrow.list_(_arrow(pyarrow, type[0]))
    if isinstance(type, tuple):
        return pyarrow.map_(pyarrow.string(), _arrow(pyarrow, type[0]))
    return pyarrow.struct([(name, _arrow(pyarrow, inner)) for name, inner in type.items()])


def _held(type: RowType, value: Any) -> Any:
    """A value as pyarrow takes it: text that UTF-8 cannot hold is escaped, a mapping is a list of pairs."""
    if isinstance(type, str):
        return value.encode("utf-8", "backslashreplace").decode() if type == "text" else value
    if isinstance(type, list):
        return [_held(type[0], one) for one in value]
    if isinstance(type, tuple):
        return [(name, _held(type[0], one)) for name, one in value.items()]
    return {name: _held(inner, value[name]) for name, inner in type.items()}

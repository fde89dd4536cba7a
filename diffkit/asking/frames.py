"""Points that carry names: mappings, data frames, series, structured arrays and named tuples, and names in text.

What they are is told by what they can do: neither pandas nor polars is imported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from diffkit.core.errors import PointError
from diffkit.core.text.names import as_name, repeated

_UNLABELLED_TYPES = {int, float, str, list, tuple}  # what surely has no labels, so that long lists are read in time


class Labelled(NamedTuple):
    """The values of a point by label; of a ``table`` each is a column, and a row is a point."""

    values: dict[Any, Any]
    table: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that are names."""
        return tuple(label for label in self.values if isinstance(label, str))


def labelled(at: Any) -> Labelled | None:
    """Give the values of a point by label, SymPy symbols by their names; None where it has no labels."""
    if isinstance(at, Mapping):
        return Labelled(_by_label(list(at), list(at.values())))
    if isinstance(at, tuple) and hasattr(at, "_fields"):
        return Labelled(_by_label(list(at._fields), list(at)))
    fields = getattr(getattr(at, "dtype", None), "names", None)
    if isinstance(fields, tuple):  # a structured array, or a record of one
        return Labelled({name: at[name] for name in fields}, at.shape != ())
    columns = getattr(at, "columns", None) if hasattr(at, "__getitem__") else None
    columns = getattr(at, "column_names", columns)
    if columns is not None and not callable(columns):  # a frame of pandas or polars, a table of Arrow
        labels = list(columns)
        _by_label(labels, labels)  # a label that stands twice would give both columns
        return Labelled(_by_label(labels, _columns(at, labels)), True)
    index = getattr(at, "index", None)
    if index is not None and not callable(index) and hasattr(at, "to_numpy"):  # a series of pandas
        return Labelled(_by_label(list(index), at.to_numpy().tolist()))
    return None


def _by_label(labels: list[Any], values: list[Any]) -> dict[Any, Any]:
    names = [as_name(label) for label in labels]
    if (twice := repeated(names)) is not None:
        raise PointError(f"the point gives {str(twice)[:64]} twice")
    return dict(zip(names, values, strict=True))


def _columns(table: Any, labels: list[Any]) -> list[Any]:
    try:
        return [table[label] for label in labels]
    except Exception as error:  # a table that is not there yet, as a lazy one, fails in ways of its own
        raise PointError(f"a {type(table).__name__} gives no columns: it raised {type(error).__name__}",
                         hint="a lazy table is collected first") from None  # fmt: skip


def records(at: Any, names: Collection[str]) -> Labelled | None:
    """Give the table that a list of labelled points is; None where the entries have no labels that are ``names``.

    Those are columns, or arguments that happen to have labels, as series do.
    """
    rows = _entries(at)
    if not any(name in row.values for row in rows for name in names):
        return None
    if any(row.table for row in rows):
        raise PointError("the point is a list of tables", hint="put them into one: each row of a table is a point")
    if len(rows) < len(at):
        raise PointError("some points of the list go by names, and others do not")
    labels = rows[0].values.keys()
    for row in rows:
        for label in row.values.keys() ^ labels:
            raise PointError(f"some points of the list give no value for {str(label)[:64]}")
        for label in (label for label, value in row.values.items() if holds_many(value)):
            raise PointError(f"a point of the list gives more than one number for {str(label)[:64]}")
    return Labelled({label: [row.values[label] for row in rows] for label in labels}, True)


def holds_many(value: Any) -> bool:
    """Whether a value is a list, or an array of one dimension or more."""
    return isinstance(value, (list, tuple)) or getattr(value, "shape", ()) != ()


def _entries(at: Any) -> list[Labelled]:
    """The entries of a list that have labels."""
    if not isinstance(at, (list, tuple)):
        return []
    found = (labelled(entry) for entry in at if type(entry) not in _UNLABELLED_TYPES)
    return [entry for entry in found if entry is not None]


def names_in(at: Any) -> tuple[str, ...]:
    """Give the names that a point, or a box, gives values to: those of text are what stands before its signs =."""
    if isinstance(at, str):
        parts = (part.partition("=") for part in split_top(at, ","))
        return tuple(name.strip() for name, sign, _ in parts if sign)
    found = labelled(at)
    if found is None:
        return tuple({name: None for entry in _entries(at) for name in entry.names})
    return found.names


def split_top(text: str, separator: str) -> list[str]:
    """Split at separators outside parentheses and brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]

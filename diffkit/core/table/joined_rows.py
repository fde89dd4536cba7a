"""Rows that other packages add to the table: entry points of ``diffkit.primitives`` are functions that get ``add``.

``add(name, arguments, sentence, **facts)`` is ``table.add`` with one difference: a name that means something already,
or that text cannot call, is refused with a line, and the rest of the package's rows are added.
"""

from __future__ import annotations

import re
from typing import Any

from diffkit.core.errors import DiffkitError, told
from diffkit.core.joined import PRIMITIVE_GROUP, home, is_joined, joined, left_out, loaded
from diffkit.core.table.primitive import Primitive, PrimitiveTable, table

_CALLABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+\Z", re.ASCII)
"""of two letters or more: one letter is a variable"""


class _Joining:
    """Adds the rows of one package."""

    def __init__(self, known: PrimitiveTable, origin: str, taken: frozenset[str]):
        self.known, self.origin, self.taken = known, origin, taken

    def add(self, name: str, arguments: str, doc: str, **facts: Any) -> Primitive | None:
        """Add a row, or say why not and give None."""
        try:
            for word in (name, *facts.get("aliases", ())):
                if fault := self._fault(word):
                    raise DiffkitError(fault)
            return self.known.add(name, arguments, doc, **{**facts, "origin": self.origin})
        except Exception as error:
            reason = error.reason if isinstance(error, DiffkitError) else told(error)
            left_out(f"the function {name!r:.60} of {self.origin}", reason)
            return None

    def _fault(self, word: Any) -> str:
        if not isinstance(word, str) or not _CALLABLE_NAME.match(word):
            return f"{word!r:.60} is no name of two letters or more"
        if (row := self.known.rows.get(word) or self.known.names.get(word)) is not None:
            return f"{word} is {(row.origin and f'of {row.origin}') or 'in the table'} already: {row.doc}"
        return f"{word} means something else in text" if word in self.taken else ""


def join_rows(constants: frozenset[str]) -> None:
    """Add the rows of all packages that declare some; what is broken is left out with a line."""
    if not is_joined(PRIMITIVE_GROUP):
        return
    from diffkit.core.table.array_table import array_table

    taken = constants | frozenset(array_table.names) | frozenset(array_table.rows)
    for entry in joined(PRIMITIVE_GROUP).values():
        try:
            loaded(entry)(_Joining(table, home(entry), taken).add)
        except Exception as error:
            reason = error.reason if isinstance(error, DiffkitError) else told(error)
            left_out(f"what {home(entry)} adds to the table", reason)

"""A run over a stream, as blocks and as fields: how many rows have which status, and the first that are not well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diffkit.core.errors import plural
from diffkit.core.row_reports import RowsReport
from diffkit.reports.document import STATUS_WORDS, Block, Document, Gap, Heading, Note, Table, picked, plain, worded


@dataclass(frozen=True)
class RowsDocument(Document):
    """What a run comes to."""

    found: RowsReport

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"{self.found.what[:1].upper()}{self.found.what[1:]} at {plural(self.found.rows, 'point')}"

    def blocks(self) -> Iterator[Block]:
        """Lay out the counts, and the first rows that are not well."""
        found = self.found
        if not found.complete:
            yield Note(f"PARTIAL RUN: {found.stopped} after {plural(found.rows, 'row')}; --resume goes on with it")
            yield Gap()
        yield Heading(f"{found.what} at {plural(found.rows, 'point')}")
        counts = found.statuses.items()
        yield Table(("status", "rows"), tuple((STATUS_WORDS.get(name, name), str(count)) for name, count in counts))
        yield Note(f"the rows are in {found.folder}")
        if found.first:
            yield Gap()
            yield Heading(f"the first that are not {found.well}")
            rows = ((str(n.row), STATUS_WORDS.get(n.status, n.status), worded(n.message)) for n in found.first)
            yield Table(("row", "status", "why"), tuple(rows))

    def fields(self) -> dict[str, Any]:
        """Give the fields of a RowsReport."""
        found = self.found
        return {
            "schema": "diffkit.rows/1",
            **picked(found, "what", "folder", "rows", "complete", "stopped", "statuses"),
            "first": plain(found.first),
        }

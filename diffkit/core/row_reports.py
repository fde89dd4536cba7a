"""What a run over a stream comes to: how many rows have which status, which are not well, and where all of them are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from diffkit.core.deadline import TimeIsUp
from diffkit.core.equality import ByContent
from diffkit.core.errors import plural
from diffkit.core.report_views import ReportViews
from diffkit.core.row_files import Row

_FIRST_LISTED = 20  # rows that are not well and are told


class NotedRow(NamedTuple):
    """A row that is not well: its number, its status, and what it says."""

    row: int
    status: str
    message: str


@dataclass(frozen=True, eq=False, repr=False)
class RowsReport(ReportViews, ByContent):
    """How many rows of a run over a stream have which status.

    It is true if the run is complete and every row is well.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     found = dk.stream("1/x", [[1], [0]], rows=f"{folder}/rows")
    >>> found.rows, bool(found), found.first[0].status
    (2, False, 'pole')
    """

    what: str
    """what the rows are, such as a gradient"""
    folder: str
    """where the rows are"""
    statuses: dict[str, int]
    """how many rows have which"""
    well: str
    """the status of a row of which there is nothing to tell"""
    first: tuple[NotedRow, ...] = ()
    """the first rows of another status, 20 at most"""
    stopped: str = ""
    """why not all records were reached, if they were not"""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(self.statuses.values())

    @property
    def complete(self) -> bool:
        """Whether every record was reached."""
        return not self.stopped

    @property
    def headline(self) -> str:
        """How many rows have which status, in one line."""
        counts = ", ".join(f"{count} {status}" for status, count in self.statuses.items())
        whole = "" if self.complete else f"PARTIAL ({self.stopped}), the first "
        return f"{self.what} at {whole}{plural(self.rows, 'point')}: {counts or 'none'}; rows in {self.folder}"

    def __bool__(self) -> bool:
        return self.complete and set(self.statuses) <= {self.well}

    def __repr__(self) -> str:
        return f"<RowsReport: {self.headline}>"

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"row {n.row}: {n.status}: {n.message}" for n in self.first)])


class RowCounts:
    """Rows counted by the status that a column of theirs holds."""

    def __init__(self, what: str, folder: str, column: str, well: str):
        self.what, self.folder, self.column, self.well = what, folder, column, well
        self.statuses: Counter[str] = Counter()
        self.first: list[NotedRow] = []

    def add(self, row: Row) -> None:
        """Count a row."""
        status = row[self.column]
        self.statuses[status] += 1
        if status != self.well and len(self.first) < _FIRST_LISTED:
            self.first.append(NotedRow(row["row"], status, row["message"]))

    def report(self, stopped: str = "") -> RowsReport:
        """Sum up."""
        return RowsReport(
            self.what, self.folder, dict(self.statuses.most_common()), self.well, tuple(self.first), stopped
        )


def exhausted(rows: Iterable[Row], take: Callable[[Row], object]) -> str:
    """Take all rows of a run; why there are no more, if time is up."""
    try:
        for row in rows:
            take(row)
    except TimeIsUp as up:
        return up.reason
    return ""

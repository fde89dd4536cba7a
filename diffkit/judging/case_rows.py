"""Cases compared as a stream: each record becomes a row with its verdict, scores and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.asking.points import point_of
from diffkit.asking.tasks import Task
from diffkit.core.records import Record
from diffkit.core.row_files import Columns, Row
from diffkit.core.row_folder import RowPlan
from diffkit.core.row_runs import carry_out
from diffkit.judging.accuracy import AccuracyReport
from diffkit.judging.cases import Case, CaseReader, case_name, check_kind
from diffkit.judging.checking.outcome import Tolerances
from diffkit.judging.examination import Examiner, failed
from diffkit.judging.outcomes import OUTCOME_COLUMNS, of_row, row_of
from diffkit.judging.tally import Tally
from diffkit.methods import Backend
from diffkit.methods.streams import told_backend, told_task

if TYPE_CHECKING:
    from diffkit.core.worker_pool import Workers

Take = Callable[[Row], object]


class CaseRows:
    """Backends compared at each case that a record is; or, for a task, at each point."""

    columns: Columns = OUTCOME_COLUMNS

    def __init__(
        self, kind: str, backends: Sequence[Backend], allowed: Tolerances | None = None, task: Task | None = None
    ):
        if task is None:
            check_kind(kind)
        self.kind, self.backends, self.allowed, self.task = kind, backends, allowed, task
        self._examiner, self._read = Examiner(backends, allowed), CaseReader(kind)

    @property
    def what(self) -> dict[str, Any]:
        """What is asked."""
        return {
            "kind": self.kind,
            "methods": [backend.name for backend in self.backends],
            "options": list(map(told_backend, self.backends)),
            "tolerances": None if self.allowed is None else list(self.allowed),
            **({} if self.task is None else told_task(self.task)),
        }

    def get_ready(self) -> None:
        """Import and start the methods."""
        self._examiner.start()

    def row(self, record: Record) -> Row:
        """Compare at the case."""
        return row_of(self._examiner.outcome(self._case(record)))

    def lost(self, record: Record, reason: str) -> Row:
        """Give the row of a case that ends every process that compares at it."""
        return row_of(failed(self._case(record), reason))

    def _case(self, record: Record) -> Case:
        if self.task is None:
            return self._read(record)
        point = tuple(point_of(record, self.task.variables))
        return Case(case_name(self.task.variables, point), self.task, point)


def report_rows(
    job: CaseRows,
    records: Iterable[Record],
    plan: RowPlan,
    workers: Workers,
    exhaust: Callable[[Iterable[Row], Take], str],
) -> AccuracyReport:
    """Report on cases as a stream, whose rows go to the folder of the plan; ``exhaust`` says why it ended early."""
    tally = Tally()
    stopped = exhaust(carry_out(job, records, plan, workers), lambda row: tally.add(of_row(row)))
    names = tuple(backend.name for backend in job.backends)
    return AccuracyReport(job.kind, names, (), None if stopped else tally.rows, stopped, None, tally)

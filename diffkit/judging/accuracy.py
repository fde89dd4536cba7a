"""Accuracy of backends over many points: each is compared as one point is, and then counted, never averaged."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from os import PathLike
from typing import Any

from diffkit.core.equality import ByContent
from diffkit.core.errors import DiffkitError, FileError, listing, plural
from diffkit.core.report_views import ReportViews
from diffkit.core.row_folder import rows_in
from diffkit.judging.comparison import Finding
from diffkit.judging.outcomes import OUTCOME_COLUMNS, Outcome, Score, of_json, of_row
from diffkit.judging.regression import Changes, Key, Known, changes_since, known, malformed, read_fields, standing
from diffkit.judging.tally import BackendAccuracy, BackendTally, FindingGroup, Tally


@dataclass(frozen=True, eq=False, repr=False)
class AccuracyReport(ReportViews, ByContent):
    """How accurate backends are over ``outcomes``, of ``total`` cases.

    It is partial if there are fewer outcomes than cases, and true if it has
    passed. Where rows went to a folder there are no outcomes, only what was
    counted of them.

    Examples
    --------
    >>> cases = [{"expr": "x^2", "at": k} for k in (1, 2, 3)]
    >>> found = dk.report(cases, backends=["dual"])
    >>> print(found.headline)
    gradients at 3 points: 3 agree
    >>> found.passed, found.complete
    (True, True)
    """

    kind: str
    """of derivative"""
    backends: tuple[str, ...]
    """the methods"""
    outcomes: tuple[Outcome, ...]
    """what comparing each case found"""
    total: int | None
    """how many cases there are; None where a stream was left before its end"""
    stopped: str = ""
    """why not all were reached, if they were not"""
    changes: Changes | None = None
    """what is different from an old report that it was compared with"""
    counted: Tally | None = field(default=None, compare=False)
    """what was counted where outcomes were not kept"""

    @cached_property
    def tally(self) -> Tally:
        """All that was counted."""
        return Tally(self.outcomes) if self.counted is None else self.counted

    @property
    def points(self) -> int:
        """How many cases were reached."""
        return self.tally.rows

    @property
    def complete(self) -> bool:
        """Whether every case was reached."""
        return self.points == self.total

    @property
    def all_agree(self) -> bool:
        """Whether the verdict of every case is "agree"."""
        return self.complete and set(self.verdicts) <= {"agree"}

    @property
    def passed(self) -> bool:
        """Whether no method disagrees with the reference and nothing contradicts what was expected."""
        return self.complete and self.tally.passed == self.points

    @property
    def expecting(self) -> int:
        """How many cases say what they expect."""
        return self.tally.expecting

    @property
    def contradicted(self) -> int:
        """How many cases have an expected value that the reference or a method contradicts."""
        return self.tally.contradicted

    @property
    def verdicts(self) -> dict[str, int]:
        """How many cases have each verdict, most frequent first."""
        return dict(self.tally.verdicts.most_common())

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """Every backend on every component."""
        return tuple(score for outcome in self.outcomes for score in outcome.scores)

    @cached_property
    def summary(self) -> tuple[BackendAccuracy, ...]:
        """The accuracy of each backend."""
        nothing = BackendTally()
        return tuple(self.tally.backends.get(name, nothing).accuracy(name) for name in self.backends)

    @cached_property
    def groups(self) -> tuple[FindingGroup, ...]:
        """Findings by backend and cause, the most frequent first."""
        return self.tally.groups()

    @property
    def contradictions(self) -> tuple[tuple[str, Finding], ...]:
        """Where the reference or a method contradicts what was expected: the case, and the finding; 1000 at most."""
        return tuple(self.tally.contradictions)

    def merge(self, *others: AccuracyReport | Mapping[str, Any] | str | PathLike[str]) -> AccuracyReport:
        """Give one report on the cases of this and other reports.

        Parameters
        ----------
        *others : AccuracyReport, mapping, str or path
            As ``merge_reports`` takes them.

        Returns
        -------
        AccuracyReport
            The report on all.
        """
        return merge_reports(self, *others)

    def against(self, old: AccuracyReport | Mapping[str, Any] | str | PathLike[str]) -> Changes:
        """Compare with an old report.

        Parameters
        ----------
        old : AccuracyReport, mapping, str or path
            The report, or one that was written as JSON: its path, or what is in it.

        Returns
        -------
        Changes
            What is different.

        Raises
        ------
        FileError
            For a file that is no such report, or is of another version or another
            kind of derivative.
        """
        if not self.outcomes and self.points:
            raise DiffkitError("a report whose rows went to a folder keeps no outcomes to compare")
        before, name = (old.known, "the old report") if isinstance(old, AccuracyReport) else known(old)
        return changes_since(before, self.known, name)

    @property
    def known(self) -> Known:
        """The report as far as it is compared with another."""
        cases = [(Key(o.case.text, tuple(o.case.at.items())), o) for o in self.outcomes]
        return Known(
            self.kind,
            {case: o.case.name for case, o in cases},
            {case: (o.verdict, o.contradicted) for case, o in cases},
            {case._replace(backend=s.backend, partial=s.label): (standing(s.value, s.within), s.digits)
             for case, o in cases for s in o.scores},
            {case._replace(backend=backend): s for case, o in cases for backend, s in o.seconds.items()},
        )  # fmt: skip

    def worst(self, count: int = 10) -> tuple[Score, ...]:
        """Give the worst component of each case and backend.

        Parameters
        ----------
        count : int, default 10
            How many at most, up to 1000.

        Returns
        -------
        tuple of Score
            Those outside their bar first, then by ulps, above one.
        """
        return tuple(islice(self.tally.worst(), count))

    @property
    def headline(self) -> str:
        """What was compared and the verdicts, in one line."""
        of = "" if self.total is None else f" of {plural(self.total, 'point')}"
        whole = plural(self.points, "point") if not of else of.removeprefix(" of ")
        where = whole if self.complete else f"PARTIAL ({self.stopped}), the first {self.points}{of}"
        return f"{self.kind}s at {where}: " + ", ".join(f"{n} {verdict}" for verdict, n in self.verdicts.items())

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise, in any of the cases."""
        return tuple(self.tally.notes)

    def __bool__(self) -> bool:
        """A report is true only if it has passed.

        Beside an old one it is true if nothing is lost, and nothing that is expected contradicted: what was imprecise
        before may stay so.
        """
        return self.passed if self.changes is None else bool(self.changes) and not self.contradicted

    def __repr__(self) -> str:
        return f"<AccuracyReport: {self.headline}>"

    def __str__(self) -> str:
        lines = [self.headline]
        for a in self.summary:
            half, most, nearly_all, worst = (f"{ulps:.3g}" for ulps in a.ulps)
            lines.append(f"{a.backend}: {half} ulps (median), {most} (95 %), {nearly_all} (99 %), {worst} (max)")
        return "\n".join(lines)


def merge_reports(*reports: AccuracyReport | Mapping[str, Any] | str | PathLike[str]) -> AccuracyReport:
    """Give one report on the cases of several.

    Counts add up, and quantiles are those of all numbers together.

    Parameters
    ----------
    *reports : AccuracyReport, mapping, str or path
        Reports, such in JSON (a path, or what is in it), or folders that
        ``rows`` has named.

    Returns
    -------
    AccuracyReport
        The report on all. Quantiles are exact where each part has kept its
        numbers and together they are 100,000 at most; above that they are of
        a t-digest, where the package fastdigest is there, and ``quantiles`` of
        the ``summary`` says so.

    Raises
    ------
    DiffkitError
        For no reports, or for different kinds of derivatives.
    FileError
        For what is no report.

    Examples
    --------
    >>> parts = [dk.report([{"expr": "x^3", "at": k}]) for k in (1, 2)]
    >>> print(dk.merge_reports(*parts).headline)
    gradients at 2 points: 2 agree
    """
    if not reports:
        raise DiffkitError("there are no reports to merge")
    found = [one if isinstance(one, AccuracyReport) else _read_report(one) for one in reports]
    first, kinds = found[0], dict.fromkeys(report.kind for report in found)
    if len(kinds) > 1:
        raise DiffkitError(f"reports on {listing([f'{kind}s' for kind in kinds])} do not merge")
    tally = Tally()
    for report in found:
        tally.merge(report.tally)
    whole = all(len(report.outcomes) == report.tally.rows for report in found)
    totals = [report.total for report in found]
    return AccuracyReport(
        first.kind, tuple(dict.fromkeys(name for report in found for name in report.backends)),
        tuple(outcome for report in found for outcome in report.outcomes) if whole else (),
        None if None in totals else sum(total or 0 for total in totals),
        next((report.stopped for report in found if report.stopped), ""), None, tally,
    )  # fmt: skip


def _read_report(report: Mapping[str, Any] | str | PathLike[str]) -> AccuracyReport:
    """The report that JSON holds, or that the rows in a folder are; FileError where there is none."""
    if isinstance(report, (str, PathLike)) and os.path.isdir(report):
        return report_in(os.fspath(report))
    fields, name = read_fields(report)
    try:
        backends = tuple(str(a["backend"]) for a in fields["backends"])
        tally = fields["tally"]
        counted = Tally(map(of_json, fields["outcomes"])) if tally is None else Tally.of_state(tally)
        return AccuracyReport(str(fields["kind"]), backends, (), fields["total"], str(fields["stopped"]), None, counted)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise malformed(name, error) from None


def report_in(folder: str) -> AccuracyReport:
    """Give the report on the rows in a folder; FileError where they are of no such run."""
    what, rows, complete = rows_in(folder, OUTCOME_COLUMNS)
    if "methods" not in what:
        raise FileError(f"{folder} holds rows of something else than a report")
    tally = Tally(map(of_row, rows))
    stopped = "" if complete else "the run is not finished"
    return AccuracyReport(
        what["kind"], tuple(what["methods"]), (), tally.rows if complete else None, stopped, None, tally
    )

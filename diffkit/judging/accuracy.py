"""Accuracy of backends over many points: each is compared as one point is, and then counted, never averaged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.core.equality import ByContent
from diffkit.core.errors import plural
from diffkit.core.report_views import ReportViews
from diffkit.judging.cases import Case
from diffkit.judging.comparison import Finding
from diffkit.judging.regression import Changes, Key, Known, changes_since, known, standing

if TYPE_CHECKING:
    pass

CONTRADICTS = "contradicts the expected value"


class Score(NamedTuple):
    """One backend on one distinct partial of one case that has a reference value.

    ``ulps`` is infinite where the backend has no value, and NaN where the reference is zero and the value is not.
    """

    case: str
    backend: str
    label: str
    value: float
    reference: float
    error: float
    ulps: float
    digits: float
    bar: float
    within: bool


@dataclass(frozen=True)
class Outcome:
    """What comparing one case found; ``verdict`` as of a Comparison, or "failed" with the reason as a finding."""

    case: Case
    verdict: str
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()
    message: str = ""
    """why the reference has no value, where it has none"""
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    """how long each method took"""

    @property
    def contradicted(self) -> bool:
        """Whether the reference or a method contradicts what was expected."""
        return any(f.cause == CONTRADICTS for f in self.findings)

    @property
    def passed(self) -> bool:
        """Whether the methods do not disagree with the reference and nothing contradicts what was expected."""
        return self.verdict not in ("disagree", "failed") and not self.contradicted


class Quantiles(NamedTuple):
    """Nearest-rank quantiles, from the best to the worst: half, 95 %, 99 % and all of the numbers are this good."""

    median: float
    most: float
    nearly_all: float
    worst: float


@dataclass(frozen=True)
class BackendAccuracy:
    """One backend over all components whose reference is a number; true zeros have no ulps and stand apart.

    ``ulps`` runs over ``components``, no value counting as infinite; ``shares`` are the parts of them with at most
    0.5, 1 and 4 ulps and with more than 1000. ``held`` of ``bars`` values lie within the error bar of their method;
    ``overstated`` is bar / error, from tight to wide, where both are positive numbers.
    """

    backend: str
    components: int
    no_value: int
    ulps: Quantiles
    shares: tuple[float, float, float, float]
    digits: Quantiles
    zeros: int
    zeros_exact: int
    bars: int
    held: int
    overstated: Quantiles


class FindingGroup(NamedTuple):
    """Findings of one backend and one cause: the cases that have it, and the first one's evidence."""

    backend: str
    cause: str
    cases: tuple[str, ...]
    evidence: str

    @property
    def contradicts(self) -> bool:
        """Whether expected values are contradicted."""
        return self.cause == CONTRADICTS


@dataclass(frozen=True, eq=False, repr=False)
class AccuracyReport(ReportViews, ByContent):
    """How accurate backends are over ``outcomes``, of ``total`` cases.

    It is partial if there are fewer outcomes than cases, and true if it has
    passed.

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
    total: int
    """how many cases there are"""
    stopped: str = ""
    """why not all were reached, if they were not"""
    changes: Changes | None = None
    """what is different from an old report that it was compared with"""

    @property
    def complete(self) -> bool:
        """Whether every case was reached."""
        return len(self.outcomes) == self.total

    @property
    def all_agree(self) -> bool:
        """Whether the verdict of every case is "agree"."""
        return self.complete and set(self.verdicts) <= {"agree"}

    @property
    def passed(self) -> bool:
        """Whether no method disagrees with the reference and nothing contradicts what was expected."""
        return self.complete and all(outcome.passed for outcome in self.outcomes)

    @property
    def expecting(self) -> int:
        """How many cases say what they expect."""
        return sum(bool(outcome.case.expected) for outcome in self.outcomes)

    @property
    def contradicted(self) -> int:
        """How many cases have an expected value that the reference or a method contradicts."""
        return sum(outcome.contradicted for outcome in self.outcomes)

    @cached_property
    def verdicts(self) -> dict[str, int]:
        """How many cases have each verdict, most frequent first."""
        return dict(Counter(outcome.verdict for outcome in self.outcomes).most_common())

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """Every backend on every component."""
        return tuple(score for outcome in self.outcomes for score in outcome.scores)

    @cached_property
    def summary(self) -> tuple[BackendAccuracy, ...]:
        """The accuracy of each backend."""
        return tuple(_accuracy(name, [s for s in self.scores if s.backend == name]) for name in self.backends)

    @cached_property
    def groups(self) -> tuple[FindingGroup, ...]:
        """Findings by backend and cause, the most frequent first."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for outcome in self.outcomes:
            first: dict[tuple[str, str], str] = {}
            for f in outcome.findings:
                first.setdefault((f.backend, f.cause), f.evidence)
            for key, evidence in first.items():
                found.setdefault(key, []).append((outcome.case.name, evidence))
        groups = [FindingGroup(*key, tuple(name for name, _ in of), of[0][1]) for key, of in found.items()]
        return tuple(sorted(groups, key=lambda group: -len(group.cases)))

    @property
    def contradictions(self) -> tuple[tuple[str, Finding], ...]:
        """Where the reference or a method contradicts what was expected: the case, and the finding."""
        return tuple((o.case.name, f) for o in self.outcomes for f in o.findings if f.cause == CONTRADICTS)

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
            How many at most.

        Returns
        -------
        tuple of Score
            Those outside their bar first, then by ulps, above one.
        """
        by_pair: dict[tuple[str, str], Score] = {}
        for score in sorted(self.scores, key=_badness):
            if _badness(score) < (0, -1.0):
                by_pair.setdefault((score.case, score.backend), score)
        return tuple(list(by_pair.values())[:count])

    @property
    def headline(self) -> str:
        """What was compared and the verdicts, in one line."""
        whole = "" if self.complete else f"PARTIAL ({self.stopped}), the first {len(self.outcomes)} of "
        return f"{self.kind}s at {whole}{plural(self.total, 'point')}: " + ", ".join(
            f"{count} {verdict}" for verdict, count in self.verdicts.items()
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise, in any of the cases."""
        return tuple(dict.fromkeys(note for outcome in self.outcomes for note in outcome.case.task.notes))

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


def _badness(score: Score) -> tuple[int, float]:
    """Sort key, the worst first; a true zero that is missed weighs as its bar being broken or not at all."""
    return (-(not score.within), -score.ulps if score.ulps == score.ulps else 0.0)


def _accuracy(backend: str, scores: Sequence[Score]) -> BackendAccuracy:
    zeros = [s for s in scores if s.reference == 0]
    ulps = [s.ulps for s in scores if s.reference != 0]
    count = len(ulps)
    shares = [sum(u <= most for u in ulps) / count if count else math.nan for most in (0.5, 1, 4)]
    beyond = sum(u > 1000 for u in ulps) / count if count else math.nan
    return BackendAccuracy(
        backend,
        count,
        sum(math.isnan(s.value) for s in scores),
        quantiles(ulps),
        (shares[0], shares[1], shares[2], beyond),
        quantiles([-s.digits for s in scores if s.reference != 0], -1.0),
        len(zeros),
        sum(s.value == 0 for s in zeros),
        sum(not math.isnan(s.value) for s in scores),
        sum(s.within and not math.isnan(s.value) for s in scores),
        quantiles([s.bar / s.error for s in scores if 0 < s.error < math.inf and 0 < s.bar < math.inf]),
    )


def quantiles(values: Iterable[float], sign: float = 1.0) -> Quantiles:
    """Give nearest-rank quantiles (so infinities need no arithmetic), times ``sign``; all NaN of no values."""
    ordered = sorted(values)
    ranks = [max(1, math.ceil(percent * len(ordered) / 100)) - 1 for percent in (50, 95, 99, 100)]
    return Quantiles(*(sign * ordered[rank] if ordered else math.nan for rank in ranks))

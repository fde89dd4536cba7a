"""What comparing one case found: a verdict, a score for each method and partial, findings; and the same as a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from diffkit.core.row_files import Columns, Row, typed
from diffkit.judging.cases import Case
from diffkit.judging.comparison import Finding

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


class JudgedCase(Protocol):
    """What is counted of an outcome."""

    @property
    def name(self) -> str:
        """The case's name."""

    @property
    def verdict(self) -> str:
        """As of a Comparison, or "failed"."""

    @property
    def scores(self) -> Sequence[Score]:
        """Every backend on every component."""

    @property
    def findings(self) -> Sequence[Finding]:
        """What is wrong."""

    @property
    def message(self) -> str:
        """Why the reference has no value, where it has none."""

    @property
    def expecting(self) -> bool:
        """Whether the case says what it expects."""

    @property
    def notes(self) -> Sequence[str]:
        """How names were read that may be meant otherwise."""


def is_contradicted(outcome: JudgedCase) -> bool:
    """Whether the reference or a method contradicts what was expected."""
    return any(f.cause == CONTRADICTS for f in outcome.findings)


def has_passed(outcome: JudgedCase) -> bool:
    """Whether the methods do not disagree with the reference and nothing contradicts what was expected."""
    return outcome.verdict not in ("disagree", "failed") and not is_contradicted(outcome)


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
    def name(self) -> str:
        """The case's name."""
        return self.case.name

    @property
    def expecting(self) -> bool:
        """Whether the case says what it expects."""
        return bool(self.case.expected)

    @property
    def notes(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.case.task.notes

    @property
    def contradicted(self) -> bool:
        """Whether the reference or a method contradicts what was expected."""
        return is_contradicted(self)

    @property
    def passed(self) -> bool:
        """Whether the methods do not disagree with the reference and nothing contradicts what was expected."""
        return has_passed(self)


class RowOutcome(NamedTuple):
    """The outcome that a row holds."""

    name: str
    verdict: str
    scores: tuple[Score, ...]
    findings: tuple[Finding, ...]
    message: str
    expecting: bool
    notes: tuple[str, ...]


_SCORE: Columns = {
    "backend": "text", "label": "text", "value": "float", "reference": "float", "error": "float", "ulps": "float",
    "digits": "float", "bar": "float", "within": "flag",
}  # fmt: skip
_FINDING: Columns = {"backend": "text", "cause": "text", "evidence": "text", "where": "text"}
OUTCOME_COLUMNS: Columns = {
    "name": "text", "expr": "text", "at": ("float",), "verdict": "text", "passed": "flag", "contradicted": "flag",
    "expecting": "flag", "message": "text", "scores": [_SCORE], "findings": [_FINDING], "notes": ["text"],
}  # fmt: skip
"""What is kept of an outcome; not how long it took, which is another time another."""


def row_of(outcome: Outcome) -> Row:
    """Give an outcome as a row."""
    scores = [{name: getattr(score, name) for name in _SCORE} for score in outcome.scores]
    findings = [{name: getattr(finding, name) for name in _FINDING} for finding in outcome.findings]
    case = outcome.case
    return {
        "name": case.name, "expr": case.text, "at": case.at, "verdict": outcome.verdict, "passed": outcome.passed,
        "contradicted": outcome.contradicted, "expecting": outcome.expecting, "message": outcome.message,
        "scores": scores, "findings": findings, "notes": list(case.task.notes),
    }  # fmt: skip


def of_row(row: Row) -> RowOutcome:
    """Give the outcome that a row holds."""
    return RowOutcome(
        row["name"], row["verdict"], tuple(Score(row["name"], **score) for score in row["scores"]),
        tuple(Finding(**finding) for finding in row["findings"]), row["message"], row["expecting"],
        tuple(row["notes"]),
    )  # fmt: skip


def of_json(fields: Any) -> RowOutcome:
    """Give the outcome that a report in JSON holds; KeyError, TypeError or ValueError where it does not."""
    scores = [{name: score[name] for name in _SCORE} for score in fields["scores"]]
    return of_row(typed(OUTCOME_COLUMNS, {**fields, "scores": scores}))

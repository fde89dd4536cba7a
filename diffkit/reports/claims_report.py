"""Many claims in one report: how many are correct, each with its verdict, and the whole check of those that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from diffkit.core.errors import DiffkitError, OutOfTime, plural
from diffkit.reports.check_report import CheckReport
from diffkit.reports.document import Block, Document, Equation, Gap, Heading, JudgedClaim, Note, Shown, Table, listed
from diffkit.reports.text import render


class NamedCheck(NamedTuple):
    """A check by the name it has in a run, and where the claim stands; or the error that there was instead."""

    name: str
    report: CheckReport | None
    error: DiffkitError | None = None
    file: str = ""
    line: int = 0

    @property
    def verdict(self) -> str:
        """That of the check; "error" where nothing could be asked, though what took too long is undecided."""
        if self.report is None:
            return "inconclusive" if isinstance(self.error, OutOfTime) else "error"
        return self.report.check.verdict

    @property
    def about(self) -> str:
        """The verdict with its reason, in one line."""
        return str(self.error if self.report is None else self.report.check)

    @property
    def judged(self) -> JudgedClaim:
        """The claim as formats of test runners take it."""
        whole = self.about if self.report is None else render(Shown(self.report))
        return JudgedClaim(self.name, self.verdict, self.about, whole, self.file, self.line)


@dataclass(frozen=True)
class ClaimsReport(Document):
    """The checks of one run."""

    checks: tuple[NamedCheck, ...]

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"Check of {plural(len(self.checks), 'claim')}"

    @property
    def verdicts(self) -> Counter[str]:
        """How many claims have each verdict."""
        return Counter(check.verdict for check in self.checks)

    def blocks(self) -> Iterator[Block]:
        """Lay out the counts, a line for each claim, and whatever is not correct."""
        counts = [f"{count} {verdict}" for verdict, count in sorted(self.verdicts.items())]
        yield Equation("verdicts", listed(counts) or "no claim was checked")
        if not self.checks:
            return
        yield Gap()
        yield Table(("claim", "verdict", "about"), tuple((c.name, c.verdict, _first(c.about)) for c in self.checks))
        for check in self.checks:
            if check.verdict != "correct":
                yield Gap()
                yield Heading(check.name)
                yield from [Note(check.about)] if check.report is None else check.report.blocks()

    def claims(self) -> Iterator[JudgedClaim]:
        """Each claim with its verdict."""
        return (check.judged for check in self.checks)

    def fields(self) -> dict[str, Any]:
        """Give the counts and the fields of every check."""
        return {
            "schema": "diffkit.claims/1",
            "verdicts": {verdict: self.verdicts[verdict] for verdict in ("correct", "inconclusive", "wrong", "error")},
            "claims": [
                {
                    "name": check.name,
                    "verdict": check.verdict,
                    "error": check.error and str(check.error),
                    "file": check.file or None,
                    "line": check.line or None,
                    "check": check.report and {**check.report.fields(), "notes": list(check.report.readings)},
                }
                for check in self.checks
            ],
        }


def _first(text: str) -> str:
    """What a cell holds of a text."""
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


_CELL = 80  # characters of a cell

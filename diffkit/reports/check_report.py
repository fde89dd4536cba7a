"""A check as blocks and as fields: the verdict, the entries that are wrong, what to change, and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from diffkit.reports import result_report as one
from diffkit.reports.blocks import Block, Equation, Gap, Note, Table, listed, plain, rounded, shown

if TYPE_CHECKING:
    from diffkit.judging.checking.outcome import Check, Entry, Witness
    from diffkit.reports.pictures.charts import Chart

UNDECIDED = "inconclusive: nothing speaks against the claim, and nothing proves it"
MOST = 20  # entries shown


class CheckReport(NamedTuple):
    """A claim as it was given, and the check of it."""

    f: str
    claim: str
    check: Check

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"Check of a {self.check.kind}"

    def charts(self) -> Iterator[Chart]:
        """There is nothing to draw."""
        yield from ()

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.check.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the check out, the verdict before what is looked for when that is known."""
        yield from self.verdict_blocks()
        yield from Repair(self.check).blocks()

    def verdict_blocks(self) -> Iterator[Block]:
        """Lay out what is known."""
        check = self.check
        yield Equation("f", self.f)
        yield Equation("claim", self.claim)
        if check.counterexample is None and check.scope.startswith("at") and check.at:
            yield Note("at " + point(check.at))
        yield Gap()
        yield Equation("verdict", UNDECIDED if check.verdict == "inconclusive" else check.summary)
        if check.reason:
            yield Note(check.reason)
        if check.convention:
            yield Note(check.convention)
        if check.counterexample is not None:
            yield Note(f"counter-example: {point(check.counterexample)}")
        if check.entries:
            yield Gap()
            yield _entries(check)
            yield from map(Note, _notes(check))
        yield Gap()
        yield from map(Note, self._looked())

    def _looked(self) -> Iterator[str]:
        check = self.check
        if check.passed and check.entries:
            yield f"{check.passed} of {check.passed + len(check.entries)} entries are right"
        if check.scope:
            yield f"{'holds' if check.verdict == 'correct' else 'looked'} {check.scope}"
        if check.unchecked:
            yield f"not looked at: {check.unchecked}"
        yield f"reference: {check.source}"
        yield from (f"warning: {text}" for text in check.warnings)

    def fields(self) -> dict[str, Any]:
        """Give the fields of the check."""
        check = self.check
        return {
            "schema": "diffkit.check/2",
            "f": self.f,
            "claim": self.claim,
            "verdict": check.verdict,
            "kind": check.kind,
            "entries": [
                {
                    "index": list(e.index), "label": e.label, "claimed": plain(e.claimed),
                    "reference": plain(e.reference), "error": plain(e.error), "tolerance": plain(e.tolerance),
                    "verdict": e.verdict, "digits": e.digits, "decided": e.decided or None, "note": e.note or None,
                    "at": None if e.at is None else plain(dict(e.at)),
                }
                for e in check.entries
            ],
            "passed": check.passed,
            "explanation": check.explanation,
            "reason": check.reason or None,
            "witness": None if check.witness is None else _witness(check.witness),
            "convention": check.convention or None,
            "scope": check.scope,
            "points": check.points,
            "unchecked": check.unchecked or None,
            "digits": check.digits,
            "decided": check.decided or None,
            "rtol": None if check.allowed is None else check.allowed.rtol,
            "atol": None if check.allowed is None else check.allowed.atol,
            "counterexample": None if check.counterexample is None else plain(dict(check.counterexample)),
            "source": check.source,
            "reference": one.fields(check.reference),
            "warnings": list(check.warnings),
        }  # fmt: skip


class Verdict(NamedTuple):
    """The report on a check without what would mend the claim."""

    report: CheckReport

    @property
    def title(self) -> str:
        """A line that names the report."""
        return self.report.title

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.report.readings

    def blocks(self) -> Iterator[Block]:
        """Lay the check out."""
        return self.report.verdict_blocks()

    def charts(self) -> Iterator[Chart]:
        """There is nothing to draw."""
        yield from ()

    def fields(self) -> dict[str, Any]:
        """Give the fields of the check."""
        return self.report.fields()


class Repair(NamedTuple):
    """What would mend a claim, which is looked for when it is asked for."""

    check: Check

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Repair"

    def blocks(self) -> Iterator[Block]:
        """Give the repair, if there is one."""
        if self.check.explanation:
            yield Gap()
            yield Equation("repair", self.check.explanation)

    def charts(self) -> Iterator[Chart]:
        """There is nothing to draw."""
        yield from ()

    def fields(self) -> dict[str, Any]:
        """Give the repair."""
        return {"explanation": self.check.explanation}


def point(at: Any) -> str:
    """Give a point in words, cut where it is long."""
    return listed([f"{name} = {shown(value)}" for name, value in at.items()], 8)


def _entries(check: Check) -> Block:
    """The entries that are wrong or undecided, the worst last."""
    rows = [_row(e) for e in check.entries[-MOST:]]
    hidden = len(check.entries) - len(rows)
    if hidden:
        rows.insert(0, (f"… {hidden} more", "", "", "", "", "", ""))
    return Table(("entry", "claimed", "is", "off by", "tolerance", "verdict", "at"), tuple(rows), (0, 1, 2, 3, 5))


def _notes(check: Check) -> Iterator[str]:
    """What is said of entries, once where it is said of several."""
    shared: dict[str, list[str]] = {}
    for e in check.entries[-MOST:]:
        if e.note and e.note != check.reason:
            shared.setdefault(e.note, []).append(e.label)
    yield from (f"{listed(labels, 8)}: {note}" for note, labels in shared.items())


def _witness(witness: Witness) -> dict[str, Any]:
    direction = {name: value for name, value in witness.direction.items() if value}
    slopes = {"claimed": witness.claimed, "least": witness.least, "largest": witness.largest}
    return {"direction": plain(direction), **slopes}


def _row(e: Entry) -> tuple[str, ...]:
    where = "the point" if e.at is None else point(e.at)
    known = "–" if math.isnan(e.reference) else shown(e.reference)
    return (e.label, shown(e.claimed), known, rounded(e.error), rounded(e.tolerance), e.verdict, where)

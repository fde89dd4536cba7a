"""A check as blocks and as fields: the verdict, the entries that are wrong, what to change, and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffkit.reports import result_report as one
from diffkit.reports.document import (
    Block,
    Document,
    Equation,
    Gap,
    Note,
    Table,
    listed,
    picked,
    plain,
    present,
    rounded,
    shown,
)

if TYPE_CHECKING:
    from diffkit.judging.checking.outcome import Check, DirectionWitness, Entry

_VERDICT_UNDECIDED = "inconclusive: nothing speaks against the claim, and nothing proves it"
_ENTRIES_SHOWN = 20  # entries shown


@dataclass(frozen=True)
class CheckReport(Document):
    """A check, and f and the claim as they were given."""

    check: Check
    f: str = "f"
    claim: str = "claim"

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"Check of a {self.check.kind}"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.check.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the check out, the verdict before what is looked for when that is known."""
        yield from self.known_blocks()
        yield from Repair(self.check).blocks()

    def known_blocks(self) -> Iterator[Block]:
        """Lay out what is known."""
        check = self.check
        if self.f != "f":
            yield Equation("f", self.f)
        if self.claim != "claim":
            yield Equation("claim", self.claim)
        if check.counterexample is None and check.scope.startswith("at") and check.at:
            yield Note("at " + point(check.at))
        yield Gap()
        yield Equation("verdict", _VERDICT_UNDECIDED if check.verdict == "inconclusive" else check.summary)
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
            **picked(self, "f", "claim"),
            **picked(check, "verdict", "kind"),
            "entries": [
                {
                    **picked(e, "index", "label", "claimed", "reference", "error", "tolerance", "verdict", "digits"),
                    **present(e, "decided", "note"),
                    **picked(e, "at"),
                }
                for e in check.entries
            ],
            **picked(check, "passed", "explanation"),
            **present(check, "reason"),
            "witness": None if check.witness is None else _witness(check.witness),
            **present(check, "convention"),
            **picked(check, "scope", "points"),
            **present(check, "unchecked"),
            **picked(check, "digits"),
            **present(check, "decided"),
            "rtol": None if check.allowed is None else check.allowed.rtol,
            "atol": None if check.allowed is None else check.allowed.atol,
            **picked(check, "counterexample", "source"),
            "reference": one.fields(check.reference),
            **picked(check, "warnings"),
        }


@dataclass(frozen=True)
class CheckWithoutRepair(CheckReport):
    """The report on a check without what would mend the claim."""

    def blocks(self) -> Iterator[Block]:
        """Lay the check out."""
        return self.known_blocks()


@dataclass(frozen=True)
class Repair(Document):
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

    def fields(self) -> dict[str, Any]:
        """Give the repair."""
        return {"explanation": self.check.explanation}


def point(at: Any) -> str:
    """Give a point in words, cut where it is long."""
    return listed([f"{name} = {shown(value)}" for name, value in at.items()], 8)


def _entries(check: Check) -> Block:
    """The entries that are wrong or undecided, the worst last."""
    rows = [_row(e) for e in check.entries[-_ENTRIES_SHOWN:]]
    hidden = len(check.entries) - len(rows)
    if hidden:
        rows.insert(0, (f"… {hidden} more", "", "", "", "", "", ""))
    return Table(("entry", "claimed", "is", "off by", "tolerance", "verdict", "at"), tuple(rows), (0, 1, 2, 3, 5))


def _notes(check: Check) -> Iterator[str]:
    """What is said of entries, once where it is said of several."""
    shared: dict[str, list[str]] = {}
    for e in check.entries[-_ENTRIES_SHOWN:]:
        if e.note and e.note != check.reason:
            shared.setdefault(e.note, []).append(e.label)
    yield from (f"{listed(labels, 8)}: {note}" for note, labels in shared.items())


def _witness(witness: DirectionWitness) -> dict[str, Any]:
    direction = {name: value for name, value in witness.direction.items() if value}
    slopes = {"claimed": witness.claimed, "least": witness.least, "largest": witness.largest}
    return {"direction": plain(direction), **slopes}


def _row(e: Entry) -> tuple[str, ...]:
    where = "the point" if e.at is None else point(e.at)
    known = "–" if math.isnan(e.reference) else shown(e.reference)
    return (e.label, shown(e.claimed), known, rounded(e.error), rounded(e.tolerance), e.verdict, where)

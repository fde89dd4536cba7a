"""Accuracy over many points, as blocks and as fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from diffkit.core.errors import plural
from diffkit.judging.sketches import EXACT
from diffkit.reports.comparison_report import VERDICT_WORDS
from diffkit.reports.document import (
    STATUS_WORDS,
    Block,
    Gap,
    Heading,
    Note,
    Table,
    bar,
    digits,
    listed,
    picked,
    plain,
    present,
    rounded,
    shown,
    worded,
)
from diffkit.reports.result_report import Report

if TYPE_CHECKING:
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.regression import Changes
    from diffkit.judging.tally import BackendAccuracy
    from diffkit.reports.pictures.charts import Chart

_POINTS_NAMED = 5  # points that a finding names
_FINDINGS_LISTED = 20  # contradictions, and changes, that are listed
_SHARES = ("≤ 0.5", "≤ 1", "≤ 4", "> 1000")
_ULP_COLUMNS = ("median", "95 %", "99 %", "max")
_DIGIT_COLUMNS = ("median", "95 %", "99 %", "min")


class CasesReport(Report):
    """What was found over many cases; those of a file have no task in common."""

    found: AccuracyReport
    schema = "diffkit.accuracy/2"

    @property
    def kind(self) -> str:
        """What is asked for."""
        return self.found.kind

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"Accuracy of {', '.join(self.found.backends)}"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.found.notes

    def found_blocks(self) -> Iterator[Block]:
        """Lay the report out."""
        yield Gap()
        yield from blocks(self.found)

    def charts(self) -> Iterator[Chart]:
        """Draw errors by ulps and digits."""
        from diffkit.reports.pictures.charts import of_accuracy

        return of_accuracy(self.found)

    def found_fields(self) -> dict[str, Any]:
        """Give the fields of an AccuracyReport."""
        return fields(self.found)


def blocks(report: AccuracyReport) -> Iterator[Block]:
    """Lay an accuracy report out."""
    yield from _contradictions(report)
    if not report.complete:
        done = plural(report.points, "point") if report.total is None else f"{report.points} of {report.total} points"
        yield Note(f"PARTIAL REPORT: {report.stopped} after {done}; the rest was not looked at")
        yield Gap()
    yield from _compared(report.changes)
    yield from _verdicts(report)
    yield from _measures([a for a in report.summary if a.components])
    yield from _zeros(report)
    yield from _worst(report)
    yield from _findings([group for group in report.groups if not group.contradicts])  # those head the report


def _verdicts(report: AccuracyReport) -> Iterator[Block]:
    """How many points have which verdict, and why."""
    yield Heading(f"{report.kind}s at {plural(report.points, 'point')}")
    rows = [(STATUS_WORDS.get(v, v), str(count), _meaning(v)) for v, count in report.verdicts.items()]
    yield Table(("verdict", "points", "meaning"), tuple(rows))
    for verdict in report.verdicts:
        if verdict in report.tally.messages:
            told = report.tally.messages[verdict]
            where = _named(told.names, told.count)
            yield Note(f"{STATUS_WORDS.get(verdict, verdict)} at {where}: {worded(told.words)}")
    if report.expecting:
        held = f"contradicted at {report.contradicted}" if report.contradicted else "all hold"
        yield Note(f"expected values: at {plural(report.expecting, 'point')}, {held}")


def _measures(summary: Sequence[Any]) -> Iterator[Block]:
    """Errors of each method in ulps, and its correct digits."""
    if not summary:
        return
    yield Gap()
    yield Heading("error in ulps (95 % of the partials have at most …)")
    yield Table(("method", "partials", *_ULP_COLUMNS, "no value"), tuple(map(_ulps, summary)))
    yield Note("an ulp is the spacing of binary64 numbers at the reference; no value counts as infinitely many")
    for source in dict.fromkeys(a.quantiles for a in summary if a.quantiles != EXACT):
        yield Note(f"so many numbers are not kept: quantiles but the last are near them, by a {source}")
    yield Gap()
    yield Heading("share of the partials with an error of so many ulps")
    yield Table(("method", *_SHARES), tuple((a.backend, *(f"{100 * s:.1f} %" for s in a.shares)) for a in summary))
    yield Gap()
    yield Heading("correct digits (95 % of the partials have at least …), and error bars")
    header = ("method", *_DIGIT_COLUMNS, "within their bar", "bar / error (median)")
    yield Table(header, tuple(map(_digits, summary)))


def _zeros(report: AccuracyReport) -> Iterator[Block]:
    """How each method answers where the true value is 0."""
    zeros = tuple((a.backend, str(a.zeros), str(a.zeros_exact)) for a in report.summary if a.zeros)
    if zeros:
        yield Gap()
        yield Heading("partials whose true value is 0, where neither ulps nor digits measure anything")
        yield Table(("method", "true zeros", "answered with 0"), zeros)


def _findings(groups: Sequence[Any]) -> Iterator[Block]:
    """What went wrong, and where."""
    if groups:
        yield Gap()
        yield Heading("findings")
    for group in groups:
        yield Note(
            f"{group.backend}: {worded(group.cause)} at {plural(group.total, 'point')}, "
            f"{_named(group.cases, group.total)}. The first: {worded(group.evidence)}"
        )


def _named(names: Sequence[str], count: int) -> str:
    """The first of so many points."""
    return listed([*names[:_POINTS_NAMED], *[""] * (count - _POINTS_NAMED)], _POINTS_NAMED)


def _contradictions(report: AccuracyReport) -> Iterator[Block]:
    """What contradicts an expected value, before anything else."""
    found = report.contradictions
    if found:
        yield Heading(f"EXPECTED VALUES ARE CONTRADICTED at {plural(report.contradicted, 'point')}")
        yield from (
            Note(f"{name}: {finding.backend}: {finding.evidence}") for name, finding in found[:_FINDINGS_LISTED]
        )
        if len(found) > _FINDINGS_LISTED:
            yield Note(f"… {len(found) - _FINDINGS_LISTED} more")
        yield Gap()


def _compared(changes: Changes | None) -> Iterator[Block]:
    """What is different from an old report."""
    if changes is None:
        return
    lost = f"{len(changes.lost)} lost" if changes.lost else "nothing lost"
    yield Heading(f"compared with {changes.old}: {lost}, {plural(len(changes.changes), 'change')}")
    rows = [
        ("LOST" if c.lost else "slower" if c.what == "time" else "better", *c.row, c.what, worded(c.was), worded(c.now))
        for c in sorted(changes.changes, key=lambda c: not c.lost)
    ]
    if rows:
        yield Table(("", "point", "method", "partial", "what", "was", "is"), tuple(rows[:_FINDINGS_LISTED]))
    if len(rows) > _FINDINGS_LISTED:
        yield Note(f"… {len(rows) - _FINDINGS_LISTED} more")
    for words, alone in (("only there", changes.missing), ("only here", changes.new)):
        if alone:
            yield Note(f"{words}, and not compared: {listed(map(str, alone), _POINTS_NAMED)}")
    yield Gap()


def _changed(changes: Changes) -> dict[str, Any]:
    return {
        "old": changes.old,
        "lost": len(changes.lost),
        "changes": [{**plain(c.row), **picked(c, "what", "was", "now", "lost")} for c in changes.changes],
        **picked(changes, "missing", "new"),
    }


def _meaning(verdict: str) -> str:
    if verdict == "failed":
        return "neither the reference nor a method has an answer"
    return VERDICT_WORDS.get(verdict, "").partition(": ")[2] or "f has no derivative there"


def _ulps(a: BackendAccuracy) -> tuple[str, ...]:
    return (a.backend, str(a.components), *map(rounded, a.ulps), str(a.no_value))


def _digits(a: BackendAccuracy) -> tuple[str, ...]:
    return (a.backend, *map(digits, a.digits), f"{a.held} of {a.bars}", rounded(a.overstated.median))


def _worst(report: AccuracyReport) -> Iterator[Block]:
    worst = report.worst()
    if not worst:
        return
    yield Gap()
    yield Heading("the worst, those outside their error bar first")
    header = ("point", "method", "partial", "value", "reference", "ulps", "digits", "error bar", "within")
    rows = []
    for s in worst:
        value = "no value" if s.value != s.value else shown(s.value)
        within = "yes" if s.within else "no"
        cells = (rounded(s.ulps), digits(s.digits), bar(s.bar), within)
        rows.append((s.case, s.backend, s.label, value, shown(s.reference), *cells))
    several = len({s.label for s in worst}) > 1
    yield Table(header, tuple(rows), (0, 1, 2, 3, 4, 5, 8) if several else (0, 1, 3, 4, 5, 8))


_SHARE_NAMES = ("within_0.5", "within_1", "within_4", "beyond_1000")


def fields(report: AccuracyReport) -> dict[str, Any]:
    """Give the fields of an AccuracyReport."""
    return {
        "contradictions": [{"point": name, **picked(f, "backend", "evidence")} for name, f in report.contradictions],
        "changes": None if report.changes is None else _changed(report.changes),
        **picked(report, "points", "total", "complete", "stopped", "all_agree", "passed"),
        **picked(report, "verdicts", "expecting", "contradicted"),
        "backends": [
            {
                **picked(a, "backend", "components", "no_value", "ulps"),
                "shares": plain(dict(zip(_SHARE_NAMES, a.shares, strict=True))),
                **picked(a, "digits", "zeros", "zeros_exact", "bars", "held", "overstated", "quantiles"),
            }
            for a in report.summary
        ],
        "findings": [
            {**picked(g, "backend", "cause", "total"), "points": list(g.cases), "evidence": g.evidence}
            for g in report.groups
        ],
        "worst": plain(report.worst()),
        "outcomes": [
            {
                "name": outcome.case.name,
                "expr": outcome.case.text,
                "at": outcome.case.at,
                "verdict": outcome.verdict,
                **present(outcome, "message"),
                **picked(outcome, "passed", "contradicted", "expecting", "seconds", "scores"),
                "findings": [picked(f, "backend", "cause", "evidence", "where") for f in outcome.findings],
                "notes": list(outcome.notes),
            }
            for outcome in report.outcomes
        ],
        "tally": None if report.outcomes or not report.points else report.tally.state(),
    }

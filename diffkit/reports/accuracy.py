"""Accuracy over many points, as blocks and as fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from diffkit.points import plural
from diffkit.reports.blocks import (
    WORDS,
    Block,
    Gap,
    Heading,
    Note,
    Table,
    bar,
    digits,
    listed,
    plain,
    rounded,
    shown,
    worded,
)
from diffkit.reports.comparison import VERDICTS

if TYPE_CHECKING:
    from diffkit.accuracy import AccuracyReport, BackendAccuracy

NAMED = 5  # points that a finding names
SHARES = ("≤ 0.5", "≤ 1", "≤ 4", "> 1000")
ULPS = ("median", "95 %", "99 %", "max")
DIGITS = ("median", "95 %", "99 %", "min")


def blocks(report: AccuracyReport) -> Iterator[Block]:
    """Lay an accuracy report out."""
    if not report.complete:
        done = f"{len(report.outcomes)} of {report.total} points"
        yield Note(f"PARTIAL REPORT: {report.stopped} after {done}; the rest was not looked at")
        yield Gap()
    yield Heading(f"{report.kind}s at {plural(len(report.outcomes), 'point')}")
    rows = [(WORDS.get(v, v), str(count), _meaning(v)) for v, count in report.verdicts.items()]
    yield Table(("verdict", "points", "meaning"), tuple(rows))
    for verdict in report.verdicts:
        told = [o for o in report.outcomes if o.verdict == verdict and o.message]
        if told:
            where = listed((o.case.name for o in told), NAMED)
            yield Note(f"{WORDS.get(verdict, verdict)} at {where}: {worded(told[0].message)}")
    if report.expecting:
        held = f"contradicted at {report.contradicted}" if report.contradicted else "all hold"
        yield Note(f"expected values: at {plural(report.expecting, 'point')}, {held}")
    summary = [a for a in report.summary if a.components]
    if summary:
        yield Gap()
        yield Heading("error in ulps (95 % of the partials have at most …)")
        yield Table(("method", "partials", *ULPS, "no value"), tuple(map(_ulps, summary)))
        yield Note("an ulp is the spacing of binary64 numbers at the reference; no value counts as infinitely many")
        yield Gap()
        yield Heading("share of the partials with an error of so many ulps")
        yield Table(("method", *SHARES), tuple((a.backend, *(f"{100 * s:.1f} %" for s in a.shares)) for a in summary))
        yield Gap()
        yield Heading("correct digits (95 % of the partials have at least …), and error bars")
        header = ("method", *DIGITS, "within their bar", "bar / error (median)")
        yield Table(header, tuple(map(_digits, summary)))
    zeros = tuple((a.backend, str(a.zeros), str(a.zeros_exact)) for a in report.summary if a.zeros)
    if zeros:
        yield Gap()
        yield Heading("partials whose true value is 0, where neither ulps nor digits measure anything")
        yield Table(("method", "true zeros", "answered with 0"), zeros)
    yield from _worst(report)
    if report.groups:
        yield Gap()
        yield Heading("findings")
        for group in report.groups:
            count = plural(len(group.cases), "point")
            yield Note(
                f"{group.backend}: {worded(group.cause)} at {count}, {listed(group.cases, NAMED)}. "
                f"The first: {worded(group.evidence)}"
            )


def _meaning(verdict: str) -> str:
    if verdict == "failed":
        return "neither the reference nor a method has an answer"
    return VERDICTS.get(verdict, "").partition(": ")[2] or "f has no derivative there"


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


def fields(report: AccuracyReport) -> dict[str, Any]:
    """Give the fields of an AccuracyReport."""
    return {
        "points": len(report.outcomes),
        "total": report.total,
        "complete": report.complete,
        "stopped": report.stopped,
        "all_agree": report.all_agree,
        "passed": report.passed,
        "verdicts": report.verdicts,
        "expecting": report.expecting,
        "contradicted": report.contradicted,
        "backends": [
            {
                "backend": a.backend,
                "components": a.components,
                "no_value": a.no_value,
                "ulps": plain(a.ulps._asdict()),
                "shares": plain(
                    dict(zip(("within_0.5", "within_1", "within_4", "beyond_1000"), a.shares, strict=True))
                ),
                "digits": plain(a.digits._asdict()),
                "zeros": a.zeros,
                "zeros_exact": a.zeros_exact,
                "bars": a.bars,
                "held": a.held,
                "overstated": plain(a.overstated._asdict()),
            }
            for a in report.summary
        ],
        "findings": [
            {"backend": g.backend, "cause": g.cause, "points": list(g.cases), "evidence": g.evidence}
            for g in report.groups
        ],
        "worst": [plain(score._asdict()) for score in report.worst()],
        "outcomes": [
            {
                "name": outcome.case.name,
                "at": dict(zip(outcome.case.task.variables, outcome.case.point, strict=True)),
                "verdict": outcome.verdict,
                "message": outcome.message or None,
                "passed": outcome.passed,
                "scores": [plain(score._asdict()) for score in outcome.scores],
            }
            for outcome in report.outcomes
        ],
    }

"""A comparison at one point, as blocks and as fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffkit.core.errors import listing
from diffkit.core.results import Result
from diffkit.reports import result_report as one
from diffkit.reports.document import (
    STATUS_WORDS,
    Block,
    Document,
    Equation,
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
    status,
    worded,
)

if TYPE_CHECKING:
    from diffkit.judging.comparison import Comparison, Finding
    from diffkit.judging.worst import Worst
    from diffkit.reports.pictures.charts import Chart

_PAIRS_SHOWN = 6  # pairs of methods of which a report tells how far they are apart
_POOR_DIGITS = 3.0  # correct digits below which being within an error bar is nothing to be proud of
VERDICT_WORDS = {
    "agree": "agree: every method is within its own error bar of the reference",
    "disagree": "disagree: a method is outside its own error bar, has no right digit, or claims another status",
    "undecided": "undecided: there is no reference value to tell who is right",
}
_LEGEND = (
    "error: distance from the reference; ulps: the same in units of the reference's last binary64 place",
    "digits: correct significant digits; error bar: what the method, or a bound on its rounding, allows for",
)


@dataclass(frozen=True)
class ComparisonReport(one.Report):
    """A comparison at one point; its task may be unknown."""

    found: Comparison
    searched: str = ""
    """how the point was found, where it was searched for"""
    schema = "diffkit.comparison/1"

    @property
    def kind(self) -> str:
        """What is asked for."""
        return self.found.reference.kind

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"{super().title} by several methods"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.found.notes

    def found_blocks(self) -> Iterator[Block]:
        """Lay the comparison out."""
        if self.searched:
            yield Note(self.searched)
            yield Gap()
        yield from blocks(self.found)

    def charts(self) -> Iterator[Chart]:
        """Draw correct digits, and errors against the step of plain differences."""
        from diffkit.reports.pictures.charts import of_comparison

        return of_comparison(self.found, self.task)

    def found_fields(self) -> dict[str, Any]:
        """Give the fields of a Comparison; lists run over the labels."""
        comparison = self.found
        return {
            **picked(comparison, "verdict", "source"),
            "reference": one.fields(comparison.reference),
            "rows": [
                {
                    "backend": row.backend,
                    **present(row, "skipped"),
                    "result": one.fields(row.result),
                    **picked(row, "bar", "absolute", "relative", "ulps", "digits", "seconds", "within"),
                }
                for row in comparison.rows
            ],
            "pairs": [{"backends": list(pair), "ulps": plain(ulps)} for pair, ulps in comparison.pairs.items()],
            "findings": [
                {**picked(f, "backend", "cause", "evidence"), **present(f, "where")} for f in comparison.findings
            ],
        }


def at_worst(worst: Worst) -> Document:
    """Give the report on the worst point of a box: the comparison there."""
    return ComparisonReport(worst.comparison, searched=str(worst))


def blocks(comparison: Comparison) -> Iterator[Block]:
    """Lay a comparison out."""
    reference = comparison.reference
    yield one.where(reference)
    yield Gap()
    yield Equation("verdict", _verdict(comparison))
    yield from _wide(comparison)
    yield Gap()
    yield Heading(f"reference: {comparison.source}")
    yield from one.values(reference)
    yield from one.messages(reference)
    asked = [row for row in comparison.rows if not row.skipped]
    if asked:
        yield Gap()
        if all(map(reference.is_odd, range(len(reference.labels)))):
            yield _answers(comparison)
        else:
            yield _errors(comparison)
            yield from map(Note, _LEGEND)
    apart = [(f"{a} and {b}", _largest(ulps)) for (a, b), ulps in comparison.pairs.items()]
    title = "methods"
    if len(apart) > _PAIRS_SHOWN:
        apart = sorted((pair for pair in apart if pair[1] == pair[1]), key=lambda pair: -pair[1])[:_PAIRS_SHOWN]
        title = "methods that are farthest apart"
    if any(most == most for _, most in apart):
        yield Gap()
        yield Table((title, "differ by at most, ulps"), tuple((pair, rounded(most)) for pair, most in apart))
    if comparison.findings:
        yield Gap()
        yield Heading("findings")
        yield from map(Note, _sentences(comparison.findings))
    for row in comparison.rows:
        if row.skipped:
            yield Note(f"{row.backend} was not asked: {row.skipped}")


def _verdict(comparison: Comparison) -> str:
    if comparison.verdict in STATUS_WORDS and comparison.verdict not in VERDICT_WORDS:
        same = all(
            row.result.is_odd(c) and row.result.odd[c].status == odd.status
            for row in comparison.rows if not row.skipped
            for c, odd in comparison.reference.odd.items() if odd.status != "ok"
        )  # fmt: skip
        return STATUS_WORDS[comparison.verdict] + (", and every method says so" if same else "")
    if comparison.verdict == "disagree":
        return f"disagree: {'; '.join(_disagreements(comparison))}"
    return VERDICT_WORDS.get(comparison.verdict, comparison.verdict)


_DISAGREEMENTS = (
    ("is outside its own error bar", "are outside their own error bars"),
    ("claims another status", "claim another status"),
    ("has no right digit", "have no right digit"),
)


def _disagreements(comparison: Comparison) -> Iterator[str]:
    """Who does not agree with the reference, and in what."""
    said: dict[int, list[str]] = {}
    for row in comparison.rows:
        valued = any(not row.result.is_odd(c) for c in row.outside)
        if row.outside or row.lost:
            said.setdefault(0 if valued else 1 if row.outside else 2, []).append(row.backend)
    yield from (f"{listed(backends)} {_DISAGREEMENTS[k][len(backends) > 1]}" for k, backends in sorted(said.items()))


def _wide(comparison: Comparison) -> Iterator[Block]:
    """Say which methods keep their error bar only because it is as wide as the value."""
    truth = comparison.reference.flat
    poor = [
        row.backend for row in comparison.rows
        if any(d < _POOR_DIGITS and r != 0 for d, r in zip(row.digits, truth, strict=True))
    ]  # fmt: skip
    if comparison.verdict == "agree" and poor:
        have = "have" if len(poor) > 1 else "has"
        yield Note(
            f"but {listed(poor)} {have} fewer than {_POOR_DIGITS:.0f} correct digits: an error bar may be that wide"
        )


def _sentences(findings: Sequence[Finding]) -> list[str]:
    """Give findings as text; methods of which the same is to be said are named together."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        place = f" (in {finding.where})" if finding.where else ""
        said = f"{worded(finding.cause)}{place}. {worded(finding.evidence)}"
        found.setdefault(said, []).append(finding.backend)
    return [f"{listing(names)}: {said}" for said, names in found.items()]


def _largest(values: Sequence[float]) -> float:
    return max((v for v in values if v == v), default=float("nan"))


def _answers(comparison: Comparison) -> Table:
    """What each method says where the reference says there is no value."""
    rows = []
    for row in comparison.rows:
        if not row.skipped:
            for c in one.components(row.result):
                rows.append((row.backend, row.result.labels[c], _value(row.result, c, sides=True)))
    several = len(comparison.reference.labels) > 1
    return Table(("method", "partial", "answer"), tuple(rows), () if several else (0, 2))


def _errors(comparison: Comparison) -> Table:
    header = ("method", "partial", "value", "error", "ulps", "digits", "error bar", "within", "evaluations")
    rows = []
    for row in comparison.rows:
        if row.skipped:
            continue
        for c in one.components(row.result):
            judged = not comparison.reference.is_odd(c) and not row.result.is_uncertain(c)
            rows.append((
                row.backend, row.result.labels[c], _value(row.result, c),
                rounded(row.absolute[c]), rounded(row.ulps[c]), digits(row.digits[c]),
                bar(row.bar[c]) if judged else "–", ("no" if c in row.outside else "yes") if judged else "–",
                str(row.result.evaluations),
            ))  # fmt: skip
    several = len(comparison.reference.labels) > 1
    return Table(header, tuple(rows), () if several else (0, 2, 3, 4, 5, 6, 7, 8))


def _value(result: Result, c: int, sides: bool = False) -> str:
    if not result.is_odd(c):
        return shown(result.flat[c])
    return status(result.odd[c]) if sides else STATUS_WORDS[result.odd[c].status]

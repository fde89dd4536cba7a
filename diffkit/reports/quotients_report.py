"""Difference quotients as blocks, as fields and as a chart: values, parts of the error, and the best step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from diffkit.lessons.quotients import QUOTIENT_FORMULAS, QUOTIENT_KINDS, Quotient, Quotients
from diffkit.reports import result_report as one
from diffkit.reports.document import Block, Document, Equation, Gap, Heading, Note, Table, picked, plain, rounded, shown
from diffkit.reports.pictures.charts import Chart, ChartSeries

_PARTS = (
    "error = quotient − {limit} = truncation + round-off: truncation is what the exact quotient is off, "
    "round-off what binary64 adds to it"
)
_THEORY = (
    "theory: the sum of truncation and round-off is least at h = 2√(η/|f″|), or (3η/|f‴|)^(1/3) for the central "
    "quotient, where η = ε/2·(|f| + |x·f′|) is the rounding of f; rule of thumb: √ε·|x|, or ε^(1/3)·|x|; ε = 2⁻⁵²"
)
_HOLES = {
    "pole": "f has no value at the point itself, so one-sided quotients have none; the central quotient does not look "
    "there, and hides it",
    "removable point": "f has no value at the point itself, so one-sided quotients have none. With "
    "f({place}) := {limit} f would be continuous; the central quotient does not look there, and tends to the "
    "derivative that f then has, if there is one",
}
"""What quotients say where f has no value, by cause."""


@dataclass(frozen=True)
class QuotientsReport(Document):
    """Difference quotients at one point; ``errors`` shows the parts of each error too."""

    quotients: Quotients
    errors: bool = True

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "The derivative as a limit"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.quotients.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the quotients out."""
        q = self.quotients
        yield Equation(f"f({', '.join(q.at)})", q.f)
        yield one.where(q.derivative)
        yield Gap()
        yield from self._limit()
        yield Gap()
        yield Heading("Difference quotients in binary64, for shrinking h")
        yield Table(("h", *QUOTIENT_KINDS), tuple((shown(s.h), *(value(k.value) for k in s[1:])) for s in q.steps))
        yield Note(", ".join(f"{kind} {QUOTIENT_FORMULAS[kind].replace('x', q.variable)}" for kind in QUOTIENT_KINDS))
        if q.odd is not None and q.odd.cause in _HOLES:
            place = f"{q.variable} = {shown(q.at[q.variable])}" if len(q.at) > 1 else shown(q.at[q.variable])
            yield Note(_HOLES[q.odd.cause].format(place=place, limit=shown(q.odd.limit)))
        known = [kind for kind in QUOTIENT_KINDS if q.best(kind) is not None]
        if known:
            yield Gap()
            yield Heading("Where the error is least")
            yield from (Note(self._least(kind)) for kind in known)
            yield from self._parts([kind for kind in known if any(k.error for k in q.of(kind))])

    def _limit(self) -> Iterator[Block]:
        """What the quotients tend to."""
        q = self.quotients
        if q.odd is None:
            remark = {
                "proven": "(proven: the quotients from both sides tend to it)",
                "estimate": "(the best this function allows, not proven)",
            }
            yield Equation(q.label, shown(q.limits["forward"]), remark.get(q.derivative.error_kind, ""))
            return
        yield from one.values(q.derivative)
        yield from one.messages(q.derivative)
        left, right = q.limits["backward"], q.limits["forward"]
        if math.isfinite(left) and math.isfinite(right):
            yield Note(
                f"the limits from the two sides differ: {shown(left)} from the left, {shown(right)} from the right; so "
                f"there is no derivative, and the central quotient tends to their mean {shown(q.limits['central'])}, "
                "which is the slope of neither side"
            )

    def _least(self, kind: str) -> str:
        """One quotient's least error, and which part of it rules where."""
        found, takeover = self.quotients.of(kind), self.quotients.takeover(kind)
        best = self.quotients.best(kind)
        assert best is not None
        if not any(q.error for q in found):
            return f"{kind}: no error at any of these steps"
        words = f"{kind}: {rounded(best.error)} at h = {shown(best.h)}"
        if all(math.isnan(q.truncation) for q in found):
            return words
        if not any(q.truncation for q in found):
            return f"{words}; all of it is round-off, for the exact quotient is its limit at every h"
        if takeover is None:
            return f"{words}; round-off does not take over down to h = {shown(self.quotients.steps[-1].h)}"
        return f"{words}; from h = {shown(takeover)} down round-off is the larger part"

    def _parts(self, kinds: list[str]) -> Iterator[Block]:
        q = self.quotients
        kinds = [kind for kind in kinds if not all(math.isnan(k.truncation) for k in q.of(kind))]
        if not kinds:
            return
        if not self.errors:
            yield Note("--errors splits each error into truncation and round-off")
            return
        yield Gap()
        yield Heading("The parts of each error")
        header = chain.from_iterable((f"{kind}: truncation", "round-off") for kind in kinds)
        rows = [(shown(s.h), *chain.from_iterable(_split(getattr(s, kind)) for kind in kinds)) for s in q.steps]
        yield Table(("h", *header), tuple(rows))
        yield Note(_PARTS.format(limit=q.label if q.odd is None else "its limit"))
        yield Gap()
        yield Heading("Where theory expects the least error")
        best = [best for best in map(q.best, kinds) if best is not None]
        yield Table(
            ("quotient", "best h found", "theory for this f", "rule of thumb"),
            tuple((b.kind, shown(b.h), rounded(b.expected), rounded(b.textbook)) for b in best),
        )
        yield Note(_THEORY)

    def charts(self) -> Iterator[Chart]:
        """Draw the sizes of the errors against the step: the V-curve."""
        q = self.quotients
        curves = [(kind, tuple(_size(k.error) for k in q.of(kind))) for kind in QUOTIENT_KINDS]
        known = tuple(ChartSeries(kind, y) for kind, y in curves if any(e == e for e in y))
        if known and len(q.steps) > 1:
            about = (
                "Size of the error against the step h. To the right truncation grows with h, to the left round-off "
                "grows like ε/h; where the two meet the error is least. An error of zero is not drawn."
            )
            yield Chart("The V-curve", about, "step h", "|error|", tuple(s.h for s in q.steps), known, True)

    def fields(self) -> dict[str, Any]:
        """Give the fields of the quotients."""
        q = self.quotients
        return {
            "schema": "diffkit.quotients/1",
            **picked(q, "f", "variable", "label", "at", "limits"),
            "steps": [picked(s, "h", *QUOTIENT_KINDS) for s in q.steps],
            "best": [
                {**plain(best), "roundoff_from": plain(q.takeover(best.kind))}
                for best in map(q.best, QUOTIENT_KINDS) if best is not None
            ],
            "derivative": one.fields(q.derivative),
        }  # fmt: skip


def value(quotient: float) -> str:
    """Give a quotient with eleven digits, zeros included, so that what changes stands out."""
    if not math.isfinite(quotient):
        return "–" if math.isnan(quotient) else "infinite"
    return f"{quotient:#.11g}".rstrip(".")


def _size(error: float) -> float:
    return abs(error) or math.nan


def _split(q: Quotient) -> tuple[str, str]:
    """The parts of one error."""
    return tuple(f"{part:.2e}" if math.isfinite(part) else "–" for part in (q.truncation, q.roundoff))  # type: ignore[return-value]

"""Difference quotients as blocks, as fields and as a chart: values, parts of the error, and the best step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from diffkit.learn.quotients import FORMULAS, KINDS, Best, Quotient, Quotients
from diffkit.plots import Chart, Series
from diffkit.reports import result as one
from diffkit.reports.blocks import Block, Equation, Gap, Heading, Note, Table, listed, plain, rounded, shown

PARTS = (
    "error = quotient − {label} = truncation + round-off: truncation is what the exact quotient is off, "
    "round-off what binary64 adds to it; the larger part is named (JSON has both)"
)


class QuotientsReport(NamedTuple):
    """Difference quotients at one point."""

    quotients: Quotients

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "The derivative as a limit"

    def blocks(self) -> Iterator[Block]:
        """Lay the quotients out."""
        q = self.quotients
        yield Equation(f"f({', '.join(q.at)})", q.f)
        yield one.where(q.derivative)
        yield Gap()
        yield from self._limit()
        yield Gap()
        yield Heading("Difference quotients in binary64, for shrinking h")
        yield from (Equation(kind, FORMULAS[kind].replace("x", q.variable)) for kind in KINDS)
        yield Gap()
        yield Table(("h", *KINDS), tuple((shown(s.h), *(value(k.value) for k in s[1:])) for s in q.steps))
        if q.odd is not None and q.odd.cause in ("removable point", "pole"):
            yield Note(
                "f has no value at the point itself, so one-sided quotients have none; the central quotient does not "
                "look there, and hides it"
            )
        yield from self._errors()

    def _limit(self) -> Iterator[Block]:
        """What the quotients tend to."""
        q = self.quotients
        if q.odd is None:
            remark = {"proven": "(proven)", "estimate": "(the best this function allows, not proven)"}
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

    def _errors(self) -> Iterator[Block]:
        q = self.quotients
        known = [kind for kind in KINDS if q.best(kind) is not None]
        exact = [kind for kind in known if not any(k.error for k in q.of(kind))]
        if exact:
            yield Gap()
            yield Note(f"without any error at these steps: {listed(exact)}")
        known = [kind for kind in known if kind not in exact]
        if not known:
            return
        yield Gap()
        yield Heading("Errors, and which part of them is the larger")
        yield Table(
            ("h", *chain.from_iterable((kind, "mostly") for kind in known)),
            tuple((shown(s.h), *chain.from_iterable(_error(getattr(s, kind)) for kind in known)) for s in q.steps),
        )
        yield Note(PARTS.format(label=q.label if q.odd is None else "its limit"))
        yield Gap()
        yield Heading("Where the error is least")
        yield Table(
            ("quotient", "best h", "error there", "theory for this f", "rule of thumb", "round-off rules from h ="),
            tuple(self._best(best) for best in map(q.best, known) if best is not None),
            (0, 1, 2, 3, 4, 5),
        )
        yield Note(
            "theory: truncation and round-off balance at h = 2√(η/|f″|), or (3η/|f‴|)^(1/3) for the central quotient, "
            "where η = ε/2·(|f| + |x·f′|) is the rounding of f; rule of thumb: √ε·|x|, or ε^(1/3)·|x|; ε = 2⁻⁵²"
        )

    def _best(self, best: Best) -> tuple[str, ...]:
        takeover = self.quotients.takeover(best.kind)
        return (
            best.kind, shown(best.h), rounded(best.error), rounded(best.expected), rounded(best.textbook),
            "–" if takeover is None else shown(takeover),
        )  # fmt: skip

    def charts(self) -> Iterator[Chart]:
        """Draw the sizes of the errors against the step: the V-curve."""
        q = self.quotients
        curves = [(kind, tuple(_size(k.error) for k in q.of(kind))) for kind in KINDS]
        known = tuple(Series(kind, y) for kind, y in curves if any(e == e for e in y))
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
            "f": q.f,
            "variable": q.variable,
            "label": q.label,
            "at": plain(dict(q.at)),
            "limits": plain(dict(q.limits)),
            "steps": [{"h": s.h, **{kind: plain(getattr(s, kind)._asdict()) for kind in KINDS}} for s in q.steps],
            "best": [
                {**plain(best._asdict()), "roundoff_from": plain(q.takeover(best.kind))}
                for best in map(q.best, KINDS) if best is not None
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


def _error(q: Quotient) -> tuple[str, str]:
    """The error of one quotient, and the larger of its parts."""
    mostly = "round-off" if abs(q.roundoff) > abs(q.truncation) else "truncation" if q.truncation else "–"
    return f"{q.error:.2e}" if math.isfinite(q.error) else "–", mostly

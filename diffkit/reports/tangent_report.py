"""A tangent as blocks and as fields: the line, how good it is nearby, and what the derivatives mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffkit.lessons.tangents import Model, Tangent
from diffkit.reports import result_report as one
from diffkit.reports.document import (
    Block,
    Document,
    Drawing,
    Equation,
    Gap,
    Heading,
    Note,
    Table,
    picked,
    plain,
    present,
    shown,
)

if TYPE_CHECKING:
    from diffkit.reports.pictures.charts import Chart


@dataclass(frozen=True)
class TangentReport(Document):
    """A tangent line or plane at one point."""

    tangent: Tangent

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"Tangent {'plane' if len(self.tangent.at) > 1 else 'line'}"

    def charts(self) -> Iterator[Chart]:
        """There are none; ``--save`` draws it."""
        yield from ()

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.tangent.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the tangent out."""
        t = self.tangent
        several = len(t.at) > 1
        yield Equation(f"f({', '.join(t.at)})", t.f)
        yield one.where(t.derivative)
        yield Gap()
        if math.isfinite(t.value.value):
            yield Equation("f", t.value.text)
        if not t.derivative.ok:
            yield from one.values(t.derivative)
            yield from one.messages(t.derivative)
            yield Note("no tangent can be given here")
            return
        yield from (Equation(label, s.text) for label, s in zip(t.derivative.labels, t.slopes, strict=True))
        if not several:
            yield Equation(f"d²f/d{t.derivative.variables[0]}²", t.second.text)
        yield Gap()
        yield Heading("Tangent plane" if several else "Tangent line")
        name = "z" if several else "y"
        yield Equation(name, t.line, "" if t.exact else "(numbers rounded)")
        if t.multiplied_out != t.line:
            yield Equation(name, t.multiplied_out)
        yield Gap()
        yield Heading("What it means")
        yield from map(Note, t.words)
        yield from self._direction()
        yield Gap()
        yield Heading(f"How good it is nearby: f at a distance δ{' along the direction' if several else ''}")
        yield Table(
            ("δ", "f(a + δ)", "line", "error of line", "parabola", "error of parabola"), tuple(map(_row, t.models))
        )
        yield Note("errors are f − model, proven in ball arithmetic; the parabola adds f″/2·δ² to the line")

    def _direction(self) -> Iterator[Block]:
        t = self.tangent
        if t.direction is None:
            return
        if t.steepest is not None:
            yield Note(
                f"steepest ascent: towards {_vector(t.steepest)}, where f gains |∇f| = {t.length:.6g} per unit of "
                "length; steepest descent: the opposite way; at right angles to it f does not change, to first order"
            )
        if t.steepest != t.direction:
            yield Note(
                f"along {_vector(t.direction)}: slope ∇f·v = {t.along.value:.6g} per unit of length, "
                f"second derivative {t.second.value:.6g}"
            )

    def picture(self) -> Drawing:
        """Draw it."""
        return Drawing("curves:picture_of_tangent", (self.tangent,))

    def fields(self) -> dict[str, Any]:
        """Give the fields of the tangent."""
        t = self.tangent
        return {
            "schema": "diffkit.tangent/1",
            **picked(t, "f", "at"),
            "value": plain(t.value.value),
            "slopes": plain([s.value for s in t.slopes]),
            "second": plain(t.second.value),
            **present(t, "line", "multiplied_out"),
            **picked(t, "exact", "direction"),
            "slope_along": plain(t.along.value),
            "steepest_ascent": plain(t.steepest),
            "gradient_length": plain(t.length),
            **picked(t, "models", "words"),
            "derivative": one.fields(t.derivative),
        }


def _vector(direction: tuple[float, ...]) -> str:
    return f"({', '.join(f'{v:.6g}' for v in direction)})"


def _row(m: Model) -> tuple[str, ...]:
    return (
        shown(m.delta), number(m.value), number(m.line), size(m.line_error), number(m.quadratic),
        size(m.quadratic_error),
    )  # fmt: skip


def number(value: float) -> str:
    """Give a value with ten digits."""
    return "–" if math.isnan(value) else f"{value + 0.0:.10g}"


def size(error: float) -> str:
    """Give an error with three digits, an exact zero as 0."""
    return "–" if math.isnan(error) else "0" if error == 0 else f"{error:.2e}"

"""A descent as blocks and as fields: how it ended, some of its steps, the curvature, and its rate of convergence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffkit.reports.document import (
    Block,
    Document,
    Drawing,
    Equation,
    Gap,
    Heading,
    Note,
    Table,
    listed,
    picked,
    plain,
    rounded,
    shown,
)
from diffkit.reports.pictures.charts import Chart, ChartSeries

if TYPE_CHECKING:
    from diffkit.judging.checking.outcome import Check
    from diffkit.lessons.gradient_descent.curvature import Curvature
    from diffkit.lessons.gradient_descent.descent import Descent

_FIRST_STEPS, _MIDDLE_STEPS, _LAST_STEPS = 4, 3, 3  # steps shown
_WEIGHTS_SHOWN = 3  # of which each step shows everything
_LISTED_WEIGHTS = 20  # weights of the end shown
_FIELDS = 1000  # points in the fields
_DRAWN = 60  # points in a chart
_LINES = 4  # weights in a chart
_MINIMUM_ROUNDING = 1e-12  # of the first value of f
_SETTINGS_SHOWN = ("rate", "steps", "schedule", "momentum", "nesterov", "tolerance", "batch", "rows", "seed")
_CONVERGENCE = (
    "observed", "window", "halves", "power", "predicted", "at_safe_rate", "at_best_rate", "minimum", "epsilon", "bound",
    "needed", "unknown",
)  # fmt: skip


@dataclass(frozen=True)
class DescentReport(Document):
    """A descent, its cost as it was given, and the check of a hand-written gradient if there was one."""

    descent: Descent
    f: str = "f"
    check: Check | None = None

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Gradient descent"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.descent.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the descent out."""
        descent = self.descent
        if self.f != "f":
            yield Equation("f", self.f)
        yield from map(Note, self._set_up())
        yield Gap()
        yield Equation("status", descent.ending)
        yield Equation("steps", str(descent.steps))
        yield Equation("f at the end", _number(descent.value))
        for name, x in zip(descent.names[:_LISTED_WEIGHTS], descent.point.tolist(), strict=False):
            yield Equation(name, _number(x))
        if len(descent.names) > _LISTED_WEIGHTS:
            yield Note(f"… {len(descent.names) - _LISTED_WEIGHTS} more weights")
        for finding in descent.findings:
            yield Note(f"{finding.cause}: {finding.text}")
        yield Gap()
        yield Heading("Steps")
        yield _steps(descent)
        yield from self._layers()
        yield Gap()
        yield Heading("Curvature")
        yield _curvatures(descent)
        near = "μ and L hold near these points, and everywhere if f is quadratic"
        far = "each row holds at its point only, and where f bends more, its rates are too large"
        yield Note(f"by {descent.at_end.source}; {far if descent.evidence.against else near}")
        rates = list(self._rates())
        if rates:
            yield Gap()
            yield Heading("Rate of convergence")
            yield from rates

    def _set_up(self) -> Iterator[str]:
        descent, settings = self.descent, self.descent.settings
        start = [f"{n} = {shown(x)}" for n, x in zip(descent.names, descent.path.points[0].tolist(), strict=True)]
        yield f"from {listed(start, 8)}"
        rate = f"rate {shown(settings.rate)}" + ("" if settings.schedule == "constant" else f", {settings.schedule}")
        if settings.schedule == "function":
            rate = "rate by a function of the step"
        momentum = f", momentum {shown(settings.momentum)}{' (Nesterov)' if settings.nesterov else ''}"
        yield f"{rate}{momentum if settings.momentum else ''}, at most {settings.steps} steps; " \
              f"stops where the gradient is at most {settings.tolerance:g}"  # fmt: skip
        if settings.batch is not None:
            yield f"each step sees {settings.batch} of {settings.rows} rows, seed {settings.seed}"
        yield f"gradients: {descent.method}"
        if self.check is not None:
            yield f"the given gradient is {self.check.verdict}" + (
                f": {self.check.explanation}" if self.check.explanation else "")  # fmt: skip

    def _layers(self) -> Iterator[Block]:
        from diffkit.lessons.gradient_descent.diagnosis import layer_sizes

        sizes = layer_sizes(self.descent)
        if len(sizes) > 1 and (len(sizes) < len(self.descent.names) or len(sizes) > _WEIGHTS_SHOWN):
            yield Gap()
            yield Heading("Gradient by group of weights")
            rows = [(s.name, str(s.entries), rounded(s.start), rounded(s.end)) for s in sizes[:_LISTED_WEIGHTS]]
            yield Table(("weights", "how many", "root mean square at the start", "at the end"), tuple(rows))

    def _rates(self) -> Iterator[Block]:
        found, settings = self.descent.convergence, self.descent.settings
        yield from self._observed()
        if found.unknown:
            yield Note(f"no bound on the number of steps is known: {found.unknown}")
            return
        if not math.isnan(found.predicted):
            worst = "max |1 − αλ| over the eigenvalues λ" if not settings.momentum else "with the momentum"
            yield Equation("predicted", f"{found.predicted:.6g}", f"({worst}, for this rate on a quadratic)")
        plain = ", without momentum" * (settings.momentum > 0) + ", with all rows" * (settings.batch is not None)
        yield Equation("factor per step at the rate 1/L", f"{found.at_safe_rate:.6g}", f"(1 − μ/L{plain})")
        yield Equation("factor per step at the rate 2/(μ + L)", f"{found.at_best_rate:.6g}",
                       f"((κ − 1)/(κ + 1), the best constant{plain})")  # fmt: skip
        if not math.isnan(found.needed):
            goal = f"f − f* ≤ {found.epsilon:g} of its first value"
            kept = f" at every {settings.every}th step" if settings.every > 1 else ""
            yield Equation(f"steps to {goal}", "not reached" if math.isinf(found.needed) else f"{found.needed:.0f}",
                           f"observed{kept}, with f* ≈ {self._minimum(found.minimum)}")  # fmt: skip
        yield Equation("steps that suffice at the rate 1/L", f"{math.ceil(found.bound)}",
                       f"(κ·ln(1/ε) with ε = {found.epsilon:g}{plain})")  # fmt: skip
        seen = self.descent.evidence
        yield Note(f"evidence for a strongly convex f: at {seen.points} points, of the path and close to its end, "
                   f"μ and L agree within a factor of {seen.spread:.3g}")  # fmt: skip

    def _observed(self) -> Iterator[Block]:
        found = self.descent.convergence
        first, last = found.window
        steps = f"(steps {first} to {last})"
        if not math.isnan(found.observed):
            yield Equation("observed", f"each step multiplies the gradient by {found.observed:.6g}", steps)
        elif not math.isnan(found.power):
            yield Equation("observed", f"the gradient falls like k^−{found.power:.3g}, k the number of the step",
                           f"{steps}: slower than any geometric rate")  # fmt: skip
        elif last:
            early, late = found.halves
            yield Equation("observed", f"each step multiplies the gradient by {early:.6g} at first, {late:.6g} later",
                           f"{steps}: no steady rate")  # fmt: skip

    def _minimum(self, minimum: float) -> str:
        """f* in words; what is left of 0 by rounding is no number to show."""
        first = abs(float(self.descent.path.values[0]))
        return "0" if abs(minimum) <= _MINIMUM_ROUNDING * first else _brief(minimum)

    def charts(self) -> Iterator[Chart]:
        """Draw f against the step, and the weights."""
        path = self.descent.path
        chosen = [k for k in _spread(len(path.steps), _DRAWN) if math.isfinite(path.values[k])]
        if len(chosen) < 2:
            return
        steps = tuple(float(path.steps[k]) for k in chosen)
        values = tuple(float(path.values[k]) for k in chosen)
        yield Chart("Loss curve", "f after each step.", "step", "f", steps, (ChartSeries("f", values),))
        lines = tuple(ChartSeries(name, tuple(float(path.points[k][i]) for k in chosen))
                      for i, name in enumerate(self.descent.names[:_LINES]))  # fmt: skip
        yield Chart("Weights", "The weights after each step.", "step", "weight", steps, lines)

    def picture(self) -> Drawing | None:
        """Draw the path over a map of f, of two weights; not of code, which would be called for that."""
        is_map = len(self.descent.names) == 2 and self.descent.cost.travels
        return Drawing("paths:contours", (self.descent,)) if is_map else None

    def fields(self) -> dict[str, Any]:
        """Give the fields of the descent."""
        from diffkit.lessons.gradient_descent.diagnosis import layer_sizes

        descent, path = self.descent, self.descent.path
        return {
            "schema": "diffkit.descent/1",
            **picked(self, "f"),
            **picked(descent, "status", "steps", "value", "names", "point", "findings"),
            "settings": picked(descent.settings, *_SETTINGS_SHOWN),
            **picked(descent, "method"),
            "gradient_check": None if self.check is None else self.check.verdict,
            "path": [
                {
                    "step": int(path.steps[k]),
                    "value": plain(float(path.values[k])),
                    "point": plain(path.points[k]),
                    "gradient": plain(path.gradients[k]),
                    "update": plain(path.updates[k]) if k + 1 < len(path.steps) else None,
                }
                for k in _spread(len(path.steps), _FIELDS)
            ],
            "groups": plain(layer_sizes(descent)),
            "curvature": {"start": _facts(descent.at_start), "end": _facts(descent.at_end)},
            "convergence": picked(descent.convergence, *_CONVERGENCE),
        }


def _number(value: float) -> str:
    return "no value" if math.isnan(value) else "infinite" if math.isinf(value) else f"{value + 0.0:.10g}"


def _brief(value: float) -> str:
    return "–" if math.isnan(value) else "infinite" if math.isinf(value) else f"{value + 0.0:.6g}"


def _spread(count: int, most: int) -> list[int]:
    """Numbers from 0 to count − 1, at most so many, evenly spread, with both ends."""
    if count <= most:
        return list(range(count))
    return [round(k * (count - 1) / (most - 1)) for k in range(most)]


def _some(count: int) -> list[int]:
    """The first few, some in the middle, and the last few."""
    if count <= _FIRST_STEPS + _MIDDLE_STEPS + _LAST_STEPS:
        return list(range(count))
    space = (count - _LAST_STEPS - _FIRST_STEPS) / (_MIDDLE_STEPS + 1)
    middle = [_FIRST_STEPS + round((k + 1) * space) for k in range(_MIDDLE_STEPS)]
    return sorted({*range(_FIRST_STEPS), *middle, *range(count - _LAST_STEPS, count)})


def _steps(descent: Descent) -> Table:
    """Some steps: with everything about each weight while there are few."""
    path, names = descent.path, descent.names
    few = len(names) <= _WEIGHTS_SHOWN
    header = ["step", "f"]
    if few:
        header += [column for name in names for column in (name, f"∂f/∂{name}", f"change of {name}")]
    else:
        header += [*names[:_WEIGHTS_SHOWN], "‖gradient‖", "‖change‖"]
    rows = []
    for k in _some(len(path.steps)):
        point, gradient, update = path.points[k], path.gradients[k], path.updates[k]
        row = [str(path.steps[k]), _brief(path.values[k])]
        if few:
            row += [_brief(v) for i in range(len(names)) for v in (point[i], gradient[i], update[i])]
        else:
            sizes = [float((v @ v) ** 0.5) for v in (gradient, update)]
            row += [_brief(v) for v in (*point[:_WEIGHTS_SHOWN], *sizes)]
        rows.append(tuple(row))
    return Table(tuple(header), tuple(rows))


def _curvatures(descent: Descent) -> Table:
    rows = []
    for name, c in (("at the start", descent.at_start), ("at the end", descent.at_end)):
        rows.append((name, c.shape, *map(_brief, (c.smallest, c.largest, c.condition, c.safe_rate, c.best_rate))))
    return Table(("", "f is there", "μ", "L", "κ = L/μ", "rate 1/L", "rate 2/(μ + L)"), tuple(rows))


def _facts(c: Curvature) -> dict[str, Any]:
    return {
        **picked(c, "shape", "smallest", "largest", "uncertainty", "condition", "safe_rate", "best_rate", "source"),
        "eigenvalues": None if c.eigenvalues is None else plain(list(c.eigenvalues)),
    }

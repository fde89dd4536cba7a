"""The V-curve: errors of difference quotients against the step, truncation to the right and round-off to the left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from diffkit.core.errors import DiffkitError
from diffkit.lessons.quotients import KINDS, quotients
from diffkit.reports.pictures import canvas, in_one_look, legend, style

if TYPE_CHECKING:
    from diffkit.lessons.quotients import Quotients


FINER = 4  # steps of a picture for each power of ten


def picture_of_finer(found: Quotients, f: Any, at: Any, options: dict[str, Any]) -> Any:
    """Draw quotients at more steps than a table has, from the largest to the least of those that were found."""
    largest, least = found.steps[0].h, found.steps[-1].h
    count = round(FINER * math.log10(largest / least))
    steps = [largest * 10 ** (-k / FINER) for k in range(count + 1)]
    return picture_of_quotients(quotients(f, at, steps=steps, **options))


@in_one_look
def picture_of_quotients(found: Quotients) -> Any:
    """Draw the size of each quotient's error, the parts of the forward one, and where theory puts the best step."""
    where = f"{found.variable} = {found.at[found.variable]:.4g}"
    title = f"Difference quotients of {found.f if len(found.f) < 40 else 'f'} at {where}"
    figure, axes = canvas(title, "step h", f"|quotient − {found.label}|")
    steps = [s.h for s in found.steps]
    drawn = [kind for kind in KINDS if any(_size(q.error) > 0 for q in found.of(kind))]
    if not drawn:
        raise DiffkitError(
            "there is no error to draw: it is zero at every step, or the quotients tend to nothing",
            hint="the table shows the quotients",
        )
    for kind in drawn:
        axes.plot(steps, [_size(q.error) for q in found.of(kind)], label=kind, **style(KINDS.index(kind)))
    first = found.of(drawn[0])
    parts = (("truncation", [_size(q.truncation) for q in first]), ("round-off", [_size(q.roundoff) for q in first]))
    for k, (name, sizes) in enumerate(parts):
        axes.plot(steps, sizes, color="0.55", linewidth=0.9, linestyle=(":", "--")[k], label=f"{name} ({drawn[0]})")
    for kind in dict.fromkeys(("forward" if "forward" in drawn else drawn[0], drawn[-1])):
        best = found.best(kind)
        if best is not None and math.isfinite(best.expected):
            axes.axvline(best.expected, color=style(KINDS.index(kind))["color"], linewidth=0.8, alpha=0.6)
            axes.annotate(
                f" theory, {kind}:\n h = {best.expected:.1e}", (best.expected, 1.0), xycoords=("data", "axes fraction"),
                va="top", fontsize=8, color=style(KINDS.index(kind))["color"],
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    legend(figure, 3)
    return figure


def _size(error: float) -> float:
    """The size of an error as a logarithmic axis can show it."""
    return abs(error) if math.isfinite(error) and error else math.nan

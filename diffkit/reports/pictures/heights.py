"""Heights over two variables, drawn as a contour map or as a surface; both say the same without colour."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

LEVELS = 26
TICKS = 6  # along the longer side, at most
OBLONG = 4.0  # times as long as wide, up to which a map has one scale for both axes
NARROWEST_PAGE, TALL, LEGEND_INCHES, LETTER = 4.9, 3.5, 1.9, 0.09
"""inches: a page that the legend fits on, the height of a map, what stands beside it, a letter of a title"""
ASKEW = "the axes differ in scale: right angles do not look right"


def contour_map(figure: Any, axes: Any, x: Any, y: Any, z: Any, label: str, low: Iterable[float] = ()) -> None:
    """Draw areas that are darker where z is higher, and the lines between them; ``low`` are known low values of z.

    ``x`` and ``y`` are the places along the sides, z has a row for each y. Both axes have one scale, so that lines at
    right angles look so, unless the map would be a strip: then the title says it.
    """
    levels = _levels(z, low)
    if len(levels) > 1:
        areas = axes.contourf(x, y, z, levels=levels, cmap="Greys", alpha=0.45, extend="both")
        with warnings.catch_warnings(action="ignore"):  # Matplotlib below 3.11 cannot, and says so
            areas.set_rasterized(True)  # as paths, the areas are most of a large file
        axes.contour(x, y, z, levels=levels[::2], colors="0.35", linewidths=0.7)
        tiny = 1e-9 * max(map(abs, levels))  # so that rounding about 0 is not printed
        bar = figure.colorbar(areas, ax=axes, label=label, ticks=levels[::5])
        bar.ax.set_yticks(levels[::5], [f"{0 if abs(v) < tiny else v:.3g}" for v in levels[::5]])
        bar.ax.grid(False)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    axes.grid(False)
    oblong = (y[-1] - y[0]) / (x[-1] - x[0])
    if 1 / OBLONG <= oblong <= OBLONG:
        axes.set_aspect("equal")
        needed = max(NARROWEST_PAGE, LETTER * len(axes.get_title()), LEGEND_INCHES + TALL / oblong)
        figure.set_figwidth(min(figure.get_figwidth(), needed))  # no empty paper beside a narrow map
        axes.locator_params(axis="x", nbins=max(2, round(TICKS / max(1, oblong))))
        axes.locator_params(axis="y", nbins=max(2, round(TICKS * min(1, oblong))))
    else:
        axes.set_title(f"{axes.get_title()}\n{ASKEW}")


def surface(axes: Any, x: Any, y: Any, z: Any) -> None:
    """Draw z as a surface over the same places; what lies on it shines through."""
    import numpy as np

    axes.plot_surface(*np.meshgrid(x, y), z, cmap="cividis", alpha=0.7, linewidth=0, rstride=1, cstride=1,
                      rasterized=True)  # fmt: skip
    axes.set_box_aspect(None, zoom=0.85)
    axes.locator_params(nbins=5)
    axes.zaxis.labelpad = 10


def _levels(z: Any, low: Iterable[float]) -> list[float]:
    """Levels of contours: closer together towards a minimum, and where most values are low, so that valleys show."""
    import numpy as np

    known = z[np.isfinite(z)]
    if not known.size:
        return []
    minima = [v for v in low if math.isfinite(v)]
    bottom = min([float(np.percentile(known, 0.5)), *minima])
    top = float(np.percentile(known, 99))
    skewed = float(np.median(known)) - bottom < (top - bottom) / 4
    steps = np.linspace(0, 1, LEVELS) ** (3 if skewed else 2 if bottom in minima else 1)
    return sorted({float(v) for v in bottom + (top - bottom) * steps})

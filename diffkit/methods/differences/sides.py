"""One side at a time: where f is not smooth around a point, what it does to the left and to the right of it.

Each side gets its own Chebyshev fits, on [x, x + r] and [x − r, x], whose values and derivatives are taken at x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from diffkit.methods.differences.chebyshev import chop, coefficients, nodes, slope_at_one
from diffkit.methods.differences.fits import QUIET, ROUNDING, magnitude
from diffkit.methods.differences.sampling import UNIT, Search, finite, total
from diffkit.methods.differences.stencils import Stencil, divided

WIDEST = 0.1129375  # the largest radius, of the scale
CLOSER = (0.0, 0.05, 0.1, 0.15, 0.3)  # powers of the unit by which radii are smaller
NEAREST, NEAREST_TO_ZERO = 2.0**9, 2.0**-900  # units, and part of the scale: to where a picture must hold
BETWEEN = (2.0**-27, 2.0**-22)  # of the scale: where it must hold as well, for a branch around the point may end there
BENDING = 4.0  # times as evenly as over a side: how fast a slope may change near the point
PAIRS = 5  # half the samples of a side


class Side(NamedTuple):
    """What f does on one side out to one radius."""

    derivatives: tuple[tuple[float, float], ...]
    """value and bar of the one-sided derivatives at the point, by order; order 0 is f's limit less f there"""
    quiet: bool
    """whether the fit converges to rounding"""
    size: float
    """|f| at the sample nearest to the point"""
    secant: float
    """slope from the point to that sample"""
    changes: tuple[float, ...]
    """by how much each derivative changes over the side, as far as its fit tells"""
    length: float
    """how far it reaches"""

    def expects(self, near: Near) -> bool:
        """Whether a sample near the point lies where the slope leads, as far as that is known and does not change."""
        (slope, bar), step = self.derivatives[1], abs(near.step)
        bent = BENDING * self.changes[1] * (step / self.length)
        return abs(near.rise - slope * near.step) <= (bar + bent) * step + near.noise


class Near(NamedTuple):
    """The sample of a side that is nearest to the point: where it is, and f there less f at the point."""

    distance: float
    """in units of the scale"""
    step: float
    """with a sign"""
    rise: float
    noise: float


class Sides(NamedTuple):
    """Both sides, by radius from large to small, None where f is not finite; and samples nearer than these."""

    radii: tuple[float, ...]
    left: tuple[Side | None, ...]
    right: tuple[Side | None, ...]
    nearest: tuple[Near, Near]
    between: tuple[tuple[Near, Near], ...]
    """where f may differ from what it is on the sides and at the nearest samples"""
    rounding: float
    """how far the rounding of x may move it"""


def look(stencil: Stencil, noise: float = 0.0) -> Search[Sides]:
    """See both sides of the variable of a pure derivative; ``noise`` is what the code makes beyond its rounding."""
    scale = stencil.scale(stencil.variables[0])
    marks = [(1 + t) / 2 for t in (*nodes(PAIRS), *(-t for t in nodes(PAIRS)))]
    radii = tuple(WIDEST * stencil.unit**power for power in CLOSER)
    rows = [[radius * mark for mark in marks] for radius in radii]
    nearest = NEAREST * stencil.unit if stencil.point[stencil.variables[0]] else NEAREST_TO_ZERO
    closer = (nearest, *BETWEEN)
    steps = [*closer, *(h for row in rows for h in row)]
    center, *values = yield [stencil.point, *(p for h in steps for p in stencil.points(h))]
    exact = [stencil.steps(h)[0] for h in steps]
    both = []
    ends: list[list[Near]] = []
    for sign, seen in ((-1.0, values[1::2]), (1.0, values[0::2])):
        ends.append(
            [
                Near(h, sign * step, value - center, 4 * stencil.unit * max(abs(center), abs(value)) + 4 * noise)
                for h, step, value in zip(closer, exact, seen, strict=False)
            ]
        )
        found = []
        for k, row in enumerate(rows):
            part = slice(len(closer) + k * len(marks), len(closer) + (k + 1) * len(marks))
            ideal = [sign * h * scale for h in row]
            found.append(_side(seen[part], center, ideal, exact[part], stencil, noise))
        both.append(tuple(found))
    first, *others = zip(*ends, strict=True)
    return Sides(radii, both[0], both[1], first, tuple(others), UNIT * abs(stencil.point[stencil.variables[0]]))


def _side(
    seen: Sequence[float],
    center: float,
    ideal: Sequence[float],
    exact: Sequence[float],
    stencil: Stencil,
    noise: float,
) -> Side | None:
    """Fit one side; the samples are moved along their secants to where they ought to be."""
    if not finite(seen) or not all(exact):
        return None
    first, start, base = abs(ideal[PAIRS]), exact[PAIRS], seen[PAIRS] - center  # the sample nearest to the point
    ratios = [(abs(h) - first) / (step - start) if step != start else 1.0 for h, step in zip(ideal, exact, strict=True)]
    size, unit = magnitude((*seen, center))
    rises = [(base + (value - seen[PAIRS]) * ratio) / unit for value, ratio in zip(seen, ratios, strict=True)]
    pairs = list(zip(rises[:PAIRS], rises[PAIRS:], strict=True))
    series = coefficients([(far + near) / 2 for far, near in pairs], 0)
    series.update(coefficients([(far - near) / 2 for far, near in pairs], 1))
    floor = max(ROUNDING * stencil.unit * size, noise) / unit / math.sqrt(PAIRS)
    half = ideal[0] / (1 + nodes(PAIRS)[0])
    derivatives, changes = [], []
    quiet = True
    for m in range(stencil.order + 1):
        estimate = chop(series, {j: slope_at_one(j, m) * (-1.0) ** (j + m) for j in series}, floor)
        quiet = quiet and estimate.level <= QUIET * floor
        value, bar = (divided(part, [half] * m + [1 / unit]) for part in (estimate.value, estimate.bar))
        derivatives.append((value, abs(bar)))
        change = total(2 * slope_at_one(j, m) * c for j, c in series.items() if j <= estimate.degree and (j - m) % 2)
        changes.append(abs(divided(change, [half] * m + [1 / unit])))
    reach = ideal[PAIRS] * start / first
    secant = base / reach if reach else math.inf
    return Side(tuple(derivatives), quiet, abs(seen[PAIRS]), secant, tuple(changes), abs(ideal[0]))

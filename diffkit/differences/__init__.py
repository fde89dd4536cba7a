"""Derivatives from values of a black-box function alone, with an error bar, and the points that have none.

A search (``search``) asks for samples (``sampling``, ``stencils``), fits them at one radius after another (``fits``,
``chebyshev``), and where nothing settles looks at either side (``sides``, ``verdict``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from diffkit.differences.sampling import UNIT, Function, Point, Sampler, Search
from diffkit.differences.search import COARSE, ECONOMY, THOROUGH, Effort, Finding, search
from diffkit.differences.sides import look
from diffkit.differences.stencils import HIGHEST_ORDER, Stencil
from diffkit.differences.verdict import UNSETTLED, judge
from diffkit.results import Odd

FINE = 1e-4  # of the scale: pieces of f narrower than this are made by rounding, or by a tolerance


class Difference(NamedTuple):
    """A partial derivative, a bound on its error, and what is odd about it (then both are NaN)."""

    value: float
    bar: float
    odd: Odd | None = None
    reach: float = 0.0
    """how far from the point the samples behind the value lie, in units of the scale; 0 if it is not known"""
    reason: str = ""
    """why the bar is wide, or what keeps the value from being that of f close to the point"""
    plateau: float = 0.0
    """distance to which f keeps its value around the point and then jumps: 0 if to none, inf if to all tried"""
    settled: bool = False
    """whether what the fit leaves is explained by the rounding of f"""


NO_VALUE = Odd("domain_error", "f has no value at the point")


def partials(
    sampler: Sampler, points: Sequence[Point], indices: Sequence[Sequence[int]], effort: Effort = THOROUGH
) -> list[list[Difference]]:
    """Give the partial derivatives at each point; a multi-index lists its variables with repetition.

    Derivatives in one variable come first: they tell mixed ones how far to reach in each variable. Where f has no value
    at a point nothing else is asked for.
    """
    centers = sampler.run([_center(point) for point in points])
    if any(map(math.isnan, centers)):
        valued = [point for point, center in zip(points, centers, strict=True) if not math.isnan(center)]
        found_there = iter(partials(sampler, valued, indices, effort) if valued else [])
        nothing = [_without(NO_VALUE)] * len(indices)
        return [nothing if math.isnan(center) else next(found_there) for center in centers]
    pure = [k for k, index in enumerate(indices) if len(set(index)) < 2]
    mixed = [k for k, index in enumerate(indices) if len(set(index)) > 1]
    found = dict(
        zip(
            ((row, k) for row in range(len(points)) for k in pure),
            sampler.run([partial(point, indices[k], effort, unit=sampler.unit) for point in points for k in pure]),
            strict=True,
        )
    )
    scales = [_reaches(point, {k: found[row, k] for k in pure}, indices, effort) for row, point in enumerate(points)]
    searches = [
        partial(point, indices[k], effort, scales[row], sampler.unit) for row, point in enumerate(points) for k in mixed
    ]
    where = [(row, k) for row in range(len(points)) for k in mixed]
    found.update(zip(where, sampler.run(searches), strict=True))
    return [[found[row, k] for k in range(len(indices))] for row in range(len(points))]


def _reaches(
    point: Point, pure: dict[int, Difference], indices: Sequence[Sequence[int]], effort: Effort
) -> dict[int, float]:
    """Scales of the variables at which a mixed derivative's first radius is where pure ones ended."""
    reaches = {indices[k][0]: d.reach / effort.radius for k, d in pure.items() if indices[k] and d.reach}
    return {v: Stencil(point, (v,)).scale(v) * reach for v, reach in reaches.items()}


def partial(
    point: Point,
    multi_index: Sequence[int],
    effort: Effort = THOROUGH,
    scales: dict[int, float] | None = None,
    unit: float = UNIT,
) -> Search[Difference]:
    """Search for one partial derivative at a point; the empty multi-index asks for f itself."""
    if not multi_index:
        return (yield from _plain(point, unit))
    stencil = Stencil(point, multi_index, scales, unit)
    finding = yield from search(stencil, effort)
    if not math.isfinite(finding.center):
        return _without((yield from _missing(stencil, finding.center)))
    seen = _whole(finding)
    if stencil.pure and (finding.kinked or not finding.smooth):
        odd = judge((yield from look(stencil, finding.texture.noise)), stencil.order)
        if odd.status != "ok" and odd.message != UNSETTLED:
            return _without(odd)
        if odd.status == "ok" and not odd.right > seen.bar:
            seen = Difference(odd.value, odd.right)
    return _told(seen, stencil, finding)


def _whole(finding: Finding) -> Difference:
    """What the fits say; NaN if none counts. Where pieces of f are wide, the slope inside one is as good as any."""
    best, texture = finding.best, finding.texture
    if best is None or not finding.smooth:
        return Difference(math.nan, math.nan)
    if not texture.noise or texture.inside is None or texture.width <= FINE:
        return Difference(best.value, best.bar, reach=best.radius)
    apart = abs(best.value - texture.inside.value) + texture.inside.bar
    return Difference(best.value, max(best.bar, apart), reach=best.radius)


def _told(seen: Difference, stencil: Stencil, finding: Finding) -> Difference:
    """What was seen, with what keeps it from being f close to the point; uncertain if that leaves too few digits."""
    texture = finding.texture
    flat = finding.flat * min(stencil.scale(v) for v in stencil.variables)
    reason = texture.reason(flat, stencil.scale(stencil.variables[0]))
    useful = seen.bar <= COARSE * max(abs(seen.value), finding.least) and (flat > 0 or finding.visible)
    if math.isnan(seen.value) or (texture.noise and not useful):
        odd = Odd("uncertain", reason or UNSETTLED, value=seen.value, error=seen.bar)
        return Difference(math.nan, math.nan, odd, 0.0, reason, flat)
    return seen._replace(reason=reason if texture.noise or flat else "", plateau=flat, settled=not texture.noise)


def _without(odd: Odd) -> Difference:
    return Difference(math.nan, math.nan, odd)


def _center(point: Point) -> Search[float]:
    """F at the point itself."""
    (value,) = yield [point]
    return value


def _plain(point: Point, unit: float) -> Search[Difference]:
    (value,) = yield [point]
    if not math.isfinite(value):
        return _without(Odd("domain_error", "f has no value at the point"))
    return Difference(value, 2 * unit * abs(value), settled=True)


def _missing(stencil: Stencil, center: float) -> Search[Odd]:
    """Why f has no finite value at the point: a pole, overflow, or the domain."""
    values = yield [p for h in (2.0**-10, 2.0**-20) for p in stencil.points(h)]
    sizes = [abs(v) for v in values]
    half = len(sizes) // 2
    grows = all(near > 500 * far for far, near in zip(sizes[:half], sizes[half:], strict=True))
    if math.isinf(center) and all(map(math.isfinite, sizes)) and grows:
        return Odd("pole", "f grows without bound on both sides")
    if math.isinf(center) and all(size > 1e300 for size in sizes):
        return Odd("overflow", "f is larger than the largest binary64")
    return Odd("domain_error", "f has no value at the point")


__all__ = [
    "ECONOMY", "HIGHEST_ORDER", "THOROUGH", "Difference", "Effort", "Function", "Point", "Sampler", "Search",
    "partial", "partials",
]  # fmt: skip

"""Derivatives from values of a black-box function alone, with an error bar, and the points that have none.

A search (``distance_search``) asks for ``samples``, fits them at one radius after another (``fits``), looks at what
they leave over (``texture``), and where nothing settles at either side (``kinks``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from diffkit.asking.sources import Output, Point
from diffkit.core.results import Odd
from diffkit.methods.differences.distance_search import (
    ECONOMY,
    NARROW_PIECE,
    THOROUGH,
    USELESS_BAR,
    Effort,
    SearchFinding,
    search,
)
from diffkit.methods.differences.kinks import UNSETTLED, classify, look
from diffkit.methods.differences.samples import STENCIL_ORDER, Sampler, Search, Stencil
from diffkit.methods.differences.texture import STAIRS
from diffkit.numbers.floats import HALF_ULP


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
    limit: float = math.inf
    """how far from the point f is known not to be smooth as it is close to it, in units of the scale"""


VALUELESS_POINT = Odd("domain_error", "f has no value at the point")


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
        nothing = [_without(VALUELESS_POINT)] * len(indices)
        return [nothing if math.isnan(center) else next(found_there) for center in centers]
    wanted, unit, rows = [tuple(index) for index in indices], sampler.unit, range(len(points))
    alone = [(row, index) for row in rows for index in _in_one_variable(wanted)]
    found = _run(sampler, {(row, i): partial(points[row], i, effort, unit=unit) for row, i in alone})
    ends = _ends(found, effort)
    mixed = [(row, index) for row in rows for index in wanted if len(set(index)) > 1]
    found.update(_run(sampler, {(row, i): _together(points[row], row, i, ends, effort, unit) for row, i in mixed}))
    return [[found[row, index] for index in wanted] for row in rows]


def _in_one_variable(wanted: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The pure derivatives among some, and those that tell the others how far to reach in each variable."""
    pure = [index for index in wanted if len(set(index)) < 2]
    known = {v for index in pure for v in index}
    mixed = [index for index in wanted if len(set(index)) > 1]
    return [*pure, *sorted({part for index in mixed for part in _parts(index) if part[0] not in known})]


_Where = tuple[int, tuple[int, ...]]
"""A point, by number, and the multi-index of a partial."""

_Ends = dict[tuple[int, int], dict[int, tuple[float, float]]]
"""By point and variable, and by order: the reach of a pure derivative over the first radius, and its limit."""


def _ends(found: Mapping[_Where, Difference], effort: Effort) -> _Ends:
    """Where the searches in one variable each ended."""
    ends: _Ends = {}
    for (row, index), difference in found.items():
        if difference.reach:
            ends.setdefault((row, index[0]), {})[len(index)] = (difference.reach / effort.radius, difference.limit)
    return ends


def _run(sampler: Sampler, searches: Mapping[_Where, Search[Difference]]) -> dict[_Where, Difference]:
    """Search for partials side by side."""
    return dict(zip(searches, sampler.run(searches.values()), strict=True))


def _parts(index: Sequence[int]) -> list[tuple[int, ...]]:
    """The derivatives in one variable each that a mixed one is made of."""
    return [(v,) * index.count(v) for v in sorted(set(index))]


def _together(
    point: Point, row: int, index: tuple[int, ...], ends: _Ends, effort: Effort, unit: float
) -> Search[Difference]:
    """Search for a mixed derivative: it starts where pure ones ended, of the same order if there is one.

    It goes no farther than these found f to be smooth.
    """
    stencil = Stencil(point, index)
    scales, limit = {}, math.inf
    for part in _parts(index):
        known = ends.get((row, part[0]), {})
        reach, smooth = known.get(len(part)) or next(iter(known.values()), (1.0, math.inf))
        scales[part[0]] = stencil.scale(part[0]) * reach
        limit = min(limit, smooth / reach)
    return partial(point, index, effort, scales, unit, limit)


def partial(
    point: Point,
    multi_index: Sequence[int],
    effort: Effort = THOROUGH,
    scales: dict[int, float] | None = None,
    unit: float = HALF_ULP,
    limit: float = math.inf,
) -> Search[Difference]:
    """Search for one partial derivative at a point; the empty multi-index asks for f itself."""
    if not multi_index:
        return (yield from _plain(point, unit))
    stencil = Stencil(point, multi_index, scales, unit)
    finding = yield from search(stencil, effort, limit)
    if not math.isfinite(finding.center):
        return _without((yield from _missing(stencil, finding.center)))
    seen = _whole(finding)
    if stencil.pure and (finding.kinked or not finding.smooth):
        odd = classify((yield from look(stencil, finding.texture.noise)), stencil.order)
        if odd.status != "ok" and not (odd.status == "uncertain" and (finding.smooth or odd.message == UNSETTLED)):
            return _without(odd)
        if odd.status == "ok" and not odd.right > seen.bar and not (finding.best and finding.best.distinct <= STAIRS):
            seen = Difference(odd.value, odd.right)
    return _told(seen, stencil, finding)


def _whole(finding: SearchFinding) -> Difference:
    """What the fits say; NaN if none counts. Where pieces of f are wide, the slope inside one is as good as any."""
    best, texture = finding.best, finding.texture
    if best is None or not finding.smooth:
        return Difference(math.nan, math.nan)
    if texture.pieces and best.radius < texture.width and not finding.visible:
        return Difference(math.nan, math.nan)
    if texture.inside is None or not texture.pieces or texture.width <= NARROW_PIECE:
        return Difference(best.value, best.bar, reach=best.radius)
    apart = abs(best.value - texture.inside.value) + texture.inside.bar
    return Difference(best.value, max(best.bar, apart), reach=best.radius)


def _told(seen: Difference, stencil: Stencil, finding: SearchFinding) -> Difference:
    """What was seen, with what keeps it from being f close to the point; uncertain if that leaves too few digits."""
    texture = finding.texture
    flat = finding.flat * min(stencil.scale(v) for v in stencil.variables)
    reason = texture.reason(flat, stencil.scale(stencil.variables[0]))
    useful = seen.bar <= USELESS_BAR * max(abs(seen.value), finding.least) and (flat > 0 or finding.visible)
    if math.isnan(seen.value) or (texture.noise and not useful):
        odd = Odd("uncertain", reason or UNSETTLED, value=seen.value, error=seen.bar)
        return Difference(math.nan, math.nan, odd, 0.0, reason, flat)
    return seen._replace(
        reason=reason if texture.noise or flat else "",
        plateau=flat,
        settled=not texture.noise,
        limit=texture.limit,
    )


def _without(odd: Odd) -> Difference:
    return Difference(math.nan, math.nan, odd)


def _center(point: Point) -> Search[float]:
    """f at the point itself."""
    (value,) = yield [point]
    return value


def _plain(point: Point, unit: float) -> Search[Difference]:
    (value,) = yield [point]
    if not math.isfinite(value):
        return _without(VALUELESS_POINT)
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
    return VALUELESS_POINT


__all__ = [
    "ECONOMY", "STENCIL_ORDER", "THOROUGH", "VALUELESS_POINT", "Difference", "Effort", "Output", "Point", "Sampler",
    "Search", "partial", "partials",
]  # fmt: skip

"""What the last boxes of a search hold: degenerate points, kinks, or a region that is no point.

A cluster of boxes is a *place* if it is small and one point in it accounts for it. All others are *open*: those near
one another are one region, and a point in it is listed only where its gradient is exactly 0, or where Newton's method
leads from everywhere to it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from flint import arb

from diffkit.core.limits import POINT_BITS, SEARCH_BITS
from diffkit.lessons.stationary_points.boxes import balls, measured, overlap
from diffkit.lessons.stationary_points.branch_and_bound import Cluster, Search, touching
from diffkit.lessons.stationary_points.newton import refine, surround
from diffkit.lessons.stationary_points.points_found import (
    Region,
    StationaryPoint,
    by_lines,
    exactly,
    is_stationary,
    only_zero,
    signs,
)
from diffkit.lessons.stationary_points.unresolved_places import (
    between_slopes,
    enclosed,
    ends_flat,
    fractions_in,
    glued,
    kink,
    located,
    region,
    sides,
    simplest,
    turn,
    up,
)
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, middle

_STARTS = 3  # boxes of a cluster from which Newton's method is followed
_MOST_STARTS = 300  # of all clusters, and FEW_STARTS after an early end
_FEW_STARTS = 40
_CLUSTER_PROOF_START = 2.0**-40  # of the smallest boxes' sides: where proofs begin that would not work in the boxes
_OTHERS_NEARBY = "others close by are not excluded"
_PROOF_ORDER = ("exact", "enclosed", "numeric")  # the best first
_NEARBY = 2.0**-10  # part of the box within which open clusters are one region


class Settled(NamedTuple):
    """What clusters hold."""

    points: list[StationaryPoint]
    regions: list[Region]


class _Open(NamedTuple):
    """A cluster that is no place, and the points that Newton's method leads to from it."""

    cluster: Cluster
    limits: list[list[float]]


def settle(search: Search) -> Settled:
    """Say what the clusters of a search hold; simple zeros that are proven on the way join those of the search."""
    if search.late:
        return Settled([], [region(search, cluster) for cluster in search.clusters])
    points: list[StationaryPoint] = []
    regions: list[Region] = []
    left: list[_Open] = []
    starts = iter(range(_FEW_STARTS if search.stopped else _MOST_STARTS))
    for cluster in search.clusters:
        if cluster.cross:
            found = _crossed(search, cluster)
        else:
            limits = _limits(search, cluster, starts)
            boxes = [box for box in cluster.boxes if not search.zeros.settle(box)]
            found = _place(search, cluster, limits) if len(boxes) == len(cluster.boxes) else None
            if found is None and boxes:
                left.append(_Open(cluster._replace(boxes=tuple(boxes)), limits))
        if isinstance(found, Region):
            regions.append(found)
        elif found is not None:
            points.append(found)
    for cluster, limits in _gathered(search, left):
        found = region(search, cluster)
        if found.kind != "curve":
            near = _widened(search, cluster.hull, _NEARBY)
            points = [_doubted(p) if p.proof == "exact" and _inside(p.point, near) else p for p in points]
            points += _points_of(search, cluster, limits)
        regions.append(found)
    return Settled(_distinct(search, points), regions)


def _crossed(search: Search, cluster: Cluster) -> StationaryPoint | Region | None:
    """What a cluster at kinks, jumps or the edge of the domain holds; None if it is (proven) nothing."""
    surface = search.surface
    if cluster.cross & {"edge", "pole"} or not cluster.small:
        return region(search, cluster)
    if surface.count == 1 and ends_flat(surface, cluster.hull):
        return None
    if (found := glued(search, cluster)) is not None:
        return found
    if "jump" in cluster.cross:
        return region(search, cluster)
    return between_slopes(search, cluster) if surface.count == 1 else kink(search, cluster)


def _limits(search: Search, cluster: Cluster, starts: Iterator[int]) -> list[list[float]]:
    """Distinct points that Newton's method leads to from a cluster; those that are proven join the search instead."""
    surface = search.surface
    least = [search.least * s for s in search.scale]
    found: list[list[float]] = []
    for box, _ in zip(_some(cluster.boxes, _STARTS), starts, strict=False):
        limit = refine(surface, middle(box), least, _widened(search, search.box, _NEARBY))
        if limit is None or search.zeros.settle(tuple((x, x) for x in limit)):
            continue
        with precision(SEARCH_BITS):
            zero = surround(surface, limit, [w * _CLUSTER_PROOF_START for w in least], search.scale)
        if zero is not None:
            search.zeros.add(zero)
        elif not any(_near(search, limit, other) for other in found):
            found.append(limit)
    search.met += map(tuple, found)
    return found


def _some(boxes: Sequence[Box], most: int) -> list[Box]:
    """Boxes of a sequence from its beginning to its end."""
    if len(boxes) <= most:
        return list(boxes)
    return [boxes[k * (len(boxes) - 1) // (most - 1)] for k in range(most)]


def _near(search: Search, one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether points are nearer to each other than the sides of the smallest boxes."""
    return all(abs(a - b) <= search.least * s for a, b, s in zip(one, other, search.scale, strict=True))


def _widened(search: Search, box: Box, part: float) -> Box:
    return tuple((low - part * s, high + part * s) for (low, high), s in zip(box, search.scale, strict=True))


# Places ---------------------------------------------------------------------------------------------------------------


def _place(search: Search, cluster: Cluster, limits: list[list[float]]) -> StationaryPoint | None:
    """The one point that a small cluster holds: exact, between slopes, within a rim, or numeric; None if it is open."""
    if not cluster.small or len(limits) > 1:
        return None
    around = _widened(search, cluster.hull, search.least)
    for point in _exact_in(search, around, [*limits, middle(cluster.hull)]):
        return _exact(search, around, point, not search.stopped)
    if search.surface.count == 1:
        found = turn(search, cluster)
        if found is not None:
            return found
    if rim := enclosed(search, around):
        note = "the Hessian is singular, or too nearly so for a proof"
        return located(search.surface, cluster.hull, kind=rim, proof="enclosed", kind_proven=True,
                       eigenvalues=_eigenvalues(search, around), note=note)  # fmt: skip
    return _numeric(search, around, limits[0], True) if limits and _inside(limits[0], around) else None


def _inside(point: Sequence[float], box: Box) -> bool:
    return all(low <= x <= high for x, (low, high) in zip(point, box, strict=True))


def _exact_in(search: Search, box: Box, near: Sequence[Sequence[float]]) -> Iterator[list[Fraction]]:
    """Points of a box with simple coordinates, next to those given, where exact arithmetic gives a gradient of 0."""
    seen: list[list[Fraction]] = []
    for start in near:
        for point in fractions_in(box, start):
            if point not in seen and _inside([float(x) for x in point], search.box):
                seen.append(point)
                if is_stationary(search.surface, point):
                    yield point
                    break


def _exact(search: Search, box: Box, point: Sequence[Fraction], settled: bool) -> StationaryPoint:
    """A stationary point that exact arithmetic proves; ``settled`` if there is no other as far as the boxes go."""
    surface = search.surface
    at = [float(x) for x in point]
    with precision(POINT_BITS):
        place = exactly(point)
        found = signs(surface.hessian(place, POINT_BITS))
        kind, eigenvalues = found.kind, found.eigenvalues
        number, error = measured(surface.value(place, POINT_BITS))
        radius = max(float(abs(p - arb(x)).upper()) for p, x in zip(place, at, strict=True))
    note, alone = "", bool(kind)
    if not kind:
        kind, along = by_lines(surface, point)
        note = "the Hessian is singular"
        if along is not None and surface.count == 1:
            note = f"the first derivative after f′ that is not 0 here is the {_ordinal(along.order)}"
            with precision(POINT_BITS):
                alone = only_zero(surface, balls(box), along.order)
    if not alone and search.least > 1e-8:
        note += "; other stationary points within 1e-6 of it are not excluded"
    proven = bool(kind)
    if not kind:
        kind = enclosed(search, box)
        proven = bool(kind) and settled
    names = surface.program.inputs
    found_here = StationaryPoint(
        dict(zip(names, at, strict=True)), number, error, kind or "degenerate",  # type: ignore[arg-type]
        "exact", proven, up(radius), eigenvalues, note=note,
    )  # fmt: skip
    return found_here if alone or settled else _doubted(found_here)


def _doubted(point: StationaryPoint) -> StationaryPoint:
    """The point, said not to be the only one around."""
    return replace(
        point,
        note=f"{point.note}; {_OTHERS_NEARBY}".removeprefix("; ") if _OTHERS_NEARBY not in point.note else point.note,
    )


def _numeric(search: Search, around: Box, limit: list[float], settled: bool) -> StationaryPoint:
    """A point to which Newton's method converges, and which no proof reaches; ``settled`` as in ``_exact``."""
    surface = search.surface
    here = _widened(search, tuple((x, x) for x in limit), search.least)
    note, kind, radius = "the Hessian is singular, or too nearly so for a proof", "degenerate", None
    if settled:
        radius = up(max(max(x - low, high - x) for x, (low, high) in zip(limit, around, strict=True)))
        here = around
        if surface.count == 1 and (slope := sides(surface, around)):
            kind = "inflection"
            note += f"; f {'rises' if slope > 0 else 'falls'} on both sides"
    else:
        note += f"; {_OTHERS_NEARBY}"
    with precision(POINT_BITS):
        number, error = measured(surface.value(balls(here), POINT_BITS))
    return StationaryPoint(
        dict(zip(surface.program.inputs, limit, strict=True)), number, error, kind,  # type: ignore[arg-type]
        "numeric", False, radius, _eigenvalues(search, here), note=note,
    )  # fmt: skip


def _eigenvalues(search: Search, around: Box) -> tuple[float, ...]:
    with precision(POINT_BITS):
        hessian = search.surface.hessian(balls(around), POINT_BITS)
        return signs(hessian).eigenvalues if hessian is not None else ()


def _ordinal(n: int) -> str:
    """3rd, 4th."""
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n, 'th') }".replace(" ", "")


# Open clusters --------------------------------------------------------------------------------------------------------


def _gathered(search: Search, left: Sequence[_Open]) -> list[_Open]:
    """Open clusters, those near one another as one."""
    wide: dict[Box, _Open] = {}
    for found in left:
        wide[_widened(search, found.cluster.hull, _NEARBY)] = found
    groups = []
    for boxes in touching(list(wide)):
        members = [wide[box] for box in boxes]
        together = Cluster(tuple(box for m in members for box in m.cluster.boxes), frozenset(), False)
        limits: list[list[float]] = []
        for limit in (limit for m in members for limit in m.limits):
            if not any(_near(search, limit, other) for other in limits):
                limits.append(limit)
        groups.append(_Open(together, limits))
    return groups


def _points_of(search: Search, cluster: Cluster, limits: list[list[float]]) -> list[StationaryPoint]:
    """The points of open clusters that are exact, or the only one that Newton's method leads to."""
    around = _widened(search, cluster.hull, search.least)
    starts = [*limits, [simplest(low, high) for low, high in cluster.hull], middle(cluster.hull)]
    exact = [_exact(search, around, point, False) for point in _exact_in(search, around, starts)]
    if exact or len(limits) != 1 or search.stopped or not _inside(limits[0], around):
        return exact
    return [_numeric(search, around, limits[0], False)]


def _distinct(search: Search, points: Sequence[StationaryPoint]) -> list[StationaryPoint]:
    """The points, without those that a proven zero or another point may be one with."""
    kept: list[Box] = []
    found = []
    for p in sorted(points, key=lambda p: _PROOF_ORDER.index(p.proof)):
        place = tuple((x - (p.radius or 0.0), x + (p.radius or 0.0)) for x in p.point)
        if search.zeros.meet(place) or any(overlap(place, other) for other in kept):
            continue
        kept.append(place)
        found.append(p)
    return found

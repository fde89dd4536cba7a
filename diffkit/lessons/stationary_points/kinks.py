"""Kinks and the seams of pieces: stationary where slopes on both sides, a rim, or the referee prove it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from flint import arb

from diffkit.asking.expressions import Expression
from diffkit.asking.questions import open_question
from diffkit.core.limits import SEARCH_BITS
from diffkit.lessons.stationary_points.boxes import Surface
from diffkit.lessons.stationary_points.branch_and_bound import Cluster, Search
from diffkit.lessons.stationary_points.places import enclosed, fractions_in, located, region
from diffkit.lessons.stationary_points.points_found import Region, StationaryPoint
from diffkit.methods.prepared import Prepared
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, ball, middle

BISECTIONS = 80
TURNS = {(-1, 1): "minimum", (1, -1): "maximum", (1, 1): "inflection", (-1, -1): "inflection"}
"""kinds by the signs of f′ on the left and on the right"""


def _slope(surface: Surface, x: float) -> int:
    """The proven sign of f′ at a number where f is smooth; 0 if there is none."""
    at = [arb(x)]
    if surface.standing(at).outside:
        return 0
    slope = surface.gradient(at)[0]
    return 1 if slope > 0 else -1 if slope < 0 else 0


def ends_flat(surface: Surface, box: Box) -> bool:
    """Whether f of one variable is flat right beside a place: then that is the end of a flat region."""
    with precision(SEARCH_BITS):
        ends = [[arb(end)] for end in box[0]]
        return any(surface.standing(end).smooth and surface.gradient(end)[0].is_zero() for end in ends)


def glued(search: Search, cluster: Cluster) -> StationaryPoint | None:
    """A place where pieces of f meet so well that the referee proves the gradient to exist, and to be 0."""
    surface, box = search.surface, cluster.hull
    prepared = Prepared(open_question(Expression(surface.program), "gradient"))
    for point in fractions_in(box, middle(box)):
        at = [float(x) for x in point]
        found = prepared.result(at)
        if not found.ok or _any(found.value) or _any(found.error):
            continue
        note = "pieces of f meet here, and the gradient is proven to be 0"
        kind = enclosed(search, box)
        if surface.count == 1:
            with precision(SEARCH_BITS):
                kind = TURNS.get((_slope(surface, box[0][0]), _slope(surface, box[0][1])), kind)
        exact = tuple((x, x) for x in at)
        return located(surface, exact, kind=kind or "degenerate", proof="exact", kind_proven=bool(kind), note=note)
    return None


def _any(values: Any) -> bool:
    """Whether a component of a result is not 0, or unknown."""
    return bool(np.any(np.asarray(values, dtype=float) != 0))


def sides(surface: Surface, box: Box) -> int:
    """The proven sign of f′ of one variable at both ends of a box; 0 if they differ, or nothing is proven."""
    with precision(SEARCH_BITS):
        left, right = (_slope(surface, end) for end in box[0])
    return left if left == right else 0


def turn(search: Search, cluster: Cluster) -> StationaryPoint | None:
    """A least or greatest value of a continuous f of one variable, between slopes of opposite signs."""
    surface = search.surface
    low, high = _reached(cluster)
    with precision(SEARCH_BITS):
        if not surface.standing([ball(low, high)]).cross <= {"kink"}:
            return None
        left, right = _slope(surface, low), _slope(surface, high)
        if left * right >= 0:
            return None
        for _ in range(BISECTIONS):
            cut = low / 2 + high / 2
            sign = _slope(surface, cut) if low < cut < high else 0
            if not sign:
                break
            low, high = (cut, high) if sign == left else (low, cut)
    kind = "minimum" if left < 0 else "maximum"
    word = "kink " if cluster.cross else ""
    note = f"f′ changes its sign from {'− to +' if left < 0 else '+ to −'} here"
    return located(surface, ((low, high),), kind=f"{word}{kind}", proof="enclosed", kind_proven=True, note=note)


def _reached(cluster: Cluster) -> tuple[float, float]:
    """A little more than a cluster of one variable."""
    ((low, high),) = cluster.hull
    reach = max(high - low, 4 * math.ulp(max(abs(low), abs(high))))
    return low - reach / 2, high + reach / 2


def between_slopes(search: Search, cluster: Cluster) -> StationaryPoint | Region:
    """A kink of one variable: extreme between slopes of opposite signs."""
    found = turn(search, cluster)
    if found is not None:
        return found
    rest = region(search, cluster)
    if sides(search.surface, (_reached(cluster),)):
        return replace(rest, note="f rises or falls on both sides of this kink")
    return rest


def kink(search: Search, cluster: Cluster) -> StationaryPoint | Region | None:
    """A kink of several variables where 0 may lie between the slopes: extreme if f is on one side all around."""
    box = cluster.hull
    rim = enclosed(search, box)
    if not rim:
        return region(search, cluster)
    note = f"f is {'higher' if rim == 'minimum' else 'lower'} all around this kink"
    return located(search.surface, box, kind=f"kink {rim}", proof="enclosed", kind_proven=True, note=note)

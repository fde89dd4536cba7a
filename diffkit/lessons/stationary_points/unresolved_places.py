"""Places that a search could not resolve further: their value, f around them, kinks and seams, and what stays open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
from flint import arb

from diffkit.asking.expressions import Expression
from diffkit.asking.questions import open_question
from diffkit.core.limits import POINT_BITS, SEARCH_BITS
from diffkit.lessons.stationary_points.boxes import Surface, balls, inside, measured, overlap, value_range
from diffkit.lessons.stationary_points.branch_and_bound import Cluster, Search
from diffkit.lessons.stationary_points.newton import polish
from diffkit.lessons.stationary_points.points_found import Region, StationaryPoint, exactly
from diffkit.methods.prepared import Prepared
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, ball, middle

_DENOMINATORS = (1, 16, 1000)  # of the fractions that are tried as exact coordinates
_RIMS = 12  # sizes of the box around a place on whose rim f is compared with its value inside
_PIECES = 8  # into which each side of a rim is cut, where it has two dimensions or more
_TESTED = 24  # places of a cluster from which Newton's method looks for zeros
_CURVE_SPREAD = 1e-3  # part of the box that zeros must spread over to be a curve rather than one degenerate place
_MOST_OF_THEM = 0.7  # of the places from which zeros must be met along a curve; where curves cross few are
_SINGULAR_SHARE = 0.02  # part of the largest singular value below which one counts as 0, to walk straight to a curve


def located(surface: Surface, box: Box, **facts: Any) -> StationaryPoint:
    """A point somewhere in a box, with the value of f there."""
    at = [simplest(low, high) for low, high in box]
    with precision(POINT_BITS):
        value = surface.value(balls(box), POINT_BITS)
        if not value.is_finite():
            low_value, high_value = value_range(surface, box)
            value = ball(low_value, high_value) if -math.inf < low_value <= high_value < math.inf else value
        number, error = measured(value)
    radius = max(max(x - low, high - x) for x, (low, high) in zip(at, box, strict=True))
    names = surface.program.inputs
    return StationaryPoint(dict(zip(names, at, strict=True)), number, error, **{"radius": up(radius), **facts})


def up(x: float) -> float:
    """The float above a size; 0 stays."""
    return math.nextafter(x, math.inf) if x else 0.0


def simplest(low: float, high: float) -> float:
    """The fraction with the least denominator between two floats, as the nearest float; the middle if they are far."""
    a, b = Fraction(low), Fraction(high)
    if a <= 0 <= b:
        return 0.0
    if a < 0:
        return -simplest(-high, -low)
    terms: list[int] = []
    while (whole := math.floor(a)) == math.floor(b) and a != whole and len(terms) < 60:
        terms.append(whole)
        a, b = 1 / (b - whole), 1 / (a - whole)
    found = Fraction(math.ceil(a))
    for term in reversed(terms):
        found = term + 1 / found
    return min(max(float(found), low), high)


def fractions_in(box: Box, near: Sequence[float]) -> list[list[Fraction]]:
    """Points of a box with simple coordinates, the simplest first."""
    found = []
    for limit in _DENOMINATORS:
        point = [Fraction(x).limit_denominator(limit) for x in near]
        if point not in found and all(a <= p <= b for p, (a, b) in zip(point, box, strict=True)):
            found.append(point)
    return found


def enclosed(search: Search, box: Box) -> str:
    """Whether f is higher (or lower) all around a place than in it: then the only stationary place inside is extreme.

    The box around it grows from large to small until it holds no other place of the search.
    """
    surface = search.surface
    if surface.count > 3:
        return ""
    centre = [simplest(low, high) for low, high in box]
    others = [cluster.hull for cluster in search.clusters if not inside(cluster.hull, box)] + search.flat
    for k in range(4, 4 + 2 * _RIMS, 2):
        wide = tuple((c - s * 2.0**-k, c + s * 2.0**-k) for c, s in zip(centre, search.scale, strict=True))
        if not inside(box, wide):
            return ""
        if not inside(wide, search.box) or search.zeros.meet(wide) or search.stopped:
            continue
        if any(overlap(wide, other) for other in others):
            continue
        with precision(SEARCH_BITS):
            if not search.surface.standing(balls(wide)).cross <= {"kink"}:
                continue
        with precision(POINT_BITS):
            here = surface.value(exactly([Fraction(x) for x in centre]), POINT_BITS)
            rim = [surface.value(balls(piece), POINT_BITS) for piece in _rim(wide)]
            if all(value > here for value in rim):
                return "minimum"
            if all(value < here for value in rim):
                return "maximum"
    return ""


def _rim(box: Box) -> list[Box]:
    """The faces of a box in pieces."""
    pieces = []
    for k in range(len(box)):
        spans = []
        for i, (low, high) in enumerate(box):
            cuts = [low + (high - low) * j / _PIECES for j in range(_PIECES)] + [high]
            spans.append([(e, e) for e in (low, high)] if i == k else list(pairwise(cuts)))
        pieces += list(product(*spans))
    return pieces


def ranges(search: Search, box: Box) -> dict[str, tuple[float, float]]:
    """A box by the names of the variables."""
    return dict(zip(search.surface.program.inputs, box, strict=True))


def region(search: Search, cluster: Cluster) -> Region:
    """A cluster that is no point, and what can be said of it."""
    count = len(cluster.boxes)
    place = ranges(search, cluster.hull)
    if cluster.cross & {"edge", "pole"}:
        words = "the edge of the domain" if "edge" in cluster.cross else "a pole"
        return Region("edge", place, count, False, f"stationary points this close to {words} are not excluded")
    if cluster.cross:
        words = "jumps" if "jump" in cluster.cross else "kinks"
        return Region(
            "kinks", place, count, False, f"whether 0 lies between the slopes at these {words} is not decided"
        )
    if search.stopped:
        return Region("undecided", place, count, False, "the search ended before this part was settled")
    zeros, tested, same = _zeros_within(search, cluster)
    if tested and zeros >= _MOST_OF_THEM * tested and not same:
        note = f"a curve or surface of stationary points: Newton's method met one from {zeros} of {tested} places"
        return Region("curve", place, count, False, note)
    return Region("undecided", place, count, False, "balls could not tell whether there are stationary points here")


def _zeros_within(search: Search, cluster: Cluster) -> tuple[int, int, bool]:
    """From how many places Newton's method meets a zero near a cluster, of how many; and whether it is always one."""
    surface = search.surface
    met = []
    places = cluster.boxes[:: max(1, len(cluster.boxes) // _TESTED)]
    with precision(SEARCH_BITS):
        for box in places:
            point = polish(surface, middle(box), 40, _SINGULAR_SHARE)
            wide = tuple((low - 2 * (high - low), high + 2 * (high - low)) for low, high in box)
            if point is None or not all(a <= p <= b for p, (a, b) in zip(point, wide, strict=True)):
                continue
            slope = max(abs(float(g)) for g in surface.gradient([arb(x) for x in point]))
            steep = max(abs(float(g)) for g in surface.gradient([arb(x) for x in middle(box)]))
            if slope <= 1e-9 * steep or slope < 1e-14:
                met.append(point)
    search.met += map(tuple, met)
    spread = max((max(abs(a - b) / s for a, b, s in zip(p, met[0], search.scale, strict=True)) for p in met), default=0)
    return len(met), len(places), spread < _CURVE_SPREAD


_BISECTIONS = 80
_TURNS = {(-1, 1): "minimum", (1, -1): "maximum", (1, 1): "inflection", (-1, -1): "inflection"}
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
                kind = _TURNS.get((_slope(surface, box[0][0]), _slope(surface, box[0][1])), kind)
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
        for _ in range(_BISECTIONS):
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

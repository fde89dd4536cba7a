"""What the last boxes of a search hold: degenerate points, kinks, curves of stationary points, or what is undecided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

from flint import arb

from diffkit.algebras.balls import precision
from diffkit.functions import Expression
from diffkit.learn.boxes import BITS, FINE, Box, Surface, balls, inside, measured, middle
from diffkit.learn.kinds import by_lines, exactly, is_stationary, only_zero, signs
from diffkit.learn.model import Region, StationaryPoint
from diffkit.learn.newton import polish
from diffkit.learn.search import Cluster, Search
from diffkit.prepared import Prepared
from diffkit.questions import ask

DENOMINATOR = 1000  # of the fractions that are tried as exact coordinates
BISECTIONS = 80
RIMS = 12  # sizes of the box around a place on whose rim f is compared with its value inside
PIECES = 8  # into which each side of a rim is cut, where it has two dimensions or more
TESTED = 24  # places of a cluster from which Newton's method looks for zeros
TINY = 1e-12
TURNS = {(-1, 1): "minimum", (1, -1): "maximum", (1, 1): "inflection", (-1, -1): "inflection"}
"""kinds by the signs of f′ on the left and on the right"""
COARSE = 0.02  # part of the largest singular value below which one counts as 0, to walk straight to a curve


def look_at(search: Search, cluster: Cluster) -> StationaryPoint | Region | None:
    """Say what a cluster holds: a point, a region, or (proven) nothing."""
    if cluster.cross & {"edge", "pole"} or not cluster.small:
        return region(search, cluster)
    surface = search.surface
    if cluster.cross:
        if surface.count == 1 and _ends_flat(surface, cluster.hull):
            return None
        if (found := _glued(search, cluster)) is not None:
            return found
    if "jump" in cluster.cross:
        return region(search, cluster)
    if cluster.cross:
        return _between_slopes(search, cluster) if surface.count == 1 else _kink(search, cluster)
    return _degenerate(search, cluster)


def located(surface: Surface, box: Box, **facts: Any) -> StationaryPoint:
    """A point somewhere in a box, with the value of f there."""
    at = [simplest(low, high) for low, high in box]
    with precision(FINE):
        number, error = measured(surface.value(balls(box), FINE))
    radius = max(max(x - low, high - x) for x, (low, high) in zip(at, box, strict=True))
    names = surface.program.inputs
    return StationaryPoint(dict(zip(names, at, strict=True)), number, error, **{"radius": _up(radius), **facts})


def _up(x: float) -> float:
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
    for limit in (1, 16, DENOMINATOR):
        point = [Fraction(x).limit_denominator(limit) for x in near]
        if point not in found and all(a <= p <= b for p, (a, b) in zip(point, box, strict=True)):
            found.append(point)
    return found


# Smooth places --------------------------------------------------------------------------------------------------------


def _degenerate(search: Search, cluster: Cluster) -> StationaryPoint | Region | None:
    """A place with a singular Hessian: exact if it is rational, else by a change of sign, else numeric."""
    surface, box = search.surface, cluster.hull
    with precision(BITS):
        near = polish(surface, middle(box)) or middle(box)
    width = [max(high - low, TINY) for low, high in box]
    around = tuple((low - w, high + w) for (low, high), w in zip(box, width, strict=True))
    for point in fractions_in(around, near):
        if is_stationary(surface, point):
            return _exact(search, around, point)
    if surface.count == 1:
        found = _between_slopes(search, cluster)
        if isinstance(found, StationaryPoint):
            return found
    rim = enclosed(search, around)
    kind = "inflection" if surface.count == 1 else "degenerate"  # f′ keeps its sign, or it would have been proven
    facts: dict[str, Any] = {"kind": kind, "proof": "numeric"}
    if rim:
        facts = {"kind": rim, "proof": "enclosed", "kind_proven": True}
    with precision(FINE):
        hessian = surface.hessian([arb(x) for x in near], FINE)
        eigenvalues = signs(hessian).eigenvalues if hessian is not None else ()
    note = "the Hessian is singular, or too nearly so for a proof"
    return located(surface, box, eigenvalues=eigenvalues, note=note, **facts)


def _exact(search: Search, box: Box, point: Sequence[Fraction]) -> StationaryPoint:
    """A stationary point that exact arithmetic proves."""
    surface = search.surface
    at = [float(x) for x in point]
    with precision(FINE):
        place = exactly(point)
        hessian = surface.hessian(place, FINE)
        found = signs(hessian)
        kind, eigenvalues = found.kind, found.eigenvalues
        number, error = measured(surface.value(place, FINE))
        radius = max(float(abs(p - arb(x)).upper()) for p, x in zip(place, at, strict=True))
    note = ""
    if not kind:
        kind, along = by_lines(surface, point)
        if along is not None and surface.count == 1:
            note = f"the first derivative after f′ that is not 0 here is the {ordinal(along.order)}"
            with precision(FINE):
                alone = only_zero(surface, balls(box), along.order)
        else:
            alone = False
            note = "the Hessian is singular"
        if not alone:
            note += "; other stationary points within 1e-6 of it are not excluded" if search.least > 1e-8 else ""
    proven = bool(kind)
    if not kind:
        kind = enclosed(search, box)
        proven = bool(kind)
    names = surface.program.inputs
    return StationaryPoint(
        dict(zip(names, at, strict=True)), number, error, kind or "degenerate",  # type: ignore[arg-type]
        "exact", proven, _up(radius), eigenvalues, note=note,
    )  # fmt: skip


def ordinal(n: int) -> str:
    """3rd, 4th."""
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n, 'th') }".replace(" ", "")


def enclosed(search: Search, box: Box) -> str:
    """Whether f is higher (or lower) all around a place than in it: then the only stationary place inside is extreme.

    The box around it grows from large to small until it holds no other place of the search.
    """
    surface = search.surface
    if surface.count > 3:
        return ""
    centre = [simplest(low, high) for low, high in box]
    others = [zero.alone for zero in search.zeros] + [
        c.hull for c in search.clusters if not inside(c.hull, box)
    ] + search.flat  # fmt: skip
    for k in range(4, 4 + 2 * RIMS, 2):
        wide = tuple((c - s * 2.0**-k, c + s * 2.0**-k) for c, s in zip(centre, search.scale, strict=True))
        if not inside(box, wide):
            return ""
        if not inside(wide, search.box) or any(_meet(wide, other) for other in others) or search.stopped:
            continue
        with precision(FINE):
            here = surface.value(exactly([Fraction(x) for x in centre]), FINE)
            rim = [surface.value(balls(piece), FINE) for piece in _rim(wide)]
            if all(value > here for value in rim):
                return "minimum"
            if all(value < here for value in rim):
                return "maximum"
    return ""


def _meet(one: Box, other: Box) -> bool:
    return all(low <= b and a <= high for (low, high), (a, b) in zip(one, other, strict=True))


def _rim(box: Box) -> list[Box]:
    """The faces of a box in pieces."""
    pieces = []
    for k in range(len(box)):
        spans = []
        for i, (low, high) in enumerate(box):
            cuts = [low + (high - low) * j / PIECES for j in range(PIECES)] + [high]
            spans.append([(e, e) for e in (low, high)] if i == k else list(zip(cuts, cuts[1:], strict=False)))
        pieces += list(product(*spans))
    return pieces


# Kinks and jumps ----------------------------------------------------------------------------------------------------------------


def _slope(surface: Surface, x: float) -> int:
    """The proven sign of f′ at a number where f is smooth; 0 if there is none."""
    at = [arb(x)]
    if surface.standing(at).outside:
        return 0
    slope = surface.gradient(at)[0]
    return 1 if slope > 0 else -1 if slope < 0 else 0


def _ends_flat(surface: Surface, box: Box) -> bool:
    """Whether f of one variable is flat right beside a place: then that is the end of a flat region."""
    with precision(BITS):
        ends = [[arb(end)] for end in box[0]]
        return any(surface.standing(end).smooth and surface.gradient(end)[0].is_zero() for end in ends)


def _glued(search: Search, cluster: Cluster) -> StationaryPoint | None:
    """A place where pieces of f meet so well that the referee proves the gradient to exist, and to be 0."""
    surface, box = search.surface, cluster.hull
    prepared = Prepared(ask(Expression(surface.program), "gradient"))
    for point in fractions_in(box, middle(box)):
        at = [float(x) for x in point]
        found = prepared.result(at)
        if not found.ok or any(found.value) or any(found.error):
            continue
        note = "pieces of f meet here, and the gradient is proven to be 0"
        kind = enclosed(search, box)
        if surface.count == 1:
            with precision(BITS):
                kind = TURNS.get((_slope(surface, box[0][0]), _slope(surface, box[0][1])), kind)
        exact = tuple((x, x) for x in at)
        return located(surface, exact, kind=kind or "degenerate", proof="exact", kind_proven=bool(kind), note=note)
    return None


def _between_slopes(search: Search, cluster: Cluster) -> StationaryPoint | Region | None:
    """A least or greatest value of a continuous f of one variable, between slopes of opposite signs."""
    surface = search.surface
    ((low, high),) = cluster.hull
    reach = max(high - low, 4 * math.ulp(max(abs(low), abs(high))))
    with precision(BITS):
        low, high = low - reach / 2, high + reach / 2
        left, right = _slope(surface, low), _slope(surface, high)
        if left * right >= 0:
            if left * right > 0 and cluster.cross:
                return replace_kind(region(search, cluster), "f rises or falls on both sides of this kink")
            return region(search, cluster)
        for _ in range(BISECTIONS):
            cut = low / 2 + high / 2
            sign = _slope(surface, cut) if low < cut < high else 0
            if not sign:
                break
            low, high = (cut, high) if sign == left else (low, cut)
    kind = "minimum" if left < 0 else "maximum"
    word = "kink " if cluster.cross else ""
    note = f"f′ changes its sign from {'− to +' if left < 0 else '+ to −'} here"
    return located(
        surface, ((low, high),), kind=f"{word}{kind}", proof="enclosed", kind_proven=True, note=note
    )  # fmt: skip


def _kink(search: Search, cluster: Cluster) -> StationaryPoint | Region | None:
    """A kink of several variables where 0 may lie between the slopes: extreme if f is on one side all around."""
    box = cluster.hull
    rim = enclosed(search, box)
    if not rim:
        return region(search, cluster)
    note = f"f is {'higher' if rim == 'minimum' else 'lower'} all around this kink"
    return located(search.surface, box, kind=f"kink {rim}", proof="enclosed", kind_proven=True, note=note)


# Regions --------------------------------------------------------------------------------------------------------------


def ranges(search: Search, box: Box) -> dict[str, tuple[float, float]]:
    """A box by the names of the variables."""
    return dict(zip(search.surface.program.inputs, box, strict=True))


def replace_kind(found: Region, note: str) -> Region:
    """A region with another note."""
    return replace(found, note=note)


def region(search: Search, cluster: Cluster) -> Region:
    """A cluster that is no point, and what can be said of it."""
    count = len(cluster.boxes)
    place = ranges(search, cluster.hull)
    if cluster.cross & {"edge", "pole"}:
        words = "the edge of the domain" if "edge" in cluster.cross else "a pole"
        return Region("edge", place, count, False, f"stationary points this close to {words} are not excluded")
    if cluster.cross:
        words = "jumps" if "jump" in cluster.cross else "kinks"
        return Region("kinks", place, count, False, f"whether 0 lies between the slopes at these {words} is not decided")
    zeros, tested, same = _zeros_within(search, cluster)
    if tested and zeros == tested and not same:
        note = f"a curve or surface of stationary points: Newton's method met one from each of {tested} places"
        return Region("curve", place, count, False, note)
    note = "the search ended here" if search.stopped else "balls could not tell whether there is a stationary point"
    return Region("undecided", place, count, False, note)


def _zeros_within(search: Search, cluster: Cluster) -> tuple[int, int, bool]:
    """From how many places Newton's method meets a zero near a cluster, of how many; and whether it is always one."""
    surface = search.surface
    met = []
    places = cluster.boxes[:: max(1, len(cluster.boxes) // TESTED)]
    with precision(BITS):
        for box in places:
            point = polish(surface, middle(box), 40, COARSE)
            wide = tuple((low - 2 * (high - low), high + 2 * (high - low)) for low, high in box)
            if point is None or not all(a <= p <= b for p, (a, b) in zip(point, wide, strict=True)):
                continue
            slope = max(abs(float(g)) for g in surface.gradient([arb(x) for x in point]))
            steep = max(abs(float(g)) for g in surface.gradient([arb(x) for x in middle(box)]))
            if slope <= 1e-9 * steep or slope < 1e-14:
                met.append(point)
    spread = max((max(abs(a - b) / s for a, b, s in zip(p, met[0], search.scale, strict=True)) for p in met), default=0)
    return len(met), len(places), spread < 1e-6


__all__ = ["located", "look_at", "ordinal", "ranges", "region", "simplest"]

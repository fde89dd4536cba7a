"""What the last boxes of a search hold: degenerate points, kinks, or a region that is no point."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from diffkit.algebras.balls import precision
from diffkit.learn.stationary_points.boxes import BITS, FINE, Box, balls, measured, middle
from diffkit.learn.stationary_points.kinds import by_lines, exactly, is_stationary, only_zero, signs
from diffkit.learn.stationary_points.kinks import between_slopes, ends_flat, glued, kink
from diffkit.learn.stationary_points.model import Region, StationaryPoint
from diffkit.learn.stationary_points.newton import polish
from diffkit.learn.stationary_points.places import enclosed, fractions_in, located, up
from diffkit.learn.stationary_points.search import Cluster, Search
from diffkit.learn.stationary_points.undecided import region

TINY = 1e-12  # least width of the neighbourhood in which exact coordinates are tried


def look_at(search: Search, cluster: Cluster) -> StationaryPoint | Region | None:
    """Say what a cluster holds: a point, a region, or (proven) nothing."""
    if cluster.cross & {"edge", "pole"} or not cluster.small:
        return region(search, cluster)
    surface = search.surface
    if cluster.cross:
        if surface.count == 1 and ends_flat(surface, cluster.hull):
            return None
        if (found := glued(search, cluster)) is not None:
            return found
    if "jump" in cluster.cross:
        return region(search, cluster)
    if cluster.cross:
        return between_slopes(search, cluster) if surface.count == 1 else kink(search, cluster)
    return _degenerate(search, cluster)


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
        found = between_slopes(search, cluster)
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
        "exact", proven, up(radius), eigenvalues, note=note,
    )  # fmt: skip


def ordinal(n: int) -> str:
    """3rd, 4th."""
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n, 'th') }".replace(" ", "")

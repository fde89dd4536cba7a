"""Stationary points as blocks and as fields: what was found, of what kind, what is proven, and the values around."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffkit.core.decimals import above, apart, below, stepped
from diffkit.reports.document import (
    Block,
    Document,
    Drawing,
    Equation,
    Gap,
    Heading,
    Note,
    Table,
    listed,
    picked,
    present,
    shown,
)

if TYPE_CHECKING:
    from diffkit.lessons.stationary_points.points_found import Extreme, Region, StationaryPoint, StationaryPoints
    from diffkit.reports.pictures.charts import Chart

_POINTS_SHOWN = 60  # points and regions shown
_LONG = 17  # digits of a value that is known to the last bit
_SUM_UP = 1 + 2.0**-50  # makes up for the rounding of a sum of two sizes
_PROOF_WORDS = {
    "interval Newton": "interval Newton: exactly one stationary point lies within the radius",
    "exact": "exact: exact arithmetic gives a gradient of 0 at this very point",
    "enclosed": "enclosed: f takes a least or greatest value within the radius",
    "numeric": "numeric: Newton's method with 300 digits converges to it; that it exists is not proven",
}
"""What each kind of proof says."""
_REGIONS = {"flat": "f is flat", "curve": "a curve or surface", "kinks": "kinks or jumps", "edge": "edge of the domain",
           "undecided": "undecided"}  # fmt: skip


@dataclass(frozen=True)
class StationaryReport(Document):
    """What a search for stationary points found."""

    found: StationaryPoints

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Stationary points"

    def charts(self) -> Iterator[Chart]:
        """Pictures are saved on their own."""
        yield from ()

    def blocks(self) -> Iterator[Block]:
        """Lay the points out."""
        found = self.found
        yield Equation(f"f({', '.join(found.variables)})", found.expression)
        yield Equation("box", place(found.box))
        yield Gap()
        yield Note(found.message)
        if found.points:
            yield Gap()
            yield _points(found)
            yield Gap()
            proofs = dict.fromkeys(p.proof for p in found.points)
            yield from (Note(_PROOF_WORDS[proof]) for proof in proofs)
            yield from _remarks(found)
        if found.regions:
            yield Gap()
            yield Heading("Regions")
            yield _regions(found)
        yield Gap()
        if found.lowest is not None:
            yield Note(extreme(found.lowest, found.lowest.high, found.lowest.low, "least", "lower"))
        if found.highest is not None:
            yield Note(extreme(found.highest, found.highest.low, found.highest.high, "greatest", "higher"))
        yield from map(Note, found.notes)
        yield Note(f"{found.boxes:,} {'box was' if found.boxes == 1 else 'boxes were'} looked at")

    def picture(self) -> Drawing:
        """Draw it."""
        return Drawing("extrema:picture", (self.found,))

    def fields(self) -> dict[str, Any]:
        """Give the fields of the points."""
        found = self.found
        return {
            "schema": "diffkit.stationary/1",
            "f": found.expression,
            **picked(found, "variables", "box"),
            "points": [
                {
                    **picked(p, "at", "radius", "value", "value_error", "kind", "kind_proven", "proof", "eigenvalues"),
                    **picked(p, "is_global"),
                    **present(p, "note"),
                }
                for p in found.points
            ],
            "regions": [picked(r, "kind", "ranges", "boxes", "proven", "note") for r in found.regions],
            **picked(found, "complete", "message"),
            "lowest": _extreme_fields(found.lowest),
            "highest": _extreme_fields(found.highest),
            **picked(found, "boxes"),
            **present(found, "stopped"),
            **picked(found, "notes"),
        }


def _extreme_fields(found: Extreme | None) -> dict[str, Any] | None:
    return None if found is None else picked(found, "low", "high", "at", "where", "proven", "tolerance")


def number(value: float) -> str:
    """A number with twelve digits."""
    return f"{value + 0.0:.12g}"


def place(box: Any) -> str:
    """A box in words: x from −2 to 2."""
    return listed([f"{name} from {number(low)} to {number(high)}" for name, (low, high) in box.items()], 8)


def _scoped(point: StationaryPoint) -> str:
    """The kind of a point, with global or local where that is known."""
    word = {True: "global ", False: "local ", None: ""}[point.is_global]
    return f"{word}{point.kind}" + ("" if point.kind_proven else " (not proven)")


def _points(found: StationaryPoints) -> Block:
    header = ("kind", *found.variables, "f", "Hessian's eigenvalues", "radius", "proof")
    rows = [
        (
            _scoped(p), *map(number, p.at.values()), number(p.value),
            ", ".join(f"{v:.6g}" for v in p.eigenvalues) or "–",
            _radius(p), p.proof,
        )
        for p in found.points[:_POINTS_SHOWN]
    ]  # fmt: skip
    if len(found.points) > _POINTS_SHOWN:
        rows.append((f"… {len(found.points) - _POINTS_SHOWN} more", *[""] * (len(header) - 1)))
    return Table(header, tuple(rows))


def _radius(point: StationaryPoint) -> str:
    """How far the true point may be from the coordinates that are printed, in any of them."""
    if point.radius is None:
        return "–"
    radius = max(point.radius + apart(x, number(x)) for x in point.point) * _SUM_UP
    return "< 1e-30" if 0 < radius < 1e-30 else above(radius, 3)


def _remarks(found: StationaryPoints) -> Iterator[Block]:
    """What there is to say of points, each sentence once, with the points it is about."""
    by_note: dict[str, list[StationaryPoint]] = {}
    for p in found.points[:_POINTS_SHOWN]:
        if p.note:
            by_note.setdefault(p.note, []).append(p)
    for note, points in by_note.items():
        where = listed(["(" + ", ".join(f"{v:.6g}" for v in p.at.values()) + ")" for p in points], 4)
        yield Note(f"at {where}: {note}")


def _regions(found: StationaryPoints) -> Block:
    rows = [(_REGIONS[r.kind], *_sides(r, found.box), r.note) for r in found.regions[:_POINTS_SHOWN]]
    if len(found.regions) > _POINTS_SHOWN:
        rows.append((f"… {len(found.regions) - _POINTS_SHOWN} more", *[""] * (len(found.variables) + 1)))
    return Table(("region", *found.variables, "what is known"), tuple(rows))


def _sides(region: Region, box: Any) -> list[str]:
    """The sides of a region, rounded to about a millionth of the box, or as a place where it is smaller.

    Outward, so that what is not decided lies between them; inward where all of what lies between them is flat.
    """
    outward, sides = region.kind != "flat", []
    for name, (low, high) in region.ranges.items():
        unit = math.floor(math.log10(box[name][1] - box[name][0]) - 6)
        if high - low > 10.0**unit:
            sides.append(f"{stepped(low, unit, not outward)} to {stepped(high, unit, outward)}")
        else:
            sides.append(f"about {stepped(low / 2 + high / 2, unit, True)}")
    return sides


def extreme(found: Extreme, reached: float, bound: float, word: str, beyond: str) -> str:
    """A sentence on the least or the greatest value."""
    exact = not found.proven  # next to a pole ten digits would give the pole itself
    at = ", ".join(f"{name} = {repr(value) if exact else f'{value:.10g}'}" for name, value in found.at.items())
    where = {"stationary point": "a stationary point", "edge of the box": "the edge of the box"}.get(
        found.where, "inside the box"
    )
    if found.proven and found.low == found.high:
        return f"{word} value in the box: {shown(reached)}, at {at} ({where}); proven, exactly"
    if found.proven:
        between = f"between {below(found.low, _LONG)} and {above(found.high, _LONG)}"
        near = 0.0 if found.low <= 0 <= found.high else reached
        return f"{word} value in the box: {near:.10g}, at {at} ({where}); proven to lie {between}"
    known = abs(bound) < float("inf")
    outward = below if beyond == "lower" else above
    nothing = "no bound could be proven, and there may be none"
    limit = f"no value is {beyond} than {outward(bound, 10)}" if known else nothing
    return f"{word} value found: {reached + 0.0:.10g}, at {at} ({where}); {limit}"

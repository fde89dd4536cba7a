"""What can be said of a part of the box that a search neither settled nor narrowed to a point."""

from __future__ import annotations

from flint import arb

from diffkit.lessons.stationary_points.boxes import BITS
from diffkit.lessons.stationary_points.branch_and_bound import Cluster, Search
from diffkit.lessons.stationary_points.newton import polish
from diffkit.lessons.stationary_points.points_found import Region
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, middle

TESTED = 24  # places of a cluster from which Newton's method looks for zeros
CURVE = 1e-3  # part of the box that zeros must spread over to be a curve rather than one degenerate place
MOST_OF_THEM = 0.7  # of the places from which zeros must be met along a curve; where curves cross few are
COARSE = 0.02  # part of the largest singular value below which one counts as 0, to walk straight to a curve


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
    if tested and zeros >= MOST_OF_THEM * tested and not same:
        note = f"a curve or surface of stationary points: Newton's method met one from {zeros} of {tested} places"
        return Region("curve", place, count, False, note)
    return Region("undecided", place, count, False, "balls could not tell whether there are stationary points here")


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
    search.met += map(tuple, met)
    spread = max((max(abs(a - b) / s for a, b, s in zip(p, met[0], search.scale, strict=True)) for p in met), default=0)
    return len(met), len(places), spread < CURVE

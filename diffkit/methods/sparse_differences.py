"""Differences of a sparse Jacobian: the samples of many entries in one evaluation of f, each entry searched by itself.

An entry ∂fₖ/∂xⱼ is looked for with fₖ as a function of xⱼ alone. Inputs of one colour lead to no output together, so
one evaluation moves all of them, each to where a search of its own wants it, with the values of moving one at a time
(Curtis, Powell & Reid, On the estimation of sparse Jacobian matrices, 1974).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diffkit.asking.tasks import Task
from diffkit.methods.coloured import jacobian_colours
from diffkit.methods.differences import Difference, Effort, Point, Sampler, partials

if TYPE_CHECKING:
    from diffkit.asking.callables import Bound

_POINTS_HELD = 2**22  # numbers in the points of one call


def sparse_partials(task: Task, point: Point, unit: float, effort: Effort) -> tuple[Sampler, list[Difference]]:
    """Give the entries of a sparse Jacobian of code at a point, and what samples f for entry e at (xⱼ, e)."""
    assert task.function is not None
    samples = _EntrySamples(task.function, task.indices, jacobian_colours(task), point)
    sampler = Sampler(samples.values, unit)
    rows = partials(sampler, [samples.start(entry) for entry in range(len(task.indices))], [(0,)], effort)
    return sampler, [difference for (difference,) in rows]


class _EntrySamples:
    """fₖ with xⱼ moved, for many entries (k, j) at a time."""

    def __init__(self, function: Bound, indices: Sequence[Any], colours: Sequence[int], point: Point):
        import numpy as np

        self.function, self.colours, self.point = function, colours, np.array(point, dtype=float)
        self.outputs = [output for output, _ in indices]
        self.inputs = [j for _, (j,) in indices]

    def start(self, entry: int) -> Point:
        """The point at which an entry is looked for: xⱼ, and its number."""
        return float(self.point[self.inputs[entry]]), float(entry)

    def values(self, wanted: Sequence[Point]) -> list[float]:
        """fₖ for each pair of a place of xⱼ and the number of an entry."""
        found = [math.nan] * len(wanted)
        colours: dict[int, dict[int, dict[float, list[int]]]] = {}
        for place, (x, entry) in enumerate(wanted):
            j = self.inputs[int(entry)]
            colours.setdefault(self.colours[j], {}).setdefault(j, {}).setdefault(x, []).append(place)
        for moves in colours.values():
            self._fill(found, wanted, moves)
        return found

    def _fill(self, found: list[float], wanted: Sequence[Point], moves: dict[int, dict[float, list[int]]]) -> None:
        """Values that inputs of one colour lead to: for each input where it is wanted, and for whom."""
        import numpy as np

        depth, size = max(map(len, moves.values())), max(1, _POINTS_HELD // len(self.point))
        tracks = [(j, list(places.items())) for j, places in moves.items()]
        for first in range(0, depth, size):
            rows = np.tile(self.point, (min(size, depth - first), 1))
            for j, track in tracks:
                part = [x for x, _ in track[first : first + size]]
                rows[: len(part), j] = part
            block = self.function.block(rows)
            together = np.isnan(block).all(axis=1)
            for j, track in tracks:
                for row, (x, places) in enumerate(track[first : first + size]):
                    values = self._alone(j, x) if together[row] and len(tracks) > 1 else block[row]
                    for place in places:
                        found[place] = float(values[self.outputs[int(wanted[place][1])]])

    def _alone(self, j: int, x: float) -> Any:
        """All outputs where one input moves: another that moved as well may be why there was no value."""
        moved = self.point.copy()
        moved[j] = x
        return self.function.values(moved)

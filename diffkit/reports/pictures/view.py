"""What of a cost a picture of a descent shows: some of the weights, around the lowest point near the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffkit.core.errors import DiffkitError

if TYPE_CHECKING:
    from diffkit.lessons.gradient_descent.descent import Descent

ROOM = 1.15  # times the farthest point's distance from the middle that a picture reaches to both sides
ESCAPING = 12  # points of a diverging path that are drawn: the later ones would dwarf them
STRIP = 0.05  # times as narrow as long: down to there a picture is widened, so that both axes can have one scale
NEWTON = 30  # steps at most to the lowest point
LEVEL = 1e-6  # slope there, as a part of the slopes on the way, that counts as none


class View:
    """The cost over some weights, the others as they are at the end, with the minimum in the middle.

    ``points`` are those of the path in these weights, shape (K, k); ``sides`` the places along each; ``lowest`` is the
    minimum over these weights that Newton's method finds from the end, or None.
    """

    def __init__(self, descent: Descent, chosen: Sequence[int], places: int):
        if len(descent.names) < len(chosen):
            raise DiffkitError("a surface needs two weights", hint="draw the picture loss or weights")
        path = _drawn(descent)
        self.descent, self.chosen, self.end = descent, list(chosen), path[-1]
        self.points = path[:, self.chosen]
        self.lowest = self._lowest()
        middle = self.points[-1] if self.lowest is None else self.lowest
        reach = ROOM * abs(self.points - middle).max(axis=0)
        reach = np.where(reach > STRIP * reach.max(), np.maximum(reach, reach.max() / 2), reach)
        reach = np.where(reach > 0, reach, 0.5 * (1 + abs(middle)))
        self.sides = [np.linspace(m - r, m + r, places) for m, r in zip(middle, reach, strict=True)]

    def at(self, chosen: Any) -> float:
        """The cost where these weights have the given values; NaN where it has none."""
        with np.errstate(all="ignore"):
            value = float(self.descent.cost.value(self._whole(chosen)))
        return value if math.isfinite(value) else math.nan

    def heights(self) -> Any:
        """The cost at all places of two sides, a row for each place of the second."""
        xs, ys = self.sides
        return np.array([[self.at([x, y]) for x in xs] for y in ys])

    def lifted(self) -> tuple[Any, Any]:
        """The points and the lowest one with the cost as one coordinate more."""
        points = np.array([[*p, self.at(p)] for p in self.points])
        return points, None if self.lowest is None else [*self.lowest, self.at(self.lowest)]

    def _whole(self, chosen: Any) -> Any:
        x = self.end.copy()
        x[self.chosen] = chosen
        return x

    def _lowest(self) -> Any:
        """Newton's x ← x − H⁻¹g in these weights; None unless it ends where g is 0, with H positive all the way."""
        place = self.points[-1]
        slopes = [self._slope(p) for p in self.points[[0, -1]]]
        for _ in range(NEWTON):
            x, slope = self._whole(place), self._slope(place)
            bend = np.array([self.descent.hessians.times(x, unit)[self.chosen] for unit in self._units()])
            if not (np.isfinite(bend).all() and (np.linalg.eigvalsh(bend) > 0).all()):
                return None
            place = place - np.linalg.solve(bend, slope)
            slopes.append(slope)
            if abs(self._slope(place)).max() <= LEVEL * max(abs(s).max() for s in slopes):
                return place
        return None

    def _slope(self, chosen: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.descent.cost.at(self._whole(chosen))[1][self.chosen]

    def _units(self) -> Any:
        units = np.zeros((len(self.chosen), len(self.end)))
        units[range(len(self.chosen)), self.chosen] = 1
        return units


def _drawn(descent: Descent) -> Any:
    """The kept points with a value, at least the start; of a diverging path the first few."""
    points = descent.path.points
    usable = np.isfinite(points).all(axis=1) & np.isfinite(descent.path.values)
    usable[0] = True
    return points[usable][:ESCAPING] if descent.status == "diverged" else points[usable]

"""What a search for stationary points found: points, regions, the least and greatest values, and what is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from diffkit.core.equality import ByContent

Kind = Literal[
    "minimum", "maximum", "saddle", "inflection", "degenerate", "kink minimum", "kink maximum"
]  # fmt: skip
Proof = Literal["interval Newton", "exact", "enclosed", "numeric"]


@dataclass(frozen=True, eq=False)
class StationaryPoint(ByContent):
    """A point where ∇f = 0, or at a kink 0 lies between the slopes.

    ``at`` gives the nearest floats; the true point is no further than ``radius`` in any coordinate (None if that is
    not proven). ``value`` is f there, within ``value_error``. ``eigenvalues`` are the Hessian's, in ascending order,
    rounded; empty at a kink. ``is_global`` says whether no value in the whole box is lower (of a minimum) or higher
    (of a maximum) by more than the tolerance of the extreme value, and at no point listed as far as 1024 bits tell;
    None for other kinds, and where that is not decided.
    """

    at: Mapping[str, float]
    value: float
    value_error: float
    kind: Kind
    proof: Proof
    kind_proven: bool = False
    radius: float | None = None
    eigenvalues: tuple[float, ...] = ()
    is_global: bool | None = None
    note: str = ""

    @property
    def point(self) -> tuple[float, ...]:
        """The coordinates in the order of the variables."""
        return tuple(self.at.values())

    def __str__(self) -> str:
        place = ", ".join(f"{name} = {value:.10g}" for name, value in self.at.items())
        scope = {True: "global ", False: "local ", None: ""}[self.is_global]
        return f"{scope}{self.kind} at {place}: f = {self.value:.10g} ({self.proof})"


RegionKind = Literal["flat", "curve", "kinks", "edge", "undecided"]


@dataclass(frozen=True, eq=False)
class Region(ByContent):
    """A part of the box that is more than a point: f is flat there, or balls could not decide what it holds.

    ``ranges`` is the least box around it; ``proven`` says that every point of a flat region is stationary, its edge
    excepted where f may jump there.
    """

    kind: RegionKind
    ranges: Mapping[str, tuple[float, float]]
    boxes: int
    proven: bool
    note: str


@dataclass(frozen=True)
class Extreme:
    """The least (or greatest) value of f in the box: between ``low`` and ``high``, one of which is reached at ``at``.

    ``where`` says what is at ``at``: "stationary point", "edge of the box", or "inside". The bounds are rounded
    outward: where the box is fully searched they are neighbouring floats, or equal. ``proven`` says that they are no
    further apart than ``tolerance``.
    """

    low: float
    high: float
    at: Mapping[str, float]
    where: str
    proven: bool
    tolerance: float


@dataclass(frozen=True, eq=False)
class StationaryPoints(ByContent):
    """The stationary points of f in a box.

    ``points`` are sorted by value. ``complete`` says that every stationary point in the box is proven to lie within
    the radius of a point listed, or in a region listed as flat. ``regions`` hold what is no point. ``stopped`` says
    why the search ended early, if it did. ``boxes`` counts the boxes looked at.
    """

    expression: str
    variables: tuple[str, ...]
    box: Mapping[str, tuple[float, float]]
    points: tuple[StationaryPoint, ...]
    regions: tuple[Region, ...]
    complete: bool
    message: str
    lowest: Extreme | None = None
    highest: Extreme | None = None
    boxes: int = 0
    stopped: str = ""
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.points)

    def __bool__(self) -> bool:
        """A search is true only if all points are found, also where there are none."""
        return self.complete

    def of_kind(self, kind: str) -> tuple[StationaryPoint, ...]:
        """The points of a kind."""
        return tuple(p for p in self.points if p.kind == kind)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {point}" for point in self.points)])

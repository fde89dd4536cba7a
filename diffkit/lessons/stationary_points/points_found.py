"""What a search for stationary points found: points, regions, extremes; and what proves of what kind a point is.

By Sylvester's law QᵀHQ has as many positive and negative eigenvalues as H for every invertible Q; with Q near the
eigenvectors it is nearly diagonal, and Gershgorin's discs, which are balls, show the signs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np
from flint import arb, arb_mat

from diffkit.calculus.derivatives import differentiate
from diffkit.core.builder import ProgramBuilder, copy_slots, select
from diffkit.core.equality import ByContent
from diffkit.core.errors import visible
from diffkit.core.limits import POINT_BITS
from diffkit.core.program import Program, run
from diffkit.core.report_views import ReportViews
from diffkit.core.table import ADD, MUL
from diffkit.lessons.stationary_points.boxes import Balls, HullRunner, Surface
from diffkit.numbers.balls import precision, rational
from diffkit.numbers.field import vanishes
from diffkit.numbers.floats import rationals

Kind = Literal[
    "minimum", "maximum", "saddle", "inflection", "degenerate", "kink minimum", "kink maximum"
]  # fmt: skip
Proof = Literal["interval Newton", "exact", "enclosed", "numeric"]


@dataclass(frozen=True, eq=False)
class StationaryPoint(ByContent):
    """A point where ∇f = 0, or at a kink 0 lies between the slopes.

    ``at`` gives the nearest floats; the true point is no further than
    ``radius`` in any coordinate (None if that is not proven). ``value`` is f
    there, within ``value_error``. ``eigenvalues`` are the Hessian's, in
    ascending order, rounded; empty at a kink. ``is_global`` says whether no
    value in the whole box is lower (of a minimum) or higher (of a maximum) by
    more than the tolerance of the extreme value, and at no point listed as far
    as 1024 bits tell; None for other kinds, and where that is not decided.

    Examples
    --------
    >>> (point,) = dk.stationary("x^2 - 2*x", "0:3").points
    >>> point.kind, point.at, point.value, point.is_global
    ('minimum', {'x': 1.0}, -1.0, True)
    """

    at: Mapping[str, float]
    """the nearest floats, by name"""
    value: float
    """f there"""
    value_error: float
    """bound of the error of that"""
    kind: Kind
    """minimum, maximum, saddle, inflection, degenerate, kink minimum or kink maximum"""
    proof: Proof
    """how it was found: interval Newton, exact, enclosed, numeric"""
    kind_proven: bool = False
    """whether the kind is proven too"""
    radius: float | None = None
    """how far the true point is at most in any coordinate, if that is proven"""
    eigenvalues: tuple[float, ...] = ()
    """of the Hessian, in ascending order"""
    is_global: bool | None = None
    """whether it is the least, or greatest, of the whole box; None where that is not decided"""
    note: str = ""
    """what else there is to say"""

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
    """A part of the box that is more than a point.

    f is flat there, or balls could not decide what it holds. ``ranges`` is the
    least box around it; ``proven`` says that every point of a flat region is
    stationary, its edge excepted where f may jump there.

    Examples
    --------
    >>> (region,) = dk.stationary("floor(x)", "0.1:0.9").regions
    >>> region.kind, region.ranges, region.proven
    ('flat', {'x': (0.1, 0.9)}, True)
    """

    kind: RegionKind
    """flat, curve, kinks, edge or undecided"""
    ranges: Mapping[str, tuple[float, float]]
    """of the least box around it, by name"""
    boxes: int
    """how many boxes it is made of"""
    proven: bool
    """whether every point of a flat region is stationary"""
    note: str
    """what is there, in a sentence"""


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


@dataclass(frozen=True, eq=False, repr=False)
class StationaryPoints(ReportViews, ByContent):
    """The stationary points of f in a box.

    ``points`` are sorted by value. ``complete`` says that every stationary
    point in the box is proven to lie within the radius of a point listed, or in
    a region listed as flat; ``bool`` is that. ``regions`` hold what is no
    point. ``stopped`` says why the search ended early, if it did. ``boxes``
    counts the boxes looked at.

    Examples
    --------
    >>> found = dk.stationary("x^3 - 3*x", "-3:3")
    >>> [(point.kind, point.at["x"]) for point in found.points], found.complete
    ([('minimum', 1.0), ('maximum', -1.0)], True)
    """

    expression: str
    """f as text"""
    variables: tuple[str, ...]
    """in their order"""
    box: Mapping[str, tuple[float, float]]
    """that was searched, a range for each variable"""
    points: tuple[StationaryPoint, ...]
    """sorted by value"""
    regions: tuple[Region, ...]
    """what is no point: flat parts, curves, what is undecided"""
    complete: bool
    """whether these are proven to be all"""
    message: str
    """what was found, in a sentence"""
    lowest: Extreme | None = None
    """the least value of f in the box"""
    highest: Extreme | None = None
    """the greatest value of f in the box"""
    boxes: int = 0
    """how many boxes were looked at"""
    stopped: str = ""
    """why the search ended early, if it did"""
    notes: tuple[str, ...] = field(default=())
    """how names were read that may be meant otherwise"""

    def __len__(self) -> int:
        return len(self.points)

    def __bool__(self) -> bool:
        """A search is true only if all points are found, also where there are none."""
        return self.complete

    def of_kind(self, kind: str) -> tuple[StationaryPoint, ...]:
        """The points of a kind.

        Parameters
        ----------
        kind : str
            Such as "minimum", "maximum" or "saddle".

        Returns
        -------
        tuple of StationaryPoint
            Sorted by value.
        """
        return tuple(p for p in self.points if p.kind == kind)

    def __repr__(self) -> str:
        return f"<stationary points of {visible(self.expression)}: {self.message}>"

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {point}" for point in self.points)])


_SIGNED_ORDER = 8  # derivative along a line that is asked for a sign
_LATTICE_DIRECTIONS = 40  # lines through a point, with steps −1, 0 and 1, that are looked along


class Signs(NamedTuple):
    """The kind of point that the signs of a Hessian's eigenvalues prove, or nothing, and the eigenvalues as floats."""

    kind: str
    eigenvalues: tuple[float, ...]


def signs(hessian: Any) -> Signs:
    """Prove the signs of the eigenvalues of a symmetric matrix of balls, as far as the balls allow. In a precision.

    Entries that may be 0 count as 0 in the floats. A positive and a negative entry vᵀHv on the diagonal prove a
    saddle, whatever the discs leave open.
    """
    known = [[0.0 if entry.contains(0) else float(entry) for entry in row] for row in hessian.tolist()]
    values, vectors = np.linalg.eigh(np.array(known))
    q = arb_mat(vectors.tolist())
    rows = (q.transpose() * hessian * q).tolist()
    ends = []
    for i, row in enumerate(rows):
        around = sum((entry.abs_upper() for j, entry in enumerate(row) if j != i), arb(0))
        ends.append((row[i] - around, row[i] + around))
    diagonal = [row[i] for i, row in enumerate(rows)]
    if any(d > 0 for d in diagonal) and any(d < 0 for d in diagonal):
        kind = "saddle"
    else:
        kind = "minimum" if all(a > 0 for a, _ in ends) else "maximum" if all(b < 0 for _, b in ends) else ""
    return Signs(kind, tuple(float(v) for v in values))


# Points that are known exactly ----------------------------------------------------------------------------------------


def is_zero_at(program: Program, output: int, point: Sequence[Fraction]) -> bool:
    """Whether exact arithmetic proves an output of a program to be 0 at a rational point."""
    part = select(program, [output])
    (value,) = run(part, rationals(), list(point))
    return vanishes(part, point) if value is None else bool(value == 0)


def is_stationary(surface: Surface, point: Sequence[Fraction], free: Sequence[int] | None = None) -> bool:
    """Whether exact arithmetic proves the gradient, by the ``free`` variables, to be 0 where f is smooth."""
    program = surface.gradient_program
    with precision(POINT_BITS):
        if not surface.standing(exactly(point), POINT_BITS).smooth:
            return False
    outputs = program.outputs if free is None else [program.outputs[i] for i in free]
    return all(is_zero_at(program, output, point) for output in dict.fromkeys(outputs))


def exactly(point: Sequence[Fraction]) -> list[Any]:
    """Balls of a rational point. In a precision."""
    return [arb(rational(x)) for x in point]


class LeadingDerivative(NamedTuple):
    """f along a line through a point, t ↦ f(p + t·v): the first derivative in t that is not 0, and its sign."""

    order: int
    sign: int


class _SurfaceLine:
    """t ↦ f(p + t·v) with p among the inputs, for whole steps v; derivatives at t = 0."""

    def __init__(self, surface: Surface, direction: Sequence[int]):
        program = surface.program
        builder = ProgramBuilder([*program.inputs, "t "])
        inputs = [builder.input(name) for name in program.inputs]
        t = builder.input("t ")
        moved = [
            builder.apply(ADD, (x, builder.apply(MUL, (builder.constant(v), t)))) if v else x
            for x, v in zip(inputs, direction, strict=True)
        ]
        slots = copy_slots(program, builder, moved)
        self.program = builder.program([slots[o] for o in program.outputs])

    def derivative(self, order: int) -> Program:
        """dⁿ/dtⁿ f(p + t·v)."""
        return differentiate(self.program, [(0, (len(self.program.inputs) - 1,) * order)])

    def first(self, point: Sequence[Fraction]) -> LeadingDerivative | None:
        """The first derivative at t = 0 that is proven not to be 0, those before it being exactly 0."""
        place = [*point, Fraction(0)]
        for order in range(1, _SIGNED_ORDER + 1):
            program = self.derivative(order)
            with precision(POINT_BITS):
                value = HullRunner(program)(POINT_BITS, exactly(place))[0]
                if value > 0 or value < 0:
                    return LeadingDerivative(order, 1 if value > 0 else -1)
            if not is_zero_at(program, program.outputs[0], place):
                return None
        return None


def by_lines(surface: Surface, point: Sequence[Fraction]) -> tuple[str, LeadingDerivative | None]:
    """The kind of an exact point with a singular Hessian that lines through it prove, or nothing.

    An odd first derivative, or even ones of both signs, show lower and higher values at any distance.
    """
    seen: set[int] = set()
    found = None
    steps = [v for v in product((0, 1, -1), repeat=surface.count) if next((s for s in v if s), -1) > 0]
    for direction in steps[:_LATTICE_DIRECTIONS]:
        found = _SurfaceLine(surface, direction).first(point)
        if found is None:
            continue
        if found.order % 2:
            return "inflection" if surface.count == 1 else "saddle", found
        seen.add(found.sign)
        if len(seen) == 2:
            return "saddle", found
    if surface.count == 1 and found is not None:
        return "minimum" if found.sign > 0 else "maximum", found
    return "", found


def only_zero(surface: Surface, x: Balls, order: int) -> bool:
    """Whether f⁽ⁿ⁾ of one variable vanishes nowhere in a ball.

    If f′ … f⁽ⁿ⁻¹⁾ vanish at a point of it, f′ has no other zero in it (Taylor's theorem). In a precision.
    """
    program = differentiate(surface.program, [(0, (0,) * order)])
    return bool(HullRunner(program)(POINT_BITS, x)[0] != 0)

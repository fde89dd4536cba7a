"""Where a partial derivative samples f, and how the samples become an even or odd function of one step."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from functools import cached_property
from itertools import product
from typing import NamedTuple, TypeVar

from diffkit.asking.sources import Output, Point
from diffkit.core.deadline import in_time
from diffkit.core.program import Index
from diffkit.numbers.floats import HALF_ULP

_CENTRAL = {
    1: ((1, 0.5), (-1, -0.5)),
    2: ((1, 1.0), (0, -2.0), (-1, 1.0)),
    3: ((2, 0.5), (1, -1.0), (-1, 1.0), (-2, -0.5)),
}
STENCIL_ORDER = 4
_ZERO_COORDINATE = 2.0**-1010
"""a coordinate below it is as good as zero: steps in proportion would be lost to underflow"""

Found = TypeVar("Found")
Search = Generator[list[Point], list[float], Found]
"""Yields the points it wants to see, is sent f there, and returns what it found."""


class Sampler:
    """A function, each of whose values is computed once, and counted; ``unit`` is that of its values' rounding."""

    def __init__(self, function: Output, unit: float = HALF_ULP):
        self.function, self.unit = function, unit
        self.known: dict[Point, float] = {}

    @property
    def evaluations(self) -> int:
        """At how many points f was evaluated."""
        return len(self.known)

    def run(self, searches: Iterable[Search[Found]]) -> list[Found]:
        """Run searches side by side: what all of them ask for at a stage is one call of the function."""
        running = list(searches)
        found: dict[int, Found] = {}
        wanted = {k: next(search) for k, search in in_time(enumerate(running))}
        while wanted:
            self.values([p for points in wanted.values() for p in points])
            waiting, wanted = wanted, {}
            for k, points in in_time(waiting.items()):
                try:
                    wanted[k] = running[k].send(self.values(points))
                except StopIteration as stop:
                    found[k] = stop.value
        return [found[k] for k in range(len(running))]

    def values(self, points: Sequence[Point]) -> list[float]:
        """f at points, in one call for those that are new."""
        new = [p for p in dict.fromkeys(points) if p not in self.known]
        if new:
            self.known.update(zip(new, self.function(new), strict=True))
        return [self.known[p] for p in points]


def finite(values: Iterable[float]) -> bool:
    """Whether all values are finite numbers."""
    return all(map(math.isfinite, values))


def total(terms: Iterable[float]) -> float:
    """Sum, rounded once; NaN where terms of f near the end of the range are infinite."""
    try:
        return math.fsum(terms)
    except (ValueError, OverflowError):
        return math.nan


class Stencil:
    """The samples of one partial derivative at one point.

    A derivative in one variable takes f(x ± h), whose odd and even halves serve every order. A mixed one takes the
    product of central differences, which has the parity of its order. A step h is relative: a variable moves by
    h·|x|, or by h at zero, rounded so that x ± step is exact. ``unit`` is that of the rounding of f.
    """

    def __init__(
        self, point: Point, multi_index: Sequence[int], scales: dict[int, float] | None = None, unit: float = HALF_ULP
    ):
        self.point = point
        self.multi_index = multi_index
        self.scales = scales or {}
        self.unit = unit
        self.order = len(multi_index)
        self.variables = tuple(sorted(set(multi_index)))
        self.orders = tuple(multi_index.count(v) for v in self.variables)
        self.pure = len(self.variables) == 1
        parts = (((1, 0.5), (-1, 0.5)),) if self.pure else tuple(_CENTRAL[m] for m in self.orders)
        self.parts = [(tuple(o for o, _ in part), math.prod(w for _, w in part)) for part in product(*parts)]

    @property
    def parity(self) -> int:
        """Whether the derivative belongs to the odd (1) or even (0) part of the samples."""
        return self.order % 2

    @property
    def parities(self) -> tuple[int, ...]:
        """Parts of the samples that a fold gives."""
        return (0, 1) if self.pure else (self.parity,)

    @cached_property
    def gain(self) -> float:
        """Noise of a folded sample over that of a value of f."""
        return math.hypot(*(w for _, w in self.parts))

    def scale(self, variable: int) -> float:
        """Length over which a variable is expected to matter: the one given, or its size, or 1 at zero."""
        size = abs(self.point[variable])
        return self.scales.get(variable) or (size if size > _ZERO_COORDINATE else 1.0)

    @cached_property
    def sizes(self) -> list[tuple[float, float]]:
        """The size and the scale of each variable."""
        return [(abs(self.point[v]), self.scale(v)) for v in self.variables]

    def steps(self, h: float) -> list[float]:
        """Exact steps of the variables for a relative step."""
        return [(size + h * scale) - size for size, scale in self.sizes]

    def ratio(self, h: float) -> float:
        """The step of the only variable over what it ought to be."""
        ((size, scale),) = self.sizes
        step = h * scale
        return ((size + step) - size) / step

    def points(self, h: float) -> list[Point]:
        """The points of the stencil for a relative step."""
        steps = self.steps(h)
        found = []
        for offsets, _ in self.parts:
            moved = list(self.point)
            for v, offset, step in zip(self.variables, offsets, steps, strict=True):
                moved[v] += offset * step
            found.append(tuple(moved))
        return found

    def fold(self, h: float, values: Sequence[float], center: float) -> dict[int, float]:
        """Odd (1) and even (0) part of the samples, as if the steps had not been rounded."""
        if self.pure:
            ratio = self.ratio(h)
            right, left = values
            return {1: (right - left) / 2 / ratio, 0: ((right - center) + (left - center)) / 2 / ratio**2}
        ratios = [step / (h * self.scale(v)) for v, step in zip(self.variables, self.steps(h), strict=True)]
        summed = total(w * value for (_, w), value in zip(self.parts, values, strict=True))
        return {self.parity: summed / math.prod(r**m for r, m in zip(ratios, self.orders, strict=True))}

    def moved(self, h: float) -> Stencil:
        """The same samples about another point, a relative step away in every variable."""
        point = list(self.point)
        for v, step in zip(self.variables, self.steps(h), strict=True):
            point[v] += step
        scales = {v: self.scale(v) for v in self.variables}
        return Stencil(tuple(point), self.multi_index, scales, self.unit)

    def derivative(self, slope: float, h: float, unit: float) -> float:
        """The partial derivative, from that of the folded samples, in a unit of f, by the step in units of h."""
        steps = [h * self.scale(v) for v, m in zip(self.variables, self.orders, strict=True) for _ in range(m)]
        return divided(slope if self.pure else slope / math.factorial(self.order), [*steps, 1 / unit])


def divided(value: float, divisors: Sequence[float]) -> float:
    """The quotient by every divisor, where products and quotients on the way may leave the range of binary64."""
    fraction, exponent = math.frexp(value)
    for divisor in divisors:
        part, power = math.frexp(divisor)
        fraction, shift = math.frexp(fraction / part)
        exponent += shift - power
    try:
        return math.ldexp(fraction, exponent)
    except OverflowError:
        return math.copysign(math.inf, fraction)


class Probe(NamedTuple):
    """The derivative that a block adds up to: a partial of a function that is sampled, and the weights of the sum."""

    sampler: Sampler
    start: Point
    partial: tuple[int, ...]
    """its multi-index"""
    weights: dict[Index, float]

"""Central differences of a black-box function with steps, extrapolation and an error bar chosen from its values.

For a multi-index the stencil is the product of central stencils, whose error is a series in h²; Richardson
extrapolation removes its leading terms (Richardson 1911; Ridders 1982 chooses the step from the table). The noise
of f is measured with a difference table (Moré & Wild, Estimating Computational Noise, 2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import NamedTuple

from diffkit.results import Odd

UNIT = 2.0**-53
SMALLEST = 5e-324
FIRST = 0.12246467991473515  # π/8 · 1/3.2…: no power of two, so periodic functions do not alias with it
RATIO = 16.0
COARSE = 4
LOWEST = 2.0**-46  # of the scale; below it a step no longer moves x by much
NARROW, WIDER, WIDEST = 2.0**-42, 2.0**-34, 2.37e-4  # spacings of the noise table, of the scale
FILL = (8.0, 4.0, 2.0, 0.5, 0.25, 0.125, 0.0625)
STENCILS = {
    0: ((0, 1.0),),
    1: ((1, 0.5), (-1, -0.5)),
    2: ((1, 1.0), (0, -2.0), (-1, 1.0)),
    3: ((2, 0.5), (1, -1.0), (-1, 1.0), (-2, -0.5)),
    4: ((2, 1.0), (1, -4.0), (0, 6.0), (-1, -4.0), (-2, 1.0)),
}
HIGHEST_ORDER = max(STENCILS)


class Node(NamedTuple):
    """A central difference at one step: its value, its noise, and the one-sided slopes of a first difference."""

    h: float
    value: float
    noise: float
    left: float = math.nan
    right: float = math.nan


@dataclass
class Sampler:
    """f at points near x, each evaluated once, and counted."""

    function: Callable[[Sequence[float]], float]
    point: tuple[float, ...]
    known: dict[tuple[float, ...], float] = field(default_factory=dict)
    noises: tuple[float, float] = (0.0, 0.0)
    steps: float = 0.0
    """noise that only a wide table sees: f is rounded in steps inside, or oscillates"""

    @property
    def evaluations(self) -> int:
        """How often f was called."""
        return len(self.known)

    def at(self, point: tuple[float, ...]) -> float:
        """F at a point."""
        value = self.known.get(point)
        if value is None:
            value = self.known[point] = self.function(point)
        return value

    @property
    def center(self) -> float:
        """f(x)."""
        return self.at(self.point)

    def scale(self, variable: int) -> float:
        """Length over which a variable is expected to matter: its size, or 1 at zero."""
        return abs(self.point[variable]) or 1.0

    def measure_noise(self, variables: Sequence[int]) -> None:
        """Noise of f at x and a sixteenth of the scale away, along one generic direction of the variables.

        At x a wide spacing is tried besides: rounding inside f may come in steps that a narrow table cannot see.
        """
        weights = {v: (0.7548776662466927 * (k + 1)) % 1.0 / 2 + 0.5 for k, v in enumerate(variables)}
        near = self._table(weights, 0.0, NARROW)
        if len(set(near)) <= 4:
            near = self._table(weights, 0.0, WIDER)
        away = self._table(weights, 1 / 16, NARROW)
        if len(set(away)) <= 4:
            away = self._table(weights, 1 / 16, WIDER)
        self.noises = (table_noise(near), table_noise(away))
        self.steps = plateau(differences_by_level(self._table(weights, 0.0, WIDEST))) or 0.0

    def _table(self, weights: dict[int, float], away: float, spacing: float) -> list[float]:
        """Eight values in a row, or none if f is not finite there."""
        values = [
            self.at(
                tuple(
                    x + self.scale(i) * weights[i] * (away + k * spacing) if i in weights else x
                    for i, x in enumerate(self.point)
                )
            )
            for k in range(8)
        ]
        return values if all(map(math.isfinite, values)) else []

    def noise(self, value: float, h: float) -> float:
        """Noise of a sample at relative distance h."""
        near, far = self.noises
        return max(near, far * min(1.0, 16 * h), 0.6 * UNIT * abs(value), SMALLEST)


Levels = list[tuple[float, bool]]


def differences_by_level(values: Sequence[float]) -> Levels:
    """Noise estimate of each difference order, and whether its signs change (Moré & Wild, eq. 3.2)."""
    size = max(map(abs, values), default=0.0)
    if size == 0.0:
        return []
    row = [v / size for v in values]  # squares of tiny values would underflow
    levels = []
    gamma = 1.0
    for k in range(1, len(values) - 1):
        row = [b - a for a, b in pairwise(row)]
        gamma *= k / (2.0 * (2 * k - 1))
        changes = any(a * b < 0 for a, b in pairwise(row))
        levels.append((math.sqrt(gamma * sum(d * d for d in row) / len(row)) * size, changes))
    return levels


def plateau(levels: Levels) -> float | None:
    """Level at which the estimates stop falling, which is noise; a smooth function's fall at every order."""
    for (a, changes), (b, _), (c, _) in zip(levels, levels[1:], levels[2:], strict=False):
        if changes and max(a, b, c) <= 4 * min(a, b, c):
            return b
    return None


def table_noise(values: Sequence[float]) -> float:
    """Standard deviation of the noise in equally spaced values, from their difference table."""
    levels = differences_by_level(values)
    found = plateau(levels)
    return min((level for level, _ in levels[2:]), default=0.0) if found is None else found


class Differences:
    """One partial derivative of one function at one point."""

    def __init__(self, sampler: Sampler, multi_index: Sequence[int]):
        self.sampler = sampler
        self.multi_index = tuple(multi_index)
        self.variables = sorted(set(multi_index))
        self.orders = [multi_index.count(v) for v in self.variables]
        self.order = len(multi_index)
        self.nodes: dict[float, Node | None] = {}
        factors = product(*(STENCILS[m] for m in self.orders))
        self.stencil = [(tuple(o for o, _ in part), math.prod(w for _, w in part)) for part in factors]

    def node(self, h: float) -> Node | None:
        """Central difference with relative step h; None where f is not finite."""
        if h not in self.nodes:
            self.nodes[h] = self._difference(h)
        return self.nodes[h]

    def _difference(self, h: float) -> Node | None:
        sampler, point = self.sampler, self.sampler.point
        steps = []
        for v in self.variables:
            x = point[v]
            step = (x + h * sampler.scale(v)) - x if x else h
            if step == 0.0:
                return None
            steps.append(step)
        total = spread = 0.0
        samples = {}
        for offsets, weight in self.stencil:
            moved = list(point)
            for v, offset, step in zip(self.variables, offsets, steps, strict=True):
                moved[v] += offset * step
            value = samples[offsets] = sampler.at(tuple(moved))
            total += weight * value
            spread = math.hypot(spread, weight * sampler.noise(value, h))
        unit = math.prod(step for step, m in zip(steps, self.orders, strict=True) for _ in range(m))
        if unit == 0.0 or not math.isfinite(total / unit) or math.isinf(unit):
            return None
        left = right = math.nan
        if self.order == 1:
            center = sampler.center
            right = (samples[1,] - center) / steps[0]
            left = (center - samples[-1,]) / steps[0]
        return Node(h, total / unit, spread / abs(unit), left, right)

    def solve(self) -> tuple[float, float, Odd | None]:
        """Give the value, its error bar, and what is odd about the point (then the value is NaN).

        Where a wide table sees noise that a narrow one does not, f may be rounded in steps (and only large steps h
        are right) or oscillate (and only small ones are); values cannot tell, so the bar covers both readings.
        """
        value, bar, odd = self._solve()
        sampler = self.sampler
        near, far = sampler.noises
        if sampler.steps <= 1000 * max(near, far, UNIT * abs(sampler.center)):
            return value, bar, odd
        sampler.noises = (sampler.steps, sampler.steps)
        wide, wide_bar, wide_odd = Differences(sampler, self.multi_index)._solve()
        sampler.noises = (near, far)
        if odd is not None or wide_odd is not None:
            return (
                math.nan,
                math.nan,
                odd if odd and wide_odd else Odd("uncertain", "the values differ from scale to scale"),
            )
        return wide, max(wide_bar, abs(wide - value) + bar), None

    def _solve(self) -> tuple[float, float, Odd | None]:
        center = self.sampler.center
        if not math.isfinite(center):
            return math.nan, math.nan, self._no_value(center)
        coarse = [FIRST / RATIO**k for k in range(COARSE)]
        value, bar, trusted = self._best(coarse)
        while not trusted and coarse[-1] > LOWEST:
            coarse.append(coarse[-1] / RATIO)
            self.node(coarse[-1])
            value, bar, trusted = self._best(coarse)
        odd = self._one_sided()
        if odd is not None:
            return math.nan, math.nan, odd
        if not math.isfinite(value):
            return math.nan, math.nan, Odd("uncertain", "the differences do not settle at any step")
        return value, bar, None

    def _best(self, coarse: Sequence[float]) -> tuple[float, float, bool]:
        """Fill in around the best coarse step and extrapolate; say whether the bar is small enough to stop."""
        good = [node for h in coarse if (node := self.node(h)) is not None]
        if len(good) < 2:
            return math.nan, math.inf, False
        pairs = pairwise(good)
        estimates = [(abs(a.value - b.value) + a.noise, a.h) for a, b in pairs]
        center = min(estimates)[1]
        for factor in FILL:
            if center * factor <= 0.5:
                self.node(center * factor)
        value, bar = self._extrapolate()
        if self._noisy(bar, value) and coarse[0] == FIRST:
            for factor in (8.0, 64.0):
                self.node(FIRST * factor)
            value, bar = self._extrapolate()
        return value, bar, bar <= 1e-3 * abs(value) or bar == 0.0

    def _noisy(self, bar: float, value: float) -> bool:
        largest = self.node(FIRST)
        return largest is not None and largest.noise > 1e-9 * abs(value) and largest.noise > 0.05 * bar

    def _extrapolate(self) -> tuple[float, float]:
        nodes = sorted((n for n in self.nodes.values() if n is not None), key=lambda n: -n.h)
        best: tuple[float, float, float] = (math.inf, math.nan, math.inf)
        for first in range(len(nodes) - 2):
            for last in range(first + 3, min(first + 8, len(nodes)) + 1):
                window = nodes[first:last]
                value = richardson(window)
                shorter = richardson(window[1:])
                truncation = max(
                    abs(value - shorter),
                    0.25 * abs(value - richardson(window[:-1])),
                    0.02 * abs(shorter - richardson(window[2:])),
                )
                noise = 3 * math.hypot(*(w * n.noise for w, n in zip(weights(window), window, strict=True)))
                merit = 0.35 * noise + truncation
                if merit < best[0] and self._consistent(window[-1], value, noise + truncation, nodes[last:]):
                    best = (merit, value, noise + truncation)
        return best[1], best[2]

    @staticmethod
    def _consistent(finest: Node, value: float, bar: float, rest: Sequence[Node]) -> bool:
        """Whether the differences at smaller steps agree, up to their noise and expected truncation (Lepski)."""
        off = abs(finest.value - value)
        return all(abs(n.value - value) <= 5 * n.noise + 2 * off * (n.h / finest.h) + bar for n in rest)

    def _one_sided(self) -> Odd | None:
        """A kink, jump or edge, seen in the values: the gap between right and left slopes that no step closes."""
        if self.order != 1:
            return self._edge()
        h = min((h for h, n in self.nodes.items() if n is not None), default=FIRST)
        gaps = self._gaps()
        while gaps and len(gaps) >= 3 and self._open(gaps) and h > LOWEST:
            h /= RATIO
            if self.node(h) is None:
                break
            fresh = self._gaps()
            if fresh == gaps:
                break
            gaps = fresh
        if len(gaps) < 3 or not self._open(gaps) or self._closes_below(gaps[-1]):
            return self._edge()
        smallest, previous = (self.nodes[h] for h, _ in (gaps[-1], gaps[-2]))
        assert smallest is not None
        assert previous is not None
        growth = abs(gaps[-1][1] / gaps[-2][1]) ** (1 / math.log2(gaps[-2][0] / gaps[-1][0]))
        if growth > 1.6:
            return Odd(
                "not_differentiable", "the one-sided differences grow as the step shrinks: a jump or a vertical tangent"
            )
        drift = max(abs(smallest.left - previous.left), abs(smallest.right - previous.right))
        if drift > 0.05 * abs(gaps[-1][1]) + 5 * (smallest.noise + previous.noise):
            return Odd("uncertain", "the slope changes abruptly at the point, or nearer to it than the values can show")
        message = "the differences from the left and from the right disagree at every step: a kink"
        return Odd("not_differentiable", message, left=smallest.left, right=smallest.right)

    def _gaps(self) -> list[tuple[float, float]]:
        """(h, right − left slope) at the steps where the gap stands well above the noise, large steps first."""
        nodes = sorted((n for n in self.nodes.values() if n is not None), key=lambda n: -n.h)
        found = []
        for n in nodes:
            gap = n.right - n.left
            if abs(gap) > 40 * n.noise and abs(gap) > 1e-7 * (abs(n.right) + abs(n.left)):
                found.append((n.h, gap))
        return found

    def _closes_below(self, last: tuple[float, float]) -> bool:
        """Whether a smaller step, fine enough to show the gap, shows none."""
        finer = [n for h, n in self.nodes.items() if n is not None and h < last[0]]
        return any(40 * n.noise < abs(last[1]) and abs(n.right - n.left) < abs(last[1]) / 2 for n in finer)

    @staticmethod
    def _open(gaps: Sequence[tuple[float, float]]) -> bool:
        """Whether the gap does not close over the last steps; a smooth function's closes in proportion to h."""
        if len(gaps) < 3:
            return False
        (h0, g0), (h2, g2) = gaps[-3], gaps[-1]
        return g0 * g2 > 0 and abs(g2) > abs(g0) * (h2 / h0) ** 0.25 and abs(g2) >= 0.7 * abs(g0)

    def _edge(self) -> Odd | None:
        """A side without values at every step tried."""
        if all(node is None for node in self.nodes.values()):
            return Odd("domain_error", "f has no finite value on one side of the point, or on both")
        return None

    def _no_value(self, center: float) -> Odd:
        sizes = []
        for sign in (1, -1):
            for h in (2.0**-10, 2.0**-20):
                moved = list(self.sampler.point)
                v = self.variables[0]
                moved[v] += sign * h * self.sampler.scale(v)
                sizes.append(abs(self.sampler.at(tuple(moved))))
        if (
            math.isinf(center)
            and all(math.isfinite(s) for s in sizes)
            and sizes[1] > 500 * sizes[0]
            and sizes[3] > 500 * sizes[2]
        ):
            return Odd("pole", "f grows without bound on both sides")
        if math.isinf(center) and all(s > 1e300 for s in sizes):
            return Odd("overflow", "f is larger than the largest binary64")
        return Odd("domain_error", "f has no value at the point")


def weights(window: Sequence[Node]) -> list[float]:
    """Weights that extrapolate a polynomial in h² through the nodes to h = 0 (Lagrange)."""
    squares = [n.h * n.h for n in window]
    return [
        math.prod(other / (other - own) for k, other in enumerate(squares) if k != j) for j, own in enumerate(squares)
    ]


def richardson(window: Sequence[Node]) -> float:
    """Value at h = 0 of the polynomial in h² through the nodes."""
    return math.fsum(w * n.value for w, n in zip(weights(window), window, strict=True))

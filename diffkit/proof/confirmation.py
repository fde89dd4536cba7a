"""Identities that tie directional derivatives to partial ones, by which Arb's power series confirm a derivative."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from flint import arb

from diffkit.core.program import Index, Program

ZERO, ONE = arb(0), arb(1)
SMALLEST = 5e-324  # the distance of 0.0 from its neighbours
GENERIC, GOLDEN = 2**20, 648055
"""Steps of the generic direction are GENERIC·(1 + the golden sequence): no small multiples of one another, as errors
of a rule are (sign, factor 2), so that those cannot cancel along it."""
AGREEMENT = arb(2) ** 64  # bits that agree in a derivative that is confirmed, unless fewer settle its rounding

Direction = frozenset[tuple[int, int]]
"""(input, whole number) pairs"""


class Check(NamedTuple):
    """Σ weight·cₙ(direction) = Σ factor·component, where cₙ is the n-th coefficient of f(x + t·direction)."""

    output: int
    order: int
    left: tuple[tuple[Any, Direction], ...]
    """(weight as an exact ball, or None for 1, direction)"""
    right: tuple[tuple[Any, int], ...]
    """(factor as an exact ball, component)"""

    def agrees(self, series: dict[Direction, list[Any]], found: Sequence[Any]) -> bool | None:
        """Whether both sides overlap, so closely that what they leave open cannot change how a component rounds.

        None if they are too wide for that.
        """
        left = right = ZERO
        for weight, direction in self.left:
            coefficient = series[direction][self.output][self.order]
            left += coefficient if weight is None else coefficient * weight
        terms = [found[component] * factor for factor, component in self.right]
        for term in terms:
            right += term
        if not (left.is_finite() and right.is_finite()):
            return None
        if not left.overlaps(right):
            return False
        spread = left.rad() if len(terms) == 1 else left.rad() + right.rad()  # one's own radius is no doubt of it
        width = spread * AGREEMENT
        for term, (factor, component) in zip(terms, self.right, strict=True):
            if not (width <= abs(term) or settles(found[component], spread / abs(factor))):
                return None
        return True


def settles(ball: Any, spread: Any) -> bool:
    """Whether all numbers no further than ``spread`` from some number in a ball round to one binary64."""
    middle = float(ball)
    gap = abs(middle - math.nextafter(middle, 0.0)) or SMALLEST  # its neighbour on the other side is never nearer
    return bool((abs(ball - middle) + spread) * 2 < gap)


def confirmations(links: Links, indices: Sequence[Index], among: Sequence[int] | None = None) -> list[Check]:
    """Identities between directional derivatives and components, all or some, that involve each that may not be 0.

    First derivatives of one output need one generic direction, and so does a full matrix of second ones. Any other
    partial is a combination of directional derivatives by polarisation: ∂ⁿf/∂x₁…∂xₙ = 2⁻ⁿ Σ ε₁…εₙ·cₙ(Σ εᵢeᵢ).
    """
    checks = []
    groups: dict[tuple[int, int], list[int]] = {}
    for c in range(len(indices)) if among is None else among:
        output, index = indices[c]
        groups.setdefault((output, len(index)), []).append(c)
    for (_, order), members in groups.items():
        variables = sorted({v for c in members for v in indices[c][1]})
        complete = order == 2 and len(members) == len(variables) * (len(variables) + 1) // 2
        open_ones = [c for c in members if links.matter(*indices[c])]
        if open_ones and (order == 1 or complete):
            checks.append(_together(indices, variables, open_ones))
        else:
            checks += [alone(indices, c) for c in open_ones]
    return checks


def _together(indices: Sequence[Index], variables: Sequence[int], members: Sequence[int]) -> Check:
    """The identity of first partials, or of all second ones, along one generic direction."""
    output, order = indices[members[0]][0], len(indices[members[0]][1])
    moves = {v: GENERIC + (k * GOLDEN) % GENERIC for k, v in enumerate(variables, 1)}
    right = tuple(
        (arb(math.prod(moves[v] for v in indices[c][1]) * (2 if len(set(indices[c][1])) == 2 else 1)), c)
        for c in members
    )
    return Check(output, order, ((_weight(order), frozenset(moves.items())),), right)


def parts(check: Check, indices: Sequence[Index], found: Sequence[Any]) -> list[Check]:
    """Checks of fewer components, where those of one are too small to be seen beside the others.

    First partials are parted by size, the zeros from the others to begin with; second ones are checked one by one.
    """
    members = sorted((c for _, c in check.right), key=lambda c: abs(found[c].mid()))
    if check.order > 1 or len(members) == 2:
        return [alone(indices, c) for c in members]
    zeros = sum(found[c].is_zero() for c in members)
    cut = zeros if 0 < zeros < len(members) else len(members) // 2
    return [_together(indices, [indices[c][1][0] for c in half], half) for half in (members[:cut], members[cut:])]


class Links:
    """Which inputs each slot of a program depends on, and which inputs an operation bends together: from its graph.

    A derivative by inputs that no operation brings together is zero, whatever the rules of the rows say.
    """

    def __init__(self, program: Program):
        self.program = program
        self.reach = [1 << slot if slot < len(program.inputs) else 0 for slot in range(program.first_instruction)]
        """the inputs of each slot, as bits"""
        for _, row, args in program.numbered():
            self.reach.append(0 if row.truth else functools.reduce(operator.or_, (self.reach[a] for a in args)))

    @functools.cached_property
    def bent(self) -> list[int]:
        """For each input those by which a row bends together with it, as bits."""
        bent = [0] * len(self.program.inputs)
        pairs = set()
        for _, row, args in self.program.numbered():
            places = range(0 if row.truth else len(args))
            for i, j in itertools.product(places, places) if row.bends is None else row.bends:
                pairs |= {(self.reach[args[i]], self.reach[args[j]]), (self.reach[args[j]], self.reach[args[i]])}
        for one, other in pairs:
            for v in range(one.bit_length()):
                if one >> v & 1:
                    bent[v] |= other
        return bent

    def matter(self, output: int, index: Sequence[int]) -> bool:
        """Whether a partial derivative of an output may be other than zero, as far as the graph goes."""
        reach = self.reach[self.program.outputs[output]]
        if not all(reach >> v & 1 for v in index):
            return False
        return all(self.bent[u] >> v & 1 for u, v in itertools.combinations(index, 2))


def alone(indices: Sequence[Index], component: int) -> Check:
    """The identity that gives one component by itself."""
    output, index = indices[component]
    return Check(output, len(index), polarised(index), ((ONE, component),))


def _weight(order: int) -> Any:
    return None if order < 2 else arb(math.factorial(order))


def polarised(index: Sequence[int]) -> tuple[tuple[Any, Direction], ...]:
    """Weights and directions whose n-th coefficients add up to a partial derivative."""
    order = len(index)
    if len(set(index)) <= 1:
        return ((_weight(order), frozenset((v, 1) for v in index[:1])),)
    weights: dict[Direction, int] = {}
    for signs in itertools.product((1, -1), repeat=order):
        sums: dict[int, int] = {}
        for sign, v in zip(signs, index, strict=True):
            sums[v] = sums.get(v, 0) + sign
        direction = frozenset((v, s) for v, s in sums.items() if s)
        weights[direction] = weights.get(direction, 0) + math.prod(signs)
    return tuple((arb(w) / 2**order, d) for d, w in weights.items() if w and d)

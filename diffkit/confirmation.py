"""Identities that tie directional derivatives to partial ones, by which Arb's power series confirm a derivative."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from flint import arb

from diffkit.tasks import Index

ZERO, ONE, TINY = arb(0), arb(1), arb(2) ** -1080
AGREEMENT = arb(2) ** 30  # what must agree for a series to confirm a derivative: that many bits

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
        """Whether both sides overlap, closely enough to see each component; None if they are too wide for that."""
        left = right = ZERO
        for weight, direction in self.left:
            coefficient = series[direction][self.output][self.order]
            left += coefficient if weight is None else coefficient * weight
        width = left.rad() * AGREEMENT
        sharp = True
        for factor, component in self.right:
            term = found[component] * factor
            right += term
            sharp = sharp and (width <= abs(term) or term.is_zero())
        if not left.overlaps(right):
            return False if left.is_finite() else None
        return True if sharp or left.rad() < TINY else None


def confirmations(indices: Sequence[Index], among: Sequence[int] | None = None) -> list[Check]:
    """Identities between directional derivatives and the components that involve every component, or some of them.

    First derivatives of one output need one generic direction, and so does a full matrix of second ones. Any other
    partial is a combination of directional derivatives by polarisation: ∂ⁿf/∂x₁…∂xₙ = 2⁻ⁿ Σ ε₁…εₙ·cₙ(Σ εᵢeᵢ).
    """
    checks = []
    groups: dict[tuple[int, int], list[int]] = {}
    for c in range(len(indices)) if among is None else among:
        output, index = indices[c]
        groups.setdefault((output, len(index)), []).append(c)
    for (output, order), members in groups.items():
        variables = sorted({v for c in members for v in indices[c][1]})
        complete = order == 2 and len(members) == len(variables) * (len(variables) + 1) // 2
        if order == 1 or complete:
            moves = {v: 3 + 2 * k + (k * k) % 7 for k, v in enumerate(variables)}
            right = tuple(
                (arb(math.prod(moves[v] for v in indices[c][1]) * (2 if len(set(indices[c][1])) == 2 else 1)), c)
                for c in members
            )
            checks.append(Check(output, order, ((_weight(order), frozenset(moves.items())),), right))
        else:
            checks += [alone(indices, c) for c in members]
    return checks


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
    for signs in product((1, -1), repeat=order):
        sums: dict[int, int] = {}
        for sign, v in zip(signs, index, strict=True):
            sums[v] = sums.get(v, 0) + sign
        direction = frozenset((v, s) for v, s in sums.items() if s)
        weights[direction] = weights.get(direction, 0) + math.prod(signs)
    return tuple((arb(w) / 2**order, d) for d, w in weights.items() if w and d)

"""Identities by which power series confirm a derivative, in balls and in exact numbers.

Balls can tell a derivative that is 0 from the least binary64 only at a thousand bits.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb, fmpq, fmpq_series

from diffkit.core.builder import select
from diffkit.core.program import Index, Named, Program, run
from diffkit.core.table import POWER, Primitive
from diffkit.numbers.balls import OPERATORS, exact_fraction, rational
from diffkit.numbers.field import vanishes
from diffkit.numbers.floats import SMALLEST_FLOAT, rationals, to_float
from diffkit.numbers.intervals import ONE, ZERO

_GENERIC_STEP, _GOLDEN = 2**20, 648055
"""Steps of the generic direction are GENERIC·(1 + the golden sequence): no small multiples of one another, as errors
of a rule are (sign, factor 2), so that those cannot cancel along it."""
_AGREEMENT = arb(2) ** 64  # bits that agree in a derivative that is confirmed, unless fewer settle its rounding

Direction = frozenset[tuple[int, int]]
"""(input, whole number) pairs"""


class Polarisation(NamedTuple):
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
        width = spread * _AGREEMENT
        for term, (factor, component) in zip(terms, self.right, strict=True):
            if not (width <= abs(term) or _settles(found[component], spread / abs(factor))):
                return None
        return True


def _settles(ball: Any, spread: Any) -> bool:
    """Whether all numbers no further than ``spread`` from some number in a ball round to one binary64."""
    middle = float(ball)
    gap = abs(middle - math.nextafter(middle, 0.0)) or SMALLEST_FLOAT  # its neighbour on the other side is never nearer
    return bool((abs(ball - middle) + spread) * 2 < gap)


def confirmations(links: Links, indices: Sequence[Index], among: Sequence[int] | None = None) -> list[Polarisation]:
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
            checks += [_alone(indices, c) for c in open_ones]
    return checks


def _together(indices: Sequence[Index], variables: Sequence[int], members: Sequence[int]) -> Polarisation:
    """The identity of first partials, or of all second ones, along one generic direction."""
    output, order = indices[members[0]][0], len(indices[members[0]][1])
    moves = {v: _GENERIC_STEP + (k * _GOLDEN) % _GENERIC_STEP for k, v in enumerate(variables, 1)}
    right = tuple(
        (arb(math.prod(moves[v] for v in indices[c][1]) * (2 if len(set(indices[c][1])) == 2 else 1)), c)
        for c in members
    )
    return Polarisation(output, order, ((_weight(order), frozenset(moves.items())),), right)


def parts(check: Polarisation, indices: Sequence[Index], found: Sequence[Any]) -> list[Polarisation]:
    """Checks of fewer components, where those of one are too small to be seen beside the others.

    First partials are parted by size, the zeros from the others to begin with; second ones are checked one by one.
    """
    members = sorted((c for _, c in check.right), key=lambda c: abs(found[c].mid()))
    if check.order > 1 or len(members) == 2:
        return [_alone(indices, c) for c in members]
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


def _alone(indices: Sequence[Index], component: int) -> Polarisation:
    """The identity that gives one component by itself."""
    output, index = indices[component]
    return Polarisation(output, len(index), _polarised(index), ((ONE, component),))


def _weight(order: int) -> Any:
    return None if order < 2 else arb(math.factorial(order))


def _polarised(index: Sequence[int]) -> tuple[tuple[Any, Direction], ...]:
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


_WORD_BITS = 64  # bits of a number of height 1
NUMERATOR_WORDS = 1000  # words that a numerator may have


def settled(program: Program, balls: Mapping[int, Any], point: Sequence[float]) -> dict[int, tuple[Any, float]]:
    """Outputs, of those enclosed by balls, that exact arithmetic gives: a ball about each, and what it rounds to."""
    if not balls:
        return {}
    found = {}
    exact = run(program, rationals(), [Fraction(x) for x in point])
    for output, ball in balls.items():
        value = exact[output]
        if value is None:
            candidate = _candidate(ball)
            if candidate is not None and _equals(program, output, candidate, point):
                value = candidate
        if value is not None:
            found[output] = arb(rational(value)), to_float(value)
    return found


def _candidate(ball: Any) -> Fraction | None:
    """The number in a ball that the rounding hangs on: 0, or the middle between two neighbouring binary64."""
    if not ball.is_finite():
        return None
    if ball.contains(0):
        return Fraction(0)
    low, high = float(ball.lower()), float(ball.upper())
    if math.nextafter(low, math.inf) != high or math.isinf(high):
        return None
    return (Fraction(low) + Fraction(high)) / 2


def _equals(program: Program, output: int, value: Fraction, point: Sequence[float]) -> bool:
    """Whether exact algebra proves an output to be a number."""
    return vanishes(select(program, [program.outputs[output]]), point, value)


def height(program: Program) -> float:
    """A bound on the size of the rational numbers in a program, in words; infinite where it is not rational."""
    heights: list[float] = [1.0] * len(program.inputs)
    for constant in program.constants:
        if isinstance(constant, Named):
            return math.inf
        heights.append(1.0 + (constant.numerator * constant.denominator).bit_length() // _WORD_BITS)
    for _, row, args in program.numbered():
        exponent = program.constant_at(args[1]) if row is POWER else None
        if isinstance(exponent, int):
            heights.append(heights[args[0]] * max(abs(exponent), 1))
        elif row.name in OPERATORS:  # denominators are multiplied in sums too
            heights.append(sum(heights[a] for a in args))
        else:
            return math.inf
    return max(heights)


def exact_function(row: Primitive) -> Callable[..., Any]:
    """Give a row as a function of rational numbers, or of power series of them; it may raise ZeroDivisionError."""
    return _EXACT_FORMS[row.name]


def _ratio(x: Any, y: Any) -> Any:
    if isinstance(y, fmpq_series) and y[0] == 0:  # x/x would lose its last coefficient, which reads as 0
        raise ZeroDivisionError
    return x / y


def _whole_power(x: Any, n: Any) -> Any:
    exponent = int(n[0] if isinstance(n, fmpq_series) else n)
    return x**exponent if exponent >= 0 else _ratio(x**0, x**-exponent)


_EXACT_FORMS = {**OPERATORS, "div": _ratio, "power": _whole_power}


class _RationalSeries:
    """Rational numbers, or with ``series`` power series of them, as flint's."""

    def __init__(self, *, series: bool):
        self.series = series

    def constant(self, value: Any) -> Any:
        """Give an exact constant."""
        return fmpq_series([rational(value)]) if self.series else rational(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a row's value."""
        return exact_function(primitive)(*args)


RATIONALS, RATIONAL_SERIES = _RationalSeries(series=False), _RationalSeries(series=True)


def exact(x: float) -> Any:
    """Give a binary64 as a rational number."""
    return fmpq(*x.as_integer_ratio())


def holds(check: Polarisation, series: dict[Any, list[Any]], found: Sequence[Any]) -> bool:
    """Whether an identity holds among rational numbers: those of the series, and the derivatives that were found."""
    left = right = fmpq(0)
    for weight, direction in check.left:
        coefficient = series[direction][check.output][check.order]
        left += coefficient if weight is None else coefficient * _rational(weight)
    for factor, component in check.right:
        right += found[component] * _rational(factor)
    return bool(left == right)


def _rational(ball: Any) -> Any:
    whole = ball.unique_fmpz()
    if whole is not None:
        return whole
    value = exact_fraction(ball)
    assert value is not None
    return rational(value)

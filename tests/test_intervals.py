"""Hulls of rows and of random expressions over boxes hold every value in the box."""

import math
import os
import random

import pytest
from flint import arb

from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import run, run_slots
from diffkit.core.table import table
from diffkit.numbers.balls import BALLS, precision
from diffkit.numbers.intervals import (
    EVERYWHERE,
    HULLS,
    NOWHERE,
    Interval,
    ball,
    ends,
    entropy,
)

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "12"))
ROWS = [row for row in table if not (row.truth or row.truths or row.orders)]
ENDS = (0.0, 1.0, -1.0, 0.5, math.pi, 1e-9, -30.0, 1e5)
BITS = 80


def sides(random, infinite=True):
    """Ends of an interval: simple or random numbers, near or far from each other; perhaps one is infinite."""
    low = random.choice(ENDS) if random.random() < 0.5 else random.uniform(-4, 4) * 10 ** random.uniform(-3, 2)
    high = low + 10 ** random.uniform(-9, 1.5)
    pick = random.random() if infinite else 0.5
    return (-math.inf, high) if pick < 0.1 else (low, math.inf) if pick > 0.9 else (low, high)


def within(random, low, high):
    """A number between ends, often one of them."""
    pick = random.random()
    if pick < 0.2 and math.isfinite(low):
        return low
    if pick > 0.8 and math.isfinite(high):
        return high
    if math.isinf(low):
        return high - 10 ** random.uniform(-6, 6)
    if math.isinf(high):
        return low + 10 ** random.uniform(-6, 6)
    return min(max(random.uniform(low, high), low), high)


def holds(hull, value):
    """Whether a hull may hold what a ball does; no ball without an end has a value to speak of."""
    return not value.is_finite() or not (value < hull.lower() or value > hull.upper())


def hulls(sides):
    """The two forms of a box."""
    yield [Interval(arb(low), arb(high)) for low, high in sides]
    if all(map(math.isfinite, sum(sides, ()))):
        yield [ball(low, high) for low, high in sides]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_has_its_values_in_its_hull(row):
    drawn = random.Random(row.name)
    with precision(BITS):
        for _ in range(10 * EXAMPLES):
            box = [sides(drawn) for _ in row.arguments]
            found = [HULLS.apply(row, args) for args in hulls(box)]
            for _ in range(4):
                point = [arb(within(drawn, *side)) for side in box]
                value = BALLS.apply(row, point)
                for hull in found:
                    assert holds(hull, value), (box, point, hull, value)


def expression(drawn, names, length):
    """A program of random rows over some variables."""
    builder = ProgramBuilder(names)
    slots = [builder.input(name) for name in names] + [builder.constant(k) for k in (0, 1, -2)]
    for _ in range(length):
        row = drawn.choice(ROWS)
        slots.append(builder.apply(row, [drawn.choice(slots[-6:]) for _ in row.arguments]))
    condition = builder.apply(table[drawn.choice(("lt", "le", "gt", "ge"))], drawn.sample(slots, 2))
    slots.append(builder.apply(table["where"], [condition, *drawn.sample(slots, 2)]))
    return builder.program(slots[-4:], names)


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_random_expressions_have_their_values_in_their_hulls(seed):
    drawn = random.Random(seed)
    names = ("x", "y")[: drawn.choice((1, 2))]
    program = expression(drawn, names, drawn.choice((2, 4, 7)))
    with precision(BITS):
        for _ in range(20):
            box = [sides(drawn) for _ in names]
            found = [run(program, HULLS, args) for args in hulls(box)]
            for _ in range(4):
                point = [arb(within(drawn, *side)) for side in box]
                values = run_slots(program, BALLS, point)
                if not all(value.is_finite() for value in values if isinstance(value, arb)):
                    continue  # outside the domain of a part
                for outputs in found:
                    for hull, value in zip(outputs, (values[o] for o in program.outputs), strict=True):
                        assert holds(hull, value), (program, box, point, hull, value)


def test_ends_are_sharp():
    inf = arb(math.inf)
    with precision(BITS):
        x, positive = Interval(arb(-1), arb(2)), Interval(arb(0), arb(3))
        assert ends(x * positive) == (-3, 6)
        assert ends(positive * positive) == (0, 9)
        assert ends(HULLS.apply(table["power"], [x, arb(2)])) == (0, 4)
        assert ends(HULLS.apply(table["power"], [x, arb(-2)])) == (0.25, math.inf)
        assert ends(HULLS.apply(table["power"], [positive, arb(-1)]))[1] == math.inf
        assert ends(HULLS.apply(table["abs"], [x])) == (0, 2)
        assert ends(HULLS.apply(table["max"], [Interval(-inf, arb(1)), x])) == (-1, 2)
        assert ends(HULLS.apply(table["exp"], [Interval(-inf, arb(0))])) == (0, 1)
        assert ends(HULLS.apply(table["log"], [Interval(arb(0), arb(1))])) == (-math.inf, 0)
        assert ends(HULLS.apply(table["sin"], [Interval(arb(0), arb(2))]))[1] == 1
        low, high = ends(entropy(Interval(arb(0), arb(1))))
        assert high == 0
        assert low == pytest.approx(-1 / math.e, abs=1e-15)


@pytest.mark.parametrize("name", [row.name for row in ROWS if row.monotone and row.domain != (-math.inf, math.inf)])
def test_outside_its_domain_a_row_is_nowhere(name):
    row = table[name]
    with precision(BITS):
        low, high = row.domain
        beyond = Interval(arb(low - 3), arb(low - 2)) if math.isfinite(low) else Interval(arb(high + 2), arb(high + 3))
        assert HULLS.apply(row, [beyond]) is NOWHERE
        assert HULLS.apply(table["exp"], [NOWHERE]) is NOWHERE
        either = HULLS.apply(table["where"], [None, NOWHERE, Interval(arb(1), arb(2))])
        assert ends(either) == (1, 2)
        assert HULLS.apply(table["mul"], [NOWHERE, EVERYWHERE]) is NOWHERE

"""Engines against the interpreter: the same bits in pairs wherever a point is ordinary, and nothing else there."""

import math
import os
import random

import pytest
from drawn_formulas import coordinate, evaluate, programs

from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import guard
from diffkit.calculus.without_cancellation import stable
from diffkit.core.program import run
from diffkit.core.text import parse_program
from diffkit.engines.lowering import lower
from diffkit.engines.python import compile_point
from diffkit.numbers.doubles import DOUBLES

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "300"))
KINDS = ([(0, (0,)), (0, (1,))], [(0, (0, 0)), (0, (0, 1)), (0, (1, 1))])


def drawn(seed):
    """Guarded derivatives of random formulas, and points for each."""
    draw = random.Random(seed)
    for primal in programs(draw, EXAMPLES):
        guarded = guard(primal, stable(derivative_program(primal, draw.choice(KINDS))))
        yield guarded, [[coordinate(draw), coordinate(draw)] for _ in range(8)]


def interpreted(guarded, point):
    """The derivatives by the arithmetic of pairs."""
    return [high for high, _ in run(guarded.program, DOUBLES, [(x, 0.0) for x in point])][: guarded.derivatives]


HIDDEN = {
    "a condition": ("where(x*y < 1, 2*y, y) + 1/x", (-2.5, 1.7e308)),
    "a maximum": ("max(x*y, y) + 1/x", (-2.5, 1.7e308)),
    "a power": ("2**(x*y) + 1/x", (-2.5, 1.7e308)),
    "a hypotenuse": ("1/hypot(x*y, y) + 1/x", (2.5, 1.7e308)),
    "a denominator": ("x/(y*y) + 1/x", (1e300, 1e200)),
}
"""where something overflows, and what is computed with it is finite"""


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("precision", ["pairs", "double"])
def test_what_overflows_is_not_hidden(name, precision):
    text, point = HIDDEN[name]
    primal = parse_program(text, ("x", "y"))
    guarded = guard(primal, stable(derivative_program(primal, KINDS[0])))
    assert compile_point(lower(guarded, precision))(*point) is None


@pytest.mark.parametrize("fused", [False, True])
def test_pairs_have_the_bits_of_the_interpreter(fused):
    ordinary = 0
    for guarded, points in drawn(1 + fused):
        lowered = lower(guarded, "pairs", fused)
        call = compile_point(lowered)
        for point in points:
            found = call(*point)
            if found is not None:
                ordinary += 1
                assert list(found) == interpreted(guarded, point), (guarded.primal, point)
    assert ordinary > 4 * EXAMPLES


def test_floats_have_the_bits_of_their_interpreter():
    """And are as near to the values of pairs as the condition of the formula lets them be, which bounds tell."""
    for guarded, points in drawn(3):
        lowered = lower(guarded, "double")
        call = compile_point(lowered)
        for point in points:
            found = call(*point)
            if found is not None:
                assert list(found) == evaluate(lowered, point)[: lowered.values]
                assert all(type(value) is float and math.isfinite(value) for value in found)

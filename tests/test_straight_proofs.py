"""Proofs at one point after another: the same values as a proof by itself, and polynomials right at all points."""

import math
import os
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import diffkit as dk
from diffkit.calculus.derivatives import derivative_program
from diffkit.core.program import run
from diffkit.numbers.floats import to_float
from diffkit.proof.confirmation import RATIONALS
from diffkit.proof.polynomials import is_right_everywhere

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "25"))
POINTS = (0.0, 1.0, -0.5, 1e-170, 1e170, 3.0, 1 / 3, -7e-5, 2.0**-1074, 1e300)


def polynomial(draw, names, most=6):
    """A random polynomial with rational coefficients."""
    text = draw.choice(names)
    for _ in range(draw.randint(1, most)):
        other = draw.choice([*names, "2", "0.1", "-3", "7"])
        text = draw.choice(["({0})*{1}", "{1} - ({0})", "({0})^2 + {1}", "({0})/3", "({0}) + 2*{1}", "({0})^3"]).format(
            text, other
        )
    return text


def exact_gradient(program, point):
    """The partials in rational numbers, rounded once."""
    derivative = derivative_program(program, [(0, (k,)) for k in range(len(program.inputs))])
    numbers = [RATIONALS.constant(Fraction(x)) for x in point]
    return [to_float(Fraction(int(v.p), int(v.q))) for v in run(derivative, RATIONALS, numbers)]


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_polynomials_are_rounded_correctly_point_after_point(seed):
    draw = random.Random(seed)
    names = ["x", "y", "z"][: draw.randint(1, 3)]
    text = polynomial(draw, names)
    program = dk.parse(text, variables=names).program
    p = dk.prepare(text, "gradient", variables=names)
    for _ in range(12):
        point = tuple(draw.choice((draw.gauss(0, 2), draw.choice(POINTS))) for _ in names)
        found, alone = p(point), dk.gradient(text, point, variables=names)
        np.testing.assert_array_equal(found, alone.value)
        for k, exact in enumerate(exact_gradient(program, point)):
            if math.isfinite(exact) and math.isfinite(found[k]):
                assert found[k] == exact, (text, point)


@pytest.mark.parametrize(
    "text", ["exp(-x^2)*sin(y)", "log(1 + x^2)*tanh(y)", "x/y + sqrt(x)", "x^y", "abs(x)*y", "x*tanh(softplus(y))"]
)
def test_others_have_the_values_of_a_proof_by_itself(text):
    p = dk.prepare(text, "gradient", variables=["x", "y"])
    draw = random.Random(text)
    for _ in range(12):
        point = (draw.choice((draw.gauss(0, 2), 0.0, 1.0)), draw.choice((draw.gauss(0, 2), 0.0, 800.0)))
        np.testing.assert_array_equal(p(point), dk.gradient(text, point, variables=["x", "y"]).value)


def test_what_is_no_point_is_told():
    p = dk.prepare("3x^2 - 4x*y", "gradient")
    for _ in range(6):
        p((1.5, 2.0))
    for odd in ((1.5,), (1.5, 2.0, 3.0), (math.nan, 1.0), (1.0, math.inf), (1.0, "a")):
        with pytest.raises(dk.DiffkitError):
            p(odd)
    np.testing.assert_array_equal(p((1, 2)), [-2.0, -4.0])


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_a_wrong_derivative_of_a_polynomial_is_not_right(seed):
    draw = random.Random(seed)
    program = dk.parse(polynomial(draw, ["x", "y"], 2), variables=["x", "y"]).program
    indices = [(0, (0,)), (0, (1,))]
    derivative = derivative_program(program, indices)
    outputs = run(derivative, RATIONALS, [RATIONALS.constant(Fraction(n, 7)) for n in (3, 5)])
    assert is_right_everywhere(program, indices, derivative)
    assert is_right_everywhere(program, indices[::-1], derivative) <= (outputs[0] == outputs[1])
    spoilt = derivative_program(dk.parse(f"({program.inputs[0]})*3 + 5*y^2", variables=["x", "y"]).program, indices)
    other = run(spoilt, RATIONALS, [RATIONALS.constant(Fraction(n, 7)) for n in (3, 5)])
    assert is_right_everywhere(program, indices, spoilt) <= (other == outputs)


def test_what_is_no_polynomial_is_left_to_series():
    for text in ("x/y", "sin(x)", "x^-1", "x^0.5", "2^x", "x^40", "(x + y + z + w)^12", "pi*x", "where(x > 0, x, 0)"):
        program = dk.parse(text).program
        indices = [(0, (k,)) for k in range(len(program.inputs))]
        assert not is_right_everywhere(program, indices, derivative_program(program, indices))
    program = dk.parse("x^2").program
    assert not is_right_everywhere(program, [(0, (0,))], replace(program, outputs=(0,)))

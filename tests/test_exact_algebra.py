"""Exact algebra proves what is zero, and only that: identities of each kind, and what differs from them by a little."""

import os
import random
from fractions import Fraction

import pytest
from drawn_points import expression, ordinary
from flint import arb

import diffkit as dk
from diffkit.asking.tasks import gradient_task, hessian_task
from diffkit.calculus.derivatives import derivative_program
from diffkit.core.builder import select
from diffkit.core.program import run
from diffkit.numbers.balls import BALLS, precision, rational
from diffkit.numbers.field import vanishes, vanishes_around, vanishes_beside
from diffkit.proof.confirmation import NUMERATOR_WORDS, height
from diffkit.proof.prover import Prover

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "300"))
NUMBERS = {
    "exp(1)": "e", "exp(1/3)**3": "e", "exp(2)*exp(-2)": "1", "exp(pi)*exp(-pi)": "1", "(e**2)**(1/3)": "exp(2/3)",
    "sqrt(2)*sqrt(2)": "2", "sqrt(2)*sqrt(3)": "sqrt(6)", "sqrt(8)": "2*sqrt(2)", "1/sqrt(2)": "sqrt(2)/2",
    "2**(1/4)*2**(1/4)": "sqrt(2)", "cbrt(27)": "3", "cbrt(-8)": "-2", "sqrt(sqrt(16))": "2", "16**(3/4)": "8",
    "(1/8)**(-2/3)": "4", "sqrt(pi)*sqrt(pi)": "pi", "sqrt(2*pi)": "sqrt(2)*sqrt(pi)", "sqrt((1 - e)**2)": "e - 1",
    "2**pi*3**pi": "6**pi", "2**sqrt(2)*2**(2 - sqrt(2))": "4", "(2**sqrt(2))**sqrt(2)": "4",
    "log(4)": "2*log(2)", "log(6)": "log(2) + log(3)", "log(1/2)": "-log(2)", "log(sqrt(2))": "log(2)/2",
    "log(2)/log(4)": "1/2", "log(pi**2)": "2*log(pi)", "log2(8)": "3", "log10(1000)": "3", "log(exp(3/7))": "3/7",
    "exp(log(5))": "5", "exp(2*log(3))": "9", "exp(log(2)/2)": "sqrt(2)", "log(exp(1)*exp(2))": "3",
    "2*sin(1)*cos(1)": "sin(2)", "sin(1)**2 + cos(1)**2": "1", "sin(1/2)**2": "(1 - cos(1))/2",
    "sqrt(1 - cos(1)**2)": "sin(1)",
    "3*sin(1) - 4*sin(1)**3": "sin(3)", "sin(pi/3)": "sqrt(3)/2", "sin(pi/12)": "(sqrt(6) - sqrt(2))/4",
    "cos(pi/5)": "(1 + sqrt(5))/4", "sin(7*pi/6)": "-1/2", "cos(100*pi)": "1", "sec(1)**2 - tan(1)**2": "1",
    "sin(1 + sqrt(2))": "sin(1)*cos(sqrt(2)) + cos(1)*sin(sqrt(2))", "sin(1/sqrt(2))": "sin(sqrt(2)/2)",
    "atan(1)": "pi/4", "asin(1/2)": "pi/6", "acos(-1)": "pi", "atan(sqrt(3))": "pi/3", "atan(2) + atan(1/2)": "pi/2",
    "atan2(1, -1)": "3*pi/4", "atan2(-1, -1)": "-3*pi/4", "sin(2*atan(1/2))": "4/5", "cos(asin(3/5))": "4/5",
    "tan(atan(7))": "7", "atan(tan(2))": "2 - pi", "asin(sin(2))": "pi - 2", "acos(cos(4))": "2*pi - 4",
    "sinh(asinh(2))": "2", "asinh(sinh(2))": "2", "acosh(cosh(3))": "3", "tanh(atanh(1/3))": "1/3",
    "hypot(3, 4)": "5", "hypot(3*e, 4*e)": "5*e", "abs(1 - pi)": "pi - 1", "max(e, pi)": "pi", "floor(pi)": "3",
    "where(e < pi, 2, 3)": "2", "sign(e - pi)": "-1", "ceil(e)": "3", "sigmoid(2)": "1 - sigmoid(-2)", "relu(-e)": "0",
    "softplus(2) - softplus(-2)": "2", "erf(-1)": "-erf(1)", "erfc(1)": "1 - erf(1)", "gelu(1) - gelu(-1)": "1",
    "logsumexp(log(2), log(3))": "log(5)", "expm1(log(3))": "2", "log1p(exp(2) - 1)": "2",
    "tanh(1)": "(e**2 - 1)/(e**2 + 1)",
}  # fmt: skip
AROUND = {
    "sin(x)**2 + cos(x)**2": "1", "sqrt(x**2)": "x", "log(exp(y))": "y", "exp(log(x))": "x", "cbrt(x**3)": "x",
    "sqrt(x*y)": "sqrt(x)*sqrt(y)", "log(x*y)": "log(x) + log(y)", "atan(tan(x))": "x", "asin(sin(x))": "x",
    "sin(x + y)": "sin(x)*cos(y) + cos(x)*sin(y)", "x**y*x**2": "x**(y + 2)", "abs(x - 10)": "10 - x",
    "max(x, y + 5)": "y + 5", "acosh(cosh(x))": "x", "tanh(x)": "1 - 2/(exp(2*x) + 1)", "hypot(3*x, 4*x)": "5*x",
}  # fmt: skip
"""Texts that agree for all x and y around (1.25, 0.75)."""


@pytest.mark.parametrize("text", NUMBERS)
def test_identities_of_numbers(text):
    assert vanishes(dk.parse(f"{text} - ({NUMBERS[text]})").program)
    assert not vanishes(dk.parse(f"{text} - ({NUMBERS[text]}) - 1/10**40").program)
    if NUMBERS[text].strip("-").isdigit():
        assert vanishes(dk.parse(text).program, (), Fraction(NUMBERS[text]))


@pytest.mark.parametrize("text", AROUND)
def test_identities_around_a_point(text):
    program = dk.parse(f"{text} - ({AROUND[text]})", ("x", "y")).program
    assert vanishes_around(program, [1.25, 0.75])
    assert vanishes(program, [1.25, 0.75])
    other = dk.parse(f"{text} - ({AROUND[text]})*(1 + x/10**30)", ("x", "y")).program
    assert not vanishes_around(other, [1.25, 0.75])
    assert not vanishes(other, [1.25, 0.75])


def test_a_branch_counts_only_around_the_point_where_it_is_taken():
    root = dk.parse("sqrt(x**2) - x", ("x",)).program
    assert vanishes_around(root, [2.0])
    assert not vanishes_around(root, [-2.0])
    assert not vanishes_around(root, [0.0])
    assert vanishes(root, [0.0])
    floor = dk.parse("floor(x) - 2", ("x",)).program
    assert vanishes_around(floor, [2.5])
    assert not vanishes_around(floor, [2.0])


SMALL = ["sqrt(t**2) - t", "sqrt(t**4 + t**2) - t*sqrt(1 + t**2)", "t/t - 1", "(t**3)**(1/3) - t", "abs(t - 1) - 1 + t",
         "sqrt((t - t**2)**2) - t + t**2", "log(t**2) - 2*log(t)"]  # fmt: skip
NOT_SMALL = ["abs(t - 1) - t + 1", "t", "sqrt(t**2) + t", "sqrt((t - 1/10**70)**2) - t + 1/10**70"]


def test_small_positive_numbers():
    """The last one is zero for t > 1e-70 only."""
    assert all(vanishes_beside(dk.parse(text, ("t",)).program) for text in SMALL)
    assert not any(vanishes_beside(dk.parse(text, ("t",)).program) for text in NOT_SMALL)


def test_what_the_algebra_does_not_know_is_not_zero():
    for text in ("gamma(7/2) - 5/2*gamma(5/2)", "sqrt(3 + 2*sqrt(2)) - 1 - sqrt(2)", "exp(1) - 2.718281828459045",
                 "0/0", "1/0", "log(-1)", "sqrt(-1)", "asin(2)", "0**(-1)"):  # fmt: skip
        assert not vanishes(dk.parse(text).program)


def test_what_is_called_zero_is_zero():
    """3000 bits about derivatives less candidates, differences of random expressions, and numbers."""
    yes = 0
    for seed in range(EXAMPLES):
        draw = random.Random(f"exact {seed}")
        text, names, point = ordinary(seed)
        program = dk.parse(text, names).program
        if seed % 3 == 0:
            program = dk.parse(f"({text}) - ({expression(draw, names, 2)})", names).program
        elif seed % 3 == 1:
            gradient = derivative_program(program, gradient_task(program).indices)
            program = select(gradient, [draw.choice(gradient.outputs)])
        less = draw.choice([Fraction(0), Fraction(1), Fraction(2), _nearest(program, point), _nearest(program, point)])
        if vanishes(program, point, less):
            yes += 1
            with precision(3000):
                ball = run(program, BALLS, [arb(x) for x in point])[0] - arb(rational(less))
                assert not ball.is_finite() or ball.contains(0), (seed, text, point, less)
    assert yes > EXAMPLES / 20  # otherwise nothing was tested


def _nearest(program, point):
    """The binary64 nearest to a value, or 0."""
    with precision(200):
        ball = run(program, BALLS, [arb(x) for x in point])[0]
    return Fraction(float(ball)) if ball.is_finite() and abs(ball) < 1e300 else Fraction(0)


# Zeros of rational functions ------------------------------------------------------------------------------------------

ORTHOGONAL = "(x - (x + y + z)/5)**2 + (y - (x + y + z)/5)**2 + (z - (x + y + z)/5)**2 + ((x + y + z)/5)**2*7"
"""A linear least-squares problem with orthogonal columns."""
ALL_ZERO = ["(x + y)**2 - (x - y)**2 - 4*x*y + z**2", "((x + y)/3)**3 - (x**3 + 3*x**2*y + 3*x*y**2 + y**3)/27 + z",
            "(x**2 - y**2)/(x - y) - x - y + z/7", "x/(1 + x*0.3) - 1/(1/x + 0.3) + y*z/3",
            "x**(-2)*y - y/x**2 + x*z", ORTHOGONAL]  # fmt: skip


@pytest.mark.parametrize("text", ALL_ZERO)
def test_zeros_of_rational_functions_need_no_thousand_bits(text):
    program = dk.parse(text, ("x", "y", "z")).program
    for point in ([1.3, 0.7, 0.1], [-2.5, 1e-3, 4.0], [1e5, 0.1, 3.3]):
        for make in (gradient_task, hessian_task):
            prover = Prover(make(program))
            for _ in range(5):  # interpreted, and compiled
                regular = prover.at(point)
                assert set(regular.confirmed) == {True}
                exact = [e for e in regular.enclosures if e.is_zero]
                assert regular.bits <= 512
            assert exact or make is gradient_task


@pytest.mark.parametrize("size", [1.0, 1e-20, 1e-300, 1e20])
@pytest.mark.parametrize("text", ["x*y/3 + {s}*x", "x**2/3 + {s}*y + x*y", "{s}*x/(3 + y)"])
def test_a_zero_that_is_none_is_not_confirmed(text, size):
    """A rule that forgets a term, however small that is."""
    s = f"{size:e}"
    task = gradient_task(dk.parse(text.format(s=s), ("x", "y")).program)
    wrong = Prover(gradient_task(dk.parse(text.format(s="0"), ("x", "y")).program)).derivative
    for point in ([0.0, 0.0], [0.5, 0.0], [0.7, 1.3]):
        prover = Prover(task)
        prover.derivative = wrong
        found, right = prover.at(point), Prover(task).at(point)
        for c, (one, other) in enumerate(zip(found.enclosures, right.enclosures, strict=True)):
            if one.value != other.value:
                assert not found.confirmed[c], (text, size, point)


def test_what_is_no_rational_program_has_no_exact_witness():
    for text in ("exp(x)", "x**0.5", "x**y", "x*pi", "abs(x)", "x**2000", "where(x > 0, x, 2*x)"):
        assert height(dk.parse(text).program) > NUMERATOR_WORDS
    assert height(dk.parse("(x - y/3)**4/(1 + x**2)").program) < 20

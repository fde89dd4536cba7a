"""Proofs: correctly rounded values, broken rows that prove nothing, enclosures that hold 200 digits."""

import math
import os
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from conftest import corpus, exact
from flint import arb, arb_series, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

import diffkit as dk
from diffkit.asking.tasks import derivative_task, gradient_task, hessian_task
from diffkit.core.program import Program, run
from diffkit.core.table import table
from diffkit.numbers.balls import BALLS, SERIES, precision
from diffkit.numbers.field import vanishes
from diffkit.numbers.multiprecision import multiprecision
from diffkit.proof.prover import POINTS_INTERPRETED, Prover

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "1000"))


def nearest(text):
    """Binary64 values that a decimal of 30 digits may round to: two where it stands for an exact tie."""
    value = float(text)
    return {v for v in (value, math.nextafter(value, math.inf), math.nextafter(value, -math.inf))
            if v == value or abs(exact(text) - (exact(v) + exact(value)) / 2) < 1e-27 * abs(value)}  # fmt: skip


@pytest.mark.parametrize("case", corpus(), ids=lambda c: c["id"])
def test_the_corpus_is_correctly_rounded(case):
    point = {name: float(text) for name, text in case["at"].items()}
    gradient = dk.gradient(case["expr"], point, variables=case["vars"])
    hessian = dk.hessian(case["expr"], point, variables=case["vars"])
    assert gradient.ok
    assert hessian.ok
    for value, error, truth in zip(gradient.flat, gradient.flat_error, case["gradient"], strict=True):
        assert value in nearest(truth)
        assert error <= math.ulp(value)
    flat = [text for row in case["hessian"] for text in row]
    assert all(v in nearest(t) for v, t in zip(hessian.flat, flat, strict=True))


@pytest.mark.parametrize(
    ("text", "at", "order"),
    [("exp(x)*sin(x)", 2, 6), ("1/(1 + x**2)", 0.25, 12), ("gamma(x)", 1.5, 5), ("besselj(2, x)", 3, 4),
     ("tanh(x)", 30, 2), ("x**x", 2, 20)],
)  # fmt: skip
def test_high_orders_against_multiprecision(text, at, order):
    task = derivative_task(dk.parse(text).program, None, order)
    digits = multiprecision(120)
    truth = run(Prover(task).derivative, digits, [digits.number(float(at))])[0]
    result = dk.derivative(text, at, order=order)
    assert result.value == float(truth)
    assert abs(exact(result.value) - truth) <= exact(result.error) * (1 + exact(1e-9))


BROKEN = [row for row in table if any(rule is not None for rule in row.partials) and row.callable
          and not row.orders and row.name not in ("digamma", "where")]  # fmt: skip
"""those with orders want constants: tests/test_confirmation.py has them too"""


@pytest.mark.parametrize("row", BROKEN, ids=lambda r: r.name)
def test_a_wrong_row_proves_nothing(row):
    """Each partial made wrong by one part in a million: the answer becomes uncertain, never proven."""
    point = row.points[-1] if isinstance(row.points[-1], tuple) else (row.points[-1],)
    for k, rule in enumerate(row.partials):
        wrong = lambda F, *args, rule=rule: rule(F, *args) * (1 + F.rational(1, 10**6))  # noqa: E731
        partials = [wrong if i == k else r for i, r in enumerate(row.partials)]
        broken = replace(row, partials=tuple(partials), pushforward=None)
        count = len(row.arguments)
        names = tuple(f"x{i}" for i in range(count))
        program = Program(names, (), ((broken, tuple(range(count))),), (count,))
        prover = Prover(gradient_task(program))
        slope = run(prover.derivative, BALLS, [arb(x) for x in point])[k]
        for _ in range(POINTS_INTERPRETED + 2):  # compiled on the way
            assert prover.at(point).agreed is False or slope.is_zero()


@pytest.mark.parametrize("make", [gradient_task, hessian_task])
@pytest.mark.parametrize(
    "text",
    ["exp(x)*sin(y)", "x*y + 3", "sqrt(x)*log(y)", "max(x, y)**2", "where(x > 0, log(x), y)", "abs(x) + y/x",
     "exp(x**9)*y", "(1 - cos(x))/x**2 + y", "3", "cbrt(x - y)", "(x/3 - 1/6)**2*y", "exp(y)*(x/3 - 1/6)**7"],
)  # fmt: skip
def test_compiled_proofs_say_what_interpreted_ones_say(text, make):
    """At ordinary points, edges, kinks, poles, outside the domain, where doubles overflow, underflow and cancel."""
    task = make(dk.parse(text, ("x", "y")).program)
    prepared = Prover(task)
    for _ in range(POINTS_INTERPRETED):
        prepared.at((0.5, 0.25))
    before = ctx.prec, ctx.cap
    for point in product((0.5, 0.0, -1.0, 3.0, 1e-9, 1e300, 5e-324), repeat=2):
        found, expected = prepared.at(point), Prover(task).at(point)
        assert (found.inside, found.agreed) == (expected.inside, expected.agreed), point
        for one, other in zip(found.enclosures, expected.enclosures, strict=True):
            assert (one.value, one.error, one.ball.str()) == (other.value, other.error, other.ball.str()), point
    assert (ctx.prec, ctx.cap) == before


NUMBERS = st.integers(-8, 8) | st.fractions(-4, 4, max_denominator=16)
UNARY = [row.name for row in table if row.callable and len(row.arguments) == 1 and not row.truths]


COORDINATES = st.floats(-3, 3).filter(lambda v: v == 0 or abs(v) > 1e-60)  # a kink nearer than the steps is no matter


def expressions():
    """Random expressions of x and y as text."""
    leaves = st.sampled_from(["x", "y"]) | NUMBERS.map(lambda q: f"({Fraction(q)})")
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.sampled_from(UNARY), inner).map(lambda t: f"{t[0]}({t[1]})")
            | st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})")
            | st.tuples(inner, st.integers(-3, 4)).map(lambda t: f"({t[0]})**({t[1]})")
            | st.tuples(st.sampled_from(["max", "min", "hypot", "atan2"]), inner, inner).map(
                lambda t: f"{t[0]}({t[1]},{t[2]})"
            )
        ),
        max_leaves=8,
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(expressions(), st.floats(-3, 3), st.floats(-3, 3))
def test_a_ball_holds_two_hundred_digits(text, x, y):
    program = dk.parse(text, variables=("x", "y")).program
    digits = multiprecision(200)
    truth = run(program, digits, [digits.number(x), digits.number(y)])[0]
    with precision(96, 3):
        ball = run(program, BALLS, [arb(x), arb(y)])[0]
        series = run(program, SERIES, [arb_series([x, 1]), arb_series([y, 2])])[0]
        for enclosure in (ball, series[0]):
            if enclosure.is_finite() and digits.context.isfinite(truth):
                wide = arb(str(digits.context.nstr(truth, 190)))
                with precision(800):
                    assert enclosure.overlaps(wide)


@settings(max_examples=EXAMPLES, deadline=None)
@given(expressions(), COORDINATES, COORDINATES)
def test_a_proven_gradient_is_what_differences_at_many_digits_say(text, x, y):
    """Differences of f itself at 700 digits share neither the rules nor the arithmetic of the proof."""
    program = dk.parse(text, variables=("x", "y")).program
    result = dk.gradient(dk.parse(text, variables=("x", "y")), [x, y])
    digits = multiprecision(700)

    def f(*point):
        return run(program, digits, point)[0]

    at = [digits.number(x), digits.number(y)]
    steps = [abs(v) * digits.context.mpf(10) ** -150 or digits.context.mpf(10) ** -340 for v in at]
    for c, value in enumerate(result.flat):
        if result.is_odd(c):
            continue
        h = steps[c]
        high, low = (f(*[v + sign * h if i == c else v for i, v in enumerate(at)]) for sign in (1, -1))
        if digits.context.isfinite(high) and digits.context.isfinite(low):
            slope = (high - low) / (2 * h)
            least = -250 if (x, y)[c] else -80  # beside 0 a cube root makes 10⁻¹¹³ of a step of 10⁻³⁴⁰
            floor = digits.context.mpf(10) ** least
            assert abs(value - slope) <= result.flat_error[c] * 1.0001 + abs(slope) * 1e-30 + floor, text
            small = abs(slope) * digits.context.mpf(10) ** -60 + floor
            assert float(slope - small) <= value <= float(slope + small), text


def test_rows_are_not_blamed_at_their_zeros():
    for text, order, value in (("asinh(x)", 1, 1.0), ("asinh(x)", 3, -1.0), ("asinh(x)**2", 2, 2.0)):
        assert float(dk.derivative(text, 0, order=order)) == value


def test_inner_functions_need_not_be_exact():
    for text, at in {"digamma(x/3)": 1, "besselj(0, sin(x))": 2, "polygamma(1, exp(x))": 0.5}.items():
        assert dk.derivative(text, at).ok


def test_high_orders_of_bessel_functions_take_no_exponential_time():
    assert dk.derivative("besselj(5, x)", 0.5, order=20).ok


def test_ties_of_taylor_coefficients():
    assert dk.taylor("9007199254740993*x^3", 1, 3).value[3] == 9007199254740992.0


@pytest.mark.parametrize(("text", "at"), [("exp(x)*sin(x)", 1), ("x**3/7", 0.1), ("gamma(x)", 5.5), ("x**2", 3)])
def test_proven_decimals(text, at):
    digits = multiprecision(120)
    program = Prover(derivative_task(dk.parse(text).program)).derivative
    truth = run(program, digits, [digits.number(float(at))])[0]
    for count in (5, 50, 90):
        (shown,) = dk.derivative(text, at, digits=count).decimals
        assert abs(digits.context.mpf(shown) - truth) <= abs(truth) * digits.context.mpf(10) ** (1 - count) / 2


def test_decimals_where_there_is_none():
    result = dk.gradient("abs(x) + y/3", (0, 1), digits=20)
    assert result.decimals == ("", "0.33333333333333333333")  # the kink is none of y's business
    assert result.value[1] == 1 / 3
    assert dk.derivative("x", 1).decimals is None
    with pytest.raises(dk.DiffkitError, match="only the backend auto"):
        dk.derivative("x", 1, backend="dual", digits=3)
    with pytest.raises(dk.DiffkitError, match="from 1 to 1000"):
        dk.derivative("x", 1, digits=0)


def test_a_proof_can_be_given_up(ticking):
    text = "gamma(x + 1) - x*gamma(x)"  # zero, which no precision shows
    ticking(1.0)
    found = dk.derivative(text, 2.5, timeout=3.0)
    assert (found.status, found.message) == ("uncertain", "timeout of 3 s")
    assert dk.derivative(text, 2.5).value == 0.0


ZERO = ["sin(x)**2 + cos(x)**2", "cosh(x)**2 - sinh(x)**2", "exp(x)*exp(-x)", "sigmoid(x) + sigmoid(-x)",
        "sin(2*x) - 2*sin(x)*cos(x)", "x - x", "0*sin(x)", "(x + 1)**2 - x**2 - 2*x"]  # fmt: skip


@pytest.mark.parametrize("text", ZERO)
def test_zeros_are_proven(text):
    for at in (0.1, 20):
        result = dk.derivative(text, at)
        assert (result.value, result.error, result.message) == (0.0, 0.0, "")


def test_rounding_to_zero_is_not_being_zero():
    result = dk.derivative("exp(-x)", 1e6)
    assert result.value == 0.0
    assert result.error > 0
    assert "it is not zero" in result.message
    assert "may be zero" in dk.derivative("gamma(x + 1) - x*gamma(x)", 2.5).message


@pytest.mark.parametrize(
    ("text", "zero"),
    [("exp(1) - e", True), ("sqrt(2)*sqrt(2) - 2", True), ("exp(1/3)**3 - e", True), ("2*sin(1)*cos(1) - sin(2)", True),
     ("exp(1) - 2.718281828459045", False), ("sin(1)", False), ("gamma(2.5) - 1.5*gamma(1.5)", False)],
)  # fmt: skip
def test_exact_algebra(text, zero):
    assert vanishes(dk.parse(text).program) is zero

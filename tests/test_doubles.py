"""Pairs of floats: nearly twice the digits, on floats and on arrays; and the forms that do not cancel."""

import math
from fractions import Fraction

import numpy as np
import pytest
from conftest import CONTEXT, corpus, exact, ulps

import diffkit as dk
from diffkit.asking.questions import make_task
from diffkit.calculus.without_cancellation import stable
from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import run
from diffkit.core.rules import by_rule
from diffkit.core.table import table
from diffkit.core.text import format_outputs, parse_program
from diffkit.methods import Bounded, get_backend
from diffkit.numbers.bounds import DOUBLES_BOUNDS
from diffkit.numbers.doubles import DOUBLES, array_doubles, two_product, two_sum
from diffkit.numbers.floats import FLOATS
from diffkit.numbers.multiprecision import multiprecision

MP = multiprecision(60)
AWKWARD = (0.1, -1 / 3, 1e17 / 7, 5e-9, 1.0, -2.5)


@pytest.mark.parametrize("x", AWKWARD)
@pytest.mark.parametrize("y", AWKWARD)
def test_sums_and_products_leave_their_error(x, y):
    assert sum(map(Fraction, two_sum(x, y))) == Fraction(x) + Fraction(y)
    assert sum(map(Fraction, two_product(x, y))) == Fraction(x) * Fraction(y)


TEXTS = {
    "(x + 1/3)*(y - 0.1) - x*y": (0.3, 0.7),
    "(x/y)/(1/7 + x)": (0.3, -0.7),
    "sqrt(x + y)*x**7/y**-3": (0.3, 0.7),
    "x**(5/2) - y**(-3/2)": (1.1, 0.9),
    "abs(x - y)*max(x, y, 1/3) - min(x, 1/10)": (0.1, 0.3),
    "where(x < 0.1, 3*x, x/3) + floor(10*x) + ceil(10*x)": (0.1, 0.0),
    "relu(x - 0.1)/pi": (0.3, 0.0),
}


@pytest.mark.parametrize("text", TEXTS)
def test_algebra_keeps_both_parts(text):
    """+ − × ÷ √, half-integer powers and choices: the pair has 90 bits, where one float has 53."""
    program, point = parse_program(text, ("x", "y")), TEXTS[text]
    truth = run(program, MP, [MP.number(x) for x in point])[0]
    high, low = run(program, DOUBLES, [DOUBLES.number(x) for x in point])[0]
    assert abs(exact(high) + exact(low) - truth) <= CONTEXT.mpf(2) ** -90 * abs(truth)
    with np.errstate(all="ignore"):
        columns = run(program, array_doubles(), [(np.full(3, x), 0.0) for x in point])[0]
    assert [float(c[1]) for c in columns] == [high, low]


@pytest.mark.parametrize("row", [r for r in table if callable(r.pairs)], ids=lambda r: r.name)
def test_the_form_for_pairs_means_the_same(row):
    for point in row.points:
        args = [MP.number(a) for a in (point if isinstance(point, tuple) else (point,))]
        truth = MP.apply(row, args)
        assert abs(by_rule(row.pairs, MP, args) - truth) <= CONTEXT.mpf(10) ** -45 * max(1, abs(truth))


@pytest.mark.parametrize("x", [1e308, 1e-308, 5e-324, 1e160, math.inf, math.nan, 0.0, -0.0])
def test_at_the_ends_of_the_range_the_plain_value_stands(x):
    for text in ("x*x", "x + x/3", "1/x", "sqrt(x)", "x**3", "exp(x)", "x**-2"):
        program = parse_program(text)
        (high, low), plain = run(program, DOUBLES, [(x, 0.0)])[0], run(program, FLOATS, [x])[0]
        assert high == pytest.approx(plain, rel=1e-15, abs=1e-323, nan_ok=True)
        assert math.isfinite(low)


def test_what_is_only_rounding_is_a_tie():
    """x/3·3 − x is zero, so that a kink there is seen; 1/10 is not the float nearest to it."""
    third = DOUBLES.apply(table["div"], (DOUBLES.number(0.7), DOUBLES.number(3.0)))
    thrice = DOUBLES.apply(table["mul"], (third, DOUBLES.number(3.0)))
    assert DOUBLES.apply(table["sub"], (thrice, DOUBLES.number(0.7))) == (0.0, 0.0)
    assert DOUBLES.apply(table["lt"], (DOUBLES.constant(Fraction(1, 10)), DOUBLES.number(0.1))) is True


# Bounds -----------------------------------------------------------------------------------------------------------


def test_the_bound_holds_on_second_derivatives():
    for row in corpus():
        task = make_task(row["expr"], "hessian", row["vars"])
        point = [float(row["at"][name]) for name in row["vars"]]
        evaluation = get_backend("dual").prepare(task)
        assert isinstance(evaluation, Bounded)
        values, bound = evaluation.at(point).values, evaluation.bound(point)
        for (_, (i, j)), value, limit in zip(task.indices, values, bound, strict=True):
            assert abs(exact(value) - exact(row["hessian"][i][j])) <= limit, row["id"]


@pytest.mark.parametrize("text", ["sin(x*1e8/3)", "exp(sin(x)/3) - 1/7", "log(x/3)**3 + x**0.3"])
def test_the_bound_covers_what_the_first_order_leaves_out(text):
    program = parse_program(text)
    for x in np.linspace(0.5, 90.0, 40).tolist():
        truth = run(program, MP, [MP.number(x)])[0]
        number = run(program, DOUBLES_BOUNDS, [DOUBLES_BOUNDS.number(x)])[0]
        assert abs(exact(number[0][0]) - truth) <= DOUBLES_BOUNDS.total(number)


# Forms that do not cancel -----------------------------------------------------------------------------------------

FORMS = {
    "exp(x) - 1": "expm1(x)",
    "3 - 3*exp(-x)": "-3*expm1(-x)",
    "1 - tanh(x)**2": "4*(sigmoid(2*x)*sigmoid(-2*x))",
    "1 - cos(x)": "2*sin(x/2)**2",
    "1 - erf(x)": "erfc(x)",
    "x - erfc(x)/2 + 1": "0.5*erfc(-x) + x",
    "1/(1 + exp(-x))": "sigmoid(x)",
    "exp(-x)/(1 + exp(-x))**2": "sigmoid(-x)*sigmoid(x)",
    "2*x*exp(x)/(1 + exp(x))": "2*x*sigmoid(x)",
    "log(exp(x) + 1)": "softplus(x)",
    "2 - exp(x)": "2 - exp(x)",
}


@pytest.mark.parametrize("text", FORMS)
def test_stable_forms(text):
    program = parse_program(text)
    rewritten = stable(program)
    assert format_outputs(rewritten) == [FORMS[text]]
    for x in (-30.0, -0.3, 1e-5, 1.0, 30.0):
        truth = run(program, MP, [MP.number(x)])[0]
        assert abs(run(rewritten, MP, [MP.number(x)])[0] - truth) <= CONTEXT.mpf(10) ** -40
        high, _ = run(rewritten, DOUBLES, [DOUBLES.number(x)])[0]
        assert ulps(high, truth) <= 4


SATURATED = {
    ("tanh(x)", 30): "3.50260430507860753816e-26",
    ("gelu(x)", -10): "-7.61840009646481414e-22",
    ("log(1 + exp(x))", -40): "4.24835425529158897728e-18",
    ("1/(1 + exp(-x))", -700): "9.85967654375977085670e-305",
    ("x/(1 + exp(-x))", -40): "-1.65685815956371975e-16",
}


@pytest.mark.parametrize("backend", ["dual", "symbolic"])
@pytest.mark.parametrize(("text", "at"), SATURATED)
def test_saturated_functions_keep_their_slopes(text, at, backend):
    for result in (dk.derivative(text, at, backend=backend), dk.derivative(text, np.array([at]), backend=backend)):
        assert ulps(float(result.flat[0]), SATURATED[text, at]) <= 8


def test_shared_sums_and_products_are_searched_in_linear_time():
    """Sixty times its own square plus itself: a walk of both sides would take 2⁶⁰ steps."""
    builder = ProgramBuilder(["x"])
    slot = builder.apply(table["exp"], (0,))
    for row in ("mul", "add") * 30:
        slot = builder.apply(table[row], (slot, slot))
        slot = builder.apply(table["sub"], (slot, 0))
    tail = builder.apply(table["sigmoid"], (0,))
    outputs = [builder.apply(table["mul"], (slot, tail)), builder.apply(table["sub"], (builder.constant(1), slot))]
    program = builder.program(outputs)
    assert stable(program) == program

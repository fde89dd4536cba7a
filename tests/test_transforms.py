"""Derivative programs: nesting, Taylor series, conversion to SymPy and back, guards, growth."""

import math

import mpmath
import numpy as np
import pytest
import sympy
from conftest import CONTEXT, exact, ulps
from hypothesis import example, given, settings
from hypothesis import strategies as st

import diffkit as dk
from diffkit.asking.tasks import gradient_task
from diffkit.calculus.derivatives import derivative_program, differentiate
from diffkit.calculus.domain import domain
from diffkit.calculus.guards import guard
from diffkit.calculus.sympy import from_sympy, symbolic_derivative, to_sympy
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.limits import Limits
from diffkit.core.program import run
from diffkit.core.table import table
from diffkit.core.text import format_outputs, parse_program
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.bounds import BOUNDS
from diffkit.numbers.duals import Dual, DualAlgebra
from diffkit.numbers.floats import FLOATS
from diffkit.numbers.multiprecision import multiprecision
from diffkit.numbers.taylor import TaylorAlgebra


def slopes(text, at, order=1):
    program = parse_program(text, ("x",))
    return run(differentiate(program, [(0, (0,) * order)]), FLOATS, [at])[0]


def test_nested_perturbations_are_not_confused():
    """d/dx (x · d/dy (x + y)) = 1, though both perturbations are called ε (Siskind & Pearlmutter 2005)."""
    inner = DualAlgebra(FLOATS)
    outer = DualAlgebra(inner)
    x = Dual(Dual(3.0), {0: Dual(1.0)})
    y = Dual(Dual(5.0, {0: 1.0}))
    total = outer.apply(table["add"], [x, y])
    by_y = total.primal.tangents[0]  # d/dy (x + y), a number of the base
    product = outer.apply(table["mul"], [x, Dual(Dual(by_y))])
    assert product.tangents[0].primal == 1.0
    assert not product.tangents[0].tangents


def test_an_absent_tangent_is_a_strong_zero():
    assert dk.gradient("sqrt(x) + y", [0, 2], backend="dual").value[1] == 1.0
    assert dk.gradient("where(x > 0, log(x), y)", [-1, 2], backend="dual").value.tolist() == [0.0, 1.0]
    assert dk.gradient("max(log(x), y)", [1, 2], backend="dual").value.tolist() == [0.0, 1.0]


TEXTS = ["exp(sin(x))", "x**x", "1/(1 + x**2)", "log(x)*sqrt(x)", "tanh(x)/x", "x**2.5", "gamma(x)", "besselj(1, x)",
         "atan2(x, 2)", "hypot(x, 1)", "softplus(x)*gelu(x)", "erf(x)*cbrt(x)", "where(x > 1, x**3, 1)*x",
         "max(x, 1)**3", "logsumexp(x, 2*x)", "acosh(x + 1)", "loggamma(x)", "x**5"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_every_order_against_contour_integrals(text, order):
    """Cauchy's formula knows nothing of derivative rules: f⁽ⁿ⁾(x) by mpmath's Taylor coefficients of f's values."""
    program = parse_program(text)
    context = mpmath.MPContext()
    algebra = multiprecision(60)
    x = 1.375
    value = slopes(text, x, order)
    context.dps = 60
    h = context.mpf(10) ** -7  # a 60-digit central difference: error h², round-off 10^-60/h^n
    total = 0
    for k in range(order + 1):
        point = algebra.number(x) + (context.mpf(order) / 2 - k) * h
        total += (-1) ** k * context.binomial(order, k) * run(program, algebra, [point])[0]
    assert abs(exact(value) - total / h**order) <= abs(exact(value)) * 1e-9 + 1e-12


@pytest.mark.parametrize("order", range(1, 21))
def test_orders_up_to_twenty(order):
    assert math.isclose(slopes("exp(2*x)", 0.5, order), 2.0**order * math.e, rel_tol=1e-13)
    truth = exact(math.factorial(order)) * (-1) ** order / exact(1.5) ** (order + 1)
    assert ulps(slopes("1/x", 1.5, order), truth) <= 40
    assert slopes("x**4", 0.0, order) == (24.0 if order == 4 else 0.0)


def test_mixed_partials_of_any_order():
    program = parse_program("sin(x*y) + x**3*y**2", ("x", "y"))
    index = (0, 0, 0, 1, 1)
    (value,) = run(differentiate(program, [(0, index)]), FLOATS, [0.7, 0.4])
    x, y = sympy.symbols("x y")
    derivative = sympy.diff(sympy.sin(x * y) + x**3 * y**2, x, x, x, y, y)
    assert math.isclose(value, derivative.subs({x: 0.7, y: 0.4}), rel_tol=1e-12)


def test_series_over_arrays_and_series():
    algebra = TaylorAlgebra(ARRAYS)
    (series,) = run(parse_program("exp(x)"), algebra, [algebra.variable(np.array([0.0, 1.0]))])
    np.testing.assert_allclose(series.coefficient(3), np.exp([0.0, 1.0]) / 6, rtol=1e-15)


def test_differentiating_a_composite_is_linear():
    sizes = []
    for depth in (50, 100, 200, 400):
        program = parse_program("sin(" * depth + "x" + ")" * depth, limits=Limits(parentheses=500))
        sizes.append(len(differentiate(program, [(0, (0,))])))
    assert sizes[3] - sizes[2] == 2 * (sizes[2] - sizes[1]) == 4 * (sizes[1] - sizes[0])


def test_a_wide_sum_is_linear():
    sizes = []
    for n in (100, 200):
        program = parse_program("+".join(f"x{k}*x{k + 1}" for k in range(n)))
        sizes.append(len(differentiate(program, [(0, (k,)) for k in range(n + 1)])))
    assert sizes[1] <= 2.05 * sizes[0]


DOMAINS = {
    "where(x > 0, log(x), 0)": "all real values, except where x = 0",
    "where(x >= 1, log(x - 1), 1/x)": "x - 1 > 0 (where x >= 1) and x ≠ 0 (where x < 1), except where x = 1",
    "where(not x > 0, log(-x), 1)": "-x > 0 (where not x > 0), except where x = 0",
    "1/x + log(x)": "x > 0",
    "gamma(2*x)": "2*x ≠ 0, −1, −2, …",
    "x**y": "x > 0",
    "x**-2": "x ≠ 0",
    "tan(x)": "x ≠ π/2 + kπ",
    "asin(2*x)": "|2*x| < 1",
    "floor(2*x)": "all real values, except where 2*x is an integer",
    "log(x^2 + 1) + 1/(1 + exp(x))": "all real values",
    "max(sin(x), 2) + abs(x^2 + 1)": "all real values",
    "where(x^2 + 1 > 0, x, log(-2))": "all real values",
    "asin(sin(x)/2)*gamma(cosh(x))": "all real values",
    "sqrt(x^2)": "x**2 > 0",
}


@pytest.mark.parametrize(("text", "shown"), DOMAINS.items())
def test_the_domain_in_the_words_of_the_expression(text, shown):
    assert str(domain(dk.parse(text).program)) == shown


@pytest.mark.parametrize(
    "text", ["x*y + sin(x*y)/z", "100*(y-x**2)**2 + (1-x)**2", "x**y**z", "log(x + exp(y) - z/x)", "x", "3", "abs(x)*y"]
)
def test_reverse_accumulation_gives_what_forward_gives(text):
    program = dk.parse(text, variables=("x", "y", "z")).program
    indices = gradient_task(program).indices
    point = [0.7, 1.3, 0.4]
    forward = run(differentiate(program, indices), FLOATS, point)
    reverse = run(derivative_program(program, indices), FLOATS, point)
    assert reverse == pytest.approx(forward, rel=1e-15)


def test_a_gradient_costs_a_few_evaluations_whatever_the_number_of_variables():
    def ratio(n):
        program = dk.parse("+".join(f"sin(x{i}*x{i + 1})" for i in range(n))).program
        return len(derivative_program(program, gradient_task(program).indices)) / len(program)

    assert ratio(400) < 3 < ratio(400) + 2
    assert abs(ratio(400) - ratio(100)) < 0.1


def test_guards_follow_the_domain():
    program = parse_program("log(x)/(y - 1) + abs(z)")
    guarded = guard(program, program)
    assert guarded.edges == (True, False, False)
    smooth = parse_program("x**2 + sin(y)")
    assert guard(smooth, smooth).edges == ()


def test_copying_a_program_changes_nothing():
    program = parse_program("where(x > 0, sin(x)/3, max(x, -y)) - 2*x")
    builder = ProgramBuilder(program.inputs)
    slots = copy_slots(program, builder, range(2))
    assert builder.program([slots[o] for o in program.outputs]) == program


@pytest.mark.parametrize("text", [*TEXTS, "-x*y/3", "abs(x) + sign(y)", "floor(x)*y", "where(x < y and y < 2, x, y)"])
def test_sympy_and_back(text):
    program = parse_program(text)
    again = from_sympy(to_sympy(program), program.inputs)
    for point in ([1.375, 0.5], [0.25, 1.75], [2.5, -1.5]):
        point = point[: len(program.inputs)]
        old, new = (run(p, FLOATS, point)[0] for p in (program, again))
        assert math.isclose(old, new, rel_tol=1e-12)
    assert parse_program(format_outputs(again)[0], program.inputs) == again


SMOOTH = st.recursive(
    st.one_of(st.just("x"), st.integers(1, 5).map(str), st.sampled_from(["0.3", "1/7", "pi"])),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(
            st.sampled_from(["sin", "cos", "exp", "tanh", "atan", "log1p", "sqrt", "sigmoid", "cbrt"]), inner
        ).map(lambda t: f"{t[0]}({t[1]})"),
        inner.map(lambda t: f"({t})**2"),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@example("((x-x)-(x-x))**2")
@given(SMOOTH)
def test_rules_and_sympy_agree_at_fifty_digits(text):
    """Two independent derivatives of random expressions, evaluated beyond any cancellation."""
    program = parse_program(text, ("x",))
    algebra = multiprecision(80)
    point = [algebra.number(0.8125)]
    ours = run(differentiate(program, [(0, (0,))]), algebra, point)[0]
    theirs = run(symbolic_derivative(program, [(0, (0,))]), algebra, point)[0]
    if algebra.context.isfinite(ours) and algebra.context.isfinite(theirs):
        assert abs(ours - theirs) <= CONTEXT.mpf(10) ** -40 * max(1, abs(ours))


@settings(max_examples=150, deadline=None)
@given(SMOOTH, st.floats(0.25, 3.0))
def test_the_running_bound_contains_the_error(text, x):
    program = parse_program(text, ("x",))
    value, bound = run(program, BOUNDS, [(x, 0.0)])[0]
    algebra = multiprecision(60)
    truth = run(program, algebra, [algebra.number(x)])[0]
    if math.isfinite(value) and algebra.context.isfinite(truth):
        assert abs(exact(value) - truth) <= 2 * bound + 1e-300


@settings(max_examples=100, deadline=None)
@given(SMOOTH, SMOOTH, st.floats(0.25, 2.0))
def test_laws_of_differentiation(f, g, x):
    """(f + g)′ = f′ + g′ and (f·g)′ = f′g + fg′, in multiprecision."""
    algebra = multiprecision(60)
    at = [algebra.number(x)]

    def value(text, order=0):
        program = parse_program(text, ("x",))
        return run(program if order == 0 else differentiate(program, [(0, (0,))]), algebra, at)[0]

    parts = [value(f), value(g), value(f, 1), value(g, 1)]
    if not all(map(algebra.context.isfinite, parts)):
        return
    u, v, du, dv = parts
    scale = 1 + abs(u * dv) + abs(du * v) + abs(du) + abs(dv)
    assert abs(value(f"({f}) + ({g})", 1) - (du + dv)) <= 1e-40 * scale
    assert abs(value(f"({f})*({g})", 1) - (du * v + u * dv)) <= 1e-40 * scale


def test_multiprecision_is_bounded():
    algebra = multiprecision(50)
    for text in (
        "exp(exp(exp(37)))",
        "exp(exp(exp(exp(10))))",
        "sin(exp(exp(12)))",
        "gamma(1e300)",
        "2**(2**(2**x))**9",
    ):
        program = parse_program(text, ("x",))
        value = run(program, algebra, [algebra.number(7.0)])[0]
        assert not algebra.context.isfinite(value)

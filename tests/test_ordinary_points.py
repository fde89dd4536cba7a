"""Points that a person calls ordinary are decided: families generated over each kind that once was not."""

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest
from flint import arb

import diffkit as dk
from diffkit.asking.tasks import gradient_task, hessian_task
from diffkit.calculus.derivatives import addends, sum_of
from diffkit.calculus.guards import guard, inputs_of
from diffkit.core.builder import select
from diffkit.core.program import run
from diffkit.core.table import table
from diffkit.numbers.balls import BALLS, SERIES, precision, series_function
from diffkit.numbers.multiprecision import multiprecision
from diffkit.proof.classification import classify
from diffkit.proof.prover import Prover

DIGITS = multiprecision(120)


def values(result):
    """Components as floats; fails unless all are ok."""
    assert result.status == "ok", result
    return np.ravel(result.value).tolist()


# Zero bases -----------------------------------------------------------------------------------------------------------


RESIDUALS = {"(1.7*w + b - 2.7)": 1.7, "(w/3 - b/3)": 1 / 3, "(exp(w) - exp(b))": math.e, "(sqrt(2)*(w - b))": 2**0.5}
"""Texts that are 0 at w = b = 1, with their slope in w."""


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 20])
@pytest.mark.parametrize("residual", RESIDUALS)
def test_residuals_that_are_exactly_zero(residual, n):
    """d²/dw² rⁿ is 2·(dr/dw)² for n = 2 and 0 beyond, whatever balls make of r."""
    slope = RESIDUALS[residual]
    gradient = values(dk.gradient(f"{residual}**{n}", {"w": 1, "b": 1}))
    hessian = values(dk.hessian(f"{residual}**{n}*cos(b - 1)", {"w": 1, "b": 1}))
    assert gradient[1] == pytest.approx(slope if n == 1 else 0.0)
    assert hessian[3] == pytest.approx(2 * slope**2 if n == 2 else math.e if n == 1 and "exp" in residual else 0.0)


@pytest.mark.parametrize("order", range(1, 9))
def test_zero_bases_at_every_order(order):
    task = dk.derivative("(w/3 - 1/3)**5*exp(x)", {"w": 1, "x": 0}, wrt=["w"] * order)
    assert values(task) == [float((0, 0, 0, 0, 0, 120 / 243)[order]) if order < 6 else 0.0]


@pytest.mark.parametrize("n", [2, 5, 7])
def test_zero_bases_in_taylor_coefficients(n):
    """(t/3)ⁿ·e^(1 + t) at t = 0."""
    found = values(dk.taylor(f"(w/3 - 1/3)**{n}*exp(w)", 1, 8))
    assert found == pytest.approx([math.e / 3**n / math.factorial(k - n) if k >= n else 0.0 for k in range(9)])


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 5, 64])
def test_powers_of_balls(n):
    with precision(96):
        exact, wide = table["power"].ball(None, arb(3) / 7, arb(n)), (arb(3) / 7) ** arb(n)
        assert exact.overlaps(wide)
        if n > 0:
            about = table["power"].ball(None, arb(0, 1e-10), arb(n))
            assert about.is_finite()
            assert about.contains(0)
            assert about.contains(arb(-1e-10) ** n)


@pytest.mark.parametrize("row", [row for row in table if any(p.closed or p.kind == "kink" for p in row.places)],
                         ids=lambda row: row.name)  # fmt: skip
def test_series_of_what_stands_still_are_values(row):
    """At its place a row has a value, of which the series of a constant is made."""
    if row.truth:
        return
    from flint import arb_series

    where = {"asin": (1,), "acos": (-1,), "acosh": (1,)}.get(row.name, (0,) * len(row.arguments))
    where = (0, 2) if row.name == "power" else where
    with precision(96, 3):
        series = series_function(row)(*[arb_series([x]) for x in where])
        assert series[0].overlaps(BALLS.apply(row, [arb(x) for x in where]))
        assert series[1].is_zero()


# Ties and zeros -------------------------------------------------------------------------------------------------------

SAME = {
    "sqrt({0}**2)": 1, "cbrt({0}**3)": 1, "hypot(3*{0}, 4*{0})/5": 1, "exp(log({0}))": 1, "log(exp({0}))": 1,
    "tan(atan({0}))": 1, "atan(tan({0}))": 1, "sinh(asinh({0}))": 1, "asinh(sinh({0}))": 1, "sin(asin({0}/9))*9": 1,
    "acosh(cosh({0}))": 1, "tanh(atanh({0}/9))*9": 1, "{0}*(sin({0})**2 + cos({0})**2)": 1, "{0}**3/{0}**2": 1,
    "exp(2*log({0}))/{0}": 1, "sqrt({0})*sqrt({0})": 1, "({0}**4)**(1/4)": 1, "log2(2**{0})": 1, "abs({0})": 1,
    "max({0}, -{0})": 1, "log({0}**2)/log({0})*{0}/2": 1, "{0}*sec({0})*cos({0})": 1, "expm1(log1p({0}))": 1,
    "softplus({0}) - softplus(-{0})": 1, "{0}*(sigmoid({0}) + sigmoid(-{0}))": 1, "{0}*(erf({0}) + erfc({0}))": 1,
}  # fmt: skip
"""Texts that are {0} for 0 < {0} < 1.5, by roads that are not rational."""


@pytest.mark.parametrize("text", SAME)
def test_ties_reached_by_other_roads(text):
    """Derivatives that lie halfway between two binary64, where f is x·y in disguise."""
    for x, y in ((1.3, 0.7), (1.4375, 0.4), (0.1, 1.1)):
        disguised = f"({text.format('x')} + {text.format('y')})*(x*y)"
        plain = "(x + y)*(x*y)"
        assert values(dk.gradient(disguised, [x, y])) == values(dk.gradient(plain, [x, y]))
        assert values(dk.hessian(disguised, [x, y])) == values(dk.hessian(plain, [x, y]))


@pytest.mark.parametrize("text", SAME)
def test_disguised_zeros(text):
    difference = f"({text.format('x')} - x)*exp(y)"
    for result in (dk.gradient(difference, [1.3, 0.7]), dk.hessian(difference, [0.4, 1.1])):
        assert values(result) == [0.0] * len(result.flat)
        assert result.flat_error == [0.0] * len(result.flat)


# Places that do not concern a component -------------------------------------------------------------------------------

SPECIAL = {
    "abs(z)": 0, "relu(z)": 0, "max(z, 2*z)": 0, "cbrt(z)": 0, "sign(z)": 0, "floor(z)": 3, "sqrt(z)": 0, "z**pi": 0,
    "z**1.5": 0, "asin(z)": 1, "acos(z)": -1, "acosh(z)": 1, "hypot(z, 2*z)": 0, "where(z > 1, z, 2*z)": 1,
    "heaviside(z)": 0, "atan2(z, -1)": 0, "ceil(z)": 2, "min(z, z**2)": 1,
}  # fmt: skip
"""Texts that are special at a value of z, and have one there."""
SMOOTH = {"x**2*y": ([6.0, 1.0], 2.0), "sin(y - 3) + x*y": ([3.0, 2.0], 1.0), "x**y": ([3.0, 0.0], 1.0)}
"""gradient and mixed derivative at (1, 3)"""


@pytest.mark.parametrize("text", SMOOTH)
@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("form", ["{0} + {1}", "{0} - {1}", "3*({1}) + {0}"])
def test_a_place_of_another_variable(special, text, form):
    point = {"x": 1, "y": 3, "z": SPECIAL[special]}
    f = form.format(f"({text})", f"({special})")
    result = dk.gradient(f, point)
    assert result.statuses.tolist()[:2] == ["ok", "ok"]
    assert result.statuses[2] != "ok"
    assert result.value[:2].tolist() == SMOOTH[text][0]
    assert values(dk.derivative(f, point, wrt=("x", "y"))) == [SMOOTH[text][1]]
    for wrt in (("x", "z"), ("y", "z")):
        seen = dk.derivative(f, point, wrt=wrt)  # z stands alone: only an edge of its domain is in the way
        edge = result.statuses[2] == "domain_error"
        assert seen.status == "domain_error" if edge else values(seen) == [0.0]


def test_one_undecided_component_takes_no_other_with_it():
    f = "where(x == 0, 0, x*sin(1/x)) + abs(gamma(y + 1) - y*gamma(y)) + sqrt(z)/3 + t**2"
    result = dk.gradient(f, {"x": 0, "y": 2.5, "z": 4, "t": 3}, digits=20)
    assert dict(zip(result.variables, result.statuses.tolist(), strict=True)) == {
        "t": "ok", "x": "uncertain", "y": "uncertain", "z": "ok"}  # fmt: skip
    assert [text[:6] for text in result.decimals] == ["6", "", "", "0.0833"]
    messages = [result.odd[c].message for c in (1, 2)]
    assert messages[0].endswith("only a bound is known of it beside the point")
    assert messages[1].startswith("abs(gamma(y + 1) - y*gamma(y)): neither balls")


def test_one_output_takes_no_other_with_it():
    result = dk.jacobian(["sqrt(x)", "x*y", "log(x) + y", "y/3"], {"x": 0, "y": 2})
    assert result.statuses.tolist() == [["domain_error", "ok"], ["ok", "ok"],
                                        ["domain_error", "domain_error"], ["ok", "ok"]]  # fmt: skip
    assert result.value[[1, 3]].tolist() == [[2.0, 0.0], [0.0, 1 / 3]]


def test_guards_know_whom_they_concern():
    program = dk.parse("log(x)/(y - 1) + abs(z) + w**y", ("w", "x", "y", "z")).program
    guarded = guard(program, program)
    kinds = {(g.kind, guarded.movers(g)) for g in guarded.guards}
    assert ("kink", 0b1000) in kinds
    assert ("pole", 0b0110) in kinds
    for one in guarded.guards:
        assert one.holds(1)
        assert one.fails(0) is (one.holds(0) is False)
        assert one.holds(0, moves=False) is (one.kind == "kink" or one.closed)
        assert not (one.holds(-1, moves=False) and one.fails(-1, moves=False))


def test_held_jumps_must_be_decided():
    (one,) = guard(*[dk.parse("sign(x)").program] * 2).guards
    about = arb(0, 1e-20)
    assert not one.holds(about, moves=False)
    assert one.holds(arb(0), moves=False)
    assert one.holds(arb(-1), moves=False)


@pytest.mark.parametrize(("text", "status"), [
    ("max(3, abs(x))*x", "ok"), ("max(abs(x), hypot(x, y))", "ok"), ("min(-3, cbrt(x))*y", "ok"),
    ("max(x, relu(y))", "ok"), ("max(y, atan2(x, x)**2)", "not_differentiable"), ("max(3, sqrt(x))", "domain_error"),
    ("min(9, 1/x)", "domain_error"), ("max(5, floor(x))", "ok"), ("min(5, where(x > 0, 9, 1))", "not_differentiable"),
])  # fmt: skip
def test_what_is_not_taken_may_bend_and_may_not_jump(text, status):
    """At x = 0, y = 2; a jump that does not reach what is taken is seen by one-sided series."""
    assert dk.derivative(dk.parse(text, ("x", "y")), [0, 2], wrt="x").status == status


# Powers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(-3, 5))
def test_a_power_whose_exponent_is_held(n):
    for x in (-2.0, -0.5, 3.0):
        assert values(dk.derivative("x^n", {"x": x, "n": n}, wrt="x")) == pytest.approx([n * x ** (n - 1)])
        assert values(dk.derivative("x^n", {"x": x, "n": n}, wrt=("x", "x"))) == [
            pytest.approx(n * (n - 1) * x ** (n - 2))]  # fmt: skip
    if n >= 0:
        assert values(dk.derivative("x^n", {"x": 0, "n": n}, wrt="x")) == [float(n == 1)]
    assert dk.derivative("x^n", {"x": -2, "n": n}, wrt="n").status == "domain_error"


@pytest.mark.parametrize("zero", ["0", "(x - x)", "(0*x)", "(x/3 - x/3)", "sin(x - x)"])
def test_powers_of_zero(zero):
    """0^b is 0 for b > 0, so are its derivatives; at b = 0 it jumps, and below it has no value."""
    for b in (0.5, 1.0, 2.0, math.pi):
        assert values(dk.derivative(f"{zero}^b + x", {"x": 1, "b": b}, wrt="b")) == [0.0]
        assert values(dk.derivative(f"{zero}^b + x", {"x": 1, "b": b}, wrt=("b", "b"))) == [0.0]
    assert dk.derivative(f"{zero}^b + x", {"x": 1, "b": 0}, wrt="b").status == "domain_error"
    assert dk.derivative(f"{zero}^(b^2) + x", {"x": 1, "b": 0}, wrt="b").status == "not_differentiable"


ONE_BRANCH = {
    "x/x": 0.0, "max(x, x)": 1.0, "min(x*y, x*y)": 2.0, "x - x": 0.0, "where(x > 1, x*y, x*y)": 2.0,
    "where(x == y - 1, x**2, x**2)": 2.0, "abs(x)*sign(x)": 1.0, "max(sqrt(x**2), x)": 1.0, "min(x, x, x)": 1.0,
    "where(log(exp(x)) >= x, x**3, 5)": 3.0,
}  # fmt: skip
"""Texts whose branches are one function around x = 1, with its slope where y = 2."""


@pytest.mark.parametrize("text", ONE_BRANCH)
def test_branches_that_are_one(text):
    f = dk.parse(f"({text})*y/2", ("x", "y"))
    assert values(dk.derivative(f, {"x": 1, "y": 2}, wrt="x")) == [ONE_BRANCH[text]]
    assert dk.hessian(f, {"x": 1, "y": 2}).status == "ok"


# What the outer function smooths --------------------------------------------------------------------------------------

RADIAL = {
    "{r}**2": 2, "{r}**4": 0, "exp(-{r}**2)": -2, "exp(-{r}**2/2)": -1, "cos({r})": -1, "cosh({r})": 1,
    "{r}*sin({r})": 2, "1/(1 + {r}**2)": -2, "log(1 + {r}**2)": 2, "sqrt(1 + {r}**2)": 1, "{r}*abs({r})": 2,
    "{r}*tanh({r})": 2,
    "(1 + sqrt(3)*{r})*exp(-sqrt(3)*{r})": -3, "(1 + sqrt(5)*{r} + 5*{r}**2/3)*exp(-sqrt(5)*{r})": -5 / 3,
}  # fmt: skip
"""Even functions of a radius, with their second derivative at 0."""


@pytest.mark.parametrize("radius", ["hypot(x, y)", "sqrt(x**2 + y**2)", "abs(hypot(y, x))", "max(hypot(x, y), 0)"])
@pytest.mark.parametrize("text", RADIAL)
def test_smooth_functions_of_a_radius_at_zero(text, radius):
    second = RADIAL[text]
    assert values(dk.hessian(text.format(r=radius), [0.0, 0.0])) == [second, 0.0, 0.0, second]


@pytest.mark.parametrize("text", RADIAL)
def test_kernels_at_equal_points(text):
    """−∂²k/∂a∂x is the Hessian of the radial function."""
    second = RADIAL[text]
    found = values(dk.hessian(text.format(r="hypot(x - a, y - b)"), {"a": 0.1, "b": 7, "x": 0.1, "y": 7}))
    here = np.kron([[1, -1], [-1, 1]], np.eye(2)) * second
    assert found == here.ravel().tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_squared_norms_of_arrays(n):
    assert values(dk.hessian(lambda u: np.linalg.norm(u) ** 2, np.zeros(n))) == (2 * np.eye(n)).ravel().tolist()
    two = np.kron([[-2, 2], [2, -2]], np.eye(n))
    kernel = dk.hessian(lambda z: np.exp(-(np.linalg.norm(z[:n] - z[n:]) ** 2)), np.ones(2 * n))
    assert values(kernel) == two.ravel().tolist()


@pytest.mark.parametrize("axes", ["xyz", "zxy", "yzx"])
def test_a_norm_off_its_axis(axes):
    """The Hessian of √(x² + y² + z²) at z = 2 is diag(1/2, 1/2, 0)."""
    point = {"x": 0, "y": 0, "z": 2}
    found = values(dk.hessian(f"hypot({', '.join(axes)})", point))
    assert found == [0.5, 0, 0, 0, 0.5, 0, 0, 0, 0]


MIXED = {
    "abs(x)*y": "not_differentiable", "x*abs(x)*y": 0.0, "relu(x)**2*y": 0.0, "relu(y) + x**2": 0.0, "x*abs(y)": None,
    "abs(x*y)": "not_differentiable", "relu(x) + relu(y) + x*y": 1.0, "sign(x) + x*y": 1.0, "max(x, y)**2": 0.0,
    "where(hypot(x, y) == 0, 0, x*y*(x**2 - y**2)/(x**2 + y**2))": "not_differentiable",
    "sqrt(x) + x*y": "domain_error",
    "where(x > 0, x*y, x*y + x**3)": 1.0, "x*y*abs(x*y)": 0.0, "cbrt(x)**3*y": 1.0, "sign(x*y)": "not_differentiable",
    "abs(x)*hypot(y, x - y)": "not_differentiable", "hypot(x, y)*x*y": 0.0, "where(x == 0, y, y*sin(x)/x)": 0.0,
}  # fmt: skip
"""∂²f/∂x∂y at (0, 0), or why there is none."""


@pytest.mark.parametrize("text", [text for text, answer in MIXED.items() if answer is not None])
def test_mixed_derivatives_at_odd_points(text):
    found = dk.derivative(text, {"x": 0, "y": 0}, wrt=("x", "y"))
    swapped = dk.derivative(text, {"x": 0, "y": 0}, wrt=("y", "x"))
    answer = MIXED[text]
    assert (found.value if found.status == "ok" else found.status) == answer
    assert (swapped.value if swapped.status == "ok" else swapped.status) == answer


TRANSCENDENTAL = ["logsumexp(x*y, y**2.5)", "loggamma(x*y + 1.3)*erf(y - x)", "x**y*log(y + x)", "hypot(x*y, y**x)",
                  "sigmoid(x*y)*digamma(x + y)", "polygamma(1, x*y + 1)*besselj(1, x + y)", "gelu(x*y)/erfcx(x - y)",
                  "tan(x*y/7)**cosh(x - y)", "x**2*y**3/(x + y)", "log_ndtr(x*y)*cbrt(x - 5*y)"]  # fmt: skip


@pytest.mark.parametrize("text", TRANSCENDENTAL)
@pytest.mark.parametrize(
    "special", ["abs(x - 1)", "relu(y - 2)", "sqrt(x - x)", "floor(x)", "max(y, 2*y - 2)", "sign(x - 1)"]
)
def test_the_ordinary_part_of_a_mixed_derivative_is_proven(text, special):
    """What bends or jumps along one variable alone is not in it; the rest is as beside no such place."""
    plain = dk.derivative(text, {"x": 1, "y": 2}, wrt=("x", "y"))
    for f in (f"{special} + {text}", f"{text} - {special}"):
        found = dk.derivative(dk.parse(f, ("x", "y")), {"x": 1, "y": 2}, wrt=("x", "y"))
        assert (found.status, abs(found.value)) == ("ok", abs(plain.value))


def test_orders_of_differentiation_that_differ_are_named():
    text = next(text for text in MIXED if text.startswith("where(hypot"))
    assert "depends on the order" in dk.derivative(text, {"x": 0, "y": 0}, wrt=("x", "y")).message


@pytest.mark.parametrize("names", list(combinations_with_replacement("xyz", 3)))
def test_third_derivatives_at_a_norm(names):
    """All third derivatives of r⁴ vanish at 0; so do those of r³·z that are continuous there."""
    found = dk.derivative("hypot(x, y, z)**4", {"x": 0, "y": 0, "z": 0}, wrt=names)
    assert found.status == "ok"
    assert found.value == 0.0


def test_addends_that_a_mixed_derivative_does_not_have():
    program = dk.parse("relu(x) + 2*(x*y) - (y - x*y) - abs(z)", ("x", "y", "z")).program
    parts = addends(program, program.outputs[0])
    assert sum(parts.values()) == 1 + 1 - 1 + 1 - 1
    both = sum_of(program, {slot: times for slot, times in parts.items() if inputs_of(program)[slot] & 3 == 3})
    assert run(both, DIGITS, [DIGITS.number(v) for v in (5.0, 7.0, -3.0)]) == [3 * 35]


def test_series_beside_a_held_kink_confirm():
    """What stands still at its kink has a value in Arb's series too, so that the rest is confirmed."""
    program = dk.parse("sin(x)*(2 + abs(y))", ("x", "y")).program
    regular = Prover(gradient_task(program)).at([1.0, 0.0])
    assert regular.holding == (True, False)
    assert regular.confirmed == (True, None)
    assert not regular.inside
    with precision(96, 2):
        from flint import arb_series

        assert run(program, SERIES, [arb_series([1, 1]), arb_series([0])])[0][1].is_finite()


def test_hessians_climb_component_by_component():
    """A tie, a zero in disguise, and plain numbers: each is confirmed."""
    task = hessian_task(dk.parse("(sqrt(x**2) + sqrt(y**2))*(x*y) + x*(log(exp(z)) - z)").program)
    regular = Prover(task).at([1.3, 0.4, 0.7])
    assert regular.confirmed == (True,) * 6
    assert [e.value for e in regular.enclosures][2] == 0.0


def test_the_classifier_gives_mixed_values():
    program = dk.parse("exp(-abs(x - y)**2)").program
    assert classify(program, (0, (0, 1)), [1.0, 1.0]).value == 2.0
    assert classify(select(program, program.outputs), (0, (0, 0)), [1.0, 1.0]).value == -2.0

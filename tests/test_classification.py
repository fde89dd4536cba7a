"""What is said of points where a derivative does not exist, or where binary64 cannot see it."""

import math

import pytest

import diffkit as dk

KINKS = {
    "abs(x)": (0, -1, 1),
    "max(x, 0)": (0, 0, 1),
    "relu(x)": (0, 0, 1),
    "min(x, 2 - x)": (1, 1, -1),
    "abs(x - 1) + abs(x + 1)": (1, 0, 2),
    "exp(-abs(x))": (0, 1, -1),
    "abs(sin(3*x))": (0, -3, 3),
    "max(x, -2*x, 3*x)": (0, -2, 3),
    "hypot(x, 0)": (0, -1, 1),
    "cbrt(x)": (0, math.inf, math.inf),
}
SMOOTH_AFTER_ALL = {
    "x*abs(x)": (0, 0.0),
    "abs(x)**3": (0, 0.0),
    "max(x, 0)**2": (0, 0.0),
    "max(x, x)": (3, 1.0),
    "abs(x - 0.1)": ("0.1", 1.0),
    "where(x > 5, log(x - 5), x**2)": (1, 2.0),
    "min(abs(x), -1)": (0, 0.0),
}
ELSEWHERE = {
    "log(x)": (-1, "domain_error"),
    "sqrt(x)": (0, "domain_error"),
    "sqrt(x) ": (-1, "domain_error"),
    "asin(x)": (1, "domain_error"),
    "acos(x)": ("-1.0000000000000002", "domain_error"),
    "x**x": (0, "domain_error"),
    "x**x ": (-2, "domain_error"),
    "x**1.5": (0, "domain_error"),
    "(-8)**(1/3)*x": (1, "domain_error"),
    "sin(1/x)": (0, "domain_error"),
    "(exp(x) - 1)/x": (0, "domain_error"),
    "atan(1/x)": (0, "domain_error"),
    "exp(-1/x^2)": (0, "domain_error"),
    "log(abs(x))": (0, "domain_error"),
    "0*log(x)": (-1, "domain_error"),
    "max(sqrt(x), 1)": (0, "domain_error"),
    "x/x": (0, "domain_error"),
    "1/x": (0, "pole"),
    "1/x**2 + 3": (0, "pole"),
    "1/(exp(x) - 1)": (0, "pole"),
    "x**(-3)": (0, "pole"),
    "gamma(x)": (-2, "pole"),
    "exp(exp(x))": (7, "overflow"),
    "x**x  ": (200, "overflow"),
    "exp(x)": (710, "overflow"),
}
BRANCHES = {
    "where(x == 1, 1, x**2)": (1, 2.0),
    "where(x == 0, 1, sin(x)/x)": (0, 0.0),
    "where(x > 0, exp(-1/x), 0)": (0, 0.0),
    "where(x == 0, 0, exp(-1/x**2))": (0, 0.0),
    "where(x == 0, 0, x**2*sin(1/x))": (0, 0.0),
    "where(x > 0, sin(x), x)": (0, 1.0),
    "where(x > 0, pi*x, pi*x)": (0, math.pi),
    "sign(x)*x**2": (0, 0.0),
    "max(sin(x), x)": (0, 1.0),
    "cbrt(x)**3": (0, 1.0),
    "sqrt(x**4)": (0, 0.0),
    "where(x > 0, log(x), 0)": (-1, 0.0),
}
JUMPS = {
    "floor(x)": (1, math.nan, 0.0),
    "where(x == 1, 3, x**2)": (1, math.nan, math.nan),
    "heaviside(x)": (0, math.nan, math.nan),
    "atan2(x, -1)": (0, math.nan, -1.0),
    "where(x == 0, 0, tanh(1/x))": (0, math.nan, math.nan),
    "where(x == 0, 0, 1/(1 + exp(1/x)))": (0, math.nan, 0.0),
}
REMOVABLE = {
    "sin(x)/x": (0, 1.0),
    "(1 - cos(x))/x**2": (0, 0.5),
    "(x - sin(x))/x**3": (0, 1 / 6),
    "(x**2 - 4)/(x - 2)": (2, 4.0),
    "log(x)/(x - 1)": (1, 1.0),
    "(sqrt(x) - 2)/(x - 4)": (4, 0.25),
    "(exp(x) - e)/(x - 1)": (1, math.e),
    "sin(pi*x)/x": (0, math.pi),
    "gamma(x)*x": (0, 1.0),
    "x*cot(x)": (0, 1.0),
    "1/gamma(x)": (-1, 0.0),
    "gamma(x)*sin(pi*x)": (-1, math.pi),
    "exp(-1/x**2)": (0, 0.0),
}
UNDECIDED = {
    "where(x == 0, 0, x*sin(1/x))": 0,
    "abs(x)**x": 0,
}


@pytest.mark.parametrize("backend", ["auto", "dual", "symbolic"])
@pytest.mark.parametrize("text", KINKS)
def test_kinks_give_both_sides(text, backend):
    at, left, right = KINKS[text]
    result = dk.derivative(text, at, backend=backend)
    assert result.status == "not_differentiable"
    assert (result.left, result.right) == (left, right)
    assert math.isnan(result.value)


@pytest.mark.parametrize("backend", ["auto", "dual", "symbolic"])
@pytest.mark.parametrize("text", SMOOTH_AFTER_ALL)
def test_a_kink_inside_is_not_always_one_outside(text, backend):
    at, value = SMOOTH_AFTER_ALL[text]
    result = dk.derivative(text, at, backend=backend)
    assert result.status == "ok"
    assert result.value == value


@pytest.mark.parametrize("backend", ["auto", "dual", "symbolic"])
@pytest.mark.parametrize("text", ELSEWHERE)
def test_points_outside_or_at_the_edge(text, backend):
    at, status = ELSEWHERE[text]
    result = dk.derivative(text, at, backend=backend)
    assert result.status == status or (status == "overflow" and backend != "auto" and result.status == "uncertain")
    assert result.message


@pytest.mark.parametrize("text", BRANCHES)
def test_branches_that_meet_smoothly(text):
    at, value = BRANCHES[text]
    assert float(dk.derivative(text, at)) == value


@pytest.mark.parametrize("text", JUMPS)
def test_jumps(text):
    at, left, right = JUMPS[text]
    result = dk.derivative(text, at)
    assert result.status == "not_differentiable"
    for found, expected in ((result.left, left), (result.right, right)):
        assert found == expected or (math.isnan(expected) and (found is None or math.isnan(found)))
    assert "jumps" in result.message


@pytest.mark.parametrize("text", REMOVABLE)
def test_removable_singularities_have_a_limit(text):
    at, limit = REMOVABLE[text]
    result = dk.derivative(text, at)
    assert (result.status, result.limit) == ("domain_error", limit)
    assert "removable" in result.message


@pytest.mark.parametrize("text", UNDECIDED)
def test_what_cannot_be_decided_is_called_uncertain(text):
    result = dk.derivative(text, UNDECIDED[text])
    assert result.status == "uncertain"
    assert math.isnan(result.value)


STATUSES = {
    "abs(x)^(-1/2)": "pole",
    "(x^2)^(-1/3)": "pole",
    "x^4*abs(x)^(-1/2)": "domain_error",
    "where(x == 0, 0, x^2*log(exp(1/x^2)))": "uncertain",  # 1 beside 0: a jump, if the logarithm were seen through
    "where(x == 0, 0, sqrt(-exp(-1/x^2)))": "uncertain",  # no value beside 0
    "where(x == 0, 0, sqrt(x^4*sin(1/x)))": "uncertain",
    "where(x == 0, 0, 0*asin(1/x))": "domain_error",
    "where(x == 0, 0, x^2*sin(asin(1/x)))": "domain_error",
    "where(x == 0, 0, x^2*sin(log(sin(1/x))))": "uncertain",
    "where(x == 0, 0, 0*gamma(1/x))": "uncertain",
    "0*acosh(1/x)": "domain_error",
    "where(sqrt(x) >= 0, x, 5)": "domain_error",
    "where(1/0 > 0, x, 2)": "domain_error",
    "x*atan2(relu(x), relu(x))": "domain_error",
}


@pytest.mark.parametrize("text", STATUSES)
def test_what_has_no_value_nearby_proves_nothing(text):
    result = dk.derivative(text, 0)
    assert result.status == STATUSES[text]
    assert result.limit is None or text == "x^4*abs(x)^(-1/2)"


def test_taylor_coefficients_at_odd_points():
    assert dk.taylor("where(x == 0, 1, sin(x)/x)", 0, 2).value.tolist() == [1.0, 0.0, -1 / 6]
    assert dk.taylor("sqrt(x^4)", 0, 2).value.tolist() == [0.0, 0.0, 1.0]
    sides = dk.taylor("x*abs(x)", 0, 2)
    assert (sides.left[2], sides.right[2]) == (-1.0, 1.0)


def test_a_jump_has_no_sides_of_higher_order():
    assert dk.derivative("floor(x) + x", 1, order=2).right is None


def test_what_rounds_to_zero_at_an_odd_point_says_so():
    result = dk.derivative("x*abs(x) + x/10^400", 0)
    assert (result.value, result.error) == (0.0, 5e-324)
    assert "not zero" in result.message


ROUGH = {
    "where(x == 0, 0, x*sign(exp(-1/x^2)))": (1, "uncertain"),  # flat is not zero
    "where(x == 0, 0, x*floor(tanh(1/x^2)))": (1, "uncertain"),  # nearly 1 is not 1
    "where(x == 0, 0, where(tanh(1/x) < 1, x, -x))": (1, "uncertain"),
    "where(x == 0, 0, x^3*sin(1/x))": (2, "uncertain"),  # a bound says nothing of second derivatives
    "where(x == 0, 0, x^4*sin(1/x)) ": (3, "uncertain"),
    "where(x > 0, exp(-1/x)*sin(exp(1/x)), 0)": (2, "uncertain"),
    "where(x > 0, exp(-1/x)*sin(exp(1/x)), 0) ": (1, "ok"),
    "where(x == 0, 0, exp(-1/x^2))": (5, "ok"),
}


@pytest.mark.parametrize("text", ROUGH)
def test_flat_saturated_and_oscillating_germs(text):
    order, status = ROUGH[text]
    assert dk.derivative(text, 0, order=order).status == status


def test_gradients_warn_where_a_kink_stands_still():
    assert "may not be differentiable" in dk.gradient("cbrt(x*y)", (0, 0)).message


def test_the_message_names_the_subexpression():
    message = dk.gradient("exp(y)*log(x - 3)", [1, 0]).message
    assert message.startswith("log(x - 3) is outside its domain")
    assert "x - 3 = -2" in message


def test_other_components_keep_their_values():
    result = dk.gradient("sqrt(x) + y**2 + abs(z)", {"x": 0, "y": 3, "z": 0})
    assert result.statuses.tolist() == ["domain_error", "ok", "not_differentiable"]
    assert result.value[1] == 6.0


def test_sides_of_the_first_derivative_are_not_passed_off_as_those_of_the_second():
    result = dk.hessian("abs(x)*y + z", [0, 1, 1])
    assert result.status == "not_differentiable"
    assert result.left is None


def test_partials_may_exist_where_f_is_not_differentiable():
    result = dk.gradient("min(abs(x), abs(y))", [0, 0])
    assert result.value.tolist() == [0.0, 0.0]
    assert "may not be differentiable" in result.message


FINITE = {
    "abs(x)": (0, "not_differentiable"),
    "max(x, 0)": (0, "not_differentiable"),
    "floor(x)": (1, "not_differentiable"),
    "sqrt(x)": (0, "domain_error"),
    "log(x)": (-1, "domain_error"),
    "1/x": (0, "pole"),
    "abs(x - 1e-9)": (0, "uncertain"),
}


@pytest.mark.parametrize("text", FINITE)
def test_differences_see_kinks_and_edges_in_the_values(text):
    at, status = FINITE[text]
    assert dk.derivative(text, at, backend="finite").status == status


@pytest.mark.parametrize(
    ("text", "at", "truth"),
    [
        ("sin(128*pi*x)", 0, 402.1238596594935),
        ("exp(-1e6*x**2)", 1e-3, -735.7588823428846),
        ("x**2", 1e20, 2e20),
        ("(exp(x) - 1)/x", 1e-10, 0.5),
        ("(1 - cos(x))/x**2", 1e-3, -8.33333277777779e-05),
        ("tanh(1e6*(x - 1))", 1, 1e6),
        ("atan(1e10*x)", 0, 1e10),
        ("1/(1 + 1e6*x**2)", 1e-3, -500),
        ("x**2*sin(1/x)", 1e-5, 0.9993615224138196),
    ],
)
def test_differences_are_honest_where_peers_are_not(text, at, truth):
    result = dk.derivative(text, at, backend="finite")
    if result.ok:
        assert abs(result.value - truth) <= result.error

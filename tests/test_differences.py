"""Derivatives from values alone: accuracy and honesty on the corpus and on generated functions."""

import math
import random

import pytest
from conftest import exact
from difference_families import function, jumps, kinks, noisy, ripples, smooth_cases, truth
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring import scores, table

import diffkit as dk
from diffkit.asking.questions import make_task
from diffkit.methods.differences import Sampler, partials
from diffkit.methods.finite import ECONOMY, THOROUGH, FiniteBackend

EFFORTS = {"thorough": THOROUGH, "economy": ECONOMY}


@pytest.fixture(params=EFFORTS)
def effort(request):
    return EFFORTS[request.param]


def difference(function, x, order=1, effort=THOROUGH):
    sampler = Sampler(function)
    return partials(sampler, [(x,)], [(0,) * order], effort)[0][0]


def covers(found, truth):
    return abs(exact(found.value) - exact(truth)) <= exact(found.bar)


# The corpus -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "effort", "median", "low", "under_six", "honest", "evaluations"),
    [
        ("gradient", THOROUGH, 14.3, 11.5, 0.008, 0.993, 38.1),
        ("hessian", THOROUGH, 12.6, 7.0, 0.01, 0.993, 64),
        ("gradient", ECONOMY, 12.5, 8.5, 0.01, 0.99, 15.1),
    ],
    ids=["gradient", "hessian", "economy"],
)
def test_the_corpus(kind, effort, median, low, under_six, honest, evaluations):
    found, counts = scores(kind, effort)
    figures = table(found, counts)
    assert figures.median >= median
    assert figures.low >= low
    assert figures.under_six <= under_six
    assert figures.honest >= honest
    assert figures.lies == figures.false_claims == 0
    assert figures.evaluations <= evaluations
    if effort is THOROUGH and kind == "gradient":
        assert figures.ratio <= 10


# Generated functions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_smooth_functions(order, effort):
    cases = smooth_cases(120, seed=10 + order)
    good = 0
    for expression, x in cases:
        found = difference(function(expression), x, order, effort)
        good += found.odd is None and covers(found, truth(expression, {"x": x}, (0,) * order))
    assert good >= 0.98 * len(cases)


def test_kinks():
    right = 0
    for expression, place, left_slope, right_slope in kinks(40):
        found = difference(function(expression), place)
        if left_slope == right_slope:
            assert covers(found, left_slope)
            right += 1
        elif found.odd is None:
            assert found.bar >= abs(right_slope - left_slope) / 4, expression
        elif found.odd.status == "not_differentiable":
            assert math.isclose(found.odd.left, left_slope, rel_tol=1e-6, abs_tol=1e-6)
            assert math.isclose(found.odd.right, right_slope, rel_tol=1e-6, abs_tol=1e-6)
            right += 1
    assert right >= 36


def test_jumps(effort):
    found = [difference(function(e), place, effort=effort) for e, place in jumps(40)]
    assert all(d.odd is not None for d in found)
    assert sum(d.odd.status == "not_differentiable" for d in found) >= 36


def test_points_near_a_kink_have_an_honest_bar():
    answered = 0
    for k, (expression, place, _, _) in enumerate(kinks(40, seed=12)):
        x = place * (1 + (-1) ** k * 10.0 ** -(1 + k % 7))
        found = difference(function(expression), x)
        assert found.odd is not None or covers(found, truth(expression, {"x": x}, (0,))), expression
        answered += found.odd is None
    assert answered >= 20


def test_ripples(effort):
    cases = list(ripples(80))
    wrong = 0
    for expression, x in cases:
        found = difference(function(expression), x, effort=effort)
        slope = truth(expression, {"x": x}, (0,))
        if found.odd is None and not covers(found, slope):
            wrong += 1
            assert abs(float(exact(found.value) - slope)) < 1e-3 * abs(slope) or found.bar > 1e-6 * abs(slope)
    assert wrong <= 1


@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-6, 1e-3])
def test_noise(size, effort):
    wrong = 0
    for expression, x in smooth_cases(50, seed=5):
        found = difference(noisy(function(expression), size), x, effort=effort)
        assert found.odd is None or found.odd.status == "uncertain"
        wrong += found.odd is None and not covers(found, truth(expression, {"x": x}, (0,)))
    assert wrong <= 2


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(0.01, 100), st.floats(-4, 4), st.floats(-3, 3))
def test_a_wave_of_any_frequency_is_not_aliased(frequency, phase, x):
    found = difference(lambda points: [math.sin(frequency * p[0] + phase) for p in points], x)
    assert found.odd is not None or abs(found.value - frequency * math.cos(frequency * x + phase)) <= found.bar + 1e-12


# Particular behaviour ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "x", "status"),
    [
        ("abs(x)", 0, "not_differentiable"), ("heaviside(x)", 0, "not_differentiable"),
        ("sign(x)", 0, "not_differentiable"), ("floor(x)", 2, "not_differentiable"),
        ("cbrt(x)", 0, "not_differentiable"), ("sqrt(abs(x))", 0, "not_differentiable"),
        ("where(x > 1, 1, x)", 1, "not_differentiable"), ("where(x == 1, 5, x)", 1, "not_differentiable"),
        ("sqrt(x)", 0, "domain_error"), ("x*sqrt(x)", 0, "domain_error"), ("log(x)", -1, "domain_error"),
        ("asin(x)", 1, "domain_error"), ("1/x", 0, "pole"), ("1/x^2", 0, "pole"),
        ("tan(x)", math.pi / 2, "uncertain"), ("sin(x)", 1e16, "uncertain"), ("atan(1e20*x)", 0, "uncertain"),
        ("(1 - cos(x))/x^2", 1e-4, "uncertain"),
    ],
)  # fmt: skip
def test_points_without_a_derivative(expression, x, status):
    result = dk.derivative(expression, x, backend="finite")
    assert result.status == status
    assert math.isnan(result.value)


@pytest.mark.parametrize("expression", ["x*abs(x)", "x^2*sign(x)", "relu(x)^2", "x^3", "cos(x)", "0*x", "abs(x)^3"])
def test_a_zero_is_not_proven_but_bounded(expression):
    result = dk.derivative(expression, 0, backend="finite")
    assert result.ok
    assert abs(result.value) <= result.error
    assert 0 < result.error < 1e-12


@pytest.mark.parametrize(
    ("expression", "x", "truth"),
    [
        ("sin(128*pi*x)", 0, 128 * math.pi), ("1 + 1e-17*x", 1, 1e-17), ("1 + 1e-20*x", 0.3, 1e-20),
        ("tanh(1000000*(x - 1))", 1, 1e6),
        ("exp(-1000000*x^2)", 1e-3, -735.758882342884643), ("exp(x)", 1e-17, 1), ("x", 1e300, 1),
        ("exp(x)", 700, 1.0142320547350045e304), ("abs(x)", -1e-300, -1), ("x^2", 1e-200, 2e-200),
    ],
)  # fmt: skip
def test_hard_places(expression, x, truth):
    result = dk.derivative(expression, x, backend="finite")
    assert result.ok
    assert abs(exact(result.value) - exact(truth)) <= exact(result.error) + 4e-16 * abs(truth)
    assert result.error > 0


def test_one_call_a_stage():
    calls = []

    def function(points):
        calls.append(len(points))
        return [math.sin(p[0]) * math.exp(p[1]) + p[2] for p in points]

    sampler = Sampler(function)
    partials(sampler, [(1.0, 2.0, 3.0), (0.5, 0.25, 1.0)], [(0,), (1,), (2,)])
    assert len(calls) <= 4
    assert sum(calls) == sampler.evaluations


def test_economy_spends_less():
    task = make_task("sin(x)*exp(y)", "gradient")
    answers = [FiniteBackend(effort).prepare(task).at([1.0, 0.5]) for effort in (THOROUGH, ECONOMY)]
    assert answers[1].evaluations <= 30 < answers[0].evaluations


def test_a_long_program_runs_on_arrays():
    result = dk.derivative("x" + "-x" * 60_000, 1.0, backend="finite")
    assert abs(result.value + 59_999) <= result.error < 1e-3


@pytest.mark.parametrize(("text", "at"), [("sin(1/x)", 1e-300), ("tan(1e200*x)", 1e-160), ("1e-20/x", 5e-324)])
def test_the_ends_of_the_range_are_no_reason_to_fail(text, at):
    result = dk.derivative(text, at, backend="finite")
    assert result.status in ("ok", "uncertain", "domain_error", "not_differentiable", "overflow")
    (row,) = dk.compare(text, at, backends="finite").rows
    assert row.within is not False


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("at", [1e160, 1e300, 1e-200, 1e-300])
@pytest.mark.parametrize("text", ["x*1e-200", "sin(x)", "log(x)", "atan(x)"])
def test_steps_whose_powers_leave_the_range(text, at, order):
    found = dk.derivative(text, at, order=order, backend="finite")
    truth = dk.derivative(text, at, order=order)
    assert found.ok <= (abs(found.value - truth.value) <= found.error + 4e-16 * abs(truth.value)) or not truth.ok


@pytest.mark.parametrize("size", [1e9, 1e12])
@pytest.mark.parametrize("at", [1.09, -0.6, 0.02])
def test_what_drowns_in_f_is_sought_farther_out(size, at):
    """Brown's badly scaled function: f is 1e12 and what x adds to it a few units."""

    def f(points):
        return [size + (x - 2e-6) ** 2 + (1.06 * x - 2) ** 2 for (x,) in points]

    ((found,),) = partials(Sampler(f), [(at,)], [(0,)])
    truth = 2 * (at - 2e-6) + 2.12 * (1.06 * at - 2)
    assert abs(found.value - truth) <= found.bar <= 2e-7 * abs(truth)


@pytest.mark.parametrize("around", [lambda t: 0.0 * t, math.sin, lambda t: 30.0 + t * t])
@pytest.mark.parametrize("width", [1e-4, 3e-6, 1e-7, 1e-8])
@pytest.mark.parametrize("x", [1.0, -40.0, 0.0])
def test_a_narrow_branch_around_the_point_is_seen(around, width, x):
    size = abs(x) or 1.0

    def derivative(bump):
        return dk.derivative(
            lambda t: around(t) + (bump(t - x) if abs(t - x) < width * size else 0.0), x, backend="finite"
        )

    for bump in (
        abs,
        lambda t: math.sqrt(abs(t)),
        lambda t: max(t, 0.0),
        lambda t: float(t != 0),
        lambda t: float(t > 0),
    ):
        assert not derivative(bump).ok
    sloped, plain = derivative(lambda t: 3 * t), dk.derivative(around, x, backend="finite")
    assert not sloped.ok or abs(sloped.value - plain.value - 3) <= sloped.error + plain.error


@pytest.mark.parametrize("size", [10.0**-k for k in range(10, 19)])
@pytest.mark.parametrize("text", ["exp(x)", "log(1 + x)", "cos(x) + x", "sqrt(1 + x)", "1e6 + x", "1/(1 + x)"])
def test_a_tiny_point_of_a_smooth_function(text, size):
    for x in (size, -1.7 * size):
        found, truth = (dk.derivative(text, x, backend=name) for name in ("finite", "dual"))
        assert found.ok
        assert abs(found.value - truth.value) <= found.error <= 1e-3 * abs(truth.value)


@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.1])
@pytest.mark.parametrize("x", [1.0, 300.0])
def test_what_shows_no_three_digits_is_not_ok(noise, x):
    import numpy as np

    found = dk.derivative(lambda t: np.floor(t * 5e3 + noise * t * 1e7 % 1) / 5e3, x, backend="finite")
    assert not found.ok or found.error <= 1e-3 * abs(found.value)


@pytest.mark.parametrize("backend", ["finite", "auto", "dual"])
@pytest.mark.parametrize("ask", [dk.hvp, dk.directional])
def test_along_a_line_every_call_counts(ask, backend):
    calls = []

    def f(x):
        calls.append(x)
        return x[0] * x[0] * x[1] if x[0] > 0 else x[1]

    assert ask(f, [1.0, 2.0], [1.0, 0.5], backend=backend).evaluations == len(calls)


def test_radii_that_are_left_out_would_not_have_been_better():
    """What is said of the least bar is below the bar, over rates, levels, factors and orders."""
    from diffkit.methods.differences.fits import RADIUS_FACTORS, _expected, _expected_least

    draw = random.Random(3)
    for _ in range(3000):
        factor, order = draw.choice(RADIUS_FACTORS[:17]), draw.randint(1, 4)
        level, rate = 10.0 ** draw.uniform(-17, -3), 1 + 10.0 ** draw.uniform(-4, 3)
        highest = draw.choice((9, 19))
        least = _expected_least(factor, order, level, rate, highest)
        assert least <= _expected(factor, order, level, rate, highest)


def test_values_that_were_not_given_are_asked_for_again():
    asked = []

    def f(points):
        asked.append(len(points))
        if len(asked) == 2:
            raise TimeoutError
        return [x * 2 for (x,) in points]

    sampler = Sampler(f)
    assert sampler.values([(1.0,), (2.0,), (1.0,)]) == [2.0, 4.0, 2.0]
    with pytest.raises(TimeoutError):
        sampler.values([(3.0,), (1.0,)])
    assert sampler.evaluations == 2
    assert sampler.values([(3.0,), (1.0,), (3.0,)]) == [6.0, 2.0, 6.0]
    assert asked == [2, 1, 1]

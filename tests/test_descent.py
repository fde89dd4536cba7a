"""Gradient descent: paths against plain loops, rates of convergence against eigenvalues."""

import math

import numpy as np
import pytest
from descent_cases import X5, Y5, mean_square, mean_square_gradient

import diffkit as dk
from diffkit.core.errors import TracingError
from diffkit.lessons.gradient_descent.convergence import predicted_factor
from diffkit.lessons.gradient_descent.curvature import of_products
from diffkit.lessons.gradient_descent.walk import make_schedule


def noisy_line():
    """100 points of y = 2x + 3 + noise/2, as a tutorial has them."""
    rng = np.random.default_rng(42)
    x = rng.normal(size=100)
    return x, 2 * x + 3 + 0.5 * rng.normal(size=100)


# The tutorials' regressions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gradient", [None, mean_square_gradient])
def test_the_tutorials_line_by_a_closed_form(gradient):
    """θₖ − θ* = (I − αH)ᵏ(θ₀ − θ*) with H = (2/m)XᵀX and θ* from the normal equations."""
    run = dk.descend(mean_square, np.zeros(2), args=(X5, Y5), gradient=gradient, rate=0.01, steps=1000)
    best = np.linalg.solve(X5.T @ X5, X5.T @ Y5)
    assert best == pytest.approx([0.5, 1.0], abs=1e-12)
    step = np.eye(2) - 0.01 * 2 / 5 * X5.T @ X5
    expected = best + np.linalg.matrix_power(step, 1000) @ -best
    assert run.point == pytest.approx(expected, abs=1e-12)
    assert run.weights["theta"] == pytest.approx(expected, abs=1e-12)
    assert run.value == pytest.approx(np.mean((X5 @ expected - Y5) ** 2), rel=1e-9)
    assert (run.status, run.steps) == ("steps used up", 1000)
    low, high = np.linalg.eigvalsh(2 / 5 * X5.T @ X5)
    assert run.at_end.smallest == pytest.approx(low, rel=1e-6)
    assert run.at_end.largest == pytest.approx(high, rel=1e-6)
    assert run.convergence.observed == pytest.approx(1 - 0.01 * low, rel=1e-6)
    assert run.convergence.predicted == pytest.approx(1 - 0.01 * low, rel=1e-6)
    assert run.convergence.minimum == pytest.approx(0, abs=1e-9)


def test_the_noisy_line_of_two_numbers_step_by_step():
    x, y = noisy_line()

    def half_mean_square(w, b, x, y):
        return 0.5 * np.mean((y - (w * x + b)) ** 2)

    run = dk.descend(half_mean_square, {"w": 0, "b": 0}, args=(x, y), rate=0.01, steps=1000, keep=100)
    w = b = 0.0
    for k in range(1001):
        if k % 100 == 0:
            row = k // 100
            assert run.path.steps[row] == k
            assert run.path.values[row] == pytest.approx(0.5 * np.mean((y - (w * x + b)) ** 2), rel=1e-12)
            assert run.path.points[row] == pytest.approx([w, b], rel=1e-12, abs=1e-15)
        error = y - (w * x + b)
        w, b = w + 0.01 * np.mean(error * x), b + 0.01 * np.mean(error)
    assert set(run.weights) == {"w", "b"}


# Steps --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_the_recursion_of_its_papers(nesterov):
    run = dk.descend("2*a^2 + a*b + b^2", [1, -2], rate=0.05, steps=40, momentum=0.8, nesterov=nesterov, tolerance=0)
    H = np.array([[4.0, 1.0], [1.0, 2.0]])
    if nesterov:  # Sutskever et al. (2013), eq. 3 and 4, where the gradient is taken ahead of the point
        theta, v = np.array([1.0, -2.0]), np.zeros(2)
        ahead = [theta]
        for _ in range(40):
            v = 0.8 * v - 0.05 * H @ (theta + 0.8 * v)
            theta = theta + v
            ahead.append(theta + 0.8 * v)
        expected = np.array(ahead)
    else:
        xs = [np.array([1.0, -2.0])]
        for _ in range(40):  # Polyak's two-step form
            before = xs[-2] if len(xs) > 1 else xs[-1]
            xs.append(xs[-1] - 0.05 * H @ xs[-1] + 0.8 * (xs[-1] - before))
        expected = np.array(xs)
    assert run.path.points == pytest.approx(expected, abs=1e-13)
    assert run.path.updates[:-1] == pytest.approx(np.diff(expected, axis=0), abs=1e-13)
    assert np.isnan(run.path.updates[-1]).all()
    assert run.path.gradients == pytest.approx(expected @ H, abs=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize(("rate", "momentum"), [(0.1, 0.5), (0.3, 0.9), (0.55, 0.3)])
def test_the_predicted_factor_is_the_spectral_radius_of_the_recursion(nesterov, rate, momentum):
    eigenvalues = (0.2, 1.0, 5.0)
    radii = []
    for h in eigenvalues:
        shrink = 1 - rate * h
        # the state (xₖ, vₖ) of one direction, written out from the update rule
        v_row = np.array([-rate * h, momentum])
        x_row = np.array([1.0, 0.0]) + (momentum * v_row + [-rate * h, 0] if nesterov else v_row)
        radii.append(max(abs(np.linalg.eigvals(np.array([x_row, v_row])))))
        assert shrink < 1
    assert predicted_factor(eigenvalues, rate, momentum, nesterov) == pytest.approx(max(radii), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("constant", {}, [0.5] * 4),
        ("inverse", {"decay": 0.5}, [0.5, 0.5 / 1.5, 0.25, 0.2]),
        ("exponential", {"decay": math.log(2)}, [0.5, 0.25, 0.125, 0.0625]),
        ("step", {"decay": 0.1, "every": 2}, [0.5, 0.5, 0.05, 0.05]),
        ("cosine", {}, [0.5, 0.25 * (1 + math.sqrt(0.5)), 0.25, 0.25 * (1 - math.sqrt(0.5))]),
    ],
)
def test_schedules(name, options, expected):
    run = dk.descend("sin(x)", 1, rate=0.5, steps=4, schedule=name, **options)
    assert run.rates == pytest.approx(expected, rel=1e-12)
    x = 1.0
    for rate in expected:
        x -= rate * math.cos(x)
    assert run.point[0] == pytest.approx(x, rel=1e-13)
    assert run.settings.schedule == name


def test_a_schedule_may_be_a_function():
    assert make_schedule(lambda k: 1 / (k + 1), 0.1, 10)(3) == 0.25
    with pytest.raises(dk.DiffkitError, match="the schedule gives the rate -1"):
        dk.descend("x^2", 1, schedule=lambda k: -1)


# Curvature and rates -------------------------------------------------------------------------------------------------


def quadratic(n, kappa, seed=1):
    """A positive definite matrix with eigenvalues from 1 to κ, and a start."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return basis @ np.diag(np.geomspace(1, kappa, n)) @ basis.T, rng.normal(size=n)


@pytest.mark.parametrize(("kappa", "scale"), [(10, 1.0), (100, 1.0), (100, 1.9), (50, 0.5)])
def test_the_observed_rate_of_an_ill_conditioned_quadratic(kappa, scale):
    A, start = quadratic(5, kappa)
    rate = scale / kappa
    run = dk.descend(lambda x: x @ A @ x / 2, start, gradient=lambda x: A @ x, rate=rate, steps=40 * kappa, tolerance=0)
    found = run.convergence
    exact = max(abs(1 - rate * np.geomspace(1, kappa, 5)))
    assert found.observed == pytest.approx(exact, rel=1e-5)
    assert found.predicted == pytest.approx(exact, rel=1e-6)
    assert found.at_safe_rate == pytest.approx(1 - 1 / kappa, rel=1e-6)
    assert found.at_best_rate == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-6)
    assert found.bound == pytest.approx(kappa * math.log(1e6), rel=1e-5)
    f = 0.5 * np.einsum("ki,ij,kj->k", run.path.points, A, run.path.points)
    first = np.flatnonzero(f <= 1e-6 * f[0])[0]
    assert found.needed == run.path.steps[first]
    if scale == 1.0:
        assert found.needed <= found.bound


def test_suggested_rates_are_those_of_the_eigenvalues():
    run = dk.descend("(w-3)^2 + 20*(b+1)^2", {"w": 0, "b": 0}, rate=2 / 42, steps=200)
    assert run.at_start.eigenvalues == (2.0, 40.0)
    assert run.at_start.safe_rate == 1 / 40
    assert run.at_start.best_rate == 2 / 42
    assert run.at_start.condition == 20
    assert run.convergence.observed == pytest.approx(38 / 42, rel=1e-9)
    # no other constant rate is faster
    for rate in (0.9 * 2 / 42, 1.04 * 2 / 42):
        other = dk.descend("(w-3)^2 + 20*(b+1)^2", {"w": 0, "b": 0}, rate=rate, steps=200)
        assert other.convergence.observed > 38 / 42


def test_lanczos_finds_the_extremes_and_bounds_its_own_error():
    for kappa, most in ((1e2, 1e-6), (1e6, 1e-2)):
        A, _ = quadratic(200, kappa)
        found = of_products(lambda v, A=A: A @ v, 200, "test")
        values = np.linalg.eigvalsh(A)
        assert found.eigenvalues is None
        assert abs(found.largest - values[-1]) <= found.uncertainty
        assert found.largest == pytest.approx(values[-1], rel=most)
        assert found.smallest >= values[0] - 1e-9 * kappa  # a Ritz value never lies outside the spectrum


def test_many_weights_go_by_products():
    A, start = quadratic(100, 30)
    run = dk.descend(lambda x: x @ A @ x / 2, start, gradient=lambda x: A @ x, rate=1 / 30, steps=100)
    assert run.at_end.largest == pytest.approx(30, rel=1e-6)
    assert "Lanczos" in run.at_end.source


def test_exact_hessians_of_expressions_and_functions():
    text = dk.descend("exp(x)*sin(y) + x^2", [0.3, 0.7], steps=1).at_start
    code = dk.descend(lambda v: np.exp(v[0]) * np.sin(v[1]) + v[0] ** 2, [0.3, 0.7], steps=1).at_start
    e, s, c = math.exp(0.3), math.sin(0.7), math.cos(0.7)
    truth = np.linalg.eigvalsh([[e * s + 2, e * c], [e * c, -e * s]])
    assert text.eigenvalues == pytest.approx(truth, rel=1e-12)
    assert code.eigenvalues == pytest.approx(truth, rel=1e-12)
    assert text.shape == "saddle"
    assert math.isnan(text.condition)


# What is claimed, and what is not -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "start", "options", "power", "against"),
    [
        ("x^4", 1, {"rate": 0.1}, 1.5, "the curvature differs"),  # x ~ (8αk)^−1/2
        ("x^3", 1, {"rate": 0.1}, 2.0, "the Hessian is singular close to the end"),  # x ~ 1/(3αk): an inflection
        ("exp(-x)", 0, {"rate": 1}, 1.0, "the curvature differs"),  # x ~ ln k: no minimum at all
    ],
)
def test_a_power_of_the_step_is_slower_than_any_rate(f, start, options, power, against):
    found = dk.descend(f, start, **options).convergence
    assert found.power == pytest.approx(power, rel=0.02)
    assert math.isnan(found.observed)
    assert found.halves[0] < found.halves[1] < 1
    assert against in found.unknown
    assert all(map(math.isnan, (found.predicted, found.at_safe_rate, found.minimum, found.bound, found.needed)))


def test_a_falling_rate_makes_a_power_of_a_quadratic():
    """x ← (1 − 2α/(1 + dk))x ~ k^(−2α/d)."""
    run = dk.descend("x^2", 1, rate=0.3, schedule="inverse", decay=0.5, steps=4000)
    assert run.convergence.power == pytest.approx(1.2, rel=1e-2)
    assert run.convergence.bound == pytest.approx(math.log(1e6))
    constant = dk.descend("x^2 + 30*y^2 + 7*z^2", [1, 1, 1], rate=0.01, steps=60).convergence
    assert math.isnan(constant.power)  # three factors at work are no power


@pytest.mark.parametrize(
    ("f", "start", "options", "against"),
    [
        ("100*(y-x^2)^2+(1-x)^2", [-1, 1], {"rate": 0.001}, "f is not convex at step"),
        ("cosh(x)", 2, {"rate": 0.1}, "the curvature differs by a factor of 3.76 along"),  # cosh 2
        ("sigmoid(x)^2", -5, {"rate": 0.1}, "the curvature differs"),  # agrees on the path, not where Newton leads
        ("abs(x) + x^2", 1.03, {"rate": 0.1}, "the curvature differs"),
        ("x^2 + 0*y", [1, 1], {"rate": 0.1}, "the Hessian is singular at the start"),
        ("x^2", 0, {}, "a single point"),
    ],
)
def test_no_bound_is_claimed_where_f_does_not_look_strongly_convex(f, start, options, against):
    found = dk.descend(f, start, **options).convergence
    assert against in found.unknown
    assert math.isnan(found.bound)
    assert math.isnan(found.minimum)


def test_curvature_that_varies_a_little_gives_a_bound_from_its_extremes():
    def logistic(x):
        return np.log1p(np.exp(-x)) + x**2 / 10

    run = dk.descend("log(1+exp(-x)) + x^2/10", -3, rate=0.5)
    found, seen = run.convergence, run.evidence
    second = 0.2 + 1 / (2 + 2 * np.cosh(run.path.points[:, 0]))
    assert (seen.smallest, seen.largest) == pytest.approx((second.min(), 0.45), rel=0.01)  # ¼ + ⅕ at 0
    assert found.bound == pytest.approx(seen.largest / seen.smallest * math.log(1e6))
    assert 1 < seen.spread < 2
    best = dk.descend("log(1+exp(-x)) + x^2/10", -3, rate=2, tolerance=0).value
    assert found.minimum == pytest.approx(best, rel=1e-14)
    gaps = logistic(run.path.points[:, 0]) - best
    assert found.needed == np.flatnonzero(gaps <= 1e-6 * gaps[0])[0]
    safe = dk.descend("log(1+exp(-x)) + x^2/10", -3, rate=1 / seen.largest)
    assert safe.convergence.needed <= found.bound


def test_the_number_of_steps_is_not_given_where_the_minimum_is_uncertain():
    run = dk.descend("x^2 + x^4/40", 2, rate=0.01, steps=100)
    assert run.convergence.unknown == ""
    assert run.convergence.needed == math.inf  # far from it, whatever f* is exactly
    assert math.isnan(dk.descend("x^2 + x^4/40", 2, rate=0.1, steps=32).convergence.needed)


def test_many_weights_have_a_bound_too_and_kinks_forbid_it():
    A, start = quadratic(100, 30)
    run = dk.descend(lambda x: x @ A @ x / 2, start, gradient=lambda x: A @ x, rate=1 / 30, steps=60)
    assert 1 <= run.convergence.bound / (30 * math.log(1e6)) < 1.1
    bent = dk.descend(lambda x: x @ A @ x / 2 + 5 * np.sum(np.abs(x)), start,
                      gradient=lambda x: A @ x + 5 * np.sign(x), rate=1 / 30, steps=60)  # fmt: skip
    assert math.isnan(bent.convergence.bound)


def _plain_array(w):
    return float(np.sum((np.asarray(w) - 2) ** 2))


def _plain_numbers(w):
    return math.fsum((float(v) - 2) ** 2 for v in w)


def _late(w):
    """Can be followed at the start and not along the path."""
    return np.sum((w - 2) ** 2) if w[0] < 1 else _plain_array(w)


@pytest.mark.parametrize("f", [_plain_array, _plain_numbers, _late])
def test_code_that_cannot_be_followed_is_descended_by_differences(f):
    found = dk.descend(f, np.zeros(3), rate=0.1, steps=30)
    assert found.method.startswith("the backend finite, since ")
    assert found.point == pytest.approx([2 - 2 * 0.8**30] * 3, abs=1e-10)
    assert found.at_end.largest == pytest.approx(2, rel=1e-6)
    assert found.at_end.source == "differences of its values"
    assert str(found)
    with pytest.raises(TracingError):
        dk.descend(f, np.zeros(3), rate=0.1, steps=30, backend="reverse")


def test_batches_of_code_that_cannot_be_followed():
    x = np.random.default_rng(5).normal(size=(40, 2))

    def loss(w, x, y):
        return float(np.mean((np.asarray(x) @ np.asarray(w) - y) ** 2))

    found = dk.descend(loss, np.zeros(2), args=(x, x @ [1.0, 2.0]), rate=0.1, steps=200, batch=10)
    assert found.point == pytest.approx([1, 2], abs=1e-4)

"""Gradient descent: paths against plain loops, rates against eigenvalues, endings, batches, reports and pictures."""

import json
import math

import numpy as np
import pytest

import diffkit as dk
from diffkit.learn.batches import make_batches
from diffkit.learn.convergence import predicted_factor
from diffkit.learn.curvature import of_products
from diffkit.learn.schedules import make_schedule
from diffkit.pictures.descent import PICTURES, compare_rates, picture

X5 = np.column_stack([np.ones(5), np.arange(1.0, 6.0)])
Y5 = np.arange(1.5, 6.0)


def mean_square(theta, X, y):
    return np.mean((X @ theta - y) ** 2)


def mean_square_gradient(theta, X, y):
    return 2 / len(y) * X.T @ (X @ theta - y)


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


# How it ends --------------------------------------------------------------------------------------------------------


def causes(run):
    return [finding.cause for finding in run.findings]


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("nesterov", [False, True])
def test_a_rate_above_the_highest_diverges_and_one_below_does_not(momentum, nesterov):
    if nesterov and not momentum:
        return
    leeway = (1 + momentum) / (1 + 2 * momentum) if nesterov else 1 + momentum
    for factor, status in ((1.02, "diverged"), (0.98, "converged")):
        rate = factor * leeway * 2 / 40
        run = dk.descend("(w-3)^2 + 20*(b+1)^2", {"w": 0, "b": 0}, rate=rate, steps=2000, momentum=momentum,
                         nesterov=nesterov)  # fmt: skip
        assert run.status == status
        assert ("rate too large" in causes(run)) is (status == "diverged")
    assert f"{leeway * 2 / 40:.3g}" in dk.descend(
        "(w-3)^2 + 20*(b+1)^2", {"w": 0, "b": 0}, rate=1.02 * leeway * 2 / 40, steps=2000, momentum=momentum,
        nesterov=nesterov).messages[0]  # fmt: skip


@pytest.mark.parametrize(
    ("f", "start", "options", "status", "cause"),
    [
        ("x^2 - y^2", [1, 0], {"rate": 0.1}, "stagnated", "saddle"),
        ("-x^2 + 3", 0, {}, "stagnated", "saddle"),
        ("sigmoid(20*x)", 2, {}, "stagnated", "flat part"),
        ("1e-12*x^2", 1, {}, "stagnated", "flat part"),
        ("abs(x)", 1.03, {"rate": 0.1}, "stagnated", "bouncing"),
        ("x^2", 1, {"rate": 1.0}, "stagnated", "bouncing"),
        ("x^2", 1, {"rate": 1e-20}, "stagnated", "rounding"),
        ("-x^2", 2, {"rate": 0.1}, "diverged", "no minimum"),
        ("exp(x^2)", 2, {"rate": 1.0}, "diverged", "rate too large"),
        ("x - log(x)", 0.1, {"rate": 5}, "left the domain", "left the domain"),
        ("x^2", 1, {"rate": 1e-4, "steps": 50}, "steps used up", "small rate"),
        ("2000*x^2 + y^2", [1, 1], {"rate": 2e-4}, "steps used up", "ill-conditioned"),
        ("(x - 1)^2 + 0*y", [0, 5], {"rate": 0.1}, "converged", "flat direction"),
        ("1e-9*x + y^2", [0, 1], {"rate": 0.1, "steps": 3}, "steps used up", "uneven gradient"),
    ],
)
def test_endings_and_their_reasons(f, start, options, status, cause):
    run = dk.descend(f, start, **options)
    assert run.status == status
    assert cause in causes(run)
    assert status in str(run)


def test_a_kink_or_an_edge_at_the_start_is_said():
    for f, what in ((lambda w: abs(w), "its gradient"), (lambda w: np.log(w - 1), "f")):
        run = dk.descend(f, 0.0)
        assert (run.status, run.steps) == ("left the domain", 0)
        assert f"at the start, w = 0, {what} has no value" in run.messages
    assert "kink of abs" in dk.descend(lambda w: abs(w), 0.0).messages[0]


def test_a_converged_path_has_nothing_to_complain_of():
    run = dk.descend("x^2 + y^2", [1, 2], rate=0.2)
    assert (run.status, run.messages) == ("converged", ())
    assert run.norms[-1] <= 1e-8 < run.norms[-2]


def test_a_path_that_reaches_rounding_has_converged():
    assert dk.descend("(x - 1)^2", 0, rate=0.25, tolerance=0).status == "converged"
    assert dk.descend("(x - 0.3)^2 + y^2", [0, 1], rate=0.3, tolerance=0, steps=500).status == "converged"


def test_an_interrupt_keeps_the_path_so_far():
    calls = 0

    def gradient(w):
        nonlocal calls
        calls += 1
        if calls == 8:  # one call checks the shape before the first step
            raise KeyboardInterrupt
        return 2 * w

    run = dk.descend(lambda w: w @ w, np.array([1.0, 2.0]), gradient=gradient, rate=0.1)
    assert run.status == "interrupted"
    assert run.path.points[:, 0] == pytest.approx(0.8 ** np.arange(run.steps + 1), rel=1e-12)
    assert run.steps == 5
    assert len(run.path.updates) == len(run.path.points) == len(run.path.values)


# Vanishing and exploding --------------------------------------------------------------------------------------------


def chain(depth):
    """A chain of sigmoids, w₁ innermost."""
    text = "w1*x0"
    for k in range(2, depth + 1):
        text = f"w{k}*sigmoid({text})"
    return f"({text.replace('x0', '1')} - 1)^2"


def test_gradients_vanish_in_a_deep_chain_of_sigmoids():
    depth, weight = 12, 0.5
    run = dk.descend(chain(depth), [weight] * depth, rate=0.1, steps=30)
    z, zs = weight, [weight]  # forward, then the chain rule by hand
    for _ in range(depth - 1):
        z = weight / (1 + math.exp(-z))
        zs.append(z)
    sigmoid = [1 / (1 + math.exp(-v)) for v in zs]
    back, expected = 2 * (zs[-1] - 1), [0.0] * depth
    for k in range(depth - 1, 0, -1):
        expected[k] = back * sigmoid[k - 1]
        back *= weight * sigmoid[k - 1] * (1 - sigmoid[k - 1])
    expected[0] = back
    assert run.path.gradients[0] == pytest.approx(expected, rel=1e-10)
    assert "vanishing gradient" in causes(run)
    shrink = np.exp(np.polyfit(range(depth), np.log(np.abs(expected)), 1)[0])
    assert f"{1 / shrink:.3g} per layer" in " ".join(run.messages)
    assert "vanishing gradient" not in causes(dk.descend(chain(3), [weight] * 3, rate=0.1, steps=30))


@pytest.mark.parametrize(("weight", "cause"), [(0.3, "vanishing gradient"), (3.0, "exploding gradient")])
def test_gradients_through_time_in_a_small_recurrent_net(weight, cause):
    """hₜ = tanh(w·hₜ₋₁/10 + bₜ) stays near 0, so that ∂h_T/∂bₜ ≈ wᵀ⁻ᵗ (with the tenths inside)."""
    T = 12

    def loss(b, w):
        h = 0.0
        for t in range(T):
            h = np.tanh(w * h + b[t])
        return (h - 1e-6) ** 2

    start = np.full(T, 1e-9)
    run = dk.descend(loss, start, args=(weight,), rate=1e-3, steps=3)
    h, hs = 0.0, []
    for t in range(T):
        h = math.tanh(weight * h + start[t])
        hs.append(h)
    back, expected = 2 * (h - 1e-6), [0.0] * T
    for t in range(T - 1, -1, -1):
        expected[t] = back * (1 - hs[t] ** 2)
        back = expected[t] * weight
    assert run.path.gradients[0] == pytest.approx(expected, rel=1e-9)
    assert cause in causes(run)
    assert f"{weight:.3g} per layer" in " ".join(run.messages)


def test_a_recurrent_weight_above_one_throws_the_weights_away():
    def loss(w):
        h = 1.0
        for _ in range(30):
            h = w * h
        return (h - 1.0) ** 2

    run = dk.descend(loss, 1.5, rate=0.01, steps=5)
    assert run.status == "diverged"
    assert {"exploding gradient", "rate too large"} <= set(causes(run))
    assert run.norms[0] == pytest.approx(2 * (1.5**30 - 1) * 30 * 1.5**29, rel=1e-12)


def test_layers_are_the_parameters():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(20, 3))

    def loss(W1, b1, W2, b2, x):
        return np.mean((np.tanh(x @ W1 + b1) @ W2 + b2 - 1) ** 2)

    start = {"W1": rng.normal(size=(3, 4)), "b1": np.zeros(4), "W2": rng.normal(size=4), "b2": 0.0}
    run = dk.descend(loss, start, args=(data,), rate=0.05, steps=20)
    assert [g.name for g in run.groups] == ["W1", "b1", "W2", "b2"]
    assert {n: np.shape(w) for n, w in run.weights.items()} == {"W1": (3, 4), "b1": (4,), "W2": (4,), "b2": ()}
    h = np.tanh(data @ start["W1"] + start["b1"])
    error = 2 / 20 * (h @ start["W2"] + start["b2"] - 1)
    dh = np.outer(error, start["W2"]) * (1 - h**2)
    by_hand = np.concatenate([(data.T @ dh).ravel(), dh.sum(axis=0), h.T @ error, [error.sum()]])
    assert run.path.gradients[0] == pytest.approx(by_hand, rel=1e-10, abs=1e-14)
    by_layer = dk.descend(
        loss, start, args=(data,), rate=0.05, steps=20,
        gradient=lambda W1, b1, W2, b2, x: {"b2": by_hand[-1], "W2": by_hand[16:20], "W1": by_hand[:12].reshape(3, 4),
                                            "b1": by_hand[12:16]})  # fmt: skip
    assert by_layer.path.gradients[0] == pytest.approx(by_hand, rel=1e-15)


# Batches ------------------------------------------------------------------------------------------------------------


def regression():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    return X, X @ [1.0, 2.0, 3.0] + 0.5 * rng.normal(size=60)


@pytest.mark.parametrize("gradient", [None, mean_square_gradient])
def test_batches_are_the_path_of_a_plain_loop(gradient):
    X, y = regression()
    run = dk.descend(mean_square, np.zeros(3), args=(X, y), gradient=gradient, batch=16, rate=0.02, steps=10, seed=5)
    rng, w, taken = np.random.default_rng(5), np.zeros(3), 0
    while taken < 10:
        order = rng.permutation(60)
        for first in range(0, 60, 16):
            if taken < 10:
                rows = order[first : first + 16]
                w = w - 0.02 * 2 / len(rows) * X[rows].T @ (X[rows] @ w - y[rows])
                taken += 1
    assert run.point == pytest.approx(w, rel=1e-12)
    assert run.path.steps.tolist() == [0, 4, 8, 10]
    assert run.value == pytest.approx(np.mean((X @ w - y) ** 2), rel=1e-12)
    assert run.path.gradients[-1] == pytest.approx(mean_square_gradient(w, X, y), rel=1e-10)


def test_an_epoch_sees_every_row_once():
    data = np.arange(10.0)
    batches = make_batches(dk.Function(lambda w, d, c: w, (data, 7.0)), 1, 4, ["d"], 0)
    drawn = iter(batches)
    epochs = [np.concatenate([next(drawn)[0] for _ in range(batches.per_epoch)]) for _ in range(3)]
    assert all(sorted(epoch) == data.tolist() for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    assert next(drawn)[1] == 7.0


def test_the_noise_of_batches_is_named_and_a_falling_rate_gets_below_it():
    X, y = regression()
    options = {"args": (X, y), "gradient": mean_square_gradient, "batch": 5, "steps": 3000, "rate": 0.1}
    constant = dk.descend(mean_square, np.zeros(3), **options)
    falling = dk.descend(mean_square, np.zeros(3), schedule="inverse", **options)
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    assert constant.status == "stagnated"
    assert causes(constant)[0] == "noise floor"
    assert np.linalg.norm(falling.point - best) < np.linalg.norm(constant.point - best) / 3


# Gradients that are handed in, and handing over ----------------------------------------------------------------------


def test_a_hand_written_gradient_is_used_as_it_is_and_can_be_checked():
    wrong = dk.descend("x^2", 1, gradient="3*x", rate=0.1, steps=1)
    assert wrong.point[0] == pytest.approx(0.7)
    assert wrong.check().verdict == "wrong"
    X, y = regression()
    right = dk.descend(mean_square, np.ones(3), gradient=mean_square_gradient, args=(X, y), steps=2)
    assert right.check().verdict == "correct"
    with pytest.raises(dk.DiffkitError, match="no hand-written gradient"):
        dk.descend("x^2", 1, steps=1).check()


@pytest.mark.parametrize("backend", ["auto", "dual", "symbolic", "finite", "complex"])
def test_every_backend_walks_the_same_path(backend):
    run = dk.descend("exp(x)*y^2 + x^2 - y", [0.5, 0.4], rate=0.1, steps=20, backend=backend)
    x, y = 0.5, 0.4
    for _ in range(20):
        x, y = x - 0.1 * (math.exp(x) * y**2 + 2 * x), y - 0.1 * (2 * math.exp(x) * y - 1)
    assert run.point == pytest.approx([x, y], rel=1e-8)


def test_polishing_goes_on_with_scipy():
    run = dk.descend("100*(y-x^2)^2+(1-x)^2", [-1, 1], rate=0.001, steps=100)
    result = run.polish()
    assert result.x == pytest.approx([1, 1], abs=1e-4)
    assert result.fun < 1e-8 < run.value
    assert run.polish("BFGS", tol=1e-10).x == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dk.descend("x^2", 1, rate=0), "the rate is a positive number"),
        (lambda: dk.descend("x^2", 1, steps=0), "the number of steps"),
        (lambda: dk.descend("x^2", 1, momentum=1), "the momentum lies"),
        (lambda: dk.descend("x^2", 1, nesterov=True), "needs a momentum"),
        (lambda: dk.descend("x^2", 1, schedule="cosin"), "did you mean cosine"),
        (lambda: dk.descend("x^2", 1, decay=2), "takes no decay"),
        (lambda: dk.descend("x^2", 1, batch=2), "args and batches are of a Python function"),
        (lambda: dk.descend("x^2", [1, 2]), "2 coordinates"),
        (lambda: dk.descend("x^2", {"y": 1}), "unknown variable y"),
        (lambda: dk.descend("x*y", [1, 2], gradient="y"), "the gradient has 1 entries for 2 weights"),
        (lambda: dk.descend(lambda w: w, np.ones(2)), "a cost is one number"),
        (lambda: dk.descend(lambda w: w @ w, np.ones(2), gradient=lambda w: w[:1]), "1 entries for 2"),
        (lambda: dk.descend(lambda w: w @ w, np.ones(2), gradient=lambda w: w @ np.ones((3, 2))), "raised ValueError"),
        (lambda: dk.descend(lambda w: w @ w, np.ones(2), gradient=lambda w: w.__imul__(2)), "writes into its argument"),
        (lambda: dk.descend(mean_square, np.ones(2), args=(X5, Y5), batch=9), "a batch of 9 rows"),
        (lambda: dk.descend(mean_square, np.ones(2), args=(X5, Y5), batch=2, rows="z"), "no argument 'z'"),
        (lambda: dk.descend(mean_square, np.ones(2), args=(X5, Y5[:4]), batch=2, rows=("X", "y")), "4 and 5 rows"),
    ],
)
def test_misuse_is_one_line_with_a_reason(call, message):
    with pytest.raises(dk.DiffkitError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


# The command and its pictures -----------------------------------------------------------------------------------------

MODEL = """
import numpy as np
X = np.column_stack([np.ones(5), np.arange(1.0, 6.0)])
y = np.arange(1.5, 6.0)
start = np.zeros(2)
def loss(theta, X, y): return np.mean((X @ theta - y)**2)
def gradient(theta, X, y): return 2 / len(y) * X.T @ (X @ theta - y)
def broken(theta, X, y): return X.T @ (X @ theta - y)
"""


@pytest.mark.parametrize(("name", "verdict"), [("gradient", "correct"), ("broken", "wrong")])
def test_the_command_on_code(run, tmp_path, name, verdict):
    (tmp_path / "line_model.py").write_text(MODEL)
    code, out, _ = run("descend", "line_model.py:loss", "--from", "line_model.py:start", "--args",
                       "line_model.py:X,line_model.py:y", "--gradient", f"line_model.py:{name}", "--check",
                       "--rate", "0.01", "--format", "json")  # fmt: skip
    found = json.loads(out)
    assert code == 0
    assert found["gradient_check"] == verdict
    low, high = np.linalg.eigvalsh(2 / 5 * X5.T @ X5) * (1.0 if name == "gradient" else 2.5)
    assert found["curvature"]["start"]["condition"] == pytest.approx(high / low, rel=1e-5)
    assert found["path"][1]["update"] == pytest.approx(
        (-0.01 * np.array(found["path"][1]["gradient"])).tolist(), rel=1e-12)  # fmt: skip


def test_the_table_shows_first_middle_and_last_steps(run):
    _, out, _ = run("descend", "x^2", "--from", "1", "--rate", "0.1", "--steps", "50")
    lines = out.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("step  f"))
    assert lines[first + 1].split() == ["0", "1", "1", "2", "-0.2"]
    assert lines[first + 2].split() == ["1", "0.64", "0.8", "1.6", "-0.16"]
    rows = [line.split() for line in lines[first + 1 : first + 11]]
    assert [row[0] for row in rows[-3:]] == ["48", "49", "50"]
    assert rows[-1][1] == f"{0.8**100:.6g}"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x^2"], 2, "needs a start"),
        (["x^2", "--from", "1", "--check"], 2, "no gradient to check"),
        (["x^2", "--from", "1", "--picture", "loss"], 2, "no file"),
        (["x^2", "--from", "1", "--save", "path.gif"], 2, "cannot save"),
        (["x^2", "--from", "1", "--save", "path.png", "--picture", "lost"], 2, "did you mean loss"),
        (["x^2", "--from", "1", "--save", "path.png", "--picture", "surface"], 2, "two weights"),
        (["x^2", "--from", "1", "--rate", "1.1"], 1, ""),
        (["x^2", "--from", "1", "--steps", "3"], 0, ""),
    ],
)
def test_exit_codes(run, arguments, code, message):
    if "--save" in arguments:
        pytest.importorskip("matplotlib", reason="comes with the plot extra")
    found, _, err = run("descend", *arguments)
    assert (found, message in err) == (code, True)
    assert len(err.splitlines()) == (1 if code == 2 else 0)


def test_an_interrupted_command_reports_its_path(run, tmp_path):
    (tmp_path / "slow.py").write_text(
        "calls = 0\ndef loss(w): return w**2\ndef gradient(w):\n    global calls\n    calls += 1\n"
        "    if calls == 12: raise KeyboardInterrupt\n    return 2*w\n"
    )
    code, out, err = run("descend", "slow.py:loss", "--from", "1", "--gradient", "slow.py:gradient", "--rate", "0.1")
    assert code == 130
    assert "status = interrupted" in out
    assert "interrupted after 9 steps" in err


def test_pictures_show_the_path():
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    run = dk.descend("(w-3)^2 + 2*(b+1)^2", {"w": 0, "b": 0}, rate=0.1, steps=20)
    for kind in PICTURES:
        assert picture(run, kind).axes
    lines = picture(run).axes[0].lines
    assert np.array(lines[0].get_xydata()) == pytest.approx(run.path.points)  # contours are the default for two
    curve = picture(run, "weights").axes[1].lines[0]  # f against w, with b as at the end
    x, y = curve.get_xdata(), curve.get_ydata()
    assert y == pytest.approx((x - 3) ** 2 + 2 * (run.weights["b"] + 1) ** 2)
    heights = picture(run, "loss").axes[0].lines[0].get_ydata()
    assert heights == pytest.approx(run.path.values)
    assert picture(run, "loss").axes[0].get_yscale() == "log"
    others = [dk.descend("x^2", 1, rate=a, steps=20) for a in (0.1, 1.1)]
    assert [line.get_label() for line in compare_rates(others).axes[0].lines] == [
        "rate 0.1: steps used up", "rate 1.1: diverged"]  # fmt: skip


def test_without_matplotlib_the_picture_says_what_is_missing(run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = run("descend", "x^2", "--from", "1", "--save", "path.png")
    assert code == 2
    assert "pictures need matplotlib" in err

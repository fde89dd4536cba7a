"""How a descent ends and why: rates that are too large, plateaus, kinks, and gradients through many layers."""

import math

import numpy as np
import pytest

import diffkit as dk


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
        ("x^2-1e-9*y^2", [1, 0], {"rate": 0.3}, "stagnated", "saddle"),
        ("x^2-1e-9*y^2", [1, 1], {"rate": 0.3}, "stagnated", "saddle"),
        ("-x^2 + 3", 0, {}, "stagnated", "maximum"),
        ("cos(x)", 0, {}, "stagnated", "maximum"),
        ("sigmoid(20*x)", 2, {}, "stagnated", "flat part"),
        ("1e-12*x^2", 1, {}, "stagnated", "flat part"),
        ("x^2+1e-12*y^2", [1, 1], {"rate": 0.3}, "stagnated", "flat part"),
        ("(x-y)^2+1e-12*(x+y)^2", [1, 1], {"rate": 0.1}, "stagnated", "flat part"),
        ("abs(x)", 1.03, {"rate": 0.1}, "stagnated", "bouncing"),
        ("x^2", 1, {"rate": 1.0}, "stagnated", "bouncing"),
        ("x^2", 1, {"rate": 1e-20}, "stagnated", "rounding"),
        ("-x^2", 2, {"rate": 0.1}, "diverged", "falling on"),
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


def test_values_that_print_alike_are_told_apart():
    def loss(w):
        return w**2 * (1.0 if type(w) is np.float64 else 1 + 1e-9)

    with pytest.raises(dk.TracingError, match=r"1\.1\d*, not 1\.1\d* \(1\.1\d*e-09 apart, more than rounding\)"):
        dk.descend(loss, 1.05, backend="reverse")


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


# A minimum is said only where gradient and curvature say so -----------------------------------------------------------


def dead(w):
    x = np.linspace(-1, 1, 20)
    return np.mean((np.maximum(w[0] * x + w[1], 0) - x) ** 2)


@pytest.mark.parametrize(
    ("f", "start", "options"),
    [
        ("(relu(w)-1)^2", -1, {"rate": 0.1}),
        ("1-exp(-(x-100)^2)", 0, {}),
        ("(sigmoid(x)-1)^2", -1000, {}),
        (dead, [-1, -2.5], {}),
        ("exp(x)", 0, {"rate": 1e5}),
        ("-x^4", 0, {}),
        ("x^3", 0, {}),
        ("x^3-3*x*y^2", [0, 0], {}),
    ],
)
def test_no_gradient_and_no_curvature_is_no_minimum(f, start, options):
    run = dk.descend(f, start, **options)
    assert (run.status, run.norms[-1], causes(run)[0]) == ("stagnated", 0, "flat")
    assert run.messages[0].startswith("gradient and curvature are both 0 here: that does not say minimum")


@pytest.mark.parametrize(
    ("f", "start", "options", "words"),
    [
        ("x^2 + y^2", [1, 2], {"rate": 0.2}, "within the tolerance, at a minimum"),
        ("x^2", 0, {}, "within the tolerance, at a minimum"),
        ("(x - 1)^2", 0, {"rate": 0.25, "tolerance": 0}, "at a minimum"),
        ("x^2/2 + exp(x)", 1, {"rate": 0.1, "tolerance": 0}, "down to rounding, at a minimum"),
        ("x^2 + y^3", [1, 0], {"rate": 0.1}, "singular there and does not tell"),
        ("x^2*y^2", [1, 0.5], {"rate": 0.1}, "singular there and does not tell"),
        ("x^3", 1e-4, {"rate": 1e3}, "changes too much close by to tell"),  # an inflection
        ("x^4", 2e-3, {"rate": 1e4}, "changes too much close by to tell"),
        ("abs(x)^1.5", 0, {"gradient": "0*x"}, "there is no Hessian there"),
    ],
)
def test_a_minimum_is_named_where_the_curvature_shows_one(f, start, options, words):
    run = dk.descend(f, start, **options)
    assert run.status == "converged"
    assert words in run.ending
    assert ("at a minimum" in run.ending) is ("at a minimum" in words)


@pytest.mark.parametrize(("sign", "status"), [(1.0, "converged"), (-1.0, "stagnated")])
def test_many_weights_are_looked_at_by_lanczos_steps(sign, status):
    scale = np.append(np.ones(99), sign)
    run = dk.descend(lambda x: scale @ x**2, np.append(np.ones(99), 0), gradient=lambda x: 2 * scale * x, rate=0.3)
    assert run.status == status
    assert ("not all were looked at" in run.ending) is (sign > 0)
    assert ("saddle" in causes(run)) is (sign < 0)


@pytest.mark.parametrize(
    ("f", "start", "kind"),
    [
        ("x^2 - y^2", [0, 0], "a saddle point"),
        ("-x^2 - y^2", [0, 0], "a maximum"),
        ("-x^2 + y^4", [0, 0], "no minimum"),  # a saddle point, though no eigenvalue is positive
    ],
)
def test_the_eigenvalues_tell_saddle_and_maximum(f, start, kind):
    run = dk.descend(f, start)
    assert f"this is {kind}" in run.messages[0]
    assert causes(run) == [kind.removeprefix("a ").removesuffix(" point")]


def test_a_saddle_far_away_is_not_said_to_be_here():
    near, far = (dk.descend("x^2-1e-9*y^2", [1, y], rate=0.3).messages[0] for y in (0, 1))
    assert "eigenvalue -2e-09: this is a saddle point, or near one" in near
    assert "eigenvalues -2e-09 and 2" in far
    assert "near one" not in far
    assert "plateau" not in near + far


def test_a_minimum_along_a_flat_direction_is_as_far_as_newtons_step():
    run = dk.descend("x^2+1e-12*y^2", [1, 1], rate=0.3)
    assert "a minimum is about 1 away" in run.messages[0]
    assert dk.descend("x^2+1e-12*y^2", [1, 1e-4], rate=0.3).status == "converged"


@pytest.mark.parametrize(
    ("f", "start", "rate", "hessian"),
    [("x^4", 1, 0.1, lambda x: 12 * x**2), ("exp(-x)", 0, 1.0, lambda x: np.exp(-x))],
)
def test_curvature_along_the_path_is_that_of_its_points(f, start, rate, hessian):
    run = dk.descend(f, start, rate=rate)
    factor = hessian(run.path.points[0, 0]) / hessian(run.point[0])
    assert run.convergence.unknown == f"the curvature differs by a factor of {factor:.3g} along the path"


def test_curvature_that_changes_only_beyond_the_path_is_not_said_to_change_along_it():
    run = dk.descend("x^2+1e-9*exp(-y)", [1, 1], rate=0.3)
    assert run.path.points[:, 1] == pytest.approx(1, abs=1e-6)
    # Newton's step for exp(−y) is 1: twice that, and the curvature has fallen by e²
    assert f"a factor of {math.e**2:.3g} between the path and where Newton's step" in run.convergence.unknown


@pytest.mark.parametrize(
    ("f", "start", "rate", "said"),
    [
        ("(x*y-1)^2", [1.5, -1], 0.05, ["flat direction"]),
        ("(x+y)^4 + 1e5*(x-y)^2", [5e-4, 5e-4], 1e-6, ["flat direction"]),
        ("2000*x^2 + y^2", [1, 1e-9], 2e-4, ["ill-conditioned"]),
    ],
)
def test_a_flat_valley_is_not_ill_conditioned(f, start, rate, said):
    run = dk.descend(f, start, rate=rate, tolerance=4e-8)
    assert run.status == "converged"
    assert [c for c in causes(run) if c in ("flat direction", "ill-conditioned")] == said


# Where f goes down for ever, and where the rate is to blame -----------------------------------------------------------


def test_running_down_is_no_minimum_and_no_flat_direction():
    down = dk.descend("-x^2", 1)
    assert (down.status, causes(down)) == ("diverged", ["falling on"])
    assert down.value == pytest.approx(-(1.02**2000), rel=1e-10)
    line = dk.descend("-x", 0)
    assert (line.status, causes(line)) == ("steps used up", ["no curvature"])
    assert "the gradient is 1" in line.messages[0]
    away = dk.descend("x*y", [1e-3, 0])
    assert (away.status, causes(away)) == ("steps used up", ["falling on"])


def test_a_plateau_is_named_and_the_rate_is_not_blamed():
    for f, start, options in (("(tanh(x)-1)^2", -6, {"steps": 200}), ("sigmoid(x)^2", -5, {"rate": 0.1})):
        run = dk.descend(f, start, **options)
        assert (run.status, causes(run)) == ("steps used up", ["plateau"])
        assert f"moved by {abs(run.point[0] - start):.3g}" in run.messages[0]


def test_a_rate_too_large_is_shown_where_the_curvature_forbids_it():
    run = dk.descend("(x^2+y-11)^2+(x+y^2-7)^2", {"x": 0, "y": 0}, rate=0.05)
    assert run.at_start.largest < 0  # nothing overshoots there
    x, y = run.path.points[2]
    largest = np.linalg.eigvalsh([[12 * x**2 + 4 * y - 42, 4 * (x + y)], [4 * (x + y), 12 * y**2 + 4 * x - 26]])[1]
    assert f"2/L = {2 / largest:.3g} (L = {largest:.3g} at step 2)" in run.messages[0]
    assert 2 / largest < 0.05


def test_jumping_about_is_not_divergence():
    run = dk.descend("x^2-cos(20*x)", 1, rate=0.3)
    rising = np.mean(np.diff(run.path.values) > 0)
    assert (run.status, causes(run)) == ("steps used up", ["jumping"])
    assert f"f went up in {rising:.0%} of the steps" in run.messages[0]
    assert math.isnan(run.convergence.observed)


def test_a_schedule_that_decays_to_nothing_is_blamed():
    run = dk.descend("x^2", 1, rate=0.1, schedule="step", decay=0.5, every=5)
    assert (run.status, causes(run)) == ("stagnated", ["schedule"])
    assert f"from 0.1 to {0.1 * 0.5 ** (run.steps // 5):.3g}" in run.messages[0]


def test_one_gradient_of_zero_is_not_uneven():
    run = dk.descend("100*(y-x^2)^2+(1-x)^2", [-1, 1], rate=0.001)
    assert run.path.gradients[0] == pytest.approx([-4, 0])
    assert not {"uneven gradient", "no gradient"} & set(causes(run))


def test_a_first_step_from_zero_has_no_size_of_the_weights():
    run = dk.descend("(x - 100)^2", 0, rate=0.4)
    assert "has the length 80, from weights of length 0" in run.messages[0]

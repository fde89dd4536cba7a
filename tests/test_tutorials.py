"""What five tutorials on calculus for machine learning state and compute, each with diffkit's verdict on it.

T0 "Calculus in machine learning: why it works", T1 "What is a gradient in machine learning", T2 "Applications of
differentiation in machine learning", T3 "Dive into deep learning 2.4, calculus", T4 "The role of calculus in deep
learning". A statement is a claim about a function; the numbers are recomputed here by other means.
"""

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.special import expit as sigmoid

import diffkit as dk

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "tutorial_formulas.md"


class Statement(NamedTuple):
    """f, what a tutorial says its derivative is, where that is looked at, and what is expected of ``dk.check``."""

    tutorial: str
    name: str
    f: Any
    claim: Any
    at: Any
    verdict: str = "correct"
    words: str | None = None
    options: dict[str, Any] = {}  # noqa: RUF012


RNG = np.random.default_rng(11)
A, B, V, M = RNG.normal(size=(3, 3)), RNG.normal(size=(2, 3)), RNG.normal(size=3), RNG.normal(size=(2, 3))
X, Y = RNG.normal(size=7), RNG.normal(size=7)
LABELS = np.array([0.0, 1, 1, 0, 1, 0, 0])
FIVE, LINE = np.arange(1.0, 6.0).reshape(5, 1), np.arange(1.5, 6.0)
DESIGN = np.hstack([np.ones((5, 1)), FIVE])
W, IN, TARGET = RNG.normal(size=(3, 4)), RNG.normal(size=4), RNG.normal(size=3)
START = np.array([0.3, 0.4])


# T0, T2, T4: squared errors -------------------------------------------------------------------------------------------


def sse(m, c):
    return np.sum((Y - m * X - c) ** 2)


def sse_gradient(m, c):
    return [-2 * np.sum((Y - m * X - c) * X), -2 * np.sum(Y - m * X - c)]


def cost(theta):
    return np.mean((DESIGN @ theta - LINE) ** 2)


def cost_gradient(theta):
    return 2 / 5 * DESIGN.T @ (DESIGN @ theta - LINE)


def half_mean(w, b):
    return np.sum((Y - (w * X + b)) ** 2) / (2 * len(Y))


def half_mean_gradient(w, b):
    rest = Y - (w * X + b)
    return -np.sum(rest * X) / len(Y), -np.sum(rest) / len(Y)


# T4: cross-entropy ----------------------------------------------------------------------------------------------------


def entropy(w, b):
    p = sigmoid(w * X + b)
    return -np.sum(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p)) / len(X)


def entropy_gradient(w, b):
    p = sigmoid(w * X + b)
    by_w, by_b = p * (1 - p) * X, p * (1 - p)
    return [-np.sum(LABELS / p * d - (1 - LABELS) / (1 - p) * d) / len(X) for d in (by_w, by_b)]


# T2: the perceptron ---------------------------------------------------------------------------------------------------

POINTS, ONES = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), np.ones((3, 1))
WEIGHTS = [RNG.normal(size=(2, 4)), RNG.normal(size=(4, 1))]


def network(W1, W2):
    return sigmoid(sigmoid(POINTS @ W1) @ W2)


def network_loss(W1, W2):
    p = network(W1, W2)
    return -np.sum(ONES * np.log(p) + (1 - ONES) * np.log(1 - p))


def backward(W1, W2, slope=lambda z, a: a * (1 - a), multiply=np.multiply, previous=lambda a, p: a):
    Z = POINTS @ W1
    hidden, out = sigmoid(Z), network(W1, W2)
    delta = out - ONES
    return POINTS.T @ multiply(delta @ W2.T, slope(Z, hidden)), previous(hidden, out).T @ delta


def faulty(**fault):
    return lambda W1, W2: backward(W1, W2, **fault)


# T4: layers, convolution, pooling -------------------------------------------------------------------------------------


def layer(W):
    return np.sum((np.tanh(W @ IN) - TARGET) ** 2) / 2


def delta(W):
    a = np.tanh(W @ IN)
    return (a - TARGET) * (1 - a**2)


IMAGE, KERNEL, UPSTREAM = RNG.normal(size=(3, 3, 2)), RNG.normal(size=(2, 2, 2, 2)), RNG.normal(size=(2, 2, 2))


def convolved(X, W):
    """Y_{mnk} = Σ_{ijl} W_{ijkl}·X_{m+i,n+j,l}."""
    parts = [W[i, j] @ X[m + i, n + j] for m in (0, 1) for n in (0, 1) for i in (0, 1) for j in (0, 1)]
    return np.stack([sum(parts[4 * k : 4 * k + 4]) for k in range(4)]).reshape(2, 2, 2)


def by_kernel(X, W):
    found = np.zeros(W.shape)
    for i, j, k, c in np.ndindex(*W.shape):
        found[i, j, k, c] = sum(UPSTREAM[m, n, k] * X[m + i, n + j, c] for m in (0, 1) for n in (0, 1))
    return found


def by_input(X, W):
    found = np.zeros(X.shape)
    for i, j, k in np.ndindex(*X.shape):
        for m, n, c in np.ndindex(2, 2, 2):
            if 0 <= i - m < 2 and 0 <= j - n < 2:
                found[i, j, k] += W[m, n, k, c] * UPSTREAM[i - m, j - n, c]
    return found


def by_input_right(X, W):
    return by_input(X, W.swapaxes(2, 3))


def first_maximum(x):
    return np.where(np.arange(x.size) == np.argmax(x), 1.0, 0.0)


T0, T1, T2, T3, T4 = "T0", "T1", "T2", "T3", "T4"
STATEMENTS = [
    Statement(T0, "y = mx + c: the partials m, x and 1", "m*x + c", ["1", "x", "m"], None),
    Statement(T0, "the gradient of the SSE", sse, sse_gradient, [0.5, 0.2]),
    Statement(T1, "f′(−0.5) of x² is −1.000", "x^2", np.array([-1.0]), -0.5),
    Statement(T1, "f′(0.5) of x² is 1.000", "x^2", np.array([1.0]), 0.5),
    Statement(T1, "f′(0) of x² is 0.000", "x^2", np.array([0.0]), 0),
    Statement(T1, "the sign of f′(−0.5) is not a plus", "x^2", np.array([1.0]), -0.5, "wrong"),
    Statement(T1, "x² has the derivative 2x", "x^2", "2*x", None),
    Statement(T1, "x² has the second derivative 2", "x^2", "2", None, options={"kind": "hessian"}),
    Statement(T2, "(2/m)·Xᵀ(Xθ − y)", cost, cost_gradient, START),
    Statement(T2, "(2/m)·Xᵀ·errors, errors 0", cost, lambda t: 2 / 5 * DESIGN.T @ np.zeros(5), START, "wrong",
              "every entry: put in the partials, where the claim has 0"),
    Statement(T2, "(2/m)·Xᵀ·errors, errors of θ = 0", cost, lambda t: 2 / 5 * DESIGN.T @ -LINE, START, "wrong",
              "evaluate at theta, not at 0"),
    Statement(T2, "(2/m)·Xᵀ·errors, errors unknown", cost, lambda t: DESIGN.T @ errors, START,  # noqa: F821
              "refused", "name 'errors' is not defined"),
    Statement(T2, "X of 5×1 times θ of length 2", cost, lambda t: FIVE.T @ (FIVE @ t - LINE), START, "refused",
              "matmul"),
    Statement(T2, "back-propagation", network_loss, faulty(), WEIGHTS),
    Statement(T2, "a loss without its minus", lambda W1, W2: -network_loss(W1, W2), faulty(), WEIGHTS, "wrong",
              "change the sign of every entry"),
    Statement(T2, "dW₂ = ŷᵀ(ŷ − Y)", network_loss, faulty(previous=lambda a, p: p), WEIGHTS, "refused",
              "for W2 of shape (4, 1) it gives (1, 1)"),
    Statement(T2, "dZ₃·W₂ᵀ·σ′(z₂) by matrix products", network_loss, faulty(multiply=np.matmul), WEIGHTS, "refused",
              "matmul"),
    Statement(T2, "… with σ′ transposed", network_loss, faulty(multiply=lambda a, b: a @ b.T), WEIGHTS, "refused",
              "for W1 of shape (2, 4) it gives (2, 3)"),
    Statement(T2, "σ′ at a for σ′ at z", network_loss,
              faulty(slope=lambda z, a: sigmoid(a) * (1 - sigmoid(a))), WEIGHTS, "wrong",
              "the derivative of every sigmoid of layer 1 is taken at the wrong place"),
    Statement(T2, "a(1 − a) of z for a", network_loss, faulty(slope=lambda z, a: z * (1 - z)), WEIGHTS, "wrong",
              "correct the derivative of every sigmoid of layer 1"),
    Statement(T2, "the second derivative for the first", network_loss,
              faulty(slope=lambda z, a: a * (1 - a) * (1 - 2 * a)), WEIGHTS, "wrong",
              "take the first derivative, not the second, as the derivative of every sigmoid of layer 1"),
    Statement(T2, "σ(1 − σ) is the second derivative of σ", "sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))", None, "wrong",
              "differentiate once more: the claim is the first derivative", {"kind": "hessian"}),
    Statement(T2, "ŷ for the previous layer's a, one neuron a layer", "-log(sigmoid(v*sigmoid(w)))",
              ["-sigmoid(-v*sigmoid(w))*sigmoid(v*sigmoid(w))",
               "-sigmoid(-v*sigmoid(w))*v*sigmoid(w)*(1 - sigmoid(w))"],
              None, "wrong", "entry v: put sigmoid(w) where the claim has sigmoid(v*sigmoid(w))"),
    Statement(T3, "3x² − 4x has slope 2 at 1", "3x^2 - 4x", np.array([2.0]), 1),
    Statement(T3, "DC = 0", "7", "0", None, options={"variables": ["x"]}),
    Statement(T3, "Dx⁷ = 7x⁶", "x^7", "7*x^6", None),
    Statement(T3, "Dx^(5/2) = (5/2)x^(3/2)", "x^(5/2)", "5/2*x^(3/2)", 1.3),
    Statement(T3, "Deˣ = eˣ", "exp(x)", "exp(x)", None),
    Statement(T3, "D ln x = 1/x, x > 0", "log(x)", "1/x", 1.3),
    Statement(T3, "D ln x = 1/x where ln x is defined", "log(x)", "1/x", None),
    Statement(T3, "D ln |x| = 1/|x|", "log(abs(x))", "1/abs(x)", None, "wrong"),
    Statement(T3, "constant multiple", "3*sin(x)", "3*cos(x)", None),
    Statement(T3, "sum", "sin(x) + exp(x)", "cos(x) + exp(x)", None),
    Statement(T3, "product", "sin(x)*exp(x)", "sin(x)*exp(x) + exp(x)*cos(x)", None),
    Statement(T3, "product of the derivatives", "sin(x)*exp(x)", "cos(x)*exp(x)", None, "wrong",
              "add sin(x) times the derivative of exp(x)"),
    Statement(T3, "quotient", "sin(x)/exp(x)", "(exp(x)*cos(x) - sin(x)*exp(x))/exp(x)^2", None),
    Statement(T3, "quotient, the terms exchanged", "sin(x)/exp(x)", "(sin(x)*exp(x) - exp(x)*cos(x))/exp(x)^2", None,
              "wrong", "change the sign"),
    Statement(T3, "∇Ax = Aᵀ, with a gradient in each row", lambda x: A @ x, lambda x: A.T, V, "wrong", "transpose"),
    Statement(T3, "∇Ax = Aᵀ, with a gradient in each column", lambda x: A @ x, lambda x: np.transpose(A.T), V),
    Statement(T3, "∇xᵀA = A, with a gradient in each row", lambda x: x @ A, lambda x: A, V, "wrong", "transpose"),
    Statement(T3, "∇xᵀA = A, with a gradient in each column", lambda x: x @ A, lambda x: A.T, V),
    Statement(T3, "∇xᵀAx = (A + Aᵀ)x", lambda x: x @ A @ x, lambda x: (A + A.T) @ x, V),
    Statement(T3, "∇xᵀAx = 2Ax for any A", lambda x: x @ A @ x, lambda x: 2 * A @ x, V, "wrong"),
    Statement(T3, "∇‖x‖² = 2x", lambda x: x @ x, lambda x: 2 * x, V),
    Statement(T3, "∇‖X‖²_F = 2X", lambda X: np.sum(X**2), lambda X: 2 * X, M),
    Statement(T3, "∇‖X‖²_F = 2Xᵀ", lambda X: np.sum(X**2), lambda X: 2 * X.T, M, "wrong", "transpose"),
    Statement(T3, "chain rule", "sin(x^2)", "cos(x^2)*2*x", None),
    Statement(T3, "chain rule without du/dx", "sin(x^2)", "cos(x^2)", None, "wrong", "the derivative of x**2"),
    Statement(T3, "∂y/∂xᵢ = Σⱼ ∂y/∂uⱼ·∂uⱼ/∂xᵢ", "(a + b)*(a*b)", ["1*(a*b) + (a + b)*b", "1*(a*b) + (a + b)*a"], None),
    Statement(T3, "… with one u left out", "(a + b)*(a*b)", ["a*b", "a*b"], None, "wrong",
              "times the derivative of a*b"),
    Statement(T4, "L = (1/2n)Σ(y − ŷ)²: −(1/n)Σ(y − ŷ)x", half_mean, half_mean_gradient, [0.5, 0.2]),
    Statement(T4, "L = (1/n)Σ(y − ŷ)²: −(1/n)Σ(y − ŷ)x", lambda w, b: 2 * half_mean(w, b), half_mean_gradient,
              [0.5, 0.2], "wrong", "multiply by 2"),
    Statement(T4, "σ′ = σ(1 − σ)", "sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))", None),
    Statement(T4, "tanh′ = 1 − tanh²", "tanh(x)", "1 - tanh(x)^2", None),
    Statement(T4, "ReLU′ = 1 for x > 0, else 0", "relu(x)", "where(x > 0, 1, 0)", None),
    Statement(T4, "ReLU′(0) = 0", "relu(x)", "where(x > 0, 1, 0)", 0),
    Statement(T4, "ReLU′(0) = 2", "relu(x)", np.array([2.0]), 0, "wrong"),
    Statement(T4, "∂L/∂w of binary cross-entropy", entropy, entropy_gradient, [0.5, 0.2]),
    Statement(T4, "… without its minus", entropy, lambda w, b: [-d for d in entropy_gradient(w, b)], [0.5, 0.2],
              "wrong", "change the sign of every entry"),
    Statement(T4, "∂L/∂W = a·δᵀ", layer, lambda W: np.outer(IN, delta(W)), W, "wrong", "transpose"),
    Statement(T4, "∂L/∂W = δ·aᵀ", layer, lambda W: np.outer(delta(W), IN), W),
    Statement(T4, "∂L/∂W_{ijkl} = Σ ∂L/∂Y_{mnk}·X_{m+i,n+j,l}", lambda W: np.sum(UPSTREAM * convolved(IMAGE, W)),
              lambda W: by_kernel(IMAGE, W), KERNEL),
    Statement(T4, "∂L/∂X_{ijk} = Σ W_{mnkl}·∂L/∂Y_{i−m,j−n,l}", lambda X: np.sum(UPSTREAM * convolved(X, KERNEL)),
              lambda X: by_input(X, KERNEL), IMAGE, "wrong"),
    Statement(T4, "both formulas of convolution", lambda X, W: np.sum(UPSTREAM * convolved(X, W)),
              lambda X, W: (by_input(X, W), by_kernel(X, W)), [IMAGE, KERNEL], "wrong", "exchange axes 2 and 3 of W"),
    Statement(T4, "∂L/∂X_{ijl} = Σ W_{mnkl}·∂L/∂Y_{i−m,j−n,k}", lambda X, W: np.sum(UPSTREAM * convolved(X, W)),
              lambda X, W: (by_input_right(X, W), by_kernel(X, W)), [IMAGE, KERNEL]),
    Statement(T4, "max pooling: all to the arg max", np.max, first_maximum, np.array([0.3, 2.0, -1.0, 1.5])),
    Statement(T4, "max pooling: a share to each", np.max, lambda x: np.ones(4) / 4, np.array([0.3, 2.0, -1.0, 1.5]),
              "wrong"),
    Statement(T4, "max pooling with a tie: to the first", np.max, np.array([1.0, 0.0, 0.0]), np.array([2.0, 2.0, 1.0])),
    Statement(T4, "max pooling with a tie: to the one below", np.max, np.array([0.0, 0.0, 1.0]),
              np.array([2.0, 2.0, 1.0]), "wrong"),
    Statement(T4, "L1: sign(W)", lambda W: np.sum(np.abs(W)), np.sign, W),
    Statement(T4, "L1 at 0: sign(0) = 0", "abs(w)", "sign(w)", 0),
    Statement(T4, "L1 at 0: 2", "abs(w)", np.array([2.0]), 0, "wrong"),
    Statement(T4, "L2: 2W", lambda W: np.sum(W**2), lambda W: 2 * W, W),
    Statement(T4, "L2 without the 2", lambda W: np.sum(W**2), lambda W: W, W, "wrong", "multiply by 2"),
]  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: f"{s.tutorial}-{s.name}")
def test_the_verdict_on_a_statement(statement):
    if statement.verdict == "refused":
        with pytest.raises(dk.DiffkitError, match=re.escape(statement.words)):
            dk.check(statement.f, statement.claim, statement.at, **statement.options)
        return
    found = dk.check(statement.f, statement.claim, statement.at, **statement.options)
    assert found.verdict == statement.verdict
    if statement.words is None:
        assert statement.verdict == "wrong" or found.explanation is None
    else:
        assert statement.words in (found.explanation or "")


def test_the_page_treats_every_tutorial():
    page = PAGE.read_text(encoding="utf-8")
    for tutorial in (T0, T1, T2, T3, T4):
        assert f"## {tutorial}: " in page
    assert {s.tutorial for s in STATEMENTS} == {T0, T1, T2, T3, T4}


# Numbers --------------------------------------------------------------------------------------------------------------


def test_difference_quotients_of_t3():
    """(f(1 + h) − f(1))/h of 3x² − 4x is 2 + 3h; diffkit gives the limit and the slope of the quotient."""
    published = {0.1: "2.30000", 0.01: "2.03000", 0.001: "2.00300", 1e-4: "2.00030", 1e-5: "2.00003"}
    slope, half_second = dk.taylor("3x^2 - 4x", 1, 2).value[1:]
    for h, digits in published.items():
        assert f"{slope + half_second * h:.5f}" == digits
        assert f"{(3 * (1 + h) ** 2 - 4 * (1 + h) + 1) / h:.5f}" == digits


def test_tangent_and_second_derivative_of_t1():
    """F(x + δ) − f(x) − f′(x)δ is of second order: a tenth of δ leaves a hundredth of it."""
    value, slope = dk.taylor("exp(x)", 0.7, 1).value
    gaps = [math.exp(0.7 + d) - value - slope * d for d in (1e-2, 1e-3)]
    assert gaps[1] / gaps[0] == pytest.approx(0.01, rel=0.02)


def test_the_gradient_is_steepest_ascent():
    gradient = dk.gradient("x^2 + 3*x*y", (1, 2)).value
    angles = np.linspace(0, 2 * math.pi, 721)
    rises = [((1 + 1e-6 * math.cos(t)) ** 2 + 3 * (1 + 1e-6 * math.cos(t)) * (2 + 1e-6 * math.sin(t))) for t in angles]
    best = angles[int(np.argmax(rises))]
    assert math.atan2(gradient[1], gradient[0]) == pytest.approx(best, abs=math.radians(0.6))


def test_the_error_surface_of_t0():
    """SSE is convex with one minimum, where the sums over residuals vanish; the way down is not straight."""
    slope, intercept = np.polyfit(X, Y, 1)
    assert np.allclose(dk.gradient(sse, [slope, intercept]).value, 0, atol=1e-12)
    hessian = dk.hessian(sse, [0.0, 0.0]).value
    assert np.allclose(hessian, 2 * np.array([[X @ X, X.sum()], [X.sum(), 7]]))
    assert (np.linalg.eigvalsh(hessian) > 0).all()
    path = [np.array([-1.0, 2.0])]
    for _ in range(400):
        path.append(path[-1] - 0.02 * dk.gradient(sse, path[-1].tolist(), backend="dual").value)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    assert np.allclose(path[-1], [slope, intercept], atol=1e-4)
    assert length > 1.02 * np.linalg.norm(path[-1] - path[0])


def test_the_regression_of_t2():
    """1000 steps are θ* + (I − αH)¹⁰⁰⁰(θ₀ − θ*), with H the Hessian that diffkit gives."""
    theta = np.zeros(2)
    for _ in range(1000):
        theta = theta - 0.01 * cost_gradient(theta)
    hessian, best = dk.hessian(cost, np.zeros(2)).value, np.array([0.5, 1.0])
    power = np.linalg.matrix_power(np.eye(2) - 0.01 * hessian, 1000)
    assert theta == pytest.approx(best - power @ best, abs=1e-12)
    assert np.round(theta, 4).tolist() == [0.4930, 1.0019]


def test_the_perceptron_of_t2_learns():
    weights, losses = WEIGHTS, []
    for _ in range(1000):
        losses.append(network_loss(*weights))
        weights = [w - 0.01 * d for w, d in zip(weights, backward(*weights), strict=True)]
    assert (np.diff(losses) < 0).all()
    assert losses[-1] < 0.2 * losses[0]


def test_the_noisy_line_of_t4():
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 2, 100)
    y = 2 * x + 3 + 0.5 * rng.normal(size=100)

    def loss(w, b):
        return np.mean((y - (w * x + b)) ** 2) / 2

    w = b = 0.0
    for _ in range(1000):
        dw, db = -np.mean((y - (w * x + b)) * x), -np.mean(y - (w * x + b))
        w, b = w - 0.01 * dw, b - 0.01 * db
    hessian = dk.hessian(loss, [0.0, 0.0]).value
    best = np.polyfit(x, y, 1)
    power = np.linalg.matrix_power(np.eye(2) - 0.01 * hessian, 1000)
    assert [w, b] == pytest.approx(best - power @ best, abs=1e-10)


def test_stationary_points_of_t0():
    """A local and a global minimum, a maximum between them, a saddle, and a flat part."""
    roots = sorted(np.roots([4, 0, -4, 0.3]).real)
    seconds = [dk.derivative("w^4 - 2w^2 + 3/10*w", r, order=2).value for r in roots]
    assert [s > 0 for s in seconds] == [True, False, True]
    assert all(abs(dk.derivative("w^4 - 2w^2 + 3/10*w", r).value) < 1e-12 for r in roots)
    assert np.linalg.eigvalsh(dk.hessian("u^2 - v^2", (0, 0)).value).tolist() == [-2, 2]
    assert 0 < dk.derivative("tanh(w)^2", 10).value < 1e-7


@pytest.mark.parametrize("kappa", [2, 10, 100])
def test_convergence_of_t4(kappa):
    """With step 1/L, f − f* falls by ε within (L/μ)·log(1/ε) steps; a tenth of them is not enough."""
    mu, largest = np.linalg.eigvalsh(dk.hessian(f"(x^2 + {kappa}*y^2)/2", (1, 1)).value)
    bound = math.ceil(largest / mu * math.log(1e6))
    x, y, steps = 1.0, 1.0, 0
    start = (x**2 + kappa * y**2) / 2
    while (x**2 + kappa * y**2) / 2 > 1e-6 * start:
        x, y, steps = x - x / largest, y - kappa * y / largest, steps + 1
    assert bound / 10 < steps <= bound


def test_vanishing_and_exploding_gradients_of_t4():
    """Through n layers σ(w·…) the derivative is a product of n factors, at most w/4 each."""
    for weight, grows in ((1, False), (4, False), (8, True)):
        text, slopes = "x", []
        for _ in range(10):
            text = f"({weight}*(sigmoid({text}) - 1/2))"
            slopes.append(dk.derivative(text, 0).value)
        assert slopes == pytest.approx([(weight / 4) ** n for n in range(1, 11)])
        assert (slopes[-1] > slopes[0]) is grows


@pytest.mark.parametrize(
    "f",
    [lambda t: np.sum((FIVE @ t) ** 2), lambda t: np.sum(np.dot(FIVE, t)), lambda t: np.sum(np.inner(FIVE, t))],
    ids=["matmul", "dot", "inner"],
)
def test_shapes_that_do_not_multiply_are_not_stretched(f):
    """As in T2: NumPy refuses 5×1 times 2, so there is no value and no derivative; einsum would stretch the 1."""
    with pytest.raises(ValueError, match=r"."):
        f(START)
    assert dk.gradient(f, START).status == "domain_error"
    assert dk.check(f, lambda t: 2 * t, START).verdict == "inconclusive"

"""T4 "The role of calculus in deep learning"."""

import numpy as np
from scipy.special import expit as sigmoid

import diffkit as dk
from tutorials.arrays import GRADIENTS
from tutorials.statements import Statement, claim, fact, number

RNG = np.random.default_rng(42)
X = RNG.uniform(0, 2, 100)
Y = 2 * X + 3 + 0.5 * RNG.normal(size=100)
LABELS = (X + RNG.normal(size=100) > 1).astype(float)
FEW = slice(0, 7)
RATE, STEPS, LINE, FIT = 0.01, 1000, "y = 2.1635x + 2.8108", "y = 2.0192x + 2.9743"
PLACE = [0.5, 0.2]


def half_mean(w, b):
    return np.mean((Y - (w * X + b)) ** 2) / 2


def half_mean_gradient(w, b):
    rest = Y - (w * X + b)
    return -np.mean(rest * X), -np.mean(rest)


def run(rate=RATE, steps=STEPS, **options):
    return dk.descend(half_mean, (0.0, 0.0), gradient=half_mean_gradient, rate=rate, steps=steps, **options)


def line(**options):
    return "y = {:.4f}x + {:.4f}".format(*run(**options).point)


def entropy(w, b):
    p = sigmoid(w * X[FEW] + b)
    return -np.mean(LABELS[FEW] * np.log(p) + (1 - LABELS[FEW]) * np.log(1 - p))


def entropy_gradient(w, b):
    """The formula as printed, with ∂ŷ/∂w = ŷ(1 − ŷ)x and ∂ŷ/∂b = ŷ(1 − ŷ)."""
    p, y = sigmoid(w * X[FEW] + b), LABELS[FEW]
    return [-np.mean(y / p * d - (1 - y) / (1 - p) * d) for d in (p * (1 - p) * X[FEW], p * (1 - p))]


def tail(x):
    """σ(1 − σ) in binary64."""
    return float(sigmoid(x) * (1 - sigmoid(x)))


W, B, IN, TARGET = RNG.normal(size=(3, 4)), RNG.normal(size=3), RNG.normal(size=4), RNG.normal(size=3)


def layer(W, b, a):
    """L of one layer: z = W·a + b, f = tanh."""
    return np.sum((np.tanh(W @ a + b) - TARGET) ** 2) / 2


def delta(W, b, a):
    out = np.tanh(W @ a + b)
    return (out - TARGET) * (1 - out**2)


def of_layer(W, b, a):
    d = delta(W, b, a)
    return np.outer(d, a), d, W.T @ d


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z))


REWARDS, SCORES = np.array([1.0, -0.5, 2.0]), np.array([0.2, -1.0, 0.7])


def policy(z):
    """E[R·∇log π]: for the softmax ∇log π(k) = e_k − π."""
    p = softmax(z)
    return sum(p[k] * REWARDS[k] * (np.eye(3)[k] - p) for k in range(3))


def converges(kappa):
    """Whether descent at 1/L needs at most (L/μ)·log(1/ε) steps, and a tenth of them would not do."""
    found = dk.descend(f"(x^2 + {kappa}*y^2)/2", (1, 1), rate=1 / kappa, steps=30 * kappa).convergence
    return np.isclose(found.bound, kappa * np.log(1e6)) and found.bound / 10 < found.needed <= found.bound


def chain(weight, layers=8):
    text = "1"
    for k in range(1, layers + 1):
        text = f"sigmoid(w{k}*{text})"
    return dk.descend(f"({text} - 0.2)^2", [weight] * layers, rate=0.1, steps=5)


def recurrent(weight, steps=12):
    """h_t = tanh(w·h_{t−1} + b_t), with its loss at the last step; the b_t are what learns."""

    def loss(b, w):
        h = 0.0
        for t in range(steps):
            h = np.tanh(w * h + b[t])
        return (h - 1e-6) ** 2

    return dk.descend(loss, np.full(steps, 1e-9), args=(weight,), rate=1e-3, steps=3)


def cause(run, words):
    return any(finding.cause == words for finding in run.findings)


def chain_slope(weight, layers):
    """The derivative at 0 of layers x ↦ w·(σ(x) − ½)."""
    text = "x"
    for _ in range(layers):
        text = f"({weight}*(sigmoid({text}) - 1/2))"
    return dk.derivative(text, 0).value


STATEMENTS = [
    Statement("y = 2x + 3 + 0.5·noise, ½·mean((y − (wx + b))²): the gradients are −mean((y − ŷ)x) and −mean(y − ŷ)",
              "right", "", [
        claim("∂L/∂w, ∂L/∂b", half_mean, half_mean_gradient, PLACE),
    ]),
    Statement(f"{STEPS} steps of α = {RATE} from 0, the loss every 100 steps, and the final line", "right",
              f"the loss falls; at 100 random points the line is {LINE}, on its way to {FIT}, that of least squares", [
        fact("the loss falls", "dk.descend", lambda: (np.diff(run(keep=100).path.values) < 0).all()),
        number(LINE, "dk.descend", line),
    ], [
        number(FIT, "dk.descend", lambda: line(rate=0.5, steps=5000)),
    ]),
    Statement("L = (1/2n)Σ(y − ŷ)² has ∂L/∂w = −(1/n)Σ(y − ŷ)x", "right", "for (1/n)Σ it lacks a factor 2", [
        claim("∂L/∂w", half_mean, half_mean_gradient, PLACE),
    ], [
        claim("(1/n)Σ", lambda w, b: 2 * half_mean(w, b), half_mean_gradient, PLACE, "wrong", "multiply by 2"),
    ]),
    Statement("σ′ = σ(1 − σ)", "right", "as printed it loses all digits in binary64 where σ rounds to 1", [
        claim("σ′", "sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))"),
    ], [
        fact("at 40", "dk.derivative", lambda: tail(40.0) == 0 and dk.derivative("sigmoid(x)", 40).value > 4e-18),
    ]),
    Statement("tanh′ = 1 − tanh²", "right", "with the same loss of digits", [
        claim("tanh′", "tanh(x)", "1 - tanh(x)^2"),
    ], [
        fact("at 20", "dk.derivative",
             lambda: 1 - np.tanh(20.0) ** 2 == 0 and dk.derivative("tanh(x)", 20).value > 1e-17),
    ]),
    Statement("ReLU′ = 1 for x > 0, 0 for x ≤ 0", "in part",
              "at 0 there is no derivative; 0 is a convention, the slope from the left", [
        claim("x ≠ 0", "relu(x)", "where(x > 0, 1, 0)"),
        fact("a derivative at 0", "dk.derivative", lambda: dk.derivative("relu(x)", 0).ok, "fails"),
    ], [
        claim("0 at 0, as a convention", "relu(x)", "where(x > 0, 1, 0)", 0),
        claim("2 at 0", "relu(x)", np.array([2.0]), 0, "wrong"),
    ]),
    Statement("binary cross-entropy −(1/n)Σ[y·log ŷ + (1 − y)·log(1 − ŷ)] has ∂L/∂w = −(1/n)Σ[(y/ŷ)·∂ŷ/∂w − "
              "((1 − y)/(1 − ŷ))·∂ŷ/∂w]", "right", "", [
        claim("∂L/∂w", entropy, entropy_gradient, PLACE),
    ], [
        claim("without its minus", entropy, lambda w, b: [-d for d in entropy_gradient(w, b)], PLACE, "wrong",
              "change the sign of every entry"),
    ]),
    Statement("a⁽ˡ⁾ = f(z⁽ˡ⁾), z⁽ˡ⁾ = W⁽ˡ⁾a⁽ˡ⁻¹⁾ + b⁽ˡ⁾", "right",
              "with a and z as columns; its gradients are δ·aᵀ, δ and Wᵀδ", [
        claim("∂L/∂W, ∂L/∂b, ∂L/∂a", layer, of_layer, [W, B, IN]),
    ]),
    Statement("δ⁽ˡ⁾ = ∂L/∂z⁽ˡ⁾ = ∂L/∂a⁽ˡ⁾·f′(z⁽ˡ⁾)", "right", "the product elementwise", [
        claim("δ", lambda z: np.sum((np.tanh(z) - TARGET) ** 2) / 2,
              lambda z: (np.tanh(z) - TARGET) * (1 - np.tanh(z) ** 2), W @ IN),
    ]),
    Statement("∂L/∂W⁽ˡ⁾ = a⁽ˡ⁻¹⁾(δ⁽ˡ⁾)ᵀ", "wrong", "for z = W·a + b it is the transpose, δ·aᵀ", [
        claim("a·δᵀ", lambda W: layer(W, B, IN), lambda W: np.outer(IN, delta(W, B, IN)), W, "wrong", "transpose"),
    ], [
        claim("δ·aᵀ", lambda W: layer(W, B, IN), lambda W: np.outer(delta(W, B, IN), IN), W),
    ]),
    *GRADIENTS,
    Statement("L1: ∂Ω/∂W = sign(W)", "in part",
              "at W = 0 there is no derivative; sign(0) = 0 is a convention, the mean of the slopes", [
        claim("W ≠ 0", lambda W: np.sum(np.abs(W)), np.sign, W),
        fact("a derivative at 0", "dk.derivative", lambda: dk.derivative("abs(w)", 0).ok, "fails"),
    ], [
        claim("0 at 0, as a convention", "abs(w)", "sign(w)", 0),
        claim("2 at 0", "abs(w)", np.array([2.0]), 0, "wrong"),
    ]),
    Statement("L2, Ω = ‖W‖²: ∂Ω/∂W = 2W", "right", "", [
        claim("2W", lambda W: np.sum(W**2), lambda W: 2 * W, W),
    ], [
        claim("W", lambda W: np.sum(W**2), lambda W: W, W, "wrong", "multiply by 2"),
    ]),
    Statement("descent needs O((L/μ)·log(1/ε)) steps for a μ-strongly convex, L-smooth L", "right",
              "at the rate 1/L, (L/μ)·log(1/ε) are enough, and a tenth of them is not", [
        *(fact(f"L/μ = {kappa}", "dk.descend", lambda kappa=kappa: converges(kappa)) for kappa in (2, 10, 100)),
    ]),
    Statement("gradients vanish or explode through deep nets", "right",
              "through n layers of w·(σ − ½) the derivative at 0 is (w/4)ⁿ; through 8 sigmoids with weights ½ "
              "it vanishes", [
        fact("a deep chain of sigmoids", "dk.descend", lambda: cause(chain(0.5), "vanishing gradient")),
        *(fact(f"(w/4)ⁿ, w = {w}", "dk.derivative", lambda w=w: np.allclose(
            [chain_slope(w, n) for n in (1, 5, 10)], [(w / 4) ** n for n in (1, 5, 10)], rtol=1e-12))
                for w in (1, 4, 8)),
    ]),
    Statement("… and through time in recurrent nets", "right",
              "through t steps of h ← tanh(w·h + b) near 0 the gradient is multiplied by wᵗ: w = 0.3 vanishes, "
              "w = 3 explodes", [
        fact("w = 0.3", "dk.descend", lambda: cause(recurrent(0.3), "vanishing gradient")),
        fact("w = 3", "dk.descend", lambda: cause(recurrent(3.0), "exploding gradient")),
    ], [
        fact("by w a step", "dk.descend", lambda: "0.3 per layer" in " ".join(recurrent(0.3).messages)
             and "by a factor of 3 per layer" in " ".join(recurrent(3.0).messages)),
    ]),
    Statement("used for vision (convolution, pooling), language (recurrent nets), reinforcement learning "
    "(policy gradient), "
              "adversarial nets, architecture search", "right",
              "of these the gradients of convolution, pooling and recurrent nets are in the rows above, that of "
              "a policy, "
              "∇E[R] = E[R·∇log π], is checked here; for the other two no formula is printed", [
        claim("policy gradient", lambda z: softmax(z) @ REWARDS, policy, SCORES),
    ]),
]  # fmt: skip

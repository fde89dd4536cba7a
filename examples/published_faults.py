"""Faults that published tutorials contain, each as code, and what `check` says about it.

Some are refused: a name without a value, matrices that do not multiply, a gradient of another shape than its
parameter. The others run, and train something; only a check of the gradient finds them.
"""

import numpy as np
from scipy.special import expit as sigmoid

import diffkit as dk

rng = np.random.default_rng(0)


def judge(number, fault, f, claim, at, args=(), **options):
    print(f"\n{number}. {fault}")
    try:
        check = dk.check(f, claim, at, args=args, **options)
    except dk.DiffkitError as error:
        print(f"   refused: {error}")
    else:
        print(f"   {check.verdict}: {check.explanation or check.reason or 'no explanation found'}")


# Linear regression: J(θ) = (1/m)·Σ(Xθ − y)² ---------------------------------------------------------------------------

column, y = np.arange(1.0, 6.0).reshape(5, 1), np.arange(1.5, 6.0)
X, start = np.hstack([np.ones((5, 1)), column]), np.array([0.3, 0.4])


def cost(theta):
    return np.mean((X @ theta - y) ** 2)


judge("1a", "The error term is never computed", cost, lambda theta: 2 / 5 * X.T @ errors, start)  # noqa: F821
judge("1b", "… or is left at 0", cost, lambda theta: 2 / 5 * X.T @ np.zeros(5), start)
judge("1c", "… or is computed once, before the loop, at θ = 0", cost, lambda theta: 2 / 5 * X.T @ -y, start)
judge("2", "Shapes that do not multiply: X is 5×1, θ has length 2", cost,
      lambda theta: 2 / 5 * column.T @ (column @ theta - y), start)  # fmt: skip

# One neuron after another: ŷ = σ(w₂·a₁), a₁ = σ(w₁·x), L = −[y·log ŷ + (1 − y)·log(1 − ŷ)] ----------------------------


def chain(w1, w2, x, y):
    p = sigmoid(w2 * sigmoid(w1 * x))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def chain_gradient(w1, w2, x, y, slope=lambda z: sigmoid(z) * (1 - sigmoid(z)), previous="activation"):
    z1 = w1 * x
    a1 = sigmoid(z1)
    p = sigmoid(w2 * a1)
    return (p - y) * w2 * slope(z1) * x, (p - y) * (a1 if previous == "activation" else p)


def faulty(**fault):
    return lambda w1, w2, x, y: chain_gradient(w1, w2, x, y, **fault)


at_activation = faulty(slope=lambda z: sigmoid(sigmoid(z)) * (1 - sigmoid(sigmoid(z))))
second_derivative = faulty(slope=lambda z: sigmoid(z) * (1 - sigmoid(z)) * (1 - 2 * sigmoid(z)))
weights, sample = [0.4, -0.7], (1.3, 1.0)
judge("3a", "The activation's derivative is taken at a₁ = σ(z₁), not at z₁", chain, at_activation, weights, sample)
judge("4a", "The output ŷ stands for the previous layer's a₁", chain, faulty(previous="output"), weights, sample)
judge("5", "The loss has lost its minus: Σ y·log ŷ + (1 − y)·log(1 − ŷ)", lambda *w: -chain(*w), chain_gradient,
      weights, sample)  # fmt: skip
judge("6a", "σ(1 − σ) is called the second derivative of σ", "sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))", None,
      kind="hessian")  # fmt: skip
judge("6b", "… and where the second derivative is used", chain, second_derivative, weights, sample)

# The 2-4-1 perceptron: A₁ = σ(X·W₁), ŷ = σ(A₁·W₂) ---------------------------------------------------------------------

P, Y = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), np.ones((3, 1))
W1, W2 = rng.normal(size=(2, 4)), rng.normal(size=(4, 1))


def loss(W1, W2):
    out = sigmoid(sigmoid(P @ W1) @ W2)
    return -np.mean(Y * np.log(out) + (1 - Y) * np.log(1 - out))


def gradient(W1, W2, fault=""):
    A1 = sigmoid(P @ W1)
    out = sigmoid(A1 @ W2)
    delta2 = (out - Y) / 3 * (z2 if fault == "not returned" else 1)  # noqa: F821
    slope = sigmoid(A1) * (1 - sigmoid(A1)) if fault == "argument" else A1 * (1 - A1)
    delta1 = (delta2 @ W2.T) @ slope.T if fault == "matrix product" else (delta2 @ W2.T) * slope
    return P.T @ delta1, (out if fault == "output" else A1).T @ delta2


for number, fault, name in (
    ("3b", "σ′(A₁) for σ′(Z₁) in a whole layer", "argument"),
    ("4b", "∂L/∂W₂ = ŷᵀ(ŷ − Y), the output for A₁, as published", "output"),
    ("7", "A matrix product with σ′ where an elementwise one is meant", "matrix product"),
    ("10", "The backward pass uses z₂, which the forward pass does not return", "not returned"),
):
    judge(number, fault, loss, lambda W1, W2, name=name: gradient(W1, W2, name), [W1, W2])

W, a, t = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=3)
judge("8", "∂L/∂W = a·δᵀ for z = W·a", lambda W: np.sum((W @ a - t) ** 2) / 2, lambda W: np.outer(a, W @ a - t), W)

# Convolution: Y_{mnk} = Σ W_{ijkl}·X_{m+i,n+j,l}, and L = ΣG·Y --------------------------------------------------------

image, kernel, G = rng.normal(size=(3, 3, 2)), rng.normal(size=(2, 2, 2, 2)), rng.normal(size=(2, 2, 2))


def convolution(X, W):
    return sum(np.einsum("mnk,kl,mnl", G, W[i, j], X[i : i + 2, j : j + 2]) for i, j in np.ndindex(2, 2))


def two_formulas(X, W):
    by_input, by_kernel = np.zeros(X.shape), np.zeros(W.shape)
    for i, j in np.ndindex(2, 2):
        by_kernel[i, j] = np.einsum("mnk,mnl->kl", G, X[i : i + 2, j : j + 2])
        by_input[i : i + 2, j : j + 2] += np.einsum("kl,mnl->mnk", W[i, j], G)
    return by_input, by_kernel


judge("9", "The formulas for ∂L/∂W and ∂L/∂X of a convolution disagree on the order of channels", convolution,
      two_formulas, [image, kernel])  # fmt: skip

"""A 2-4-1 perceptron with sigmoids, its cross-entropy, and back-propagation written by hand, checked and run.

Forward, one sample a row: Z₁ = X·W₁ + b₁, A₁ = σ(Z₁), Z₂ = A₁·W₂ + b₂, ŷ = σ(Z₂), and
L = −(1/n)·Σ[y·log ŷ + (1 − y)·log(1 − ŷ)]. Backward: δ₂ = (ŷ − y)/n, as the derivatives of cross-entropy and sigmoid
cancel; δ₁ = (δ₂·W₂ᵀ) ∘ A₁ ∘ (1 − A₁), elementwise; ∂L/∂W = (what went in)ᵀ·δ, and ∂L/∂b the sum of δ over samples.
"""

import sys

import numpy as np
from scipy.special import expit as sigmoid

import diffkit as dk

X, Y = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), np.ones((3, 1))


def forward(W1, b1, W2, b2, X):
    A1 = sigmoid(X @ W1 + b1)
    return A1, sigmoid(A1 @ W2 + b2)


def loss(W1, b1, W2, b2, X, Y):
    _, P = forward(W1, b1, W2, b2, X)
    return -np.mean(Y * np.log(P) + (1 - Y) * np.log(1 - P))


def backward(W1, b1, W2, b2, X, Y):
    A1, P = forward(W1, b1, W2, b2, X)
    delta2 = (P - Y) / len(Y)
    delta1 = (delta2 @ W2.T) * A1 * (1 - A1)
    return X.T @ delta1, delta1.sum(axis=0), A1.T @ delta2, delta2.sum(axis=0)


rng = np.random.default_rng(0)
weights = [rng.normal(size=(2, 4)), np.zeros(4), rng.normal(size=(4, 1)), np.zeros(1)]

print("Back-propagation by hand, 17 partial derivatives")
check = dk.check(loss, backward, at=weights, args=(X, Y))
print(f"{check.verdict}: {check.source}")


def without_mean(W1, b1, W2, b2, X, Y):
    return [3 * part for part in backward(W1, b1, W2, b2, X, Y)]


def wrong_argument(W1, b1, W2, b2, X, Y):
    A1, P = forward(W1, b1, W2, b2, X)
    delta2 = (P - Y) / len(Y)
    delta1 = (delta2 @ W2.T) * sigmoid(A1) * (1 - sigmoid(A1))
    return X.T @ delta1, delta1.sum(axis=0), A1.T @ delta2, delta2.sum(axis=0)


for name, claim in (("1/n forgotten", without_mean), ("σ′(A₁) for σ′(Z₁)", wrong_argument)):
    check = dk.check(loss, claim, at=weights, args=(X, Y))
    print(f"{name}: {check.verdict}; {check.explanation}")

print("\nTraining as published: every label is 1, α = 0.01, 1000 steps")


def train(X, Y, weights, rate, shown):
    run = dk.descend(loss, weights, gradient=backward, args=(X, Y), rate=rate, steps=shown[-1], keep=1)
    for step in shown:
        print(f"step {step:5d}: loss = {run.path.values[step]:.6f}")
    return run


run = train(X, Y, weights, 0.01, (0, 10, 100, 1000))
weights = list(run.weights.values())
print(f"outputs: {np.round(forward(*weights, X)[1].ravel(), 4).tolist()} (labels all 1: a constant would do as well)")

print("\nA task that needs the hidden layer: exclusive or, α = 2, 1000 steps")
X, Y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [1.0], [0.0]])
weights = [rng.normal(size=(2, 4)), np.zeros(4), rng.normal(size=(4, 1)), np.zeros(1)]
run = train(X, Y, weights, 2.0, (0, 100, 500, 1000))
weights = list(run.weights.values())
print(f"outputs: {np.round(forward(*weights, X)[1].ravel(), 3).tolist()}, rounded: ", end="")
print(np.round(forward(*weights, X)[1].ravel()).astype(int).tolist())

if len(sys.argv) > 1:
    from diffkit.reports import pictures
    from diffkit.reports.pictures import paths

    pictures.save(paths.picture(run, "loss"), sys.argv[1])

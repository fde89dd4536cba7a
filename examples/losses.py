"""Losses and their gradients: squared error, binary cross-entropy, softmax cross-entropy.

With ŷ = σ(w·x + b) the derivative of the cross-entropy by the weights is (1/n)Σ(ŷ − y)x: those of the logarithm and of
the sigmoid cancel. With the softmax s of the scores z, −log s_k has the gradient s − e_k, and the Hessian
diag(s) − s·sᵀ. Written as log(ŷ), a loss overflows where ŷ rounds to 0 or 1; as log(1 + eᶻ) − y·z it does not.
"""

import numpy as np
from scipy.special import expit as sigmoid

import diffkit as dk

rng = np.random.default_rng(3)
x, y, labels = rng.normal(size=6), rng.normal(size=6), np.array([0.0, 1, 1, 0, 1, 0])


def show(name, f, claim, at, **options):
    check = dk.check(f, claim, at, **options)
    print(f"{name}: {check.verdict}" + (f"; {check.explanation}" if check.explanation else ""))


def squared(w, b):
    return np.sum((y - (w * x + b)) ** 2) / (2 * len(y))


def squared_gradient(w, b):
    rest = y - (w * x + b)
    return -np.mean(rest * x), -np.mean(rest)


def cross_entropy(w, b):
    p = sigmoid(w * x + b)
    return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def published(w, b):
    """−(1/n)Σ[(y/ŷ)·∂ŷ/∂w − ((1−y)/(1−ŷ))·∂ŷ/∂w] with ∂ŷ/∂w = ŷ(1 − ŷ)x."""
    p = sigmoid(w * x + b)
    slope = labels / p - (1 - labels) / (1 - p)
    return -np.mean(slope * p * (1 - p) * x), -np.mean(slope * p * (1 - p))


def short(w, b):
    p = sigmoid(w * x + b)
    return np.mean((p - labels) * x), np.mean(p - labels)


def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


print("Mean squared error L = (1/2n)Σ(y − ŷ)²")
show("∂L/∂w = −(1/n)Σ(y − ŷ)x", squared, squared_gradient, [0.5, 0.1])
show("the same for (1/n)Σ(y − ŷ)²", lambda w, b: 2 * squared(w, b), squared_gradient, [0.5, 0.1])
show("without the inner minus", squared, lambda w, b: [-d for d in squared_gradient(w, b)], [0.5, 0.1])

print("\nBinary cross-entropy L = −(1/n)Σ[y·log ŷ + (1 − y)·log(1 − ŷ)]")
show("as published, through ∂ŷ/∂w", cross_entropy, published, [0.5, 0.1])
show("shortened to (1/n)Σ(ŷ − y)x", cross_entropy, short, [0.5, 0.1])
show("without the minus before the sum", lambda w, b: -cross_entropy(w, b), short, [0.5, 0.1])

print("\nSoftmax cross-entropy −log softmax(z)₁ at z = (0.2, −1, 0.7)")
z, one_hot = np.array([0.2, -1.0, 0.7]), np.array([1.0, 0.0, 0.0])
show("gradient s − e₁", lambda z: -np.log(softmax(z)[0]), lambda z: softmax(z) - one_hot, z)
show("Jacobian of softmax diag(s) − s·sᵀ", softmax, lambda z: np.diag(softmax(z)) - np.outer(softmax(z), softmax(z)), z)
show("diag(s) alone", softmax, lambda z: np.diag(softmax(z)), z)
print(f"gradient: {np.round(dk.gradient(lambda z: -np.log(softmax(z)[0]), z).value, 6).tolist()}, it adds up to 0")

print("\nSaturation: label 0 and score z = 40, where σ(z) rounds to 1")
print("log(1 + exp(z)), the loss of label 0:", dk.derivative("log(1 + exp(z))", 40).value, "is its slope")
with np.errstate(divide="ignore", invalid="ignore"):
    p = sigmoid(40.0)
    print(f"through ŷ in binary64: 1/(1 − ŷ)·ŷ(1 − ŷ) = {1 / (1 - p) * p * (1 - p):.1f}", end="; ")
print(f"with the derivatives cancelled: {p:.1f}")

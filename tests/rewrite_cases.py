"""Claims with one bug in a line of their code, the words that explain it, and the line as it should be."""

import numpy as np
from scipy.special import expit as sigmoid

RNG = np.random.default_rng(7)

# Four samples and four hidden neurons: all shapes fit, whatever is confused -----------------------------------------

X, Y = RNG.normal(size=(4, 2)), np.array([[0.0], [1.0], [1.0], [0.0]])
PERCEPTRON = [RNG.normal(size=(2, 4)), RNG.normal(size=(4, 1))]


def cross_entropy(W1, W2):
    p = sigmoid(sigmoid(X @ W1) @ W2)
    return -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p))


def matrix_product(W1, W2):
    A = sigmoid(X @ W1)
    d = (sigmoid(A @ W2) - Y) / 4
    slope = A * (1 - A)
    return X.T @ ((d @ W2.T) @ slope), A.T @ d


def transposed_slope(W1, W2):
    A = sigmoid(X @ W1)
    d = (sigmoid(A @ W2) - Y) / 4
    slope = A * (1 - A)
    return X.T @ ((d @ W2.T) * slope.T), A.T @ d


def slope_of_the_output(W1, W2):
    A = sigmoid(X @ W1)
    p = sigmoid(A @ W2)
    d = (p - Y) / 4
    return X.T @ ((d @ W2.T) * (p * (1 - p))), A.T @ d


def slope_of_tanh(W1, W2):
    A = sigmoid(X @ W1)
    d = (sigmoid(A @ W2) - Y) / 4
    return X.T @ ((d @ W2.T) * (1 - A**2)), A.T @ d


# Three layers of three neurons -------------------------------------------------------------------------------------

INPUT, TARGET = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
SQUARE = [RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))]


def squares(A, B):
    return np.sum((np.tanh(np.tanh(INPUT @ A) @ B) - TARGET) ** 2) / 2


def output_for_activation(A, B):
    a1 = np.tanh(INPUT @ A)
    a2 = np.tanh(a1 @ B)
    d2 = (a2 - TARGET) * (1 - a2**2)
    d1 = (d2 @ B.T) * (1 - a1**2)
    return INPUT.T @ d1, a2.T @ d2


def activation_for_input(A, B):
    a1 = np.tanh(INPUT @ A)
    a2 = np.tanh(a1 @ B)
    d2 = (a2 - TARGET) * (1 - a2**2)
    d1 = (d2 @ B.T) * (1 - a1**2)
    return a1.T @ d1, a1.T @ d2


def weights_not_transposed(A, B):
    a1 = np.tanh(INPUT @ A)
    a2 = np.tanh(a1 @ B)
    d2 = (a2 - TARGET) * (1 - a2**2)
    d1 = (d2 @ B) * (1 - a1**2)
    return INPUT.T @ d1, a1.T @ d2


# A recurrent net ---------------------------------------------------------------------------------------------------

TIMES, WANTED = RNG.normal(size=(6, 2)), RNG.normal(size=6)
RECURRENT = [RNG.normal(size=(3, 2)) / 2, RNG.normal(size=(3, 3)) / 2, RNG.normal(size=3)]


def states(U, V):
    h = [np.zeros(3)]
    for x in TIMES:
        h.append(np.tanh(U @ x + V @ h[-1]))
    return h


def recurrent(U, V, c):
    return sum((c @ h - wanted) ** 2 for h, wanted in zip(states(U, V)[1:], WANTED, strict=True)) / 2


def through_time(U, V, c, carry=True, before=0, turned=True):
    h = states(U, V)
    dU, dV, dc, later = np.zeros_like(U), np.zeros_like(V), np.zeros_like(c), np.zeros(3)
    for t in reversed(range(6)):
        error = c @ h[t + 1] - WANTED[t]
        dc = dc + error * h[t + 1]
        dh = error * c + later * carry
        dz = dh * (1 - h[t + 1] ** 2)
        dU = dU + np.outer(dz, TIMES[t])
        dV = dV + np.outer(dz, h[t + before])
        later = (V.T if turned else V) @ dz
    return dU, dV, dc


# Leaky rectifiers ---------------------------------------------------------------------------------------------------

RECTIFIED, SIGNALS, WEIGHTS = RNG.normal(size=(4, 3)), RNG.normal(size=(6, 4)), RNG.normal(size=3)


def leaky(W):
    Z = SIGNALS @ W
    return np.sum((np.where(Z > 0, Z, 0.1 * Z) @ WEIGHTS) ** 2)


def turned_condition(W):
    Z = SIGNALS @ W
    d = np.outer(np.where(Z > 0, Z, 0.1 * Z) @ WEIGHTS, 2 * WEIGHTS)
    return SIGNALS.T @ np.where(Z < 0, d, 0.1 * d)


def condition_on_the_adjoint(W):
    Z = SIGNALS @ W
    d = np.outer(np.where(Z > 0, Z, 0.1 * Z) @ WEIGHTS, 2 * WEIGHTS)
    return SIGNALS.T @ (d * np.where(d > 0, 1, 0.1))


def moved_threshold(W):
    Z = SIGNALS @ W
    d = np.outer(np.where(Z > 0, Z, 0.1 * Z) @ WEIGHTS, 2 * WEIGHTS)
    mask = Z >= 0.5
    return SIGNALS.T @ (d * mask + 0.1 * d * (~mask).astype(int))


def turned_mask(W):
    Z = SIGNALS @ W
    d = np.outer(np.where(Z > 0, Z, 0.1 * Z) @ WEIGHTS, 2 * WEIGHTS)
    factors = np.ones_like(d)
    factors[Z > 0] = 0.1
    return SIGNALS.T @ (factors * d)


# Softmax regression ------------------------------------------------------------------------------------------------

DATA, LABELS = RNG.normal(size=(8, 3)), np.eye(4)[RNG.integers(0, 4, 8)]
REGRESSION = RNG.normal(size=(3, 4))


def softmax_loss(W):
    E = np.exp(DATA @ W)
    P = E / np.sum(E, axis=1, keepdims=True)
    return -np.mean(np.sum(LABELS * np.log(P), axis=1))


def wrong_axis(W):
    E = np.exp(DATA @ W)
    P = E / np.sum(E, axis=0, keepdims=True)
    return DATA.T @ ((P - LABELS) / 8)


def twice_differentiated(W):
    E = np.exp(DATA @ W)
    P = E / np.sum(E, axis=1, keepdims=True)
    D = (P - LABELS) * P * (1 - P)
    return DATA.T @ (D / 8)


def plain_sum(W):
    E = np.exp(DATA @ W)
    P = E / np.sum(E, axis=1, keepdims=True)
    return DATA.T @ (P + LABELS) / 8


# Claims, what they should be the gradients of, where, and the words that explain them --------------------------------

SLOPE = "put the derivative of sigmoid at X @ W1 where the claim has "
AXIS = "of f where the claim has P, in line"
CASES = {
    matrix_product: (cross_entropy, PERCEPTRON, "multiply d @ W2.T and slope entry by entry, not as matrices"),
    transposed_slope: (cross_entropy, PERCEPTRON, "transpose slope.T"),
    slope_of_the_output: (cross_entropy, PERCEPTRON, SLOPE + "p * (1 - p)"),
    slope_of_tanh: (cross_entropy, PERCEPTRON, SLOPE + "1 - (A ** 2)"),
    output_for_activation: (squares, SQUARE, "put a1 where the claim has a2"),
    activation_for_input: (squares, SQUARE, "put INPUT where the claim has a1"),
    weights_not_transposed: (squares, SQUARE, "transpose B"),
    wrong_axis: (softmax_loss, REGRESSION, AXIS),
    twice_differentiated: (softmax_loss, REGRESSION, "put P - LABELS where the claim has D"),
    plain_sum: (softmax_loss, REGRESSION, "take - for +"),
    turned_condition: (leaky, RECTIFIED, "take > for <"),
    condition_on_the_adjoint: (leaky, RECTIFIED, "put Z where the claim has d"),
    moved_threshold: (leaky, RECTIFIED, "put 0 where the claim has 0.5"),
    turned_mask: (leaky, RECTIFIED, "take < for >"),
}  # fmt: skip
CHANGED = {
    matrix_product: "return X.T @ ((d @ W2.T) * slope), A.T @ d",
    transposed_slope: "return X.T @ ((d @ W2.T) * slope), A.T @ d",
    output_for_activation: "return INPUT.T @ d1, a1.T @ d2",
    activation_for_input: "return INPUT.T @ d1, a1.T @ d2",
    weights_not_transposed: "d1 = (d2 @ B.T) * (1 - a1**2)",
    twice_differentiated: "return DATA.T @ ((P - LABELS) / 8)",
    plain_sum: "return DATA.T @ (P - LABELS) / 8",
    turned_condition: "return SIGNALS.T @ np.where(Z > 0, d, 0.1 * d)",
    condition_on_the_adjoint: "return SIGNALS.T @ (d * np.where(Z > 0, 1, 0.1))",
    moved_threshold: "mask = Z >= 0",
    turned_mask: "factors[Z < 0] = 0.1",
}
TIME = [
    ({"carry": False}, "add later of the run before to dh"),
    ({"before": 1}, "takes in line"),
    ({"turned": False}, "transpose V"),
]

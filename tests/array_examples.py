"""Models as people write them with NumPy: networks, likelihoods, loops over time."""

import numpy as np
from array_data import RANDOM, M, N, P, S, V, W

TARGETS = np.array([0, 2, 1, 1])
FEATURES = RANDOM.normal(size=(4, 3))


def network(w1, b1, w2):
    logits = np.tanh(FEATURES @ w1 + b1) @ w2
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    probabilities = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    return -np.mean(np.log(probabilities[np.arange(4), TARGETS]))


def logistic_regression(w):
    z = FEATURES @ w
    return np.mean(np.logaddexp(0.0, z) - np.array([1.0, 0.0, 1.0, 1.0]) * z) + 0.01 * w @ w


def batch_normalisation(x):
    centred = x - x.mean(axis=0)
    return np.maximum(centred / np.sqrt(x.var(axis=0) + 1e-5), 0.0)


def convolution(image, kernel):
    out = 0.0
    for i in range(2):
        for j in range(2):
            out = out + kernel[i, j] * image[i : i + 4 : 2, j : j + 4 : 2]
    return out


def gaussian(mean, a):
    covariance = a @ a.T + np.eye(3)
    off = FEATURES[0] - mean
    return -0.5 * (off @ np.linalg.solve(covariance, off) + np.linalg.slogdet(covariance)[1] + 3 * np.log(2 * np.pi))


def recurrent(w, u):
    h = np.zeros(3)
    for row in FEATURES:
        h = np.tanh(w @ h + u * row)
    return h


def euler(x0, rates):
    x, dt = x0, 0.1
    for _ in range(10):
        prey, predator = x
        x = x + dt * np.stack([rates[0] * prey - rates[1] * prey * predator, prey * predator - predator])
    return x


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def logsumexp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def explained(a):
    centred = a - a.mean(axis=0)
    direction = np.ones(a.shape[1])
    for _ in range(3):
        direction = centred.T @ (centred @ direction)
        direction = direction / np.linalg.norm(direction)
    return np.linalg.norm(centred @ direction) ** 2 / np.linalg.norm(centred) ** 2


def horner(x):
    result = 0.0
    for c in (1.5, -2.0, 0.3, 4.0):
        result = result * x + c
    return result


def attention(q, k, v):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ v


EXAMPLES = {
    "network": (network, RANDOM.normal(size=(3, 3)), RANDOM.normal(size=3), RANDOM.normal(size=(3, 3))),
    "logistic regression": (logistic_regression, V[:3]),
    "batch normalisation": (batch_normalisation, RANDOM.normal(size=(5, 2))),
    "convolution": (convolution, RANDOM.normal(size=(5, 5)), N[:2]),
    "gaussian": (gaussian, V[:3], S),
    "recurrent": (recurrent, S / 2, W[:3]),
    "euler": (euler, P[:2], W[:2]),
    "rosenbrock": (rosenbrock, V),
    "logsumexp": (logsumexp, V * 300),
    "explained variance": (explained, RANDOM.normal(size=(4, 3))),
    "horner": (horner, np.float64(0.7)),
    "attention": (attention, M, M + 0.3, 2 * M),
}

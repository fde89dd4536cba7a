"""The functions that are differentiated, as text and in whichever module they are written for; points for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

TAU = 6.283185307179586


def names(n: int) -> list[str]:
    """x0, x1, …"""
    return [f"x{i}" for i in range(n)]


def points(n: int, count: int = 1) -> Any:
    """Points (count, n) of ordinary size; the same in every run."""
    return np.random.default_rng(0).uniform(0.2, 1.2, (count, n))


@dataclass(frozen=True)
class Example:
    """A function of n variables: as text, of numbers by functions of m (``scalar``), and of an array (``whole``)."""

    name: str
    n: int
    text: str
    scalar: Any
    whole: Any

    @property
    def names(self) -> list[str]:
        """Its variables."""
        return names(self.n)

    def alone(self, m: Any) -> Any:
        """The function of an array as a function of a number where there is one variable."""
        return lambda x: self.whole(x, m)


def rosenbrock_text(n: int) -> str:
    """The chained Rosenbrock function."""
    return "+".join(f"100*(x{i + 1}-x{i}**2)**2+(1-x{i})**2" for i in range(n - 1))


def _rosenbrock(x: Sequence[Any], _: Any) -> Any:
    return sum((100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)), 0)


def rosenbrock_of_array(x: Any, m: Any) -> Any:
    """The same of an array."""
    return m.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _ackley(x: Sequence[Any], m: Any) -> Any:
    n = len(x)
    squares, waves = sum((v**2 for v in x), 0), sum((m.cos(TAU * v) for v in x), 0)
    return -20 * m.exp(-0.2 * m.sqrt(squares / n)) - m.exp(waves / n) + 22.718281828459045


def _ackley_of_array(x: Any, m: Any) -> Any:
    n = x.shape[0]
    return -20 * m.exp(-0.2 * m.sqrt(m.sum(x**2) / n)) - m.exp(m.sum(m.cos(TAU * x)) / n) + 22.718281828459045


def _ackley_text(n: int) -> str:
    squares = "+".join(f"x{i}**2" for i in range(n))
    waves = "+".join(f"cos({TAU}*x{i})" for i in range(n))
    return f"-20*exp(-0.2*sqrt(({squares})/{n}))-exp(({waves})/{n})+22.718281828459045"


def _mixed(x: Sequence[Any], m: Any) -> Any:
    pairs = zip(x, [*x[1:], x[0]], strict=True)
    return sum((m.exp(-(a**2)) * m.sin(a * b) + m.log(1 + a**2) * m.tanh(b) for a, b in pairs), 0)


def _mixed_of_array(x: Any, m: Any) -> Any:
    y = m.concatenate([x[1:], x[:1]])
    return m.sum(m.exp(-(x**2)) * m.sin(x * y) + m.log(1 + x**2) * m.tanh(y))


def _mixed_text(n: int) -> str:
    pairs = [(f"x{i}", f"x{(i + 1) % n}") for i in range(n)]
    return "+".join(f"exp(-{a}**2)*sin({a}*{b})+log(1+{a}**2)*tanh({b})" for a, b in pairs)


POLYNOMIAL = Example(
    "3x² − 4x", 1, "3*x0**2-4*x0", lambda x, _: 3 * x[0] ** 2 - 4 * x[0], lambda x, _: 3 * x**2 - 4 * x
)
WAVE = Example(
    "exp(−x²)sin(3x)/(1+x⁴)", 1, "exp(-x0**2)*sin(3*x0)/(1+x0**4)",
    lambda x, m: m.exp(-(x[0] ** 2)) * m.sin(3 * x[0]) / (1 + x[0] ** 4),
    lambda x, m: m.exp(-(x**2)) * m.sin(3 * x) / (1 + x**4),
)  # fmt: skip


def rosenbrock(n: int) -> Example:
    """The chained Rosenbrock function of n variables."""
    return Example(f"Rosenbrock-{n}", n, rosenbrock_text(n), _rosenbrock, rosenbrock_of_array)


ACKLEY = Example("Ackley-10", 10, _ackley_text(10), _ackley, _ackley_of_array)
MIXED = Example("mixed-10", 10, _mixed_text(10), _mixed, _mixed_of_array)

# Losses over data --------------------------------------------------------------------------------------------------

_random = np.random.default_rng(1)
FEW_ROWS, FEW_TARGETS = _random.normal(size=(10, 2)), _random.random(10)
ROWS, SIGNS = _random.normal(size=(200, 20)), np.where(_random.random(200) > 0.5, 1.0, -1.0)


def perceptron(w: Any, m: Any) -> Any:
    """Mean squared error of a network 2-8-1 with 33 weights over 10 rows."""
    hidden = m.tanh(FEW_ROWS @ m.reshape(w[:16], (8, 2)).T + w[16:24])
    out = hidden @ w[24:32] + w[32]
    return m.sum((1 / (1 + m.exp(-out)) - FEW_TARGETS) ** 2) / 10


def logistic(w: Any, m: Any) -> Any:
    """Mean logistic loss of 20 weights over 200 rows."""
    return m.sum(m.log1p(m.exp(-(SIGNS * m.dot(ROWS, w))))) / 200


class Mixture:
    """Minus the logarithm of the likelihood of 1,000 points under k Gaussians in d dimensions.

    Parameters of each: a weight, a mean, the logarithms of the diagonal of a triangular factor of its precision, and
    what is below that diagonal.
    """

    def __init__(self, k: int, d: int):
        self.k, self.d = k, d
        random = np.random.default_rng(2)
        self.data = random.normal(size=(1, 1000, d))
        below = d * (d - 1) // 2
        self.count = k * (1 + 2 * d + below)
        self.start = random.normal(size=self.count) * 0.3
        self.placing = np.zeros((below, d * d))
        self.placing[range(below), [i * d + j for i in range(d) for j in range(i)]] = 1.0

    def __call__(self, w: Any, m: Any) -> Any:
        k, d = self.k, self.d
        weights, means, logs = w[:k], m.reshape(w[k : k + k * d], (k, 1, d)), w[k + k * d : k + 2 * k * d]
        logs = m.reshape(logs, (k, 1, d))
        factors = m.reshape(m.dot(m.reshape(w[k + 2 * k * d :], (k, -1)), self.placing), (k, d, d))
        away = self.data - means
        scaled = m.exp(logs) * away + m.matmul(away, factors)
        inner = m.reshape(weights, (k, 1)) + m.sum(logs, axis=2) - 0.5 * m.sum(scaled**2, axis=2)
        total = m.sum(m.log(m.sum(m.exp(inner), axis=0)))
        return 1000 * m.log(m.sum(m.exp(weights))) - total


def of_numpy(f: Any) -> Any:
    """A loss of one argument, over NumPy."""

    def loss(w: Any) -> Any:
        return f(w, np)

    return loss

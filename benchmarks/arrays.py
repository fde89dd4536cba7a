"""What proofs of array code cost, beside the bare enclosure in balls of the same derivative, in the same run.

    python benchmarks/arrays.py [NAME …]

Each line: seconds of the whole answer (recording, comparison with the code, guards, rounding, confirmation), seconds of
one enclosure without any of that (one sweep back in balls of 96 bits), their ratio, and what was proven. Medians of
three, interleaved.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import diffkit as dk
from diffkit.calculus.array_derivatives import adjoints
from diffkit.core.program import run_slots
from diffkit.ndarrays import record_function
from diffkit.numbers.array_balls import BallArrays, balls_of
from diffkit.numbers.balls import precision

ROUNDS = 3
PIXELS, HIDDEN, CLASSES, ROWS = 784, 64, 10, 16
COMPONENTS, DIMENSIONS, POINTS = 10, 5, 1000


def logistic(rows: int, columns: int) -> tuple[Callable[..., Any], Any]:
    """A logistic loss with a ridge."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(rows, columns)), random.choice([-1.0, 1.0], size=rows)
    return lambda w: np.mean(np.log1p(np.exp(-y * (X @ w)))) + 0.1 * np.sum(w**2), random.normal(size=columns)


def perceptron() -> tuple[Callable[..., Any], Any, Callable[..., Any]]:
    """A perceptron with one hidden layer and softmax loss, its parameters, and its gradient by hand."""
    random = np.random.default_rng(0)
    X, labels = random.random((ROWS, PIXELS)), random.integers(0, CLASSES, ROWS)
    cut = np.cumsum([PIXELS * HIDDEN, HIDDEN, HIDDEN * CLASSES])

    def layers(t: Any) -> Any:
        return (
            t[: cut[0]].reshape(PIXELS, HIDDEN),
            t[cut[0] : cut[1]],
            t[cut[1] : cut[2]].reshape(HIDDEN, CLASSES),
            t[cut[2] :],
        )

    def loss(t: Any) -> Any:
        W, b, V, c = layers(t)
        z = np.tanh(X @ W + b) @ V + c
        m = np.max(z, axis=1, keepdims=True)
        return np.mean(m[:, 0] + np.log(np.sum(np.exp(z - m), axis=1)) - z[np.arange(ROWS), labels])

    def gradient(t: Any) -> Any:
        W, b, V, c = layers(t)
        h = np.tanh(X @ W + b)
        z = h @ V + c
        p = np.exp(z - z.max(axis=1, keepdims=True))
        d = (p / p.sum(axis=1, keepdims=True) - np.eye(CLASSES)[labels]) / ROWS
        e = d @ V.T * (1 - h * h)
        return np.concatenate([(X.T @ e).ravel(), e.sum(axis=0), (h.T @ d).ravel(), d.sum(axis=0)])

    return loss, 0.05 * random.normal(size=cut[2] + CLASSES), gradient


def mixture() -> tuple[Callable[..., Any], Any]:
    """The log-likelihood of a Gaussian mixture: log weights, means, and triangles of inverse factors."""
    random = np.random.default_rng(0)
    Z, (i, j) = random.normal(size=(POINTS, DIMENSIONS)), np.tril_indices(DIMENSIONS)
    k, d = COMPONENTS, DIMENSIONS

    def likelihood(t: Any) -> Any:
        weights, means = t[:k], t[k : k + k * d].reshape(k, d)
        L = np.zeros_like(t, shape=(k, d, d))
        L[:, i, j] = t[k + k * d :].reshape(k, len(i))
        q = np.einsum("kij,nkj->nki", L, Z[:, None, :] - means)
        scale = np.sum(np.log(np.abs(L[:, np.arange(d), np.arange(d)])), axis=1)
        terms = weights - np.log(np.sum(np.exp(weights))) + scale - 0.5 * np.sum(q * q, axis=2)
        m = np.max(terms, axis=1, keepdims=True)
        return np.sum(m[:, 0] + np.log(np.sum(np.exp(terms - m), axis=1)))

    start = [random.normal(size=k), random.normal(size=k * d), np.tile(np.eye(d)[i, j], k)]
    return likelihood, np.concatenate(start) + 0.01


def stencil(x: Any) -> Any:
    """Three neighbours, as in a step of a differential equation."""
    return x[1:-1] ** 2 * (x[2:] - 2 * x[1:-1] + x[:-2]) + np.sin(x[1:-1])


def enclosed(f: Callable[..., Any], x: Any) -> None:
    """The gradient in balls, and nothing else."""
    program = record_function(f, [("x", np.shape(x))]).program
    with precision(96):
        balls = BallArrays()
        adjoints(program, balls, run_slots(program, balls, [balls_of(x)]), {program.outputs[0]: balls_of(1.0)})


def without_value(n: int) -> Any:
    """A point at which log has no value in one entry."""
    x = np.linspace(1.0, 2.0, n)
    x[n // 2] = -1.0
    return x


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long work takes, and what it gives."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def cases() -> dict[str, tuple[Callable[[], Any], Callable[[], Any] | None]]:
    """What is measured: the answer, and the bare enclosure if there is one to compare with."""
    random = np.random.default_rng(1)
    found: dict[str, tuple[Callable[[], Any], Callable[[], Any] | None]] = {}
    for rows, columns in ((500, 20), (3000, 50), (10_000, 100)):
        f, w = logistic(rows, columns)
        found[f"logistic {rows} x {columns}"] = (lambda f=f, w=w: dk.gradient(f, w)), (lambda f=f, w=w: enclosed(f, w))
    text = "mean(log(1 + exp(-y*(X @ w)))) + 0.1*sum(w**2)"
    X, y, w = random.normal(size=(3000, 50)), random.choice([-1.0, 1.0], size=3000), random.normal(size=50)
    found["the same from text 3000 x 50"] = (lambda: dk.gradient(dk.arrays(text, X=X, y=y), {"w": w})), None
    loss, t, gradient = perceptron()
    found["perceptron 784-64-10"] = (lambda: dk.gradient(loss, t)), (lambda: enclosed(loss, t))
    found["check of its gradient"] = (lambda: dk.check(loss, gradient, t)), None
    long = random.normal(size=100_000)
    squares = lambda x: np.sum(np.sin(x) ** 2)  # noqa: E731
    found["sum(sin(x)**2) of 100,000"] = (lambda: dk.gradient(squares, long)), (lambda: enclosed(squares, long))
    f, w = logistic(200, 50)
    found["Hessian of logistic 200 x 50"] = (lambda f=f, w=w: dk.hessian(f, w)), None
    likelihood, start = mixture()
    found["Gaussian mixture"] = (lambda: dk.gradient(likelihood, start)), (lambda: enclosed(likelihood, start))
    line = random.normal(size=2048)
    found["Jacobian of a 2048-stencil"] = (lambda: dk.jacobian(stencil, line)), None
    for n in (1000, 4000, 16_000):
        logs, x = (lambda x: np.sum(np.log(x))), without_value(n)
        found[f"no value, n = {n}"] = (lambda x=x, f=logs: dk.gradient(f, x)), None
    return found


def main() -> None:
    """Print every measurement, or those whose names begin as given."""
    for name, (answer, bare) in cases().items():
        if len(sys.argv) > 1 and not name.startswith(tuple(sys.argv[1:])):
            continue
        times: list[float] = []
        bares: list[float] = []
        for _ in range(ROUNDS):
            taken, found = seconds(answer)
            times.append(taken)
            if bare is not None:
                bares.append(seconds(bare)[0])
        whole = statistics.median(times)
        ratio = f"{statistics.median(bares):8.3f} s   {whole / statistics.median(bares):5.1f} x" if bares else " " * 20
        said = getattr(found, "status", None) or getattr(found, "verdict", "")
        print(f"{name:32s} {whole:8.3f} s   {ratio}   {said} {getattr(found, 'error_kind', '')}", flush=True)


if __name__ == "__main__":
    main()

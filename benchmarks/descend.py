"""What our descent adds to a loop written by hand: 1,000 weights, 10,000 rows, a hand-written gradient.

    python benchmarks/descend.py

The two loops take turns, so that a busy machine slows both; medians of seven runs and their ratio.
"""

import statistics
import time

import numpy as np

import diffkit as dk

ROWS, WEIGHTS, STEPS, RUNS, RATE = 10_000, 1_000, 50, 7, 0.3
SIZE, EPOCHS = 500, 20
rng = np.random.default_rng(0)
X = rng.normal(size=(ROWS, WEIGHTS))
Y = X @ rng.normal(size=WEIGHTS) + 0.1 * rng.normal(size=ROWS)
START = np.zeros(WEIGHTS)


def loss(w, X, y):
    """Half the mean square of the errors."""
    return np.mean((X @ w - y) ** 2) / 2


def gradient(w, X, y):
    """Its gradient."""
    return X.T @ (X @ w - y) / len(y)


def plain() -> np.ndarray:
    """The loop as one writes it by hand."""
    w = START
    for _ in range(STEPS):
        w = w - RATE * gradient(w, X, Y)
    return w


def batches() -> np.ndarray:
    """The same with mini-batches, in our order of rows."""
    w, shuffles = START, np.random.default_rng(0)
    for _ in range(EPOCHS):
        order = shuffles.permutation(ROWS)
        for first in range(0, ROWS, SIZE):
            chosen = order[first : first + SIZE]
            w = w - RATE * gradient(w, X[chosen], Y[chosen])
    return w


def ours(steps=STEPS, **options) -> dk.Descent:
    """The same path by diffkit; with batches, f and its gradient over all rows are kept at the end of each epoch."""
    return dk.descend(loss, START, gradient=gradient, args=(X, Y), rate=RATE, steps=steps, tolerance=0, **options)


def seconds(action) -> float:
    """Time of one run."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(name: str, hand, mine) -> None:
    """Interleaved medians of a hand-written loop and ours, and how much longer ours takes."""
    assert np.array_equal(hand(), mine().point), "the two paths differ"
    times = [(seconds(hand), seconds(mine)) for _ in range(RUNS)]
    by_hand, by_us = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{name:34s} by hand {1000 * by_hand:8.1f} ms   diffkit {1000 * by_us:8.1f} ms   ratio {by_us / by_hand:.2f}")


def main() -> None:
    """Print every measurement."""
    print(f"{WEIGHTS:,} weights, {ROWS:,} rows, {STEPS} steps")
    compare("all rows, f at every 5th point", plain, lambda: ours(keep=5))
    compare("all rows, f at every point", plain, ours)
    steps = EPOCHS * ROWS // SIZE
    compare(f"batches of {SIZE} rows, {EPOCHS} epochs", batches, lambda: ours(steps, batch=SIZE))


if __name__ == "__main__":
    main()

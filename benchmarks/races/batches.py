"""Many points at once: batches of points, of weight vectors, and losses over much data."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from races import rivals
from races.examples import (
    ACKLEY,
    MIXED,
    WAVE,
    Example,
    Mixture,
    logistic,
    of_numpy,
    perceptron,
    rosenbrock,
)
from races.measuring import ready
from races.table import FAST, MEMORY, Bench, Goal, Row

MEGABYTE = 2**20
SPARE = 100.0  # megabytes that a large batch may need besides its inputs and outputs


def _rows(example: Example, count: int) -> Any:
    return np.random.default_rng(0).uniform(-2, 2, (count, example.n))


def _batch(bench: Bench, example: Example, kind: str, count: int, precision: str = "double") -> None:
    import diffkit as dk

    count = count // 20 if bench.quick else count
    rows = _rows(example, count)
    outputs = {"two orders": 2, "gradient": example.n, "hessian": example.n**2}[kind]
    race = bench.race(f"{example.name}, {kind}, {count:,} points")

    def ours() -> Any:
        if kind == "two orders":
            p = dk.prepare(
                example.text, "taylor", order=2, variables=example.names, backend="dual", precision=precision
            )
        else:
            p = dk.prepare(example.text, kind, variables=example.names, backend="reverse", precision=precision)
        return lambda: p(rows)

    def coefficients(answer: Any) -> Any:
        return answer[:, 1:] * [1, 2] if kind == "two orders" else answer

    def by_points(answer: Any) -> Any:
        return np.asarray(answer).reshape(outputs, count).T

    def copied() -> Any:
        source, target = np.zeros((count, outputs)), np.empty((count, outputs))
        return lambda: np.copyto(target, source)

    race.ours("p(X)", ours, coefficients)
    race.peer("heyoka, one thread", lambda: rivals.heyoka_batch(example, kind, rows), by_points)
    race.peer("heyoka, all threads", lambda: rivals.heyoka_batch(example, kind, rows, parallel=True), by_points)
    race.peer("jax jit vmap", lambda: rivals.jax_batch(example, kind, rows))
    race.run(tolerance=1e-7, points=count)
    if kind == "hessian" and precision == "double":
        floor = bench.race(f"{example.name}, {kind}, beside a copy of its numbers")
        floor.ours("p(X)", ours, lambda _: np.zeros(0))
        floor.peer("copy of the outputs", copied, lambda _: np.zeros(0))
        floor.run(points=count)


def two_orders(bench: Bench) -> None:
    """f′ and f″ of a function of one variable."""
    _batch(bench, WAVE, "two orders", 1_000_000)


def transcendental_gradients(bench: Bench) -> None:
    """Gradients in which elementary functions are most of the work."""
    _batch(bench, ACKLEY, "gradient", 100_000)
    _batch(bench, MIXED, "gradient", 100_000)


def rosenbrock_batches(bench: Bench) -> None:
    """Products and sums only: what passes through memory is most of the work."""
    _batch(bench, rosenbrock(10), "gradient", 100_000)
    _batch(bench, rosenbrock(10), "hessian", 20_000)


def rosenbrock_pairs(bench: Bench) -> None:
    """The same in pairs."""
    _batch(bench, rosenbrock(10), "gradient", 100_000, "pairs")
    _batch(bench, rosenbrock(10), "hessian", 20_000, "pairs")


def many_points(bench: Bench) -> None:
    """The gradient of a function of one variable at as many points as a large array has, and the memory it takes."""
    import diffkit as dk

    count = 100_000 if bench.quick else 10_000_000
    rows = _rows(WAVE, count)
    race = bench.race(f"{count:,} points")

    def ours() -> Any:
        p = dk.prepare(WAVE.text, "gradient", variables=WAVE.names, backend="reverse", precision="double")
        p(rows[:100_000])
        return lambda: p(rows)

    def thinned(answer: Any) -> Any:
        return np.ravel(answer)[::1000]

    race.ours("p(X)", ours, thinned)
    race.peer("jax jit vmap", lambda: rivals.jax_batch(WAVE, "gradient", rows), thinned)
    race.run(tolerance=1e-7, points=count, rounds=3, memory=count * 8 / MEGABYTE + SPARE)


# Losses over data --------------------------------------------------------------------------------------------------


def _weights(n: int, count: int) -> Any:
    return np.random.default_rng(2).normal(size=(count, n)) * 0.5


def _gradient(f: Any, shape: Any = None, **options: Any) -> Any:
    """Our gradient of f(w, numpy), prepared; with the shape of w, further axes are a batch."""
    import diffkit as dk

    loss = of_numpy(f) if shape is None else dk.Function(of_numpy(f), shape=shape)
    return dk.prepare(loss, "gradient", backend="reverse", **options)


def _jax_gradient(f: Any, at: Any, batch: bool = False) -> Any:
    def transform(j: Any, m: Any) -> Any:
        gradient = j.grad(lambda w: f(w, m))
        return j.vmap(gradient) if batch else gradient

    return rivals.jax_call(transform, at)


def weight_vectors(bench: Bench) -> None:
    """Gradients of losses over data at 1,000 weight vectors: an axis more, or a loop."""
    count = 50 if bench.quick else 1000
    for name, loss, n in (("perceptron-33", perceptron, 33), ("logistic-20", logistic, 20)):
        weights = _weights(n, count)
        race = bench.race(name)
        race.ours("p(W)", ready(partial(_gradient, loss, (n,)), weights))
        if bench.install == FAST:
            by_jax = partial(_gradient, loss, (n,), engine="jax", precision="double")
            race.ours("engine jax, p(W)", ready(by_jax, weights))
        race.peer("jax jit vmap", partial(_jax_gradient, loss, weights, True))
        race.run(tolerance=1e-8, points=count)


def _large_logistic() -> tuple[Any, Any, Any]:
    random = np.random.default_rng(3)
    data, signs = random.normal(size=(10_000, 100)), np.where(random.random(10_000) > 0.5, 1.0, -1.0)
    return data, signs, random.normal(size=100) * 0.1


def one_loss(bench: Bench) -> None:
    """One gradient of a logistic loss of 10⁴ rows and 100 weights, and of the small losses, a weight vector a call."""
    data, signs, at = _large_logistic()

    def loss(w: Any, m: Any) -> Any:
        return m.sum(m.log1p(m.exp(-(signs * m.dot(data, w))))) / 10_000

    def by_hand() -> Any:
        return lambda: -(data.T @ (signs / (1 + np.exp(signs * (data @ at))))) / 10_000

    _one_loss(bench, "logistic 10⁴ × 100", loss, at, by_hand)
    _one_loss(bench, "perceptron-33, one weight vector", perceptron, _weights(33, 1)[0])
    _one_loss(bench, "logistic-20, one weight vector", logistic, _weights(20, 1)[0])


def mixtures(bench: Bench) -> None:
    """The gradient of a likelihood with batched matrix products."""
    for k, d in ((10, 5), (25, 10)):
        mixture = Mixture(k, d)
        _one_loss(bench, f"{mixture.count:,} parameters", mixture, mixture.start)


def _one_loss(bench: Bench, case: str, loss: Any, at: Any, by_hand: Any = None) -> None:
    race = bench.race(case)
    race.ours("p(w)", ready(partial(_gradient, loss), at))
    if by_hand is not None:
        race.peer("hand-written NumPy", by_hand)
    race.peer("autograd", partial(rivals.autograd_call, loss, at))
    race.peer("jax jit", partial(_jax_gradient, loss, at))
    race.run(tolerance=1e-8)


THROUGH_MEMORY = (
    "machine code writes to the answer itself, so nothing is left around it: it takes as long as heyoka's, or a little "
    "less; two vectors of points at a time gained up to 6 % for short programs and lost 15 % for long ones. "
)
BATCHES = (
    Row("two-orders", "f′, f″ of exp(−x²)sin(3x)/(1+x⁴), 10⁶ points, `double`", two_orders, (
        Goal(("heyoka",), None, .8),
        Goal(("jax",), .7, .1),
    ), f"with `fast`, {THROUGH_MEMORY}f is an output too, a third number to write. Plain, NumPy's functions each pass "
       "through the cache, and sin and exp are those of NumPy; jax fuses them."),
    Row("gradients", "Ackley-10, mixed-10 gradients, 10⁵ points", transcendental_gradients, (
        Goal(("heyoka",), None, .85),
        Goal(("jax",), .8, .2),
    ), f"with `fast`, {THROUGH_MEMORY}"),
    Row("rosenbrock", "Rosenbrock-10, gradient at 10⁵, Hessian at 2·10⁴ points", rosenbrock_batches, (
        Goal(("heyoka",), None, 1.0),
        Goal(("jax",), 4, .6),
        Goal(("copy",), None, 1.3),
    ), f"with `fast`, {THROUGH_MEMORY}Plain, 100 calls of NumPy of .8 ns a number each, and a third as much to turn "
       "rows into columns and back; equal operations in one call took 1.4 to 4 times as long, as their numbers leave "
       "the nearest cache. Of the Hessian, 28 numbers are computed and 100 are laid out."),
    Row("rosenbrock-pairs", "The same in `pairs`", rosenbrock_pairs, (Goal(("heyoka",), None, 5),),
        f"as in `double`: {THROUGH_MEMORY}"),
    Row("weights", "Perceptron-33, logistic-20 × 1,000 weight vectors", weight_vectors, (
        Goal(("jax",), 8, 1.5, ours=("p(W)",)),
        Goal(("jax",), None, 1.05, ours=("engine jax",)),
    ), "losses that are recorded number by number are compiled as batches of formulas; those that are recorded in "
       "arrays run as stacks of NumPy calls in buffers, each of which passes through the cache; jax fuses them. "
       "With the engine jax the value is computed too, to know that it is finite, and derivatives in forms that do not "
       "cancel: that of tanh takes two exponentials more than 1 − tanh². Points and answers are copied."),
    Row("one-loss", "Logistic 10⁴×100, one gradient; one weight vector a call", one_loss, (
        Goal(("hand-written",), 1.3),
        Goal(("autograd",), .5),
    ), "both products with the matrix are those of NumPy, as in what is written by hand, and read it from memory: "
       "half of autograd's time is less than these two products take."),
    Row("mixture", "Gaussian mixture, 210 and 1,650 parameters", mixtures, (
        Goal(("autograd",), .7),
        Goal(("jax",), 6),
    ), "products, sums over axes and factors that are repeated along short axes are calls of NumPy over arrays that "
       "do not stay in the cache."),
)  # fmt: skip
MANY_POINTS = (
    Row("many-points", "Gradient at 10⁷ points", many_points, (
        Goal(("jax",), 1.2, .3),
        Goal((MEMORY,), 1, 1),
    ), f"with `fast`, {THROUGH_MEMORY}"),
)  # fmt: skip

"""What a gradient in reverse mode costs beside its function, in time and in instructions.

    python benchmarks/reverse.py

The fastest of many runs each. Times belong to the machine; that the ratio does not grow with the inputs to the code.
"""

import time
from collections.abc import Callable

import numpy as np

import diffkit as dk
from diffkit.asking.tasks import gradient_task, hvp_task
from diffkit.calculus.derivatives import reverse_program
from diffkit.ndarrays import pullback, pushforward

RUNS = 40
random = np.random.default_rng(0)
ROWS = random.normal(size=(1000, 20))
LABELS = (random.random(1000) > 0.5) * 1.0


def rosenbrock(x):
    """The chained Rosenbrock function."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def logistic(w):
    """The mean loss of a logistic regression."""
    z = ROWS @ w
    return np.mean(np.logaddexp(0.0, z) - LABELS * z) + 0.01 * w @ w


def network(w1, b1, w2, b2, w3):
    """The mean squared error of a network of three layers."""
    hidden = np.tanh(np.tanh(ROWS @ w1 + b1) @ w2 + b2)
    return np.mean((hidden @ w3 - LABELS) ** 2)


CASES: dict[str, tuple[Callable[..., object], list[object]]] = {
    "Rosenbrock, 100 inputs": (rosenbrock, [random.normal(size=100)]),
    "Rosenbrock, 10,000 inputs": (rosenbrock, [random.normal(size=10_000)]),
    "Rosenbrock, 1,000,000 inputs": (rosenbrock, [random.normal(size=1_000_000)]),
    "logistic regression, 1,000 × 20": (logistic, [random.normal(size=20)]),
    "network 20-64-64-1, 1,000 rows": (
        network,
        [random.normal(size=s) / 4 for s in ((20, 64), (64,), (64, 64), (64,), (64,))],
    ),
}
PROGRAMS = {
    "Rosenbrock": lambda n: "+".join(f"100*(x{i + 1}-x{i}**2)**2+(1-x{i})**2" for i in range(n)),
    "sum of sines of products": lambda n: "+".join(f"sin(x{i}*x{i + 1})" for i in range(n)),
    "logarithm of a sum of exponentials": lambda n: "log(" + "+".join(f"exp(x{i})" for i in range(n)) + ")",
    "sum of max(x·y, 0)·x": lambda n: "+".join(f"max(x{i}*x{i + 1}, 0)*x{i}" for i in range(n)),
}


def fastest(action: Callable[[], object], runs: int) -> float:
    """Least seconds of an action."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print every measurement."""
    print(f"{'':34s} {'f':>10s} {'gradient':>10s} {'H·v':>10s}")
    for name, (f, args) in CASES.items():
        runs = RUNS if np.size(args[0]) < 10**5 else 5
        plain = fastest(lambda f=f, a=args: f(*a), runs)
        gradient = fastest(lambda f=f, a=args: pullback(f, a).back(1.0), runs)
        tangents = [np.ones((1, *np.shape(a))) for a in args]

        def slopes(*parts, f=f):
            return np.concatenate([np.reshape(g, -1) for g in pullback(f, parts).back(1.0)])

        product = fastest(lambda s=slopes, a=args, t=tangents: pushforward(s, a, t), max(3, runs // 4))
        shown = "".join(f" {1000 * t:7.2f} ms" for t in (plain, gradient, product))
        print(f"{name:34s}{shown}   gradient / f = {gradient / plain:.1f}")
    print(f"\n{'instructions':34s} {'f':>10s} {'gradient':>10s} {'H·v':>10s}")
    for name, text in PROGRAMS.items():
        for n in (10, 100):
            program = dk.parse(text(n)).program
            first = reverse_program(program, gradient_task(program).indices)
            task = hvp_task(program, [0.0] * len(program.inputs))
            counts = [len(p.instructions) for p in (program, first, reverse_program(task.program, task.indices))]
            print(f"{f'{name}, n = {n}':34s}{''.join(f' {c:10,d}' for c in counts)}"
                  f"   gradient / f = {counts[1] / counts[0]:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()

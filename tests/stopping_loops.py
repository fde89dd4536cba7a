"""Loops that stop at a tolerance, in code that cannot be followed, with the derivatives of their limits."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10)


class Loop(NamedTuple):
    """A function of a number or an array, a point, and the derivative of what its loop would go on to."""

    kind: str
    tolerance: float
    f: Callable[[Any], float]
    point: Any
    slope: Callable[[Any], Any]


def settled(step: Callable[[Any], Any], start: Any, tolerance: float) -> Any:
    """Steps until one changes less than a tolerance."""
    x = start
    for _ in range(600):
        new = step(x)
        if (abs(new - x) if isinstance(x, float) else max(abs(new - x))) <= tolerance:
            return new
        x = new
    return x


def solved(g: Callable[[float, float], float], gx: Callable[..., float], gp: Callable[..., float], slow: float,
           ) -> tuple[Callable[[float, float], float], Callable[[float], float]]:  # fmt: skip
    """A fixed point y = g(y, p), of steps damped to make more of them, and its derivative gₚ/(1 − g_y)."""

    def f(p: float, tolerance: float) -> float:
        p = float(p)
        return float(settled(lambda y: slow * y + (1 - slow) * g(y, p), 0.5, tolerance))

    def slope(p: float) -> float:
        p = float(p)
        y = f(p, 1e-15)
        return gp(y, p) / (1 - gx(y, p))

    return f, slope


def fixed(rng: random.Random) -> Any:
    """A point that contracting steps leave where it is."""
    a, slow = rng.uniform(0.3, 0.9), rng.choice([0.0, 0.0, 0.5, 0.8])
    g = rng.choice([
        (lambda y, p: 0.5 + a * p * math.sin(y), lambda y, p: a * p * math.cos(y), lambda y, p: a * math.sin(y)),
        (lambda y, p: p * math.cos(y), lambda y, p: -p * math.sin(y), lambda y, p: math.cos(y)),
        (lambda y, p: math.exp(-p * y), lambda y, p: -p * math.exp(-p * y), lambda y, p: -y * math.exp(-p * y)),
        (lambda y, p: a * math.tanh(p + y), lambda y, p: a / math.cosh(p + y) ** 2,
         lambda y, p: a / math.cosh(p + y) ** 2),
    ])  # fmt: skip
    return (*solved(*g, slow), rng.uniform(0.4, 0.9))


def newton(rng: random.Random) -> Any:
    """A root, by steps that double its digits."""
    kind = rng.choice(["exp", "cubic", "square"])

    def f(p: float, tolerance: float) -> float:
        p = float(p)
        step = {
            "exp": lambda x: x - 1 + p * math.exp(-x),
            "cubic": lambda x: x - (x**3 + x - p) / (3 * x * x + 1),
            "square": lambda x: (x + p / x) / 2,
        }[kind]
        return float(settled(step, 1.0, tolerance))

    def slope(p: float) -> float:
        x = f(p, 1e-13)
        return {"exp": 1 / p, "cubic": 1 / (3 * x * x + 1), "square": 0.5 / x}[kind]

    return f, slope, rng.uniform(1.2, 9.0)


def agm(rng: random.Random) -> Any:
    """The arithmetic-geometric mean of 1 and p, by calling itself."""

    def f(p: float, tolerance: float) -> float:
        def mean(a: float, b: float) -> float:
            return (a + b) / 2 if abs(a - b) <= tolerance else mean((a + b) / 2, math.sqrt(a * b))

        return mean(1.0, float(p))

    def slope(p: float) -> float:
        from scipy.special import ellipe, ellipk

        p = float(p)
        m = 1 - p * p  # agm(1, p) = π/(2 K(m)), dK/dm = (E − (1 − m)K)/(2m(1 − m))
        k = float(ellipk(m))
        dk = (float(ellipe(m)) - (1 - m) * k) / (2 * m * (1 - m))
        return math.pi / (2 * k * k) * dk * 2 * p

    return f, slope, rng.uniform(0.1, 0.8)


def jacobi(rng: random.Random) -> Any:
    """Σ x of A x = p, by Jacobi's iteration: three inputs."""
    off = rng.uniform(0.1, 0.45)
    a = np.array([[1.0, off, 0.1], [off, 1.0, off], [0.2, off, 1.0]])

    def f(p: Any, tolerance: float) -> float:
        b = np.array([float(v) for v in p])
        return float(np.sum(settled(lambda x: x + b - a @ x, np.zeros(3), tolerance)))

    return f, lambda p: np.linalg.solve(a.T, np.ones(3)), np.array([rng.uniform(0.5, 2) for _ in range(3)])


def series(rng: random.Random) -> Any:
    """A sum that goes on while its terms are worth it."""
    kind = rng.choice(["geometric", "exp", "log"])

    def f(p: float, tolerance: float) -> float:
        p, total, n, power = float(p), 0.0, 0, 1.0
        while True:
            term = {"geometric": power, "exp": power / math.factorial(min(n, 150)), "log": power * p / (n + 1)}[kind]
            total += term
            if abs(term) <= tolerance or n > 400:
                return total
            n, power = n + 1, power * p

    slopes = {"geometric": lambda p: 1 / (1 - p) ** 2, "exp": math.exp, "log": lambda p: 1 / (1 - p)}
    return f, lambda p: slopes[kind](float(p)), rng.uniform(0.3, 0.6)


def simpson(rng: random.Random) -> Any:
    """∫₀ᵖ g by Simpson's rule, halved where that changes more than a tolerance."""
    k = rng.uniform(1.0, 4.0)

    def f(p: float, tolerance: float) -> float:
        def g(t: float) -> float:
            return math.exp(-k * t) * math.cos(3 * t)

        def rule(a: float, b: float) -> float:
            return (b - a) / 6 * (g(a) + 4 * g((a + b) / 2) + g(b))

        def halved(a: float, b: float, tolerance: float) -> float:
            c = (a + b) / 2
            apart = rule(a, c) + rule(c, b) - rule(a, b)
            if abs(apart) <= 15 * tolerance:
                return rule(a, b) + apart
            return halved(a, c, tolerance / 2) + halved(c, b, tolerance / 2)

        return halved(0.0, float(p), tolerance)

    return f, lambda p: math.exp(-k * float(p)) * math.cos(3 * float(p)), rng.uniform(0.5, 1.5)


KINDS = {"fixed": fixed, "newton": newton, "agm": agm, "jacobi": jacobi, "series": series, "simpson": simpson}


def loops(count: int, seed: int = 0) -> Iterator[Loop]:
    """So many of them, each kind in turn."""
    rng = random.Random(seed)
    for k in range(count):
        kind = list(KINDS)[k % len(KINDS)]
        tolerance = rng.choice(TOLERANCES)
        f, slope, point = KINDS[kind](rng)
        yield Loop(kind, tolerance, lambda p, f=f, t=tolerance: f(p, t), point, slope)  # type: ignore[misc]

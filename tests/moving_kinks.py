"""Integrals by adaptive rules whose kinks, jumps and singularities move with the parameter, and their derivatives."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import mpmath
import scipy.integrate as si

TINY = 1e-300  # beside a distance of 0, which has no logarithm


class Integral(NamedTuple):
    """∫ h(t − p) s(t) dt as code, over an interval that p lies in, and the derivative of what ``outer`` makes of it."""

    kind: str
    f: Callable[[float], float]
    point: float
    slope: Callable[[float], float]


SHAPES = {
    "kink": (abs, mpmath.fabs),
    "ramp": (lambda u: max(u, 0.0), lambda u: max(u, mpmath.mpf(0))),
    "root": (lambda u: max(u, 0.0) ** 0.5, lambda u: mpmath.sqrt(max(u, mpmath.mpf(0)))),
    "cusp": (lambda u: abs(u) ** 0.3, lambda u: mpmath.fabs(u) ** 0.3),
    "log": (lambda u: math.log(abs(u) + TINY), lambda u: mpmath.log(mpmath.fabs(u) + TINY)),
    "pole": (lambda u: (abs(u) + TINY) ** -0.25, lambda u: (mpmath.fabs(u) + TINY) ** -0.25),
    "jump": (lambda u: 1.0 if u > 0 else 0.0, lambda u: mpmath.mpf(u > 0)),
    "spline": (lambda u: max(u, 0.0) ** 2, lambda u: max(u, mpmath.mpf(0)) ** 2),
    "peak": (lambda u: math.exp(-((u / 0.02) ** 2)), lambda u: mpmath.exp(-((u / 0.02) ** 2))),
    "smooth": (lambda u: math.cos(3 * u), lambda u: mpmath.cos(3 * u)),
}
FACTORS = {
    "1": (lambda t: 1.0, lambda t: mpmath.mpf(1), lambda t: mpmath.mpf(0)),
    "exp": (lambda t: math.exp(-2 * t), lambda t: mpmath.exp(-2 * t), lambda t: -2 * mpmath.exp(-2 * t)),
    "cos": (lambda t: math.cos(2 * t), lambda t: mpmath.cos(2 * t), lambda t: -2 * mpmath.sin(2 * t)),
    "1 + t²": (lambda t: 1 + t * t, lambda t: 1 + t * t, lambda t: 2 * t),
}
OUTER = {
    "itself": (lambda p, q: q, lambda p, q, d: d),
    "a sum": (lambda p, q: math.sin(p) + 3 * q, lambda p, q, d: mpmath.cos(p) + 3 * d),
    "a square": (lambda p, q: (q - 0.5) ** 2, lambda p, q, d: 2 * (q - 0.5) * d),
    "a product": (lambda p, q: p * q, lambda p, q, d: q + p * d),
}
RULES = {
    "quad": lambda g, a, b: si.quad(g, a, b)[0],
    "points": lambda g, a, b: si.quad(g, a, b, points=[(a + b) / 2])[0],
    "exact": lambda g, a, b: si.quad(g, a, b, epsabs=1e-11, epsrel=1e-11)[0],
    "coarse": lambda g, a, b: si.quad(g, a, b, epsabs=1e-5, epsrel=1e-5)[0],
    "few": lambda g, a, b: si.quad(g, a, b, limit=6)[0],
    "quad_vec": lambda g, a, b: float(si.quad_vec(g, a, b)[0]),
    "two": lambda g, a, b: si.quad(g, a, (2 * a + b) / 3)[0] + si.quad(g, (2 * a + b) / 3, b)[0],
    "dblquad": lambda g, a, b: si.dblquad(lambda y, t: 2 * y * g(t), a, b, 0, 1)[0],
}


def integral(kind: str, rule: str, factor: str, outer: str, span: tuple[float, float], p: float) -> Integral:
    """One of them: by p, ∫ h(t − p) s(t) dt has h(a − p) s(a) − h(b − p) s(b) + ∫ h(t − p) s′(t) dt."""
    h, exact = SHAPES[kind]
    s, exactly, steep = FACTORS[factor]
    around, chain = OUTER[outer]
    a, b = span

    def f(p: float) -> float:
        p = float(p)
        return float(around(p, RULES[rule](lambda t: h(t - p) * s(t), a, b)))

    def slope(p: float) -> float:
        p, ends = mpmath.mpf(float(p)), (mpmath.mpf(a), mpmath.mpf(b))
        q = mpmath.quad(lambda t: exact(t - p) * exactly(t), [ends[0], p, ends[1]])
        d = mpmath.quad(lambda t: exact(t - p) * steep(t), [ends[0], p, ends[1]])
        d += exact(ends[0] - p) * exactly(ends[0]) - exact(ends[1] - p) * exactly(ends[1])
        return float(chain(p, q, d))

    return Integral(f"{kind}, {rule}, {factor}, {outer}", f, p, slope)


def integrals(count: int, seed: int = 0) -> Iterator[Integral]:
    """So many of them, each kind in turn."""
    rng = random.Random(seed)
    for k in range(count):
        kind = list(SHAPES)[k % len(SHAPES)]
        rule = rng.choice(list(RULES)[: 8 if kind == "smooth" else 7])  # dblquad is slow
        a = rng.choice([0.0, 0.0, -1.0, 0.2])
        b = a + rng.choice([1.0, 1.0, 3.0])
        p = a + (b - a) * rng.choice([rng.uniform(0.05, 0.95), round(rng.uniform(0.1, 0.9), 1)])
        yield integral(kind, rule, rng.choice(list(FACTORS)), rng.choice(list(OUTER)), (a, b), p)


PERIODIC = [
    integral("jump", rule, "1 + t²", "a sum", span, p)
    for rule, span, p in [
        *(("exact", (0.0, 1.0), p) for p in (0.2, 0.4, 0.6, 0.8, 1 / 3, 0.1)),
        ("exact", (-1.0, 2.0), 0.2), ("quad", (0.0, 1.0), 1 / 3), ("quad", (-1.0, 2.0), 0.25),
    ]
]  # fmt: skip
"""Jumps whose place in the interval has a short period in binary: halving comes back to the same place, so that quad's
epsilon algorithm extrapolates to a limit of its own, with the place of the jump in it for all points around."""

"""Random compositions of NumPy's and SciPy's functions at hard points: what is called proven has all its digits."""

import os
import random

import mpmath as mp
import numpy as np
from array_references import interpolated, quantile
from followed_cases import BINARY, UNARY, ufunc

import diffkit as dk

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "1000"))
DIGITS = 40
WORKING = 450  # digits of the reference
STEPS = (mp.mpf(10) ** -90, mp.mpf(10) ** -110)
FAR = dict.fromkeys(("gamma", "gammaln", "rgamma", "psi", "beta", "betaln", "j0", "j1"), 1000.0)
FARTHER = 1e7  # arguments up to which mpmath is asked, of other functions than + − × ÷
PLAIN = ("add", "subtract", "multiply", "divide", "absolute", "negative", "maximum", "minimum", "deg2rad", "rad2deg")
CONSTANTS = (0.1, 2.7, -1.3, 1 / 3, 1e-8, 30.3, 3.0, -0.5)
PLACES = (0.3, -0.7, 1.7, 2.9, -4.1, 12.3, 40.7, -38.2, 1e-8, -1e-30, 300.1, 1e5)
GRID, HEIGHTS = [-3.0, -0.1, 0.7, 3.0], [0.3, 1.1, -0.7, 0.9]

WEIGHTS, KNOTS, DDOF = (0.1, 0.7, 0.3), (0.1, 0.4, 1.3), 0.3


def average(v):
    """Σ wx / Σ w."""
    weights = [mp.mpf(w) for w in WEIGHTS]
    return sum(w * a for w, a in zip(weights, v, strict=True)) / sum(weights)


def deviation(v):
    """√(Σ (x − x̄)² / (n − ddof))."""
    mean = sum(v) / 3
    return mp.sqrt(sum((a - mean) ** 2 for a in v) / (3 - mp.mpf(DDOF)))


def trapezoid(v):
    """The integral of the line through three points."""
    first, second, third = map(mp.mpf, KNOTS)
    return ((second - first) * (v[0] + v[1]) + (third - second) * (v[1] + v[2])) / 2


LISTS = {
    "percentile": (lambda v: np.percentile(v, 37), lambda v: quantile(v, mp.mpf(37) / 100)),
    "median": (np.median, lambda v: quantile(v, mp.mpf(1) / 2)),
    "average": (lambda v: np.average(v, weights=WEIGHTS), average),
    "norm": (lambda v: np.linalg.norm(v, 3), lambda v: sum(abs(a) ** 3 for a in v) ** (mp.mpf(1) / 3)),
    "std": (lambda v: np.std(v, ddof=DDOF), deviation),
    "interp": (lambda v: np.interp(v[0], GRID, HEIGHTS) * v[1], lambda v: interpolated(v[0], GRID, HEIGHTS) * v[1]),
    "trapezoid": (lambda v: np.trapezoid(v, KNOTS), trapezoid),
    "logaddexp.reduce": (np.logaddexp.reduce, lambda v: mp.log(sum(map(mp.exp, v)))),
    "solve": (lambda v: np.linalg.solve(SYSTEM, v)[1], lambda v: sum(a * b for a, b in zip(INVERSE, v, strict=True))),
}
"""functions of three numbers: as code, and as a reference"""
SYSTEM = np.array([[1, 1 / 2, 1 / 3], [1 / 2, 1 / 3, 1 / 4], [1 / 3, 1 / 4, 1 / 5]])
with mp.workdps(WORKING):
    INVERSE = (mp.matrix([[mp.mpf(v) for v in row] for row in SYSTEM.tolist()]) ** -1).tolist()[1]


def drawn(rng, depth):
    """A tree: ("x", k), ("constant", value) or (name, tree, …); what code computes of constants alone is rounded."""
    if depth == 0 or rng.random() < 0.1:
        return ("x", rng.randrange(2)) if rng.random() < 0.8 else ("constant", rng.choice(CONSTANTS))
    kind = rng.choice((1, 1, 1, 2, 2, 3))
    name = rng.choice(list((UNARY, BINARY, LISTS)[kind - 1]))
    parts = [drawn(rng, depth - 1) for _ in range(kind)]
    if all(part[0] == "constant" for part in parts):
        parts[0] = ("x", rng.randrange(2))
    return (name, *parts)


def code(tree, x):
    """The value of a tree as NumPy code computes it."""
    name, *parts = tree
    if name == "x":
        return x[parts[0]]
    if name == "constant":
        return parts[0]
    values = [code(part, x) for part in parts]
    return ufunc(name)(*values) if len(values) < 3 else LISTS[name][0](np.stack([v + 0 * x[0] for v in values]))


def reference(tree, x):
    """The value of a tree by mpmath."""
    name, *parts = tree
    if name == "x":
        return x[parts[0]]
    if name == "constant":
        return mp.mpf(parts[0])
    values = [reference(part, x) for part in parts]
    if name not in PLAIN and any(abs(v) > FAR.get(name, FARTHER) for v in values):
        raise ValueError("mpmath would take long")
    found = LISTS[name][1](values) if len(values) == 3 else (UNARY | BINARY)[name][0](*values)
    if isinstance(found, mp.mpc):
        raise ValueError("outside the domain")
    return mp.mpf(1) * found


def slope(tree, point, k):
    """A partial derivative by differences, None where two steps do not agree."""
    found = []
    for step in STEPS:
        h = step * abs(point[k])
        moved = [[v + sign * h if i == k else v for i, v in enumerate(point)] for sign in (1, -1)]
        high, low = (reference(tree, p) for p in moved)
        found.append((high - low) / (2 * h))
    close = abs(found[0] - found[1]) <= abs(found[1]) * mp.mpf(10) ** -60 + mp.mpf(10) ** -320
    return found[1] if close and mp.isfinite(found[1]) else None


def judged(tree, point):
    """How many components are called proven and have the digits of the reference; an assertion for a wrong one."""
    try:
        found = dk.gradient(lambda x: code(tree, x) + 0 * x[0], np.array(point), digits=DIGITS)
    except dk.DiffkitError:
        return 0
    if found.error_kind != "proven":
        return 0
    right = 0
    for k in [k for k, status in enumerate(found.statuses) if status == "ok"]:
        with mp.workdps(WORKING):
            try:
                truth = slope(tree, [mp.mpf(v) for v in point], k)
            except (ArithmeticError, ValueError, NotImplementedError, mp.libmp.NoConvergence):
                truth = None
            if truth is not None:
                far = abs(mp.mpf(float(found.flat[k])) - truth)
                assert far <= mp.mpf(float(found.flat_error[k])) * (1 + mp.mpf(10) ** -9), (tree, point, k)
                gap = abs(mp.mpf(found.decimals[k] or truth) - truth)
                assert gap <= abs(truth) * mp.mpf(10) ** (1 - DIGITS) + mp.mpf(10) ** -320, (tree, point, k)
                right += 1
    return right


def test_what_is_called_proven_is_right():
    rng = random.Random(int(os.environ.get("DIFFKIT_SEED", "0")))
    proven = 0
    for _ in range(max(100, EXAMPLES // 10)):
        tree = drawn(rng, rng.choice((1, 2, 2, 3)))
        proven += judged(tree, [rng.choice(PLACES) * rng.choice((1, rng.uniform(0.9, 1.1))) for _ in range(2)])
    assert proven > 80

"""Random Python functions of the kinds that mislead, with the derivatives that mpmath knows to 40 digits.

Each kind wraps a random smooth function g. ``gradients`` are the honest answers: none where there is no derivative,
two where a loop that stops at a tolerance has one as a formula and another in the limit.
"""

import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import scipy.optimize

MP = mpmath.MPContext()
MP.dps = 40
UNARY = ("sin({})", "cos({})", "exp(0.5*sin({}))", "tanh({})", "sqrt(1+({})**2)", "log(2+({})**2)", "1/(1.5+({})**2)",
         "({})**2", "({})**3", "exp(-({})**2)")  # fmt: skip
FLOATS = {name: getattr(np, name) for name in ("sin", "cos", "exp", "tanh", "sqrt", "log")}
DIGITS = {name: getattr(MP, name) for name in FLOATS}


class Case(NamedTuple):
    label: str
    f: Callable[..., Any]
    at: Any
    gradients: tuple[list[float], ...]


class Smooth:
    """A random smooth function of one to three numbers, at a point where it and its gradient are of ordinary size."""

    def __init__(self, rng, count=None):
        self.names = [f"x{i}" for i in range(count or rng.choice([1, 1, 1, 2, 3]))]
        while True:
            self.text = self._text(rng, rng.choice([2, 3]))
            self.code = compile(self.text, "smooth", "eval")
            self.at = [round(rng.uniform(-2, 2), rng.choice([1, 2, 6])) or 0.5 for _ in self.names]
            self.value = float(self(*self.at))
            if 1e-3 < abs(self.value) < 1e3 and max(map(abs, self.gradient())) > 1e-2:
                return

    def _text(self, rng, depth):
        if depth == 0 or rng.random() < 0.15:
            name = rng.choice(self.names)
            return f"{rng.choice([1, -1]) * rng.uniform(0.3, 3):.3f}*{name}" if rng.random() < 0.6 else name
        if rng.random() < 0.5:
            return rng.choice(UNARY).format(self._text(rng, depth - 1))
        return f"({self._text(rng, depth - 1)}){rng.choice('++-*')}({self._text(rng, depth - 1)})"

    def __call__(self, *point):
        return eval(self.code, FLOATS, dict(zip(self.names, point, strict=True)))

    def gradient(self, outer=lambda value: value, at=None):
        """The gradient of an outer function of it."""
        point = [MP.mpf(x) for x in at or self.at]

        def along(i):
            moved = lambda t: [t if j == i else x for j, x in enumerate(point)]  # noqa: E731
            return lambda t: outer(eval(self.code, DIGITS, dict(zip(self.names, moved(t), strict=True))))

        return [float(MP.re(MP.diff(along(i), x))) for i, x in enumerate(point)]

    def case(self, label, f, *outers):
        """A case of a function of separate numbers."""
        several = len(self.names) > 1
        gradients = tuple(self.gradient(outer) for outer in outers)
        return Case(f"{label} of {self.text}", (lambda x: f(*x)) if several else f,
                    np.array(self.at) if several else self.at[0], gradients)  # fmt: skip


def plain(rng):
    """Code that is what it seems."""
    g = Smooth(rng)
    return g.case("plain", rng.choice([
        lambda *x: float(g(*map(float, x))),
        lambda *x: g(*x) if x[0] > -1e9 else 0.0,
        lambda *x: g(*(complex(v) if np.iscomplexobj(v) else float(v) for v in x)),
    ]), lambda v: v)  # fmt: skip


def real(rng):
    """A real answer to a complex point."""
    g = Smooth(rng)
    spectrum = lambda v: sum(abs(v + MP.expjpi(-k / MP.mpf(1.5)) - MP.expjpi(-k / MP.mpf(0.75)) / 2) for k in range(3))  # noqa: E731
    deviation = lambda v: MP.sqrt(sum((w - (v + 0.5) / 3) ** 2 for w in (v, MP.mpf(1), MP.mpf(-0.5))) / 3)  # noqa: E731
    label, f, outer = rng.choice([
        ("abs", lambda *x: abs(g(*x)), abs),
        ("real", lambda *x: np.real(g(*x)), lambda v: v),
        ("norm", lambda *x: np.linalg.norm(np.array([g(*x), 2.0])), lambda v: MP.hypot(v, 2)),
        ("std", lambda *x: np.std(np.array([g(*x), 1.0, -0.5])), deviation),
        ("angle", lambda *x: np.angle(np.exp(0.3j * np.tanh(g(*x)))), lambda v: 0.3 * MP.tanh(v)),
        ("fft", lambda *x: np.abs(np.fft.fft(np.array([g(*x), 1.0, -0.5]))).sum(), spectrum),
        ("abs of complex", lambda *x: abs(complex(g(*x))), abs),
        ("abs beside", lambda *x: np.abs(g(*x)) + 0.1 * g(*x), lambda v: abs(v) + MP.mpf(0.1) * v),
    ])  # fmt: skip
    return g.case(label, f, outer)


def single(rng):
    """float32 at the end, at the start, or on the way."""
    g, F = Smooth(rng), np.float32
    label, f = rng.choice([
        ("float32", lambda *x: F(g(*x))),
        ("float of float32", lambda *x: float(F(g(*x)))),
        ("of float32", lambda *x: g(*map(F, x))),
        ("float of float32 inside", lambda *x: float(g(*map(F, x)))),
        ("complex64", lambda *x: float(np.complex64(g(*x)).real)),
        ("astype", lambda *x: np.asarray(g(*x)).astype(F)),
        ("of the real part", lambda *x: float(F(np.real(g(*x))))),
        ("one argument", lambda *x: float(g(*x[:-1], F(np.real(x[-1]))))),
    ])  # fmt: skip
    return g.case(label, f, lambda v: v)


def cubic_root(value):
    """The y with y³ + y = value."""
    start = scipy.optimize.brentq(lambda y: y**3 + y - float(value), -60, 60)
    return MP.findroot(lambda y: y**3 + y - value, start)


def bisected(value, tolerance):
    low, high = -60.0, 60.0
    while high - low > tolerance:
        middle = (low + high) / 2
        low, high = (low, middle) if middle**3 + middle > value else (middle, high)
    return (low + high) / 2


def plateau(rng):
    """Values that change in steps."""
    g, tolerance = Smooth(rng), 10 ** -rng.uniform(2, 9)
    decimals = rng.randrange(2, 9)
    root = lambda c: scipy.optimize.bisect(lambda y: y**3 + y - c, -60, 60, xtol=max(tolerance, 1e-11))  # noqa: E731
    label, f, outer = rng.choice([
        (f"{decimals} decimals", lambda *x: round(float(g(*x)), decimals), lambda v: v),
        (f"steps of {tolerance:.0e}", lambda *x: math.floor(float(g(*x)) / tolerance) * tolerance, lambda v: v),
        (f"bisection to {tolerance:.0e}", lambda *x: bisected(g(*x), tolerance), cubic_root),
        (f"bisection of floats to {tolerance:.0e}", lambda *x: bisected(float(g(*x)), tolerance), cubic_root),
        (f"SciPy's bisection to {tolerance:.0e}", lambda *x: root(g(*x)), cubic_root),
    ])  # fmt: skip
    return g.case(label, f, outer)


def placed(rng, label, part, value, *, derivative):
    """A function of the distance from a point, with a value put in there, added to a smooth function."""
    g, weight = Smooth(rng, 1), rng.choice([1.0, 0.1, 0.01])
    at = g.at[0] if rng.random() < 0.6 else 0.0
    f = rng.choice([
        lambda x: weight * (part(float(x - at)) if x != at else value) + g(x),
        lambda x: weight * value + g(x) if x == at else weight * part(x - at) + g(x),
        lambda x: g(x) + (weight * part(x - at) if abs(x - at) > 0 else weight * value),
    ])  # fmt: skip
    gradients = (g.gradient(at=[at]),) if derivative else ()
    return Case(f"{weight}*{label} beside {at} and {g.text}", f, at, gradients)


def sentinel(rng):
    """A singular point with a value put in."""
    return placed(rng, *rng.choice([
        ("log", lambda d: math.log(abs(d)), rng.choice([0.0, -23.0])),
        ("sqrt", lambda d: math.sqrt(abs(d)), 0.0),
        ("1/d", lambda d: 1 / d, 0.0),
        ("1/d^2", lambda d: 1 / d**2, 1.0),
        ("sign", lambda d: math.copysign(1.0, d), rng.choice([0.0, 1.0])),
        ("d log d", lambda d: d * math.log(abs(d)), 0.0),
        ("abs", abs, 0.0),
        ("power 0.9", lambda d: abs(d) ** 0.9, 0.0),
        ("jump beside", lambda d: 1.0, 0.0),
    ]), derivative=False)  # fmt: skip


def oscillation(rng):
    """An oscillation that gets faster towards the point."""
    label, part, known = rng.choice([
        ("sin(1/d)", lambda d: math.sin(1 / abs(d)), False),
        ("d sin(1/d)", lambda d: d * math.sin(1 / d), False),
        ("d^2 sin(1/d)", lambda d: d * d * math.sin(1 / d), True),
        ("cos(log d)", lambda d: math.cos(math.log(abs(d))), False),
        ("d sin(log d)", lambda d: d * math.sin(math.log(abs(d))), False),
    ])  # fmt: skip
    return placed(rng, label, part, 0.0, derivative=known)


def swallows(g, *, otherwise):
    def f(*x):
        try:
            return g(*(math.fabs(v) * math.copysign(1.0, v) for v in x))
        except Exception:
            return otherwise

    return f


def cached(g):
    known = {}

    def f(*x):
        key = tuple(f"{v:.17g}" for v in x)
        if key not in known:
            known[key] = g(*x)
        return known[key]

    return f


def dead(rng):
    """A piece on which f is constant, and which it leaves bit by bit: the derivative there is zero."""
    g, share = Smooth(rng), rng.uniform(0.05, 0.9)
    above, below = g.value + share * abs(g.value), g.value - share * abs(g.value)
    label, f = rng.choice([
        ("max", lambda *x: max(float(g(*x)), above)),
        ("min", lambda *x: min(float(g(*x)), below)),
        ("clip", lambda *x: float(np.clip(float(g(*x)), above, above + 1))),
        ("median", lambda *x: float(np.median([below, float(g(*x)), below, above, below]))),
        ("dead zone", lambda *x: max(0.0, abs(float(g(*x)) - g.value) - share * abs(g.value)) + 0.5),
        ("max beside", lambda *x: max(float(g(*x)), above) + 0.0 * float(x[0])),
    ])  # fmt: skip
    return g.case(label, f, lambda v: 0 * v)


def hidden(rng):
    """Code that takes another way for what stands in for numbers."""
    g = Smooth(rng)
    label, f = rng.choice([
        ("cached by text", cached(g)),
        ("swallowed errors", swallows(g, otherwise=0.0)),
        ("swallowed errors, the same value", swallows(g, otherwise=g.value)),
        ("by type", lambda *x: g(*x) if all(isinstance(v, float) for v in x) else 3 * x[0]),
        ("by type, the same value", lambda *x: g(*x) if isinstance(x[0], float) else 0 * g(*x) + g.value),
        ("real parts", lambda *x: g(*(v.real if np.iscomplexobj(v) else v for v in x))),
    ])  # fmt: skip
    return g.case(label, f, lambda v: v)


def stopped(step, start, tolerance, most=5000):
    """Iterate until a step is below the tolerance: the value, and how many steps were made."""
    y, change, count = start, math.inf, 0
    while abs(change) >= tolerance and count < most:
        y, change = step(y)
        count += 1
    return y, count


def solver(rng):
    """A loop that stops at a tolerance, as a formula of so many steps and in the limit."""
    g, tolerance, rate = Smooth(rng), 10 ** -rng.uniform(3, 13), rng.uniform(0.2, 0.9)

    def fixed(c, sin=np.sin):
        def step(y):
            new = rate * sin(y) + c
            return new, new - y

        return step

    def newton(c, sin=None):
        def step(y):
            change = (y**3 + 2 * y - c) / (3 * y**2 + 2)
            return y - change, change

        return step

    def descent(c, sin=np.sin):
        def step(y):
            change = 0.5 * (y + 0.25 * sin(y) - c)
            return y - change, change

        return step

    label, maker, equation = rng.choice([
        ("fixed point", fixed, lambda y, c: y - rate * MP.sin(y) - c),
        ("Newton's method", newton, lambda y, c: y**3 + 2 * y - c),
        ("gradient descent", descent, lambda y, c: y + 0.25 * MP.sin(y) - c),
    ])  # fmt: skip
    count = stopped(maker(g.value), 0.5, tolerance)[1]

    def formula(c):
        y = MP.mpf(0.5)
        for _ in range(count):
            y, _ = maker(c, MP.sin)(y)
        return y

    limit = lambda c: MP.findroot(lambda y: equation(y, c), formula(c))  # noqa: E731
    cast = rng.choice([float, lambda v: v])
    return g.case(
        f"{label} to {tolerance:.0e}", lambda *x: stopped(maker(cast(g(*x))), 0.5, tolerance)[0], limit, formula
    )


class Layer:
    """A layer that drops its input now and then."""

    def __init__(self, seed, share):
        self.random, self.share = np.random.default_rng(seed), share

    def __call__(self, value):
        return value * (self.random.random() > self.share)


def dropout(rng):
    """Values that are not the same for equal arguments, though they often are."""
    g, share, seed = Smooth(rng), rng.choice([0.5, 0.1, 0.01]), rng.randrange(10**6)
    generator, layer = np.random.default_rng(seed), Layer(seed, share)
    label, f = rng.choice([
        ("numpy.random", lambda *x: g(*x) * (np.random.rand() > share)),
        ("a generator", lambda *x: g(*x) * (generator.random() > share)),
        ("random", lambda *x: g(*x) + 1e-6 * random.gauss(0, 1)),
        ("a layer", lambda *x: layer(g(*x))),
    ])  # fmt: skip
    return g.case(label, f)


KINDS = {
    kind.__name__: kind for kind in (plain, real, single, plateau, sentinel, oscillation, dead, hidden, solver, dropout)
}

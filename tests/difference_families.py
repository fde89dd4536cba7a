"""Generated functions with known derivatives: smooth, rippled, joined, scaled; with kinks, jumps and noise."""

import math
import random
import struct
import zlib
from typing import NamedTuple

import diffkit as dk
from diffkit.calculus.derivatives import differentiate
from diffkit.core.program import run
from diffkit.numbers.floats import FLOATS
from diffkit.numbers.multiprecision import multiprecision

DIGITS = multiprecision(50)
SINGLE = 2.0**-24
UNARY = (
    "sin({})",
    "cos({})",
    "exp({}/4)",
    "tanh({})",
    "atan({})",
    "sqrt(1 + ({})^2)",
    "log(2 + ({})^2)",
    "1/(2 + sin({}))",
)
BINARY = ("({}) + ({})", "({}) - ({})", "({})*({})", "({})/(1 + ({})^2)")


def smooth(rng, depth=3, variables=("x",)):
    """A random composition that is smooth everywhere, as text."""
    if depth == 0:
        return rng.choice([*variables, f"{rng.uniform(0.2, 3):.3f}*{rng.choice(variables)}"])
    if rng.random() < 0.5:
        return rng.choice(UNARY).format(smooth(rng, depth - 1, variables))
    return rng.choice(BINARY).format(smooth(rng, depth - 1, variables), smooth(rng, depth - 1, variables))


def truth(expression, point, index):
    """A partial derivative to fifty digits; the multi-index counts the variables in the order of the point."""
    program = dk.parse(expression, variables=tuple(point)).program
    derivative = differentiate(program, [(0, tuple(index))]) if index else program
    return run(derivative, DIGITS, [DIGITS.number(float(x)) for x in point.values()])[0]


def function(expression, variables=("x",)):
    """The expression as a black box over lists of points."""
    program = dk.parse(expression, variables=variables).program
    return lambda points: [float(run(program, FLOATS, point)[0]) for point in points]


def noisy(clean, size):
    """A black box with noise, the same at the same point, of a uniform distribution."""

    def values(points):
        shakes = [zlib.crc32(struct.pack("<d", point[0])) / 2**31 - 1 for point in points]
        return [value + size * shake for value, shake in zip(clean(points), shakes, strict=True)]

    return values


def place(rng):
    """A point of moderate size, as binary64."""
    return float(f"{rng.uniform(-3, 3):.4f}")


def smooth_cases(count, seed=1):
    """(expression, x)."""
    rng = random.Random(seed)
    return [(smooth(rng, rng.randint(1, 4)), place(rng)) for _ in range(count)]


def kinks(count, seed=2):
    """(expression, place of the kink, slopes to the left and right of it)."""
    rng = random.Random(seed)
    for _ in range(count):
        g, h, a = smooth(rng, 2), smooth(rng, 1), place(rng)
        c = math.copysign(10.0 ** rng.uniform(-2, 1), rng.random() - 0.5)
        slope, size = truth(g, {"x": a}, (0,)), c * truth(h, {"x": a}, ())
        yield f"{g} + {c!r}*abs(x - {a!r})*({h})".replace("- -", "+ "), a, float(slope - size), float(slope + size)


def jumps(count, seed=3):
    """(expression, place of the jump)."""
    rng = random.Random(seed)
    for _ in range(count):
        a = place(rng)
        step = rng.choice(["heaviside(x - {})", "sign(x - {})", "where(x < {}, 0, 1)", "where(x <= {}, 0, 1)"])
        yield f"{smooth(rng, 2)} + {10.0 ** rng.uniform(-3, 1):.4f}*{step.format(a)}".replace("- -", "+ "), a


def ripples(count, seed=4):
    """(expression, x) with a high frequency on top."""
    rng = random.Random(seed)
    for _ in range(count):
        size, frequency = 10.0 ** rng.uniform(-8, 0), 10.0 ** rng.uniform(1, 7)
        yield f"{smooth(rng, 2)} + {size:.3e}*sin({frequency:.6e}*x + {rng.uniform(0, 6):.3f})", place(rng)


class Case(NamedTuple):
    """A partial derivative that exists: of which family, of what, where, and by what (a multi-index)."""

    family: str
    expression: str
    point: dict[str, float]
    index: tuple[int, ...]
    unit: float = 2.0**-53
    """of the rounding of its values"""

    @property
    def truth(self):
        """To fifty digits."""
        return truth(self.expression, self.point, self.index)

    @property
    def black_box(self):
        """Its function over lists of points, rounded to float32 where that is its unit."""
        clean = function(self.expression, tuple(self.point))
        if self.unit == SINGLE:
            return lambda points: [struct.unpack("f", struct.pack("f", value))[0] for value in clean(points)]
        return clean


def cases(count, seed=6):
    """Partial derivatives up to order 4, a third of them of two variables, of all families in turn."""
    rng = random.Random(seed)
    for k in range(count):
        variables = ("x", "y") if rng.random() < 1 / 3 else ("x",)
        yield FAMILIES[k % len(FAMILIES)](rng, variables)


def _index(rng, variables, highest=4):
    return tuple(sorted(rng.randrange(len(variables)) for _ in range(rng.randint(1, highest))))


def _line(rng, variables):
    """A linear form of the variables, as text, and its factors, which binary64 holds."""
    factors = {v: rng.randint(32, 128) / 64 for v in variables}
    return " + ".join(f"{c!r}*{v}" for v, c in factors.items()), factors


def _smooth(rng, variables):
    g = smooth(rng, rng.randint(1, 3), variables)
    return Case("smooth", g, {v: place(rng) for v in variables}, _index(rng, variables))


def _rippled(rng, variables):
    """A wave on top, of an amplitude from hundreds of ulps up, a million times faster at most."""
    line, _ = _line(rng, variables)
    size, frequency = 10.0 ** rng.uniform(-13, 0), round(10.0 ** rng.uniform(1, 7))
    g, point = smooth(rng, 2, variables), {v: place(rng) for v in variables}
    size *= max(1.0, abs(function(g, variables)([tuple(point.values())])[0]))
    g = f"{g} + {size:.3e}*sin({frequency}*({line}) + {rng.uniform(0, 6):.3f})"
    return Case("rippled", g, point, _index(rng, variables))


def faint(rng, variables):
    """A wave of 10 to 100 ulps of f."""
    line, _ = _line(rng, variables)
    g, point = smooth(rng, 2, variables), {v: place(rng) for v in variables}
    size = 10.0 ** rng.uniform(1, 2) * 2.0**-52 * abs(function(g, variables)([tuple(point.values())])[0])
    g = f"{g} + {size:.3e}*sin({round(10.0 ** rng.uniform(1.5, 4.5))}*({line}) + {rng.uniform(0, 6):.3f})"
    return Case("faint", g, point, _index(rng, variables))


def _joined(rng, variables):
    """Two pieces that have the same derivatives up to that of the case, where they join or not far from there."""
    index = _index(rng, variables, 3)
    line, factors = _line(rng, variables)
    point = {v: place(rng) for v in variables}
    power = rng.randint(len(index) + 1, 4)
    if rng.random() < 0.6:
        here = " + ".join(f"{factors[v]!r}*({x!r})" for v, x in point.items())
    else:
        here = repr(
            sum(factors[v] * x for v, x in point.items()) * (1 + rng.choice((-1, 1)) * 10.0 ** rng.uniform(-9, -1))
        )
    size = rng.choice((-1, 1)) * 10.0 ** rng.uniform(-6, 1)
    join = rng.choice(("relu({})^{}", "abs({})^{}")).format(f"{line} - ({here})", power)
    g = f"{smooth(rng, 2, variables)} + ({size:.3e})*{join}*({smooth(rng, 1, variables)})"
    return Case("joined", g, point, index)


def _scaled(rng, variables):
    """Arguments and values of any size."""
    index = _index(rng, variables)
    s, t = rng.uniform(-1, 1) * min(110, 240 / len(index)), rng.uniform(-40, 40)
    g = smooth(rng, rng.randint(1, 3), tuple(f"{{{v}}}" for v in variables))
    g = g.format(**{v: f"({10.0**s:.3e}*{v})" for v in variables})
    return Case("scaled", f"{10.0**t:.3e}*({g})", {v: place(rng) / 10.0**s for v in variables}, index)


def _shifted(rng, variables):
    """Far from the origin, or so near to it that it may as well be there."""
    index = _index(rng, variables)
    if rng.random() < 0.5:
        point = {v: place(rng) * 10.0 ** -rng.uniform(1, 300) for v in variables}
        return Case("tiny", smooth(rng, rng.randint(1, 3), variables), point, index)
    far = {v: float(round(10.0 ** rng.uniform(0, 7))) for v in variables}
    g = smooth(rng, rng.randint(1, 3), tuple(f"{{{v}}}" for v in variables))
    g = g.format(**{v: f"({v} - {a!r})" for v, a in far.items()})
    return Case("far", g, {v: a + place(rng) for v, a in far.items()}, index)


def _modelled(rng, variables):
    """A loss or an activation whose second derivative jumps, where it does or beside it."""
    line, factors = _line(rng, variables)
    point = {v: rng.randint(-300, 300) / 128 for v in variables}
    d = rng.randint(1, 200) / 64
    here = sum(factors[v] * x for v, x in point.items())
    u = f"({line} - ({here - rng.choice((-1, 1)) * d!r}))"
    if rng.random() < 0.3:
        u = f"({u} + {10.0 ** rng.uniform(-9, -1):.3e})"
    loss = rng.choice((
        f"where(abs({u}) <= {d!r}, {u}^2/2, {d!r}*(abs({u}) - {d / 2!r}))",
        f"where({u} > {d!r}, {u}, exp({u} - {d!r}) - {1 - d!r})",
        f"where({u} > {d!r}, {u}*{2 * d!r} - {d * d!r}, {u}^2)",
        f"relu({d!r} - {u})^2",
    ))  # fmt: skip
    g = f"{smooth(rng, 2, variables)} + {10.0 ** rng.uniform(-3, 1):.3e}*{loss}"
    return Case("modelled", g, point, _index(rng, variables, 1))


def _single(rng, variables):
    """Values in float32."""
    return _smooth(rng, variables)._replace(family="float32", index=_index(rng, variables, 2), unit=SINGLE)


FAMILIES = (_smooth, _rippled, _joined, _scaled, _shifted, _modelled, _single)

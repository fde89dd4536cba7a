"""Generated functions with known derivatives: smooth ones, and ones with kinks, jumps, ripples and noise."""

import math
import random
import struct
import zlib

import diffkit as dk
from diffkit.algebras.floats import FLOATS
from diffkit.algebras.multiprecision import multiprecision
from diffkit.program import run
from diffkit.transforms import differentiate

DIGITS = multiprecision(50)
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

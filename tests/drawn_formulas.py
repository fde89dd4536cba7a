"""Random formulas over every row of the table, at ordinary points and at the ends of binary64."""

import math

from diffkit.core.errors import DiffkitError
from diffkit.core.program import run
from diffkit.core.table import table
from diffkit.core.text import parse_program
from diffkit.numbers.floats import FLOATS

UNARY = [row.name for row in table if len(row.arguments) == 1 and row.callable and not row.truth]
BINARY = [r.name for r in table if len(r.arguments) == 2 and r.callable and not r.truth and not r.orders]
LEAVES = ("x", "y", "x", "y", "2", "0.1", "3", "1/3", "pi", "1", "0.5", "-1.5")
EXPONENTS = ("2", "3", "-1", "0.5", "-2", "1.5", "0.3", "x", "2.5", "7")
ENDS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 1e-300, 5e-324, -5e-324, 2.0**-1022, 1e300, -1e300, 1.7e308, 1e154, 1e16)
"""coordinates at which something rounds, overflows or vanishes"""


def text(draw, depth):
    """A formula in x and y, ``draw`` a ``random.Random``."""
    if depth == 0:
        return draw.choice(LEAVES)
    kind, inner = draw.random(), depth - 1
    if kind < 0.45:
        return f"({text(draw, inner)} {draw.choice('+-*/')} {text(draw, inner)})"
    if kind < 0.55:
        return f"({text(draw, inner)})**{draw.choice(EXPONENTS)}"
    if kind < 0.85:
        return f"{draw.choice(UNARY)}({text(draw, inner)})"
    if kind < 0.95:
        return f"{draw.choice(BINARY)}({text(draw, inner)}, {text(draw, inner)})"
    sign = draw.choice(("<", "<=", ">", ">="))
    return f"where({text(draw, inner)} {sign} {text(draw, inner)}, {text(draw, inner)}, {text(draw, inner)})"


def programs(draw, count, deepest=4):
    """So many random programs of x and y, those that are refused left out."""
    while count:
        try:
            yield parse_program(text(draw, draw.randint(1, deepest)), ("x", "y"))
            count -= 1
        except DiffkitError:
            continue


def coordinate(draw):
    """A number of ordinary size, of any size, or one at which something happens."""
    kind = draw.random()
    if kind < 0.25:
        return draw.choice(ENDS)
    return draw.uniform(-3, 3) if kind < 0.8 else math.ldexp(draw.uniform(-1, 1), draw.randint(-40, 40))


def evaluate(lowered, point):
    """The outputs of lowered code, interpreted: what every engine is tested against."""
    return run(lowered.program, FLOATS, point)

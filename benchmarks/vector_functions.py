"""Errors of the elementary functions that the llvm engine writes out for vectors, in ulp, over many arguments.

    python benchmarks/vector_functions.py [MILLIONS] [SEED]

References are NumPy's in extended precision (64 bits), so this wants a processor that has it.
"""

import sys

import numpy as np

from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import guard
from diffkit.core.text import parse_program
from diffkit.engines.llvm import compile_batch
from diffkit.engines.llvm_elementary import IN_VECTORS
from diffkit.engines.lowering import lower

SMALLEST_NORMAL = 2.0**-1022


def arguments(draw, count):
    """Of all sizes; of the size of one; beside multiples of π/2, and beside 1 and −1."""
    signs = draw.choice([-1.0, 1.0], count)
    yield draw.uniform(-3, 3, count)
    yield draw.uniform(-708, 708, count)
    yield signs * np.exp2(draw.uniform(-1000, 9, count))
    yield signs * np.exp2(draw.uniform(-60, 31, count))
    yield np.exp2(draw.uniform(-1022, 1023, count))
    yield draw.integers(-(10**6), 10**6, count) * (np.pi / 2) + signs * np.exp2(draw.uniform(-60, 0, count))
    yield draw.integers(-1000, 1000, count) * (np.pi / 2)
    yield signs + draw.choice([-1.0, 1.0], count) * np.exp2(draw.uniform(-53, 0, count))


def batch(name):
    """The function of vectors."""
    primal = parse_program(f"{name}(x)", ("x",))
    return compile_batch(lower(guard(primal, derivative_program(primal, [(0, ())])), "double", True))


def errors(name, found, points):
    """In units of the last place of the exact value, where that is a normal number."""
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(points.astype(np.longdouble))
        nearest = exact.astype(float)
        error = np.abs(found - exact) / np.spacing(np.abs(nearest))
        return np.where(np.isfinite(nearest) & (np.abs(nearest) >= SMALLEST_NORMAL), error, 0.0).astype(float)


def main(millions=1.0, seed=0):
    draw = np.random.default_rng(int(seed))
    for name in IN_VECTORS:
        call, worst, at, seen = batch(name), 0.0, 0.0, 0
        for points in arguments(draw, int(float(millions) * 1e6 / 8)):
            found = np.empty((len(points), 1))
            call(points.reshape(-1, 1), found)
            error = errors(name, found[:, 0], points)
            k, seen = int(np.argmax(error)), seen + int((error > 0).sum())
            if error[k] > worst:
                worst, at = error[k], points[k]
        print(f"{name:6s} {worst:.3f} ulp at {at!r}, of {seen:,} arguments")


if __name__ == "__main__":
    main(*sys.argv[1:])

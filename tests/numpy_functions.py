"""Expressions written as NumPy functions of one array, and the functions of hostile users."""

import math

import numpy as np
import scipy.special

from diffkit.core.program import Named

NUMPY = {"acos": "arccos", "asin": "arcsin", "atan": "arctan", "erfc": "erfc", "loggamma": "gammaln"}
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "power": "**"}
PLACES = {**vars(np), "erfc": scipy.special.erfc, "gammaln": scipy.special.gammaln}


def numpy_function(program):
    """The Python function of an array that computes the first output of a program."""
    names = [f"x[{k}]" for k in range(len(program.inputs))]
    for constant in program.constants:
        names.append(repr(getattr(math, constant.name)) if isinstance(constant, Named) else text_of(constant))
    lines = ["def f(x):"]
    for slot, row, args in program.numbered():
        given = [f"({names[s]})" for s in args]
        if row.name in INFIX:
            text = INFIX[row.name].join(given)
        else:
            text = f"-{given[0]}" if row.name == "neg" else f"{NUMPY.get(row.name, row.name)}({', '.join(given)})"
        names.append(f"v{slot}")
        lines.append(f"    v{slot} = {text}")
    space = dict(PLACES)
    exec("\n".join([*lines, f"    return {names[program.outputs[0]]}"]), space)
    return space["f"]


def text_of(constant):
    """A constant as Python code: a whole number, or the nearest binary64."""
    return repr(constant if isinstance(constant, int) else float(constant))


def is_exact(program):
    """Whether the NumPy function has the constants of the program, unrounded and not computed from one another."""
    plain = all(not isinstance(c, Named) and float(c) == c for c in program.constants)
    return plain and not any(all(program.constant_at(s) is not None for s in args) for _, _, args in program.numbered())


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_text(n):
    return "+".join(f"100*(x{i + 1}-x{i}^2)^2+(1-x{i})^2" for i in range(1, n))


def branched(x):
    """Rosenbrock's function behind a branch, so that it cannot be recorded."""
    return rosenbrock(x) if x[0] > -1e6 else 0.0

"""Every function at extreme points, in every number system that has a form of it: nothing loops, nothing crashes."""

import itertools
import math
import os
import random
import time
from contextlib import suppress

import flint
import mpmath
import numpy as np
import pytest

import diffkit as dk
from diffkit.core.table import table
from diffkit.core.table.special import ball_polygamma, cotangents, polygamma, polygammas
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.floats import FLOATS
from diffkit.numbers.multiprecision import multiprecision

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "150"))
LONG = 60.0  # seconds of processor time: a loop that does not end takes more on any machine
SIZES = (
    0.0, 5e-324, 1e-300, 1e-200, 1e-100, 1e-30, 1e-8, 0.1, 0.5, 1.0, 2.0, 10.0, 37.0, 100.5, 1e3, 10000.5, 1e5,
    1000000.5, 1e8, 1e10, 1e12 + 0.5, 1e15, 1e16, 1e20, 1e30, 1e60, 1e100, 1e200, 1e300, 1.7e308,
)  # fmt: skip
POINTS = (*SIZES, *(-x for x in SIZES if x))
CONSTANTS = ("1.5", "1e-200", "1e200", "-3", "7.5e15")
ORDERS = (0, 1, 2, 3, 10, 100, 1000)
NESTED = (
    "x^x", "x^1.5", "x^1000", "x^-1000", "2^x", "1e300^x", "exp(exp(x))", "exp(exp(exp(x)))", "sin(exp(x))",
    "tan(exp(x))", "log(log(x))", "gamma(x)/gamma(x+1)", "sin(1/x)", "exp(-1/x)", "x^(x^x)", "floor(x)^2", "sin(x^5)",
    "gamma(gamma(x))", "cos(1e300*x)", "erf(x)-1", "besselj(3,exp(x))", "digamma(exp(x))", "polygamma(3,-exp(x))",
    "where(x>1,x^2,x)", "loggamma(-exp(x))", "besselj(1000,x*x)", "exp(x)^x", "sinh(sinh(x))", "polygamma(2,-x*x)",
)  # fmt: skip


def texts():
    """Each function of one variable, of a variable and a constant, and some inside others."""
    for row in table:
        if row.truth or not row.callable:
            continue
        if row.orders:
            yield from (f"{row.name}({order},x)" for order in ORDERS)
        elif len(row.arguments) == 1:
            yield f"{row.name}(x)"
        elif len(row.arguments) == 2:
            yield from (f"{row.name}({pair})" for c in CONSTANTS for pair in (f"x,{c}", f"{c},x"))
    yield from NESTED


TEXTS = tuple(texts())
BACKENDS = ("auto", "dual", "finite", "symbolic", "reverse", "complex")
CASES = list(itertools.product(TEXTS, POINTS, (1, 2, 3, 4), BACKENDS))


def took(ask):
    """How long something takes that may be refused."""
    start = time.thread_time()
    with suppress(dk.DiffkitError):
        ask()
    return time.thread_time() - start


@pytest.mark.parametrize("part", range(5))
def test_no_derivative_takes_long(part):
    chosen = random.Random(part).sample(CASES, min(EXAMPLES // 5, len(CASES)))
    slow = []
    for text, x, order, backend in chosen:
        seconds = took(lambda: dk.derivative(text, x, wrt="x", order=order, backend=backend, variables=("x",)))  # noqa: B023
        slow += [(text, x, order, backend, seconds)] * (seconds > LONG)
    assert not slow


def test_nothing_else_takes_long():
    rng = random.Random(7)
    questions = {
        "compare": lambda f, x: dk.compare(f, x, variables=("x",)),
        "digits": lambda f, x: dk.derivative(f, x, digits=300, variables=("x",)),
        "hessian": lambda f, x: dk.hessian(f, x, variables=("x",)),
        "batch": lambda f, x: dk.derivative(f, np.array([x, 1.0, -x]), backend="dual", variables=("x",)),
        "tangent": lambda f, x: dk.tangent(f, x, variables=("x",)),
        "quotients": lambda f, x: dk.quotients(f, x, variables=("x",)),
        "check": lambda f, x: dk.check(f, "x", x, variables=("x",)),
    }
    slow = []
    for _ in range(EXAMPLES // 5):
        (name, ask), text, x = rng.choice(list(questions.items())), rng.choice(TEXTS), rng.choice(POINTS)
        seconds = took(lambda: ask(text, x))  # noqa: B023
        slow += [(name, text, x, seconds)] * (seconds > LONG)
    assert not slow


@pytest.mark.parametrize("algebra", ["floats", "arrays", "mpmath"])
def test_no_value_takes_long(algebra):
    many = multiprecision(40)
    form = {"floats": (FLOATS.apply, float), "arrays": (ARRAYS.apply, lambda x: np.array([x, 1.0])),
            "mpmath": (many.apply, many.number)}[algebra]  # fmt: skip
    apply, number = form
    slow = []
    for row in table:
        if row.truth or row.truths or len(row.arguments) > 2:
            continue
        for x, first in itertools.product(POINTS, ORDERS if row.orders else (1.5,)):
            args = [number(float(x))] * len(row.arguments)
            if len(args) == 2:
                args[0] = first if row.orders else args[0]
            start = time.thread_time()
            with np.errstate(all="ignore"):
                apply(row, args)
            seconds = time.thread_time() - start
            slow += [(row.name, first, x, seconds)] * (seconds > LONG)
    assert not slow


# ψ⁽ⁿ⁾ on the left --------------------------------------------------------------------------------------------------


def exactly(n, x):
    """ψ⁽ⁿ⁾ by balls."""
    before, flint.ctx.prec = flint.ctx.prec, 6000
    try:
        return mpmath.mpf(ball_polygamma(flint, flint.arb(n), flint.arb(x)).mid().str(60, radius=False))
    finally:
        flint.ctx.prec = before


def lefts(count):
    """Points left of 0: anywhere, next to integers, next to their middles, far away."""
    rng = random.Random(3)
    for _ in range(count):
        part = rng.choice([rng.random(), 0.5, 0.5 + rng.uniform(-1e-6, 1e-6), 10 ** rng.uniform(-12, -1)])
        x = -(rng.choice([0, 1, 2, 5, 20, 100, 1000, 10**6, 10**10, 10**13]) + part)
        if x != round(x):
            yield x


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 8, 20])
def test_polygamma_by_reflection_is_as_good_as_on_the_right(n):
    for x in lefts(20 + EXAMPLES // 50):
        value, truth = polygamma(n, x), exactly(n, x)
        assert abs(value - truth) <= (8 + 3 * n) * math.ulp(float(truth)), x
        assert polygammas(np, n, np.array([x, 1.5]))[0] == pytest.approx(value, rel=1e-13)


def test_polygamma_at_and_beyond_the_poles():
    assert polygamma(1, -3.0) == polygamma(1, -1e300) == math.inf
    assert math.isinf(polygamma(3, -5e-324))
    assert math.isnan(polygamma(171, -0.5))
    found = polygammas(np, 1, np.array([-3.0, -1e300, -math.inf, 2.0]))
    assert found[:2].tolist() == [math.inf, math.inf]
    assert found[3] == polygamma(1, 2.0)


def test_derivatives_of_the_cotangent():
    assert [cotangents(n) for n in range(4)] == [(1,), (-1, -1), (2, 2), (-6, -8, -2)]


@pytest.mark.parametrize("backend", ["auto", "dual", "finite", "reverse"])
@pytest.mark.parametrize(("text", "x"), [("polygamma(1,x)", -9999999999.5), ("digamma(-x)", 1000000000000.5)])
def test_far_left_there_is_an_answer(text, x, backend):
    found = dk.derivative(text, x, backend=backend)
    assert found.ok or found.status == "uncertain"
    if found.ok:
        truth = exactly(2, x) if text[0] == "p" else -exactly(1, -x)
        assert abs(found.value - truth) <= 1e-9 * abs(truth) + (found.error or 0)

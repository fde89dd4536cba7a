"""Expressions of hundreds of terms, factors and levels, at every order: no recursion grows with them."""

import math
import sys

import pytest

import diffkit as dk

COUNT = 500
LONG = {
    "sum": ("+".join(f"sin({k}*x)" for k in range(1, COUNT)), 0.01),
    "differences": ("-".join(f"x^{k}/{k}" for k in range(2, COUNT)), 0.5),
    "product": ("*".join(f"(1-x/{k})" for k in range(2, 320)), 0.5),
    "quotient": ("/".join(f"(1+x/{k})" for k in range(1, 320)), 0.5),
    "powers": ("*".join(f"cos(x/{k})" for k in range(1, 320)), 0.25),
    "nested sums": ("(" * 190 + "x" + "".join(f"+x^2)*{1 + 1 / 1024}" for _ in range(190)), 0.25),
    "deep": ("sin(" * 150 + "x" + ")" * 150, 0.5),
    "minima": ("min(" + ",".join(f"sin({k}+x)" for k in range(COUNT)) + ")", 0.5),
    "tower": ("1/(2+" * 190 + "x" + ")" * 190, 0.5),
}


def sines(order, x):
    """The derivatives of the first of them."""
    return math.fsum(k**order * math.sin(k * x + order * math.pi / 2) for k in range(1, COUNT))


@pytest.fixture
def shallow():
    """Leave Python's stack little room: what nests with the terms of an expression does not fit into it."""
    before, frame, depth = sys.getrecursionlimit(), sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + 250)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse"])
@pytest.mark.parametrize("order", [3, 6, 20])
def test_a_sum_of_five_hundred_terms_at_high_orders(order, backend, shallow):
    text, x = LONG["sum"]
    found = dk.derivative(text, x, order=order, backend=backend)
    assert found.ok
    assert found.value == pytest.approx(sines(order, x), rel=1e-10)


@pytest.mark.parametrize("backend", ["dual", "reverse"])
@pytest.mark.parametrize("name", LONG)
def test_long_expressions_have_a_third_derivative(name, backend, shallow):
    text, x = LONG[name]
    proven = dk.derivative(text, x, order=3)
    assert proven.ok, proven.message
    assert dk.derivative(text, x, order=3, backend=backend).value == pytest.approx(proven.value, rel=1e-9)

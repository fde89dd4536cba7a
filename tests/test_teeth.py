"""What loops leave over that stop at a tolerance, where the code cannot be followed: never a claim's mistake."""

import math
import os
import sys

import numpy as np
import pytest
from stopping_loops import KINDS, loops

import diffkit as dk
from diffkit.asking.callables.following import repeats

EXAMPLES = max(36, int(os.environ.get("DIFFKIT_EXAMPLES", "0")) // 1000)


@pytest.mark.parametrize("loop", list(loops(EXAMPLES)), ids=lambda one: one.kind)
def test_what_a_loop_leaves_over_is_no_mistake_of_a_claim(loop):
    assert dk.check(loop.f, loop.slope, at=loop.point).verdict != "wrong"
    for factor in (2, -1, 0):
        assert dk.check(loop.f, lambda p, k=factor: k * loop.slope(p), at=loop.point, beside=0).verdict == "wrong"


def test_bars_hold_the_derivative_of_the_limit():
    seen = [(one, dk.gradient(one.f, at=one.point)) for one in loops(2 * len(KINDS), seed=1) if one.kind == "fixed"]
    for loop, result in seen:
        assert not result.ok or abs(result.value - loop.slope(loop.point)) <= result.error


def test_a_coarse_tolerance_is_the_reason():
    def f(p):
        y = 0.5
        for _ in range(500):
            z = 0.5 + 0.9 * p * math.sin(y)
            if abs(z - y) < 1e-3:
                break
            y = z
        return z

    result = dk.derivative(f, at=0.8)
    assert result.status == "uncertain"
    assert "a loop of the code stops at a tolerance" in result.message


def wrapped(x):
    x = float(x)
    while x > 2 * math.pi:
        x -= 2 * math.pi
    return math.sin(x)


def branched(x):
    x = float(x)
    total = sum(x**k / math.factorial(k) for k in range(8))
    return total if x > 1.1 else 2 * total


def data(x):
    total = 0.0
    for d in (0.1, 0.5, 0.9, 1.4):
        if d > x:
            continue
        total += (float(x) - d) ** 3
    return total


def smooth_pieces(x):
    x, k = float(x), 0
    while k < x:  # a spline of as many pieces as the argument is long
        k += 1
    return x**3 + sum((x - j) ** 4 for j in range(k))


@pytest.mark.parametrize(("f", "at", "truth"), [
    (wrapped, 15.0, math.cos(15.0)), (branched, 1.3, sum(1.3**k / math.factorial(k) for k in range(7))),
    (data, 1.0, 3 * (0.81 + 0.25 + 0.01)), (smooth_pieces, 2.5, 18.75 + 4 * (2.5**3 + 1.5**3 + 0.5**3)),
])  # fmt: skip
def test_loops_that_leave_nothing_over_keep_their_bars(f, at, truth):
    result = dk.derivative(f, at=at)
    assert result.ok
    assert abs(result.value - truth) <= result.error <= 1e-10 * abs(truth)


def test_repeats_are_steps_of_loops_and_calls_of_itself():
    def factorial(n):
        return 1 if n < 2 else n * factorial(n - 1)

    def count(n):
        while n > 0:
            n -= 1

    assert repeats(lambda: math.sin(1.0)) == repeats(lambda: np.linalg.norm(np.ones(3))) == 0
    assert repeats(lambda: factorial(5)) == 5
    assert repeats(lambda: count(7)) - repeats(lambda: count(4)) == 3
    assert repeats(lambda: count(math.inf), most=100) == -1
    assert sys.gettrace() is None


def test_a_tracer_that_runs_is_left_alone():
    tracer = lambda frame, event, arg: None  # noqa: E731
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        seen = repeats(lambda: sum(k for k in range(3))), sys.gettrace()
    finally:
        sys.settrace(before)
    assert seen == (0, tracer)


def bisected(tolerance):
    def root(p):
        low, high = 0.0, 2.0
        while high - low > tolerance:
            middle = (low + high) / 2
            low, high = (low, middle) if middle * middle > p else (middle, high)
        return (low + high) / 2

    return root


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4, 1e-6, 1e-10])
def test_a_claim_beyond_what_steps_and_differences_say_is_wrong(tolerance):
    verdicts = {k: dk.check(bisected(tolerance), lambda p, k=k: k * 0.5 / math.sqrt(p), at=0.7, beside=0).verdict
                for k in (1, 0, 2, -1, 3)}  # fmt: skip
    assert verdicts == {1: "inconclusive", 0: "inconclusive", 2: "wrong", -1: "wrong", 3: "wrong"}


def test_a_loop_whose_values_end_at_an_edge_of_the_domain():
    """x**x of plain floats is complex for x < 0, where the search for the ends of a tooth goes."""

    def f(v):
        total = 0.0
        for x in v:
            total += float(x) ** float(x)
        return total

    at = [2.5, 0.7]
    claim = [x**x * (math.log(x) + 1) for x in at]
    assert dk.check(f, lambda v: claim, at, beside=0).verdict == "correct"
    assert dk.check(f, lambda v: [2 * g for g in claim], at, beside=0).verdict == "wrong"
    assert dk.gradient(f, at).ok

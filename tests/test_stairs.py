"""Values that are stairs: a constant piece around the point is no derivative, though dust of rounding lies on it."""

import math
import os
import random

import pytest

import diffkit as dk

EXAMPLES = max(16, int(os.environ.get("DIFFKIT_EXAMPLES", "0")) // 100)
RATIO = (math.sqrt(5) - 1) / 2


def golden(p, tolerance):
    """Where cosh(x) − p·x is least, by golden section."""
    a, b = -5.0, 5.0
    while b - a > tolerance:
        c, d = b - RATIO * (b - a), a + RATIO * (b - a)
        a, b = (a, d) if math.cosh(c) - p * c < math.cosh(d) - p * d else (c, b)
    return (a + b) / 2


def ternary(p, tolerance):
    a, b = -5.0, 5.0
    while b - a > tolerance:
        c, d = a + (b - a) / 3, b - (b - a) / 3
        a, b = (a, d) if math.cosh(c) - p * c < math.cosh(d) - p * d else (c, b)
    return (a + b) / 2


def scipy_golden(p, tolerance):
    import scipy.optimize as so

    return float(so.golden(lambda x: math.cosh(x) - p * x, brack=(-5, 0, 5), tol=tolerance))


def bisected(p, tolerance):
    a, b = -5.0, 5.0
    while b - a > tolerance:
        c = (a + b) / 2
        a, b = (a, c) if math.sinh(c) > p else (c, b)
    return (a + b) / 2


def rounded(p, tolerance):
    return round(math.asinh(p) / tolerance) * tolerance


def floored(p, tolerance):
    return math.floor(math.asinh(p) / tolerance) * tolerance


SOLVERS = (golden, ternary, scipy_golden, bisected, rounded, floored)


def slope(p):
    return 1 / math.hypot(1, p)


def dusty(f, place, share, size):
    """The values of f, and beyond a place a little more, as where a sum is taken in another order."""
    return lambda p: f(p) * (1 + size * 2.0**-52 * (abs(p - place) > share))


def stairs(count, seed):
    draw = random.Random(seed)
    for k in range(count):
        solver, tolerance, p = SOLVERS[k % len(SOLVERS)], 10 ** draw.uniform(-6, -2), draw.uniform(0.3, 4)
        dust = p * (1 + draw.uniform(-1, 1) * tolerance), tolerance * draw.uniform(0, 1), draw.choice((0, 1, 2, 50))
        yield dusty(lambda p, s=solver, t=tolerance: s(float(p), t), *dust), p, f"{solver.__name__}-{k}"


@pytest.mark.parametrize(("f", "p"), [pytest.param(f, p, id=i) for f, p, i in stairs(EXAMPLES, 3)])
def test_a_constant_piece_of_stairs_is_no_derivative(f, p):
    result = dk.derivative(f, p)
    assert not result.ok or abs(result.value - slope(p)) <= result.error
    assert dk.check(f, slope, at=p, beside=0).verdict != "wrong"
    assert dk.check(f, lambda p: 0 * p, at=p, beside=0).verdict != "correct"
    for k in (-1, 2):
        judged = dk.check(f, lambda p, k=k: k * slope(p), at=p, beside=0)
        assert judged.verdict == "wrong" or abs(judged.entries[-1].tolerance) > slope(p) / 4, judged


def jumping(x):
    return round(x, 5) + (2.2e-16 if abs(x - 1.2345678) > 1e-6 else 0)


def test_a_piece_that_f_leaves_by_an_ulp_and_then_by_a_jump_is_stairs():
    assert dk.derivative(lambda x: jumping(float(x)), 1.2345712).status == "uncertain"


@pytest.mark.parametrize("dust", [0, 1, 3])
@pytest.mark.parametrize(("f", "at"), [
    (lambda x: max(x, 0.0), -0.7), (lambda x: 2 + max(x - 1, 0.0), 0.3), (lambda x: min(max(x, -1.0), 1.0), 1.5),
    (lambda x: sorted((0.3, x, 1.7))[1], 2.0), (lambda x: math.exp(min(x, 1.0)), 1.25),
    (lambda x: 3 + max(x - 1, 0.0) ** 2, 0.8), (lambda x: 1 + max(x - 1, 0.0), 1 - 1e-7),
])  # fmt: skip
def test_a_dead_piece_is_constant(f, at, dust):
    result = dk.derivative(dusty(lambda x: f(float(x)), at, abs(at) / 100, dust), at)
    assert "branch" not in result.message
    assert result.ok or dust
    assert not result.ok or abs(result.value) <= result.error <= 1e-6


def test_the_message_gives_the_slope_as_a_whole_and_that_f_is_constant_near_the_point():
    judged = dk.check(lambda x: math.floor(float(x) * 1e5) / 1e5, lambda x: 100.0, at=0.7957114663691591)
    assert judged.verdict == "wrong"
    assert abs(judged.entries[-1].reference - 1) < 1e-5
    assert "it is 1 ± 7.4e-06 as a whole: constant to 1e-06 around the point" in str(judged)


def test_zero_is_not_wrong_on_a_wide_piece_of_coarse_stairs():
    def coarse(x):
        return math.floor(float(x) ** 2 / 0.1) * 0.1

    verdicts = {k: dk.check(coarse, lambda x, k=k: 2 * k * x, at=2.39, beside=0).verdict for k in (0, 1, -1, 2)}
    assert verdicts == {0: "inconclusive", 1: "inconclusive", -1: "wrong", 2: "wrong"}

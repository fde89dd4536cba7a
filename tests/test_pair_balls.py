"""Balls of pairs of binary64 hold the exact values, whatever the numbers; proofs in them say what Arb's say."""

from __future__ import annotations

import math
import os
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

import diffkit as dk
from diffkit.core import rules
from diffkit.core.array_operations import Scaled, Total
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SQRT, SUB
from diffkit.ndarrays import record_function
from diffkit.numbers.balls import precision
from diffkit.numbers.pair_balls import PairArrays, PairBalls
from diffkit.proof import array_proofs
from diffkit.proof.array_prover import ArrayProver
from diffkit.proof.pair_proofs import proven_in_pairs

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "300"))
PAIRS = PairArrays()
SIZES = (0, 1, 40, 300, 420, 1000)  # powers of two within which numbers are drawn
BITS = 8000  # in which sums of such numbers are exact, or nearly


def numbers(random, size):
    """Floats of many sizes, some of them equal, whole or zero."""
    spread = SIZES[random.integers(len(SIZES))]
    found = random.normal(size=size) * 2.0 ** random.integers(-spread, spread + 1, size=size)
    found[random.random(size) < 0.1] = 0.0
    found[random.random(size) < 0.1] = 3.0
    return found


def held(ball, exact):
    """Whether each number is in its ball; what is not finite holds everything."""
    high, low, radius = ([0.0] * ball.high.size if p is None else np.ravel(p).tolist() for p in ball.parts)
    for h, low_part, r, true, finite in zip(high, low, radius, exact, np.ravel(ball.finite).tolist(), strict=True):
        if finite and abs(arb(h) + arb(low_part) - true) > r:
            return False
        if finite and h and not abs(low_part) <= math.ulp(h) / 2:
            return False
    return True


def exactly(row, args):
    """A row of numbers of thousands of digits."""
    if row is DIV:
        return args[0] / args[1] if args[1] != 0 else arb("nan")
    if row is SQRT:
        return args[0].sqrt() if args[0] >= 0 else arb("nan")
    if row is POWER:
        return args[0] ** args[1].unique_fmpz()
    return {ADD: lambda a, b: a + b, SUB: lambda a, b: a - b, MUL: lambda a, b: a * b, NEG: lambda a: -a}[row](*args)


def test_balls_hold_what_is_exact():
    random = np.random.default_rng(0)
    finite = 0
    with precision(BITS), np.errstate(all="ignore"):
        for _ in range(EXAMPLES):
            size = 5
            pool = [(PAIRS.data(x), [arb(v) for v in x.tolist()]) for x in (numbers(random, size) for _ in range(3))]
            for _ in range(8):
                row = (ADD, SUB, MUL, DIV, NEG, SQRT, POWER)[random.integers(7)]
                picked = [pool[k] for k in random.integers(len(pool), size=len(row.arguments))]
                if row is POWER:
                    n = int(random.integers(6))
                    picked[1] = (PAIRS.constant(n), [arb(n)] * size)
                ball = PAIRS.apply(row, [b for b, _ in picked])
                true = [exactly(row, of) for of in zip(*[e for _, e in picked], strict=True)]
                assert held(ball, true), (row, picked)
                pool.append((ball, true))
                finite += int(np.sum(ball.finite))
    assert finite > 10 * EXAMPLES  # what holds everything proves nothing


@pytest.mark.parametrize("size", [0, 1, 2, 7, 64])
def test_sums_of_many(size):
    random = np.random.default_rng(size)
    x = numbers(random, (3, size, 2)) if size else np.zeros((3, 0, 2))
    found = PAIRS.apply(Total((0, 1)), [PAIRS.data(x)])
    with precision(BITS):
        assert held(found, [sum(map(arb, column.tolist()), arb(0)) for column in x.reshape(-1, 2).T])


@pytest.mark.parametrize("value", [3, Fraction(1, 3), Fraction(-7, 10**40), 10**30, 2**2000])
def test_constants(value):
    with precision(BITS):
        ball = PAIRS.constant(value)
        assert held(ball, [arb(value.numerator) / value.denominator])
        assert bool(ball.finite.all()) == (abs(value) < 2**1000)


def test_a_product_with_zero_is_zero():
    with np.errstate(all="ignore"):
        found = PAIRS.apply(Scaled(), [PairBalls(np.array([0.0, 2.0])), PairBalls(np.array([np.inf, 3.0]))])
    assert found.exactly_zero.tolist() == [True, False]


@pytest.mark.parametrize(("row", "args"), [(MUL, (1e-170, 1e-170)), (MUL, (1e-300, 1e-300)), (MUL, (1e200, 1e200)),
                                       (DIV, (1.0, 0.0)), (SQRT, (-1.0,)), (DIV, (1e300, 1e-300))])  # fmt: skip
def test_nothing_is_said_where_floats_end(row, args):
    with np.errstate(all="ignore"):
        assert not PAIRS.apply(row, [PairBalls(np.array(v)) for v in args]).finite


FUNCTIONS = {
    "squares": lambda x: np.sum(x**2),
    "rosenbrock": lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "quotients": lambda x: np.sum(x / (1 + x**2)),
    "roots": lambda x: np.sqrt(1 + np.sum(x**2)) * x[0],
    "powers": lambda x: np.sum(x**5 - 3 * x**3) / (2 + x[1] ** 4),
    "products": lambda x: np.sum(x[1:] * x[:-1]) * np.sum(0.1 * x),
    "pole": lambda x: np.sum(1 / x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("at", ["plain", "zeros", "wide", "far"])
def test_the_same_is_proven_as_by_arb(name, at, monkeypatch):
    random = np.random.default_rng(len(name))
    n = 700
    x = random.uniform(0.2, 1.2, n)
    if at == "zeros":
        x[::3] = 0.0
    elif at == "wide":
        x *= 2.0 ** random.integers(-60, 60, n)
    elif at == "far":
        x *= 1e60
    asked = []

    def noted(*args):
        asked.append(proven_in_pairs(*args))
        return asked[-1]

    monkeypatch.setattr(array_proofs, "proven_in_pairs", noted)
    quick = dk.gradient(FUNCTIONS[name], x)
    monkeypatch.setattr(array_proofs, "proven_in_pairs", lambda *_: None)
    slow = dk.gradient(FUNCTIONS[name], x)
    assert asked
    assert asked[0] is not None or at != "plain"
    assert np.array_equal(quick.value, slow.value, equal_nan=True)
    assert (quick.status, quick.odd) == (slow.status, slow.odd)
    assert np.allclose(quick.error, slow.error, rtol=1e-6, atol=0.0, equal_nan=True)


@pytest.mark.parametrize("name", ["squares", "rosenbrock", "quotients"])
def test_a_wrong_rule_is_not_proven(name, monkeypatch):
    """What contradicts the directions is left to Arb."""
    x = np.random.default_rng(1).uniform(0.2, 1.2, 9)
    program = record_function(FUNCTIONS[name], [("x", x.shape)]).program
    prover = ArrayProver(program, 1)
    assert proven_in_pairs(prover, x, range(9)) is not None
    real = rules.Partial.at

    def wrong(self, algebra, args, answer):
        found = real(self, algebra, args, answer)
        off = algebra.constant(Fraction(1, 10**13))
        return algebra.apply(ADD, [found, off]) if len(args) == 2 else found

    monkeypatch.setattr(rules.Partial, "at", wrong)
    assert proven_in_pairs(prover, x, range(9)) is None

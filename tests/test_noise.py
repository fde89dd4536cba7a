"""What a claim's own arithmetic rounds is no mistake, however little of it shows close to the point."""

import math
import os
import random

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.callables.faults import FAR_DISTANCES, rounding

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "0"))


def logistic(x):
    s = 1 / (1 + math.exp(-x))
    return s * (1 - s)


CANCELLING = {
    "tanh(x)": (lambda x: 1 - math.tanh(x) ** 2, 1, 14),
    "sigmoid(x)": (logistic, 1, 30),
    "(1-cos(x))/x**2": (lambda x: math.sin(x) / x**2 - 2 * (1 - math.cos(x)) / x**3, 1e-4, 1),
    "(exp(x)-1)/x": (lambda x: math.exp(x) / x - (math.exp(x) - 1) / x**2, 1e-7, 1),
    "log(1+x)/x": (lambda x: 1 / (x * (1 + x)) - math.log(1 + x) / x**2, 1e-7, 1),
    "sqrt(x+1)-sqrt(x)": (lambda x: 0.5 / math.sqrt(x + 1) - 0.5 / math.sqrt(x), 1, 1e9),
}
"""text → (its derivative as code that cancels, the least and the greatest x)"""
FINE = {
    "erfc(x)": (lambda x: -2 / math.sqrt(math.pi) * math.exp(-x * x), 0.1, 20),
    "sin(1e5*x)": (lambda x: 1e5 * math.cos(1e5 * x), 0.1, 50),
    "sin(300*x)": (lambda x: 300 * math.cos(300 * x), 0.1, 50),
    "log(cosh(x))": (lambda x: math.sinh(x) / math.cosh(x), 1e-9, 5),
    "max(x, 1/x)": (lambda x: 1.0 if x > 1 else -1 / x**2, 0.2, 5),
}


def drawn(low, high, seed):
    return math.exp(random.Random(seed).uniform(math.log(low), math.log(high)))


@pytest.mark.parametrize("text", CANCELLING)
def test_a_right_claim_that_cancels_is_not_wrong(text):
    claim, low, high = CANCELLING[text]
    for seed in range(8 + EXAMPLES // 20):
        at = drawn(low, high, seed)
        assert dk.check(text, claim, at=at, beside=0).verdict != "wrong", at


@pytest.mark.parametrize("text", FINE)
def test_a_claim_that_does_not_cancel_is_judged(text):
    claim, low, high = FINE[text]
    for seed in range(4 + EXAMPLES // 20):
        at = drawn(low, high, seed)
        assert dk.check(text, claim, at=at, beside=0).verdict == "correct", at
        assert dk.check(text, lambda x: -claim(x), at=at, beside=0).verdict == "wrong", at
        assert dk.check(text, lambda x: 2 * claim(x), at=at, beside=0).verdict == "wrong", at


@pytest.mark.parametrize("distances", [FAR_DISTANCES[:1], FAR_DISTANCES])
def test_rounding_is_no_less_than_the_error(distances):
    found = rounding(lambda row: [1 - math.tanh(row[0]) ** 2, math.exp(row[0])], np.array([9.0]), distances)
    assert 1e-17 < found[0] < 1e-14 or distances != FAR_DISTANCES
    assert 2**-53 * math.exp(9) < found[1] < 1e-10


@pytest.mark.parametrize("text", ["sqrt(x^2+1)-x", "floor(x/3e5)", "(x+1e20)-1e20"])
def test_a_text_has_no_tolerance_at_which_it_stops(text):
    result = dk.derivative(text, 1e6, backend="finite")
    assert result.status == "uncertain"
    assert "tolerance" not in result.message
    assert "rounding hides the change, or f has a branch there" in result.message


@pytest.mark.parametrize("third", [1 / 3, 0.3333333333333333])
def test_what_a_rounded_literal_makes_is_no_mistake(third):
    """At the zero of x − 1/3 the claim's constant is all that is left, and half a unit of it explains what is off."""
    for power in (1e15, 1e17):
        text, at = f"{power:.0f}*(x-1/3)^2", 0.3333333333333333
        assert dk.check(text, lambda x, c=power: 2 * c * (x - third), at=at, beside=0).verdict == "inconclusive"
        assert dk.check(text, lambda x, c=power: 2 * c * (x - third) + c / 9, at=at, beside=0).verdict == "wrong"

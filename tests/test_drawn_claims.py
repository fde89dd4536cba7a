"""Claims about random code that misleads: a right one is never wrong, and a gross error is found where f shows it."""

import math
import os
import random
from collections import Counter

import numpy as np
import pytest
from code_functions import KINDS

import diffkit as dk

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "3"))
SHOWN = ("plain", "real", "single", "hidden")
"""kinds of which a gross error is always found; others may have no derivative to see"""
GROSS = {"twice": lambda g: 2 * g, "sign": lambda g: -g, "zero": lambda g: 0 * g, "a tenth": lambda g: 1.1 * g,
         "largest twice": lambda g: np.where(abs(g) == max(abs(g)), 2 * g, g)}  # fmt: skip


def drawn(kind, number):
    """A case anew, as some keep what they were asked before."""
    np.random.seed(number)
    return KINDS[kind](random.Random(f"claims {kind} {number}"))


def verdict(kind, number, change=lambda g: g, which=0):
    case = drawn(kind, number)
    values = change(np.array(case.gradients[which]))
    claimed = values.tolist() if np.shape(case.at) else float(values[0])
    return dk.check(case.f, lambda *x: claimed, case.at, beside=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_claim_is_never_wrong(kind):
    for number in range(EXAMPLES):
        for which in range(kind == "solver", len(drawn(kind, number).gradients)):  # as a formula, see limitations
            found = verdict(kind, number, which=which)
            assert found.verdict != "wrong", (number, drawn(kind, number).label, found)
            assert found.verdict == "correct" or found.reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_gross_error_is_never_correct_and_is_found_where_it_shows(kind):
    counts = Counter()
    for number in range(EXAMPLES):
        for name, change in GROSS.items():
            right = [np.array(gradient) for gradient in drawn(kind, number).gradients]
            if not right or any(np.allclose(change(right[0]), gradient, rtol=1e-2) for gradient in right):
                continue  # of zero, twice is no error
            found = verdict(kind, number, change)
            counts[name, found.verdict] += 1
            assert found.verdict != "correct", (number, name, drawn(kind, number).label, found)
            assert found.verdict == "wrong" or kind not in SHOWN, (number, name, drawn(kind, number).label, found)


CONSTANT = {"constant": (lambda x: 3.7, 1.5), "sign": (lambda x: math.copysign(2.0, x), 4.0),
            "far from an edge": (lambda x: max(float(x), 0.0), -0.3)}  # fmt: skip
NEAR = {"hinge": (lambda x: max(1 - float(x), 0.0), 1.5), "whole numbers": (lambda x: math.floor(float(x)), 1.4),
        "clipped": (lambda x: min(float(x), 1.0), 5.0),
        "float16": (lambda x: float(np.float16(math.sin(float(x)))), 1.1)}  # fmt: skip
SEEN = {"float32": (lambda x: float(np.float32(abs(x)) ** 2), 1.1), "a large f": (lambda x: 1e9 + float(x), 1.0)}


@pytest.mark.parametrize("name", [*CONSTANT, *NEAR, *SEEN])
def test_a_claim_of_zero_about_values(name):
    f, at = {**CONSTANT, **NEAR, **SEEN}[name]
    found = dk.check(f, lambda x: 0.0, at=at, beside=0)
    assert found.verdict == ("correct" if name in CONSTANT else "wrong" if name in SEEN else "inconclusive"), found
    assert name not in NEAR or "constant to" in found.reason

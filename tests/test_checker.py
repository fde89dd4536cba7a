"""Planted bugs in a tenth of the corpus are found, and right claims are not accused (benchmarks/checker.py has all)."""

import random
from collections import Counter

import numpy as np
import pytest
from conftest import corpus
from mistakes import KINDS, STRUCTURAL, Case

import diffkit as dk

SAMPLE = 16
GOALS = {"relative 1e-3": 1.0, "relative 1e-6": 0.985, "relative 1e-9": 0.94}


def sampled():
    return [Case(row) for row in random.Random(8).sample(corpus(), SAMPLE)]


@pytest.mark.parametrize("black", [False, True], ids=["text", "black box"])
def test_planted_bugs(black):
    verdicts = {kind: Counter() for kind in ("", *KINDS)}
    for case in sampled():
        f, names = (case.black, None) if black else (case.text, case.variables)
        for kind, code in case.claims(black):
            found = dk.check(f, code, case.point, variables=names)
            verdicts[kind][found.verdict] += 1
            assert not case.overstated(found, code, black), (case.label, kind, found)
    right = verdicts.pop("")
    assert right["wrong"] == 0, "a right claim is called wrong"
    assert right["correct"] >= (0.9 if black else 1.0) * SAMPLE
    structural = sum((verdicts[kind] for kind in STRUCTURAL), Counter())
    assert structural["wrong"] == structural.total()
    for kind, goal in GOALS.items():
        missing = (1 - goal) * verdicts[kind].total()
        assert verdicts[kind]["wrong"] >= goal * verdicts[kind].total() - 3 * missing**0.5, kind  # three sigma


def test_gradient_that_fills_a_plain_array():
    def filled(x):
        g = np.empty(2)
        g[0], g[1] = np.cos(x[0]) * x[1] ** 2, 2 * np.sin(x[0]) * x[1]
        return g

    def summed(x):
        terms = np.empty(2)
        terms[0], terms[1] = np.sin(x[0]), x[1] ** 2
        return terms[0] * terms[1]

    assert dk.check("sin(x)*y**2", filled, [0.3, 0.7]).verdict == "correct"
    assert dk.check(summed, filled, [0.3, 0.7]).verdict == "correct"
    assert dk.check(summed, lambda x: filled(x)[::-1], [0.3, 0.7]).verdict == "wrong"
    assert dk.gradient(summed, [0.3, 0.7]).value == pytest.approx([np.cos(0.3) * 0.49, 1.4 * np.sin(0.3)], rel=1e-9)
    with pytest.raises(dk.TracingError, match=r"float\(\) of a number that depends on the input"):
        dk.gradient(summed, [0.3, 0.7], backend="dual")


def test_what_fails_only_when_it_is_followed():
    def f(x):
        return 2 * x[0] if isinstance(x, np.ndarray) else x.nothing_of_the_kind

    assert dk.gradient(f, [0.3]).value == pytest.approx([2.0])


def test_literals_are_read_as_decimals():
    """At a stationary point of the decimals, rounding of 0.1 moves f′ from 0 by all of itself."""
    f, claim = "(x - 0.1)**2 + 1e-9*x", lambda x: [2 * (x[0] - 0.1) + 1e-9]
    assert dk.check(f, claim, [0.1]).verdict == "correct"
    assert dk.check(f, lambda x: [2 * (x[0] - 0.1) + 1.001e-9], [0.1]).verdict != "correct"


def test_a_point_beside_that_cannot_tell_is_no_witness():
    """Where the logistic function is 1 but for the last digits, its values hold too few digits of the slope."""
    case = next(Case(row) for row in corpus() if row["id"] == "sd_logistic_cdf@2")
    assert dk.check(case.black, next(case.claims(black=True)).code, case.point).verdict == "correct"

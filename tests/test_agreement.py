"""When a claim and its reference agree: rtol and atol, the rule without them, and the digits that are seen."""

import math

import numpy as np
import pytest

import diffkit as dk
from diffkit.judging.checking.outcome import (
    CLAIM_ROUNDING,
    DIGITS_WANTED,
    LEAST_MISTAKE,
    LITERALS,
    OWN_TOLERANCE,
    REFERENCE,
    TIMES_UNCERTAIN,
    Measured,
    Tolerances,
    digits_of,
    read_tolerances,
    settle,
)


def seen(error, bar=0.0, reference=1.0, doubt="", **terms):
    return Measured(0, reference + error, reference, abs(error), {REFERENCE: bar, **terms}, 0.0, doubt)


@pytest.mark.parametrize(("d", "b", "verdict"), [(0.5, 0.4, "correct"), (1.5, 0.4, "wrong"), (1.0, 0.2, "inconclusive"),
                                                  (0.9, 0.2, "inconclusive"), (1.0, 0.0, "correct")])  # fmt: skip
def test_what_the_caller_allows(d, b, verdict):
    """correct if d + b <= t, wrong if d - b > t, with t = atol + rtol*|reference|."""
    for reference, allowed in ((3.0, Tolerances(0.0, 1e-3)), (-2.0, Tolerances(5e-4, 0.0)),
                               (1.0, Tolerances(4e-4, 6e-4))):  # fmt: skip
        t = allowed.at(reference)
        assert t == pytest.approx(1e-3)
        assert settle(seen(d * t, b * t, reference), 1.0, allowed).verdict == verdict


def test_a_solver_explains_what_the_caller_does_not_allow():
    assert settle(seen(1e-3, 1e-9, **{OWN_TOLERANCE: 2e-3}), 1.0, Tolerances(1e-6, 0.0)).verdict == "inconclusive"
    assert settle(seen(1e-3, 1e-9, **{OWN_TOLERANCE: 1e-4}), 1.0, Tolerances(1e-6, 0.0)).verdict == "wrong"


@pytest.mark.parametrize("term", [REFERENCE, CLAIM_ROUNDING, LITERALS, OWN_TOLERANCE])
@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-5, 1e-2])
def test_wrong_is_what_nothing_explains(term, size):
    for error in np.geomspace(1e-16, 1.0, 33):
        found = settle(seen(error, **{term: size}), 1.0, None)
        assert (found.verdict == "wrong") == (error > max(TIMES_UNCERTAIN * size, LEAST_MISTAKE))
        if found.verdict == "correct":
            assert found.digits >= DIGITS_WANTED


def test_digits_are_never_more_than_agree():
    for error in np.geomspace(1e-20, 10.0, 97):
        for bar in (0.0, 1e-15, 1e-11, 1e-7, 1e-3):
            for reference in (1e-200, 0.3, -7.1, 1e200):
                found = settle(seen(error * abs(reference), bar * abs(reference), reference), 0.0, None)
                assert found.digits <= max(0.0, -math.log10(error + bar) + 1e-9)
                assert found.digits >= min(14, -math.log10(error + bar) - 1.01)


def test_an_entry_that_drowns_is_measured_by_the_largest():
    assert settle(seen(1e-9, 1e-8, 0.0), 1.0, None).verdict == "correct"
    assert settle(seen(1e-9, 1e-8, 0.0), 1.0, None).digits == 7
    assert settle(seen(1e-5, 1e-5, 0.0), 1.0, None).verdict == "inconclusive"
    assert settle(seen(1e-9, 1e-10, 1e-8), 1.0, None).verdict == "wrong", "it does not drown"


def test_a_doubtful_reference_decides_gross_errors_only():
    assert settle(seen(1e-12, 1e-9, doubt="two methods disagree"), 1.0, None).verdict == "inconclusive"
    assert settle(seen(1e-3, 1e-9, doubt="two methods disagree"), 1.0, None).verdict == "wrong"
    assert settle(seen(1e-5, 1e-4, doubt="float32"), 1.0, Tolerances(1e-3, 0.0)).verdict == "correct"


def test_digits_of_nothing():
    assert digits_of(0.0, 0.0) == 15
    assert digits_of(1e-300, 0.0) == 0
    assert digits_of(math.nan, 1.0) == 0
    assert digits_of(math.inf, math.inf) == 0


@pytest.mark.parametrize(("rtol", "atol"), [(-1e-3, None), (None, -1.0), (math.nan, None), (None, math.inf), (0, 0),
                                            (0, None), (None, 0.0), ("1e-3", None), (True, None)])  # fmt: skip
def test_tolerances_that_are_none(rtol, atol):
    with pytest.raises(dk.DiffkitError, match=r"rtol|atol"):
        dk.check("x^2", "2*x", at=1, rtol=rtol, atol=atol)
    with pytest.raises(dk.DiffkitError, match=r"rtol|atol"):
        read_tolerances(rtol, atol)


def test_one_of_the_two_omitted_is_zero():
    assert read_tolerances(1e-3, None) == (1e-3, 0.0)
    assert read_tolerances(None, 1e-3) == (0.0, 1e-3)
    assert read_tolerances(None, None) is None


def test_closeness_is_refused_with_the_name_of_what_replaced_it():
    for call in (
        lambda: dk.check("x^2", "2*x", at=1, closeness=1e-9),
        lambda: dk.report([{"expr": "x", "at": {"x": 1}}], closeness=1e-9),
    ):
        with pytest.raises(dk.DiffkitError, match="rtol"):
            call()


def test_text_against_text_is_compared_at_points_where_tolerances_are_given():
    claim = "2*x*(1 + 1e-10)"
    assert dk.check("x^2", claim, at=1).verdict == "wrong"
    assert dk.check("x^2", claim, at=1, rtol=1e-6).verdict == "correct"
    assert dk.check("x^2", claim, at=1, rtol=1e-12).verdict == "wrong"
    assert dk.check("x^2", claim, at=1, atol=1e-9).verdict == "correct"
    assert dk.check("x^2", claim, rtol=1e-6).verdict == "correct"
    assert dk.check("x^2", "2*x + 1e-3", at=1, rtol=1e-6).verdict == "wrong"


def test_planted_errors_in_code():
    """Of a right claim in code, 1e-3, 1e-6 and 1e-9 are mistakes, 1e-12 is none; the digits are those that agree."""
    for off, verdict in ((0.0, "correct"), (1e-12, "correct"), (1e-9, "wrong"), (1e-6, "wrong"), (1e-3, "wrong")):
        for f in (lambda x: np.sum(np.sin(x) * x**2), lambda x: sum(math.sin(v) * v**2 for v in map(float, x))):
            found = dk.check(f, lambda x, off=off: (1 + off) * (np.cos(x) * x**2 + 2 * x * np.sin(x)), [0.4, 1.1])
            assert found.verdict == verdict
            assert not off or found.digits <= -math.log10(off)

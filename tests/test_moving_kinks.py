"""Adaptive rules over integrands whose kinks, jumps and singularities move: bars hold, and no right claim is wrong."""

import math
import os

import numpy as np
import pytest
import scipy.integrate as si
from moving_kinks import FACTORS, PERIODIC, integral, integrals

import diffkit as dk

pytestmark = pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
EXAMPLES = max(20, int(os.environ.get("DIFFKIT_EXAMPLES", "0")) // 500)


@pytest.mark.parametrize("one", list(integrals(EXAMPLES)), ids=lambda one: one.kind)
def test_bars_hold_and_a_right_claim_is_not_wrong(one):
    truth = one.slope(one.point)
    found = dk.derivative(one.f, at=one.point)
    assert not found.ok or abs(found.value - truth) <= found.error
    assert dk.check(one.f, lambda p: truth, at=one.point, beside=0).verdict != "wrong"
    if abs(truth) < 1e-9:
        return
    doubled = dk.check(one.f, lambda p: 2 * truth, at=one.point, beside=0)
    assert doubled.verdict == "wrong" or (doubled.verdict == "inconclusive" and not found.ok)


@pytest.mark.parametrize("p", [0.6, 0.77, 0.34076577])
@pytest.mark.parametrize("backend", ["auto", "finite"])
@pytest.mark.parametrize(("order", "slope", "most"), [(1, lambda p: 2 * p - 1, 1e-5), (2, lambda p: 2.0, 2e-4)])
def test_a_kink_that_moves(p, backend, order, slope, most):
    found = dk.derivative(lambda p: si.quad(lambda t: abs(t - p), 0, 1)[0], at=p, order=order, backend=backend)
    assert found.ok
    assert abs(found.value - slope(p)) <= found.error <= most


@pytest.mark.parametrize("one", PERIODIC, ids=lambda one: f"{one.kind}, {one.point:.2g}")
def test_a_jump_that_the_rule_extrapolates_to(one):
    truth = one.slope(one.point)
    found = dk.derivative(one.f, at=one.point)
    assert not found.ok or abs(found.value - truth) <= found.error
    assert dk.check(one.f, lambda p: truth, at=one.point, beside=0).verdict != "wrong"
    lost = dk.check(one.f, math.cos, at=one.point, beside=0).verdict
    assert lost == "wrong" or (lost == "inconclusive" and not found.ok)


@pytest.mark.parametrize("factor", FACTORS)
def test_smooth_integrands_keep_their_digits(factor):
    one = integral("smooth", "quad", factor, "itself", (0.0, 1.0), 0.6)
    found = dk.derivative(one.f, at=one.point)
    assert abs(found.value - one.slope(one.point)) <= found.error <= 1e-12
    assert dk.check(one.f, one.slope, at=one.point).verdict == "correct"


def test_what_is_seen_of_it_is_the_reason():
    found = dk.derivative(lambda p: si.quad(lambda t: abs(t - p), 0, 1, epsabs=1e-3)[0], at=0.6173)
    assert "it calls quad with epsabs = 0.001 and epsrel = 1.49e-08: seen to" in found.message + found.method
    loss = lambda x: np.array([si.quad(lambda t: abs(t - x[0]) * x[1], 0, 1)[0], math.exp(x[1])])  # noqa: E731
    exact = np.array([[0.4, 0.26], [0.0, math.exp(2)]])
    assert np.all(np.abs(dk.jacobian(loss, at=[0.6, 2.0]).value - exact) <= 1e-5)

"""Bars of differences hold: on smooth, rippled, joined, scaled and rounded functions of our own making."""

import os
import random

import numpy as np
import pytest
from conftest import exact
from difference_families import cases, faint

import diffkit as dk
from diffkit.methods.differences import Sampler, partials
from diffkit.methods.differences.samples import chop, slope_at_zero

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "210"))
FARTHEST = 3  # bars that no error may exceed
SHARE = 0.01  # of the bars may be exceeded at all


def seen(case):
    sampler = Sampler(case.black_box, unit=case.unit)
    return partials(sampler, [tuple(case.point.values())], [case.index])[0][0]


def excess(case, found):
    """The error in bars; that of an uncertain value in those that its message holds, if it has any."""
    if found.odd is None:
        value, bar = found.value, found.bar
    else:
        assert found.odd.status == "uncertain", case
        value, bar = found.odd.value, found.odd.error
    return 0.0 if value != value else float(abs(exact(value) - case.truth) / exact(bar))


def test_bars_hold():
    found = [(case, seen(case)) for case in cases(EXAMPLES, seed=7)]
    excesses = [(case, excess(case, difference)) for case, difference in found]
    assert not [(case, size) for case, size in excesses if size > FARTHEST]
    assert sum(size > 1 for _, size in excesses) <= max(1, SHARE * EXAMPLES)
    assert sum(difference.odd is not None for _, difference in found) <= max(2, 2 * SHARE * EXAMPLES)


def test_float32_shows_three_digits():
    for case in cases(EXAMPLES, seed=8):
        if case.family == "float32" and len(case.index) == 1:
            found = seen(case)
            size = max(abs(value) for value in case.black_box([tuple(case.point.values())]))
            assert found.odd is not None or found.bar <= 1e-3 * max(abs(found.value), size, 0.1), case


def test_a_faint_ripple_is_told_from_rounding():
    rng = random.Random(9)
    drawn = (faint(rng, ("x",)) for _ in range(EXAMPLES // 3))
    seldom = [case for case in drawn if excess(case, seen(case)) > FARTHEST]
    assert len(seldom) <= 0.15 * (EXAMPLES // 3)


NOISY = {0: 4.17e-07, 2: 4.17e-07, 4: -1.2e-11, 6: 2.6e-16, 8: -1.6e-17, 10: -1.6e-17, 12: 1.1e-17, 14: -1.7e-17,
         16: -2.1e-17, 18: -2.9e-17}  # fmt: skip
"""coefficients of a mixed derivative: what the sixth adds is by chance what noise takes away"""


def test_a_visible_term_is_not_left_out_for_nothing():
    slopes = {degree: slope_at_zero(degree, 2) for degree in NOISY}
    found = chop(NOISY, slopes, 1e-18)
    assert found.degree >= 6 or found.truncation >= 0.5 * abs(slopes[6] * NOISY[6])


@pytest.mark.parametrize("pair", [(0, 36), (2, 12), (3, 6), (4, 46), (6, 35), (6, 42)])
def test_bars_of_mixed_derivatives_of_a_large_loss_hold(pair):
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(3000, 50)), np.sign(rng.normal(size=3000)), rng.normal(size=50) / 10

    def loss(v):
        moved = w.copy()
        moved[list(pair)] = v
        return np.sum(np.log(1 + np.exp(-y * (X @ moved))))

    found = dk.hessian(loss, w[list(pair)], backend="finite")
    slope = 1 / (1 + np.exp(-y * (X @ w)))
    truth = (X.T * (slope * (1 - slope))) @ X
    assert (np.abs(found.value - truth[np.ix_(pair, pair)]) <= found.error).all()

"""Bars of differences hold: on smooth, rippled, joined, scaled and rounded functions of our own making."""

import os
import random

from conftest import exact
from difference_families import cases, faint

from diffkit.methods.differences import Sampler, partials

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

"""Claims that are settled by arrays are settled as one by one."""

from __future__ import annotations

import math
import os

import numpy as np

import diffkit as dk
from diffkit.judging.checking.near_values import NearValues, doubtful, least
from diffkit.judging.checking.outcome import CLAIM_ROUNDING, REFERENCE, settle

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "500"))


def drawn(random):
    """Values off by a part of the reference that runs over all orders, some exactly right, some zero."""
    size = 12
    reference = random.normal(size=size) * 10.0 ** random.integers(-5, 6, size=size)
    reference[random.random(size) < 0.2] = 0.0
    off = 10.0 ** random.uniform(-18, random.choice([-15, -11, -9, -5]), size=size) * random.integers(0, 2, size=size)
    bars = np.abs(reference) * 10.0 ** random.uniform(-25, -9, size=size) * random.integers(0, 2, size=size)
    return NearValues(reference * (1 + off), reference, {REFERENCE: bars, CLAIM_ROUNDING: bars / 3})


def test_arrays_say_what_is_said_one_by_one():
    random = np.random.default_rng(0)
    right = 0
    for _ in range(EXAMPLES):
        values = drawn(random)
        sizes = [abs(m.reference) for m in values if abs(m.reference) > m.tolerance]
        assert values.largest == max(sizes, default=0.0)
        one_by_one = [settle(m, values.largest, None) for m in values]
        found = values.settled(values.largest)
        if found is not None:
            right += 1
            assert list(found) == one_by_one
            assert not doubtful(one_by_one)
            assert not doubtful(found)
            assert least(found) == least(one_by_one)
        else:  # within what a comparison of its own may be off by, it leaves the rest to who looks closely
            assert any(j.verdict != "correct" or j.digits <= 7 for j in one_by_one)
    assert EXAMPLES / 10 < right < EXAMPLES


def test_a_mistake_that_is_just_large_enough_is_seen():
    x = np.random.default_rng(0).uniform(0.2, 1.2, 12)
    for off, verdict in ((2.5e-10, "wrong"), (1.2e-10, "wrong"), (5e-11, "correct"), (0.0, "correct")):
        found = dk.check(lambda x: np.sum(x**3), lambda x, off=off: 3 * x**2 * (1 + off * (x == x[2])), at=x)
        assert found.verdict == verdict, off
        assert not off or found.digits == math.floor(-math.log10(off))

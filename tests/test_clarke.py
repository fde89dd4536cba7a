"""Claims at kinks of several entries: the vector must be a mixture of gradients around the point."""

import numpy as np
import pytest

import diffkit as dk


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ([1, 0, 0, 0], "correct"), ([0, 1, 0, 0], "correct"),
        ([0.5, 0.5, 0, 0], "correct"), ([0.3, 0.7, 0, 0], "correct"),
        ([1, 1, 0, 0], "inconclusive"), ([0, 0, 0, 0], "inconclusive"), ([0.3, 0.8, 0, 0], "inconclusive"),
        ([2, 0, 0, 0], "wrong"), ([1, 0, 0, 1], "wrong"),
    ],
)  # fmt: skip
def test_ties_of_a_maximum(claim, verdict):
    found = dk.check(np.max, np.array(claim, dtype=float), at=np.array([5.0, 5.0, 4.0, 2.0]))
    assert found.verdict == verdict
    assert verdict != "inconclusive" or "no mixture" in found.reason


@pytest.mark.parametrize("f", ["abs(x) + abs(y)", "abs(x) - abs(y)"])
@pytest.mark.parametrize("claim", [[0, 0], [1, 1], [-1, 0.5]])
def test_corners_whose_entries_are_free(f, claim):
    assert dk.check(f, np.array(claim, dtype=float), at=[0, 0]).verdict == "correct"

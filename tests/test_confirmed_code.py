"""A derivative of code is ok only if real differences confirmed it: random code that misleads, and what it must say."""

import os
import random
from collections import Counter

import numpy as np
import pytest
from code_functions import KINDS

import diffkit as dk

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "12"))
NEVER = {"dropout"}
"""kinds of which nothing is ever ok"""
MOSTLY = {"plain": 1.0, "real": 0.98, "single": 0.9, "hidden": 0.7, "solver": 0.9}
"""kinds of which so many are ok"""


def verdict(value, bar, gradients):
    """Whether an ok component is right: within its bar, within three, or wrong."""
    error = min((abs(value - truth) for truth in gradients), default=np.inf)
    if error <= bar + 4e-16 * abs(value):
        return "right"
    return "beyond its bar" if error <= 3 * bar else "wrong"


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"single", "plateau"}))
def test_code_that_misleads_is_right_or_not_ok(kind):
    counts, wrong = Counter(), []
    for number in range(EXAMPLES):
        case = KINDS[kind](random.Random(f"{kind} {number}"))
        np.random.seed(number)
        result = dk.gradient(case.f, case.at)
        statuses = np.ravel(result.statuses).tolist()
        for c, status in enumerate(statuses):
            if status != "ok":
                counts["not ok"] += 1
                assert result.message
                continue
            truths = [gradient[c] for gradient in case.gradients]
            counts[verdict(float(np.ravel(result.value)[c]), float(np.ravel(result.error)[c]), truths)] += 1
            if verdict(float(np.ravel(result.value)[c]), float(np.ravel(result.error)[c]), truths) == "wrong":
                wrong.append((number, case.label, case.at, np.ravel(result.value)[c], truths, result.method))
    assert not wrong, wrong[0]
    assert counts["beyond its bar"] <= max(1, 0.02 * counts.total())
    assert counts["right"] >= MOSTLY.get(kind, 0.0) * counts.total() - 2
    assert kind not in NEVER or counts["not ok"] == counts.total()

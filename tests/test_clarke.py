"""Claims at kinks of several entries: the vector must be a mixture of the gradients of the formulas that meet there."""

import json

import numpy as np
import pytest

import diffkit as dk
from diffkit.reports import render
from diffkit.reports.check_report import CheckReport


def verdict(f, claim, at):
    return dk.check(f, np.array(claim, dtype=float), at=at).verdict


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ([1, 0, 0, 0], "correct"), ([0, 1, 0, 0], "correct"),
        ([0.5, 0.5, 0, 0], "correct"), ([0.3, 0.7, 0, 0], "correct"),
        ([1, 1, 0, 0], "wrong"), ([0, 0, 0, 0], "wrong"), ([0.3, 0.8, 0, 0], "wrong"),
        ([0.3, 0.7 + 1e-9, 0, 0], "wrong"), ([2, 0, 0, 0], "wrong"),
        ([1, 0, 0, 1], "wrong"), ([1.5, -0.5, 0, 0], "wrong"),
    ],
)  # fmt: skip
def test_ties_of_a_maximum(claim, expected):
    assert verdict(np.max, claim, np.array([5.0, 5.0, 4.0, 2.0])) == expected


@pytest.mark.parametrize("tied", [2, 3, 4, 9])
def test_shares_add_up_to_one(tied):
    at = np.array([5.0] * tied + [4.0])
    shares = np.append(np.random.default_rng(tied).dirichlet(np.ones(tied)), 0)
    for claim in (np.eye(tied + 1)[tied - 1], (at == 5) / tied, shares):
        assert dk.check(np.max, claim, at=at).verdict == "correct"
    full = dk.check(np.max, (at == 5) * 1.0, at=at)
    assert full.verdict == "wrong"
    assert full.witness.direction == {f"a[{k}]": float(k < tied) for k in range(tied + 1)}
    assert (full.witness.claimed, full.witness.least, full.witness.largest) == (tied, 1, 1)
    assert dk.check(np.max, shares * 0.99, at=at).verdict == "wrong"


WEIGHTS = np.array([[1.0, -2.0], [3.0, 0.5]])
TIED = np.array([[5.0, 5, 1, 0], [4, 2, 3, 2], [1, 1, 3, 4], [1, 1, 2, 4]])  # ties of 2, 4 and 2, and none


def blocks(X):
    return X.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(2, 2, 4)


def pooled(X):
    return np.sum(WEIGHTS * np.max(blocks(X), axis=2))


def mask(X, share=False):
    B = blocks(X)
    M = (np.max(B, axis=2, keepdims=True) == B) * WEIGHTS[:, :, None]
    M = M / (np.max(B, axis=2, keepdims=True) == B).sum(axis=2, keepdims=True) if share else M
    return M.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)


def test_mask_of_max_pooling():
    assert dk.check(pooled, lambda X: mask(X, share=True), at=TIED).verdict == "correct"
    found = dk.check(pooled, mask, at=TIED)
    assert found.verdict == "wrong"
    assert {e.index for e in found.entries} == {(0, 0), (0, 1), (2, 0), (2, 1), (3, 0), (3, 1), (2, 3), (3, 3)}
    assert found.explanation is None  # the claim is right wherever f has a gradient
    first = next(e.witness for e in found.entries if e.index == (0, 0))
    assert {name for name, value in first.direction.items() if value} == {"X[0,0]", "X[0,1]"}
    assert (first.claimed, first.least, first.largest) == (2, 1, 1)
    right = mask(TIED)
    right[0, 0] = right[2, 3] = 0
    right[2:, :2] = [[3, 0], [0, 0]]
    assert dk.check(pooled, right, at=TIED).verdict == "correct"


KINKS = [
    ("abs(x) + abs(y)", (0, 0), [(0, 0), (1, 1), (-1, 0.5)], [(1.1, 0), (0, -2)]),
    ("abs(x) - abs(y)", (0, 0), [(0, 0), (1, 1), (-1, 0.5)], [(1.1, 0)]),
    ("relu(x) + relu(y)", (0, 0), [(0, 0), (1, 1), (0.5, 0.25)], [(-0.1, 0)]),
    ("relu(x + y) + relu(x - y)", (0, 0), [(1, 1), (1, -1), (2, 0), (1, 0)], [(0, 1), (2, 1), (0.5, -1)]),
    ("abs(x + y)", (1, -1), [(0.5, 0.5), (-1, -1)], [(1, -1), (0, 0.1)]),
    ("max(x, y)", (2, 2), [(0.5, 0.5)], [(1, 1), (0, 0), (-1, 2)]),
    ("where(x > y, x, y)", (2, 2), [(0.5, 0.5), (1, 0)], [(1, 1), (0, 0)]),
    ("where(x > 0 and y > 0, min(x, y), 0)", (0, 0), [(0, 0), (1, 0), (0.25, 0.25)], [(1, 1), (0.5, 0.6)]),
    ("exp(max(x, y))", (1, 1), [(np.exp(1) / 4, 3 * np.exp(1) / 4)], [(np.exp(1), np.exp(1)), (1, 1)]),
    ("min(max(x, y), z)", (1, 1, 1), [(1, 0, 0), (0, 0.5, 0.5), (0.5, 0.5, 0)], [(1, 1, 0), (0, 0, 0), (0.5, 0.5, 1)]),
    ("max(min(x, y), min(y, z))", (1, 1, 1), [(0, 1, 0), (0.5, 0, 0.5)], [(1, 1, 0), (0, 0, 0)]),
    ("abs(x) - 2*abs(x - y)", (0, 0), [(1, 0), (-1, 2), (3, -2), (0, 0)], [(1, 2), (3, 2)]),
    ("abs(x*y - 1) + relu(1 - x*y)", (1, 1), [(1, 1), (0, 0), (-2, -2)], [(0, -1), (2, 2)]),
    # partial derivatives exist, a gradient does not: (-1, 1) is that of y - x, which f is where y > |x|
    ("max(x, y) - max(x, -y)", (0, 0), [(0, 1), (-1, 1), (1, 1), (0, 2), (0, 0)], [(1, 0), (-1, 2), (0, 3)]),
    # smooth although it is made of kinks
    ("relu(x) - relu(-x) + relu(y)", (0, 0), [(1, 0), (1, 0.5)], [(0.5, 0.5), (2, 0), (0, 0)]),
    ("max(x, y) + min(x, y)", (3, 3), [(1, 1)], [(2, 0), (0.5, 0.5)]),
    ("relu(sin(x*y)) - relu(-sin(x*y)) + abs(y)", (2, 0), [(0, 2), (0, 3), (0, 1)], [(0, 4), (1, 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "at", "right", "wrong"), KINKS, ids=[row[0] for row in KINKS])
def test_mixtures_of_formulas(f, at, right, wrong):
    assert [verdict(f, claim, at) for claim in right] == ["correct"] * len(right)
    assert [verdict(f, claim, at) for claim in wrong] == ["wrong"] * len(wrong)


def test_relu_nets_in_code():
    W, v = np.array([[1.0, -2.0, 0.5], [1.0, 1.0, 0.0], [0.5, -1.0, 0.25]]), np.array([1.0, -3.0, 2.0])

    def f(x):
        return v @ np.maximum(W @ x, 0.0)

    at = np.zeros(3)
    for up in ([1, 1, 1], [0, 0, 0], [1, 0, 1], [0.25, 0.75, 0.25]):
        assert verdict(f, (v * up) @ W, at) == "correct"
    # the first row is twice the third: both are up, or none is
    assert verdict(f, (v * [1, 0, 0]) @ W, at) == "correct"  # half of what both give
    assert verdict(f, (v * [1, 1, 1]) @ W + [0, 0, 0.5], at) == "wrong"


def test_regulariser_with_any_slope_at_zero():
    w = np.array([0.0, 1.0, 0.0, -2.0, 0.0])

    def f(w):
        return np.sum(np.abs(w)) / 2 + np.sum(w**2)

    for at_zero in (0, 0.5, 1, -1):
        assert verdict(f, np.where(w == 0, at_zero, np.sign(w)) / 2 + 2 * w, w) == "correct"
    assert verdict(f, np.where(w == 0, 1.5, np.sign(w)) / 2 + 2 * w, w) == "wrong"
    assert verdict(lambda w: np.sum(np.abs(w)), np.full(40, 0.5), np.zeros(40)) == "correct"


def test_rounding_of_the_claim_is_no_mistake():
    def f(w):
        return np.abs(w[0]) * np.exp(10 * np.sin(w[1]))

    def claim(w):
        size = np.exp(9 * np.sin(w[1])) * np.exp(np.sin(w[1]))
        return np.array([np.where(w[0] < 0, -size, size), 10 * np.cos(w[1]) * size * np.abs(w[0])])

    for angle in (1.1, 1.3, 1.7):
        assert dk.check(f, claim, at=np.array([0.0, angle])).verdict == "correct"
        assert dk.check(f, lambda w: claim(w) * (1 + 1e-8), at=np.array([0.0, angle])).verdict == "wrong"


def test_what_is_not_decided_says_why():
    def black(x):
        return x[0] if x[0] > x[1] else x[1]

    claim, at = np.array([1.0, 1.0]), np.array([2.0, 2.0])
    found = dk.check(black, claim, at=at)
    assert found.verdict == "inconclusive"
    assert "whether there are others is not known: " in found.reason
    assert str(found) == f"inconclusive at x[0] = 2 and x[1] = 2; {found.reason}"
    assert verdict("hypot(x, y)", [0.6, 0.6], (0, 0)) == "correct"
    found = dk.check("hypot(x, y)", [0.9, 0.9], at=[0, 0])
    assert found.verdict == "inconclusive"
    assert "not known: hypot(x, y) is not smooth" in found.reason


def test_sides_that_do_not_meet_are_no_kink():
    assert verdict("where(x > 0, y, 0)", [0, 0], (0, 0)) == "correct"  # both partial derivatives are 0
    assert verdict("where(x > 0, y, 0)", [0, 1], (0, 0)) == "wrong"


def test_the_message_names_the_point_and_the_direction():
    found = dk.check("max(x, y)", ["1", "1"], at=(2, 2))
    said = "along d = (1, 1) the claim gives 2, but f has slope 1 to both sides"
    assert str(found).startswith(f"wrong at x = 2 and y = 2; {said}")
    assert str(found).count("along d") == 1
    report = render(CheckReport(found, "max(x, y)", "1, 1"))
    assert report.count(said) == 1
    assert "nan" not in report
    fields = json.loads(json.dumps(CheckReport(found, "f", "g").fields()))
    assert fields["witness"] == {"direction": {"x": 1, "y": 1}, "claimed": 2, "least": 1, "largest": 1}
    between = dk.check("max(x, y, z)", [1, 1, 0], at=(1, 1, 1))
    assert "along d = (1, 1, 0) the claim gives 2, but the slopes of f around the point lie between 0 and 1" in str(
        between
    )
    elsewhere = dk.check("x**2", "x", at=1)
    assert str(elsewhere) == "wrong at x = 1; ∂f/∂x is 2.0, claimed 1.0; multiply by 2"
    beside = dk.check("x**2", "2", at=1)
    at = beside.counterexample["x"]
    assert str(beside).startswith(f"wrong at x = {at!r}; ∂f/∂x is {2 * at!r}, claimed 2.0")

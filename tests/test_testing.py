"""assert_gradient: silent where the gradient is right, a readable failure where it is not; points off kinks."""

import math
import os
import unittest

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import diffkit as dk
from diffkit.core.errors import DiffkitError, PointError
from diffkit.testing import assert_gradient, points

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "30"))


def loss(w):
    return np.sum(np.log1p(np.exp(-w)))


def right(w):
    return -1 / (1 + np.exp(w))


def test_a_right_gradient_passes():
    assert_gradient(loss, right, at=np.array([0.5, -2.0]))
    assert_gradient("x^2*y", ["2*x*y", "x^2"], at=[1, 2])


def test_a_failure_names_the_entry_and_the_repair():
    with pytest.raises(AssertionError) as failure:
        assert_gradient(loss, lambda w: right(w) * np.array([1.0, -1.0]), at=np.array([0.5, -2.0]))
    text = str(failure.value)
    assert text.startswith("the gradient is wrong")
    assert "∂f/∂w[1]" in text
    assert "∂f/∂w[0]" not in text
    assert "change the sign" in text


def test_what_is_not_decided_fails_unless_allowed():
    with pytest.raises(AssertionError, match="inconclusive"):
        assert_gradient("floor(x)", "0", at=2)
    assert_gradient("floor(x)", "0", at=2, allow_inconclusive=True)


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"rtol": 1e-2}, True),
        ({"rtol": 1e-4}, False),
        ({"atol": 1e-2}, True),
        ({"atol": 1e-4}, False),
        ({"rtol": 1e-4, "atol": 1e-2}, True),
        ({"rtol": 4e-4, "atol": 8e-4}, False),
        ({"rtol": 6e-4, "atol": 8e-4}, True),
        ({}, False),
    ],
    ids=str,
)
def test_a_gradient_may_be_off_by_what_is_allowed(options, right):
    """Off by 0.001 of itself, at 2: |d| = 0.002 against atol + 2·rtol."""

    def check():
        assert_gradient(lambda x: x**2, lambda x: 2 * x * 1.001, 1.0, beside=0, **options)

    if right:
        check()
    else:
        with pytest.raises(AssertionError, match="the gradient is wrong"):
            check()


def test_options_by_name():
    data = np.array([1.0, 2.0, 4.0])
    assert_gradient(lambda w, x: np.sum((w * x) ** 2), lambda w, x: 2 * w * np.sum(x**2), 0.5, args=(data,))
    assert_gradient("x^2*y", [["2*y", "2*x"], ["2*x", "0"]], kind="hessian")
    assert_gradient("x^2*y", ["2*x*y"], [1, 2], wrt="x")
    with pytest.raises(DiffkitError, match="rtol is a finite number"):
        assert_gradient("x^2", "2*x", rtol=-1)
    for beside in (-1, 1.5, True, "2"):
        with pytest.raises(DiffkitError, match="beside is a whole number of points, 0 or more"):
            assert_gradient("x^2", "2*x", 1, beside=beside)
    with pytest.raises(DiffkitError, match="unknown kind"):
        assert_gradient("x^2", "2*x", kind="slope")


class Checks(unittest.TestCase):
    """Where unittest runs the tests, a wrong gradient is a failure and no error."""

    def test_gradients(self):
        for point in ([0.5, -2.0], [3.0, 1.0]):
            with self.subTest(point=point):
                assert_gradient(loss, right, np.array(point))

    def runTest(self):
        assert_gradient("x^2", "x", 3)


def test_unittest_counts_a_wrong_gradient_as_a_failure():
    found = Checks().run()
    assert len(found.failures) == 1
    assert not found.errors


# Points off kinks ----------------------------------------------------------------------------------------------------

FUNCTIONS = {
    "abs(x) + y": lambda x, y: abs(x),
    "max(x, y)": lambda x, y: abs(x - y),
    "relu(x*y)": lambda x, y: abs(x * y),
    "x/y": lambda x, y: abs(y),
    "sqrt(x)*y": lambda x, y: x,
    "log(x - 2) + floor(y)": lambda x, y: min(x - 2, abs(y - round(y))),
    "where(x < 1, x, 2*x + y)": lambda x, y: abs(x - 1),
    "where(x < 0, y, max(y, 1))": lambda x, y: min(abs(x), math.inf if x < 0 else abs(y - 1)),
}
"""functions of x and y, and how far a point is from where they are not smooth (0: less than that, at the least)"""


@pytest.mark.parametrize("text", FUNCTIONS)
def test_points_are_off_kinks_by_the_margin(text):
    margin = 1e-3 if "*y)" not in text else 0

    @given(points(text, -4, 4, margin=1e-3))
    @settings(max_examples=EXAMPLES, deadline=None)
    def look(point):
        x, y = point["x"], point["y"]
        assert -4 <= min(x, y) <= max(x, y) <= 4
        assert FUNCTIONS[text](x, y) > margin
        assert dk.gradient(text, point).ok

    look()


def leaky(w, b):
    return np.sum(np.maximum(w, 0.1 * w)) * b[0, 1] + np.sum(np.abs(b))


FORMS = [
    ([np.zeros(2), np.zeros((1, 2))], list),
    ({"b": np.zeros((1, 2)), "w": np.zeros(2)}, dict),
]


@pytest.mark.parametrize(("form", "kind"), FORMS, ids=["list", "dict"])
def test_points_of_code_have_the_form_of_the_one_that_is_given(form, kind):
    @given(points(leaky, at=form, margin=0.25))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    def look(point):
        assert type(point) is kind
        w, b = (point["w"], point["b"]) if kind is dict else point
        assert (w.shape, b.shape) == ((2,), (1, 2))
        assert min(np.min(np.abs(w)), np.min(np.abs(b))) > 0.25
        assert dk.gradient(leaky, point).ok

    look()


def test_points_of_one_number_and_of_one_array():
    @given(points(abs, at=0.0), points(lambda v: np.sum(np.abs(v)), at=np.ones((2, 1))), points("3"))
    @settings(max_examples=EXAMPLES, deadline=None)
    def look(number, array, constant):
        assert type(number) is float
        assert array.shape == (2, 1)
        assert list(constant) == ["x"]

    look()


def branches(x):
    return x if x > 0 else -x


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: points("sqrt(x)", -3, -1), PointError, "no point in -3:-1 was found"),
        (lambda: points("x", 1, 1), PointError, "low < high"),
        (lambda: points("x", 0, math.nan), PointError, "low < high"),
        (lambda: points("x", margin=-1), PointError, "margin ≥ 0"),
        (lambda: points(loss), PointError, "have the form of one that is given"),
        (lambda: points(branches, at=1.0), DiffkitError, "branch"),
        (lambda: points("x +"), DiffkitError, "expression"),
    ],
)
def test_what_gives_no_points_says_why(call, error, words):
    with pytest.raises(error, match=words):
        call()

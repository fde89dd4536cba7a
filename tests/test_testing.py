"""assert_gradient: silent where the gradient is right, a readable failure where it is not."""

import numpy as np
import pytest

from diffkit.testing import assert_gradient


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

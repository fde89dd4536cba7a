"""A list is one point in the order of the variables, or of the parameters; lists of lists and of arrays are many."""

import numpy as np
import pytest

import diffkit as dk

W, B = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0])


def norm(W):
    return np.sum(W**2)


def affine(W, b):
    return np.sum((W @ b) ** 2) + np.sum(b)


@pytest.mark.parametrize("at", [W, [W], (W,), W.tolist(), {"W": W}, {"W": W.tolist()}], ids=repr)
def test_one_array_parameter_in_every_form(at):
    assert dk.gradient(norm, at).value == pytest.approx(2 * W)
    assert dk.check(norm, lambda W: 2 * W, at=at).verdict == "correct"


@pytest.mark.parametrize("at", [[W, B], (W, B), [W.tolist(), B.tolist()], [W, B.tolist()], {"b": B, "W": W}], ids=repr)
def test_several_array_parameters_in_every_form(at):
    expected = dk.gradient(affine, {"W": W, "b": B}).value
    assert dk.gradient(affine, at).value == pytest.approx(expected)


@pytest.mark.parametrize("args", [(B,), [B]])
def test_a_list_of_one_array_beside_further_arguments(args):
    f = lambda W, x: np.sum(np.tanh(W @ x))  # noqa: E731
    claim = lambda W, x: np.outer(1 - np.tanh(W @ x) ** 2, x)  # noqa: E731
    assert dk.check(f, claim, at=[W / 9], args=args).verdict == "correct"
    assert dk.gradient(f, [W / 9], args=args).value == pytest.approx(claim(W / 9, B))
    assert dk.descend(f, [W / 9], args=args, steps=2).weights["W"].shape == (2, 2)


@pytest.mark.parametrize("at", [[W, B], [B, B], (W, W, W)])
def test_a_list_of_arrays_is_no_array(at):
    """It is a tree, which the function is given as it is."""
    with pytest.raises(dk.FunctionError, match=f"'{type(at).__name__}' and 'int'"):
        dk.gradient(norm, at)
    assert dk.gradient(lambda parts: sum(norm(part) for part in parts), at).status == "ok"


@pytest.mark.parametrize(
    ("at", "shape"),
    [([1, 2], ()), ([[1, 2], [3, 4], [5, 6]], (3,)), ([[[1, 2]], [[3, 4]]], (2, 1)),
     ([np.array([1.0, 3.0]), np.array([2.0, 4.0])], (2,)), ([np.ones((3, 1)), np.arange(2.0)], (3, 2)),
     ([np.array([1.0, 3.0]), 2], (2,))],
)  # fmt: skip
def test_lists_for_expressions(at, shape):
    """Nested lists of numbers are one array; a list that holds an array gives one for each variable."""
    result = dk.gradient("x*y", at)
    assert result.value.shape == (*shape, 2)
    x, y = (np.broadcast_to(result.at[name], shape) for name in "xy")
    assert result.value[..., 0] == pytest.approx(y)
    assert result.value[..., 1] == pytest.approx(x)


@pytest.mark.parametrize("at", [[1, [2, 3]], [[1, 2], [3]], [[1], [2, 3]], [[1, 2, 3]], [W, W, W], [["a", 1]]])
def test_lists_that_fit_nothing(at):
    with pytest.raises(dk.PointError):
        dk.gradient("x*y", at)

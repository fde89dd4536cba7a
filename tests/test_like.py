"""Many points by ``like``: axes in front of an argument's own, of code and of text with data, of one or several."""

import pickle
from time import process_time

import numpy as np
import pytest

import diffkit as dk

X = np.arange(12.0).reshape(4, 3) / 7
Y = np.array([1.0, 2.0, 0.0, 1.0])
W = np.random.default_rng(0).normal(size=(5, 3))
B = np.linspace(-1, 1, 5)
TEXT, AFFINE = "mean((y - X @ w)^2)", "mean((y - X @ w - b)^2)"


def loss(w):
    return np.mean((Y - X @ w) ** 2)


def affine(w, b):
    return np.mean((Y - X @ w - b) ** 2)


def text(written=TEXT, **options):
    return dk.arrays(written, X=X, y=Y, **options)


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse", "finite"])
@pytest.mark.parametrize("kind", ["gradient", "hessian"])
@pytest.mark.parametrize("f", [loss, text()], ids=["code", "text"])
def test_rows_are_points(f, kind, backend):
    p = dk.prepare(f, kind, like=W[0], backend=backend)
    each = [getattr(dk, kind)(f, w, backend=backend).value for w in W]
    found = p(W)
    assert found.shape == (5, *each[0].shape)
    assert np.allclose(found, each, rtol=1e-9, atol=1e-9)
    assert np.allclose(p(W[0]), each[0], rtol=1e-12, atol=1e-12)
    assert p.result(W.reshape(1, 5, 3)).value.shape == (1, 5, *each[0].shape)
    assert np.allclose(pickle.loads(pickle.dumps(p))(W), found)


@pytest.mark.parametrize("f", [loss, text()], ids=["code", "text"])
def test_the_first_array_is_what_others_are_like(f):
    p = dk.prepare(f, backend="reverse")
    one = p(W[0])
    assert np.allclose(p(W)[0], one)


@pytest.mark.parametrize(
    "f", [affine, text(AFFINE), text(AFFINE, variables=("b", "w"))], ids=["code", "text", "in order"]
)
@pytest.mark.parametrize("backend", ["auto", "reverse", "finite"])
def test_several_arguments_have_rows_each(f, backend):
    p = dk.prepare(f, like={"w": W[0], "b": 0.0}, backend=backend)
    each = np.array([dk.gradient(f, {"w": w, "b": b}, backend=backend).value for w, b in zip(W, B, strict=True)])
    assert np.allclose(p({"w": W, "b": B}), each, rtol=1e-9, atol=1e-9)
    assert np.allclose(p({"w": W[2], "b": B[2]}), each[2], rtol=1e-9, atol=1e-9)
    same = p({"w": W, "b": 0.5})  # what is given once belongs to all
    assert np.allclose(same[3], p({"w": W[3], "b": 0.5}))
    grid = p.result({"w": W[:, None], "b": B[None]})
    assert grid.value.shape == (5, 5, 4)
    assert np.allclose(grid.value[2, 4], p({"w": W[2], "b": B[4]}))


def test_in_the_order_of_the_arguments():
    p = dk.prepare(affine, like=[W[0], 0.0], backend="reverse")
    assert np.allclose(p([W, B]), p({"w": W, "b": B}))
    q = dk.prepare(text(AFFINE, variables=("w", "b")), like=[W[0], 0.0], backend="reverse")
    assert np.allclose(q([W, B]), p({"w": W, "b": B}))


def test_matrices_as_points():
    f = dk.arrays("trace(A @ M @ A)", A=np.array([[1.0, 2.0], [0.0, 1.0]]))
    p = dk.prepare(f, like=np.eye(2))
    many = np.random.default_rng(1).normal(size=(3, 4, 2, 2))
    assert p(many).shape == (3, 4, 2, 2)
    assert np.array_equal(p(many)[1, 2], dk.gradient(f, {"M": many[1, 2]}).value)


def test_a_flat_point_of_the_right_size_is_one():
    p = dk.prepare(lambda m, s: np.sum(m**2) * s, like={"m": np.eye(2), "s": 1.0})
    assert np.allclose(p({"m": [1.0, 2.0, 3.0, 4.0], "s": 2.0}), [4, 8, 12, 16, 30])


@pytest.mark.parametrize(("f", "like", "said"), [
    (affine, W[0], "several arguments"),
    (affine, [W[0]], "several arguments"),
    (affine, {"w": W[0]}, "no value for b"),
    (affine, {"w": W[0], "b": 1.0, "c": 2.0}, "unknown parameter c"),
    (affine, [[[1.0], [1.0, 2.0]], 1.0], "ragged"),
    (text(AFFINE), [0.0, W[0]], "by names"),
    (text(AFFINE), {"w": W[0]}, "no value for b"),
    ("x^2", 1.0, "an expression has variables"),
])  # fmt: skip
def test_what_nothing_can_be_like(f, like, said):
    with pytest.raises(dk.DiffkitError, match=said):
        dk.prepare(f, like=like)


@pytest.mark.parametrize(("at", "said"), [
    ({"w": W, "b": B[:3]}, "do not fit"),
    ({"w": W[:, :2], "b": 0.0}, r"w has shape \(5, 2\), and should have \(3,\)"),
    ({"w": W[0, :2], "b": 0.0}, "should have"),
    ({"w": W}, "no value for b"),
])  # fmt: skip
@pytest.mark.parametrize("f", [affine, text(AFFINE)], ids=["code", "text"])
def test_points_that_are_not_like_it(f, at, said):
    with pytest.raises(dk.PointError, match=said):
        dk.prepare(f, like={"w": W[0], "b": 0.0})(at)


def test_a_batch_is_an_axis_and_not_a_loop():
    many = np.random.default_rng(2).normal(size=(2000, 3))
    p = dk.prepare(text(), like=many[0], backend="reverse")
    p(many[:50])
    start = process_time()
    found = p(many)
    whole = process_time() - start
    start = process_time()
    for w in many[:200]:
        dk.gradient(loss, w, backend="reverse")
    assert whole < process_time() - start  # a tenth of the rows, one after the other
    assert np.allclose(found[:9], [dk.gradient(loss, w).value for w in many[:9]])

"""Code that is replayed from its record: the same answers as where it is followed, and never those of other data."""

import numpy as np
import pytest
from array_functions import RECORDABLE

import diffkit as dk
from diffkit.engines import POINTS_INTERPRETED


def replaying(f, at, kind="gradient", backend="reverse"):
    """A prepared derivative that has seen enough points to replay, and its evaluation."""
    prepared = dk.prepare(f, kind, backend=backend)
    for _ in range(POINTS_INTERPRETED + 1):
        prepared(at)
    ((_, evaluation),) = prepared._evaluations.values()
    return prepared, evaluation


def drawn(name, small, monkeypatch):
    """A number made of a function of an array, and the array; ``small``: it is recorded number by number."""
    f, *args = RECORDABLE[name]
    at = np.asarray(args[0], dtype=float)
    g = weighted(f, *args)
    if not np.isfinite(g(at)):
        pytest.skip("no value there")
    if not small:
        monkeypatch.setattr("diffkit.methods.replay._NUMBER_BY_NUMBER", 0)
    return g, at


def weighted(f, *args):
    """A function of one array as a number, with weights that no symmetry forgives."""
    weights = np.random.default_rng(1).uniform(1, 2, np.size(f(*args)))
    return lambda x: np.sum(weights.reshape(np.shape(f(*args))) * f(x, *args[1:]))


@pytest.mark.parametrize("small", [True, False], ids=["number by number", "in arrays"])
@pytest.mark.parametrize("name", RECORDABLE)
def test_a_replay_agrees_with_following(name, small, monkeypatch):
    g, at = drawn(name, small, monkeypatch)
    _, evaluation = replaying(g, at)
    followed = dk.gradient(g, at, backend="reverse")
    if followed.status != "ok" or evaluation.task.function.hindrance:
        return
    beside = at * (1 + 2.0**-12)
    for point in (at, beside):
        replayed = evaluation.replayed(point.ravel())
        if replayed is not None:
            expected = dk.gradient(g, point, backend="reverse").value.ravel()
            assert np.allclose(replayed, expected, rtol=1e-11, atol=1e-11 * np.max(np.abs(expected), initial=1))


def test_most_functions_are_replayed():
    found = 0
    for f, *args in RECORDABLE.values():
        at = np.asarray(args[0], dtype=float)
        _, evaluation = replaying(weighted(f, *args), at)
        found += evaluation.replayed(at.ravel()) is not None
    assert found > 0.8 * len(RECORDABLE)


def test_changed_data_are_noticed_even_where_values_are_equal():
    weights = np.array([1.0, 2.0, 3.0])

    def f(x):
        return np.sum(weights * x)

    ones = np.ones(3)
    prepared, _ = replaying(f, ones)
    assert prepared(ones).tolist() == [1, 2, 3]
    weights[:] = 3.0, 1.0, 2.0  # f(1, 1, 1) is what it was
    assert prepared(ones).tolist() == [3, 1, 2]
    weights[:] = 5.0, 1.0, 2.0
    assert prepared(ones).tolist() == [5, 1, 2]


@pytest.mark.parametrize("small", [True, False], ids=["number by number", "in arrays"])
@pytest.mark.parametrize("kind", ["gradient", "hessian"])
def test_kinks_are_seen_at_later_points(kind, small, monkeypatch):
    if not small:
        monkeypatch.setattr("diffkit.methods.replay._NUMBER_BY_NUMBER", 0)

    def f(x):
        return np.sum(np.abs(x) * np.array([1.0, 2.0])) + x[0] ** 2

    prepared, _ = replaying(f, np.array([1.0, 2.0]), kind)
    found = prepared(np.array([0.0, 2.0]))
    assert np.isnan(found.ravel()[0])
    assert np.isfinite(found.ravel()[-1])
    assert not prepared.result(np.array([0.0, 2.0]))


def test_a_point_beside_which_there_is_nothing_ends_no_replay():
    def f(x):
        import math  # noqa: F401  # whose code is not watched, but compared

        return np.sqrt(x[0] - 1) + np.sqrt(x[1] - x[0])

    prepared, evaluation = replaying(f, np.array([2.0, 6.0]))
    narrow = np.array([1 + 2.0**-20, 1 + 2.0**-19])
    assert evaluation.replayed(narrow) is None
    assert prepared(narrow).tolist() == [0.0, 512.0]
    assert evaluation.replayed(np.array([2.0, 6.0])).tolist() == [0.25, 0.25]


def test_a_batch_of_code_keeps_what_was_found_in_time():
    """And says of the rest that the time was up, as it does where the code is followed."""
    from time import sleep

    def f(x):
        sleep(0.02 if x[0] > 1 else 0)
        return x[0] ** 2 if x[0] > 1 else x[1] ** 2

    points = np.linspace(2, 3, 40).reshape(-1, 2)
    prepared = dk.prepare(dk.Function(f, shape=(2,)), backend="reverse", timeout=0.7)
    found = prepared.result(points)
    assert found.statuses[0, 0] == "ok"
    assert found.statuses[-1, 0] == "uncertain"


def test_points_outside_the_domain_and_of_other_shapes():
    def f(x):
        return np.sum(np.log(x))

    prepared, _ = replaying(f, np.array([1.0, 2.0]))
    assert np.isnan(prepared(np.array([-1.0, 2.0]))).any()
    assert prepared(np.array([1.0, 2.0, 4.0])).tolist() == [1.0, 0.5, 0.25]
    assert prepared(np.array([2, 4])).tolist() == [0.5, 0.25]
    with pytest.raises(dk.PointError):
        prepared(np.array([np.nan, 2.0]))


def test_code_that_branches_is_followed_each_time():
    def f(x):
        return x[0] ** 2 if x[0] > 0 else x[1] ** 3

    prepared, evaluation = replaying(f, np.array([1.0, 2.0]))
    assert evaluation.replayed(np.array([1.0, 2.0])) is None
    assert prepared(np.array([-1.0, 2.0])).tolist() == [0.0, 12.0]


def test_a_hessian_is_symmetric_and_right():
    def f(x):
        return np.prod(x) + np.sum(np.exp(x))

    at = np.array([0.5, -1.0, 2.0])
    prepared, evaluation = replaying(f, at, "hessian")
    assert evaluation.replayed(at) is not None
    assert np.allclose(prepared(at), dk.hessian(f, at).value, rtol=1e-14)


@pytest.mark.parametrize("small", [True, False], ids=["number by number", "in arrays"])
@pytest.mark.parametrize("name", RECORDABLE)
def test_a_batch_is_what_its_rows_are(name, small, monkeypatch):
    g, at = drawn(name, small, monkeypatch)
    points = at * np.linspace(1, 1 + 2.0**-10, 14).reshape(-1, *[1] * at.ndim)
    prepared = dk.prepare(dk.Function(g, shape=at.shape), backend="reverse")
    found = prepared(points).reshape(points.shape)  # the gradient of a function of one number has length 1
    expected = np.stack([dk.gradient(g, point, backend="reverse").value.reshape(at.shape) for point in points])
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    good = np.isfinite(expected)
    largest = np.max(np.abs(expected[good]), initial=1)
    assert np.allclose(found[good], expected[good], rtol=1e-10, atol=1e-10 * largest)


@pytest.mark.parametrize("small", [True, False], ids=["number by number", "in arrays"])
def test_rows_of_a_batch_that_are_not_ordinary_keep_their_own_answers(small, monkeypatch):
    if not small:
        monkeypatch.setattr("diffkit.methods.replay._NUMBER_BY_NUMBER", 0)

    def f(x):
        return np.sum(np.abs(x)) + np.log(x[1])

    points = np.full((20, 2), 0.5) + np.arange(20)[:, None] / 16
    points[5, 0] = 0.0
    points[11, 1] = -1.0
    found = dk.prepare(dk.Function(f, shape=(2,)), backend="reverse").result(points)
    assert np.isnan(found.value[5, 0])
    assert np.isnan(found.value[11]).all()
    rest = np.delete(np.arange(20), [5, 11])
    assert np.allclose(
        found.value[rest], np.sign(points[rest]) + np.stack([0 * points[rest, 0], 1 / points[rest, 1]], 1)
    )
    assert found.statuses[11, 0] == "domain_error"


def test_the_shape_of_an_argument_is_that_of_like_or_of_the_first():
    matrix = np.arange(12.0).reshape(4, 3)

    def f(w):
        return np.sum(np.tanh(matrix @ w))

    points = np.random.default_rng(2).normal(size=(2, 15, 3)) / 9
    expected = np.stack([[dk.gradient(f, w, backend="reverse").value for w in part] for part in points])
    for first in (True, False):
        prepared = dk.prepare(f, backend="reverse", **({} if first else {"like": points[0, 0]}))
        if first:
            prepared(points[0, 0])
        assert np.allclose(prepared(points), expected, rtol=1e-13)
        assert np.allclose(prepared(points[1, 3]), expected[1, 3], rtol=1e-13)
    with pytest.raises(dk.DiffkitError, match="like gives the shape"):
        dk.prepare("x**2", like=points)


def test_another_shape_is_another_point():
    prepared = dk.prepare(lambda w: np.sum(w**2), backend="reverse")
    assert prepared(np.ones(3)).tolist() == [2, 2, 2]
    assert prepared(np.ones((2, 2))).tolist() == [[2, 2], [2, 2]]
    assert prepared(np.ones(4)).tolist() == [2, 2, 2, 2]
    assert prepared(np.ones((2, 3))).tolist() == [[2, 2, 2], [2, 2, 2]]

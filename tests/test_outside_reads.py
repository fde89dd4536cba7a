"""A function that is replayed from its record stays the same function, or that it does not is noticed."""

import functools
import pickle
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.callables.outside_reads import reads_of
from diffkit.engines import POINTS_INTERPRETED

SCALE = 1.0
WEIGHTS = np.ones(3)


def own(x):
    return np.sum(x**2)


class Loss:
    """A loss with data, in the usual form."""

    power = 2

    def __init__(self, rows):
        self.rows, self.shift = rows, 1.0

    def distances(self, w):
        return self.rows @ w - self.shift

    def __call__(self, w):
        return np.sum(self.distances(w) ** self.power)


def rebound(length):
    rows = np.ones((length, 3))

    def f(w):
        return np.sum((rows @ w) ** 2)

    def change():
        nonlocal rows
        rows = 2 * rows

    return f, change


def written_into(length):
    rows = np.ones((length, 3))
    return lambda w: np.sum((rows @ w) ** 2), lambda: rows.__setitem__((0, 1), 3.0)


def of_an_object(length, change):
    loss = Loss(np.ones((length, 3)))
    return loss, lambda: change(loss)


def copied_first(length):
    """What is computed of data is computed anew."""
    rows = np.ones((length, 3))
    return lambda w: np.sum(((2 * rows)[::2] @ w) ** 2), lambda: rows.__setitem__((0, 1), 3.0)


def numbers_of_data(length):
    """Numbers that Python takes out of an array."""
    rows = np.ones((length, 3))
    return lambda w: np.sum((rows @ w) ** 2) * float(rows[0, 0]), lambda: rows.__setitem__((0, 0), 3.0)


def branching_on_data(length):
    rows = np.ones((length, 3))
    return (lambda w: np.sum((rows @ w) ** 2) if rows[0, 0] > 0 else np.sum(w**3)), lambda: rows.__setitem__((0, 0), -1)


def permuted(length):
    """The value stays what it is where all weights are equal."""
    rows = np.ones((length, 3)) * [1.0, 2.0, 3.0]
    return lambda w: np.sum(rows @ w), lambda: rows.__setitem__(slice(None), np.array(rows[:, ::-1]))


def hardly_changed(length):
    """At w = 0 the value says nothing about data."""
    rows = np.ones((length, 3))
    return lambda w: np.sum(np.exp(rows @ (w - 1.0))), lambda: rows.__setitem__((0, 1), 1 + 1e-9)


def in_a_list(_):
    held = [1.0, np.ones(3)]
    return lambda w: held[0] * np.sum(held[1] * w), lambda: held.__setitem__(0, 2.0)


def in_a_dictionary(_):
    held = {"a": 1.0}
    return lambda w: held["a"] * np.sum(w**2), lambda: held.update(a=3.0)


def through_another(_):
    def inner(x, factor=2.0):
        return factor * np.sum(x**2)

    return lambda w: inner(w), lambda: setattr(inner, "__defaults__", (5.0,))


def other_code(_):
    def inner(x):
        return np.sum(x**2)

    def inner2(x):
        return np.sum(x**3)

    return lambda w: inner(w), lambda: setattr(inner, "__code__", inner2.__code__)


def of_a_partial(length):
    rows = np.ones((length, 3))
    return functools.partial(lambda data, w: np.sum((data @ w) ** 2), rows), lambda: rows.__setitem__((0, 1), 3.0)


def with_further_arguments(length):
    rows = np.ones((length, 3))
    return dk.Function(lambda w, data: np.sum((data @ w) ** 2), (rows,)), lambda: rows.__setitem__((0, 1), 3.0)


def of_a_namespace(_):
    held = SimpleNamespace(a=1.0)
    return lambda w: held.a * np.sum(w**2), lambda: setattr(held, "a", 3.0)


def slowly(_):
    """What cannot be watched is compared."""
    held = [1.0]
    return lambda w: held[0] * np.sum(w**2) + 0 * len(str(time.time)), lambda: held.__setitem__(0, 2.0)


CHANGES = {
    "rebound": rebound, "written into": written_into, "copied first": copied_first, "numbers": numbers_of_data,
    "branching": branching_on_data, "permuted": permuted, "hardly": hardly_changed, "list": in_a_list,
    "dictionary": in_a_dictionary, "default": through_another, "code": other_code, "partial": of_a_partial,
    "arguments": with_further_arguments, "namespace": of_a_namespace, "compared": slowly,
    "attribute": lambda length: of_an_object(length, lambda loss: setattr(loss, "shift", 2.0)),
    "attribute array": lambda length: of_an_object(length, lambda loss: loss.rows.__setitem__((0, 1), 3.0)),
    "new attribute": lambda length: of_an_object(length, lambda loss: setattr(loss, "power", 3)),
}  # fmt: skip


def settled(f, at):
    prepared = dk.prepare(f, backend="reverse")
    for _ in range(POINTS_INTERPRETED + 3):
        prepared(at)
    return prepared


@pytest.mark.parametrize("at", [np.ones(3), np.array([0.5, -1.0, 2.0])], ids=["equal", "different"])
@pytest.mark.parametrize("length", [4, 6000], ids=["small", "large"])
@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_is_noticed(name, length, at):
    f, change = CHANGES[name](length)
    prepared = settled(f, at)
    for _ in range(2):
        before = dk.gradient(f, at, backend="reverse").value
        assert np.allclose(prepared(at), before, rtol=1e-12)
        change()
        after = dk.gradient(f, at, backend="reverse").value
        assert np.allclose(prepared(at), after, rtol=1e-12), "once more"
        if name != "hardly":
            assert np.allclose(prepared(2 * at), dk.gradient(f, 2 * at, backend="reverse").value, rtol=1e-12)


def test_the_gradient_follows_hardly_changed_data():
    f, change = hardly_changed(6000)
    prepared = settled(f, np.ones(3))
    before = prepared(np.ones(3))
    change()
    assert prepared(np.ones(3))[1] > before[1]


@pytest.mark.parametrize("length", [4, 6000], ids=["small", "large"])
def test_what_is_watched_is_not_run(length):
    loss = Loss(np.ones((length, 3)))
    prepared = settled(loss, np.ones(3))
    ((_, evaluation),) = prepared._evaluations.values()
    before = evaluation.function.evaluations
    assert prepared(np.ones(3)).tolist() == [4.0 * length] * 3
    assert evaluation.function.evaluations == before


def test_globals_are_noticed(monkeypatch):
    def f(w):
        return SCALE * np.sum(WEIGHTS * own(w))

    prepared = settled(f, np.ones(3))
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    assert prepared(np.ones(3)).tolist() == [12.0] * 3
    monkeypatch.setitem(globals(), "own", lambda x: np.sum(x))
    assert prepared(np.ones(3)).tolist() == [6.0] * 3


def test_a_function_of_numpy_that_is_replaced_is_noticed(monkeypatch):
    prepared = settled(lambda w: np.sum(np.exp(w)), np.zeros(3))
    monkeypatch.setattr(np, "exp", np.expm1 if False else lambda x: 3.0 * x)
    assert prepared(np.zeros(3)).tolist() == [3.0] * 3


def nonlocal_count():
    count = 0

    def f(w):
        nonlocal count
        count += 1
        return np.sum(w) * count

    return f


class Computing:
    """An object whose attributes are computed."""

    def __getattr__(self, name):
        return time.time()


UNWATCHED = {
    "random numbers": lambda w: np.sum(w) * np.random.random(),
    "a generator": functools.partial(lambda g, w: np.sum(w) * g.random(), np.random.default_rng(0)),
    "a clock": lambda w: np.sum(w) * time.time(),
    "a file": lambda w: np.sum(w) * len(open(__file__).read()),  # noqa: SIM115
    "its count": nonlocal_count(),
    "computed attributes": functools.partial(lambda held, w: np.sum(w) * held.now, Computing()),
    "dynamic": lambda w: np.sum(w) * eval("SCALE"),
    "by its name": lambda w: np.sum(w) * globals()["SCALE"],
    "of its class": lambda w: np.sum(w) * len(w.__class__.__name__),
}


@pytest.mark.parametrize("name", UNWATCHED)
def test_what_is_not_watched(name):
    assert reads_of(UNWATCHED[name]) is None


def test_functions_that_call_themselves():
    rows = np.ones((6000, 3))

    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    prepared = settled(lambda w: np.sum(power(rows @ w, 3)), np.ones(3))
    rows[0, 0] = 2.0
    assert prepared(np.ones(3))[0] == 3 * 9 * 5999 + 3 * 16 * 2


def test_what_is_replayed_is_pickled():
    prepared = settled(own, np.ones(3))
    other = pickle.loads(pickle.dumps(prepared))
    for _ in range(POINTS_INTERPRETED):
        assert other(np.ones(3)).tolist() == [2.0] * 3


def test_what_a_module_makes_when_asked_is_not_relied_on():
    lazily, factor = ModuleType("lazily"), [1.0]
    lazily.__getattr__ = lambda name: factor[0] if name == "scale" else getattr(None, name)

    def f(w):
        return np.sum(lazily.scale * w**2)

    prepared, point = dk.prepare(f), np.array([1.0, 2.0])
    for _ in range(3 * POINTS_INTERPRETED):
        assert prepared(point).tolist() == [2.0, 4.0]
    factor[0] = 3.0
    assert prepared(point).tolist() == [6.0, 12.0]
    assert reads_of(f, ()) is None

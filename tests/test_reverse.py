"""Reverse mode against forward mode, exact answers and differences."""

import math

import numpy as np
import pytest
from array_functions import DUAL_ONLY, RECORDABLE
from conftest import corpus, exact, ulps
from ndarray_cases import (
    CONFUSION,
    KINKS,
    ONCE,
    SMOOTH_AFTER_ALL,
    TIES,
    TRAPS,
    D,
    close,
    differences,
    scribbler,
    written_out,
)

import diffkit as dk
from diffkit.asking.questions import make_task
from diffkit.core.errors import BackendError, TracingError
from diffkit.core.program import run
from diffkit.judging.comparison import compare_task
from diffkit.methods import get_backend
from diffkit.ndarrays import pullback, pushforward
from diffkit.numbers.floats import FLOATS

ALL = RECORDABLE | DUAL_ONLY


def by_name(cases):
    return pytest.mark.parametrize("name", cases)


def directions(args):
    return [np.cos(np.arange(3.0, 3.0 + np.size(a))).reshape(np.shape(a)) for a in args]


def weights(value):
    return np.sin(np.arange(1.0, 1.0 + np.size(value))).reshape(np.shape(value))


def G(f):
    """The derivative of a function of a scalar, in reverse."""

    def slope(x):
        pulled = pullback(f, [x])
        return pulled.back(np.ones(np.shape(pulled.value)))[0]

    return slope


@by_name(ALL)
def test_the_pullback_is_the_transpose_of_the_pushforward(name):
    """v·(J u) = (Jᵀv)·u."""
    f, *args = ALL[name]
    u = directions(args)
    pushed, pulled = pushforward(f, args, [x[None] for x in u]), pullback(f, args)
    np.testing.assert_array_equal(pulled.value, pushed.value)
    assert pulled.hits == pushed.hits
    v = weights(pushed.value)
    gradients = pulled.back(v)
    assert [np.shape(g) for g in gradients] == [np.shape(a) for a in args]
    terms = [v * pushed.tangents[0], *(g * x for g, x in zip(gradients, u, strict=True))]
    forward, *reverse = (math.fsum(np.ravel(t).tolist()) for t in terms)
    scale = max(float(np.sum(np.abs(t))) for t in terms) + 1e-2
    assert abs(forward - math.fsum(reverse)) <= 1e-13 * scale


@by_name([name for name in ALL if name not in ONCE])
def test_forward_over_reverse_is_the_difference_of_gradients(name):
    f, *args = ALL[name]
    u = directions(args)

    def gradient(*parts):
        pulled = pullback(f, parts)
        return np.concatenate([np.reshape(g, -1) for g in pulled.back(weights(pulled.value))])

    pushed = pushforward(gradient, args, [x[None] for x in u])
    close(pushed.value, gradient(*args), 1e-13)

    def along(t):
        return gradient(*(a + t * x for a, x in zip(args, u, strict=True)))

    close(pushed.tangents, differences(along, [np.float64(0.0)], h=5e-4), 2e-6)


@by_name([name for name in RECORDABLE if name in ("network", "matmul", "sum axes", "where", "through views", "solve")])
def test_a_gradient_in_reverse_can_be_recorded(name):
    f, *args = RECORDABLE[name]

    def gradient(*parts):
        pulled = pullback(f, parts)
        return np.concatenate([np.reshape(g, -1) for g in pulled.back(weights(pulled.value))])

    sizes = [np.size(a) for a in args]
    program, _ = written_out(gradient, [f"x{i}" for i in range(sum(sizes))], [np.shape(a) for a in args])
    found = run(program, FLOATS, [float(x) for a in args for x in np.ravel(a)])
    close(np.array(found), gradient(*args), 1e-12)


@pytest.mark.parametrize(("outer", "inner"), [(G, G), (G, D), (D, G)])
@by_name(CONFUSION)
def test_perturbations_are_not_confused(name, outer, inner, monkeypatch):
    f, at, wanted = CONFUSION[name]
    monkeypatch.setattr("ndarray_cases.D", inner)
    assert outer(f)(at) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("seed", range(25))
def test_writing_through_views_is_followed(seed):
    f, x = scribbler(seed), np.array([[1.5, -0.5, 2.0], [0.25, 3.0, -1.0]])
    pulled = pullback(f, [x])
    v = weights(pulled.value)
    (gradient,) = pulled.back(v)
    close(gradient.ravel(), differences(f, [x]) @ v, 1e-8)
    np.testing.assert_array_equal(pulled.back(2 * v)[0], 2 * gradient)  # the tape is not used up


def test_the_callers_arrays_are_left_alone():
    def f(x):
        x[0] = 7.0
        x += 1
        return x.sum()

    x = np.ones(2)
    pulled = pullback(f, [x])
    assert pulled.value == 10.0
    np.testing.assert_array_equal(pulled.back(1.0)[0], [0.0, 1.0])
    np.testing.assert_array_equal(x, 1.0)


def test_arguments_that_do_not_move_have_no_gradient():
    pulled = pullback(lambda x, n: x**n, [2.0, 3.0], [True, False])
    assert pulled.back(1.0) == [12.0, None]
    assert pullback(lambda x: 3.0, [np.ones(2)]).back(1.0)[0].tolist() == [0.0, 0.0]


def test_a_cotangent_of_another_shape_is_refused():
    with pytest.raises(TracingError, match="does not fit"):
        pullback(np.sum, [np.ones(2)]).back(np.ones(2))


@by_name(TRAPS)
def test_what_cannot_be_followed_says_what_to_write(name):
    f, words = TRAPS[name]
    with pytest.raises(TracingError, match=words):
        pullback(f, [np.array([0.3, 0.5, -1.2])])


@by_name(KINKS)
def test_at_a_place_that_is_not_smooth_there_is_no_gradient(name):
    f, kind = KINKS[name]
    pulled = pullback(f, [0.0])
    for seed in np.eye(max(1, np.size(pulled.value))):
        assert math.isnan(pulled.back(seed.reshape(np.shape(pulled.value)))[0])
    assert next(hit.kind for hit in pulled.hits if hit.kind != "tie") == kind


@pytest.mark.parametrize(("outer", "inner"), [(G, G), (G, D), (D, G)])
@by_name(SMOOTH_AFTER_ALL)
def test_a_place_that_does_not_matter_leaves_the_gradient(name, outer, inner, monkeypatch):
    f, wanted = SMOOTH_AFTER_ALL[name]
    monkeypatch.setattr("ndarray_cases.D", inner)
    assert outer(f)(0.0) == wanted


@by_name(TIES)
def test_a_choice_decided_by_equality_is_recorded(name):
    assert any(hit.kind == "tie" for hit in pullback(TIES[name], [0.0]).hits)
    assert not pullback(TIES[name], [0.5]).hits


def test_a_kink_spoils_the_entries_that_move_it_and_no_others():
    f = lambda x: np.abs(x[0] - x[1]) + np.maximum(x[2], 3 * x[2]) + np.hypot(x[3] - 1, x[4]) + x[4] + x[5]  # noqa: E731
    (gradient,) = pullback(f, [np.array([2.0, 2.0, 0.0, 1.0, 0.0, 0.0])]).back(1.0)
    np.testing.assert_array_equal(gradient, [math.nan] * 5 + [1.0])
    (gradient,) = pullback(lambda x: np.maximum(2 * x[0] + x[1], x[0] + x[0] + 3 * x[1]), [np.zeros(2)]).back(1.0)
    np.testing.assert_array_equal(gradient, [2.0, math.nan])


INFINITE = np.array([[1.0, 2.0], [np.inf, 1.0]])


ABSENT = {
    "where": (lambda x: np.sum(np.where([True, False, True], np.log(x), 3 * x)), [1.0, 0.0, 2.0], [1.0, 3.0, 0.5]),
    "index": (lambda x: np.sqrt(x)[0] + x[1], [4.0, 0.0], [0.25, 1.0]),
    "max": (lambda x: np.maximum(np.log(x[0]), x[1]), [1.0, 2.0], [0.0, 1.0]),
    "product": (lambda x: (INFINITE @ x)[0], [1.0, 2.0], [1.0, 2.0]),
    "infinite product": (lambda x: (INFINITE @ x)[1], [1.0, 2.0], [math.nan, 1.0]),
    "sum": (lambda x: np.sum(np.sqrt(x) * np.eye(2), axis=1)[0] + 0 * x[0], [4.0, 0.0], [0.25, math.nan]),
    "power 0": (lambda x: np.sum(x ** np.array([0.0, 2.0])), [0.0, 3.0], [0.0, 6.0]),
    "edge times zero": (lambda x: np.sqrt(x[1]) * 0 + x[0], [1.0, 0.0], [1.0, math.nan]),
}


@by_name(ABSENT)
def test_an_absent_cotangent_is_a_strong_zero(name):
    f, at, wanted = ABSENT[name]
    (gradient,) = pullback(f, [np.array(at)]).back(1.0)
    np.testing.assert_array_equal(gradient, wanted)
    pushed = pushforward(f, [np.array(at)], [np.eye(len(at))])
    if np.isfinite(pushed.value):
        np.testing.assert_array_equal(np.isnan(gradient), np.isnan(pushed.tangents))


def as_code(row):
    """A row of the corpus as a Python function of one array."""
    program = dk.parse(row["expr"], variables=row["vars"]).program
    from diffkit.ndarrays.kernel import ROWS

    return lambda x: run(program, ROWS, [x[k] for k in range(len(row["vars"]))])[0]


def test_the_gradient_of_every_corpus_row_of_programs_and_of_code():
    errors, held = [], []
    for row in corpus():
        at = [float(row["at"][name]) for name in row["vars"]]
        result = dk.gradient(row["expr"], at, backend="reverse", variables=row["vars"])
        assert result.status == "ok", (row["id"], result.message)
        prepared = dk.prepare(as_code(row), backend="reverse")
        code = prepared.result(np.array(at))
        task, _ = prepared.question.at(np.array(at))
        bars = get_backend("reverse").prepare(task).bound(at)
        held += [abs(exact(v) - exact(t)) <= b for v, t, b in zip(code.flat, row["gradient"], bars, strict=True)]
        for value, truth in zip(result.value.tolist(), row["gradient"], strict=True):
            if truth == "0":
                assert abs(value) < 1e-9
            else:
                errors.append(ulps(value, truth))
    assert np.median(errors) <= 0.65
    assert np.mean(held) > 0.97  # the bars of code are measured, not proven


def test_hessians_and_rounding_bounds_of_corpus_rows():
    for row in corpus()[::3]:
        task = make_task(row["expr"], "hessian", row["vars"])
        point = [float(row["at"][name]) for name in row["vars"]]
        evaluation = get_backend("reverse").prepare(task)
        values, bars = evaluation.at(point).values, evaluation.bound(point)
        for (_, (i, j)), value, bar in zip(task.indices, values, bars, strict=True):
            assert abs(exact(value) - exact(row["hessian"][i][j])) <= bar, row["id"]


CHOICES = {
    "where(x > 0, log(x), y)": ([-1, 2], [0, 1]),
    "max(log(x), y)": ([1, 2], [0, 1]),
    "where(x > 0, log(x)*sin(x) + x, x**2) + x*y": ([-1, 3], [1, -1]),
    "where(x > 0, log(x), 0) + where(x <= 0, y*exp(1/x), 0)": ([1, 2], [1, 0]),
    "where(x > 0, 1/sqrt(x), where(x < -1, y*x, 1/(x + 2)))*y": ([-2, 0.5], [0.25, -2]),
    "min(y/(x - 1), y)*max(x, y, x*y)": ([1.5, 2], [4, 6]),
    "where(x > 0, y, 3)": ([-1, 2], [0, 0]),
    "max(x, 0)*sqrt(min(y, 4))": ([-1, 9], [0, 0]),
}


@pytest.mark.parametrize("text", CHOICES)
def test_branches_that_are_not_taken_stay_out(text):
    at, wanted = CHOICES[text]
    result = dk.gradient(text, at, backend="reverse", variables=("x", "y"))
    proven = dk.gradient(text, at, variables=("x", "y"))
    assert result.value.tolist() == proven.value.tolist() == [float(w) for w in wanted]


CODE = {
    "rosenbrock": (RECORDABLE["rosenbrock"][0], np.linspace(-1, 1, 9)),
    "vector": (lambda x: np.stack([np.sum(x**2), np.prod(x[:3]), x[0] * x[1]]), np.linspace(0.5, 1, 4)),
    "matrix": (lambda x: np.outer(x, np.sin(x)), np.linspace(0.5, 1, 3)),
    "two arguments": (lambda x, y: np.sin(x) * y**3, (1.0, 2.0)),
}


@by_name(CODE)
def test_every_kind_of_derivative_of_code(name):
    f, at = CODE[name]
    reverse, dual = (dk.jacobian(f, at, backend=b).value for b in ("reverse", "dual"))
    np.testing.assert_allclose(reverse, dual, rtol=1e-13, atol=1e-15)
    n = np.size(at)
    np.testing.assert_allclose(dk.jvp(f, at, [1.0] * n, backend="reverse").value,
                               dk.jvp(f, at, [1.0] * n, backend="dual").value, rtol=1e-13)  # fmt: skip
    if name in ("rosenbrock", "two arguments"):
        for kind, options in (("hessian", {}), ("hvp", {"direction": [0.5] * n}), ("gradient", {})):
            first, second = (dk.prepare(f, kind, backend=b, **options).result(at) for b in ("reverse", "dual"))
            np.testing.assert_allclose(first.value, second.value, rtol=1e-13, atol=1e-15)
            assert first.shape == second.shape


def test_higher_orders_of_code_and_of_programs():
    for f in (lambda x: np.exp(2 * x), "exp(2*x)"):
        for order in (1, 2, 3, 4):
            found = dk.derivative(f, 0.3, order=order, backend="reverse").value
            assert found == pytest.approx(2.0**order * math.exp(0.6), rel=1e-14)
        assert dk.taylor(f, 0.0, 3, backend="reverse").value.tolist() == pytest.approx([1, 2, 2, 4 / 3])
    with pytest.raises(BackendError, match="order 4"):
        dk.derivative(np.sin, 0.3, order=5, backend="reverse")


def test_odd_points_of_code():
    result = dk.gradient(lambda x: np.abs(x).sum(), np.array([0.0, 1.0]), backend="reverse")
    assert result.status == "uncertain"
    assert result.value[1] == 1.0
    assert result.message.startswith("kink of abs")
    assert dk.gradient(lambda x: np.log(x).sum(), np.array([-1.0, 1.0]), backend="reverse").status == "domain_error"
    assert "tie" in dk.derivative(lambda x: x if x > 0 else -x, 0.0, backend="reverse").message


@pytest.mark.parametrize("backend", ["dual", "reverse"])
def test_code_that_takes_another_branch_when_it_is_followed_is_noticed(backend):
    with pytest.raises(TracingError, match="something else when it is followed"):
        dk.derivative(lambda x: x**2 if isinstance(x, float) else x**3, 2.0, backend=backend)
    total = lambda x: np.cumsum(x)[-1] + 1e6  # noqa: E731  (added up in another order, and that is no other branch)
    assert dk.gradient(total, np.linspace(0, 1, 1000) ** 9 * 1e3, backend=backend).ok


def test_backends_are_compared_with_reverse_among_them():
    task = make_task("x*y + sin(x)/y", "gradient")
    comparison = compare_task(task, (1.0, 2.0), ["dual", "reverse", "symbolic", "finite"])
    assert comparison.verdict == "agree"
    assert comparison.pairs["dual", "reverse"] == pytest.approx((0.0, 0.0), abs=2)

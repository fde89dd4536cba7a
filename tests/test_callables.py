"""Python functions as f: points, shapes, every backend, faults of the code, nesting, optimisers, size."""

import functools
import math
import statistics
import threading
import time
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import scipy.optimize
from conftest import corpus, exact, ulps
from numpy_functions import branched, is_exact, numpy_function, rosenbrock, rosenbrock_text
from scoring import Score, table, well_posed

import diffkit as dk
from diffkit.errors import BackendError, DiffkitError, FunctionError, PointError, TracingError, VariableError
from diffkit.results import Answer

ALL = ("auto", "symbolic", "dual", "complex", "finite")
CLOSE = {"finite": 1e-6}


def close(backend, got, want):
    np.testing.assert_allclose(got, want, rtol=CLOSE.get(backend, 1e-13), atol=CLOSE.get(backend, 1e-13))


# Points --------------------------------------------------------------------------------------------------------------


def product(x, y):
    return x * np.sin(y)


def curve(x):
    return np.sum(x**2) * np.sin(x[0])


class Model:
    k = 2.0

    def method(self, x):
        return self.k * np.sum(x**2)

    def __call__(self, x):
        return self.k * np.sum(x**2)


def network(W, b):
    return np.sum(np.tanh(W @ np.ones(3) + b))


WEIGHTS = {"W": np.arange(6.0).reshape(2, 3) / 10, "b": np.array([0.1, 0.2])}
PAIR = [math.sin(2), math.cos(2)]


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(
    ("f", "at", "variables", "value"),
    [
        (np.sin, 1.0, ("x",), [math.cos(1)]),
        (np.sin, np.array(1.0), ("x",), [math.cos(1)]),
        (np.sin, "pi/4", ("x",), [math.cos(math.pi / 4)]),
        (lambda x: x**2, Fraction(1, 4), ("x",), [0.5]),
        (lambda x, k=3.0: k * x**2, 2, ("x",), [12.0]),
        (product, [1, 2], ("x", "y"), PAIR),
        (product, (1, 2), ("x", "y"), PAIR),
        (product, np.array([1.0, 2.0]), ("x", "y"), PAIR),
        (product, {"y": 2, "x": 1}, ("x", "y"), PAIR),
        (product, "1,2", ("x", "y"), PAIR),
        (product, "y=2, x=1", ("x", "y"), PAIR),
        (product, np.array([[1.0, 2.0], [3.0, 2.0]]), ("x", "y"), [PAIR, [math.sin(2), 3 * math.cos(2)]]),
        (lambda *a: a[0] * np.sin(a[1]), [1, 2], ("x1", "x2"), PAIR),
        (lambda *a: a[0] * np.sin(a[1]), {"p": 1, "q": 2}, ("p", "q"), PAIR),
        (lambda *a: a[0] * np.sin(a[1]), np.array([[1.0, 2.0]] * 3), ("x1", "x2"), [PAIR] * 3),
        (lambda *a: a[0] ** 2, 3, ("x",), [6.0]),
        (functools.partial(lambda k, x: k * np.sum(x**2), 3.0), [1, 2], ("x[0]", "x[1]"), [6.0, 12.0]),
        (Model().method, [1, 2], ("x[0]", "x[1]"), [4.0, 8.0]),
        (Model(), (1, 2), ("x[0]", "x[1]"), [4.0, 8.0]),
        (lambda x: np.sum(x**2), ["pi", 1], ("x[0]", "x[1]"), [2 * math.pi, 2.0]),
        (lambda X: np.sum(X**2), [[1, 2], [3, 4]], ("X[0,0]", "X[0,1]", "X[1,0]", "X[1,1]"), [[2, 4], [6, 8]]),
        (dk.Function(lambda x: np.sum(x**2), shape=(2,)), np.array([[1.0, 2], [3, 4]]), ("x[0]", "x[1]"),
         [[2, 4], [6, 8]]),
        (dk.Function(lambda x: np.sum(x**2, axis=1), vectorized=True, shape=(2,)), np.array([[1.0, 2], [3, 4]]),
         ("x[0]", "x[1]"), [[2, 4], [6, 8]]),
        (dk.Function(lambda x, y: x * np.sin(y), vectorized=True), [1, 2], ("x", "y"), PAIR),
        (dk.Function(lambda x, A: x @ A @ x, (np.eye(2),)), [1.0, 2.0], ("x[0]", "x[1]"), [2.0, 4.0]),
        (lambda x: (x[:1] ** 2), [3.0, 1.0], ("x[0]", "x[1]"), [6.0, 0.0]),
    ],
)  # fmt: skip
def test_gradients_at_points_of_every_form(f, at, variables, value, backend):
    result = dk.gradient(f, at, backend=backend)
    assert result.ok, result.message
    assert result.variables == variables
    assert tuple(result.at) == variables
    assert result.value.shape == np.shape(value)
    close(backend, result.value, value)


@pytest.mark.parametrize("at", [np.linspace(0, 1, 6).reshape(2, 3), "x=0:1:5", np.array([0.5])])
@pytest.mark.parametrize("backend", ALL)
def test_derivatives_are_elementwise(at, backend):
    result = dk.derivative(np.sin, at, backend=backend)
    points = np.linspace(0, 1, 5) if isinstance(at, str) else at
    close(backend, np.squeeze(result.value), np.squeeze(np.cos(points)))


def test_parameters_and_coordinates_have_names():
    whole = dk.gradient(network, WEIGHTS)
    assert whole.shape == (8,)
    assert whole.variables[:3] == ("W[0,0]", "W[0,1]", "W[0,2]")
    assert whole.labels[6:] == ("∂f/∂b[0]", "∂f/∂b[1]")
    np.testing.assert_array_equal(dk.gradient(network, WEIGHTS, wrt="W").value, whole.value[:6])
    np.testing.assert_array_equal(dk.gradient(network, WEIGHTS, wrt="W[0,1]").value, whole.value[1:2])
    np.testing.assert_array_equal(dk.gradient(network, WEIGHTS, wrt=("b", "W[1,2]")).value, whole.value[[6, 7, 5]])
    named = dk.gradient(curve, [1, 2, 3], variables=("a", "b", "c"))
    assert named.variables == ("a", "b", "c")
    assert float(dk.derivative(curve, [1, 2, 3], variables=("a", "b", "c"), wrt="b")) == named.value[1]
    assert dk.gradient(curve, [1, 2], variables=("w",)).variables == ("w[0]", "w[1]")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: dk.gradient(curve, [[1, 2], [3]]), PointError, "ragged"),
        (lambda: dk.gradient(product, [1, 2, 3]), PointError, "3 coordinates"),
        (lambda: dk.gradient(product, np.ones((3, 3))), PointError, "last axis"),
        (lambda: dk.gradient(product, {"x": 1}), PointError, "no value for y"),
        (lambda: dk.gradient(product, {"x": 1, "y": 2, "z": 3}), PointError, "unknown parameter z"),
        (lambda: dk.gradient(product, [1, math.nan]), PointError, "finite"),
        (lambda: dk.gradient(curve, np.array([1, math.inf])), PointError, "infinity"),
        (lambda: dk.gradient(product, [1, 2j]), PointError, "real"),
        (lambda: dk.gradient(curve, np.array([1, 2j])), PointError, "real"),
        (lambda: dk.gradient(curve, []), PointError, "empty"),
        (lambda: dk.gradient(curve, np.zeros(0)), PointError, "empty"),
        (lambda: dk.gradient(lambda *a: 1.0, {}), PointError, "empty"),
        (lambda: dk.gradient(lambda *a: a[0], {1: 2}), VariableError, "text"),
        (lambda: dk.gradient(curve, None), PointError, "real number"),
        (lambda: dk.gradient(curve, True), PointError, "truth"),
        (lambda: dk.gradient(curve, np.array(["1"])), PointError, "real numbers"),
        (lambda: dk.gradient(curve, np.ma.array([1.0, 2], mask=[0, 1])), PointError, "masked"),
        (lambda: dk.gradient(product, "x=1,2"), PointError, "mixes"),
        (lambda: dk.gradient(product, "x=1,x=2"), PointError, "twice"),
        (lambda: dk.gradient(product, [1, 2], variables=("w", "w")), VariableError, "twice"),
        (lambda: dk.gradient(curve, [1, 2, 3], variables=("a", "b")), VariableError, "2 names"),
        (lambda: dk.gradient(network, WEIGHTS, wrt="Q"), VariableError, "unknown variable Q"),
        (lambda: dk.gradient(lambda: 1.0, 1), DiffkitError, "no argument"),
        (lambda: dk.gradient(curve, [1, 2], args=np.eye(2)), DiffkitError, "tuple"),
        (lambda: dk.gradient(curve, [1, 2], args=(3,)), FunctionError, "positional"),
        (lambda: dk.gradient(lambda x: x, [1, 2]), DiffkitError, "jacobian"),
        (lambda: dk.derivative(np.sin, [1, 2]), DiffkitError, "NumPy array of many points"),
        (lambda: dk.jacobian([np.sin, np.cos], 1), DiffkitError, "one that returns the list"),
        (lambda: dk.jvp(curve, [1, 2], {"x": 1}), PointError, "list of numbers"),
        (lambda: dk.jvp(lambda X: np.sum(X), np.ones((2, 3)), np.ones((3, 2))), PointError, "shape"),
        (lambda: dk.jvp(curve, [1, 2], [1]), DiffkitError, "1 components"),
        (lambda: dk.derivative(np.exp, 1, order=5, backend="dual"), BackendError, "order 4"),
        (lambda: dk.derivative(np.exp, 1, order=2, backend="complex"), BackendError, "first derivatives"),
        (lambda: dk.Function(3), DiffkitError, "needs a function"),
        (lambda: dk.gradient(dk.Function(lambda x: np.sum(x), vectorized=True, shape=(2,)), [1.0, 2.0]),
         FunctionError, "vectorized"),
    ],
)  # fmt: skip
def test_misuse_raises_one_line(call, error, words):
    with pytest.raises(error, match=words) as raised:
        call()
    assert "\n" not in str(raised.value)


# Shapes --------------------------------------------------------------------------------------------------------------

X23 = np.arange(1.0, 7.0).reshape(2, 3)


@pytest.mark.parametrize("backend", ["auto", "dual", "finite"])
@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda b: dk.gradient(lambda X: np.sum(X**3), X23, backend=b), (2, 3)),
        (lambda b: dk.hessian(lambda X: np.sum(X**3), X23, backend=b), (2, 3, 2, 3)),
        (lambda b: dk.jacobian(lambda X: X @ X.T, X23, backend=b), (2, 2, 2, 3)),
        (lambda b: dk.jacobian(lambda x: [x[0] * x[1], x[1] ** 2], [1, 2], backend=b), (2, 2)),
        (lambda b: dk.jacobian(lambda x, y: (x * y, x, 3.0), [1, 2], backend=b), (3, 2)),
        (lambda b: dk.jacobian(lambda x: x[:0], [1, 2], backend=b), (0, 2)),
        (lambda b: dk.jvp(lambda x: np.outer(x, x), [1, 2], [1, 0], backend=b), (2, 2)),
        (lambda b: dk.hvp(lambda X: np.sum(X**3), X23, np.ones((2, 3)), backend=b), (2, 3)),
        (lambda b: dk.directional(lambda X: np.sum(X**3), X23, [[1, 0, 0], [0, 0, 1]], backend=b), ()),
        (lambda b: dk.taylor(np.exp, 0, 4, backend=b), (5,)),
        (lambda b: dk.taylor(curve, [1, 2], 3, wrt="x[1]", backend=b), (4,)),
    ],
)
def test_shapes(call, shape, backend):
    result = call(backend)
    assert result.ok
    assert np.shape(result.value) == shape
    assert result.error is None or np.shape(result.error) == shape
    assert np.shape(result.statuses) == shape
    assert len(result.labels) == math.prod(shape)


@pytest.mark.parametrize("names", [("t", "y"), ("x", "v_x"), ("v_t", "t"), ("v", "t1")])
def test_names_of_parameters_do_not_collide_with_those_of_a_line(names):
    f = eval(f"lambda {', '.join(names)}: {names[0]}**2 * {names[1]}**3")
    for backend in ("auto", "symbolic", "dual"):
        np.testing.assert_allclose(dk.hvp(f, [2, 3], [1, 1], backend=backend).value, [162, 180])
        np.testing.assert_allclose(dk.jvp(f, [2, 3], [1, 1], backend=backend).value, 216)


# Accuracy ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written():
    """Rows of the corpus, the programs of their expressions, NumPy functions of them, and points."""
    rows = []
    for row in corpus():
        program = dk.parse(row["expr"], variables=row["vars"]).program
        rows.append((row, program, numpy_function(program), [float(row["at"][n]) for n in row["vars"]]))
    return rows


@pytest.mark.parametrize("backend", ["dual", "complex"])
def test_rules_are_as_accurate_on_code(written, backend):
    found = []
    for row, _, f, point in written:
        if backend == "complex" and "loggamma" in row["expr"]:
            continue  # SciPy's gammaln takes real numbers only
        result = dk.gradient(f, point, backend=backend)
        assert result.ok
        found += map(ulps, result.flat, row["gradient"])
    assert len(found) > 350
    assert statistics.median(found) <= 0.6


def test_auto_proves_and_rounds_code_correctly(written):
    checked = 0
    for row, program, f, point in written:
        result = dk.gradient(f, point)
        assert result.error_kind == "proven"
        if is_exact(program):
            assert all(ulps(value, text) <= 0.5000001 for value, text in zip(result.flat, row["gradient"], strict=True))
            checked += len(point)
    assert checked >= 200


def test_differences_of_code_are_as_good_as_of_expressions(written):
    found, evaluations = [], []
    for row, _, f, point in written:
        result = dk.gradient(f, point, backend="finite")
        evaluations.append(result.evaluations / len(point))
        for c, text in enumerate(row["gradient"]):
            truth = exact(text)
            if truth == 0 or not well_posed(row, abs(truth) * abs(point[c]), f(np.array(point))):
                continue
            if result.is_odd(c):
                found.append(Score(row["id"], 0.0, math.inf, 0.0, abs(float(truth))))
                continue
            error = abs(exact(result.flat[c]) - truth)
            digits = 16.0 if error == 0 else max(0.0, min(16.0, -math.log10(error / abs(truth))))
            found.append(Score(row["id"], digits, float(error), result.flat_error[c], abs(float(truth))))
    seen = table(found, evaluations)
    assert seen.median >= 14.3
    assert seen.low >= 11.5
    assert seen.honest >= 0.993
    assert seen.lies == seen.false_claims == 0


def test_other_kinds_agree_with_the_expression(written):
    rng = np.random.default_rng(1)
    for row, program, f, point in written[::8]:
        if not is_exact(program):
            continue
        direction = rng.uniform(-1, 1, len(point)).tolist()
        for kind, options in (("hessian", {}), ("hvp", {"direction": direction}), ("jvp", {"direction": direction}),
                              ("directional", {"direction": direction, "order": 2})):  # fmt: skip
            want = dk.prepare(row["expr"], kind, variables=row["vars"], **options).result(point)
            got = dk.prepare(f, kind, **options).result(point)
            assert got.status == want.status
            np.testing.assert_array_equal(np.ravel(got.value), np.ravel(want.value))
            dual = dk.prepare(f, kind, backend="dual", **options).result(point)
            size = np.max(np.abs(want.flat))
            np.testing.assert_allclose(dual.flat, want.flat, rtol=1e-7, atol=1e-9 * size)


@pytest.mark.parametrize("blocks", [1, 2, 7, 2**19])
def test_dual_passes_in_blocks_give_the_same(monkeypatch, blocks):
    monkeypatch.setattr("diffkit.backends.dual.BLOCK", blocks)
    x = np.linspace(-1, 1, 5)
    for kind in ("gradient", "hessian"):
        want = getattr(dk, kind)(rosenbrock, x).value
        np.testing.assert_allclose(getattr(dk, kind)(branched, x, backend="dual").value, want, rtol=1e-14)


# Optimisers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 20])
@pytest.mark.parametrize("form", ["code", "expression"])
@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-ncg", "trust-constr"])
def test_optimisers_find_the_minimum(method, form, n):
    prepared = dk.prepare(rosenbrock if form == "code" else rosenbrock_text(n))
    start = np.tile([-1.2, 1.0], n // 2) if n == 2 else np.full(n, 0.97)
    second = {"BFGS": {}, "Newton-CG": {"hessp": prepared.hessp}}.get(method, {"hess": prepared.hess})
    found = scipy.optimize.minimize(prepared.fun, start, jac=prepared.jac, method=method, **second)
    assert found.success
    np.testing.assert_allclose(found.x, 1, atol=1e-3)
    np.testing.assert_allclose(prepared.hess(start), scipy.optimize.rosen_hess(start), rtol=1e-14)
    np.testing.assert_allclose(
        prepared.hessp(start, start), scipy.optimize.rosen_hess_prod(start, start), rtol=1e-12, atol=1e-9
    )


# Faults of the code --------------------------------------------------------------------------------------------------

LAST = [0]
SCALE = np.array([2.0, 3.0])
LIMIT = 7


def raises_type_error(x):
    raise TypeError("boo")


def raises_below_one(x):
    if x <= 1:
        raise ValueError("must be above 1")
    return x**2


def raises_at_one(x):
    if x == 1.0:
        raise ZeroDivisionError("at 1")
    return x**2


def singular(x):
    return np.sum(np.linalg.inv(np.stack([np.stack([x, x]), np.stack([x, x])])))


def counts(x):
    LAST[0] += 1
    return x**2 + LAST[0]


def by_type(x):
    return x**2 if isinstance(x, (float, np.ndarray)) else 3 * x


def by_type_of_array(x):
    return np.sum(x**2) if isinstance(x, np.ndarray) else 0 * np.sum(x)


def swallows(x):
    try:
        return math.sin(x) * x
    except Exception:
        return 0.0


def swallows_with_the_same_value(x):
    try:
        return math.sin(x) * x
    except Exception:
        return math.sin(1.5) * x


def kept_by_text():
    known = {}

    def f(x):
        key = f"{x:.17g}"
        if key not in known:
            known[key] = float(x) ** 2
        return known[key]

    return f


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(
    ("f", "at", "value"),
    [
        (by_type, 3.0, 6.0),
        (by_type_of_array, [1.0, 2.0], [2.0, 4.0]),
        (swallows, 1.5, math.sin(1.5) + 1.5 * math.cos(1.5)),
        (swallows_with_the_same_value, 1.5, math.sin(1.5) + 1.5 * math.cos(1.5)),
        (lambda x: float(x) ** 2, 1.5, 3.0),
        (lambda x: np.sum(np.frombuffer(np.array([float(v) for v in x]).tobytes()) ** 2), [1.0, 2.0], [2.0, 4.0]),
        (lambda x: np.sum(np.frombuffer(x.tobytes()) ** 2), [1.0, 2.0], [2.0, 4.0]),
        (lambda x: np.sum(np.array(x.tolist()) ** 2), [1.0, 2.0], [2.0, 4.0]),
        (lambda x: x**2 if f"{x:.3f}" else 0.0, 1.5, 3.0),
        (lambda x: (x.real**2) if np.iscomplexobj(x) else x**2, 1.5, 3.0),
        (lambda x: {}.get("a", x**2), 1.5, 3.0),
    ],
)
def test_code_that_hides_is_right_or_refused(f, at, value, backend):
    try:
        result = dk.gradient(f, at, backend=backend)
    except BackendError:
        assert backend not in ("auto", "finite")
        return
    assert result.ok or backend not in ("auto", "finite")
    if result.ok:
        np.testing.assert_allclose(result.value, np.atleast_1d(value), rtol=1e-6)


def test_values_kept_by_text_are_not_proven_constant():
    result = dk.derivative(kept_by_text(), 1.5)
    assert result.status == "uncertain" or float(result) == pytest.approx(3.0)
    assert float(dk.derivative(kept_by_text(), 1.5, backend="finite")) == pytest.approx(3.0)


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(
    ("f", "at", "words"),
    [
        (raises_type_error, 1.25, "raised TypeError at x = 1.25"),
        (lambda x: x[5], [1.0], "raised IndexError"),
        (lambda x: None, 1.0, r"nothing \(None\)"),
        (lambda x: "3", 1.0, "a str"),
        (lambda x: {"a": x}, 1.0, "a dict"),
        (lambda x: [1.0, [x]], 1.0, "ragged"),
        (lambda x: 1j * x, 1.0, "complex"),
    ],
)
def test_what_gives_no_numbers_is_named(f, at, words, backend):
    with pytest.raises(FunctionError, match=words):
        dk.jacobian(f, at, backend=backend)


@pytest.mark.parametrize("backend", ["auto", "dual", "complex", "finite"])
@pytest.mark.parametrize(
    ("f", "status"),
    [
        (raises_below_one, "domain_error"),
        (raises_at_one, "domain_error"),
        (lambda x: 1 / float(x - 1), "domain_error"),
        (lambda x: x * math.nan, "domain_error"),
        (lambda x: np.log(x - 2), "domain_error"),
        (singular, "domain_error"),
    ],
)
def test_points_without_a_value(f, status, backend):
    try:
        assert dk.gradient(f, 1.0, backend=backend).status == status
    except BackendError:
        assert backend in ("dual", "complex")


def test_beside_points_without_a_value():
    for backend in ("auto", "dual", "complex", "finite"):
        assert float(dk.derivative(raises_below_one, 1 + 1e-7, backend=backend)) == pytest.approx(2 + 2e-7, rel=1e-5)
    assert dk.derivative(lambda x: 1 / (x - 1) if x > -9 else x, 1.0).status == "pole"


def test_a_first_point_without_a_value_does_not_fix_the_shape():
    def f(x):
        return np.sqrt(x) if np.all(x > 0) else np.linalg.inv(np.zeros((2, 2)))

    prepared = dk.prepare(f, "jacobian")
    assert prepared.result([-1.0, 1.0]).status == "domain_error"
    np.testing.assert_allclose(prepared([1.0, 4.0]), [[0.5, 0], [0, 0.25]])


@pytest.mark.parametrize("noise", [1e-3, 1e-13])
@pytest.mark.parametrize("backend", ["auto", "dual", "complex", "finite"])
def test_random_functions_are_named(noise, backend):
    rng = np.random.default_rng(0)
    result = dk.derivative(lambda x: x**2 + noise * rng.normal(), 1.0, backend=backend)
    assert "two values at the same point" in result.warnings[0]
    assert not result.ok or abs(result.value - 2) <= 10 * result.error
    assert result.ok or result.status == "uncertain"


def test_a_counter_is_uncertain():
    for backend in ("auto", "dual", "complex", "finite"):
        result = dk.derivative(counts, 1.0, backend=backend)
        assert result.status == "uncertain"
        assert "keeps a state" in result.warnings[0]


@pytest.mark.parametrize("backend", ALL)
def test_writing_into_the_argument_is_named_and_harmless(backend):
    def f(x):
        x[0] = 5 * x[0]
        return np.sum(x**2)

    point = np.array([1.0, 2.0])
    result = dk.gradient(f, point, backend=backend)
    close(backend, result.value, [50, 4])
    assert result.warnings == ("f writes into its argument x",)
    np.testing.assert_array_equal(point, [1, 2])


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: np.float32(x**2), "float32"),
        (lambda x: np.asarray(x, dtype=np.float32) ** 2, "float32"),
        (lambda x: int(x**2 * 10), "whole numbers"),
        (lambda x: np.sqrt(x + 0j), "imaginary part 0"),
    ],
)
@pytest.mark.parametrize("backend", ["auto", "dual", "complex", "finite"])
def test_other_kinds_of_numbers_are_named(f, words, backend):
    try:
        result = dk.derivative(f, 1.1, backend=backend)
    except BackendError:
        assert backend in ("dual", "complex")
        return
    assert words in result.warnings[0]


def test_a_shape_that_changes_is_an_error():
    with pytest.raises(FunctionError, match=r"shape \(2,\) at .*, and of \(1,\) before"):
        dk.jacobian(lambda x: x[x > 1], [1.0, 2.0], backend="finite")


def test_functions_may_print(capsys):
    def f(x):
        print("at", x)
        return x**2

    assert float(dk.derivative(f, 1.5)) == 3
    assert "at 1.5" in capsys.readouterr().out


def test_data_outside_the_function_are_named():
    assert dk.gradient(lambda x: SCALE @ x + LIMIT, [1.0, 2.0]).warnings == (
        "f reads the global SCALE, which is held constant",
        "f reads the global LIMIT, which is held constant",
    )
    assert dk.gradient(curve, [1.0, 2.0]).warnings == ()
    state = 0.0

    def keeps(x):
        nonlocal state
        state = 1.0
        return x**2

    def writes(x):
        global LIMIT
        LIMIT = 7
        return LIMIT * x

    for f, name in ((keeps, "state"), (functools.partial(writes), "LIMIT")):
        assert f"writes {name}, which lives outside it: it keeps a state" in dk.derivative(f, 1.0).warnings[-1]


def test_a_function_that_keeps_its_last_input_says_so():
    class Memo:
        x = None

        def __call__(self, x):
            if self.x is None or not np.array_equal(x, self.x):
                self.x, self.value = x, np.sum(x**2)
            return self.value

    result = dk.gradient(Memo(), [1.0, 2.0])
    assert result.status == "uncertain"
    assert "kept from a derivative that is finished" in result.message
    np.testing.assert_allclose(dk.gradient(Memo(), [1.0, 2.0], backend="finite").value, [2, 4])


@pytest.mark.parametrize("x", [1e-300, 1e-200, -1e-5, 1e300])
def test_complex_steps_far_from_one(x):
    result = dk.derivative(lambda x: 3 * x, x, backend="complex")
    assert float(result) == 3
    log = dk.derivative(lambda x: np.log(x * x), x, backend="complex")
    assert not log.ok or float(log) == pytest.approx(2 / x)


def test_what_one_branch_hides_is_found_there():
    def f(x):
        try:
            return math.exp(x) if x > 2 else x**2
        except Exception:
            return 1.0

    prepared = dk.prepare(f, "derivative", backend="dual")
    assert float(prepared.result(1.0)) == 2
    with pytest.raises(TracingError, match="something else when it is followed"):
        prepared.result(3.0)
    assert float(dk.derivative(f, 3.0)) == pytest.approx(math.exp(3))


def test_data_that_changes_later_is_noticed():
    data = {"k": 2.0}
    prepared = dk.prepare(lambda x: data["k"] * x**2, "derivative")
    assert float(prepared.result(1.0)) == 4
    data["k"] = 5.0
    assert float(prepared.result(1.0)) == pytest.approx(10)


def test_slow_functions_are_called_seldom():
    calls = []

    def slow(x):
        calls.append(0)
        return np.sum(np.sin(x) ** 2)

    dk.gradient(slow, np.ones(50))
    assert len(calls) < 12


# Nesting -------------------------------------------------------------------------------------------------------------

NESTED = {
    "the inner point moves": (lambda b: lambda x: x * dk.derivative(lambda y: y**3, x, backend=b).value, 2.0, 36.0),
    "in text": (lambda b: lambda x: x * float(dk.derivative("y^3", x, backend=b)), 2.0, 36.0),
    "confusion": (lambda b: lambda x: x * dk.derivative(lambda y: x + y, 1.0, backend=b).value, 1.0, 1.0),
    "closure": (lambda b: lambda x: x * dk.derivative(lambda y: x * y, 1.0, backend=b).value, 3.0, 6.0),
    "three levels": (
        lambda b: lambda x: x * dk.derivative(
            lambda y: y * dk.derivative(lambda z: x * y * z * z, 1.0, backend=b).value, 2.0, backend=b).value,
        3.0, 48.0,
    ),
    "prepared": (
        lambda b: functools.partial(lambda p, x: p(x) * x, dk.prepare(lambda y: y**3, "derivative", backend=b)),
        2.0, 36.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("outer", ALL)
@pytest.mark.parametrize("inner", ["auto", "dual", "finite"])
@pytest.mark.parametrize("case", NESTED)
def test_nested_derivatives_are_right_or_refused(case, inner, outer):
    make, at, want = NESTED[case]
    if case == "three levels" and (inner, outer) not in (("dual", "auto"), ("dual", "dual"), ("auto", "complex")):
        inner = "dual"  # differences of differences of differences take long
    try:
        value = float(dk.derivative(make(inner), at, backend=outer))
    except BackendError:  # the innermost of three is of proxies, whatever the outermost does
        assert outer not in ("auto", "finite") or (case == "three levels" and inner == "dual")
        return
    assert value == pytest.approx(want, rel=1e-9)


def test_three_levels_by_methods_that_take_plain_numbers():
    def inner(x):
        return dk.derivative(lambda y: y * dk.derivative(lambda z: x * y * z * z, 1.0).value, 2.0).value

    assert inner(3.0) == pytest.approx(24, rel=1e-9)


# Comparisons ---------------------------------------------------------------------------------------------------------


class Seven:
    name, error_kind = "seven", "none"

    def prepare(self, task):
        self.count, self.formula = len(task.indices), None
        return self

    def at(self, point):
        return Answer([7.0] * self.count)

    def batch(self, points):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("kind", "options"), [("gradient", {}), ("hessian", {}), ("hvp", {"direction": [1, 1]}), ("jacobian", {})]
)
@pytest.mark.parametrize("f", [rosenbrock, branched, lambda x: float(rosenbrock(np.array([float(v) for v in x])))])
def test_comparisons_of_functions(f, kind, options):
    seen = dk.compare(f, [0.5, 0.4], kind, (*ALL, Seven()), **options)
    assert seen.verdict == "disagree"
    assert [row.backend for row in seen.rows if row.outside] == ["seven"]
    assert {finding.backend for finding in seen.findings} == {"seven"}
    traced = f is rosenbrock
    assert seen.reference.error_kind == ("proven" if traced else "estimate")
    assert bool(seen.rows[1].skipped) == (not traced)
    assert dk.compare(f, [0.5, 0.4], kind, ALL, **options).verdict == "agree"


def test_a_comparison_at_a_kink_of_code():
    assert dk.compare(lambda x: x if x > 0 else 0.0, 0.0, backends=ALL).verdict == "not_differentiable"


# Size and threads ----------------------------------------------------------------------------------------------------


def coupled(x):
    return np.sum(np.sin(x[1:]) * x[:-1] ** 2)


def test_large_functions():
    x = np.linspace(0, 1, 10_000)
    moving = dk.prepare(coupled, "jvp", direction=x, backend="dual")
    moving(x)
    start = time.process_time()
    slope = moving(x)
    assert time.process_time() - start < 0.5
    tracemalloc.start()
    short = dk.gradient(coupled, x[:2000], backend="dual").value
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6  # blocks of directions wait for the garbage collector
    exact_gradient = np.zeros(2000)
    exact_gradient[:-1] = 2 * x[:1999] * np.sin(x[1:2000])
    exact_gradient[1:] += np.cos(x[1:2000]) * x[:1999] ** 2
    np.testing.assert_allclose(short, exact_gradient, rtol=1e-14)
    whole = np.sum(2 * x[:-1] ** 2 * np.sin(x[1:])) + np.sum(np.cos(x[1:]) * x[:-1] ** 2 * x[1:])
    np.testing.assert_allclose(slope, whole, rtol=1e-12)


@pytest.mark.parametrize("backend", ALL)
def test_one_preparation_serves_many_threads(backend):
    prepared = dk.prepare(rosenbrock if backend == "symbolic" else branched, backend=backend)
    points = np.random.default_rng(2).uniform(0.5, 2, (12, 3))
    want = [prepared(p) for p in points]
    shared = dk.prepare(rosenbrock if backend == "symbolic" else branched, backend=backend)
    found = {}

    def work(first):
        for k in range(first, 12, 4):
            found[k] = shared(points[k])

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    for k in range(12):
        np.testing.assert_array_equal(found[k], want[k])


def test_an_inner_point_that_moves_says_what_to_do():
    with pytest.raises(TracingError, match="take backend='auto' or 'finite' for the outer one"):
        dk.derivative(lambda x: dk.derivative(np.sin, x).value, 1.0, backend="dual")

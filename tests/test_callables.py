"""Python functions as f: points, shapes, accuracy by every backend, optimisers."""

import functools
import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
import scipy.optimize
from callable_cases import ALL, close, curve
from conftest import corpus, exact, ulps
from numpy_functions import branched, is_exact, numpy_function, rosenbrock, rosenbrock_text
from scoring import Score, table, well_posed

import diffkit as dk
from diffkit.core.errors import BackendError, DiffkitError, FunctionError, PointError, VariableError


def product(x, y):
    return x * np.sin(y)


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
        (lambda: dk.jvp(curve, [1, 2], {"x": 1}), DiffkitError, "1 components for 2"),
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
        if backend == "complex" and " ± " in result.message:
            continue  # real differences see too few digits to confirm it
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
    monkeypatch.setattr("diffkit.methods.dual.DUAL_NUMBERS", blocks)
    x = np.linspace(-1, 1, 5)
    for kind in ("gradient", "hessian"):
        want = getattr(dk, kind)(rosenbrock, x).value
        np.testing.assert_allclose(getattr(dk, kind)(branched, x, backend="dual").value, want, rtol=1e-14)


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

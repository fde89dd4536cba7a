"""The Python face: points in every form, shapes, labels, and Results that say what they are."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy

import diffkit as dk
from diffkit.core.errors import BackendError, DiffkitError, NotOkError, PointError, VariableError

X, Y = sympy.symbols("x y")


@pytest.mark.parametrize(
    "at",
    [[1, 2], (1, 2), {"x": 1, "y": 2}, {"y": "2", "x": "pi/pi"}, "1,2", "y=2,x=1", [Fraction(1), Decimal(2)],
     [np.float32(1), np.int64(2)], [sympy.Integer(1), sympy.Rational(4, 2)], ["sqrt(1)", np.array(2.0)]],
    ids=repr,
)  # fmt: skip
def test_one_point_in_all_its_forms(at):
    result = dk.gradient("x*y^2", at)
    assert result.value.tolist() == [4.0, 4.0]
    assert dict(result.at) == {"x": 1.0, "y": 2.0}


@pytest.mark.parametrize(
    "at", [2, 2.0, "2", [2], (2,), {"x": 2}, Fraction(2), np.float64(2), np.array(2), "x=2"], ids=repr
)
def test_one_number_for_one_variable(at):
    assert dk.derivative("x^3", at).value == 12.0


def test_a_point_is_the_nearest_binary64():
    assert dk.derivative("x^2", "0.1").value == 2 * 0.1
    assert dk.derivative("x - 1/10", "1/10").at["x"] == 0.1
    assert dk.gradient("x", "1/3").at["x"] == 1 / 3


def test_batches_lead():
    points = np.arange(24.0).reshape(3, 4, 2) + 1
    gradient = dk.gradient("x*y^2", points, backend="dual")
    assert gradient.value.shape == (3, 4, 2)
    np.testing.assert_array_equal(gradient.value[..., 0], points[..., 1] ** 2)
    assert dk.hessian("x*y^2", points).value.shape == (3, 4, 2, 2)
    assert dk.jacobian(["x", "y", "x*y"], points).value.shape == (3, 4, 3, 2)
    assert dk.taylor("x*y", points, 3, wrt="x").value.shape == (3, 4, 4)
    assert dk.derivative("sin(x)", points).value.shape == (3, 4, 2)
    np.testing.assert_allclose(dk.derivative("sin(x)", points).value, np.cos(points), rtol=1e-15)
    mapping = dk.gradient("x*y^2", {"x": np.ones((3, 1)), "y": np.arange(4)})
    assert mapping.value.shape == (3, 4, 2)
    assert dk.gradient("x*y", np.empty((0, 2))).value.shape == (0, 2)
    assert dk.gradient("x", [[1.0]] and np.array([[1.0], [2.0]])).value.shape == (2, 1)


BAD_POINTS = [
    ("x*y", [1], "1 coordinate, the expression has 2 variables"),
    ("x", [1, 2], "2 coordinates, the expression has 1 variable"),
    ("x", {"z": 1}, "unknown variable z"),
    ("x*y", {"x": 1}, "no value for y"),
    ("x", math.nan, "not a finite number"),
    ("x", "nan", "not a number"),
    ("x", math.inf, "not a finite number"),
    ("x", True, "truth value"),
    ("x", 1j, "not a real number"),
    ("x", None, "not a real number"),
    ("x", "y", "not a number"),
    ("x", "1e999", "not a finite number"),
    ("x", 10**400, "not a real number"),
    ("x*y", np.ones(3), "last axis"),
    ("x*y", np.array([1.0, np.nan]), "NaN or infinity"),
    ("x*y", np.array(["a", "b"]), "does not hold real numbers"),
    ("x*y", {"x": np.ones(2), "y": np.ones(3)}, "do not broadcast"),
    ("x", sympy.I, "not a real number"),
    ("x", sympy.Symbol("z"), "not a real number"),
    ("x", "", "empty"),
]


@pytest.mark.parametrize(("f", "at", "reason"), BAD_POINTS, ids=lambda v: str(v)[:30])
def test_bad_points(f, at, reason):
    with pytest.raises(PointError, match=reason):
        dk.gradient(f, at)


@pytest.mark.parametrize("order", [0, 21, -1, 2.0, "2", True])
def test_bad_orders(order):
    with pytest.raises(DiffkitError, match="order"):
        dk.derivative("x", 1, order=order)
    with pytest.raises(DiffkitError, match="order"):
        dk.taylor("x", 1, order if order else -1)
    with pytest.raises(DiffkitError, match="order"):
        dk.directional("x", 1, [1], order)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: dk.derivative("x*y", [1, 2]), "say which"),
        (lambda: dk.derivative("x*y", [1, 2], wrt="z"), "unknown variable z"),
        (lambda: dk.derivative("x*y", [1, 2], wrt=("x", "y"), order=2), "either an order or several names"),
        (lambda: dk.derivative("3", [], variables=()), "no variable"),
        (lambda: dk.gradient("x", 1, backend="dul"), "did you mean dual"),
        (lambda: dk.parse("x").diff("y"), "unknown variable"),
        (lambda: dk.gradient(object(), 1), "cannot differentiate a object"),
        (lambda: dk.gradient(b"x", 1), "cannot differentiate a bytes"),
        (lambda: dk.jacobian([], 1), "no function"),
        (lambda: dk.directional("x*y", [1, 2], [1]), "1 components for 2"),
        (lambda: dk.directional("x*y", [1, 2], "xy"), "direction is a list"),
        (lambda: dk.prepare("x", "gradiant"), "did you mean gradient"),
        (lambda: dk.prepare("x", "gradient", order=2), "takes no order"),
        (lambda: dk.compare("x", np.ones((2, 1))), "one point"),
        (lambda: dk.compare("x", 1, backends=[]), "no backend"),
        (lambda: dk.derivative("x", 1, order=5, backend="finite"), "up to order 4"),
        (lambda: dk.parse(3), "text, not int"),
        (lambda: dk.parse("x", variables=[1]), "name is text"),
        (lambda: dk.parse("x", variables="y"), "unknown variable x"),
        (lambda: dk.nothing, "no attribute"),
    ],
)
def test_misuse_raises_a_typed_error(call, reason):
    with pytest.raises((DiffkitError, AttributeError), match=reason):
        call()


def test_a_function_glued_to_its_argument_is_no_variable():
    for text, hint in {"sinx + 1": "write sin(x)", "log2x": "write log2(x)", "exp3t": "write exp(3t)"}.items():
        with pytest.raises(dk.ParseError, match=re.escape(hint)):
            dk.parse(text)
    assert dk.parse("sinx + 1", variables=("sinx",)).variables == ("sinx",)
    assert dk.parse("tau + signal + maxi + sin2").variables == ("maxi", "signal", "sin2", "tau")


def test_results_say_what_they_are():
    result = dk.gradient("abs(x) + y^2", {"x": 0, "y": 3}, backend="dual")
    assert result.status == "not_differentiable"
    assert result.statuses.tolist() == ["not_differentiable", "ok"]
    assert math.isnan(result.value[0])
    assert result.value[1] == 6.0
    assert (result.left[0], result.right[0]) == (-1.0, 1.0)
    assert math.isnan(result.left[1])
    assert result.limit is None
    assert result.labels == ("∂f/∂x", "∂f/∂y")
    assert "abs(x) has a kink" in result.message
    assert "abs(x)" in str(result)
    with pytest.raises(NotOkError, match="not_differentiable"):
        np.asarray(result)
    with pytest.raises(NotOkError):
        float(result)
    with pytest.raises(AttributeError):
        result.kind = "x"


def test_an_ok_result_is_a_number():
    result = dk.derivative("x^2", 3)
    assert float(result) == 6.0
    assert np.asarray(result) == 6.0
    assert result.left is None
    assert result.error == 0.0
    assert result.error_kind == "proven"
    assert result.shape == ()
    assert isinstance(result.value, float)
    with pytest.raises(NotOkError, match="not one number"):
        float(dk.gradient("x*y", [1, 2]))


def test_finite_differences_have_bars_and_count():
    result = dk.hessian("x^2*y", [1, 2], backend="finite")
    assert result.error_kind == "estimate"
    assert result.error.shape == (2, 2)
    assert result.evaluations > 20


def test_only_the_symbolic_backend_has_a_formula():
    assert dk.gradient("x^2*y", [1, 2], backend="symbolic").formula == "[2*x*y, x**2]"
    assert dk.hessian("x^2*y", [1, 2], backend="symbolic").formula == "[[2*y, 2*x], [2*x, 0]]"
    assert dk.derivative("sin(x)", 1, order=2, backend="symbolic").formula == "-sin(x)"
    assert dk.taylor("x^2", 1, 2, backend="symbolic").formula == "[x**2, 2*x, (2)/2!]"
    assert dk.gradient("x^2", 1, backend="dual").formula is None


def test_wrt_orders_and_restricts():
    assert dk.gradient("x*y^2", [1, 2], wrt=("y", "x")).value.tolist() == [4.0, 4.0]
    assert dk.gradient("x*y^2", [1, 2], wrt="y").labels == ("∂f/∂y",)
    assert dk.hessian("x^2*y", [1, 2], wrt=("y", "x")).value.tolist() == [[0.0, 2.0], [2.0, 4.0]]
    assert dk.jacobian(["x*y", "x"], [1, 2], wrt="x").value.tolist() == [[2.0], [1.0]]
    assert dk.derivative("x^2*y^3", [1, 2], wrt=("y", "x", "y")).value == 24.0


def test_prepared_is_reusable():
    prepared = dk.prepare("x^2*y", "gradient", backend="dual")
    assert prepared([3, 2]).tolist() == [12.0, 9.0]
    assert prepared(np.array([[3, 2], [1, 1.0]])).tolist() == [[12.0, 9.0], [2.0, 1.0]]
    assert prepared.result([1, 1]).ok
    assert prepared.variables == ("x", "y")
    assert dk.prepare("x^4", "derivative", order=3)(2) == 48.0
    assert dk.prepare(["x", "y"], "jacobian")([1, 2]).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_expressions():
    e = dk.parse("3*x^2 - 4x")
    assert e.variables == ("x",)
    assert e.sympy == 3 * sympy.Symbol("x", real=True) ** 2 - 4 * sympy.Symbol("x", real=True)
    assert str(e.diff("x")) == "6*x - 4"
    assert str(e.diff("x", 2)) == "6"
    assert e == dk.parse("3x² − 4·x")
    assert hash(e) == hash(dk.parse("3x² − 4·x"))
    assert dk.gradient(e, 1).value == [2.0]
    with pytest.raises(VariableError):
        e.diff("y")


@pytest.mark.parametrize(
    ("f", "at", "value"),
    [
        (X**2 * sympy.sin(Y), {"x": 1, "y": 0}, [0.0, 1.0]),
        (sympy.Float(0.1) * X, 1, [0.1]),
        (sympy.Rational(1, 3) * X, 1, [1 / 3]),
        (sympy.Piecewise((X, X > 1), (X**2, True)), 0.5, [1.0]),
        (sympy.Max(X, Y, 2), [3, 1], [1.0, 0.0]),
        (sympy.exp(X) / sympy.sqrt(Y), [0, 4], [0.5, -0.0625]),
        (sympy.Function("sigmoid")(X), 0, [0.25]),
        (sympy.besselj(0, X), 0, [0.0]),
        (5, [], []),
    ],
)
def test_sympy_expressions(f, at, value):
    assert np.ravel(dk.gradient(f, at).value).tolist() == value


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (sympy.Symbol("x", positive=True) + sympy.Symbol("x"), "two different symbols"),
        (sympy.Symbol("x_{1}"), "not a usable name"),
        (sympy.Symbol("pi"), "name of a constant"),
        (sympy.zeta(X), "zeta has no counterpart"),
        (sympy.Integral(X, X), "Integral has no counterpart"),
        (sympy.I * X, "no counterpart|ImaginaryUnit"),
    ],
)
def test_sympy_expressions_without_meaning(f, reason):
    with pytest.raises(DiffkitError, match=reason):
        dk.gradient(f, [1] * len(f.free_symbols))


def test_auto_sees_through_binary64():
    """Where every method in binary64 fails, the referee's digits are given."""
    for text, at, value in [
        ("(exp(x) - 1)/x", 1e-10, 0.5),
        ("(1 - cos(x))/x^2", 1e-8, -8.333333333333333e-10),
        ("log(1 + exp(x))", 800, 1.0),
        ("sqrt(x^2 + 1)", 1e200, 1.0),
        ("exp(-1e6*x^2)", 1e-3, -735.7588823428846),
        ("abs(x - 1e-9)", 0, -1.0),
        ("sin(128*pi*x)", 0, 402.1238596594935),
    ]:
        assert math.isclose(dk.derivative(text, at).value, value, rel_tol=1e-9), text


def test_thread_safety():
    from concurrent.futures import ThreadPoolExecutor

    def job(k):
        return dk.hessian(f"x^{k % 5 + 2}*y + sin({k}*x)", [0.5, 2.0], backend="dual").value.tolist()

    expected = [job(k) for k in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(job, range(40))) == expected


def test_backend_objects():
    from diffkit.methods.symbolic import SymbolicBackend

    large = "+".join(f"sin({k}*x)" for k in range(200))
    with pytest.raises(DiffkitError, match="too many for SymPy"):
        dk.derivative(large, 1, backend=SymbolicBackend(dk.Limits(symbolic_nodes=100)))
    assert dk.derivative(large, 1, backend=SymbolicBackend()).ok
    with pytest.raises(BackendError, match="unknown backend"):
        dk.derivative("x", 1, backend="magic")


@pytest.mark.parametrize("backend", ["auto", "symbolic", "dual", "reverse", "finite"])
def test_jvp_of_several_functions_is_the_jacobian_times_the_direction(backend):
    fs, v = ["x*y", "x + y^2", "sin(x)"], [3, -1]
    product = dk.jvp(fs, [1, 2], v, backend=backend)
    np.testing.assert_allclose(product.value, dk.jacobian(fs, [1, 2]).value @ v, rtol=1e-12)
    assert dk.jvp("x*y", [1, 2], v, backend=backend).value.shape == (1,)

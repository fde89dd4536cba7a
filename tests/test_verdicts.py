"""An answer is true if it says yes, and false if it says no, as the exit code of its command is 0 or 1."""

import numpy as np
import pytest
import sympy
from scipy import optimize

import diffkit as dk

YES_AND_NO = [
    (lambda: dk.derivative("x^2", 1), lambda: dk.derivative("abs(x)", 0)),
    (lambda: dk.gradient("x*y", [1, 2]), lambda: dk.gradient("x + log(y)", [1, -2])),
    (lambda: dk.gradient("x^2", np.array([[1.0], [2.0]])), lambda: dk.gradient("1/x", np.array([[1.0], [0.0]]))),
    (lambda: dk.hessian("x*y", [0, 0]), lambda: dk.hessian("max(x, y)", [1, 1])),
    (lambda: dk.compare("exp(x)", 1), lambda: dk.compare("abs(x)", 0)),
    (lambda: dk.compare("x^3", 0), lambda: dk.compare("(1-cos(x))/x^2", 1e-8)),
    (lambda: dk.check("x^2", "2*x"), lambda: dk.check("x^2", "3*x")),
    (lambda: dk.check_identity("d/dX log(det(X)) = inv(X).T"), lambda: dk.check_identity("d/dX log(det(X)) = inv(X)")),
    (lambda: dk.report([{"expr": "x^2", "at": {"x": 1}, "gradient": [2]}]),
     lambda: dk.report([{"expr": "x^2", "at": {"x": 1}, "gradient": [3]}])),
    (lambda: dk.quotients("x^2", 1), lambda: dk.quotients("abs(x)", 0)),
    (lambda: dk.tangent("x^2", 1), lambda: dk.tangent("abs(x)", 0)),
    (lambda: dk.stationary("x^2 + 1", "x=1:2"), lambda: dk.stationary("sin(x)", "x=-20:20", most=3)),
    (lambda: dk.descend("x^2", 1, rate=0.1), lambda: dk.descend("x^2", 1, rate=3)),
]  # fmt: skip


@pytest.mark.parametrize(("yes", "no"), YES_AND_NO)
def test_an_answer_is_its_verdict(yes, no):
    assert bool(yes()) is True
    assert bool(no()) is False


@pytest.mark.parametrize(
    ("f", "start"),
    [(["x^2 + y - 1", "x - y"], [1.0, 1.0]), (["cos(t2) - t10", "t10 - t2"], [0.5, 0.5]),
     (lambda v: np.array([v[0] ** 2 + v[1] - 1, v[0] - v[1]]), [1.0, 1.0]),
     (lambda x, y: np.array([x**2 + y - 1, x - y]), [1.0, 1.0])],
)  # fmt: skip
def test_a_prepared_jacobian_serves_root_and_least_squares(f, start):
    prepared = dk.prepare(f, "jacobian")
    if callable(f):
        prepared(np.array(start))
    assert prepared.fun(start).shape == (2,)
    assert prepared.jac(start).shape == (2, 2)
    solved = optimize.root(prepared.fun, start, jac=prepared.jac)
    assert solved.success
    fitted = optimize.least_squares(prepared.fun, start, jac=prepared.jac)
    assert fitted.x == pytest.approx(solved.x, rel=1e-7)
    assert optimize.approx_fprime(np.array(start), prepared.fun) == pytest.approx(prepared.jac(start), rel=1e-6)


@pytest.mark.parametrize("f", [["x^2 + y - 1", "x - y", "x*y"], "x*y", ["x*y"]])
def test_a_jacobian_has_no_hessian(f):
    prepared = dk.prepare(f, "jacobian")
    for ask in (lambda: prepared.hess([1, 2]), lambda: prepared.hessp([1, 2], [1, 0])):
        with pytest.raises(dk.DiffkitError, match="a Hessian is of one function"):
            ask()
    assert prepared.fun([1, 2]).shape == (prepared.jac([1, 2]).shape[0],)


@pytest.mark.parametrize("f", ["x^2*y", lambda x, y: x**2 * y])
def test_a_prepared_derivative_along_a_line_has_the_values_and_gradient_of_f(f):
    prepared = dk.prepare(f, "hvp", direction=[1, 0])
    assert prepared.fun([3, 2]) == 18
    assert prepared.jac([3, 2]).tolist() == [12, 9]
    assert prepared.result([3, 2]).value.tolist() == [4, 6]


@pytest.mark.parametrize(
    ("text", "at"),
    [("x^2", 0), ("5*x - 5*x", 0.3), ("sin(x)^2 + cos(x)^2", 0.3), ("relu(x)", -1), ("hypot(x, y)^2", {"x": 0, "y": 0}),
     ("floor(x)", 0.5)],
)  # fmt: skip
def test_decimals_of_a_zero(text, at):
    result = dk.gradient(text, at, digits=30)
    assert result.ok
    assert set(result.decimals) == {"0"}


@pytest.mark.parametrize(
    "text",
    ["x^2*y", "sin(x)/x + y", "sqrt(x^2)", "where(x > 0, x^3, -x)", "max(x, y)", "e^(x*y)", "log(x)/y", "x^y"],
)
def test_plain_symbols_are_differentiated_by_name(text):
    """SymPy takes a text for a plain symbol: by real ones the derivative would silently be zero."""
    expression = dk.parse(text)
    plain, real = expression.to_sympy(real=False), expression.to_sympy()
    assert real == expression.sympy
    assert real.diff("x") == 0
    assert all(symbol.is_real is None for symbol in plain.free_symbols)
    x = sympy.Symbol("x")
    assert plain.diff("x") == plain.diff(x)
    point = {x: 0.7, sympy.Symbol("y"): 0.3}
    truth = dk.derivative(text, {name: point.get(sympy.Symbol(name)) for name in expression.variables}, wrt=x)
    assert float(plain.diff("x").subs(point)) == pytest.approx(truth.value, rel=1e-12)
    named = {symbol: point[symbol] for symbol in plain.free_symbols}
    assert dk.gradient(plain, named).variables == expression.variables

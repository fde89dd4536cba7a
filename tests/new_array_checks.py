"""What every part of diffkit makes of the array functions that tests/new_rows.py adds, against NumPy."""

import numpy as np
from new_row_checks import knows

RNG = np.random.default_rng(3)
X, Y, W = RNG.normal(size=(40, 5)), RNG.normal(size=40), RNG.normal(size=5)


def rms_gradient(x):
    """Of √(Σx²/n)."""
    return x / (len(x) * np.sqrt(np.mean(x * x)))


@knows("arrays, text and printer")
def _():
    from diffkit.lessons.matrices.array_parser import parse_array

    for text in ("rms(x)", "rms(X, axis=0)", "2*rootms(x)**2 - gram(X) @ y", "X.rms()"):
        tree = parse_array(text)
        assert parse_array(str(tree)) == tree
    assert str(parse_array("rootms(x)")) == "rms(x)"


@knows("arrays, errors")
def _():
    import pytest

    import diffkit as dk

    with pytest.raises(dk.ParseError, match="takes no axis"):
        dk.arrays("gram(X, axis=0)")
    with pytest.raises(dk.ParseError, match="did you mean gram"):
        dk.arrays("gramm(X)")
    with pytest.raises(dk.ShapeError, match="gram of a vector"):
        dk.gradient(dk.arrays("sum(gram(x))"), {"x": [1.0, 2.0]})


@knows("arrays, values by every method")
def _():
    import diffkit as dk

    f = dk.arrays("rms(y - X @ w)", X=X, y=Y)
    expected = -X.T @ rms_gradient(Y - X @ W)
    proven = dk.gradient(f, {"w": W})
    assert proven.error_kind == "proven"
    np.testing.assert_allclose(proven.value, expected, rtol=1e-13)
    for backend in ("dual", "finite"):
        np.testing.assert_allclose(dk.gradient(f, {"w": W}, backend=backend).value, expected, rtol=1e-8)
    hessian = dk.hessian(dk.arrays("trace(gram(M))"), {"M": [[1.0, 2.0], [3.0, 4.0]]})
    np.testing.assert_allclose(hessian.value.reshape(4, 4), 2 * np.eye(4))
    columns = dk.jacobian(dk.arrays("rms(M, axis=0)"), {"M": X[:, :2]})
    assert columns.error_kind == "proven"
    np.testing.assert_allclose(columns.value[0][:, 0], rms_gradient(X[:, 0]), rtol=1e-13)


@knows("arrays, where it is not smooth")
def _():
    import diffkit as dk

    assert dk.gradient(dk.arrays("rms(x)"), {"x": [0.0, 0.0]}).status == "not_differentiable"
    assert dk.matrix_derivative("rms(x - y)", "x").kinks == ("every entry of x - y is 0",)
    assert dk.matrix_derivative("rms(x)**2", "x").kinks == ()
    assert dk.matrix_derivative("sum(sqrt(1 + rms(x)))", "x").kinks == ("every entry of x is 0",)


@knows("arrays, formulas for any size")
def _():
    import diffkit as dk

    assert dk.matrix_derivative("rms(x)", "x").formula == "x/(n*rms(x))"
    assert dk.matrix_derivative("rms(A @ x - b)", "x").formula == "A.T @ (A @ x - b)/(m*rms(A @ x - b))"
    assert dk.matrix_derivative("trace(B @ gram(X))", "X").formula == "X @ (B + B.T)"
    assert dk.matrix_derivative("gram(c*X)", "c", shapes={"c": ()}).formula == "2*c*X.T @ X"
    assert dk.matrix_derivative("rms(x)**2", "x", order=2).formula == "2*eye(n)/n"


@knows("arrays, LaTeX")
def _():
    import diffkit as dk

    assert dk.matrix_derivative("rms(x)", "x").latex == "\\frac{x}{n \\, \\operatorname{RMS}\\left(x\\right)}"
    assert dk.arrays("gram(X)", X=X).latex == "\\operatorname{gram}\\left(X\\right)"


@knows("arrays, identities")
def _():
    import diffkit as dk

    assert dk.check_identity("∇_x rms(x)**2 = 2*x/n").verdict == "true"
    assert dk.check_identity("gram(X) = X.T @ X").verdict == "true"
    assert dk.check_identity("gram(X) = X @ X.T", shapes={"X": ("n", "n")}).verdict == "false"


@knows("arrays, claims")
def _():
    import diffkit as dk

    f = dk.arrays("rms(y - X @ w)", X=X, y=Y)
    assert dk.check(f, lambda w: -X.T @ rms_gradient(Y - X @ w), {"w": W}).verdict == "correct"
    assert dk.check(f, lambda w: X.T @ rms_gradient(Y - X @ w), {"w": W}).verdict == "wrong"


@knows("arrays, reference and command line")
def _():
    import contextlib
    import io
    import json

    from diffkit.cli import main

    def run(*arguments):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
            main(list(arguments))
        return out.getvalue()

    assert "root of the mean square" in run("functions")
    assert "not smooth where every entry of x is 0" in run("functions", "rootms")
    found = json.loads(run("grad", "rms(x)", "--at", "x=[3,4]", "--format", "json"))
    assert found["error_kind"] == "proven"
    np.testing.assert_allclose(found["value"], rms_gradient(np.array([3.0, 4.0])))
    assert "df/dx = x/(n*rms(x))" in run("matrix", "rms(x)", "--wrt", "x")

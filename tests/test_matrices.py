"""Formulas for any size: against NumPy alone, whose own reading of the same text is differenced."""

from dataclasses import replace

import numpy as np
import pytest
from matrix_forms import FORMS, RNG, by_numpy, derived, differenced, draw

import diffkit as dk
from diffkit.core.table.array_table import array_table
from diffkit.core.text.names import GREEK


@pytest.mark.parametrize(("text", "wrt"), FORMS, ids=[f"{t} by {w}" for t, w in FORMS])
def test_a_formula_is_the_derivative_of_what_numpy_computes(text, wrt):
    answer = derived(text, wrt)
    assert answer.trials >= 20
    for k in range(3):
        sizes = dict(zip(answer.problem.lengths, RNG.permutation([2, 3, 4, 5, 6]).tolist(), strict=False))
        values = draw(answer.problem.shapes, sizes, positive=k > 0 or any(w in text for w in ("log(", "**y", "/y")))
        if "det" in text and not abs(by_numpy(text.replace("log(det", "(det"), values, sizes)) > 1e-6:
            continue  # a product of wide and tall matrices that has no inverse
        expected = differenced(text, wrt, values, sizes)
        found = by_numpy(answer.formula, values, sizes)
        found = np.broadcast_to(found, expected.shape) if found.ndim == 0 else found
        assert found.shape == expected.shape
        steep = "inv" in text and np.abs(expected).max() > 100  # nearly singular: differences have few digits there
        if np.isfinite(expected).all() and not steep:
            np.testing.assert_allclose(found, expected, rtol=2e-8, atol=2e-8 * max(1, np.abs(expected).max()))
        if answer.transposed:
            np.testing.assert_allclose(by_numpy(answer.transposed, values, sizes), found.T, rtol=1e-12, atol=1e-14)


READABLE = [
    ("x.T @ A @ x", "x", "(A + A.T) @ x"), ("x.T @ A @ x", "A", "outer(x, x)"), ("norm(x)**2", "x", "2*x"),
    ("norm(X)**2", "X", "2*X"), ("log(det(X))", "X", "inv(X).T"), ("A @ x", "x", "A"),
    ("norm(X @ w - y)**2/2", "w", "X.T @ (X @ w - y)"), ("trace(A @ X)", "X", "A.T"), ("a.T @ x", "x", "a"),
    ("mean((y - X @ w)**2)/2", "w", "X.T @ (X @ w - y)/m"), ("trace(X.T @ A @ X)", "X", "(A + A.T) @ X"),
    ("softmax(x)", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))"), ("sum(x)", "x", "ones(n)"),
    ("x/(x.T @ x)", "x", "eye(n)/(x.T @ x) - 2*outer(x, x)/(x.T @ x)**2"), ("sin(x)", "x", "diag(cos(x))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "formula"), READABLE)
def test_formulas_read_as_people_write_them(text, wrt, formula):
    assert derived(text, wrt).formula == formula


def test_the_layout_of_a_vector_by_a_vector_is_said_and_both_are_given():
    answer = dk.matrix_derivative("A @ x", "x")
    assert "numerator layout" in answer.layout
    assert (answer.formula, answer.transposed, answer.shape) == ("A", "A.T", ("m", "n"))
    answer = dk.matrix_derivative("x.T @ A", "x")
    assert (answer.formula, answer.transposed) == ("A.T", "A")


def test_where_sympy_is_wrong():
    assert dk.matrix_derivative("trace(A.T @ A) + trace(B.T @ B)", "A").formula == "2*A"  # SymPy: 0
    assert dk.matrix_derivative("log(det(A))", "A").formula == "inv(A).T"  # SymPy: 0
    assert "(x.T @ x)**2" in dk.matrix_derivative("x/trace(x.T @ x)", "x").formula  # SymPy drops it


SYMMETRIC = [
    ("trace(A @ X)", "X", ["X"]), ("log(det(X))", "X", ["X"]), ("a.T @ inv(X) @ b", "X", ["X"]), ("det(X)", "X", ["X"]),
    ("trace(X @ A @ X @ B)", "X", ["X"]), ("x.T @ A @ x", "x", ["A"]), ("trace(X.T @ A @ X)", "X", ["A"]),
    ("norm(X)**2", "X", ["X"]), ("x.T @ X @ y", "X", ["X"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "symmetric"), SYMMETRIC)
def test_symmetric_matrices_move_among_symmetric_ones(text, wrt, symmetric):
    answer = dk.matrix_derivative(text, wrt, symmetric=symmetric)
    sizes = dict(zip(answer.problem.lengths, (3, 4), strict=False))
    values = draw(answer.problem.shapes, sizes, symmetric=symmetric)
    found = by_numpy(answer.formula, values, sizes)
    expected = differenced(text, wrt, values, sizes, symmetric=wrt in symmetric)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
    if wrt in symmetric:
        np.testing.assert_allclose(found, found.T, rtol=1e-13)


def test_declared_symmetry_shortens_formulas():
    assert dk.matrix_derivative("x.T @ A @ x", "x", symmetric=["A"]).formula == "2*A @ x"
    assert dk.matrix_derivative("log(det(X))", "X", symmetric=["X"]).formula == "inv(X)"


@pytest.mark.parametrize(("text", "wrt"), [
    ("norm(X @ w - y)**2/2", "w"), ("x.T @ A @ x", "x"), ("sum(log(1 + exp(-y*(X @ w))))", "w"),
    ("logsumexp(x)", "x"), ("exp(x.T @ x)", "x"), ("sum(x**4)", "x"), ("norm(x)", "x"),
])  # fmt: skip
def test_second_derivatives(text, wrt):
    first, second = dk.matrix_derivative(text, wrt), dk.matrix_derivative(text, wrt, order=2)
    sizes = dict(zip(first.problem.lengths, (3, 4), strict=False))
    values = draw(first.problem.shapes, sizes, positive=True)
    expected = differenced(first.formula, wrt, values, sizes)
    np.testing.assert_allclose(by_numpy(second.formula, values, sizes), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("text", "wrt", "error", "says"), [
    ("A @ A", "A", dk.FormError, "4 axes"), ("max(x)", "x", dk.FormError, "max"),
    ("x[0]", "x", dk.FormError, "index"), ("sum([1, 2]*x)", "x", None, ""), ("A @ x", "A", dk.FormError, "3 axes"),
    ("A @ x", "q", dk.VariableError, "has no q"), ("x @ x.T", "x", dk.ShapeError, "outer(x, y)"),
    ("trace(x)", "x", dk.ShapeError, "square"), ("A + x @ x @ x", "x", dk.ShapeError, "scalar"),
    ("log(-exp(x.T @ x))", "x", dk.FormError, "random shapes only"),
    ("spam(x)", "x", dk.ParseError, "unknown function"),
    ("3 + 4", "x", dk.VariableError, "names nothing"),
])  # fmt: skip
def test_what_has_no_formula_is_said_in_a_typed_error(text, wrt, error, says):
    if error is None:
        assert dk.matrix_derivative(text, wrt).formula == "[1, 2]"
        return
    with pytest.raises(error) as caught:
        dk.matrix_derivative(text, wrt)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "wrt", "kinks"), [
    ("sum(relu(A @ x))", "x", ("in some entry A @ x = 0",)), ("norm1(x) + norm1(y)", "x", ("an entry of x is 0",)),
    ("norm(x - y)", "y", ("every entry of x - y is 0",)), ("norm(x - y)**2 + sum(log(x))", "x", ()),
    ("sum(where(x > y, x*y, 0))", "x", ("in some entry x = y",)),
    ("sum(max(x, 0)) + norm1(y)", "y", ("an entry of y is 0",)),
    ("sum(abs(x)) + x @ x", "x", ("in some entry x = 0",)), ("norm(x)**3", "x", ("every entry of x is 0",)),
])  # fmt: skip
def test_kinks_are_said(text, wrt, kinks):
    assert dk.matrix_derivative(text, wrt).kinks == kinks


def test_a_wrong_formula_is_never_shown(monkeypatch):
    wrong = replace(array_table.rows["norm"], pull=lambda a, y, g: [a.times(g, y.args[0])])
    monkeypatch.setitem(array_table.rows, "norm", wrong)
    with pytest.raises(dk.FormError, match="not shown"):
        dk.matrix_derivative("norm(x)", "x")


def test_greek_names_are_scalars_unless_said():
    assert "lam" in GREEK
    assert dk.matrix_derivative("lam*x.T @ x", "lam").formula == "x.T @ x"
    assert dk.matrix_derivative("lam.T @ x", "lam", shapes={"lam": ("n",)}).formula == "x"


def test_assumed_shapes_are_told_apart_from_given_ones():
    problem = dk.matrix_derivative("a.T @ X @ b", "X", shapes={"a": ("p",)}).problem
    assert problem.shapes == {"a": ("p",), "X": ("p", "n"), "b": ("n",)}
    assert problem.assumed == ("X", "b")
    with pytest.raises(dk.ShapeError, match="does not fit"):
        dk.matrix_derivative("A @ x", "x", shapes={"A": (2, 3), "x": (2,)})


WITH_ROWS = [  # a vector among matrices is repeated along rows: its transpose is not itself
    *[("norm((X @ W + b) @ V - Y)**2", wrt, {}) for wrt in "WXbV"],
    ("norm((X - b) @ w)**2", "X", {}), ("w.T @ (X - b).T @ (X - b) @ w", "w", {}), ("(X - b) @ w", "w", {}),
    ("trace((X - mean(X, axis=0)).T @ (X - mean(X, axis=0)))", "X", {}), ("y.T @ (X - b) @ w", "X", {}),
    ("trace(X + b)", "X", {"X": "nn"}), ("trace((X + b).T @ C)", "b", {"X": "nn"}),
    ("trace((X + b).T @ (X + b))", "b", {"X": "nn"}), ("norm(X.T + mean(X.T, axis=0))**2", "X", {"X": "nn"}),
    ("logdet(2*eye(n) + ((B + b) @ X @ A)/9)", "X", {"X": "nn", "A": "nn", "B": "nn"}),
    ("norm((X + b).T + (b + X))**2", "b", {"X": "nn"}), ("sum(((X*b).T @ A)**2)", "b", {"X": "nn"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "shapes"), WITH_ROWS, ids=[f"{t} by {w}" for t, w, _ in WITH_ROWS])
def test_vectors_repeated_along_rows(text, wrt, shapes):
    answer = dk.matrix_derivative(text, wrt, shapes=shapes)
    sizes = dict(zip(answer.problem.lengths, (3, 4, 2, 5), strict=False))
    values = draw(answer.problem.shapes, sizes)
    found = by_numpy(answer.formula, values, sizes)
    np.testing.assert_allclose(found, differenced(text, wrt, values, sizes), rtol=1e-7, atol=1e-7)


def test_shorter_forms():
    assert dk.matrix_derivative("det(lam*eye(n) - A)", "lam").formula == (
        "det(lam*eye(n) - A)*trace(inv(lam*eye(n) - A))"
    )
    assert dk.matrix_derivative("sum(sin(X)*cos(X.T))", "X").formula == "cos(X.T)*cos(X) - sin(X.T)*sin(X)"
    assert dk.matrix_derivative("diag(A @ diag(x) @ B)", "x").formula == "A*B.T"
    assert dk.matrix_derivative("1000*sum(sin(x)**2 + cos(x)**2)", "x").formula == "zeros(n)"


@pytest.mark.parametrize(("text", "wrt", "shapes"), [
    ("sin(1e4*norm(X)**2)", "X", {"X": "nn"}), ("sin(exp(norm(x)**2))", "x", {}), ("sum(softmax(x))**3", "x", {}),
    ("det(X)*det(inv(X))", "X", {}),
])  # fmt: skip
def test_rounding_refutes_no_formula(text, wrt, shapes):
    answer = dk.matrix_derivative(text, wrt, shapes=shapes)
    assert answer.trials >= 20  # in balls, to 150 digits


def test_the_size_of_a_derivative_hides_no_error(monkeypatch):
    wrong = replace(array_table.rows["norm"], pull=lambda a, y, g: [a.times(g, y.args[0])])
    monkeypatch.setitem(array_table.rows, "norm", wrong)
    with pytest.raises(dk.FormError, match="not shown"):
        dk.matrix_derivative("1e-200*norm(x)", "x")


@pytest.mark.parametrize(("text", "shapes", "lengths"), [
    ("x.T @ A @ x", {}, 1), ("norm(A @ x - b)**2", {}, 2), ("trace(A @ X @ B)", {}, 3), ("norm(x)**2", {"x": (3,)}, 0),
])  # fmt: skip
def test_twenty_trials_are_twenty_shapes(text, shapes, lengths):
    from itertools import islice

    from diffkit.lessons.matrices.problem import read_problem
    from diffkit.lessons.matrices.trials import random_trials

    problem = read_problem([text], shapes)
    trials = [next(values) for values in islice(random_trials(problem), 20)]
    assert len(problem.lengths) == lengths
    assert len({tuple(np.shape(v) for v in trial.values.values()) for trial in trials}) == (20 if lengths else 1)
    assert all(len(set(trial.sizes.values())) == lengths for trial in trials)
    assert not lengths or {1, 2, 3, 4} <= {size for trial in trials for size in trial.sizes.values()}


@pytest.mark.parametrize(("text", "wrt", "shapes", "formula"), [
    ("norm(X @ w - y)**2/(2*n)", "w", {}, "X.T @ (X @ w - y)/n"), ("c*norm(x)**2", "x", {}, "2*outer(c, x)"),
    ("sum((X @ w - y)**2)/m", "w", {}, "2*X.T @ (X @ w - y)/m"), ("sum(x)/n", "x", {"x": "n"}, "ones(n)/n"),
    ("norm(A @ x - b)**2 / m", "x", {"A": "mn"}, "2*A.T @ (A @ x - b)/m"), ("norm(n)**2", "n", {}, "2*n"),
    ("n*norm(x)**2", "n", {}, "norm(x)**2"), ("x.T @ x*r", "r", {"r": ()}, "x.T @ x"),
])  # fmt: skip
def test_names_that_count(text, wrt, shapes, formula):
    answer = dk.matrix_derivative(text, wrt, shapes=shapes)
    assert answer.formula == formula
    assert answer.problem.doubtful == (("c",) if "c*" in text else ())


@pytest.mark.parametrize(("arguments", "error", "says"), [
    ({"order": 3}, dk.FormError, "order 1 and 2, not 3"), ({"symmetric": ["x"]}, dk.ShapeError, "vector of length ?,"),
    ({"shapes": {"A": (2.5, 2.5)}}, dk.ShapeError, "the shape of A is"), ({"wrt": ["x"]}, dk.VariableError, "has no"),
    ({"shapes": {"A": 3}}, dk.ShapeError, "the shape of A is 3"), ({"text": None}, dk.ParseError, "text, not NoneType"),
    ({"text": "n*norm(x)**2", "wrt": "n", "shapes": {"x": "n"}}, dk.VariableError, "n is a length here"),
    ({"text": "n.T @ A @ n", "wrt": "n", "shapes": {"A": "nn"}}, dk.ShapeError, "n counts entries here"),
    ({"shapes": {"A": "nn", "x": "n"}, "text": "x.T @ A @ x + n @ n"}, dk.ShapeError, "n counts entries here"),
    ({"text": "x'*A*x"}, dk.ParseError, "write x.T for a transpose"), ({"text": "x.^2"}, dk.ParseError, "write **"),
    ({"text": "x.*x"}, dk.ParseError, "write * for a product"), ({"symmetric": "Alpha"}, dk.VariableError, "no Alpha"),
    ({"symmetric": "A", "shapes": {"A": (2, 3)}}, dk.ShapeError, "a square matrix"),
])  # fmt: skip
def test_misuse_is_a_typed_error(arguments, error, says):
    with pytest.raises(error) as caught:
        dk.matrix_derivative(**{"text": "x.T @ A @ x", "wrt": "x", **arguments})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_given_twice_is_answered_once():
    from diffkit.lessons.matrices.matrix_derivative import matrix_derivatives

    assert [a.wrt for a in matrix_derivatives("x.T @ y", ["x", "x"]).answers] == ["x"]


def test_the_command(run):
    code, out, err = run("matrix", "x.T @ A @ x", "--wrt", "x")
    assert code == 0
    assert "df/dx = (A + A.T) @ x" in out
    assert "in the shape of x" in out
    assert "20 random shapes" in out
    assert "20 random values of that shape" in run("matrix", "norm(x)", "--shape", "x=3")[1]
    assert "c is read as a vector: if it is a number" in run("matrix", "c*norm(x)**2", "--wrt", "x")[1]
    assert "assumed of A, x" in out
    assert run("matrix", "--check", "d/dX log(det(X)) = inv(X).T")[0] == 0
    code, out, _ = run("matrix", "--check", "A @ B = B @ A")
    assert code == 1
    assert "counter-example" in out
    code, out, _ = run("matrix", "softmax(W @ x)")
    assert code == 0
    assert "df/dx = " in out
    assert "no formula by W: the derivative of a vector of length m by an m×n matrix has 3 axes" in out
    code, _, err = run("matrix", "A @ A", "--wrt", "A")
    assert code == 2
    assert err.count("\n") == 1

"""Formulas for any size and identities: against NumPy alone, whose own reading of the same text is differenced."""

import math
from functools import cache

import numpy as np
import pytest

import diffkit as dk
from diffkit.matrices.problem import SCALARS

RNG = np.random.default_rng(7)


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


NUMPY = {
    **{n: getattr(np, n) for n in ("sum", "mean", "prod", "exp", "log", "sin", "cos", "tanh", "sqrt", "sign", "abs",
                                   "diag", "outer", "trace", "eye", "ones", "zeros", "dot", "var", "log1p")},
    "norm": np.linalg.norm, "det": np.linalg.det, "inv": np.linalg.inv, "solve": np.linalg.solve,
    "logdet": lambda a: np.linalg.slogdet(a)[1], "softmax": softmax, "norm1": lambda x: np.sum(np.abs(x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "relu": lambda x: np.maximum(x, 0.0),
    "softplus": lambda x: np.log1p(np.exp(x)), "logsumexp": lambda x, axis=None: np.log(np.sum(np.exp(x), axis=axis)),
    "where": np.where, "erf": np.vectorize(math.erf), "pi": math.pi,
}  # fmt: skip
NUMPY["ones"] = lambda *shape: np.ones(shape)
NUMPY["zeros"] = lambda *shape: np.zeros(shape)
NUMPY["trace"] = lambda a: np.trace(a) if np.ndim(a) else a


def by_numpy(text, values, sizes):
    """What Python and NumPy make of a text, ours not asked."""
    scope = {**NUMPY, **values, **sizes}
    with np.errstate(all="ignore"):
        return np.asarray(eval(text, {"__builtins__": {}}, scope), dtype=float)


def differenced(text, wrt, values, sizes, symmetric=False):
    """Central differences, of fourth order, of NumPy's values: the shape of the value, then of the argument."""
    x = np.asarray(values[wrt], dtype=float)
    columns = []
    for index in np.ndindex(*x.shape):
        unit = np.zeros_like(x)
        unit[index] = 1.0
        if symmetric:
            unit[index[::-1]] += 1.0
            unit /= 2
        h = 1e-3
        at = [by_numpy(text, {**values, wrt: x + k * h * unit}, sizes) for k in (-2, -1, 1, 2)]
        columns.append((at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h))
    found = np.stack(columns, axis=-1)
    return found.reshape(found.shape[:-1] + x.shape)


def draw(shapes, sizes, positive=False, symmetric=()):
    values = {}
    for name, shape in shapes.items():
        size = tuple(n if isinstance(n, int) else sizes[n] for n in shape)
        value = RNG.uniform(0.3, 1.2, size) if positive else RNG.normal(size=size)
        if len(size) == 2 and shape[0] == shape[1]:
            value = value / 3 + 2 * np.eye(size[0])
        if name in symmetric:
            value = (value + value.T) / 2
        values[name] = value if size else float(value)
    return values


FORMS = [
    # products, transposes, linear and quadratic forms
    ("a.T @ x", "x"), ("x.T @ a", "a"), ("x.T @ x", "x"), ("x.T @ A @ x", "x"), ("x.T @ A @ x", "A"),
    ("x.T @ A @ y", "x"), ("x.T @ A @ y", "A"), ("a.T @ X @ X.T @ b", "X"), ("a.T @ X.T @ b", "X"),
    ("A @ x", "x"), ("x.T @ A", "x"), ("A.T @ (A @ x - b)", "x"), ("A @ (x*y)", "x"), ("(A @ x)*(B @ x)", "x"),
    ("(a.T @ x)*x", "x"), ("x*(x.T @ A @ x)", "x"), ("outer(x, x) @ a", "x"), ("diag(x) @ A @ x", "x"),
    ("(A @ x - b).T @ C @ (D @ x - y)", "x"), ("norm(A @ x - b)**2", "A"), ("a.T @ (X*X) @ b", "X"),
    # traces, determinants and inverses
    ("trace(X)", "X"), ("trace(A @ X)", "X"), ("trace(A @ X.T)", "X"), ("trace(A @ X @ B)", "X"),
    ("trace(X.T @ A @ X)", "X"), ("trace(X.T @ A @ X @ B)", "X"), ("trace(X @ X)", "X"), ("trace(X @ X @ X)", "X"),
    ("trace(inv(X) @ A)", "X"), ("trace(A @ inv(X) @ B)", "X"), ("det(X)", "X"), ("det(A @ X @ B)", "A"),
    ("log(det(X))", "X"), ("logdet(X)", "X"), ("log(det(X.T @ X))", "X"), ("det(inv(X))", "X"),
    ("a.T @ inv(X) @ b", "X"), ("solve(A, b).T @ y", "b"), ("solve(A, b).T @ b", "A"),
    ("trace(X)**2/trace(X @ X)", "X"),
    ("trace(diag(x) @ A)", "x"), ("sum(diag(X))", "X"), ("sum(inv(X))", "X"),
    # norms and losses
    ("norm(x)", "x"), ("norm(x)**2", "x"), ("norm(X)**2", "X"), ("norm(X)", "X"), ("norm1(A @ x - b)", "x"),
    ("norm(X @ w - y)**2/2", "w"), ("norm(X @ w - y)**2 + lam*norm(w)**2", "w"), ("norm(X - U @ V.T)**2", "U"),
    ("norm(X - U @ V.T)**2", "V"), ("mean((y - (X @ w + beta))**2)/2", "w"),
    ("mean((y - (X @ w + beta))**2)/2", "beta"), ("sum(log(1 + exp(-y*(X @ w))))", "w"),
    ("sum(log(1 + exp(-y*(X @ w))))", "X"), ("-y.T @ log(sigmoid(X @ w)) - (1 - y).T @ log(1 - sigmoid(X @ w))", "w"),
    ("logsumexp(A @ x)", "x"), ("sum(softmax(A @ x)*y)", "x"), ("sum(relu(X @ w))", "w"),
    ("sum(softplus(A @ x))", "A"), ("sum(where(x > y, x*x, x))", "x"), ("var(x)", "x"), ("prod(x)", "x"),
    ("sum(X*log(X/A))", "X"), ("sum(tanh(A @ tanh(B @ x)))", "x"), ("sum(tanh(A @ tanh(B @ x)))", "B"),
    # elementwise functions and vectors by vectors
    ("sin(x)", "x"), ("sin(A @ x)", "x"), ("exp(x)*y", "x"), ("sigmoid(A @ x)", "x"), ("tanh(x)", "x"), ("x/y", "y"),
    ("x**3", "x"), ("x**y", "x"), ("softmax(x)", "x"), ("x/norm(x)", "x"), ("x/(x.T @ x)", "x"), ("relu(x)*x", "x"),
    ("exp(-x.T @ A @ x/2)", "x"), ("sqrt(x.T @ x + 1)", "x"), ("a.T @ sin(x)*log(x.T @ x)", "x"), ("x - mean(x)", "x"),
    # reductions along an axis, broadcasting
    ("sum(X @ w)", "X"), ("sum(sum(X, axis=0)**2)", "X"), ("sum(mean(X, axis=1)**3)", "X"), ("sum((X - b)**2)", "b"),
    ("sum(logsumexp(X, axis=1))", "X"), ("sum(softmax(X, axis=1)*Y)", "X"), ("sum((X + alpha)**2)", "alpha"),
    ("sum(softmax(X, axis=0))", "X"),
    # by a scalar
    ("inv(A + t*B)", "t"), ("A @ A*t + B*t**2", "t"), ("x*sin(t)", "t"), ("log(det(A + t*B))", "t"),
    ("norm(x + t*y)**2", "t"), ("trace(A @ inv(A + t*B))", "t"),
]  # fmt: skip
SHAPES = {"t": ()}


def shapes_for(text):
    return {name: shape for name, shape in SHAPES.items() if f"{name}*" in text or f"({name})" in text}


@cache
def derived(text, wrt):
    return dk.matrix_derivative(text, wrt, shapes=shapes_for(text))


@pytest.mark.parametrize(("text", "wrt"), FORMS, ids=[f"{t} by {w}" for t, w in FORMS])
def test_a_formula_is_the_derivative_of_what_numpy_computes(text, wrt):
    answer = derived(text, wrt)
    assert answer.trials >= 20
    assert answer.worst <= 1e-12
    for k in range(3):
        sizes = dict(zip(answer.problem.lengths, RNG.permutation([2, 3, 4, 5, 6]).tolist(), strict=False))
        values = draw(answer.problem.shapes, sizes, positive=k > 0 or any(w in text for w in ("log(", "**y", "/y")))
        if "det" in text and not abs(by_numpy(text.replace("log(det", "(det"), values, sizes)) > 1e-6:
            continue  # a product of wide and tall matrices that has no inverse
        expected = differenced(text, wrt, values, sizes)
        found = by_numpy(answer.formula, values, sizes)
        found = np.broadcast_to(found, expected.shape) if found.ndim == 0 else found
        assert found.shape == expected.shape
        if np.isfinite(expected).all():
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
    from diffkit.matrices import pullbacks

    monkeypatch.setitem(pullbacks.PULLBACKS, "norm", lambda algebra, node, g: [algebra.times(g, node.args[0])])
    with pytest.raises(dk.FormError, match="not shown"):
        dk.matrix_derivative("norm(x)", "x")


IDENTITIES = [
    ("∇_x A @ x = A.T", "true"), ("∇_x x.T @ A = A", "true"), ("∇_x x.T @ A @ x = (A + A.T) @ x", "true"),
    ("∇_x norm(x)**2 = 2*x", "true"), ("∇_x x.T @ x = 2*x", "true"), ("∇_X norm(X)**2 = 2*X", "true"),
    ("d/dX log(det(X)) = inv(X).T", "true"), ("d/dX log(det(X)) = inv(X)", "false"), ("d/dx A @ x = A", "true"),
    ("d/dX det(X) = det(X)*inv(X).T", "true"), ("d/dX trace(A @ X) = A", "false"),
    ("d/dx x.T @ A @ x = 2*A @ x", "false"), ("d/dw norm(X @ w - y)**2/2 = X.T @ X @ w - X.T @ y", "true"),
    ("d/dx sigmoid(x) = diag(sigmoid(x))", "false"), ("trace(A @ B) = trace(B @ A)", "true"),
    ("A @ B = B @ A", "false"),
    ("inv(A @ B) = inv(B) @ inv(A)", "true"), ("det(A + B) = det(A) + det(B)", "false"),
    ("d/dX trace(inv(X)) = -inv(X @ X).T", "true"), ("d/dA trace(A.T @ A) + trace(B.T @ B) = 0", "false"),
    ("d/dx norm(x) = x/norm(x)", "true"), ("(A @ B).T = A.T @ B.T", "false"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "verdict"), IDENTITIES)
def test_identities(text, verdict):
    identity = dk.check_identity(text)
    assert identity.verdict == verdict
    assert (identity.counterexample is None) == (verdict == "true")


def test_a_counterexample_holds_by_numpy():
    identity = dk.check_identity("d/dx x.T @ A @ x = 2*A @ x")
    example = identity.counterexample
    assert example.proven
    assert identity.right == "(A + A.T) @ x"
    sizes = {"n": len(example.values["x"])}
    true = differenced("x.T @ A @ x", "x", example.values, sizes)
    np.testing.assert_allclose(example.true, true, rtol=1e-9)
    np.testing.assert_allclose(example.claimed, by_numpy("2*A @ x", example.values, sizes), rtol=1e-15)
    assert not np.allclose(example.true, example.claimed)
    assert dk.check_identity("d/dx x.T @ A @ x = 2*A @ x", symmetric=["A"]).verdict == "true"


def test_an_identity_that_holds_transposed_says_so():
    assert "numerator layout" in dk.check_identity("d/dX log(det(X)) = inv(X)").reason


@pytest.mark.parametrize("text", ["d/dX log(det(X))", "a = b = c", "d/dx x @ = 2", "d/dz x.T @ x = x"])
def test_what_is_no_identity(text):
    with pytest.raises(dk.DiffkitError):
        dk.check_identity(text)


def test_greek_names_are_scalars_unless_said():
    assert "lam" in SCALARS
    assert dk.matrix_derivative("lam*x.T @ x", "lam").formula == "x.T @ x"
    assert dk.matrix_derivative("lam.T @ x", "lam", shapes={"lam": ("n",)}).formula == "x"


def test_assumed_shapes_are_told_apart_from_given_ones():
    problem = dk.matrix_derivative("a.T @ X @ b", "X", shapes={"a": ("p",)}).problem
    assert problem.shapes == {"a": ("p",), "X": ("p", "n"), "b": ("n",)}
    assert problem.assumed == ("X", "b")
    with pytest.raises(dk.ShapeError, match="does not fit"):
        dk.matrix_derivative("A @ x", "x", shapes={"A": (2, 3), "x": (2,)})


def test_the_command(run_cli):
    code, out, err = run_cli("matrix", "x.T @ A @ x", "--wrt", "x")
    assert code == 0
    assert "df/dx = (A + A.T) @ x" in out
    assert "in the shape of x" in out
    assert "20 random shapes" in out
    assert "assumed of x, A" in out
    assert run_cli("matrix", "--check", "d/dX log(det(X)) = inv(X).T")[0] == 0
    code, out, _ = run_cli("matrix", "--check", "A @ B = B @ A")
    assert code == 1
    assert "counter-example" in out
    code, out, _ = run_cli("matrix", "softmax(W @ x)")
    assert code == 0
    assert "df/dx = " in out
    assert "no formula by W: the derivative of a vector of length m by an m×n matrix has 3 axes" in out
    code, _, err = run_cli("matrix", "A @ A", "--wrt", "A")
    assert code == 2
    assert err.count("\n") == 1


@pytest.fixture
def run_cli(capsys):
    from diffkit.cli import main

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(list(arguments))
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    return run

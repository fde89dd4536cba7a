"""Identities of matrix calculus: true ones, false ones at any scale, and what diffkit shows, fed back to it."""

from dataclasses import replace

import numpy as np
import pytest
from matrix_forms import FORMS, by_numpy, derived, differenced, shapes_for

import diffkit as dk
from diffkit.core.table.array_table import array_table

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


@pytest.mark.parametrize("text", ["d/dX log(det(X))", "a = b = c", 3, "d/dx x @ = 2", "d/dz x.T @ x = x"])
def test_what_is_no_identity(text):
    with pytest.raises(dk.DiffkitError):
        dk.check_identity(text)


@pytest.mark.parametrize(("text", "wrt"), FORMS, ids=[f"{t} by {w}" for t, w in FORMS])
def test_what_is_shown_is_true_when_checked(text, wrt):
    answer = derived(text, wrt)
    for formula in filter(None, (answer.formula, answer.transposed)):
        assert dk.check_identity(f"d/d{wrt} {text} = {formula}", shapes=shapes_for(text)).verdict == "true"


SQUARE = {"X": ("n", "n")}
LENGTHS = [
    ("d/dx sum(x) = ones(n)", {}, "true"), ("d/dX trace(X) = eye(n)", {}, "true"),
    ("d/dx mean(x**3) = 3*x**2/n", {}, "true"), ("d/dx var(x) = 2*(x - mean(x))/n", {}, "true"),
    ("d/dw mean((y - X @ w)**2) = 2*X.T @ (X @ w - y)/m", {}, "true"), ("d/dx mean(x) = ones(k)/k", {}, "true"),
    ("d/dw mean((y - X @ w)**2) = 2*X.T @ (X @ w - y)/n", {}, "true"),  # n may count the rows
    ("d/dw mean((y - X @ w)**2) = X.T @ (X @ w - y)/n", {}, "false"), ("mean(X) = sum(X)/(n*m)", {}, "true"),
    ("d/dw sum((y - X @ w)**2)/n = 2*X.T @ (X @ w - y)/n", {}, "true"), ("mean(x) = sum(x)/N", {}, "true"),
    ("mean(X) = sum(X)/N", {}, "false"), ("d/dX trace(X) = eye(n)", {"X": (3, 3)}, "true"),
    ("d/dX mean(X) = ones(m, n)/(m*n)", {}, "true"), ("d/dx mean(x**3) = 3*x**2/n", {"x": (4,)}, "true"),
    ("sum(x)/n = mean(x)", {"n": ()}, "false"), ("sum(q*x) = x @ q", {}, "true"),
    ("d/dx a @ a + 0*x @ x = 0", {}, "true"),
    ("d/db trace((X + b).T @ C) = sum(C)*b", SQUARE, "false"),
    ("d/db trace((X + b).T @ C) = sum(C, axis=0)", SQUARE, "true"),
    ("d/dX norm(X.T + mean(X.T, axis=0))**2 = 2*X", SQUARE, "false"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shapes", "verdict"), LENGTHS)
def test_names_of_lengths_are_made_one(text, shapes, verdict):
    identity = dk.check_identity(text, shapes=shapes)
    assert identity.verdict == verdict
    if identity.right is not None:
        true = f"{text.partition(' = ')[0]} = {identity.right}"
        assert dk.check_identity(true, shapes=shapes).verdict == "true"


@pytest.mark.parametrize(("text", "verdict"), [
    ("d/dx 1e-14*norm(x)**2 = 3e-14*x", "false"), ("d/dx 1e-34*norm(x)**2 = 500*1e-34*x", "false"),
    ("1e-34*A @ x = 1e-33*A @ x", "false"), ("A @ x = A @ x + 1e-11", "false"), ("A @ x = A @ x + 1e-400", "false"),
    ("d/dx 1e-300*norm(x)**2 = 2e-300*x", "true"), ("d/dx 1e-300*norm(x)**2 = 0", "false"),
    ("d/dx sum(softmax(x)) = 0", "true"), ("d/dX det(X)*det(inv(X)) = 0", "true"),
    ("d/dx sin(exp(norm(x)**2)) = 2*cos(exp(norm(x)**2))*exp(norm(x)**2)*x", "true"),
    ("relu(x - 5) = 0*x", "false"), ("max(x, -10) = x", "false"), ("cos(x)**2 + sin(x)**2 = ones(n)", "true"),
])  # fmt: skip
def test_no_scale_hides_a_difference(text, verdict):
    assert dk.check_identity(text).verdict == verdict


@pytest.mark.parametrize(("text", "side"), [
    ("log(prod(x)) = sum(log(x))", "left"), ("sum(log(x)) = log(prod(x))", "right"), ("x = sqrt(x)**2", "left"),
    ("sqrt(x)**2 = x", "right"),
])  # fmt: skip
def test_a_side_without_a_value_refutes_nothing(text, side):
    identity = dk.check_identity(text)
    assert identity.verdict == "true"
    assert f"at some other values the {side} side alone has one" in identity.reason


def test_sides_that_never_have_a_value_together_are_undecided():
    identity = dk.check_identity("sum(x) = sum(x) + log(-exp(x @ x))")
    assert identity.verdict == "undecided"
    assert "the right side has no value" in identity.reason


@pytest.mark.parametrize(
    "text", ["A @ B = B @ A", "mean(x) = sum(x)", "exp(x) = 1 + x", "inv(A + B) = inv(A) + inv(B)"]
)
def test_counterexamples_of_values_are_proven(text):
    example = dk.check_identity(text).counterexample
    assert example.proven
    left, right = text.split(" = ")
    np.testing.assert_allclose(example.true, by_numpy(left, example.values, {}), rtol=1e-13)
    np.testing.assert_allclose(example.claimed, by_numpy(right, example.values, {}), rtol=1e-13)
    if text == "A @ B = B @ A":  # whole numbers are shown as such
        assert np.array_equal(example.true, np.round(example.true))


def test_a_formula_that_fails_its_trial_is_no_right_side(monkeypatch):
    wrong = replace(array_table.rows["norm"], pull=lambda a, y, g: [a.times(g, y.args[0])])
    monkeypatch.setitem(array_table.rows, "norm", wrong)
    for text, verdict in (("d/dx norm(x) = x", "false"), ("d/dx norm(x) = x/norm(x)", "true")):
        identity = dk.check_identity(text)
        assert (identity.verdict, identity.right) == (verdict, None)


@pytest.mark.parametrize(("text", "wrt"), [
    ("∇ x.T @ A @ x = (A + A.T) @ x", "x"), ("grad x.T @ A @ x = (A + A.T) @ x", "x"), ("∇ A @ x = A.T", "x"),
    ("∂/∂x norm(x)**2 = 2*x", "x"), ("∇ norm(X)**2 = 2*X", "X"), ("∇ sum(x) = ones(n)", "x"),
    ("∇_{w} norm(X @ w - y)**2 = 2*X.T @ (X @ w - y)", "w"), ("∇_x -x.T @ x = -2*x", "x"),
    ("∂ / ∂X (trace(X)) = eye(n)", "X"), ("∇x sum(x) = ones(n)", "x"),
])  # fmt: skip
def test_ways_to_write_a_derivative(text, wrt):
    identity = dk.check_identity(text)
    assert (identity.verdict, identity.wrt) == ("true", wrt)


def test_nabla_of_several_names_asks_for_one():
    with pytest.raises(dk.ParseError, match="by which name"):
        dk.check_identity("∇ a.T @ y = a")


def test_kinks_and_scalars_are_said(run):
    assert dk.check_identity("d/dx norm1(x) = sign(x)").kinks == ("an entry of x is 0",)
    assert "x = 0" in dk.check_identity("d/dx sum(relu(x)) = where(x > 0, 1, 0)*ones(n)").kinks[0]
    assert "--shape x=scalar" in dk.check_identity("d/dx log(x) = 1/x").reason
    assert dk.check_identity("d/dx log(x) = 1/x", shapes={"x": ()}).verdict == "true"
    code, out, _ = run("matrix", "--check", "d/dx norm1(x) = sign(x)")
    assert code == 0
    assert "f may have no derivative where an entry of x is 0" in out


@pytest.mark.parametrize(("text", "verdict"), [
    ("min(x, 1e5) = x", "false"), ("max(x, -1e6) = x", "false"), ("where(x > 50000, 1, 0) = 0*x", "false"),
    ("where(x == 3, 1, 0) = 0*x", "false"), ("where(x == 1/8, 1, 0) = 0*x", "false"),
    ("d/dx sum(max(x, -1e5)) = ones(n)", "false"), ("max(x, 1e-9) = relu(x)", "false"),
    ("where(x > 12345, where(x < 12346, 1, 0), 0) = 0*x", "false"), ("max(-x, -1e5) = -min(x, 1e5)", "true"),
    ("max(x, 1e400) = 1e400 + 0*x", "true"), ("d/dx sum(where(x > 3, x, 0)) = where(x > 3, 1, 0)", "true"),
])  # fmt: skip
def test_values_are_tried_about_every_threshold_of_the_text(text, verdict):
    assert dk.check_identity(text).verdict == verdict


def test_a_counterexample_beyond_a_threshold_is_a_multiple_of_it():
    example = dk.check_identity("min(x, 1e5) = x").counterexample
    assert set(example.values["x"] % 1e5) == {0.0}
    np.testing.assert_array_equal(example.true, np.minimum(example.values["x"], 1e5))


def test_an_entry_that_is_zero_is_proven_to_be(run):
    _, out, _ = run("matrix", "--check", "inv(A @ B) = inv(A) @ inv(B)")
    example = dk.check_identity("inv(A @ B) = inv(A) @ inv(B)").counterexample
    a, b = (np.linalg.inv(example.values[name]) for name in "AB")
    assert example.proven
    assert np.count_nonzero(example.claimed == 0) == np.count_nonzero(abs(a @ b) < 1e-15) == 1
    np.testing.assert_allclose(example.claimed, a @ b, atol=1e-15)
    assert "nan" not in out


@pytest.mark.parametrize(("text", "difference"), [
    ("sin(1e-60*x) = 1e-60*x", lambda x: (1e-60 * x) ** 3 / 6), ("(1 + 1e-200)*x = x", lambda x: 1e-200 * x),
    ("d/dx (1 + 1e-100)*sum(x**2) = 2*x", lambda x: 2e-100 * x),
])  # fmt: skip
def test_sides_that_look_equal_are_shown_with_their_difference(run, text, difference):
    example = dk.check_identity(text).counterexample
    assert np.array_equal(example.claimed, example.true)
    assert float(example.difference) == pytest.approx(max(abs(difference(example.values["x"]))), rel=5e-3)
    assert f"the largest difference is {example.difference}" in run("matrix", "--check", text)[1]


def test_a_difference_below_the_range_is_shown(run):
    assert "the largest difference is 1.00e-400" in run("matrix", "--check", "A @ x = A @ x + 1e-400")[1]


def test_sides_that_have_values_at_different_places_are_undecided():
    identity = dk.check_identity("sqrt(-x) = log(x)", shapes={"x": ()})
    assert identity.verdict == "undecided"
    assert identity.reason == "each side has a value at some of the random values tried, both at none of them"


@pytest.mark.parametrize(("text", "kink"), [
    ("d/dx max(x) = where(x == max(x), 1, 0)", "the largest entry of x is met more than once"),
    ("d/dx min(2*x) = 2*where(x == min(x), 1, 0)", "the smallest entry of 2*x is met more than once"),
    ("d/dx max(x, 1) = diag(where(x > 1, 1, 0))", "in some entry x = 1"),
])  # fmt: skip
def test_the_kink_of_a_largest_entry_is_a_tie(text, kink):
    assert dk.check_identity(text).kinks == (kink,)


def test_the_kink_along_an_axis_names_it():
    kinks = dk.check_identity("d/dA sum(max(A, axis=0)) = ones(m, n)").kinks
    assert kinks == ("the largest entry of A along axis 0 is met more than once",)


@pytest.mark.parametrize(("text", "found"), [
    ("sum(sqrt(x**2))", ("in some entry x**2 = 0",)), ("sqrt(x @ x)", ("x @ x = 0",)),
    ("sum((x**2)**(1/3))", ("in some entry x**2 = 0",)), ("sum((x**2)**(3/2))", ()), ("sqrt(1 + x @ x)", ()),
    ("sum(sqrt(3 - x))", ("in some entry 3 - x = 0",)), ("sum(sqrt(exp(x)*(2 + abs(x))))",
                                                               ("in some entry x = 0",)),
])  # fmt: skip
def test_the_kink_of_a_root_is_where_its_argument_can_be_zero(text, found):
    assert dk.matrix_derivative(text, "x").kinks == found


def test_the_kink_of_a_root_is_said_of_an_identity():
    identity = dk.check_identity("d/dx sum(sqrt(x**2)) = sign(x)")
    assert (identity.verdict, identity.kinks) == ("true", ("in some entry x**2 = 0",))


@pytest.mark.parametrize(("text", "verdict"), [
    ("d/dx sum(log(-x)) = 1/x", "true"), ("d/dx sum(log(-x)) = -1/x", "false"), ("sqrt(-x)**2 = -x", "true"),
    ("log(-x) + log(y) = log(-x*y)", "true"),
])  # fmt: skip
def test_expressions_of_negative_numbers_alone_are_tried(text, verdict):
    assert dk.check_identity(text).verdict == verdict

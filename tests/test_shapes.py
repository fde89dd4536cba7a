"""What is said of the caller's code where it raises: file, line, both shapes, and columns that met vectors."""

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.callables.code_shapes import meetings_in, place_of

MODEL = """import numpy as np

X = np.hstack([np.ones((5, 1)), np.arange(1.0, 6.0).reshape(5, 1)])
y = np.arange(5.0) + 0.5


def loss(theta):
    return np.mean((X @ theta - y) ** 2)


def one_column(theta):
    errors = X[:, 1:].reshape(5, 1) @ theta - y
    return 2 / 5 * X.T @ errors


def of_dot(theta):
    rows = X.T
    return np.dot(rows, theta)


def unknown(theta):
    return 2 / 5 * X.T @ errors


def inside(theta):
    def residual(prediction):
        return np.concatenate([prediction, X]) - y

    return residual(X @ theta)


def a_column(theta):
    pred = (X @ theta).reshape(-1, 1)
    errors = pred - y
    return 2 / 5 * X.T @ errors


def loss_of_a_column(theta):
    pred = (X @ theta).reshape(-1, 1)
    return np.mean((pred - y) ** 2)


def on_purpose(theta):
    return np.sum((theta[:, None] - theta) ** 2 * X[:2] @ np.ones((2, 2)))


def right(theta):
    return 2 / 5 * X.T @ (X @ theta - y)


def index(theta):
    return theta[7]


def ragged(theta):
    return np.array([[1.0, 2.0], [1.0]])


def in_numpy(theta):
    return np.linalg.solve(X, theta)
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    (tmp_path / "shapes_model.py").write_text(MODEL)
    monkeypatch.syspath_prepend(tmp_path)
    import importlib
    import sys

    sys.modules.pop("shapes_model", None)
    return importlib.import_module("shapes_model")


AT = np.array([0.3, 0.4])
SAID = {
    "one_column": ("line 12", "theta has shape (2,)", "X[:, 1:]"),
    "of_dot": ("line 18", "rows has shape (2, 5)", "theta has shape (2,)"),
    "unknown": ("line 22", "'errors' is not defined"),
    "inside": ("line 27", "prediction has shape (5,)", "X has shape (5, 2)"),
    "index": ("line 52", "out of bounds", "theta has shape (2,)"),
    "ragged": ("line 56", "inhomogeneous"),
    "in_numpy": ("line 60", "X has shape (5, 2)"),
}


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("part", ["f", "claim"])
def test_what_raises_says_where_and_of_what(model, name, part):
    f, claim = (getattr(model, name), model.right) if part == "f" else (model.loss, getattr(model, name))
    with pytest.raises(dk.DiffkitError) as raised:
        dk.check(f, claim, at=AT)
    text = str(raised.value)
    assert "\n" not in text
    assert "shapes_model.py" in text
    for said in SAID[name]:
        assert said in text, text


MANY = np.linspace(0.1, 1.2, 12).reshape(3, 4)
DATA = np.random.default_rng(2).normal(size=(5, 4))
MISUSED = {  # f, point, what is said
    "rows of points": (lambda w: np.sum((DATA @ w) ** 2), MANY, ("w of shape (3, 4)", "dk.Function(f, shape=(4,))")),
    "one row": (lambda w: np.sum((DATA @ w) ** 2), MANY[:1], ("w of shape (1, 4)", "dk.Function(f, shape=(4,))")),
    "stacks": (
        lambda w: np.sum((DATA @ w) ** 2),
        MANY.reshape(3, 1, 4),
        ("w of shape (3, 1, 4)", "size 1 is different"),
    ),
    "a vector too long": (lambda w: np.sum((DATA @ w) ** 2), MANY[0, :3], ("w of shape (3,)", "DATA has shape (5, 4)")),
    "several": (lambda X, w: np.sum(X @ w), {"X": DATA, "w": MANY[0, :3]}, ("X of shape (5, 4), w of shape (3,)",)),
    "named": (lambda w: np.sum(w - DATA), {"w": MANY}, ("w of shape (3, 4)", "dk.Function(f, shape=(4,))")),
}


@pytest.mark.parametrize("name", MISUSED)
@pytest.mark.parametrize("kind", ["gradient", "hessian", "jacobian", "compare"])
@pytest.mark.parametrize("backend", ["auto", "dual", "finite"])
def test_shapes_that_do_not_fit_are_no_point_outside_the_domain(name, kind, backend):
    f, point, said = MISUSED[name]
    options = {} if kind == "compare" else {"backend": backend}
    with pytest.raises(dk.PointError) as raised:
        getattr(dk, kind)(f, point, **options)
    assert all(words in str(raised.value) for words in said), raised.value


def test_what_the_error_says_to_do_helps():
    f, rows, _ = MISUSED["rows of points"]
    found = dk.gradient(dk.Function(f, shape=(4,)), rows)
    assert found.status == "ok"
    np.testing.assert_allclose(found.value, 2 * rows @ DATA.T @ DATA)


def test_a_column_that_meets_a_vector_is_named(model):
    with pytest.raises(dk.DiffkitError) as raised:
        dk.check(model.loss, model.a_column, at=AT)
    said = "`pred - y` in shapes_model.py line 34 makes (5, 5) of (5, 1) and (5,)"
    assert said in str(raised.value)
    wrong = dk.check(model.loss_of_a_column, model.right, at=AT)
    assert wrong.verdict == "wrong"
    assert said.replace("34", "40") in wrong.warnings
    assert dk.check(model.loss, lambda theta: 2 * model.right(theta), at=AT).warnings == dk.check(
        model.loss, model.right, at=AT).warnings  # fmt: skip


def test_an_axis_that_is_put_in_is_meant(model):
    assert not meetings_in(lambda: model.on_purpose(AT))
    assert meetings_in(lambda: model.loss_of_a_column(AT))


def test_mathematics_without_a_value_is_no_misfit():
    def f(x):
        return float(np.linalg.inv(np.array([[x, 1.0], [1.0, 1.0]]))[0, 0]) if x > 0 else float("nan") + [][0]

    assert dk.check(f, lambda x: 1.0, at=1.0, beside=0).verdict == "inconclusive"
    assert dk.check(lambda x: float(np.log(x)) if x > 0 else 1 / 0, lambda x: 1 / x, at=2.0).verdict == "correct"


def test_an_error_from_nowhere_has_no_place():
    assert place_of(ValueError("never raised")) == ""

"""Wide sums in the symbolic backend: right values, and no more work for SymPy than the forms of their terms."""

import numpy as np
import pytest

import diffkit as dk
from diffkit.calculus.sympy import diff

rng = np.random.default_rng(7)
N = 40
X = rng.integers(-1, 3, size=(N, 3)).astype(float)  # with zeros and ones, which are constants of the form
Z, y = rng.normal(size=(N, N)), rng.normal(size=N)
W = {"w": [0.1, 0.25, 0.3]}
CASES = [
    ("mean((y - X @ w)**2)/2", {"X": X, "y": y}, W),
    ("mean(log(1 + exp(-y*(X @ w + b)))) + 0.1*norm(w)", {"X": X, "y": y}, {**W, "b": 0.5}),
    ("log(sum(exp(X @ w)))*sum(w**3) - w[0]", {"X": X}, W),
    ("sum(max(Q @ w, 0))**2/sum(abs(y - Q @ w))", {"Q": X + 0.3, "y": y}, W),
    ("sum(where(X @ w > y, (X @ w)**3, sin(X @ w)/pi))", {"X": X, "y": y}, W),
]  # fmt: skip


@pytest.mark.parametrize(("text", "data", "at"), CASES, ids=[text for text, _, _ in CASES])
@pytest.mark.parametrize("kind", ["gradient", "hessian"])
def test_derivatives_of_wide_sums_are_those_that_are_proven(text, data, at, kind):
    f = dk.arrays(text, **data)
    proven = getattr(dk, kind)(f, at)
    assert proven.error_kind == "proven"
    found = getattr(dk, kind)(f, at, backend="symbolic")
    np.testing.assert_allclose(np.array(found.value), np.array(proven.value), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("text", ["norm(Z @ x - y)", "sum(softmax(x)*x)", "sum(x**x) + prod(x)"])
def test_sums_within_sums_and_shared_quantities(text):
    x = rng.uniform(0.5, 2, size=N)
    f = dk.arrays(text, **{name: value for name, value in (("Z", Z), ("y", y)) if name in text})
    found = dk.gradient(f, {"x": x}, backend="symbolic")
    np.testing.assert_allclose(found.value, dk.gradient(f, {"x": x}).value, rtol=1e-12)


def test_third_and_mixed_derivatives_of_plain_text():
    text = " + ".join(f"{k}*sin(x*y + {k})*x" for k in range(1, 50))
    for wrt in (["x", "x", "y"], ["y", "x"], ["x"]):
        found = dk.derivative(text, {"x": 0.3, "y": 0.7}, wrt=wrt, backend="symbolic")
        assert found.value == pytest.approx(dk.derivative(text, {"x": 0.3, "y": 0.7}, wrt=wrt).value, rel=1e-12)


def test_a_thousand_rows_cost_sympy_no_more_than_one(monkeypatch):
    asked = []
    plain = diff._differentiate
    monkeypatch.setattr(diff, "_differentiate", lambda *a: asked.append(len(a[0])) or plain(*a))
    X, y = rng.normal(size=(1000, 8)), rng.normal(size=1000)
    f = dk.arrays("mean((y - X @ w)**2)/2", X=X, y=y)
    found = dk.gradient(f, {"w": np.ones(8)}, backend="symbolic")
    np.testing.assert_allclose(found.value, X.T @ (X.sum(axis=1) - y) / 1000, rtol=1e-12)
    assert len(asked) == 1  # (y - s)**2, with s for a row of X @ w
    assert max(asked) < 10

"""Jᵀ·w: what it is by J itself, by every backend and of every kind of function; what is no cotangent is refused."""

import numpy as np
import pytest

import diffkit as dk
from diffkit.methods import BACKENDS

RNG = np.random.default_rng(5)
SYSTEMS = {
    "one": ("exp(x)*y", [0.3, 1.2]),
    "several": (["x*y", "x + sin(y)**2", "3", "z/x"], [0.7, 1.3, -2.0]),
    "names that are taken": (["w1*t", "w1 + v_t"], [0.5, 1.5, 2.5]),
}


def matrix(X):
    return X @ X + np.exp(X)


def listed(x):
    return [x[0] * x[1], x[0] + x[1] ** 2, 4.0]


def of_two(x, y):
    return np.stack([x * y, x - y**3])


def cotangent(x):
    return x**2 * np.array([1.0, 3.0])


CODES = {
    "matrix": (matrix, np.array([[0.3, 1.0], [-2.0, 0.7]])),
    "list": (listed, np.array([2.0, 3.0])),
    "two arguments": (of_two, (0.5, 1.25)),
    "a function of that name": (cotangent, np.array([1.0, 2.0])),
}


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
@pytest.mark.parametrize("name", [*SYSTEMS, *CODES])
def test_it_is_the_transposed_jacobian_times_w(name, backend):
    f, at = {**SYSTEMS, **CODES}[name]
    jacobian = np.asarray(dk.jacobian(f, at).value)
    m = 1 if isinstance(f, str) else np.size(f(*at) if isinstance(at, tuple) else f(at)) if callable(f) else len(f)
    w = RNG.normal(size=m)
    found = dk.vjp(f, at, w, backend=backend)
    assert found.status == "ok"
    np.testing.assert_allclose(np.ravel(found.value), w @ jacobian.reshape(m, -1), rtol=1e-8, atol=1e-9)
    if name == "matrix":
        assert found.value.shape == (2, 2)
        shaped = dk.vjp(f, at, w.reshape(2, 2), backend=backend)
        assert shaped.value.tobytes() == found.value.tobytes()


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse", "finite"])
def test_products_are_transposes_of_each_other(backend):
    fs, at = SYSTEMS["several"]
    for _ in range(5):
        v, w = RNG.normal(size=3), RNG.normal(size=4)
        forward = dk.jvp(fs, at, v, backend=backend).value
        back = dk.vjp(fs, at, w, backend=backend).value
        assert w @ forward == pytest.approx(back @ v, rel=1e-9)


def test_prepared_in_a_batch_and_vectorised():
    def f(X):
        return np.stack([X[:, 0] * X[:, 1], X[:, 0] + X[:, 1] ** 2], axis=1)

    rows = RNG.normal(size=(5, 2))
    prepared = dk.prepare(["x*y", "x + y**2"], "vjp", cotangent=[1, -2])
    together = dk.prepare(dk.Function(f, vectorized=True, shape=(2,)), "vjp", cotangent=[1, -2], backend="finite")
    for many in (prepared(rows), together(rows)):
        for row, found in zip(rows, many, strict=True):
            np.testing.assert_allclose(found, dk.vjp(["x*y", "x + y**2"], row, [1, -2]).value, rtol=1e-8)


def test_it_is_compared_and_proven():
    found = dk.compare(["x*y", "x + y**2"], (2, 3), "vjp", cotangent=(1, 1))
    assert found.verdict == "agree"
    assert dk.vjp(["abs(x)", "x**2"], 0.0, [1, 1]).status == "not_differentiable"
    assert dk.vjp(["abs(x)", "x**2"], 0.0, [0, 1]).value.tolist() == [0.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((1,), "1 components for 2 outputs"),
        ((1, 2, 3), "3 components for 2 outputs"),
        (3, "1 components for 2 outputs"),
        ("1,2", "a list of numbers, one per output"),
        ({"f1": 1}, "a list of numbers, one per output"),
        ((1, "a"), "cotangent = 'a' is not a number"),
        ((1, float("nan")), "is not a finite number"),
        ((1, True), "truth value"),
    ],
)
def test_what_is_no_cotangent_is_refused(given, message):
    with pytest.raises(dk.DiffkitError, match=message):
        dk.vjp(["x*y", "x + y**2"], (2, 3), given)


def test_a_cotangent_has_the_shape_of_the_result():
    with pytest.raises(dk.DiffkitError, match=r"shape \(3, 3\), the result \(2, 2\)"):
        dk.vjp(matrix, np.eye(2), np.ones((3, 3)))
    with pytest.raises(dk.DiffkitError, match="vjp needs cotangent"):
        dk.prepare("x*y", "vjp")


def test_jvp_and_vjp_as_code_at_the_command_line(run):
    code, out, _ = run("code", "x*y", "x+y**2", "--kind", "vjp", "--cotangent", "1,2")
    assert code == 0
    assert "with w = (1, 2)" in out
    assert "return (2.0 + y, 4.0*y + x)" in out
    code, out, err = run("code", "x*y", "--kind", "vjp")
    assert code == 2
    assert "vjp needs cotangent" in err

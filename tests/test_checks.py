"""What can be checked, and as what it is meant: backward functions, parameters by name, resets, points of a kind."""

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.callables.function import Argument
from diffkit.judging.checking.array_structure import SAME_ARRAY, Structure, symmetric

X = np.random.default_rng(0).normal(size=(4, 3))
Y = np.random.default_rng(1).normal(size=(4, 2))
W, B = np.random.default_rng(2).normal(size=(3, 2)), np.array([0.1, 0.2])
SPD = np.array([[2.0, 0.5, 0.1], [0.5, 3.0, 0.2], [0.1, 0.2, 1.0]])


# Backward functions, as tutorials write them: (f, right claim, point)
def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def conv(x, k):
    return np.array([x[i : i + len(k)] @ k for i in range(len(x) - len(k) + 1)])


def conv_back(x, k, dy):
    dx, dk_ = np.zeros_like(x), np.zeros_like(k)
    for i, d in enumerate(dy):
        dx[i : i + len(k)] += d * k
        dk_ += d * x[i : i + len(k)]
    return dx, dk_


def branchy(x):  # nothing can look inside
    return np.array([float(v) ** 2 if v > 0 else float(v) for v in x])


BACKWARD = {
    "affine": (lambda w, b: X @ w + b, lambda w, b, dy: (X.T @ dy, dy.sum(0)), [W, B]),
    "tanh": (np.tanh, lambda x, dy: dy * (1 - np.tanh(x) ** 2), W),
    "relu": (lambda x: np.maximum(x, 0), lambda x, dy: dy * (x > 0), W),
    "softmax": (softmax, lambda z, dy: softmax(z) * (dy - dy @ softmax(z)), np.array([0.1, -0.4, 1.2])),
    "convolution": (conv, conv_back, [np.array([0.3, -1.0, 0.5, 2.0, 0.1]), np.array([0.2, 0.7, -0.4])]),
    "loss": (lambda w: np.mean((X @ w - Y) ** 2), lambda w, dy: dy * 2 * X.T @ (X @ w - Y) / Y.size, W),
    "one number": (lambda x: x**3, lambda x, dy: 3 * x**2 * dy, 1.5),
    "number to array": (lambda x: np.array([x, x**2]), lambda x, dy: dy[0] + 2 * x * dy[1], 1.5),
    "black box": (branchy, lambda x, dy: dy * np.where(x > 0, 2 * x, 1.0), np.array([0.5, -0.7, 1.1])),
    "inverse": (np.linalg.inv, lambda a, dy: -np.linalg.inv(a).T @ dy @ np.linalg.inv(a).T, SPD + np.eye(3)[::-1]),
}


def parts(found):
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("name", BACKWARD)
def test_a_right_backward_function_is_correct(name):
    f, back, at = BACKWARD[name]
    found = dk.check(f, back, at=at, kind="vjp")
    assert found.verdict == "correct", found
    assert found.kind == "vjp"


@pytest.mark.parametrize("name", BACKWARD)
@pytest.mark.parametrize("fault", ["twice", "sign", "zero", "no cotangent", "of ones", "1e-3"])
def test_a_wrong_backward_function_is_wrong(name, fault):
    f, back, at = BACKWARD[name]

    def claim(*values):
        *point, dy = values
        seen = {"no cotangent": np.ones_like(dy) if np.ndim(dy) else 1.0, "of ones": dy * 0 + np.sum(dy) + 0.1}
        found = parts(back(*point, seen.get(fault, dy)))
        factor = {"twice": 2.0, "sign": -1.0, "zero": 0.0, "1e-3": 1.001}.get(fault, 1.0)
        return tuple(factor * part for part in found) if len(found) > 1 else factor * found[0]

    found = dk.check(f, claim, at=at, kind="vjp")
    assert found.verdict == "wrong"
    assert "ȳ·∂f" in found.entries[-1].label


def test_one_wrong_parameter_of_several_is_named():
    f, back, at = BACKWARD["affine"]
    found = dk.check(f, lambda w, b, dy: (back(w, b, dy)[0], dy.mean(0)), at=at, kind="vjp")
    assert found.verdict == "wrong"
    assert {e.label for e in found.entries} == {"ȳ·∂f/∂b[0]", "ȳ·∂f/∂b[1]"}


@pytest.mark.parametrize(("kind", "named"), [("vjp", "cotangent"), ("vjp", "rows")])
def test_a_backward_function_needs_code_and_shapes(kind, named):
    if named == "cotangent":
        with pytest.raises(dk.DiffkitError, match="cotangent"):
            dk.check("x^2", "2*x", at=1, kind=kind)
    else:
        with pytest.raises(dk.DiffkitError, match="a vjp has 6"):
            dk.check(np.tanh, lambda x, dy: dy[0], at=W, kind=kind)


def loss(p):
    return np.sum(np.tanh(X @ p["W"] + p["b"]) ** 2)


def gradients(p, form="d{}"):
    y = np.tanh(X @ p["W"] + p["b"])
    dz = 2 * y * (1 - y**2)
    return {form.format("b"): dz.sum(0), form.format("W"): X.T @ dz}


@pytest.mark.parametrize("form", ["{}", "d{}", "grad_{}", "{}_grad"])
def test_parameters_and_gradients_by_name(form):
    at = {"W": W, "b": B}
    assert dk.check(loss, lambda p: gradients(p, form), at=at).verdict == "correct"
    assert dk.check(lambda W, b: loss({"W": W, "b": b}), lambda W, b: gradients({"W": W, "b": b}, form), at=at)
    assert dk.check(loss, gradients(at, form), at=at).verdict == "correct", "numbers by name"
    wrong = dk.check(loss, lambda p: {**gradients(p, form), form.format("b"): B}, at=at)
    assert {e.label for e in wrong.entries} == {"∂f/∂b[0]", "∂f/∂b[1]"}
    with pytest.raises(dk.DiffkitError, match="no gradient of b"):
        dk.check(loss, lambda p: {form.format("W"): gradients(p, form)[form.format("W")]}, at=at)


def test_with_respect_to_some_parameters():
    assert dk.check("-(y*log(p) + (1-y)*log(1-p))", "-(y/p - (1-y)/(1-p))", wrt="p").verdict == "correct"
    assert dk.check(lambda a, b: a**2 * b, lambda a, b: 2 * a * b, at=[1.0, 2.0], wrt="a").verdict == "correct"
    assert dk.check(lambda a, b: a**2 * b, lambda a, b: a**2, at=[1.0, 2.0], wrt="a").verdict == "wrong"
    affine = dk.check(lambda w, b: np.sum((X @ w + b) ** 2), lambda w, b: 2 * np.sum(X @ w + b, 0), at=[W, B], wrt="b")
    assert affine.verdict == "correct"


def test_reset_makes_what_is_random_steady():
    def dropout(w):
        return np.sum((np.random.rand(3) > 0.6) * w**2)

    def gradient(w):
        return 2 * w * (np.random.rand(3) > 0.6)

    at = [1.0, 2.0, 3.0]
    found = dk.check(dropout, gradient, at=at)
    assert found.verdict == "inconclusive"
    assert "reset=" in found.reason
    assert dk.check(dropout, gradient, at=at, reset=lambda: np.random.seed(0)).verdict == "correct"
    assert dk.check(dropout, lambda w: 2 * w + 1, at=at, reset=lambda: np.random.seed(0)).verdict == "wrong"
    with pytest.raises(dk.DiffkitError, match="reset is called before every evaluation"):
        dk.check(dropout, gradient, at=at, reset=3)
    with pytest.raises(dk.DiffkitError, match="neither f nor the claim is code"):
        dk.check("x^2", "2*x", at=1, reset=lambda: None)


# Points beside a point are of its kind: (f, a claim that is right for points of the kind, point)
KINDS = {
    "log det": (lambda a: np.log(np.linalg.det(a)), np.linalg.inv, SPD),
    "quadratic form": (lambda a: np.sum((a @ X[0]) ** 2), lambda a: np.outer(a.T @ X[0], X[0]) * 2, SPD),
    "trace of a square": (lambda a: np.trace(a @ a), lambda a: 2 * a, SPD - 2 * np.eye(3)),
    "skew": (lambda a: np.sum(a * a.T), lambda a: -2 * a, np.array([[0.0, 1.5], [-1.5, 0.0]])),
    "entropy": (lambda p: np.sum(p * np.log(p / np.sum(p))), lambda p: np.log(p), np.array([0.2, 0.3, 0.5])),
    "rows of probabilities": (
        lambda p: np.sum(p * np.log(p / np.sum(p, 1, keepdims=True))), np.log, np.array([[0.2, 0.8], [0.6, 0.4]]),
    ),
    "unit vector": (
        lambda x: np.sum(X[0] * x) / np.sqrt(np.sum(x * x)), lambda x: X[0] - x * (X[0] @ x), np.array([0.6, 0.0, 0.8]),
    ),
    "triangle": (lambda a: np.log(np.linalg.det(a)), lambda a: np.linalg.inv(a).T, np.tril(SPD)),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_points_beside_are_of_the_kind_of_the_point(name):
    f, claim, at = KINDS[name]
    assert dk.check(f, claim, at=at).verdict == "correct"
    assert dk.check(f, claim, at=at, beside=0).points == 1
    assert dk.check(f, lambda a: 1.001 * claim(a), at=at).verdict == "wrong"


@pytest.mark.parametrize("name", KINDS)
def test_what_is_kept(name):
    at = KINDS[name][2]
    structure = Structure((Argument("a", at.shape),), at.ravel())
    assert structure.kinds[0]
    rng = np.random.default_rng(0)
    for _ in range(50):
        row = structure.kept(at.ravel() * (1 + 0.3 * rng.uniform(-1, 1, at.size)))
        assert row is not None
        assert all(kind.holds(row.reshape(at.shape)) for kind in structure.kinds[0])
        assert np.max(np.abs(row - at.ravel())) > 100 * SAME_ARRAY


def test_no_kind_where_there_is_none():
    for at in (W, np.array([0.3, -1.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array(2.0)):
        assert Structure((Argument("a", at.shape),), at.ravel()).kinds == [[]]


def eigenvector(a):
    vectors = np.linalg.eigh(a)[1]
    return np.outer(vectors[:, -1], vectors[:, -1])


LAPACK = {
    "cholesky": (lambda a: 2 * np.sum(np.log(np.diag(np.linalg.cholesky(a)))), np.linalg.inv),
    "eigenvalue": (lambda a: np.linalg.eigvalsh(a)[-1], eigenvector),
}


@pytest.mark.parametrize("name", LAPACK)
def test_code_that_reads_one_triangle(name):
    """The gradient among symmetric matrices is right, as a convention that is said; its multiples are wrong."""
    f, claim = LAPACK[name]
    found = dk.check(f, claim, at=SPD)
    assert found.verdict == "correct"
    assert "one triangle" in found.convention
    assert dk.check(f, claim, at=SPD, symmetric=True).verdict == "correct"
    for wrong in (lambda a: 2 * claim(a), lambda a: np.tril(claim(a)), lambda a: claim(a) + 1e-3):
        assert dk.check(f, wrong, at=SPD).verdict == "wrong"
        assert dk.check(f, wrong, at=SPD, symmetric=True).verdict == "wrong"


def test_a_transposed_claim_at_a_symmetric_point_is_wrong_unless_f_is_said_to_be_of_symmetric_matrices():
    matrix = np.array([[1.0, 2.0], [5.0, 3.0]])
    at = np.eye(2)
    assert dk.check(lambda a: np.sum(a * matrix), lambda a: matrix.T, at=at).verdict == "wrong"
    assert dk.check(lambda a: np.sum(a * matrix), lambda a: matrix.T, at=at, symmetric=True).verdict == "correct"
    assert symmetric(at)
    with pytest.raises(dk.PointError, match="symmetric"):
        dk.check(lambda a: np.sum(a * matrix), lambda a: matrix, at=matrix, symmetric=True)


MODULE = """
import numpy as np
X = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.7]])
def layer(w, b): return np.tanh(X @ w + b)
def backward(w, b, dy):
    dz = dy * (1 - layer(w, b)**2)
    return {"dw": X.T @ dz, "db": np.sum(dz)}
def wrong(w, b, dy): return {**backward(w, b, dy), "db": np.mean(dy)}
weights = {"w": np.array([0.3, -0.2]), "b": 0.1}
def seed(): np.random.seed(3)
def noisy(w): return np.sum(w**2) * (1 + np.random.rand())
def noisy_gradient(w): return 2 * w * (1 + np.random.rand())
def det(a): return np.log(np.linalg.det(a))
spd = np.array([[2.0, 0.5], [0.5, 1.0]])
"""


def test_on_the_command_line(run, tmp_path):
    path = tmp_path / "layers.py"
    path.write_text(MODULE)
    common = ("check", f"{path}:layer", "--at", f"{path}:weights")
    assert run(*common, "--vjp", f"{path}:backward")[0] == 0
    code, out, _ = run(*common, "--vjp", f"{path}:wrong")
    assert code == 1
    assert "ȳ·∂f/∂b" in out
    assert run(*common, "--claim", f"{path}:backward", "--kind", "vjp", "--rtol", "1e-6", "--beside", "0")[0] == 0
    noisy = ("check", f"{path}:noisy", "--gradient", f"{path}:noisy_gradient", "--at", "1,2")
    code, out, _ = run(*noisy)
    assert code == 1
    assert "reset" in out
    assert run(*noisy, "--reset", f"{path}:seed")[0] == 0
    assert run("check", f"{path}:det", "--gradient", "numpy.linalg:inv", "--at", f"{path}:spd", "--symmetric")[0] == 0
    code, _, err = run("check", "x^2", "--claim", "2*x", "--closeness", "1e-3")
    assert code == 2
    assert "--rtol" in err
    code, _, err = run("check", "x^2", "--claim", "2*x", "--rtol", "-1")
    assert code == 2
    assert "rtol" in err


def test_the_tolerance_that_is_advised_decides_all_entries():
    def f(w):
        return np.float32(np.sum(np.exp(np.float32(np.abs(w)))))

    for at in ([1.0, 2.0], [3.0, 0.5, 1.0], [0.1, 4.0]):
        reason = dk.check(f, np.exp, at=at).reason
        rtol = float(reason.rpartition("pass rtol=")[2])
        assert dk.check(f, np.exp, at=at, rtol=rtol).verdict == "correct"
        assert dk.check(f, lambda w: 1.5 * np.exp(w), at=at, rtol=rtol).verdict == "wrong"


COUNT = 300


def bowl(x):
    return np.sum(x**4) + np.sum(x[1:] * x[:-1])


def slope_of_bowl(x):
    found = 4 * x**3
    found[1:] += x[:-1]
    found[:-1] += x[1:]
    return found


@pytest.mark.parametrize("off", [0.0, 1e-4, 1e-8])
@pytest.mark.parametrize("entry", [0, 117, COUNT - 1])
def test_one_entry_of_many_that_is_off_is_found(entry, off):
    """Where all values are plainly right no formula is written out, and the verdict is what it is with one."""
    at = np.random.default_rng(3).uniform(0.5, 1.5, COUNT)

    def claim(x):
        found = slope_of_bowl(x)
        found[entry] *= 1 + off
        return found

    found = dk.check(bowl, claim, at=at)
    assert found.verdict == ("wrong" if off else "correct")
    assert [e.label for e in found.entries if e.verdict == "wrong"] == ([f"∂f/∂x[{entry}]"] if off else [])
    assert off or found.digits >= 12


def test_many_entries_that_cancel_are_judged_by_their_formula(monkeypatch):
    """Rounding spoils half of the digits of the claim's values, and of its formula none."""
    from diffkit.judging.checking.judge import Judge

    def claim(x):
        return (slope_of_bowl(x) + 1e8) - 1e8

    asked = []
    difference = Judge.difference.func
    monkeypatch.setattr(Judge, "difference", property(lambda self: asked.append(1) or difference(self)))
    at = np.random.default_rng(3).uniform(0.5, 1.5, COUNT)
    assert dk.check(bowl, slope_of_bowl, at=at).verdict == "correct"
    assert not asked
    assert dk.check(bowl, claim, at=at).verdict == "correct"
    assert asked

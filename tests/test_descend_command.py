"""What surrounds a descent: batches, gradients that are handed in, SciPy, the command and the pictures."""

import json
import math

import numpy as np
import pytest
from descent_cases import X5, Y5, mean_square, mean_square_gradient

import diffkit as dk
from diffkit.lessons.gradient_descent.walk import make_batches


def causes(run):
    return [finding.cause for finding in run.findings]


# Batches ------------------------------------------------------------------------------------------------------------


def regression():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    return X, X @ [1.0, 2.0, 3.0] + 0.5 * rng.normal(size=60)


@pytest.mark.parametrize("gradient", [None, mean_square_gradient])
def test_batches_are_the_path_of_a_plain_loop(gradient):
    X, y = regression()
    run = dk.descend(mean_square, np.zeros(3), args=(X, y), gradient=gradient, batch=16, rate=0.02, steps=10, seed=5)
    rng, w, taken = np.random.default_rng(5), np.zeros(3), 0
    while taken < 10:
        order = rng.permutation(60)
        for first in range(0, 60, 16):
            if taken < 10:
                rows = order[first : first + 16]
                w = w - 0.02 * 2 / len(rows) * X[rows].T @ (X[rows] @ w - y[rows])
                taken += 1
    assert run.point == pytest.approx(w, rel=1e-12)
    assert run.path.steps.tolist() == [0, 4, 8, 10]
    assert run.value == pytest.approx(np.mean((X @ w - y) ** 2), rel=1e-12)
    assert run.path.gradients[-1] == pytest.approx(mean_square_gradient(w, X, y), rel=1e-10)


def test_an_epoch_sees_every_row_once():
    data = np.arange(10.0)
    batches = make_batches(dk.Function(lambda w, d, c: w, (data, 7.0)), 1, 4, ["d"], 0)
    drawn = iter(batches)
    epochs = [np.concatenate([next(drawn)[0] for _ in range(batches.per_epoch)]) for _ in range(3)]
    assert all(sorted(epoch) == data.tolist() for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    assert next(drawn)[1] == 7.0


def test_the_noise_of_batches_is_named_and_a_falling_rate_gets_below_it():
    X, y = regression()
    options = {"args": (X, y), "gradient": mean_square_gradient, "batch": 5, "steps": 3000, "rate": 0.1}
    constant = dk.descend(mean_square, np.zeros(3), **options)
    falling = dk.descend(mean_square, np.zeros(3), schedule="inverse", **options)
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    assert constant.status == "stagnated"
    assert causes(constant)[0] == "noise floor"
    assert np.linalg.norm(falling.point - best) < np.linalg.norm(constant.point - best) / 3


# Gradients that are handed in, and handing over ----------------------------------------------------------------------


def test_a_hand_written_gradient_is_used_as_it_is_and_can_be_checked():
    wrong = dk.descend("x^2", 1, gradient="3*x", rate=0.1, steps=1)
    assert wrong.point[0] == pytest.approx(0.7)
    assert wrong.check().verdict == "wrong"
    X, y = regression()
    right = dk.descend(mean_square, np.ones(3), gradient=mean_square_gradient, args=(X, y), steps=2)
    assert right.check().verdict == "correct"
    with pytest.raises(dk.DiffkitError, match="no hand-written gradient"):
        dk.descend("x^2", 1, steps=1).check()


@pytest.mark.parametrize("backend", ["auto", "dual", "symbolic", "finite", "complex"])
def test_every_backend_walks_the_same_path(backend):
    run = dk.descend("exp(x)*y^2 + x^2 - y", [0.5, 0.4], rate=0.1, steps=20, backend=backend)
    x, y = 0.5, 0.4
    for _ in range(20):
        x, y = x - 0.1 * (math.exp(x) * y**2 + 2 * x), y - 0.1 * (2 * math.exp(x) * y - 1)
    assert run.point == pytest.approx([x, y], rel=1e-8)


def test_polishing_goes_on_with_scipy():
    run = dk.descend("100*(y-x^2)^2+(1-x)^2", [-1, 1], rate=0.001, steps=100)
    result = run.polish()
    assert result.x == pytest.approx([1, 1], abs=1e-4)
    assert result.fun < 1e-8 < run.value
    assert run.polish("BFGS", tol=1e-10).x == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dk.descend("x^2", 1, rate=0), "the rate is a positive number"),
        (lambda: dk.descend("x^2", 1, steps=0), "the number of steps"),
        (lambda: dk.descend("x^2", 1, momentum=1), "the momentum lies"),
        (lambda: dk.descend("x^2", 1, nesterov=True), "needs a momentum"),
        (lambda: dk.descend("x^2", 1, schedule="cosin"), "did you mean cosine"),
        (lambda: dk.descend("x^2", 1, decay=2), "takes no decay"),
        (lambda: dk.descend("x^2", 1, batch=2), "args and batches are of a Python function"),
        (lambda: dk.descend("x^2", [1, 2]), "2 coordinates"),
        (lambda: dk.descend("x^2", {"y": 1}), "unknown variable y"),
        (lambda: dk.descend("x*y", [1, 2], gradient="y"), "the gradient has 1 entries for 2 weights"),
        (lambda: dk.descend(lambda w: w, np.ones(2)), "a cost is one number"),
        (lambda: dk.descend(lambda w: w @ w, np.ones(2), gradient=lambda w: w[:1]), "1 entries for 2"),
        (lambda: dk.descend(lambda w: w @ w, np.ones(2), gradient=lambda w: w @ np.ones((3, 2))), "raised ValueError"),
        (lambda: dk.descend(lambda w: w @ w, np.ones(2), gradient=lambda w: w.__imul__(2)), "writes into its argument"),
        (lambda: dk.descend(mean_square, np.ones(2), args=(X5, Y5), batch=9), "a batch of 9 rows"),
        (lambda: dk.descend(mean_square, np.ones(2), args=(X5, Y5), batch=2, rows="z"), "no argument 'z'"),
        (lambda: dk.descend(mean_square, np.ones(2), args=(X5, Y5[:4]), batch=2, rows=("X", "y")), "4 and 5 rows"),
    ],
)
def test_misuse_is_one_line_with_a_reason(call, message):
    with pytest.raises(dk.DiffkitError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


# The command and its pictures -----------------------------------------------------------------------------------------

MODEL = """
import numpy as np
X = np.column_stack([np.ones(5), np.arange(1.0, 6.0)])
y = np.arange(1.5, 6.0)
start = np.zeros(2)
def loss(theta, X, y): return np.mean((X @ theta - y)**2)
def gradient(theta, X, y): return 2 / len(y) * X.T @ (X @ theta - y)
def broken(theta, X, y): return X.T @ (X @ theta - y)
"""


@pytest.mark.parametrize(("name", "verdict"), [("gradient", "correct"), ("broken", "wrong")])
def test_the_command_on_code(run, tmp_path, name, verdict):
    (tmp_path / "line_model.py").write_text(MODEL)
    code, out, _ = run("descend", "line_model.py:loss", "--from", "line_model.py:start", "--args",
                       "line_model.py:X,line_model.py:y", "--gradient", f"line_model.py:{name}", "--check",
                       "--rate", "0.01", "--format", "json")  # fmt: skip
    found = json.loads(out)
    assert code == 0
    assert found["gradient_check"] == verdict
    low, high = np.linalg.eigvalsh(2 / 5 * X5.T @ X5) * (1.0 if name == "gradient" else 2.5)
    assert found["curvature"]["start"]["condition"] == pytest.approx(high / low, rel=1e-5)
    assert found["path"][1]["update"] == pytest.approx(
        (-0.01 * np.array(found["path"][1]["gradient"])).tolist(), rel=1e-12)  # fmt: skip


def test_the_table_shows_first_middle_and_last_steps(run):
    _, out, _ = run("descend", "x^2", "--from", "1", "--rate", "0.1", "--steps", "50")
    lines = out.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("step  f"))
    assert lines[first + 1].split() == ["0", "1", "1", "2", "-0.2"]
    assert lines[first + 2].split() == ["1", "0.64", "0.8", "1.6", "-0.16"]
    rows = [line.split() for line in lines[first + 1 : first + 11]]
    assert [row[0] for row in rows[-3:]] == ["48", "49", "50"]
    assert rows[-1][1] == f"{0.8**100:.6g}"


def test_rates_of_convergence_say_what_they_are(run):
    _, out, _ = run("descend", "(w-3)^2 + 20*(b+1)^2", "--from", "w=0,b=0", "--rate", "0.02", "--steps", "50")
    assert "factor per step at the rate 1/L = 0.95  (1 − μ/L)" in out
    assert "steps that suffice at the rate 1/L = 277  (κ·ln(1/ε) with ε = 1e-06)" in out
    assert "agree within a factor of 1\n" in out
    _, out, _ = run("descend", "(w-3)^2 + 20*(b+1)^2", "--from", "w=0,b=0", "--rate", "0.02", "--momentum", "0.5")
    assert "= 0.95  (1 − μ/L, without momentum)" in out
    assert "with ε = 1e-06, without momentum)" in out


def test_no_rate_is_promised_for_a_quartic(run):
    _, out, _ = run("descend", "x^4", "--from", "1", "--rate", "0.1")
    assert "the gradient falls like k^−1.49, k the number of the step  (steps 500 to 1000): slower than any" in out
    assert "no bound on the number of steps is known: the curvature differs by a factor of" in out
    assert [w for w in ("f* ≈", "suffice", "predicted", "everywhere if f is quadratic") if w in out] == []


def test_a_descent_from_the_minimum_counts_no_steps(run):
    _, out, _ = run("descend", "x^2", "--from", "0")
    assert "at a minimum as far as the curvature tells" in out
    assert "not reached" not in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x^2"], 2, "needs a start"),
        (["(relu(w)-1)**2", "--from=-1", "--rate", "0.1"], 1, ""),
        (["-x^2", "--from", "1"], 1, ""),
        (["x^2", "--from", "1", "--check"], 2, "no gradient to check"),
        (["x^2", "--from", "1", "--picture", "loss"], 2, "no file"),
        (["x^2", "--from", "1", "--save", "path.gif"], 2, "cannot save"),
        (["x^2", "--from", "1", "--save", "path.png", "--picture", "lost"], 2, "did you mean loss"),
        (["x^2", "--from", "1", "--save", "path.png", "--picture", "surface"], 2, "two weights"),
        (["x^2", "--from", "1", "--rate", "1.1"], 1, ""),
        (["x^2", "--from", "1", "--steps", "3"], 0, ""),
    ],
)
def test_exit_codes(run, arguments, code, message):
    if "--save" in arguments:
        pytest.importorskip("matplotlib", reason="comes with the plot extra")
    found, _, err = run("descend", *arguments)
    assert (found, message in err) == (code, True)
    assert len(err.splitlines()) == (1 if code == 2 else 0)


def test_an_interrupted_command_reports_its_path(run, tmp_path):
    (tmp_path / "slow.py").write_text(
        "calls = 0\ndef loss(w): return w**2\ndef gradient(w):\n    global calls\n    calls += 1\n"
        "    if calls == 12: raise KeyboardInterrupt\n    return 2*w\n"
    )
    code, out, err = run("descend", "slow.py:loss", "--from", "1", "--gradient", "slow.py:gradient", "--rate", "0.1")
    assert code == 130
    assert "status = interrupted" in out
    assert "interrupted after 9 steps" in err


def test_a_line_is_fitted_to_columns_of_a_file(run, tmp_path):
    x = np.arange(20) / 4
    y = 2 * x + 3 + np.sin(7 * x) / 10
    lines = ["x,y", *(f"{float(a)!r},{float(b)!r}" for a, b in zip(x, y, strict=True))]
    (tmp_path / "points.csv").write_text("\n".join(lines) + "\n")
    arguments = ["descend", "mean((y - (w*x + b))**2)/2", "--data", str(tmp_path / "points.csv"), "--from", "w=0,b=0"]
    code, out, err = run(*arguments, "--rate", "0.1", "--steps", "60", "--format", "json")
    assert (code, err) == (0, "")
    w = b = 0.0
    for _ in range(60):
        error = y - (w * x + b)
        w, b = w + 0.1 * np.mean(error * x), b + 0.1 * np.mean(error)
    found = json.loads(out)
    assert found["names"] == ["b", "w"]
    np.testing.assert_allclose(found["point"], [b, w], rtol=1e-12)
    code, out, _ = run(*arguments, "--rate", "0.05", "--batch", "5", "--steps", "1000", "--format", "json")
    assert (code, json.loads(out)["status"]) == (1, "stagnated")  # at the noise of the batches
    assert json.loads(out)["settings"]["rows"] == 20
    np.testing.assert_allclose(json.loads(out)["point"], np.polyfit(x, y, 1)[::-1], rtol=0.05)

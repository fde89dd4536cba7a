"""Array expressions with data: the language, its evaluation, every method at points, data files and error texts."""

import json
import pickle

import numpy as np
import pytest
from conftest import quickest

import diffkit as dk
from diffkit.core.limits import Limits
from diffkit.core.text import holds_arrays
from diffkit.lessons.matrices.array_parser import parse_array
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_program import program_of
from diffkit.ndarrays.kernel import evaluate

A = np.array([[1.0, 2.0], [3.0, 4.5]])
X = np.array([[1.0, 2.0, 0.5], [3.0, -1.0, 2.0]])
v = np.array([0.3, -1.2])


def value(text, **arrays):
    node = parse_array(text)
    shapes = shapes_of(node, {name: np.shape(a) for name, a in arrays.items()})
    return evaluate(program_of(node, tuple(arrays), shapes), tuple(arrays.values()))


VALUES = [
    ("1 + 2*3 - 4/8", 6.5), ("-2**2", -4), ("2**-1", 0.5), ("2**3**2", 512), ("-v", -v), ("A @ v", A @ v),
    ("v @ A", v @ A),
    ("v.T @ A @ v", v @ A @ v), ("A.T", A.T), ("A*A", A * A), ("A/A - 1", np.zeros((2, 2))), ("A**2", A**2),
    ("A[0]", A[0]), ("A[1, 0]", 3.0), ("A[:, 1]", A[:, 1]), ("A[-1, -1]", 4.5), ("X[0:1, 1:]", X[0:1, 1:]),
    ("[1, 2, 3]", np.array([1, 2, 3])), ("[[1, 2], [3, 4]] @ v", np.array([[1, 2], [3, 4]]) @ v),
    ("[v, v]", np.stack([v, v])),
    ("sum(X)", X.sum()), ("sum(X, axis=0)", X.sum(0)), ("mean(X, 1)", X.mean(1)), ("X.sum()", X.sum()),
    ("prod(v)", v.prod()),
    ("max(X)", 3.0), ("min(X, axis=1)", X.min(1)), ("max(v, 0)", np.maximum(v, 0)), ("np.exp(v)", np.exp(v)),
    ("logsumexp(v)", np.log(np.exp(v).sum())), ("softmax(v)", np.exp(v) / np.exp(v).sum()),
    ("norm(X)", np.linalg.norm(X)),
    ("np.linalg.norm(v)", np.linalg.norm(v)), ("trace(A)", 5.5), ("tr(A)", 5.5), ("det(A)", np.linalg.det(A)),
    ("inv(A)", np.linalg.inv(A)),
    ("solve(A, v)", np.linalg.solve(A, v)), ("outer(v, v)", np.outer(v, v)), ("diag(v)", np.diag(v)),
    ("diag(A)", np.diag(A)),
    ("dot(v, v)", v @ v), ("where(v > 0, v, 0)", np.where(v > 0, v, 0)), ("2v", 2 * v), ("3(v)", 3 * v), ("v²", v**2),
    ("pi*v", np.pi * v), ("eye(2) + A", np.eye(2) + A), ("ones(2) @ v", v.sum()),
    ("sigmoid(v)", 1 / (1 + np.exp(-v))),
    ("softmax(X, axis=1)", np.exp(X) / np.exp(X).sum(1, keepdims=True)), ("var(v)", v.var()),
    ("logdet(A)", np.log(abs(np.linalg.det(A)))),
    ("norm1(X)", np.abs(X).sum()), ("sum(v > 0)", 1.0), ("atan2(v, 2)", np.arctan2(v, 2)), ("zeros(2, 3) + X", X),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[t for t, _ in VALUES])
def test_values_are_numpys_and_texts_read_back(text, expected):
    found = value(text, A=A, X=X, v=v)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(np.asarray(found, dtype=float), expected, rtol=1e-14, atol=1e-15)
    again = value(str(parse_array(text)), A=A, X=X, v=v)
    np.testing.assert_array_equal(again, found)


ERRORS = [
    ("x @", "where a value should stand"), ("", "no expression"), ("x @@ y", "should stand before"),
    ("(x", "never closed"),
    ("x[1", "never closed"),
    ("x[a]", "plain integer"), ("[[1,2],[3]]", "different lengths"), ("[]", "empty"), ("spam(x)", "unknown function"),
    ("x'", "unexpected character"), ("__import__('os')", "unexpected character|unknown function"),
    ("x.shape", "no .shape"), ("sum(x, y)", "axis"),
    ("inv(A, B)", "takes 1 argument"), ("x y", "operator is missing"), ("x = 2", "an = is not expected"),
    ("0 < x < 1", "not a number"),
    ("lambda x: x", "not a variable here"), ("x if y else z", "missing"), ("(" * 300 + "x" + ")" * 300, "limit"),
    ("-" * 500 + "x", "limit"), ("trace(A, axis=1)", "takes no axis"), ("1e99999", "digits|large"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), ERRORS, ids=[t[:20] for t, _ in ERRORS])
def test_bad_text_is_a_parse_error_of_one_line(text, says):
    with pytest.raises(dk.ParseError, match=says) as caught:
        parse_array(text)
    assert "\n" not in str(caught.value)


def test_size_is_limited():
    with pytest.raises(dk.LimitError, match="nodes"):
        parse_array("+".join(f"x @ x{k}" for k in range(100)), Limits(nodes=200))
    with pytest.raises(dk.LimitError, match="depth"):
        parse_array("inv(" * 150 + "X" + ")" * 150, Limits(depth=100))
    assert len(parse_array(" + ".join(["x"] * 20_000)).args) == 20_000


def test_deep_trees_are_pickled():
    tree = parse_array("x" + "/y*x" * 5000)
    assert pickle.loads(pickle.dumps(tree)) == tree


SHAPE_ERRORS = [
    ("A @ v3", "2 against 3"), ("A + v3", "does not fit"), ("v @ v.T", "outer"), ("det(X)", "square"),
    ("A @ 2", "scalar"),
    ("v[2]", "outside"), ("softmax(A)", "axis"), ("sum(v, axis=1)", "no axis 1"), ("[v, v3]", "different shapes"),
    ("v[0, 1]", "index"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), SHAPE_ERRORS)
def test_shapes_that_do_not_fit(text, says):
    with pytest.raises(dk.ShapeError, match=says):
        value(text, A=A, X=X, v=v, v3=np.ones(3))


def test_what_holds_arrays():
    assert all(map(holds_arrays, ("x @ y", "x[0]", "x.T", "sum(x)", "norm(x)", "[1,2]*x")))
    assert not any(map(holds_arrays, ("x*y", "max(x, y)", "logsumexp(x, y)", "sin(x)^2", "T*x", "exp(x)")))


POINTS = [
    (("grad", "max(x)"), "x=[1,3,2]", [0, 1, 0]), (("grad", "logsumexp(x)"), "x=zeros(4)", [0.25] * 4),
    (("jacobian", "exp(x)"), "x=[0,0]", [[1, 0], [0, 1]]), (("jacobian", "x*y"), "[1,2],3", [[3, 0, 1], [0, 3, 2]]),
    (("hessian", "min(x)*y"), "x=[1,2],y=5", [[0, 0, 1], [0, 0, 0], [1, 0, 0]]),
]  # fmt: skip


@pytest.mark.parametrize(("question", "at", "expected"), POINTS, ids=[q[1] for q, _, _ in POINTS])
def test_an_array_in_the_point_makes_an_array_expression(run, question, at, expected):
    code, out, err = run(*question, "--at", at, "--format", "json")
    assert (code, err) == (0, "")
    np.testing.assert_array_equal(json.loads(out)["value"], expected)


def test_every_command_of_arrays_takes_an_array_in_the_point(run):
    assert run("compare", "max(x)", "--at", "x=[1,3,2]")[0] == 0
    assert run("check", "max(x)", "--claim", "x - 2*x + x", "--at", "x=[1,3]")[0] == 1
    _, out, _ = run("descend", "logsumexp(x)", "--from", "x=[0,0]", "--rate=1", "--steps=1", "--format", "json")
    np.testing.assert_allclose(json.loads(out)["point"], [-0.5, -0.5])


def test_names_of_the_point_do_not_hide_arrays(run):
    code, out, _ = run("grad", "lambda*pix*I @ I", "--at", "lambda=2,pix=3,I=[1,2]", "--format", "json")
    assert (code, json.loads(out)["value"]) == (0, [12, 24, 15, 10])
    assert "detX is not read as a variable" in run("grad", "detX*x @ x", "--at", "x=[1,2]")[2]


@pytest.mark.parametrize("command", ["limit", "tangent"])
def test_commands_of_numbers_refuse_an_array(run, command):
    code, out, err = run(command, "x^2", "--at", "x=[1,2]")
    assert (code, out) == (2, "")
    assert "holds an array, and numbers are wanted here" in err


def test_back_propagation_of_arrays_number_by_number(run):
    data = ("--let", "X=[[1,2],[3,4]],y=[1,0]", "--at", "w=[0,1]", "--format", "json")
    code, out, _ = run("explain", "mean((y - X @ w)**2)/2", "--backward", *data)
    found = json.loads(out)
    assert (code, found["value"], found["faults"]) == (0, 4.25, {})
    assert {node["name"]: node["adjoint"] for node in found["variables"]} == {"w[0]": 6.5, "w[1]": 9}
    values = {node["value"]: node["adjoint"] for node in found["forward"]}
    assert (values[17], values[8.5]) == (0.25, 0.5)  # the sum of squares, divided by 2 and by 2
    assert (
        "f(w[0], w[1]) = mean((y - X @ w)**2)/2\n"
        in run("explain", "mean((y - X @ w)**2)/2", "--backward", *data[:-2])[1]
    )


def test_steps_are_not_shown_for_arrays(run):
    for arguments in (("sum(x**2)",), ("x^2", "--at", "x=[1,2]"), ("a*x^2", "--let", "a=2")):
        code, out, err = run("explain", *arguments)
        assert (code, out) == (2, "")
        assert "steps are shown for expressions of numbers (add --backward; diffkit matrix gives formulas" in err


@pytest.mark.parametrize("text", ["sum(x**2)", "norm(x)", "x @ x", "x[0]", "det(x)", "mean(x)"])
def test_text_in_python_points_to_the_arrays(text):
    with pytest.raises(dk.ParseError, match=r"dk\.arrays reads"):
        dk.gradient(text, {"x": [1.0, 2.0]})


CASES = [
    ("mean((y - (X @ w + b))**2)/2", {"X": X.T, "y": np.array([1.0, 2, 3])}, {"w": [0.5, -1.0], "b": 0.25}),
    ("x.T @ A @ x", {"A": A}, {"x": [1.0, 2.0]}), ("x.T @ A @ x", {}, {"x": [1.0, 2.0], "A": A}),
    ("log(det(M)) + trace(inv(M))", {}, {"M": [[3.0, 1.0], [0.5, 2.0]]}),
    ("norm(A @ x - v)", {"A": A, "v": v}, {"x": [0.2, 3.0]}),
    ("logsumexp(x) + x[0]**2", {}, {"x": [0.5, 1.0, -2.0]}), ("sum(softmax(x)*[1, 2])", {}, {"x": [0.5, 1.0]}),
    ("prod(x) + max(x)", {}, {"x": [0.5, 3.0]}),
    ("sum(log(1 + exp(-y*(X @ w))))", {"X": X, "y": v}, {"w": [1.0, 0.5, 0.1]}),
    ("sum(outer(x, x)*M) - dot(x, x)", {"M": A}, {"x": [1.5, -0.5]}), ("0.1*sum(x**3)/3", {}, {"x": [0.1, 0.2]}),
    ("mean(sum(relu(X @ W + b), axis=1))", {"X": X}, {"W": np.arange(6.0).reshape(3, 2) - 2.2, "b": [0.1, 0.2]}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "data", "at"), CASES, ids=[t for t, _, _ in CASES])
def test_every_method_agrees_with_the_proof(text, data, at):
    f = dk.arrays(text, **data)
    proven = dk.gradient(f, at)
    assert proven.error_kind == "proven"
    step = 1e-5
    flat = np.concatenate([np.ravel(at[name]) for name in f.parameters()])
    shapes = [np.shape(at[name]) for name in f.parameters()]

    def numpy_value(x):
        parts = np.split(x, np.cumsum([int(np.prod(s)) for s in shapes])[:-1])
        return float(f(*[p.reshape(s) for p, s in zip(parts, shapes, strict=True)]))

    slopes = [(numpy_value(flat + step * e) - numpy_value(flat - step * e)) / (2 * step) for e in np.eye(len(flat))]
    np.testing.assert_allclose(np.ravel(proven.value), slopes, rtol=1e-7, atol=1e-7)
    for backend, close in (("dual", 1e-13), ("symbolic", 1e-12), ("finite", 1e-7)):
        found = dk.gradient(f, at, backend=backend)
        np.testing.assert_allclose(np.ravel(found.value), np.ravel(proven.value), rtol=close, atol=close)
    assert dk.compare(f, at).verdict == "agree"


def test_decimals_are_exact_in_proofs_and_data_is_binary():
    at = {"x": [1.0]}
    third = dk.gradient(dk.arrays("0.1*sum(x)*3"), at, digits=30)
    assert third.decimals[0].startswith("0.3000000000000000000000")
    held = dk.gradient(dk.arrays("c*sum(x)", c=0.1), at, digits=30)
    assert held.decimals[0].startswith("0.10000000000000000555")


def test_what_is_computed_of_data_alone_is_not_rounded_in_a_proof():
    bad = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-40]])  # det = 2**-40: NumPy's inverse loses twelve digits
    proven = dk.gradient(dk.arrays("x @ inv(B) @ x", B=bad), {"x": [1.0, 0.0]})
    assert proven.error_kind == "proven"
    assert proven.value[0] == 2 * (2.0**40 + 1)
    assert proven.value[1] == -2.0 * 2.0**40


def test_a_thousand_rows_by_twenty_weights_are_not_unrolled():
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(1000, 20)), rng.normal(size=1000), rng.normal(size=20)
    prepared = dk.prepare(dk.arrays("mean((y - (X @ w + b))**2)/2", X=X, y=y), backend="dual")
    found = prepared.result({"w": w, "b": 0.5})
    residual = X @ w + 0.5 - y
    np.testing.assert_allclose(found.value, [residual.mean(), *(X.T @ residual / 1000)], rtol=1e-12)
    plainly = quickest(lambda: np.mean((y - (X @ w + 0.5)) ** 2) / 2)
    assert quickest(lambda: prepared.result({"w": w, "b": 0.5})) < 3000 * plainly
    auto = dk.gradient(dk.arrays("mean((y - (X @ w + b))**2)/2", X=X, y=y), {"w": w, "b": 0.5})
    assert auto.error_kind == "proven"
    np.testing.assert_allclose(auto.value, found.value, rtol=1e-12)


def test_other_kinds_and_shapes():
    f = dk.arrays("x.T @ A @ x", A=A)
    np.testing.assert_allclose(dk.hessian(f, {"x": [1, 2]}).value, A + A.T)
    np.testing.assert_allclose(dk.jacobian(dk.arrays("A @ x", A=A), {"x": [1, 2]}).value, A)
    assert dk.gradient(dk.arrays("sum(W**2)"), {"W": X}).value.shape == X.shape
    assert dk.arrays("y - w*x + b", y=1.0).parameters() == ("b", "w", "x")
    np.testing.assert_allclose(dk.gradient(dk.arrays("w @ x + b"), {"w": v, "x": v, "b": 1}, wrt="w").value, v)
    assert dk.check(f, dk.arrays("(A + A.T) @ x", A=A), {"x": [1, 2]}).verdict == "correct"
    assert dk.check(f, dk.arrays("2*A @ x", A=A), {"x": [1, 2]}).verdict == "wrong"


def test_bad_data_in_python():
    with pytest.raises(dk.PointError, match=r"X\[1, 2\] is nan"):
        dk.arrays("sum(X)*t", X=[[1, 2, 3], [4, 5, float("nan")]])
    with pytest.raises(dk.PointError, match="different lengths"):
        dk.arrays("sum(X)*t", X=[[1, 2], [3]])
    with pytest.raises(dk.PointError, match=r"X\[0\] is .a., not a real number"):
        dk.arrays("sum(X)*t", X=["a"])
    with pytest.raises(dk.VariableError, match="has no Y"):
        dk.arrays("sum(X)*t", Y=[1])
    with pytest.raises(dk.VariableError, match="every name has data"):
        dk.gradient(dk.arrays("sum(X)", X=[1.0]), {})


# The command line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    from diffkit.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(list(arguments))
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    return run


def write(name, text):
    with open(name, "w") as stream:
        stream.write(text)


LOSS = "mean((y - (w*X + b))**2)/2"


def test_least_squares_of_a_csv_file(run):
    write("points.csv", "X,y,who\n1,5,a\n2,7.5,b\n3,9,c\n")
    code, out, err = run("grad", LOSS, "--data", "points.csv", "--at", "w=0,b=0", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["error_kind"] == "proven"
    np.testing.assert_allclose(found["value"], [-21.5 / 3, -(5 + 15 + 27) / 3], rtol=1e-15)
    assert run("compare", LOSS, "--data", "points.csv", "--at", "w=0,b=0")[0] == 0
    assert run("hessian", LOSS, "--data", "points.csv", "--at", "w=0,b=0")[0] == 0


def gradient_of(run, *arguments):
    code, out, err = run("grad", *arguments, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)["value"]


def test_every_kind_of_file_gives_the_same(run):
    X, y = np.array([[1.0, 2], [3, 4], [5, 7]]), np.array([1.0, 0, 2])
    np.savez("d.npz", X=X, y=y)
    np.save("X.npy", X)
    np.save("target.npy", y)
    write("d.json", json.dumps({"X": X.tolist(), "y": y.tolist()}))
    write("t.csv", "a,b,y\n1,2,1\n3,4,0\n5,7,2\n")
    write("plain.csv", "1,2\n3,4\n5,7\n")
    write("lines.jsonl", '{"a": 1, "b": 2, "y": 1}\n{"a": 3, "b": 4, "y": 0}\n{"a": 5, "b": 7, "y": 2}\n')
    w = np.array([0.5, -1.0])
    expected = 2 * X.T @ (X @ w - y)
    common = ("norm(X @ w - y)**2", "--at", "w=[0.5,-1]")
    for data in (["d.npz"], ["X.npy", "y=target.npy"], ["d.json"], ["X=t.csv:a,b", "t.csv"],
                 ["X=plain.csv", "y=t.csv:y"],
                 ["X=lines.jsonl:a,b", "lines.jsonl"]):  # fmt: skip
        options = [part for file in data for part in ("--data", file)]
        np.testing.assert_allclose(gradient_of(run, *common, *options), expected, rtol=1e-14)


def test_definitions_and_points(run):
    found = gradient_of(run, "x.T @ A @ x", "--let", "A=[[1,2],[3,4]]", "--at", "x=[1,2]")
    assert found == [12, 21]
    assert gradient_of(run, "lam*sum(x**2)", "--let", "lam=0.1", "--at", "x=ones(2)") == [0.2, 0.2]
    assert gradient_of(run, "sum(r**2)", "--let", "r=y-A@x,y=[1,1]", "--let", "A=eye(2)", "--at", "x=[0,3]") == [-2, 4]
    assert gradient_of(run, "sum(x)*t", "--at", "pi,[1,2]")[0] == 3


FILES = [
    ("ragged.csv", "X,y\n1,2\n3\n", "ragged.csv, line 3: 1 cell for 2 columns"),
    ("word.csv", "X,y\n1,2\n3,abc\n", "word.csv, line 3: y = 'abc' is not a number"),
    ("nan.csv", "X,y\n1,2\n3,nan\n", "nan.csv, line 3: y"), ("gap.csv", "X,y\n1,\n", "gap.csv, line 2: y is empty"),
    ("inf.csv", "X,y\n1,2\n1,inf\n", "inf.csv, line 3: y"),
    ("twice.csv", "X,X\n1,2\n", "twice.csv, line 1: the column X stands twice"),
    ("empty.csv", "", "empty.csv holds no rows"), ("other.csv", "X,z\n1,2\n", "other.csv has the columns X, z"),
    ("bad.json", '{"X": [1,2', "bad.json, line 1: it is not JSON"),
    ("rag.json", '{"X": [[1,2],[3]], "y": [1]}', "row 1 of X has length 1"),
    ("nan.json", '{"X": [1, NaN], "y": [1, 2]}', "nan.json: X[1] is nan"),
    ("part.jsonl", '{"X": 1, "y": 2}\n{"X": 1}\n', "part.jsonl, line 2: y is missing"),
    ("lengths.json", '{"X": [1, 2, 3], "y": [1, 2]}', "does not fit"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "says"), FILES, ids=[n for n, _, _ in FILES])
def test_bad_data_says_file_and_row(run, name, text, says):
    write(name, text)
    code, out, err = run("grad", LOSS, "--data", name, "--at", "w=0,b=0")
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
    assert sum(line.startswith("diffkit:") for line in err.splitlines()) == 1


def test_pickles_and_broken_files_are_refused(run):
    np.save("o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with open("p.npy", "wb") as stream:
        pickle.dump([1, 2], stream)
    write("z.npz", "no zip")
    for file in ("o.npy", "p.npy", "z.npz", "missing.npz"):
        code, _, err = run("grad", "sum(X)*t", "--data", f"X={file}", "--at", "t=1")
        assert code == 2
        assert f"cannot read {file}" in err


COMMANDS = [
    (("grad", "x @ A", "--let", "A=[[1,2],[3]]", "--at", "x=[1,2]"), "different lengths"),
    (("grad", "sum(x @ A)", "--let", "A=[[1,2],[3,4]]", "--at", "x=[1,2,3]"), "3 against 2"),
    (("grad", "sum(x)"), "needs a point"), (("grad", "sum(x)", "--at", "y=1"), "unknown variable y"),
    (("grad", "sum(x)", "--at", "x=[1,a]"), "names a"), (("grad", "sum(x)", "--at", "x=1:2:3"), "is a range"),
    (("grad", "sum(x)", "--let", "B=2", "--at", "x=1"), "does not name"),
    (("grad", "x @ y", "--at", "x=[1,2]"), "no value for y"),
    (("grad", "A @ x", "--let", "A=[[1,2],[3,4]]", "--at", "x=[1,2]"), "jacobian"),
    (("grad", "sum(x)", "--let", "x", "--at", "x=1"), "defines nothing"), (("compare", "sum(x)"), "needs a point"),
    (("check", "sum(x)", "--claim", "ones(2)"), "checked at a point"),
    (("grad", "x'*x", "--at", "x=1"), "unexpected character"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "says"), COMMANDS)
def test_bad_commands_say_why_in_one_line(run, arguments, says):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert sum(line.startswith("diffkit:") for line in err.splitlines()) == 1


def test_claims_in_the_array_language(run):
    data = ("--let", "X=[[1,2],[3,4],[5,7]],y=[1,0,1]", "--at", "w=[1,2]")
    assert run("check", "norm(X @ w - y)**2", "--claim", "2*X.T @ (X @ w - y)", *data)[0] == 0
    code, out, _ = run("check", "norm(X @ w - y)**2", "--claim", "2*X.T @ (X @ w + y)", *data)
    assert code == 1
    assert "278" in out
    assert "254" in out

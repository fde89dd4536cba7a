"""The command: what it prints, its exit codes, and one clear line for every bad input."""

import json
import os
import re
import subprocess
import sys

import pytest

from diffkit.cli.commands import cli


def test_the_first_example(run):
    code, out, err = run("grad", "3*x**2-4*x", "--at", "1")
    assert (code, err) == (0, "")
    assert out.splitlines()[:5] == ["f(x) = 3*x**2 - 4*x", "∂f/∂x = 6*x - 4", "at x = 1", "", "∂f/∂x = 2"]


@pytest.mark.parametrize("options", [
    ("derivative", "x^3*sin(x)", "--at", "1"), ("jacobian", "x*y", "x+y", "--at", "1,2"),
    ("hessian", "x^2*y^3", "--at", "1,2"), ("grad", "x^2*y", "--at", "x=1:2:3,y=4"), ("derivative", "x^3*sin(x)"),
    ("grad", "x^2*y", "--at", "1,2", "--format", "json", "--formula"),
    ("grad", "sum(x**2)", "--at", "x=[1,2]", "--formula"),
])  # fmt: skip
def test_sympy_is_asked_once_for_answer_and_formula(run, monkeypatch, options):
    import diffkit.methods.symbolic as symbolic

    asked = []
    real = symbolic.symbolic_derivative
    monkeypatch.setattr(symbolic, "symbolic_derivative", lambda *given: asked.append(given) or real(*given))
    code, out, _ = run(*options, "--backend", "symbolic")
    assert code == 0
    assert "no formula" not in out
    assert len(asked) == 1


@pytest.mark.parametrize("at", ["1,2", "x=1,y=2", "y=2,x=1", " 1 , 2 ", "pi/pi,sqrt(4)", "x=2/2,y=1e0+1"])
def test_points_in_all_their_forms(run, at):
    code, out, _ = run("grad", "x*y^2", "--at", at, "--format", "json")
    body = json.loads(out)
    assert code == 0
    assert body["at"] == {"x": 1.0, "y": 2.0}
    assert body["value"] == [4.0, 4.0]


def test_ranges_span_a_grid(run):
    code, out, _ = run("grad", "x*y", "--at", "x=0:1:3,y=5", "--format", "json")
    body = json.loads(out)
    assert code == 0
    assert body["value"] == [[5.0, 0.0], [5.0, 0.5], [5.0, 1.0]]
    _, out, _ = run("derivative", "x*y", "--wrt", "x", "--at", "x=0:1:2,y=0:3:4", "--format", "json")
    assert json.loads(out)["value"] == [[0.0, 1.0, 2.0, 3.0]] * 2


def test_points_files(run, tmp_path):
    (tmp_path / "p.csv").write_text("y, x\n1,2\n\n0.5,pi\n")
    (tmp_path / "p.jsonl").write_text('{"x": 2, "y": 1}\n[3.141592653589793, 0.5]\n')
    values = []
    for name in ("p.csv", "p.jsonl"):
        code, out, err = run("grad", "x*y", "--points", name, "--format", "json")
        assert (code, err) == (0, "")
        values.append(json.loads(out)["value"])
    assert values[0] == values[1] == [[1.0, 2.0], [0.5, 3.141592653589793]]


def test_standard_input(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "diffkit", "grad", "x^2", "--points", "-"],
        input="x\n3\n", capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0
    assert "3  6" in done.stdout


@pytest.mark.parametrize("expression", ["-x**2", "-(x)", "-hypot(x,1)", "--x"])
def test_an_expression_may_begin_with_a_minus(run, expression):
    arguments = ["grad", "--", expression, "--at", "2"] if expression == "--x" else ["grad", expression, "--at", "-2"]
    if expression == "--x":
        arguments = ["grad", "--at", "2", "--", expression]
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert "∂f/∂x = " in out


def test_without_a_point_the_formula_and_the_domain(run):
    code, out, _ = run("derivative", "log(x)/x")
    assert code == 0
    assert "df/dx = " in out
    assert "domain = x > 0" in out
    assert "all real values" in run("grad", "sin(x)")[1]
    assert "except where x = 0" in run("grad", "abs(x)")[1]


def test_formula_switches(run):
    assert "6*x" in run("grad", "3*x^2", "--at", "1")[1]
    assert "6*x" not in run("grad", "3*x^2", "--at", "1", "--no-formula")[1]
    assert "6*x" not in run("grad", "3*x^2", "--at", "1", "--backend", "dual")[1]
    assert "6*x" in run("grad", "3*x^2", "--at", "1", "--backend", "finite", "--formula")[1]


@pytest.mark.parametrize("backend", ["auto", "symbolic", "finite", "dual"])
@pytest.mark.parametrize("format", ["text", "json", "markdown", "html"])
@pytest.mark.parametrize(
    "command",
    [
        ("derivative", "sin(x)", "--order", "2", "--at", "1"),
        ("grad", "x*y", "--at", "1,2"),
        ("jacobian", "x*y", "x-y", "--at", "1,2"),
        ("hessian", "x*y^2", "--at", "1,2"),
        ("grad", "x*y", "--at", "x=0:1:3,y=1"),
    ],
    ids=lambda c: " ".join(c[:2]),
)
def test_every_command_backend_and_format(run, command, backend, format):
    code, out, err = run(*command, "--backend", backend, "--format", format)
    assert (code, err) == (0, "")
    if format == "json":
        body = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert body["schema"] == "diffkit.result/1"
        assert body["status"] == "ok"
    else:
        assert "∂" in out or "d²f/dx²" in out


def test_exit_code_one_says_no(run):
    code, out, err = run("grad", "abs(x)", "--at", "0")
    assert (code, err) == (1, "")
    assert "∂f/∂x: not differentiable (left derivative -1, right derivative 1)" in out
    assert run("compare", "abs(x)", "--at", "0")[0] == 1
    assert run("compare", "x^2", "--at", "1")[0] == 0
    assert run("grad", "log(x)", "--at", "x=-1:1:3")[0] == 1


def test_json_has_no_nan(run):
    _, out, _ = run("compare", "abs(x)", "--at", "0", "--format", "json")
    body = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert body["verdict"] == "not_differentiable"
    assert body["reference"]["left"] == [-1.0]
    assert body["reference"]["value"] == [None]


BAD = {
    "unknown variable in the point": (["grad", "x", "--at", "z=1"], "unknown variable z"),
    "a variable without a value": (["grad", "x*y", "--at", "x=1"], "no value for y"),
    "a value twice": (["grad", "x", "--at", "x=1,x=2"], "gives x twice"),
    "too few coordinates": (["grad", "x*y", "--at", "1"], "1 coordinate, the expression has 2 variables"),
    "too many coordinates": (["grad", "x", "--at", "1,2"], "2 coordinates"),
    "not a number": (["grad", "x", "--at", "one"], "not a number"),
    "NaN": (["grad", "x", "--at", "nan"], "not a number"),
    "infinity": (["grad", "x", "--at", "1e999"], "not a finite number"),
    "an empty point": (["grad", "x", "--at", ""], "point is empty"),
    "half a range": (["grad", "x", "--at", "x=1:2"], "not a range"),
    "a range of nothing": (["grad", "x", "--at", "x=1:2:0"], "not a range"),
    "an endless range": (["grad", "x*y", "--at", "x=1:2:9999,y=1:2:9999"], "more than 1,000,000 points"),
    "mixed forms": (["grad", "x*y", "--at", "x=1,2"], "mixes"),
    "order 0": (["derivative", "x", "--order", "0", "--at", "1"], "orders run from 1 to 20"),
    "order 21": (["derivative", "x", "--order", "21", "--at", "1"], "orders run from 1 to 20"),
    "order of text": (["derivative", "x", "--order", "two"], "not a valid integer"),
    "finite of order 5": (["derivative", "x", "--order", "5", "--at", "1", "--backend", "finite"], "up to order 4"),
    "several variables": (["derivative", "x*y", "--at", "1,2"], "say which"),
    "unknown wrt": (["grad", "x", "--wrt", "y", "--at", "1"], "unknown variable y"),
    "unknown function": (["grad", "sni(x)", "--at", "1"], "did you mean sin?"),
    "unknown option": (["grad", "x", "--bakcend", "dual"], "--backend"),
    "unknown backend": (["grad", "x", "--at", "1", "--backend", "dul"], "did you mean dual?"),
    "unknown format": (["grad", "x", "--format", "xml"], "unknown format"),
    "unknown command": (["gard", "x"], "No such command"),
    "no expression": (["grad"], "Missing argument"),
    "two expressions": (["grad", "x", "y", "--at", "1"], "unexpected extra argument"),
    "no file": (["grad", "x", "--points", "absent.csv"], "cannot read absent.csv"),
    "a point and a file": (["grad", "x", "--at", "1", "--points", "p.csv"], "not both"),
    "an unwritable output": (
        ["grad", "x", "--at", "1", "--output", "absent/report.txt"],
        "cannot write absent/report.txt",
    ),
    "an output that is a folder": (["grad", "x", "--at", "1", "--output", "."], "cannot write ."),
    "a bad variable name": (["grad", "x", "--variables", "x,1y"], "not a usable name"),
    "compare without a point": (["compare", "x"], "needs a point"),
    "compare of nothing": (["compare", "x", "--at", "1", "--backends", ""], "unknown backend"),
    "a function that is not there": (["functions", "tanhh"], "did you mean tanh?"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_line_and_exit_code_two(run, tmp_path, name):
    arguments, reason = BAD[name]
    code, out, err = run(*arguments)
    first, *caret = err.splitlines()
    assert code == 2
    assert out == ""
    assert reason in first
    assert len(caret) in (0, 2)
    assert list(tmp_path.iterdir()) == []


FILES = {
    "x\n1\nfoo\n": "line 3: x = 'foo' is not a number",
    "x\n1\n2,3\n": "line 3: 2 cells for 1 column",
    "z\n1\n": "line 1: the point names an unknown variable z",
    "x,x\n1,2\n": "line 1: a column stands twice",
    "x\n": "holds no points",
    "": "holds no points",
    "x\nnan\n": "line 2: x = 'nan' is not a number",
    '{"x": 1}\n{"y": 1}\n': "line 2: the point names an unknown variable y",
    '{"x": 1}\n{"x": tru}\n': "line 2: ",
    '{"x": 1}\n{"x": NaN}\n': "line 2: x = nan is not a finite number",
    '{"x": [1]}\n': "line 1: ",
    '{"x": 1}\n3\n': "line 2: neither an object",
    "[1]\n[1, 2]\n": "line 2: ",
    "[" * 100000: "line 1: ",
}


@pytest.mark.parametrize("text", FILES, ids=lambda t: t[:20])
def test_a_malformed_points_file_is_named_with_its_line(run, tmp_path, text):
    (tmp_path / "points").write_text(text)
    code, out, err = run("grad", "x^2", "--points", "points", "--output", "report.txt")
    assert code == 2
    assert out == ""
    assert err.startswith("diffkit: points")
    assert FILES[text] in err
    assert len(err.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["points"]


def test_output_goes_to_the_file_whole(run, tmp_path):
    code, out, _ = run("grad", "x^2", "--at", "3", "--output", "report.json", "--format", "json")
    assert (code, out) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["value"] == [6.0]
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_functions(run):
    assert "hyperbolic tangent" in run("functions")[1]
    _, out, _ = run("functions", "ln")
    assert out.splitlines()[0] == "log(x): natural logarithm; log(x, b) is log(x)/log(b)"
    assert "∂/∂x = 1/x" in out
    assert len(json.loads(run("functions", "--format", "json")[1])["functions"]) > 50


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_help_has_examples(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"\n  diffkit {command}" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "\b" not in out
    assert "\\b" not in out


def test_a_terminal_gets_tables(run, monkeypatch):
    monkeypatch.setattr("diffkit.cli.output.on_terminal", lambda file: True)
    monkeypatch.setenv("TERM", "xterm")
    _, out, _ = run("compare", "x^2*y", "--at", "1,2")
    assert re.search(r"\x1b\[1mmethod +partial +value", out)


@pytest.mark.parametrize("claims", [["2*x*y, x^2"], ["2*x*y", "x^2"], ["[2*x*y, x^2]"]])
def test_a_claim_may_be_given_in_one_text_or_in_several(run, claims):
    arguments = [word for claim in claims for word in ("--claim", claim)]
    code, out, _ = run("check", "x^2*y", *arguments, "--at", "1,2")
    assert (code, "verdict = correct" in out) == (0, True)


def test_what_is_no_function_is_not_checked(run, tmp_path):
    (tmp_path / "model.py").write_text("X = [1, 2]\ndef g(x): return x\n")
    code, _, err = run("check", f"{tmp_path}/model.py:X", "--gradient", f"{tmp_path}/model.py:g", "--at", "1")
    assert (code, err) == (2, f"diffkit: {tmp_path}/model.py:X is a list, not a function\n")


def test_help_names_what_the_registries_hold():
    added = (
        "from diffkit.methods import BACKENDS; from diffkit.reports import FORMATS\n"
        "BACKENDS['fivepoint'] = FORMATS['slides'] = 'nowhere'\n"
        "import sys; from diffkit.__main__ import main; sys.argv = ['diffkit', 'grad', '--help']; main()\n"
    )
    shown = subprocess.run([sys.executable, "-c", added], capture_output=True, text=True, check=False).stdout
    assert "reverse, complex or fivepoint." in " ".join(shown.split())
    assert "markdown, html or slides." in " ".join(shown.split())

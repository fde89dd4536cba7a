"""Text from strangers, as expression, variable name, point and points file: nothing runs, hangs or crashes."""

import gc
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import tsv

import diffkit as dk
from diffkit.asking.points import PointsFile
from diffkit.cli import main
from diffkit.core.errors import DiffkitError
from diffkit.core.records import text_records
from diffkit.lessons.matrices.problem import read_problem
from diffkit.lessons.matrices.settings import claim_beside, function_of_text, read_value
from diffkit.methods import COMPARED

REPEAT = re.compile(r"\{\{REPEAT:(.*?):(\d+)\}\}", re.DOTALL)
ESCAPES = {r"\n": "\n", r"\t": "\t", r"\\": "\\"}


def decode(text):
    """The file's notation: {{REPEAT:s:n}} first, then escapes."""
    text = REPEAT.sub(lambda m: m[1] * int(m[2]), text)
    pattern = r"\\n|\\t|\\\\|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}"
    return re.sub(pattern, lambda m: ESCAPES.get(m[0]) or chr(int(m[0][2:], 16)), text)


CASES = [pytest.param(decode(r["expression"]), r["expected"], id=r["id"]) for r in tsv("hostile_input.tsv")]
SECONDS = {"reject": 5.0, "ok": 20.0, "reject-or-finish-fast": 20.0}  # generous: a hang is minutes, not a slow machine


@pytest.fixture(autouse=True)
def canary(tmp_path, monkeypatch):
    """Work in an empty folder, in which nothing may appear."""
    monkeypatch.chdir(tmp_path)
    yield
    assert os.listdir(tmp_path) == []


def attempt(function):
    """(whether it was refused, result or error)."""
    try:
        return False, function()
    except DiffkitError as error:
        return True, error


@pytest.mark.parametrize("backend", ["auto", *COMPARED])
@pytest.mark.parametrize(("text", "label"), CASES)
def test_as_expression(text, label, backend):
    start = time.process_time()

    def first_derivative():
        e = dk.parse(text)
        return dk.gradient(e, [0.7 + 0.1 * k for k in range(len(e.variables))], backend=backend)

    refused, result = attempt(first_derivative)
    assert time.process_time() - start < SECONDS[label]
    if label == "reject":
        assert refused
    elif label == "ok":
        assert not refused, result
        assert result.ok


@pytest.mark.parametrize(("text", "label"), CASES)
def test_as_arrays(text, label):
    """In text of arrays the same is refused and read as in text of numbers, and in no more time."""
    start = time.process_time()

    def first_derivative():
        f = dk.arrays(text)
        return dk.gradient(f, {name: 0.7 + 0.1 * k for k, name in enumerate(f.names or ("x",))}, backend="dual")

    refused, result = attempt(first_derivative)
    assert time.process_time() - start < SECONDS[label]
    if label == "reject":
        assert refused
    elif label == "ok":
        assert not refused, result
        assert result.ok


def valued(f):
    """The value of a function of arrays where all variables are the same number."""
    with np.errstate(all="ignore"):
        return f.evaluate(*[0.7] * len(f.names))


@pytest.mark.parametrize(("text", "label"), CASES)
def test_where_arrays_are_typed(text, label):
    """As a definition, a value in a point, a claim, a formula of any size and a side of an identity."""
    f, _ = function_of_text(["x @ x"])
    places = (
        lambda: valued(function_of_text(["sum(A)*x"], [f"A={text}"])[0]), lambda: read_value(text, "x"),
        lambda: valued(claim_beside(f, text, [], [])), lambda: read_problem([text]),
        lambda: read_problem(["x", text], claim=True),
    )  # fmt: skip
    for place in places:
        start = time.process_time()
        refused, result = attempt(place)
        assert time.process_time() - start < SECONDS[label]
        assert refused or label != "reject", result


@pytest.mark.parametrize(("text", "label"), CASES)
def test_as_variable_name(text, label):
    refused, result = attempt(lambda: dk.parse("x + 1", variables=("x", text)))
    name = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text)
    assert refused == (name is None or len(text) > 64 or text == "x"), result


@pytest.mark.parametrize(("text", "label"), CASES)
def test_as_point(text, label):
    start = time.process_time()
    refused, result = attempt(lambda: dk.derivative("x**2", text))
    assert time.process_time() - start < 5.0
    assert refused or result.value == 2 * result.at["x"]


@pytest.mark.parametrize(("text", "label"), CASES)
def test_as_line_of_a_points_file(text, label):
    for lines in (f"x\n1\n{text}\n", f'{{"x": 1}}\n{text}\n', text):
        start = time.process_time()
        refused, result = attempt(
            lambda lines=lines: PointsFile("points", text_records(io.StringIO(lines), "points", "csv")).points(("x",))
        )
        assert time.process_time() - start < 5.0
        assert refused or result.rows.shape[1] == 1


def check_answer(label, code, out, err):
    """What the command owes a stranger: an answer or one clear line, never a traceback."""
    assert "Traceback" not in err
    assert code in {"reject": {2}, "ok": {0}, "reject-or-finish-fast": {0, 1, 2}}[label]
    assert (code == 2) == bool(err)
    if code == 2:
        assert out == ""
        assert err.startswith("diffkit: ")
        assert len(err.splitlines()) <= 3


@pytest.mark.parametrize(("text", "label"), CASES)
def test_at_the_command(text, label, capsys):
    """The command's default backend, with its variables at values inside most domains."""
    start = time.process_time()
    variables = [] if attempt(lambda: dk.parse(text))[0] else dk.parse(text).variables
    point = ",".join(str(0.7 + 0.1 * k) for k in range(len(variables))) or "0.7"
    at = [] if not variables and label == "ok" else ["--at", point]
    with pytest.raises(SystemExit) as stop:
        main(["grad", text, *at, *(["--no-formula"] if len(text) > 10_000 else [])])
    seconds = time.process_time() - start
    gc.enable()  # the command switches it off for its own short life
    assert seconds < 2 * SECONDS[label]
    check_answer(label, stop.value.code, *capsys.readouterr())


@pytest.mark.parametrize("number", range(0, len(CASES), 12))
def test_in_a_process_of_its_own(number):
    """Every twelfth by the real command, formula and all."""
    text, label = CASES[number].values
    if len(text) > 100_000 or "\0" in text:
        pytest.skip("too long for a command line, or not expressible on it")
    environment = {**os.environ, "PYTHONPATH": str(Path(dk.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "diffkit", "grad", text, "--at", "0.7"],
        capture_output=True, text=True, env=environment, timeout=60,
    )  # fmt: skip
    if label == "ok" and done.returncode == 2:  # more variables than the one coordinate given
        assert "coordinate" in done.stderr
    else:
        check_answer(label, done.returncode, done.stdout, done.stderr)

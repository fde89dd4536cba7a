"""Many claims at once: ``check --all`` reads a pyproject.toml, and reports to programs that run tests."""

import json
import re
from xml.etree import ElementTree

import pytest
from report_cases import check_page

from diffkit.reports import CLAIM_FORMATS, FORMATS, render
from diffkit.reports.claims_report import ClaimsReport, NamedCheck
from diffkit.reports.github import _OF_MESSAGE, _OF_PROPERTY, _escaped

MODEL = """\
import numpy as np

X = np.array([[1.0, 2.0], [3.0, 4.0]])
start = np.array([0.5, -2.0])
calls = []

def loss(w, X):
    return np.sum((X @ w) ** 2)

def right(w, X):
    return 2 * X.T @ (X @ w)

def half(w, X):
    return X.T @ (X @ w)

def layer(W, x):
    return np.tanh(W @ x)

def backward(W, x, cotangent):
    inner = cotangent * (1 - np.tanh(W @ x) ** 2)
    return np.outer(inner, x), W.T @ inner

def reset():
    calls.append("reset")

def breaks(w):
    raise RuntimeError("no luck")
"""
RIGHT = """\
[tool.diffkit]
rtol = 1e-9
[[tool.diffkit.check]]
function = "model:loss"
gradient = "model:right"
points = ["model:start", [1, 2]]
args = ["model:X"]
reset = "model:reset"
[[tool.diffkit.check]]
name = "in words"
function = "x^2*y"
gradient = ["2*x*y", "x^2"]
[[tool.diffkit.check]]
function = "x^2*y"
hessian = [["2*y", "2*x"], ["2*x", "0"]]
points = [{x = 1, y = 2}, "x=3,y=4"]
[[tool.diffkit.check]]
function = "model.py:layer"
vjp = "model.py:backward"
points = [{W = [[0.1, 0.2]], x = [1.0, 2.0]}]
[[tool.diffkit.check]]
function = "b*x^2"
gradient = "2*b*x"
wrt = "x"
points = 2.5
variables = ["x", "b"]
"""
RIGHT = RIGHT.replace("points = 2.5", 'points = "2.5,1"')
WRONG = """
[[tool.diffkit.check]]
name = "half: a, 50 %"
function = "model:loss"
gradient = "model:half"
points = [[1.0, 2.0]]
args = ["model:X"]
"""
UNDECIDED = """
[[tool.diffkit.check]]
function = "floor(x)"
gradient = "0"
points = 2
"""
BROKEN = """
[[tool.diffkit.check]]
function = "model:loss"
gradient = "model:right"
points = [[1, 2, 3]]
args = ["model:X"]
[[tool.diffkit.check]]
function = "model:nothing"
gradient = "model:right"
points = [1]
[[tool.diffkit.check]]
function = "model:breaks"
gradient = "model:right"
points = [1]
"""


@pytest.fixture
def check_all(run, tmp_path):
    """Check what a pyproject.toml lists."""
    (tmp_path / "model.py").write_text(MODEL)

    def call(text, *options):
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        return run("check", "--all", *options)

    return call


@pytest.fixture(autouse=True)
def _fresh_model(monkeypatch):
    """Each test imports the model of its own folder."""
    import sys

    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "model", raising=False)
    yield
    sys.modules.pop("model", None)


def test_every_pair_is_checked_at_each_of_its_points(check_all):
    code, out, err = check_all(RIGHT)
    assert (code, err) == (0, "")
    assert out.startswith("verdicts = 7 correct\n")
    for name in ("gradient of model:loss, point 2", "in words", "hessian of x^2*y, point 1", "vjp of model.py:layer"):
        assert f"{name} " in out


@pytest.mark.parametrize(
    ("text", "code", "counts"),
    [
        (RIGHT + WRONG, 1, "7 correct and 1 wrong"),
        (RIGHT + UNDECIDED, 1, "7 correct and 1 inconclusive"),
        (WRONG + BROKEN, 2, "3 error and 1 wrong"),
        (RIGHT.replace("1e-9", "1.5") + WRONG, 0, "8 correct"),
        (RIGHT.replace("1e-9", "1.5") + WRONG + "rtol = 0.1\n", 1, "7 correct and 1 wrong"),
    ],
    ids=["wrong", "undecided", "broken", "allowed", "own tolerance"],
)
def test_the_exit_code_is_that_of_the_worst(check_all, text, code, counts):
    found, out, _ = check_all(text)
    assert out.startswith(f"verdicts = {counts}\n")
    assert found == code


def test_an_error_names_its_key_and_ends_none_of_the_others(check_all):
    _, out, _ = check_all(BROKEN + WRONG, "--format", "json")
    *broken, last = json.loads(out)["claims"]
    assert [claim["error"].partition(": ")[0] for claim in broken] == ["pyproject.toml"] * 3
    for k, (claim, words) in enumerate(zip(broken, ["3", "has no nothing", "no luck"], strict=True), 1):
        assert f"tool.diffkit.check[{k}]: " in claim["error"]
        assert words in claim["error"]
    assert last["verdict"] == "wrong"


PAIR = '[[tool.diffkit.check]]\nfunction = "x"\ngradient = "1"\n'
ENDING = """
def g(w):
    raise SystemExit(0)
"""


@pytest.mark.parametrize("code", ["import sys\nsys.exit(0)", ENDING, "exit()\n"], ids=["import", "call", "exit"])
def test_code_that_ends_the_process_is_no_pass(check_all, run, code, tmp_path):
    """The exit code that it chose is no verdict: 0 would pass in silence."""
    (tmp_path / "ends.py").write_text(code)
    found, out, _ = check_all(RIGHT + PAIR.replace('"1"', '"ends.py:g"') + "points = 1\n")
    assert found == 2
    assert out.startswith("verdicts = 7 correct and 1 error\n")
    assert "ended the process by SystemExit(" in out
    found, out, err = run("check", "x^2", "--gradient", "ends.py:g", "--at", "1")
    assert (found, out) == (2, "")
    assert err.startswith("diffkit: the code that was named ended the process by SystemExit(")
    assert err.count("\n") == 1


def test_what_took_too_long_is_undecided(check_all):
    code, out, _ = check_all(WRONG + "timeout = 1e-9\n")
    assert code == 1
    assert out.startswith("verdicts = 1 inconclusive\n")
    assert "timeout" in out


BAD = {
    "": "pyproject.toml has no [tool.diffkit] (list what is to be checked below [[tool.diffkit.check]])",
    "[tool.other]\n": "pyproject.toml has no [tool.diffkit] ",
    "tool = 1": "pyproject.toml: tool is no table",
    "[tool]\ndiffkit = []": "pyproject.toml: tool.diffkit is no table",
    "[tool.diffkit": "pyproject.toml is no TOML: ",
    "[tool.diffkit]\n": "tool.diffkit.check is a list of pairs with one at the least (write [[tool.diffkit.check]])",
    "[tool.diffkit]\ncheck = []\n": "tool.diffkit.check is a list of pairs ",
    "[tool.diffkit]\ncheck = 3\n": "tool.diffkit.check is a list of pairs ",
    "[tool.diffkit]\ncheck = [3]\n": "tool.diffkit.check[1] is no table ",
    "[tool.diffkit]\nrtoll = 3\n": "tool.diffkit.rtoll is unknown (did you mean rtol?)",
    '[tool.diffkit]\nrtol = "3"\n': "tool.diffkit.rtol is a whole number or a number, not '3'",
    PAIR + "rtol = true": "tool.diffkit.check[1].rtol is a whole number or a number, not True",
    PAIR + "beside = 1.5": "tool.diffkit.check[1].beside is a whole number, not 1.5",
    PAIR + "symmetric = 1": "tool.diffkit.check[1].symmetric is true or false, not 1",
    PAIR + "args = 1": "tool.diffkit.check[1].args is a list, not 1",
    PAIR + "points = []": "tool.diffkit.check[1].points is empty ",
    PAIR + "points = true": "tool.diffkit.check[1].points is text or ",
    PAIR + 'jacobian = "1"': "tool.diffkit.check[1] has more than one claim: gradient, jacobian ",
    PAIR + "wrt = [1]": "tool.diffkit.check[1].wrt is text, or a list of texts",
    PAIR + PAIR.replace("function", "funktion"): "tool.diffkit.check[2].funktion is unknown (did you mean function?)",
    PAIR.replace(
        "gradient", "name"
    ): "tool.diffkit.check[1] has no claim (give one of gradient, jacobian, hessian, vjp)",
    PAIR.replace("function", "name"): "tool.diffkit.check[1].function is missing ",
    PAIR.replace('"1"', "1"): "tool.diffkit.check[1].gradient is text or a list, not 1",
    PAIR.replace('"1"', "[]"): "tool.diffkit.check[1].gradient is text, or a list of texts",
    PAIR.replace('"1"', '[["1"], [2]]'): "tool.diffkit.check[1].gradient is text, or a list of texts",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_bad_input_is_one_line_that_names_the_key_and_nothing_is_run(check_all, text, tmp_path):
    (tmp_path / "model.py").write_text("raise SystemExit('imported')")
    first = PAIR.replace('"x"', '"model:loss"') if text.startswith("[[") else ""
    code, out, err = check_all(text + "\n" + first.replace("[[", "\n[["))
    assert (code, out) == (2, "")
    assert err.startswith("diffkit: pyproject.toml")
    assert BAD[text] in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "text", ["__import__('os').system('touch hit')", "os:system", "().__class__", "lambda: 1", "model:loss()", "x:y:z"]
)
def test_text_is_never_executed(check_all, text, tmp_path):
    code, _, _ = check_all(PAIR.replace('"1"', json.dumps(text)) + f"points = [{json.dumps(text)}]\n")
    assert code == 2
    assert not (tmp_path / "hit").exists()


def test_options_of_one_claim_do_not_go_with_all(run):
    for options in (["--at", "1"], ["--claim", "1"], ["--beside", "3"], ["--symmetric"], ["--rtol", "1"]):
        code, out, err = run("check", "--all", *options)
        assert (code, out) == (2, "")
        assert err == f"diffkit: {options[0]} does not go with --all (each pair in the file has its own)\n"
    code, _, err = run("check", "--all", "none.toml")
    assert (code, err) == (2, "diffkit: cannot read none.toml: No such file or directory\n")
    code, _, err = run("check")
    assert code == 2
    assert "Missing argument 'F'" in err


# Formats -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", [*FORMATS, *CLAIM_FORMATS])
def test_every_format_tells_all_claims(check_all, format):
    _, out, err = check_all(RIGHT + WRONG + UNDECIDED + BROKEN, "--format", format)
    assert err == ""
    for words in ("half", "floor", "no luck"):
        assert words in out
    if format == "html":
        check_page(out)


def test_json_keeps_its_schema(check_all):
    jsonschema = pytest.importorskip("jsonschema", reason="comes with the test extra")
    from test_reports import SCHEMA

    _, out, _ = check_all(RIGHT + WRONG + UNDECIDED + BROKEN, "--format", "json")
    body = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(body)
    assert body["verdicts"] == {"correct": 7, "inconclusive": 1, "wrong": 1, "error": 3}


def junit_cases(text):
    """The test cases of JUnit XML by name, which holds what the schema of Jenkins' xUnit plugin wants."""
    root = ElementTree.fromstring(text.encode())
    assert (root.tag, set(root.attrib)) == ("testsuites", {"name", "tests", "failures", "errors"})
    (suite,) = root
    assert (suite.tag, set(suite.attrib)) == ("testsuite", {"name", "tests", "failures", "errors"})
    cases = {}
    for case in suite:
        assert (case.tag, set(case.attrib)) == ("testcase", {"name", "classname"})
        assert len(case) <= 1
        for inner in case:
            assert inner.tag in ("failure", "error")
            assert set(inner.attrib) == {"type", "message"}
            assert not len(inner)
        cases[case.get("name")] = case[0] if len(case) else None
    told = [inner.tag for inner in cases.values() if inner is not None]
    for element in (root, suite):
        counts = [int(element.get(name)) for name in ("tests", "failures", "errors")]
        assert counts == [len(suite), told.count("failure"), told.count("error")]
    return cases


def test_junit(check_all):
    code, out, _ = check_all(RIGHT + WRONG + UNDECIDED + BROKEN, "--format", "junit")
    assert code == 2
    cases = junit_cases(out)
    assert cases["in words"] is None
    assert (cases["half: a, 50 %"].tag, cases["half: a, 50 %"].get("type")) == ("failure", "wrong")
    assert cases["half: a, 50 %"].text.startswith("model.py:13\nf = model:loss\nclaim = model:half\n")
    assert cases["gradient of floor(x)"].get("type") == "inconclusive"
    assert cases["gradient of model:breaks"].tag == "error"


def commands(text):
    """Workflow commands as GitHub's runner reads them: properties and message."""
    *lines, counts = text.splitlines()
    assert re.fullmatch(r"\d+ of \d+ claims are correct", counts)
    for line in lines:
        properties, message = re.fullmatch(r"::error (.*?)::(.*)", line).groups()
        pairs = (part.partition("=") for part in properties.split(","))
        yield {name: unescaped(value) for name, _, value in pairs}, unescaped(message)


def unescaped(text):
    """The runner's own reading (actions/runner, ActionCommand.cs): the percent sign last."""
    for mark, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(mark, character)
    return text


def test_github(check_all):
    _, out, _ = check_all(RIGHT + WRONG + UNDECIDED, "--format", "github")
    (wrong, report), (undecided, _) = commands(out)
    assert wrong == {"file": "model.py", "line": "13", "title": "half: a, 50 %: wrong"}
    assert report.startswith("f = model:loss\nclaim = model:half\n")
    line = (RIGHT + WRONG + UNDECIDED).splitlines().index('function = "floor(x)"')
    assert undecided == {"file": "pyproject.toml", "line": str(line), "title": "gradient of floor(x): inconclusive"}


@pytest.mark.parametrize(
    "text", ["::error::x", "a%0Ab", "%25", "a\r\nb:c,d", "100 %\n::set-output name=a::b", "]]>&<'"]
)
def test_nothing_that_is_quoted_ends_a_command(text):
    assert unescaped(_escaped(text, _OF_MESSAGE)) == text
    assert unescaped(_escaped(text, _OF_PROPERTY)) == text
    assert not set("\r\n") & set(_escaped(text, _OF_MESSAGE))
    assert not set("\r\n:,") & set(_escaped(text, _OF_PROPERTY))


@pytest.mark.parametrize("text", ["::error::x", "a\nb", "]]>&<'\"", "\x00\x1b[31m\ud800\uffff", "ä∂"])
def test_names_of_any_characters(text):
    from diffkit.core.errors import DiffkitError

    report = ClaimsReport((NamedCheck(text, None, DiffkitError(text), text, 3),))
    ((name, found),) = junit_cases(render(report, "junit")).items()
    ((properties, message),) = commands(render(report, "github"))
    assert found.tag == "error"
    assert properties["title"].replace("\uffff", "\ufffd") == f"{name}: error"  # which XML cannot hold
    assert "\x1b" not in name + message


def test_formats_of_claims_are_known_where_claims_are(run):
    code, out, _ = run("check", "x^2", "--claim", "2*x", "--format", "junit")
    assert code == 0
    assert junit_cases(out) == {"gradient of x^2": None}
    code, out, _ = run("check", "x^2", "--claim", "x", "--format", "github")
    assert code == 1
    ((properties, message),) = commands(out)
    assert properties == {"title": "gradient of x^2: wrong"}
    assert "multiply by 2" in message
    code, _, err = run("grad", "x^2", "--format", "junit")
    assert (code, err) == (2, "diffkit: unknown format 'junit' (there are text, json, markdown, html)\n")
    code, _, err = run("check", "x^2", "--claim", "x", "--format", "junti")
    assert (code, err) == (2, "diffkit: unknown format 'junti' (did you mean junit?)\n")

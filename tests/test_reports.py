"""Reports of every kind in every format, and accuracy over many points."""

import json
import math
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import diffkit as dk
from diffkit.core.decimals import tenths
from diffkit.judging.accuracy import quantiles
from diffkit.reports import FORMATS
from diffkit.reports.figures import STEP_AXIS, central

SCHEMA = json.loads((Path(__file__).parents[1] / "docs/reference/report.schema.json").read_text(encoding="utf-8"))
CASES = [
    {"id": "square", "expr": "x^2", "vars": ["x"], "at": {"x": "3"}, "gradient": ["6"], "tags": ["new"], "more": 1},
    {"id": "kink", "expr": "abs(x)*y", "at": {"x": 0, "y": "1"}, "gradient": ["not_differentiable", None]},
    {"expr": "E*sin(s)", "vars": ["E", "s"], "at": [2, "0.5"], "source": "a book"},
    {"id": "cancels", "expr": "(exp(x)-1)/x", "at": {"x": "1e-10"}, "gradient": ["0.500000000033333333335"]},
    {"id": "zero", "expr": "x*y", "at": {"x": "0", "y": "2"}, "gradient": ["2", "0"]},
]
KINDS = {
    "result": ["grad", "abs(x)*y^2", "--at", "0,1"],
    "batch": ["hessian", "x*log(y)", "--at", "x=0:1:2,y=-1:1:3", "--backend", "finite"],
    "formula": ["derivative", "log(x)/x"],
    "comparison": ["compare", "x^2*y", "--at", "1,2"],
    "odd comparison": ["compare", "abs(x)*y", "--at", "0,1"],
    "many points": ["compare", "1/x", "--at", "x=-1:1:5"],
    "accuracy": ["report", "cases.jsonl"],
    "check": ["check", "x^2*y", "--claim", "2*x*y", "--claim", "x^2"],
    "wrong check": ["check", "x^2*y", "--claim", "2*x*y", "--claim", "x", "--at", "1,2"],
    "kink check": ["check", "relu(x)", "--claim", "heaviside(x)", "--at", "0"],
    "undecided check": ["check", "sqrt(x)", "--claim", "1/x", "--at", "0"],
    "descent": ["descend", "(w-3)^2 + 2*(b+1)^2", "--from", "w=0,b=0", "--rate", "0.1", "--steps", "30"],
    "diverging descent": ["descend", "exp(x^2)", "--from", "2", "--rate", "1"],
    "matrix": ["matrix", "A @ x", "--wrt", "x"],
    "identity": ["matrix", "--check", "d/dx x.T @ A @ x = (A + A.T) @ x"],
    "false identity": ["matrix", "--check", "d/dx x.T @ A @ x = 2*A @ x"],
    "arrays": ["grad", "x.T @ A @ x", "--let", "A=[[1,2],[3,4]]", "--at", "x=[1,2]"],
    "quotients": ["limit", "3*x^2 - 4*x", "--at", "1"],
    "quotients at a kink": ["limit", "abs(x)", "--at", "0", "--steps", "0.1,0.01"],
    "quotients at a hole": ["limit", "sin(x)/x", "--at", "0"],
    "tangent": ["tangent", "x^2*y", "--at", "1,2"],
    "no tangent": ["tangent", "sqrt(x)", "--at", "0"],
    "derivation": ["explain", "x^2*sin(x)", "--at", "1"],
    "back-propagation": ["explain", "max(x, y)*exp(-y)", "--backward", "--at", "1,2"],
    "stationary": ["stationary", "x^4-3*x^3+2", "--box", "-1:3"],
    "stationary regions": ["stationary", "x^2*y+abs(x-1/2)", "--box", "x=-1:1,y=-1:1", "--most", "400"],
    "functions": ["functions"],
    "function": ["functions", "tanh"],
}


@pytest.fixture(autouse=True)
def cases(tmp_path):
    """The file cases.jsonl in the folder where commands run."""
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, CASES)) + "\n")
    return path


class Page(HTMLParser):
    """Checks that tags are closed in order, ids are unique, and nothing is fetched."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.refers, self.seen = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self._look(tag, attributes)

    def handle_startendtag(self, tag, attributes):
        self._look(tag, attributes)

    def _look(self, tag, attributes):
        assert tag not in ("script", "link", "img", "iframe", "object")
        for name, value in attributes:
            assert name not in ("src", "data", "action", "srcset")
            if name.endswith("href"):
                assert value.startswith("#")
                self.refers.append(value[1:])
            if name in ("aria-labelledby",):
                self.refers.append(value)
            if name == "id":
                assert value not in self.ids
                self.ids.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_format(run, kind, format):
    code, out, err = run(*KINDS[kind], "--format", format)
    assert code in (0, 1)
    assert err == ""
    if format != "json":
        assert not re.search(r"\bnan\b|not_differentiable|domain_error|None", out)
    if format == "html":
        check_page(out)
    if format == "markdown":
        assert out.startswith("# ")


def check_page(text):
    page = Page(text)
    assert page.open == []
    assert set(page.refers) <= set(page.ids)
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "prefers-color-scheme: dark" in text
    assert page.seen.count("table") == page.seen.count("thead") == text.count('role="region"')
    return page


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_strict_and_keeps_its_schema(run, kind):
    jsonschema = pytest.importorskip("jsonschema", reason="comes with the test extra")
    _, out, _ = run(*KINDS[kind], "--format", "json")
    body = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    definitions = SCHEMA["$defs"]
    named = definitions[body["schema"].removeprefix("diffkit.").partition("/")[0]]
    jsonschema.Draft202012Validator({**named, "$defs": definitions}).validate(body)  # says what is wrong
    jsonschema.Draft202012Validator(SCHEMA).validate(body)  # says that exactly one kind fits


def test_figures_are_drawn_in_the_page(run):
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    for kind, count in (("comparison", 2), ("accuracy", 2), ("result", 0), ("odd comparison", 0), ("many points", 3)):
        _, out, _ = run(*KINDS[kind], "--format", "html")
        page = check_page(out)
        assert page.seen.count("svg") == count
        assert page.seen.count("desc") == count
        assert "pip install" not in out


def test_without_matplotlib_the_page_is_complete_and_says_so(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    _, out, _ = run(*KINDS["comparison"], "--format", "html")
    check_page(out)
    assert "<svg" not in out
    assert out.count("pip install &quot;diffkit[plot]&quot;") == 1
    assert out.count("<details open>") == 2
    assert "step h" in out


def test_the_figure_of_steps_shows_the_known_curve():
    errors = [abs(central(lambda p: math.exp(p[0]), (1.0,), (0,), h) - math.e) / math.e for h in STEP_AXIS]
    assert errors[0] == pytest.approx(math.sinh(1) - 1, rel=1e-12)
    assert 1e-7 < STEP_AXIS[errors.index(min(errors))] < 1e-4
    assert central(lambda p: p[0] ** 2 * p[1], (1.0, 2.0), (0, 1), 2.0**-10) == pytest.approx(2.0)
    assert central(lambda p: p[0] ** 3, (2.0,), (0, 0), 2.0**-10) == pytest.approx(12.0)


# What a first-time reader sees ---------------------------------------------------------------------------------------


def test_a_kink_is_told_in_words_without_an_empty_table(run):
    _, out, _ = run("compare", "abs(x)", "--at", "0")
    assert "verdict = not differentiable, and every method says so" in out
    assert "dual      not differentiable (left derivative -1, right derivative 1)" in out
    assert "–" not in out
    assert "± 0" not in out
    assert "ulps" not in out


def test_agreement_in_few_digits_says_so(run):
    code, out, _ = run("compare", "(1-cos(x))/x^2", "--at", "1e-6", "--backends", "symbolic,dual")
    assert "verdict = agree" in out
    assert "but symbolic and dual have fewer than 3 correct digits: an error bar may be that wide" in out
    assert code == 0


def test_without_one_right_digit_there_is_no_agreement(run):
    code, out, _ = run("compare", "(1-cos(x))/x^2", "--at", "1e-8", "--backends", "symbolic,dual")
    assert "verdict = disagree: symbolic and dual have no right digit\n" in out
    assert code == 1


def test_a_symmetric_hessian_is_listed_once(run):
    _, out, _ = run("compare", "x*y^2", "--at", "1,2", "--kind", "hessian", "--backends", "dual")
    assert out.count("∂²f/∂x∂y") == 1
    assert "∂²f/∂y∂x" not in out


# Many points and many cases ------------------------------------------------------------------------------------------


def test_compare_at_many_points(run, tmp_path):
    code, out, _ = run("compare", "x^3", "--at", "x=1:2:5", "--backends", "symbolic,dual")
    assert code == 0
    assert "gradients at 5 points" in out
    (tmp_path / "p.csv").write_text("y,x\n1,0\n1,2\n")
    code, out, _ = run("compare", "abs(x)*y", "--points", "p.csv", "--format", "json")
    body = json.loads(out)
    assert code == 1
    assert body["verdicts"] == {"not_differentiable": 1, "agree": 1}
    assert body["outcomes"][0]["name"] == "x = 0, y = 1"
    assert body["expressions"] == ["abs(x)*y"]
    assert not body["all_agree"]


def test_a_report_of_cases():
    report = dk.report(CASES, backends=("symbolic", "dual"))
    assert report.passed
    assert report.complete
    assert report.total == len(CASES) == sum(report.verdicts.values())
    assert (report.expecting, report.contradicted) == (4, 0)
    assert [a.backend for a in report.summary] == ["symbolic", "dual"]
    dual = report.summary[1]
    assert (dual.components, dual.zeros, dual.no_value) == (5, 2, 0)
    assert dual.shares[0] + dual.shares[3] <= 1
    assert report.worst(1)[0].case == "cancels"
    assert [s.case for s in report.scores if s.backend == "dual"][1:4] == ["kink", "case 3", "case 3"]
    assert str(report).startswith("gradients at 5 points: 4 agree, 1 not_differentiable")
    assert "dual: " in str(report)


def test_a_report_reads_a_path(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(CASES[0]) + "\n\n")
    for cases in (path, str(path)):
        assert dk.report(cases, backends="dual").verdicts == {"agree": 1}
    hessian = dk.report([{"expr": "x*y", "at": {"x": 1, "y": 2}, "hessian": np.array([[0, 1], [1, 0]])}], "hessian")
    assert (hessian.expecting, hessian.contradicted) == (1, 0)


@pytest.mark.parametrize(
    ("expr", "at", "gradient", "holds"),
    [
        ("x^2", 3, ["6"], True),
        ("x^2", 3, [6.0000000001], False),
        ("x^2", 3, ["pole"], False),
        ("1/x", 0, ["pole"], True),
        ("1/x", 0, [0], False),
        ("x^2", 0, ["1e-300"], False),
        ("x^2", 3, [None], True),
        ("abs(x)", 0, ["not_differentiable"], True),
    ],
)
def test_an_expected_value_is_a_regression_test(expr, at, gradient, holds):
    report = dk.report([{"expr": expr, "at": {"x": at}, "gradient": gradient}], backends="dual")
    assert report.passed is holds
    assert report.contradicted == (not holds)


def test_the_command_says_no_to_a_contradicted_case(run, tmp_path):
    assert run("report", "cases.jsonl", "--backends", "dual")[0] == 0
    (tmp_path / "cases.jsonl").write_text(json.dumps({**CASES[0], "gradient": ["6.001"]}))
    code, out, _ = run("report", "cases.jsonl", "--backends", "dual")
    assert code == 1
    assert out.startswith(
        "EXPECTED VALUES ARE CONTRADICTED at 1 point\n"
        "square: reference: ∂f/∂x is proven to be 6.0, not 6.001 as expected\n"
    )
    for format in ("markdown", "html"):
        _, out, _ = run("report", "cases.jsonl", "--backends", "dual", "--format", format)
        assert 0 < out.index("CONTRADICTED") < out.index("6.001 as expected") < out.index("gradients at 1 point")
    _, out, _ = run("report", "cases.jsonl", "--backends", "dual", "--format", "json")
    assert json.loads(out)["contradictions"][0]["point"] == "square"
    assert run("report", "cases.jsonl", "--backends", "dual", "--rtol", "0.01")[0] == 0
    assert run("report", "cases.jsonl", "--backends", "dual", "--atol", "0.01")[0] == 0
    code, _, err = run("report", "cases.jsonl", "--closeness", "0.01")
    assert code == 2
    assert "--rtol" in err


MALFORMED = {
    '{"expr": "x"': "line 2: ",
    "3": "line 2: a case is an object with expr and at",
    '{"at": {"x": 1}}': "line 2: the case has no expr",
    '{"expr": "x", "att": {"x": 1}}': "line 2: the case has no at (did you mean att?)",
    '{"expr": "x +", "at": {"x": 1}}': "line 2: ",
    '{"expr": 3, "at": {}}': "line 2: expr is not text",
    '{"expr": "x", "vars": "x", "at": {"x": 1}}': "line 2: vars is not a list of names",
    '{"expr": "x", "at": {"y": 1}}': "line 2: the point names an unknown variable y",
    '{"expr": "x", "at": {"x": "one"}}': "line 2: x = 'one' is not a number",
    '{"expr": "x", "at": {"x": [1, 2]}}': "line 2: a case has one point",
    '{"expr": "x", "at": {"x": 1}, "gradient": [1, 2]}': "line 2: the expected gradient has 2 numbers, not 1",
    '{"expr": "x", "at": {"x": 1}, "gradient": ["many"]}': "line 2: ∂f/∂x = 'many' is not a number",
    '{"expr": "x", "expr": "y", "at": {"x": 1}}': "line 2: a name stands twice",
    "[" * 100000: "line 2: ",
}


@pytest.mark.parametrize("line", MALFORMED, ids=lambda line: line[:40])
def test_a_malformed_case_is_named_with_its_line(run, tmp_path, line):
    (tmp_path / "cases.jsonl").write_text(json.dumps(CASES[0]) + "\n" + line + "\n")
    code, out, err = run("report", "cases.jsonl", "--output", "report.txt")
    assert (code, out) == (2, "")
    assert err.startswith("diffkit: cases.jsonl, ")
    assert MALFORMED[line] in err
    assert len(err.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["cases.jsonl"]
    with pytest.raises(dk.FileError, match="line 2"):
        dk.report(tmp_path / "cases.jsonl")


def test_names_of_cases_are_told_apart_and_printable(run, cases):
    twice = {"id": "\x1b[2J<b>\n", "expr": "x^2", "at": {"x": 1}, "gradient": [3]}
    cases.write_text(json.dumps(twice) + "\n" + json.dumps(twice))
    for format in FORMATS:
        _, out, _ = run("report", "cases.jsonl", "--backends", "dual", "--format", format)
        assert "\x1b" not in out
        page, plain = r"\x1b[2J&lt;b", r"\x1b[2J<b>"
        shown = {"json": r'"\u001b[2J<b>\n', "markdown": r"\\x1b\[2J&lt;b", "html": page, "text": plain}
        assert shown[format] in out
        if format == "html":
            check_page(out)
    names = [outcome.case.name for outcome in dk.report(cases, backends="dual").outcomes]
    assert names == ["\x1b[2J<b>\n", "\x1b[2J<b>\n (line 2)"]
    assert len(dk.report([twice, twice], backends="dual").groups[0].cases) == 2


MIXED = {
    "two variables": {"expr": "x*y", "at": {"x": 1, "y": 2}},
    "one": {"expr": "x^2", "at": {"x": 1}, "gradient": ["3"]},
    "none": {"expr": "3", "at": {}},
    "three": {"expr": "x*y*z", "at": [1, 2, 3], "gradient": ["6", None, "2"]},
    "kink": {"expr": "abs(x)", "at": {"x": 0}, "gradient": ["not_differentiable"]},
    "pole": {"expr": "1/x", "at": {"x": 0}},
    "outside": {"expr": "log(x)", "at": {"x": -1}},
    "zero": {"expr": "0*x", "at": {"x": 1}},
    "overflow": {"expr": "exp(800*x)", "at": {"x": 1}},
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("first", MIXED)
def test_cases_of_every_kind_follow_each_other(run, cases, monkeypatch, first, format):
    monkeypatch.setattr("diffkit.reports.html.svg", lambda *_: None)  # what is to be drawn is found out all the same
    for second in MIXED:
        cases.write_text("\n".join(json.dumps({"id": name, **MIXED[name]}) for name in dict.fromkeys((first, second))))
        code, out, err = run("report", "cases.jsonl", "--backends", "dual", "--format", format)
        assert code in (0, 1)
        assert err == ""
        if format == "html":
            check_page(out)
        elif format == "json":
            assert [o["name"] for o in json.loads(out)["outcomes"]] == list(dict.fromkeys((first, second)))


def test_wrong_arguments_of_a_report(run, tmp_path):
    (tmp_path / "empty").write_text("\n")
    assert "empty holds no cases" in run("report", "empty")[2]
    assert "cannot read absent" in run("report", "absent")[2]
    assert "there are gradient, hessian" in run("report", "cases.jsonl", "--kind", "taylor")[2]
    assert "did you mean html?" in run("report", "cases.jsonl", "--format", "htm")[2]
    assert "did you mean html?" in run("functions", "--format", "htm")[2]
    with pytest.raises(dk.DiffkitError, match="case 2: the case has no at"):
        dk.report([CASES[0], {"expr": "x"}])


@pytest.mark.parametrize("command", [KINDS["accuracy"], KINDS["many points"]], ids=lambda c: c[0])
def test_an_interrupt_leaves_a_partial_report(run, monkeypatch, tmp_path, command):
    import diffkit.judging.accuracy

    real, calls = diffkit.judging.accuracy.Comparer.at, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:  # the first is of no case: it imports
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(diffkit.judging.accuracy.Comparer, "at", interrupted)
    code, _, err = run(*command, "--output", "report.txt")
    text = (tmp_path / "report.txt").read_text()
    assert (code, err) == (130, "diffkit: interrupted; the report says what was found at 2 of 5 points\n")
    assert "PARTIAL REPORT: interrupted after 2 of 5 points" in text


def test_progress_is_shown_on_a_terminal_only(run, monkeypatch, capsys):
    assert run("report", "cases.jsonl", "--backends", "dual")[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, err = run("report", "cases.jsonl", "--backends", "dual")
    assert "comparing" in err
    assert "comparing" not in out


def test_who_is_at_work_is_told_on_a_terminal_only(run, monkeypatch):
    monkeypatch.setattr("diffkit.cli.output.SILENT_SECONDS", 0.0)
    command = ("compare", "sum(sin(x*[1,2,3]))**2", "--at", "x=[1,2,3]")
    assert run(*command)[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, err = run(*command)
    assert code == 0
    assert re.search(r"comparing: (the start|symbolic|the proof|finite|dual), 0 s", err)
    assert "comparing" not in out


def test_quantiles_are_values_that_occur():
    assert quantiles([1.0, 2.0, math.inf]) == (2.0, math.inf, math.inf, math.inf)
    assert quantiles(float(k) for k in range(1, 101)) == (50.0, 95.0, 99.0, 100.0)
    assert quantiles([-16.0, -3.0], -1.0) == (16.0, 3.0, 3.0, 3.0)
    assert all(map(math.isnan, quantiles([])))


def test_no_value_counts_as_infinite():
    cases = [{"expr": "(1e200*x)*(1e200*x)*(1e-200*1e-100)", "at": {"x": 1}}, {"expr": "x^2", "at": {"x": 1}}]
    report = dk.report(cases, backends="finite")
    accuracy = report.summary[0]
    if accuracy.no_value:  # a backend that answers where binary64 overflows on the way is better still
        assert accuracy.ulps.worst == math.inf
        assert report.worst(1)[0].ulps == math.inf
        assert math.isnan(report.worst(1)[0].value)


@pytest.mark.parametrize("digits", [16.0, 15.954589770191003, 0.9521, 0.0])
def test_no_more_digits_are_shown_than_are_right(digits):
    assert digits - 0.1 < float(tenths(digits)) <= digits


def test_a_method_without_a_right_digit_is_not_said_to_have_one():
    found = dk.compare("(1 - cos(x))/x^2", at=1e-7)
    assert found.verdict == "disagree"
    assert all(0 < row.digits[0] < 1 for row in found.rows if row.backend in ("symbolic", "dual"))
    assert "1.0 digits" not in str(found.findings)

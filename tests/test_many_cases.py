"""Reports of many points and of many cases: what they hold, and how they end."""

import json
import math
import re
import sys

import numpy as np
import pytest
from report_cases import CASES, KINDS, check_page

import diffkit as dk
from diffkit.core.decimals import tenths
from diffkit.judging.sketches import quantiles
from diffkit.reports import FORMATS

pytestmark = pytest.mark.usefixtures("cases")


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
        out = re.sub("<[^>]*>", "", out.partition("</head>")[2] or out)
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
    import diffkit.judging.examination

    real, calls = diffkit.judging.examination.Comparer.at, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:  # the first is of no case: it imports
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(diffkit.judging.examination.Comparer, "at", interrupted)
    monkeypatch.setattr(diffkit.judging.examination.Examiner, "started", set())
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

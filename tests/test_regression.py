"""A report against an older one: what changed status, lost digits or takes longer, and nothing else."""

import copy
import json
import subprocess
import sys

import pytest

import diffkit as dk
from diffkit.judging.regression import DIGIT, known

CASES = [
    {"id": "square", "expr": "3*x^2 - 4*x", "at": {"x": 1}, "gradient": [2]},
    {"id": "kink", "expr": "abs(x)", "at": {"x": 0}},
    {"id": "cancels", "expr": "(1-cos(x))/x^2", "at": {"x": 1e-4}},
    {"id": "zero", "expr": "x^2 + y", "at": {"x": 0, "y": 1}},
    {"expr": "x*exp(y)", "at": {"x": 1, "y": 2}},
]
BACKENDS = ("symbolic", "dual")


@pytest.fixture(scope="module")
def report():
    return dk.report(CASES, backends=BACKENDS)


@pytest.fixture
def fields(report):
    """The report as its JSON holds it, to be changed."""
    from diffkit.reports import render

    return json.loads(render(report, "json"))


def outcome(fields, name):
    return next(o for o in fields["outcomes"] if o["name"] == name)


def test_nothing_is_lost_against_itself(report, fields):
    assert known(fields)[0] == report.known
    for old in (report, fields):
        found = report.against(old)
        assert (found.changes, found.missing, found.new) == ((), (), ())
        assert found


def test_lost_digits_are_named(report, fields):
    score = next(s for s in outcome(fields, "cancels")["scores"] if s["backend"] == "dual")
    for more, lost in ((0.9 * DIGIT, False), (1.1 * DIGIT, True)):
        changed = copy.deepcopy(fields)
        now = next(s for s in report.scores if s.case == "cancels" and s.backend == "dual").digits
        next(s for s in outcome(changed, "cancels")["scores"] if s["backend"] == "dual")["digits"] = now + more
        found = report.against(changed)
        assert [tuple(c.row) for c in found.lost] == [("cancels", "dual", score["label"])] * lost
        assert bool(found) is not lost
    score["digits"] -= 2  # and gained ones are told
    (change,) = report.against(fields).changes
    assert (change.what, change.lost) == ("digits", False)


@pytest.mark.parametrize(
    ("name", "before", "lost"),
    [("square", "disagree", False), ("square", "undecided", False), ("square", "failed", False),
     ("kink", "agree", True),
     ("kink", "pole", True), ("square", "pole", True)],
)  # fmt: skip
def test_a_changed_status_is_named(report, fields, name, before, lost):
    outcome(fields, name)["verdict"] = before
    found = report.against(fields)
    (change,) = found.changes
    assert (change.row.case, change.what, change.was, change.lost) == (name, "status", before, lost)


def test_answers_that_change_standing(report, fields):
    for score in outcome(fields, "square")["scores"]:
        score["value"], score["digits"] = None, 0.0
    assert not report.against(fields).lost  # better now
    worse = dk.report([{**CASES[0], "gradient": [2.5]}, *CASES[1:]], backends=BACKENDS)
    (change,) = worse.against(report).changes
    assert (change.row.case, change.now, change.lost) == ("square", "agree, an expected value contradicted", True)


def test_slower_methods_are_told_and_nothing_is_lost_by_it(report, fields):
    outcome(fields, "square")["seconds"] = dict.fromkeys(BACKENDS, 1e-9)
    slow = copy.deepcopy(fields)
    outcome(slow, "square")["seconds"]["dual"] = 10.0
    found = known(slow)[0]
    from diffkit.judging.regression import changes_since

    (change,) = changes_since(known(fields)[0], found, "old").changes
    assert (tuple(change.row), change.what, change.lost) == (("square", "dual", ""), "time", False)
    assert not changes_since(found, known(fields)[0], "old").changes


def test_rows_that_only_one_report_has_are_told(report):
    part = dk.report(CASES[:3], backends="dual")
    found = report.against(part)
    assert [row.case for row in found.new if not row.backend] == ["zero", "case 5"]
    assert {(row.case, row.backend) for row in found.new if row.backend} == {
        ("square", "symbolic"),
        ("cancels", "symbolic"),
    }
    assert found
    assert [row.case for row in part.against(report).missing if not row.backend] == ["zero", "case 5"]


def test_a_case_is_told_by_what_it_says(report):
    """Names are often numbers of lines: a new first case does not shift the others."""
    shifted = dk.report([{"expr": "x^3", "at": {"x": 1}}, *CASES], backends=BACKENDS)
    found = shifted.against(report)
    assert not found.changes
    assert [str(row) for row in found.new] == ["case 1"]
    assert not found.missing
    other = dk.report([{**CASES[0], "at": {"x": 2}, "gradient": [8]}, *CASES[1:]], backends=BACKENDS)
    found = other.against(report)
    assert ([str(r) for r in found.missing], [str(r) for r in found.new]) == (["square"], ["square"])


def test_reports_in_python(report, tmp_path, fields):
    (tmp_path / "old.json").write_text(json.dumps(fields))
    for old in (report, fields, tmp_path / "old.json", str(tmp_path / "old.json")):
        found = dk.report(CASES, backends=BACKENDS, against=old)
        assert found.changes is not None
        assert found
    hessians = dk.report([{"expr": "x^2", "at": {"x": 1}}], "hessian", "dual")
    with pytest.raises(dk.FileError, match="is a report on gradients, and this one is on hessians"):
        hessians.against(report)


def lines(cases):
    return "".join(json.dumps(case) + "\n" for case in cases)


def test_the_command(run, tmp_path):
    (tmp_path / "cases.jsonl").write_text(lines(CASES))
    options = ("--backends", "symbolic,dual")
    assert run("report", "cases.jsonl", *options, "--format", "json", "--output", "old.json")[0] == 0
    code, out, err = run("report", "cases.jsonl", *options, "--against", "old.json")
    assert (code, err) == (0, "")
    assert "compared with old.json: nothing lost, 0 changes" in out
    old = json.loads((tmp_path / "old.json").read_text())
    next(s for s in outcome(old, "cancels")["scores"] if s["backend"] == "dual")["digits"] = 16.0
    outcome(old, "kink")["verdict"] = "agree"
    old["outcomes"].append({**outcome(old, "square"), "name": "gone", "expr": "x^5"})
    (tmp_path / "old.json").write_text(json.dumps(old))
    code, out, err = run("report", "cases.jsonl", *options, "--against", "old.json")
    assert (code, err) == (1, "")
    head = out.partition("gradients at")[0]
    assert "compared with old.json: 2 lost, 2 changes" in head
    assert "only there, and not compared: gone" in head
    assert [line.split()[:3] for line in head.splitlines() if line.startswith("LOST")] == [
        ["LOST", "kink", "status"], ["LOST", "cancels", "dual"],
    ]  # fmt: skip
    for format in ("markdown", "html"):
        assert "LOST" in run("report", "cases.jsonl", *options, "--against", "old.json", "--format", format)[1]
    _, out, _ = run("report", "cases.jsonl", *options, "--against", "old.json", "--format", "json")
    assert json.loads(out)["changes"]["lost"] == 2


GOOD = {"schema": "diffkit.accuracy/2", "kind": "gradient", "outcomes": []}
ONE = {
    "name": "a",
    "expr": "x",
    "at": {"x": 1.0},
    "verdict": "agree",
    "contradicted": False,
    "seconds": {},
    "scores": [],
}


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "is not JSON"), ("nope", "is not JSON"), ("[]", "it has no schema"), ("{}", "it has no schema"),
     (json.dumps({**GOOD, "schema": "diffkit.accuracy/1"}), "its schema is diffkit.accuracy/1, not diffkit.accuracy/2"),
     (json.dumps({**GOOD, "schema": "diffkit.check/2"}), "its schema is diffkit.check/2"),
     (json.dumps({"schema": "diffkit.accuracy/2", "kind": "gradient"}), "it has no 'outcomes'"),
     (json.dumps({**GOOD, "outcomes": 3}), "malformed"), (json.dumps({**GOOD, "outcomes": [3]}), "malformed"),
     *[(json.dumps({**GOOD, "outcomes": [{k: v for k, v in ONE.items() if k != key}]}), f"it has no '{key}'")
       for key in ONE], (json.dumps({**GOOD, "outcomes": [{**ONE, "at": {"x": "one"}}]}), "malformed"),
     (json.dumps({**GOOD, "outcomes": [{**ONE, "scores": [{"backend": "dual"}]}]}), "malformed"),
     (json.dumps({**GOOD, "kind": "hessian"}), "is a report on hessians"), ("[" * 100_000, "is not JSON"),
     (None, "cannot read")],
    ids=lambda part: part[:30] if part else "absent",
)  # fmt: skip
def test_a_file_that_is_no_such_report_is_a_typed_error(run, tmp_path, text, words):
    (tmp_path / "cases.jsonl").write_text(lines(CASES[:1]))
    if text is not None:
        (tmp_path / "old.json").write_text(text)
    code, out, err = run("report", "cases.jsonl", "--backends", "dual", "--against", "old.json")
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


FIRST = """
import sys
from diffkit import report
from diffkit.judging import examination

class Watched(examination.Comparer):
    def at(self, point):
        seen.append("sympy" in sys.modules)
        return super().at(point)

seen, examination.Comparer = [], Watched
report([{"expr": "x^2", "at": {"x": 1}}, {"expr": "x^3", "at": {"x": 2}}])
print(seen)
"""


def test_imports_are_no_case_s_time():
    """Else the first case of a report would be slower than the same case of another."""
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[False, True, True]"

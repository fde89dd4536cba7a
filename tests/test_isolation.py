"""Work in processes of its own: however it ends, the reason is the true one and the other rows are answered."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import hostile_rows
import numpy as np
import pytest

import diffkit as dk
from diffkit.core import isolation as isolation_module
from diffkit.core.deadline import TimeIsUp, time_limit
from diffkit.core.errors import RowOutOfTime, WorkerLost
from diffkit.core.isolation import how_it_ended
from diffkit.core.worker_pool import in_order

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
MODULE = """
from hostile_rows import *
def f(x): return x[0] ** 2 * x[1]
def right(x): return [2 * x[0] * x[1], x[0] ** 2]
def loud(x): babbles(1); return right(x)
"""


def children():
    listed = ["ps", "-ww", "-eo", "ppid=,args="]
    lines = subprocess.run(listed, capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if line.split()[0] == str(os.getpid()) and "import serve" in line]


def rows(function, names, isolation, together=1):
    """Rows in order, answered apart: what is found, or the error that there is instead."""
    parts = [names[k : k + together] for k in range(0, len(names), together)]
    return [answer for _, found in in_order(function, parts, isolation, lambda _, error: [error]) for answer in found]


@LINUX
@pytest.mark.parametrize("name", hostile_rows.ENDS)
def test_a_row_that_ends_its_process_is_marked_with_the_reason_and_the_others_are_answered(name):
    kind, words = hostile_rows.ENDS[name]
    asked = partial(hostile_rows.answered, 3)
    if not issubclass(kind, WorkerLost | RowOutOfTime):
        with pytest.raises(kind) as error:
            rows(asked, [name], dk.Isolation(memory="600M", timeout=2))
        assert str(error.value) == words
        return
    first, found, last = rows(asked, ["fine", name, "fine"], dk.Isolation(memory="600M", timeout=2), together=3)
    assert first == last == ("fine", 9.0)
    assert (type(found), str(found)) == (kind, words)
    assert not children()


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="where the group of a process can be ended")
def test_what_a_process_has_started_ends_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CHILD", str(tmp_path / "child"))
    rows(partial(hostile_rows.answered, 3), ["forks"], dk.Isolation())
    child = (tmp_path / "child").read_text()
    state = subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True).stdout.strip()
    assert state == "" or state.startswith("Z")  # gone, or nobody's to bury


def test_an_answer_imports_nothing_of_the_users_here(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "strange_answers.py").write_text("class Mine: pass\n")
    (found,) = rows(hostile_rows.strange, ["strange_answers"], dk.Isolation())
    assert "it holds Mine of the module strange_answers, which is not imported here" in str(found)
    assert "strange_answers" not in sys.modules


def test_what_rows_print_is_no_answer_and_is_not_shown(capfd):
    assert rows(partial(hostile_rows.answered, 3), ["babbles"], dk.Isolation()) == [("babbles", 9.0)]
    assert capfd.readouterr() == ("", "")


@LINUX
def test_what_earlier_rows_have_left_is_not_blamed_on_a_later_one():
    leaking = partial(hostile_rows.leaking, 2 * 10**7)
    assert rows(leaking, list(range(9)), dk.Isolation(memory="600M")) == list(range(9))


def test_a_row_is_tried_again_in_a_process_that_no_other_row_has_used(tmp_path):
    dying = partial(hostile_rows.dying_once, str(tmp_path / "note"))
    assert rows(dying, [0, 1, 2, 3], dk.Isolation(), together=2) == [0, 1, 2, 3]


def test_the_time_of_the_whole_ends_rows_too():
    with time_limit(2), pytest.raises(TimeIsUp, match="timeout of 2 s"):
        rows(partial(hostile_rows.answered, 3), ["loops"], dk.Isolation(timeout=90))
    assert not children()


@LINUX
@pytest.mark.parametrize("workers", [1, 2])
def test_cases_that_end_their_process_are_marked_and_the_others_compared(workers):
    texts = ["x**2", "abs(x)", "x**3", "tanh(x)", "sin(x)", "erf(x)", "x"]
    limits = dk.Isolation(memory="900M", timeout=4, workers=workers)
    found = dk.report(
        [{"expr": text, "at": {"x": 2}} for text in texts], backends=[hostile_rows.Ending()], workers=limits
    )
    assert [outcome.case.text for outcome in found.outcomes] == texts
    marked = {o.case.text: o.findings[0].evidence for o in found.outcomes if o.verdict == "failed"}
    assert marked == {
        "abs(x)": "the worker process crashed by SIGABRT",
        "tanh(x)": "it took more than 4 s (the function did not return, and its process was ended)",
        "erf(x)": "the worker process needed more than 900 MiB",
    }
    assert {o.verdict for o in found.outcomes if o.case.text not in marked} == {"agree"}
    assert not children()


def wild(x, y):
    if x == 1.5:
        os._exit(0)
    return x**2 * np.sin(y)


def test_rows_of_a_batch_of_code_are_marked_and_the_others_proven():
    points = np.array([[0.5 * k, 1 - 0.25 * k] for k in range(6)])
    found = dk.gradient(wild, points, workers=dk.Isolation())
    assert [row for row in range(6) if found.statuses[row, 0] != "ok"] == [3]
    assert found.message.endswith("the worker process ended without an answer (exit code 0)")


# A single question ---------------------------------------------------------------------------------------------------


def test_a_question_has_the_time_and_the_memory_of_its_isolation():
    assert dk.derivative(hostile_rows.fine, 3.0, isolated=dk.Isolation(timeout=60)).value == 6.0
    for name, seconds, kind, words in (
        ("loops", 1.5, dk.OutOfTime, "it took more than 1.5 s"),
        ("faults", 60, dk.WorkerError, "crashed by SIGSEGV"),
    ):
        with pytest.raises(kind, match=words) as error:
            dk.derivative(getattr(hostile_rows, name), 3.0, isolated=dk.Isolation(timeout=seconds))
        assert "\n" not in str(error.value)
    with pytest.raises(dk.OutOfTime, match=r"timeout of 1.5 s"):
        dk.derivative(hostile_rows.loops, 3.0, isolated=dk.Isolation(timeout=90), timeout=1.5)
    assert not children()


@LINUX
def test_a_claim_that_fills_the_memory_is_an_error_and_not_wrong():
    with pytest.raises(dk.WorkerError, match="needed more than 600 MiB"):
        dk.check(hostile_rows.fine, hostile_rows.fills, 3.0, isolated=dk.Isolation(memory=600 * 2**20))


@pytest.mark.parametrize("size", ["", "2X", "-1", 0, -5, "0", True, 2.5, "1e9", "9" * 30])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(dk.DiffkitError, match="memory is a number of bytes, or such as 512M or 2G") as error:
        dk.Isolation(memory=size)
    assert "\n" not in str(error.value)


@LINUX
@pytest.mark.parametrize(
    ("size", "shown"),
    [("2G", "2 GiB"), ("512 MiB", "512 MiB"), ("1.5GB", "1.5 GiB"), (1000, "1000 B"), ("1k", "1 KiB")],
)
def test_sizes_are_read_and_shown(size, shown):
    assert str(dk.Isolation(size, 5)) == f"{shown}, 5 s"


@pytest.mark.parametrize("make", [partial(dk.Isolation, timeout=0), partial(dk.Isolation, timeout="5")])
def test_what_is_no_time_is_refused(make):
    with pytest.raises(dk.DiffkitError, match="the timeout is a positive number of seconds"):
        make()


def test_a_limit_that_a_system_does_not_keep_is_refused(monkeypatch):
    monkeypatch.setattr(isolation_module.sys, "platform", "darwin")
    with pytest.raises(dk.DiffkitError, match="memory cannot be limited on darwin"):
        dk.Isolation(memory="2G")
    assert dk.Isolation(timeout=5).bytes is None


def test_isolated_is_a_flag_or_an_isolation():
    with pytest.raises(dk.DiffkitError, match="isolated is True, False or an Isolation, not '2G'"):
        dk.gradient("x", 1, isolated="2G")


@pytest.mark.parametrize(("code", "said"), [(3, "exit code 3"), (-11, "by SIGSEGV"), (-77, "by signal 77")])
def test_ends_are_told(code, said):
    assert said in how_it_ended(code)


# The commands --------------------------------------------------------------------------------------------------------


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A module beside the command, with the functions above."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.delitem(sys.modules, "code_apart", raising=False)
    (tmp_path / "code_apart.py").write_text(MODULE)
    (tmp_path / "dies.py").write_text("import os\nos.abort()\n")
    return "code_apart"


def test_check_names_the_end_of_its_process_in_one_line(run, code):
    for name, words in (("aborts", "crashed by SIGABRT"), ("leaves", "exit code 0"), ("exits", "SystemExit(0)")):
        status, out, err = run("check", f"{code}:f", "--gradient", f"{code}:{name}", "--at", "1,2", "--isolate")
        assert (status, out) == (2, "")
        assert words in err
        assert err.count("\n") == 1
    status, out, err = run("check", "dies:f", "--gradient", "dies:g", "--at", "1", "--isolate")
    assert (status, out, err) == (2, "", "diffkit: the worker process crashed by SIGABRT\n")
    assert not {code, "dies", "hostile_rows_apart"} & set(sys.modules)  # nothing of it is imported here


def test_check_says_the_same_from_there_and_code_that_prints_does_not_spoil_it(run, code):
    asked = ["check", f"{code}:f", "--gradient", f"{code}:right", "--at", "1,2", "--format", "json"]
    here, there = run(*asked), run(*asked, "--isolate")
    assert here == there
    loud = run(*[part.replace("right", "loud") for part in asked], "--isolate")
    assert loud[0] == 0
    assert json.loads(loud[1])["verdict"] == "correct"
    assert loud[2] == ""


def test_check_all_goes_on(run, code, tmp_path):
    pairs = [("right", ""), ("faults", ""), ("loops", "timeout = 2\n"), ("right", "")]
    (tmp_path / "pyproject.toml").write_text("".join(
        f'[[tool.diffkit.check]]\nname = "{name} {k}"\nfunction = "{code}:f"\ngradient = "{code}:{name}"\n'
        f"points = [[1, 2]]\n{more}" for k, (name, more) in enumerate(pairs)))  # fmt: skip
    status, out, _ = run("check", "--all", "--timeout-each", "90", "--format", "json")
    claims = json.loads(out)["claims"]
    assert status == 2
    assert [claim["verdict"] for claim in claims] == ["correct", "error", "inconclusive", "correct"]
    assert [claim["error"] and claim["error"].partition("]: ")[2] for claim in claims] == [
        None, "the worker process crashed by SIGSEGV", "it took more than 2 s (the function did not return, "
        "and its process was ended)", None,
    ]  # fmt: skip


@pytest.mark.parametrize("options", [["--memory", "2X"], ["--timeout-each", "0"], ["--timeout-each", "nan"]])
def test_limits_that_are_none_cost_a_line(run, options):
    status, out, err = run("check", "x^2", "--claim", "2*x", *options)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_rows_and_points_are_answered_apart_and_say_the_same(run, tmp_path):
    (tmp_path / "points.csv").write_text("x\n1\n2\n0\n")
    (tmp_path / "cases.jsonl").write_text('{"expr": "x^2", "at": {"x": 3}}\n{"expr": "abs(x)", "at": {"x": 0}}\n')
    for asked in (
        ["grad", "abs(x)*x", "--points", "points.csv"], ["hessian", "x^3*y", "--at", "1,2", "--backend", "dual"],
        ["compare", "x^2", "--points", "points.csv", "--backends", "dual"],
        ["report", "cases.jsonl", "--backends", "dual"],
    ):  # fmt: skip
        assert run(*asked, "--memory", "2G", "--timeout-each", "90") == run(*asked)
    status, _, err = run("grad", "x^2", "--points", "points.csv", "--backend", "dual", "--isolate")
    assert status == 2
    assert "only the backend auto answers row by row in other processes" in err


def test_an_expression_is_checked_apart_too(run):
    status, out, _ = run("check", "x^2", "--claim", "2*x", "--isolate")
    assert status == 0
    assert "correct" in out


def test_results_come_back_whole():
    asked = partial(dk.check, hostile_rows.fine, lambda x: 2 * x, np.array(3.0))
    assert asked().verdict == "correct"
    found = dk.check(hostile_rows.fine, "2*x", 3.0, isolated=True)
    assert found == dk.check(hostile_rows.fine, "2*x", 3.0)

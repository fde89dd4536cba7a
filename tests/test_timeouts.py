"""Timeouts: what is known when the time is up is given with the reason, wherever the time went."""

import inspect
import itertools
import json
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import diffkit as dk
import diffkit.core.deadline
from diffkit.cli.commands import cli
from diffkit.core.deadline import STRETCH, Deadline, TimeIsUp, check_time, collected, in_time, share_of_time, time_limit
from diffkit.core.deadline import unhurried as at_leisure
from diffkit.core.worker_process import TimedCall
from diffkit.core.workers import Worker, stoppable

TOWER = "gamma(gamma(gamma(x)))"  # SymPy takes minutes over its sixth derivative
WIDE = "+".join(f"sin(x{k}*x{k + 1})*exp(x{k})" for k in range(40))
POINT = ",".join(["0.5"] * 41)
LONG = "*".join(f"(1+sin(x/{k}))" for k in range(1, 300))
CASES = {
    "derivative": ["derivative", TOWER, "--order", "6", "--at", "2.5"],
    "formula alone": ["derivative", TOWER, "--order", "6"],
    "symbolic": ["derivative", TOWER, "--order", "6", "--at", "2.5", "--backend", "symbolic"],
    "high order": ["derivative", LONG, "--order", "20", "--at", "0.5", "--no-formula"],
    "reverse": ["derivative", LONG, "--order", "20", "--at", "0.5", "--backend", "reverse"],
    "differences": ["hessian", WIDE, "--at", POINT, "--backend", "finite"],
    "complex": ["grad", WIDE + "+" + LONG.replace("x", "x0"), "--at", POINT, "--backend", "complex"],
    "range": ["grad", LONG, "--at", "x=0.1:0.9:3001", "--no-formula"],
    "compare": ["compare", WIDE, "--kind", "hessian", "--at", POINT],
    "compare at many": ["compare", LONG, "--at", "x=0.1:0.9:301"],
    "report": ["report", "cases.jsonl"],
    "check": ["check", LONG, "--claim", LONG + "+x", "--at", "0.5"],
    "stationary": ["stationary", "sin(20*x*y)*cos(30*y-x^2)", "--box", "-9:9,-9:9"],
    "explain": ["explain", "*".join(f"gamma(x+{k})^x" for k in range(12)), "--at", "0.5"],
    "backward": ["explain", LONG * 1, "--backward", "--at", "0.5"],
    "limit": ["limit", LONG, "--at", "0.5", "--steps", ",".join(f"1e-{k}" for k in range(1, 300))],
    "tangent": ["tangent", LONG, "--at", "0.5", "--delta", ",".join(str(k) for k in range(1, 300))],
    "descend": ["descend", WIDE, "--from", ",".join(f"x{k}=0.5" for k in range(41)), "--steps", "10000000"],
    "matrix": ["matrix", "logdet(X@X.T) + norm(A@inv(X@X.T)@B - C)**2"],
    "identity": ["matrix", "--check", "d/dX log(det(X)) = inv(X).T"],
    "gallery": ["gallery", "saddle", "--save", "s.svg"],
}


@pytest.mark.parametrize("looks", [3, 10, 30])
@pytest.mark.parametrize("name", CASES)
def test_every_command_ends_in_time_and_says_why(name, looks, run, ticking, tmp_path):
    ticking(0.2 / looks)
    with open(tmp_path / "cases.jsonl", "w") as file:
        file.writelines(json.dumps({"expr": f"sin({k}*x)^x*gamma(x)", "at": {"x": 1.5}}) + "\n" for k in range(300))
    code, out, err = run(*CASES[name], "--timeout", "0.2")
    assert code == 1
    assert "timeout of 0.2 s" in out + err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", cli.commands)
def test_every_command_has_a_timeout(command):
    assert "--timeout" in {name for parameter in cli.commands[command].params for name in parameter.opts}


def test_the_value_is_given_without_the_formula(run, ticking):
    ticking(0.0005)
    code, out, _ = run("derivative", TOWER, "--order", "6", "--at", "2.5", "--timeout", "0.6")
    assert code == 1
    assert "d⁶f/dx⁶ = " in out
    assert "proven in ball arithmetic" in out
    assert "no formula: timeout of 0.6 s" in out


def test_a_comparison_asks_those_it_has_time_for(ticking):
    ticking(0.0005)
    found = dk.compare(TOWER, 2.5, kind="derivative", order=6, timeout=0.5)
    skipped = {row.backend: row.skipped for row in found.rows if row.skipped and "order" not in row.skipped}
    assert skipped == {"symbolic": "timeout of 0.5 s"}
    assert [row.backend for row in found.rows] == ["symbolic", "finite", "dual"]
    assert found.reference.ok


def test_a_batch_keeps_the_rows_that_were_reached(ticking):
    ticking(0.0005)
    points = np.linspace(0.1, 0.9, 2000)[:, None]
    found = dk.gradient(LONG, points, timeout=0.5)
    known = np.isfinite(found.value[:, 0])
    assert found.status == "uncertain"
    assert found.message == "timeout of 0.5 s"
    assert known[0]
    assert not known[-1]
    assert (np.diff(known.astype(int)) <= 0).all()


def test_a_report_is_of_the_cases_that_were_reached(ticking):
    ticking(0.001)
    found = dk.report([{"expr": f"x + {k}", "at": {"x": k}} for k in range(99)], backends="dual", timeout=0.3)
    assert 0 < len(found.outcomes) < found.total == 99
    assert not found
    assert found.stopped == "timeout of 0.3 s"
    assert str(found).startswith(f"gradients at PARTIAL (timeout of 0.3 s), the first {len(found.outcomes)} of 99 ")


def test_a_search_lists_what_it_has_not_settled(ticking):
    ticking(0.005)
    found = dk.stationary("sin(20*x*y)*cos(30*y-x^2)", "-9:9,-9:9", timeout=0.5)
    assert (found.complete, found.stopped) == (False, "timeout of 0.5 s")
    assert {region.kind for region in found.regions} == {"undecided"}


def test_a_descent_keeps_its_path(ticking):
    ticking(0.001)
    found = dk.descend("100*(y-x^2)^2+(1-x)^2", {"x": -1, "y": 1}, rate=1e-4, steps=10**7, timeout=0.5)
    assert (found.status, found.reason, bool(found)) == ("out of time", "timeout of 0.5 s", False)
    assert found.steps > 0
    assert "the curvature was not looked at: timeout of 0.5 s" in found.at_end.source


def test_a_check_judges_what_it_has_seen(ticking):
    ticking(0.01)
    found = dk.check("x^3*sin(x)", "3*x^2*sin(x) + x^3*cos(x)", at=1.0, beside=1000, timeout=1.5)
    assert found.verdict == "correct"
    assert found.warnings == ("timeout of 1.5 s: fewer points were looked at",)
    with pytest.raises(dk.OutOfTime):
        dk.check(LONG, LONG, at=0.5, timeout=0.1)


def test_quotients_stop_where_they_are(ticking):
    ticking(0.001)
    found = dk.quotients(LONG, 0.5, steps=[2.0**-k for k in range(1, 900)], timeout=1.5)
    assert 0 < len(found.steps) < 899
    assert found.notes == ("timeout of 1.5 s: fewer steps were taken",)


def test_python_code_is_stopped_between_its_calls(monkeypatch):
    calls = []

    def hurrying(x):
        calls.append(1)
        return float(x) ** 2 if x > 0 else 0.0

    monkeypatch.setattr(diffkit.core.deadline, "monotonic", lambda: 0.1 * len(calls))
    found = dk.derivative(hurrying, 1.0, timeout=0.95)
    assert found.status == "uncertain"
    assert found.message == "timeout of 0.95 s"
    assert len(calls) == 10


def test_a_timeout_that_is_long_enough_changes_nothing():
    for ask, args in ((dk.gradient, ("x^2*y", (1, 2))), (dk.hessian, (lambda x: np.sum(x**3), [1.0, 2.0]))):
        plain, timed = ask(*args), ask(*args, timeout=60)
        assert np.array_equal(plain.value, timed.value)
        assert (plain.message, plain.error_kind) == (timed.message, timed.error_kind)
    assert str(dk.parse("x^2").diff("x")) == "2*x"
    assert dk.derivative("x^2", 3, backend="symbolic", timeout=60).formula == "2*x"


@pytest.mark.parametrize("timeout", [0, -1, math.nan, "2", True])
def test_a_timeout_is_a_positive_number(timeout):
    with pytest.raises(dk.DiffkitError, match="the timeout is a positive number of seconds"):
        dk.gradient("x^2", 1, timeout=timeout)


def test_every_public_function_that_computes_has_a_timeout():
    computing = {
        "backward", "check", "check_identity", "code", "compare", "derivative", "descend", "directional", "explain",
        "gradient", "hessian", "hvp", "jacobian", "jvp", "matrix_derivative", "prepare", "quotients", "report",
        "stationary", "stream", "tangent", "taylor", "vjp", "worst",
    }  # fmt: skip
    functions = {name for name in dk.__all__ if inspect.isfunction(getattr(dk, name))}
    assert functions == computing | {"parse", "arrays", "merge_reports", "progress"}
    for name in computing:
        assert "timeout" in inspect.signature(getattr(dk, name)).parameters


def test_a_prepared_derivative_has_its_time_at_every_point(ticking):
    ticking(0.001)
    prepared = dk.prepare(LONG, "derivative", order=20, timeout=0.2)
    assert prepared.result(0.5).message == "timeout of 0.2 s"
    quick = dk.prepare("x^2", timeout=5.0)
    assert [float(quick.jac([x])[0]) for x in (1.0, 2.0)] == [2.0, 4.0]


# The deadline itself ------------------------------------------------------------------------------------------------


def test_loops_end_when_the_time_is_up():
    with pytest.raises(dk.OutOfTime, match=r"timeout of 0.01 s"), time_limit(0.01):
        max(in_time(iter(int, 1)))
    assert list(in_time(range(3 * STRETCH))) == list(range(3 * STRETCH))


def test_what_was_collected_stays(ticking):
    def endless():
        for k in itertools.count():
            check_time()
            yield k

    ticking(1.0)
    with time_limit(9.5):
        found, reason = collected(endless())
    assert reason == "timeout of 9.5 s"
    assert found == list(range(9))


def test_the_earlier_end_counts_and_says_its_own_seconds():
    with time_limit(0.01):
        time.sleep(0.02)
        with pytest.raises(TimeIsUp, match=r"timeout of 0.01 s"), time_limit(60):
            check_time()
    with time_limit(60), pytest.raises(dk.OutOfTime, match=r"timeout of 0.01 s"), time_limit(0.01):
        max(in_time(iter(int, 1)))


def test_a_share_of_the_time_ends_earlier_in_the_same_words(ticking):
    ticking(0.1)
    assert share_of_time(0.5) is None
    with time_limit(60):
        half = share_of_time(0.5)
        assert half.reason == "timeout of 60 s"
        assert 29 < half.left < 31
    whole = Deadline(1.0)
    with time_limit(whole), pytest.raises(TimeIsUp, match=r"timeout of 1 s"):
        max(share_of_time(0.5).paced(itertools.count()))
    assert whole.missed


def test_what_is_shown_is_shown_at_leisure():
    with time_limit(0.01):
        time.sleep(0.02)
        with at_leisure():
            check_time()


def test_a_deadline_belongs_to_its_thread():
    errors = []

    def other():
        try:
            check_time()
        except TimeIsUp as error:
            errors.append(error)

    with time_limit(0.01):
        time.sleep(0.02)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert not errors


# Worker processes ---------------------------------------------------------------------------------------------------


def asleep(seconds):
    time.sleep(seconds)
    return seconds


def failing(what):
    raise dk.PointError(what, hint="as it should")


def crashing():
    os._exit(7)


def square(x):
    return x * x


def cube(x):
    time.sleep(600 if x > 100 else 0)
    return x**3


def alive(pid):
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


def test_one_worker_serves_a_deadline_and_ends_with_it():
    deadline = Deadline(60)
    with time_limit(deadline):
        assert [stoppable(square, k) for k in range(3)] == [0, 1, 4]
        (end,) = deadline.at_end
        worker = end.__self__
        with pytest.raises(dk.PointError, match=r"no point \(as it should\)"):
            stoppable(failing, "no point")
        assert worker.alive
    assert not worker.alive
    assert alive(worker.process.pid) == ""


def test_what_does_not_end_is_killed():
    with pytest.raises(dk.OutOfTime, match=r"timeout of 0.3 s"), time_limit(0.3):
        stoppable(asleep, 600)


def test_a_worker_that_dies_is_an_error_of_ours():
    with time_limit(60):
        with pytest.raises(dk.WorkerError, match=r"ended without an answer \(exit code 7\)"):
            stoppable(crashing)
        assert stoppable(square, 3) == 9


def test_a_worker_ends_when_nobody_asks_any_more():
    code = (
        "from diffkit.core.workers import Worker; import os; "
        "w = Worker(); print(w.process.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for _ in range(200):
        if not alive(int(done.stdout)).strip("Z"):
            break
        time.sleep(0.05)
    assert not alive(int(done.stdout)).strip("Z")


def test_without_a_deadline_nothing_is_started():
    assert stoppable(os.getpid) == os.getpid()


def test_isolated_code_cannot_outlive_its_time():
    assert dk.derivative(cube, 2.0, isolated=True, timeout=60).value == 12.0
    with pytest.raises(dk.OutOfTime, match=r"timeout of 0.5 s"):
        dk.derivative(cube, 200.0, isolated=True, timeout=0.5)


def test_isolated_code_must_pickle():
    with pytest.raises(dk.FunctionError, match="this cannot be sent to a worker process"):
        dk.gradient(lambda x: x * x, 1.0, isolated=True)


SCRIPT = """
import diffkit as dk

def f(x):
    return x * x

{guard}print(dk.derivative(f, 3.0, isolated=True).value)
"""


@pytest.mark.parametrize("before", ["", "import multiprocessing", "import concurrent.futures.process"])
def test_functions_of_modules_are_isolated_in_a_session_without_a_script(before, tmp_path):
    (tmp_path / "model.py").write_text("def square(x):\n    return x * x\n")
    code = f"{before}\nimport diffkit as dk, model\nprint(dk.derivative(model.square, 3.0, isolated=True).value)"
    path = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(dk.__file__).parent.parent), str(tmp_path)])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=path)
    assert (done.stdout, done.stderr) == ("6.0\n", "")


@pytest.mark.parametrize(("guard", "words"), [("if __name__ == '__main__': ", "6.0"), ("", "under if __name__")])
def test_functions_of_a_script_are_isolated_if_the_script_is_guarded(guard, words, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(guard=guard))
    path = {**os.environ, "PYTHONPATH": str(Path(dk.__file__).parent.parent)}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=path, timeout=120)
    assert words in done.stdout + done.stderr
    assert (done.returncode == 0) == bool(guard)


def test_a_worker_says_what_code_prints_on_standard_error(capfd):
    worker = Worker()
    try:
        worker.call(TimedCall(print, ("out of the way",), {}))
    finally:
        worker.kill()
    out, err = capfd.readouterr()
    assert "out of the way" in err
    assert out == ""

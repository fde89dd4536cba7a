"""Work that processes share: the same answers in the same order, the same errors and ends, and nothing left behind."""

import os
import signal
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

import diffkit as dk
from diffkit.core.deadline import TimeIsUp, time_limit
from diffkit.core.worker_pool import in_order, parts
from diffkit.methods.dual import DualBackend

TEXTS = ["x^2*sin(x)", "abs(x - 1)", "log(x - 1)", "x^2*sin(x)", "(exp(x)-1)/x", "nosuch*x", "1/(x - 1)"]
CASES = [{"expr": text, "at": {"x": at, "nosuch": 2}, "vars": ["x", "nosuch"], "id": f"{text} at {at}"}
         for text in TEXTS for at in (1, 1e-9, 2.5)]  # fmt: skip


class Refusing(DualBackend):
    """A backend that pickles and prepares nothing."""

    name = "refusing"

    def prepare(self, task):
        raise dk.BackendError(f"not {task.kind}")


class Fatal(DualBackend):
    """A backend that ends its process."""

    name = "fatal"

    def prepare(self, _):
        os._exit(7)


class Deadly(DualBackend):
    """A backend that ends its process where it is asked about an abs, or, of a file that is there, once."""

    name = "deadly"

    def __init__(self, once=""):
        self.once = once

    def prepare(self, task):
        if any(primitive.name == "abs" for _, primitive, _ in task.program.numbered()) and (
            not self.once or os.path.exists(self.once)
        ):
            if self.once:
                os.unlink(self.once)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().prepare(task)


def slow(part):
    for _, seconds in part:
        time.sleep(seconds)
    return [k for k, _ in part]


def failing(part):
    if 2 in part:
        raise dk.PointError("this one", hint="as it should")
    return list(part)


def answers(found):
    return [answer for _, part in found for answer in part]


def children():
    mine = ["ps", "-ww", "-o", "args=", "--ppid", str(os.getpid())]
    return [
        line for line in subprocess.run(mine, capture_output=True, text=True).stdout.splitlines() if "serve()" in line
    ]


@pytest.fixture(scope="module")
def alone():
    return dk.report(CASES, backends=("dual", "finite"))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_report_is_the_same_by_processes(alone, workers):
    shared = dk.report(CASES, backends=("dual", "finite"), workers=workers)
    assert shared == alone
    assert [outcome.case for outcome in shared.outcomes] == [outcome.case for outcome in alone.outcomes]
    assert not children()


def test_a_report_is_the_same_by_an_executor(alone):
    with ProcessPoolExecutor(2, get_context("spawn")) as processes, ThreadPoolExecutor(2) as threads:
        for executor in (processes, threads):
            assert dk.report(CASES, backends=("dual", "finite"), workers=executor) == alone
            assert executor.submit(slow, [(1, 0)]).result() == [1]  # it is the caller's, and goes on


def test_cases_of_one_expression_are_prepared_once(monkeypatch):
    prepared = []
    before = DualBackend.prepare
    monkeypatch.setattr(DualBackend, "prepare", lambda self, task: (prepared.append(task), before(self, task))[1])
    found = dk.report([{"expr": f"x^{2 + k % 2}", "at": {"x": k + 1}} for k in range(20)], backends="dual")
    assert found.verdicts == {"agree": 20}
    assert len(prepared) <= 3  # and once to begin


POINTS = np.array([[0.5 * k, 1 - 0.25 * k] for k in range(9)])


def code(x, y):
    return x**2 * np.sin(y)


def deadly_code(x, y):
    if x == 2.0 and y == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return x**2 * np.sin(y)


@pytest.mark.parametrize("digits", [None, 20])
@pytest.mark.parametrize("f", ["x^2*abs(y)", "log(x)/y", code], ids=["kinked", "edged", "code"])
def test_proofs_of_a_batch_are_the_same_by_processes(f, digits):
    here, there = (dk.gradient(f, POINTS, digits=digits, workers=workers) for workers in (None, 2))
    if f is code:  # which every process records for itself
        assert here.evaluations < there.evaluations
        here, there = replace(here, evaluations=0), replace(there, evaluations=0)
    assert here == there
    assert repr(here.flat) == repr(there.flat)
    assert here.decimals == there.decimals
    with ThreadPoolExecutor(2) as pool:
        shared = dk.prepare(f, workers=pool).result(POINTS)
    assert replace(shared, evaluations=here.evaluations) == here or digits
    assert not children()


def test_a_batch_by_processes_keeps_the_rows_that_were_reached():
    found = dk.gradient("gamma(x)*besselj(2, x)*erf(x)", np.linspace(0.1, 9, 100_000)[:, None], workers=2, timeout=3)
    known = np.isfinite(found.value[:, 0])
    assert found.message == "timeout of 3 s"
    assert not known[-1]
    assert not children()


def test_only_proofs_are_shared():
    for ask in (partial(dk.gradient, "x", POINTS[:, :1]), partial(dk.prepare, "x")):
        with pytest.raises(dk.BackendError, match=r"workers share proofs \(only the backend auto proves\)"):
            ask(backend="dual", workers=2)


def test_the_commands_say_the_same_by_processes(run):
    for command in (["grad", "x^2*abs(y)", "--at", "x=0:1:3,y=-1:1:3"], ["compare", "1/x", "--at", "x=-1:1:5"]):
        alone, shared = run(*command, "--format", "markdown"), run(*command, "--format", "markdown", "--jobs", "2")
        assert shared == alone


def test_backends_that_cannot_answer_say_so_from_there():
    here, there = (dk.report(CASES[:3], backends=[Refusing()], workers=workers) for workers in (None, 2))
    assert here == there
    assert {f.evidence for o in there.outcomes for f in o.findings} == {"not gradient"}


@pytest.mark.parametrize("workers", [0, -1, True, 2.0, "2"])
def test_workers_are_a_number_or_an_executor(workers):
    with pytest.raises(dk.DiffkitError, match="workers are a positive whole number or an Executor") as error:
        dk.report(CASES, workers=workers)
    assert "\n" not in str(error.value)


def test_what_does_not_pickle_is_told_in_a_line():
    class Local(DualBackend):
        name = "local"

    with pytest.raises(dk.FunctionError, match="this cannot be sent to a worker process") as error:
        dk.report(CASES, backends=[Local()], workers=2)
    assert "\n" not in str(error.value)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool, pytest.raises(dk.FunctionError, match="cannot be sent"):
        dk.report(CASES, backends=[Local()], workers=pool)
    assert not children()


def test_code_without_a_name_is_not_shared():
    with pytest.raises(dk.FunctionError, match="this cannot be sent to a worker process") as error:
        dk.gradient(lambda x, y: x * y, POINTS, workers=2)
    assert "\n" not in str(error.value)


def test_an_executor_that_is_closed():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(dk.DiffkitError, match="the executor takes no calls"):
        dk.report(CASES, workers=pool)


def test_workers_that_end_as_they_start_are_an_error():
    with pytest.raises(dk.WorkerError, match=r"ended without an answer \(exit code 7\), as did 4 before it"):
        dk.report(CASES, backends=[Fatal()], workers=2)
    assert not children()


def test_a_case_that_ends_its_workers_is_marked_and_the_others_are_not():
    found = dk.report(CASES, backends=[Deadly()], workers=2)
    alone = dk.report([case for case in CASES if "abs" not in case["expr"]], backends=[Deadly()])
    marked = [o for o in found.outcomes if "abs" in o.case.text]
    assert [(o.verdict, o.findings[0].evidence) for o in marked] == [
        ("failed", "the worker process crashed by SIGKILL")
    ] * 3
    others = [o for o in found.outcomes if "abs" not in o.case.text]
    for one, same in zip(others, alone.outcomes, strict=True):
        assert (one.case.text, one.case.at, one.verdict) == (same.case.text, same.case.at, same.verdict)
        assert [s._replace(case="") for s in one.scores] == [s._replace(case="") for s in same.scores]
    assert not children()


def test_a_worker_that_ends_once_costs_nothing(tmp_path):
    (tmp_path / "once").touch()
    backend = Deadly(str(tmp_path / "once"))
    found = dk.report(CASES, backends=[backend], workers=2)
    assert not (tmp_path / "once").exists()
    assert found == dk.report(CASES, backends=[backend])
    assert not children()


def test_a_row_that_ends_its_workers_is_uncertain_and_the_others_are_not():
    found = dk.gradient(deadly_code, POINTS, workers=2)
    assert [row for row in range(len(POINTS)) if found.statuses[row, 0] == "uncertain"] == [4]
    assert "the worker process crashed by SIGKILL" in found.message
    assert not children()


def test_an_executor_that_breaks_is_an_error_of_ours():
    with ProcessPoolExecutor(2) as pool, pytest.raises(dk.WorkerError, match="could not run a call: BrokenProcessPool"):
        dk.report(CASES, backends=[Deadly()], workers=pool)


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor])
def test_answers_come_in_order_and_errors_in_their_place(executor):
    workers = 2 if executor is None else executor(2)
    assert answers(in_order(slow, [[(k, 0.2 - 0.05 * k)] for k in range(4)], workers)) == [0, 1, 2, 3]
    found = in_order(failing, [[k] for k in range(6)], workers)
    assert [next(found), next(found)] == [([0], [0]), ([1], [1])]
    with pytest.raises(dk.PointError, match=r"this one \(as it should\)"):
        next(found)
    assert not children()


def test_parts_are_taken_as_they_are_wanted():
    taken = []
    found = in_order(failing, ([taken.append(k) or 10 * k + 3] for k in range(1000)), 2)
    assert next(found) == ([3], [3])
    assert len(taken) < 20
    found.close()


def test_who_asks_no_more_leaves_nothing_behind():
    found = in_order(slow, [[(k, 60 * k)] for k in range(4)], 2)
    assert next(found) == ([(0, 0)], [0])
    assert 1 <= len(children()) <= 2
    found.close()
    assert not children()


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor])
def test_the_time_is_up_for_all(executor):
    workers = 2 if executor is None else executor(2)
    found, kept = in_order(slow, [[(0, 0)], [(1, 20)], [(2, 20)]], workers), []
    with time_limit(8), pytest.raises(TimeIsUp, match=r"timeout of 8 s"):
        kept.extend(answer for _, part in found for answer in part)
    assert kept == [0]
    assert not children()


def test_a_report_by_processes_ends_in_time():
    cases = [{"expr": f"sin(x)^x*gamma(x) + {k}", "at": {"x": 1.5}} for k in range(2500)]  # few: reading takes time too
    found = dk.report(cases, workers=2, timeout=4)
    assert found.stopped == "timeout of 4 s"
    assert len(found.outcomes) < found.total  # none, where processes take that long to start
    assert [outcome.case.name for outcome in found.outcomes] == [f"case {k + 1}" for k in range(len(found.outcomes))]
    assert not children()


@pytest.mark.parametrize("count", [1, 2, 7, 100, 10_000])
def test_parts_are_all_there_is(count):
    items = list(range(count))
    split = parts(items, 2)
    assert [item for part in split for item in part] == items
    assert max(map(len, split)) <= max(1, count // 8)

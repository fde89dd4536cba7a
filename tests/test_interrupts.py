"""Ctrl-C: one line, exit code 130 and no traceback, in imports, in what swallows it, and with workers at work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import diffkit as dk

PATH = {**os.environ, "PYTHONPATH": str(Path(dk.__file__).parent.parent)}
HARNESS = """
import os, signal, sys

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # which shells take from what they start in the background

{how}

from diffkit.__main__ import main
sys.argv = ["diffkit", {arguments}]
main()
"""
ON_IMPORT = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            interrupt()

sys.meta_path.insert(0, Finder())
"""
SIMPLE = ["grad", "x^2*sin(x)", "--at", "1"]
PICTURE = ["limit", "sin(x)", "--at", "1", "--save", "v.svg"]
CHECK = ["check", "x^2", "--claim", "3*x", "--at", "1"]
STATIONARY = ["stationary", "sin(20*x*y)*cos(30*y-x^2)", "--box", "-9:9,-9:9"]


def ran(how, arguments, tmp_path):
    """Run the command in a process that interrupts itself."""
    code = HARNESS.format(how=how, arguments=", ".join(map(repr, arguments)))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=PATH, cwd=tmp_path, timeout=60
    )


def check(done, told=""):
    assert (done.returncode, done.stderr) == (130, told or "diffkit: interrupted\n")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("diffkit.cli", SIMPLE), ("click", SIMPLE), ("diffkit.cli.commands", SIMPLE), ("diffkit.proof.prover", SIMPLE),
        ("flint", SIMPLE), ("sympy", SIMPLE), ("sympy.core.basic", SIMPLE), ("numpy", CHECK),
        ("numpy._core.multiarray", CHECK), ("scipy.special", ["grad", "digamma(x)", "--at", "1", "--backend", "dual"]),
        ("scipy.special._ufuncs", ["grad", "digamma(x)", "--at", "1", "--backend", "dual"]),
        ("matplotlib", PICTURE), ("matplotlib.figure", PICTURE), ("diffkit.reports", SIMPLE),
    ],
)  # fmt: skip
def test_an_interrupt_during_an_import(name, arguments, tmp_path):
    if name.startswith("matplotlib"):
        pytest.importorskip("matplotlib", reason="comes with the plot extra")
    check(ran(ON_IMPORT.format(name=name), arguments, tmp_path))
    assert os.listdir(tmp_path) == []


INSTEAD = """
import {module} as module
from time import sleep

def instead(*args, **options):
    {body}

module.{name} = instead
"""
SWALLOWED = {
    "it is raised": "interrupt(); sleep(600)",
    "a library swallows it": """
    try:
        interrupt()
        sleep(600)
    except BaseException:
        pass
    sleep(600)""",
    "a library makes another error of it": """
    try:
        interrupt()
        sleep(600)
    except BaseException:
        raise ValueError("something went wrong")""",
    "an error of ours is made of it": """
    from diffkit.core.errors import DiffkitError
    try:
        interrupt()
        sleep(600)
    except BaseException:
        raise DiffkitError("something went wrong")""",
    "a destructor swallows it": """
    class Thing:
        def __del__(self):
            interrupt()
            sum(range(1000))
    Thing()
    sleep(600)""",
    "it comes twice": """
    try:
        interrupt()
        sleep(600)
    finally:
        interrupt()
        sleep(600)""",
}


@pytest.mark.parametrize("case", SWALLOWED)
def test_an_interrupt_that_gets_lost_on_its_way(case, tmp_path):
    how = INSTEAD.format(module="diffkit.asking.questions", name="ask", body=SWALLOWED[case])
    done = ran(how, SIMPLE, tmp_path)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "diffkit: interrupted"
    assert "Traceback" not in done.stderr


def children(pid):
    """Process ids of the children of a process."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return list(map(int, found.split()))


def gone(pid):
    """Wait until a process is no more; False if it stays."""
    for _ in range(100):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        if not state or state.startswith("Z"):
            return True
        time.sleep(0.05)
    return False


def test_the_worker_ends_with_the_command():
    arguments = ["derivative", "gamma(gamma(gamma(x)))", "--order", "7", "--timeout", "60"]
    process = subprocess.Popen([sys.executable, "-m", "diffkit", *arguments], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=PATH)  # fmt: skip
    for _ in range(400):
        if workers := children(process.pid):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "diffkit: interrupted\n")
    assert len(workers) == 1
    assert gone(workers[0])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (STATIONARY, "the search ended early (interrupted)"),
        (["report", "cases.jsonl", "--backends", "dual"], "PARTIAL REPORT: interrupted after"),
        (["report", "cases.jsonl", "--backends", "dual", "--jobs", "2"], "PARTIAL REPORT: interrupted after"),
        (["descend", "x^4", "--from", "1", "--rate", "1e-9", "--steps", "100000000"], "interrupted"),
    ],
)
def test_what_was_found_is_told(arguments, told, tmp_path):
    with open(tmp_path / "cases.jsonl", "w") as file:
        file.writelines('{"expr": "sin(x)^x*gamma(x)", "at": {"x": 1.5}}\n' for _ in range(3000))
    how = """
from threading import Timer
import diffkit.cli.process as module

def wait(self):
    if not self.awaited:
        timer = Timer(0.1, interrupt)
        timer.daemon = True
        timer.start()
    self.awaited = True

module.Interrupts.wait = wait
"""
    done = ran(how, arguments, tmp_path)
    assert done.returncode == 130
    assert told in done.stdout
    assert "Traceback" not in done.stderr


def test_where_nothing_was_found_nothing_is_told(tmp_path):
    (tmp_path / "cases.jsonl").write_text('{"expr": "sin(x)", "at": {"x": 1.5}}\n')
    check(ran(ON_IMPORT.format(name="sympy"), ["report", "cases.jsonl"], tmp_path))


SOON = """
from threading import Timer
from diffkit.cli.process import Interrupts
before = Interrupts.watch

def watch(self):
    before(self)
    timer = Timer({seconds}, interrupt)
    timer.daemon = True
    timer.start()

Interrupts.watch = watch
"""


def test_at_any_time(tmp_path):
    for k in range(6):
        arguments = [SIMPLE, PICTURE, STATIONARY, CHECK][k % 4]
        how = SOON.format(seconds=0.02 * 2**k)
        done = ran(how, arguments, tmp_path)
        assert done.returncode in (130, 0, 1)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("met", [True, False])
def test_what_an_interrupt_left_half_made_is_not_complained_of(met, monkeypatch):
    from diffkit.cli.process import Interrupts

    complaints, interrupts = [], Interrupts()
    monkeypatch.setattr(sys, "__unraisablehook__", complaints.append)
    interrupts.met = met
    interrupts.swallowed(SimpleNamespace(exc_type=AttributeError))
    assert bool(complaints) is not met

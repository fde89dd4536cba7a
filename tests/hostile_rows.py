"""Functions that end their process, or never end: rows of work in a process of its own."""

import ctypes
import importlib
import os
import sys
import time
from pathlib import Path

import numpy as np

import diffkit as dk
from diffkit.core.errors import RowOutOfTime, WorkerLost
from diffkit.methods.dual import DualBackend


class OwnError(Exception):
    """An error of somebody's own."""


def fine(x):
    return x**2


def aborts(x):
    os.abort()


def faults(x):
    ctypes.string_at(0)


def leaves(x):
    os._exit(0)


def exits(x):
    sys.exit(0)


def interrupts(x):
    raise KeyboardInterrupt


def loops(x):
    return sum(range(10**12))


def raises_powers(x):
    return 7 ** (10**9)


def fills(x):
    kept = []
    while True:
        kept.append(np.empty(10**7))


def bursts(x):
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def babbles(x):
    for _ in range(3000):
        print('{"noise": 1}' * 50)
        print("nonsense" * 50, file=sys.stderr)
    return x**2


def forks(x):
    """Leave a child behind that holds on to the pipes, and its number where ``CHILD`` says."""
    if (child := os.fork()) == 0:
        time.sleep(300)
    if "CHILD" in os.environ:
        Path(os.environ["CHILD"]).write_text(str(child))
    os._exit(3)


def scribbles(x):
    """Write to every pipe there is."""
    for descriptor in range(3, 30):
        try:
            os.write(descriptor, b"\xff" * 8 + b"nonsense")
        except OSError:
            continue
    return x**2


def raises(x):
    raise OwnError("my own")


def refuses(x):
    raise dk.PointError("no such point", hint="take another")


ENDS = {
    "aborts": (WorkerLost, "the worker process crashed by SIGABRT"),
    "faults": (WorkerLost, "the worker process crashed by SIGSEGV"),
    "leaves": (WorkerLost, "the worker process ended without an answer (exit code 0)"),
    "exits": (dk.FunctionError, "the code that was named ended the process by SystemExit(0)"),
    "interrupts": (dk.FunctionError, "the code that was named ended the process by KeyboardInterrupt: "),
    "loops": (RowOutOfTime, "it took more than 2 s (the function did not return, and its process was ended)"),
    "raises_powers": (RowOutOfTime, "it took more than 2 s (the function did not return, and its process was ended)"),
    "fills": (WorkerLost, "the worker process needed more than 600 MiB"),
    "bursts": (WorkerLost, "the worker process needed more than 600 MiB; it wrote last: "
               "terminate called after throwing an instance of 'std::bad_alloc'"),
    "forks": (WorkerLost, "the worker process ended without an answer (exit code 3)"),
    "scribbles": (WorkerLost, "the answer of the worker process cannot be read"),
    "raises": (dk.WorkerError, "the executor could not run a call: OwnError: my own"),
    "refuses": (dk.PointError, "no such point (take another)"),
}  # fmt: skip
"""what is said of each row that fails"""


def answered(x, part):
    """What each of some functions, of that name, answers."""
    return [(name, float(globals()[name](x))) for name in part]


def strange(part):
    """Answers of classes that only this process has imported."""
    return [importlib.import_module(name).Mine() for name in part]


KEPT = []


def leaking(size, part):
    """Rows that need more memory together than any of them."""
    for _ in part:
        KEPT.append(np.empty(size))
    return list(part)


def dying_once(file, part):
    """Rows of which the third ends the first process that meets it, leaving a note."""
    if 2 in part and not Path(file).exists():
        Path(file).touch()
        os.abort()
    return list(part)


class Ending(DualBackend):
    """A backend that ends its process, or takes for ever, where it is asked about functions of those names."""

    name = "ending"

    def prepare(self, task):
        names = {primitive.name for _, primitive, _ in task.program.numbered()}
        if "abs" in names:
            os.abort()
        if "tanh" in names:
            loops(1)
        if "erf" in names:
            fills(1)
        return super().prepare(task)

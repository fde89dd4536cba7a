"""Functions that end their process, or never end: rows of work in a process of its own."""

import ctypes
import os
import sys
import time
from pathlib import Path

import numpy as np

import diffkit as dk


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
    """Leave a child behind that holds on to the pipes."""
    if os.fork() == 0:
        time.sleep(300)
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
    "aborts": (dk.WorkerError, "the worker process crashed by SIGABRT"),
    "faults": (dk.WorkerError, "the worker process crashed by SIGSEGV"),
    "leaves": (dk.WorkerError, "the worker process ended without an answer (exit code 0)"),
    "exits": (dk.FunctionError, "the code that was named ended the process by SystemExit(0)"),
    "interrupts": (dk.FunctionError, "the code that was named ended the process by KeyboardInterrupt: "),
    "loops": (dk.OutOfTime, "it took more than 2 s (its process was ended)"),
    "raises_powers": (dk.OutOfTime, "it took more than 2 s (its process was ended)"),
    "fills": (dk.WorkerError, "the worker process needed more than 600 MiB"),
    "bursts": (dk.WorkerError, "the worker process needed more than 600 MiB; it wrote last: "
               "terminate called after throwing an instance of 'std::bad_alloc'"),
    "forks": (dk.WorkerError, "the worker process ended without an answer (exit code 3)"),
    "scribbles": (dk.WorkerError, "the answer of the worker process cannot be read"),
    "raises": (dk.FunctionError, "OwnError: my own"),
    "refuses": (dk.PointError, "no such point (take another)"),
}  # fmt: skip
"""what is said of each row that fails"""


def answered(names, x):
    """The rows: each is the name of a function."""
    for name in names:
        yield name, float(globals()[name](x))


def grown(rows, leaks):
    """Rows that need more memory together than any of them."""
    kept = []
    for row in rows:
        kept.append(np.ones(leaks))
        yield row


def died_before(file):
    """Whether a process has died here, by a note that it leaves before it does."""
    if Path(file).exists():
        return True
    Path(file).touch()
    os.abort()


def noted(rows, file):
    """Rows of which the third ends the first process that meets it."""
    for row in rows:
        yield row if row != 2 else died_before(file)

"""A process of its own for what runs JAX: it has threads, and a process that has them is not forked, as tests do."""

import atexit
import importlib
import pickle
import subprocess
import sys
import traceback
from functools import cache, wraps
from importlib.util import find_spec
from pathlib import Path

import pytest

needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")


@cache
def _process():
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.kill)
    return process


def elsewhere(function):
    """Have a function of a module, its arguments and its answer run in that process; what it raises fails here."""

    @wraps(function)
    def call(*args, **named):
        if Path(getattr(sys.modules["__main__"], "__file__", "")).name == Path(__file__).name:
            return function(*args, **named)
        process = _process()
        pickle.dump((function.__module__, function.__name__, args, named), process.stdin)
        process.stdin.flush()
        failed, answer = pickle.load(process.stdout)
        if failed:
            pytest.fail(answer, pytrace=False)
        return answer

    return call


def _serve():
    stream, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            module, name, args, named = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = False, getattr(importlib.import_module(module), name)(*args, **named)
        except Exception:
            answer = True, traceback.format_exc()
        pickle.dump(answer, stream)
        stream.flush()


if __name__ == "__main__":
    _serve()

"""Cases with known answers and the exact measure of error that all tests share."""

import itertools
import json
import math
import multiprocessing
import time
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest
from report_cases import CASES

DATA = Path(__file__).parent / "data"
CONTEXT = mpmath.MPContext()
CONTEXT.dps = 60


def exact(value):
    """A number as mpmath's, without rounding: text, float, Fraction or int."""
    if isinstance(value, Fraction):
        return CONTEXT.mpf(value.numerator) / value.denominator
    return CONTEXT.mpf(value)


def ulps(value, truth):
    """|value − truth| in units in the last place of the correctly rounded truth; infinite for NaN."""
    truth = exact(truth)
    nearest = float(truth)
    if math.isnan(value):
        return math.inf
    if math.isinf(nearest) or math.isinf(value):
        return 0.0 if value == nearest else math.inf
    return float(abs(exact(value) - truth) / math.ulp(nearest))


def quickest(work):
    """The least seconds of several calls: what else is at work can only make one longer."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def corpus():
    """The rows of corpus.jsonl."""
    return [json.loads(line) for line in (DATA / "corpus.jsonl").read_text().splitlines()]


def tsv(name):
    """The rows of a tab-separated file as dictionaries."""
    header, *lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    keys = header.split("\t")
    return [dict(zip(keys, line.split("\t"), strict=True)) for line in lines]


def pytest_addoption(parser):
    parser.addoption("--start-method", metavar="NAME", help="how processes start: fork, forkserver or spawn")
    parser.addoption("--each", type=int, metavar="N", help="of the cases of each test, N that lie evenly apart")


def pytest_configure(config):
    """Start processes in the one way or the other, whatever the system's own is."""
    if (method := config.getoption("--start-method")) is not None:
        multiprocessing.set_start_method(method)


def pytest_collection_modifyitems(config, items):
    """Thin out families, not files: what breaks with another version of a library breaks in every file that uses it."""
    if (each := config.getoption("--each")) is None:
        return
    families = {}
    for item in items:
        families.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept = {item for cases in families.values() for item in cases[:: -(-len(cases) // each)]}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in an empty folder: (exit code, standard output, standard error)."""
    from diffkit.cli import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        out, err = capsys.readouterr()
        return exit.value.code, out, err

    return call


@pytest.fixture(autouse=True)
def _nothing_was_asked_before():
    """What a test changes of diffkit counts from its first question on, and for no other test."""
    from diffkit.methods.asked_before import forget

    forget()
    yield
    forget()


@pytest.fixture
def ticking(monkeypatch):
    """Let a deadline's clock go on by so many seconds at each look at it: work ends alike on fast and slow machines."""
    import diffkit.core.deadline

    def start(tick):
        monkeypatch.setattr(diffkit.core.deadline, "monotonic", itertools.count(0.0, tick).__next__)

    return start


@pytest.fixture
def cases(tmp_path):
    """The file cases.jsonl in the folder where commands run."""
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, CASES)) + "\n")
    return path

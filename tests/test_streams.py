"""Rows of streams: the same whatever they are read from, by whom they are made, and however often a run is ended."""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from test_worker_pool import Deadly, children

import diffkit as dk
from diffkit.core.row_files import read_rows, typed, write_rows

LACKS_ARROW = find_spec("pyarrow") is None
FORMATS = ["jsonl", "csv", pytest.param("parquet", marks=pytest.mark.skipif(LACKS_ARROW, reason="needs pyarrow"))]
CASES = [
    {"expr": text, "at": {"x": k / 4 - 1}, "id": f"{text} at {k}", "gradient": [None] if k % 2 else ["3"]}
    for k in range(9) for text in ("x^2*sin(x)", "abs(x)", "1/x", "(1-cos(x))/x^2", "log(x)", "3*x")
]  # fmt: skip
METHODS = ["dual", "finite"]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(dk.__file__).parents[1]))


def write_cases(name="cases.jsonl", cases=CASES):
    Path(name).write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    return name


def shards(folder):
    """All that a run leaves but its journal: the shards, byte by byte."""
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("part-*"))}


@pytest.fixture(scope="module")
def alone():
    return dk.report(CASES, backends=METHODS)


@pytest.mark.parametrize("workers", [None, 2])
@pytest.mark.parametrize("format", FORMATS)
def test_a_streamed_report_counts_what_a_report_does(alone, format, workers):
    found = dk.report(CASES, backends=METHODS, rows="rows", row_format=format, shard_rows=20, workers=workers)
    assert found.tally.state() == alone.tally.state()
    assert str(found) == str(alone)
    assert len(shards("rows")) == 3
    assert dk.merge_reports("rows").tally.state() == alone.tally.state()
    assert not children()


def test_rows_say_what_outcomes_do(alone):
    dk.report(CASES, backends=METHODS, rows="rows")
    rows = [json.loads(line) for line in Path("rows/part-000000.jsonl").read_text().splitlines()]
    assert [row["row"] for row in rows] == list(range(1, len(CASES) + 1))
    for row, outcome in zip(rows, alone.outcomes, strict=True):
        assert (row["name"], row["verdict"], row["at"]) == (outcome.name, outcome.verdict, outcome.case.at)
        assert [s["value"] for s in row["scores"]] == [s.value if s.value == s.value else None for s in outcome.scores]
        assert [f["cause"] for f in row["findings"]] == [f.cause for f in outcome.findings]


COLUMNS = {"row": "int", "x": "float", "t": "text", "f": "flag", "m": ("float",), "l": [{"a": "text", "b": "float"}]}
HARD = [
    {"row": 1, "x": 0.1, "t": 'a "b", c\n\u202e\\', "f": True, "m": {"x": -0.0, "y,z": 5e-324}, "l": []},
    {"row": 2, "x": float("inf"), "t": "", "f": False, "m": {}, "l": [{"a": "[1]", "b": float("-inf")}]},
    {"row": 3, "x": 1.7976931348623157e308, "t": "[{", "f": False, "m": {"é": 1 / 3}, "l": [{"a": "", "b": 2.0}] * 2},
]


@pytest.mark.parametrize("format", FORMATS)
def test_no_bit_is_lost_in_a_file(format):
    write_rows(f"hard.{format}", HARD, COLUMNS)
    assert repr(list(read_rows(f"hard.{format}", COLUMNS))) == repr(HARD)
    nan = [{**HARD[0], "x": float("nan")}]
    write_rows(f"nan.{format}", nan, COLUMNS)
    assert repr(list(read_rows(f"nan.{format}", COLUMNS))) == repr(nan)
    with pytest.raises((ValueError, TypeError)):
        typed({"x": "float"}, {"x": "many"})


@pytest.mark.parametrize("format", FORMATS)
def test_derivatives_at_points_of_every_format(format):
    points = [{"x": x, "y": y} for x in (-1.5, 0.1, 2) for y in (0.0, 1e-300, 7)]
    truth = dk.gradient("abs(x)*sin(y)/y", np.array([[p["x"], p["y"]] for p in points]))
    write_rows(f"points.{format}", points, {"x": "float", "y": "float"})
    found = dk.stream("abs(x)*sin(y)/y", f"points.{format}", rows="rows")
    assert found.statuses == {"ok": 6, "domain_error": 3}
    assert not found
    (file,) = Path("rows").glob(f"part-*.{format}")
    columns = {"row": "int", "∂f/∂x": "float", "error.∂f/∂y": "float", "status": "text"}
    rows = list(read_rows(str(file), columns))
    assert repr([row["∂f/∂x"] for row in rows]) == repr(truth.value[:, 0].tolist())
    assert repr([row["error.∂f/∂y"] for row in rows]) == repr(truth.error[:, 1].tolist())


def code(x, y):
    return x**2 * np.sin(y) if x > 0 else y


def test_code_and_every_kind_are_streamed():
    points = [[k / 3 - 1, k] for k in range(12)]
    dk.stream(code, points, "hessian", rows="alone", backend="dual")
    dk.stream(code, points, "hessian", rows="shared", backend="dual", workers=2)
    assert shards("alone") == shards("shared")
    assert "∂²f/∂x∂y" in Path("alone/part-000000.jsonl").read_text().splitlines()[0]
    assert dk.stream("exp(x)", [1.0, 3.0], "derivative", rows="third", order=3, digits=20)
    assert '"decimals.d³f/dx³": "2.7182818284590452354"' in Path("third/part-000000.jsonl").read_text()


def test_folders_and_patterns_are_read_in_order(run):
    os.mkdir("in")
    for k in (10, 9, 1):
        write_cases(f"in/part-{k}.jsonl", [{"expr": "x^2", "at": {"x": k}}])
    Path("in/_journal.jsonl").write_text("not a case\n")
    for source in ("in", "in/*.jsonl"):
        report = dk.report(source)
        assert [outcome.case.at["x"] for outcome in report.outcomes] == [1, 9, 10]
    Path("p.csv").write_text("x\n1\n")
    Path("q.csv").write_text("x\n2\n")
    assert "1 point" not in run("grad", "x^2", "--points", "*.csv", "--format", "json")[1]
    os.mkdir("empty")
    for source in ("empty", "no*.csv"):
        assert run("grad", "x^2", "--points", source)[0] == 2


def test_cases_in_tables(alone):
    lines = ["expr,at.x,id,gradient", '"x^2",3,first,"[""6""]"', '"x*y","1","",', 'x,2,"third",']
    Path("cases.csv").write_text("\n".join([lines[0] + ",at.y", *(f"{line}," for line in (lines[1], lines[3]))]))
    found = dk.report("cases.csv")
    assert [outcome.name for outcome in found.outcomes] == ["first", "third"]
    assert (found.expecting, found.contradicted) == (1, 0)


# Ends --------------------------------------------------------------------------------------------------------------

RUN = ["report", "cases.jsonl", "--backends", "dual,finite", "--rows", "rows", "--shard-rows", "20", "--resume"]


def command(*arguments):
    return [sys.executable, "-m", "diffkit", *RUN, *arguments]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    dk.report(CASES, backends=METHODS, rows=folder / "rows", shard_rows=20)
    return shards(folder / "rows")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGINT])
def test_a_run_goes_on_after_its_process_has_ended(uninterrupted, ended_by, jobs):
    write_cases()
    codes = []
    for _ in range(2):
        process = subprocess.Popen(command("--jobs", jobs), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        kept = rows_kept()
        while process.poll() is None and rows_kept() < kept + 6:
            time.sleep(0.01)
        process.send_signal(ended_by)
        codes.append((process.wait(), process.stderr.read().decode()))
        process.stderr.close()
    done = subprocess.run(command("--jobs", jobs), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    assert shards("rows") == uninterrupted
    assert "".join(said for code, said in codes if code == 2) == ""
    assert {code for code, _ in codes} <= {-ended_by if ended_by == signal.SIGKILL else 130, 1}
    assert all("Traceback" not in said for _, said in codes)


def rows_kept():
    """How many rows there are."""
    found = 0
    for path in Path("rows").glob("[_p]*"):
        found += sum(b'"row"' in line for line in path.read_bytes().splitlines())
    return found


def test_any_part_of_a_journal_is_enough(uninterrupted):
    """Wherever a write was cut off, the run that goes on gives the same."""
    dk.report(CASES[:31], backends=METHODS, rows="whole", shard_rows=20)
    lines = Path("whole/_journal.jsonl").read_bytes().splitlines(keepends=True)
    records = [json.dumps(case).encode() + b"\n" for case in CASES[:31]]
    rows = Path("whole/part-000000.jsonl").read_bytes() + Path("whole/part-000001.jsonl").read_bytes()
    kept = b"".join(
        b'{"seen": "%s", "row": %s}\n' % (hashlib.sha256(b"".join(records[: k + 1])).hexdigest()[:32].encode(), row)
        for k, row in enumerate(rows.splitlines())
    )
    second = sum(map(len, kept.splitlines(keepends=True)[:20]))
    random.seed(5)
    for cut in (0, 1, *random.sample(range(len(kept)), 6), second, second + 1, len(kept) - 1, len(kept)):
        shutil.rmtree("rows", ignore_errors=True)
        shutil.copytree("whole", "rows")
        os.unlink("rows/part-000001.jsonl")
        torn = lines[2][: random.randrange(len(lines[2]))]
        Path("rows/_journal.jsonl").write_bytes(b"".join(lines[:2]) + torn)  # the first shard is whole
        Path("rows/_open.jsonl").write_bytes(kept[:cut])  # which may still hold its rows
        with pytest.raises(dk.DiffkitError, match="case 36"):  # what is added stands behind a whole line
            dk.report([*CASES[:35], {"expr": "x +"}], backends=METHODS, rows="rows", shard_rows=20, resume=True)
        assert dk.merge_reports("rows").points == 35
        found = dk.report(CASES, backends=METHODS, rows="rows", shard_rows=20, resume=True)
        assert found.points == len(CASES)
        assert shards("rows") == uninterrupted


@pytest.mark.parametrize("size", [700, 9000])
def test_a_full_disk_costs_one_line_and_no_row(uninterrupted, size):
    write_cases()

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = subprocess.run(command(), capture_output=True, text=True, preexec_fn=small)
    assert "cannot write" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.returncode == 2
    assert not list(Path(".").rglob(".diffkit-*"))
    assert subprocess.run(command(), capture_output=True).returncode in (0, 1)
    assert shards("rows") == uninterrupted


def test_workers_that_are_killed_cost_nothing(uninterrupted):
    write_cases()
    process = subprocess.Popen(command("--jobs", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    kept = 0
    for _ in range(5):
        while process.poll() is None and rows_kept() < kept + 5:
            time.sleep(0.01)
        kept = rows_kept()
        ours = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
        for worker in random.sample(ours.stdout.split(), 1 if process.poll() is None else 0):
            subprocess.run(["kill", "-9", worker], stderr=subprocess.DEVNULL)
    assert process.wait() in (0, 1)
    assert process.stderr.read() == b""
    process.stderr.close()
    assert shards("rows") == uninterrupted


def test_an_executor_that_breaks_keeps_what_was_found():
    ask = partial(dk.report, CASES, rows="rows", shard_rows=20)
    cases = [CASES[0], *CASES]
    with ProcessPoolExecutor(1) as pool, pytest.raises(dk.WorkerError, match="could not run a call"):
        dk.report(cases, backends=[Deadly()], rows="rows", shard_rows=20, workers=pool)
    assert not children()
    if rows_kept():
        with pytest.raises(dk.FileError, match="methods was"):
            ask(backends=METHODS, resume=True)
    marked = dk.report(cases, backends=[Deadly()], rows="rows", shard_rows=20, workers=2, resume=True)
    assert marked.verdicts["failed"] == sum("abs" in case["expr"] for case in cases)
    assert not children()


def test_a_record_that_cannot_be_read_ends_the_run_and_is_mended(run, uninterrupted):
    write_cases(cases=[*CASES[:30], {"expr": "x +", "at": {"x": 1}}, *CASES[31:]])
    for jobs in ("1", "2"):
        code, out, err = run(*RUN, "--jobs", jobs)
        assert (code, out) == (2, "")
        assert err.startswith("diffkit: cases.jsonl, line 31: ")
        assert rows_kept() == 30
    write_cases()
    assert run(*RUN)[0] in (0, 1)
    assert shards("rows") == uninterrupted


def test_a_run_ends_in_time_and_goes_on(uninterrupted):
    write_cases()
    found = dk.report("cases.jsonl", backends=METHODS, rows="rows", shard_rows=20, timeout=0.25)
    if not found.complete:
        assert found.stopped == "timeout of 0.25 s"
        assert "PARTIAL" in found.headline
    assert dk.report("cases.jsonl", backends=METHODS, rows="rows", shard_rows=20, resume=True).complete
    assert shards("rows") == uninterrupted


# What is refused ---------------------------------------------------------------------------------------------------


def test_a_run_is_resumed_as_what_it_is(run, monkeypatch):
    write_cases()
    assert run(*RUN)[0] in (0, 1)
    before = shards("rows")
    for more, said in (
        (["--kind", "hessian"], "kind was gradient, and is hessian"), (["--backends", "dual"], "methods was"),
        (["--shard-rows", "7"], "rows a shard was 20, and is 7"), (["--rtol", "0.1"], "tolerances was"),
        (["--row-format", "csv"], "format was jsonl, and is csv"),
    ):  # fmt: skip
        code, out, err = run(*RUN, *more)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert f"rows is of another run: {said}" in err
    with monkeypatch.context() as other:
        other.setattr("diffkit.core.row_folder.__version__", "9.9")
        assert "version was" in run(*RUN)[2]
    write_cases(cases=[*CASES, CASES[0]])
    assert "is complete, and there is more to read" in run(*RUN)[2]
    write_cases(cases=[CASES[1], *CASES[1:]])
    assert "the first 54 records are not those" in run(*RUN)[2]
    write_cases(cases=CASES[:50])
    assert "the first 54 records are not those" in run(*RUN)[2]
    assert shards("rows") == before


def test_a_folder_is_one_run_s_alone(run):
    write_cases()
    os.mkdir("rows")
    Path("rows/notes.txt").write_text("mine")
    assert "rows holds no journal of a run" in run(*RUN)[2]
    assert "rows is not empty" in run(*RUN[:-1])[2]
    os.unlink("rows/notes.txt")
    dk.report("cases.jsonl", backends=METHODS, rows="rows", shard_rows=20)
    Path("rows/part-000001.jsonl").write_text("")
    assert "has 0 rows and not the 20" in run(*RUN)[2]
    Path("rows/part-000001.jsonl").unlink()
    assert "cannot read rows/part-000001.jsonl" in run(*RUN)[2]
    holding = (
        "import sys, fcntl, time; f = open('rows/_journal.jsonl', 'a'); fcntl.lockf(f, fcntl.LOCK_EX);"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holding], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert "another run is at work in rows" in run(*RUN)[2]
        other.kill()


@pytest.mark.parametrize("arguments", [
    ["report", "cases.jsonl", "--resume"], ["report", "cases.jsonl", "--rows", "r", "--row-format", "xml"],
    ["report", "absent.jsonl", "--rows", "r"], ["report", "empty.jsonl", "--rows", "r"],
    ["report", "cases.jsonl", "cases.jsonl", "--rows", "r"], ["report", "--merge", "cases.jsonl"],
    ["report", "--merge", "absent"], ["report", "cases.jsonl", "--rows", "cases.jsonl"],
    ["grad", "x^2", "--at", "1", "--rows", "r"], ["grad", "x^2", "--rows", "r"],
    ["grad", "x^2", "--points", "bad.csv", "--rows", "r"], ["compare", "x^2", "--points", "bad.csv", "--rows", "r"],
    ["compare", "x^2", "--box", "x=0:1", "--rows", "r"], ["check", "x^2", "--claim", "2*x", "--rows", "r"],
    ["report", "cases.jsonl", "--rows", "r", "--against", "cases.jsonl"],
    ["report", "bad.parquet"], ["hessian", "x^2", "--points", "bad.csv", "--rows", "r", "--sparse"],
], ids=" ".join)  # fmt: skip
def test_what_cannot_be_is_told_in_a_line_and_leaves_nothing(run, arguments):
    write_cases()
    Path("empty.jsonl").write_text("\n")
    Path("bad.csv").write_text("z\n1\n")
    Path("bad.parquet").write_text("no")
    code, out, err = run(*arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert not Path("r").exists()

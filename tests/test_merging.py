"""Streams of any length: memory that does not grow, reports that merge, and quantiles that say what they are."""

import json
import math
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from test_streams import CASES, METHODS, elsewhere, shards, write_cases  # noqa: F401

import diffkit as dk
from diffkit.judging.sketches import Sketch


@pytest.fixture(scope="module")
def alone():
    return dk.report(CASES, backends=METHODS)


def test_memory_does_not_grow_with_the_points():
    peaks = []
    for count in (300, 300, 3000):
        tracemalloc.start()
        dk.stream("x^2", ([k / 8] for k in range(count)), rows=f"rows{len(peaks)}", backend="dual", shard_rows=50)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.5 * peaks[1]


def test_reports_merge(alone, run):
    parts = [CASES[:7], CASES[7:20], CASES[20:]]
    merged = dk.merge_reports(*(dk.report(part, backends=METHODS) for part in parts))
    assert merged == alone
    for k, part in enumerate(parts):
        write_cases(f"{k}.jsonl", part)
        run("report", f"{k}.jsonl", "--backends", "dual,finite", "--format", "json", "--output", f"{k}.json")
    run("report", "2.jsonl", "--backends", "dual,finite", "--rows", "2", "--format", "json", "--output", "folder.json")
    for last in ("2.json", "2", "folder.json"):
        found = dk.merge_reports("0.json", "1.json", last)
        assert found.tally.state() == alone.tally.state()
        assert found.summary == alone.summary
    code, out, _ = run("report", "--merge", "0.json", "1.json", "2")
    assert code == (0 if alone.passed else 1)
    assert "gradients at 54 points" in out
    with pytest.raises(dk.DiffkitError, match="do not merge"):
        dk.merge_reports("0.json", dk.report(CASES[:1], "hessian"))


def test_many_numbers_are_sketched_and_that_is_said(monkeypatch):
    pytest.importorskip("fastdigest")
    monkeypatch.setattr("diffkit.judging.sketches._EXACT_NUMBERS", 2000)
    monkeypatch.setattr("diffkit.judging.sketches._BUFFERED", 500)
    rng = np.random.default_rng(3)
    numbers = np.exp(rng.normal(size=9000)).tolist()
    whole, halves = Sketch(), [Sketch(), Sketch()]
    for k, number in enumerate(numbers):
        whole.add(number)
        halves[k % 2].add(number)
    halves[0].merge(Sketch.of_state(json.loads(json.dumps(halves[1].state()))))
    ordered = sorted(numbers)
    for sketch in (whole, halves[0]):
        found = sketch.quantiles()
        assert sketch.source == "t-digest (fastdigest)"
        assert found.worst == ordered[-1]
        for value, part in zip(found[:3], (0.5, 0.95, 0.99), strict=True):
            assert abs(np.searchsorted(ordered, value) / len(ordered) - part) < 0.005
    report = dk.report([{"expr": "x^2*sin(x)", "at": [k / 8]} for k in range(2100)], backends="dual")
    assert report.summary[0].quantiles == "t-digest (fastdigest)"
    assert "so many numbers are not kept" in report._repr_markdown_()


def test_what_has_no_value_is_the_worst_wherever_it_is_counted():
    one, other = Sketch(), Sketch()
    one.add(1.0)
    other.add(math.inf)
    one.merge(Sketch.of_state(json.loads(json.dumps(other.state()))))
    assert one.quantiles() == (1.0, math.inf, math.inf, math.inf)


def test_without_a_library_quantiles_stay_exact(monkeypatch):
    monkeypatch.setattr("diffkit.judging.sketches._EXACT_NUMBERS", 10)
    monkeypatch.setitem(sys.modules, "fastdigest", None)
    sketch = Sketch()
    for k in range(1, 101):
        sketch.add(float(k))
    assert (sketch.source, sketch.quantiles()) == ("exact", (50.0, 95.0, 99.0, 100.0))


# Pairs of a pyproject.toml -----------------------------------------------------------------------------------------


def test_pairs_are_checked_as_a_stream(run):
    Path("points.csv").write_text("x,y\n1,2\n3,4\n5,0\n")
    Path("pyproject.toml").write_text(
        '[[tool.diffkit.check]]\nfunction = "x^2*abs(y)"\ngradient = ["2*x*abs(y)", "x^2*sign(y)"]\n'
        'points_from = "points.csv"\n[[tool.diffkit.check]]\nfunction = "x^2"\ngradient = "3*x"\npoints = [1, 2]\n'
    )
    code, out, _ = run("check", "--all", "--rows", "alone", "--format", "json")
    assert code == 1
    assert sum(json.loads(out)["statuses"].values()) == 5
    assert run("check", "--all", "--rows", "shared", "--jobs", "2")[0] == 1
    assert shards("alone") == shards("shared")
    rows = [json.loads(line) for line in Path("alone/part-000000.jsonl").read_text().splitlines()]
    assert [row["verdict"] for row in rows][-2:] == ["wrong", "wrong"]
    assert rows[0]["name"] == "gradient of x^2*abs(y), line 2"
    assert run("check", "--all")[1].count("gradient of x^2*abs(y), line") >= 3
    assert run("check", "--all", "--rows", "shared", "--resume", "--rtol", "1")[0] == 2

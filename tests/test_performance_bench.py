"""The benchmark of speed measures what it says, and writes its page; no peer is needed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from races import measuring, page  # noqa: E402
from races.table import FAST, PLAIN, Bench, Goal, Row  # noqa: E402

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="tools are measured in forked processes")


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only where a tool says so, twice as fast on the wall as in CPU seconds."""
    passed = [0.0]
    monkeypatch.setattr(measuring, "now", lambda: measuring.Sample(passed[0], 2 * passed[0]))
    return passed


def taking(clock, seconds, answer=1.0):
    def call():
        clock[0] += seconds
        return answer

    return lambda: call


def raced(**how):
    """The records of a race of a bench."""
    records = []
    return records, Bench("row", PLAIN, records.append, rounds=4, quick=True).race(how.get("case", "case"))


def test_ratios_are_of_the_calls(clock):
    records, race = raced()
    race.ours("ours", taking(clock, 0.25))
    race.peer("quick", taking(clock, 0.5))
    race.peer("slow", taking(clock, 2.0))
    race.run(points=10, size=7)
    found = {r["peer"]: r for r in records}
    assert found["quick"]["cpu"] == [0.5] * 3
    assert found["slow"]["wall"] == [0.125] * 3
    assert found["slow"]["seconds"] == [0.025, 0.2]
    assert all(r["size"] == 7 and measuring.LEAST_ROUNDS <= r["rounds"] <= 4 for r in records)


def test_wrong_missing_and_failing_tools_are_named(clock):
    def missing():
        import no_such_tool  # noqa: F401

    def failing():
        raise ZeroDivisionError("no answer")

    def dying():
        os._exit(3)

    records, race = raced()
    race.ours("ours", taking(clock, 1.0, 2.0))
    race.peer("right", taking(clock, 1.0, 2.0))
    race.peer("wrong", taking(clock, 1.0, 2.1))
    race.peer("other shape", taking(clock, 1.0, [2.0, 2.0]))
    race.peer("missing", missing)
    race.peer("failing", lambda: failing)
    race.peer("dying", dying)
    race.run()
    assert {r["differs"] for r in records if "differs" in r} == {"wrong", "other shape"}
    assert {r["left_out"]: r["kind"] for r in records if "left_out" in r} == {
        "missing": "missing",
        "failing": "failed",
        "dying": "failed",
    }


def test_a_tool_in_its_process_is_measured_by_the_real_clocks():
    def busy(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    records, race = raced()
    race.ours("ours", lambda: lambda: busy(0.004), lambda _: 0.0)
    race.peer("twice as long", lambda: lambda: busy(0.008), lambda _: 0.0)
    race.run()
    assert records[0]["cpu"][1] == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize(
    ("wanted", "found", "error"),
    [([1.0, 2.0], [1.0, 2.0], 0.0), ([4.0], [5.0], 0.25), ([1.0], [np.nan], np.inf), ([1.0], [1.0, 1.0], np.inf)],
)
def test_disagreement(wanted, found, error):
    assert measuring.disagreement(wanted, found) == pytest.approx(error, rel=2e-3)


def test_commands_are_raced_and_what_fails_is_named():
    records = []
    bench = Bench("row", PLAIN, records.append, rounds=1, quick=True)
    none = "import no_such_tool"
    bench.commands(
        "case", {"ours": measuring.python("1")}, {"same": measuring.python("2"), "x": measuring.python(none)}
    )
    assert [r["left_out"] for r in records if r.get("kind") == "missing"] == ["x"]
    assert [r["peer"] for r in records if "cpu" in r] == ["same"]


GOALS = (Goal(("casadi",), 1.0, 0.5, cases=("n = 10",)), Goal(("casadi",), 30, cases=("n = 10,000",)))
ROW = Row("row", "A row", lambda bench: None, GOALS, "Memory is slow.")


def record(case, install, ratio, size=None):
    return {
        "row": "row", "install": install, "case": case, "ours": "p(x)", "peer": "casadi", "seconds": [2e-6, 1e-6],
        "cpu": [ratio - 0.1, ratio, ratio + 0.1], "wall": [ratio] * 3, "rounds": 3, "size": size,
    }  # fmt: skip


def test_the_page_says_what_is_reached_and_what_is_missed():
    records = [record("n = 10", PLAIN, 0.9), record("n = 10", FAST, 0.7), record("n = 10,000", PLAIN, 12.0)]
    said = page.page([*records, {"row": "row", "install": PLAIN, "case": "n = 10", "differs": "jax", "by": 0.5}], [ROW])
    assert "≤ 1 | 0.9 [0.8, 1] ✓ (n = 10) | ≤ 0.5 | 0.7 [0.6, 0.8] **missed** (n = 10)" in said
    assert "≤ 30 | 12 [11.9, 12.1] ✓ (n = 10,000)" in said
    assert "*A row*: Memory is slow." in said
    assert "jax gave other numbers, by 0.5" in said
    assert "Memory is slow." not in page.page(records[:1], [ROW])
    assert "not measured" in page.page([], [ROW])


def test_the_page_and_its_plot_are_written(tmp_path):
    records = [{**record("depth 40", PLAIN, 2.0, n), "row": "nested"} for n in (40, 400)]
    nested = Row("nested", "Nested", ROW.measure, GOALS)
    assert page.write_page(records, [nested], tmp_path).read_text(encoding="utf-8").startswith("# Speed\n")
    assert (tmp_path / page.PLOT).stat().st_size > 1000


def test_the_command_measures_a_row_and_writes_lines_of_json(tmp_path):
    out = tmp_path / "results.jsonl"
    command = [sys.executable, BENCHMARKS / "performance.py", "--rows", "nested", "--quick", "--rounds", "1"]
    done = subprocess.run([*command, "-o", out], capture_output=True, text=True, timeout=60, check=True)
    assert "took" in done.stderr
    about, *records = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    assert about["packages"]["numpy"] == np.__version__
    assert {r["row"] for r in records} == {"nested"}
    assert any("seconds" in r for r in records), records
    assert not any(r.get("kind") == "failed" for r in records)

"""Long work tells how far it is to whoever watches, and a bar shows it where people look."""

import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from test_imports import loaded

import diffkit as dk
from diffkit.core.watching import counted, current_watcher, watched_by

ROOT = Path(__file__).resolve().parents[1]
CASES = [{"expr": "x^2", "at": k} for k in range(1, 6)]
WORK = {
    "report": (lambda: dk.report(CASES, backends="dual"), "comparing", 5),
    "report by workers": (lambda: dk.report(CASES, backends="dual", workers=2), "comparing", 5),
    "proofs": (lambda: dk.gradient("exp(x)*y", np.ones((7, 2))), "points", 7),
    "worst": (lambda: dk.worst("x^3", "x=1:2", backends="dual", points=9), "searching", 9),
    "stationary points": (lambda: dk.stationary("(x^2+y-11)^2 + (x+y^2-7)^2", "x=-5:5,y=-5:5"), "searching", 1.0),
    "descent": (lambda: dk.descend("(w - 3)^2", 0.0, rate=0.1, steps=20), "steps", 20),
}


def heard(work):
    told = []
    with watched_by(lambda *said: told.append(said)):
        found = work()
    return found, told


@pytest.mark.parametrize("name", WORK)
def test_long_work_tells_how_far_it_is(name):
    work, doing, total = WORK[name]
    found, told = heard(work)
    mine = [said for said in told if said[0] == doing]
    assert {t for _, _, t in mine} == {total}
    done = [d for _, d, _ in mine]
    assert done == sorted(done)
    assert len(set(done)) > 1
    assert 0 < done[-1] <= total + 1
    assert repr(found) == repr(work())  # watched or not, the answer is the same


def test_nobody_is_told_afterwards_nor_in_another_thread():
    from threading import Thread

    told = []
    with watched_by(lambda *said: told.append(said)):
        thread = Thread(target=lambda: dk.report(CASES, backends="dual"))
        thread.start()
        thread.join()
    dk.report(CASES, backends="dual")
    assert told == []
    assert current_watcher() is None
    numbers = [1, 2]
    assert counted(numbers, 2, "") is numbers


def test_a_bar_stands_on_a_terminal_and_goes():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)
    with dk.progress(console):
        dk.report(CASES, backends="dual")
    assert "comparing" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_a_pipe_and_a_file_see_nothing():
    code = (
        "import diffkit as dk\nwith dk.progress():\n"
        "    print(dk.report([{'expr': 'x', 'at': 1}], backends='dual').headline)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "gradients at 1 point: 1 agree\n"
    assert done.stderr == ""


def test_an_error_inside_ends_the_bar_and_arrives():
    with pytest.raises(dk.ParseError), dk.progress(Console(file=io.StringIO(), force_terminal=True)):
        dk.gradient("x +", 1)
    assert current_watcher() is None


def test_a_notebook_without_widgets_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr("diffkit.reports.progress_bar.find_spec", lambda name: None)
    with pytest.raises(dk.BackendError, match="ipywidgets"), dk.progress(Console(force_jupyter=True)):
        pass


@pytest.mark.skipif(not all(map(find_spec, ("nbclient", "ipykernel", "ipywidgets"))), reason="the notebook extra")
def test_a_bar_stands_in_a_real_notebook(tmp_path):
    source = (
        "# %%\nimport diffkit as dk\nwith dk.progress():\n"
        "    found = dk.report([{'expr': 'x^2', 'at': k} for k in range(200)], backends='dual')\n"
        "# %%\nprint(found.headline)\n"
    )
    file = tmp_path / "bar.py"
    file.write_text(source, encoding="utf-8")
    command = [sys.executable, str(ROOT / "docs" / "notebooks.py"), str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True, timeout=300)
    bar, headline = json.loads(done.stdout)["cells"]
    assert not [output for output in bar["outputs"] if output.get("name") == "stderr"]
    assert any("Output" in str(output.get("data", {})) for output in bar["outputs"])
    assert "200" in "".join(headline["outputs"][0]["text"])


def test_rich_is_not_loaded_with_diffkit():
    code = "import sys, diffkit as dk; dk.derivative('x', 1, backend='dual'); assert 'rich' not in sys.modules"
    assert loaded(code) == []

"""The notebooks of examples/notebooks run, show today what they are kept with, and use what users have."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import diffkit as dk

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import notebooks  # noqa: E402

SOURCES = notebooks.sources()
MOST_BYTES = 250_000
named = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)


def kept(path):
    return json.loads(path.with_suffix(".ipynb").read_text(encoding="utf-8"))


@named
def test_a_notebook_has_the_cells_of_its_source(path):
    bare = [
        {**cell, "outputs": [], "execution_count": None} if "outputs" in cell else cell for cell in kept(path)["cells"]
    ]
    assert bare == notebooks.cells(path.read_text(encoding="utf-8")), "run python docs/generate.py --notebooks"


@named
@pytest.mark.skipif(not find_spec("nbclient") or not find_spec("ipykernel"), reason="comes with the notebook extra")
def test_a_notebook_shows_what_its_cells_give_today(path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_PLATFORM_DIRS": "1"}
    command = [sys.executable, str(ROOT / "docs" / "notebooks.py"), str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    for cell, then, now in zip(
        code_cells(path), notebooks.said(kept(path)), notebooks.said(json.loads(done.stdout)), strict=True
    ):
        assert then == now, f"{cell}\nrun python docs/generate.py --notebooks"


def code_cells(path):
    return [cell["source"] for cell in kept(path)["cells"] if cell["cell_type"] == "code"]


@named
def test_a_notebook_uses_public_names_alone(path):
    for source in code_cells(path):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"numpy", "diffkit"}
            assert not isinstance(node, ast.ImportFrom)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "dk":
                assert node.attr in dk.__all__
            assert not (isinstance(node, ast.Attribute) and node.attr.startswith("_"))


@named
def test_a_notebook_can_be_read_in_ten_minutes_and_ends_with_the_question(path):
    cells = kept(path)["cells"]
    headings = [
        line for c in cells if c["cell_type"] == "markdown" for line in c["source"].splitlines() if line[:1] == "#"
    ]
    assert headings[0].startswith("# ")
    assert re.match("## Is my hand-written (gradient|derivative) right", headings[-1])
    assert sum(len(c["source"].split()) for c in cells) < 1500  # ten minutes at 150 words
    assert any("**Exercises.**" in c["source"] for c in cells[-4:])
    assert not [line for c in cells for line in c["source"].splitlines() if len(line) > 120]


@named
def test_a_notebook_shows_reports_and_is_small(path):
    outputs = [output for cell in kept(path)["cells"] for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert sum("<math" in str(output) for output in outputs) >= 1
    assert path.with_suffix(".ipynb").stat().st_size < MOST_BYTES


def test_pictures_stand_where_they_are_spoken_of():
    shown = {path.stem: str(kept(path)) for path in SOURCES}
    for name in ("derivative_as_a_limit", "gradients_and_stationary_points", "gradient_descent", "back_propagation"):
        assert "data:image/png" in shown[name], name
    assert "<svg" in shown["gradient_descent"]


def test_cells_are_read_from_a_file():
    source = "# %% [markdown]\n# # Title\n#\n# Words.\n\n# %%\nx = 1\nx\n"
    prose, code = notebooks.cells(source)
    assert prose["source"] == "# Title\n\nWords."
    assert code["source"] == "x = 1\nx"
    with pytest.raises(ValueError, match="before the first cell"):
        notebooks.cells("x = 1\n" + source)


def test_what_a_notebook_says_differs_by_words_and_not_by_pictures():
    def run(html):
        return {"cells": [{"cell_type": "code", "outputs": [{"data": {"text/html": html, "text/plain": "x"}}]}]}

    same = notebooks.said(run("<p>1</p><svg>a</svg>")), notebooks.said(run('<p>1</p><svg id="b">\n</svg>'))
    assert same[0] == same[1]
    assert notebooks.said(run("<p>1</p>")) != notebooks.said(run("<p>2</p>"))

"""Makes the notebooks of examples/notebooks: each is a Python file with cells, run, and kept with what its cells show.

``# %%`` begins a cell of code, ``# %% [markdown]`` one of prose, whose lines are comments. The file is the only source:
NAME.ipynb is written from it by ``python docs/generate.py --notebooks`` (the extra ``notebook`` brings what that needs).
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "examples" / "notebooks"
SHOWN = ("text/html", "text/plain")
"""what is kept of an answer that has many forms: notebooks show the first, programs and this house's tests read both"""
_CELL = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)
_PICTURES = re.compile(r"<svg.*?</svg>|<img[^>]*>|<style>.*?</style>|diffkit-[0-9a-f]{8}-", re.DOTALL)
SECONDS = 120


def sources() -> list[Path]:
    """The files with cells."""
    return sorted(NOTEBOOKS.glob("*.py"))


def cells(source: str) -> list[dict[str, Any]]:
    """The cells of a file, as notebooks have them, without what they show."""
    head, *parts = _CELL.split(source)
    if head.strip():
        raise ValueError(f"this stands before the first cell: {head.strip()[:60]}")
    found: list[dict[str, Any]] = []
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        number = f"cell-{len(found) + 1}"
        if kind == "markdown":
            prose = re.sub(r"(?m)^# ?", "", text).strip()
            found.append({"cell_type": "markdown", "id": number, "metadata": {}, "source": prose})
        else:
            found.append({"cell_type": "code", "id": number, "metadata": {}, "source": text.strip(),
                          "execution_count": None, "outputs": []})  # fmt: skip
    return found


def notebook(source: str) -> dict[str, Any]:
    """The notebook of a file, not run yet."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells(source), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def executed(source: str) -> dict[str, Any]:
    """The notebook of a file with what its cells show; an error of a cell is raised."""
    import nbformat
    from nbclient import NotebookClient

    os.environ["PYTHONPATH"] = str(ROOT)
    made = nbformat.from_dict(notebook(source))
    NotebookClient(made, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    run: dict[str, Any] = json.loads(json.dumps(made))
    for cell, given in zip(run["cells"], cells(source), strict=True):
        cell.update(given | {"outputs": _kept(cell["outputs"])}
                    if cell["cell_type"] == "code" else given)  # fmt: skip
    for count, cell in enumerate((c for c in run["cells"] if c["cell_type"] == "code"), 1):
        cell["execution_count"] = count
        for output in cell["outputs"]:
            if "execution_count" in output:
                output["execution_count"] = count
    return run | {"metadata": notebook(source)["metadata"]}


def _kept(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a notebook keeps of outputs: two forms of each answer; and what is printed, in one piece."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        if "data" in output:
            data = {form: text for form, text in output["data"].items() if form in SHOWN}
            found.append(output | {"data": data, "metadata": {}})
        elif found and "text" in output and output.get("name") == found[-1].get("name"):
            found[-1]["text"] += output["text"]  # a kernel sends it as it comes
        else:
            found.append(output)
    return found


def said(run: dict[str, Any]) -> list[list[str]]:
    """What each cell of code shows, as text: pictures depend on the version of matplotlib."""
    found = []
    for cell in run["cells"]:
        if cell["cell_type"] == "code":
            texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
            texts += [output["data"]["text/html"] for output in cell["outputs"] if "text/html" in output.get("data", {})]
            found.append([_PICTURES.sub("", "".join(text)).strip() for text in texts])
    return found


def as_text(run: dict[str, Any]) -> str:
    """A notebook as its file holds it."""
    return json.dumps(run, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write() -> None:
    """Run every notebook, and write those that show something else than they did."""
    for path in sources():
        source, file = path.read_text(encoding="utf-8"), path.with_suffix(".ipynb")
        now = executed(source)
        old = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"cells": []}
        if [c["source"] for c in old["cells"]] != [c["source"] for c in now["cells"]] or said(old) != said(now):
            file.write_text(as_text(now), encoding="utf-8")
            print(f"{file.relative_to(ROOT)}, run anew", file=sys.stderr)


if __name__ == "__main__":  # a test runs one, in a process of its own
    print(as_text(executed(Path(sys.argv[1]).read_text(encoding="utf-8"))))

"""The documentation says what happens: its examples run, its generated pages are current, its links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import generate  # noqa: E402
import pages  # noqa: E402

PAGES = generate.all_pages()
PERFORMED = generate.PERFORMED
APART = [page for page in PAGES if " needs=" in page.read_text(encoding="utf-8")]
"""pages that load large tools, whose threads must not meet the forks of other tests"""


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [p for p in PAGES if p not in [*PERFORMED, *APART]], ids=name)
def test_examples_give_what_the_page_shows(path, tmp_path):
    differences = generate.run_page(path, tmp_path)
    assert not differences, "\n".join(map(str, differences))


@pytest.mark.parametrize("path", APART, ids=name)
def test_examples_of_other_tools_give_what_the_page_shows(path, tmp_path):
    code = (
        "import sys, generate; found = generate.run_page(*map(generate.Path, sys.argv[1:]));"
        "sys.exit('\\n'.join(map(str, found)) or None)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [ROOT / "docs", ROOT])), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", code, str(path), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", PERFORMED, ids=name)
def test_extending_works_as_described(path, tmp_path):
    """The page's blocks are written into a copy of the package, and its commands run against the copy."""
    blocks = pages.blocks(path.read_text(encoding="utf-8"))
    assert any(b.target for b in blocks)
    assert any(b.language == "console" for b in blocks)
    differences = generate.run_page(path, tmp_path)
    assert not differences, "\n".join(map(str, differences))
    for test in commands_of_tests(blocks):
        run_pytest(test, tmp_path)


def commands_of_tests(blocks):
    """The `pytest tests/….py …` lines that a page tells the reader to run, where those tests exist."""
    lines = [line for b in blocks if b.language == "sh" for line in b.lines if line.startswith("pytest ")]
    return [line.split()[1:] for line in lines if (ROOT / line.split()[1]).exists()]


def run_pytest(arguments, directory):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(directory)
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_steps_of_contributing_name_exists():
    text = generate.CONTRIBUTING.read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    extending = [part for part in parts if part.startswith("Add ")]
    assert len(extending) == len(PERFORMED) - 1
    for part in extending:
        steps = re.findall(r"^\d\. (.*)$", part, flags=re.MULTILINE)
        assert 5 <= len(steps) <= 7
        assert "docs/extending/add_" in part
        for step in steps:
            spans = re.findall("`([^`]*)`", step)
            for path in (span for span in spans if "/" in span and " " not in span and "NAME" not in span):
                assert (ROOT / path).exists(), path
            for held, path in re.findall(r"`([A-Z]+)` (?:of|in) `([^`]*)`", step):
                assert re.search(rf"^{held}\b", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE), step
    recipes = re.findall(
        r"^([a-z][\w-]*)[^:=\n]*:(?!=)", (ROOT / "justfile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert set(re.findall(r"\bjust ([a-z-]+)", text)) <= set(recipes) >= {"test", "bench"}


@pytest.mark.parametrize("path", generate.GENERATED, ids=name)
def test_generated_pages_are_current(path):
    assert path.read_text(encoding="utf-8") == generate.GENERATED[path](), "run python docs/generate.py"


def test_what_the_list_of_places_says_is_so():
    """Each name is found where the list says (its generated table is current); and there alone, where that shows."""
    from diffkit.core.table import table

    sources = {p.relative_to(ROOT / "diffkit").as_posix(): p.read_text(encoding="utf-8")
               for p in (ROOT / "diffkit").rglob("*.py")}  # fmt: skip
    assert table["tanh"].partials[0].__module__ == f"diffkit.{generate.WHERE['The derivative of tanh']}"
    assert [name for name, text in sources.items() if "import csv" in text] == ["core/files.py"]
    assert [name for name, text in sources.items() if "<head>" in text] == ["reports/html.py"]


def test_the_function_reference_is_what_the_command_prints(tmp_path):
    printed = pages.Shell(tmp_path).run("diffkit functions --format markdown")
    assert (generate.REFERENCE / "functions.md").read_text(encoding="utf-8") == printed


@pytest.mark.parametrize("figure", generate.DRAWN)
def test_figures_show_what_is_drawn_now(figure, tmp_path):
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    committed = (generate.FIGURES / f"{figure}.svg").read_text(encoding="utf-8")
    assert generate.same_drawing(committed, generate.figure(figure, tmp_path)), "run python docs/generate.py --refresh"


def test_figures_are_drawn_and_shown():
    assert {path.stem for path in generate.FIGURES.iterdir()} == set(generate.DRAWN)
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert all(f"figures/{figure}.svg)" in text for figure in generate.DRAWN)


def test_a_figure_that_differs_is_noticed():
    drawn = (
        '<svg><metadata>Matplotlib v3.10.1, 1</metadata><image href="a"/><path id="p0123456789" d="M 1.5 2"/><!-- x -->'
    )
    same = drawn.replace("0123456789", "9876543210").replace('"a"', '"b"').replace("1.5", "1.505")
    assert generate.same_drawing(drawn, same)
    assert not generate.same_drawing(drawn, drawn.replace("1.5", "1.6"))
    assert not generate.same_drawing(drawn, drawn.replace("M 1", "L 1"))
    assert not generate.same_drawing(drawn, drawn.replace("<!-- x -->", "<!-- y -->"))
    other = drawn.replace("v3.10.1", "v3.11.0")
    assert generate.same_drawing(drawn, other.replace("1.5", "1.6"))
    assert not generate.same_drawing(drawn, other.replace("<!-- x -->", "<!-- y -->"))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere(path):
    prose = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_the_index_names_every_page():
    text = (generate.DOCS / "index.md").read_text(encoding="utf-8")
    for path in PAGES:
        inside = path.is_relative_to(generate.DOCS) and path.name != "index.md"
        if inside and path.parent.name != "decisions":
            assert f"({path.relative_to(generate.DOCS).as_posix()})" in text


# The checks above are not vacuous ------------------------------------------------------------------------------------

WRONG = """\
```csv file=points.csv
x
3
4
```

```console
$ diffkit derivative "x^2" --points points.csv --backend dual
f(x) = x**2

x  df/dx
3  5
4  8

dual numbers in binary64
$ echo $?
1
```

```python
>>> import diffkit as dk
>>> dk.derivative("x^2", 3, backend="dual").value
7.0
>>> dk.derivative("x^2", "no", backend="dual")
```

```python
assert not hasattr(dk, "derivative"), "seen from the session above"
```
"""


def test_a_page_that_is_wrong_is_noticed_and_corrected(tmp_path):
    differences = pages.Page(WRONG, tmp_path).run()
    assert [d.what.split()[0] for d in differences] == ["$", "$", ">>>", ">>>", "this"]
    assert "AssertionError: seen from the session above" in str(differences[-1])
    corrected = pages.corrected(WRONG, differences)
    assert "3  6\n4  8\n\ndual numbers in binary64\n$ echo $?\n0\n```" in corrected
    assert ".value\n6.0\n>>> " in corrected
    assert 'backend="dual")\nTraceback (most recent call last):\n    ...\ndiffkit.core.errors.' in corrected
    again = pages.Page(corrected, tmp_path).run()
    assert [d.what.split()[0] for d in again] == ["this"]


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["a", "...", "d"], ["a", "d"], True),
        (["a", "..."], ["a", "b"], True),
        (["a", "...", "d"], ["a", "b", "c"], False),
        (["a"], ["a", "b"], False),
        (["a."], ["ab"], False),
    ],
)
def test_an_ellipsis_stands_for_lines(shown, real, same):
    assert pages.agrees(shown, real) is same


def test_an_open_block_is_an_error():
    with pytest.raises(ValueError, match="line 2: this block is never closed"):
        pages.blocks("text\n```python\nx = 1\n")


@pytest.mark.parametrize("path", [p for p in PAGES if p.suffix == ".md"], ids=name)
def test_no_page_shows_a_crash(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("Traceback"):
            assert next(x for x in lines[number + 1 :] if x[:1].strip()).startswith("diffkit.core.errors."), number

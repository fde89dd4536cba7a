"""Writes what is generated in the documentation.

* ``python docs/generate.py`` writes man/diffkit.1, docs/reference/functions.md, cli.md, modules.md and api/, docs/glossary.md,
  the tables of docs/guides/tutorial_formulas.md, and in docs/how_it_works.md and CONTRIBUTING.md the rooms and where to find what.
* ``python docs/generate.py --refresh`` also runs the examples of README.md and docs/ and rewrites their outputs, runs
  the scripts in examples/ and writes docs/examples.md, and draws the figures of docs/figures that have changed.
* ``python docs/generate.py --notebooks`` also runs the notebooks of examples/notebooks.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path

import docstrings
import notebooks
import pages

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PERFORMED = (CONTRIBUTING, *sorted((DOCS / "extending").glob("*.md")))
"""The pages whose steps change diffkit: they run against a copy of it."""
EXAMPLES = DOCS / "examples.md"
TUTORIALS = DOCS / "guides" / "tutorial_formulas.md"
FIGURES = DOCS / "figures"
COPIED = ("CHANGELOG.md", "CONTRIBUTING.md", "diffkit", "docs", "pyproject.toml", "tests")


def functions_page() -> str:
    """Give docs/reference/functions.md, which is what the command prints."""
    from diffkit.reports import render
    from diffkit.reports.function_reference import reference

    return render(reference(), "markdown")


def cli_page() -> str:
    """Give docs/reference/cli.md from the help of every command."""
    import click

    from diffkit.cli.commands import cli

    lines = ["# Commands", "", "Generated from the commands' help by `python docs/generate.py`.", "", f"{cli.help}", ""]
    context = click.Context(cli, info_name="diffkit")
    lines += [f"- [`diffkit {name}`](#diffkit-{name}): {_summary(command)}" for name, command in _commands(cli)]
    lines += ["", "`-h` or `--help` gives help, wherever it stands; `diffkit --version` tells the version.", ""]
    lines += [
        "Exit codes: 0, all is well; 1, the answer is no (methods disagree, not differentiable, outside the domain, "
        "uncertain); 2, the input is bad or the output cannot be written; 130, interrupted; 141, the reader of the output "
        "went away.", "",
    ]  # fmt: skip
    for name, command in _commands(cli):
        lines += [f"## diffkit {name}", ""]
        inside = click.Context(command, info_name=name, parent=context)
        usage = " ".join(["diffkit", name, *command.collect_usage_pieces(inside)])
        lines += ["```text", usage, "```", "", *_prose(command.help or ""), "", "| option | meaning |", "| --- | --- |"]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                names = " / ".join((*parameter.opts, *parameter.secondary_opts))
                value = f" {parameter.metavar}" if parameter.metavar else ""
                meaning = (parameter.help or "").replace("|", "\\|")
                lines.append(f"| `{names}{value}` | {meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def man_page() -> str:
    """Give man/diffkit.1, dated as the newest section of the changelog is."""
    import manpage

    from diffkit import __version__
    from diffkit.cli.commands import cli

    newest = re.search(r"^## .*(\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    return manpage.page(cli, __version__, newest[1] if newest else "")


def _commands(group: object) -> list[tuple[str, object]]:
    return sorted(group.commands.items())  # type: ignore[attr-defined]


def _summary(command: object) -> str:
    return str(command.help).strip().splitlines()[0]  # type: ignore[attr-defined]


def _prose(text: str) -> list[str]:
    """Give a command's help as Markdown: paragraphs, and a block for the examples that follow click's mark."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        mark, _, examples = paragraph.strip().partition("\n")
        if mark in ("\b", "\\b"):
            found += ["", "```text", *(line.strip() for line in examples.splitlines()), "```"]
        else:
            found += ["", " ".join(paragraph.split())]
    return found[1:]


def tutorials_page() -> str:
    """Give docs/guides/tutorial_formulas.md with its tables as tests/tutorials has them, one below each heading."""
    sys.path.insert(0, str(ROOT / "tests"))
    from tutorials import STATEMENTS, TITLES
    from tutorials.statements import table

    text = TUTORIALS.read_text(encoding="utf-8")
    for name, statements in STATEMENTS.items():
        heading = f"\n## {name}: {TITLES[name]}\n\n"
        before, after = text.split(heading)
        text = before + heading + table(statements) + "\n" + re.sub(r"\A(\|.*\n)*", "", after)
    return text


def glossary_page() -> str:
    """Give docs/glossary.md from the table that reports link to."""
    from diffkit.reports.glossary import page

    return page()


def layers() -> list[tuple[int, list[str]]]:
    """Give the floors of the package with the rooms on them, as tests/test_imports.py has them."""
    tree = ast.parse((ROOT / "tests" / "test_imports.py").read_text(encoding="utf-8"))
    (found,) = (n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "LAYERS")
    return [(floor, sorted(names)) for floor, names in enumerate(ast.literal_eval(found), 1)]


def _about(path: Path) -> str:
    """Give the first line of what a module says of itself."""
    return _docstring(path).partition("\n")[0].replace("|", "\\|")


def rooms() -> str:
    """Give the table of rooms: floor, name, and what each is for."""
    lines = ["| floor | room | holds |", "| --- | --- | --- |"]
    for floor, names in layers():
        for name in names:
            room = ROOT / "diffkit" / name
            shown, path = (f"{name}/", room / "__init__.py") if room.is_dir() else (f"{name}.py", Path(f"{room}.py"))
            lines.append(f"| {floor} | `{shown}` | {_about(path)} |")
    return "\n".join(lines) + "\n"


WHERE = {
    "The derivative of tanh": "core.table.elementary",
    "Everything that is known of a function": "core.table.primitive:Primitive",
    "How text becomes a Program": "core.text.scalars:parse_program",
    "How a Program becomes text": "core.text.printer:format_outputs",
    "How LaTeX is written": "core.text.latex:latex",
    "How a derivative becomes source code": "methods.derivative_code:write_code",
    "How a language writes": "engines.languages",
    "How CSV is read": "core.files:csv_rows",
    "How a file of points is understood": "asking.points:PointsFile",
    "How files of data are understood": "lessons.matrices.data:load_data",
    "What sizes are refused": "core.limits:Limits",
    "How time runs out": "core.deadline:time_limit",
    "What is asked": "asking.tasks:Question",
    "Forward mode": "calculus.derivatives:differentiate",
    "Reverse mode": "calculus.derivatives:reverse_program",
    "How code written with NumPy is followed": "asking.callables.following",
    "That a derivative is proven": "proof.proofs:Proofs",
    "That a point of a formula is a kink": "proof.classification:Classifier",
    "That a point of code is a kink": "methods.differences.kinks:classify",
    "Where code passes a kink": "ndarrays.nonsmooth",
    "Which step a difference takes": "methods.differences.distance_search",
    "Which methods there are": "methods:get_backend",
    "How ulps are counted": "judging.comparison:ulps_between",
    "What compare concludes": "judging.comparison:Comparison",
    "Why a value is wrong": "judging.blame",
    "What check concludes": "judging.checking.outcome:Check",
    "How a wrong claim is mended": "judging.repair.explanation",
    "Which rule a step of explain uses": "lessons.derivations.textbook_rules:rule_of",
    "What a step of explain says": "lessons.derivations.derivation:DerivationStep",
    "That a step of explain is right": "lessons.derivations.verification:Verifier",
    "How a step of explain is laid out": "reports.derivation_report:step_blocks",
    "Which formats there are": "reports:render",
    "The head of an HTML page": "reports.html:render",
    "What the words of answers mean": "reports.glossary:Term",
    "Which commands there are": "cli.commands:cli",
}
"""What a reader may look for → module:name, below ``diffkit``"""


def where() -> str:
    """Give the table of where to look: the name, and the first line of what it says of itself."""
    lines = ["| what | where | in its words |", "| --- | --- | --- |"]
    for what, place in WHERE.items():
        module, _, name = place.partition(":")
        thing = import_module(f"diffkit.{module}")
        about = str((getattr(thing, name) if name else thing).__doc__ or "").strip().partition("\n")[0]
        if not about:
            raise ValueError(f"{place} says nothing of itself")
        lines.append(f"| {what} | `{place}` | {about.replace('|', '&#124;')} |")
    return "\n".join(lines) + "\n"


PARTS = {"rooms": rooms, "where": where}
"""What stands on a page between the marks ``<!-- NAME -->`` and ``<!-- end of NAME -->`` → what writes it"""


def with_parts(path: Path) -> str:
    """Give a page with its generated parts."""
    text = path.read_text(encoding="utf-8")
    for name, part in PARTS.items():
        head, mark, rest = text.partition(f"<!-- {name} -->\n")
        if mark:
            end = f"<!-- end of {name} -->"
            text = head + mark + part() + end + rest.partition(end)[2]
    return text


def modules_page() -> str:
    """Give docs/reference/modules.md: every file of the package, room by room."""
    lines = ["# Modules", "", "Every file of the package and what it is about, room by room; a room imports only from those above it.",
             "Generated from the code by `python docs/generate.py`.", ""]  # fmt: skip
    for _, names in layers():
        for name in names:
            room = ROOT / "diffkit" / name
            files = (
                sorted(room.rglob("*.py"), key=lambda p: (p.parent, p.name)) if room.is_dir() else [Path(f"{room}.py")]
            )
            lines += [f"## {name}" + "/" * room.is_dir(), "", "| file | about |", "| --- | --- |"]
            lines += [f"| `{p.relative_to(room.parent).as_posix()}` | {_about(p)} |" for p in files] + [""]
    return "\n".join(lines).rstrip() + "\n"


GENERATED = {
    REFERENCE / "functions.md": functions_page,
    REFERENCE / "cli.md": cli_page,
    REFERENCE / "modules.md": modules_page,
    ROOT / "man" / "diffkit.1": man_page,
    TUTORIALS: tutorials_page,
    DOCS / "glossary.md": glossary_page,
    **{REFERENCE / "api" / f"{topic}.md": partial(docstrings.topic_page, topic) for topic in docstrings.TOPICS},
    **{path: partial(with_parts, path) for path in (DOCS / "how_it_works.md", CONTRIBUTING)},
}
"""Page → what writes it."""


def examples() -> list[Path]:
    """Give the scripts in examples/."""
    return sorted((ROOT / "examples").glob("*.py"))


def run_example(path: Path, *arguments: object) -> str:
    """Run a script and give what it prints; it must not fail."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    command = [sys.executable, str(path), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True, encoding="utf-8").stdout


def examples_head() -> str:
    """Give the beginning of docs/examples.md: what each script is about."""
    lines = [
        "# Examples",
        "",
        "The scripts in `examples/`, one per topic: what each is about, and what it prints.",
        "Run one with `python examples/NAME.py`; those that can draw take the name of a picture, such as `picture.svg`.",
        "Written by `python docs/generate.py --refresh`; `tests/test_examples.py` compares every output.",
        "",
    ]
    for path in examples():
        first, _, _ = _docstring(path).partition("\n\n")
        lines.append(f"* [{path.stem}](#{path.stem}): {' '.join(first.split())}")
    return "\n".join(lines) + "\n"


def example_section(path: Path, output: str) -> str:
    """Give a script's part of docs/examples.md: its prose and its output."""
    source = f"[`examples/{path.name}`](../examples/{path.name})"
    return f"\n## {path.stem}\n\n{_docstring(path)}\n\n{source} prints\n\n```text\n{output.rstrip()}\n```\n"


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


BOWL = 'diffkit descend "(w-3)^2 + 2*(b+1)^2" --from w=0,b=0 --rate 0.1 --steps 100'
PERCEPTRON = (
    'diffkit descend "-mean(log(sigmoid(sigmoid(X @ V + c) @ w + b)))" --let "X=[[1,1],[2,2],[3,3]]" --from '
    '"V=[[0.1,-0.1,0.6,0.1],[-0.5,0.4,1.3,0.9]],c=[0,0,0,0],w=[-0.7,-1.3,-0.6,0],b=0" --rate 0.1 --steps 100'
)
DRAWN = {
    "activations": "diffkit gallery activations",
    "adjoints": 'diffkit explain "(y - sigmoid(w*x + b))^2" --backward --at b=0,w=1,x=2,y=1',
    "adjoints_network": 'diffkit explain "(y - v*tanh(w*x + b))^2/2" --backward --at b=0,v=2,w=1,x=0.5,y=1',
    "descent_contours": BOWL,
    "descent_rates": "diffkit gallery rates",
    "descent_surface": f"{BOWL} --picture surface",
    "descent_weights": f"{BOWL} --picture weights",
    "himmelblau": 'diffkit stationary "(x^2+y-11)^2 + (x+y^2-7)^2" --box x=-5:5,y=-5:5',
    "least_squares": 'diffkit descend "mean((y - (w*X + b))**2)/2" --let "X=[1,2,3],y=[5.1,6.9,9.2]" --from w=0,b=0 '
    "--rate 0.1 --steps 300",
    "lines": "diffkit gallery lines",
    "minima": "diffkit gallery minima",
    "perceptron_loss": f"{PERCEPTRON} --picture loss",
    "quartic": 'diffkit stationary "x^4 - 3*x^3 + 2" --box -1:3',
    "saddle": "diffkit gallery saddle",
    "tangent_kink": 'diffkit tangent "abs(x) + x^2/4" --at 0',
    "tangent_parabola": 'diffkit tangent "x^2" --at -0.5 --interval -1:1',
    "tangent_tan": 'diffkit tangent "tan(x)" --at 0.5 --interval -2:5',
    "v_curve": 'diffkit limit "exp(x)" --at 1',
}
"""Figure of docs/figures → the command that draws it."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
NEAR = 0.02  # points by which a coordinate may differ


def figure(name: str, directory: Path) -> str:
    """Draw a figure: give the text of its SVG file."""
    file = directory / f"{name}.svg"
    said = pages.Shell(directory).run(f"{DRAWN[name]} --save {file}")
    if not file.exists():
        raise RuntimeError(f"{DRAWN[name]}: {said}")
    return file.read_text(encoding="utf-8")


def same_drawing(one: str, other: str) -> bool:
    """Whether two SVG files show the same: all words, and all coordinates if one version of matplotlib drew both.

    Their bytes would differ by more than what is seen: each version of matplotlib has its own layout, embedded images
    are packed by the machine's own library, and the last digit of a coordinate is the processor's.
    """
    if re.findall("<!--(.*?)-->", one) != re.findall("<!--(.*?)-->", other):
        return False
    if re.findall("Matplotlib v[^,]*", one) != re.findall("Matplotlib v[^,]*", other):
        return True
    bare = [re.sub(r"<image.*?/>|<metadata>.*?</metadata>|[\"#][a-z][0-9a-f]{10}\b", "", text, flags=re.DOTALL)
            for text in (one, other)]  # fmt: skip
    if NUMBER.sub("", bare[0]) != NUMBER.sub("", bare[1]):
        return False
    numbers = [map(float, NUMBER.findall(text)) for text in bare]
    return all(abs(a - b) <= NEAR for a, b in zip(*numbers, strict=True))


def all_pages() -> list[Path]:
    """Give the README, CONTRIBUTING and every page of the documentation."""
    return [ROOT / "README.md", CONTRIBUTING, *sorted(DOCS.rglob("*.md"))]


def run_page(path: Path, directory: Path) -> list[pages.Difference]:
    """Run a page's examples in an empty directory; those that are performed run against a copy of the package there."""
    performed = path in PERFORMED
    if performed:
        copy_package(directory)
    return pages.Page(path.read_text(encoding="utf-8"), directory, performed).run()


def copy_package(directory: Path) -> None:
    """Copy the package and its tests, for a page to extend."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name)
        else:
            shutil.copy2(source, directory / name)


def refresh() -> None:
    """Run every example and write docs/examples.md, then every page and write the real outputs into it."""
    sections = [example_section(path, run_example(path)) for path in examples()]
    EXAMPLES.write_text(examples_head() + "".join(sections), encoding="utf-8")
    for path in all_pages():
        with tempfile.TemporaryDirectory() as directory:
            differences = run_page(path, Path(directory))
        for difference in differences:
            print(f"{path.relative_to(ROOT)}, {difference}", file=sys.stderr)
        if differences:
            text = path.read_text(encoding="utf-8")
            path.write_text(pages.corrected(text, differences), encoding="utf-8")


def redraw() -> None:
    """Draw the figures that are missing or no longer show what is drawn now."""
    with tempfile.TemporaryDirectory() as directory:
        for name in DRAWN:
            file, now = FIGURES / f"{name}.svg", figure(name, Path(directory))
            if not file.exists() or not same_drawing(file.read_text(encoding="utf-8"), now):
                file.write_text(now, encoding="utf-8")
                print(f"{file.relative_to(ROOT)}, drawn anew", file=sys.stderr)


def main() -> None:
    """Write the reference, and with ``--refresh`` the outputs of the examples and the figures."""
    parser = argparse.ArgumentParser(description="Write the generated documentation.")
    parser.add_argument("--refresh", action="store_true", help="rewrite the outputs of examples, and figures")
    parser.add_argument("--notebooks", action="store_true", help="run the notebooks of examples/notebooks")
    options = parser.parse_args()
    for path, page in GENERATED.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")
    if options.refresh:
        refresh()
        redraw()
    if options.notebooks:
        notebooks.write()


if __name__ == "__main__":
    main()

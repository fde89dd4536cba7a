"""What is released: one version everywhere, links that lead somewhere, a man page, and completion in shells."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import diffkit
from diffkit.cli.completion import SHELLS

ROOT = Path(__file__).parent.parent
WHOLE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = WHOLE["project"]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere():
    newest, date = re.search(r"^## (\S+) – (\S+)$", text("CHANGELOG.md"), re.MULTILINE).groups()
    cited = dict(re.findall(r'^([\w-]+): "?([^"\n]*)"?$', text("CITATION.cff"), re.MULTILINE))
    said = {newest, cited["version"], *re.findall(r'^  version: "(.*)"$', text("recipe/recipe.yaml"), re.MULTILINE)}
    assert said == {diffkit.__version__}
    assert cited["date-released"] == date
    assert f'"{date}" "diffkit {diffkit.__version__}"' in text("man/diffkit.1")


def test_the_recipe_needs_what_the_package_needs():
    run = text("recipe/recipe.yaml").partition("  run:\n")[2].partition("\n\n")[0]
    needed = {line.strip().removeprefix("- ").replace(" ", "") for line in run.splitlines()}
    assert needed == {*PROJECT["dependencies"], "python>=${{python_min}}"}
    assert f'python_min: "{PROJECT["requires-python"].removeprefix(">=")}"' in text("recipe/recipe.yaml")


def test_the_description_on_pypi_has_no_link_that_leads_nowhere():
    (rule,) = WHOLE["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    readme = text("README.md")
    for target in re.findall(rule["pattern"], readme):
        assert (ROOT / target.partition("#")[0]).exists(), target
    described = re.sub(rule["pattern"], rule["replacement"], readme)
    targets = re.findall(r"\]\(([^)\s]+)\)", described)
    assert len(targets) > 20
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_everything_is_an_extra_that_a_user_may_want():
    assert PROJECT["optional-dependencies"]["all"] == ["diffkit[fast,plot,scale,tools]"]
    assert {"fast", "plot", "tools"} <= PROJECT["optional-dependencies"].keys()


@pytest.mark.skipif(not shutil.which("groff"), reason="groff sets the page")
def test_the_man_page_is_set_without_a_warning_and_fits():
    command = ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-rLL=80n", str(ROOT / "man" / "diffkit.1")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("diffkit grad", "--timeout SECONDS", 'diffkit grad "3*x**2-4*x" --at 1', "EXIT STATUS"):
        assert name in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)


# Completion ----------------------------------------------------------------------------------------------------------


def completed(words, shell="bash"):
    environment = {**os.environ, "_DIFFKIT_COMPLETE": f"{shell}_complete", "COMP_WORDS": words,
                   "COMP_CWORD": str(len(words.split(" ")) - 1)}  # fmt: skip
    code = "import sys; from diffkit.cli import main\ntry: main([])\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "Traceback" not in done.stderr
    heavy = {"numpy", "sympy", "scipy", "flint", "mpmath", "rich", "importlib.metadata"} & set(done.stderr.split())
    assert heavy == set()
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("diffkit gr", ["grad"]),
        ("diffkit hess", ["hessian"]),
        ("diffkit grad -x^2 --timeout-", ["--timeout-each"]),
        ("diffkit grad x^2 --format ", ["text", "json", "markdown", "html"]),
        ("diffkit check x --claim 1 --format g", ["github"]),
        ("diffkit grad x^2 --backend=d", ["dual"]),
        ("diffkit compare x^2 --backends dual,symb", ["dual,symbolic"]),
        ("diffkit completion f", ["fish"]),
        ("diffkit nosuch --", None),
    ],
)
def test_shells_complete_commands_options_and_names(words, found):
    known = completed(words)
    assert found is None or known == found


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_one_that_it_reads(shell, run):
    code, out, err = run("completion", shell)
    assert (code, err) == (0, "")
    assert "_DIFFKIT_COMPLETE" in out
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=out, text=True, capture_output=True).stderr == ""


def test_a_shell_that_is_none_costs_a_line(run):
    code, out, err = run("completion", "tcsh")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1

"""The plugin for pytest: its fixture, and one page about every check of a run."""

import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from report_cases import check_page
from test_imports import loaded

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ("-p", "no:diffkit", "-p", "diffkit.pytest_plugin", "-p", "no:cacheprovider")
"""by its module, whether or not it is installed by its entry point"""
CHECKS = """
    import numpy as np
    from diffkit.testing import assert_gradient

    def loss(w):
        return np.sum(w**2)

    def test_right(gradcheck):
        gradcheck(loss, lambda w: 2*w, np.array([1.0, -2.0]), rtol=1e-9)

    def test_wrong(gradcheck):
        gradcheck("x^2*y", ["2*x*y", "x"], at=[1, 2])

    def test_without_the_fixture():
        assert_gradient("sin(x)", "cos(x)")

    def test_undecided(gradcheck):
        gradcheck("floor(x)", "0", at=2, allow_inconclusive=True)
"""


@pytest.fixture
def passed(pytester):
    """Run tests that check gradients: what pytest says, and the page."""
    pytester.makepyfile(CHECKS)

    def call(*options):
        done = pytester.runpytest_subprocess(*PLUGIN, *options)
        page = pytester.path / "checks.html"
        return done, page.read_text(encoding="utf-8") if page.exists() else None

    return call


def test_the_fixture_fails_with_the_report(passed):
    done, page = passed()
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(["*the gradient is wrong*", "*∂f/∂y*"])
    assert page is None


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_one_page_holds_every_check_of_the_run(passed, workers):
    if workers:
        pytest.importorskip("xdist", reason="comes with the test extra")
    done, page = passed("--diffkit-report=checks.html", *workers)
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(["diffkit: 4 checks in *checks.html"])
    check_page(page)
    assert "Check of 4 claims" in page
    assert "2 correct, 1 inconclusive and 1 wrong" in page
    for name in ("test_right", "test_wrong", "test_without_the_fixture", "test_undecided"):
        assert f"::{name}" in page
    assert "∂f/∂y" in page


def test_a_page_has_a_name_of_a_page(passed):
    done, page = passed("--diffkit-report=checks.txt")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*its name ends in .html*"])
    assert page is None


def test_a_page_that_cannot_be_written_says_so_and_a_run_without_checks_has_one(pytester):
    pytester.makepyfile("def test_nothing(): pass")
    done = pytester.runpytest_subprocess(*PLUGIN, "--diffkit-report=none/checks.html")
    assert done.ret != 0
    assert "cannot write" in done.stdout.str() + done.stderr.str()
    done = pytester.runpytest_subprocess(*PLUGIN, "--diffkit-report=checks.html")
    assert done.ret == 0
    assert "no claim was checked" in (pytester.path / "checks.html").read_text(encoding="utf-8")


def test_the_entry_point_leads_to_the_plugin_which_imports_nothing_heavy():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = import_module(project["entry-points"]["pytest11"]["diffkit"])
    assert hasattr(module, "pytest_addoption")
    code = "import pytest, sys; before = set(sys.modules); import diffkit.pytest_plugin\n"
    more = "assert {m for m in set(sys.modules) - before if m[:7] == 'diffkit'} == {'diffkit', 'diffkit.pytest_plugin'}"
    assert loaded(code + more) == []

"""Adapters of other tools: each passes the published check where it is installed, and says what it cannot do."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diffkit as dk
from diffkit.methods import BACKENDS, get_backend, installed_backends
from diffkit.methods.tools import TOOLS, is_installed
from diffkit.reports.backend_list import BackendList
from diffkit.testing import check_backend

EASY = "x**2*y + exp(-x)*sin(y)"


@pytest.fixture(params=TOOLS)
def tool(request):
    """A tool that is here."""
    if not is_installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


def by_itself(code, fine=(0,)):
    """What Python prints: some tools start threads, after which a process cannot be forked."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode in fine, done.stderr
    return done.stdout


def test_the_published_check(tool):
    said = by_itself(f"from diffkit.testing import check_backend\nprint(check_backend({tool!r}))")
    right = int(said.split(": ")[1].split()[0])
    assert right >= 30, said


def test_every_kind(tool):
    kinds = {"gradient": {}, "jvp": {"direction": (3.0, 2.0)}, "directional": {"direction": (1.0, -1.0)}}
    if tool != "jacobi":
        kinds |= {"hessian": {}, "hvp": {"direction": (1.0, 2.0)}}
    code = f"""
import json, diffkit as dk, numpy as np
for kind, options in {kinds!r}.items():
    found = getattr(dk, kind)({EASY!r}, (0.5, 1.25), **options, backend={tool!r})
    assert found.status == "ok", found
    print(json.dumps(np.ravel(found.value).tolist()))
"""
    for line, (kind, options) in zip(by_itself(code).splitlines(), kinds.items(), strict=True):
        expected = np.ravel(getattr(dk, kind)(EASY, (0.5, 1.25), **options).value)
        assert np.allclose(json.loads(line), expected, rtol=1e-7), kind


def test_points_without_a_derivative_are_told(tool):
    code = f"""
import diffkit as dk
for text in ("abs(x)", "1/x", "sqrt(x)", "max(x, -x)"):
    found = dk.derivative(text, 0.0, backend={tool!r})
    assert found.status not in ("ok", "uncertain"), (text, found)
    assert found.value != found.value
"""
    by_itself(code)


def test_what_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("diffkit.methods.tools.adapter.is_installed", lambda _: False)
    with pytest.raises(dk.BackendError, match="needs numdifftools, which is not installed"):
        dk.gradient("x", 1, backend="numdifftools")
    with pytest.raises(dk.BackendError, match="did you mean"):
        get_backend("casady")


def test_orders_beyond_a_tool():
    if not is_installed("scipy"):
        pytest.skip("SciPy is not installed")
    with pytest.raises(dk.BackendError, match="up to order 2, not 3"):
        dk.derivative("x**5", 1, order=3, backend="scipy")


def test_options_of_a_tool():
    result = dk.gradient(EASY, (0.5, 1.25), backend=dk.backends.Scipy(order=4, maxiter=3))
    assert result.backend == "scipy"
    assert dk.derivative("sin(x)", 1.0, backend=dk.backends.Mpmath(digits=50)).value == np.cos(1.0)


def test_all_that_are_here_are_compared():
    code = f"""
import diffkit as dk
print(len(dk.compare({EASY!r}, (0.5, 1.25), backends="all").rows))
"""
    assert int(by_itself(code).splitlines()[-1]) == len(installed_backends())


def test_large_coordinates_are_handed_over_in_units(tool):
    by_itself(f"""
import diffkit as dk
found = dk.gradient("x*y", (1e200, 2.0), backend={tool!r})
assert not found or abs(found.value[1] / 1e200 - 1) < 1e-6, found
""")


class Boastful:
    name, error_kind, covering = "boastful", "estimate", False

    def prepare(self, task):
        return Answering(get_backend("finite").prepare(task))


class Answering:
    formula = None

    def __init__(self, inner):
        self.inner = inner

    def at(self, point):
        found = self.inner.at(point)
        found.errors = [0.1 * e for e in found.errors]
        return found

    def batch(self, points):
        found = self.inner.batch(points)
        found.errors = np.zeros(len(found.values))
        return found


def test_errors_that_are_no_bounds_are_told(monkeypatch):
    assert len(check_backend(Boastful()).uncovered) > 5
    assert dk.compare(EASY, (0.5, 1.25), backends=[Boastful()]).verdict == "agree"
    monkeypatch.setattr(Boastful, "covering", True)
    with pytest.raises(AssertionError, match="does not cover"):
        check_backend(Boastful())


def test_reports_of_many_methods_are_short():
    said = by_itself(
        """
from diffkit.cli import main
main(["compare", "(1-cos(x))/x^2", "--at", "1e-8", "--backends", "symbolic,finite,dual,reverse,complex"])
""",
        fine=(1,),
    )
    assert said.count(" and ") < 12
    assert "methods that are farthest apart" in said


def test_the_list(run):
    said = run("backends")[1]
    assert "symbolic" in said
    body = json.loads(run("backends", "--format", "json")[1])
    names = [row["name"] for row in body["backends"]]
    assert names == ["auto", *installed_backends()]
    assert set(body["missing"]) == set(TOOLS) - set(names)


def test_code_that_has_changed_since_it_was_recorded_is_told(tool):
    """A tool that differentiates the formula of code never answers for the code of before."""
    by_itself(f"""
import numpy as np, diffkit as dk
A = np.array([1.0, 2.0])

def f(x):
    return np.sum(A * x**2)

point = np.array([1.0, 1.5])
prepared = dk.prepare(f, backend={tool!r})
assert np.allclose(prepared(point), 2 * A * point, rtol=1e-7)
A[:] = [10.0, 20.0]
try:
    found = prepared(point)
except dk.BackendError as error:
    assert "prepare it anew" in str(error)
else:
    assert np.allclose(found, 2 * A * point, rtol=1e-7), found
""")


def test_code_that_a_tool_does_not_take_says_why():
    pytest.importorskip("autograd")

    def f(x):
        if not isinstance(x, np.ndarray):
            raise ValueError("only plain arrays")
        return float(x[0]) ** 2 if x[0] > 0 else 0.0

    with pytest.raises(dk.BackendError, match=r"does not take the tool's arrays .*only plain arrays"):
        dk.gradient(f, np.array([1.0, 2.0]), backend="autograd")


PAGE = Path(__file__).parent.parent / "docs" / "tools.md"


def rows_of_page(title):
    """The rows below a title of docs/tools.md, by backend: what stands in each column."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0].splitlines()
             if line.startswith("| ")]  # fmt: skip
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


def test_the_page_has_every_backend():
    for title in ("What each can do", "Their figures"):
        assert list(rows_of_page(title)) == ["auto", *BACKENDS, *TOOLS]


@pytest.mark.parametrize("name", ["auto", *BACKENDS, *TOOLS])
def test_the_page_says_what_a_backend_can_do(name):
    """docs/tools.md is written by a run with all tools: what it says of one is found anew where that is here."""
    if name in TOOLS and not is_installed(name):
        pytest.skip(f"{name} is not installed")
    code = f"""
import json
from diffkit.testing import SCENARIOS, check_backend
passed = [s.kind for s in check_backend({name!r}).passed]
asked = [s.kind for s in SCENARIOS]
right = {{k: f"{{passed.count(k)}} of {{asked.count(k)}}" if k in passed else "–" for k in dict.fromkeys(asked)}}
print(json.dumps(right))
"""
    found = json.loads(by_itself(code).splitlines()[-1])
    said = rows_of_page("What each can do")[name]
    assert {kind: said[kind] for kind in found} == found
    (row,) = [row for row in BackendList().rows if row.name == name]
    assert (said["orders"], said["is given"], said["errors"]) == (row.order, row.follows, row.errors)

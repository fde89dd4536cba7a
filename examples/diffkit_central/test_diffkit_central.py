"""What such a package tests: that diffkit finds what it adds by name, and that this is right."""

import json
import math
import subprocess
import sys

import diffkit as dk
from diffkit.testing import check_backend


def run(*arguments):
    done = subprocess.run([sys.executable, "-m", "diffkit", *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_the_backend_is_found_by_its_name():
    assert "central" in dk.backends.names()
    assert abs(dk.gradient("x*y**2", (3, 5), backend="central").value[0] - 25) < 1e-6


def test_the_backend_answers_rightly():
    checked = check_backend("central", digits=5)
    assert len(checked.passed) > 20


def test_the_function_is_one_of_the_table_and_its_derivative_is_proven():
    for x in (-3.0, 0.0, 0.5, 8.0):
        found = dk.derivative("gd(x)", x)
        assert (found.status, found.error_kind) == ("ok", "proven")
        assert math.isclose(found.value, 1 / math.cosh(x), rel_tol=1e-15)
    assert dk.check("gudermannian(x)", "1/cosh(x)").verdict == "correct"
    assert dk.compare("gd(x)^2*y", (0.5, 2), backends=("symbolic", "finite", "dual", "central")).verdict == "agree"
    assert "added by diffkit-central 0.1.0" in run("functions", "gd")
    assert json.loads(run("functions", "gd", "--format", "json"))["added_by"] == "diffkit-central 0.1.0"


def test_the_format_is_known_to_the_commands():
    assert run("grad", "gd(x)*y", "--at", "0,2", "--format", "csv").splitlines()[-2:] == ["∂f/∂x,2,", "∂f/∂y,0,"]

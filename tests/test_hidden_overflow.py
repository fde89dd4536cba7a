"""Numbers that overflow on the way where a function or a quotient hides it: no method gives a wrong value then."""

import math
from itertools import product

import numpy as np
import pytest

import diffkit as dk
from diffkit.engines.lowering import _ENDING

NAMES = ("x", "y", "z")
HIDDEN = "(x*y)*z"
"""infinite in binary64 where x·y is, and a small number"""
ENDING = sorted({row.name for row in _ENDING} - {"heaviside", "sign"})
FORMULAS = [
    *(f"{name}({sign}{HIDDEN})" for name in ENDING for sign in ("", "-")),
    "x/(y*z)", "1/(1 + exp(-(x*y)*z))", f"sin(z)*exp(-{HIDDEN})", f"max({HIDDEN}, tanh({HIDDEN}))",
    f"where({HIDDEN} > 1, tanh({HIDDEN}), x)",
]  # fmt: skip
POINTS = [(1e154, 2e154, 1e-308), (1e300, 1e200, 1e150), (-3e200, 1e150, 2.0**-1074), (1e-3, 2.0, 0.5)]
METHODS = [("dual", "auto", "pairs"), ("reverse", "auto", "pairs"), ("symbolic", "auto", "pairs"),
           *product(["reverse"], ["python", "numpy", "llvm"], ["pairs", "double"])]  # fmt: skip


def right(found, status, expected):
    """What is called ok is near what is proven."""
    return status != "ok" or math.isclose(found, expected, rel_tol=1e-6, abs_tol=5e-324)


@pytest.mark.parametrize("text", FORMULAS)
def test_what_overflows_on_the_way_is_told(text):
    proven = [dk.gradient(text, point, variables=NAMES) for point in POINTS]
    expected = np.array([result.value for result in proven])
    batch = np.tile(POINTS, (3, 1))
    for backend, engine, precision in METHODS:
        if engine == "llvm":
            pytest.importorskip("llvmlite")
        prepared = dk.prepare(text, variables=NAMES, backend=backend, engine=engine, precision=precision)
        result = prepared.result(batch)
        for k, (row, statuses) in enumerate(zip(result.value, result.statuses, strict=True)):
            if proven[k % len(POINTS)].status == "ok":
                assert all(map(right, row, statuses, expected[k % len(POINTS)])), (backend, engine, precision, row)
        for point, there in zip(POINTS, expected, strict=True):
            single = prepared.result(point)
            assert all(map(right, single.value, single.statuses, there)), (backend, engine, precision, point)
            quick = prepared(point)
            assert all(math.isnan(a) or right(a, "ok", b) for a, b in zip(quick, there, strict=True))


@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize(("engine", "precision"), [*product(["python", "numpy", "llvm"], ["pairs", "double"])])
def test_no_other_partial_need_show_it(name, engine, precision):
    """By x alone nothing on the way is no number; with e^eᶻ there is no reach in which all is ordinary."""
    if engine == "llvm":
        pytest.importorskip("llvmlite")
    text, asked = f"{name}({HIDDEN}) + exp(exp(z))", {"variables": NAMES, "wrt": "x"}
    prepared = dk.prepare(text, "derivative", backend="reverse", engine=engine, precision=precision, **asked)
    expected = dk.derivative(text, POINTS[0], **asked)
    assert expected.status == "ok"
    for result in (prepared.result(POINTS[0]), prepared.result(np.tile(POINTS[0], (12, 1)))):
        found, statuses = np.ravel(result.value)[0], np.ravel(result.statuses)[0]
        assert right(found, statuses, expected.value), (found, expected.value)


def test_branches_that_are_not_taken_may_overflow():
    result = dk.gradient("where(x < 1, x*y, tanh(x*x*y))", (0.5, 1e308), backend="dual", variables=("x", "y"))
    assert result.status == "ok"
    assert result.value.tolist() == [1e308, 0.5]

"""Solvers that code calls: what is seen of them, that nothing is left behind, and that their error is no mistake."""

import math
import sys
import threading
import warnings

import numpy as np
import pytest
import scipy.integrate as si
import scipy.linalg as sl
import scipy.optimize as so

import diffkit as dk
from diffkit.asking.callables import solvers
from diffkit.asking.callables.solvers import tightened, watched

HILBERT = np.array([[1 / (i + j + 1) for j in range(8)] for i in range(8)])


def cubic(x, p):
    return x**3 + x - p


def root(p):
    x = 1.0
    for _ in range(60):
        x -= cubic(x, p) / (3 * x * x + 1)
    return x


def root_slope(p):
    return 1 / (3 * root(p) ** 2 + 1)


def decayed(p, **options):
    return si.solve_ivp(lambda t, y: -p * y, [0, 1], [1.0], **options).y[0, -1]


# (f, its derivative, a relative tolerance that its solver states: what it is off by is less than 100 times that)
CASES = {
    "quad": (lambda p: si.quad(lambda t: math.exp(-p * t) * math.cos(t), 0, math.inf)[0],
             lambda p: (1 - p * p) / (1 + p * p) ** 2, 1e-8),
    "quad in a loss": (lambda p: (si.quad(lambda t: math.exp(-p * t), 0, 1)[0] - 0.5) ** 2,
                       lambda p: 2 * (-math.expm1(-p) / p - 0.5) * (math.exp(-p) / p + math.expm1(-p) / p**2), 1e-8),
    "RK45": (decayed, lambda p: -math.exp(-p), 1e-3),
    "DOP853": (lambda p: decayed(p, method="DOP853", rtol=1e-6), lambda p: -math.exp(-p), 1e-6),
    "odeint": (lambda p: si.odeint(lambda y, t: -p * y, 1.0, [0, 1])[-1, 0], lambda p: -math.exp(-p), 1.5e-8),
    "brentq": (lambda p: so.brentq(cubic, -9, 9, args=(p,)), root_slope, 2e-12),
    "newton": (lambda p: so.newton(cubic, 1.0, args=(p,)), root_slope, 1.5e-8),
    "fsolve": (lambda p: so.fsolve(cubic, 1.0, args=(p,))[0], root_slope, 1.5e-8),
    "root_scalar": (lambda p: so.root_scalar(cubic, bracket=[-9, 9], args=(p,)).root, root_slope, 2e-12),
    "minimize": (lambda p: so.minimize(lambda x: math.cosh(x[0] - p) + x[0], [0.0]).fun, lambda p: 1.0, 1e-5),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("p", [0.7, 1.3])
def test_what_a_solver_adds_is_no_mistake(name, p):
    f, slope, tolerance = CASES[name]
    found = dk.check(f, slope, at=p)
    assert found.verdict == ("correct" if tolerance < 1e-4 else "inconclusive"), found
    if found.verdict == "inconclusive":
        assert "tighten the solver to 1e-12" in found.reason
    for wrong in (lambda p: 2 * slope(p), lambda p: -slope(p), lambda p: 0.0):
        assert dk.check(f, wrong, at=p, beside=0).verdict == "wrong"
    if tolerance < 1e-4:
        assert dk.check(f, lambda p: slope(p) + 1e-3, at=p, beside=0).verdict == "wrong"


def test_tolerances_of_a_solver_hold_with_rtol_too():
    assert dk.check(decayed, lambda p: -math.exp(-p), at=1.3, rtol=1e-2).verdict == "correct"
    assert dk.check(decayed, lambda p: -math.exp(-p), at=1.3, rtol=1e-9).verdict == "inconclusive"
    assert dk.check(decayed, lambda p: -2 * math.exp(-p), at=1.3, rtol=1e-9).verdict == "wrong"


@pytest.mark.parametrize("name", CASES)
def test_solvers_are_seen_and_tightened_and_nothing_is_left(name):
    f, _, tolerance = CASES[name]
    before = f(1.3)
    value, calls = watched(lambda: f(1.3))
    assert value == before
    assert calls
    assert tolerance / 1e4 < calls[0].tolerance < 10 * tolerance or name.startswith("quad")
    assert str(calls[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        closer = tightened(lambda: f(1.3), 1e-3)
    assert abs(closer - before) < 100 * tolerance
    assert f(1.3) == before
    assert sys.getprofile() is None


def test_tightening_brings_a_result_nearer():
    assert abs(tightened(lambda: decayed(1.3), 1e-4) - math.exp(-1.3)) < 1e-3 * abs(decayed(1.3) - math.exp(-1.3))
    assert abs(tightened(lambda: so.bisect(cubic, -9, 9, args=(1.3,), xtol=1e-2), 1e-4) - root(1.3)) < 1e-5


def test_linear_equations_have_their_condition():
    ones = np.ones(8)
    for solve in (lambda: np.linalg.solve(HILBERT, ones), lambda: sl.solve(HILBERT, ones),
                  lambda: np.linalg.inv(HILBERT), lambda: sl.cho_solve(sl.cho_factor(HILBERT), ones)):  # fmt: skip
        _, (call,) = watched(solve)
        assert call.linear
        assert 1e-6 < call.tolerance < 1e-3
    _, (call,) = watched(lambda: np.linalg.lstsq(np.ones((5, 2)), np.ones(5)))
    assert call.tolerance < 1e-13, "of a singular matrix the directions that count"


def test_a_profiler_that_runs_is_left_alone():
    seen = []

    def profile(frame, event, arg):
        seen.append(event)

    sys.setprofile(profile)
    try:
        value, calls = watched(lambda: CASES["quad"][0](1.3))
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    assert value == CASES["quad"][0](1.3)
    assert not calls
    assert seen


def test_code_that_raises_leaves_no_hook():
    def fails():
        CASES["quad"][0](1.3)
        raise KeyError("no")

    for run in (watched, lambda f: tightened(f, 1e-3)):
        with pytest.raises(KeyError):
            run(fails)
        assert sys.getprofile() is None


def test_other_threads_are_not_watched():
    found = []

    def run():
        other = threading.Thread(target=lambda: found.append((sys.getprofile(), CASES["quad"][0](1.3))))
        other.start()
        other.join()

    _, calls = watched(run)
    assert found[0][0] is None
    assert not calls


@pytest.mark.parametrize("module", solvers.SOLVERS)
def test_the_table_names_arguments_that_solvers_have(module):
    """Those of the installed SciPy; older ones may lack a few."""
    import importlib
    import inspect

    known = importlib.import_module(module)
    for name, knobs in solvers.SOLVERS[module].items():
        found = known
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not None and set(knobs) != {"rtol", "tol", "atol"}:  # cg had tol before it had rtol
            assert set(knobs) <= set(inspect.unwrap(found).__code__.co_varnames), (module, name, inspect.unwrap(found))


@pytest.mark.parametrize("at", [0.7, 1.0, 2.5])
def test_what_a_solver_adds_to_a_claim_is_no_mistake_either(at):
    def slope(p):
        return -si.solve_ivp(lambda t, y: -p * y, (0, 1), [1.0]).y[0, -1]

    assert dk.check("exp(-p)", slope, at=at, beside=0).verdict == "inconclusive"
    assert dk.check("exp(-p)", slope, at=at, beside=0, rtol=1e-2).verdict == "correct"
    assert dk.check("exp(-p)", lambda p: 2 * slope(p), at=at, beside=0).verdict == "wrong"


@pytest.mark.parametrize("method", ["RK23", "RK45", "Radau", "BDF", "LSODA"])
def test_a_reason_names_the_method_once(method):
    reason = dk.check(lambda p: decayed(p, method=method), lambda p: -math.exp(-p), at=0.7, beside=0).reason
    assert reason.count(f"calls {method} with rtol = 0.001 and atol = 1e-06") == reason.count("calls ") == 1
    assert "tighten the solver to 1e-12" in reason

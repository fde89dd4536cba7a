"""Python functions that differentiate inside, comparisons of them, size and threads."""

import functools
import threading
import tracemalloc

import numpy as np
import pytest
from callable_cases import ALL
from conftest import quickest
from numpy_functions import branched, rosenbrock

import diffkit as dk
from diffkit.core.errors import BackendError, TracingError
from diffkit.core.results import Answer

NESTED = {
    "the inner point moves": (lambda b: lambda x: x * dk.derivative(lambda y: y**3, x, backend=b).value, 2.0, 36.0),
    "in text": (lambda b: lambda x: x * float(dk.derivative("y^3", x, backend=b)), 2.0, 36.0),
    "confusion": (lambda b: lambda x: x * dk.derivative(lambda y: x + y, 1.0, backend=b).value, 1.0, 1.0),
    "closure": (lambda b: lambda x: x * dk.derivative(lambda y: x * y, 1.0, backend=b).value, 3.0, 6.0),
    "three levels": (
        lambda b: lambda x: x * dk.derivative(
            lambda y: y * dk.derivative(lambda z: x * y * z * z, 1.0, backend=b).value, 2.0, backend=b).value,
        3.0, 48.0,
    ),
    "prepared": (
        lambda b: functools.partial(lambda p, x: p(x) * x, dk.prepare(lambda y: y**3, "derivative", backend=b)),
        2.0, 36.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("outer", ALL)
@pytest.mark.parametrize("inner", ["auto", "dual", "finite"])
@pytest.mark.parametrize("case", NESTED)
def test_nested_derivatives_are_right_or_refused(case, inner, outer):
    make, at, want = NESTED[case]
    if case == "three levels" and (inner, outer) not in (("dual", "auto"), ("dual", "dual"), ("auto", "complex")):
        inner = "dual"  # differences of differences of differences take long
    try:
        value = float(dk.derivative(make(inner), at, backend=outer))
    except BackendError:  # the innermost of three is of proxies, whatever the outermost does
        assert outer not in ("auto", "finite") or (case == "three levels" and inner == "dual")
        return
    assert value == pytest.approx(want, rel=1e-9)


def test_three_levels_by_methods_that_take_plain_numbers():
    def inner(x):
        return dk.derivative(lambda y: y * dk.derivative(lambda z: x * y * z * z, 1.0).value, 2.0).value

    assert inner(3.0) == pytest.approx(24, rel=1e-9)


class Seven:
    name, error_kind = "seven", "none"

    def prepare(self, task):
        self.count, self.formula = len(task.indices), None
        return self

    def at(self, point):
        return Answer([7.0] * self.count)

    def batch(self, points):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("kind", "options"), [("gradient", {}), ("hessian", {}), ("hvp", {"direction": [1, 1]}), ("jacobian", {})]
)
@pytest.mark.parametrize("f", [rosenbrock, branched, lambda x: float(rosenbrock(np.array([float(v) for v in x])))])
def test_comparisons_of_functions(f, kind, options):
    seen = dk.compare(f, [0.5, 0.4], kind, (*ALL, Seven()), **options)
    assert seen.verdict == "disagree"
    assert [row.backend for row in seen.rows if row.outside] == ["seven"]
    assert {finding.backend for finding in seen.findings} == {"seven"}
    recorded = f is rosenbrock
    assert seen.reference.error_kind == ("proven" if recorded else "estimate")
    assert bool(seen.rows[1].skipped) == (not recorded)
    assert dk.compare(f, [0.5, 0.4], kind, ALL, **options).verdict == "agree"


def test_a_comparison_at_a_kink_of_code():
    assert dk.compare(lambda x: x if x > 0 else 0.0, 0.0, backends=ALL).verdict == "not_differentiable"


def coupled(x):
    return np.sum(np.sin(x[1:]) * x[:-1] ** 2)


def test_large_functions():
    x = np.linspace(0, 1, 10_000)
    moving = dk.prepare(coupled, "jvp", direction=x, backend="dual")
    moving(x)
    slope = moving(x)
    assert quickest(lambda: moving(x)) < 2000 * quickest(lambda: coupled(x))
    tracemalloc.start()
    short = dk.gradient(coupled, x[:2000], backend="dual").value
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6  # blocks of directions wait for the garbage collector
    exact_gradient = np.zeros(2000)
    exact_gradient[:-1] = 2 * x[:1999] * np.sin(x[1:2000])
    exact_gradient[1:] += np.cos(x[1:2000]) * x[:1999] ** 2
    np.testing.assert_allclose(short, exact_gradient, rtol=1e-14)
    whole = np.sum(2 * x[:-1] ** 2 * np.sin(x[1:])) + np.sum(np.cos(x[1:]) * x[:-1] ** 2 * x[1:])
    np.testing.assert_allclose(slope, whole, rtol=1e-12)


@pytest.mark.parametrize("backend", ALL)
def test_one_preparation_serves_many_threads(backend):
    prepared = dk.prepare(rosenbrock if backend == "symbolic" else branched, backend=backend)
    points = np.random.default_rng(2).uniform(0.5, 2, (12, 3))
    want = [prepared(p) for p in points]
    shared = dk.prepare(rosenbrock if backend == "symbolic" else branched, backend=backend)
    found = {}

    def work(first):
        for k in range(first, 12, 4):
            found[k] = shared(points[k])

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    for k in range(12):
        np.testing.assert_array_equal(found[k], want[k])


def test_an_inner_point_that_moves_says_what_to_do():
    with pytest.raises(TracingError, match="take backend='auto' or 'finite' for the outer one"):
        dk.derivative(lambda x: dk.derivative(np.sin, x).value, 1.0, backend="dual")

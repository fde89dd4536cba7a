"""Every function of NumPy and SciPy that is followed: its proof against a reference at 200 digits."""

import math
import operator
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from array_references import REFERENCES
from followed_cases import ARRAYS, BINARY, BY_VALUE, FACTS, ORDERED, REFUSED, UNARY, ufunc
from ndarray_cases import written_out

import diffkit as dk
from diffkit.core.program import run
from diffkit.ndarrays import pushforward
from diffkit.ndarrays.elementwise import UFUNC_FORMULAS, rows
from diffkit.ndarrays.protocols import FUNCTIONS, UFUNCS
from diffkit.numbers.multiprecision import multiprecision

DIGITS = 60
WORKING = 600  # digits of the reference: its differences with steps of 1e-60 are good to 1e-110 and far beyond
EXTREME = 1300  # where arguments are tiny or huge
NOISE = mp.mpf(10) ** -500
NAMES = {operator.getitem: "getitem", operator.setitem: "setitem"}


def followed():
    """Names of all functions with a rule."""
    for function in FUNCTIONS:
        home = function.__module__.removeprefix("numpy").removeprefix(".")
        yield NAMES.get(function) or f"{home}.{function.__name__}".removeprefix(".")
    for name, method in UFUNCS:
        yield name if method == "__call__" else f"{name}.{method}"
    yield from UFUNC_FORMULAS
    yield from rows()


def test_every_function_that_is_followed_has_a_case():
    known = {*UNARY, *BINARY, *ORDERED, *ARRAYS, *FACTS, *REFUSED, *BY_VALUE}
    assert set(followed()) - known == set()
    assert known - set(followed()) == set()


def objects(array):
    """An array of mpmath numbers."""
    return np.vectorize(mp.mpf, otypes=[object])(np.asarray(array, dtype=float))


def weighted(value):
    """A number in which every entry counts, by whole weights."""
    flat = np.ravel(value)
    return sum(flat[k] * (k % 7 + 1) for k in range(len(flat)))


def slopes(f, x):
    """The gradient of a function of an array of mpmath numbers, by differences."""
    found = []
    for k in range(x.size):
        h = mp.mpf(10) ** -60 * (abs(x.ravel()[k]) or 1)
        high, low = (f(_moved(x, k, sign * h)) for sign in (1, -1))
        found.append((high - low) / (2 * h))
    return found


def _moved(x, k, h):
    moved = x.copy().ravel()
    moved[k] = moved[k] + h
    return moved.reshape(x.shape)


def _working(x):
    return WORKING if all(1e-20 < abs(v) < 1e20 for v in x) else EXTREME


def holds(f, x, reference, beside=()):
    """The proven gradient is the reference's, in all digits and as a binary64."""
    found = dk.gradient(f, np.array(x, dtype=float), digits=DIGITS)
    assert found.status == "ok", found.message
    assert found.error_kind == "proven"
    with mp.workdps(_working([*np.ravel(x), *beside])):
        truth = slopes(reference, objects(x))
        for value, error, text, true in zip(found.flat, found.flat_error, found.decimals, truth, strict=True):
            assert value == float(true) or abs(value - true) <= error * (1 + mp.mpf(10) ** -9)
            assert abs(mp.mpf(text) - true) <= abs(true) * mp.mpf(10) ** (1 - DIGITS) + NOISE
            assert value == pytest.approx(float(true), rel=1e-15, abs=5e-324)


@pytest.mark.parametrize(
    ("name", "point"), [(name, point) for name, (_, points) in (UNARY | BINARY).items() for point in points]
)
def test_the_derivative_of_a_ufunc(name, point):
    """By each argument, the others being constants, and by all of them."""
    reference, call = (UNARY | BINARY)[name][0], ufunc(name)
    holds(lambda x: call(*x), list(point), lambda x: mp.mpf(1) * reference(*x))
    for k in range(len(point) if len(point) > 1 else 0):
        exact = [mp.mpf(v) for v in point]

        def beside(x, values, k=k):
            return [x[0] if i == k else v for i, v in enumerate(values)]

        def alone(x, b=beside, e=exact):
            return mp.mpf(1) * reference(*b(x, e))

        holds(lambda x, b=beside: call(*b(x, point)), [point[k]], alone, point)


@pytest.mark.parametrize(("name", "point"), [(n, p) for n, (_, points, _) in ORDERED.items() for p in points])
def test_the_derivative_of_a_function_with_an_order(name, point):
    reference, _, call = ORDERED[name]
    holds(lambda x: call(x[0]), list(point), lambda x: reference(x[0]))


@pytest.mark.parametrize("name", ARRAYS)
def test_the_gradient_of_a_function_of_arrays(name):
    f, x, *data = ARRAYS[name]
    reference = REFERENCES.get(name, f)
    with mp.workdps(WORKING):
        exact = [objects(d) for d in data]
    holds(lambda v: weighted(f(v, *data)), x, lambda v: weighted(reference(v, *exact)))


@pytest.mark.parametrize("name", BY_VALUE)
def test_what_looks_at_values_proves_nothing(name):
    x = np.array([0.1, -0.7, 1.3, 2.9, -1.9])
    assert dk.gradient(lambda v: weighted(BY_VALUE[name](v)), x).error_kind != "proven"


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_an_inner_derivative_that_is_recorded_rounds_no_constant_either(name):
    """The record of a pushforward, whose rules have constants of their own, run with 60 digits."""
    reference, points = (UNARY | BINARY)[name]
    point, call = points[0], ufunc(name)
    weights = [3.0, -2.0][: len(point)]
    parts = [np.full((1,), w) for w in weights]

    def slope(*x):
        return pushforward(lambda *v: call(*v), x, parts).tangents[0]

    program = written_out(slope, ["x", "y"][: len(point)], [()] * len(point)).program
    digits = multiprecision(80)
    (found,) = run(program, digits, [digits.number(v) for v in point])
    with mp.workdps(WORKING):
        truth = slopes(lambda x: mp.mpf(1) * reference(*x), objects(point))
        wanted = sum(w * s for w, s in zip(weights, truth, strict=True))
        assert abs(found - wanted) <= mp.mpf(10) ** -60 * abs(wanted) + NOISE


def hilbert(n):
    return np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])


MATRICES = {
    **{f"Hilbert {n}": hilbert(n) for n in (1, 2, 3, 4, 5, 6, 8, 10, 12)},
    "Vandermonde": np.vander(np.linspace(0.1, 1.3, 7)),
    "graded": np.diag(10.0 ** np.arange(-12, 12, 4)) + 0.1,
    "random": np.random.default_rng(3).normal(size=(20, 20)),
    "turned": hilbert(6)[::-1].T * 3.7,
}


def exact_solution(matrix, right):
    """A⁻¹B in fractions, by elimination."""
    rows = [[Fraction(v) for v in [*a, *b]] for a, b in zip(matrix.tolist(), right.tolist(), strict=True)]
    n = len(rows)
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]


@pytest.mark.parametrize("name", MATRICES)
def test_constant_matrices_are_solved_with_exactly(name):
    """The gradient of cᵀA⁻¹b is A⁻ᵀc of the binary64 in A, rounded once, however ill-conditioned A is."""
    matrix = MATRICES[name]
    n = len(matrix)
    weights = np.arange(1.0, n + 1)
    truth = [float(v) for (v,) in exact_solution(matrix.T, weights[:, None])]
    found = dk.gradient(lambda b: weights @ np.linalg.solve(matrix, b), np.cos(weights))
    assert found.error_kind == "proven"
    assert found.value.tolist() == truth
    assert all(error <= math.ulp(value) for value, error in zip(found.flat, found.flat_error, strict=True))


def test_stacks_of_constant_matrices_are_solved_with_exactly():
    stack = np.stack([hilbert(5), hilbert(5) + np.eye(5)])
    truth = np.array([[[float(v) for v in row] for row in exact_solution(a, np.eye(5))] for a in stack])
    found = dk.jacobian(lambda b: np.linalg.solve(stack, b[None])[:, :, 0], np.ones((5, 1)))
    assert found.value.reshape(2, 5, 5).tolist() == truth.tolist()


@pytest.mark.parametrize("matrix", [np.ones((2, 2)), np.arange(9.0).reshape(3, 3), np.zeros((5, 5)),
                                    np.outer(np.arange(1.0, 7), np.arange(2.0, 8))])  # fmt: skip
def test_a_singular_constant_matrix_has_no_value(matrix):
    found = dk.gradient(lambda b: np.sum(np.linalg.solve(matrix, b)), np.arange(1.0, len(matrix) + 1))
    assert set(found.statuses) == {"domain_error"}


def test_solutions_with_large_matrices_are_proven():
    matrix = np.random.default_rng(5).normal(size=(60, 60))
    found = dk.gradient(lambda b: np.sum(np.linalg.solve(matrix, b)), np.ones(60))
    assert found.error_kind == "proven"
    with mp.workdps(60):
        wanted = mp.lu_solve(mp.matrix(matrix.T.tolist()), mp.matrix([1] * 60))
    assert found.value.tolist() == [float(v) for v in wanted]

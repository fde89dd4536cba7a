"""Complex steps: bars that hold for libraries' complex branches, and answers that are none."""

import subprocess
import sys
import warnings

import mpmath
import numpy as np
import pytest
import scipy.linalg
import scipy.special
from special_functions import COMPLEX_ONLY, FUNCTIONS, MP, OTHERWISE, slope

import diffkit as dk
from diffkit.core.errors import BackendError


def test_every_special_function_that_takes_complex_numbers_is_tried():
    ufuncs = {name for name in dir(scipy.special) if isinstance(getattr(scipy.special, name), np.ufunc)}
    taking = {n for n in ufuncs if any("D" in t.split("->")[0] for t in getattr(scipy.special, n).types)}
    assert taking - {name for name, *_ in FUNCTIONS} - COMPLEX_ONLY - OTHERWISE == set()


def test_bars_hold_on_special_functions():
    """A complex branch that is off, as some are, is refused; what is ok is within its bar."""
    confirmed, wide = 0, 0
    for name, function, exact, points in FUNCTIONS:
        for x in points:
            truth = slope(exact, x)
            result = dk.derivative(function, x, backend="complex")
            if result.ok:
                assert abs(result.value - truth) <= result.error, (name, x)
                confirmed += 1
                wide += result.error > 1e-10 * abs(truth)
                continue
            best = dk.derivative(function, x)
            if best.error_kind == "estimate":
                assert best.ok, (name, x, best.message)
                assert abs(best.value - truth) <= 3 * best.error, (name, x)
    assert confirmed >= 300
    assert wide <= 0.05 * confirmed


def matrix(array):
    return MP.matrix(array.tolist())


def pseudoinverse(array):
    a = matrix(array)
    return (a.T * a) ** -1 * a.T


@pytest.mark.parametrize("seed", range(4))
def test_bars_hold_in_linear_algebra(seed):
    rng = np.random.default_rng(seed)
    n = 3 + seed
    t, y = np.sort(rng.choice(17, n, replace=False)) / 8.0 - 1.0, rng.normal(size=n)
    A, S = rng.normal(size=(n, 3)), np.eye(n) + 0.2 * np.ones((n, n)) + np.diag(np.arange(n))
    B, x = rng.normal(size=(3, 3)), 0.5
    exponential = matrix(B) * MP.expm(number(x) * matrix(B))
    slopes = [
        (lambda y: np.polyfit(t, y, 2), y, pseudoinverse(np.vander(t, 3))),
        (lambda b: np.linalg.lstsq(A, b, rcond=None)[0], y, pseudoinverse(A)),
        (lambda b: scipy.linalg.lstsq(A, b)[0], y, pseudoinverse(A)),
        (lambda b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(S), b), y, matrix(S) ** -1),
        (lambda b: scipy.linalg.lu_solve(scipy.linalg.lu_factor(S), b), y, matrix(S) ** -1),
        (lambda s: scipy.linalg.expm(s * B), x, exponential),
        (lambda v: np.corrcoef(v, t)[0, 1], y, correlation_slope(y, t)),
    ]
    for f, at, exact in slopes:
        result = dk.jacobian(f, at)
        assert result.ok, result.message
        for value, bar, truth in zip(result.flat, result.flat_error, list(exact), strict=True):
            assert abs(value - truth) <= bar + mpmath.mpf(1e-17) * abs(truth)


def number(x):
    return MP.mpf(x)


def correlation_slope(x, y):
    """∂r/∂xᵢ = (v̂ᵢ − r·ûᵢ)/‖u‖ with u and v the deviations from the mean."""
    u, v = ([number(a) - MP.fsum(map(number, w.tolist())) / len(w) for a in w.tolist()] for w in (x, y))
    norm = lambda w: MP.sqrt(MP.fsum(a * a for a in w))  # noqa: E731
    r = MP.fsum(a * b for a, b in zip(u, v, strict=True)) / norm(u) / norm(v)
    return [(b / norm(v) - r * a / norm(u)) / norm(u) for a, b in zip(u, v, strict=True)]


def test_an_entry_that_is_zero_is_met():
    """The middle entry of a slope through three points is 0; the complex step makes −4e-17 of it."""
    result = dk.gradient(lambda y: np.polyfit([0.0, 1.0, 2.0], y, 1)[0], [1.0, 2.0, 4.0])
    assert result.ok
    assert all(abs(v - t) <= e for v, e, t in zip(result.flat, result.flat_error, (-0.5, 0.0, 0.5), strict=True))


def drops(kind):
    def f(x):
        if np.iscomplexobj(x):
            warnings.warn("Casting complex values to real discards the imaginary part", kind, stacklevel=2)
        return np.real(x) ** 2 + 0.0j * x

    return f


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (abs, "real numbers at a complex point"),
        (lambda x: np.linalg.norm([x, 1.0]), "real numbers"),
        (lambda x: np.std([x, 1.0]), "real numbers"),
        (lambda x: np.angle(np.exp(1j * x)), "real numbers"),
        (lambda x: x.real**2, "real numbers"),
        (lambda x: -1.0, "real numbers"),
        (lambda x: np.array(x, np.complex64) ** 2, "complex64, in which complex steps underflow"),
        (drops(UserWarning), "drops imaginary parts"),
        (drops(np.exceptions.ComplexWarning), "drops imaginary parts"),
        (lambda x: np.arctan2(x, 1.0), "does not take complex numbers"),
    ],
)
def test_an_answer_that_tells_nothing_is_no_zero(f, words):
    with pytest.raises(BackendError, match=words):
        dk.derivative(f, 1.5, backend="complex")


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: abs(x) + 0j, 1.0),
        (lambda x: np.stack([abs(x), x**2]).sum(), 4.0),
        (lambda x: (x + 0j).astype(np.complex64).astype(complex) ** 2, 3.0),
        (lambda x: np.exp(x + 0j) * 1e-300 * 1e-20, 4.5e-320),
        (lambda x: x.conj() * x, 3.0),
    ],
)
def test_what_differences_contradict_is_uncertain_with_both(f, slope):
    result = dk.derivative(f, 1.5, backend="complex")
    assert result.status == "uncertain"
    assert "by complex steps it has" in result.message
    assert "by real differences" in result.message
    (odd,) = result.odd.values()
    assert abs(odd.value - slope) <= odd.error + 1e-3 * slope or "e-3" in result.message


QUIET = """
import warnings, sys
warnings.simplefilter("error")
import numpy as np, scipy.optimize as so, diffkit as dk
np.seterr(all="raise")
def cast(x):
    return np.sum(np.exp(-np.asarray(x, np.complex64 if np.iscomplexobj(x) else np.float32) ** 2))
for f, at in ((cast, [1.0, 2.0]), (lambda x: np.exp(x) * 1e-300 * 1e-20, 1.0), (lambda x: np.exp(-x * x), 30.0),
              (lambda p: so.fsolve(lambda y: y**3 + p * y - 1, 0.5)[0], 0.7)):
    for backend in ("auto", "complex", "dual", "finite", "reverse"):
        try:
            dk.gradient(f, at, backend=backend)
        except dk.BackendError:
            pass
assert np.geterr()["under"] == "raise"
"""


def test_nothing_is_said_on_the_way():
    """No warning, no floating-point error of NumPy, and no traceback of what fails in compiled code."""
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""

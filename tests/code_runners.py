"""Code that diffkit writes, made to run: for each language a function of many codes that gives a function of each."""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from jax_process import elsewhere

double = ctypes.c_double


def _executed(codes):
    for code in codes:
        space = {}
        exec(compile(code.source, "<code>", "exec"), space)
        yield code, space[code.name]


def run_python(codes):
    """Straight Python."""
    return [lambda *point, f=f: np.ravel(np.array(f(*point), dtype=float)) for _, f in _executed(codes)]


def run_numpy(codes):
    """Arrays of shape (2,), of which one column is looked at; both must be equal."""

    def runner(f, code):
        def run(*point):
            with np.errstate(all="ignore"):
                found = np.asarray(f(*(np.array([x, x]) for x in point)))
            assert found.shape == (2, *code.shape)
            assert np.array_equal(found[0], found[1], equal_nan=True)
            return found[0].ravel()

        return run

    return [runner(f, code) for code, f in _executed(codes)]


@functools.cache
def _jax_function(code):
    ((_, f),) = _executed([code])
    return f


@elsewhere
def jax_values(code, point):
    """The value of a code at a point, in double."""
    import jax

    with jax.enable_x64(True):
        found = np.asarray(_jax_function(code)(*point))
    assert found.shape == code.shape
    assert found.dtype == float
    return found.ravel()


def run_jax(codes):
    """Numbers, in double."""
    if find_spec("jax") is None:
        pytest.skip("JAX is not installed")
    return [lambda *point, code=code: jax_values(code, tuple(map(float, point))) for code in codes]


def _library(compiler, codes, suffix, options):
    """Codes in one file, as a library that is loaded."""
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} here")
    folder = Path(tempfile.mkdtemp())
    file = folder / f"code.{suffix}"
    file.write_text("\n\n".join(code.source for code in codes) + "\n", encoding="utf-8")
    command = [compiler, *options, "-shared", "-fPIC", "-o", str(folder / "code.so"), str(file), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]
    assert not done.stderr, done.stderr[:3000]
    try:
        return ctypes.CDLL(str(folder / "code.so"))
    finally:
        shutil.rmtree(folder)


def run_c(codes):
    """C99, by the C compiler, without a warning."""
    options = [
        "-std=gnu99",
        "-Wall",
        "-Wextra",
        "-Wno-unused-parameter",
        "-pedantic",
        "-Werror",
        "-O1",
        "-ffp-contract=off",
    ]
    library = _library("cc", codes, "c", options)

    def runner(code):
        f, size = getattr(library, code.name), int(np.prod(code.shape))
        if not code.shape:
            f.restype = double
            return lambda *point: np.array([f(*map(double, point))])

        def run(*point):
            out = (double * size)()
            f(*map(double, point), out)
            return np.array(out)

        return run

    return [runner(code) for code in codes]


def run_fortran(codes):
    """Fortran 2008, by gfortran."""
    library = _library("gfortran", codes, "f90", ["-std=f2008", "-O1", "-ffp-contract=off"])

    def runner(code):
        f, size = getattr(library, f"{code.name.lower()}_"), int(np.prod(code.shape))

        def run(*point):
            out = (double * size)()
            f(*(ctypes.byref(double(x)) for x in point), out)
            return np.array(out).reshape(code.shape, order="F").ravel()

        return run

    return [runner(code) for code in codes]


RUNNERS = {"python": run_python, "numpy": run_numpy, "jax": run_jax, "c": run_c, "fortran": run_fortran}
"""by language"""

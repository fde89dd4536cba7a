"""The zero of an answer in pairs has no sign: each engine, one point and many give the same bits."""

from itertools import product

import numpy as np
import pytest

import diffkit as dk
from diffkit.engines import is_installed

TEXTS = ("(x - y)**2 + (y - z)**4", "-4*(x - y)^3 + z", "2*x*y - z*x", "-x*y", "x^2*y^2*z^2", "4*x - y*(-8)*z",
         "abs(x)*y + z", "x*sin(y)*z", "-(x*y)^3*2 + z")  # fmt: skip
POINTS = list(product([0.0, -0.0, 1.0, -0.5], repeat=3))
NAMES = ("x", "y", "z")


@pytest.mark.parametrize("backend", ["dual", "reverse", "symbolic"])
@pytest.mark.parametrize("text", TEXTS)
def test_of_all_engines(text, backend):
    for kind in ("gradient", "hessian"):
        first = [dk.prepare(text, kind, backend=backend, variables=NAMES).result(point).value for point in POINTS]
        assert not any(np.signbit(value[value == 0]).any() for value in first)
        for engine in filter(is_installed, ("python", "numpy", "llvm")):
            prepared = dk.prepare(text, kind, backend=backend, variables=NAMES, engine=engine)
            many = prepared(np.array(POINTS * 3))[: len(POINTS)]
            alone = [[prepared(point) for _ in range(4)][-1] for point in POINTS]
            for found in (many, alone):
                assert [value.tobytes() for value in found] == [value.tobytes() for value in first], engine

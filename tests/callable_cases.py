"""What the tests of Python functions share."""

import numpy as np

ALL = ("auto", "symbolic", "dual", "complex", "finite")


CLOSE = {"finite": 1e-6}


def close(backend, got, want):
    np.testing.assert_allclose(got, want, rtol=CLOSE.get(backend, 1e-13), atol=CLOSE.get(backend, 1e-13))


def curve(x):
    return np.sum(x**2) * np.sin(x[0])

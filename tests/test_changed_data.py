"""A prepared derivative of code never answers for the data of before: it is the new one, or it is refused."""

import numpy as np
import pytest

import diffkit as dk
from diffkit.methods import BACKENDS

DATA = np.array([[1.0, 2.0], [3.0, 4.0]])
AT = np.array([1.0, 1.5])


def energy(x):
    return np.sum((DATA @ x) ** 2)


def image(x):
    return DATA @ x**2


KINDS = {
    "gradient": (energy, {}, lambda x: 2 * DATA.T @ DATA @ x),
    "hessian": (energy, {}, lambda x: 2 * DATA.T @ DATA),
    "hvp": (energy, {"direction": [1.0, -1.0]}, lambda x: 2 * DATA.T @ DATA @ [1.0, -1.0]),
    "jacobian": (image, {}, lambda x: DATA * 2 * x),
    "jvp": (image, {"direction": [1.0, -1.0]}, lambda x: (DATA * 2 * x) @ [1.0, -1.0]),
    "vjp": (image, {"cotangent": [2.0, 1.0]}, lambda x: [2.0, 1.0] @ (DATA * 2 * x)),
}


@pytest.fixture(autouse=True)
def _as_before():
    before = DATA.copy()
    yield
    DATA[:] = before


@pytest.mark.parametrize("precision", ["pairs", "double"])
@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asked", ["point", "batch"])
def test_of_every_backend(kind, backend, precision, asked):
    f, options, truth = KINDS[kind]
    points = AT if asked == "point" else AT + np.arange(20.0)[:, np.newaxis] / 8
    try:
        prepared = dk.prepare(dk.Function(f, shape=(2,)), kind, backend=backend, precision=precision, **options)
        found = [prepared(points) for _ in range(4)][-1]  # until it is compiled
    except dk.BackendError as error:
        pytest.skip(error.reason)
    for data in (DATA.copy(), DATA[::-1] * 10.0, DATA.copy()):
        DATA[:] = data
        expected = truth(AT) if asked == "point" else np.array([truth(x) for x in points])
        try:
            found = prepared(points)
        except dk.BackendError as error:
            assert error.hint == "prepare it anew"  # noqa: PT017  (the other way out is an answer)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)

"""The JAX engine against the interpreter in double: the same within rounding, where nothing is subnormal."""

import sys

import numpy as np
import pytest
from jax_process import elsewhere, needs_jax
from test_engines import EXAMPLES, drawn
from test_numpy_engine import interpreted, written

import diffkit as dk
from diffkit.core.program import run, run_slots
from diffkit.core.text import parse_program
from diffkit.engines import Unsuited
from diffkit.engines.jax import compile_batch
from diffkit.engines.lowering import lower
from diffkit.numbers.bounds import BOUNDS
from diffkit.numbers.floats import FLOATS

pytestmark = needs_jax
COUNT = max(EXAMPLES // 10, 10)


def bars(guarded, point):
    """What binary64 may round in each derivative."""
    found = run(guarded.program, BOUNDS, [(x, 0.0) for x in point])
    return np.array([error for _, error in found[: guarded.derivatives]], dtype=float)


@elsewhere
def test_ordinary_points_have_the_values_of_the_interpreter():
    compared = 0
    for _, (guarded, points) in zip(range(COUNT), drawn(31), strict=False):
        points = np.array(points)
        lowered = lower(guarded, "double")
        try:
            out, ordinary = written(compile_batch(lowered), points, lowered.values)
        except Unsuited:
            continue
        truth = interpreted(guarded, lowered, "double", points)
        for row in np.flatnonzero(ordinary & np.isfinite(truth).all(axis=1)):
            bar = bars(guarded, points[row].tolist())
            slots = run_slots(lowered.program, FLOATS, points[row].tolist())
            if np.isfinite(bar).all() and not any(0 < abs(x) < sys.float_info.min for x in slots):
                compared += 1
                assert (np.abs(out[row] - truth[row]) <= 4 * bar + 1e-14 * np.abs(truth[row])).all(), guarded.primal
    assert compared > COUNT


@elsewhere
def test_points_that_are_not_ordinary_are_left_to_the_interpreter():
    p = dk.prepare("log(x)*abs(y) + x^y", precision="double", engine="jax")
    points = np.array([[0.5, 1.0], [-1.0, 1.0], [0.0, 2.0], [2.0, 0.0], [1.5, -3.0]] * 20)
    plain = dk.prepare("log(x)*abs(y) + x^y", precision="double")
    assert p.result(points).statuses.tolist() == plain.result(points).statuses.tolist()
    np.testing.assert_allclose(p.result(points).value, plain.result(points).value, rtol=1e-14)


@elsewhere
def test_the_users_setting_of_precision_stays():
    import jax.numpy as jnp

    dk.prepare("exp(x*y)", precision="double", engine="jax")(np.ones((50, 2)))
    assert jnp.asarray(0.1).dtype == jnp.float32


@pytest.mark.parametrize(("text", "precision"), [("x*y", "pairs"), ("besselj(2, x)*y", "double")])
@elsewhere
def test_what_jax_does_not_compute_is_refused(text, precision):
    from diffkit.calculus.derivatives import derivative_program
    from diffkit.calculus.guards import guard

    primal = parse_program(text, ("x", "y"))
    with pytest.raises(Unsuited):
        compile_batch(lower(guard(primal, derivative_program(primal, [(0, (0,))])), precision))


DATA = np.random.default_rng(5).normal(size=(7, 4))


def network(w):
    """Slices, products, sums over axes, a choice and a power: what losses are made of."""
    hidden = np.tanh(DATA @ w[:12].reshape(4, 3) + w[12:15])
    out = np.where(hidden > 0, hidden, 0.1 * hidden) @ w[[15, 17, 16]]
    return np.sum(out**2 + np.abs(w[3]) ** 1.5) / 7 + np.log(np.sum(np.exp(w)))


@elsewhere
def test_many_weight_vectors_of_recorded_code():
    rows = np.random.default_rng(6).normal(size=(40, 18))
    rows[7, 3] = 0.0
    by_jax = dk.prepare(dk.Function(network, shape=(18,)), backend="reverse", precision="double", engine="jax")
    plain = dk.prepare(dk.Function(network, shape=(18,)), backend="reverse")
    np.testing.assert_allclose(by_jax(rows), plain(rows), rtol=1e-12, atol=1e-14)
    assert "batches by jax" in repr(by_jax)
    assert by_jax.result(rows).statuses.tolist() == plain.result(rows).statuses.tolist()
    np.testing.assert_allclose(by_jax(rows[0]), plain(rows[0]), rtol=1e-12)


@elsewhere
def test_changed_data_are_noticed_by_the_jax_engine_too():
    weights = np.array([1.0, 2.0, 3.0])
    prepared = dk.prepare(
        dk.Function(lambda w: np.sum(weights * w**2), shape=(3,)), precision="double", engine="jax"
    )  # fmt: skip
    rows = np.ones((20, 3))
    assert prepared(rows)[-1].tolist() == [2, 4, 6]
    weights[:] = 3.0, 1.0, 2.0
    assert prepared(rows)[-1].tolist() == [6, 2, 4]


def test_other_engines_take_no_records():
    with pytest.raises(dk.BackendError, match="takes no records of code"):
        dk.prepare(network, precision="double", engine="llvm")(np.ones(18))
    with pytest.raises(dk.BackendError, match="no choice of precision"):
        dk.prepare(network, engine="jax", backend="reverse")(np.ones(18))

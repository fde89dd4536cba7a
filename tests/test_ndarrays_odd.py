"""Dual arrays where a function is not smooth, and code that cannot be followed."""

import math

import numpy as np
import pytest
from ndarray_cases import KINKS, SMOOTH_AFTER_ALL, TIES, TRAPS, by_name, written_out

import diffkit as dk
from diffkit.core.errors import TracingError
from diffkit.ndarrays import pushforward


@by_name(KINKS)
def test_a_moving_value_at_a_place_that_is_not_smooth_has_no_tangent_and_is_recorded(name):
    f, kind = KINKS[name]
    found = pushforward(f, [0.0], [np.ones(1)])
    assert np.all(np.isnan(found.tangents))
    (hit, *_) = [hit for hit in found.hits if hit.kind != "tie"]
    assert hit.kind == kind
    assert hit.where.file.endswith(("test_ndarrays_odd.py", "ndarray_cases.py"))


@by_name([name for name in KINKS if name not in ("norm", "cbrt") and "eigen" not in name])
def test_a_constant_at_such_a_place_does_no_harm(name):
    f, _ = KINKS[name]
    found = pushforward(lambda x: f(np.zeros_like(x)) * 0 + x if name != "log" else x, [3.0], [np.ones(1)])
    assert not found.hits


@by_name(SMOOTH_AFTER_ALL)
def test_a_place_that_does_not_matter_leaves_the_tangent(name):
    f, wanted = SMOOTH_AFTER_ALL[name]
    assert pushforward(f, [0.0], [np.ones(1)]).tangents[0] == wanted


def test_good_components_keep_their_tangents():
    found = pushforward(lambda x: np.sum(np.sqrt(x)) + x[0] * np.abs(x[2]), [np.array([4.0, 0.0, 0.0])], [np.eye(3)])
    np.testing.assert_array_equal(found.tangents, [0.25, math.nan, math.nan])


def test_absent_tangents_stay_absent():
    found = pushforward(lambda x: np.sqrt(x[1] * 0.0 + np.zeros_like(x)[0]) * 0 + x[0], [np.ones(2)], [np.eye(2)])
    np.testing.assert_array_equal(found.tangents, [1.0, math.nan])


@by_name(TIES)
def test_a_choice_decided_by_equality_of_moving_values_is_recorded(name):
    found = pushforward(TIES[name], [0.0], [np.ones(1)])
    assert any(hit.kind == "tie" for hit in found.hits)
    assert not pushforward(TIES[name], [0.5], [np.ones(1)]).hits


def test_a_comparison_of_what_does_not_move_is_not_a_tie():
    assert not pushforward(lambda x: x if np.zeros_like(x) >= 0 else -x, [1.0], [np.ones(1)]).hits
    found = pushforward(lambda x: x[0] if x[1] >= 0 else -x[0], [np.array([1.0, 0.0])], [np.array([[1.0, 0.0]])])
    assert not found.hits


def test_a_hit_says_where():
    found = pushforward(lambda x: np.abs(x), [0.0], [np.ones(1)])
    assert str(found.hits[0]).startswith("kink of abs (x = 0), at test_ndarrays_odd.py line ")


def follow(how, f):
    """Push one direction through f, or record it."""
    if how == "dual":
        return pushforward(f, [np.array([0.3, 0.5, -1.2])], [np.ones((1, 3))])
    return written_out(f, ["a", "b", "c"], [(3,)])


@pytest.mark.parametrize("how", ["dual", "recorded"])
@by_name(TRAPS)
def test_what_cannot_be_followed_says_what_to_write(name, how):
    f, words = TRAPS[name]
    with pytest.raises(TracingError, match=words):
        follow(how, f)


def branch(x):
    if x[0] > 0:
        return x
    return -x


RECORD_TRAPS = {
    "branch": (branch, "a branch depends on the input, at test_ndarrays_odd.py line [0-9]+: `if x\\[0\\] > 0:`"),
    "loop": (lambda x: [v for v in x if v > 0], "a branch"),
    "argmax": (np.argmax, "argmax"),
    "mask": (lambda x: x[x > 0], "plain integers"),
    "nonfinite": (lambda x: x + np.inf, "constant inf"),
    "isfinite": (lambda x: np.where(np.isfinite(x), x, 0), "isfinite"),
    "long": (lambda x: sum(np.sin(x * k) for k in range(1, 100)), "more than 100 operations"),
}


@by_name(RECORD_TRAPS)
def test_what_cannot_be_recorded_for_all_inputs(name):
    f, words = RECORD_TRAPS[name]
    with pytest.raises(TracingError, match=words):
        written_out(f, ["a", "b", "c"], [(3,)], slots=100)


def test_what_is_too_large_to_be_written_out():
    names = [f"x{i}" for i in range(36)]
    for f in (np.linalg.det, np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(6)), np.linalg.slogdet):
        with pytest.raises(TracingError, match="4 × 4"):
            written_out(f, names, [(6, 6)])
    with pytest.raises(TracingError, match="sort of 9"):
        written_out(np.sort, [f"x{i}" for i in range(9)], [(9,)])


KINKED = {
    "abs and a square": lambda x: np.sum(np.abs(x)) + x[0] ** 2,
    "abs alone": lambda x: np.abs(x[0]) + x[1] ** 3,
    "abs beside a product": lambda x: x[0] * x[1] + np.abs(x[0]) * x[0],
    "abs in an exponential": lambda x: np.exp(np.abs(x[0]) * x[1]),
    "maximum": lambda x: np.sum(np.maximum(x, 0.0)) + np.sum(x**2),
    "a jump": lambda x: np.floor(x[0]) * x[1] + x[1] ** 2,
    "a sign": lambda x: np.sign(x[0]) * x[1] ** 2,
}


@pytest.mark.parametrize("backend", ["dual", "reverse"])
@pytest.mark.parametrize("name", KINKED)
def test_a_second_derivative_is_not_said_to_exist_where_the_first_does_not(name, backend):
    """The slope on one side has a derivative, which says nothing; other entries keep theirs if they have one."""
    at = np.array([0.0, 2.0])
    found, proven = (dk.hessian(KINKED[name], at, backend=b) for b in (backend, "auto"))
    assert proven.statuses[0, 0] == "not_differentiable"
    assert found.statuses[0, 0] == "uncertain"
    fine = found.statuses == "ok"
    assert (proven.statuses[fine] == "ok").all()
    assert np.allclose(found.value[fine], proven.value[fine], rtol=1e-12)

"""Dual arrays and recorded arrays against differences, against each other, and against NumPy."""

import copy
import math
from fractions import Fraction

import numpy as np
import pytest
from array_functions import DUAL_ONLY, EXAMPLES, RECORDABLE, UNRECORDED
from conftest import quickest
from ndarray_cases import CONFUSION, ONCE, D, by_name, close, differences, flat, plain, scribbler, written_out

from diffkit.calculus.derivatives import differentiate
from diffkit.core.errors import TracingError
from diffkit.core.program import run
from diffkit.ndarrays import SourceLine, pushforward
from diffkit.numbers.floats import FLOATS


def seeds(args):
    """Tangents of all arguments in all directions."""
    n = sum(np.size(a) for a in args)
    ends = np.cumsum([np.size(a) for a in args])
    return [np.eye(n)[:, e - np.size(a) : e].reshape(n, *np.shape(a)) for a, e in zip(args, ends, strict=True)]


def pushed(f, args):
    return pushforward(f, args, seeds(args))


def recorded(f, args):
    names = [f"x{i}" for i in range(sum(np.size(a) for a in args))]
    return written_out(f, names, [np.shape(a) for a in args])


@by_name(RECORDABLE | DUAL_ONLY)
def test_the_value_is_numpys_and_the_tangents_are_the_differences(name):
    f, *args = (RECORDABLE | DUAL_ONLY)[name]
    found = pushed(f, args)
    close(found.value, plain(f, args), 4e-15)
    close(found.tangents, differences(f, args), 2e-9)
    assert not found.hits or name == "nan_to_num"


@by_name([name for name in RECORDABLE if name not in UNRECORDED])
def test_the_recorded_program_is_the_function_and_its_derivative_the_tangents(name):
    f, *args = RECORDABLE[name]
    program, shape = recorded(f, args)
    values = np.array(run(program, FLOATS, flat(args)), dtype=float).reshape(shape)
    close(values, plain(f, args), 4e-15)
    n = len(program.inputs)
    derivative = differentiate(program, [(k, (i,)) for i in range(n) for k in range(len(program.outputs))])
    found = np.array(run(derivative, FLOATS, flat(args)), dtype=float).reshape(n, *shape)
    close(found, pushed(f, args).tangents, 1e-13)


TWICE = [name for name in RECORDABLE | DUAL_ONLY if name not in ONCE]


@by_name(TWICE)
def test_second_derivatives_by_nesting_are_differences_of_first_ones(name):
    f, *args = (RECORDABLE | DUAL_ONLY)[name]
    weights = np.cos(np.arange(np.size(plain(f, args)))).reshape(plain(f, args).shape)
    directions = [np.cos(np.arange(3.0, 3.0 + np.size(a))).reshape(1, *np.shape(a)) for a in args]

    def slope(*parts):
        return np.sum(weights * pushforward(f, parts, directions).tangents[0])

    found = pushed(slope, args)
    close(found.tangents, differences(slope, args), 5e-8)
    close(found.value, slope(*args), 1e-13)


@by_name([name for name in RECORDABLE if name not in UNRECORDED])
def test_an_inner_derivative_can_be_recorded(name):
    f, *args = RECORDABLE[name]
    directions = [np.cos(np.arange(3.0, 3.0 + np.size(a))).reshape(1, *np.shape(a)) for a in args]

    def slope(*parts):
        return pushforward(f, parts, directions).tangents[0]

    program, shape = recorded(slope, args)
    found = np.array(run(program, FLOATS, flat(args)), dtype=float).reshape(shape)
    close(found, slope(*args), 1e-12)


@by_name(CONFUSION)
def test_perturbations_are_not_confused(name):
    f, at, wanted = CONFUSION[name]
    assert D(f)(at) == pytest.approx(wanted, rel=1e-14)


def test_a_recorded_function_may_differentiate_inside():
    program, _ = written_out(lambda x: x * D(lambda y: np.sin(x * y))(2.0), ["x"], [()])
    assert run(program, FLOATS, [0.3])[0] == pytest.approx(0.3 * 0.3 * math.cos(0.6))


def test_directions_can_be_recorded():
    def product(v):
        return pushforward(lambda x: np.maximum(x, 0) * np.sin(x), [np.array([0.5, -0.3])], [v[None]]).tangents[0]

    program, _ = written_out(product, ["v", "w"], [(2,)])
    found = run(program, FLOATS, [2.0, 1.0])
    assert found == [pytest.approx(2 * (math.sin(0.5) + 0.5 * math.cos(0.5))), 0.0]


def test_a_value_kept_from_a_finished_derivative_is_refused():
    kept = []
    D(lambda x: kept.append(x) or x)(1.0)
    for f in (lambda x: x * kept[0], lambda x: kept[0]):
        with pytest.raises(TracingError, match="finished"):
            pushforward(f, [1.0], [np.ones(1)])


def test_an_inner_derivative_cannot_write_into_an_outer_array():
    def f(x):
        y = np.zeros_like(x)

        def inner(t):
            y[0] = t
            return t

        return D(inner)(1.0) * y[0]

    x, direction = [np.ones(2)], [np.ones((1, 2))]
    with pytest.raises(TracingError, match="inner derivative writes"):
        pushforward(f, x, direction)


def test_constants_are_the_binary64_they_hold():
    program, _ = written_out(lambda x: x * 0.1, ["x"], [()])
    assert program.constants[0] == Fraction(0.1) != Fraction(1, 10)


def test_conditions_are_rows():
    def f(x, y):
        inside = (x > 0) & ~(y > 1) | np.logical_and(x < -1, y != 0) ^ (x == y)
        return np.where(inside, x * y, np.sum(x > y) + np.any(x > 0) * np.all(y > 0, axis=0))

    for x, y in ((0.5, 0.3), (0.5, 2.0), (-2.0, 1.0), (-0.5, -0.7), (3.0, 3.0)):
        program, _ = written_out(f, ["x", "y"], [(1,), (1,)])
        assert run(program, FLOATS, [x, y]) == list(f(np.array([x]), np.array([y])))


def test_the_callers_arrays_are_left_alone():
    def f(x):
        x[0] = 7.0
        x += 1
        return x.sum()

    x = np.ones(2)
    found = pushforward(f, [x], [np.eye(2)])
    assert found.value == 10.0
    np.testing.assert_array_equal(found.tangents, [0.0, 1.0])
    np.testing.assert_array_equal(x, 1.0)
    program, _ = written_out(f, ["a", "b"], [(2,)])
    assert run(program, FLOATS, [1.0, 1.0]) == [10.0]


def test_what_numpy_refuses_to_write_is_refused():
    def f(x):
        np.broadcast_to(x, (2, 2))[0] = 1.0

    x, direction = [np.ones(2)], [np.ones((1, 2))]
    with pytest.raises(ValueError, match="read-only"):
        pushforward(f, x, direction)


def test_shapes_of_what_is_pushed():
    found = pushforward(lambda x: [x, 2 * x], [1], [np.ones((4, 1)).reshape(4)])
    assert found.value.shape == (2,)
    assert found.tangents.shape == (4, 2)
    found = pushforward(lambda x: 3.0, [np.ones(2)], [np.ones((4, 2))])
    assert found.value == 3.0
    np.testing.assert_array_equal(found.tangents, np.zeros(4))
    found = pushforward(lambda x, n: x * n, [np.ones(2), 3], [np.ones((1, 2)), None])
    np.testing.assert_array_equal(found.tangents, [[3.0, 3.0]])


def test_a_wrong_shape_is_refused():
    with pytest.raises(TracingError, match="does not fit"):
        pushforward(np.sum, [np.ones(2)], [np.ones((1, 3))])


def test_one_direction_of_a_long_vector_is_not_unrolled():
    x = np.linspace(-1.0, 1.0, 10_000)
    f = EXAMPLES["rosenbrock"][0]
    assert quickest(lambda: pushforward(f, [x], [x[None] + 2.0])) < 500 * quickest(lambda: f(x))


def test_the_fourth_argument_of_a_hit_prints_as_a_line():
    assert str(SourceLine("/a/model.py", 12, "if x > 0:")) == "model.py line 12: `if x > 0:`"


@pytest.mark.parametrize("seed", range(25))
def test_views_are_numpys(seed):
    f, x = scribbler(seed), np.array([[1.5, -0.5, 2.0], [0.25, 3.0, -1.0]])
    wanted = plain(f, [x])
    found = pushed(f, [x])
    np.testing.assert_allclose(found.value, wanted, rtol=1e-14)
    program, *_ = recorded(f, [x])
    np.testing.assert_allclose(run(program, FLOATS, flat([x])), wanted, rtol=1e-14)
    close(found.tangents, differences(f, [x]), 1e-8)


ENTRIES = {
    "deep copy": lambda x: copy.deepcopy(x) ** 2,
    "array": lambda x: np.array([x[0] * x[1], np.sin(x[2])]),
    "nested": lambda x: np.array([[x[0], 1.0], [x[1], x[2]]]) @ np.array([x[0], 2.0]),
    "sum of a list": lambda x: np.sum([x[0], x[1] ** 2]),
    "function of an array": lambda x: np.exp(np.array([x[0], x[1]])).sum() + np.linalg.norm(np.array([x[1], x[2]])),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_arrays_made_of_entries_are_followed(name):
    x, v = np.array([0.3, 0.5, -1.2]), np.array([1.0, -2.0, 0.5])
    f = ENTRIES[name]
    pushed = pushforward(f, [x], [v[None]])
    step = 1e-6
    np.testing.assert_allclose(pushed.value, f(x), rtol=1e-14)
    np.testing.assert_allclose(pushed.tangents[0], (f(x + step * v) - f(x - step * v)) / (2 * step), rtol=1e-8)

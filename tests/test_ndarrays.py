"""Dual arrays and traced arrays against differences, against each other, and against NumPy."""

import copy
import math
import time
from fractions import Fraction

import numpy as np
import pytest
import scipy.special as sp
from array_functions import DUAL_ONLY, EXAMPLES, TRACEABLE, UNTRACED

from diffkit.algebras.floats import FLOATS
from diffkit.errors import TracingError
from diffkit.ndarrays import SourceLine, pushforward, trace_function
from diffkit.program import run
from diffkit.transforms import differentiate

STENCIL = ((1, 45 / 60), (2, -9 / 60), (3, 1 / 60))


def plain(f, args):
    with np.errstate(all="ignore"):
        return np.asarray(f(*[np.array(a) if np.ndim(a) else float(a) for a in args]), dtype=float)


def flat_function(f, args):
    """f as a function of one flat vector."""
    sizes = [np.size(a) for a in args]
    ends = np.cumsum(sizes)

    def flat(x):
        parts = [x[e - n : e].reshape(np.shape(a)) for a, n, e in zip(args, sizes, ends, strict=True)]
        return f(*parts)

    return flat, np.concatenate([np.ravel(a) for a in args])


def differences(f, args, h=2e-3):
    """Jacobian by central differences of order six: shape (inputs, *value.shape)."""
    flat, x = flat_function(lambda *parts: plain(f, parts), args)
    return np.stack([
        sum(c * (flat(x + k * h * e) - flat(x - k * h * e)) for k, c in STENCIL) / h for e in np.eye(len(x))
    ])  # fmt: skip


def seeds(args):
    """Tangents of all arguments in all directions."""
    n = sum(np.size(a) for a in args)
    ends = np.cumsum([np.size(a) for a in args])
    return [np.eye(n)[:, e - np.size(a) : e].reshape(n, *np.shape(a)) for a, e in zip(args, ends, strict=True)]


def pushed(f, args):
    return pushforward(f, args, seeds(args))


def traced(f, args):
    names = [f"x{i}" for i in range(sum(np.size(a) for a in args))]
    return trace_function(f, names, [np.shape(a) for a in args])


def flat(args):
    return [float(v) for a in args for v in np.ravel(a)]


def close(found, wanted, tolerance):
    assert np.shape(found) == np.shape(wanted)
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * scale)


def by_name(cases):
    return pytest.mark.parametrize("name", cases)


@by_name(TRACEABLE | DUAL_ONLY)
def test_the_value_is_numpys_and_the_tangents_are_the_differences(name):
    f, *args = (TRACEABLE | DUAL_ONLY)[name]
    found = pushed(f, args)
    close(found.value, plain(f, args), 4e-15)
    close(found.tangents, differences(f, args), 2e-9)
    assert not found.hits or name == "nan_to_num"


@by_name([name for name in TRACEABLE if name not in UNTRACED])
def test_the_traced_program_is_the_function_and_its_derivative_the_tangents(name):
    f, *args = TRACEABLE[name]
    program, shape = traced(f, args)
    values = np.array(run(program, FLOATS, flat(args)), dtype=float).reshape(shape)
    close(values, plain(f, args), 4e-15)
    n = len(program.inputs)
    derivative = differentiate(program, [(k, (i,)) for i in range(n) for k in range(len(program.outputs))])
    found = np.array(run(derivative, FLOATS, flat(args)), dtype=float).reshape(n, *shape)
    close(found, pushed(f, args).tangents, 1e-13)


ONCE = ("newton loop", "singular large det")  # a loop stops by the value; an inverse is wanted twice
TWICE = [name for name in TRACEABLE | DUAL_ONLY if name not in ONCE]


@by_name(TWICE)
def test_second_derivatives_by_nesting_are_differences_of_first_ones(name):
    f, *args = (TRACEABLE | DUAL_ONLY)[name]
    weights = np.cos(np.arange(np.size(plain(f, args)))).reshape(plain(f, args).shape)
    directions = [np.cos(np.arange(3.0, 3.0 + np.size(a))).reshape(1, *np.shape(a)) for a in args]

    def slope(*parts):
        return np.sum(weights * pushforward(f, parts, directions).tangents[0])

    found = pushed(slope, args)
    close(found.tangents, differences(slope, args), 5e-8)
    close(found.value, slope(*args), 1e-13)


@by_name([name for name in TRACEABLE if name not in UNTRACED])
def test_an_inner_derivative_can_be_traced(name):
    f, *args = TRACEABLE[name]
    directions = [np.cos(np.arange(3.0, 3.0 + np.size(a))).reshape(1, *np.shape(a)) for a in args]

    def slope(*parts):
        return pushforward(f, parts, directions).tangents[0]

    program, shape = traced(slope, args)
    found = np.array(run(program, FLOATS, flat(args)), dtype=float).reshape(shape)
    close(found, slope(*args), 1e-12)


# Perturbations -------------------------------------------------------------------------------------------------


def D(f):
    """The derivative of a function of a scalar."""
    return lambda x: pushforward(f, [x], [np.ones(1)]).tangents[0]


CONFUSION = {
    "x·∂(x+y)": (lambda x: x * D(lambda y: x + y)(1.0), 1.0, 1.0),
    "x·∂(x·y)": (lambda x: x * D(lambda y: x * y)(2.0), 3.0, 6.0),
    "y inside": (lambda x: D(lambda y: x * y**2)(x), 3.0, 4 * 3.0),
    "constant inside": (lambda x: D(lambda y: x**2)(1.0) + x, 5.0, 1.0),
    "three levels": (lambda x: x * D(lambda y: y * D(lambda z: x * y * z)(1.0))(2.0), 1.5, 2 * 2 * 2 * 1.5),
    "same function": (D(np.sin), 0.3, -np.sin(0.3)),
    "third": (D(D(np.sin)), 0.3, -np.cos(0.3)),
    "fourth": (D(D(D(lambda x: x**5))), 2.0, 120 * 2.0),
    "closure over the outer array": (lambda x: D(lambda t: np.sum(np.stack([x, x * t]) ** 2))(2.0), 3.0, 8 * 3.0),
    "inner where": (lambda x: D(lambda y: np.where(x > 0, x * y, y))(1.0), 2.0, 1.0),
    "inner solve": (lambda x: D(lambda y: np.linalg.det(np.stack([np.stack([x, y]), np.stack([y, x])])))(1.0) * x,
                    2.0, -2.0),
}  # fmt: skip


@by_name(CONFUSION)
def test_perturbations_are_not_confused(name):
    f, at, wanted = CONFUSION[name]
    assert D(f)(at) == pytest.approx(wanted, rel=1e-14)


def test_a_traced_function_may_differentiate_inside():
    program, _ = trace_function(lambda x: x * D(lambda y: np.sin(x * y))(2.0), ["x"], [()])
    assert run(program, FLOATS, [0.3])[0] == pytest.approx(0.3 * 0.3 * math.cos(0.6))


def test_directions_can_be_traced():
    def product(v):
        return pushforward(lambda x: np.maximum(x, 0) * np.sin(x), [np.array([0.5, -0.3])], [v[None]]).tangents[0]

    program, _ = trace_function(product, ["v", "w"], [(2,)])
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


# Places that are not smooth ------------------------------------------------------------------------------------

KINKS = {
    "abs": (np.abs, "kink"),
    "sign": (np.sign, "jump"),
    "floor": (np.floor, "jump"),
    "ceil": (np.ceil, "jump"),
    "rint at a half": (lambda x: np.rint(x + 0.5), "jump"),
    "sqrt": (np.sqrt, "edge"),
    "log": (np.log, "edge"),
    "reciprocal": (lambda x: 1 / x, "pole"),
    "power": (lambda x: x**0.5, "edge"),
    "negative power": (lambda x: x**-2, "pole"),
    "relu": (lambda x: np.maximum(x, 0), "kink"),
    "clip": (lambda x: np.clip(x, 0, 1), "kink"),
    "norm": (lambda x: np.linalg.norm(x), "edge"),
    "hypot": (lambda x: np.hypot(x, 0.0), "kink"),
    "cbrt": (np.cbrt, "kink"),
    "max": (lambda x: np.max(np.stack([x, -x, x - 1])), "kink"),
    "sort": (lambda x: np.sort(np.stack([2 * x, x - 1, x]))[1], "kink"),
    "median": (lambda x: np.median(np.stack([-x, x, 2 * x])), "kink"),
    "entropy": (sp.entr, "edge"),
    "relative entropy": (lambda x: sp.rel_entr(x, 1.0), "edge"),
    "x log x": (lambda x: sp.xlogy(x, x), "edge"),
    "interp": (lambda x: np.interp(x, [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]), "kink"),
    "equal eigenvalues": (lambda x: np.linalg.eigvalsh(np.eye(2) + np.diag(np.stack([x, -x]))), "kink"),
    "second derivative where functions touch": (lambda x: D(lambda t: np.maximum(t * t, t * 3 - t * 3))(x), "kink"),
    "turned eigenvalues": (lambda x: np.linalg.eigvalsh(np.eye(2) + x * np.ones((2, 2))), "kink"),
    "remainder": (lambda x: x % 1.0, "jump"),
}


@by_name(KINKS)
def test_a_moving_value_at_a_place_that_is_not_smooth_has_no_tangent_and_is_recorded(name):
    f, kind = KINKS[name]
    found = pushforward(f, [0.0], [np.ones(1)])
    assert np.all(np.isnan(found.tangents))
    (hit, *_) = [hit for hit in found.hits if hit.kind != "tie"]
    assert hit.kind == kind
    assert hit.where.file.endswith("test_ndarrays.py")


@by_name([name for name in KINKS if name not in ("norm", "cbrt") and "eigen" not in name])
def test_a_constant_at_such_a_place_does_no_harm(name):
    f, _ = KINKS[name]
    found = pushforward(lambda x: f(np.zeros_like(x)) * 0 + x if name != "log" else x, [3.0], [np.ones(1)])
    assert not found.hits


SMOOTH_AFTER_ALL = {
    "max of equal slopes": (lambda x: np.maximum(2 * x, x + x), 2.0),
    "clip of a constant": (lambda x: np.clip(np.zeros_like(x), 0, 1) + x, 1.0),
    "sorted twins": (lambda x: np.sort(np.stack([x, x, 5 - x]))[0], 1.0),
    "median of twins": (lambda x: np.median(np.stack([x, x, x + 1])), 1.0),
    "abs of a square": (lambda x: np.abs(x**2), 0.0),
    "dropped branch": (lambda x: np.where(np.array(True), 3 * x, np.sqrt(x)), 3.0),
    "third derivative of x³": (lambda x: D(D(lambda t: t**3))(x), 6.0),
    "fourth derivative of x³": (lambda x: D(D(D(lambda t: t**3)))(x), 0.0),
    "eigenvalues that stay equal": (lambda x: np.linalg.eigvalsh(np.eye(2) * (1 + x))[0], 1.0),
    "x² at zero": (lambda x: x**2 + x**1.0, 1.0),
    "ties below the largest": (lambda x: np.max(np.stack([x, -x, x + 5])), 1.0),
}


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


TIES = {
    "if": lambda x: x if x > 0 else -x,
    "where": lambda x: np.where(x > 0, x, -x),
    "bool": lambda x: 2 * x if x else x,
    "argmax": lambda x: np.argmax(np.stack([x, -x])) * x,
    "argsort": lambda x: np.argsort(np.stack([x, -x])) * x,
    "heaviside": lambda x: np.heaviside(x, 1.0),
    "interp's end": lambda x: np.interp(x, [-1.0, 0.0], [0.0, 1.0]),
    "python max": lambda x: max(x, -x),
}


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
    assert str(found.hits[0]).startswith("kink of abs (x = 0), at test_ndarrays.py line ")


# What cannot be followed ---------------------------------------------------------------------------------------


def fill(x):
    out = np.zeros(3)
    out[0] = x[0]
    return out


def add_into(x):
    out = np.zeros(3)
    out += x
    return out


TRAPS = {
    "math": (lambda x: math.sin(x[0]), "use np.sin instead of math.sin"),
    "float": (lambda x: float(x[0]), "leave out float"),
    "int": (lambda x: int(x[0]), "plain numbers only"),
    "index": (lambda x: [1.0, 2.0][x[0]], "plain numbers only"),
    "array of floats": (lambda x: np.array([x[0], x[1]], dtype=float), "np.stack|float"),
    "asarray": (np.asarray, "np.stack"),
    "fill": (fill, "np.stack|float"),
    "add into": (add_into, "y = y \\+ x"),
    "out": (lambda x: np.sin(x, out=np.zeros(3)), "y = y \\+ x"),
    "astype": (lambda x: x.astype(np.float32), "only float64"),
    "ufunc where": (lambda x: np.add(x, 1, where=[True, False, True]), "np.where"),
    "dtype": (lambda x: np.sum(x, dtype=np.float32), "dtype"),
    "scipy": (lambda x: sp.logsumexp(x), "np.logaddexp.reduce"),
    "no rule": (lambda x: np.fft.fft(x), "numpy.fft.fft"),
    "no ufunc rule": (lambda x: sp.airy(x), "airy"),
    "position": (lambda x: np.zeros(3)[x], "np.stack|index"),
    "own position": (lambda x: x[x], "plain integers"),
    "complex": (lambda x: 1j * x, "complex"),
    "None": (lambda x: None, "return"),
    "dict": (lambda x: {"a": x}, "return a number"),
    "cache": (lambda x: {x[0]: 1}[x[0]], "cache"),
    "attribute": (lambda x: x.tobytes(), "tobytes"),
    "random": (lambda x: np.random.default_rng(0).normal(x), "np.stack|float"),
    "odd padding": (lambda x: np.pad(x, 1, "reflect", reflect_type="odd"), "mode"),
    "take into": (lambda x: np.take(x, [0], out=np.zeros(1)), "out"),
    "Bessel order": (lambda x: sp.jv(x, 1.0), "order"),
}


def follow(how, f):
    """Push one direction through f, or trace it."""
    if how == "dual":
        return pushforward(f, [np.array([0.3, 0.5, -1.2])], [np.ones((1, 3))])
    return trace_function(f, ["a", "b", "c"], [(3,)])


@pytest.mark.parametrize("how", ["dual", "traced"])
@by_name(TRAPS)
def test_what_cannot_be_followed_says_what_to_write(name, how):
    f, words = TRAPS[name]
    with pytest.raises(TracingError, match=words):
        follow(how, f)


def branch(x):
    if x[0] > 0:
        return x
    return -x


TRACE_TRAPS = {
    "branch": (branch, "a branch depends on the input, at test_ndarrays.py line [0-9]+: `if x\\[0\\] > 0:`"),
    "loop": (lambda x: [v for v in x if v > 0], "a branch"),
    "argmax": (np.argmax, "argmax"),
    "mask": (lambda x: x[x > 0], "plain integers"),
    "nonfinite": (lambda x: x + np.inf, "constant inf"),
    "isfinite": (lambda x: np.where(np.isfinite(x), x, 0), "isfinite"),
    "long": (lambda x: sum(np.sin(x * k) for k in range(1, 100)), "more than 100 operations"),
}


@by_name(TRACE_TRAPS)
def test_what_cannot_be_traced(name):
    f, words = TRACE_TRAPS[name]
    with pytest.raises(TracingError, match=words):
        trace_function(f, ["a", "b", "c"], [(3,)], slots=100)


def test_what_is_too_large_to_be_traced():
    names = [f"x{i}" for i in range(36)]
    for f in (np.linalg.det, np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(6)), np.linalg.slogdet):
        with pytest.raises(TracingError, match="4 × 4"):
            trace_function(f, names, [(6, 6)])
    with pytest.raises(TracingError, match="order of 9"):
        trace_function(np.sort, [f"x{i}" for i in range(9)], [(9,)])


# Traced programs -----------------------------------------------------------------------------------------------


def test_constants_are_the_binary64_they_hold():
    program, _ = trace_function(lambda x: x * 0.1, ["x"], [()])
    assert program.constants[0] == Fraction(0.1) != Fraction(1, 10)


def test_conditions_are_rows():
    def f(x, y):
        inside = (x > 0) & ~(y > 1) | np.logical_and(x < -1, y != 0) ^ (x == y)
        return np.where(inside, x * y, np.sum(x > y) + np.any(x > 0) * np.all(y > 0, axis=0))

    for x, y in ((0.5, 0.3), (0.5, 2.0), (-2.0, 1.0), (-0.5, -0.7), (3.0, 3.0)):
        program, _ = trace_function(f, ["x", "y"], [(1,), (1,)])
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
    program, _ = trace_function(f, ["a", "b"], [(2,)])
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
    with pytest.raises(TracingError, match="do not fit"):
        trace_function(np.sum, ["a"], [(2,)])


def test_one_direction_of_a_long_vector_takes_milliseconds():
    x = np.linspace(-1.0, 1.0, 10_000)
    f = EXAMPLES["rosenbrock"][0]
    started = time.perf_counter()
    for _ in range(5):
        pushforward(f, [x], [x[None] + 2.0])
    assert time.perf_counter() - started < 0.25


def test_the_fourth_argument_of_a_hit_prints_as_a_line():
    assert str(SourceLine("/a/model.py", 12, "if x > 0:")) == "model.py line 12: `if x > 0:`"


# Views and writes ----------------------------------------------------------------------------------------------

KEYS = (0, -1, slice(1, None), slice(None, None, -1), (slice(None), 1), ([0, 1], [1, 0]), (slice(0, 2), None), ...)
VIEWS = (
    lambda a: a.T, lambda a: a[::-1], lambda a: a[1:], lambda a: a[:, 1:], lambda a: np.ravel(a), lambda a: a.copy(),
    lambda a: a.reshape(-1), lambda a: np.swapaxes(a, 0, -1), lambda a: a[None], lambda a: np.split(a, [1])[1],
    lambda a: np.flip(a, 0), lambda a: np.atleast_2d(a), lambda a: a[..., 0], lambda a: np.squeeze(a),
)  # fmt: skip


def scribbler(seed):
    """A function that takes views of views and writes into them."""

    def f(x):
        random = np.random.default_rng(seed)
        arrays = [x * 1.0, np.zeros_like(x)]
        for _ in range(12):
            source = arrays[random.integers(len(arrays))]
            view, key = VIEWS[random.integers(len(VIEWS))], KEYS[random.integers(len(KEYS))]
            turn = random.integers(3)
            try:
                if turn == 0:
                    arrays.append(view(source))
                elif turn == 1:
                    source[key] = source[key] * 2 + x[0, 1]
                else:
                    source *= x[1, 0]
            except (IndexError, ValueError):
                continue
        return np.concatenate([np.ravel(a) for a in arrays])

    return f


@pytest.mark.parametrize("seed", range(25))
def test_views_are_numpys(seed):
    f, x = scribbler(seed), np.array([[1.5, -0.5, 2.0], [0.25, 3.0, -1.0]])
    wanted = plain(f, [x])
    found = pushed(f, [x])
    np.testing.assert_allclose(found.value, wanted, rtol=1e-14)
    program, _ = traced(f, [x])
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

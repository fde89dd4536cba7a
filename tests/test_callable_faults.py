"""Python functions whose code is at fault: found out, named, never silently wrong."""

import functools
import math

import numpy as np
import pytest
from callable_cases import ALL, close, curve

import diffkit as dk
from diffkit.core.errors import BackendError, FunctionError, TracingError

LAST = [0]


SCALE = np.array([2.0, 3.0])


LIMIT = 7


def raises_type_error(x):
    raise TypeError("boo")


def raises_below_one(x):
    if x <= 1:
        raise ValueError("must be above 1")
    return x**2


def raises_at_one(x):
    if x == 1.0:
        raise ZeroDivisionError("at 1")
    return x**2


def singular(x):
    return np.sum(np.linalg.inv(np.stack([np.stack([x, x]), np.stack([x, x])])))


def counts(x):
    LAST[0] += 1
    return x**2 + LAST[0]


def by_type(x):
    return x**2 if isinstance(x, (float, np.ndarray)) else 3 * x


def by_type_of_array(x):
    return np.sum(x**2) if isinstance(x, np.ndarray) else 0 * np.sum(x)


def swallows(x):
    try:
        return math.sin(x) * x
    except Exception:
        return 0.0


def swallows_with_the_same_value(x):
    try:
        return math.sin(x) * x
    except Exception:
        return math.sin(1.5) * x


def kept_by_text():
    known = {}

    def f(x):
        key = f"{x:.17g}"
        if key not in known:
            known[key] = float(x) ** 2
        return known[key]

    return f


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(
    ("f", "at", "value"),
    [
        (by_type, 3.0, 6.0),
        (by_type_of_array, [1.0, 2.0], [2.0, 4.0]),
        (swallows, 1.5, math.sin(1.5) + 1.5 * math.cos(1.5)),
        (swallows_with_the_same_value, 1.5, math.sin(1.5) + 1.5 * math.cos(1.5)),
        (lambda x: float(x) ** 2, 1.5, 3.0),
        (lambda x: np.sum(np.frombuffer(np.array([float(v) for v in x]).tobytes()) ** 2), [1.0, 2.0], [2.0, 4.0]),
        (lambda x: np.sum(np.frombuffer(x.tobytes()) ** 2), [1.0, 2.0], [2.0, 4.0]),
        (lambda x: np.sum(np.array(x.tolist()) ** 2), [1.0, 2.0], [2.0, 4.0]),
        (lambda x: x**2 if f"{x:.3f}" else 0.0, 1.5, 3.0),
        (lambda x: (x.real**2) if np.iscomplexobj(x) else x**2, 1.5, 3.0),
        (lambda x: {}.get("a", x**2), 1.5, 3.0),
    ],
)
def test_code_that_hides_is_right_or_refused(f, at, value, backend):
    try:
        result = dk.gradient(f, at, backend=backend)
    except BackendError:
        assert backend not in ("auto", "finite")
        return
    assert result.ok or backend not in ("auto", "finite")
    if result.ok:
        np.testing.assert_allclose(result.value, np.atleast_1d(value), rtol=1e-6)


def test_values_kept_by_text_are_not_proven_constant():
    result = dk.derivative(kept_by_text(), 1.5)
    assert result.status == "uncertain" or float(result) == pytest.approx(3.0)
    assert float(dk.derivative(kept_by_text(), 1.5, backend="finite")) == pytest.approx(3.0)


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(
    ("f", "at", "words"),
    [
        (raises_type_error, 1.25, "raised TypeError at x = 1.25"),
        (lambda x: x[5], [1.0], "raised IndexError"),
        (lambda x: None, 1.0, r"nothing \(None\)"),
        (lambda x: "3", 1.0, "a str"),
        (lambda x: {"a": x}, 1.0, "a dict"),
        (lambda x: [1.0, [x]], 1.0, "ragged"),
        (lambda x: 1j * x, 1.0, "complex"),
    ],
)
def test_what_gives_no_numbers_is_named(f, at, words, backend):
    with pytest.raises(FunctionError, match=words):
        dk.jacobian(f, at, backend=backend)


@pytest.mark.parametrize("backend", ["auto", "dual", "complex", "finite"])
@pytest.mark.parametrize(
    ("f", "status"),
    [
        (raises_below_one, "domain_error"),
        (raises_at_one, "domain_error"),
        (lambda x: 1 / float(x - 1), "domain_error"),
        (lambda x: x * math.nan, "domain_error"),
        (lambda x: np.log(x - 2), "domain_error"),
        (singular, "domain_error"),
    ],
)
def test_points_without_a_value(f, status, backend):
    try:
        assert dk.gradient(f, 1.0, backend=backend).status == status
    except BackendError:
        assert backend in ("dual", "complex")


def test_beside_points_without_a_value():
    for backend in ("auto", "dual", "complex", "finite"):
        assert float(dk.derivative(raises_below_one, 1 + 1e-7, backend=backend)) == pytest.approx(2 + 2e-7, rel=1e-5)
    assert dk.derivative(lambda x: 1 / (x - 1) if x > -9 else x, 1.0).status == "pole"


def test_a_first_point_without_a_value_does_not_fix_the_shape():
    def f(x):
        return np.sqrt(x) if np.all(x > 0) else np.linalg.inv(np.zeros((2, 2)))

    prepared = dk.prepare(f, "jacobian")
    assert prepared.result([-1.0, 1.0]).status == "domain_error"
    np.testing.assert_allclose(prepared([1.0, 4.0]), [[0.5, 0], [0, 0.25]])


@pytest.mark.parametrize("noise", [1e-3, 1e-13])
@pytest.mark.parametrize("backend", ["auto", "dual", "complex", "finite"])
def test_random_functions_are_named(noise, backend):
    rng = np.random.default_rng(0)
    result = dk.derivative(lambda x: x**2 + noise * rng.normal(), 1.0, backend=backend)
    assert "different values for equal arguments" in result.warnings[0]
    assert not result.ok or abs(result.value - 2) <= 10 * result.error
    assert result.ok or result.status == "uncertain"


def test_a_counter_is_uncertain():
    for backend in ("auto", "dual", "complex", "finite"):
        result = dk.derivative(counts, 1.0, backend=backend)
        assert result.status == "uncertain"
        assert "keeps a state" in result.warnings[0]


@pytest.mark.parametrize("backend", ALL)
def test_writing_into_the_argument_is_named_and_harmless(backend):
    def f(x):
        x[0] = 5 * x[0]
        return np.sum(x**2)

    point = np.array([1.0, 2.0])
    result = dk.gradient(f, point, backend=backend)
    close(backend, result.value, [50, 4])
    assert result.warnings == ("f writes into its argument x",)
    np.testing.assert_array_equal(point, [1, 2])


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: np.float32(x**2), "float32"),
        (lambda x: np.asarray(x, dtype=np.float32) ** 2, "float32"),
        (lambda x: int(x**2 * 10), "whole numbers"),
        (lambda x: np.sqrt(x + 0j), "imaginary part 0"),
    ],
)
@pytest.mark.parametrize("backend", ["auto", "dual", "complex", "finite"])
def test_other_kinds_of_numbers_are_named(f, words, backend):
    try:
        result = dk.derivative(f, 1.1, backend=backend)
    except BackendError:
        assert backend in ("dual", "complex")
        return
    assert words in result.warnings[0]


def test_a_shape_that_changes_is_an_error():
    with pytest.raises(FunctionError, match=r"shape \(2,\) at .*, and of \(1,\) before"):
        dk.jacobian(lambda x: x[x > 1], [1.0, 2.0], backend="finite")


def test_functions_may_print(capsys):
    def f(x):
        print("at", x)
        return x**2

    assert float(dk.derivative(f, 1.5)) == 3
    assert "at 1.5" in capsys.readouterr().out


def test_data_outside_the_function_are_named():
    assert dk.gradient(lambda x: SCALE @ x + LIMIT, [1.0, 2.0]).warnings == (
        "f reads the global SCALE, which is held constant",
        "f reads the global LIMIT, which is held constant",
    )
    assert dk.gradient(curve, [1.0, 2.0]).warnings == ()
    state = 0.0

    def keeps(x):
        nonlocal state
        state = 1.0
        return x**2

    def writes(x):
        global LIMIT
        LIMIT = 7
        return LIMIT * x

    for f, name in ((keeps, "state"), (functools.partial(writes), "LIMIT")):
        assert f"writes {name}, which lives outside it: it keeps a state" in dk.derivative(f, 1.0).warnings[-1]


def test_a_function_that_keeps_its_last_input_says_so():
    class Memo:
        x = None

        def __call__(self, x):
            if self.x is None or not np.array_equal(x, self.x):
                self.x, self.value = x, np.sum(x**2)
            return self.value

    result = dk.gradient(Memo(), [1.0, 2.0])
    assert result.status == "uncertain"
    assert "kept from a derivative that is finished" in result.message
    np.testing.assert_allclose(dk.gradient(Memo(), [1.0, 2.0], backend="finite").value, [2, 4])


@pytest.mark.parametrize("x", [1e-300, 1e-200, -1e-5, 1e300])
def test_complex_steps_far_from_one(x):
    result = dk.derivative(lambda x: 3 * x, x, backend="complex")
    assert float(result) == 3
    log = dk.derivative(lambda x: np.log(x * x), x, backend="complex")
    assert not log.ok or float(log) == pytest.approx(2 / x)


def test_what_one_branch_hides_is_found_there():
    def f(x):
        try:
            return math.exp(x) if x > 2 else x**2
        except Exception:
            return 1.0

    prepared = dk.prepare(f, "derivative", backend="dual")
    assert float(prepared.result(1.0)) == 2
    with pytest.raises(TracingError, match="something else when it is followed"):
        prepared.result(3.0)
    assert float(dk.derivative(f, 3.0)) == pytest.approx(math.exp(3))


def test_data_that_changes_later_is_noticed():
    data = {"k": 2.0}
    prepared = dk.prepare(lambda x: data["k"] * x**2, "derivative")
    assert float(prepared.result(1.0)) == 4
    data["k"] = 5.0
    assert float(prepared.result(1.0)) == pytest.approx(10)


@pytest.mark.parametrize("point", [SCALE, 1.5 * SCALE], ids=["same point", "another point"])
@pytest.mark.parametrize("change", [lambda w: w.fill(3.0), lambda w: w.__setitem__(1, 1 + 1e-9)], ids=["all", "a bit"])
def test_arrays_that_the_caller_writes_into_are_noticed(change, point):
    weights = np.ones(2)
    prepared = dk.prepare(lambda x: np.sum(weights * x**2), "gradient")
    assert prepared.result(SCALE).error_kind == "proven"
    change(weights)
    for _ in range(2):
        found = prepared.result(point)
        assert found.error_kind != "proven"
        np.testing.assert_allclose(found.value, 2 * weights * point, rtol=1e-10)


OTHERS = {
    "a sum": np.sum,
    "one entry": lambda y: y[:1],
    "twice as many": lambda y: np.concatenate([y, y]),
    "an entry more": lambda y: np.append(y, 0.0),
    "in reverse": lambda y: y[::-1],
    "a bit more": lambda y: y * (1 + 1e-12),
    "more beside": lambda y: y + 1e-9 * np.sin(y - math.sin(2.0)),
    "a constant": lambda y: np.sin(SCALE),
    "one number again and again": lambda y: np.zeros(2) + y[0],
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_recorded_of_other_code_is_never_proven(other):
    """What stands in for numbers is given something else: of another shape, or of other values there or beside."""

    def f(x):
        y = np.sin(x)
        return y if isinstance(x, np.ndarray) else OTHERS[other](y)

    found = dk.jacobian(f, SCALE)
    assert found.error_kind == "estimate"
    np.testing.assert_allclose(found.value, np.diag(np.cos(SCALE)), atol=1e-9)


def test_slow_functions_are_called_seldom():
    calls = []

    def slow(x):
        calls.append(0)
        return np.sum(np.sin(x) ** 2)

    dk.gradient(slow, np.ones(50))
    assert len(calls) < 12

"""Text that is asked about again has the answer of the first time, bit for bit; what is refused is refused again."""

import threading

import pytest

import diffkit as dk
from diffkit.methods import BACKENDS
from diffkit.methods.asked_before import _REMEMBERED, _TEXT_LENGTH, _prepared, asked_before, forget

TEXT = "x^2*sin(y) + 1/x"
ASKED = [
    ("gradient", (0.7, 1.3), {}),
    ("gradient", {"y": 1.3, "x": 0.7}, {}),
    ("gradient", "x=0.7,y=pi/4", {"wrt": ("y",)}),
    ("gradient", (0.0, 1.3), {}),
    ("hessian", (0.7, 1.3), {"sparse": True}),
    ("derivative", (0.7, 1.3), {"wrt": "x", "order": 3}),
    ("gradient", (1.3, 0.7), {"variables": ("y", "x")}),
    ("gradient", (1.3, 0.7), {"variables": ["y", "x"], "wrt": ["x"]}),
]


def told(result):
    value = result.value.toarray() if hasattr(result.value, "toarray") else result.value
    return (repr(value), repr(result.error), result.status, result.message, result.evaluations, result.formula,
            result.variables, repr(result))  # fmt: skip


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
@pytest.mark.parametrize(("kind", "at", "options"), ASKED)
def test_it_is_the_answer_of_the_first_time(kind, at, options, backend):
    def ask():
        try:
            return told(getattr(dk, kind)(TEXT, at, backend=backend, **options))
        except dk.BackendError as error:
            return str(error)

    first = ask()
    assert [ask() for _ in range(5)] == [first] * 5
    forget()
    assert ask() == first


def test_options_that_are_equal_but_not_alike_are_kept_apart():
    assert dk.derivative("x^3", 2.0, order=1).value == 12
    with pytest.raises(dk.DiffkitError, match="the order is an integer, not True"):
        dk.derivative("x^3", 2.0, order=True)
    assert dk.derivative("x^3*y", (2.0, 1.0), wrt=("x", "x")).value == 12
    assert dk.derivative("x^3*y", (2.0, 1.0), wrt=("x", "y")).value == 12
    assert dk.gradient("x*y", {"x": 1, "y": 2}).value.tolist() == [2, 1]


def test_what_is_refused_is_refused_again():
    for _ in range(3):
        with pytest.raises(dk.DiffkitError, match="unknown variable z"):
            dk.gradient("x*y", (1, 2), wrt="z")
        with pytest.raises(dk.DiffkitError):
            dk.gradient("x*", (1,))
        with pytest.raises(dk.DiffkitError):
            dk.gradient("x*y", (1, 2, 3))


def test_few_and_short_texts_are_kept():
    for k in range(3 * _REMEMBERED):
        dk.gradient(f"x^2 + {k}", 1.0)
    assert _prepared.cache_info().currsize == _REMEMBERED
    long = "+".join(["x"] * _TEXT_LENGTH)
    assert asked_before(long, "gradient", 1.0, None, "auto", {}) is None
    assert asked_before(lambda x: x, "gradient", 1.0, None, "auto", {}) is None
    assert asked_before("x*y", "gradient", (1.0, 2.0), ["x", "y"], "auto", {"wrt": ["x"]}) is not None
    assert asked_before("x", "directional", 1.0, None, "auto", {"direction": [1.0]}) is None


def test_threads_that_ask_about_one_text_do_not_meet():
    points = [(0.25 * k + 0.1, 1.0 + k) for k in range(40)]
    expected = [told(dk.gradient(TEXT, p, backend="dual")) for p in points]
    found, errors = {}, []
    forget()

    def ask(first):
        try:
            for k in range(first, len(points), 4):
                found[k] = told(dk.gradient(TEXT, points[k], backend="dual"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert [found[k] for k in range(len(points))] == expected

"""``check_backend`` passes what is right, and says of what is wrong what was asked, what it got and what is right."""

import re
from dataclasses import replace

import pytest

import diffkit as dk
from diffkit.methods import BACKENDS, get_backend
from diffkit.testing import SCENARIOS, check_backend


@pytest.mark.parametrize("name", ["auto", *BACKENDS])
def test_our_backends_are_right(name):
    found = check_backend(name)
    assert found.backend == name
    assert len(found.passed) + len(found.refused) == len(SCENARIOS)
    assert len(found.passed) > (12 if name == "complex" else 38)
    assert repr(found).startswith(f"{name}: {len(found.passed)} scenarios right")
    assert all(why in repr(found) for _, why in found.refused)


class Liar:
    """The dual backend, whose answers are spoilt."""

    name, error_kind = "liar", "none"

    def __init__(self, spoil, error_kind="none"):
        self.spoil, self.error_kind = spoil, error_kind

    def prepare(self, task):
        return Spoilt(get_backend("dual").prepare(task), self.spoil)


class Spoilt:
    formula = None

    def __init__(self, evaluation, spoil):
        self.evaluation, self.spoil = evaluation, spoil

    def at(self, point):
        return self.spoil(self.evaluation.at(point))

    def batch(self, points):
        return self.spoil(self.evaluation.batch(points))


def negated(answer):
    return replace(answer, values=[-v for v in answer.values])


def short(answer):
    return replace(answer, values=list(answer.values)[:-1] or [])


def smooth(answer):
    """Whatever is odd is 0 and ok."""
    return replace(answer, values=[0.0 if k in answer.odd else v for k, v in enumerate(answer.values)], odd={})


def silent(answer):
    """What is odd is NaN and ok."""
    return replace(answer, odd={})


def raising(answer):
    raise TypeError("no such thing")


def tight(answer):
    return replace(answer, values=[v * (1 + 1e-9) for v in answer.values], errors=[1e-300 for _ in answer.values])


def giving_up(answer):
    raise dk.BackendError("not today")


LIES = {
    negated: r"gradient of x\*y\*\*2 at \(3, 5\): component 0: got -25\.0 \(ok\), right is 25; fewer than 6 digits",
    short: r"gradient of x\*y\*\*2 at \(3, 5\): got 1 values at one point, right are 2",
    smooth: r"derivative of abs\(x\) at \(0\): component 0: got 0\.0 \(ok\), right is no number.*; there is no deriv",
    silent: r"derivative of abs\(x\) at \(0\): component 0: got nan \(ok\), right is no number",
    raising: r"gradient of x/y at \(1, 4\): it raises TypeError: no such thing",
    giving_up: r"backend liar answers at no ordinary point",
}


@pytest.mark.parametrize("spoil", LIES, ids=lambda f: f.__name__)
def test_a_fault_is_told(spoil):
    with pytest.raises(AssertionError) as caught:
        check_backend(Liar(spoil))
    assert re.search(LIES[spoil], str(caught.value)), str(caught.value)


def test_a_bar_covers_the_truth():
    with pytest.raises(AssertionError, match="the bar does not cover the error of"):
        check_backend(Liar(tight, "estimate"))
    with pytest.raises(AssertionError, match="got no error bars, and error_kind is 'estimate'"):
        check_backend(Liar(lambda answer: replace(answer, errors=None), "estimate"))


def test_digits_are_asked_for():
    close = Liar(lambda answer: replace(answer, values=[v * (1 + 1e-9) for v in answer.values]))
    assert check_backend(close).passed
    with pytest.raises(AssertionError, match="fewer than 12 digits are right"):
        check_backend(close, digits=12)


def test_a_backend_that_is_none_is_told():
    with pytest.raises(dk.BackendError, match="did you mean finite"):
        check_backend("finit")

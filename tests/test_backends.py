"""Every case of the test table by every registered backend; the cases carry their answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import corpus, exact, ulps

import diffkit as dk
from diffkit.asking.questions import make_task
from diffkit.core.errors import BackendError
from diffkit.core.results import Odd
from diffkit.judging.comparison import compare_task
from diffkit.methods import BACKENDS, COMPARED, get_backend
from diffkit.testing import SCENARIOS, branching, check_backend

CASES = [scenario for scenario in SCENARIOS if scenario.is_ordinary and not callable(scenario.f)]
EXACT = ("symbolic", "dual", "reverse")


@pytest.mark.parametrize("backend", EXACT)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.asked)
def test_a_rule_is_right_to_4_ulps(case, backend):
    result = dk.Prepared(case.question, backend).result(list(case.at))
    assert result.status == "ok"
    assert result.backend == backend
    for value, answer in zip(result.flat, case.answer, strict=True):
        assert ulps(value, exact(answer)) <= 4


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
def test_a_backend_is_right_in_every_scenario(backend):
    exactly = backend in ("auto", *EXACT)
    found = check_backend(backend, digits=13 if exactly else 6)
    assert len(found.passed) + len(found.refused) == len(SCENARIOS)
    if exactly or backend == "finite":
        assert {scenario.f for scenario, _ in found.refused} <= {branching}


def test_a_summary_says_what_a_backend_cannot_do():
    shown = repr(check_backend("complex"))
    assert shown.startswith("complex: ")
    assert "the complex step gives first derivatives only (use backend='dual' or 'finite'):\n  derivative of" in shown


def test_the_dual_gradient_of_every_corpus_row():
    assert_corpus("dual")


def test_the_symbolic_gradient_of_every_corpus_row():
    assert_corpus("symbolic")


def assert_corpus(backend):
    errors = []
    for row in corpus():
        result = dk.gradient(row["expr"], row["at"], backend=backend, variables=row["vars"])
        assert result.status == "ok", (row["id"], result.message)
        for value, truth in zip(result.value.tolist(), row["gradient"], strict=True):
            if truth == "0":
                assert abs(value) < 1e-9, row["id"]
            else:
                assert math.isfinite(value)
                errors.append(ulps(value, truth))
    assert np.median(errors) <= 0.35
    assert np.mean(np.array(errors) <= 0.5) >= 0.7


def test_the_rounding_bound_holds_on_the_corpus():
    for row in corpus():
        task = make_task(row["expr"], "gradient", row["vars"])
        point = [float(row["at"][name]) for name in row["vars"]]
        for backend in ("dual", "symbolic"):
            evaluation = get_backend(backend).prepare(task)
            bound = evaluation.bound(point)
            for value, limit, truth in zip(evaluation.at(point).values, bound, row["gradient"], strict=True):
                assert abs(exact(value) - exact(truth)) <= limit, (row["id"], backend)


# Backends that lie ------------------------------------------------------------------------------------------------


class Liar:
    """The dual backend with its answers falsified."""

    name = "liar"
    error_kind = "none"

    def __init__(self, lie):
        self.lie = lie

    def prepare(self, task):
        return LyingEvaluation(get_backend("dual").prepare(task), self.lie)


class LyingEvaluation:
    formula = None

    def __init__(self, honest, lie):
        self.honest, self.lie = honest, lie
        self.bound = honest.bound

    def at(self, point):
        answer = self.honest.at(point)
        answer.values = self.lie(self, list(answer.values), point)
        return answer


def drift(evaluation, values, point):
    return [v + 64 * b for v, b in zip(values, evaluation.bound(point), strict=True)]


STALE = {}


def stale(evaluation, values, point):
    """The answer for the first point, forever."""
    return STALE.setdefault("values", values)


LIES = {
    "wrong sign": lambda _, v, p: [-x for x in v],
    "zero": lambda _, v, p: [0.0 for _ in v],
    "one component off": lambda _, v, p: [*v[:-1], v[-1] * 1.001],
    "drift of 64 rounding bounds": drift,
    "NaN": lambda _, v, p: [math.nan, *v[1:]],
    "infinity": lambda _, v, p: [math.inf, *v[1:]],
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("expression", ["x**2*sin(y) + exp(x)", "x/y + 1/7", "log(x)*y - tanh(x*y)"])
def test_a_lying_backend_is_caught(expression, lie):
    comparison = compare_task(make_task(expression, "gradient"), (1.3, 2.1), ["dual", Liar(LIES[lie])])
    assert comparison.verdict == "disagree"
    assert {finding.backend for finding in comparison.findings} == {"liar"}


def test_a_stale_cache_is_caught():
    STALE.clear()
    task = make_task("x**2*y", "gradient")
    backends = ["dual", Liar(stale)]
    assert compare_task(task, (1.0, 2.0), backends).verdict == "agree"
    assert compare_task(task, (1.5, 2.0), backends).verdict == "disagree"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.asked)
def test_the_honest_backends_agree(case):
    point = [float(x) for x in case.at]
    comparison = compare_task(case.question.task, point, list(COMPARED))
    assert comparison.verdict == "agree", comparison.findings
    assert all(row.within for row in comparison.rows)
    for value, answer in zip(comparison.reference.flat, case.answer, strict=True):
        assert ulps(value, exact(answer)) <= 1.0


def test_a_value_where_there_is_none_is_found():
    liar = Liar(lambda _, v, p: [1.0])
    liar.prepare = lambda task: Careless()
    comparison = compare_task(make_task("abs(x)", "gradient"), (0.0,), ["dual", liar])
    assert comparison.verdict == "not_differentiable"
    assert [f.cause for f in comparison.findings] == ["kink"]


class Careless:
    formula = None

    def at(self, point):
        from diffkit.core.results import Answer

        return Answer([0.0], None, {}, 1)


def test_a_backend_that_gives_up_at_a_point_is_skipped_and_says_why():
    def give_up(*_):
        raise BackendError("no answer here")

    comparison = compare_task(make_task("x^2", "gradient"), (1.0,), ["dual", Liar(give_up)])
    assert comparison.verdict == "agree"
    assert [row.skipped for row in comparison.rows] == ["", "no answer here"]


def test_one_sided_taylor_coefficients_are_divided_by_factorials():
    sides = dk.taylor("x*abs(x)", 0, 2, backend="dual")
    assert (sides.left[2], sides.right[2]) == (-1.0, 1.0)


# Backends that check_backend must notice --------------------------------------------------------------------------


class Faulty:
    """The finite backend with each of its answers changed."""

    name, error_kind = "faulty", "estimate"

    def __init__(self, change, made_of="finite"):
        self.change, self.made_of = change, made_of

    def prepare(self, task):
        return FaultyEvaluation(get_backend(self.made_of).prepare(task), self.change)


class FaultyEvaluation:
    formula = None

    def __init__(self, honest, change):
        self.honest, self.change = honest, change

    def at(self, point):
        return self.change(self.honest.at(point))

    def batch(self, points):
        return self.change(self.honest.batch(points))


def raise_type_error(_):
    raise TypeError("unsupported operand")


def refuse(_):
    raise BackendError("not today")


def unsure(answer):
    odd = Odd("uncertain", "who knows")
    return replace(answer, values=[math.nan] * len(answer.values), odd=dict.fromkeys(range(len(answer.values)), odd))


FAULTS = {
    "wrong sign": (
        lambda a: replace(a, values=[-v for v in a.values]),
        r"gradient of x\*y\*\*2 at \(3, 5\): component 0: got -2.* \(ok\), right is 25; fewer than 6 digits",
    ),
    "one value too many": (lambda a: replace(a, values=[*a.values, 0.0]), "gives 2 values for 1 partial at 1 point"),
    "one error too few": (lambda a: replace(a, errors=list(a.errors)[:-1]), "gives 0 errors for 1 partial at 1 point"),
    "odd beyond the end": (lambda a: replace(a, odd={9: Odd("pole")}), "calls component 9 odd, of 1 partial at 1"),
    "ok at a kink": (
        lambda a: replace(a, values=np.nan_to_num(a.values), odd={}),
        r"derivative of abs\(x\) at \(0\): component 0: got 0.0 .*right is no number.*there is no derivative",
    ),
    "NaN said ok": (lambda a: replace(a, values=[math.nan for _ in a.values]), "got nan .*what is ok is a number"),
    "a number said odd": (lambda a: replace(a, odd={0: Odd("pole")}), r"\(pole\), right is 2; what is not ok is NaN"),
    "TypeError": (raise_type_error, "it raises TypeError: unsupported operand"),
    "bar too small": (lambda a: replace(a, errors=[0.0 for _ in a.errors]), "the bar does not cover the error of"),
    "no bar": (lambda a: replace(a, errors=None), "got no error bars, and error_kind is 'estimate'"),
    "refuses all": (refuse, "answers at no ordinary point(.|\n)*not today"),
    "never sure": (unsure, "answers at no ordinary point(.|\n)*uncertain: who knows"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_backend_is_told(fault):
    change, message = FAULTS[fault]
    with pytest.raises(AssertionError, match=message):
        check_backend(Faulty(change))


def test_an_answer_of_another_size_is_refused_everywhere():
    more = Faulty(FAULTS["one value too many"][0])
    for ask in (
        lambda: dk.gradient("x*y", [0.0, 2.0], backend=more),
        lambda: dk.compare("x*y", [0, 2], backends=[more]),
        lambda: dk.prepare("x*y", backend=more)(np.ones((3, 2))),
    ):
        with pytest.raises(dk.DiffkitError, match=r"the backend .* gives (3|7) values for 2 partials at"):
            ask()


def test_a_batch_that_is_not_its_points_is_told():
    class Reversed(FaultyEvaluation):
        def batch(self, points):
            return self.honest.batch(points[::-1])

    backend = Faulty(None, "dual")
    backend.error_kind = "none"
    backend.prepare = lambda task: Reversed(get_backend("dual").prepare(task), lambda answer: answer)
    with pytest.raises(AssertionError, match=r"in a batch at \[0.875\]: got \[2.0\], right is as at the point alone"):
        check_backend(backend)


def test_an_answer_kept_from_another_point_is_told():
    kept = {}
    backend = Faulty(None, "dual")
    backend.error_kind = "none"
    backend.prepare = lambda task: FaultyEvaluation(
        get_backend("dual").prepare(task), lambda a: kept.setdefault(task.shape, a)
    )
    with pytest.raises(AssertionError, match="fewer than 6 digits are right"):
        check_backend(backend)


def test_a_backend_that_is_not_there_is_an_error():
    with pytest.raises(BackendError, match="unknown backend"):
        check_backend("finit")

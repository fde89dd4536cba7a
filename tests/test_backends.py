"""Every case of the test table by every registered backend; the cases carry their answers."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from conftest import corpus, exact, ulps

import diffkit as dk
from diffkit.asking.questions import make_task, open_question
from diffkit.core.errors import BackendError
from diffkit.judging.comparison import compare_task
from diffkit.methods import BACKENDS, COMPARED, get_backend


@dataclass(frozen=True)
class Case:
    """A kind of derivative of an expression at a point, with its exact answer (text of 30 digits or a fraction)."""

    kind: str
    expression: str
    at: tuple
    answer: tuple
    options: tuple = ()
    variables: tuple | None = None

    @property
    def id(self):
        return f"{self.kind}:{self.expression}:{self.at}"


E, SIN1, COS1 = (
    "2.71828182845904523536028747135",
    "0.841470984807896506652502321630",
    "0.540302305868139717400936607443",
)
CASES = [
    Case("gradient", "3*x**2 - 4*x", (1,), (2,)),
    Case("gradient", "x*y**2", (3, 5), (25, 30)),
    Case("gradient", "x/y", (1, 4), (Fraction(1, 4), Fraction(-1, 16))),
    Case("gradient", "exp(x)*sin(y)", (0, 1), (SIN1, COS1)),
    Case("gradient", "x**2 + z", (2, 7, 1), (4, 0, 1), (), ("x", "unused", "z")),
    Case("gradient", "max(x, y, 2*x)", (1, 1.5), (2, 0)),
    Case("gradient", "where(0 < x < 1, x**3, -x)", (0.5,), (Fraction(3, 4),)),
    Case("gradient", "abs(x)*x", (-3,), (6,)),
    Case("gradient", "cbrt(x)", (-8,), (Fraction(1, 12),)),
    Case("gradient", "relu(x) + softplus(y)", (2, 0), (1, Fraction(1, 2))),
    Case("gradient", "hypot(x, y)", (3, 4), (Fraction(3, 5), Fraction(4, 5))),
    Case("gradient", "x**y", (1, 3), (3, 0)),
    Case("gradient", "log(x, 2)", (1,), ("1.44269504088896340735992468100",)),
    Case("gradient", "atan2(y, x)", (1, 2), (Fraction(-2, 5), Fraction(1, 5))),
    Case("gradient", "x", (1e300,), (1,)),
    Case("derivative", "exp(2*x)", (0,), (4,), (("order", 2),)),
    Case("derivative", "x**5", (2,), (240,), (("order", 3),)),
    Case("derivative", "x**5", (2,), (240,), (("order", 4),)),
    Case("derivative", "x**2*y**3", (2, 3), (108,), (("wrt", ("x", "y")),)),
    Case("derivative", "x**2*y**3", (2, 3), (54,), (("wrt", ("x", "x")),)),
    Case("derivative", "sin(x)*y", (1, 2), ("1.08060461173627943480187321489",), (("wrt", "x"),)),
    Case("hessian", "x**2*y", (1, 2), (4, 2, 2, 0)),
    Case("hessian", "100*(y - x**2)**2 + (1 - x)**2", (1, 1), (802, -400, -400, 200)),
    Case("hessian", "exp(x*y)", (0, 0), (0, 1, 1, 0)),
    Case("jacobian", ("x*y", "x + y**2", "3"), (2, 3), (3, 2, 1, 6, 0, 0)),
    Case("directional", "x**2 + y", (1, 1), (8,), (("direction", (3, 2)),)),
    Case("directional", "x**2*y", (1, 1), (30,), (("direction", (3, 1)), ("order", 2))),
    Case("taylor", "exp(x)", (0,), (1, 1, Fraction(1, 2), Fraction(1, 6), Fraction(1, 24)), (("order", 4),)),
    Case("taylor", "1/(1 - x)", (0,), (1, 1, 1), (("order", 2),)),
]
EVERY_KIND = [name for name in BACKENDS if name != "complex"]  # complex steps give first derivatives only
DIGITS = {"finite": 6}  # a difference has fewer digits than a rule; its own bar is checked besides


def question_of(case):
    f = list(case.expression) if case.kind == "jacobian" else case.expression
    return open_question(f, case.kind, case.variables or None, **dict(case.options))


@pytest.mark.parametrize("backend", EVERY_KIND)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_case(case, backend):
    result = dk.Prepared(question_of(case), backend).result(list(case.at))
    assert result.status == "ok"
    assert result.backend == backend
    flat = np.ravel(result.value).tolist()
    assert len(flat) == len(case.answer)
    for k, (value, answer) in enumerate(zip(flat, case.answer, strict=True)):
        truth = exact(answer)
        if backend in DIGITS:
            assert abs(exact(value) - truth) <= 10.0 ** -DIGITS[backend] * max(1, abs(truth))
            assert abs(exact(value) - truth) <= np.ravel(result.error)[k]
        else:
            assert ulps(value, truth) <= 4


@pytest.mark.parametrize("backend", ["auto", *EVERY_KIND])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_a_batch_is_its_points(case, backend):
    prepared = dk.Prepared(question_of(case), backend)
    shifted = [[x + d for x in case.at] for d in (0.0, 0.25, -0.125)]
    batch = prepared.result(np.array(shifted, dtype=float).reshape(3, 1, len(case.at)))
    assert batch.shape == (3, 1, *batch.shape[2:])
    for row, point in zip(np.asarray(batch.value), shifted, strict=True):
        single = prepared.result(point)
        expected = np.asarray(single.value)
        tolerance = 1e-7 if backend == "finite" else 1e-14
        np.testing.assert_allclose(row[0], expected, rtol=tolerance, atol=tolerance, equal_nan=True)


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


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_the_honest_backends_agree(case):
    point = [float(x) for x in case.at]
    comparison = compare_task(question_of(case).task, point, list(COMPARED))
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

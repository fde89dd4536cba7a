"""Long sums of alike terms: found, differentiated once, and added up to what the whole program gives."""

import os
import pickle
import random
from itertools import pairwise

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.tasks import gradient_task, hessian_task, hvp_task
from diffkit.calculus import element_functions as module
from diffkit.calculus.derivatives import reverse_program
from diffkit.calculus.element_functions import element_functions
from diffkit.calculus.sparsity import hessian_pattern
from diffkit.engines import is_installed
from diffkit.methods.program_evaluation import ProgramEvaluation
from diffkit.methods.separable_evaluation import SeparableEvaluation

ENGINES = ["numpy", *(["llvm"] if is_installed("llvm") else [])]
TERMS = [
    "({0} - {1}^2)^2", "3*({0} - 1)^4", "sin({0}*{1})", "exp(-{0}^2)*{1}", "{0}*{1}*{2}", "log(1 + {0}^2)",
    "sqrt({0} + 2)/{1}", "max({0}, {1})*{2}", "atan({0} - {1})", "{0}", "where({0} > {1}, {0}^2, {1}*{2})",
    "tanh({0})^2*{1}", "1/(1 + {0}^2 + {1}^2)", "abs({0} - {1})^3", "{0}^{1}", "cosh({0})",
]  # fmt: skip
FRAMES = ["{}", "({})/7", "-({})", "3 - 0.5*({})", "2 + ({})"]


def names(n):
    return [f"x{k}" for k in range(n)]


def drawn(draw, n):
    """A sum over windows of the variables of a few kinds of terms."""
    kinds = [draw.choice("+-") + kind for kind in draw.sample(TERMS, draw.randint(1, 3))]
    step = draw.choice((1, 1, 2, 3))
    places = range(0, n, step)
    terms = [kind.format(*(f"x{(k + j) % n}" for j in range(3))) for k in places for kind in kinds]
    return draw.choice(FRAMES).format("0" + "".join(terms))


@pytest.fixture(autouse=True)
def short_ones_too(monkeypatch):
    monkeypatch.setattr(module, "_LEAST_OPERATIONS", 0)
    monkeypatch.setattr(module, "_FEWEST_ALIKE", 3)


def evaluations(task, precision="pairs", engine="auto"):
    """Term by term, and as one program, which is interpreted."""
    terms = SeparableEvaluation.of(task).compiled(precision, engine)
    whole = ProgramEvaluation(task, reverse_program(task.program, task.indices))
    return terms, whole


def tasks(text, variables):
    program = dk.parse(text, variables=variables).program
    n = len(variables)
    return [gradient_task(program), hessian_task(program, sparse=True), hvp_task(program, [0.0] * n)]


@pytest.mark.parametrize("seed", range(int(os.environ.get("DIFFKIT_EXAMPLES", "10"))))
def test_terms_give_what_the_whole_program_gives(seed):
    """In pairs within the bounds of both; odd points are left to it."""
    draw = random.Random(seed)
    n = draw.choice((12, 20, 40))
    text = drawn(draw, n)
    point = [draw.uniform(0.2, 2.0) for _ in range(n)]
    if draw.random() < 0.3:
        point[draw.randrange(n)] = draw.choice((0.0, -3.0, 1.0, 1e200, 1.0))
    for task in tasks(text, names(n)):
        if not task.indices:  # the Hessian of what is linear
            continue
        at = (*point, *([draw.uniform(-1, 1) for _ in range(n)] + [0.0] if task.kind == "hvp" else ()))
        precision, engine = draw.choice(("pairs", "double")), draw.choice(ENGINES)
        terms, whole = evaluations(task, precision, engine)
        mine, other = terms.at(at), whole.at(at)
        assert mine.odd == other.odd, (text, engine)
        if precision == "pairs" and not other.odd:
            off = np.abs(np.array(mine.values) - np.array(other.values))
            assert (off <= 2 * np.array(whole.bound(at))).all(), text
        size = 1 + np.nanmax(np.abs(np.array(other.values)), initial=0)
        np.testing.assert_allclose(mine.values, other.values, rtol=1e-11, atol=1e-11 * size)


@pytest.mark.parametrize("seed", range(12))
def test_the_pattern_is_that_of_the_whole(seed):
    draw = random.Random(seed)
    program = dk.parse(drawn(draw, 50), variables=names(50)).program
    assert hessian_pattern(program, element_functions(program)) == hessian_pattern(program)


def test_what_is_alike():
    n = 40
    rosenbrock = "+".join(f"100*(x{k + 1}-x{k}^2)^2+(1-x{k})^2" for k in range(n - 1))
    (found,) = element_functions(dk.parse(rosenbrock, variables=names(n)).program)
    assert found.terms == [(k + 1, k) for k in range(n - 1)]
    shared = "(" + "+".join(names(n)) + ")"
    for text in (
        "+".join(f"sin({k}*x{k})" for k in range(n)),  # every term another function
        "+".join(f"{x}*exp({shared})" for x in names(n)),  # each of all variables
        "*".join(names(n)),
        "x0 + x1",
    ):
        assert element_functions(dk.parse(text, variables=names(n)).program) is None


def test_a_variable_in_many_terms_goes_another_way():
    n = 100
    text = "+".join(f"(x{k} - m)^2" for k in range(n))
    p = dk.prepare(text, variables=[*names(n), "m"], backend="reverse", precision="double")
    point = tuple(np.linspace(0, 1, n + 1).tolist())
    assert p(point)[-1] == pytest.approx(2 * (n * point[-1] - sum(point[:-1])), rel=1e-12)
    np.testing.assert_allclose(p(point)[:-1], 2 * (np.array(point[:-1]) - point[-1]), rtol=1e-13)


def test_prepared():
    n = 60
    text = "+".join(f"100*(x{k + 1}-x{k}^2)^2+(1-x{k})^2" for k in range(n - 1))
    at = np.linspace(-1, 1, n)
    v = np.cos(at)
    for precision in ("pairs", "double"):
        p = dk.prepare(text, "hessian", variables=names(n), backend="reverse", sparse=True, precision=precision)
        once = dk.hessian(text, at, variables=names(n), backend="dual").value
        for _ in range(6):
            np.testing.assert_allclose(p(tuple(at.tolist())).toarray(), once, rtol=1e-14)
        assert "terms by" in repr(p)
        again = pickle.loads(pickle.dumps(p))
        assert (again(at) != p(at)).nnz == 0
        g = dk.prepare(text, variables=names(n), backend="reverse", precision=precision)
        for _ in range(6):
            np.testing.assert_allclose(g.hessp(at, v), once @ v, rtol=1e-12, atol=1e-9)
        rows = np.stack([at, at + 0.5] * 6)
        np.testing.assert_allclose(g(rows)[1], g(at + 0.5), rtol=0, atol=0)
        with pytest.raises(dk.PointError):
            g(tuple(at.tolist())[:-1])
        assert np.isnan(g((float("1e300"),) * n)).all()


@pytest.mark.skipif("llvm" not in ENGINES, reason="llvmlite is not installed")
@pytest.mark.parametrize("order", ["even", "odd"])
def test_a_loop_has_the_bits_of_batches(order):
    """Terms whose places are evenly spaced are added in a loop, others gathered; both tell what is not ordinary."""
    n = 50
    places = list(range(n))
    if order == "odd":
        random.Random(1).shuffle(places)
    pairs = list(pairwise(places))
    text = "+".join(f"(x{j} - x{i}^2)^2*x{i} - 7*x{i}/(1 + x{j}^2) + sqrt(1 + x{i})" for i, j in pairs)
    at = np.random.default_rng(2).uniform(-0.9, 1.5, n)
    for task in tasks(text, names(n)):
        x = np.concatenate([at, at**2, [0.0]]) if task.kind == "hvp" else at.copy()
        by_loop, by_batch = (evaluations(task, "double", engine)[0]._terms for engine in ("llvm", "numpy"))
        np.testing.assert_array_equal(by_loop.at(x), by_batch.at(x))
        for odd in (-1.0, -2.0, np.nan, np.inf, 1e200):
            x[places[3]] = odd
            assert by_loop.at(x) is None
            assert by_batch.at(x) is None
    wave = "+".join(f"sin(x{i})*x{j}" for i, j in pairs)  # by batches, where functions run side by side
    task = tasks(wave, names(n))[0]
    by_llvm, by_numpy = (evaluations(task, "double", engine)[0].at(at).values for engine in ("llvm", "numpy"))
    np.testing.assert_allclose(by_llvm, by_numpy, rtol=1e-14, atol=1e-15)

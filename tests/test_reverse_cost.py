"""What reverse mode costs, counted in instructions and calls, and checks of many entries by it."""

import math
import tracemalloc

import numpy as np
import pytest
from array_functions import RECORDABLE
from conftest import corpus, quickest

import diffkit as dk
from diffkit.asking.callables import Bound
from diffkit.asking.callables.function import Argument, Function
from diffkit.asking.tasks import gradient_task, hvp_task
from diffkit.calculus.derivatives import reverse_program
from diffkit.methods import get_backend
from diffkit.ndarrays import pullback

COMPOSITES = {
    "rosenbrock": "+".join(f"100*(x{i + 1}-x{i}**2)**2+(1-x{i})**2" for i in range(50)),
    "sines": "+".join(f"sin(x{i}*x{i + 1})" for i in range(100)),
    "product": "*".join(f"sin(x{i})" for i in range(50)),
    "quotients": "/".join(f"(x{i} + x{i + 1})" for i in range(50)),
    "softmax": "log(" + "+".join(f"exp(x{i})" for i in range(50)) + ")",
    "norm": "sqrt(" + "+".join(f"x{i}**2" for i in range(50)) + ")",
    "relu": "+".join(f"max(x{i}*x{i + 1}, 0)*x{i}" for i in range(50)),
    "branches": "+".join(f"where(x{i} > x{i + 1}, x{i}*x{i + 1}, sin(x{i}))" for i in range(50)),
    "tanh": "+".join(f"tanh(x{i}*x{i + 1} + x{i})*x{i}" for i in range(50)),
}


OF_ONE_ROW = {"x**x": 7}  # f alone is one instruction; both its partials take six, and their sum one more


def gradient_cost(program):
    return len(reverse_program(program, gradient_task(program).indices).instructions) / len(program.instructions)


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_gradient_costs_at_most_five_evaluations_of_a_composite(name):
    assert gradient_cost(dk.parse(COMPOSITES[name]).program) <= 5


@pytest.mark.parametrize(("row", "most"), [("tanh", 5.5), ("gelu", 8.1), ("sin", 5), ("exp", 5), ("sigmoid", 5)])
def test_a_product_of_little_else_than_one_function(row, most):
    """Each part costs what its derivative takes, and the product three instructions more."""
    assert gradient_cost(dk.parse("*".join(f"{row}(x{k})" for k in range(40))).program) <= most


def test_a_gradient_costs_at_most_five_evaluations_on_the_corpus():
    costs = {}
    for row in corpus():
        program = dk.parse(row["expr"], variables=row["vars"]).program
        if program.instructions:
            costs[row["expr"]] = gradient_cost(program)
    assert all(cost <= OF_ONE_ROW.get(text, 5) for text, cost in costs.items())
    assert np.median(list(costs.values())) < 2.5


def test_a_hessian_times_a_vector_costs_a_few_evaluations_of_a_program():
    def cost(n):
        program = dk.parse("+".join(f"sin(x{i}*x{i + 1})" for i in range(n))).program
        task = hvp_task(program, [0.0] * len(program.inputs))
        return len(reverse_program(task.program, task.indices).instructions) / len(program.instructions)

    assert cost(100) < 16
    assert cost(100) == pytest.approx(cost(50), rel=0.02)


def test_a_gradient_of_many_inputs_takes_time_and_memory_in_proportion():
    x = np.linspace(-1.0, 1.0, 10_000)
    f = RECORDABLE["rosenbrock"][0]
    pullback(f, [x]).back(1.0)
    assert quickest(lambda: pullback(f, [x]).back(1.0)) < 500 * quickest(lambda: f(x))
    tracemalloc.start()
    pullback(f, [x]).back(1.0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 60 * x.nbytes  # some ten operations, with a few arrays each


def test_a_gradient_of_code_evaluates_it_a_few_times():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.sin(x))

    bound = Bound(Function(f), [Argument("x", (1000,))], [f"x[{i}]" for i in range(1000)], [0.3] * 1000)
    evaluation = get_backend("reverse").prepare(gradient_task(bound))
    evaluation.at([0.3] * 1000)  # the first time the code is looked at beside the point, too
    calls.clear()
    answer = evaluation.at([0.3] * 1000)
    assert len(calls) <= 4
    assert list(answer.values) == [math.cos(0.3)] * 1000


def test_auto_takes_reverse_mode_for_many_inputs_and_forward_mode_for_few():
    def f(x):
        return np.sum(np.sin(x)) if x[0] > -5 else x[0]

    many, few = (dk.gradient(f, np.linspace(0, 1, n)) for n in (1000, 3))
    np.testing.assert_allclose(many.value, np.cos(np.linspace(0, 1, 1000)), rtol=4e-16)
    assert np.all(np.abs(many.value - np.cos(np.linspace(0, 1, 1000))) <= many.error)
    assert "reverse mode" in many.method
    assert "dual numbers" in few.method
    assert dk.hvp(f, np.linspace(0, 1, 1000), np.ones(1000)).method.startswith("reverse")


def rosenbrock_gradient(x):
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    gradient[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return gradient


def test_a_check_of_many_inputs_looks_at_every_entry():
    f, x = RECORDABLE["rosenbrock"][0], np.random.default_rng(1).normal(size=9000)
    right = dk.check(f, rosenbrock_gradient, at=x)
    assert right.verdict == "correct"
    assert (right.passed, right.unchecked) == (9000, "")

    def off(x):
        gradient = rosenbrock_gradient(x)
        gradient[4321] *= 1 + 1e-8
        return gradient

    wrong = dk.check(f, off, at=x)
    assert wrong.verdict == "wrong"
    assert [entry.index for entry in wrong.entries] == [(4321,)]


def test_a_reverse_gradient_that_directions_do_not_confirm_is_not_believed(monkeypatch):
    """A wrong transpose would fool every entry; forward mode does not believe it."""
    from diffkit.ndarrays import tape

    def f(x):
        return np.sum(np.sin(x)) if x[0] > -9 else x[0]

    honest = tape.broadcast
    monkeypatch.setattr(tape, "broadcast", lambda bar, *shapes: honest(bar._replace(value=2 * bar.value), *shapes))
    x = np.random.default_rng(1).normal(size=300)
    assert dk.gradient(f, x, backend="reverse").value == pytest.approx(2 * np.cos(x))
    twice = dk.check(f, lambda x: 2 * np.cos(x), at=x)
    assert twice.verdict == "wrong"
    assert "only together" in twice.unchecked
    right = dk.check(f, np.cos, at=x)
    assert right.verdict == "correct"
    assert right.passed < 300

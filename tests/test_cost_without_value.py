"""Where f has no value, or a kink, its derivatives cost no more for each variable than where it has one.

Costs are counts of calls of Python functions, which a busy machine does not change.
"""

import random
import sys
from fractions import Fraction

import numpy as np
import pytest

import diffkit as dk
from diffkit.calculus.balanced_sums import balanced
from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import run
from diffkit.core.table import ADD, MUL, NEG, SUB
from diffkit.methods.asked_before import forget


def halves(x):
    return x[: len(x) // 2], x[len(x) // 2 :]


def after(first, rest):
    return lambda n: np.r_[first, np.full(n - 1, rest)]


def everywhere(value):
    return lambda n: np.full(n, value)


def balanced_at(n):
    return np.r_[1.0 - n, np.ones(n - 1)]


CASES = {
    "outside in one": (lambda x: np.sum(np.log(x)), after(-1.0, 2.0), "domain_error"),
    "outside in all": (lambda x: np.sum(np.log(x)), everywhere(-1.0), "domain_error"),
    "pole of one": (lambda x: np.sum(1 / x), after(0.0, 2.0), "domain_error"),
    "pole of a sum": (lambda x: 1 / np.sum(x), balanced_at, "pole"),
    "pole of a product": (lambda x: 1 / np.prod(x), after(0.0, 2.0), "domain_error"),
    "edge of one": (lambda x: np.sum(np.sqrt(x)), after(0.0, 2.0), "domain_error"),
    "edges of all": (lambda x: np.sum(np.sqrt(x)), everywhere(0.0), "domain_error"),
    "kink of one": (lambda x: np.sum(np.abs(x)), after(0.0, 2.0), "not_differentiable"),
    "kinks of all": (lambda x: np.sum(np.abs(x)), everywhere(0.0), "not_differentiable"),
    "kink of a sum": (lambda x: np.abs(np.sum(x)), balanced_at, "not_differentiable"),
    "norm": (lambda x: np.sqrt(np.sum(x**2)), everywhere(0.0), "not_differentiable"),
    "ties": (np.max, everywhere(1.0), "not_differentiable"),
    "jumps": (lambda x: np.sum(np.where(x > 0, np.log(np.abs(x)), x)), everywhere(0.0), "not_differentiable"),
    "removable": (lambda x: np.sum(np.sin(x) / x), everywhere(0.0), "domain_error"),
    "powers": (lambda x: np.sum(halves(x)[0] ** halves(x)[1]), lambda n: np.repeat([0.0, 1.0], n // 2), "ok"),
    "powers outside": (lambda x: np.sum(halves(x)[0] ** halves(x)[1]), everywhere(-1.0), "domain_error"),
    "nothing odd": (lambda x: np.sum(np.log(x)), everywhere(2.0), "ok"),
}  # fmt: skip
TEXTS = {
    "outside in one": "log(x{})", "pole of one": "1/x{}", "edge of one": "sqrt(x{})", "kink of one": "abs(x{})",
    "kinks of all": "abs(x{})", "edges of all": "sqrt(x{})", "nothing odd": "log(x{})",
}  # fmt: skip


def calls(work):
    """How many functions are called, those of extension modules too."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def grows(work, sizes, factor):
    """Fail if twice the size takes more than so many times the calls."""
    work(sizes[0])
    small, large = (calls(lambda n=n: work(n)) for n in sizes)
    assert large <= factor * small, (small, large)


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_of_code_costs_in_proportion(name):
    f, point, status = CASES[name]
    assert dk.gradient(f, point(40)).status == status
    grows(lambda n: dk.gradient(f, point(n)), (40, 80), 2.5)


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_gradient_of_text_costs_in_proportion(name, backend):
    _, point, status = CASES[name]

    def work(n):
        forget()  # what is asked about again costs less
        return dk.gradient(" + ".join(TEXTS[name].format(k) for k in range(n)), point(n).tolist(), backend=backend)

    assert work(40).status == status
    grows(work, (40, 80), 2.5)


@pytest.mark.parametrize("backend", ["dual", "reverse", "complex"])
@pytest.mark.parametrize("name", ["outside in one", "outside in all", "pole of one", "edge of one"])
def test_methods_that_follow_code_cost_in_proportion(name, backend):
    f, point, _ = CASES[name]
    grows(lambda n: dk.gradient(f, point(n), backend=backend), (40, 80), 2.5)


@pytest.mark.parametrize("backend", ["finite", "auto", "dual"])
def test_a_function_without_a_value_is_called_a_few_times(backend):
    f = lambda x: np.log(-1.0 - np.sum(x**2)) if x[0] > -1 else 0.0  # noqa: E731
    grows(lambda n: dk.gradient(f, np.ones(n), backend=backend), (60, 120), 2.2)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("powers", "norm")])
def test_a_hessian_costs_in_proportion_to_its_entries(name):
    f, point, _ = CASES[name]
    grows(lambda n: dk.hessian(f, point(n)), (12, 24), 5.0)


@pytest.mark.parametrize("f", [np.log, np.abs, lambda x: np.sqrt(x[1:] - x[:-1]), lambda x: np.log(x - np.sum(x))])
@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
def test_a_jacobian_costs_in_proportion_to_its_entries(f, value):
    grows(lambda n: dk.jacobian(f, np.full(n, value)), (12, 24), 5.0)


@pytest.mark.parametrize("name", ["outside in one", "pole of one", "kink of one"])
def test_comparisons_and_checks_cost_in_proportion(name):
    f, point, _ = CASES[name]
    grows(lambda n: dk.compare(f, point(n), kind="gradient", backends=("dual", "symbolic")), (30, 60), 2.8)
    grows(lambda n: dk.check(f, lambda x: 1 / np.where(x, x, 1.0), point(n)), (30, 60), 2.8)


@pytest.mark.parametrize("status", ["ok", "domain_error"])
def test_a_long_function_costs_no_more_outside_its_domain(status):
    """Where code is proven an array at a time, that it has no value is seen an array at a time."""
    f, point, _ = CASES["nothing odd" if status == "ok" else "outside in one"]
    assert dk.gradient(f, point(3000)).status == status
    grows(lambda n: dk.gradient(f, point(n)), (3000, 6000), 2.2)
    inside, outside = (calls(lambda p=p: dk.gradient(f, p(3000))) for p in (everywhere(2.0), after(-1.0, 2.0)))
    assert outside <= 1.2 * inside


def test_outside_in_a_branch_that_may_not_be_taken_is_no_domain_error():
    """√x² = x is true, and no ball tells it: what the other branch would be says nothing."""
    found = dk.gradient(lambda x: np.sum(np.where(np.sqrt(x) ** 2 >= x, x, np.log(-x))), np.full(100, 2.0))
    assert found.status != "domain_error"


# Balanced sums -----------------------------------------------------------------------------------------------------


class Rationals:
    """Programs over rational numbers."""

    def constant(self, value):
        return Fraction(value)

    def apply(self, primitive, args):
        return {ADD: lambda a, b: a + b, SUB: lambda a, b: a - b, MUL: lambda a, b: a * b, NEG: lambda a: -a}[
            primitive
        ](*args)


def drawn(draw, length):
    """A program of sums and products that share what they are made of."""
    builder = ProgramBuilder(("x", "y", "z"))
    slots = [0, 1, 2, builder.constant(3)]
    for _ in range(length):
        row = draw.choice((ADD, ADD, ADD, SUB, SUB, MUL, NEG))
        recent = slots[-3:] if draw.random() < 0.9 else slots
        args = [draw.choice(recent), draw.choice(slots)][: 1 if row is NEG else 2]
        slots.append(builder.apply(row, args))
    return builder.program([*draw.sample(slots, 2), slots[-1]], ("x", "y", "z"))


def depth(program):
    known = [0] * program.first_instruction
    for _, args in program.instructions:
        known.append(1 + max(known[a] for a in args))
    return known


@pytest.mark.parametrize("seed", range(60))
def test_balanced_programs_are_the_same_functions(seed):
    draw = random.Random(seed)
    program = drawn(draw, draw.choice((5, 20, 60)))
    form = balanced(program)
    point = [Fraction(draw.randrange(-9, 10), draw.randrange(1, 5)) for _ in range(3)]
    values = run(form.program, Rationals(), point)
    assert values == run(program, Rationals(), point)
    assert len(form.origin) == len(form.program) == len(program)
    assert max(depth(form.program)) <= max(depth(program)) + 1
    for slot, row, _ in form.program.numbered():
        shown = program.instruction_at(form.origin[slot])
        assert shown is not None
        assert row is shown[0] or {row, shown[0]} <= {ADD, SUB}


def test_a_sum_of_many_terms_is_a_shallow_tree():
    program = dk.parse(" - ".join(f"x{k}*x{k}" for k in range(500))).program
    form = balanced(program)
    assert max(depth(program)) > 400
    assert max(depth(form.program)) < 15
    assert form.text(form.program.outputs[0]).startswith("x0*x0 - x1*x1 - x2*x2")


def test_what_is_short_or_shared_stays():
    for text in ("x + y + z", "x*y*z", "sin(a+b+c+d+e+f+g)"):
        program = dk.parse(text).program
        assert balanced(program).program is program

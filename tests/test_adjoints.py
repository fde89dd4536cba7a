"""Back-propagation as a table: adjoints of every intermediate, and what they cost."""

import math
import random
import re

import pytest

import diffkit as dk
from diffkit.lessons.derivations.backward import cost


def test_the_textbook_example():
    """f = x·y + sin x at (1, 2): by hand."""
    found = dk.backward("x*y + sin(x)", (1, 2))
    assert [(n.name, n.instruction, n.value, n.adjoint) for n in found.forward] == [
        ("z1", "x*y", 2.0, 1.0),
        ("z2", "sin(x)", math.sin(1), 1.0),
        ("z3", "z1 + z2", 2 + math.sin(1), 1.0),
    ]
    x, y = found.variables
    assert (x.adjoint, y.adjoint) == (2 + math.cos(1), 1.0)
    assert [(c.user, c.partial, c.amount) for c in x.contributions] == [("z2", "cos(x)", math.cos(1)), ("z1", "y", 2.0)]


@pytest.mark.parametrize(
    "text",
    [
        "(y - sigmoid(w*x + b))^2", "x^2/(1 + y^2)", "where(x > 9, log(x - 9), x*y)", "max(x, y)*x/y",
        "atan2(x, y)*abs(x - 3)", "x^y", "hypot(x, y) - gelu(x)", "logsumexp(x, y, x*y)",
    ],
)  # fmt: skip
def test_adjoints_are_derivatives(text):
    names = dk.parse(text).variables
    found = dk.backward(text, [0.5 + 0.75 * k for k in range(len(names))])
    assert [n.adjoint for n in found.variables] == pytest.approx(found.gradient.flat, rel=1e-13)
    for node in (*found.forward[:-1], *found.variables):
        assert sum(c.amount for c in node.contributions) == pytest.approx(node.adjoint, rel=1e-14)
    assert found.forward[-1].adjoint == 1.0
    known = {**found.at, **{n.name: n.value if math.isfinite(n.value) else 1.0 for n in found.forward}}
    for node in found.forward[:-1]:
        if math.isfinite(node.value) and not isinstance(node.value, bool):
            rest = after(found.forward, node)
            if node.name in rest.variables:
                point = {name: known[name] for name in rest.variables}
                assert dk.derivative(rest, point, wrt=node.name).value == pytest.approx(node.adjoint, rel=1e-12)
            else:
                assert node.adjoint == 0


def after(forward, node):
    """What follows on an intermediate, as an expression in it: f with that quantity as a variable."""
    formulas = {n.name: f"({n.instruction})" if isinstance(n.value, bool) else n.name for n in forward}
    for later in forward[forward.index(node) + 1 :]:
        text = later.instruction
        for name in re.findall(r"\bz\d+\b", text):
            text = re.sub(rf"\b{name}\b", f"({formulas[name]})", text)
        formulas[later.name] = text
    return dk.parse(formulas[forward[-1].name])


def test_a_gradient_costs_at_most_five_evaluations():
    """Baur and Strassen's bound, on random programs of + − × ÷ of 2 to 12 variables."""
    rng = random.Random(5)
    for _ in range(25):
        names = [f"x{k}" for k in range(rng.randint(2, 12))]
        terms = list(names)
        for _ in range(30):
            left, right = rng.choices(terms, k=2)
            terms.append(f"({left} {rng.choice('+-*/')} {right})"[:2000])
            if len(terms[-1]) > 400:
                terms.pop()
        text = " + ".join(terms[-6:])
        program = dk.parse(text, names).program
        found = cost(program)
        assert found.function == len(program.instructions)
        assert 1 <= found.ratio <= 5
    product = dk.backward("*".join(f"x{k}" for k in range(40)), [1.0] * 40)
    assert (product.cost.function, product.cost.ratio) == (39, pytest.approx((39 + 76) / 39, abs=0.1))


def test_a_branch_that_is_not_taken_hands_nothing_on():
    found = dk.backward("where(x > 0, log(x), x^2)", -3)
    assert found.variables[0].adjoint == -6.0
    assert [n.adjoint for n in found.forward if n.instruction == "log(x)"] == [0.0]


def test_what_cancellation_does_to_an_adjoint_is_said():
    found = dk.backward("(1 - cos(x))/x**2", 1e-8)
    assert found.variables[0].adjoint == pytest.approx(1e8)
    assert found.gradient.value[0] == pytest.approx(-1e-8 / 12)
    (label,) = found.faults
    assert (label, found.faults[label].cause) == ("∂f/∂x", "cancellation")
    assert found.faults[label].where == "1 - cos(x)"
    assert dk.backward("(1 - cos(x))/x**2", 0.5).faults == {}
    assert dk.backward("sin(x)^2 + cos(x)^2", 0.5).faults == {}


def test_the_report_names_the_cancellation(run):
    _, out, _ = run("explain", "(1 - cos(x))/x^2", "--backward", "--at", "1e-8")
    assert "∂f/∂x is wrong in binary64, by cancellation in 1 - cos(x): 53 of 53 bits" in out

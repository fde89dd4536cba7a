"""What five tutorials on calculus for machine learning state: the verdicts, and the numbers by other means.

The statements are in the package ``tutorials``; the page of verdicts is made of the same rows (tests/test_docs.py).
"""

import math

import numpy as np
import pytest
from tutorials import STATEMENTS, TITLES, t0, t2, t4
from tutorials.statements import AGREES, DENIES, Case, Statement, table
from tutorials.t2 import COLUMN

import diffkit as dk

ROWS = [(name, row) for name, rows in STATEMENTS.items() for row in rows]
CASES = [(name, row, case) for name, row in ROWS for case in (*row.cases, *row.others)]


@pytest.mark.parametrize(("tutorial", "row", "case"), CASES, ids=[f"{t}-{c.by}-{c.name}" for t, _, c in CASES])
def test_what_diffkit_says(tutorial, row, case):
    says, words = case.answer()
    assert says == case.says, (tutorial, row.stated)
    assert case.words in words
    if says == "correct":
        assert not words


@pytest.mark.parametrize(("tutorial", "row"), ROWS, ids=[f"{t}-{r.stated}" for t, r in ROWS])
def test_the_verdict_follows(tutorial, row):
    assert row.cases
    assert row.verdict == row.derived
    assert all(case.says in AGREES + DENIES for case in row.cases)


def test_every_statement_has_its_row():
    """How many statements each tutorial has, as they were counted in it."""
    assert {name: len(rows) for name, rows in STATEMENTS.items()} == {"T0": 8, "T1": 10, "T2": 11, "T3": 17, "T4": 19}
    assert STATEMENTS.keys() == TITLES.keys()


def test_a_table_of_statements():
    def case(name, says, words=""):
        return Case(name, "dk.f", lambda: (says, words), says, words)

    rows = [
        Statement("|x|", "right", "", [case("a", "correct"), case("b", "correct")]),
        Statement("y", "in part", "why", [case("a", "correct"), case("b", "wrong", "divide")]),
        Statement("z", "wrong", "", [case("a", "refused", "name")]),
    ]
    assert [row.derived for row in rows] == ["right", "in part", "wrong"]
    assert table(rows).splitlines()[2:] == [
        "| \\|x\\| | right | `dk.f`: correct (2 questions) |",
        "| y | in part: why | `dk.f`: correct; `dk.f`: b: wrong, “divide” |",
        "| z | wrong | `dk.f`: refused, “name” |",
    ]


# Numbers by other means -----------------------------------------------------------------------------------------------


def after(hessian, best, rate, steps):
    """Descent on a quadratic from 0: θ* − (I − αH)ⁿθ*."""
    power = np.linalg.matrix_power(np.eye(len(best)) - rate * hessian, steps)
    return best - power @ best


def test_the_error_surface_of_t0():
    """The minimum is where least squares is, and the Hessian is 2·Σ of (x, 1)(x, 1)ᵀ."""
    best = np.polyfit(t0.X, t0.Y, 1)
    assert np.allclose(dk.gradient(t0.sse, best.tolist()).value, 0, atol=1e-12)
    design = np.column_stack([t0.X, np.ones(4)])
    assert np.allclose(dk.hessian(t0.sse, [0.0, 0.0]).value, 2 * design.T @ design)
    assert f"{2 / np.linalg.eigvalsh(2 * design.T @ design)[-1]:.5f}" == t0.LIMIT


def test_the_path_of_t0():
    """The same path by the recurrence, its length and that of the straight line."""
    design = np.column_stack([t0.X, np.ones(4)])
    theta = np.array(t0.START)
    path = [theta]
    for _ in range(3000):
        theta = theta - t0.RATE * 2 * design.T @ (design @ theta - t0.Y)
        path.append(theta)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    assert f"{length:.3f} against {np.linalg.norm(path[-1] - path[0]):.3f}" == t0.LENGTHS


def test_the_cost_curve_of_t0():
    roots = sorted(np.roots([4, 0, -4, 0.3]).real)
    assert [f"{r:.4f}" for r in (roots[0], roots[2])] == [t0.GLOBAL, t0.LOCAL]
    heights = [r**4 - 2 * r**2 + 0.3 * r for r in roots]
    assert heights[0] < heights[2] < heights[1]


def test_the_regression_of_t2():
    hessian = 2 / 5 * t2.DESIGN.T @ t2.DESIGN
    theta = after(hessian, np.array([0.5, 1.0]), t2.RATE, t2.STEPS)
    assert "({:.4f}, {:.4f})".format(*theta) == t2.REACHED
    assert np.allclose(dk.hessian(t2.cost, np.zeros(2)).value, hessian)


def test_the_noisy_line_of_t4():
    design = np.column_stack([t4.X, np.ones(100)])
    best = np.polyfit(t4.X, t4.Y, 1)
    assert "y = {:.4f}x + {:.4f}".format(*best) == t4.FIT
    assert "y = {:.4f}x + {:.4f}".format(*after(design.T @ design / 100, best, t4.RATE, t4.STEPS)) == t4.LINE


@pytest.mark.parametrize("kappa", [2, 10, 100])
def test_convergence_of_t4(kappa):
    """With step 1/L, f − f* falls by ε within (L/μ)·log(1/ε) steps, counted without diffkit."""
    x, y, steps = 1.0, 1.0, 0
    start = (x**2 + kappa * y**2) / 2
    while (x**2 + kappa * y**2) / 2 > 1e-6 * start:
        x, y, steps = x - x / kappa, y - y, steps + 1
    found = dk.descend(f"(x^2 + {kappa}*y^2)/2", (1, 1), rate=1 / kappa, steps=30 * kappa).convergence
    assert found.needed == steps <= found.bound == pytest.approx(kappa * math.log(1e6), rel=1e-12)


@pytest.mark.parametrize("weight", [0.3, 3.0])
def test_gradients_through_time_of_t4(weight):
    """By hand: ∂L/∂b_t = 2(h − c)·Π (1 − h²)·w from t to the end."""
    h, states = 0.0, []
    for _ in range(12):
        h = math.tanh(weight * h + 1e-9)
        states.append(h)
    back, expected = 2 * (h - 1e-6), []
    for state in reversed(states):
        expected.insert(0, back * (1 - state**2))
        back = expected[0] * weight
    assert t4.recurrent(weight).path.gradients[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "f",
    [lambda t: np.sum((COLUMN @ t) ** 2), lambda t: np.sum(np.dot(COLUMN, t)), lambda t: np.sum(np.inner(COLUMN, t))],
    ids=["matmul", "dot", "inner"],
)
def test_shapes_that_do_not_multiply_are_not_stretched(f):
    """As in T2: NumPy refuses 5×1 times 2, so there is no value and no derivative; einsum would stretch the 1."""
    with pytest.raises(ValueError, match=r"."):
        f(t2.START)
    for ask in (lambda: dk.gradient(f, t2.START), lambda: dk.check(f, lambda t: 2 * t, t2.START)):
        with pytest.raises(dk.PointError, match=r"does not take t of shape \(2,\)"):
            ask()

"""Bugs in lines of array code: each is planted, found by its line, and explained by what belongs there."""

import inspect
import itertools
import sys
import textwrap

import numpy as np
import pytest
from rewrite_cases import (
    CASES,
    CHANGED,
    DATA,
    LABELS,
    RECURRENT,
    REGRESSION,
    TIME,
    recurrent,
    through_time,
)

import diffkit as dk
from diffkit.asking.callables import Bound
from diffkit.asking.callables.function import Argument, Function
from diffkit.core.errors import TracingError
from diffkit.core.program import run, run_slots
from diffkit.judging.repair.code_changes import mutations_of
from diffkit.judging.repair.code_record import record_code
from diffkit.ndarrays import record_function
from diffkit.numbers.arrays import ARRAYS


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine is given the time."""
    monkeypatch.setattr("diffkit.judging.repair.evidence.SEARCH_SECONDS", 200.0)


@pytest.mark.parametrize("claim", CASES, ids=lambda claim: claim.__name__)
def test_a_line_is_explained(claim):
    f, at, words = CASES[claim]
    check = dk.check(f, claim, at=at)
    assert check.verdict == "wrong"
    assert words in check.explanation
    assert ", in line " in check.explanation


def with_line(claim, old, new):
    """The claim with one line of its source changed."""
    source = textwrap.dedent(inspect.getsource(claim))
    assert source.count(old) == 1
    space = vars(sys.modules[claim.__module__]).copy()
    exec(source.replace(old, new), space)
    return space[claim.__name__]


@pytest.mark.parametrize("claim", CASES, ids=lambda claim: claim.__name__)
def test_the_changed_line_is_shown_and_mends_the_claim(claim):
    f, at, _ = CASES[claim]
    old, *new = dk.check(f, claim, at=at).explanation.split(": ", 1)[1].split(" → ")
    assert new == ([CHANGED[claim]] if claim in CHANGED else [])
    if new:
        assert dk.check(f, with_line(claim, old, *new), at=at).verdict == "correct"


def test_of_a_long_line_the_operation_is_shown():
    A = np.array([[1.0, 2.0], [0.5, -1.0]])
    check = dk.check(lambda x: x @ A @ x, lambda x: np.array([1.0, 1.0]) * (2 * A @ x) + np.array([0.0, 0.0]), np.array([0.3, 0.7]))  # fmt: skip # noqa: E501
    assert check.explanation.endswith(": 2 * A @ x → 0.5 * (2 * A + (2 * A).T) @ x")


@pytest.mark.parametrize(("fault", "words"), TIME, ids=lambda part: str(part)[:24])
def test_back_propagation_through_time(fault, words):
    """Every run of a line in a loop is changed alike; what was cut is what the run before left."""
    assert dk.check(recurrent, through_time, at=RECURRENT).verdict == "correct"
    check = dk.check(recurrent, lambda U, V, c: through_time(U, V, c, **fault), at=RECURRENT)
    assert check.verdict == "wrong"
    assert words in check.explanation


def test_half_of_a_matrix_that_is_not_symmetric():
    """∇(xᵀAx) is (A + Aᵀ)x, and 2Ax only for symmetric A."""
    A = np.array([[1.0, 2.0], [0.5, -1.0]])
    check = dk.check(lambda x: x @ A @ x, lambda x: 2 * A @ x, np.array([0.3, 0.7]))
    assert check.explanation.startswith("2*A is not symmetric: put half the sum of it and its transpose")


def test_the_claim_runs_another_way_elsewhere():
    """What branches between the points is not explained by lines, and nothing is raised."""

    def branching(x):
        return 2 * np.sin(x) if x[0] > 0.3 else np.cos(x) * np.cos(x)

    check = dk.check(lambda x: np.sum(np.sin(x)), branching, at=np.array([0.3, 0.7]))
    assert check.verdict == "wrong"
    assert check.explanation is None


# Records -----------------------------------------------------------------------------------------------------------


def recorded(*functions, at):
    """The record of a claim, and of f if there is one."""
    bounds = []
    for function in functions:
        arguments = [Argument(f"x{k}", x.shape) for k, x in enumerate(at)]
        labels = [f"{a.name}[{k}]" for a in arguments for k in range(a.size)]
        bounds.append(Bound(Function(function), arguments, labels, np.concatenate([x.ravel() for x in at])))
    return record_code(bounds[0], bounds[1] if len(bounds) > 1 else None, np.array(bounds[0].start), True)


def test_a_record_knows_values_and_names():
    found = recorded(lambda W: DATA.T @ np.tanh(DATA @ W), at=[REGRESSION])
    assert [found.row(slot).name for slot in found.claim] == ["contract", "tanh", "contract"]
    assert [found.names.get(arg) for arg in found.args(found.claim[0])] == ["DATA", "W"]
    for known, value in zip(found.values, run_slots(found.program, ARRAYS, [REGRESSION]), strict=True):
        np.testing.assert_array_equal(known, value)


@np.errstate(all="ignore")
@pytest.mark.parametrize("claim", CASES, ids=lambda claim: claim.__name__)
def test_a_mutation_is_a_program(claim):
    """What is computed again of the values is what the Program of the mutation computes."""
    f, at, _ = CASES[claim]

    def flat(*values):
        parts = claim(*values)
        return np.concatenate([part.ravel() for part in parts]) if isinstance(parts, tuple) else parts

    at = [np.asarray(x) for x in at] if isinstance(at, list) else [at]
    found = recorded(flat, f, at=at)
    seen = 0
    for mutation in itertools.islice(mutations_of(found), 0, None, 7):
        program = mutation.program(found)
        (value,) = run(program, ARRAYS, found.values[: len(program.inputs)])
        np.testing.assert_allclose(np.ravel(value), mutation.repaired(found), rtol=1e-9, atol=1e-12)
        seen += 1
    assert seen > 10


@np.errstate(all="ignore")
@pytest.mark.parametrize("claim", CASES, ids=lambda claim: claim.__name__)
def test_a_changed_line_does_what_the_mutation_does(claim):
    """Of every mutation of which the line is known: its source is changed and run."""
    f, at, _ = CASES[claim]
    at = [np.asarray(x) for x in at] if isinstance(at, list) else [at]

    def flat(*values, of=claim):
        parts = of(*values)
        return np.concatenate([part.ravel() for part in parts]) if isinstance(parts, tuple) else parts

    found = recorded(flat, f, at=at)
    seen = 0
    for mutation in mutations_of(found):
        lines = mutation.lines(found)
        if lines is None or inspect.getsource(claim).count(lines[0]) != 1:
            continue
        try:
            value = flat(*at, of=with_line(claim, *lines))
        except NameError:  # a name of f
            continue
        np.testing.assert_allclose(np.ravel(value), mutation.repaired(found), rtol=1e-9, atol=1e-12, err_msg=str(lines))
        seen += 1
    assert seen > 5


def test_what_cannot_be_recorded():
    with pytest.raises(TracingError):
        record_function(lambda x: np.fft.fft(x), [("x", (3,))], at=[np.ones(3)])
    assert recorded(lambda x: 3.0, at=[np.ones(3)]) is None


def test_a_record_at_a_point_follows_the_branch():
    """And is the Program of that branch, in which every operation has its line."""

    def branching(x):
        if x[0] > 0:
            return np.sum(np.where(x > 0.5, x**2, -x))
        return x[1]

    found = record_function(branching, [("x", (2,))], at=[np.array([0.25, 1.0])], named=True)
    assert float(run(found.program, ARRAYS, [np.array([0.25, 2.0])])[0]) == 3.75
    assert {line.text for line in found.lines.values()} == {
        "if x[0] > 0:", "return np.sum(np.where(x > 0.5, x**2, -x))"
    }  # fmt: skip
    with pytest.raises(TracingError, match="a branch depends on the input"):
        record_function(branching, [("x", (2,))])


def test_a_penalty_is_taken_away_and_no_piece_of_a_function_put_in():
    """Where min(a, b) happens to be a at all points near by, it is no explanation."""

    def penalised(W):
        return DATA.T @ (2 * (DATA @ W - LABELS) / LABELS.size) + 0.01 * W

    check = dk.check(lambda W: np.mean((DATA @ W - LABELS) ** 2), penalised, at=REGRESSION)
    assert check.explanation.startswith("subtract 0.01 * W from ")


def test_lengths_of_data_that_the_code_reads_are_named():
    check = dk.check(
        lambda W: np.mean(np.sum((DATA @ W - LABELS) ** 2, axis=1)),
        lambda W: 2 * DATA.T @ (DATA @ W - LABELS),
        at=REGRESSION,
    )
    assert check.explanation == "divide by 8, which is len(DATA)"


def test_what_is_done_with_the_result_is_no_line_of_the_claim():
    """The caller is never blamed: stacking what was returned is done after the code has returned."""
    found = record_function(lambda x: [2 * x, 3 * x], [("x", (2,))], at=[np.ones(2)])
    *of_the_code, of_the_caller = found.lines.values()
    assert [row.name for row, _ in found.program.instructions] == ["mul", "mul", "gather"]
    assert all(line.line > 0 for line in of_the_code)
    assert of_the_caller.line == 0

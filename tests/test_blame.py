"""Planted faults: each finding names the backend, the cause and the place."""

import math

import pytest

import diffkit as dk
from diffkit.asking.tasks import derivative_task
from diffkit.calculus.derivatives import differentiate
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.table import table
from diffkit.judging.blame import blame_for_differences, blame_for_program

PROGRAMS = {
    "(exp(x) - 1)/x": (1e-10, "cancellation", "exp(x) - 1"),
    "(1 - cos(x))/x**2": (1e-8, "cancellation", "1 - cos(x)"),
    "x - sqrt(x**2 - 1)": (1e9, "cancellation", "x**2 - 1"),
    "sqrt(x**2 + 1)": (1e200, "overflow", "x**2"),
    "exp(x)/(1 + exp(x))": (800, "overflow", "exp(x)"),
    "x**2/abs(x)": (-1e-200, "underflow", "x**2"),
}


def task_and_truth(text, at):
    return derivative_task(dk.parse(text).program), dk.derivative(text, at).value


@pytest.mark.parametrize("text", PROGRAMS)
def test_plain_programs(text):
    at, cause, where = PROGRAMS[text]
    task, truth = task_and_truth(text, at)
    program = differentiate(task.program, task.indices)
    blame = blame_for_program(program, 0, [float(at)], math.nan, truth)
    assert blame.cause == cause
    assert where in blame.where
    assert blame.evidence


def test_a_wrong_rule():
    task, truth = task_and_truth("sin(x)*x", 0.7)
    right = differentiate(task.program, task.indices)
    builder = ProgramBuilder(right.inputs)
    slots = copy_slots(right, builder, [0])
    wrong = builder.program([builder.apply(table["neg"], (slots[right.outputs[0]],))])
    assert blame_for_program(wrong, 0, [0.7], -truth, truth).cause == "wrong rule"
    assert blame_for_program(right, 0, [0.7], 2 * truth, truth).cause == "wrong value"


def test_a_special_point_of_a_formula():
    _, truth = task_and_truth("x**2", 0.0)
    builder = ProgramBuilder(("x",))
    square = builder.apply(table["mul"], (0, 0))
    ratio = builder.apply(table["div"], (builder.apply(table["mul"], (builder.constant(2), square)), 0))
    blame = blame_for_program(builder.program([ratio]), 0, [0.0], math.nan, truth)
    assert (blame.cause, blame.where) == ("special point", "2*(x*x)/x")


DIFFERENCES = {
    "sin(128*pi*x)": (0, "aliasing"),
    "tanh(x)": (30, "round-off"),
    "tan(x)": (1.5707963267948966, "truncation"),
    "(exp(x) - 1)/x": (1e-10, "cancellation"),
    "sqrt(x**2 + 1)": (1e200, "overflow"),
}


@pytest.mark.parametrize("text", DIFFERENCES)
def test_differences(text):
    at, cause = DIFFERENCES[text]
    task, truth = task_and_truth(text, at)
    assert blame_for_differences(task, (0, (0,)), [float(at)], truth).cause == cause


ODD = {
    "abs(x)": (0, "kink"),
    "floor(x)": (1, "jump"),
    "sqrt(x)": (0, "domain edge"),
    "log(x)": (-1, "outside the domain"),
    "sin(x)/x": (0, "removable point"),
    "1/x**2": (0, "pole"),
    "exp(exp(x))": (7, "overflow"),
}


class Careless:
    """A method that always answers."""

    name = "careless"
    error_kind = "none"
    formula = None

    def prepare(self, task):
        return self

    def at(self, point):
        from diffkit.core.results import Answer

        return Answer([1.0], [1.0])


@pytest.mark.parametrize("text", ODD)
def test_a_number_where_there_is_none(text):
    at, cause = ODD[text]
    (finding,) = dk.compare(text, at, backends=(Careless(),)).findings
    assert (finding.backend, finding.cause, finding.where) == ("careless", cause, text)
    assert finding.evidence


def test_wrong_answers_are_blamed_even_within_a_wide_bar():
    """A bar that admits an error of more than one in a million excuses nobody."""
    found = dk.compare("x**3", 2, backends=(Careless(),)).findings
    assert [f.cause for f in found] == ["wrong value"]

"""Proofs of random Programs of arrays: differences at 500 digits, proofs number by number, planted mistakes."""

import math
import os
from dataclasses import fields, replace
from random import Random

import mpmath
import numpy as np
import pytest
from drawn_programs import drawn
from many_digits import correctly_rounded, slopes

import diffkit as dk
import diffkit.numbers.array_balls as array_balls
import diffkit.numbers.array_series as array_series
from diffkit.asking.tasks import gradient_task, hessian_task, jacobian_task
from diffkit.calculus.scalarised import scalarised
from diffkit.core.array_operations import gathered
from diffkit.core.errors import TracingError
from diffkit.core.program import Program
from diffkit.core.table import MUL, Primitive
from diffkit.ndarrays import record_function
from diffkit.numbers.balls import precision
from diffkit.proof.array_prover import ArrayProver
from diffkit.proof.proofs import Proofs

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "60"))
PARTS = 4
ALMOST = 1 + mpmath.mpf(10) ** -9


def share(part):
    """Seeds of one part of the examples."""
    return range(part, EXAMPLES, PARTS)


def entries(prover, point, rows):
    """What is proven of a matrix, in its shape."""
    found = prover.at(point, rows, range(prover.inputs))
    shape = len(rows), prover.inputs
    return found._replace(**{name: np.reshape(getattr(found, name), shape) for name in ("values", "errors", "proven")})


parts = pytest.mark.parametrize("part", range(PARTS))


def compare(found, example, make, places, seed):
    """What is proven of arrays is what is proven number by number; what is special there is not proven here."""
    try:
        task = make(scalarised(example.program, [f"v{k}" for k in range(len(example.flat))]))
    except TracingError:  # it has no such form
        return
    answer = Proofs(task).at(example.flat.tolist())
    for k, index in enumerate(task.indices):
        odd = answer.odd.get(k)
        for place in places(index):
            if found.proven[place]:
                # of a sum of parts, none of which moves with both inputs, it is 0 where one has a kink, too
                apart = odd is not None and odd.status == "not_differentiable" and len(set(index[1])) == 2
                assert odd is None or odd.status == "ok" or (apart and found.values[place] == 0), (seed, place, odd)
                assert answer.odd.get(k) or found.values[place] == answer.values[k], (seed, place)


@parts
@pytest.mark.parametrize("output", [(), None], ids=["gradient", "jacobian"])
def test_first_derivatives(part, output):
    """Correctly rounded where they are proven, and there is one: by differences of values on both sides."""
    for seed in share(part):
        example = drawn(seed, output=output, plain=seed % 2 == 0)
        prover = ArrayProver(example.program, 1)
        found = entries(prover, example.flat, range(prover.outputs))
        if prover.outputs:
            make = gradient_task if output == () else jacobian_task
            compare(found, example, make, lambda index: [(index[0], index[1][0])], seed)
        if not found.proven.any():
            continue
        with mpmath.workdps(200):
            for row, expected in enumerate(slopes(example.program, example.inputs)):
                for column, number in enumerate(expected):
                    if found.proven[row, column]:
                        value, error = found.values[row, column], found.errors[row, column]
                        assert number is not None, (seed, row, column)
                        assert correctly_rounded(number, value), (seed, row, column)
                        assert abs(number - mpmath.mpf(value)) <= mpmath.mpf(error) * ALMOST + mpmath.mpf(10) ** -90


@parts
def test_second_derivatives(part):
    """They are those that are proven number by number."""
    for seed in share(part):
        example = drawn(seed, plain=seed % 2 == 0)
        prover = ArrayProver(example.program, 2)
        found = entries(prover, example.flat, range(prover.inputs))
        symmetric = found.proven & found.proven.T
        assert np.array_equal(found.values[symmetric], found.values.T[symmetric]), seed
        compare(found, example, hessian_task, lambda index: {index[1], index[1][::-1]}, seed)


# Planted mistakes ---------------------------------------------------------------------------------------------------


def wrong_row(row, random):
    """A row with one partial that is wrong by a millionth of a millionth, a sign, or a number."""
    k = random.choice([k for k, rule in enumerate(row.partials) if rule is not None])
    rule = row.partials[k]
    mistake = random.choice([
        lambda F, *args: rule(F, *args) * (1 + F.rational(1, 2**42)), lambda F, *args: -rule(F, *args),
        lambda F, *args: rule(F, *args) + F.rational(1, 2**40),
    ])  # fmt: skip
    partials = [mistake if j == k else other for j, other in enumerate(row.partials)]
    return replace(row, partials=tuple(partials), pushforward=None)


def wrong_operation(row, random):
    """An operation whose tangents and cotangents have one entry wrong by 2⁻⁴² of it, its sign, or two exchanged."""
    kind = random.choice(["swap", "sign", "unit"])
    seed = random.random()

    def spoilt(algebra, found):
        size = 0 if found is None else math.prod(algebra.shape(found))
        choice = Random(seed)
        if size < (2 if kind == "swap" else 1):
            return found
        k = choice.randrange(size)
        if kind == "swap":
            positions = np.arange(1, size + 1)
            other = (k + choice.randrange(1, size)) % size
            positions[[k, other]] = positions[[other, k]]
            return algebra.apply(gathered(positions.reshape(algebra.shape(found))), [found])
        factors = np.ones(size)
        factors[k] = -1.0 if kind == "sign" else 1.0 + 2.0**-42
        return algebra.apply(MUL, [algebra.data(factors.reshape(algebra.shape(found))), found])

    class Spoilt(type(row)):
        def push(self, algebra, *rest):
            return spoilt(algebra, super().push(algebra, *rest))

        def pull(self, algebra, *rest):
            return spoilt(algebra, super().pull(algebra, *rest))

    for forms in (array_balls._BALL_FORMS, array_series._SERIES_FORMS):
        if type(row) in forms:
            forms[Spoilt] = forms[type(row)]
    return Spoilt(*[getattr(row, field.name) for field in fields(row)])


def with_a_mistake(program, random):
    """The program with one rule of one of its instructions wrong; None if none of them has a rule."""
    spots = [k for k, (row, _) in enumerate(program.instructions) if not row.truth and not row.steps]
    if not spots:
        return None
    spot = random.choice(spots)
    row, args = program.instructions[spot]
    wrong = wrong_row(row, random) if isinstance(row, Primitive) else wrong_operation(row, random)
    code = (*program.instructions[:spot], (wrong, args), *program.instructions[spot + 1 :])
    return Program(program.inputs, program.constants, code, program.outputs, program.lengths)


@parts
@pytest.mark.parametrize("order", [1, 2])
def test_a_mistake_proves_nothing_wrong(part, order, monkeypatch):
    """What is proven with a mistake is what is proven without it, and nothing more."""
    for forms, module in (("_BALL_FORMS", array_balls), ("_SERIES_FORMS", array_series)):
        monkeypatch.setattr(module, forms, dict(getattr(module, forms)))
    for seed in share(part):
        example = drawn(seed, output=() if order == 2 or seed % 3 else None, plain=seed % 2 == 0)
        mistaken = with_a_mistake(example.program, Random(seed))
        if mistaken is None:
            continue
        right, wrong = ArrayProver(example.program, order), ArrayProver(mistaken, order)
        rows = range(right.inputs if order == 2 else right.outputs)
        expected, found = (entries(prover, example.flat, rows) for prover in (right, wrong))
        both = found.proven & expected.proven
        assert np.array_equal(found.values[both], expected.values[both]), seed


UNTAKEN = {
    "log outside": (lambda x: np.sum(np.where(x > 0, np.log(x), x * x)), [-1.5, 2.0]),
    "root at its edge": (lambda x: np.sum(np.where(x > 0.5, np.sqrt(x), 3 * x)), [0.0, 2.0]),
    "pole": (lambda x: np.sum(np.where(x == 0, x, x / (x + 1.0))), [-3.0, 2.0]),
    "kink": (lambda x: np.sum(np.where(x > 1, np.abs(x - 2.0), np.abs(x) * 0 + x)), [-2.0, 3.0]),
    "max of a kink": (lambda x: np.sum(np.maximum(np.abs(x), x + 1.0)), [0.0, 2.0]),
    "entry nobody needs": (lambda x: np.sum(np.sqrt(x)[1:]), [0.0, 2.0]),
}


@pytest.mark.parametrize("name", UNTAKEN)
def test_what_is_not_taken_is_in_nobodys_way(name):
    f, point = UNTAKEN[name]
    prover = ArrayProver(record_function(f, [("x", (2,))]).program, 1)
    assert prover.at(np.array(point), [0], [0, 1]).proven.all()


@pytest.mark.parametrize("point", [[-1.5, 2.0], [0.0, 2.0]])
def test_what_is_taken_is_in_the_way(point):
    for f in (np.log, np.sqrt, lambda x: np.where(x > 1, 0 * x, np.log(x)), lambda x: 1 / np.minimum(x, 0.0)):
        prover = ArrayProver(record_function(lambda x, f=f: np.sum(f(x)), [("x", (2,))]).program, 1)
        with np.errstate(all="ignore"):
            assert not prover.at(np.array(point), [0], [0, 1]).proven[0]


MET = {
    "kink": (np.abs, [0.0, 2.0], [True, False]),
    "tie of two": (lambda x: np.maximum(x, x[::-1]), [1.0, 1.0], [True, True]),
    "jump": (np.floor, [1.5, 2.0], [False, True]),
    "pole": (lambda x: 1 / x, [0.0, 2.0], [True, False]),
    "edge": (np.log, [1.0, -2.0], [False, True]),
    "sort": (np.sort, [3.0, 3.0], [True, True]),
}


@pytest.mark.parametrize("name", MET)
def test_what_is_in_the_way_is_named_by_its_entries(name):
    f, point, entries = MET[name]
    prover = ArrayProver(record_function(lambda x: np.sum(f(x) * np.array([1.0, 2.0])), [("x", (2,))]).program, 1)
    with precision(128, 2):
        (obstacle,) = prover.primal(np.array(point)).obstacles()
    assert (obstacle.entries | obstacle.ends).tolist() == entries
    assert obstacle.outside.tolist() == [name == "edge" and there for there in entries]


def clipped(x):
    y = x * x
    y[x < 0.5] = 3.0
    y[x > 2] = x[0]
    return y


def of_a_view(x):
    y = np.outer(x, x)
    y[y < 0.5] = 3.0
    first = y[0]
    first[first > 1] = x[1]
    return y


def outside_nowhere(x):
    y = np.log(x)
    y[x <= 0] = -9.0
    return y * x


@np.errstate(all="ignore")
@pytest.mark.parametrize(("f", "point"), [
    (clipped, [0.1, 1.0, 3.0]), (of_a_view, [0.9, 1.2, 0.3]), (outside_nowhere, [-1.0, 2.0]),
    (lambda x: (x > 0.5).astype(int) * x**2, [0.1, 2.0]),
])  # fmt: skip
def test_what_is_written_where_a_condition_holds_is_a_choice(f, point):
    x = np.array(point)
    found = dk.jacobian(f, x)
    assert (found.status, found.error_kind) == ("ok", "proven")
    expected = [(f(x + h) - f(x - h)) / 2e-6 for h in 1e-6 * np.eye(len(x))]
    np.testing.assert_allclose(found.value, np.moveaxis(expected, 0, -1), rtol=1e-8, atol=1e-8)


def test_where_its_condition_changes_it_jumps():
    assert dk.gradient(lambda x: np.sum(clipped(x)), np.array([0.1, 0.5, 3.0])).status == "not_differentiable"

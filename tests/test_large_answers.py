"""Families of partials that are made when asked for, and answers in arrays: size costs nothing more."""

import tracemalloc

import numpy as np
import pytest

import diffkit as dk
from diffkit.asking.tasks import gradient_task, hessian_task, hvp_task, jacobian_task, jvp_task
from diffkit.core.deadline import time_limit
from diffkit.core.errors import OutOfTime
from diffkit.core.partials import FirstPartials, PairIndices, PartialNames, SecondPartials, SymmetricPlaces, grids
from diffkit.core.results import Answer, Odd, ToldOfAll, findings
from diffkit.core.table import table
from diffkit.numbers.array_balls import PIECE, BallArrays, balls_of
from diffkit.numbers.array_series import SeriesArrays
from diffkit.numbers.balls import precision

F = dk.parse("x1*x2 + sin(x3)").program


@pytest.mark.parametrize("inputs", [(), (4,), (0, 1, 2), (5, 2, 9, 0), (3, 3)])
def test_a_family_is_what_it_stands_for(inputs):
    first = [(k, (i,)) for k in range(3) for i in inputs]
    pairs = [(0, tuple(sorted((i, j)))) for a, i in enumerate(inputs) for j in inputs[a:]]
    families = {
        FirstPartials(range(3), inputs): first,
        FirstPartials(range(3), inputs, (7,)): [(k, (*index, 7)) for k, index in first],
        SecondPartials(inputs): pairs,
        PairIndices(inputs): [(0, (i, j)) for i in inputs for j in inputs],
    }
    for family, members in families.items():
        assert len(family) == len(members)
        assert list(family) == members == [family[k] for k in range(len(members))]
        assert family == tuple(members)
        assert family[1:] == tuple(members[1:])
        assert family[::-1] == tuple(members[::-1])
        assert members == [] or family[-1] == members[-1]
        assert repr(family) == repr(tuple(members))


def test_places_of_a_symmetric_matrix_name_its_pairs():
    chosen = (5, 2, 9, 0)
    pairs, places = SecondPartials(chosen), SymmetricPlaces(4)
    for (_, pair), place in zip(PairIndices(chosen), places, strict=True):
        assert pairs[place] == (0, tuple(sorted(pair)))
    assert sorted(set(places)) == list(range(10))


def test_nothing_is_made_of_a_family_until_asked():
    large = SecondPartials(tuple(range(10**5)))
    assert len(large) == 5_000_050_000
    for place in (0, 10**5 - 1, 10**5, 2**31, len(large) - 1):
        output, (i, j) = large[place]
        assert output == 0
        assert i <= j < 10**5
        assert i * 10**5 - i * (i - 1) // 2 + j - i == place


@pytest.mark.parametrize("indices", [
    FirstPartials(range(2), (3, 0, 1)), FirstPartials(range(3), (4,)), FirstPartials(range(1), (0, 1, 2), (4,)),
    SecondPartials((3, 1, 2)), ((0, ()), (1, (2,)), (0, (2,)), (0, (1, 2)), (1, (1, 2)), (2, ())),
])  # fmt: skip
def test_grids_put_each_partial_in_its_place(indices):
    """The table of a rest holds a number that says which partial it is."""
    found = np.full(len(indices), np.nan)
    for rest, mine in grids(indices).items():
        for grid in mine:
            if rest is None:
                found[grid.places] = [10_000 * k for k in grid.outputs]
                continue
            sign = sum(10 * (v + 1) * 11**n for n, v in enumerate(rest))
            table = 10_000.0 * np.arange(3)[:, None] + np.arange(1, 6) + sign
            for part in ([0, 1, 4], [2, 3]):
                column = np.full(5, -1)
                column[part] = range(len(part))
                grid.fill(found, table[:, part], np.arange(3), column)
    want = [
        10_000 * k + (index[0] + 1 + sum(10 * (v + 1) * 11**n for n, v in enumerate(index[1:])) if index else 0)
        for k, index in indices
    ]
    assert found.tolist() == want


def test_tasks_ask_for_families():
    assert isinstance(gradient_task(F).indices, FirstPartials)
    assert isinstance(jacobian_task(F).indices, FirstPartials)
    assert jvp_task(F, [1, 2, 3]).indices == ((0, (6,)),)
    assert hvp_task(F, [1, 2, 3]).indices == ((0, (0, 6)), (0, (1, 6)), (0, (2, 6)))
    task = hessian_task(F, ("x3", "x1"))
    assert [task.indices[place] for place in task.places] == [(0, (2, 2)), (0, (0, 2)), (0, (0, 2)), (0, (0, 0))]
    assert task.labels == ("∂²f/∂x3²", "∂²f/∂x3∂x1", "∂²f/∂x1∂x3", "∂²f/∂x1²")


def test_one_finding_stands_for_all_components():
    nothing = ToldOfAll(3, Odd("domain_error", "outside"))
    assert dict(nothing) == dict.fromkeys(range(3), nothing.finding)
    assert len(list(findings(nothing))) == 1
    assert 2 in nothing
    assert 3 not in nothing
    assert nothing.get(3) is None
    assert not ToldOfAll(0, nothing.finding)
    assert list(findings(ToldOfAll(0, nothing.finding))) == []


class Arrays:
    """A backend that answers with arrays: ∂²/∂xᵢ∂xⱼ = 10·i + j, or the partial's number; ``odd`` as it is told."""

    name, error_kind, formula = "arrays", "estimate", None

    def __init__(self, odd):
        self.odd = odd

    def prepare(self, task):
        self.task = task
        return self

    def at(self, point):
        values = np.arange(float(len(self.task.indices)))
        if isinstance(self.odd, ToldOfAll):
            values[:] = np.nan
        values[[c for c in self.odd if c < len(values)]] = np.nan
        return Answer(values, values / 8, self.odd)

    def batch(self, points):
        values = np.tile(self.at(points[0]).values, len(points))
        return Answer(values, None, {})


def test_answers_in_arrays_are_laid_out():
    result = dk.hessian("x*y*z", [1, 2, 3], backend=Arrays({}))
    assert result.value.tolist() == [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
    assert result.error.tolist() == (result.value / 8).tolist()
    assert result.ok
    odd = dk.hessian("x*y*z", [1, 2, 3], backend=Arrays({1: Odd("pole", "there", left=4.0)}))
    assert odd.statuses.tolist() == [["ok", "pole", "ok"], ["pole", "ok", "ok"], ["ok"] * 3]
    assert odd.left[0, 1] == odd.left[1, 0] == 4
    one = dk.derivative("x", 1, backend=Arrays({}))
    assert type(one.value) is float
    none = dk.hessian("x*y", [1, 2], backend=Arrays(ToldOfAll(3, Odd("domain_error", "outside", left=1.0))))
    assert none.status == "domain_error"
    assert none.message == "outside"
    assert (none.statuses == "domain_error").all()
    assert np.isnan(none.value).all()
    assert (none.left == 1).all()
    assert none.right is None
    batch = dk.hessian("x*y*z", np.ones((2, 3)), backend=Arrays({}))
    assert batch.value.tolist() == [result.value.tolist()] * 2


@pytest.mark.parametrize("backend", ["dual", "reverse"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_large_answer_costs_little_beside_its_values(backend, inside):
    """An answer of a million numbers takes a few arrays of its size, whether they are numbers or all are missing."""
    n = 1024
    f = (lambda x: np.exp(x)) if inside else (lambda x: np.log(x - 10))
    x = np.linspace(0.5, 2, n)
    dk.jacobian(f, x[:3], backend=backend)
    tracemalloc.start()
    result = dk.jacobian(f, x, backend=backend)
    status = result.status
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status == ("ok" if inside else "domain_error")
    assert most < 8 * 8 * n * n
    if inside:
        assert np.array_equal(result.value, np.diag(np.exp(x)))


def test_names_are_made_when_asked_for():
    names = PartialNames(("x", "y"), FirstPartials(range(2), (0, 1)), several=True)
    assert names == ("∂f1/∂x", "∂f1/∂y", "∂f2/∂x", "∂f2/∂y")


def test_an_operation_on_a_large_array_looks_at_the_clock(ticking):
    balls, row = BallArrays(), table["sin"]
    with precision(64, 2):
        large = balls_of(np.linspace(0, 1, 5 * PIECE + 1))
        whole = balls.apply(row, [large])
        ticking(0.1)
        with time_limit(10.0):
            assert [str(b) for b in balls.apply(row, [large])] == [str(b) for b in whole]
            sums = balls.apply(table["add"], [large.reshape(1, -1), balls_of(2.0)])
            assert sums.shape == (1, len(large))
        with pytest.raises(OutOfTime), time_limit(0.35):
            balls.apply(row, [large])
        with pytest.raises(OutOfTime), time_limit(0.35):
            SeriesArrays(balls).apply(row, [[large, large]])


def test_what_the_time_did_not_suffice_for_is_said_once(ticking):
    ticking(0.01)
    found = dk.gradient(lambda x: np.sum(np.sin(x) ** 2), np.linspace(0, 1, 20_000), timeout=0.1)
    assert found.status == "uncertain"
    assert isinstance(found.odd, ToldOfAll)
    assert "timeout of 0.1 s" in found.message

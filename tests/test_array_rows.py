"""Every function of arrays, by its row: value, shape, adjoint, sign and shorter forms against NumPy and each other."""

from importlib import import_module

import numpy as np
import pytest

import diffkit as dk
from diffkit.core.errors import FormError, ShapeError
from diffkit.core.program import run
from diffkit.core.table.array_table import array_table
from diffkit.lessons.matrices.algebra import MatrixAlgebra
from diffkit.lessons.matrices.nodes import Node
from diffkit.lessons.matrices.shapes import shapes_of
from diffkit.lessons.matrices.tree_program import program_of
from diffkit.ndarrays import record_program
from diffkit.ndarrays.kernel import evaluate
from diffkit.numbers.array_balls import BallArrays, balls_of
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.balls import precision

RNG = np.random.default_rng(7)
SHAPES = [[()], [(4,)], [(3, 3)], [(2, 4)], [(4,), (4,)], [(3, 3), (3,)], [(3, 3), (3, 2)], [(2, 3), (3, 4)]]


def calls():
    """Every row at the shapes and axes that it takes, as text with the shapes of its names."""
    for row in array_table:
        for shapes in SHAPES:
            if not row.called or row.lengths or len(shapes) not in row.counts:
                continue
            for axis in (None, 0, 1) if row.axis else (None,):
                names = ("X", "Y")[: len(shapes)]
                node = Node(row.name, tuple(Node("name", value=name) for name in names), axis)
                try:
                    shapes_of(node, dict(zip(names, shapes, strict=True)))
                except ShapeError:
                    continue
                yield pytest.param(row, node, dict(zip(names, shapes, strict=True)), id=f"{node} {shapes}")


CALLS = list(calls())


def values(shapes):
    """Well-conditioned matrices, and other numbers, by name."""
    return {
        n: RNG.normal(size=s) + (3 * np.eye(s[0]) if len(s) == 2 and s[0] == s[1] else 0) for n, s in shapes.items()
    }


def valued(node, given):
    """The value of a tree."""
    return evaluate(
        program_of(node, tuple(given), shapes_of(node, {n: v.shape for n, v in given.items()})), [*given.values()]
    )


def test_every_function_is_met():
    assert {param.values[0].name for param in CALLS} == {r.name for r in array_table if r.called and not r.lengths}


@pytest.mark.parametrize(("row", "node", "shapes"), CALLS)
def test_values_are_those_of_numpy_or_scipy_and_of_the_recorded_program(row, node, shapes):
    given = values(shapes)
    found = valued(node, given)
    known = shapes_of(node, shapes)[node]
    assert np.shape(found) == known
    if row.called_in_code and known != shapes.get("X"):
        module, _, name = row.called_in_code.rpartition(".")
        options = {} if node.value is None else {"axis": node.value}
        np.testing.assert_allclose(found, getattr(import_module(module), name)(*given.values(), **options), rtol=1e-13)
    program = record_program(program_of(node, tuple(given), shapes_of(node, shapes)), list(shapes.items()))
    (again,) = run(program, ARRAYS, list(given.values()))
    np.testing.assert_allclose(again, found, rtol=1e-13, atol=1e-14)
    with precision(128):
        (balls,) = run(program, BallArrays(), [balls_of(value) for value in given.values()])
        assert all(abs(b - float(v)) < 1e-12 for b, v in zip(balls.flat, np.ravel(found), strict=True))


@pytest.mark.parametrize(("row", "node", "shapes"), CALLS)
def test_gradients_with_data_are_proven_and_those_of_differences(row, node, shapes):
    given = values(shapes)
    weights = RNG.normal(size=np.shape(valued(node, given)))
    f = dk.arrays(f"sum(weights*{node})", weights=weights)
    proven = dk.gradient(f, given)
    assert (proven.status, proven.error_kind) == ("ok", "proven")
    measured = dk.gradient(f, given, backend="finite")
    np.testing.assert_allclose(np.ravel(np.asarray(proven)), np.ravel(np.asarray(measured)), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("row", "node", "shapes"), CALLS)
def test_formulas_for_any_size_pass_their_check_or_say_why_there_is_none(row, node, shapes):
    lettered = {n: tuple(map({4: "n", 3: "m", 2: "k"}.get, s)) for n, s in shapes.items()}
    lettered["W"] = shapes_of(node, lettered)[node]
    for name in shapes:
        if row.without:
            with pytest.raises(FormError, match=row.without.strip(", ")):
                dk.matrix_derivative(f"sum(W*{node})", name, shapes=lettered)
        else:
            assert dk.matrix_derivative(f"sum(W*{node})", name, shapes=lettered).trials >= 20


@pytest.mark.parametrize(("row", "node", "shapes"), CALLS)
def test_what_is_known_of_signs_and_shorter_forms(row, node, shapes):
    given, algebra = values(shapes), MatrixAlgebra(shapes)
    found = np.asarray(valued(node, given))
    assert not row.never_negative or (found >= 0).all()
    assert not row.positive or (found > 0).all()
    if row.keeps_sign:
        assert (np.asarray(valued(node, {n: np.abs(v) for n, v in given.items()})) > 0).all()
    made = algebra.make(node.kind, node.args, node.value)
    np.testing.assert_allclose(valued(made, given), found, rtol=1e-12)
    np.testing.assert_allclose(valued(algebra.T(made), given), found.T, rtol=1e-12)
    np.testing.assert_allclose(valued(algebra.sum(made), given), found.sum(), rtol=1e-12)
    if row.symmetric and found.ndim == 2:
        np.testing.assert_array_equal(found, found.T)

"""Sparse Jacobians and Hessians: the same numbers as the dense ones, stored where structure does not say 0."""

import json
import pickle
import random

import numpy as np
import pytest
from scipy.sparse import csr_array

import diffkit as dk
from diffkit.calculus.sparsity import hessian_pattern, jacobian_pattern
from diffkit.reports import render

STENCIL = [f"x{k}**2 - 2*x{k + 1} + sin(x{k + 2})" for k in range(8)]
POINT = [0.1 * k - 0.45 for k in range(10)]


def curve(x):
    return np.sum((x[1:] - x[:-1] ** 2) ** 2) + np.sum(np.exp(x))


def branching(x):
    return np.array([x[0] * x[1], x[2]]) if x[0] < 9 else x[:2]


def dense(found):
    """What a sparse result says of every entry."""
    assert isinstance(found.value, csr_array)
    assert found.value.shape == found.shape
    assert len(found.labels) == found.value.nnz == len(found.statuses)
    return found.value.toarray()


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse", "symbolic", "finite"])
def test_jacobians_of_text(backend):
    found = dk.jacobian(STENCIL, POINT, sparse=True, backend=backend)
    whole = dk.jacobian(STENCIL, POINT, backend=backend)
    assert np.array_equal(dense(found), whole.value)
    assert found.value.nnz == 24
    assert np.asarray(found).tolist() == whole.value.tolist()
    if found.error is not None:
        stored = found.value.nonzero()
        assert np.array_equal(found.error.toarray()[stored], whole.error[stored])


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse", "finite"])
def test_hessians_of_code(backend):
    x = np.array(POINT)
    found = dk.hessian(curve, x, sparse=True, backend=backend)
    whole = dk.hessian(curve, x, backend=backend)
    assert found.value.nnz == 10 + 2 * 9
    assert np.allclose(dense(found), whole.value, rtol=1e-6, atol=1e-6)
    if backend != "finite":
        assert np.array_equal(dense(found), whole.value)


def test_an_argument_of_any_shape_counts_its_entries():
    found = dk.jacobian(lambda x: np.exp(x), np.ones((2, 3)), sparse=True)
    assert np.array_equal(dense(found), np.e * np.eye(6))
    assert found.value.nnz == 6
    assert found.labels[1] == "∂f2/∂x[0,1]"


def test_code_without_a_formula_stores_all_entries():
    found = dk.jacobian(branching, np.array([1.0, 2.0, 3.0]), sparse=True)
    assert dense(found).tolist() == [[2, 1, 0], [0, 0, 1]]
    assert found.value.nnz == 6


def test_chosen_variables_keep_their_order():
    found = dk.hessian("x*y + y*z**2", {"x": 1, "y": 2, "z": 3}, wrt=("z", "x", "y"), sparse=True)
    assert dense(found).tolist() == [[4, 0, 6], [0, 0, 1], [6, 1, 0]]
    assert found.labels == ("∂²f/∂z²", "∂²f/∂z∂y", "∂²f/∂x∂y", "∂²f/∂y∂z", "∂²f/∂y∂x")
    some = dk.jacobian(["x*y", "z"], {"x": 1, "y": 2, "z": 3}, wrt=("z", "y"), sparse=True)
    assert dense(some).tolist() == [[0, 1], [1, 0]]


def test_points_without_a_value_are_stored_and_told():
    found = dk.jacobian(["log(x)", "y", "abs(z)"], [-1, 2, 0], sparse=True)
    assert found.status == "domain_error"
    assert found.statuses == ["domain_error", "ok", "not_differentiable"]
    assert np.isnan(found.value[0, 0])
    assert found.left[2, 2] == -1
    with pytest.raises(dk.DiffkitError):
        np.asarray(found)
    kink = dk.hessian("abs(x) + x*y", [0, 1], sparse=True)
    assert kink.statuses == ["not_differentiable", "ok", "ok"]


def test_nothing_may_be_stored():
    found = dk.hessian("2*x - 3*y + z", [1, 2, 3], sparse=True)
    assert dense(found).tolist() == np.zeros((3, 3)).tolist()
    assert found.ok


def test_a_sparse_matrix_is_of_one_point():
    with pytest.raises(dk.DiffkitError, match="one point"):
        dk.jacobian(["x*y"], np.ones((3, 2)), sparse=True)


def test_prepared_and_pickled():
    p = dk.prepare(STENCIL, "jacobian", sparse=True)
    found = p(POINT)
    assert isinstance(found, csr_array)
    assert np.array_equal(found.toarray(), dk.jacobian(STENCIL, POINT).value)
    assert np.array_equal(p.jac(POINT).toarray(), found.toarray())
    h = dk.prepare(curve, "hessian", sparse=True)
    assert np.array_equal(h.hess(np.array(POINT)).toarray(), dk.hessian(curve, np.array(POINT)).value)
    result = p.result(POINT)
    assert pickle.loads(pickle.dumps(result)) == result
    assert result.value is not result.value


def test_it_is_shown_by_its_entries():
    found = dk.hessian("x*y + z**2", [1, 2, 3], sparse=True)
    text = render(found, "text")
    assert "∂²f/∂x∂y" in text
    assert "∂²f/∂x²" not in text
    fields = json.loads(render(found, "json"))
    assert fields["shape"] == [3, 3]
    assert (fields["rows"], fields["columns"], fields["value"]) == ([0, 1, 2], [1, 0, 2], [1.0, 1.0, 2.0])


def test_the_command_prints_triplets(run):
    code, out, _ = run("hessian", "x^2*y + abs(z) + w", "--at", "w=1,x=2,y=3,z=0", "--sparse")
    assert code == 1
    lines = [line.split(maxsplit=3) for line in out[out.index("row ") :].splitlines()[:5]]
    assert lines[0] == ["row", "column", "entry", "value"]
    assert lines[1] == ["1", "1", "∂²f/∂x²", "6"]
    assert lines[3] == ["2", "1", "∂²f/∂y∂x", "4"]
    assert lines[4][:3] == ["3", "3", "∂²f/∂z²"]
    assert "not differentiable" in lines[4][3]
    assert "4 of 16 entries" in out
    code, out, _ = run("jacobian", *STENCIL, "--at", ",".join(map(str, POINT)), "--sparse", "--format", "json")
    fields = json.loads(out)
    found = csr_array((fields["value"], (fields["rows"], fields["columns"])), shape=fields["shape"])
    assert code == 0
    assert np.array_equal(found.toarray(), dk.jacobian(STENCIL, POINT).value)
    code, _, err = run("jacobian", "x*y", "--at", "x=0:1:3,y=1", "--sparse")
    assert code == 2
    assert "one point" in err


TERMS = (
    "{}*{}", "sin({})*{}", "{}/({}+9)", "max({}, {})", "({} + 2*{})**2", "{} - {}", "where({} > {}, 1, 2)",
    "atan2({}, {}+3)",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_what_is_left_out_is_zero(seed):
    """Of random formulas: the dense derivative is 0 wherever structure says so."""
    draw = random.Random(seed)
    names = [f"x{k}" for k in range(6)]
    pieces = list(names)
    for _ in range(5):
        pieces.append("(" + draw.choice(TERMS).format(draw.choice(pieces), draw.choice(names)) + ")")
    f = [" + ".join(draw.sample(pieces, 3)) for _ in range(3)]
    at = {name: draw.uniform(0.5, 2) for name in names}
    sparse = dk.jacobian(f, at, variables=names, sparse=True, backend="dual")
    whole = dk.jacobian(f, at, variables=names, backend="dual")
    assert np.array_equal(dense(sparse), whole.value, equal_nan=True)
    second = dk.hessian(f[0], at, variables=names, sparse=True, backend="dual")
    assert np.array_equal(dense(second), dk.hessian(f[0], at, variables=names, backend="dual").value, equal_nan=True)


def test_patterns():
    program = dk.parse("x*y/3 + sin(z) - (x - w)").program
    names = program.inputs
    assert jacobian_pattern(program) == [list(range(len(names)))]
    pattern = {name: [names[k] for k in row] for name, row in zip(names, hessian_pattern(program), strict=True)}
    assert pattern == {"w": [], "x": ["y"], "y": ["x"], "z": ["z"]}


def test_a_large_stencil_stores_and_costs_its_entries():
    n = 400
    f = [f"x{k}*x{(k + 1) % n}" for k in range(n)]
    found = dk.jacobian(f, [1.0 + k for k in range(n)], sparse=True, backend="dual")
    assert found.value.nnz == 2 * n
    assert found.value[0, 1] == 1.0


W = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
CODE = [
    lambda x: np.where(x[:3] > x[3:], x[:3] * x[3:], np.exp(x[0])),
    lambda x: np.maximum(x[1:], x[:-1]) ** 2,
    lambda x: np.sort(x * x[0])[:3],
    lambda x: W @ x[:3] * x[5],
    lambda x: np.cumsum(x)[::2] / 3,
    lambda x: np.abs(x.reshape(2, 3)).sum(axis=0) + x[5],
    lambda x: np.linalg.solve(np.diag(x[:3]) + 9 * np.eye(3), x[3:]),
]


@pytest.mark.parametrize("f", CODE)
@pytest.mark.parametrize("seed", range(3))
def test_what_array_code_leaves_out_is_zero(f, seed):
    x = np.random.default_rng(seed).uniform(0.5, 2, 6)
    assert np.array_equal(
        dense(dk.jacobian(f, x, sparse=True, backend="dual")), dk.jacobian(f, x, backend="dual").value
    )
    total = lambda y: np.sum(f(y))  # noqa: E731
    assert np.array_equal(
        dense(dk.hessian(total, x, sparse=True, backend="dual")), dk.hessian(total, x, backend="dual").value
    )


def test_so_many_entries_without_structure_are_refused():
    x = np.ones(2100)
    with pytest.raises(dk.LimitError, match="no formula"):
        dk.jacobian(lambda x: x * 2 if x[0] > 0 else x, x, sparse=True)


def test_a_long_function_has_its_structure_from_arrays():
    found = dk.jacobian(lambda x: x[1:] * x[:-1], np.arange(1.0, 1001.0), sparse=True)
    assert found.value.nnz == 2 * 999
    assert found.ok
    assert found.value[0, 1] == 1.0

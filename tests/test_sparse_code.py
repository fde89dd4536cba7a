"""Sparse derivatives of code by colours: the dense numbers, few evaluations, and patterns that are too small."""

import math
import random

import numpy as np
import pytest
import scipy.sparse as sp

import diffkit as dk

N = 12
X = np.linspace(0.2, 1.1, N) * np.where(np.arange(N) % 2, 1.0, -1.0)


def bands(x):
    return np.sin(x[1:]) * x[:-1] ** 2


def far(x):
    return np.exp(x[: N // 2] / 3) * np.cos(x[N // 2 :])


def first(x):
    return x[1:] * x[0]


def lone(x):
    return np.array([x[3] ** 3, x[0] * x[5], 2.0 * x[7]])


def chained(x):
    return np.sum((x[1:] - x[:-1] ** 2) ** 2) + np.sum(np.exp(x))


def arrowed(x):
    return np.sum(np.sin(x) * x[0]) + np.sum(x**3)


def paired(x):
    return np.sum(x[: N // 2] ** 2 * x[N // 2 :])


def branching(f):
    """The same, of a kind that no record is made of."""

    def branch(x):
        return f(x) if x[0] < 5 else f(2 * x)

    return branch


def one_by_one(x):
    """Code that nothing but values can be asked of."""
    return np.array([math.sin(float(x[k + 1])) * float(x[k]) ** 2 for k in range(len(x) - 1)])


def structure(f, kind, x=X):
    found = getattr(dk, kind)(f, x, backend="dual").value
    return found.reshape(-1, len(x)) != 0


JACOBIANS, HESSIANS = [bands, far, first, lone], [chained, arrowed, paired]
CASES = [("jacobian", f) for f in JACOBIANS] + [("hessian", f) for f in HESSIANS]


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse", "complex", "finite"])
@pytest.mark.parametrize(("kind", "f"), CASES)
@pytest.mark.parametrize("recorded", [True, False])
def test_the_numbers_are_the_dense_ones(kind, f, backend, recorded):
    if (kind, backend) == ("hessian", "complex"):
        pytest.skip("first derivatives only")
    f = f if recorded else branching(f)
    pattern = structure(f, kind)
    given = {} if recorded else {"sparsity": pattern}
    found = getattr(dk, kind)(f, X, sparse=True, backend=backend, **given)
    whole = getattr(dk, kind)(f, X, backend=backend)
    assert found.ok
    assert found.value.nnz == pattern.sum()
    if backend in ("dual", "reverse") or (recorded and backend == "auto") or (kind, backend) == ("jacobian", "finite"):
        assert np.array_equal(found.value.toarray(), whole.value)
    else:
        apart, bars = np.abs(found.value.toarray() - whole.value), found.error.toarray() + whole.error
        assert np.all((apart <= bars)[pattern])


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse", "complex", "finite"])
@pytest.mark.parametrize(("kind", "f"), CASES)
def test_a_pattern_that_is_too_small_is_seen(kind, f, backend):
    if (kind, backend) == ("hessian", "complex"):
        pytest.skip("first derivatives only")
    draw, whole = random.Random(f.__name__ + backend), structure(f, kind)
    dense = getattr(dk, kind)(f, X).value
    for _ in range(4):
        pattern = whole.copy()
        row, column = draw.choice(np.argwhere(whole).tolist())
        pattern[row, column] = False
        if kind == "hessian":
            pattern[column, row] = False
        found = getattr(dk, kind)(f, X, sparsity=pattern, backend=backend)
        assert found.status == "uncertain", (row, column)
        assert "sparsity leaves out entries" in found.message
        entries = zip(*pattern.nonzero(), found.value.data, found.statuses, strict=True)
        kept = [(i, j, value) for i, j, value, status in entries if status == "ok"]
        assert all(abs(value - dense[i, j]) <= 1e-5 * abs(dense[i, j]) for i, j, value in kept)  # what is ok is right
        assert all(i != row for i, _, _ in kept)


def test_a_whole_row_that_is_missing_leaves_nothing_ok():
    found = dk.jacobian(bands, X, sparsity=[(i, j) for i in range(1, N - 1) for j in (i, i + 1)], backend="dual")
    assert set(found.statuses) == {"uncertain"}
    comparison = dk.compare(bands, X, "jacobian", sparsity=[(0, 0)])
    assert comparison.verdict == "undecided"


def test_a_pattern_that_is_too_large_costs_no_digit():
    pattern = structure(bands, "jacobian") | np.eye(N - 1, N, 3, dtype=bool)
    found = dk.jacobian(bands, X, sparsity=pattern)
    assert found.ok
    assert found.error_kind == "proven"
    assert np.array_equal(found.value.toarray(), dk.jacobian(bands, X).value)


def test_forms_of_a_pattern():
    pattern = structure(bands, "jacobian")
    pairs = [tuple(map(int, pair)) for pair in np.argwhere(pattern)]
    forms = [
        pattern,
        pattern.astype(int),
        sp.csr_array(pattern),
        sp.coo_matrix(pattern),
        pairs,
        reversed(pairs),
        set(pairs),
    ]
    values = [dk.jacobian(bands, X, sparsity=form, backend="dual").value for form in forms]
    assert all((value != values[0]).nnz == 0 and value.nnz == len(pairs) for value in values)
    lower = [(i, j) for i, j in np.argwhere(structure(chained, "hessian")).tolist() if i >= j]
    assert dk.hessian(chained, X, sparsity=lower).value.nnz == 3 * N - 2
    assert (
        dk.jacobian(lambda x: x**2, np.ones((2, 2)), sparsity=np.eye(4)).value.toarray().tolist()
        == (2 * np.eye(4)).tolist()
    )


@pytest.mark.parametrize(("given", "said"), [
    (np.ones((3, 3)), r"shape \(3, 3\)"),
    (sp.eye_array(3), r"shape \(3, 3\)"),
    ([(0, N)], "outside"),
    ([(-1, 0)], "outside"),
    ([], "no entry"),
    (np.zeros((N - 1, N)), "no entry"),
    ([(0.5, 1)], "whole numbers"),
    ([(0, 1, 2)], "whole numbers"),
    ([5], "whole numbers"),
    ([(True, False)], "whole numbers"),
    ("banded", "not a str"),
    (3, "not a int"),
    (np.full((N - 1, N), "x"), "array of"),
])  # fmt: skip
def test_what_is_no_pattern(given, said):
    with pytest.raises(dk.DiffkitError, match=said):
        dk.jacobian(bands, X, sparsity=given)


def test_expressions_know_their_own():
    with pytest.raises(dk.DiffkitError, match="sparse=True"):
        dk.jacobian(["x*y"], [1, 2], sparsity=[(0, 0)])


def test_pairs_that_run_once_serve_points_of_all_shapes():
    q = dk.prepare(dk.Function(lambda x: x**2), "jacobian", sparsity=((k, k) for k in range(4)), backend="dual")
    for shape in ((2, 2), (4,)):
        assert np.array_equal(q.result(np.ones(shape)).value.toarray(), 2 * np.eye(4))


def test_chosen_variables():
    pattern = structure(bands, "jacobian")[:, [4, 0]]
    wrt = ["x[4]", "x[0]"]
    for backend in ("auto", "dual", "reverse", "complex", "finite"):
        found = dk.jacobian(bands, X, sparsity=pattern, wrt=wrt, backend=backend)
        assert np.allclose(found.value.toarray(), dk.jacobian(bands, X, wrt=wrt).value)
        assert found.ok
    short = dk.hessian(chained, X, sparsity=[(0, 0), (1, 1)], wrt=wrt, backend="reverse")
    assert short.ok
    assert dk.hessian(arrowed, X, sparsity=[(0, 0), (1, 1)], wrt=wrt, backend="reverse").status == "uncertain"


def test_several_arguments_and_numbers():
    def f(a, b, c):
        return np.concatenate([a * b[0], [c * b[1]]])

    at = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), 5.0]
    for backend in ("auto", "dual", "reverse", "complex", "finite"):
        found = dk.jacobian(f, at, sparse=True, backend=backend)
        assert np.allclose(found.value.toarray(), [[3, 0, 1, 0, 0], [0, 3, 2, 0, 0], [0, 0, 0, 5, 4]])
        assert found.ok
    assert found.value.nnz == 6


def test_many_points_in_one_call():
    f = dk.Function(lambda x: x[..., 1:] * x[..., :-1], vectorized=True)
    for backend in ("dual", "reverse", "finite"):
        found = dk.jacobian(f, X, sparsity=structure(bands, "jacobian"), backend=backend)
        assert found.ok
        assert np.allclose(found.value.toarray(), dk.jacobian(lambda x: x[1:] * x[:-1], X).value)


def test_points_that_are_not_ordinary_are_what_they_are_without_colours():
    def kinked(x):
        return np.abs(x[1:]) * x[:-1]

    def logs(x):
        return np.log(x[1:]) + x[:-1]

    at = X.copy()
    at[4] = 0.0
    for f, backend in ((kinked, "dual"), (logs, "reverse"), (kinked, "finite"), (logs, "complex")):
        pattern = structure(bands, "jacobian")
        with np.errstate(all="ignore"):
            found = dk.jacobian(f, at, sparsity=pattern, backend=backend)
            whole = dk.jacobian(f, at, backend=backend)
        for c, (i, j) in enumerate(np.argwhere(pattern)):
            assert found.statuses[c] in (whole.statuses[i, j], "uncertain")
        assert found.status == whole.status


def test_sizes_of_coordinates_do_not_matter():
    at = X * 10.0 ** np.linspace(-9, 9, N)
    f = branching(lambda x: x[1:] * x[:-1])
    for backend in ("auto", "complex", "finite"):
        found = dk.jacobian(f, at, sparsity=structure(bands, "jacobian"), backend=backend)
        assert found.ok
        assert np.allclose(found.value.toarray(), dk.jacobian(lambda x: x[1:] * x[:-1], at).value, rtol=1e-9)


@pytest.mark.parametrize("backend", ["auto", "complex", "finite"])
def test_evaluations_grow_with_colours_not_with_inputs(backend):
    """Twice the inputs, as many colours: as many evaluations but for what the values themselves decide."""
    f = branching(lambda x: x[1:] * x[:-1] ** 2)
    spent = []
    for n in (20, 160):
        pattern = sp.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1], shape=(n - 1, n))
        found = dk.jacobian(f, np.linspace(0.3, 1.4, n), sparsity=pattern, backend=backend)
        assert found.ok
        spent.append(found.evaluations)
    assert spent[1] < 1.6 * spent[0]
    assert spent[1] < 160


def test_derivatives_pushed_grow_with_colours(monkeypatch):
    """Tangents of a dual Jacobian, cotangents of a reverse one, products of a Hessian."""
    import diffkit.ndarrays as ndarrays

    pushed, pulled = [], []
    forward, backward = ndarrays.pushforward, ndarrays.pullback

    def counting(f, arguments, tangents):
        pushed.append(max(len(t) for t in tangents if t is not None))
        return forward(f, arguments, tangents)

    def pulling(f, arguments, active):
        found = backward(f, arguments, active)
        return found._replace(back=lambda seed: pulled.append(1) or found.back(seed))

    monkeypatch.setattr(ndarrays, "pushforward", counting)
    monkeypatch.setattr(ndarrays, "pullback", pulling)
    n = 60
    x = np.linspace(0.3, 1.4, n)
    dk.jacobian(bands, x, sparse=True, backend="dual")
    assert max(pushed) == 2
    dk.jacobian(bands, x, sparse=True, backend="reverse")
    assert len(pulled) == 2
    pushed.clear()
    dk.hessian(chained, x, sparse=True, backend="reverse")
    assert max(pushed) == 3
    pushed.clear()
    dk.hessian(arrowed, x, sparse=True, backend="reverse")
    assert max(pushed) == 2


def test_prepared_for_many_points():
    pattern = structure(chained, "hessian")
    p = dk.prepare(branching(chained), "hessian", sparsity=pattern, backend="reverse")
    for k in range(6):
        assert np.array_equal(p(X + k / 8).toarray(), dk.hessian(chained, X + k / 8, backend="reverse").value)
    short = dk.prepare(chained, "hessian", sparsity=np.eye(N), backend="reverse")
    for k in range(6):
        assert np.isnan(short(X + k / 8).data).all()


@pytest.mark.parametrize("backend", ["auto", "dual", "reverse", "complex", "finite"])
def test_a_record_that_data_have_outgrown_is_seen(backend):
    index = np.array([0, 1, 2])
    p = dk.prepare(lambda x: x[index] ** 2, "jacobian", sparse=True, backend=backend)
    x = np.array([1.0, 2.0, 3.0])
    assert np.allclose(p(x).toarray(), np.diag(2 * x))
    index[:] = [1, 1, 2]
    found = p.result(x)
    assert [found.statuses[0], found.statuses[2]] == ["uncertain", "ok"]  # of the second, sums of outputs tell less
    assert "the record of the code leaves out entries" in found.message


def test_code_of_values_alone():
    pattern = structure(bands, "jacobian")
    found = dk.jacobian(one_by_one, X, sparsity=pattern)
    assert found.ok
    assert np.allclose(found.value.toarray(), dk.jacobian(bands, X).value, rtol=1e-9)
    pattern[3, 4] = False
    assert dk.jacobian(one_by_one, X, sparsity=pattern).status == "uncertain"


@pytest.mark.parametrize("backend", ["finite", "auto"])
def test_an_input_that_leaves_the_domain_does_not_take_the_others_with_it(backend):
    """All inputs of a colour move together, and code that raises for one of them has no value for the others."""

    def f(x):
        return np.array([math.log(float(x[0]) - 0.97), 2.0 * float(x[1]) ** 3, math.sqrt(float(x[2]))])

    at = np.array([1.0, 3.0, 2.0])
    found = dk.jacobian(f, at, sparsity=np.eye(3), backend=backend)
    whole = dk.jacobian(f, at, backend=backend)
    assert found.ok
    assert np.all(np.abs(found.value.toarray() - whole.value) <= whole.error + found.error.toarray())
    if backend == "finite":
        assert np.array_equal(found.error.data, np.diag(whole.error))

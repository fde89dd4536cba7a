"""The LLVM engine against the interpreter: the same bits in pairs and at one point, few ulps in batches of doubles."""

import math
import os
import platform
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest
from drawn_formulas import ENDS, evaluate
from test_engines import drawn, interpreted

from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import guard
from diffkit.core.deadline import time_limit
from diffkit.core.errors import OutOfTime
from diffkit.core.table import table
from diffkit.core.text import parse_program
from diffkit.engines import Unsuited, llvm
from diffkit.engines.exact_products import LARGEST_FACTOR, SMALLEST_FACTOR, factors_to_watch
from diffkit.engines.float_operations import PRODUCT_ERROR
from diffkit.engines.llvm_elementary import IN_VECTORS
from diffkit.engines.llvm_same_bits import WITH_SAME_BITS
from diffkit.engines.lowering import lower
from diffkit.engines.python import compile_point

pytest.importorskip("llvmlite", reason="the llvm engine needs llvmlite: pip install 'diffkit[fast]'")
PRECISIONS = ("pairs", "double")
EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "40"))


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFKIT_CACHE", str(tmp_path_factory.mktemp("code")))
        yield


def lowered(text, names, indices, precision, fused=True):
    primal = parse_program(text, names)
    return lower(guard(primal, derivative_program(primal, indices)), precision, fused)


def compiled(make, code):
    """The function, or None where the engine says that it cannot."""
    try:
        return make(code)
    except Unsuited:
        return None


def rows_of(code, points):
    """Values of a batch, with None for points that are not ordinary."""
    batch = compiled(llvm.compile_batch, code)
    if batch is None:
        return None
    out = np.empty((len(points), code.values))
    ordinary = batch(np.array(points, dtype=float), out)
    return [list(row) if ordinary is None or ordinary[k] else None for k, row in enumerate(out)]


def test_pairs_have_the_bits_of_the_interpreter():
    """At one point and in batches, and what is ordinary here is so for the engine in Python, but for tiny products."""
    taken = ordinary = 0
    for guarded, points in list(drawn(11))[:EXAMPLES]:
        code = lower(guarded, "pairs", fused=True)
        call, rows = compiled(llvm.compile_point, code), rows_of(code, points)
        assert (call is None) == (rows is None)
        if call is None:
            continue
        taken += 1
        for point, row in zip(points, rows, strict=True):
            found = call(*point)
            assert (None if found is None else list(found)) == row
            if found is not None:
                ordinary += 1
                assert row == interpreted(guarded, point), (guarded.primal, point)
    assert taken > EXAMPLES / 2
    assert ordinary > 3 * taken


def test_doubles_at_one_point_have_the_bits_of_lowered_code():
    for guarded, points in list(drawn(12))[:EXAMPLES]:
        code = lower(guarded, "double")
        call, other = compiled(llvm.compile_point, code), compile_point(code)
        for point in points if call is not None else ():
            found = call(*point)
            if found is not None:
                assert list(found) == evaluate(code, point)[: code.values], (guarded.primal, point)
            else:
                assert other(*point) is None or not all(map(math.isfinite, evaluate(code, point)))


ONE_ROW = [row for row in table if not row.truth and row.callable and not row.orders and not row.truths]


@pytest.mark.parametrize("row", ONE_ROW, ids=lambda row: row.name)
@pytest.mark.parametrize("precision", ["pairs", "double"])
def test_every_row_is_right_at_its_points_or_refused(row, precision):
    names = tuple("xy"[: len(row.arguments)])
    primal = parse_program(f"{row.name}({', '.join(names)})", names)
    guarded = guard(primal, derivative_program(primal, [(0, ())]))
    code = lower(guarded, precision, fused=True)
    call, points = compiled(llvm.compile_point, code), [p if isinstance(p, tuple) else (p,) for p in row.points]
    rows = rows_of(code, points)
    assert call is not None or not row.libm or row.floats.__name__ in ("hypot", "gamma", "lgamma")
    for point, batch in zip(points, rows or (), strict=rows is not None):
        known = evaluate(code, point)[0]
        if batch is not None:
            assert abs(batch[0] - known) <= (2 + row.ulps) * math.ulp(known)
        found = None if call is None else call(*point)
        assert found is None or found[0] == known
        if precision == "pairs":
            assert (found is None) == (batch is None)
            assert found is None or (found[0] == batch[0] == interpreted(guarded, point)[0])


def hard_arguments(draw):
    """Of all sizes, beside multiples of π/2 and beside 1."""
    for _ in range(30):
        yield from (draw.uniform(-3, 3), draw.uniform(-708, 708), draw.choice((-1, 1)) * 2.0 ** draw.uniform(-1000, 31))
        yield draw.randint(-(10**6), 10**6) * (math.pi / 2) + draw.uniform(-1, 1) * 2.0 ** draw.randint(-50, 0)
        yield from (
            2.0 ** draw.uniform(-1022, 1023),
            draw.choice((-1, 1)) + draw.uniform(-1, 1) * 2.0 ** -draw.randint(0, 52),
        )
    for x in (0.1803, 0.3604, 0.4, 0.7610, 45.0, 708.5, 2.0**30, 2.0**31, 6381956970095103.0 * 2.0**797, math.pi, 22.0):
        yield from (x, -x)


FARTHEST = {"sin": 2.0**30, "cos": 2.0**30, "tan": 2.0**30, "log": math.inf, "log1p": math.inf, "tanh": 800.0}


@pytest.mark.parametrize("name", IN_VECTORS)
def test_functions_of_vectors_have_few_ulp(name):
    """Where the C library takes over they have its bits."""
    row, seen, farthest = table.one(libm=name), 0, FARTHEST.get(name, 708.0)
    points = [(x,) for x in hard_arguments(random.Random(name))]
    found = rows_of(lowered(f"{row.name}(x)", ("x",), [(0, ())], "double"), points)
    for (x,), values in zip(points, found, strict=True):
        if values is not None and abs(x) > farthest:
            assert values[0] == row.floats(x) or abs(x) < 710.0
        elif values is not None:
            with mpmath.workprec(1200):
                exact = getattr(mpmath, row.mpmath)(mpmath.mpf(x))
                seen += 1
                assert abs(values[0] - exact) <= 1.5 * math.ulp(float(exact)), x
    assert seen > 100


@pytest.mark.parametrize("name", WITH_SAME_BITS)
def test_functions_of_vectors_in_pairs_have_the_bits_of_the_library(name):
    row, draw = table.one(libm=name), random.Random(name)
    points = [(x,) for x in hard_arguments(draw)] + [(draw.uniform(-9, 9),) for _ in range(100 * EXAMPLES)]
    for (x,), values in zip(
        points, rows_of(lowered(f"{row.name}(x)", ("x",), [(0, ())], "pairs"), points), strict=True
    ):
        assert values is None or values[0] == row.floats(x), x


def test_no_row_depends_on_its_neighbours():
    """Where the C library takes over in one lane, the others stay as they are."""
    code = lowered("sin(x) + cos(x)*tan(x) + log(x^2) + expm1(x) + sinh(x/2)", ("x",), [(0, (0,))], "double")
    points = np.array([*np.linspace(-3, 3, 50), 1e12, 2.0**40, 1e-200, 710.0])
    np.random.default_rng(2).shuffle(points)
    alone = [rows_of(code, [(x,)])[0] for x in points]
    assert rows_of(code, points[:, None]) == alone


@pytest.mark.parametrize("precision", ["pairs", "double"])
def test_special_coordinates(precision):
    code = lowered("x*y + y/(1 + x^2) - abs(x)", ("x", "y"), [(0, (0,)), (0, (1,)), (0, (0, 1))], precision)
    points = [(x, y) for x in ENDS for y in ENDS]
    call = llvm.compile_point(code)
    for point, row in zip(points, rows_of(code, points), strict=True):
        assert row == (None if (found := call(*point)) is None else list(found))
        if row is not None:
            assert row == evaluate(code, point)[: code.values]
    assert call(math.inf, 1.0) is None
    assert call(math.nan, 1.0) is None


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 15, 16, 17, 1000])
@pytest.mark.parametrize("variables", [1, 2, 3, 4, 5, 7, 8, 10, 13])
def test_batches_of_any_size(count, variables):
    names = tuple(f"x{k}" for k in range(variables))
    code = lowered(" + ".join(f"{k + 2}*{x}^2*x0" for k, x in enumerate(names)), names,
                   [(0, (k,)) for k in range(variables)], "double")  # fmt: skip
    batch, call = llvm.compile_batch(code), llvm.compile_point(code)
    points = np.random.default_rng(count).uniform(-2, 2, (count, variables))
    out = np.full((count, code.values), 7.0)
    assert batch(points, out) is None
    assert out.tolist() == [list(call(*point)) for point in points]


def test_pieces_are_shared_and_end_in_time():
    code = lowered("sin(x)", ("x",), [(0, (0,))], "double")
    batch, points = llvm.compile_batch(code), np.linspace(-3, 3, 100_003).reshape(-1, 1)
    whole, out = np.empty_like(points), np.empty_like(points)
    assert batch(points, whole) is None
    points[77_777] = np.nan
    batch._piece = 1000
    kept = batch(points, out)
    assert np.flatnonzero(~kept).tolist() == [77_777]
    assert (out == whole)[kept].all()
    batch._piece = 8
    with pytest.raises(OutOfTime), time_limit(0.01):
        batch(np.zeros((10**7, 1)), np.empty((10**7, 1)))


def test_long_code_is_refused():
    names = tuple(f"x{k}" for k in range(1000))
    code = lowered(
        " + ".join(f"{x}^{k + 2}" for k, x in enumerate(names)), names, [(0, (k,)) for k in range(1000)], "pairs"
    )
    with pytest.raises(Unsuited, match="no more than"):
        llvm.compile_batch(code)


def test_arrays_of_any_layout():
    code = lowered("x*y^2", ("x", "y"), [(0, (0,)), (0, (1,))], "pairs")
    batch = llvm.compile_batch(code)
    points = np.arange(1.0, 65.0).reshape(2, 32).T
    plain = np.empty((32, 2))
    batch(np.ascontiguousarray(points), plain)
    for given in (points, points[::2], np.asfortranarray(points), points.astype(int), points[:, ::-1][::-1]):
        wide = np.zeros((len(given), 4))
        assert batch(given, wide[:, 1:3]) is None
        assert wide[:, 1].tolist() == (given[:, 1] ** 2).tolist()
        assert not wide[:, [0, 3]].any()
    expected, same = np.empty((32, 2)), points.copy()
    batch(points, expected)
    assert batch(same, same) is None
    assert same.tolist() == expected.tolist()
    with pytest.raises(ValueError, match="do not go together"):
        batch(points, np.empty((3, 2)))


def test_rows_that_are_not_ordinary_are_told():
    batch = llvm.compile_batch(lowered("log(x)", ("x",), [(0, (0,))], "double"))
    points = np.arange(-3.0, 20.0).reshape(-1, 1)
    out = np.empty_like(points)
    assert batch(points, out).tolist() == (points[:, 0] > 0).tolist()
    assert batch(points[:3], out[:3]).tolist() == [False] * 3
    assert batch(points[5:8], out[5:8]) is None


OTHERS = [("haswell", "+avx2,+fma,+bmi,+bmi2", 4, True), ("x86-64", "", 2, False)]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="processors of another kind")
@pytest.mark.parametrize(("cpu", "features", "lanes", "fused"), OTHERS)
def test_other_processors(monkeypatch, cpu, features, lanes, fused):
    """Narrower vectors, and no fused multiply-add, give the same pairs and doubles of as few ulp."""
    host = llvm._host()
    if host.lanes < lanes:
        pytest.skip("this processor is narrower")
    text, names = "exp(x)*sin(y) + log(x^2 + 1)*tanh(y) - y/x + abs(x)^1.5 + cosh(x*y) + tan(x)", ("x", "y")
    kinds = [(0, (0,)), (0, (1,)), (0, (0, 1))]
    points = np.random.default_rng(3).uniform(-2, 2, (101, 2))
    wide = {precision: rows_of(lowered(text, names, kinds, precision, host.fused), points) for precision in PRECISIONS}
    llvm._with_same_bits.cache_clear()
    monkeypatch.setattr(llvm, "_host", lambda: host._replace(cpu=cpu, features=features, lanes=lanes, fused=fused))
    narrow = {precision: rows_of(lowered(text, names, kinds, precision, fused), points) for precision in PRECISIONS}
    assert narrow["pairs"] == wide["pairs"]
    np.testing.assert_allclose(np.array(narrow["double"]), np.array(wide["double"]), rtol=1e-13, atol=1e-14)


def test_what_a_branch_does_not_take_may_be_anything():
    code = lowered("where(x > 0, x*log(x), x^2)", ("x",), [(0, (0,))], "pairs")
    assert None not in rows_of(code, [(-1.0,), (2.0,), (-1e-3,)])


def test_threads_compile_and_call():
    def work(k):
        code = lowered(f"x^2 + {k}*x", ("x",), [(0, (0,))], "double")
        out = np.empty((1000, 1))
        llvm.compile_batch(code)(np.full((1000, 1), 3.0), out)
        return bool((out == 6.0 + k).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, [1, 2, 3, 4] * 4))
    assert threading.active_count() >= 1


# Errors of products ---------------------------------------------------------------------------------------------------


def test_a_polynomial_looks_at_its_coordinates_only():
    names = ("x", "y")
    program = lowered("100*(y - x^2)^2 + (1 - x)^2", names, [(0, (0,)), (0, (1,))], "pairs").program
    assert set(factors_to_watch(program)) <= {0, 1}
    assert any(row is PRODUCT_ERROR for row, _ in program.instructions)


@pytest.mark.parametrize("text", ["x*y", "x*y*y", "x/y", "sqrt(x*x*y*y)", "exp(x)*y", "(x*y)^3"])
def test_products_whose_errors_are_too_small_are_not_taken_for_exact(text):
    primal = parse_program(text, ("x", "y"))
    guarded = guard(primal, derivative_program(primal, [(0, (0,)), (0, (1,))]))
    code = lower(guarded, "pairs", fused=True)
    draw = np.random.default_rng(5)
    points = [[float(s * 2.0**k) for s, k in zip(draw.uniform(-2, 2, 2), draw.integers(-540, 540, 2), strict=True)]
              for _ in range(10 * EXAMPLES)]  # fmt: skip
    seen = 0
    for point, row in zip(points, rows_of(code, points), strict=True):
        if row is not None:
            seen += 1
            assert row == interpreted(guarded, point)
    assert seen


def test_bounds_of_factors_are_exact_powers():
    assert (math.frexp(SMALLEST_FACTOR)[0], math.frexp(LARGEST_FACTOR)[0]) == (0.5, 0.5)

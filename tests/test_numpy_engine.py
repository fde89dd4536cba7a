"""Engines of NumPy against the interpreter over arrays: the same bits wherever a point is ordinary."""

import random
import threading
import time

import mpmath
import numpy as np
import pytest
from conftest import ulps
from drawn_formulas import coordinate
from test_engines import EXAMPLES, drawn

from diffkit.calculus.derivatives import derivative_program
from diffkit.calculus.guards import guard
from diffkit.core.deadline import time_limit
from diffkit.core.errors import OutOfTime
from diffkit.core.program import run
from diffkit.core.table import table
from diffkit.core.text import parse_program
from diffkit.engines import blocks, python, vector_forms
from diffkit.engines import numpy as engine
from diffkit.engines.blocks import BlockCalls
from diffkit.engines.levels import LevelCalls
from diffkit.engines.lowering import lower, lower_values
from diffkit.engines.numpy import compile_batch, compile_call, compile_point
from diffkit.engines.vector_forms import by_vector_forms, pays
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.doubles import DoublesAlgebra, array_doubles
from diffkit.numbers.floats import FLOATS


class Known:
    """An algebra of arrays in which what is known of all points is computed by ``math``, as lowering does."""

    def __init__(self, arrays, floats):
        self.arrays, self.floats = arrays, floats
        self.constant = floats.constant

    def apply(self, row, args):
        known = all(isinstance(x, (float, bool)) for arg in args for x in (arg if isinstance(arg, tuple) else (arg,)))
        return (self.floats if known else self.arrays).apply(row, args)


def pairs_of_arrays():
    """The interpreter's arithmetic of pairs."""
    algebra = type(array_doubles())()
    algebra.base = Known(ARRAYS, FLOATS)
    return Known(algebra, DoublesAlgebra())


def interpreted(guarded, lowered, precision, points):
    """The derivatives at the rows of an array, by the interpreter."""
    with np.errstate(all="ignore"):
        if precision == "pairs":
            found = run(guarded.program, pairs_of_arrays(), [(column, 0.0) for column in points.T])
            found = [high for high, _ in found][: guarded.derivatives]
        else:
            found = run(lowered.program, Known(ARRAYS, FLOATS), list(points.T))[: lowered.values]
        return np.stack([np.broadcast_to(np.asarray(x, float), len(points)) for x in found], axis=1)


def written(call, points, outputs):
    """What is written at the points, and which are ordinary."""
    out = np.full((len(points), outputs), 7.0)
    ordinary = call(points, out)
    return out, np.ones(len(points), bool) if ordinary is None else ordinary


def by_blocks(lowered):
    """Blocks, however few points there are."""
    return engine._in_blocks(BlockCalls(lowered))


def by_levels(lowered):
    """Levels, however many points there are."""
    return engine._in_blocks(LevelCalls(lowered))


BY_NUMPY = pytest.mark.parametrize("compiled", [by_blocks, by_levels, compile_batch])


@BY_NUMPY
@pytest.mark.parametrize("precision", ["pairs", "double"])
def test_the_bits_are_those_of_the_interpreter(compiled, precision):
    draw, ordinary = random.Random(0), 0
    for guarded, points in drawn(11 + len(precision)):
        points = np.array(points + [[coordinate(draw), coordinate(draw)] for _ in range(12)])
        lowered = lower(guarded, precision)
        out, kept = written(compiled(lowered), points, lowered.values)
        if compiled is compile_batch and precision == "double":
            lowered = by_vector_forms(lowered)
        expected = interpreted(guarded, lowered, precision, points)
        expected[np.isnan(expected) & (out == 0.0)] = 0.0  # 0·∞ of a term that is zero throughout
        ordinary += kept.sum()
        assert np.array_equal(out[kept], expected[kept]), guarded.primal
        assert np.isfinite(out[kept]).all()
    assert ordinary > 10 * EXAMPLES


def lowered_text(text, indices, precision="double"):
    """A formula's derivatives in x, y and z."""
    primal = parse_program(text, ("x", "y", "z"))
    return lower(guard(primal, derivative_program(primal, indices)), precision)


GRADIENT = ((0, (0,)), (0, (1,)), (0, (2,)))
FORMULA = "exp(-x^2)*sin(3*x*y) + where(y > 0, x^3, sqrt(z^2 + 1))/z"


@BY_NUMPY
@pytest.mark.parametrize("precision", ["pairs", "double"])
@pytest.mark.parametrize("count", [0, 1, 2, 511, 513, 16_384, 16_385, 40_000])
def test_blocks_threads_and_layouts_change_nothing(compiled, count, precision, monkeypatch):
    lowered = lowered_text(FORMULA, GRADIENT, precision)
    points = np.random.default_rng(count).uniform(-2, 2, (count, 3))
    points[count // 2 :: 1000] = 0.0
    call = compiled(lowered)
    out, kept = written(call, points, 3)
    single = [written(call, row[None], 3) for row in points[:: max(1, count // 50)]]
    assert all(np.array_equal(a[0], b) for (a, ok), b in zip(single, out[:: max(1, count // 50)], strict=True) if ok)
    assert [bool(ok) for _, ok in single] == kept[:: max(1, count // 50)].tolist()
    monkeypatch.setattr(engine, "processors", lambda: 4)
    monkeypatch.setattr(engine, "_THREAD_WORK", 1000)
    again = np.full((3, count), 7.0)
    mask = call(np.asfortranarray(points), again.T)
    assert np.array_equal(again.T[kept], out[kept])
    assert np.array_equal(np.ones(count, bool) if mask is None else mask, kept)


@BY_NUMPY
@pytest.mark.parametrize("kind", [np.float32, np.int64, bool, np.float64])
def test_points_of_any_kind_of_number_and_stride(compiled, kind):
    lowered = lowered_text(FORMULA, GRADIENT)
    points = np.arange(1, 61).reshape(10, 6).astype(kind)[::-2, ::2]
    out, kept = written(compiled(lowered), points, 3)
    expected, _ = written(compiled(lowered), points.astype(float), 3)
    assert kept.all()
    assert np.array_equal(out, expected)


@BY_NUMPY
@pytest.mark.parametrize(
    ("text", "indices"), [("x + 2*y", GRADIENT), ("x^2/2 + y^2/2", GRADIENT), ("3", GRADIENT), ("x*y", ())]
)
def test_constants_inputs_and_what_stands_twice(compiled, text, indices):
    lowered = lowered_text(text, (*indices, *indices))
    points = np.arange(12.0).reshape(4, 3)
    out, kept = written(compiled(lowered), points, lowered.values)
    columns = [np.broadcast_to(x, 4) for x in run(lowered.program, ARRAYS, list(points.T))[: lowered.values]]
    assert kept.all()
    assert np.array_equal(out, np.array(columns).T.reshape(out.shape))


@BY_NUMPY
def test_many_threads_call_one_function(compiled):
    lowered = lowered_text(FORMULA, GRADIENT)
    call, found = compiled(lowered), {}
    points = [np.random.default_rng(k).uniform(1, 2, (3000, 3)) for k in range(8)]

    def work(k):
        for _ in range(5):
            found[k] = written(call, points[k], 3)[0]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[k], written(call, points[k], 3)[0]) for k in range(8))


@BY_NUMPY
@pytest.mark.parametrize("processors", [1, 3])
def test_a_deadline_ends_it_between_blocks(compiled, processors, monkeypatch):
    monkeypatch.setattr(engine, "processors", lambda: processors)
    monkeypatch.setattr(blocks, "_LONGEST", 512)
    call = compiled(lowered_text(FORMULA, GRADIENT))
    points = np.ones((2_000_000, 3))
    start = time.monotonic()
    with pytest.raises(OutOfTime), time_limit(0.01):
        call(points, np.empty_like(points))
    assert time.monotonic() - start < 1.0
    assert threading.active_count() == 1


@pytest.mark.parametrize(("in_main", "error"), [(True, KeyboardInterrupt), (False, MemoryError)])
def test_what_ends_one_thread_ends_all(in_main, error, monkeypatch):
    """Ctrl-C reaches the thread that called; what goes wrong in another is raised there."""
    looks = []

    def look():
        mine = threading.current_thread() is threading.main_thread()
        looks.append(mine)
        if mine is in_main and looks.count(mine) == 3:
            raise error

    monkeypatch.setattr(engine, "processors", lambda: 3)
    monkeypatch.setattr(engine, "check_time", look)
    call, points = by_blocks(lowered_text(FORMULA, GRADIENT)), np.ones((3_000_000, 3))
    with pytest.raises(error):
        call(points, np.empty_like(points))
    assert threading.active_count() == 1


WIDE = {
    "a chain of neighbours": "+".join(f"100*(x{i + 1} - x{i}**2)**2 + (1 - x{i})**2" for i in range(39)),
    "one sum in all": f"({'+'.join(f'x{i}' for i in range(40))})**2",
    "sums with signs": f"sin({'-'.join(f'x{i}/3' for i in range(40))}) + ({'-'.join(f'x{i}*x7' for i in range(20))})",
    "sums of one length": " + ".join(
        f"({' + '.join(f'x{(i + k) % 40}*{k + 2}' for k in range(20))})**3" for i in range(5)
    ),
    "one term in all": f"({'+'.join(['sin(x0)*x1'] * 3)} + {'+'.join(f'x{i}' for i in range(2, 40))} - x3)**2",
    "a long product": "*".join(f"(x{i} + 2)" for i in range(40)),
    "choices": "+".join(f"where(x{i} > x{39 - i}, x{i}**3, exp(x{i}))" for i in range(40)),
}


@pytest.mark.parametrize("precision", ["pairs", "double"])
@pytest.mark.parametrize("kind", WIDE)
@pytest.mark.parametrize("rows", [1, 7])
def test_levels_of_programs_with_many_inputs(kind, precision, rows):
    primal = parse_program(WIDE[kind], tuple(f"x{i}" for i in range(40)))
    guarded = guard(primal, derivative_program(primal, [(0, (i,)) for i in range(40)]))
    lowered = lower(guarded, precision)
    points = np.random.default_rng(rows).uniform(-1, 1, (rows, 40))
    out, kept = written(by_levels(lowered), points, 40)
    assert kept.all()
    assert np.array_equal(out, interpreted(guarded, lowered, precision, points))
    assert np.array_equal(out, written(by_blocks(lowered), points, 40)[0])
    points[0, 3] = np.nan
    assert written(by_levels(lowered), points, 40)[1].tolist() == [False] + [True] * (rows - 1)
    engine_of_python, points = python.compile_point(lowered), np.random.default_rng(rows).uniform(-1, 1, (5, 40))
    for point in points.tolist():
        assert compile_point(lowered)(*point) == engine_of_python(*point)


@pytest.mark.parametrize("precision", ["pairs", "double"])
def test_points_have_the_bits_of_the_engine_of_python(precision):
    agreed = 0
    for guarded, points in drawn(21):
        lowered = lower(guarded, precision)
        call, other = compile_point(lowered), python.compile_point(lowered)
        for point in points:
            found, expected = call(*point), other(*point)
            assert None in (found, expected) or found == expected, (guarded.primal, point)
            agreed += found is not None
    assert agreed > 4 * EXAMPLES


@pytest.fixture
def vectors(monkeypatch):
    """Vector code for everything, so that its forms are tested on any machine."""
    monkeypatch.setattr(vector_forms, "_in_vectors", lambda row: True)
    pays.cache_clear()
    yield
    pays.cache_clear()


@pytest.mark.usefixtures("vectors")
@pytest.mark.parametrize("row", [row for row in table if row.vectors], ids=lambda row: row.name)
def test_forms_in_vectors(row):
    """At any size, near zeros, and where half of an angle is no number."""
    draw = np.random.default_rng(5)
    quarters = np.arange(-200, 201) * (np.pi / 2)
    sizes = np.ldexp(draw.uniform(-1, 1, 2000), draw.integers(-1074, 60, 2000))
    x = np.concatenate([draw.uniform(-7, 7, 4000), quarters, np.nextafter(quarters, 9e9), sizes, [0.0, 5e-324, 2**-27]])
    lowered = by_vector_forms(lower_values(parse_program(f"{row.name}(x)", ("x",))))
    assert row not in {other for other, _ in lowered.program.instructions}
    out, kept = written(by_blocks(lowered), x[:, None], 1)
    assert kept.all()
    with mpmath.workprec(1200):
        exact = getattr(mpmath, row.mpmath)
        worst = max(ulps(value, exact(at)) for at, value in zip(x.tolist(), out[:, 0].tolist(), strict=True))
    assert worst < 4.0


@pytest.mark.usefixtures("vectors")
def test_forms_in_vectors_of_what_is_no_number_are_not_ordinary():
    lowered = by_vector_forms(lower_values(parse_program("sin(x)*cos(x)", ("x",))))
    assert written(by_blocks(lowered), np.array([[1.0], [np.inf], [np.nan]]), 1)[1].tolist() == [True, False, False]


def test_points_that_are_written_are_checked():
    call, out = compile_call(lowered_text("x + 2*y", GRADIENT).checked(), (3,))(lambda *given: given, True), np.zeros(3)
    for point in ((1.0, 2.0, 3.0), np.array([1.0, 2.0, 3.0])):
        assert call(point).tolist() == [1.0, 2.0, 0.0]
        assert call(point, out) is out
        assert out.tolist() == [1.0, 2.0, 0.0]
    for point in ((1.0, np.inf, 3.0), (1.0, 2, 3.0), (1.0, "a", 3.0), (1.0, 2.0), [1.0, 2.0, 3.0], np.ones((1, 3))):
        assert call(point, out)[0] is point
    assert call((1.0, 2.0, 3.0), np.zeros(4))[0] == (1.0, 2.0, 3.0)

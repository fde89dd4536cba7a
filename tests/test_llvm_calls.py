"""Functions of CPython that the LLVM engine makes: what they take, what they hand over, what they keep."""

import math
import sys

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="the llvm engine needs llvmlite: pip install 'diffkit[fast]'")

from test_llvm import lowered

from diffkit.engines import Unsuited, llvm, llvm_calls


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFKIT_CACHE", str(tmp_path))


def test_functions_of_one_point_take_what_floats_take():
    code = lowered("x/y", ("x", "y"), [(0, (0,)), (0, (1,))], "double")
    call = llvm.compile_point(code)
    assert call(1, np.float64(2.0)) == (0.5, -0.25)
    assert call(True, 2.0) == (0.5, -0.25)
    with pytest.raises(TypeError, match="2 arguments, and was given 1"):
        call(1.0)
    with pytest.raises(TypeError):
        call("1", 2.0)
    with pytest.raises(OverflowError):
        call(10**400, 1.0)
    before = sys.getrefcount(None)
    for _ in range(1000):
        assert call(1.0, 0.0) is None
    assert abs(sys.getrefcount(None) - before) < 100


def given(*args, **named):
    """What a function hands over."""
    return "otherwise", args, named


def test_functions_that_write_look_at_what_they_write_to():
    """What they do not take is handed over as it came, and nothing is written."""
    code = lowered("x/y", ("x", "y"), [(0, (0,)), (0, (1,))], "double")
    call, out = llvm.compile_call(code, (2,))(given, True), np.zeros(2)
    before = sys.getrefcount(out)
    for point in ((1.0, 4.0), np.array([1.0, 4.0])):
        for _ in range(100):
            assert call(point, out) is out
            assert call(point, out=out) is out
        assert out.tolist() == [0.25, -0.0625]
        out[:] = 0.0
    assert abs(sys.getrefcount(out) - before) < 10
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    for odd in (
        np.zeros(3),
        np.zeros((1, 2)),
        np.zeros((2, 1)),
        np.zeros(4)[::2],
        frozen,
        np.zeros(2, "f4"),
        np.zeros(2, ">f8"),
        [1.0, 2.0],
    ):
        assert call((1.0, 2.0), odd) == given((1.0, 2.0), odd)
        assert call((1.0, 2.0), out=odd) == given((1.0, 2.0), out=odd)
    for point in ((1.0, 0.0), (1, 2.0), ("1", 2.0), (1.0,), (math.nan, 1.0)):
        assert call(point, out) == given(point, out)
    assert out.tolist() == [0.0, 0.0]
    assert call() == given()
    assert call((1.0, 2.0), at=out) == given((1.0, 2.0), at=out)
    assert call((1.0, 2.0), out, 3) == given((1.0, 2.0), out, 3)
    assert call((1.0, 2.0), **{"".join("out"): out}) is not None
    point = np.array([1.0, 4.0])
    assert call(point, point) is point
    assert point.tolist() == [0.25, -0.0625]


def test_functions_that_make_an_array():
    code = lowered("x/y", ("x", "y"), [(0, (0,)), (0, (1,)), (0, (0, 1)), (0, (1, 1))], "double")
    answer = llvm.compile_call(code, (2, 2))(given, True)
    for point in ((1.0, 2.0), np.array([1.0, 2.0])):
        for found in (answer(point), answer(point, None), answer(point, out=None)):
            assert (found.shape, found.dtype, found.flags.owndata) == ((2, 2), np.dtype(float), True)
            assert found.tolist() == [[0.5, -0.25], [-0.25, 0.25]]
    for point in ((1, 2.0), (1.0,), (1.0, 0.0), (1.0, math.nan), [1.0, 2.0], "ab", None, np.ones((1, 2)),
                  np.ones(2, int), np.ones(2, ">f8"), np.ones(4)[::2], np.ones(3)):  # fmt: skip
        assert answer(point)[1][0] is point
    assert llvm.compile_call(code, (2, 2))(given, False)(np.ones(2))[0] == "otherwise"
    single = llvm.compile_call(lowered("x^2", ("x",), [(0, (0,))], "double"), ())(given, True)((3.0,))
    assert (single.shape, float(single)) == ((), 6.0)
    kept = [answer((float(k), 2.0)) for k in range(1000)]
    assert [array[0, 1] for array in kept] == [-k / 4 for k in range(1000)]


def test_errors_of_what_is_called_instead_are_raised():
    code = lowered("x^2", ("x",), [(0, (0,))], "double")

    def refuse(*_):
        raise ValueError("no such point")

    with pytest.raises(ValueError, match="no such point"):
        llvm.compile_call(code, ())(refuse, True)((math.inf,))


def test_objects_that_are_not_known_are_not_touched(monkeypatch):
    code = lowered("x + 3", ("x",), [(0, (0,))], "double")
    for place in ("type_place", "float_place", "items_place", "bytes_place", "data_place", "ndim_place", "dtype_place"):
        llvm._calls.cache_clear()
        llvm._method.cache_clear()
        with monkeypatch.context() as patch:
            patch.setitem(llvm_calls._FIELD_PLACES, place, llvm_calls._FIELD_PLACES[place] - 8)
            with pytest.raises(Unsuited, match="objects of this Python"):
                llvm.compile_point(code)
    assert llvm.compile_point(code)(1.0) == (1.0,)


def test_a_function_keeps_its_code():
    call = llvm.compile_point(lowered("x^3 - 7", ("x",), [(0, (0,))], "double"))
    llvm._load.cache_clear()
    assert [call(float(k))[0] for k in range(100)] == [3.0 * k * k for k in range(100)]

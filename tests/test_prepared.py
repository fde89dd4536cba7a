"""Prepared derivatives: the quick ways give what the careful one gives, and leave to it what is not theirs."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import diffkit as dk

TEXT = "x**2*y + sin(x)/y + abs(x - 1)"
WAYS = {
    "proven": {},
    "pairs": {"backend": "reverse"},
    "forward": {"backend": "dual"},
    "symbolic": {"backend": "symbolic"},
    "double": {"precision": "double"},
    "numpy": {"engine": "numpy"},
    "python": {"engine": "python", "precision": "double"},
}
POINTS = [(0.5, 2.0), (-3.0, 0.25), (1e-3, -7.0)]
KINDS = {"gradient": {}, "hessian": {}, "hvp": {"direction": [1.0, -2.0]}, "directional": {"direction": [3.0, 1.0]}}


@pytest.fixture(params=[True, False], ids=["machine code soon", "in time"], autouse=True)
def soon(request, monkeypatch):
    """Whether machine code takes over after a few points, where llvmlite is."""
    if request.param:
        monkeypatch.setattr("diffkit.methods.quick_points._MANY_POINTS", 4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_many_calls_are_like_the_first(way, kind):
    prepared = dk.prepare(TEXT, kind, **KINDS[kind], **WAYS[way])
    for point in POINTS:
        expected = getattr(dk, kind)(TEXT, point, *KINDS[kind].values()).value
        for _ in range(6):
            for given in (point, list(point), np.array(point)):
                found = prepared(given)
                assert found.shape == np.shape(expected)
                assert np.allclose(found, expected, rtol=1e-14, atol=1e-14)
        out = np.zeros(np.shape(expected))
        assert prepared(point, out=out) is out
        assert np.array_equal(out, prepared(point))


@pytest.mark.parametrize("way", WAYS)
def test_odd_points_are_told_however_many_were_asked_before(way):
    prepared = dk.prepare(TEXT, **WAYS[way])
    for _ in range(6):
        prepared((0.5, 2.0))
    assert np.isnan(prepared((1.0, 2.0))[0])
    assert np.isnan(prepared((0.5, 0.0))).all()
    assert prepared.result((1.0, 2.0)).status == "not_differentiable"
    out = np.zeros(2)
    assert np.isnan(prepared((0.5, 0.0), out=out)).all()
    assert out is not prepared((0.5, 2.0))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["abs(x - 1)*y", "max(x, 1)*y", "floor(x)*y", "where(x > 1, x, 2)*y", "relu(x - 1)*y"])
def test_what_is_finite_everywhere_has_its_kinks_and_jumps(way, text):
    prepared = dk.prepare(text, **WAYS[way])
    for _ in range(6):
        assert np.isfinite(prepared((1.5, 2.0))).all()
        assert np.isnan(prepared((1.0, 2.0))[0])
    points = np.full((20, 2), 1.5)
    points[7] = 1.0, 2.0
    assert np.isnan(prepared(points)[:, 0]).tolist() == [k == 7 for k in range(20)]


@pytest.mark.parametrize("way", WAYS)
def test_a_coordinate_that_f_does_not_use_is_to_be_a_number_too(way):
    prepared = dk.prepare("1/x + y", variables=["x", "y", "z"], **WAYS[way])
    for _ in range(6):
        prepared((1.5, 2.0, 3.0))
    points = np.full((20, 3), 1.5)
    points[3, 2] = np.nan
    for at in ((1.5, 2.0, np.nan), (1.5, 2.0, np.inf), points, points[3]):
        with pytest.raises(dk.PointError):
            prepared(at)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "at", [(True, 2.0), (np.nan, 2.0), (0.5, np.inf), (0.5,), (0.5, 2.0, 3.0), ("a", 2.0), (0.5, 1j), (None, 1.0)]
)
def test_what_is_no_point_is_refused_after_many_points_too(way, at):
    prepared = dk.prepare(TEXT, **WAYS[way])
    for _ in range(6):
        prepared((0.5, 2.0))
    with pytest.raises(dk.PointError):
        prepared(at)
    with pytest.raises(dk.PointError):
        prepared(at, out=np.zeros(2))


@pytest.mark.parametrize("way", WAYS)
def test_numbers_of_other_types_are_converted_as_before(way):
    prepared = dk.prepare(TEXT, **WAYS[way])
    first = prepared((2, 4))
    for _ in range(6):
        assert np.array_equal(prepared((2, 4)), first)
        assert np.array_equal(prepared((np.float64(2.0), np.int64(4))), first)
        assert np.array_equal(prepared(np.array([2, 4])), first)
        assert np.array_equal(prepared("x=2, y=4"), first)
        assert np.array_equal(prepared({"y": 4.0, "x": 2.0}), first)


@pytest.mark.parametrize("way", WAYS)
def test_pickles_and_optimisers(way):
    prepared = dk.prepare(TEXT, **WAYS[way])
    x = np.array([0.5, 2.0])
    for _ in range(6):
        prepared(tuple(x.tolist()))
    other = pickle.loads(pickle.dumps(prepared))
    for each in (prepared, other):
        assert np.allclose(each.jac(x), dk.gradient(TEXT, x).value, rtol=1e-14)
        assert np.allclose(each.hess(x), dk.hessian(TEXT, x).value, rtol=1e-14)
        assert np.allclose(each.hessp(x, [1, 0]), dk.hessian(TEXT, x).value[0], rtol=1e-14)
        assert each.fun(x) == pytest.approx(0.5**2 * 2 + np.sin(0.5) / 2 + 0.5, rel=1e-15)


def test_batches_of_any_size_agree():
    many = np.random.default_rng(5).uniform(0.25, 3, (2000, 2))
    for way, options in WAYS.items():
        points = many[:20] if way == "proven" else many
        prepared = dk.prepare(TEXT, **options)
        whole = prepared(points)
        for rows in (1, 2, 9, 10, 11, 500):
            assert np.allclose(prepared(points[:rows]), whole[:rows], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("kind", ["gradient", "hessian"])
def test_batches_of_several_axes_with_odd_points_among_them(kind):
    points = np.random.default_rng(6).uniform(0.25, 3, (3, 8, 2))
    points[1, 4] = 1.0, 2.0
    points[2, 0] = 0.5, 0.0
    expected = getattr(dk, kind)(TEXT, points, backend="reverse").value
    for options in ({"backend": "reverse"}, {"precision": "double"}):
        found = dk.prepare(TEXT, kind, **options)(points)
        assert found.shape == expected.shape
        assert np.array_equal(np.isnan(found), np.isnan(expected))
        assert np.allclose(found, expected, rtol=1e-14, atol=1e-14, equal_nan=True)
    points[0, 0, 1] = np.nan
    with pytest.raises(dk.PointError):
        dk.prepare(TEXT, kind, precision="double")(points)
    assert dk.prepare(TEXT, kind, precision="double")(np.empty((0, 2))).shape == (0, *expected.shape[2:])


@pytest.mark.parametrize("precision", ["pairs", "double"])
def test_batches_of_functions_of_one_variable(precision):
    """Of a derivative an array of any shape holds values of the variable; a Taylor coefficient is divided by k!."""
    text, points = "log(x)*sin(x) + abs(x - 1)", np.linspace(0.5, 2, 24).reshape(4, 6)
    points[1, 2], points[3, 1] = 1.0, -2.0
    for kind, options in (("derivative", {}), ("derivative", {"order": 3}), ("taylor", {"order": 4})):
        at = points if kind == "derivative" else points[..., None]
        expected = dk.prepare(text, kind, **options).result(at).value
        prepared = dk.prepare(text, kind, backend="dual", precision=precision, **options)
        found = prepared(at)
        assert found.shape == expected.shape
        assert np.array_equal(np.isnan(found), np.isnan(expected))
        assert np.isnan(found).sum() >= 2
        assert np.allclose(found, expected, rtol=1e-13, atol=1e-13, equal_nan=True)
        assert np.array_equal(prepared(at), prepared.result(at).value, equal_nan=True)
        assert np.allclose(prepared(at[0]), expected[0], rtol=1e-13)


def test_a_batch_that_is_out_of_time_is_uncertain():
    prepared = dk.prepare("sin(x)*exp(x)", backend="reverse")
    points = np.full((50_000, 1), 1.25)
    assert np.isfinite(prepared(points)).all()
    prepared.timeout = 1e-9
    assert np.isnan(prepared(points)).any()


def test_what_takes_the_values_must_fit():
    prepared = dk.prepare(TEXT, precision="double")
    for out in (np.zeros(3), np.zeros((2, 1)), [0.0, 0.0], np.zeros((2, 2))):
        with pytest.raises(dk.DiffkitError, match="out has shape"):
            prepared((0.5, 2.0), out=out)
    many = dk.prepare("x*y*z + x**2/y", "hessian", precision="double")  # more than are written one by one
    for out in (np.zeros((3, 3)), np.zeros((3, 6))[:, ::2], np.zeros((3, 3), "f4"), np.zeros((3, 3), ">f8")):
        assert np.allclose(many((0.5, 2.0, 1.0), out=out), many((0.5, 2.0, 1.0)), rtol=1e-6)
    strided = np.zeros((2, 2))[:, 0]
    assert np.array_equal(prepared((0.5, 2.0), out=strided), prepared((0.5, 2.0)))
    assert np.allclose(prepared((0.5, 2.0), out=np.zeros(2, dtype=np.float32)), prepared((0.5, 2.0)), rtol=1e-6)


def test_precision_and_engine_are_checked_and_shown():
    with pytest.raises(dk.DiffkitError, match="unknown precision"):
        dk.prepare("x", precision="single")
    with pytest.raises(dk.BackendError, match="unknown engine"):
        dk.prepare("x", engine="numpi")
    with pytest.raises(dk.BackendError, match="no choice of precision"):
        dk.prepare("x**2", backend="finite", precision="double")((1.0,))
    prepared = dk.prepare("x**2*y", precision="double")
    prepared((1.0, 2.0))
    assert repr(prepared) == "<prepared gradient of x, y: reverse, double, points by python>"


@pytest.mark.parametrize("way", WAYS)
def test_what_is_compiled_takes_the_place_of_what_is_careful(way):
    """Plain functions, copies and signatures are the same before and after."""
    prepared, given = dk.prepare(TEXT, **WAYS[way]), np.array([0.5, 2.0])
    before = prepared(given), prepared.jac(given)
    for _ in range(8):
        for call in (prepared, prepared.jac):
            for point in (given, [0.5, 2.0], (0.5, 2.0), np.array([0.5, 2.0], dtype=np.float32)):
                assert np.allclose(call(point), before[0], rtol=1e-15, atol=0)
        assert np.allclose(prepared.jac(given.reshape(2, 1)), before[1], rtol=1e-15, atol=0)
    for _ in range(310):
        prepared((0.5, 2.0))
        prepared.jac(given)
    assert prepared.__call__.__name__ == "call"  # what is compiled stands alone
    for same in (copy.copy(prepared), copy.deepcopy(prepared), pickle.loads(pickle.dumps(prepared))):
        assert np.allclose(same(given), before[0], rtol=1e-15, atol=0)
        assert np.allclose(same.jac(given), before[0], rtol=1e-15, atol=0)
    assert list(inspect.signature(prepared).parameters) == ["at", "out"]
    assert "question" in inspect.signature(type(prepared)).parameters
    with pytest.raises(dk.DiffkitError):
        prepared((1.0, 2.0, 3.0))


OUTSIDE = (
    "log(x)*y", "sqrt(x-1)+y**2", "log(x)+exp(y)/sqrt(x*y)", "x**0.5*asin(y)", "1/x+log(y)", "log(x)+abs(y)",
    "sqrt(x)*0+y", "max(log(x),y)", "atanh(x)**2/(y-1)", "x**y", "sqrt(x)+sqrt(y)", "where(x>0, log(x), log(y))",
    ["log(x)*y", "y**2"], ["log(x)*y", "sqrt(x)"],
)  # fmt: skip


@pytest.mark.parametrize("f", OUTSIDE, ids=str)
def test_rows_outside_the_domain_are_told_by_array_as_they_are_one_by_one(f):
    points = np.round(np.random.default_rng(3).uniform(-2, 2, (150, 2)), 1)
    points[:4] = [[-1e-300, 1.0], [-(2.0**-1074), 1.0], [1e-300, -1e-300], [-1e300, 2.0]]
    for kind in ("jacobian",) if isinstance(f, list) else ("gradient", "hessian"):
        prepared = dk.prepare(f, kind, variables=["x", "y"], backend="dual")
        told = prepared.result(points).value
        for _ in range(2):
            assert np.array_equal(prepared(points), told, equal_nan=True)
        with pytest.raises(dk.PointError):
            prepared(np.vstack([points, [[-1.0, np.nan]]]))

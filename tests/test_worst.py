"""The search of a box for the point where a method is farthest off, or two are farthest apart."""

import math

import pytest

import diffkit as dk

LOSING = [
    ("(1-cos(x))/x^2", "x=-1:1", "dual", 0.5),
    ("(exp(x)-1-x)/x^2", "x=-2:2", "reverse", 0.5),
    ("(x-sin(x))/x^3", {"x": (-1, 1)}, "dual", 0.5),
    ("(sqrt(1+x)-sqrt(1-x))/y", "x=-0.5:0.5,y=1:2", "dual", 0.0),
    ("log(x)/(x-1)", [(0.5, 2)], "dual", 1e-3),
]


@pytest.mark.parametrize(("text", "box", "method", "error"), LOSING)
def test_the_worst_point_is_one_where_digits_are_lost(text, box, method, error):
    found = dk.worst(text, box, backends=method, points=120)
    assert found.methods == (method,)
    assert found.error >= error
    assert found.points <= 120
    there = dk.compare(text, found.at, backends=method)
    assert there.rows[0].relative == found.comparison.rows[0].relative
    if error >= 0.5:
        assert found.digits < 0.5
        assert found.comparison.findings[0].where


def test_it_finds_more_than_points_all_over_the_box():
    """Guided by bounds: points at random would have to be a billion."""
    found = dk.worst("(1-cos(x-0.3))/(x-0.3)^2", "x=-1:1", backends="dual", points=200)
    assert found.error > 1e-6
    assert abs(found.at["x"] - 0.3) < 1e-3


def test_two_methods_from_each_other():
    found = dk.worst("(1-cos(x))/x^2", "x=-1:1", backends="dual", between=("dual", "finite"), points=60)
    one, other = (next(row for row in found.comparison.rows if row.backend == name) for name in ("dual", "finite"))
    truth = found.comparison.reference.flat[0]
    apart = abs(one.result.flat[0] - other.result.flat[0]) / abs(truth)
    assert math.isclose(found.error, apart) or math.isinf(found.error)
    assert "are apart" in str(found)


def test_the_same_box_gives_the_same_point():
    first, second = (dk.worst("x*y/(x-y)", "x=0:1,y=0:1", backends="dual", points=40) for _ in range(2))
    assert first.at == second.at


@pytest.mark.parametrize(
    ("text", "box", "reason"),
    [("x", "x=1:0", "reversed"), ("x", "y=0:1", "unknown variable"), ("3", {}, "box"),
     ("sin(x)^2+cos(x)^2", "x=0:1", "other than 0"),
     ("x*y", "x=0:1", "no side for y")],
)  # fmt: skip
def test_misuse(text, box, reason):
    with pytest.raises(dk.DiffkitError, match=reason):
        dk.worst(text, box, points=20)


def test_other_misuse():
    with pytest.raises(dk.BackendError, match="two methods"):
        dk.worst("x^2", "x=0:1", between=("dual",))
    with pytest.raises(dk.BackendError, match="unknown backend"):
        dk.worst("x^2", "x=0:1", between=("dual", "nobody"))
    with pytest.raises(dk.PointError, match="at least 1"):
        dk.worst("x^2", "x=0:1", points=0)


def test_time_is_kept():
    found = dk.worst("(1-cos(x))/x^2", "x=-1:1", points=100_000, timeout=1.0)
    assert 1 <= found.points < 100_000


def test_the_command(run):
    code, out, _ = run("compare", "(1-cos(x))/x^2", "--box", "x=-1:1", "--backends", "dual")
    assert code == 1
    assert "dual is off by" in out
    assert "cancellation" in out
    code, _, err = run("compare", "x^2", "--box", "x=-1:1", "--at", "1")
    assert code == 2
    assert "looks for the point itself" in err

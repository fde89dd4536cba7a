"""Degenerate stationary points: each is listed once, with a kind that is proven or supported, and none is invented."""

import math

import pytest
from stationary_cases import kinds

import diffkit as dk
from diffkit.asking.expressions import parse
from diffkit.lessons.stationary_points.boxes import Surface
from diffkit.lessons.stationary_points.newton import refine


@pytest.mark.parametrize("text", ["(y-x^2)*(y-2*x^2)", "y^2+x^2*y+x^4", "x^2+x*y^2", "y^2-x^2*y", "(y-x^2)^2-x^5"])
def test_one_degenerate_point_is_not_listed_as_many(text):
    found = dk.stationary(text, "-1:1.3,-1.1:1", most=2000)
    (point,) = found.points
    assert (point.point, point.proof, point.eigenvalues) == ((0.0, 0.0), "exact", (0.0, 2.0))
    assert "others close by are not excluded" in point.note
    assert not found.complete
    assert {r.kind for r in found.regions} == {"undecided"}


def test_a_degenerate_point_that_is_not_rational_is_listed_once_where_newton_converges():
    found = dk.stationary("(y-x^2-0.1*sqrt(2))^2+x^6", "-1:1.3,-1.1:1")
    (point,) = found.points
    assert (point.proof, point.kind_proven, point.radius) == ("numeric", False, None)
    assert point.point == pytest.approx((0, math.sqrt(2) / 10), abs=1e-15)
    assert [r.kind for r in found.regions] == ["undecided"]


def test_newton_tells_a_zero_from_a_near_miss():
    """x³ + εx has no stationary point for ε > 0, and one that is singular for ε = 0; shifted to √2 it is not exact."""
    for epsilon, count in (("0", 1), ("1e-26", 0), ("1e-40", 0)):
        surface = Surface(parse(f"(x-sqrt(2))^3+{epsilon}*x").program)
        limits = [refine(surface, [start], [1e-12], ((1.0, 2.0),)) for start in (1.4142, 1.41421356237, 1.5)]
        assert [x is not None for x in limits] == [count == 1] * 3
        assert all(x == [math.sqrt(2)] for x in limits if x is not None)


def test_two_extreme_values_closer_than_the_boxes_are_no_inflection():
    found = dk.stationary("x^3-1e-26*x", (-1, 1))
    assert [(p.kind, p.proof) for p in found.points] == [("minimum", "interval Newton"), ("maximum", "interval Newton")]
    assert [p.at["x"] for p in found.points] == pytest.approx([math.sqrt(1e-26 / 3), -math.sqrt(1e-26 / 3)], rel=1e-12)
    assert not found.complete


@pytest.mark.parametrize("most", [300, 1000])
def test_no_point_is_listed_twice_after_an_early_end(most):
    found = dk.stationary("sin(1/x)", (0, 1), most=most)
    places = sorted(1 / (p.at["x"] * math.pi) - 0.5 for p in found.points)  # 1/x = (k + 1/2)·π
    assert [round(k) for k in places] == pytest.approx(places, abs=1e-6)
    assert len({round(k) for k in places}) == len(found) > 50
    assert set(kinds(found)) == {"minimum", "maximum"}
    assert all(p.kind == ("minimum" if round(1 / (p.at["x"] * math.pi) - 0.5) % 2 else "maximum") for p in found.points)


@pytest.mark.parametrize(
    ("text", "box", "kind"),
    [
        ("(1-cos(x))^2", "-1:1", "minimum"), ("cos(x)*cosh(x)", "-2:2", "maximum"), ("(x-0.1)^4", "-1:1", "minimum"),
        ("(cos(x)-1)^2+y^2", "-1:1,-1:1", "minimum"), ("sin(x)^2*x^18", "-1:1.5", "minimum"),
    ],
)  # fmt: skip
def test_exact_points_with_a_singular_hessian_are_listed(text, box, kind):
    found = dk.stationary(text, box, most=3000)
    (point,) = [p for p in found.points if p.is_global]
    assert (point.kind, point.proof, point.kind_proven) == (kind, "exact", True)
    assert point.eigenvalues[0] == 0
    assert found.complete


def test_an_irrational_double_root_is_numeric_and_said_to_be():
    found = dk.stationary("(x^2-2)^3", (-2, 2))
    doubtful = found.of_kind("inflection")
    assert [p.at["x"] for p in doubtful] == pytest.approx([-math.sqrt(2), math.sqrt(2)], abs=1e-11)
    assert {(p.proof, p.kind_proven) for p in doubtful} == {("numeric", False)}
    assert all(abs(p.at["x"]) + p.radius >= math.sqrt(2) >= abs(p.at["x"]) - p.radius for p in doubtful)
    assert "that 2 of them exist is not proven" in found.message

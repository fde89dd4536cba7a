"""Least and greatest values in a box, limits of the search, bad input, the command and its picture."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
import sympy
from stationary_cases import HIMMELBLAU, ROSENBROCK, kinds

import diffkit as dk
from diffkit.cli.output import progress_words
from diffkit.lessons.stationary_points.branch_and_bound import Search


@pytest.mark.parametrize(
    ("text", "box"),
    [
        (HIMMELBLAU, ((-5, 5), (-5, 5))), ("x^3-3*x*y^2", ((-2, 2), (-1, 1))), ("x^3-x", ((-2, 1),)),
        ("sin(3*x)+x/2", ((-2, 2),)), ("exp(-x^2)*y", ((-1, 2), (-1, 2))), ("abs(x)+abs(y-1/3)", ((-1, 2), (-1, 2))),
    ],
)  # fmt: skip
def test_no_sample_is_lower_than_the_least_value(text, box):
    found = dk.stationary(text, box)
    f = sympy.lambdify(found.variables, sympy.sympify(text.replace("^", "**").replace("abs", "Abs")), "numpy")
    grid = np.meshgrid(*(np.linspace(*side, 301) for side in box))
    values = f(*grid)
    low, high = found.lowest, found.highest
    assert low.proven
    assert high.proven
    assert low.low - 1e-12 <= values.min() <= low.high + 0.01 * np.ptp(values)
    assert high.low - 0.01 * np.ptp(values) <= values.max() <= high.high + 1e-12
    assert f(*low.at.values()) == pytest.approx(low.high, abs=1e-8)
    assert low.high - low.low <= low.tolerance


def test_a_lower_value_on_the_edge_is_said_and_the_minimum_is_local():
    found = dk.stationary("x^3-3*x", (-4, 3))
    (minimum,) = found.of_kind("minimum")
    assert minimum.is_global is False
    assert (found.lowest.where, found.lowest.at, found.lowest.high) == ("edge of the box", {"x": -4.0}, -52.0)
    assert dk.stationary("x^3-3*x", (-1.5, 3)).of_kind("minimum")[0].is_global is True


@pytest.mark.parametrize(
    ("text", "count"), [("1e-12*(x^4-2*x^2+x/2)", 1), ("x^4-2*x^2+1e-10*x", 1), ("1e12*(x^4-2*x^2)+x", 1),
                        ("1e-12*(x^4-2*x^2)", 2)],
)  # fmt: skip
def test_only_the_lowest_minimum_is_global_whatever_the_scale_of_f(text, count):
    found = dk.stationary(text, (-2, 2))
    low, other = found.of_kind("minimum")
    assert low.value <= other.value
    assert (low.is_global, other.is_global) == (True, count == 2)
    assert found.of_kind("maximum")[0].is_global is False  # f is higher on the edge
    assert found.lowest.proven
    assert found.lowest.tolerance < 1e-9 * abs(found.highest.high - found.lowest.low)


@pytest.mark.parametrize(
    ("text", "box", "at"),
    [
        ("cos(x)+1e-17*x", (-10, 10), {"minimum": -3 * math.pi, "maximum": 2 * math.pi}),
        ("cos(x)-1e-17*x", (-10, 10), {"minimum": 3 * math.pi, "maximum": -2 * math.pi}),
        ("x**4-2*x**2+1e-30*x", (-2, 2), {"minimum": -1}),
        ("x**4-2*x**2-1e-200*x", (-2, 2), {"minimum": 1}),
    ],
)
def test_values_that_agree_to_rounding_are_told_apart(text, box, at):
    found = dk.stationary(text, box)
    for family, extreme in (("minimum", found.lowest), ("maximum", found.highest)):
        chosen = [p for p in found.of_kind(family) if p.is_global]
        assert [p.at["x"] for p in chosen] == [pytest.approx(x, abs=1e-15) for k, x in at.items() if k == family]
        assert not chosen or extreme.at == chosen[0].at


def test_the_value_on_the_edge_of_the_domain_counts():
    found = dk.stationary("sqrt(x)", (0, 2))
    assert (found.lowest.low, found.lowest.high, found.lowest.at) == (0.0, 0.0, {"x": 0.0})
    assert (found.lowest.proven, found.lowest.where) == (True, "edge of the box")


def test_a_function_without_bound_has_no_global_minimum():
    found = dk.stationary("x+1/x", (-3, 2))
    assert not found.lowest.proven
    assert found.lowest.low == -math.inf
    assert found.of_kind("minimum")[0].is_global is False


def test_limits_end_the_search_and_keep_what_was_found(ticking):
    found = dk.stationary(HIMMELBLAU, "-5:5,-5:5", most=60)
    assert not found.complete
    assert "limit of 60 boxes" in found.message
    assert 0 < len(found) <= 9
    assert all(p.proof == "interval Newton" for p in found.points)
    ticking(0.01)
    found = dk.stationary("sin(20*x*y)*cos(30*y-x^2)", "-9:9,-9:9", timeout=0.5)
    assert found.stopped == "timeout of 0.5 s"
    assert not found.complete


def test_an_interrupt_keeps_what_was_found():
    calls = []

    def interrupt(boxes, points, part):
        calls.append(part)
        if points >= 3:
            raise KeyboardInterrupt

    found = dk.stationary(HIMMELBLAU, "-5:5,-5:5", progress=interrupt)
    assert found.stopped == "interrupted"
    assert 3 <= len(found) <= 9
    assert not found.complete
    assert calls == sorted(calls)


def test_progress_ends_with_the_whole_box():
    told = []
    found = dk.stationary(ROSENBROCK, "-2:2,-2:2", progress=lambda *told_now: told.append(told_now))
    boxes, _, parts = zip(*told, strict=True)
    assert list(parts) == sorted(parts)
    assert 0.5 < parts[-1] <= 1 + 1e-9
    assert list(boxes) == sorted(boxes)
    assert found.boxes - 16 <= boxes[-1] <= found.boxes


def test_progress_never_says_that_all_is_settled_before_it_is():
    assert (
        progress_words(12909, 3183, 0.99999)
        == "boxes looked at: 12,909; points found: 3,183; settled: 99.99% of the box"
    )
    assert progress_words(1, 0, 0.0) == "boxes looked at: 1; points found: 0; settled: 0.00% of the box"


@pytest.mark.parametrize(
    ("text", "box", "least", "greatest"),
    [("cbrt(x^2)", (-1, 1), 0, 1), ("sqrt(x)", (0, 2), 0, math.sqrt(2)), ("relu(x)", (-1, 2), 0, 2)],
)
def test_values_at_kinks_and_edges_of_the_domain_are_numbers(text, box, least, greatest):
    found = dk.stationary(text, box)
    assert all(p.value == 0 for p in found.points)
    assert (found.lowest.high, found.lowest.proven) == (least, True)
    assert found.highest.low == pytest.approx(greatest, abs=1e-12)
    assert found.highest.proven


def test_flat_parts_between_jumps_are_in_order_and_without_their_edges():
    regions = dk.stationary("floor(x)", (-1.5, 1.5)).regions
    ends = (-1.5, -1, 0, 1, 1.5)
    assert [r.ranges["x"] for r in regions] == [pytest.approx(side, abs=1e-11) for side in pairwise(ends)]
    for region, value in zip(regions, (-2, -1, 0, 1), strict=True):
        assert region.note == (f"f is constant here: every point inside it is stationary, f = {value}; f may jump at "
                               "its edge, which is not part of it then")  # fmt: skip
        assert {math.floor(x) for x in region.ranges["x"]} == {value}
    (alone,) = dk.stationary("relu(x)", (-3, 2)).regions
    assert "jump" not in alone.note


def test_a_kink_between_flat_parts_is_flat():
    (region,) = dk.stationary("max(x,-x,0.5)", (-2, 2)).regions
    assert (region.kind, region.proven) == ("flat", True)
    assert region.ranges["x"] == pytest.approx((-0.5, 0.5), abs=1e-11)


def test_a_box_outside_the_domain_is_refused(run):
    with pytest.raises(dk.PointError, match="outside the domain"):
        dk.stationary("log(x)", (-3, -1))
    code, out, err = run("stationary", "log(x)+y", "--box", "-3:-1,0:1")
    assert (code, out) == (2, "")
    assert "outside the domain" in err


def test_a_place_next_to_a_pole_is_not_printed_as_the_pole(run):
    _, out, _ = run("stationary", "(x^2+1)/(x-1)", "--box", "-1:2")
    assert "at x = 1 (" not in out
    assert "at x = 0.99999999999" in out


@pytest.mark.parametrize(
    ("f", "box", "words"),
    [
        ("x", "", "the box is empty"), ("x", {}, "no side for x"), ("x", "x=1:1", "the box is empty: x runs from 1"),
        ("x", [(1, 0)], "reversed"), ("x", [(0, math.inf)], "finite"), ("x", {"x": (0, math.nan)}, "finite"),
        ("x", "x=0:inf", "not a number"), ("x", "z=0:1", "unknown variable z"), ("x*y", "x=0:1", "no side for y"),
        ("x*y", [(0, 1)], "1 side, the function 2 variables"), ("x", None, "a box is text"), ("x", b"ab", "a box is"),
        ("x", "x=0:1,x=1:2", "twice"), ("x*y", "x=0:1,0:1", "mixes"), ("x", {"x": 5}, "not a side"),
        ("x", "x=-1e160:1", "too large"), ("3", "0:1,0:1", "no variables"), ("x", {"x": (True, 2)}, "truth value"),
        ("+".join(f"x{i}^2" for i in range(10)), [(-1, 1)] * 10, "10 variables"),
    ],
)  # fmt: skip
def test_bad_boxes_are_refused(f, box, words):
    with pytest.raises(dk.DiffkitError, match=words) as error:
        dk.stationary(f, box)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"most": 0}, {"most": 2.5}, {"most": True}])
def test_bad_limits_are_refused(options):
    with pytest.raises(dk.DiffkitError, match="positive number"):
        dk.stationary("x^2", "x=0:1", **options)


def test_python_functions_and_sympy_are_taken_too():
    found = dk.stationary(lambda x, y: x**4 - 2 * x**2 + y * y, {"x": (-2, 2), "y": (-1, 1)})
    assert [(p.kind, p.point) for p in found.points][-1] == ("saddle", (0.0, 0.0))
    assert kinds(found) == {"minimum": 2, "saddle": 1}
    x = sympy.Symbol("x")
    assert dk.stationary(x**2 - x, "0:1").points[0].at == {"x": 0.5}


def test_the_command_reports_and_draws(run, tmp_path):
    pytest.importorskip("matplotlib", reason="comes with the plot extra")
    code, out, err = run("stationary", HIMMELBLAU, "--box", "x=-5:5,y=-5:5", "--save", "h.svg")
    assert (code, err) == (0, "")
    assert out.count("global minimum") == 4
    assert (tmp_path / "h.svg").read_text().startswith("<?xml")
    code, out, _ = run("stationary", "-x^2", "--box", "-1:1", "--format", "json", "--save", "h.png")
    assert json.loads(out)["points"][0]["kind"] == "maximum"
    assert (tmp_path / "h.png").stat().st_size > 5000
    code, _, err = run("stationary", "x*y*z", "--box", "-1:1,-1:1,-1:1", "--save", "h.png", "--most", "50")
    assert code == 2
    assert "3 variables cannot be drawn" in err


def test_exit_codes_say_whether_all_were_found(run):
    assert run("stationary", "x^2", "--box", "-1:1")[0] == 0
    assert run("stationary", "x^2*y", "--box", "-1:1,-1:1")[0] == 1
    assert run("stationary", "x^2", "--box", "1:-1")[0] == 2
    assert run("stationary", "x^2")[0] == 2


def test_ctrl_c_at_the_command_line_keeps_what_was_found(run, monkeypatch):
    examine = Search._examine

    def interrupted(self, box):
        if self.looked == 100:
            raise KeyboardInterrupt
        return examine(self, box)

    monkeypatch.setattr(Search, "_examine", interrupted)
    code, out, err = run("stationary", HIMMELBLAU, "--box", "-5:5,-5:5")
    assert (code, err) == (130, "")
    assert "the search ended early (interrupted)" in out
    assert out.count("interval Newton") > 3

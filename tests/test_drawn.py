"""What pictures show: the numbers and words in them, not only that there is a picture."""

import math
from itertools import pairwise

import numpy as np
import pytest
from stationary_cases import CAMEL

import diffkit as dk

pytest.importorskip("matplotlib", reason="comes with the plot extra")

from drawings import cells, check_contours, heights, named, words

from diffkit.reports.pictures import gallery
from diffkit.reports.pictures.curves import picture_of_quotients, picture_of_tangent
from diffkit.reports.pictures.extrema import picture as picture_of_points
from diffkit.reports.pictures.graph import picture_of_backward

# A function and its tangent ------------------------------------------------------------------------------------------


def test_the_tangent_with_f_above_and_its_derivative_below():
    upper, lower = picture_of_tangent(dk.tangent("x^2", -0.5), (-1.0, 1.0)).axes
    x, y = named(upper, "f(x)").get_data()
    assert y == pytest.approx(np.square(x), abs=1e-15)
    assert (x[0], x[-1]) == (-1, 1)
    x, y = named(lower, "f′(x), the slope of f").get_data()
    assert y == pytest.approx(2 * np.array(x), abs=1e-15)
    x, y = named(upper, "tangent at -0.5: slope -1").get_data()
    assert (list(x), list(y)) == ([-1, 1], [0.75, -1.25])
    assert upper.lines[-1].get_xydata().tolist() == [[-0.5, 0.25]]
    assert lower.lines[-1].get_xydata().tolist() == [[-0.5, -1]]
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == ("f(x)", "f′(x)", "x")


def test_half_tangents_at_a_kink():
    upper, lower = picture_of_tangent(dk.tangent("abs(x) + x^2", 0)).axes
    assert named(upper, "from the left: slope -1").get_xydata().tolist() == [[-2, 2], [0, 0]]
    assert named(upper, "from the right: slope 1").get_xydata().tolist() == [[0, 0], [2, 2]]
    assert sorted(line.get_xydata()[0].tolist() for line in lower.lines[1:]) == [[0, -1], [0, 1]]


@pytest.mark.parametrize(
    ("text", "at", "interval"),
    [("exp(20*x)", 1, None), ("exp(200*x)", 1, None), ("tan(x)", 0.5, (-2.0, 5.0)), ("tan(x)", 1, None),
     ("1/x", 0.001, None), ("x^2", 0.5, None), ("exp(x)", 1, None)],
)  # fmt: skip
def test_the_tangent_is_seen_at_its_scale(text, at, interval):
    """It rises by a good part of the picture's height where it crosses it, and so does f; the point is inside."""
    tangent = dk.tangent(text, at)
    upper = picture_of_tangent(tangent, interval).axes[0]
    (left, right), (bottom, top) = upper.get_xlim(), upper.get_ylim()
    assert left < at < right
    assert bottom < tangent.value.value < top
    assert (right - left) * abs(tangent.slopes[0].value) > (top - bottom) / 5
    _, y = upper.lines[0].get_data()
    assert np.ptp([v for v in y if bottom <= v <= top]) > (top - bottom) / 2


@pytest.mark.parametrize("text", ["sin(x)", "x^2", "exp(x) - x"])
def test_a_level_tangent_does_not_shrink_the_picture(text):
    at = {"sin(x)": math.pi / 2}.get(text, 0)
    assert picture_of_tangent(dk.tangent(text, at)).axes[0].get_xlim() == pytest.approx((at - 2, at + 2))


def test_no_line_crosses_a_pole_or_a_jump():
    cases = {"tan(x)": math.pi / 2, "1/x": 0.0, "floor(x)*x + x": 1.0, "1/(x - 0.3)^2": 0.3, "where(x > 1, 1, -1)": 1.0}
    for text, place in cases.items():
        for interval in ((-2.0, 3.0), (-1.99, 3.01)):
            for axes in picture_of_tangent(dk.tangent(text, 0.5), interval).axes:
                drawn = pairwise(zip(*axes.lines[0].get_data(), strict=True))
                joined = [a for (a, u), (b, v) in drawn if a < place < b and math.isfinite(u) and math.isfinite(v)]
                assert not joined, text
    parabola = picture_of_tangent(dk.tangent("x^2", 0.5), (-1.0, 1.0)).axes
    assert not any(math.isnan(v) for axes in parabola for line in axes.lines for v in line.get_data()[1])


# The V-curve ---------------------------------------------------------------------------------------------------------


def test_the_v_curve_shows_the_errors():
    axes = picture_of_quotients(dk.quotients("exp(x)", 1)).axes[0]
    error = {"forward": lambda h: (math.expm1(h) - h) / h, "backward": lambda h: (-math.expm1(-h) - h) / h,
             "central": lambda h: (math.sinh(h) - h) / h}  # fmt: skip
    for kind, of in error.items():
        h, y = named(axes, kind).get_data()
        assert list(h[:3]) == [0.1, 0.01, 0.001]
        assert y[:3] == pytest.approx([abs(math.e * of(step)) for step in h[:3]], rel=1e-4)
        assert y[-1] > 1e3 * min(y)  # and up again, by round-off
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "step h"
    assert axes.get_ylabel() == "|quotient − df/dx|"
    best = [line.get_xdata()[0] for line in axes.lines if line.get_label().startswith("_")]
    rounding = 2**-53 * 2 * math.e  # ε/2·(|f| + |x·f′|)
    assert best == pytest.approx([2 * math.sqrt(rounding / math.e), (3 * rounding / math.e) ** (1 / 3)], rel=1e-6)


# Stationary points ---------------------------------------------------------------------------------------------------


def test_every_stationary_point_is_marked():
    figure = picture_of_points(dk.stationary(CAMEL, "-2:2,-1:1"))
    axes = figure.axes[0]
    check_contours(axes, lambda x, y: (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (-4 + 4 * y**2) * y**2)
    marks = [c for c in axes.collections if len(c.get_offsets()) == 1]
    marked = {tuple(np.round(c.get_offsets()[0], 9)) for c in marks}
    assert marked == {tuple(np.round(p.point, 9)) for p in dk.stationary(CAMEL, "-2:2,-1:1").points}
    assert set(words(figure)) == {"global minimum", "local minimum", "local maximum", "saddle"}


def test_a_curve_is_cut_off_at_a_pole():
    axes = picture_of_points(dk.stationary("1/x+x", (-3, 2))).axes[0]
    assert max(map(abs, axes.get_ylim())) < 1000


# The gallery ---------------------------------------------------------------------------------------------------------


def test_the_family_of_lines():
    left, right = gallery.family_of_lines(slopes=(2,), intercepts=(-1,)).axes
    assert named(left, "m = 2").get_xydata().tolist() == [[-2, -4], [2, 4]]
    assert named(right, "c = -1").get_xydata().tolist() == [[-2, -3], [2, 1]]


def test_activations_with_their_derivatives():
    sigma, phi = (lambda x: 1 / (1 + np.exp(-x))), (lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi))
    cumulated = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2)
    right = {
        "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
        "sigmoid": (sigma, lambda x: sigma(x) * (1 - sigma(x))),
        "relu": (lambda x: np.maximum(x, 0), lambda x: np.where(x == 0, math.nan, x > 0)),
        "softplus": (lambda x: np.log1p(np.exp(x)), sigma),
        "silu": (lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * (1 - sigma(x)))),
        "gelu": (lambda x: x * cumulated(x), lambda x: cumulated(x) + x * phi(x)),
    }
    figure = gallery.activations()
    assert [axes.get_title() for axes in figure.axes] == [f"f = {name}" for name in right]
    for axes, both in zip(figure.axes, right.values(), strict=True):
        for label, f in zip(("f(x)", "f′(x)"), both, strict=True):
            x, y = np.array(named(axes, label).get_data())
            known = ~np.isnan(x) & ~np.isnan(f(x))  # not at a kink, where the pen is lifted
            assert y[known] == pytest.approx(f(x[known]), abs=1e-12)
            assert sum(known) >= 800


def test_minima_global_and_local():
    figure = gallery.minima()
    x, y = figure.axes[0].lines[0].get_data()
    assert y == pytest.approx(x**4 / 4 - x**3 / 3 - x**2)
    assert words(figure) == ["global minimum", "local minimum", "local maximum"]
    kinds = {c.get_label(): c.get_offsets()[0].tolist() for c in figure.axes[0].collections}
    assert kinds["global minimum"] == pytest.approx([2, -8 / 3])
    assert kinds["local minimum"] == pytest.approx([-1, -5 / 12])
    assert kinds["local maximum"] == pytest.approx([0, 0])
    bends = {text.xy[0]: text.get_text() for text in figure.axes[0].texts}
    assert bends == {2: "f″ = 6", -1: "f″ = 3", 0: "f″ = -2"}  # 3x² − 2x − 2


def test_the_saddle():
    axes = gallery.saddle().axes[0]
    side = np.linspace(-1.5, 1.5, 51)
    assert heights(axes.collections[0]) == pytest.approx(cells(side, side, lambda x, y: x**2 - y**2))
    for label, sign in (("along x", 1), ("along y", -1)):
        x, y, z = axes.lines[1 if sign > 0 else 2].get_data_3d()
        assert axes.lines[1 if sign > 0 else 2].get_label() == label
        assert np.array(z) == pytest.approx(sign * (np.square(x) + np.square(y)), abs=1e-12)
    assert "saddle point" in axes.get_title()


# Back-propagation ----------------------------------------------------------------------------------------------------


def test_the_graph_of_a_computation():
    figure = picture_of_backward(dk.backward("x*y + sin(x)", (1, 2)))
    texts = [text.get_text() for text in figure.axes[0].texts]
    boxes = [t for t in texts if "\n" in t]
    assert boxes == ["x\nvalue 1\nadjoint 2.54", "y\nvalue 2\nadjoint 1", "z1 = x*y\nvalue 2\nadjoint 1",
                     "z2 = sin(x)\nvalue 0.8415\nadjoint 1", "z3 = z1 + z2\nvalue 2.841\nadjoint 1"]  # fmt: skip
    assert sorted(t for t in texts if t.startswith("×")) == ["× 0.5403", "× 1", "× 1", "× 1", "× 2"]
    arrows = [t for t in figure.axes[0].texts if t.get_text() == ""]
    assert all(a.xyann[0] + 1 == a.xy[0] for a in arrows)  # from each quantity to what uses it, one column on
    assert len(arrows) == 5


def test_conditions_have_no_adjoint():
    texts = [t.get_text() for t in picture_of_backward(dk.backward("where(x > 0, x*y, y)", (1, 2))).axes[0].texts]
    assert not any(">" in t for t in texts)

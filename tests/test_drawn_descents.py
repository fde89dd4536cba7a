"""What pictures of a descent show: the cost, the path across it, and the minimum."""

import math

import numpy as np
import pytest

import diffkit as dk

pytest.importorskip("matplotlib", reason="comes with the plot extra")

from drawings import cells, check_contours, heights, named, words

from diffkit.reports.pictures import gallery
from diffkit.reports.pictures.paths import picture


def bowl(b, w):
    return (w - 3) ** 2 + 2 * (b + 1) ** 2


@pytest.fixture(scope="module")
def descent():
    return dk.descend("(w-3)^2 + 2*(b+1)^2", {"w": 0, "b": 0}, rate=0.1, steps=20)


def test_the_path_on_the_map(descent):
    axes = picture(descent).axes[0]  # contours are the default for two weights
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("b", "w")
    check_contours(axes, bowl)
    assert axes.lines[0].get_xydata() == pytest.approx(descent.path.points)
    assert axes.lines[0].get_xydata()[1] == pytest.approx([-0.4, 0.6])  # against the gradient, which is (4, −6)
    assert named(axes, "start").get_xydata().tolist() == [[0, 0]]
    assert named(axes, "end").get_xydata()[0] == pytest.approx(descent.point)
    assert named(axes, "minimum").get_xydata()[0] == pytest.approx([-1, 3])
    assert axes.get_aspect() == 1  # so that right angles look right
    assert np.mean([axes.get_xlim(), axes.get_ylim()], axis=1) == pytest.approx([-1, 3])


def test_scales_that_differ_are_said_to():
    axes = picture(dk.descend("x^2 + 10^8*y^2", {"x": 1, "y": 1e-4}, rate=1e-9, steps=5)).axes[0]
    assert axes.get_title().endswith("the axes differ in scale: right angles do not look right")
    assert axes.get_aspect() == "auto"


def test_the_surface_and_the_path_on_it(descent):
    axes = picture(descent, "surface").axes[0]
    x, y = (np.linspace(*map(float, side), 51) for side in ((-2.725, 0.725), (-0.45, 6.45)))
    assert heights(axes.collections[0]) == pytest.approx(cells(x, y, bowl))
    b, w, z = axes.lines[0].get_data_3d()
    assert np.transpose([b, w]) == pytest.approx(descent.path.points)
    assert np.array(z) == pytest.approx(descent.path.values)
    assert np.ravel(named(axes, "minimum").get_data_3d()) == pytest.approx([-1, 3, 0], abs=1e-12)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()) == ("b", "w", "f")


def test_the_error_curve_of_each_weight(descent):
    figure = picture(descent, "weights")
    end = descent.weights
    curves = {"b": lambda b: bowl(b, end["w"]), "w": lambda w: bowl(end["b"], w)}
    for k, (axes, (name, curve)) in enumerate(zip(figure.axes, curves.items(), strict=True)):
        assert axes.get_xlabel() == name
        x, y = axes.lines[0].get_data()
        assert y == pytest.approx(curve(x))
        x, y = named(axes, "each step").get_data()
        assert x[:8] == pytest.approx(descent.path.points[:8, k])
        assert y == pytest.approx(curve(x))


def marks(figure):
    """What is marked in each panel: its name, and how many updates that are."""
    found = []
    for axes in figure.axes:
        lines = [line for line in axes.lines if line.get_marker() == "."]
        found += [(line.get_label(), len(np.transpose(line.get_data())) - 1) for line in lines]
    return found


@pytest.mark.parametrize(("steps", "keep"), [(7, None), (1000, None), (1999, None), (100, 10), (1000, 7), (5000, None)])
@pytest.mark.parametrize("f", ["(w-3)^2", "(w-3)^2 + 2*(b+1)^4"])
def test_each_update_is_drawn_or_the_caption_says_which(f, steps, keep):
    descent = dk.descend(f, dict.fromkeys(dk.parse(f).variables, 0), rate=0.001, steps=steps, keep=keep, tolerance=0)
    for kind in ("weights", "contours") if len(descent.names) == 2 else ("weights",):
        for name, shown in marks(picture(descent, kind)):
            if name == "each step":
                assert shown == descent.steps
            elif name.startswith("every"):
                assert shown == len(descent.path.steps) - 1
                assert name == f"every {descent.settings.every} steps"
            else:
                assert name == f"{shown:,} of {descent.steps:,} steps"


def test_a_long_path_is_thinned_where_its_steps_hide_each_other():
    descent = dk.descend("(w-3)^2", {"w": 0}, rate=0.0001, steps=9000)
    figure = picture(descent, "weights")
    ((name, shown),) = marks(figure)
    assert name == f"{shown} of 9,000 steps"
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == name]
    assert max(np.diff(line.get_data()[0])) < 0.02  # of 2.5


def test_of_a_diverging_path_it_is_said_how_much_is_drawn():
    descent = dk.descend("(w-3)^2 + 20*(b+1)^2", {"w": 0, "b": 0}, rate=0.06, steps=400)
    assert descent.status == "diverged"
    for kind in ("weights", "contours"):
        for name, shown in marks(picture(descent, kind)):
            assert name == f"the first {shown} of {descent.steps} steps"
    assert f"{descent.steps} steps, the first {shown} drawn: diverged" in picture(descent).axes[0].get_title()
    title = picture(dk.descend("exp(x^2)", {"x": 2}, rate=1), "loss").axes[0].get_title()
    assert "drawn to step" in title or "of 0 steps" in title


@pytest.mark.parametrize("kind", ["contours", "surface", "weights"])
def test_pictures_of_least_squares_show_the_bowl(kind):
    """The minimum is in the middle, and the cost rises on all sides, though the path comes from one side only."""
    x = np.arange(1.0, 6.0)
    descent = dk.descend(lambda m, c: np.sum((m * x + c - (x + 0.5)) ** 2), (0.0, 0.0), rate=0.005, steps=40)
    for k, axes in enumerate(a for a in picture(descent, kind).axes if a.get_label() != "<colorbar>"):
        place = np.ravel(
            named(axes, "minimum").get_data_3d() if kind == "surface" else named(axes, "minimum").get_data()
        )
        if kind == "weights":
            left, y = axes.lines[0].get_data()
            assert min(y[0], y[-1]) > place[1] + (max(y) - place[1]) / 2
            assert left[len(left) // 2] == pytest.approx(place[0])
            other = descent.point[1 - k]
            best = (x @ (x + 0.5 - other)) / (x @ x) if k == 0 else np.mean(x + 0.5 - other * x)
            assert place[0] == pytest.approx(best)
        else:
            assert place[:2] == pytest.approx([1, 0.5], rel=1e-6)
            assert np.mean([axes.get_xlim(), axes.get_ylim()], axis=1) == pytest.approx([1, 0.5])


def test_no_minimum_is_marked_where_there_is_none():
    assert words(picture(dk.descend("x^2 - y^2", {"x": 1, "y": 0.01}, rate=0.1, steps=10))) == [
        "each step", "start", "end"]  # fmt: skip


def test_loss_curves(descent):
    upper, lower = picture(descent, "loss").axes
    assert upper.lines[0].get_ydata() == pytest.approx(descent.path.values)
    assert upper.get_yscale() == "log"
    assert lower.lines[0].get_ydata()[:2] == pytest.approx([math.hypot(4, 6), math.hypot(2.4, 4.8)])
    rates = gallery.rates()
    assert words(rates) == ["rate 0.005: steps used up", "rate 0.025: steps used up", "rate 0.045: steps used up",
                            "rate 0.0505: diverged"]  # fmt: skip
    first = [line.get_ydata()[1] for line in rates.axes[0].lines]
    assert first == pytest.approx([9 * (1 - 2 * a) ** 2 + 20 * (1 - 40 * a) ** 2 for a in gallery.RATES])

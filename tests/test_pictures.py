"""Pictures: one look, labelled axes, files, windows and the gallery. What each one shows is in test_drawn.py."""

import functools
import itertools
import sys

import pytest

import diffkit as dk

matplotlib = pytest.importorskip("matplotlib", reason="comes with the plot extra")

from diffkit.reports.pictures import canvas, curves, extrema, gallery, graph, paths, save  # noqa: E402

BOWL = "(w-3)^2 + 2*(b+1)^2"
COMMANDS = [
    ["limit", "exp(x)", "--at", "1"],
    ["tangent", "x^2", "--at", "1"],
    ["stationary", "x^2", "--box", "-1:1"],
    ["descend", "x^2", "--from", "1", "--rate", "0.1"],
    ["explain", "x*y", "--backward", "--at", "1,2"],
    ["gallery", "lines"],
]
PICTURES = {
    "tangent": lambda: curves.picture_of_tangent(dk.tangent("tan(x)", 0.5)),
    "kink": lambda: curves.picture_of_tangent(dk.tangent("abs(x) + x^2/4", 0)),
    "quotients": lambda: curves.picture_of_quotients(dk.quotients("exp(x)", 1)),
    "curve": lambda: extrema.picture(dk.stationary("sin(x)/x", "1:20")),
    "map": lambda: extrema.picture(dk.stationary("x^2*y^2 - x^2 + y^2", "-1:1,-1:1")),
    "narrow map": lambda: extrema.picture(dk.stationary("x^2 + 3*y^2", "-1:1,-4:4")),
    "backward": lambda: graph.picture_of_backward(dk.backward("x*y + sin(x)", (1, 2))),
    **{name: draw for name, (_, draw) in gallery.GALLERY.items()},
    **{kind: functools.partial(lambda kind: paths.picture(path(), kind), kind) for kind in paths.PICTURES},
}


@functools.cache
def path():
    return dk.descend(BOWL, {"w": 0, "b": 0}, rate=0.1, steps=20)


@functools.cache
def drawn(name):
    """A picture after it was laid out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = PICTURES[name]()
    FigureCanvasAgg(figure).draw()
    return figure


def panels(figure):
    """The axes that show something, without the bars of heights."""
    return [a for a in figure.axes if a.axison and a.get_visible() and a.get_label() != "<colorbar>"]


@pytest.mark.parametrize("name", PICTURES)
def test_axes_say_what_they_are(name):
    figure = drawn(name)
    for axes in panels(figure):
        assert any(below.get_xlabel() for below in axes.get_shared_x_axes().get_siblings(axes))
        assert axes.get_ylabel()
        assert not hasattr(axes, "get_zlabel") or axes.get_zlabel()
    for bar in figure.axes:
        assert bar.get_label() != "<colorbar>" or bar.get_ylabel()


@pytest.mark.parametrize("name", PICTURES)
def test_all_pictures_have_one_look(name):
    figure = drawn(name)
    for legend in [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]:
        assert not legend.get_frame_on()
        for axes in panels(figure):  # it covers nothing
            assert not legend.get_window_extent().overlaps(axes.get_window_extent())
    for axes in panels(figure):
        if axes.name != "3d":
            assert not axes.spines["top"].get_visible()
            assert not axes.spines["right"].get_visible()
            maps = [c for c in axes.collections if hasattr(c, "levels")]
            assert axes.xaxis.get_gridlines()[0].get_visible() is not bool(maps)


def test_a_canvas_of_ones_own_has_the_look(monkeypatch):
    figure, axes = canvas("title", "x", "y")
    assert figure.axes == [axes]
    assert not axes.spines["top"].get_visible()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(dk.DiffkitError, match="pictures need matplotlib"):
        canvas("title", "x", "y")


@pytest.mark.parametrize("name", PICTURES)
def test_lines_differ_without_colour(name):
    for axes in panels(drawn(name)):
        named = [line for line in axes.lines if not line.get_label().startswith("_")]
        assert len({(line.get_linestyle(), line._dash_pattern[1] and tuple(line._dash_pattern[1]), line.get_marker())
                    for line in named}) == len(named)  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_words_do_not_run_together(name):
    figure = drawn(name)
    for axes in panels(figure):
        if axes.name == "3d":
            continue
        for axis in (axes.xaxis, axes.yaxis):
            low, high = axis.get_view_interval()
            labels = [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high and t.label1.get_visible()]
            boxes = [label.get_window_extent() for label in labels if label.get_text()]
            assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_one_picture_is_one_file(ending, tmp_path):
    for name in ("first", "second"):
        save(PICTURES["lines"](), str(tmp_path / f"{name}.{ending}"))
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("first", "second"))
    assert first == second
    assert first[:5] in (b"\x89PNG\r", b"<?xml", b"%PDF-")


@pytest.mark.parametrize(
    "arguments",
    [
        ["limit", "exp(x)", "--at", "1", "--save", "v.svg"],
        ["tangent", "log(x)", "--at", "1", "--save", "v.svg", "--interval", "-1:3"],
        ["tangent", "abs(x)", "--at", "0", "--save", "v.svg"],
        ["explain", "x", "--backward", "--at", "1", "--save", "v.svg"],  # no operation, one quantity
        ["gallery", "lines", "--save", "v.svg"],
    ],
)
def test_pictures_by_the_commands(run, arguments, tmp_path):
    code, _, err = run(*arguments)
    assert err == ""
    assert code in (0, 1)
    assert "<svg" in (tmp_path / "v.svg").read_text()


def test_the_gallery_is_listed(run):
    code, out, err = run("gallery")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == list(gallery.GALLERY)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gallery", "sadle", "--show"], "unknown picture 'sadle' (did you mean saddle?)"),
        (["gallery", "saddle"], "the picture has no file (add --save"),
        (["gallery", "--save", "p.png"], "which picture is missing (there are lines, "),
    ],
)
def test_bad_input_for_pictures(run, arguments, words, tmp_path):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


NOT_DRAWN = [
    (["gallery", "saddle", "--save", "p.gif"], "the format is gif"),
    (["gallery", "saddle", "--save", "no/p.png"], "cannot write no/p.png"),
    (["limit", "abs(x)", "--at", "0", "--save", "p.png"], "there is no error to draw"),
    (["limit", "log(x)", "--at", "-1", "--save", "p.png"], "there is no error to draw"),
    (["limit", "exp(x)", "--at", "1", "--save", "p"], "the format is missing"),
    (["tangent", "x*y*z", "--at", "1,2,3", "--save", "p.png"], "drawn for one variable"),
    (["stationary", "x^2 + y^2 + z^2", "--box", "x=-1:1,y=-1:1,z=-1:1", "--save", "p.png"], "a picture of 3 variables"),
    (["descend", "x^2", "--from", "1", "--rate", "0.1", "--save", "p.png", "--picture", "surface"], "two weights"),
    (["descend", "x^2", "--from", "1", "--rate", "0.1", "--save", "p.png", "--picture", "lost"], "did you mean loss"),
    (["explain", "x^2", "--save", "p.png"], "the picture is of back-propagation"),
    (["explain", "x^2", "--latex", "--save", "p.png"], "the picture is of back-propagation"),
    (["explain", "+".join(f"x{k}" for k in range(40)), "--backward", "--at", ",".join("1" * 40), "--save", "p.png"],
     "a graph of 79 quantities cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), NOT_DRAWN, ids=lambda part: part if isinstance(part, str) else "")
def test_what_cannot_be_drawn_does_not_cost_the_answer(run, arguments, words, tmp_path):
    code, out, err = run(*arguments)
    assert words in err
    assert (code, err.count("\n")) == (2, 1)
    assert not list(tmp_path.iterdir())
    assert out == run(*arguments[: arguments.index("--save")])[1] or arguments[0] == "gallery"


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: a[0])
def test_a_picture_in_a_window(run, arguments, monkeypatch):
    """The window is pyplot's, the figure is ours, and the report comes first."""
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(pyplot, "get_backend", lambda: "tkagg")
    monkeypatch.setattr(pyplot, "show", lambda block: shown.append(pyplot.gcf()))
    code, out, err = run(*arguments, "--show")
    assert (code, err) == (0, "")
    assert out
    (figure,) = shown
    assert figure.axes[0].get_title()
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: a[0])
def test_where_there_are_no_windows(run, arguments, monkeypatch, tmp_path):
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "agg")
    code, out, err = run(*arguments, "--show", "--save", "p.png")
    assert code == 2
    assert out
    assert err.startswith("diffkit: no window can be opened here")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: a[0])
def test_without_matplotlib_the_picture_says_what_is_missing(run, arguments, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = run(*arguments, "--save", "p.png")
    assert code == 2
    assert out
    assert "pictures need matplotlib" in err

"""Pictures: into files and windows, and what the gallery draws."""

import pytest

matplotlib = pytest.importorskip("matplotlib", reason="comes with the plot extra")

COMMANDS = [
    ["limit", "exp(x)", "--at", "1"],
    ["tangent", "x^2", "--at", "1"],
    ["stationary", "x^2", "--box", "-1:1"],
    ["descend", "x^2", "--from", "1", "--rate", "0.1"],
]


@pytest.mark.parametrize(
    "arguments",
    [
        ["limit", "exp(x)", "--at", "1", "--save", "v.svg"],
        ["tangent", "log(x)", "--at", "1", "--save", "v.svg", "--interval", "-1:3"],
        ["tangent", "abs(x)", "--at", "0", "--save", "v.svg"],
    ],
)
def test_pictures_by_the_commands(run, arguments, tmp_path):
    code, _, err = run(*arguments)
    assert err == ""
    assert code in (0, 1)
    assert "<svg" in (tmp_path / "v.svg").read_text()


def test_the_gallery():
    from diffkit.pictures import gallery

    lines = gallery.family_of_lines(slopes=(2,), intercepts=(-1,)).axes
    assert list(lines[0].lines[0].get_ydata()) == [-4.0, 4.0]
    assert list(lines[1].lines[0].get_ydata()) == [-3.0, 1.0]
    panel = gallery.activations(("sigmoid",)).axes[0]
    x, slope = panel.lines[1].get_data()
    middle = min(range(len(x)), key=lambda k: abs(x[k]))
    assert slope[middle] == pytest.approx(0.25, abs=1e-6)
    words = [text.get_text() for text in gallery.minima().axes[0].texts]
    assert [w.split("\n")[0] for w in words] == ["local minimum", "local maximum", "global minimum"]
    assert "saddle point" in gallery.saddle().axes[0].get_title()


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: a[0])
def test_a_picture_in_a_window(run, arguments, monkeypatch):
    """The window is pyplot's, the figure is ours, and the report comes first."""
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(pyplot, "get_backend", lambda: "tkagg")
    monkeypatch.setattr(pyplot, "show", lambda block: shown.append(pyplot.gcf()))
    code, out, err = run(*arguments, "--show")
    assert (code, err) == (0, "")
    assert "f" in out
    (figure,) = shown
    assert figure.axes[0].lines
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: a[0])
def test_where_there_are_no_windows(run, arguments, monkeypatch, tmp_path):
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "agg")
    code, out, err = run(*arguments, "--show", "--save", "p.png")
    assert (code, out) == (2, "")
    assert err.startswith("diffkit: no window can be opened here")
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())

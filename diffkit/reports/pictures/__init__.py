"""Pictures for people, by matplotlib (the extra ``plot``): one look for all, and one way to a file.

A picture is a function in a module of this package that takes what was computed and gives a matplotlib Figure.
Colours are those of Okabe & Ito, told apart by the colour-blind, and lines differ by dashes too, so that a picture
survives a black-and-white print.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from diffkit.core.errors import BackendError, FileError
from diffkit.core.files import replaced
from diffkit.core.surroundings import undisturbed, unwarned

INSTALL = 'pip install "diffkit[plot]" brings it'
_NO_MATPLOTLIB = "pictures need matplotlib"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
_WINDOWLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
"""backends of matplotlib that write files only"""
_PICTURE_STYLE = {
    "font.family": "sans-serif", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.alpha": 0.25, "grid.linewidth": 0.6, "legend.frameon": False, "savefig.dpi": 150,
    "lines.linewidth": 1.8, "svg.hashsalt": "diffkit",
}  # fmt: skip
_UNDATED = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Format → metadata that make a file depend on the picture alone."""
P = ParamSpec("P")
T = TypeVar("T")


def in_one_look(draw: Callable[P, T]) -> Callable[P, T]:
    """Give everything that a function draws the one look; BackendError without matplotlib.

    Axes and legends take their settings at the time they are made, so the whole function runs under them.
    """

    @wraps(draw)
    def drawing(*args: P.args, **options: P.kwargs) -> T:
        with unwarned():  # matplotlib may warn of what others have renamed, as early as when it is imported
            try:
                import matplotlib as mpl
            except ImportError:
                raise BackendError(_NO_MATPLOTLIB, hint=INSTALL) from None
            with mpl.rc_context(_PICTURE_STYLE), undisturbed():
                return draw(*args, **options)

    return drawing


@in_one_look
def canvas(title: str, x_label: str, y_label: str, z_label: str | None = None) -> tuple[Any, Any]:
    """Give a figure and its labelled axes, in three dimensions with a third label."""
    figure = empty()
    axes = figure.add_subplot(projection="3d" if z_label is not None else None)
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if z_label is not None:
        axes.set_zlabel(z_label)
    return figure, axes


@in_one_look
def panels(rows: int, columns: int, width: float, height: float, **shared: bool) -> tuple[Any, Any]:
    """Give a figure of several panels and the array of their axes; sizes in inches, ``sharex`` as in matplotlib."""
    figure = empty(width, height)
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


@in_one_look
def empty(width: float = 7.2, height: float = 4.6) -> Any:
    """Give a figure without axes; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def legend(figure: Any, columns: int = 2) -> None:
    """Name what is drawn, once, below the picture where it covers nothing."""
    named: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=columns)


def style(k: int) -> dict[str, Any]:
    """Colour and dashes of the k-th line of a picture."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)]}


def haloed(width: float = 3.6) -> dict[str, Any]:
    """Give a line a white rim, so that it is seen on a surface or a map in grey print too."""
    from matplotlib.patheffects import withStroke

    return {"path_effects": [withStroke(linewidth=width, foreground="white")]}


def drawn(picture: str, args: Sequence[Any]) -> Any:
    """Give the figure of a picture that is named, MODULE:FUNCTION, and of what it is drawn from."""
    module, _, name = picture.partition(":")
    return getattr(import_module(f"diffkit.reports.pictures.{module}"), name)(*args)


def image(picture: str, args: Sequence[Any], file: str, dpi: float | None = None) -> bytes:
    """The same as the bytes of a file of that name, with so many dots to an inch."""
    return _bytes(drawn(picture, args), format_of(file), dpi)


def save(figure: Any, file: str) -> None:
    """Write a picture, whole or not at all; FileError for an unknown format or a place that cannot be written."""
    store(_bytes(figure, format_of(file)), file)


def store(image: bytes, file: str) -> None:
    """Write the bytes of a picture."""
    with replaced(file) as beside, open(beside, "wb") as stream:
        stream.write(image)


def format_of(file: str) -> str:
    """The format of a file, by its name; FileError for one that there is not."""
    ending = os.path.splitext(file)[1].removeprefix(".").lower()
    if ending not in _UNDATED:
        raise FileError(f"cannot save {file}: the format is {ending or 'missing'}",
                        hint=f"name the file *.{', *.'.join(_UNDATED)}")  # fmt: skip
    return ending


@in_one_look
def _bytes(figure: Any, ending: str, dpi: float | None = None) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=ending, metadata=_UNDATED[ending], dpi=dpi)
    return stream.getvalue()


def _need_window() -> None:
    """BackendError unless matplotlib can open windows here."""
    try:
        with unwarned():
            from matplotlib import pyplot
    except ImportError:
        raise BackendError(_NO_MATPLOTLIB, hint=INSTALL) from None
    if pyplot.get_backend().lower() in _WINDOWLESS:
        raise BackendError("no window can be opened here: matplotlib found no screen, or no toolkit for windows",
                           hint="--save FILE.png writes the picture to a file")  # fmt: skip


@in_one_look
def show(figure: Any) -> None:
    """Show a picture in a window until it is closed; BackendError where there are no windows."""
    _need_window()
    from matplotlib import pyplot

    pyplot.figure(FigureClass=lambda *_, **__: figure)  # pyplot makes the window, and takes our figure for it
    pyplot.show(block=True)
    pyplot.close("all")

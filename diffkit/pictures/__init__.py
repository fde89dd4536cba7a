"""Pictures for people, by matplotlib (the extra ``plot``): one look for all, and one way to a file.

A picture is a function in a module of this package that takes what was computed and gives a matplotlib Figure.
Colours are those of Okabe & Ito, told apart by the colour-blind, and lines differ by dashes too, so that a picture
survives a black-and-white print.
"""

from __future__ import annotations

import os
from typing import Any

from diffkit.errors import BackendError, FileError

MISSING = "pictures need matplotlib"
INSTALL = "pip install '.[plot]' in the project's folder brings it"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
FORMATS = ("png", "svg", "pdf")
WINDOWLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
"""backends of matplotlib that write files only"""
SETTINGS = {
    "font.family": "sans-serif", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.alpha": 0.25, "grid.linewidth": 0.6, "legend.frameon": False, "savefig.dpi": 150,
    "lines.linewidth": 1.8,
}  # fmt: skip


def canvas(title: str, x_label: str, y_label: str, z_label: str | None = None) -> tuple[Any, Any]:
    """Give a figure and its labelled axes, in three dimensions with a third label; BackendError without matplotlib."""
    figure = empty()
    with _look():
        axes = figure.add_subplot(projection="3d" if z_label is not None else None)
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if z_label is not None:
        axes.set_zlabel(z_label)
    return figure, axes


def panels(rows: int, columns: int, width: float, height: float, **shared: bool) -> tuple[Any, Any]:
    """Give a figure of several panels and the array of their axes; sizes in inches, ``sharex`` as in matplotlib."""
    figure = empty(width, height)
    with _look():
        return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def _look() -> Any:
    """The settings of all pictures, to create figures and axes under."""
    import matplotlib as mpl

    return mpl.rc_context(SETTINGS)


def empty(width: float = 7.2, height: float = 4.6) -> Any:
    """Give a figure without axes, for pictures of several panels; sizes in inches."""
    try:
        look = _look()
        from matplotlib.figure import Figure
    except ImportError:
        raise BackendError(MISSING, hint=INSTALL) from None
    with look:
        return Figure(figsize=(width, height), layout="constrained")


def style(k: int) -> dict[str, Any]:
    """Colour and dashes of the k-th line of a picture."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)]}


def save(figure: Any, file: str) -> None:
    """Write a picture, whole or not at all; FileError for an unknown format or a place that cannot be written."""
    ending = os.path.splitext(file)[1].removeprefix(".").lower()
    if ending not in FORMATS:
        raise FileError(f"cannot save {file}: the format is {ending or 'missing'}",
                        hint=f"name the file *.{', *.'.join(FORMATS)}")  # fmt: skip
    temporary = f"{file}.part"
    try:
        with _look():
            figure.savefig(temporary, format=ending)
        os.replace(temporary, file)
    except OSError as error:
        raise FileError(f"cannot write {file}: {error.strerror or error}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def need_window() -> None:
    """BackendError unless matplotlib can open windows here."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise BackendError(MISSING, hint=INSTALL) from None
    if pyplot.get_backend().lower() in WINDOWLESS:
        raise BackendError("no window can be opened here: matplotlib found no screen, or no toolkit for windows",
                           hint="--save FILE.png writes the picture to a file")  # fmt: skip


def show(figure: Any) -> None:
    """Show a picture in a window until it is closed; BackendError where there are no windows."""
    need_window()
    from matplotlib import pyplot

    with _look():
        pyplot.figure(FigureClass=lambda *_, **__: figure)  # pyplot makes the window, and takes our figure for it
        pyplot.show(block=True)
    pyplot.close("all")

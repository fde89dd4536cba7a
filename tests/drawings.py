"""Reads what was drawn out of a figure of matplotlib."""

import math

import numpy as np
import pytest
from matplotlib.contour import QuadContourSet


def named(axes, label):
    """The line of that name."""
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line


def words(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def heights(surface):
    """Means of the four corners of each cell, in the rows of the grid."""
    side = math.isqrt(len(surface.get_array()))
    return np.reshape(np.asarray(surface.get_array()), (side, side))


def cells(x, y, f):
    """The same of a function."""
    z = f(*np.meshgrid(x, y))
    return (z[1:, 1:] + z[1:, :-1] + z[:-1, 1:] + z[:-1, :-1]) / 4


def check_contours(axes, f):
    """Every line of equal height lies where f has that height."""
    (lines,) = [c for c in axes.collections if isinstance(c, QuadContourSet) and not c.filled]
    places = [(level, *place) for level, path in zip(lines.levels, lines.get_paths(), strict=True)
              for place in path.vertices]  # fmt: skip
    level, x, y = np.transpose(places)
    assert len(places) > 500
    assert f(x, y) == pytest.approx(level, abs=2e-3 * np.ptp(level))

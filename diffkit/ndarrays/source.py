"""Where in the user's code something happened."""

from __future__ import annotations

import linecache
import sys
from pathlib import PurePath
from types import FrameType
from typing import NamedTuple

LIBRARIES = frozenset({"diffkit", "numpy", "scipy", "contextlib", "functools", "copy"})


class SourceLine(NamedTuple):
    """A line of Python; prints as ``model.py line 12: `if x > 0:` ``."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        shown = f": `{self.text}`" if self.text else ""
        return f"{PurePath(self.file).name} line {self.line}{shown}"


def user_frame(until: FrameType | None = None) -> FrameType | None:
    """Give the innermost frame that runs outside diffkit, NumPy and SciPy; None if ``until`` comes before it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in LIBRARIES:
        if frame is until:
            return None
        frame = frame.f_back
    return frame


def line_of(frame: FrameType | None) -> SourceLine:
    """Give the line that a frame is at."""
    if frame is None:
        return SourceLine("?", 0, "")
    file, line = frame.f_code.co_filename, frame.f_lineno
    return SourceLine(file, line, linecache.getline(file, line, frame.f_globals).strip())


def user_line() -> SourceLine:
    """Give the line of the user's code that is running."""
    return line_of(user_frame())


def called_from(package: str) -> str:
    """Name of the function of a library through which the user's code came here, or nothing."""
    frame: FrameType | None = sys._getframe(1)
    found = ""
    while frame is not None:
        home = str(frame.f_globals.get("__name__")).partition(".")[0]
        if home not in LIBRARIES:
            break
        if home == package:
            found = frame.f_code.co_name
        frame = frame.f_back
    return found

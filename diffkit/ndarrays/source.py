"""Where in the user's code something happened."""

from __future__ import annotations

import linecache
import sys
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from types import CodeType, FrameType
from typing import NamedTuple

LIBRARIES = frozenset({"diffkit", "numpy", "scipy", "contextlib", "functools", "copy"})


class SourceLine(NamedTuple):
    """A line of Python; prints as ``model.py line 12: `if x > 0:` ``.

    ``span`` is where in the text the expression stands that runs, if that is known; else it is empty.
    """

    file: str
    line: int
    text: str
    span: tuple[int, int] = (0, 0)

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


def operation_of(frame: FrameType | None) -> SourceLine:
    """Give the line that a frame is at, with the expression in it that runs."""
    found = line_of(frame)
    return found if frame is None else found._replace(span=_span(frame.f_code, frame.f_lasti, found.line))


@lru_cache(maxsize=4096)
def _span(code: CodeType, last: int, line: int) -> tuple[int, int]:
    """Where in its line, without the blanks around it, an instruction's expression begins and ends."""
    first, end_line, start, end = next(islice(code.co_positions(), last // 2, None))
    if first != line or end_line != line or start is None or end is None:
        return 0, 0
    whole = linecache.getline(code.co_filename, line)
    before = len(whole) - len(whole.lstrip())
    start, end = (len(whole.encode()[:k].decode(errors="replace")) - before for k in (start, end))
    return start, end


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

"""Text files, read whole."""

from __future__ import annotations

import sys
from os import PathLike
from typing import TextIO

from diffkit.errors import FileError

LONGEST = 2**28  # characters; a device without an end has more


def read(file: str | PathLike[str]) -> str:
    """Read a whole text file, ``-`` being standard input; FileError if it cannot be read, or has no end."""
    try:
        if file == "-":
            return _whole(sys.stdin, "standard input")
        with open(file, encoding="utf-8-sig") as stream:
            return _whole(stream, file)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FileError(f"cannot read {file}: {reason}") from None


def _whole(stream: TextIO, name: str | PathLike[str]) -> str:
    text = stream.read(LONGEST)
    if len(text) == LONGEST:
        raise FileError(f"cannot read {name}: it has no end, or more than {LONGEST:,} characters",
                        hint="large data belong into an NPY file")  # fmt: skip
    return text

"""Text files, read whole."""

from __future__ import annotations

import sys
from os import PathLike

from diffkit.errors import FileError


def read(file: str | PathLike[str]) -> str:
    """Read a whole text file, ``-`` being standard input; FileError if it cannot be read."""
    try:
        if file == "-":
            return sys.stdin.read()
        with open(file, encoding="utf-8-sig") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FileError(f"cannot read {file}: {reason}") from None

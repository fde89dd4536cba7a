"""Text files read whole, and files written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TextIO

from diffkit.core.errors import FileError

LONGEST = 2**28  # characters; a device without an end has more


def read(file: str | PathLike[str]) -> str:
    """Read a whole text file, ``-`` being standard input; FileError if it cannot be read, or has no end."""
    try:
        if file == "-":
            return _whole(sys.stdin, "standard input").removeprefix("\ufeff")
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


@contextmanager
def replaced(file: str) -> Iterator[str]:
    """Give a name beside a file to write to, which takes its place when it is whole; FileError if that fails."""
    try:
        there = os.path.exists(file)
        if there and not os.access(file, os.W_OK):
            raise PermissionError(None, "Permission denied")
        if there and not os.path.isfile(file):  # a pipe or a device is written to, never replaced, by the name it has
            yield file
        else:
            yield from _beside(os.path.realpath(file))
    except OSError as error:
        raise FileError(f"cannot write {file}: {error.strerror or error}") from None


def _beside(target: str) -> Iterator[str]:
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".diffkit-")
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o666 & ~_mask())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

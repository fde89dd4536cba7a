"""The standard streams as a process may find them: closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

from diffkit.core.characters import visible


class Closed(io.TextIOBase):
    """What stands for a stream that is closed: it says so when it is used."""

    encoding = "utf-8"

    def write(self, text: str) -> NoReturn:  # noqa: ARG002
        """OSError: it is closed."""
        raise OSError(errno.EBADF, "it is closed")

    def read(self, size: int | None = None) -> NoReturn:  # noqa: ARG002
        """OSError: it is closed."""
        raise OSError(errno.EBADF, "it is closed")


def provide() -> None:
    """See that all three streams can be used as text, whatever they are."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # no file that is opened later may take their places
        pass
    os.close(descriptor)
    sys.stdin, sys.stdout = sys.stdin or Closed(), sys.stdout or Closed()
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for as long as we live
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", encoding="utf-8")


def complain(reason: str, caret: str = "") -> None:
    """Say on standard error what is wrong, in one line and perhaps with a caret; nothing if nobody can be told."""
    try:
        print(f"diffkit: {visible(' '.join(reason.split()))}", *([caret] if caret else []), sep="\n", file=sys.stderr)
    except (OSError, ValueError):
        give_up(sys.stderr)


def give_up(stream: Any) -> None:
    """Send what a broken stream still holds nowhere, so that it does not complain again when the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

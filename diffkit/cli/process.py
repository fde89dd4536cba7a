"""The process that the command runs in: streams that are closed, full or unread, and Ctrl-C wherever it comes.

Ctrl-C gives one line on standard error and exit code 130. It raises KeyboardInterrupt, which commands that can tell
what they have found until then catch. That is not enough: C code makes other errors of it while it is imported, and
destructors, callbacks and libraries swallow it. So during an import the process ends at once, or waits for its end
where something has been found; what a destructor swallows comes again; and what has not ended the command after
``_ENDING_SECONDS`` seconds, or comes a second time, ends the process.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from diffkit.core.deadline import Deadline, current_deadline

EXIT_INTERRUPTED = 130  # as shells have it: 128 and the number of the signal
_ENDING_SECONDS = 0.7  # seconds for a command to end by itself
_SOON = 0.005
_IMPORTS = "<frozen importlib._bootstrap>"


class Closed(io.TextIOBase):
    """What stands for a stream that is closed: it says so when it is used."""

    encoding = "utf-8"

    def write(self, text: str) -> NoReturn:  # noqa: ARG002
        """OSError: it is closed."""
        raise OSError(errno.EBADF, "it is closed")

    def read(self, size: int | None = None) -> NoReturn:  # noqa: ARG002
        """OSError: it is closed."""
        raise OSError(errno.EBADF, "it is closed")

    readline = read


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
    from diffkit.core.errors import visible

    try:
        print(f"diffkit: {visible(' '.join(reason.split()))}", *([caret] if caret else []), sep="\n", file=sys.stderr)
    except (OSError, ValueError):
        give_up(sys.stderr)


def give_up(stream: Any) -> None:
    """Send what a broken stream still holds nowhere, so that it does not complain again when the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Interrupts:
    """The interrupts of this process."""

    def __init__(self) -> None:
        self.met = False
        """whether there was one"""
        self.awaited = False
        """whether what is at work keeps what it has found, and says when it ends"""

    def watch(self) -> None:
        """Take over Ctrl-C."""
        signal.signal(signal.SIGINT, self.handle)
        sys.unraisablehook = self.swallowed

    def handle(self, _: int, frame: Any) -> None:
        """Raise KeyboardInterrupt, or end at once."""
        deadline, importing = current_deadline(), _imports(frame)
        if self.met or (importing and not self.awaited):
            _end(deadline)
        if importing:
            _later(_SOON, signal.raise_signal, signal.SIGINT)
            return
        self.met = True
        if not self.awaited:
            _later(_ENDING_SECONDS, _end, deadline)
        raise KeyboardInterrupt

    def swallowed(self, error: Any) -> None:
        """See that an interrupt which a destructor or a callback swallowed comes again."""
        if error.exc_type is not KeyboardInterrupt:
            if not self.met:  # what an interrupt left half made cannot be taken down rightly
                sys.__unraisablehook__(error)
            return
        self.met = False
        _later(_SOON, signal.raise_signal, signal.SIGINT)

    def wait(self) -> None:
        """Let the command end by itself: it tells what it has found until an interrupt."""
        self.awaited = True


INTERRUPTS = Interrupts()


def guarded(main: Callable[[], None]) -> Any:
    """Run the command and give its exit code; KeyboardInterrupt whatever became of an interrupt."""
    INTERRUPTS.watch()
    try:
        main()
    except SystemExit as end:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left that could be interrupted
        if end.code in (0, EXIT_INTERRUPTED) or INTERRUPTS.awaited or not INTERRUPTS.met:
            return end.code
        raise KeyboardInterrupt from None  # the error is what became of it
    except BaseException:
        if INTERRUPTS.met:
            raise KeyboardInterrupt from None
        raise
    return 0


def _imports(frame: Any) -> bool:
    """Whether a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTS:
            return True
        frame = frame.f_back
    return False


def _later(seconds: float, call: Any, *args: Any) -> None:
    from threading import Timer

    timer = Timer(seconds, call, args)
    timer.daemon = True
    timer.start()


def _end(deadline: Deadline | None) -> NoReturn:
    """Say so, end the processes that work for us, and end without asking anybody."""
    if deadline is not None:
        deadline.end()
    cursor = b"\x1b[?25h" if os.isatty(2) else b""  # which a progress bar hides
    os.write(2, cursor + b"diffkit: interrupted\n")
    os._exit(EXIT_INTERRUPTED)

"""Ctrl-C: one line on standard error and exit code 130, wherever it comes.

It raises KeyboardInterrupt, which commands that can tell what they have found until then catch. That is not enough: C
code makes other errors of it while it is imported, and destructors, callbacks and libraries swallow it. So during an
import the process ends at once, or waits for its end where something has been found; what a destructor swallows comes
again; and what has not ended the command after ``PATIENCE`` seconds, or comes a second time, ends the process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from diffkit.core.deadline import Deadline, current_deadline

EXIT_INTERRUPTED = 130  # as shells have it: 128 and the number of the signal
PATIENCE = 0.7  # seconds for a command to end by itself
SOON = 0.005
IMPORTS = "<frozen importlib._bootstrap>"


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
            _later(SOON, signal.raise_signal, signal.SIGINT)
            return
        self.met = True
        if not self.awaited:
            _later(PATIENCE, _end, deadline)
        raise KeyboardInterrupt

    def swallowed(self, error: Any) -> None:
        """See that an interrupt which a destructor or a callback swallowed comes again."""
        if error.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(error)
            return
        self.met = False
        _later(SOON, signal.raise_signal, signal.SIGINT)

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
        if frame.f_code.co_filename == IMPORTS:
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

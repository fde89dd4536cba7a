"""What surrounds a computation stays outside: floating-point settings, warnings, exceptions that are meant for us.

NumPy raises, warns or calls a function at overflow, division by zero and the like, as ``numpy.seterr`` says, which
belongs to the thread. Mathematics of ours has infinities and NaN there, whatever anybody has set.

MINPACK's wrapper in SciPy calls PyErr_Print, which asks ``sys.excepthook``; this is the process's, so threads share it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import ContextDecorator, contextmanager
from threading import Lock, RLock, get_ident
from typing import Any


class undisturbed(ContextDecorator):
    """Compute in silence: ``with undisturbed():``, or ``@undisturbed()`` on a function of the Python face.

    Where NumPy is not loaded there is nothing to do; who loads it inside guards itself.
    """

    def _recreate_cm(self) -> undisturbed:
        """One of its own for every call, so that calls may nest and run in threads."""
        return undisturbed()

    def __enter__(self) -> None:
        self.state: Any = None
        if "numpy" in sys.modules:
            import numpy  # which waits where another thread has only begun to

            self.state = numpy.errstate(all="ignore")
            self.state.__enter__()

    def __exit__(self, *error: object) -> None:
        if self.state is not None:
            self.state.__exit__(*error)


FILTERS = RLock()
"""Python's filters of warnings are one for all threads."""

_lock = Lock()
_attempting: list[int] = []
"""threads that attempt something, as often as they do"""
_original: Any = None


@contextmanager
def silenced() -> Iterator[None]:
    """Print no exception of this thread, as long as the context lasts."""
    global _original
    with _lock:
        if not _attempting:
            _original, sys.excepthook = sys.excepthook, _hook
        _attempting.append(get_ident())
    try:
        yield
    finally:
        with _lock:
            _attempting.remove(get_ident())
            if not _attempting:
                sys.excepthook = _original


@contextmanager
def unwarned() -> Iterator[None]:
    """Let no warning through, as long as the context lasts."""
    with FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _hook(*exception: Any) -> None:
    if get_ident() not in _attempting:
        _original(*exception)

"""Attempts to follow code: compiled callers print an exception of ours before they replace it, and shall not.

MINPACK's wrapper in SciPy calls PyErr_Print, which asks ``sys.excepthook``; this is the process's, so threads share it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, RLock, get_ident
from typing import Any

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

"""How far long work is: loops tell it to whoever watches, and where nobody does they cost nothing.

As the deadline, whoever watches is a context variable: no function between the loop and the user has to know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

Tell = Callable[[str, float, float], object]
"""is told what is done, how much of it, and of how much"""
T = TypeVar("T")
_WATCHER: ContextVar[Tell | None] = ContextVar("watcher", default=None)
current_watcher = _WATCHER.get


def tell(doing: str, done: float, total: float) -> None:
    """Say how far the work at hand is."""
    watcher = _WATCHER.get()
    if watcher is not None:
        watcher(doing, done, total)


def counted(found: Iterable[T], total: int, doing: str) -> Iterable[T]:
    """The same, each told once it has been dealt with."""
    watcher = _WATCHER.get()
    return found if watcher is None else _counting(found, total, doing, watcher)


def _counting(found: Iterable[T], total: int, doing: str, watcher: Tell) -> Iterator[T]:
    watcher(doing, 0, total)
    for done, one in enumerate(found, 1):
        yield one
        watcher(doing, done, total)


class watched_by:
    """Tell somebody of the work inside ``with watched_by(tell):``."""

    def __init__(self, watcher: Tell):
        self.watcher = watcher

    def __enter__(self) -> None:
        self.token = _WATCHER.set(self.watcher)

    def __exit__(self, *_: object) -> None:
        _WATCHER.reset(self.token)

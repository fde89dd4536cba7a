"""Threads that share the pieces of a batch, where what computes them lets go of Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor


def processors() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(work: Callable[[], None], starts: Iterator[int], workers: int) -> None:
    """Do work in so many threads, this one among them; where it ends early, nothing more is started."""
    if workers < 2:
        work()
        return
    with ThreadPoolExecutor(workers - 1) as pool:
        others = [pool.submit(work) for _ in range(workers - 1)]
        try:
            work()
        finally:
            for _ in starts:
                pass
        for other in others:
            other.result()

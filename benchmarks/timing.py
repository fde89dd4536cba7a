"""Median times, for every benchmark that measures seconds."""

import statistics
import time
from collections.abc import Callable


def median(action: Callable[[], object], runs: int = 5) -> float:
    """Median seconds of an action."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)

"""What is said of a descent, and its numbers."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """A cause in two words, and a sentence that says what was seen."""

    cause: str
    text: str


def short(value: float) -> str:
    """A number with three digits."""
    return f"{value:.3g}"

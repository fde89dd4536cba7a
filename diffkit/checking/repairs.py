"""What would make a wrong claim right: the evidence is gathered here, the explanations are found by ``repair``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffkit.checking.check import Setting
    from diffkit.checking.judge import Judge
    from diffkit.checking.model import Entry


def repair(setting: Setting, judge: Judge, entries: Sequence[Entry], seen: Sequence[Any], rng: Any) -> str | None:
    """Give the instruction, proven at fresh points; None if no explanation fits."""
    return None

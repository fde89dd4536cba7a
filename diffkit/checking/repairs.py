"""What would make a wrong claim right: the evidence is gathered here, the explanations are found by ``repair``."""

from __future__ import annotations

from typing import Any


def repair(*evidence: Any) -> str | None:
    """Give the instruction, proven at fresh points; None if no explanation fits."""
    del evidence
    return None

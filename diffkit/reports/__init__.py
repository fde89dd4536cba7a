"""Reports: what a result or a comparison looks like in each format.

To add a format, write a module with ``render(report, terminal) -> str`` and name it in ``FORMATS``.
"""

from __future__ import annotations

from importlib import import_module

from diffkit.errors import DiffkitError, did_you_mean
from diffkit.reports.model import Report

FORMATS = {
    "text": "diffkit.reports.text",
    "json": "diffkit.reports.json",
    "markdown": "diffkit.reports.markdown",
}
"""Format → module with a ``render`` function."""


def render(report: Report, format: str = "text", terminal: bool = False) -> str:
    """Give a report as text; ``terminal`` allows rich tables where the format has them."""
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS) or f"there are {', '.join(FORMATS)}"
        raise DiffkitError(f"unknown format {format!r}", hint=hint)
    text: str = import_module(FORMATS[format]).render(report, terminal)
    return text


__all__ = ["FORMATS", "Report", "render"]

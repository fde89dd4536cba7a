"""Reports: what a result, a comparison or a reference page looks like in each format.

To add a format, write a module with ``render(document, terminal) -> str`` and name it in ``FORMATS``.
"""

from __future__ import annotations

from importlib import import_module

from diffkit.core.errors import DiffkitError, did_you_mean
from diffkit.core.surroundings import undisturbed
from diffkit.reports.document import Document, Noted, Read, Report, Seen

FORMATS = {
    "text": "diffkit.reports.text",
    "json": "diffkit.reports.json",
    "markdown": "diffkit.reports.markdown",
    "html": "diffkit.reports.html",
}
"""Format → module with a ``render`` function."""


def check_format(format: str) -> str:
    """Give the module of a format; DiffkitError if there is none of that name."""
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS) or f"there are {', '.join(FORMATS)}"
        raise DiffkitError(f"unknown format {format!r}", hint=hint)
    return FORMATS[format]


@undisturbed()
def render(document: Document, format: str = "text", terminal: bool = False) -> str:
    """Give a document as text; ``terminal`` fits it to the terminal where the format can.

    Whatever the document quotes, nothing hidden gets into what people read: here, once, for every format.
    """
    shown = Noted(document) if isinstance(document, Read) else document
    text: str = import_module(check_format(format)).render(Seen(shown), terminal)
    return text


__all__ = ["FORMATS", "Document", "Report", "check_format", "render"]

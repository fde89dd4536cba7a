"""JSON: one strict object with a schema version; NaN and what is absent are null, infinities are text."""

from __future__ import annotations

import json

from diffkit.core.errors import escaped
from diffkit.reports.document import Document


def render(document: Document, terminal: bool = False) -> str:  # noqa: ARG001
    """Give the document as one JSON object."""
    return escaped(json.dumps(document.fields(), ensure_ascii=False, allow_nan=False)) + "\n"

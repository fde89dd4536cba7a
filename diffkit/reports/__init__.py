"""Reports: what a result, a comparison or a reference page looks like in each format.

To add a format, write a module with ``render(document, terminal) -> str`` and name it in ``FORMATS``; other packages
name such a function in the entry points ``diffkit.reports``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from diffkit.core.errors import DiffkitError, did_you_mean, told
from diffkit.core.joined import FORMAT_GROUP, home, joined, loaded
from diffkit.core.surroundings import undisturbed
from diffkit.reports.document import Document, Shown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FORMATS = {
    "text": "diffkit.reports.text",
    "json": "diffkit.reports.json",
    "markdown": "diffkit.reports.markdown",
    "html": "diffkit.reports.html",
}
"""Format → module with a ``render`` function."""
CLAIM_FORMATS = {"junit": "diffkit.reports.junit", "github": "diffkit.reports.github"}
"""The same for formats of ``ClaimsReport`` alone, which hold verdicts and nothing else."""


def joined_formats() -> dict[str, EntryPoint]:
    """The formats that other packages add, by name: functions as ``render`` of a module here; ours keep their names."""
    ours = FORMATS.keys() | CLAIM_FORMATS.keys()
    return {name: entry for name, entry in joined(FORMAT_GROUP).items() if name not in ours}


def is_format(format: str, known: Iterable[str] = FORMATS) -> bool:
    """Whether there is a format of that name, here or in another package."""
    return format in known or format in joined_formats()


def unknown_format(format: str, known: Iterable[str] = FORMATS) -> DiffkitError:
    """Give the error for a name that is no format."""
    known = (*known, *joined_formats())
    hint = did_you_mean(format, known) or f"there are {', '.join(known)}"
    return DiffkitError(f"unknown format {format!r}", hint=hint)


DOCUMENTS = {
    "Result": "result_report:ResultReport",
    "Comparison": "comparison_report:ComparisonReport",
    "Worst": "comparison_report:at_worst",
    "AccuracyReport": "accuracy_report:CasesReport",
    "RowsReport": "rows_report:RowsDocument",
    "Check": "check_report:CheckReport",
    "Derivation": "derivation_report:DerivationReport",
    "Backward": "derivation_report:BackwardReport",
    "Quotients": "quotients_report:QuotientsReport",
    "Tangent": "tangent_report:TangentReport",
    "StationaryPoints": "stationary_report:StationaryReport",
    "Descent": "descent_report:DescentReport",
    "MatrixDerivative": "matrix_report:of_one",
    "MatrixDerivatives": "matrix_report:MatrixReport",
    "Identity": "matrix_report:IdentityReport",
    "Expression": "question_report:ExpressionReport",
    "Prepared": "question_report:PreparedReport",
    "DerivativeCode": "question_report:CodeReport",
}
"""The name of an answer's type → module:class of the document about it"""


def document_of(answer: Any, **more: Any) -> Document:
    """Give the document about an answer, or one as it is; ``more`` is what it says besides, such as the text of f."""
    if isinstance(answer, Document):
        return answer
    name = type(answer).__name__
    if name not in DOCUMENTS:
        raise DiffkitError(f"there is no report on a {name}", hint=f"there are reports on {', '.join(DOCUMENTS)}")
    module, _, document = DOCUMENTS[name].partition(":")
    found: Document = getattr(import_module(f"diffkit.reports.{module}"), document)(answer, **more)
    return found


def report_fields(answer: Any) -> dict[str, Any]:
    """Give an answer, or a document about one, for programs."""
    return Shown(document_of(answer)).fields()


@undisturbed()
def render(answer: Any, format: str = "text", terminal: bool = False) -> str:
    """Give an answer, or a document about one, as text; ``terminal`` fits it to the terminal where the format can.

    Whatever the document quotes, nothing hidden gets into what people read: here, once, for every format.
    """
    document = document_of(answer)
    known = FORMATS | CLAIM_FORMATS if type(document).__name__ == "ClaimsReport" else FORMATS
    if format in known:
        text: str = import_module(known[format]).render(Shown(document), terminal)
        return text
    entry = joined_formats().get(format)
    if entry is None:
        raise unknown_format(format, known)
    return _rendered_by(entry, document, terminal)


def _rendered_by(entry: EntryPoint, document: Document, terminal: bool) -> str:
    """What another package makes of a document; DiffkitError in a line where it fails."""
    try:
        text = loaded(entry)(Shown(document), terminal)
    except DiffkitError:
        raise
    except Exception as error:
        raise DiffkitError(f"the format {entry.name} of {home(entry)} has failed: {told(error)}") from error
    if not isinstance(text, str):
        raise DiffkitError(f"the format {entry.name} of {home(entry)} gives a {type(text).__name__}, not text")
    return text


__all__ = [
    "CLAIM_FORMATS", "FORMATS", "Document", "document_of", "render", "report_fields", "unknown_format",
]  # fmt: skip

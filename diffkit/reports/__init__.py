"""Reports: what a result, a comparison or a reference page looks like in each format.

To add a format, write a module with ``render(document, terminal) -> str`` and name it in ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from diffkit.core.errors import DiffkitError, did_you_mean
from diffkit.core.surroundings import undisturbed
from diffkit.reports.document import Document, Shown

FORMATS = {
    "text": "diffkit.reports.text",
    "json": "diffkit.reports.json",
    "markdown": "diffkit.reports.markdown",
    "html": "diffkit.reports.html",
}
"""Format → module with a ``render`` function."""
CLAIM_FORMATS = {"junit": "diffkit.reports.junit", "github": "diffkit.reports.github"}
"""The same for formats of ``ClaimsReport`` alone, which hold verdicts and nothing else."""


def unknown_format(format: str, known: Iterable[str] = FORMATS) -> DiffkitError:
    """Give the error for a name that is no format."""
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
    if format not in known:
        raise unknown_format(format, known)
    text: str = import_module(known[format]).render(Shown(document), terminal)
    return text


__all__ = [
    "CLAIM_FORMATS", "FORMATS", "Document", "document_of", "render", "report_fields", "unknown_format",
]  # fmt: skip

"""What answers look like where they are held: in a notebook, and as JSON; the reports on them say it.

Reports stand above everything they report on, so they are found by name, and only when one is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_REPORTS = "diffkit.reports"


def report_text(answer: Any, format: str) -> str:
    """Give the report on an answer as text in a format."""
    return import_module(_REPORTS).render(answer, format)  # type: ignore[no-any-return]


def report_fields(answer: Any) -> dict[str, Any]:
    """Give the report on an answer for programs, as JSON can hold it."""
    return import_module(_REPORTS).report_fields(answer)  # type: ignore[no-any-return]


def _in_notebook(answer: Any, format: str) -> str | None:
    return import_module(f"{_REPORTS}.notebook").fragment(answer, format)  # type: ignore[no-any-return]


class ReportViews:
    """What IPython asks of an object that it shows; None where there is nothing to show in a format."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """The report, with its figures, to stand in a page."""
        return _in_notebook(self, "html")

    def _repr_markdown_(self) -> str | None:
        """The report in Markdown."""
        return _in_notebook(self, "markdown")

    def _repr_latex_(self) -> str | None:
        """The report as a display of LaTeX, as far as MathJax knows it."""
        return _in_notebook(self, "latex")


__all__ = ["ReportViews", "report_fields", "report_text"]

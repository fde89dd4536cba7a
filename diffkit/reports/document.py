"""What there is to report. A format asks a document for its title, blocks, charts and fields, and knows no kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from diffkit.core.characters import visible
from diffkit.core.results import Result
from diffkit.reports.blocks import Block, Equation, Gap, Note

if TYPE_CHECKING:
    from diffkit.asking.tasks import Task
    from diffkit.judging.accuracy import AccuracyReport
    from diffkit.judging.comparison import Comparison
    from diffkit.reports.pictures.charts import Chart


T = TypeVar("T")


class Document(Protocol):
    """Anything that every format can render."""

    @property
    def title(self) -> str:
        """A line that names the report."""

    def blocks(self) -> Iterator[Block]:
        """The report for people, from top to bottom."""

    def charts(self) -> Iterator[Chart]:
        """What a format that can show figures may show besides."""

    def fields(self) -> dict[str, Any]:
        """The report for programs, as JSON can hold it; ``schema`` says which fields there are."""


class Seen(NamedTuple):
    """A document with every character visible in what people read of it."""

    document: Document

    @property
    def title(self) -> str:
        """A line that names the report."""
        return visible(self.document.title)

    def blocks(self) -> Iterator[Block]:
        """The report for people."""
        return map(seen, self.document.blocks())

    def charts(self) -> Iterator[Chart]:
        """What may be shown besides."""
        return map(seen, self.document.charts())

    def fields(self) -> dict[str, Any]:
        """The report for programs, as it is: JSON has escapes of its own."""
        return self.document.fields()


def seen(part: T) -> T:
    """Give a part of a report with every character of its texts visible."""
    if isinstance(part, str):
        return visible(part)  # type: ignore[return-value]
    if isinstance(part, tuple):
        return type(part)._make(map(seen, part)) if hasattr(part, "_make") else tuple(map(seen, part))  # type: ignore[return-value]
    return part


@runtime_checkable
class Read(Document, Protocol):
    """A document about text that somebody typed."""

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""


class Noted(NamedTuple):
    """A document that says, below what was typed, how names were read in it."""

    document: Read

    @property
    def title(self) -> str:
        """A line that names the report."""
        return self.document.title

    def blocks(self) -> Iterator[Block]:
        """Lay the report out."""
        found = list(self.document.blocks())
        typed = next((k for k, block in enumerate(found) if not isinstance(block, Equation)), len(found)) or len(found)
        yield from (*found[:typed], *map(Note, self.document.readings), *found[typed:])

    def charts(self) -> Iterator[Chart]:
        """Draw what the document draws."""
        return self.document.charts()

    def fields(self) -> dict[str, Any]:
        """Give the fields of the document, and what is noted."""
        fields = self.document.fields()
        return {**fields, "notes": [*self.document.readings, *fields.get("notes", ())]}


class Report(NamedTuple):
    """The expressions as read, and what was found: a result, a comparison, accuracy, or formulas and the domain."""

    expressions: tuple[str, ...]
    variables: tuple[str, ...]
    kind: str
    labels: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    """one per label, or none"""
    domain: str = ""
    result: Result | None = None
    comparison: Comparison | None = None
    accuracy: AccuracyReport | None = None
    notes: tuple[str, ...] = ()
    task: Task | None = None
    """what was asked, for charts that need values of f"""

    @property
    def title(self) -> str:
        """A line that names the report."""
        if self.accuracy is not None:
            return f"Accuracy of {', '.join(self.accuracy.backends)}"
        return f"{self.kind.capitalize()}{' by several methods' if self.comparison is not None else ''}"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        answers = (self.result, self.comparison, self.accuracy, self.task)
        return next((answer.notes for answer in answers if answer is not None), ())

    def blocks(self) -> Iterator[Block]:
        """Lay the report out."""
        names = ", ".join(self.variables)
        for k, text in enumerate(self.expressions):
            name = "f" if len(self.expressions) == 1 else f"f{k + 1}"
            yield Equation(f"{name}({names})" if names else name, text)
        yield from self._formulas()
        if self.result is not None:
            from diffkit.reports import result_report as result

            yield from result.blocks(self.result)
        elif self.comparison is not None:
            from diffkit.reports import comparison_report as comparison

            yield from comparison.blocks(self.comparison)
        elif self.accuracy is not None:
            from diffkit.reports import accuracy_report as accuracy

            if self.expressions:
                yield Gap()
            yield from accuracy.blocks(self.accuracy)
        yield from map(Note, self.notes)

    def _formulas(self) -> Iterator[Block]:
        alone = bool(self.domain)
        if alone:
            yield Gap()
        seen = set()
        for label, formula in zip(self.labels, self.formulas, strict=bool(self.formulas)):
            key = (formula, "".join(sorted(label)))
            if key not in seen:  # ∂²f/∂x∂y and ∂²f/∂y∂x are one formula
                seen.add(key)
                yield Equation(label, formula)
        if alone:
            yield Equation("domain", self.domain)

    def charts(self) -> Iterator[Chart]:
        """Draw what there is to see: errors by ulps and digits, and against the step of plain differences."""
        from diffkit.reports import figures

        if self.accuracy is not None:
            yield from figures.of_accuracy(self.accuracy)
        elif self.comparison is not None:
            yield from figures.of_comparison(self.comparison, self.task)

    def fields(self) -> dict[str, Any]:
        """Give the fields of the report."""
        from diffkit.reports import accuracy_report as accuracy
        from diffkit.reports import comparison_report as comparison
        from diffkit.reports import result_report as result

        if self.result is not None:
            schema, found = "diffkit.result/1", result.fields(self.result)
        elif self.comparison is not None:
            schema, found = "diffkit.comparison/1", comparison.fields(self.comparison)
        elif self.accuracy is not None:
            schema, found = "diffkit.accuracy/2", accuracy.fields(self.accuracy)
        else:
            schema, found = "diffkit.formula/1", {"domain": self.domain}
        return {
            "schema": schema,
            "expressions": list(self.expressions),
            "kind": self.kind,
            "variables": list(self.variables),
            "labels": list(self.labels),
            "formulas": list(self.formulas) or None,
            **found,
            "notes": list(self.notes),
        }

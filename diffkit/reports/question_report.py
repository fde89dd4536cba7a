"""What can be asked about, before there is an answer: an expression, a prepared derivative, and one as code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diffkit.asking.expressions import Expression
from diffkit.core.errors import listing
from diffkit.core.text import format_outputs
from diffkit.core.text.printer import LONGEST_FORMULA
from diffkit.methods.derivative_code import DerivativeCode
from diffkit.methods.prepared import Prepared
from diffkit.reports.document import Block, Document, Equation, Listing, Note, picked


@dataclass(frozen=True)
class ExpressionReport(Document):
    """An expression of its variables."""

    expression: Expression

    @property
    def title(self) -> str:
        """A line that names the report."""
        return "Expression"

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.expression.notes

    def blocks(self) -> Iterator[Block]:
        """Lay it out."""
        yield Equation(f"f({', '.join(self.expression.variables)})", self._text)

    @property
    def _text(self) -> str:
        return format_outputs(self.expression.program, LONGEST_FORMULA)[0]

    def fields(self) -> dict[str, Any]:
        """Give the fields of the report."""
        return {"schema": "diffkit.expression/1", "expression": self._text, **picked(self.expression, "variables")}


@dataclass(frozen=True)
class PreparedReport(Document):
    """A derivative that is ready for points."""

    prepared: Prepared

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"Prepared {self.prepared.question.kind}"

    def blocks(self) -> Iterator[Block]:
        """Lay it out."""
        yield Note(f"of {listing(self.prepared.variables)}")
        yield Equation("backend", self.prepared.backend.name)
        yield Equation("engines", listing(self.prepared.engines))

    def fields(self) -> dict[str, Any]:
        """Give the fields of the report."""
        found = {"kind": self.prepared.question.kind, "backend": self.prepared.backend.name}
        return {"schema": "diffkit.prepared/1", **found, **picked(self.prepared, "variables", "engines")}


@dataclass(frozen=True)
class CodeReport(Document):
    """A derivative as code."""

    code: DerivativeCode

    @property
    def title(self) -> str:
        """A line that names the report."""
        return f"The {self.code.kind} in {self.code.language}"

    def blocks(self) -> Iterator[Block]:
        """Lay it out."""
        yield Listing(tuple(self.code.source.split("\n")), self.code.language)

    def fields(self) -> dict[str, Any]:
        """Give the fields of the report."""
        names = ("kind", "language", "name", "variables", "shape", "source")
        return {"schema": "diffkit.code/1", **picked(self.code, *names)}

"""What is found about a task, as blocks and as fields: formulas, or a result at a point or at many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from diffkit.core.decimals import above
from diffkit.core.results import Result, SparsePattern, findings
from diffkit.core.text.printer import LONGEST_FORMULA
from diffkit.reports.document import Block, Document, Equation, Gap, Note, Table, picked, plain, shown, status

if TYPE_CHECKING:
    from diffkit.asking.tasks import Task

_MATRIX_VARIABLES = 8  # variables up to which a matrix is shown as one
METHODS = {
    "symbolic": "SymPy's formula in binary64",
    "finite": "finite differences in binary64",
    "dual": "dual numbers in binary64",
    "reverse": "reverse mode in binary64",
    "auto": "proven in ball arithmetic: the values are correctly rounded",
}


@dataclass(frozen=True)
class Report(Document):
    """A task, and what is known of it whatever the point.

    f as it was ``typed`` (or else as its program says it), the formula of each label or a ``note`` why there is none,
    and the ``domain`` where that is asked for.
    """

    found: Any = None
    """what a kind of report is about"""
    task: Task | None = None
    typed: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    note: str = ""
    domain: str = ""
    definitions: tuple[tuple[str, str], ...] = ()
    """what names in the formulas stand for that are no variables"""
    schema = "diffkit.formula/1"

    @property
    def kind(self) -> str:
        """What is asked for."""
        return self.task.kind if self.task is not None else ""

    @property
    def labels(self) -> tuple[str, ...]:
        """What each component is called."""
        return () if self.task is None else tuple(self.task.labels)

    @property
    def variables(self) -> tuple[str, ...]:
        """What f is a function of: names of numbers, or of arrays."""
        if self.task is None:
            return ()
        function = self.task.function
        return self.task.variables if function is None else tuple(argument.name for argument in function.arguments)

    @property
    def expressions(self) -> tuple[str, ...]:
        """f in text."""
        if self.typed or self.task is None:
            return self.typed
        from diffkit.core.text import format_outputs

        return tuple(format_outputs(self.task.program, LONGEST_FORMULA))

    @property
    def title(self) -> str:
        """A line that names the report."""
        return self.kind.capitalize()

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return () if self.task is None else self.task.notes

    def blocks(self) -> Iterator[Block]:
        """Lay the report out: f, its formulas, and what was found."""
        names, expressions = ", ".join(self.variables), self.expressions
        for k, text in enumerate(expressions):
            name = "f" if len(expressions) == 1 else f"f{k + 1}"
            yield Equation(f"{name}({names})" if names else name, text)
        yield from self._formulas()
        yield from dropwhile(lambda block: isinstance(block, Gap) and not expressions, self.found_blocks())
        if self.note:
            yield Note(self.note)

    def _formulas(self) -> Iterator[Block]:
        if self.domain:
            yield Gap()
        yield from (Equation(name, text) for name, text in self.definitions)
        seen = set()
        for label, formula in zip(self.labels, self.formulas, strict=bool(self.formulas)):
            key = (formula, "".join(sorted(label)))
            if key not in seen:  # ∂²f/∂x∂y and ∂²f/∂y∂x are one formula
                seen.add(key)
                yield Equation(label, formula)
        if self.domain:
            yield Equation("domain", self.domain)

    def found_blocks(self) -> Iterator[Block]:
        """What was found at points."""
        return iter(())

    def found_fields(self) -> dict[str, Any]:
        """What was found, for programs."""
        return {"domain": self.domain}

    def fields(self) -> dict[str, Any]:
        """Give the fields of the report."""
        return {
            **picked(self, "schema", "expressions", "kind", "variables", "labels"),
            "formulas": list(self.formulas) or None,
            **({"definitions": dict(self.definitions)} if self.definitions else {}),
            **self.found_fields(),
            "notes": [self.note] if self.note else [],
        }


class ResultReport(Report):
    """A result; its task may be unknown."""

    found: Result
    schema = "diffkit.result/1"

    @property
    def kind(self) -> str:
        """What is asked for."""
        return self.found.kind

    @property
    def labels(self) -> tuple[str, ...]:
        """What each component is called."""
        return tuple(self.found.labels)

    @property
    def variables(self) -> tuple[str, ...]:
        """What f is a function of."""
        return super().variables or self.found.variables

    @property
    def readings(self) -> tuple[str, ...]:
        """How names were read that may be meant otherwise."""
        return self.found.notes

    def found_blocks(self) -> Iterator[Block]:
        """Lay the result out."""
        return blocks(self.found)

    def found_fields(self) -> dict[str, Any]:
        """Give the fields of the result."""
        return fields(self.found)


def blocks(result: Result) -> Iterator[Block]:
    """Lay a result out."""
    if result.is_batch:
        yield Gap()
        yield _batch(result)
    else:
        if result.at:
            yield where(result)
        yield Gap()
        yield from values(result)
        if not result.labels:
            yield Note(f"the {result.kind} is empty: there is no variable")
    yield from messages(result)
    yield Gap()
    yield Note(_method(result))


def where(result: Result) -> Block:
    """Say at which point it is."""
    return Note("at " + ", ".join(f"{name} = {shown(value)}" for name, value in result.at.items()))


def messages(result: Result) -> Iterator[Block]:
    """Say what there is to say of components that are not plain numbers."""
    for text in dict.fromkeys(odd.message for odd in findings(result.odd) if odd.message):
        yield Note(text)


def values(result: Result) -> Iterator[Block]:
    """Give the components at one point, a Hessian as a matrix where it is one of plain numbers."""
    if result.pattern is not None:
        yield from _entries(result, result.pattern)
        return
    matrix = result.kind == "hessian" and 1 < len(result.variables) <= _MATRIX_VARIABLES
    bars = result.flat_error is not None and result.error_kind != "proven"  # a proven value is right as it stands
    if matrix and not result.odd and not bars and result.decimals is None:
        yield _matrix(result)
        return
    for c, (label, value) in enumerate(zip(result.labels, result.flat, strict=True)):
        if result.is_odd(c):
            yield Note(f"{label}: {status(result.odd[c])}")
        else:
            text = result.decimals[c] if result.decimals and result.decimals[c] else shown(value)
            yield Equation(label, text, f"± {above(result.flat_error[c], 2)}" if bars else "")


def _entries(result: Result, pattern: SparsePattern) -> Iterator[Block]:
    """The entries that are stored, by row and column."""
    rows = []
    for c, (row, column, label) in enumerate(zip(pattern.rows, pattern.columns, result.labels, strict=True)):
        rows.append((str(row), str(column), label, _entry(result, c)))
    yield Table(("row", "column", "entry", "value"), tuple(rows))
    size = result.shape[0] * result.shape[1]
    if len(rows) < size:
        yield Note(f"{len(rows):,} of {size:,} entries; the others are 0, whatever the point")


def _entry(result: Result, c: int) -> str:
    """A component in a table, as exactly as it is known."""
    if result.is_odd(c):
        return status(result.odd[c])
    return result.decimals[c] if result.decimals and result.decimals[c] else _with_bar(result, c)


def _matrix(result: Result) -> Table:
    size = result.shape[0]
    names = [label.rsplit("/", 1)[-1].replace("²", "") for label in result.labels[:: size + 1]]
    rows = [(names[i], *(shown(v) for v in result.flat[i * size : (i + 1) * size])) for i in range(size)]
    return Table(("∂²f", *names), tuple(rows))


def _batch(result: Result) -> Table:
    width = len(result.labels)
    count = len(result.flat) // width if width else 0
    columns = [[shown(v) for v in array.ravel().tolist()] for array in result.at.values()]
    rows = []
    for k in range(count):
        cells: list[str] = [column[k] for column in columns]
        bad = [c for c in range(k * width, (k + 1) * width) if result.is_odd(c)]
        cells += ["–" if c in bad else _with_bar(result, c) for c in range(k * width, (k + 1) * width)]
        if result.odd:
            cells.append("; ".join(dict.fromkeys(status(result.odd[c]) for c in bad)) or "ok")
        rows.append(tuple(cells))
    return Table((*result.at, *result.labels, *(["status"] if result.odd else [])), tuple(rows))


def _with_bar(result: Result, c: int) -> str:
    bars = result.flat_error is not None and result.error_kind == "estimate"
    return shown(result.flat[c]) + (f" ± {above(result.flat_error[c], 2)}" if bars else "")


def _method(result: Result) -> str:
    text = METHODS.get(result.backend, result.backend)
    if result.backend == "auto" and not result.ok:
        text = "ball arithmetic and one-sided series: what is shown is proven, what is not decided is called uncertain"
    if result.backend == "auto" and result.error_kind == "estimate" and result.method:
        text = f"not proven, measured: {result.method}"
    if result.decimals is not None and result.ok:
        text = "proven in ball arithmetic: every digit shown is right"
    if result.error_kind == "estimate" and not result.is_batch:
        text += "; ± is its own estimate of the error"
    if result.backend == "finite":
        text += f"; {result.evaluations} evaluations of f"
    return text


def components(result: Result) -> list[int]:
    """Components worth a line: of a symmetric Hessian the upper triangle."""
    if result.kind != "hessian" or result.pattern is not None:
        return list(range(len(result.labels)))
    size = result.shape[0]
    return [i * size + j for i in range(size) for j in range(i, size)]


def fields(result: Result) -> dict[str, Any]:
    """Give the fields of a Result."""
    return {
        **picked(result, "at", "shape", "value", "error", "error_kind", "status", "statuses", "left", "right", "limit"),
        **({} if result.pattern is None else _stored(result, result.pattern)),
        "message": result.message or None,
        **picked(result, "evaluations", "decimals", "backend", "formula"),
    }


def _stored(result: Result, pattern: SparsePattern) -> dict[str, Any]:
    """Fields of a sparse matrix: lists of what is stored, beside their rows and columns."""
    names = ("value", "error", "left", "right", "limit")
    found = {name: getattr(result, name) for name in names}
    listed = {name: None if array is None else plain(array.data) for name, array in found.items()}
    return {**listed, "rows": list(pattern.rows), "columns": list(pattern.columns)}

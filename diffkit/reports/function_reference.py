"""The reference of functions, generated from the table of primitives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from diffkit.core.builder import ProgramBuilder
from diffkit.core.errors import DiffkitError, did_you_mean
from diffkit.core.program import Program
from diffkit.core.rules import partial, trace
from diffkit.core.table import CONSTANTS, Primitive, table
from diffkit.core.text import format_slot
from diffkit.reports.document import Block, Document, Equation, Gap, Note, Table

if TYPE_CHECKING:
    pass

_PLACES = {"edge": "domain ends at", "pole": "pole at", "kink": "kink at", "jump": "jump at",
          "removable": "by its power series at"}  # fmt: skip


def derivatives(row: Primitive) -> tuple[str, ...]:
    """Give ∂y/∂xᵢ of a row as text in its arguments; – for a constant order, 0 for a step between its jumps."""
    found = []
    for index, rule in enumerate(row.partials):
        if rule is None:
            found.append("–" if index in row.orders or index in row.truths else "0")
            continue
        builder = ProgramBuilder(row.arguments)
        own = [builder.input(name) for name in row.arguments]
        answer = builder.apply(row, own)
        slot = partial(row, index).at(builder, own, answer)
        program = builder.program([slot], row.arguments)
        found.append(format_slot(program, program.outputs[0]))
    return tuple(found)


def definition(row: Primitive) -> str:
    """Give a row's definition in other rows as text, or nothing."""
    if row.definition is None:
        return ""
    program: Program = replace(trace(row.definition, len(row.arguments)), inputs=row.arguments)
    return format_slot(program, program.outputs[0])


def places(row: Primitive) -> str:
    """Say where a row is not smooth."""
    return "; ".join(f"{_PLACES[place.kind]} {place.text}" for place in row.places)


def fields(row: Primitive) -> dict[str, object]:
    """Give everything the reference says of a row."""
    return {
        "name": row.name,
        "written": row.signature,
        "means": row.doc,
        "aliases": list(row.aliases),
        "definition": definition(row) or None,
        "derivatives": dict(zip(row.arguments, derivatives(row), strict=True)),
        "not_smooth": places(row) or None,
    }


@dataclass(frozen=True)
class _FunctionReference(Document):
    """The reference of all functions."""

    title: str = "Functions and operators"

    def blocks(self) -> Iterator[Block]:
        """List the rows of the table; where a line must be short, without derivatives and places."""
        yield Note("Derivatives stand in the order of the arguments; the derivative of a step is 0 between its jumps.")
        yield Note("diffkit functions NAME gives the derivative, the domain and the definition of one function.")
        yield Gap()
        header = ("written", "means", "derivative", "not smooth", "also written")
        rows = tuple((r.signature, r.doc, "; ".join(derivatives(r)), places(r), ", ".join(r.aliases)) for r in table)
        yield Table(header, rows, (0, 1, 4))
        yield Gap()
        yield from (Note(f"constant {name}: {meaning}") for name, meaning in CONSTANTS.items())

    def fields(self) -> dict[str, Any]:
        """Give every row's fields, and the constants."""
        return {"schema": "diffkit.functions/1", "constants": CONSTANTS, "functions": [fields(row) for row in table]}


@dataclass(frozen=True)
class _FunctionEntry(Document):
    """The reference of one function."""

    row: Primitive

    @property
    def title(self) -> str:
        """How the function is written."""
        return self.row.signature

    def blocks(self) -> Iterator[Block]:
        """Describe the function."""
        row = self.row
        yield Note(f"{row.signature}: {row.doc}")
        if row.aliases:
            yield Note(f"also written: {', '.join(row.aliases)}")
        if definition(row):
            yield Note(f"definition: {definition(row)}")
        for argument, slope in zip(row.arguments, derivatives(row), strict=True):
            yield Equation(f"∂/∂{argument}", slope)
        yield from (Note(f"{_PLACES[place.kind]} {place.text}") for place in row.places)

    def fields(self) -> dict[str, Any]:
        """Give the row's fields."""
        return {"schema": "diffkit.function/1", **fields(self.row)}


def reference(name: str | None = None) -> Document:
    """Give the reference, or one function's entry; DiffkitError for an unknown name."""
    if name is None:
        return _FunctionReference()
    if name not in table.names and name not in table.rows:
        raise DiffkitError(
            f"unknown function {name[:64]}", hint=did_you_mean(name, table.names) or "diffkit functions lists them"
        )
    return _FunctionEntry(table.names.get(name) or table[name])

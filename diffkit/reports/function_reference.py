"""The reference of functions, generated from the table of primitives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from diffkit.core.builder import ProgramBuilder
from diffkit.core.errors import DiffkitError, did_you_mean
from diffkit.core.program import Program
from diffkit.core.rules import partial, trace
from diffkit.core.table import CONSTANTS, Primitive, table
from diffkit.core.table.array_table import ArrayRow, array_table
from diffkit.core.text import format_slot
from diffkit.reports.document import Block, Document, Equation, Gap, Note, Table

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
        **({"added_by": row.origin} if row.origin else {}),
    }


def _array_functions() -> tuple[ArrayRow, ...]:
    """Give the functions of whole arrays that text may call."""
    return tuple(row for row in array_table if row.called)


def _not_smooth(row: ArrayRow) -> str:
    return row.kink.replace("#", row.arguments[0])


def _array_fields(row: ArrayRow) -> dict[str, object]:
    """Give everything the reference says of a function of arrays."""
    return {
        "name": row.name,
        "written": row.signature,
        "means": row.doc,
        "aliases": list(row.aliases),
        "numpy": row.called_in_code or None,
        "not_smooth": _not_smooth(row) or None,
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
        yield from (Note(f"{row.name} is added by {row.origin}") for row in table if row.origin)
        yield Gap()
        yield from (Note(f"constant {name}: {meaning}") for name, meaning in CONSTANTS.items())
        yield Gap()
        yield Note("Functions of whole arrays; those above work entry by entry:")
        known = _array_functions()
        lines = tuple((r.signature, r.doc, r.called_in_code, _not_smooth(r), ", ".join(r.aliases)) for r in known)
        yield Table(("written", "means", "in code", "not smooth where", "also written"), lines, (0, 1, 4))

    def fields(self) -> dict[str, Any]:
        """Give every row's fields, and the constants."""
        return {
            "schema": "diffkit.functions/1",
            "constants": CONSTANTS,
            "functions": [fields(row) for row in table],
            "functions_of_arrays": [_array_fields(row) for row in _array_functions()],
        }


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
        if row.origin:
            yield Note(f"added by {row.origin}")

    def fields(self) -> dict[str, Any]:
        """Give the row's fields."""
        return {"schema": "diffkit.function/1", **fields(self.row)}


@dataclass(frozen=True)
class _ArrayFunctionEntry(Document):
    """The reference of one function of whole arrays."""

    row: ArrayRow

    @property
    def title(self) -> str:
        """How the function is written."""
        return self.row.signature

    def blocks(self) -> Iterator[Block]:
        """Describe the function."""
        said = _array_fields(self.row)
        yield Note(f"{self.row.signature}: {self.row.doc}")
        if self.row.aliases:
            yield Note(f"also written: {', '.join(self.row.aliases)}")
        if said["numpy"]:
            yield Note(f"in code: {said['numpy']}")
        if said["not_smooth"]:
            yield Note(f"not smooth where {said['not_smooth']}")

    def fields(self) -> dict[str, Any]:
        """Give the row's fields."""
        return {"schema": "diffkit.array_function/1", **_array_fields(self.row)}


def reference(name: str | None = None) -> Document:
    """Give the reference, or one function's entry; DiffkitError for an unknown name."""
    if name is None:
        return _FunctionReference()
    if name in table.names or name in table.rows:
        return _FunctionEntry(table.names.get(name) or table[name])
    if name in array_table.names:
        return _ArrayFunctionEntry(array_table.rows[array_table.names[name]])
    hint = did_you_mean(name, [*table.names, *array_table.names]) or "diffkit functions lists them"
    raise DiffkitError(f"unknown function {name[:64]}", hint=hint)

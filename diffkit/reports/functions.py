"""The reference of functions, generated from the table of primitives."""

from __future__ import annotations

import json
from dataclasses import replace

from diffkit.builder import ProgramBuilder
from diffkit.errors import DiffkitError, did_you_mean
from diffkit.primitives import CONSTANTS, Primitive, table
from diffkit.program import Program
from diffkit.reports import text
from diffkit.reports.markdown import table as markdown_table
from diffkit.reports.model import Block, Gap, Note, Table
from diffkit.rules import partial, trace
from diffkit.syntax import format_slot

PLACES = {"edge": "domain ends at", "pole": "pole at", "kink": "kink at", "jump": "jump at"}


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
    return "; ".join(f"{PLACES[place.kind]} {place.text}" for place in row.places)


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


def render_functions(name: str | None, format: str, terminal: bool = False) -> str:
    """Give the reference, or one function's entry; DiffkitError for an unknown name."""
    if format not in ("text", "json", "markdown"):
        raise DiffkitError(f"the reference has no format {format!r}", hint="there are text, json and markdown")
    if name is not None and name not in table.names and name not in table.rows:
        raise DiffkitError(
            f"unknown function {name[:64]}", hint=did_you_mean(name, table.names) or "diffkit functions lists them"
        )
    if name is not None:
        row = table.names.get(name) or table[name]
        return (
            _entry(row)
            if format != "json"
            else json.dumps({"schema": "diffkit.function/1", **fields(row)}, ensure_ascii=False) + "\n"
        )
    if format == "json":
        listed = {"schema": "diffkit.functions/1", "constants": CONSTANTS, "functions": [fields(row) for row in table]}
        return json.dumps(listed, ensure_ascii=False) + "\n"
    return _markdown() if format == "markdown" else text.lay(_overview(), terminal)


def _entry(row: Primitive) -> str:
    lines = [f"{row.signature}: {row.doc}"]
    if row.aliases:
        lines.append(f"also written: {', '.join(row.aliases)}")
    if definition(row):
        lines.append(f"definition: {definition(row)}")
    for argument, slope in zip(row.arguments, derivatives(row), strict=True):
        lines.append(f"∂/∂{argument} = {slope}")
    lines += [f"{PLACES[place.kind]} {place.text}" for place in row.places]
    return "\n".join(lines) + "\n"


def _overview() -> list[Block]:
    rows = tuple((row.signature, row.doc, ", ".join(row.aliases)) for row in table)
    constants = [Note(f"constant {name}: {meaning}") for name, meaning in CONSTANTS.items()]
    closing = Note("diffkit functions NAME gives the derivative, the domain and the definition of one function.")
    return [Table(("written", "means", "also written"), rows), Gap(), *constants, Gap(), closing]


def _markdown() -> str:
    rows = []
    for row in table:
        rows.append((row.signature, row.doc, "; ".join(derivatives(row)), places(row), ", ".join(row.aliases)))
    lines = [
        "# Functions and operators",
        "",
        "Generated from the table of primitives by `diffkit functions --format markdown`.",
        "Derivatives stand in the order of the arguments; the derivative of a step is 0 between its jumps.",
        "",
        *markdown_table(Table(("written", "means", "derivative", "not smooth", "also written"), tuple(rows))),
        "",
        "Constants: " + "; ".join(f"`{name}`, {meaning}" for name, meaning in CONSTANTS.items()) + ".",
    ]
    return "\n".join(lines) + "\n"

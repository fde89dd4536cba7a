"""Where an expression is defined and smooth, as conditions in its own variables."""

from __future__ import annotations

from dataclasses import dataclass

from diffkit.builder import ProgramBuilder
from diffkit.primitives import Place
from diffkit.program import Program
from diffkit.syntax import format_slot
from diffkit.transforms import open_places

LENGTH = 80  # characters of one condition
MOST = 12  # conditions shown


@dataclass(frozen=True)
class Domain:
    """``conditions`` that must hold for f to be defined and smooth, and ``exceptions`` where it may not be smooth."""

    conditions: tuple[str, ...]
    exceptions: tuple[str, ...]

    def __str__(self) -> str:
        text = " and ".join(self.conditions) if self.conditions else "all real values"
        if self.exceptions:
            text += f", except where {' or '.join(self.exceptions)}"
        return text


def domain(program: Program) -> Domain:
    """Give the conditions that the table's places put on a program."""
    builder = ProgramBuilder.of(program)
    conditions: dict[str, None] = {}
    exceptions: dict[str, None] = {}
    for place, margin in open_places(program, builder):
        part = builder.program([margin], program.inputs)
        text = format_slot(part, part.outputs[0], LENGTH)
        if place.kind in ("edge", "pole"):
            conditions[f"{text} {_sign(place)} 0"] = None
        else:
            exceptions[f"{text} = 0"] = None
    return Domain(_few(conditions), _few(exceptions))


def _sign(place: Place) -> str:
    return "≠" if place.kind == "pole" else ">"


def _few(texts: dict[str, None]) -> tuple[str, ...]:
    found = tuple(texts)
    return found if len(found) <= MOST else (*found[:MOST], f"{len(found) - MOST} more conditions")

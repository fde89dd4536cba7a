"""Where an expression is defined and smooth, in its own words: conditions on its variables."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from diffkit.builder import ProgramBuilder
from diffkit.primitives import Place, table
from diffkit.program import Program
from diffkit.syntax import excerpt, format_slot
from diffkit.transforms import Choice, branches, open_places

LENGTH = 80  # characters of one condition
MOST = 12  # conditions shown
OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}


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


def domain(program: Program, among: Container[int] | None = None) -> Domain:
    """Give the conditions that the table's places put on a program, or on some of its slots, where they are taken."""
    builder = ProgramBuilder.of(program)
    taken_in = branches(program)
    conditions: dict[str, None] = {}
    exceptions: dict[str, None] = {}
    for slot, place, margin in open_places(program, builder):
        if among is not None and slot not in among:
            continue
        taken = [_choice_text(program, choice) for choice in sorted(taken_in[slot])]
        if place.kind in ("edge", "pole"):
            text = _condition(program, slot, place, builder, margin)
            if text not in taken:  # log(x) where x > 0 is chosen asks for nothing more
                conditions[text + (f" (where {' and '.join(taken)})" if taken else "")] = None
        else:
            text = place_text(program, slot, place.text)
            exceptions[text + (f" (and {' and '.join(taken)})" if taken else "")] = None
    wanted = [text for text in conditions if (_stronger(text) - {text}).isdisjoint(conditions)]
    return Domain(_few(wanted), _few(list(exceptions)))


def place_text(program: Program, slot: int, text: str) -> str:
    """Give a place's text, written in a row's formal arguments, in the words of the instruction in a slot."""
    instruction = program.instruction_at(slot)
    assert instruction is not None
    primitive, args = instruction
    return in_words(text, {name: excerpt(program, arg) for name, arg in zip(primitive.arguments, args, strict=True)})


def in_words(text: str, own: Mapping[str, str]) -> str:
    """Give a place's text with what stands for a row's formal arguments."""
    return re.sub(r"[a-z]+", lambda word: own.get(word[0], word[0]), text)


def _condition(program: Program, slot: int, place: Place, builder: ProgramBuilder, margin: int) -> str:
    """What must hold: the margin against zero, or the row's own words where they say it better."""
    instruction = program.instruction_at(slot)
    assert instruction is not None
    if place.inside and margin not in instruction[1]:
        return place_text(program, slot, place.inside)
    part = builder.program([margin], program.inputs)
    return f"{format_slot(part, part.outputs[0], LENGTH)} {'≠' if place.kind == 'pole' else '>'} 0"


def _stronger(condition: str) -> set[str]:
    """Conditions that make one superfluous: x > 0 beside x ≠ 0, or beside either with an exception."""
    plain = condition.partition(" unless ")[0]
    return {plain, plain.replace("≠", ">")}


def _choice_text(program: Program, choice: Choice) -> str:
    """The condition, or its opposite where the other branch is meant."""
    slot, holds = choice
    text = format_slot(program, slot, LENGTH)
    instruction = program.instruction_at(slot)
    if holds or instruction is None:
        return text
    row, args = instruction
    if row.name not in OPPOSITE:
        return f"not ({text})"
    left, right = (format_slot(program, arg, LENGTH) for arg in args)
    return f"{left} {table[OPPOSITE[row.name]].infix} {right}"


def _few(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(texts) if len(texts) <= MOST else (*texts[:MOST], f"{len(texts) - MOST} more conditions")

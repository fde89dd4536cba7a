"""Where an expression is defined and smooth, in its own words: conditions on its variables."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from diffkit.calculus.guards import Choice, branches, depends, open_places
from diffkit.core.builder import ProgramBuilder, select
from diffkit.core.program import Program, run
from diffkit.core.table import Place, table
from diffkit.core.text import excerpt, format_slot

WHERE = table["where"]
DIGITS, NOTHING = 50, 1e-40  # to which constants are told from zero
LENGTH = 80  # characters of one condition
MOST = 12  # conditions shown
OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}


@dataclass(frozen=True)
class Domain:
    """``conditions`` that must hold for f to be defined and smooth, and ``exceptions`` where it may not be smooth.

    ``nowhere`` names what is not defined and smooth whatever the variables are, such as log(-2).
    """

    conditions: tuple[str, ...]
    exceptions: tuple[str, ...]
    nowhere: str = ""

    def __str__(self) -> str:
        if self.nowhere:
            return f"nowhere, because of {self.nowhere}"
        text = " and ".join(self.conditions) if self.conditions else "all real values"
        if self.exceptions:
            text += f", except where {' or '.join(self.exceptions)}"
        return text


def domain(program: Program, among: Container[int] | None = None) -> Domain:
    """Give the conditions that the table's places put on a program, or on some of its slots, where they are taken.

    They are on variables: what constants decide is no condition, and holds or holds nowhere.
    """
    builder = ProgramBuilder.of(program)
    taken_in, varies = branches(program), depends(program)
    conditions: dict[str, None] = {}
    exceptions: dict[str, None] = {}
    nowhere = ""
    for slot, place, margin in open_places(program, builder):
        fixed = [bool(_constant(select(program, [c]))) is held for c, held in taken_in[slot] if not varies[c]]
        if (among is not None and slot not in among) or not all(fixed):  # constants rule it out
            continue
        choices = [choice for choice in sorted(taken_in[slot]) if varies[choice[0]]]
        taken = [_choice_text(program, choice) for choice in choices]
        _, args = program.instruction_at(slot) or (None, ())
        moving = [varies[arg] for arg in args]
        if place.kind in ("kink", "jump"):
            text = place_text(program, slot, _among_variables(program, slot, place.text)) if any(moving) else ""
            if text:
                exceptions[text + (f" (and {' and '.join(taken)})" if taken else "")] = None
            continue
        margin, holds = (margin, None) if all(moving) else _decided(builder, place, margin)
        if holds is None:
            text = _condition(program, slot, place, builder, margin)
            if text not in taken:  # log(x) where x > 0 is chosen asks for nothing more
                conditions[text + (f" (where {' and '.join(taken)})" if taken else "")] = None
        elif not holds and taken:  # the other branch has to be taken
            conditions[" or ".join(_choice_text(program, (choice, not held)) for choice, held in choices)] = None
        elif not holds:
            nowhere = nowhere or excerpt(program, slot)
    wanted = [text for text in conditions if (_stronger(text) - {text}).isdisjoint(conditions)]
    return Domain(_few(wanted), _few(list(exceptions)), nowhere)


def place_text(program: Program, slot: int, text: str) -> str:
    """Give a place's text, written in a row's formal arguments, in the words of the instruction in a slot."""
    instruction = program.instruction_at(slot)
    assert instruction is not None
    primitive, args = instruction
    return in_words(text, {name: excerpt(program, arg) for name, arg in zip(primitive.arguments, args, strict=True)})


def in_words(text: str, own: Mapping[str, str]) -> str:
    """Give a place's text with what stands for a row's formal arguments."""
    return re.sub(r"[a-z]+", lambda word: own.get(word[0], word[0]), text)


def _among_variables(program: Program, slot: int, text: str) -> str:
    """A place's text without what constants decide of it, as in x = y = 0 of hypot(x, 0); empty if it never holds."""
    primitive, args = program.instruction_at(slot) or (None, ())
    values: dict[str, Any] = {"0": 0}
    for name, arg in zip(primitive.arguments if primitive else (), args, strict=True):
        values[name] = _constant(select(program, [arg]))
    kept = []
    for part in text.split(" and "):
        sign = "≤" if "≤" in part else "="
        terms = part.split(f" {sign} ")
        known = {term: values[term] for term in terms if values.get(term) is not None}
        if len(known) > 1 and not _holds(sign, list(known.values())):
            return ""
        if len(known) < len(terms):
            kept.append(f" {sign} ".join([t for t in terms if t not in known] + list(known)[-1:]))
    return " and ".join(kept)


def _holds(sign: str, values: Sequence[Any]) -> bool:
    """Whether constants are equal, or ascending."""
    return all(abs(a - b) < NOTHING or (sign == "≤" and a < b) for a, b in pairwise(values))


def _decided(builder: ProgramBuilder, place: Place, margin: int) -> tuple[int, bool | None]:
    """A margin without choices that constants decide, and whether its condition holds everywhere or nowhere.

    None says that the variables matter.
    """
    while (part := builder.program([margin])).instructions and part.instructions[-1][0] is WHERE:
        _, condition, *sides = builder.operation(margin)
        chosen = _constant(builder.program([condition]))
        if chosen is None:
            both = {_decided(builder, place, side)[1] for side in sides}
            return margin, both.pop() if len(both) == 1 else None
        margin = sides[0 if chosen else 1]
    value = _constant(builder.program([margin]))
    if value is None:
        return margin, None
    if value != value:  # what has no value itself is named by a place of its own
        return margin, True
    if abs(value) < NOTHING:  # sqrt(2)**2 - 2
        return margin, place.closed
    return margin, place.kind == "pole" or bool(value > 0)


def _constant(part: Program) -> Any:
    """The value of a program's output to 50 digits; None if it varies."""
    if part.used_inputs:
        return None
    from diffkit.numbers.multiprecision import multiprecision

    return run(part, multiprecision(DIGITS), [0] * len(part.inputs))[0]


def _condition(program: Program, slot: int, place: Place, builder: ProgramBuilder, margin: int) -> str:
    """What must hold: the margin against zero, or the row's own words where they say it better."""
    instruction = program.instruction_at(slot)
    assert instruction is not None
    if place.inside and margin not in instruction[1]:
        _, _, unless = place.inside.partition(" unless ")
        fixed = unless and not select(program, [instruction[1][0]]).used_inputs  # so that the first part does not hold
        return place_text(program, slot, unless if fixed else place.inside)
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

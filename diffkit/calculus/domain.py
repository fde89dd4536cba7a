"""Where an expression is defined and smooth, in its own words: conditions on its variables."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from diffkit.calculus.guards import Choice, branches, depends, open_places
from diffkit.core.builder import ProgramBuilder, select
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Program, run, run_slots
from diffkit.core.table import SUB, WHERE, Place, table
from diffkit.core.text import excerpt, format_slot

_LENGTH = 80  # characters of one condition
_MOST_CONDITIONS = 12  # conditions shown
_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}


@dataclass(frozen=True)
class _Domain:
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


def domain(program: Program, among: Container[int] | None = None) -> _Domain:
    """Give the conditions that the table's places put on a program, or on some of its slots, where they are taken.

    They are on variables: what constants decide is no condition, and holds or holds nowhere.
    """
    known = _Everywhere(program)
    told: dict[str, dict[str, None]] = {"condition": {}, "exception": {}, "nowhere": {}}
    for slot, place, margin in known.places:
        if among is None or slot in among:
            kind, text = _told(known, slot, place, margin)
            told[kind][text] = None
    conditions, exceptions, nowhere = (list(filter(None, texts)) for texts in told.values())
    wanted = [text for text in conditions if (_stronger(text) - {text}).isdisjoint(conditions)]
    return _Domain(_few(wanted), _few(exceptions), nowhere[0] if nowhere else "")


def _told(known: _Everywhere, slot: int, place: Place, margin: int) -> tuple[str, str]:
    """What a place asks for: a "condition", an "exception", or that f is "nowhere" smooth; empty if nothing."""
    program, choices = known.f, sorted(known.taken_in[slot])
    if any(known.truth(choice) is (not held) for choice, held in choices):
        return "condition", ""
    choices = [(choice, held) for choice, held in choices if known.truth(choice) is None]
    taken = [_choice_text(program, choice) for choice in choices]
    margin, holds = known.decided(place, margin)
    if place.kind in ("kink", "jump"):
        text = known.among_variables(slot, place.text) if holds is None else ""
        where = f" (and {' and '.join(taken)})" if taken else ""
        return "exception", text and place_text(program, slot, text) + where
    if holds is None:
        text = _condition(known, slot, place, margin)
        where = f" (where {' and '.join(taken)})" if taken else ""
        return "condition", "" if text in taken else text + where  # log(x) where x > 0 is chosen asks for no more
    if not holds and taken:  # the other branch has to be taken
        return "condition", " or ".join(_choice_text(program, (choice, not held)) for choice, held in choices)
    return ("condition", "") if holds else ("nowhere", excerpt(program, slot))


def place_text(program: Program, slot: int, text: str) -> str:
    """Give a place's text, written in a row's formal arguments, in the words of the instruction in a slot."""
    instruction = program.instruction_at(slot)
    assert instruction is not None
    primitive, args = instruction
    return in_words(text, {name: excerpt(program, arg) for name, arg in zip(primitive.arguments, args, strict=True)})


def in_words(text: str, own: Mapping[str, str]) -> str:
    """Give a place's text with what stands for a row's formal arguments."""
    return re.sub(r"[a-z]+", lambda word: own.get(word[0], word[0]), text)


class _Everywhere:
    """What is proven of slots whatever the variables are: by hulls over all reals, and by the signs of constants.

    ``program`` holds the slots of f and those of the margins of its places; ``slots`` are those of f in it.
    """

    def __init__(self, f: Program):
        from diffkit.numbers.constants import Constants

        builder = ProgramBuilder.of(f)
        found = list(open_places(f, builder))
        self.f, self.numbers, self.taken_in = f, Constants(), branches(f)
        self.program = builder.program([*range(len(f)), *(margin for _, _, margin in found)], f.inputs)
        self.slots, margins = self.program.outputs[: len(f)], self.program.outputs[len(f) :]
        self.places = [(slot, place, margin) for (slot, place, _), margin in zip(found, margins, strict=True)]

    @cached_property
    def varies(self) -> list[bool]:
        """Whether each slot varies with a variable."""
        return depends(self.program)

    @cached_property
    def hulls(self) -> list[Any]:
        """What each slot lies in."""
        from diffkit.numbers.balls import precision
        from diffkit.numbers.intervals import EVERYWHERE, INTERVALS

        with precision(PROOF_PRECISIONS[0]):
            return run_slots(self.program, INTERVALS, [EVERYWHERE] * len(self.program.inputs))

    def truth(self, slot: int) -> bool | None:
        """Whether a condition of f always holds, or never; None if that depends on the variables."""
        return self.hulls[self.slots[slot]]  # type: ignore[no-any-return]

    def decided(self, place: Place, margin: int) -> tuple[int, bool | None]:
        """A margin without the choices that are decided, and whether its place is always avoided, or never."""
        row, args = self.program.instruction_at(margin) or (None, ())
        if row is WHERE:
            condition, *sides = args
            chosen = self.hulls[condition]
            if chosen is not None:
                return self.decided(place, sides[0 if chosen else 1])
            both = {self.decided(place, side)[1] for side in sides}
            return margin, both.pop() if len(both) == 1 else None
        sign = self.sign(margin)
        if sign is None:
            return margin, None
        return margin, place.closed if not sign else place.kind != "edge" or sign > 0

    def sign(self, slot: int) -> int | None:
        """The sign of a slot wherever it has a value; 1 if it has none, which is the place of another slot."""
        hull = self.hulls[slot]
        row, _ = self.program.instruction_at(slot) or (None, ())
        if hull > 0 or (row is not None and row.positive):
            return 1
        number = None if hull < 0 else self._number(slot)
        return -1 if hull < 0 else None if number is None else self._sign(number)

    def _number(self, slot: int) -> int | None:
        """A slot without variables as an exact number."""
        if self.varies[slot]:
            return None
        part = select(self.program, [slot])
        return int(run(part, self.numbers, [0] * len(part.inputs))[0])

    def _sign(self, number: int) -> int | None:
        from diffkit.numbers.constants import Undecided

        try:
            return self.numbers.sign(number)
        except Undecided:
            return None

    def among_variables(self, slot: int, text: str) -> str:
        """A place's text without what constants decide, as in x = y = 0 of hypot(x, 0); empty if it never holds."""
        primitive, args = self.f.instruction_at(slot) or (None, ())
        values: dict[str, int | None] = {"0": self.numbers.number(0)}
        for name, arg in zip(primitive.arguments if primitive else (), args, strict=True):
            values[name] = self._number(self.slots[arg])
        kept = []
        for part in text.split(" and "):
            sign = "≤" if "≤" in part else "="
            terms = part.split(f" {sign} ")
            known = {term: number for term in terms if (number := values.get(term)) is not None}
            if not all(self._holds(sign, a, b) for a, b in pairwise(known.values())):
                return ""
            if len(known) < len(terms):
                kept.append(f" {sign} ".join([t for t in terms if t not in known] + list(known)[-1:]))
        return " and ".join(kept)

    def _holds(self, sign: str, a: int, b: int) -> bool:
        """Whether constants may be equal, or ascending."""
        apart = self._sign(self.numbers.apply(SUB, (a, b)))
        return not apart or (sign == "≤" and apart < 0)


def _condition(known: _Everywhere, slot: int, place: Place, margin: int) -> str:
    """What must hold: the margin against zero, or the row's own words where they say it better."""
    f, instruction = known.f, known.f.instruction_at(slot)
    assert instruction is not None
    if place.inside and margin not in [known.slots[arg] for arg in instruction[1]]:
        _, _, unless = place.inside.partition(" unless ")
        fixed = unless and not known.varies[known.slots[instruction[1][0]]]  # so that the first part does not hold
        return place_text(f, slot, unless if fixed else place.inside)
    return f"{format_slot(known.program, margin, _LENGTH)} {'≠' if place.kind == 'pole' else '>'} 0"


def _stronger(condition: str) -> set[str]:
    """Conditions that make one superfluous: x > 0 beside x ≠ 0, or beside either with an exception."""
    plain = condition.partition(" unless ")[0]
    return {plain, plain.replace("≠", ">")}


def _choice_text(program: Program, choice: Choice) -> str:
    """The condition, or its opposite where the other branch is meant."""
    slot, holds = choice
    text = format_slot(program, slot, _LENGTH)
    instruction = program.instruction_at(slot)
    if holds or instruction is None:
        return text
    row, args = instruction
    if row.name not in _OPPOSITE:
        return f"not ({text})"
    left, right = (format_slot(program, arg, _LENGTH) for arg in args)
    return f"{left} {table[_OPPOSITE[row.name]].infix} {right}"


def _few(texts: Sequence[str]) -> tuple[str, ...]:
    return (
        tuple(texts)
        if len(texts) <= _MOST_CONDITIONS
        else (*texts[:_MOST_CONDITIONS], f"{len(texts) - _MOST_CONDITIONS} more conditions")
    )

"""What the code of a claim and of f does at one point: one record of both, in which a bug is a changed operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from diffkit.asking.callables import Bound
from diffkit.core.errors import DiffkitError
from diffkit.core.program import Program, Shape
from diffkit.ndarrays import RecordedFunction, Recording, SourceLine

RAISED_BY_CODE = (ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError, RuntimeError)
"""what the code of a claim may raise at a point that it was not written for"""


class CodeRecord(NamedTuple):
    """What the code of a claim, and then of f (where it is code), does with whole arrays at one point.

    ``recorded`` is one record of both; ``output`` is the slot of the claim's result, ``claim`` and ``model`` are the
    slots of what either does.
    """

    recorded: RecordedFunction
    output: int
    claim: range
    model: range

    @property
    def program(self) -> Program:
        """The Program of claim and f."""
        return self.recorded.program

    @property
    def values(self) -> Sequence[Any]:
        """The values of all slots."""
        return self.recorded.values

    @property
    def lines(self) -> Mapping[int, SourceLine]:
        """The lines of the operations."""
        return self.recorded.lines

    @property
    def names(self) -> Mapping[int, str]:
        """What the code calls its values."""
        return self.recorded.names

    def row(self, slot: int) -> Any:
        """What an operation does."""
        return self.program.instructions[slot - self.program.first_instruction][0]

    def args(self, slot: int) -> tuple[int, ...]:
        """What an operation is done with."""
        return self.program.instructions[slot - self.program.first_instruction][1]

    def shape(self, slot: int) -> Shape:
        """The shape of a value."""
        return self.program.shapes[slot]

    def is_constant(self, slot: int) -> bool:
        """Whether a slot holds a constant."""
        return self.program.constant_at(slot) is not None

    def place(self, slot: int) -> tuple[str, int]:
        """File and line of an operation."""
        return self.lines[slot].file, self.lines[slot].line

    def ancestors(self) -> list[int]:
        """Of each slot, the bits of those it comes from and its own."""
        found = [1 << slot for slot in range(self.program.first_instruction)]
        for slot, _, args in self.program.numbered():
            bits = 1 << slot
            for arg in args:
                bits |= found[arg]
            found.append(bits)
        return found


def record_code(claim: Bound, model: Bound | None, row: Any, named: bool) -> CodeRecord | None:
    """What claim and f do at a point; None where the claim cannot be followed, or gives a constant."""
    level = Recording({a.name: a.shape for a in claim.arguments}, claim.split(row), named)
    try:
        ends = [_followed(level, claim)]
        count = level.operations
        if model is not None and ends[0] is not None:
            ends.append(_followed(level, model))
    finally:
        level.open = False
    if ends[0] is None:
        return None
    found = level.recorded([end for end in ends if end is not None])
    first, output = found.program.first_instruction, found.program.outputs[0]
    if found.program.constant_at(output) is not None:
        return None
    return CodeRecord(found, output, range(first, first + count), range(first + count, len(found.program)))


def _followed(level: Recording, bound: Bound) -> int | None:
    """The slot of what code gives; None where it cannot be followed."""
    try:
        return level.follow(bound.call)
    except (DiffkitError, *RAISED_BY_CODE):
        return None

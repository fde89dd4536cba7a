"""Long sums and products as balanced trees: what one variable moves of n terms are log n operations, not n.

Sums and products are associative in real numbers, so this changes no value, and no point at which there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from diffkit.calculus.domain import in_words
from diffkit.core.program import Instruction, Program
from diffkit.core.table import ADD, MUL, SUB, SUM_ROWS, Primitive
from diffkit.core.text import excerpt

_LEAST_TERMS = 8  # below, a chain is as good as a tree


@dataclass(frozen=True)
class BalancedProgram:
    """A program whose long sums and products are trees, and the ``original`` that is shown.

    Each slot stands in a slot of the original, its ``origin``.
    """

    program: Program
    original: Program
    origin: Sequence[int]
    _texts: dict[int, str] = field(default_factory=dict, repr=False)

    @classmethod
    def plain(cls, program: Program) -> BalancedProgram:
        """Give a program as it is."""
        return cls(program, program, range(len(program)))

    def text(self, slot: int) -> str:
        """A slot as it is written, short enough for a message."""
        return self._text(self.origin[slot])

    def place_text(self, slot: int, text: str) -> str:
        """A place's text, written in a row's formal arguments, in the words of the instruction in a slot."""
        instruction = self.original.instruction_at(self.origin[slot])
        assert instruction is not None
        row, args = instruction
        return in_words(text, dict(zip(row.arguments, map(self._text, args), strict=True)))

    def _text(self, slot: int) -> str:
        if slot not in self._texts:
            self._texts[slot] = excerpt(self.original, slot)
        return self._texts[slot]


def balanced(program: Program) -> BalancedProgram:
    """Give the program with trees for chains of ADD and SUB, and of MUL, that nothing else looks into."""
    chains = _chains(program)
    if not chains:
        return BalancedProgram.plain(program)
    inner = {slot for swallowed, _ in chains.values() for slot in swallowed}
    first = program.first_instruction
    instructions: list[Instruction] = []
    origin = list(range(first))
    slots: dict[int, int] = {slot: slot for slot in range(first)}

    def emit(row: Primitive, args: tuple[int, ...], stands_in: int) -> int:
        instructions.append((row, args))
        origin.append(stands_in)
        return len(origin) - 1

    def tree(row: Primitive, terms: list[int], stands_in: int) -> int:
        while len(terms) > 1:
            pairs = [emit(row, (a, b), stands_in) for a, b in zip(terms[::2], terms[1::2], strict=False)]
            terms = pairs + terms[len(pairs) * 2 :]
        return terms[0]

    for slot, row, args in program.numbered():
        if slot in inner:
            continue
        if slot not in chains:
            slots[slot] = emit(row, tuple(slots[a] for a in args), slot)
            continue
        terms = chains[slot][1]
        parts = [[slots[t] for t, minus in terms if minus is sign] for sign in (False, True)]
        added, taken = (tree(MUL if row is MUL else ADD, part, slot) if part else None for part in parts)
        assert added is not None
        slots[slot] = added if taken is None else emit(SUB, (added, taken), slot)
    outputs = tuple(slots[o] for o in program.outputs)
    return BalancedProgram(Program(program.inputs, program.constants, tuple(instructions), outputs), program, origin)


def _chains(program: Program) -> dict[int, tuple[list[int], list[tuple[int, bool]]]]:
    """Roots of long chains, the slots inside that nothing else uses, and the terms: whether each is taken away."""
    uses = [0] * len(program)
    for used in (program.outputs, *(args for _, args in program.instructions)):
        for slot in used:
            uses[slot] += 1
    found: dict[int, tuple[list[int], list[tuple[int, bool]]]] = {}
    seen: set[int] = set()
    for root in range(len(program) - 1, program.first_instruction - 1, -1):
        instruction = program.instruction_at(root)
        if root in seen or instruction is None or _family(instruction[0]) is None:
            continue
        inner, terms = _terms(program, root, uses)
        seen.update(inner)
        if len(terms) >= _LEAST_TERMS:
            found[root] = inner, terms
    return found


def _terms(program: Program, root: int, uses: Sequence[int]) -> tuple[list[int], list[tuple[int, bool]]]:
    """The inner slots of a chain, and its terms in order."""
    instruction = program.instruction_at(root)
    assert instruction is not None
    rows = _family(instruction[0])
    inner: list[int] = []
    terms: list[tuple[int, bool]] = []
    stack = [(root, False)]
    while stack:
        slot, minus = stack.pop()
        instruction = program.instruction_at(slot)
        if instruction is None or instruction[0] not in (rows or ()) or (slot != root and uses[slot] > 1):
            terms.append((slot, minus))
            continue
        if slot != root:
            inner.append(slot)
        row, (left, right) = instruction
        stack += [(right, minus != (row is SUB)), (left, minus)]
    return inner, terms


def _family(row: Primitive) -> tuple[Primitive, ...] | None:
    """The rows that go into one chain with a row."""
    return SUM_ROWS if row in SUM_ROWS else (MUL,) if row is MUL else None

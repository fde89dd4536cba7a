"""A Program as statements that people read: what is used more than once, or makes a line long, gets a name.

The order is that in which a reader of the outputs needs things. Where a language raises an error for what has no value,
as Python does for the logarithm of −1, what only some branches need is computed under their conditions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from diffkit.calculus.guards import Choice, choice_of
from diffkit.core.builder import NAMED_CONSTANTS, ProgramBuilder, copy_slots
from diffkit.core.deadline import in_time
from diffkit.core.errors import BackendError
from diffkit.core.program import Program
from diffkit.core.rules import Functions, Slot, defined
from diffkit.core.table import ABS, AND, DIV, EXP, MUL, NEG, NOT, OR, POWER, SQRT, WHERE, Primitive, Rule, table
from diffkit.core.text.printer import Slots
from diffkit.engines.notation import Language, Statement

Alternatives = frozenset[frozenset[Choice]]
"""what must hold for a slot to matter: all choices of one of these"""
_ALWAYS: Alternatives = frozenset({frozenset()})
_NEVER: Alternatives = frozenset()
_MOST_ALTERNATIVES = 12
_ALWAYS_DEFINED = frozenset(row for row in table if row.infix) - {DIV, POWER} | {WHERE, ABS}
_MOST_FACTORS = 4  # exponent up to which a power is written as a product where the language has no sign for it
_ZERO_PART = ("constant", 0)


class _NamedSlots(Slots):
    """A Program of which some slots have names; a part is a slot, or a row with parts."""

    def __init__(self, program: Program, names: dict[int, str]):
        super().__init__(program)
        self.names = names

    def look(self, part: Any) -> tuple[Primitive | str, Sequence[Any], Any]:
        """What a part is."""
        if part is _ZERO_PART:
            return "constant", (), 0
        if isinstance(part, tuple):
            return part[0], part[1:], None
        return ("name", (), self.names[part]) if part in self.names else super().look(part)


class Statements:
    """A Program in a language: ``found`` in their order, and a text for each output.

    ``inputs`` are the names of its inputs, and ``free`` those that may be given.
    """

    def __init__(self, program: Program, language: type[Language], inputs: Sequence[str], free: Iterator[str]):
        self.program, self.free = program, free
        self.names = dict(enumerate(inputs))
        self.writer = language(_NamedSlots(program, self.names))
        self.needed = _needed(program) if self.writer.raises else {}
        self.found: list[Statement] = []
        uses = Counter(arg for _, args in program.instructions for arg in args)
        uses.update(program.outputs)
        self.risky: set[int] = set()
        """operations that may have no value, as far as they are written where they are used"""
        for slot in in_time(_in_order(program, self.needed)):
            row, args = program.instructions[slot - program.first_instruction]
            self._shorten(slot, args)
            if row not in _ALWAYS_DEFINED or not self.risky.isdisjoint(args):
                self.risky.add(slot)
            if uses[slot] > 1 and not (row is NEG and not self._is_open(args[0])):
                self._define(slot)
        self.outputs = [self.writer.write(slot) for slot in program.outputs]

    def _is_open(self, slot: int) -> bool:
        """Whether a slot is an operation without a name."""
        return slot >= self.program.first_instruction and slot not in self.names

    def _shorten(self, slot: int, args: Sequence[int]) -> None:
        """Name the longest arguments of an operation until it fits on a line."""
        while len(self.writer.write(slot)) > self.writer.width:
            lengths = {arg: len(self.writer.write(arg)) for arg in args if self._is_open(arg)}
            lengths = {arg: n for arg, n in lengths.items() if self._may_be_named(arg, n)}
            if not lengths:
                return
            self._define(max(lengths, key=lambda arg: lengths[arg]), least=0)

    def _may_be_named(self, slot: int, length: int) -> bool:
        """Whether something must hold for it that is known before, or it is too long to be written again."""
        if not self.writer.names_truths and self.program.instructions[slot - self.program.first_instruction][0].truth:
            return False
        return self.needed.get(slot, _ALWAYS) is not _NEVER or length > self.writer.width

    def _define(self, slot: int, least: int | None = None) -> None:
        length = len(self.writer.write(slot))
        if self._may_be_named(slot, length) and length > (self.writer.least if least is None else least):
            row, _ = self.program.instructions[slot - self.program.first_instruction]
            text = self.writer.write(self._guarded(slot, row))
            self.names[slot] = next(self.free)
            self.found.append(Statement(self.names[slot], text, row.truth))
            self.risky.discard(slot)

    def _guarded(self, slot: int, row: Primitive) -> Any:
        """A slot, and something else where it does not matter."""
        alternatives = self.needed.get(slot, _ALWAYS)
        if alternatives in (_ALWAYS, _NEVER) or slot not in self.risky:
            return slot
        every = [
            _joined(AND, [c if holds else (NOT, c) for c, holds in sorted(a)])
            for a in sorted(map(sorted, alternatives))
        ]
        guard = _joined(OR, every)
        return (AND, guard, slot) if row.truth else (WHERE, guard, slot, _ZERO_PART)


def _joined(row: Primitive, parts: Sequence[Any]) -> Any:
    """A part out of several."""
    first, *rest = parts
    for part in rest:
        first = (row, first, part)
    return first


def _needed(program: Program) -> dict[int, Alternatives]:
    """What must hold for each slot to matter to the outputs, where that is not always so."""
    if all(row is not WHERE for row, _ in program.instructions):
        return {}
    found: dict[int, Alternatives] = dict.fromkeys(program.outputs, _ALWAYS)
    for slot in range(len(program) - 1, program.first_instruction - 1, -1):
        row, args = program.instructions[slot - program.first_instruction]
        for k, arg in enumerate(args):
            through = {known | choice_of(row, args, slot, k, {}) for known in found[slot]}
            found[arg] = _simpler(found.get(arg, frozenset()) | through)
    return found


def _simpler(alternatives: Alternatives) -> Alternatives:
    """The same alternatives, or fewer that hold more often."""
    found = set(alternatives)
    for one in alternatives:
        for condition, holds in one:
            rest = one - {(condition, holds)}
            if rest | {(condition, not holds)} in alternatives:
                found.add(rest)
    kept = [one for one in found if not any(other < one for other in found)]
    return frozenset(kept) if len(kept) <= _MOST_ALTERNATIVES else frozenset({frozenset.intersection(*kept)})


def _in_order(program: Program, needed: dict[int, Alternatives]) -> list[int]:
    """The operations in the order in which the outputs need them, each after the conditions under which it matters.

    Where a condition is itself computed from an operation, that is not named before it: it is written where it is used,
    and what is ``needed`` of it is made _NEVER.
    """
    found: dict[int, None] = {}
    begun: set[int] = set()
    stack = list(reversed(program.outputs))
    while stack:
        slot = stack[-1]
        instruction = program.instruction_at(slot)
        if slot in found or instruction is None:
            stack.pop()
            continue
        conditions = [c for one in needed.get(slot, ()) for c, _ in sorted(one)]
        if not begun.isdisjoint(c for c in conditions if c not in found):
            needed[slot], conditions = _NEVER, []
        begun.add(slot)
        waiting = [s for s in (*conditions, *instruction[1]) if s not in found and s >= program.first_instruction]
        if waiting:
            stack += reversed(waiting)
        else:
            found[stack.pop()] = None
    return list(found)


# What a language has not --------------------------------------------------------------------------------------------


class Spelling(ProgramBuilder):
    """A builder that writes what a language has not by formulas in what it has.

    ``others`` are languages that a BackendError names where there is no formula.
    """

    def __init__(self, inputs: Sequence[str], language: type[Language], others: Iterable[type[Language]] = ()):
        super().__init__(inputs)
        self.language, self.others = language, others
        self.missing: dict[str, None] = {}
        """names of rows that the language has not"""

    def spelled(self, program: Program) -> Program:
        """Give a Program of the same inputs in rows that the language has; BackendError if there is a row without."""
        slots = copy_slots(program, self, range(len(program.inputs)))
        return self.program([slots[output] for output in program.outputs], program.inputs)

    def apply(self, row: Any, args: Sequence[int]) -> int:
        """Slot of a row, or of what it is in others."""
        key = (row, *args)
        if key not in self._slots:
            found = self._other_form(row, args)
            if found is not None:
                self._slots[key] = found
        return super().apply(row, args)

    def _other_form(self, row: Any, args: Sequence[int]) -> int | None:
        """Slot of what a row is written as; None if it is written as it stands."""
        if row is POWER:
            return self._power_of(*args)
        if row is ABS and (positive := self._negated(args[0])) is not None:
            return self.apply(ABS, (positive,))
        return None if self.language.has(row) else self._formula(row, args)

    def _formula(self, row: Primitive, args: Sequence[int]) -> int:
        """Slot of what a row is by its formula; the row that is asked for is named where there is none."""
        rule = formula_of(row)
        if rule is None:
            raise self._refusal(row)
        self.missing[row.name] = None
        given = [self.rational(a) if k in row.orders else Slot(self, a) for k, a in enumerate(args)]
        try:
            found = rule(Functions(self, rule), *given)
        except BackendError:
            raise self._refusal(row) from None
        return found.index if isinstance(found, Slot) else self.constant(found)

    def _refusal(self, row: Primitive) -> BackendError:
        having = [other.title for other in self.others if other.evaluated and other.has(row)]
        return BackendError(f"{self.language.title} has no {row.name}, and no formula gives it",
                            hint=f"it is known to {', '.join(having)}" if having else "none knows it")  # fmt: skip

    def _power_of(self, base: int, exponent: int) -> int | None:
        """Slot of a power that is written as an exponential, a root, a quotient or a product."""
        if self.constant_in(base) == NAMED_CONSTANTS["e"]:
            return self.apply(EXP, (exponent,))
        value = self.rational(exponent)
        if value is None or self.is_constant(base):
            return None
        if value < 0 and (value == -1 or 2 * value == -1 or self._is_product(-value)):
            return self.apply(DIV, (self.constant(1), self.apply(POWER, (base, self.constant(-value)))))
        if 2 * value == 1:
            return self.apply(SQRT, (base,))
        return self._product(base, int(value)) if self._is_product(value) else None

    def _is_product(self, value: Any) -> bool:
        return not self.language.power_sign and value.denominator == 1 and 1 < value <= _MOST_FACTORS

    def _product(self, base: int, count: int) -> int:
        """xⁿ by squaring."""
        if count == 1:
            return base
        half = self._product(base, count // 2)
        square = self.apply(MUL, (half, half))
        return self.apply(MUL, (square, base)) if count % 2 else square


def formula_of(row: Primitive) -> Rule | None:
    """The formula in other rows that serves a language without a row best, if there is one."""
    own = row.spelled or (row.pairs if callable(row.pairs) else None)
    return own or (defined(row) if row.definition else row.identity)

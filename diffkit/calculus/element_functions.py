"""Partially separable functions: long sums whose terms are a few functions, each of different variables.

f(x) = Σᵣ φ(x at the variables of r), and so are its partials: what φ's are is found once, whatever the number of terms
(Griewank & Toint, On the unconstrained optimization of partially separable functions, 1982; φ is an element function).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.deadline import in_time
from diffkit.core.program import OPAQUE, Program
from diffkit.core.table import ADD, DIV, LINEAR_ROWS, MUL, NEG, SUB, Primitive

_LEAST_OPERATIONS = 2000  # operations of f up to which it is compiled as it stands
_FEWEST_ALIKE = 32  # terms on average that an element function must have
_LONGEST_TERM, _MOST_IN_A_TERM = 200, 12  # of one term
_MOST_COPIES = 2  # times the length of a program that its terms may have together: they share nothing to speak of


class ElementFunction(NamedTuple):
    """A function of a few numbers, the variables of f that it is taken at in each of its terms, and where these end."""

    program: Program
    terms: list[tuple[int, ...]]
    slots: list[int]

    def joined(self, other: ElementFunction) -> ElementFunction | None:
        """The sum of both, term by term, where all variables of the other are variables of this one."""
        if len(self.terms) != len(other.terms):
            return None
        mine, theirs = (list(zip(*terms, strict=True)) for terms in (self.terms, other.terms))
        if not set(theirs) <= set(mine):
            return None
        builder = ProgramBuilder.of(self.program)
        slots = copy_slots(other.program, builder, [mine.index(column) for column in theirs])
        total = builder.apply(ADD, (self.program.outputs[0], slots[other.program.outputs[0]]))
        return self._replace(program=builder.program([total], self.program.inputs), slots=other.slots)


def element_functions(program: Program) -> list[ElementFunction] | None:
    """The functions that a program's only output is a sum of; None where few of its terms are alike."""
    if len(program.outputs) != 1 or any(program.lengths) or len(program.instructions) < _LEAST_OPERATIONS:
        return None
    terms = _multiples(program, program.outputs[0])
    most = _MOST_COPIES * len(program)
    found: dict[Any, tuple[list[tuple[int, ...]], list[int]]] = {}
    for slot in in_time(sorted(terms)):
        code, variables = _written(program, slot)
        most -= len(code)
        if most < 0 or len(code) > _LONGEST_TERM or len(variables) > _MOST_IN_A_TERM:
            return None
        if variables:
            alike = found.setdefault((terms[slot], len(variables), code), ([], []))
            alike[0].append(variables)
            alike[1].append(slot)
            if len(found) * _FEWEST_ALIKE > len(terms):
                return None
    return _joined([ElementFunction(_program(*key), *alike) for key, alike in found.items()]) or None


def _joined(functions: Sequence[ElementFunction]) -> list[ElementFunction]:
    """As few functions as there can be: those of the same variables are one."""
    found: list[ElementFunction] = []
    for function in functions:
        for place, known in enumerate(found):
            if (both := known.joined(function)) is not None:
                found[place] = both
                break
        else:
            found.append(function)
    return found


def _multiples(program: Program, output: int) -> dict[int, int | Fraction]:
    """Slots that are no sums, nor multiples of sums, with the rational multiples of them that add up to a slot."""
    found: dict[int, int | Fraction] = {output: 1}
    for slot in range(output, program.first_instruction - 1, -1):
        if slot in found:
            row, args = program.instructions[slot - program.first_instruction]
            parts = _linear(program, row, args)
            if parts:
                times = found.pop(slot)
                for arg, factor in parts:
                    found[arg] = found.get(arg, 0) + factor * times
    return {slot: times for slot, times in found.items() if times}


def _linear(program: Program, row: Primitive, args: Sequence[int]) -> list[tuple[int, int | Fraction]]:
    """What an operation is a sum of, with multiples, if it is one, or a multiple of one."""
    if row in LINEAR_ROWS:
        return [(arg, -1 if row is NEG or (row is SUB and k) else 1) for k, arg in enumerate(args)]
    if row is MUL or row is DIV:
        known, inner = program.constant_at(args[row is DIV]), program.instruction_at(args[row is MUL])
        if known and not isinstance(known, OPAQUE) and inner is not None and inner[0] in LINEAR_ROWS:
            return [(args[row is MUL], known if row is MUL else 1 / Fraction(known))]
    return []


def _written(program: Program, root: int) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """What a slot is computed by, the variables numbered as they are met; and the variables.

    The code of terms that are alike is equal: a variable is −1, −2, …, a constant a tuple of itself, an operation its
    row and its arguments, of which operations are numbered from 0.
    """
    inputs, first = len(program.inputs), program.first_instruction
    numbers: dict[int, Any] = {}
    variables: list[int] = []
    code: list[tuple[Any, ...]] = []
    stack = [root]
    while stack and len(code) <= _LONGEST_TERM:
        slot = stack.pop()
        if slot in numbers:
            continue
        if slot < inputs:
            variables.append(slot)
            numbers[slot] = -len(variables)
        elif slot < first:
            numbers[slot] = (program.constants[slot - inputs],)
        else:
            row, args = program.instructions[slot - first]
            waiting = [arg for arg in args if arg not in numbers]
            if waiting:
                stack += (slot, *reversed(waiting))
            else:
                numbers[slot] = len(code)
                code.append((row, *[numbers[arg] for arg in args]))
    return (*code, numbers.get(root)), tuple(variables)


def _program(times: int | Fraction, count: int, code: Sequence[Any]) -> Program:
    """A multiple of what code computes, as a Program of its own."""
    builder = ProgramBuilder([f"x{k}" for k in range(count)])
    slots: list[int] = []

    def slot(number: Any) -> int:
        if isinstance(number, tuple):
            return builder.constant(number[0])
        return slots[number] if number >= 0 else -1 - int(number)

    for row, *args in code[:-1]:
        slots.append(builder.apply(row, [slot(arg) for arg in args]))
    return builder.program([builder.apply(MUL, (builder.constant(times), slot(code[-1])))])

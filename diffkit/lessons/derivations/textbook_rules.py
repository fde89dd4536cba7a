"""The rules of differentiation, each applied to one operation of a program and named as a textbook names it.

What a rule says is generated from the table's own derivatives by forward mode with symbols in place of the arguments,
so that there is no second table of derivatives; where the table has a form that people write, that is taken. Only the
quotient rule is written out, in the form it is taught in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from diffkit.core.builder import NAMED, ProgramBuilder
from diffkit.core.program import Program
from diffkit.core.rules import by_rule
from diffkit.core.table import Primitive, table
from diffkit.numbers.duals import Dual, DualAlgebra

ADD, SUB, MUL, DIV = table["add"], table["sub"], table["mul"], table["div"]
NEG, POWER, WHERE = table["neg"], table["power"], table["where"]
CHOICES = {"where": "branch by branch", "max": "branch by branch: the largest argument decides",
           "min": "branch by branch: the smallest argument decides"}  # fmt: skip
MOVING, STILL = ("u", "v", "w", "p", "q", "r", "s"), ("c", "k", "b", "m", "l")
E = NAMED["e"]
POWERS = ("a", "n")  # a constant base, a constant exponent
FEW = 3  # parts of a rule that get letters of their own, rather than numbers
Make = Callable[[ProgramBuilder, Sequence[int], Sequence[int | None]], tuple[int, int]]
"""From slots of the arguments and of their derivatives (None: it does not vary): the operation and its derivative."""


class Rule(NamedTuple):
    """A rule as it applies to one slot of a program."""

    name: str
    arguments: tuple[int, ...]
    """slots of the parts that the rule speaks of"""
    moving: tuple[bool, ...]
    """whether the derivative of each part occurs in the rule"""
    make: Make
    direct: bool = False
    """whether the variable itself is differentiated, whose derivative 1 is not written"""


def rule_of(program: Program, varies: Sequence[bool], variable: int, slot: int) -> Rule:
    """Give the rule that differentiates a slot by an input."""
    if slot == variable:
        return Rule("variable rule", (), (), lambda b, _, __: (b.input(program.inputs[slot]), b.constant(1)))
    instruction = program.instruction_at(slot)
    if instruction is None or not varies[slot]:
        return Rule("constant rule", (slot,), (False,), lambda b, args, _: (args[0], b.constant(0)))
    primitive, args = instruction
    if primitive in (ADD, SUB):
        return _sum(program, slot)
    still = (*primitive.truths, *primitive.orders)
    moving = tuple(varies[arg] and k not in still for k, arg in enumerate(args))
    name = _name(primitive, args, moving, variable)
    make: Make = lambda b, parts, slopes: push(b, primitive, parts, slopes)  # noqa: E731
    if primitive is POWER and program.constant_at(args[0]) == E:
        args, moving, make = args[1:], moving[1:], _power_of_e
    if _is_function(primitive) and sum(moving) == 1 and args[moving.index(True)] == variable:
        return Rule(name, args, (False,) * len(args), _at_variable(make, moving), True)
    return Rule(name, args, moving, make)


def _is_function(primitive: Primitive) -> bool:
    """Whether a row is a function of something or a power, rather than arithmetic or a choice."""
    return primitive not in (MUL, DIV, NEG) and primitive.name not in CHOICES


def _power_of_e(builder: ProgramBuilder, parts: Sequence[int], slopes: Sequence[int | None]) -> tuple[int, int]:
    """e to a part: e stays e in the rule, rather than a base with a logarithm."""
    return push(builder, POWER, (builder.constant(E), *parts), (None, *slopes))


def _at_variable(make: Make, moving: Sequence[bool]) -> Make:
    """A rule where the variable itself is differentiated, whose derivative is 1."""

    def at_variable(builder: ProgramBuilder, parts: Sequence[int], _: Sequence[int | None]) -> tuple[int, int]:
        one = builder.constant(1)
        return make(builder, parts, [one if m else None for m in moving])

    return at_variable


def push(
    builder: ProgramBuilder, primitive: Primitive, parts: Sequence[int], slopes: Sequence[int | None]
) -> tuple[int, int]:
    """Emit an operation and, by the table's rule, its derivative."""
    answer = builder.apply(primitive, parts)
    if primitive is DIV and slopes[1] is not None:
        return answer, _quotient(builder, parts, slopes)
    if primitive.written and slopes[0] is not None:  # all rows that have a form of their own have one argument
        rule = primitive.shown(0)
        assert rule is not None
        return answer, builder.apply(MUL, (by_rule(rule, builder, [*parts, answer]), slopes[0]))
    duals = [Dual(part, None if slope is None else {0: slope}) for part, slope in zip(parts, slopes, strict=True)]
    found = DualAlgebra(builder).push(primitive, duals, answer).tangents.get(0)
    return answer, builder.constant(0) if found is None else found


def _quotient(builder: ProgramBuilder, parts: Sequence[int], slopes: Sequence[int | None]) -> int:
    """(u′·v − u·v′)/v², as it is taught; the table's form shares the quotient u/v instead."""
    (u, v), (du, dv) = parts, slopes
    assert dv is not None
    square = builder.apply(POWER, (v, builder.constant(2)))
    second = builder.apply(MUL, (u, dv))
    if du is None:
        return builder.apply(NEG, (builder.apply(DIV, (second, square)),))
    return builder.apply(DIV, (builder.apply(SUB, (builder.apply(MUL, (du, v)), second)), square))


def _sum(program: Program, slot: int) -> Rule:
    """A chain of sums and differences as one rule, constants among its terms included."""
    terms = sum_terms(program, slot)
    signs = tuple(sign for sign, _ in terms)

    def total(builder: ProgramBuilder, parts: Sequence[int]) -> int:
        found = parts[0]
        for sign, part in zip(signs[1:], parts[1:], strict=True):
            found = builder.apply(SUB if sign < 0 else ADD, (found, part))
        return found

    def make(builder: ProgramBuilder, parts: Sequence[int], slopes: Sequence[int | None]) -> tuple[int, int]:
        return total(builder, parts), total(builder, [s for s in slopes if s is not None])

    name = (
        "sum rule" if all(s > 0 for s in signs) else "difference rule" if len(signs) == 2 else "sum and difference rule"
    )
    return Rule(name, tuple(part for _, part in terms), (True,) * len(terms), make)


def sum_terms(program: Program, slot: int) -> list[tuple[int, int]]:
    """Terms of a sum that is written as a chain, with their signs: a − b + c."""
    found: list[tuple[int, int]] = []
    while (instruction := program.instruction_at(slot)) is not None and instruction[0] in (ADD, SUB):
        primitive, (slot, right) = instruction
        found.append((-1 if primitive is SUB else 1, right))
    return [(1, slot), *reversed(found)]


def _name(primitive: Primitive, args: Sequence[int], moving: Sequence[bool], variable: int) -> str:
    """What the rule is called; the chain rule is named where an argument is more than the variable itself."""
    inner = any(m and arg != variable for arg, m in zip(args, moving, strict=True))
    chain = " and chain rule" if inner else ""
    if primitive.name in CHOICES:
        return CHOICES[primitive.name]
    if primitive is NEG:
        return "constant multiple rule"
    if primitive is MUL:
        return "product rule" if all(moving) else "constant multiple rule"
    if primitive is DIV:
        return "quotient rule" if all(moving) else "constant multiple rule" if moving[0] else "reciprocal rule" + chain
    if primitive is POWER:
        if all(moving):
            return "general power rule"
        return ("power rule" if moving[0] else "exponential rule") + chain
    if primitive.steps:
        return f"{primitive.name} is constant between its jumps"
    kind = f"derivative of {primitive.name}"
    return f"chain rule, with the {kind}" if inner else kind


def letters(program: Program, slot: int, rule: Rule, variable: int) -> list[str]:
    """Names for the parts of a rule, such as u, v, n, that no variable has; a variable differentiated keeps its own."""
    taken = set(program.inputs)
    found: list[str] = []
    few = len(rule.arguments) <= FEW
    instruction = program.instruction_at(slot)
    usual = POWERS if instruction is not None and instruction[0] is POWER else ()
    for k, (arg, moves) in enumerate(zip(rule.arguments, rule.moving, strict=True), 1):
        if rule.direct and arg == variable:
            found.append(program.inputs[variable])
            continue
        names = (MOVING if moves else (*usual[k - 1 : k], *STILL)) if few else ()
        candidates = (*names, *(f"u{'_' * n}{k}" for n in range(len(taken) + 1)))
        found.append(next(name for name in candidates if name not in taken))
        taken.add(found[-1])
    return found

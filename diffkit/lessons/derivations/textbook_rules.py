"""Rules of differentiation as they are taught, and products as they are written by hand.

What a rule says is generated from the table's own derivatives by forward mode with symbols in place of the arguments,
so that there is no second table of derivatives; where the table has a form that people write, that is taken. Only the
quotient rule is written out, in the form it is taught in.

Only what holds for all reals, and keeps the domain, is used: (a·b)/c and a·(b/c) are one fraction, numbers multiply.
Nothing is cancelled, so x/x stays; a zero swallows variables only, which have a value everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from diffkit.core.builder import NAMED_CONSTANTS, ProgramBuilder
from diffkit.core.program import Named, Program
from diffkit.core.rules import by_rule
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SUB, Primitive
from diffkit.numbers.duals import Dual, DualAlgebra

_CHOICE_RULES = {"where": "branch by branch", "max": "branch by branch: the largest argument decides",
           "min": "branch by branch: the smallest argument decides"}  # fmt: skip
_MOVING_LETTERS, _STILL_LETTERS = ("u", "v", "w", "p", "q", "r", "s"), ("c", "k", "b", "m", "l")
_E = NAMED_CONSTANTS["e"]
_POWER_LETTERS = ("a", "n")  # a constant base, a constant exponent
_LETTERED_PARTS = 3  # parts of a rule that get letters of their own, rather than numbers
_Make = Callable[[ProgramBuilder, Sequence[int], Sequence[int | None]], tuple[int, int]]
"""From slots of the arguments and of their derivatives (None: it does not vary): the operation and its derivative."""


class Rule(NamedTuple):
    """A rule as it applies to one slot of a program."""

    name: str
    arguments: tuple[int, ...]
    """slots of the parts that the rule speaks of"""
    moving: tuple[bool, ...]
    """whether the derivative of each part occurs in the rule"""
    make: _Make
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
    make: _Make = lambda b, parts, slopes: _push(b, primitive, parts, slopes)  # noqa: E731
    if primitive is POWER and program.constant_at(args[0]) == _E:
        args, moving, make = args[1:], moving[1:], _power_of_e
    if _is_function(primitive) and sum(moving) == 1 and args[moving.index(True)] == variable:
        return Rule(name, args, (False,) * len(args), _at_variable(make, moving), True)
    return Rule(name, args, moving, make)


def _is_function(primitive: Primitive) -> bool:
    """Whether a row is a function of something or a power, rather than arithmetic or a choice."""
    return primitive not in (MUL, DIV, NEG) and primitive.name not in _CHOICE_RULES


def _power_of_e(builder: ProgramBuilder, parts: Sequence[int], slopes: Sequence[int | None]) -> tuple[int, int]:
    """e to a part: e stays e in the rule, rather than a base with a logarithm."""
    return _push(builder, POWER, (builder.constant(_E), *parts), (None, *slopes))


def _at_variable(make: _Make, moving: Sequence[bool]) -> _Make:
    """A rule where the variable itself is differentiated, whose derivative is 1."""

    def at_variable(builder: ProgramBuilder, parts: Sequence[int], _: Sequence[int | None]) -> tuple[int, int]:
        one = builder.constant(1)
        return make(builder, parts, [one if m else None for m in moving])

    return at_variable


def _push(
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
    terms = _sum_terms(program, slot)
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


def _sum_terms(program: Program, slot: int) -> list[tuple[int, int]]:
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
    if primitive.name in _CHOICE_RULES:
        return _CHOICE_RULES[primitive.name]
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
    few = len(rule.arguments) <= _LETTERED_PARTS
    instruction = program.instruction_at(slot)
    usual = _POWER_LETTERS if instruction is not None and instruction[0] is POWER else ()
    for k, (arg, moves) in enumerate(zip(rule.arguments, rule.moving, strict=True), 1):
        if rule.direct and arg == variable:
            found.append(program.inputs[variable])
            continue
        names = (_MOVING_LETTERS if moves else (*usual[k - 1 : k], *_STILL_LETTERS)) if few else ()
        candidates = (*names, *(f"u{'_' * n}{k}" for n in range(len(taken) + 1)))
        found.append(next(name for name in candidates if name not in taken))
        taken.add(found[-1])
    return found


_OPPOSITE_SUMS = {ADD: SUB, SUB: ADD}


class _ByHand(NamedTuple):
    """A number times factors over divisors, which are slots."""

    number: Fraction
    factors: tuple[int, ...] = ()
    divisors: tuple[int, ...] = ()

    def times(self, other: _ByHand) -> _ByHand:
        """The product of two."""
        return _ByHand(self.number * other.number, self.factors + other.factors, self.divisors + other.divisors)

    def over(self, other: _ByHand) -> _ByHand:
        """The quotient of two, the second of which has a number that is not zero."""
        return _ByHand(self.number / other.number, self.factors + other.divisors, self.divisors + other.factors)


def tidy(program: Program, sort: bool = True) -> Program:
    """Give the program with its products written as by hand; ``sort`` puts simple factors first."""
    builder = ProgramBuilder(program.inputs)
    products: list[_ByHand] = [_ByHand(Fraction(1), (slot,)) for slot in range(len(program.inputs))]
    for constant in program.constants:
        whole = isinstance(constant, Named)
        products.append(
            _ByHand(Fraction(1), (builder.constant(constant),)) if whole else _ByHand(Fraction(constant))  # type: ignore[arg-type]
        )
    written: dict[int, int] = {}

    def write(slot: int) -> int:
        if slot not in written:
            written[slot] = _written(builder, products[slot], len(program.inputs), sort)
        return written[slot]

    for _, primitive, args in program.numbered():  # 1/(1/x) stays: it has no value at 0, and x has
        if primitive is MUL:
            products.append(products[args[0]].times(products[args[1]]))
        elif primitive is DIV and products[args[1]].number and not products[args[1]].divisors:
            products.append(products[args[0]].over(products[args[1]]))
        elif primitive is NEG:
            products.append(products[args[0]].times(_ByHand(Fraction(-1))))
        else:
            if primitive in _OPPOSITE_SUMS and products[args[1]].number < 0:  # a + (−b) is a − b
                turned = _written(builder, products[args[1]].times(_ByHand(Fraction(-1))), len(program.inputs), sort)
                slot = builder.apply(_OPPOSITE_SUMS[primitive], (write(args[0]), turned))
            else:
                slot = builder.apply(primitive, [write(arg) for arg in args])
            value = builder.rational(slot)
            products.append(_ByHand(Fraction(1), (slot,)) if value is None else _ByHand(Fraction(value)))
    return builder.program([write(slot) for slot in program.outputs], program.inputs)


def _written(builder: ProgramBuilder, product: _ByHand, variables: int, sort: bool) -> int:
    """Emit a product: its number in front, or below where it is a fraction."""
    number = product.number
    if not number and not product.divisors and max(product.factors, default=-1) < variables:
        return builder.constant(0)
    factors, divisors = (
        _gathered(builder, part, variables) if sort else part for part in (product.factors, product.divisors)
    )
    top = _chain(builder, number.numerator, factors)
    if divisors or number.denominator != 1:
        return builder.apply(DIV, (top, _chain(builder, number.denominator, divisors)))
    return top


def _chain(builder: ProgramBuilder, number: int, factors: tuple[int, ...]) -> int:
    """The product of a number and factors, from left to right."""
    total: int | None = None if abs(number) == 1 and factors else builder.constant(number)
    for k, factor in enumerate(factors):
        if total is None:
            total = builder.apply(NEG, (factor,)) if number < 0 and k == 0 else factor
        else:
            total = builder.apply(MUL, (total, factor))
    assert total is not None
    return total


def _gathered(builder: ProgramBuilder, factors: tuple[int, ...], variables: int) -> tuple[int, ...]:
    """Variables first, then their powers, then the rest as it stood; equal factors as one power."""
    counts = Counter(factors)
    powers = [
        slot if count == 1 else builder.apply(POWER, (slot, builder.constant(count))) for slot, count in counts.items()
    ]
    return tuple(sorted(powers, key=lambda slot: _weight(builder, slot, variables)))


def _weight(builder: ProgramBuilder, slot: int, variables: int) -> tuple[int, int]:
    if slot < variables:
        return 0, slot
    if builder.is_constant(slot):
        return -1, 0
    primitive, *args = builder.operation(slot)
    return (1 if primitive is POWER and args[0] < variables else 2), 0

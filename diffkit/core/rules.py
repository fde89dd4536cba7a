"""The formulas in the table, traced once into small Programs that every algebra can run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from inspect import unwrap
from typing import Any

from diffkit.core.builder import NAMED_CONSTANTS, ProgramBuilder
from diffkit.core.errors import RuleError, did_you_mean
from diffkit.core.program import Algebra, Program, run
from diffkit.core.table import MUL, NEG, Primitive, Rule, table
from diffkit.core.table.places import filled, near


class Slot:
    """A slot of a builder with operators, which is what a rule is handed for x."""

    __slots__ = ("builder", "index")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, builder: ProgramBuilder, index: int):
        self.builder = builder
        self.index = index

    def emit(self, name: str, *args: Any) -> Slot:
        """Emit a row of the table at slots and numbers."""
        slots = [a.index if isinstance(a, Slot) else self.builder.constant(a) for a in args]
        return Slot(self.builder, self.builder.apply(table[name], slots))

    def __add__(self, other: Any) -> Slot:
        return self.emit("add", self, other)

    def __radd__(self, other: Any) -> Slot:
        return self.emit("add", other, self)

    def __sub__(self, other: Any) -> Slot:
        return self.emit("sub", self, other)

    def __rsub__(self, other: Any) -> Slot:
        return self.emit("sub", other, self)

    def __mul__(self, other: Any) -> Slot:
        return self.emit("mul", self, other)

    def __rmul__(self, other: Any) -> Slot:
        return self.emit("mul", other, self)

    def __truediv__(self, other: Any) -> Slot:
        return self.emit("div", self, other)

    def __rtruediv__(self, other: Any) -> Slot:
        return self.emit("div", other, self)

    def __pow__(self, other: Any) -> Slot:
        return self.emit("power", self, other)

    def __neg__(self) -> Slot:
        return self.emit("neg", self)

    def __lt__(self, other: Any) -> Slot:
        return self.emit("lt", self, other)

    def __le__(self, other: Any) -> Slot:
        return self.emit("le", self, other)

    def __gt__(self, other: Any) -> Slot:
        return self.emit("gt", self, other)

    def __ge__(self, other: Any) -> Slot:
        return self.emit("ge", self, other)


class Functions:
    """The ``F`` of a rule: every row of the table as a method, and the constants."""

    def __init__(self, builder: ProgramBuilder, rule: Rule):
        self._builder, self._rule = builder, rule

    def __getattr__(self, name: str) -> Callable[..., Slot]:
        if name not in table.rows:
            raise RuleError(f"{_place_of(self._rule)} calls F.{name}, which is no row of the table",
                            hint=did_you_mean(name, table.rows))  # fmt: skip
        return lambda *args: Slot(self._builder, 0).emit(name, *args)

    @property
    def pi(self) -> Slot:
        """The circle's ratio."""
        return Slot(self._builder, self._builder.constant(NAMED_CONSTANTS["pi"]))

    @staticmethod
    def rational(numerator: int, denominator: int) -> Fraction:
        """An exact fraction."""
        return Fraction(numerator, denominator)


def _place_of(rule: Rule) -> str:
    """The row that a rule belongs to, and where it is written."""
    rule = unwrap(rule)
    code = getattr(rule, "__code__", None)
    line = "" if code is None else f", {code.co_filename.rpartition('/')[2]} line {code.co_firstlineno}"
    rows = [row.name for row in table if any(rule in _rules(value) for value in vars(row).values())]
    return f"the row {rows[0]}{line}" if rows else f"a rule of the table{line}"


def _rules(fact: Any) -> Iterator[Any]:
    """The rules in a fact of a row."""
    for part in fact if isinstance(fact, tuple) else (fact,):
        yield from _rules(part) if isinstance(part, tuple) else (part,)


@cache
def trace(rule: Rule, count: int) -> Program:
    """Give the Program of ``rule(F, x₁ … x_count)``."""
    builder = ProgramBuilder([f"x{i}" for i in range(count)])
    answer = rule(Functions(builder, rule), *(Slot(builder, i) for i in range(count)))
    return builder.program([answer.index if isinstance(answer, Slot) else builder.constant(answer)])


@cache
def trace_pushforward(primitive: Primitive, present: tuple[bool, ...]) -> Program:
    """Give the pushforward's Program in (args, y, the present tangents)."""
    count = len(present)
    inputs = [f"x{i}" for i in range(count + 1 + sum(present))]
    builder = ProgramBuilder(inputs)
    slots = [Slot(builder, i) for i in range(len(inputs))]
    tangents = iter(slots[count + 1 :])
    assert primitive.pushforward is not None
    given = [next(tangents) if p else None for p in present]
    answer = primitive.pushforward(Functions(builder, primitive.pushforward), slots[:count], slots[count], given)
    return builder.program([answer.index])


class Partial:
    """∂y/∂xᵢ of a primitive, ready to run; ``sign`` is its value where that is 1 or −1 everywhere, else 0."""

    __slots__ = ("program", "sign", "source")

    def __init__(self, primitive: Primitive, index: int):
        rule = primitive.partials[index]
        assert rule is not None
        rule = rule if primitive.removable is None else near(primitive.removable, primitive.name, rule)
        self.program = trace(rule, len(primitive.arguments) + 1)
        output = self.program.outputs[0]
        constant = self.program.constant_at(output)
        self.sign = int(constant) if constant in (1, -1) else 0
        self.source = output if output < len(self.program.inputs) else None  # the partial is an argument, or y

    def at(self, algebra: Algebra, args: Sequence[Any], answer: Any) -> Any:
        """Give the partial in an algebra."""
        if self.source is not None:
            return args[self.source] if self.source < len(args) else answer
        return run(self.program, algebra, [*args, answer])[0]

    def factor(self, algebra: Algebra, args: Sequence[Any], answer: Any) -> Any:
        """Give what a tangent is multiplied by; None where that is only a sign."""
        return None if self.sign else self.at(algebra, args, answer)

    def times(self, algebra: Algebra, factor: Any, tangent: Any) -> Any:
        """Give the tangent with its sign where that is all, otherwise its product with the factor."""
        if self.sign:
            return tangent if self.sign > 0 else algebra.apply(NEG, (tangent,))
        return algebra.apply(MUL, (factor, tangent))


@cache
def partial(primitive: Primitive, index: int) -> Partial:
    """Give the partial of a primitive with respect to one argument."""
    return Partial(primitive, index)


def times_partial(
    primitive: Primitive, algebra: Algebra, args: Sequence[Any], answer: Any, index: int, tangent: Any
) -> Any:
    """Give ∂y/∂xᵢ·ẋᵢ alone, all in an algebra; None where the primitive does not vary with the argument.

    It serves both modes: for a scalar y, ȳ·∂y/∂xᵢ is the same product.
    """
    if primitive.pushforward is not None:
        rule = trace_pushforward(primitive, tuple(k == index for k in range(len(args))))
        return run(rule, algebra, [*args, answer, tangent])[0]
    if primitive.partials[index] is None:
        return None
    slope = partial(primitive, index)
    return slope.times(algebra, slope.factor(algebra, args, answer), tangent)


def by_definition(primitive: Primitive, algebra: Algebra, args: Sequence[Any]) -> Any:
    """Give the value of a primitive from its definition in other rows."""
    if primitive.definition is None:
        raise NotImplementedError(f"{primitive.name} has no form for {type(algebra).__name__}")
    return by_rule(defined(primitive), algebra, args)


@cache
def defined(primitive: Primitive, order: int = 0) -> Rule:
    """The definition, and at a removable point the power series up to an order: so the derivatives are right there."""
    rule, place = primitive.definition, primitive.removable
    assert rule is not None
    return rule if place is None else filled(place, rule, order)


def by_rule(rule: Rule, algebra: Algebra, args: Sequence[Any]) -> Any:
    """Give the value of a formula of the table."""
    return run(trace(rule, len(args)), algebra, args)[0]

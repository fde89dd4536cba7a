"""Forms that do not cancel: a program rewritten so that what subtraction would lose is never lost.

Each rewrite is an identity for all real arguments, so the domain stays the same:

    c − c·eᵘ       = −c·expm1(u)            1/(1 + eᵘ)       = sigmoid(−u)
    c − c·cos u    = 2c·sin²(u/2)           eᵘ/(1 + eᵘ)      = sigmoid(u)
    c − c·erf u    = c·erfc(u)              log(1 + eᵘ)      = softplus(u)
    2c − c·erfc(u) = c·erfc(−u)             c − c·tanh² u    = 4c·sigmoid(2u)·sigmoid(−2u)

They are the ones that derivatives of saturating functions need (Higham, Accuracy and Stability of Numerical Algorithms,
2nd ed., sections 1.7 and 1.14; how to find more: Panchekha et al., PLDI 2015).
Formulas are shown as they were found; only what is evaluated is rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.program import Program
from diffkit.core.rules import trace
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SUB, Primitive, table
from diffkit.core.table.primitive import Logistic

_SATURATING = {row: row.logistic for row in table if row.logistic}
_TAILS = {table[known.tail]: row for row, known in _SATURATING.items()}
_SEARCHED_TERMS = 40  # terms of a sum, or factors of a product, that are searched


def stable(program: Program) -> Program:
    """Give the program in forms that do not cancel."""
    if not may_cancel(program):
        return program
    builder = _StableBuilder(program.inputs)
    slots = copy_slots(program, builder, range(len(program.inputs)))
    return builder.program([slots[output] for output in program.outputs], program.inputs)


def may_cancel(program: Program) -> bool:
    """Whether there is a row that saturates, and a constant in a sum or a factor by which it is rewritten."""
    rows = {row for row, _ in program.instructions}
    if all(row.complement is None for row in rows):
        return False
    constants = range(len(program.inputs), program.first_instruction)
    return not rows.isdisjoint(_TAILS) or any(
        row in (ADD, SUB) and (args[0] in constants or args[1] in constants) for row, args in program.instructions
    )


class _StableBuilder(ProgramBuilder):
    """A builder that chooses the stable form of what it is asked to emit."""

    def apply(self, primitive: Primitive, args: Sequence[int]) -> int:
        """Slot of a primitive of slots, or of what equals it and does not cancel."""
        key = (primitive, *args)
        if key not in self._slots and (form := _STABLE_FORMS.get(primitive)) is not None:
            found = form(self, *args)
            if found is not None:
                self._slots[key] = found
                return found
        return super().apply(primitive, args)

    def emit(self, name: str, *args: int | Fraction) -> int:
        """Emit a row at slots (int) and exact constants (Fraction)."""
        slots = [self.constant(a) if isinstance(a, Fraction) else a for a in args]
        return self.apply(table[name], slots)

    def parts(self, slot: int, primitive: Primitive) -> tuple[int, ...] | None:
        """The arguments of the instruction in a slot if it is of a primitive."""
        return self._parts(slot, primitive)

    def scaled(self, slot: int) -> tuple[Fraction, int]:
        """A slot as a rational multiple of another."""
        factor = Fraction(1)
        for _ in range(_SEARCHED_TERMS):
            if (args := self.parts(slot, NEG)) is not None:
                factor, slot = -factor, args[0]
            elif (args := self.parts(slot, MUL)) is not None and (value := self.rational(args[0])) is not None:
                factor, slot = factor * value, args[1]
            elif (args := self.parts(slot, DIV)) is not None and (value := self.rational(args[1])):
                factor, slot = factor / value, args[0]
            else:
                break
        return factor, slot

    # Sums with a constant -----------------------------------------------------------------------------------------

    def add(self, x: int, y: int) -> int | None:
        """A constant and a sum: c + s or s + c."""
        for constant, rest in ((x, y), (y, x)):
            if (c := self.rational(constant)) is not None and c != 0:
                return self.joined(Fraction(c), rest, 1, _SEARCHED_TERMS)
        return None

    def sub(self, x: int, y: int) -> int | None:
        """A constant and a sum: c − s or s − c."""
        if (c := self.rational(x)) is not None and c != 0:
            return self.joined(Fraction(c), y, -1, _SEARCHED_TERMS)
        if (c := self.rational(y)) is not None and c != 0:
            return self.joined(Fraction(-c), x, 1, _SEARCHED_TERMS)
        return None

    def joined(self, c: Fraction, slot: int, sign: int, depth: int) -> int | None:
        """Give c + sign·s where s, or a term of it, would cancel against c; None where nothing does."""
        for row, second in ((ADD, 1), (SUB, -1)):
            if (terms := self.parts(slot, row)) is not None:
                left, right = terms
                found = self.joined(c, left, sign, depth - 1) if depth else None
                if found is not None:
                    return self.apply(ADD if sign * second > 0 else SUB, (found, right))
                factor, core = self.scaled(right)
                found = self.complement(c, sign * second * factor, core)
                return None if found is None else self.apply(ADD if sign > 0 else SUB, (found, left))
        factor, core = self.scaled(slot)
        return self.complement(c, sign * factor, core)

    def complement(self, c: Fraction, factor: Fraction, core: int) -> int | None:
        """Give c + factor·core where the two are opposite at a point of saturation."""
        power, slot = 1, core
        if (args := self.parts(core, POWER)) is not None and (n := self.rational(args[1])) is not None:
            power, slot = int(n) if n.denominator == 1 else 0, args[0]
        row, *arguments = self._instructions[slot] or (None,)
        known = None if row is None else row.complement
        if known is None or (known.top * factor, known.power) != (-c, power):
            return None
        form = trace(known.form, len(arguments))
        return self.emit("mul", c / known.top, copy_slots(form, self, arguments)[form.outputs[0]])

    # Logistic functions -------------------------------------------------------------------------------------------

    def logistic(self, slot: int) -> tuple[Logistic, int] | None:
        """The slot of u if this one is 1 + eᵘ, and the rows by which such sums are written."""
        args = self.parts(slot, ADD)
        for one, other in () if args is None else (args, args[::-1]):
            row, *inner = self._instructions[other] or (None,)
            if self.rational(one) == 1 and row in _SATURATING:
                return _SATURATING[row], inner[0]
        return None

    def log(self, x: int) -> int | None:
        """The logarithm of 1 + eᵘ is softplus(u)."""
        found = self.logistic(x)
        return None if found is None else self.emit(found[0].log, found[1])

    def div(self, x: int, y: int) -> int | None:
        """x/(1 + eᵘ)ⁿ = x·sigmoid(−u)ⁿ."""
        base, exponent = y, 1
        if (args := self.parts(y, POWER)) is not None:
            n = self.rational(args[1])
            if n is None or n.denominator != 1 or n < 1:
                return None
            base, exponent = args[0], int(n)
        found = self.logistic(base)
        if found is None:
            return None
        tail = self.emit(found[0].tail, self.emit("neg", found[1]))
        product = self.apply(MUL, (x, tail))
        return product if exponent == 1 else self.emit("mul", product, self.emit("power", tail, Fraction(exponent - 1)))

    def mul(self, x: int, y: int) -> int | None:
        """…·eᵘ·…·sigmoid(−u) = …·sigmoid(u)·…: one factor of the product becomes the other tail."""
        for product, tail in ((x, y), (y, x)):
            row, *args = self._instructions[tail] or (None,)
            if row in _TAILS:
                u = self.emit("neg", args[0])
                found = self.replaced(product, self.apply(_TAILS[row], (u,)), self.apply(row, (u,)), _SEARCHED_TERMS)
                if found is not None:
                    return found
        return None

    def replaced(self, product: int, factor: int, other: int, depth: int) -> int | None:
        """A product with another slot for one of its factors; None if it has no such factor."""
        if product == factor:
            return other
        if (args := self.parts(product, NEG)) is not None and depth:
            found = self.replaced(args[0], factor, other, depth - 1)
            return None if found is None else self.emit("neg", found)
        if (args := self.parts(product, MUL)) is None or not depth:
            return None
        left, right = args
        if right == factor:
            return self.apply(MUL, (left, other))
        if self.is_constant(left):
            found = self.replaced(right, factor, other, depth - 1)
            return None if found is None else self.apply(MUL, (left, found))
        found = self.replaced(left, factor, other, depth - 1)
        return None if found is None else self.apply(MUL, (found, right))


_STABLE_FORMS: dict[Primitive, Callable[..., int | None]] = {
    ADD: _StableBuilder.add, SUB: _StableBuilder.sub, MUL: _StableBuilder.mul, DIV: _StableBuilder.div,
    table.one(base="e"): _StableBuilder.log,
}  # fmt: skip

"""Products as they are written by hand: one number in front, simple factors first, one fraction.

Only what holds for all reals, and keeps the domain, is used: (a·b)/c and a·(b/c) are one fraction, numbers multiply.
Nothing is cancelled, so x/x stays; a zero swallows variables only, which have a value everywhere.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import NamedTuple

from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import Named, Program
from diffkit.core.table import table

MUL, DIV, NEG, POWER = table["mul"], table["div"], table["neg"], table["power"]
SIGNS = {table["add"]: table["sub"], table["sub"]: table["add"]}


class Product(NamedTuple):
    """A number times factors over divisors, which are slots."""

    number: Fraction
    factors: tuple[int, ...] = ()
    divisors: tuple[int, ...] = ()

    def times(self, other: Product) -> Product:
        """The product of two."""
        return Product(self.number * other.number, self.factors + other.factors, self.divisors + other.divisors)

    def over(self, other: Product) -> Product:
        """The quotient of two, the second of which has a number that is not zero."""
        return Product(self.number / other.number, self.factors + other.divisors, self.divisors + other.factors)


def tidy(program: Program, sort: bool = True) -> Program:
    """Give the program with its products written as by hand; ``sort`` puts simple factors first."""
    builder = ProgramBuilder(program.inputs)
    products: list[Product] = [Product(Fraction(1), (slot,)) for slot in range(len(program.inputs))]
    for constant in program.constants:
        whole = isinstance(constant, Named)
        products.append(
            Product(Fraction(1), (builder.constant(constant),)) if whole else Product(Fraction(constant))  # type: ignore[arg-type]
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
            products.append(products[args[0]].times(Product(Fraction(-1))))
        else:
            if primitive in SIGNS and products[args[1]].number < 0:  # a + (−b) is a − b
                turned = _written(builder, products[args[1]].times(Product(Fraction(-1))), len(program.inputs), sort)
                slot = builder.apply(SIGNS[primitive], (write(args[0]), turned))
            else:
                slot = builder.apply(primitive, [write(arg) for arg in args])
            value = builder.rational(slot)
            products.append(Product(Fraction(1), (slot,)) if value is None else Product(Fraction(value)))
    return builder.program([write(slot) for slot in program.outputs], program.inputs)


def _written(builder: ProgramBuilder, product: Product, variables: int, sort: bool) -> int:
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

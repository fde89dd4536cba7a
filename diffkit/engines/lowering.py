"""Lowering: a Program as binary64 operations that round once each, and what must hold where its values stand.

What a Program means in pairs is said by ``DoublesAlgebra``. Here its formulas are run over slots in place of numbers:
what they would do to numbers is what an engine has to do. So there is one arithmetic of pairs, and no engine knows it.

At ordinary points, where all is finite and all guards are kept, lowered code has the values of the interpreter, bit for
bit but for the sign of a zero. It tells which points are not ordinary: these are for the interpreter. There a
correction that is no number is dropped; here it is kept, so that it shows in the values or in what is ``watched``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, NamedTuple

from diffkit.calculus.guards import Guarded, sources
from diffkit.core.deadline import in_time
from diffkit.core.program import Program, run
from diffkit.core.rules import by_definition, by_rule
from diffkit.core.table import ADD, DIV, MUL, POWER, SQRT, SUB, WHERE, Primitive, table
from diffkit.engines import Precision
from diffkit.engines.float_operations import IS_LOST, PRODUCT_ERROR, Float, FloatOperations, is_known
from diffkit.engines.reach import Reach, reach
from diffkit.numbers.doubles import LARGEST_CHAIN, DoublesAlgebra, Pair, two_product
from diffkit.numbers.floats import to_float


class Lowered(NamedTuple):
    """What an engine makes a function of.

    Outputs of ``program``, whose constants are floats: ``values`` of them first, then ``finite`` slots that must be
    finite, then one margin for each of ``edges``, which must be positive (True) or not zero.
    """

    program: Program
    values: int
    finite: int
    edges: tuple[bool, ...]
    bounded: bool = False
    """whether the margins tell that the coordinates are finite"""
    precision: Precision = "pairs"

    def arranged(self, places: Sequence[int]) -> Lowered:
        """The same with value ``places[k]`` in place k."""
        outputs = self.program.outputs
        ends = (*(outputs[place] for place in places), *outputs[self.values :])
        return self._replace(program=replace(self.program, outputs=ends), values=len(places))

    def multiplied(self, factors: Sequence[float] | None) -> Lowered:
        """The same with value k times factor k, rounded once more."""
        if factors is None:
            return self
        floats = FloatOperations(self.program.inputs)
        ends = run(self.program, floats, floats.coordinates())
        values = [
            end if factor == 1.0 else floats.apply(MUL, (end, factor))
            for end, factor in zip(ends, factors, strict=False)
        ]
        slots = map(floats.slot, (*values, *ends[self.values :]))
        return self._replace(program=floats.builder.program(list(slots), self.program.inputs))

    def checked(self) -> Lowered:
        """The same for coordinates that may be no finite numbers: such a point is not ordinary."""
        if self.bounded:
            return self
        outputs, count = self.program.outputs, len(self.program.inputs)
        ends = (*outputs[: self.values], *range(count), *outputs[self.values :])
        return self._replace(program=replace(self.program, outputs=ends), finite=self.finite + count)

    @property
    def margins(self) -> Iterator[tuple[int, bool]]:
        """Slots of the margins, and whether each must be positive."""
        return zip(self.program.outputs[self.values + self.finite :], self.edges, strict=True)


def lower_values(program: Program) -> Lowered:
    """Write a program's own values as plain binary64 operations, with nothing to hold but that they are finite."""
    floats = FloatOperations(program.inputs)
    plain = _Plain(floats)
    slots = [floats.slot(value) for value in run(program, plain, floats.coordinates())]
    return Lowered(floats.builder.program(slots, program.inputs), len(slots), 0, (), precision="double")


def lower(guarded: Guarded, precision: Precision, fused: bool = False, whole: bool = False) -> Lowered:
    """Write a guarded derivative as binary64 operations; ``fused`` if the engine has a fused multiply-add.

    Of f's own values only that they are finite is asked, for which plain binary64 will do. Where all is known to be
    finite within some reach, a point need only be within it; that is taken if it is less work. ``whole``: the values
    are the high parts of all pairs, and then their low parts.
    """
    found = _lowered(guarded, precision, fused, whole, None)
    near = reach(guarded)
    if near is None:
        return found
    nearby = _lowered(guarded, precision, fused, whole, near)
    return min(nearby, found, key=lambda one: len(one.program.instructions) + len(one.edges) + one.finite)


def _lowered(guarded: Guarded, precision: Precision, fused: bool, whole: bool, near: Reach | None) -> Lowered:
    """The operations for all points, or for those within a reach."""
    program = guarded.program
    primals = program.outputs[guarded.derivatives : guarded.derivatives + guarded.primals] if near is None else ()
    kept = (False,) * len(guarded.edges) if near is None else near.kept
    open_ = [k for k, is_kept in enumerate(kept) if not is_kept]
    ends = program.outputs[guarded.derivatives + guarded.primals :]
    values, margins = program.outputs[: guarded.derivatives], [ends[k] for k in open_]
    floats = FloatOperations(program.inputs)
    algebra = _Pairs(floats, fused) if precision == "pairs" else _Plain(floats)
    slots = _run(program, algebra, floats, set[int]().union(*(sources(program, s) for s in {*values, *margins})))
    found = [[floats.slot(algebra.high(slots[o])) for o in outputs] for outputs in (values, primals, margins)]
    if precision == "pairs":
        if whole:
            found[0] += [floats.slot(slots[o][1]) for o in values]
        else:  # the zero of an answer has no sign: which one it would be depends on what was known in advance
            found[0] = [floats.slot(floats.apply(ADD, (algebra.high(slots[o]), 0.0))) for o in values]
    watched = floats.watched if near is None else ()
    finite = list(dict.fromkeys(slot for slot in (*found[1], *watched) if floats.varies(slot)))
    edges = [guarded.edges[k] for k in open_]
    kept_off = list(dict.fromkeys(floats.not_zero))
    outputs, edges = [*found[0], *finite, *found[2], *kept_off], [*edges, *(False for _ in kept_off)]
    if near is not None:
        outputs.append(floats.slot(_within(floats, near.size)))
        edges.append(True)
    code = floats.builder.program(outputs, program.inputs)
    return Lowered(code, len(found[0]), len(finite), tuple(edges), near is not None, precision)


def _run(program: Program, algebra: Any, floats: FloatOperations, exact: Collection[int]) -> list[Any]:
    """Every slot of a program in an algebra over slots; those that are not to be exact in plain binary64."""
    slots = [algebra.number(x) for x in floats.coordinates()]
    slots += map(algebra.constant, program.constants)
    plain = _Plain(floats)
    for slot, row, args in in_time(program.numbered()):
        taken = [slots[a] for a in args]
        if slot in exact:
            slots.append(algebra.apply(row, taken))
        else:
            slots.append(algebra.number(plain.apply(row, [algebra.high(x) for x in taken])))
    return slots


def _within(floats: FloatOperations, size: float) -> Any:
    """size² − Σ xᵢ², which is not positive where a coordinate is farther out, or is no number."""
    return size**2 - reduce(operator.add, [x * x for x in floats.coordinates()])


class _Plain:
    """Plain binary64; a power with a small multiple of ½ is a root and a chain of products."""

    def __init__(self, floats: FloatOperations):
        self.floats = floats

    def number(self, x: Any) -> Any:
        """The number."""
        return x

    high = number

    def constant(self, value: Any) -> float:
        """Give the nearest float."""
        return to_float(value)

    def apply(self, row: Primitive, args: Sequence[Any]) -> Any:
        """Emit a row."""
        if row in _EXACTLY_ROUNDED:
            return self.floats.apply(row, args)
        if callable(row.pairs):  # of operations that engines have, where the float form is a function of its own
            return by_rule(row.pairs, self, args)
        if row.floats is None:
            return by_definition(row, self, args)
        halves = _halves(args[1]) if row is POWER and isinstance(args[0], Float) else None
        if row in _HIDING and (halves is None or halves <= 0):  # a chain of products hides nothing
            self.floats.watch(*args)
        if row in _ENDING:
            self.floats.watch(*args)
        if row is DIV:  # what is divided by something that overflows is not 0
            self.floats.watch(args[1])
        return self.floats.apply(row, args) if halves is None else self._power(args[0], halves)

    def _power(self, x: Any, halves: int) -> Any:
        """x to the power of some halves."""
        count = abs(halves) // 2
        found = _chain(x, count) if count else 1.0
        found = self.floats.apply(SQRT, (x,)) * found if halves % 2 else found
        return self.floats.apply(DIV, (1.0, found)) if halves < 0 else found


def _halves(exponent: Any) -> int | None:
    """How many halves a small exponent is, if it is some."""
    plain = isinstance(exponent, float) and abs(exponent) <= LARGEST_CHAIN and (2.0 * exponent).is_integer()
    return int(2.0 * exponent) if plain else None


def _chain(x: Any, count: int) -> Any:
    """xⁿ for n > 0 by squaring."""
    if count == 1:
        return x
    half = _chain(x, count // 2)
    square = half * half
    return square * x if count % 2 else square


_EXACTLY_ROUNDED = frozenset((ADD, SUB, MUL))
_ARITHMETIC = frozenset((ADD, SUB, MUL, DIV, WHERE))
_HIDING = frozenset(row for row in table if len(row.arguments) > 1 and row not in _ARITHMETIC and not row.truths)
"""rows that may have an ordinary value where an argument is not finite"""


def _ends(row: Primitive) -> bool:
    """Whether a function of one number has a finite value at −∞ or ∞: where that stands for a number it hides it."""
    if row.floats is None or row.truth or len(row.arguments) != 1:
        return False
    for end in (-math.inf, math.inf):
        try:
            if math.isfinite(row.floats(end)):
                return True
        except (ArithmeticError, ValueError):
            continue
    return False


_ENDING = frozenset(filter(_ends, table))


class _Pairs(DoublesAlgebra):
    """The arithmetic of pairs over slots, for points where everything is finite."""

    base: FloatOperations

    def __init__(self, floats: FloatOperations, fused: bool):
        super().__init__(floats)
        self.fused = fused

    def high(self, x: Any) -> Any:
        """The high part; a truth is itself."""
        return x[0] if isinstance(x, tuple) else x

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the pair of a row."""
        if primitive is POWER and isinstance(args[1][0], Float):
            self.base.keep_off_halves(args[1][0])
        if primitive in _HIDING and not (primitive is POWER and self.carries(primitive, args)):
            self.base.watch(*(arg[0] for arg in args))
        return super().apply(primitive, args)

    def matters(self, low: Any) -> bool:
        """Whether there is anything to correct by, for all it is known."""
        return not is_known(low, 0.0)

    def product(self, x: Any, y: Any) -> Pair:
        """The product and its rounding error; a factor that is a power of two leaves none."""
        if _is_power_of_two(x) or _is_power_of_two(y):
            return x * y, 0.0
        if not self.fused or not (isinstance(x, Float) or isinstance(y, Float)):
            return two_product(x, y)
        product = x * y
        return product, self.base.apply(PRODUCT_ERROR, (x, y, product))

    def settle(self, value: Any, correction: Any) -> Pair:
        """Their sum as a pair."""
        if is_known(correction, 0.0):
            return value, 0.0
        high = value + correction
        return high, correction - (high - value)

    def unless_lost(self, total: Pair, term: Any) -> Pair:
        """A sum, or zero where it is nothing but rounding."""
        lost = self.base.apply(IS_LOST, (total[0], term))
        return self.choose(lost, 0.0, total[0]), self.choose(lost, 0.0, total[1])

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """x where the condition holds, else y."""
        if x is y or (isinstance(x, float) and isinstance(y, float) and x == y):
            return x
        return self.base.apply(WHERE, (condition, x, y))

    def _comparison(self, primitive: Primitive) -> Callable[..., Any]:
        """The high parts alone decide between floats."""
        in_parts = super()._comparison(primitive)

        def compare(x: Pair, y: Pair) -> Any:
            exact = is_known(x[1], 0.0) and is_known(y[1], 0.0)
            return self.base.apply(primitive, (x[0], y[0])) if exact else in_parts(x, y)

        return compare


def _is_power_of_two(x: Any) -> bool:
    """Whether a number is ±1, 2, 4, …: a product with it is exact, unless it overflows."""
    return isinstance(x, float) and math.isfinite(x) and abs(x) >= 1.0 and abs(math.frexp(x)[0]) == 0.5

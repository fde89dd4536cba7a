"""Lowering: a Program as binary64 operations that round once each, and what must hold where its values stand.

What a Program means in pairs is said by ``DoublesAlgebra``. Here its formulas are run over slots in place of numbers:
what they would do to numbers is what an engine has to do. So there is one arithmetic of pairs, and no engine knows it.

At ordinary points, where all is finite and all guards are kept, lowered code has the values of the interpreter, bit for
bit but for the sign of a zero. It tells which points are not ordinary: these are for the interpreter. There a
correction that is no number is dropped; here it is kept, so that it shows in the values or in what is ``watched``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from diffkit.calculus.guards import Guarded, sources
from diffkit.core.builder import ProgramBuilder
from diffkit.core.deadline import in_time
from diffkit.core.program import Program, run
from diffkit.core.rules import by_definition
from diffkit.core.table import (
    ABS,
    ADD,
    AND,
    DIV,
    EQ,
    GE,
    GT,
    LE,
    LT,
    MUL,
    NE,
    NEG,
    OR,
    POWER,
    SQRT,
    SUB,
    WHERE,
    Primitive,
    table,
)  # fmt: skip
from diffkit.engines import Precision
from diffkit.numbers.doubles import FLOOR, LARGEST_CHAIN, LOST_SHARE, DoublesAlgebra, Pair, two_product
from diffkit.numbers.floats import FLOATS, to_float

PRODUCT_ERROR = Primitive(
    "product_error", ("x", "y", "p"), "x·y − p exactly, where p is the rounded product: a fused multiply-add",
    (None, None, None), floats=lambda x, y, _: two_product(x, y)[1],
)  # fmt: skip
IS_LOST = Primitive(
    "is_lost", ("s", "x"), "whether a sum is nothing but what pairs have rounded of its terms", (None, None),
    floats=lambda s, x: abs(s) < LOST_SHARE * abs(x), truth=True,
)  # fmt: skip
FLOAT_ROWS = frozenset((PRODUCT_ERROR, IS_LOST))
"""operations that are no functions of the table"""


class Lowered(NamedTuple):
    """What an engine makes a function of.

    Outputs of ``program``, whose constants are floats: ``values`` of them first, then ``finite`` slots that must be
    finite, then one margin for each of ``edges``, which must be positive (True) or not zero.
    """

    program: Program
    values: int
    finite: int
    edges: tuple[bool, ...]

    def arranged(self, places: Sequence[int]) -> Lowered:
        """The same with value ``places[k]`` in place k."""
        outputs = self.program.outputs
        ends = (*(outputs[place] for place in places), *outputs[self.values :])
        return self._replace(program=replace(self.program, outputs=ends), values=len(places))

    @property
    def margins(self) -> Iterator[tuple[int, bool]]:
        """Slots of the margins, and whether each must be positive."""
        return zip(self.program.outputs[self.values + self.finite :], self.edges, strict=True)


def lower_values(program: Program) -> Lowered:
    """Write a program's own values as plain binary64 operations, with nothing to hold but that they are finite."""
    floats = _FloatOperations(program.inputs)
    plain = _Plain(floats)
    inputs = [_Float(floats, slot) for slot in range(len(program.inputs))]
    slots = [floats.slot(value) for value in run(program, plain, inputs)]
    return Lowered(floats.builder.program(slots, program.inputs), len(slots), 0, ())


def lower(guarded: Guarded, precision: Precision, fused: bool = False) -> Lowered:
    """Write a guarded derivative as binary64 operations; ``fused`` if the engine has a fused multiply-add.

    Of f's own values only that they are finite is asked, for which plain binary64 will do.
    """
    program = guarded.program
    floats = _FloatOperations(program.inputs)
    algebra = _Pairs(floats, fused) if precision == "pairs" else _Plain(floats)
    values, margins = program.outputs[: guarded.derivatives], program.outputs[guarded.derivatives + guarded.primals :]
    exact = set[int]().union(*(sources(program, slot) for slot in {*values, *margins}))
    slots = [algebra.number(_Float(floats, slot)) for slot in range(len(program.inputs))]
    slots += map(algebra.constant, program.constants)
    plain = _Plain(floats)
    for slot, row, args in in_time(program.numbered()):
        taken = [slots[a] for a in args]
        if slot in exact:
            slots.append(algebra.apply(row, taken))
        else:
            slots.append(algebra.number(plain.apply(row, [algebra.high(x) for x in taken])))
    primals = program.outputs[guarded.derivatives : guarded.derivatives + guarded.primals]
    found = [[floats.slot(algebra.high(slots[o])) for o in outputs] for outputs in (values, primals, margins)]
    finite = list(dict.fromkeys(slot for slot in (*found[1], *floats.watched) if floats.varies(slot)))
    kept_off = list(dict.fromkeys(floats.not_zero))
    outputs = [*found[0], *finite, *found[2], *kept_off]
    edges = (*guarded.edges, *(False for _ in kept_off))
    return Lowered(floats.builder.program(outputs, program.inputs), len(values), len(finite), edges)


class _Emitter(ProgramBuilder):
    """A builder that changes nothing: x·0 is no number where x is infinite, and each operation rounds."""

    def _made(self, key: tuple[Any, ...]) -> int:
        row, *args = key
        if row is ADD or row is MUL:
            found = self._slots.get((row, args[1], args[0]))
            if found is not None:
                return found
        return self._new(None, key, 0)


class _FloatOperations:
    """The algebra of binary64 whose numbers are slots, or floats where they are known."""

    def __init__(self, inputs: Sequence[str]):
        self.builder = _Emitter(inputs)
        self.inputs = len(inputs)
        self.watched: list[int] = []
        """slots that must be finite: what hides that something is not"""
        self.not_zero: list[int] = []
        """slots that must not be 0: where they are, the interpreter goes another way"""

    def constant(self, value: Any) -> float:
        """Give the nearest float."""
        return to_float(value)

    def slot(self, x: Any) -> int:
        """Slot of a number."""
        if isinstance(x, _Float):
            return x.slot
        value: Any = float(x)
        return self.builder.constant(value)

    def varies(self, slot: int) -> bool:
        """Whether a slot is computed."""
        return not self.builder.is_constant(slot)

    def apply(self, row: Primitive, args: Sequence[Any]) -> Any:
        """Emit a row, or its definition."""
        if not any(isinstance(arg, _Float) for arg in args):
            return FLOATS.apply(row, args)
        if row.floats is None:
            return by_definition(row, self, args)
        if row is WHERE and isinstance(args[0], bool):
            return args[1] if args[0] else args[2]
        return _Float(self, self.builder.apply(row, [self.slot(arg) for arg in args]))

    def keep_off_halves(self, exponent: Any) -> None:
        """Have an exponent that varies be no multiple of ½: with those, a power is a chain of products."""
        twice = exponent + exponent
        self.not_zero.append(self.slot(twice - self.apply(FLOOR, (twice,))))

    def watch(self, *args: Any) -> None:
        """Have numbers finite wherever the values stand."""
        self.watched += [arg.slot for arg in args if isinstance(arg, _Float)]


class _Float:
    """A slot as a binary64 number or a truth, with operators."""

    __slots__ = ("algebra", "slot")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, algebra: _FloatOperations, slot: int):
        self.algebra, self.slot = algebra, slot

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.algebra.apply(ADD, (self, other))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.algebra.apply(SUB, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, 0.0) else self.algebra.apply(SUB, (other, self))

    def __mul__(self, other: Any) -> Any:
        """A product with 0 is 0: of what is not finite nothing stands."""
        return 0.0 if _is(other, 0.0) else self if _is(other, 1.0) else self.algebra.apply(MUL, (self, other))

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __neg__(self) -> Any:
        return self.algebra.apply(NEG, (self,))

    def __abs__(self) -> Any:
        return self.algebra.apply(ABS, (self,))

    def __lt__(self, other: Any) -> Any:
        return self.algebra.apply(LT, (self, other))

    def __le__(self, other: Any) -> Any:
        return self.algebra.apply(LE, (self, other))

    def __gt__(self, other: Any) -> Any:
        return self.algebra.apply(GT, (self, other))

    def __ge__(self, other: Any) -> Any:
        return self.algebra.apply(GE, (self, other))

    def __eq__(self, other: object) -> Any:
        return self.algebra.apply(EQ, (self, other))

    def __ne__(self, other: object) -> Any:
        return self.algebra.apply(NE, (self, other))

    def __and__(self, other: Any) -> Any:
        return (self if other else False) if isinstance(other, bool) else self.algebra.apply(AND, (self, other))

    __rand__ = __and__

    def __or__(self, other: Any) -> Any:
        return (True if other else self) if isinstance(other, bool) else self.algebra.apply(OR, (self, other))

    __ror__ = __or__


def _is(x: Any, value: float) -> bool:
    return isinstance(x, float) and x == value


class _Plain:
    """Plain binary64; a power with a small multiple of ½ is a root and a chain of products."""

    def __init__(self, floats: _FloatOperations):
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
        if row.floats is None:
            return by_definition(row, self, args)
        halves = _halves(args[1]) if row is POWER and isinstance(args[0], _Float) else None
        if row in _HIDING and (halves is None or halves <= 0):  # a chain of products hides nothing
            self.floats.watch(*args)
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


_ARITHMETIC = frozenset((ADD, SUB, MUL, DIV, WHERE))
_HIDING = frozenset(row for row in table if len(row.arguments) > 1 and row not in _ARITHMETIC and not row.truths)
"""rows that may have an ordinary value where an argument is not finite"""


class _Pairs(DoublesAlgebra):
    """The arithmetic of pairs over slots, for points where everything is finite."""

    base: _FloatOperations

    def __init__(self, floats: _FloatOperations, fused: bool):
        super().__init__(floats)
        self.fused = fused

    def high(self, x: Any) -> Any:
        """The high part; a truth is itself."""
        return x[0] if isinstance(x, tuple) else x

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the pair of a row."""
        if primitive is POWER and isinstance(args[1][0], _Float):
            self.base.keep_off_halves(args[1][0])
        if primitive in _HIDING and not (primitive is POWER and self.carries(primitive, args)):
            self.base.watch(*(arg[0] for arg in args))
        return super().apply(primitive, args)

    def matters(self, low: Any) -> bool:
        """Whether there is anything to correct by, for all it is known."""
        return not _is(low, 0.0)

    def product(self, x: Any, y: Any) -> Pair:
        """The product and its rounding error; a factor that is a power of two leaves none."""
        if _is_power_of_two(x) or _is_power_of_two(y):
            return x * y, 0.0
        if not self.fused or not (isinstance(x, _Float) or isinstance(y, _Float)):
            return two_product(x, y)
        product = x * y
        return product, self.base.apply(PRODUCT_ERROR, (x, y, product))

    def settle(self, value: Any, correction: Any) -> Pair:
        """Their sum as a pair."""
        if _is(correction, 0.0):
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
            exact = _is(x[1], 0.0) and _is(y[1], 0.0)
            return self.base.apply(primitive, (x[0], y[0])) if exact else in_parts(x, y)

        return compare


def _is_power_of_two(x: Any) -> bool:
    """Whether a number is ±1, 2, 4, …: a product with it is exact, unless it overflows."""
    return isinstance(x, float) and math.isfinite(x) and abs(x) >= 1.0 and abs(math.frexp(x)[0]) == 0.5


def evaluate(lowered: Lowered, point: Sequence[float]) -> list[Any]:
    """Interpret lowered code: what every engine is tested against."""
    return run(lowered.program, FLOATS, point)

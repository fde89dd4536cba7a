"""The algebra of binary64 whose numbers are slots: what is computed with them is written down, one rounding a slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffkit.core.builder import ProgramBuilder
from diffkit.core.rules import by_definition
from diffkit.core.table import ABS, ADD, AND, EQ, GE, GT, LE, LT, MUL, NE, NEG, OR, SUB, WHERE, Primitive
from diffkit.numbers.doubles import FLOOR, LOST_SHARE, two_product
from diffkit.numbers.floats import FLOATS, to_float

PRODUCT_ERROR = Primitive(
    "product_error", ("x", "y", "p"), "x·y − p exactly, where p is the rounded product: a fused multiply-add",
    (None, None, None), floats=lambda x, y, _: two_product(x, y)[1],
)  # fmt: skip
IS_LOST = Primitive(
    "is_lost", ("s", "x"), "whether a sum is nothing but what pairs have rounded of its terms", (None, None),
    floats=lambda s, x: abs(s) < LOST_SHARE * abs(x), truth=True,
)  # fmt: skip


class _Emitter(ProgramBuilder):
    """A builder that changes nothing: x·0 is no number where x is infinite, and each operation rounds."""

    def apply(self, primitive: Any, args: Sequence[int]) -> int:
        """Slot of an operation, the one of before if it was met; x + y is y + x."""
        key = (primitive, *args)
        slot = self._slots.get(key)
        if slot is None and (primitive is ADD or primitive is MUL):
            slot = self._slots.get((primitive, args[1], args[0]))
        if slot is None:
            slot = self._slots[key] = len(self._values)
            self._values.append(None)
            self._instructions.append(key)
            self._depths.append(0)
        return slot

    def negated(self, slot: int) -> int | None:
        """Slot of x if a slot is −x."""
        return None if (parts := self._parts(slot, NEG)) is None else parts[0]


class FloatOperations:
    """The algebra of binary64 whose numbers are slots, or floats where they are known."""

    def __init__(self, inputs: Sequence[str]):
        self.builder = _Emitter(inputs)
        self.inputs = len(inputs)
        self.watched: list[int] = []
        """slots that must be finite: what hides that something is not"""
        self.not_zero: list[int] = []
        """slots that must not be 0: where they are, the interpreter goes another way"""

    def coordinates(self) -> list[Any]:
        """The inputs as numbers."""
        return [Float(self, slot) for slot in range(self.inputs)]

    def constant(self, value: Any) -> float:
        """Give the nearest float."""
        return to_float(value)

    def slot(self, x: Any) -> int:
        """Slot of a number."""
        if isinstance(x, Float):
            return x.slot
        value: Any = float(x)
        return self.builder.constant(value)

    def varies(self, slot: int) -> bool:
        """Whether a slot is computed."""
        return not self.builder.is_constant(slot)

    def apply(self, row: Primitive, args: Sequence[Any]) -> Any:
        """Emit a row, or its definition."""
        slots = [arg.slot if type(arg) is Float else -1 for arg in args]
        if max(slots) < 0:
            return FLOATS.apply(row, args)
        if row.floats is None:
            return by_definition(row, self, args)
        if row is ABS and (inner := self.builder.negated(args[0].slot)) is not None:
            return self.apply(row, (Float(self, inner),))
        if row is WHERE and isinstance(args[0], bool):
            return args[1] if args[0] else args[2]
        if min(slots) < 0:
            slots = [self.slot(arg) for arg in args]
        return Float(self, self.builder.apply(row, slots))

    def keep_off_halves(self, exponent: Any) -> None:
        """Have an exponent that varies be no multiple of ½: with those, a power is a chain of products."""
        twice = exponent + exponent
        self.not_zero.append(self.slot(twice - self.apply(FLOOR, (twice,))))

    def watch(self, *args: Any) -> None:
        """Have numbers finite wherever the values stand."""
        self.watched += [arg.slot for arg in args if isinstance(arg, Float)]


class Float:
    """A slot as a binary64 number or a truth, with operators."""

    __slots__ = ("algebra", "slot")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, algebra: FloatOperations, slot: int):
        self.algebra, self.slot = algebra, slot

    def __add__(self, other: Any) -> Any:
        return self if is_known(other, 0.0) else self.algebra.apply(ADD, (self, other))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return self if is_known(other, 0.0) else self.algebra.apply(SUB, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return -self if is_known(other, 0.0) else self.algebra.apply(SUB, (other, self))

    def __mul__(self, other: Any) -> Any:
        """A product with 0 is 0: of what is not finite nothing stands."""
        return 0.0 if is_known(other, 0.0) else self if is_known(other, 1.0) else self.algebra.apply(MUL, (self, other))

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


def is_known(x: Any, value: float) -> bool:
    """Whether a number is known, and is that one."""
    return isinstance(x, float) and x == value

"""Where the values that a function passes through are not smooth: what dual arrays and tapes watch for, and record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np

from diffkit.core.rules import by_rule
from diffkit.core.table import NE, POWER, Place, Primitive
from diffkit.ndarrays.kernel import ROWS, Level, Proxy, contract, plain
from diffkit.ndarrays.source import SourceLine, user_line
from diffkit.numbers.arrays import ARRAYS


class Hit(NamedTuple):
    """A value that sits exactly where a function is not smooth, while it moves."""

    name: str
    kind: str
    """edge, pole, kink or jump of the row ``name``: no derivative; or tie, a comparison decided by equality"""
    text: str
    where: SourceLine

    def __str__(self) -> str:
        return f"{self.kind} of {self.name} ({self.text}), at {self.where}"


class Watch(Level):
    """A level that keeps a record of hits, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.hits: dict[Hit, None] = {}

    def hit(self, primitive: Primitive, place: Place) -> None:
        """Record a place that was met."""
        self.hits[Hit(primitive.name, place.kind, place.text, user_line())] = None

    def tie(self, primitive: Primitive, operands: Sequence[Any], equal: Any, still: Any) -> None:
        """Record a comparison that exact equality decides, unless nothing moves where it does."""
        if operands[0] is not operands[1] and np.any(equal if still is None else equal & ~still):
            self.hits[Hit(primitive.name, "tie", "x = y", user_line())] = None


class Followed(Proxy):
    """A proxy with values: its content has a ``primal``, and ``still``, where nothing depends on the input."""

    __slots__ = ()
    level: Watch

    def __repr__(self) -> str:
        return f"{type(self).__name__}({plain(self)})"

    def __format__(self, spec: str) -> str:
        return format(plain(self)[()], spec)

    def __bool__(self) -> bool:
        return bool(ROWS.apply(NE, (self, 0.0)))

    @property
    def primal(self) -> Any:
        """The value at the level below."""
        return self.content.primal


def places_met(primitive: Primitive, primals: Sequence[Any], moves: Sequence[bool]) -> Iterator[tuple[Place, Any]]:
    """Give the places of a row that its arguments lie in, as far as arguments that move make them matter, and where."""
    if not primitive.special or not any(moves):
        return
    values = [plain(p) for p in primals]
    if any(v is None for v in values) or (primitive is POWER and not moves[1] and _natural(values[1])):
        return
    for place in primitive.special:
        if place.varying is not None and not any(moves[i] for i in place.varying):
            continue
        margin = by_rule(place.margin, ARRAYS, values)
        there = margin <= 0 if place.kind == "edge" else margin == 0
        if np.any(there):
            yield place, there


def poisoned(derivative: Any, there: Any, primals: Sequence[Any]) -> Any:
    """A derivative with NaN where there is none, which has no derivative there either, by any outer level."""
    found = np.where(there, np.nan, derivative)
    for outer in primals:
        if isinstance(outer, Proxy):
            found = found + np.where(there, np.nan, 0.0) * outer
    return found


def ties_met(primitive: Primitive, primals: Sequence[Any]) -> Any:
    """Where a comparison is decided by equality; None if it is nowhere, or is no comparison of numbers."""
    if primitive.truths:
        return None
    values = [plain(p) for p in primals]
    if any(v is None for v in values):
        return None
    equal = values[0] == values[1]
    return equal if np.any(equal) else None


def unmoved(primitive: Primitive, args: Sequence[Any]) -> Any:
    """Where a row does not vary whatever its arguments do: x⁰ = 1, at 0 too; None if nowhere."""
    if primitive is POWER and not isinstance(args[1], Proxy) and np.any(ones := args[1] == 0):
        return ones
    return None


def jointly(stills: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Where all of several arrays are still; None if that is nowhere known."""
    if not stills or any(still is None for still in stills):
        return None
    still = stills[0]
    for other in stills[1:]:
        still = still & other
    return np.broadcast_to(still, shape) if still.any() else None


def unvarying(primitive: Primitive, args: Sequence[Any], stills: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Where a row does not vary: where none of its arguments does, or whatever they do; None if nowhere known."""
    still, ones = jointly(stills, shape), unmoved(primitive, args)
    return still if ones is None else np.broadcast_to(ones if still is None else still | ones, shape)


def still_products(terms: Sequence[tuple[Any, Any, str, str, str]]) -> Any:
    """Where a sum of products does not vary; None if that is nowhere known.

    A term is where a factor is still, the other factor, the letters of both and those of the sum.
    """
    if not terms or any(still is None for still, *_ in terms):
        return None
    moving = (contract(~still * 1.0, np.ones(np.shape(other)), *letters) for still, other, *letters in terms)
    return sum(moving) == 0


@cache
def smooth_along(place: Place, count: int) -> Literal["nothing", "zero", "equal"]:
    """The tangents along which a kink does not show: none; all zero, as for |x|; or all equal, as for max(x, y)."""
    if place.slope is None:
        return "nothing"
    slope = place.slope
    with np.errstate(all="ignore"):
        rest, ahead, behind = (float(by_rule(slope, ARRAYS, [np.float64(t)] * count)) for t in (0.0, 1.0, -1.0))
    if not np.isfinite(rest):
        return "nothing"
    return "equal" if ahead == -behind else "zero"


def _natural(exponent: Any) -> bool:
    """Whether the exponents are 0, 1, 2 …, at which the power is a polynomial."""
    return bool(np.all((exponent >= 0) & (exponent == np.floor(exponent))))

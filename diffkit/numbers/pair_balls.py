"""Balls in arrays of binary64: the middle is a pair of floats, and what was rounded or left out is in the radius.

A ball is high + low ± radius, entry by entry, with |low| at most half a unit in the last place of high. Sums and
products of floats are split into what they round to and the rest, exactly (Knuth, The Art of Computer Programming 2,
4.2.2, theorem B; Dekker, A floating-point technique for extending the available precision, 1971); what is rounded
after that is bounded step by step, as Joldes, Muller & Popescu do (Tight and rigorous error bounds for basic building
blocks of double-word arithmetic, 2017). Where numbers are so small or so large that this may not hold, the radius is
infinite. It takes a few dozen operations of NumPy where Arb's balls take an object for each entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from diffkit.core.array_operations import ArrayOperation, Gather, Reshape, Scaled, Spread, Total
from diffkit.core.deadline import check_time
from diffkit.core.program import Constant, Data, Named, Program, Shape
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SQRT, SUB, Primitive

_UNIT = 2.0**-53  # a rounding, of what is rounded
_OFF_PRODUCT = 10 * _UNIT**2  # of a product of pairs: what is left out and rounded (8 units)
_UP = 1.0 + 2.0**-48  # of a radius, which was computed in a few roundings
_SPLIT = 2.0**27 + 1
_LEAST, _MOST = 2.0**-800, 2.0**900  # of products, between which their rest is exact
_FLOAT_ROWS = frozenset((ADD, SUB, MUL, DIV, NEG, SQRT))
_MOVES = (Gather, Reshape, Spread, Total, Scaled)


@dataclass(frozen=True, eq=False)
class PairBalls:
    """An array of balls; ``low`` or ``radius`` is None where it is 0 throughout."""

    high: Any
    low: Any = None
    radius: Any = None

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        return self.high.shape  # type: ignore[no-any-return]

    def mapped(self, function: Callable[[Any], Any]) -> PairBalls:
        """What only moves entries, of each part."""
        return PairBalls(*[None if part is None else function(part) for part in self.parts])

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """The pair and the radius, in the shape of the whole."""
        return self.high, _spread(self.low, self.shape), _spread(self.radius, self.shape)

    @property
    def finite(self) -> Any:
        """Which entries are finite."""
        found = np.isfinite(self.high)
        for part in self.parts[1:]:
            found = found if part is None else found & np.isfinite(part)
        return found

    @property
    def exactly_zero(self) -> Any:
        """Which entries are known to be zero."""
        return (self.high == 0) & (_filled(self.radius) == 0)

    @property
    def least(self) -> Any:
        """A bound on the absolute values from below, which is not above 0 where one may be zero."""
        return (np.abs(self.high) * (1 - 2 * _UNIT) - _filled(self.radius)) * (2 - _UP)

    @property
    def most(self) -> Any:
        """A bound on the absolute values from above."""
        return (np.abs(self.high) * (1 + 2 * _UNIT) + _filled(self.radius)) * _UP

    @property
    def off(self) -> Any:
        """A bound on how far numbers in the balls are from ``high``."""
        return (np.abs(_filled(self.low)) + _filled(self.radius)) * _UP

    def rounded(self) -> tuple[Any, Any]:
        """The binary64 that all numbers in a ball round to, NaN if there is none, and a bound on the distance."""
        off, size = self.off, np.abs(self.high)
        half = (size - np.nextafter(size, 0.0)) / 2
        settled = self.finite & ((off < half) | (off == 0))
        error = np.where(off == 0, 0.0, np.nextafter(off, np.inf))
        return np.where(settled, self.high + 0.0, np.nan), np.where(settled, error, np.inf)


def _spread(part: Any, shape: Shape) -> Any:
    return part if part is None or part.shape == shape else np.broadcast_to(part, shape)


def _filled(part: Any) -> Any:
    return 0.0 if part is None else part


def sum_of_floats(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b, and the rest."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _larger_first(a: Any, b: Any) -> tuple[Any, Any]:
    """The same where |a| ≥ |b|."""
    s = a + b
    return s, b - (s - a)


def product_of_floats(a: Any, b: Any) -> tuple[Any, Any]:
    """a·b, and the rest."""
    p = a * b
    c, d = _SPLIT * a, _SPLIT * b
    high_a, high_b = c - (c - a), d - (d - b)
    low_a, low_b = a - high_a, b - high_b
    return p, ((high_a * high_b - p) + high_a * low_b + low_a * high_b) + low_a * low_b


def _total(*terms: Any) -> Any:
    """The sum of what there is of some radii, rounded up; None of none."""
    given = [term for term in terms if term is not None]
    return reduce(np.add, given) * _UP if given else None


def _added(a: PairBalls, b: PairBalls) -> PairBalls:
    high, rest = sum_of_floats(a.high, b.high)
    if a.low is None and b.low is None:
        return PairBalls(high, rest, _total(a.radius, b.radius))
    both = a.low is not None and b.low is not None
    lows = a.low + b.low if both else a.low if b.low is None else b.low
    small = rest + lows
    rounded = np.abs(small) * ((rest != 0) & (lows != 0))
    if both:
        rounded = rounded + np.abs(lows) * ((a.low != 0) & (b.low != 0))
    return PairBalls(*sum_of_floats(high, small), _total(a.radius, b.radius, _UNIT * rounded))


def _negated(a: PairBalls) -> PairBalls:
    return PairBalls(-a.high, None if a.low is None else -a.low, a.radius)


def _multiplied(a: PairBalls, b: PairBalls) -> PairBalls:
    high, low = product_of_floats(a.high, b.high)
    size = np.abs(high)
    crossed = [x.high * y.low for x, y in ((a, b), (b, a)) if y.low is not None]
    if crossed:
        high, low = _larger_first(high, low + reduce(np.add, crossed))
    terms = [np.abs(x.high) * y.radius for x, y in ((a, b), (b, a)) if y.radius is not None]
    terms += [a.radius * b.radius] if len(terms) == 2 else []
    pairs = [x != 0 for x in (a.low, b.low, a.radius, b.radius) if x is not None]
    radius = _total(_OFF_PRODUCT * size * reduce(np.logical_or, pairs), *terms) if pairs else None
    if size.size and not (size.min() > _LEAST and size.max() < _MOST):
        strange = ~((size > _LEAST) & (size < _MOST)) & ~a.exactly_zero & ~b.exactly_zero
        radius = np.where(strange, np.inf, _filled(radius))
    return PairBalls(high, low, radius)


def _divided(a: PairBalls, b: PairBalls) -> PairBalls:
    """Two digits of a long division; what is left over bounds how far they are off."""
    first = a.high / b.high
    left = _added(a, _negated(_multiplied(PairBalls(first), b)))
    second = left.high / b.high
    left = _added(left, _negated(_multiplied(PairBalls(second), b)))
    return _within(first, second, left.most, b.least)


def _root(a: PairBalls) -> PairBalls:
    """√a = m + (a − m²)/(√a + m)."""
    first = np.sqrt(a.high)
    left = _added(a, _negated(_multiplied(PairBalls(first), PairBalls(first))))
    middle = PairBalls(*_larger_first(first, left.high / (2 * first)))
    left = _added(a, _negated(_multiplied(middle, middle)))
    return _within(middle.high, middle.low, left.most, np.where(a.least > 0, middle.least, 0.0))


def _within(first: Any, second: Any, left: Any, least: Any) -> PairBalls:
    """The sum of two floats as a ball that holds all numbers no farther from it than left/least."""
    radius = np.where(least > 0, left / least, np.inf) * _UP + 2.0**-1070  # a quotient may be rounded to 0
    radius = np.where(left == 0, 0.0, radius)
    return PairBalls(*sum_of_floats(first, second), np.where(least > 0, radius, np.inf))


def _raised(a: PairBalls, n: int) -> PairBalls:
    """aⁿ for n ≥ 0, by squaring."""
    if n == 0:
        return PairBalls(np.ones(a.shape))
    found = a
    for digit in bin(n)[3:]:
        found = _multiplied(found, found)
        found = _multiplied(found, a) if digit == "1" else found
    return found


def whole_number(a: PairBalls) -> int | None:
    """The whole number, not negative, that an array without axes holds; None if it holds another one."""
    exact = a.shape == () and np.all(_filled(a.low) == 0) and np.all(_filled(a.radius) == 0)
    value = float(a.high) if exact else -1.0
    return int(value) if value >= 0 and value.is_integer() else None


def is_arithmetic(program: Program) -> bool:
    """Whether a Program is sums, products, quotients, roots, whole powers, and operations that move entries."""
    return all(
        row in _FLOAT_ROWS or isinstance(row, _MOVES) or (row is POWER and _is_whole(program.constant_at(args[1])))
        for _, row, args in program.numbered()
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


@lru_cache(maxsize=1024)
def _exactly(value: int | Fraction | Named) -> PairBalls:
    """A constant, to half a unit in the last place of the second of two floats."""
    if isinstance(value, Named) or not -_MOST < value < _MOST:
        return PairBalls(np.array(np.nan))
    parts, rest = [], Fraction(value)
    for _ in range(2):
        parts.append(float(rest))
        rest -= Fraction(parts[-1])
    left = None if not rest else np.array(_UNIT * abs(parts[1]) * _UP + 2.0**-1074)
    return PairBalls(np.array(parts[0]), np.array(parts[1]) if parts[1] else None, left)


class PairArrays:
    """The algebra of arrays of such balls; of what is not arithmetic nothing is known."""

    def constant(self, value: Constant | Data) -> PairBalls:
        """Give an exact constant or data."""
        return self.data(value.array) if isinstance(value, Data) else _exactly(value)

    def data(self, array: Any) -> PairBalls:
        """Numbers, exactly."""
        return PairBalls(np.asarray(array, dtype=float))

    def zeros(self, shape: Shape) -> PairBalls:
        """Zeros of a shape."""
        return PairBalls(np.zeros(shape))

    def shape(self, x: PairBalls) -> Shape:
        """Lengths of the axes."""
        return x.shape

    def apply(self, row: Primitive | ArrayOperation, args: Sequence[PairBalls]) -> PairBalls:
        """Give balls that hold the values of a row or an operation at the arguments."""
        check_time()
        if row is POWER and (n := whole_number(args[1])) is not None:
            return _raised(args[0], n)
        form = _PAIR_FORMS.get(row if isinstance(row, Primitive) else type(row))
        if form is None:
            assert isinstance(row, Primitive)
            return PairBalls(np.full(np.broadcast_shapes(*[x.shape for x in args]), np.nan))
        return form(*args) if isinstance(row, Primitive) else form(row, *args)


def _gathered(row: Gather, *args: PairBalls) -> PairBalls:
    """Entries of the pool, in which 0 stands in front."""
    positions = row.indices.array
    if len(args) == 1 and not row.padded:
        return args[0].mapped(lambda part: part.ravel()[positions - 1])
    return joined([PairBalls(np.zeros(1)), *args]).mapped(lambda part: part[positions])


def joined(balls: Sequence[PairBalls]) -> PairBalls:
    """Entries of some arrays one after another, flat."""
    found = []
    for parts in zip(*[x.parts for x in balls], strict=True):
        wide = [np.zeros(x.high.size) if p is None else p.ravel() for p, x in zip(parts, balls, strict=True)]
        found.append(None if all(p is None for p in parts) else np.concatenate(wide))
    return PairBalls(*found)


def summed(x: PairBalls, axes: Sequence[int]) -> PairBalls:
    """Sums over axes, in a tree: pairs of terms, pairs of these."""
    kept = [k for k in range(len(x.shape)) if k not in axes]
    shape = tuple(x.shape[k] for k in kept)
    if 0 in x.shape:
        return PairBalls(np.zeros(shape))
    found = x.mapped(lambda part: np.transpose(part, [*axes, *kept]).reshape(-1, *shape))
    while (n := len(found.high)) > 1:
        half = n // 2
        halves = [found.mapped(lambda part, s=s: part[s]) for s in (slice(half), slice(half, 2 * half))]  # type: ignore[misc]
        odd = found.mapped(lambda part, n=n: part[n - 1 :])  # type: ignore[misc]
        found = _added(*halves)
        if n % 2:
            found = joined([found, odd]).mapped(lambda part: part.reshape(-1, *shape))
    return found.mapped(lambda part: part[0])


def _scaled(_: Scaled, a: PairBalls, b: PairBalls) -> PairBalls:
    """The product, zero where the first factor is."""
    zero, found = a.exactly_zero, _multiplied(a, b)
    return found.mapped(lambda part: np.where(zero, 0.0, part)) if np.any(zero) else found


_PAIR_FORMS: dict[Any, Callable[..., PairBalls]] = {
    ADD: _added,
    SUB: lambda a, b: _added(a, _negated(b)),
    NEG: _negated,
    MUL: _multiplied,
    DIV: _divided,
    SQRT: _root,
    Gather: _gathered,
    Reshape: lambda row, x: x.mapped(lambda part: part.reshape(row.new)),
    Spread: lambda row, x: x.mapped(lambda part: np.broadcast_to(part, row.new)),
    Total: lambda row, x: summed(x, row.axes),
    Scaled: _scaled,
}

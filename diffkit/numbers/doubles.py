"""Double-double numbers: a value and what its rounding left out, carried through a program in plain binary64.

A number is an unevaluated sum high + low with high = fl(high + low). + − × ÷ √ and small whole powers keep about
104 bits, because their own rounding errors are floats too and can be computed (Dekker, Numerische Mathematik 18
(1971) 224-242; Ogita, Rump & Oishi, SIAM J. Sci. Comput. 26 (2005) 1955-1988). Any other row is evaluated at the
high parts, and the low parts follow by its own slope: f(x + e) = f(x) + f′(x)·e, the correction to first order of
Langlois, BIT 41 (2001) 515-539. So an answer has the rounding errors of the elementary functions and of its last
digit, and no others.

One set of formulas serves Python floats (``DOUBLES``) and NumPy arrays (``array_doubles()``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from diffkit.core.program import Algebra, Constant, Named
from diffkit.core.rules import by_definition, by_rule, partial
from diffkit.core.table import DIV, GE, LE, POWER, SQRT, Primitive, table
from diffkit.numbers.floats import FLOATS, to_float

_LOW_PARTS = {"pi": 1.2246467991473532e-16, "e": 1.4456468917292502e-16}
"""π and e beyond their binary64, correctly rounded"""
LOST_SHARE = 2.0**-96  # part of its terms below which a sum is noise: the rounding of pairs, with some bits to spare
_SPLITTER = 2.0**27 + 1
LARGEST_CHAIN = 64  # whole exponents up to which a power is a chain of products
FLOOR = table.one(pairs="whole_below")
Pair = tuple[Any, Any]


def two_sum(x: Any, y: Any) -> Pair:
    """The sum and its rounding error, exactly (Ogita, Rump & Oishi, algorithm 3.1, after Knuth)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def two_product(x: Any, y: Any) -> Pair:
    """The product and its rounding error, exactly within the range (algorithms 3.2 and 3.3, after Dekker)."""
    product = x * y
    scaled = _SPLITTER * x
    x_high = scaled - (scaled - x)
    x_low = x - x_high
    scaled = _SPLITTER * y
    y_high = scaled - (scaled - y)
    y_low = y - y_high
    return product, x_low * y_low - (((product - x_high * y_high) - x_low * y_high) - x_high * y_low)


@lru_cache(maxsize=4096)
def _nearest_pair(value: Constant) -> Pair:
    """Give the pair nearest to an exact constant."""
    high = to_float(value)
    if isinstance(value, Named):
        return high, _LOW_PARTS[value.name]
    return high, to_float(value - Fraction(high)) if math.isfinite(high) else 0.0


class DoublesAlgebra:
    """Pairs (high, low) over plain floats; truth values stay as they are. Never raises."""

    def __init__(self, base: Algebra = FLOATS):
        self.base = base
        self.rules: dict[Primitive, Callable[..., Any]] = {
            row: getattr(self, f"_{row.pairs}") for row in table if isinstance(row.pairs, str)
        }
        self.rules.update({row: self._comparison(row) for row in table if row.truth and not row.truths})

    def number(self, value: Any) -> Pair:
        """Give a float, which is exact."""
        return value, 0.0

    def constant(self, value: Constant) -> Pair:
        """Give an exact constant to 106 bits."""
        return _nearest_pair(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the pair of a row; where a correction is not finite the plain value stands."""
        rule = self.rules.get(primitive)
        if rule is not None:
            return rule(*args)
        if callable(primitive.pairs):
            return by_rule(primitive.pairs, self, args)
        return self.first_order(primitive, args)

    def first_order(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """f(high) + Σ ∂f/∂xᵢ(high)·lowᵢ."""
        if primitive.truths:
            return self.base.apply(primitive, args)
        if primitive.floats is None:
            return by_definition(primitive, self, args)
        values = [high for high, _ in args]
        answer = self.base.apply(primitive, values)
        correction: Any = 0.0
        for index, (_, low) in enumerate(args):
            if primitive.partials[index] is not None and self.matters(low):
                correction = correction + partial(primitive, index).at(self.base, values, answer) * low
        return self.settle(answer, correction)

    def carries(self, primitive: Primitive, args: Sequence[Any]) -> bool:
        """Whether a row's own formula keeps both parts at these arguments."""
        if primitive is not POWER:
            return primitive in self.rules
        high, low = args[1]
        plain = isinstance(high, float) and abs(high) <= LARGEST_CHAIN and not self.matters(low)
        return plain and (2.0 * high).is_integer()

    # What depends on the base: one number at a time -----------------------------------------------------------------

    def matters(self, low: Any) -> bool:
        """Whether there is anything to correct by."""
        return bool(low != 0.0)

    def product(self, x: Any, y: Any) -> Pair:
        """The product and its rounding error."""
        return two_product(x, y)

    def settle(self, value: float, correction: float) -> Pair:
        """Their sum as a pair; the value alone where the correction is not finite."""
        high = value + correction
        if high - high != 0.0:  # not finite
            return value, 0.0
        return high, correction - (high - value)

    def unless_lost(self, total: Pair, term: float) -> Pair:
        """A sum, or zero where it is nothing but what the pairs of its terms have rounded: x/3·3 − x is a tie."""
        return (0.0, 0.0) if abs(total[0]) < LOST_SHARE * abs(term) else total

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """x where the condition holds, else y."""
        return x if condition else y

    # Rows with formulas of their own --------------------------------------------------------------------------------

    def _add(self, x: Pair, y: Pair) -> Pair:
        total, error = two_sum(x[0], y[0])
        low = x[1] + y[1]
        found = self.settle(total, error + low)
        return self.unless_lost(found, x[0]) if self.matters(low) else found

    def _sub(self, x: Pair, y: Pair) -> Pair:
        return self._add(x, (-y[0], -y[1]))

    def _mul(self, x: Pair, y: Pair) -> Pair:
        product, error = self.product(x[0], y[0])
        return self.settle(product, error + (x[0] * y[1] + x[1] * y[0]))

    def _div(self, x: Pair, y: Pair) -> Pair:
        """The quotient of the high parts, and what x − quotient·y leaves."""
        quotient = self._plain_div(x[0], y[0])
        product, error = self.product(quotient, y[0])
        rest = (x[0] - product) - error + (x[1] - quotient * y[1])
        return self.settle(quotient, self._plain_div(rest, y[0]))

    def _sqrt(self, x: Pair) -> Pair:
        """One Newton step from the root of the high part: x − root² is a float."""
        root = self.base.apply(SQRT, (x[0],))
        square, error = self.product(root, root)
        return self.settle(root, self._plain_div((x[0] - square) - error + x[1], 2.0 * root))

    def _power(self, x: Pair, y: Pair) -> Pair:
        """A chain of products for a multiple of ½, so that x^(3/2) = √x³; any other exponent to first order."""
        if not self.carries(POWER, (x, y)):
            return self.first_order(POWER, (x, y))  # type: ignore[no-any-return]
        count = abs(int(2.0 * y[0]))
        if y[0] < 0.0:
            x = self._div((1.0, 0.0), x)
        return self._chain(self._sqrt(x), count) if count % 2 else self._chain(x, count // 2)

    def _chain(self, x: Pair, count: int) -> Pair:
        if count == 0:
            return 1.0, 0.0
        if count == 1:
            return x
        half = self._chain(x, count // 2)
        square = self._mul(half, half)
        return self._mul(square, x) if count % 2 else square

    def _neg(self, x: Pair) -> Pair:
        return -x[0], -x[1]

    def _abs(self, x: Pair) -> Pair:
        return abs(x[0]), self.choose(x[0] < 0.0, -x[1], x[1])

    def _whole_below(self, x: Pair) -> Pair:
        """One less where the high part is whole and the low part is negative."""
        whole = self.base.apply(FLOOR, (x[0],))
        return self.settle(whole, self.choose((whole == x[0]) & (x[1] < 0.0), -1.0, 0.0))

    def _whole_above(self, x: Pair) -> Pair:
        return self._neg(self._whole_below(self._neg(x)))

    def _where(self, condition: Any, x: Pair, y: Pair) -> Pair:
        return self.choose(condition, x[0], y[0]), self.choose(condition, x[1], y[1])

    def _max(self, x: Pair, y: Pair) -> Pair:
        return self._where(self.apply(GE, (x, y)) | (x[0] != x[0]), x, y)

    def _min(self, x: Pair, y: Pair) -> Pair:
        return self._where(self.apply(LE, (x, y)) | (x[0] != x[0]), x, y)

    def _relu(self, x: Pair) -> Pair:
        return self._max(x, (0.0, 0.0))

    def _comparison(self, primitive: Primitive) -> Callable[..., Any]:
        """The high parts decide, or the low parts where those are equal."""
        plain = self.base.apply
        return lambda x, y: self.choose(x[0] == y[0], plain(primitive, (x[1], y[1])), plain(primitive, (x[0], y[0])))

    def _plain_div(self, x: Any, y: Any) -> Any:
        return self.base.apply(DIV, (x, y))


class _ArrayDoubles(DoublesAlgebra):
    """Pairs of NumPy arrays; a low part that is the float 0.0 says that all are exact."""

    def __init__(self) -> None:
        from diffkit.numbers.arrays import ARRAYS

        super().__init__(ARRAYS)

    def matters(self, low: Any) -> bool:
        """Whether there is anything to correct by: an array is rarely all zeros."""
        return not isinstance(low, float) or low != 0.0

    def settle(self, value: Any, correction: Any) -> Pair:
        """Their sum as a pair, elementwise."""
        import numpy as np

        high = value + correction
        finite = np.isfinite(high)
        if not np.all(finite):
            high, correction = np.where(finite, high, value), np.where(finite, correction, 0.0)
            return high, np.where(finite, correction - (high - value), 0.0)
        return high, correction - (high - value)

    def unless_lost(self, total: Pair, term: Any) -> Pair:
        """A sum, or zero where it is nothing but rounding, elementwise."""
        import numpy as np

        lost = np.abs(total[0]) < LOST_SHARE * np.abs(term)
        return (np.where(lost, 0.0, total[0]), np.where(lost, 0.0, total[1])) if np.any(lost) else total

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """x where the condition holds, else y, elementwise."""
        import numpy as np

        return np.where(condition, x, y)


DOUBLES = DoublesAlgebra()


@cache
def array_doubles() -> _ArrayDoubles:
    """Give the algebra over arrays, made when first wanted."""
    return _ArrayDoubles()

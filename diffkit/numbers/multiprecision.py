"""The multiprecision algebra: mpmath numbers with as many digits as asked for.

mpmath computes an exponential of any size, and e^(e^37) is enough to exhaust memory; so arguments are bounded
here before mpmath sees them, and beyond the bound the answer is NaN: unknown, never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import mpmath
from mpmath.libmp import ComplexResult, NoConvergence

from diffkit.core.program import Constant, Named
from diffkit.core.rules import by_definition
from diffkit.core.table import Primitive

_EXPONENT_BITS = 60  # |x| < 2^60 before anything grows exponentially


class _MultiprecisionAlgebra:
    """Real mpmath numbers with ``digits`` decimal digits."""

    def __init__(self, digits: int):
        self.context = mpmath.MPContext()
        self.context.dps = digits

    def constant(self, value: Constant) -> Any:
        """Give the nearest number of the working precision."""
        if isinstance(value, Named):
            return +getattr(self.context, value.name)
        return self.context.mpf(value.numerator) / value.denominator

    def number(self, value: float) -> Any:
        """Give a float exactly."""
        return self.context.mpf(value)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the value of a row; NaN outside its real domain or beyond what is safe to compute."""
        context = self.context
        if any(a is not True and a is not False and not context.isfinite(a) for a in args):
            return self._with_nonfinite(primitive, args)
        most = primitive.exponent
        if most is not None and any(context.mag(a) > most for a in args if a):
            return context.nan
        if primitive.name == "power":
            return self._power(*args)
        form = primitive.mpmath
        if form is None:
            return by_definition(primitive, self, args)
        try:
            answer = getattr(context, form)(*args) if isinstance(form, str) else form(context, *args)
        except ZeroDivisionError:
            if primitive.name == "div":
                return context.nan if args[0] == 0 else context.inf * context.sign(args[0])
            return context.inf
        except (ValueError, ComplexResult, NoConvergence, OverflowError, TypeError):
            return context.nan
        return answer if isinstance(answer, (context.mpf, bool)) else context.nan

    def _with_nonfinite(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Infinities only pass through choices, comparisons and signs; elsewhere the answer is unknown."""
        form = primitive.mpmath
        if primitive.truth or primitive.name == "where":
            return form(self.context, *args) if callable(form) else self.context.nan
        if primitive.name in ("max", "min", "neg") and not any(map(self.context.isnan, args)):
            return form(self.context, *args) if callable(form) else self.context.nan
        return self.context.nan

    def _power(self, x: Any, y: Any) -> Any:
        context = self.context
        whole = context.isint(y)
        if x == 0:
            return context.mpf(1) if y == 0 else context.mpf(0) if y > 0 else context.inf
        if x < 0 and not whole:
            return context.nan
        if context.mag(y) > _EXPONENT_BITS or abs(y) * max(1, abs(context.mag(x))) > 2**_EXPONENT_BITS:
            return context.nan
        if x < 0:
            size = context.power(-x, y)
            return -size if int(y) % 2 else size
        return context.power(x, y)


@lru_cache(maxsize=8)
def multiprecision(digits: int) -> _MultiprecisionAlgebra:
    """Give the algebra of that many digits."""
    return _MultiprecisionAlgebra(digits)

"""Truncated Taylor series over any base algebra, in one direction, from first-derivative rules alone.

If y = f(u, …) then y′ = Σ ∂f/∂uᵢ·uᵢ′, hence k·yₖ = Σᵢ Σⱼ j·uᵢⱼ·(∂f/∂uᵢ)ₖ₋ⱼ (Griewank & Walther, Evaluating
Derivatives, 2nd ed., section 13.2). The series of ∂f/∂u comes from the same table, asked one order lower; since
coefficients are computed when first wanted, sine may ask cosine and cosine sine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.deadline import check_time
from diffkit.core.program import Algebra, Constant, Named, run
from diffkit.core.rules import by_definition, partial
from diffkit.core.table import ADD, DIV, MUL, NEG, POWER, SUB, WHERE, Primitive, table


class Series:
    """A series whose coefficients are computed when first asked for; None is an absent (strong) zero.

    Coefficient k is made from those of the ``parts`` up to k + ``ahead``. As a sum of a thousand terms is a thousand
    deep, parts are extended along a stack, the deepest first; Python's own stack is left to the rules, which are flat.
    """

    parts: Sequence[Series] = ()
    ahead = 0
    degree: float = math.inf
    """the last coefficient that may be there, where that is known"""

    def __init__(self, algebra: TaylorAlgebra, first: Any):
        self.algebra = algebra
        self.known: list[Any] = [first]

    def coefficient(self, k: int) -> Any:
        """Coefficient of tᵏ in the base algebra, or None."""
        stack = [(self, k)] if len(self.known) <= k else []
        while stack:
            series, n = stack[-1]
            first = n + series.ahead
            waiting = [] if len(series.known) > n else [(p, first) for p in series.parts if len(p.known) <= first]
            if waiting:
                stack += reversed(waiting)
                continue
            check_time()
            while len(series.known) <= n:
                series.known.append(series.compute(len(series.known)))
            stack.pop()
        return self.known[k]

    def compute(self, k: int) -> Any:  # noqa: ARG002
        """Coefficient k ≥ 1, all lower ones and what it needs of the parts being known."""
        return None

    @property
    def is_constant(self) -> bool:
        """Whether it is a constant by construction."""
        return type(self) is Series


class Exact(Series):
    """A constant whose exact value is known."""

    def __init__(self, algebra: TaylorAlgebra, value: Constant):
        super().__init__(algebra, algebra.base.constant(value))
        self.value = value

    @property
    def is_constant(self) -> bool:
        """Always."""
        return True


class _Variable(Series):
    """x + t."""

    degree = 1

    def compute(self, k: int) -> Any:
        """1, then nothing."""
        return self.algebra.base.constant(1) if k == 1 else None


class _Linear(Series):
    """x ± y and −x, coefficient by coefficient."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, primitive: Primitive, args: Sequence[Series]):
        super().__init__(algebra, first)
        self.primitive, self.parts = primitive, args
        self.degree = max(0 if part.is_constant else part.degree for part in args)

    def compute(self, k: int) -> Any:
        """Apply the operation to the coefficients of order k."""
        apply = self.algebra.base.apply
        terms = [a.coefficient(k) for a in self.parts]
        if self.primitive is NEG or terms[0] is None:
            term = terms[-1]
            return term if term is None or self.primitive is ADD else apply(NEG, (term,))
        return terms[0] if terms[1] is None else apply(self.primitive, terms)


class _ProductSeries(Series):
    """x·y by convolution."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, x: Series, y: Series):
        super().__init__(algebra, first)
        self.x, self.y = self.parts = x, y
        self.degree = sum(0 if part.is_constant else part.degree for part in self.parts)

    def compute(self, k: int) -> Any:
        """Σ xⱼ·yₖ₋ⱼ."""
        return self.algebra.total(
            self.algebra.times(self.x.coefficient(j), self.y.coefficient(k - j)) for j in range(k + 1)
        )


class _QuotientSeries(Series):
    """x/y by the recurrence q·y = x."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, x: Series, y: Series):
        super().__init__(algebra, first)
        self.x, self.y = self.parts = x, y

    def compute(self, k: int) -> Any:
        """(xₖ − Σ_{j<k} qⱼ·yₖ₋ⱼ)/y₀."""
        algebra = self.algebra
        rest = algebra.total(algebra.times(self.known[j], self.y.coefficient(k - j)) for j in range(k))
        over = algebra.minus(self.x.coefficient(k), rest)
        return None if over is None else algebra.base.apply(DIV, (over, self.y.coefficient(0)))


class _Composite(Series):
    """f(x, …) by the series of its partials."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, primitive: Primitive, args: Sequence[Series]):
        super().__init__(algebra, first)
        self.primitive, self.parts = primitive, args
        self.slopes: list[tuple[Series, Series]] | None = None

    def compute(self, k: int) -> Any:
        """(1/k)·Σᵢ Σⱼ j·xᵢⱼ·pᵢ,ₖ₋ⱼ."""
        algebra = self.algebra
        if self.slopes is None:
            self.slopes = [
                (arg, run(partial(self.primitive, i).program, algebra, [*self.parts, self])[0])
                for i, arg in enumerate(self.parts)
                if self.primitive.partials[i] is not None and not arg.is_constant
            ]
        terms = (
            algebra.times(algebra.scale(arg.coefficient(j), Fraction(j, k)), slope.coefficient(k - j))
            for arg, slope in self.slopes
            for j in range(1, k + 1)
            if arg.coefficient(j) is not None
        )
        return algebra.total(terms)


class _Choice(Series):
    """where(c, x, y): the coefficients of the chosen side."""

    def __init__(self, algebra: TaylorAlgebra, first: Any, condition: Any, x: Series, y: Series):
        super().__init__(algebra, first)
        self.condition = condition
        self.x, self.y = self.parts = x, y

    def compute(self, k: int) -> Any:
        """Select between the coefficients of order k."""
        x, y = self.x.coefficient(k), self.y.coefficient(k)
        if x is None and y is None:
            return None
        zero = self.algebra.base.constant(0)
        return self.algebra.base.apply(WHERE, (self.condition, zero if x is None else x, zero if y is None else y))


class TaylorAlgebra:
    """Series in one direction over ``base``."""

    def __init__(self, base: Algebra):
        self.base = base
        self.memo: dict[Any, Series] = {}

    def constant(self, value: Constant) -> Series:
        """Give an exact constant."""
        key = ("constant", value)
        return self.memo.setdefault(key, Exact(self, value))

    def lift(self, value: Any) -> Series:
        """Give a series without higher coefficients."""
        return Series(self, value)

    def variable(self, value: Any) -> Series:
        """Give value + t."""
        return _Variable(self, value)

    def apply(self, primitive: Primitive, args: Sequence[Series]) -> Series:
        """Give the series of a primitive; the same series for the same arguments."""
        key = (primitive, *args)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self._series(primitive, args)
        return found

    def _series(self, primitive: Primitive, args: Sequence[Series]) -> Series:
        exact = [a.value if isinstance(a, Exact) and not isinstance(a.value, Named) else None for a in args]
        if primitive.fold is not None and None not in exact:
            folded = primitive.fold(*exact)  # n + 1 stays exact, so that orders and exponents are recognised
            if folded is not None:
                return self.constant(folded)
        exponent = exact[1] if primitive is POWER else None
        if exponent is not None and exponent.denominator == 1 and 0 <= exponent <= 64:
            return self._whole_power(args[0], int(exponent))
        first = self.base.apply(primitive, [a.coefficient(0) for a in args])
        if primitive.steps or all(a.is_constant for a in args):
            return Series(self, first)
        return self._moving(primitive, first, args)

    def _moving(self, primitive: Primitive, first: Any, args: Sequence[Series]) -> Series:
        """The series of a row of arguments that move, by its value at the point."""
        if primitive in (ADD, SUB, NEG):
            return _Linear(self, first, primitive, args)
        if primitive is MUL:
            return _ProductSeries(self, first, args[0], args[1])
        if primitive is DIV:
            return _QuotientSeries(self, first, args[0], args[1])
        if primitive is WHERE:
            return _Choice(self, first, args[0].coefficient(0), args[1], args[2])
        if primitive.pushforward is not None:  # max and min select a side as where does
            larger = table["ge" if primitive.name == "max" else "le"]
            return self.apply(WHERE, (self.apply(larger, args), *args))
        if primitive.definition is not None and primitive.floats is None and primitive.removable is None:
            return by_definition(primitive, self, args)  # type: ignore[no-any-return]
        return _Composite(self, first, primitive, args)

    def _whole_power(self, x: Series, n: int) -> Series:
        """x·x·… by squaring: exact where x is zero."""
        if n == 0:
            return self.constant(1)
        half = self._whole_power(x, n // 2) if n > 1 else None
        square = x if half is None else self.apply(MUL, (half, half))
        return self.apply(MUL, (square, x)) if n > 1 and n % 2 else square

    def times(self, x: Any, y: Any) -> Any:
        """x·y with absent zeros."""
        return None if x is None or y is None else self.base.apply(MUL, (x, y))

    def scale(self, x: Any, factor: Fraction) -> Any:
        """x times an exact number."""
        return x if x is None or factor == 1 else self.base.apply(MUL, (self.base.constant(factor), x))

    def minus(self, x: Any, y: Any) -> Any:
        """x − y with absent zeros."""
        if y is None:
            return x
        return self.base.apply(NEG, (y,)) if x is None else self.base.apply(SUB, (x, y))

    def total(self, terms: Any) -> Any:
        """Sum with absent zeros."""
        answer = None
        for term in terms:
            if term is not None:
                answer = term if answer is None else self.base.apply(ADD, (answer, term))
        return answer

"""Germs as numbers in order, which the coefficients of other germs may be.

Where x moves by s and y by t, and s is smaller than any power of t, f is a series in s whose coefficients are germs in
t: one variable is moved after the other, as iterated derivatives are taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffkit.algebras.constants import Undecided
from diffkit.algebras.germs.functions import GermAlgebra
from diffkit.algebras.germs.model import Germ, Missing, Unknown
from diffkit.algebras.taylor import Exact
from diffkit.primitives import Primitive, table
from diffkit.program import Constant

SUB = table["sub"]
NO_VALUE = "it has no value beside the point"


class GermNumbers:
    """Germs to one side of a point: one is larger than another if it is for all small distances."""

    def __init__(self, algebra: GermAlgebra):
        self.algebra = algebra
        self.depth = algebra.numbers.depth + 1
        self.known: dict[Any, Any] = {}
        """what was made of germs; the same is the same again"""

    def constant(self, value: Constant) -> Germ:
        """Give an exact constant."""
        return self.algebra.constant(value)

    def number(self, value: float | int | Fraction) -> Germ:
        """Give an exact number."""
        return self.algebra.constant(Fraction(value))

    def lift(self, x: Any) -> Germ:
        """Give a number that the germs are germs over."""
        return self.algebra.number(x)

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a row at germs and truths."""
        key = (primitive, *args)
        if key not in self.known:
            self.known[key] = self.algebra.apply(primitive, args)
        found = self.known[key]
        if isinstance(found, Unknown):
            raise Undecided(found.reason, found.where)
        if isinstance(found, Missing):
            raise Undecided(NO_VALUE)
        return found

    def exact(self, x: Germ) -> Constant | None:
        """The exact constant that a germ is, if it is known as one."""
        return x.series.value if isinstance(x.series, Exact) and x.shift == 0 and x.order == math.inf else None

    def sign(self, x: Germ) -> int:
        """−1, 0 or 1 for all small distances."""
        return self.algebra.sign(x)

    def equal(self, x: Germ, y: Germ) -> bool:
        """Whether two germs are proven the same, or proven different."""
        return x is y or self.sign(self.apply(SUB, (x, y))) == 0

    def floor(self, x: Germ) -> int:
        """Largest integer not above a germ."""
        at = self.algebra.limit(x)
        if at is None:
            raise Undecided(NO_VALUE)
        whole = self.algebra.numbers.floor(at)
        on_it = self.algebra.numbers.equal(at, self.algebra.numbers.number(whole))
        return whole - (on_it and self.sign(self.apply(SUB, (x, self.number(whole)))) < 0)

"""Germs as numbers in order, which the coefficients of other germs may be.

Where x moves by s and y by t, and s is smaller than any power of t, f is a series in s whose coefficients are germs in
t: one variable is moved after the other, as iterated derivatives are taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffkit.core.builder import ProgramBuilder
from diffkit.core.program import Constant
from diffkit.core.table import Primitive, table
from diffkit.numbers.constants import Undecided
from diffkit.numbers.field import vanishes_beside
from diffkit.numbers.germs.composition import GermAlgebra
from diffkit.numbers.germs.germ import Germ, Missing, Unknown
from diffkit.numbers.taylor import Exact

ADD, SUB, POWER = table["add"], table["sub"], table["power"]
CHOICES = (table["where"], table["max"], table["min"])
NO_VALUE = "it has no value beside the point"


class GermNumbers:
    """Germs to one side of a point: one is larger than another if it is for all small distances.

    A germ that is made from others has a closed form too, in one builder with an input for every distance, by which
    exact algebra proves that two are the same.
    """

    def __init__(self, algebra: GermAlgebra):
        self.algebra = algebra
        self.depth = algebra.numbers.depth + 1
        self.builder: ProgramBuilder = algebra.numbers.builder
        self.distance = f"t{self.depth}"
        self.known: dict[Any, Any] = {}
        """what was made of germs; the same is the same again"""
        self.forms: dict[Germ, int] = {}
        """closed forms, as slots of the builder"""

    # Making germs -----------------------------------------------------------------------------------------------

    def constant(self, value: Constant) -> Germ:
        """Give an exact constant."""
        return self._with_form(self.algebra.constant(value), self.builder.constant(value))

    def number(self, value: float | int | Fraction) -> Germ:
        """Give an exact number."""
        return self.constant(Fraction(value))

    def lift(self, x: Any) -> Germ:
        """Give a number that the germs are germs over."""
        return self._with_form(self.algebra.number(x), self.algebra.numbers.form(x))

    def moving(self, x: Any) -> Germ:
        """Give what moves away from such a number."""
        form, q = self.algebra.numbers.form(x), self.builder.constant(self.algebra.q)
        step = self.builder.apply(POWER, (self.builder.input(self.distance), q))
        moved = None if form is None else self.builder.apply(ADD if self.algebra.side > 0 else SUB, (form, step))
        return self._with_form(self.algebra.moving(x), moved)

    def _with_form(self, germ: Germ, form: int | None) -> Germ:
        if form is not None:
            self.forms[germ] = form
        return germ

    def form(self, x: Germ) -> int | None:
        """The closed form of a germ, if it has one."""
        return self.forms.get(x)

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
        if isinstance(found, Germ) and found not in self.forms:
            self._with_form(found, self._form_of(primitive, args, found))
        return found

    def _form_of(self, primitive: Primitive, args: Sequence[Any], found: Germ) -> int | None:
        """The closed form of what a row gives; of what it chooses, where it is a choice."""
        if (value := self.exact(found)) is not None:
            return self.builder.constant(value)
        chosen = next((arg for arg in args if arg is found), None)
        if chosen is not None:
            return self.forms.get(chosen)
        if primitive in CHOICES or found.series is None or any(place.kind == "jump" for place in primitive.places):
            return None
        forms = [self.forms.get(arg) for arg in args]
        return None if None in forms else self.builder.apply(primitive, forms)  # type: ignore[arg-type]

    # Reading them -----------------------------------------------------------------------------------------------

    def exact(self, x: Germ) -> Constant | None:
        """The exact constant that a germ is, if it is known as one."""
        return x.series.value if isinstance(x.series, Exact) and x.shift == 0 and x.order == math.inf else None

    def sign(self, x: Germ) -> int:
        """−1, 0 or 1 for all small distances."""
        try:
            return self.algebra.sign(x)
        except Undecided:
            if self._vanishes(x):
                return 0
            raise

    def _vanishes(self, x: Germ) -> bool:
        """Whether exact algebra proves a germ to be zero by its closed form."""
        form = self.forms.get(x)
        if form is None:
            return False
        distances = [f"t{depth + 1}" for depth in range(self.depth)]
        return vanishes_beside(self.builder.program([form], distances))

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

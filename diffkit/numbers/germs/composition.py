"""Functions of germs: Taylor series, limits and identities; and germs as numbers for the coefficients of others.

Where x moves by s and y by t, and s is smaller than any power of t, f is a series in s whose coefficients are germs in
t: one variable is moved after the other, as iterated derivatives are taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from diffkit.core.builder import ProgramBuilder
from diffkit.core.errors import LimitError
from diffkit.core.program import Constant, run
from diffkit.core.rules import by_definition, by_rule, trace
from diffkit.core.table import ADD, CHOOSING_ROWS, POWER, SUB, Place, Primitive
from diffkit.numbers.constants import Undecided
from diffkit.numbers.field import vanishes_beside
from diffkit.numbers.germs.germ import FLAT_ORDER, WILD, Germ, Missing, UnknownGerm, huge, slow
from diffkit.numbers.germs.operations import Arithmetic
from diffkit.numbers.taylor import Exact

_NUMBERED_POLES = 60  # recursion of the gamma family towards its poles


class GermAlgebra(Arithmetic):
    """Germs to one side of a point, over numbers."""

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the germ of a row, or Missing where the side has no value."""
        if primitive.name == "where" and isinstance(args[0], bool):
            return args[1] if args[0] else args[2]
        for kind in (Missing, UnknownGerm):  # what has no value on this side has none, whatever else is not known
            for arg in args:
                if isinstance(arg, kind):
                    return arg
        found: Any
        if primitive.truth:
            found = primitive.floats(*args) if primitive.truths else self._compare(primitive, *args)  # type: ignore[misc]
        elif primitive.germ:
            found = getattr(self, f"_{primitive.germ}")(primitive, *args)
        elif primitive.definition is not None and any(place.kind == "kink" for place in primitive.special):
            found = by_definition(primitive, self, args)  # which takes a side
        else:
            found = self._analytic(primitive, args)
        rough = isinstance(found, Germ) and any(isinstance(arg, Germ) and arg.rough for arg in args)
        return replace(found, rough=True) if rough else found

    def _merely_bounded(self) -> Germ:
        """What is O(1), and may oscillate."""
        self.events[self.slot] = "bounded"
        return Germ(0, None, 0, rough=True)

    def _analytic(self, primitive: Primitive, args: Sequence[Germ]) -> Any:
        """Compose where the row is analytic at the limits of its arguments; by a rule of its own where it is not."""
        try:
            limits = [self.limit(germ) for germ in args]
        except Undecided:
            held = all(place.kind == "kink" for place in primitive.special) and all(self.bound(x) >= 0 for x in args)
            if held or _is_bounded(primitive):
                return self._merely_bounded()  # as what is continuous is on what is bounded
            raise
        if any(at is None for at in limits):
            return self._at_infinity(primitive, args)
        at_a_place = False
        for place in primitive.special:
            sign = self._sign_at(place, limits)
            if place.kind == "edge" and sign < 0:
                return Missing(self.slot, "is outside its domain, which ends at")
            at_a_place |= sign == 0
        if at_a_place:
            return self._irregular(primitive, args, limits)
        order = min(germ.order for germ in args)
        if any(germ.series is None for germ in args):  # f(a + O(u^n)) = f(a) + O(u^n)
            series = [self.taylor.lift(at) if g.series is None else self.whole(g)
                      for at, g in zip(limits, args, strict=True)]  # fmt: skip
        else:
            series = [self.whole(g) for g in args]
        return Germ(0, self.taylor.apply(primitive, series), order)

    def _sign_at(self, place: Place, limits: Sequence[Any]) -> int:
        """The sign of the margin of a place at limits."""
        return self.numbers.sign(run(trace(place.margin, len(limits)), self.numbers, limits)[0])

    def _at_infinity(self, primitive: Primitive, args: Sequence[Germ]) -> Any:
        """Where an argument tends to infinity: outside the domain, or by the row's growth."""
        self.events[self.slot] = "place"
        for place in primitive.places:
            margin = run(trace(place.margin, len(args)), self, args)[0] if place.kind == "edge" else None
            if isinstance(margin, Germ) and self.sign(margin) < 0:
                return Missing(self.slot, "is outside its domain, which ends at")
        x = args[-1]
        if x.slow and (primitive.tails or _is_bounded(primitive)):
            return self._merely_bounded() if primitive.bounded else WILD
        if primitive.tails:
            self.events[self.slot] = sign = self.sign(x)
            return self._tail(primitive.tails[sign > 0])
        rule = primitive.growth or primitive.definition
        if rule is None and _is_bounded(primitive):
            self.events[self.slot] = self.sign(x)
            return Germ(0, None, 0, rough=True)
        return WILD if rule is None else by_rule(rule, self, args)

    def _tail(self, at: float) -> Germ:
        """What is reached at infinity faster than any power."""
        if math.isinf(at):
            return huge(1 if at > 0 else -1)
        return replace(self.constant(int(at)), order=FLAT_ORDER) if at else Germ(0, None, FLAT_ORDER)

    def _irregular(self, primitive: Primitive, args: Sequence[Germ], limits: Sequence[Any]) -> Any:
        """At an edge or a pole of the row: by an identity that moves the special place elsewhere."""
        self.events[self.slot] = "place"
        rule = primitive.moved or primitive.definition
        if primitive.away is not None:
            rule = primitive.away(self._pole(limits[-1]))
        return WILD if rule is None else by_rule(rule, self, args)

    def _logarithm(self, primitive: Primitive, x: Germ) -> Any:
        """At 0 and at infinity log x tends to ±∞ more slowly than any power."""
        at = self.limit(x)
        if at is not None and self.numbers.sign(at) != 0:
            return self._analytic(primitive, [x])
        self.events[self.slot] = "place"
        if x.huge > 0:
            return WILD
        sign = self.sign(x)
        if sign < 0:
            return Missing(self.slot, "is outside its domain, which ends at")
        return slow(1 if at is None else -1) if sign else Missing(self.slot, "has no value where")

    def _pole(self, at: Any) -> int:
        """The number of a pole at 0, −1, −2, …"""
        n: int = -self.numbers.floor(at)
        if n > _NUMBERED_POLES:
            raise Undecided(f"poles beyond the {_NUMBERED_POLES}th are not looked at")
        return n


def _is_bounded(primitive: Primitive) -> bool:
    """Whether a row is bounded, and defined everywhere."""
    return primitive.bounded and not primitive.special


_NO_VALUE_BESIDE = "it has no value beside the point"


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
        if isinstance(found, UnknownGerm):
            raise Undecided(found.reason, found.where)
        if isinstance(found, Missing):
            raise Undecided(_NO_VALUE_BESIDE)
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
        if (
            primitive in CHOOSING_ROWS
            or found.series is None
            or any(place.kind == "jump" for place in primitive.places)
        ):
            return None
        forms = [self.forms.get(arg) for arg in args]
        try:
            return None if None in forms else self.builder.apply(primitive, forms)  # type: ignore[arg-type]
        except LimitError:  # an exponent of 1e200
            return None

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
            raise Undecided(_NO_VALUE_BESIDE)
        whole = self.algebra.numbers.floor(at)
        on_it = self.algebra.numbers.equal(at, self.algebra.numbers.number(whole))
        return whole - (on_it and self.sign(self.apply(SUB, (x, self.number(whole)))) < 0)

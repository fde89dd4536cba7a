"""Balls: midpoints with rigorous radii (Arb, by python-flint), power series of balls, and what a ball rounds to.

Every operation encloses the exact result for every choice of reals inside its arguments (Johansson, Arb: efficient
arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Comput. 66, 2017). Working precision and series
length belong to the process in python-flint, so whoever computes holds the lock of ``precision``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Inexact
from fractions import Fraction
from functools import cache, partial
from threading import RLock
from typing import Any, NamedTuple

import flint
from flint import arb, arb_series, ctx, fmpq

from diffkit.core.errors import RuleError
from diffkit.core.program import Algebra, Constant, Emitted, Named, run
from diffkit.core.rules import by_definition, trace
from diffkit.core.table import Primitive, Rule, ball_forms

_LOCK = RLock()
_RADII_APART = 16  # radii that a ball keeps from a removable point for a plain quotient
_SMALL = 2**32  # whole numbers that are exact at every precision
_MOST_ZEROS = 8  # times that the parts of a quotient vanish together
_LONGEST_FRACTION = 2**16  # bits before or after the point of what is written as a fraction
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
}  # fmt: skip


class precision:
    """Compute, ``with precision(bits, length):``, at a working precision in bits with series of that many terms."""

    __slots__ = ("before", "bits", "length")

    def __init__(self, bits: int, length: int = 1):
        self.bits, self.length = bits, length

    def __enter__(self) -> None:
        _LOCK.acquire()
        self.before = ctx.prec, ctx.cap
        ctx.prec, ctx.cap = self.bits, self.length

    def __exit__(self, *_: object) -> None:
        ctx.prec, ctx.cap = self.before
        _LOCK.release()


def rational(value: int | Fraction) -> Any:
    """Give an exact rational as flint's."""
    return fmpq(value.numerator, value.denominator)


def exact_fraction(value: Any) -> Fraction | None:
    """Give the number in a ball of radius zero, unless it takes too long to write down; else None."""
    if not value.is_exact() or not value.is_finite():
        return None
    mantissa, exponent = value.man_exp()
    exponent = int(exponent)
    if abs(exponent) > _LONGEST_FRACTION:
        return None
    return Fraction(int(mantissa)) * Fraction(2) ** exponent


def dumped(ball: Any) -> Any:
    """Give a ball as integers m, e, r, f, for m·2ᵉ ± r·2ᶠ; None if it is not finite."""
    return [int(n) for part in (ball.mid(), ball.rad()) for n in part.man_exp()] if ball.is_finite() else None


def loaded(parts: Any) -> Any:
    """Give the ball that was dumped."""
    if parts is None:
        return arb("nan")
    mid, e, rad, f = parts
    below = ((rad << 64) - 1, f - 64) if rad else 0  # a radius is rounded up to the next of 30 bits: to rad itself
    return arb(arb((mid, e)), arb(below))


class BallAlgebra:
    """Arb balls at the working precision; a comparison that the balls do not decide is None."""

    def constant(self, value: Constant) -> Any:
        """Give the ball of an exact constant."""
        if isinstance(value, Named):
            return arb.pi() if value.name == "pi" else arb.const_e()
        return arb(rational(value))

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give a ball that holds the row's values at the arguments."""
        return ball_function(primitive)(*args)


BALLS = BallAlgebra()


@cache
def ball_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of balls."""
    form = primitive.ball
    if isinstance(form, str):
        return getattr(arb, form)  # type: ignore[no-any-return]
    if form is not None:
        return partial(form, flint)
    if primitive.name in OPERATORS:
        return OPERATORS[primitive.name]
    if primitive.continues is not None:
        return partial(_derivative_ball, primitive.continues)
    if primitive.removable is not None:
        return lambda x: Removable.of(primitive).coefficients(x, 1)[0]
    if primitive.definition is None:
        return lambda *args: by_definition(primitive, BALLS, args)
    return _by_formula(primitive.definition, BALLS, len(primitive.arguments), ball_function)


def _by_formula(
    rule: Rule, algebra: Algebra, count: int, function: Callable[[Primitive], Callable[..., Any]]
) -> Callable[..., Any]:
    """A formula as a function of an algebra: compiled, unless its constants depend on the precision."""
    program = trace(rule, count)
    if not all(type(c) is int and abs(c) < _SMALL for c in program.constants):
        return lambda *args: run(program, algebra, args)[0]
    emitted = Emitted(program, function, "*")
    bound: dict[int, Callable[..., list[Any]]] = {}
    """by the length of series, which constants have too"""

    def call(*args: Any) -> Any:
        compiled = bound.get(ctx.cap)
        if compiled is None:
            compiled = bound[ctx.cap] = emitted.bind([algebra.constant(c) for c in program.constants])
        return compiled(*args)[0]

    return call


class _SeriesAlgebra:
    """Truncated power series over balls, by Arb's own rules, which know nothing of the table's derivatives.

    A choice follows the sign of the constant term; where that is not proven, every coefficient is NaN.
    """

    def constant(self, value: Constant) -> Any:
        """Give a constant series."""
        return arb_series([BALLS.constant(value)])

    def apply(self, primitive: Primitive, args: Sequence[Any]) -> Any:
        """Give the row's series at series."""
        return series_function(primitive)(*args)


SERIES = _SeriesAlgebra()


@cache
def series_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of power series."""
    moving = _moving_function(primitive)
    bends = any(place.kind in ("kink", "jump") for place in primitive.places)
    if primitive.truth or not (bends or any(place.closed for place in primitive.places)):
        return moving
    still = ball_function(primitive)

    def choose(*args: Any) -> Any:
        """At its place a row has a value, and a series of what stands still."""
        for arg in args:
            if len(arg) > 1:
                found = moving(*args)
                return found if not bends or found[0].is_finite() else _value_only(still, args)
        return arb_series([still(*[arg[0] for arg in args])])

    return choose


def _value_only(still: Callable[..., Any], args: Sequence[Any]) -> Any:
    """A series of which the constant term is known, for a choice that needs no more."""
    return arb_series([still(*[arg[0] for arg in args]), *[arb("nan")] * (ctx.cap - 1)])


def _moving_function(primitive: Primitive) -> Callable[..., Any]:
    """Give a row as a function of power series of which some are no constants."""
    form, at = primitive.series, ball_function(primitive)
    if primitive.name in OPERATORS and form is None:
        return OPERATORS[primitive.name]
    if isinstance(form, str):
        return getattr(arb_series, form)  # type: ignore[no-any-return]
    if form is not None:
        return partial(form, flint)
    if primitive.removable is not None:
        return lambda x: ball_forms.composed(flint, Removable.of(primitive).coefficients(x[0], ctx.cap), x)
    if primitive.continues is not None:
        return partial(_derivative_series, primitive.continues)
    if primitive.truth:
        return lambda *args: at(*[a if a is None or isinstance(a, bool) else a[0] for a in args])
    rule = primitive.identity or primitive.definition
    if rule is None:  # a step, which does not move where it does not jump
        return lambda *args: ball_forms.constant(flint, at(*[a[0] for a in args]))
    formula = _by_formula(rule, SERIES, len(primitive.arguments), series_function)
    if primitive.ball is None:
        return formula
    return lambda *args: ball_forms.beginning(  # the identity may cancel where the row's own ball is sharp
        flint, formula(*args), at(*[a[0] for a in args])
    )


class Removable:
    """The power series of a row N/D about balls, where N and D may vanish together at a point a.

    If N(a + u) = u·M(u), the Taylor coefficients of M at u are those of N, one further, at numbers between 0 and u
    (M(u) = ∫₀¹ N′(a + tu) dt): so over a ball that holds a too, leading coefficients are left out of both.
    """

    def __init__(self, row: Primitive):
        place = row.removable
        assert place is not None
        assert row.definition is not None
        program = trace(row.definition, 1)
        whole = program.instruction_at(program.outputs[0])
        if whole is None or whole[0].name != "div":
            raise RuleError(f"the definition of {row.name}, which has a removable point, is no quotient",
                            hint="write it as one of what vanishes there")  # fmt: skip
        self.parts = replace(program, outputs=whole[1])
        self.at = place.at

    @classmethod
    @cache
    def of(cls, row: Primitive) -> Removable:
        """Give that of a row."""
        return cls(row)

    def coefficients(self, x: Any, terms: int) -> list[Any]:
        """Enclose f⁽ᵏ⁾/k! at all numbers of a ball, for k below ``terms``."""
        at = arb(rational(self.at))
        away = abs(x - at)
        if away.lower() > 0 and away.lower() >= _RADII_APART * x.rad():  # and a quotient of what is small, but not wide
            return _filled(self._quotient(x, terms, 0), terms)
        zeros = self._zeros(at)
        return _filled(self._quotient(x.union(at), terms, zeros), terms) if zeros else [arb("nan")] * terms

    def _zeros(self, at: Any) -> int:
        """How often both parts vanish at the point; 0 where that is not seen, or one does not."""
        with ball_forms.length(flint, _MOST_ZEROS):
            top, bottom = run(self.parts, SERIES, [arb_series([at, 1])])
        for n in range(_MOST_ZEROS):
            if not bottom[n].is_zero():
                return n if bottom[n] != 0 and all(top[k].contains(0) for k in range(n)) else 0
        return 0

    def _quotient(self, x: Any, terms: int, zeros: int) -> Any:
        with ball_forms.length(flint, terms + zeros):
            top, bottom = run(self.parts, SERIES, [arb_series([x, 1])])
            top, bottom = (arb_series([part[k] for k in range(zeros, zeros + terms)]) for part in (top, bottom))
            return ball_forms.ratio(flint, top, bottom)


def _filled(series: Any, terms: int) -> list[Any]:
    return [series[k] for k in range(terms)]


def _derivative_ball(row: Primitive, n: Any, x: Any) -> Any:
    """The nth derivative of a row with a removable point."""
    order = int(n.unique_fmpz())
    return Removable.of(row).coefficients(x, order + 1)[order] * math.factorial(order)


def _derivative_series(row: Primitive, n: Any, x: Any) -> Any:
    """The same of a series."""
    order, terms = int(n[0].unique_fmpz()), ctx.cap
    found = Removable.of(row).coefficients(x[0], order + terms)
    return ball_forms.composed(flint, [found[k + order] * math.perm(k + order, order) for k in range(terms)], x)


HALF_LEAST = arb(2) ** -1075  # what is smaller rounds to 0
_SPARE = 20  # decimal digits of a ball beyond those that it is rounded to


class Enclosure(NamedTuple):
    """What is proven of one component.

    The ball, the one binary64 that every number in it rounds to (if any), and an upper bound of |value − truth|.
    """

    ball: Any
    value: float | None = None
    error: float = math.inf

    @property
    def is_zero(self) -> bool:
        """Whether the component is proven to be zero, rather than to round to 0.0."""
        return bool(self.ball.is_zero())


def rounded_to(ball: Any, value: float) -> Enclosure:
    """Give a ball all of whose numbers round to a value, with the bound of the distance, in the precision held."""
    if math.isinf(value):
        return Enclosure(ball, value)
    distance = (ball - value).abs_upper()
    return Enclosure(ball, value, 0.0 if distance.is_zero() else math.nextafter(float(distance), math.inf))


def enclose(ball: Any) -> Enclosure:
    """Round every number in a ball; one that may be zero, and may be another number, is not rounded."""
    middle = float(ball)
    half = abs(middle - math.nextafter(middle, 0.0)) / 2  # its neighbour on the other side is never nearer
    if -half < ball - middle < half:
        return rounded_to(ball, middle)
    if ball.is_zero():
        return Enclosure(ball, 0.0, 0.0)
    low = float(ball.lower())
    if low != float(ball.upper()) or not ball.is_finite() or ball.contains(0):
        return Enclosure(ball)
    return rounded_to(ball, low + 0.0)  # a −0.0 becomes 0.0


def nearest(ball: Any) -> float | None:
    """The binary64 that all numbers of a ball round to, where its middle tells; None elsewhere."""
    middle = float(ball)
    if abs(ball - middle) < abs(middle - math.nextafter(middle, 0.0)) / 2:
        return middle
    return 0.0 if ball.is_zero() else None


NO_ENCLOSURE = Enclosure(arb("nan"))


def decimal_text(ball: Any, digits: int) -> str:
    """The decimal that both ends of a ball round to, half to even; empty if they round apart."""
    if not ball.is_finite():
        return ""
    middle, radius, exponent = (int(n) for n in ball.mid_rad_10exp(digits + _SPARE))
    if abs(exponent) > MAX_EMAX // 2:  # no Decimal is that small
        return ""
    context = Context(digits, ROUND_HALF_EVEN, MIN_EMIN, MAX_EMAX, 1, 0, [], [])
    low, high = (context.create_decimal(end) for end in (middle - radius, middle + radius))
    if low != high:
        return ""
    if radius == 0 and not context.flags[Inexact]:  # 6, not 6.0000
        low = low.normalize(context)
    found = low.scaleb(exponent, context)
    return format(found, "f") if found == 0 or -7 < found.adjusted() < digits else format(found, "e")
